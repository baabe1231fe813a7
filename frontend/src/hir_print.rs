//! The typed tree as text, for a person who wants to see what the checker understood: close to the source, with every
//! operation spelled out and every `and` in a line of its own. Nobody reads this back.

use std::fmt::Write as _;

use tollgate_runtime::Value;

use crate::hir::{
    BinOp, Callee, Expr, ExprKind, Field, Locals, Pattern, Policy, Program, Quantifier, RuleSet,
    UnOp,
};
use crate::types::ty::Ty;

mod tests;

/// Prints a program: its own types, functions, rule sets, pipelines and tests, and those of the library that it uses. Linear.
pub fn print(program: &Program) -> String {
    let mut printer = Printer {
        program,
        out: String::new(),
    };
    printer.program();
    printer.out
}

struct Printer<'p> {
    program: &'p Program,
    out: String,
}

impl Printer<'_> {
    fn program(&mut self) {
        let program = self.program;
        for record in program.records.values() {
            self.line(0, format_args!("record {} {{", record.name));
            self.fields(&record.fields);
            self.line(0, format_args!("}}"));
        }
        for item in program.enums.values() {
            self.line(0, format_args!("enum {} {{", item.name));
            for variant in &item.variants {
                if variant.fields.is_empty() {
                    self.line(1, format_args!("{}", variant.name));
                    continue;
                }
                let fields: Vec<String> = variant.fields.iter().map(|f| self.field(f)).collect();
                self.line(1, format_args!("{}({})", variant.name, fields.join(", ")));
            }
            self.line(0, format_args!("}}"));
        }
        for refinement in program.refinements.values() {
            let text = refinement.regex.text();
            self.line(
                0,
                format_args!("type {} = String matching re{text:?}", refinement.name),
            );
        }
        for data in program.data.values() {
            let ty = self.ty(&data.ty);
            self.line(0, format_args!("data {}: {ty}", data.name));
        }
        for stream in program.streams.values() {
            let event = &program.records[stream.event].name;
            self.line(0, format_args!("stream {}: {event}", stream.name));
        }
        for state in program.states.values() {
            let key = state.key.as_ref();
            let key = key.map_or(String::new(), |key| format!(" by {}", self.ty(key)));
            let (name, kind) = (&state.name, state.kind.name());
            let failure = state.on_failure;
            self.line(
                0,
                format_args!("state {name}: {kind}{key} on failure {failure:?}"),
            );
        }
        for function in program.fns.values() {
            let params = self.params(&function.params, &function.locals);
            let (result, body) = (
                self.ty(&function.result),
                self.expr(&function.body, &function.locals),
            );
            self.line(
                0,
                format_args!("fn {}({params}) -> {result} = {body}", function.name),
            );
        }
        for set in program.rulesets.values() {
            self.ruleset(set);
        }
        for pipeline in program.pipelines.values() {
            let params = self.params(&pipeline.params, &pipeline.locals);
            let result = self.ty(&pipeline.result);
            self.line(
                0,
                format_args!("pipeline {}({params}) -> {result} {{", pipeline.name),
            );
            let locals = &pipeline.locals;
            for stage in &pipeline.stages {
                let (name, value) = (&locals[stage.local].name, self.expr(&stage.value, locals));
                let stop = stage
                    .stop
                    .as_ref()
                    .map_or(String::new(), |(pattern, value)| {
                        format!(
                            " stop {} => {}",
                            self.pattern(pattern, &stage.value.ty, locals),
                            self.expr(value, locals)
                        )
                    });
                self.line(1, format_args!("stage {name} = {value}{stop}"));
            }
            let then = self.expr(&pipeline.then, locals);
            self.line(1, format_args!("then {then}"));
            self.line(0, format_args!("}}"));
        }
        for test in &program.tests {
            self.test(test);
            self.line(0, format_args!("}}"));
        }
    }

    fn ruleset(&mut self, set: &RuleSet) {
        let params = self.params(&set.params, &set.locals);
        let (result, locals) = (self.ty(&set.result), &set.locals);
        let policy = match &set.policy {
            Policy::First => "first".into(),
            Policy::Unique => "unique".into(),
            Policy::Any => "any".into(),
            Policy::All => "all".into(),
            Policy::Best { key, .. } => format!("best by ({})", self.expr(key, locals)),
            Policy::Sum => "sum".into(),
        };
        self.line(
            0,
            format_args!("ruleset {}({params}) -> {result} hit {policy} {{", set.name),
        );
        for (id, group) in set.groups.iter() {
            let parent = group
                .parent
                .map_or(String::new(), |p| format!(" in group{}", p.0));
            self.line(1, format_args!("group{}{parent}", id.0));
            self.spine(&group.spine, locals);
        }
        for rule in &set.rules {
            let group = rule
                .group
                .map_or(String::new(), |g| format!(" in group{}", g.0));
            self.line(1, format_args!("rule {}{group}", rule.name));
            self.spine(&rule.spine, locals);
            for outcome in &rule.outcomes {
                let outcome = self.expr(outcome, locals);
                self.line(2, format_args!("then {outcome}"));
            }
        }
        if let Some(value) = &set.otherwise {
            let value = self.expr(value, locals);
            self.line(1, format_args!("otherwise {value}"));
        }
        self.line(0, format_args!("}}"));
    }

    fn spine(&mut self, spine: &[Expr], locals: &Locals) {
        for (i, operand) in spine.iter().enumerate() {
            let operand = self.expr(operand, locals);
            let word = if i == 0 { "when" } else { " and" };
            self.line(2, format_args!("{word} {operand}"));
        }
    }

    fn line(&mut self, depth: usize, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:1$}{text}", "", 2 * depth);
    }

    fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            let field = self.field(field);
            self.line(1, format_args!("{field}"));
        }
    }

    fn field(&self, field: &Field) -> String {
        let default = field.default.as_ref();
        let default = default.map_or(String::new(), |v| {
            format!(" = {}", self.value(v, &field.ty))
        });
        format!("{}: {}{default}", field.name, self.ty(&field.ty))
    }

    fn params(&self, params: &[crate::hir::LocalId], locals: &Locals) -> String {
        let params = params.iter().map(|p| &locals[*p]);
        let params = params.map(|p| format!("{}: {}", p.name, self.ty(&p.ty)));
        params.collect::<Vec<_>>().join(", ")
    }

    fn ty(&self, ty: &Ty) -> String {
        ty.show(self.program).to_string()
    }

    /// A constant, by its type as far as that helps: variants by name, numbers with their unit.
    fn value(&self, value: &Value, ty: &Ty) -> String {
        let all = |values: &[Value], of: &Ty| {
            let values: Vec<String> = values.iter().map(|v| self.value(v, of)).collect();
            values.join(", ")
        };
        match (value, ty) {
            (Value::None, _) => "none".into(),
            (value, Ty::Opt(of)) => self.value(value, of),
            (Value::Int(v), Ty::Num(unit, _)) => crate::types::literal(*unit, (*v).into()),
            (Value::Variant(tag, fields), Ty::Enum(id)) => {
                match self.program.enums[*id].variants.get(*tag as usize) {
                    Some(variant) if fields.is_empty() => variant.name.to_string(),
                    Some(variant) => {
                        let fields = fields.iter().zip(&variant.fields);
                        let fields = fields.map(|(v, f)| self.value(v, &f.ty));
                        format!(
                            "{}({})",
                            variant.name,
                            fields.collect::<Vec<_>>().join(", ")
                        )
                    }
                    None => format!("#{tag}"),
                }
            }
            (Value::Seq(values), Ty::Record(id)) => {
                let record = &self.program.records[*id];
                let fields = values.iter().zip(&record.fields);
                let fields = fields.map(|(v, f)| format!("{}: {}", f.name, self.value(v, &f.ty)));
                format!("{}({})", record.name, fields.collect::<Vec<_>>().join(", "))
            }
            (Value::Seq(values), Ty::List(of, _)) => format!("[{}]", all(values, of)),
            (Value::Seq(values), Ty::Set(of, _)) => format!("{{{}}}", all(values, of)),
            (Value::Seq(values), Ty::Map(key, of, _)) => {
                let pair = |pair: &[Value]| match pair {
                    [k, v] => format!("{}: {}", self.value(k, key), self.value(v, of)),
                    _ => String::new(),
                };
                let pairs: Vec<String> = values.chunks(2).map(pair).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            (Value::Str(text), _) => format!("{text:?}"),
            (Value::Bool(v), _) => v.to_string(),
            (Value::Float(v), _) => format!("{v:?}"),
            (Value::Ip(v), _) => format!("ip\"{v}\""),
            (Value::Cidr(v), _) => format!("ip\"{v}\""),
            (Value::Int(v), _) => v.to_string(),
            (Value::Bytes(v), _) => format!("{v:?}"),
            (Value::Variant(tag, _), _) => format!("#{tag}"),
            (Value::Seq(values), _) => format!("[{}]", all(values, ty)),
        }
    }

    /// An expression. Nesting is bounded by the parser.
    fn expr(&self, expr: &Expr, locals: &Locals) -> String {
        use ExprKind as E;
        let show = |e: &Expr| self.expr(e, locals);
        let all = |items: &[Expr]| items.iter().map(show).collect::<Vec<_>>().join(", ");
        let chain = |items: &[Expr], word: &str| {
            format!(
                "({})",
                items.iter().map(show).collect::<Vec<_>>().join(word)
            )
        };
        match &expr.kind {
            E::Error => "<error>".into(),
            E::Const(value) => self.value(value, &expr.ty),
            E::Local(local) => locals[*local].name.to_string(),
            E::Data(data) => self.program.data[*data].name.to_string(),
            E::DecisionId => "decision.id".into(),
            E::DecisionTime => "decision.time".into(),
            E::Unary(op, a) => format!("{}({})", unary(*op), show(a)),
            E::Binary(op, a, b) => match infix(*op) {
                Some(sign) => format!("({} {sign} {})", show(a), show(b)),
                None => format!("{}({}, {})", prefix(*op), show(a), show(b)),
            },
            E::Compare(_, cc, a, b) => format!("({} {} {})", show(a), cc.sign(), show(b)),
            E::Not(a) => format!("not {}", show(a)),
            E::And(items) => chain(items, " and "),
            E::Or(items) => chain(items, " or "),
            E::If(c, a, b) => format!("if ({}) then {} else {}", show(c), show(a), show(b)),
            E::Match(subject, arms) => {
                let arm = |(p, v): &(Pattern, Expr)| {
                    format!("{} => {}", self.pattern(p, &subject.ty, locals), show(v))
                };
                let arms: Vec<String> = arms.iter().map(arm).collect();
                format!("match {} {{ {} }}", show(subject), arms.join(", "))
            }
            E::Let(local, value) => format!("let {} = {}", locals[*local].name, show(value)),
            E::Is(a, pattern) => {
                format!("({} is {})", show(a), self.pattern(pattern, &a.ty, locals))
            }
            E::Matches(a, pattern, captures) => {
                let bound = captures.iter().map(|c| {
                    let refined = c.refined.map(|r| &*self.program.refinements[r].name);
                    let refined = refined.map_or(String::new(), |name| format!(": {name}"));
                    format!(" {}{refined}", locals[c.local].name)
                });
                let bound: String = bound.collect();
                format!("({} matches {}{bound})", show(a), text_pattern(pattern))
            }
            E::InRange(a, lo, hi) => format!("({} in {} .. {})", show(a), show(lo), show(hi)),
            E::Contains(all, a) | E::CidrHas(all, a) | E::CidrsHave(all, a) => {
                format!("({} in {})", show(a), show(all))
            }
            E::Some(a) => show(a),
            E::IsSome(a) => format!("{}.present", show(a)),
            E::UnwrapOr(a, b) | E::OrElse(a, b) => format!("({} ?? {})", show(a), show(b)),
            E::OrSkip(a) => format!("({} ?? skip)", show(a)),
            E::OrDeny(a) => format!("({} ?? deny)", show(a)),
            E::Field(a, index) | E::OptField(a, index) => {
                format!("{}.{}", show(a), self.field_name(a.ty.present(), *index))
            }
            E::Record(id, fields) => format!("{}({})", self.program.records[*id].name, all(fields)),
            E::Variant(id, tag, fields) => {
                let name = &self.program.enums[*id].variants[*tag as usize].name;
                if fields.is_empty() {
                    name.to_string()
                } else {
                    format!("{name}({})", all(fields))
                }
            }
            E::List(items) => format!("[{}]", all(items)),
            E::Set(items) => format!("{{{}}}", all(items)),
            E::Map(entries) => {
                let entry = |(k, v): &(Expr, Expr)| format!("{}: {}", show(k), show(v));
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
            E::Len(a) => format!("len({})", show(a)),
            E::Get(a, b) | E::Lookup(a, b) => format!("{}[{}]", show(a), show(b)),
            E::Single(a) => format!("{}.single", show(a)),
            E::Quantify {
                quantifier,
                local,
                over,
                filter,
                value,
            } => {
                let filter = filter
                    .as_ref()
                    .map_or(String::new(), |f| format!(" where {}", show(f)));
                let value = value
                    .as_ref()
                    .map_or(String::new(), |v| format!(" => {}", show(v)));
                let name = &locals[*local].name;
                format!(
                    "{}({name} in {}{filter}{value})",
                    quantified(*quantifier),
                    show(over)
                )
            }
            E::Call(id, args) => format!("{}({})", self.program.fns[*id].name, all(args)),
            E::Decide {
                callee,
                args,
                marked,
            } => {
                let name = match callee {
                    Callee::RuleSet(id) => &self.program.rulesets[*id].name,
                    Callee::Pipeline(id) => &self.program.pipelines[*id].name,
                };
                let word = if *marked { "marked " } else { "" };
                format!("{word}{name}({})", all(args))
            }
            E::Ask(place, args) => {
                let place = &self.program.places[*place];
                let states = place.states.iter().map(|s| &*self.program.states[*s].name);
                let states = states.collect::<Vec<_>>().join(", ");
                format!("{states}.{}({})", place.operation.name(), all(args))
            }
            E::Native(native, args) => format!("{}({})", native.name, all(args)),
            E::PathJoin(parts) => format!("path({})", all(parts)),
        }
    }

    fn field_name(&self, ty: &Ty, index: u32) -> String {
        let name = match ty {
            Ty::Record(id) => self.program.records[*id].fields.get(index as usize),
            _ => None,
        };
        name.map_or_else(|| index.to_string(), |f| f.name.to_string())
    }

    /// What a pattern asks of a value of a type.
    fn pattern(&self, pattern: &Pattern, ty: &Ty, locals: &Locals) -> String {
        let all = |items: &[Pattern], of: &Ty| {
            let items: Vec<String> = items.iter().map(|p| self.pattern(p, of, locals)).collect();
            items.join(", ")
        };
        match pattern {
            Pattern::Any => "_".into(),
            Pattern::Bind(local) => locals[*local].name.to_string(),
            Pattern::Value(value) => self.value(value, ty),
            Pattern::Compare(_, cc, value) => format!("{} {}", cc.sign(), self.value(value, ty)),
            Pattern::Range(lo, hi) => {
                let bound = |v: i64| self.value(&Value::Int(v), ty);
                format!("{} .. {}", bound(*lo), bound(*hi))
            }
            Pattern::OneOf(items) => format!("{{{}}}", all(items, ty)),
            Pattern::Variant { tag, fields } => {
                let variant = match ty {
                    Ty::Enum(id) => self.program.enums[*id].variants.get(*tag as usize),
                    _ => None,
                };
                let Some(variant) = variant else {
                    return format!("#{tag}");
                };
                if fields.is_empty() {
                    return variant.name.to_string();
                }
                let field = |(index, pattern): &(u32, Pattern)| {
                    let field = &variant.fields[*index as usize];
                    let pattern = self.pattern(pattern, &field.ty, locals);
                    format!("{}: {pattern}", field.name)
                };
                let fields: Vec<String> = fields.iter().map(field).collect();
                format!("{}({})", variant.name, fields.join(", "))
            }
            Pattern::List(items) => match ty {
                Ty::List(of, _) => format!("[{}]", all(items, of)),
                _ => format!("[{}]", all(items, &Ty::Error)),
            },
            Pattern::InCidr(net) => format!("ip\"{net}\""),
            Pattern::None => "none".into(),
            Pattern::Some(inner) => self.pattern(inner, ty.present(), locals),
        }
    }
}

fn text_pattern(pattern: &tollgate_runtime::Pattern) -> String {
    match pattern {
        tollgate_runtime::Pattern::Path(p) => format!("p{:?}", p.text()),
        tollgate_runtime::Pattern::Glob(p) => format!("glob{:?}", p.text()),
        tollgate_runtime::Pattern::Regex(p) => format!("re{:?}", p.text()),
    }
}

fn unary(op: UnOp) -> &'static str {
    match op {
        UnOp::IntNeg | UnOp::FloatNeg => "-",
        UnOp::IntAbs => "abs",
        UnOp::Round => "round",
        UnOp::ToFloat => "float",
    }
}

fn infix(op: BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::IntAdd | BinOp::FloatAdd => "+",
        BinOp::IntSub | BinOp::FloatSub => "-",
        BinOp::IntMul | BinOp::FloatMul | BinOp::PercentMul => "*",
        BinOp::IntDiv | BinOp::FloatDiv | BinOp::PercentDiv => "/",
        BinOp::IntAddSat => "+|",
        BinOp::IntSubSat => "-|",
        BinOp::IntMulSat => "*|",
        BinOp::IntMod | BinOp::IntMin | BinOp::IntMax => return None,
    })
}

fn prefix(op: BinOp) -> &'static str {
    match op {
        BinOp::IntMin => "min",
        BinOp::IntMax => "max",
        _ => "mod",
    }
}

fn quantified(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Any => "any",
        Quantifier::All => "all",
        Quantifier::Only => "only",
        Quantifier::No => "no",
        Quantifier::Count => "count",
        Quantifier::Sum => "sum",
    }
}
