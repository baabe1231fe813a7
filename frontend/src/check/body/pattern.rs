//! Patterns: what a value must look like, in `is`, `match`, `stop`, `on` and table cells.

use tollgate_grammar::ast::{self, BinaryOp, Literal, PatternKind, Tag};
use tollgate_grammar::source::Span;
use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;
use tollgate_runtime::kinds::net::Cidr;

use super::super::suggest::closest;
use super::super::{Body, Def, Place};
use super::coverage;
use super::operator::{comparison, condition_code};
use crate::diagnostics::catalog::{items, names as name_catalog, patterns as catalog, types};
use crate::hir::{CmpKind, EnumId, Expr, ExprKind, Pattern};
use crate::types::ty::Ty;

impl Body<'_, '_> {
    /// Checks a pattern against the type of what it looks at. What it binds stays visible; the caller ends the scope.
    pub(crate) fn pattern(&mut self, p: &ast::Pattern, subject: &Ty) -> Pattern {
        let span = p.span;
        match &p.kind {
            PatternKind::Wildcard | PatternKind::Error => Pattern::Any,
            _ if subject.is_error() => {
                self.bind_quietly(p);
                Pattern::Any
            }
            PatternKind::None => {
                if !subject.is_optional() {
                    let shown = self.show(subject);
                    let found =
                        catalog::never_none(&shown).at(span, format!("`{shown}` is always there"));
                    self.checker.sink.emit(found);
                }
                Pattern::None
            }
            PatternKind::Name(name) => self.name_pattern(name, span, subject),
            // Anything else is about what is present.
            _ => match subject {
                Ty::Opt(of) => Pattern::Some(Box::new(self.present_pattern(p, &of.clone()))),
                _ => self.present_pattern(p, subject),
            },
        }
    }

    fn present_pattern(&mut self, p: &ast::Pattern, subject: &Ty) -> Pattern {
        let span = p.span;
        match &p.kind {
            PatternKind::Wildcard | PatternKind::Error | PatternKind::None => Pattern::Any,
            PatternKind::Name(name) => self.name_pattern(name, span, subject),
            PatternKind::Value(literal) => self.value_pattern(literal, span, subject),
            PatternKind::Variant(v) => self.variant_pattern(v, span, subject),
            PatternKind::Range(range) => self.range_pattern(range, subject),
            PatternKind::Compare(op, bound) => self.compare_pattern(*op, bound, span, subject),
            PatternKind::Set(parts) => {
                let mut all = Vec::with_capacity(parts.len());
                let mut told = false;
                for part in parts {
                    let before = self.visible.len();
                    all.push(self.pattern(part, subject));
                    if let Some((name, local)) = self.visible.get(before) {
                        let (name, at) = (name.clone(), self.locals[*local].span);
                        let found = catalog::binding_in_alternatives(&name)
                            .at(at, "which of the alternatives would it come from?")
                            .at(span, "one of these");
                        if !told {
                            self.checker.sink.emit(found);
                        }
                        told = true;
                        self.visible.truncate(before);
                    }
                }
                Pattern::OneOf(all)
            }
            PatternKind::List(parts) => {
                let Ty::List(of, _) = subject else {
                    return self.wrong_pattern("a list", span, subject);
                };
                let of = of.clone();
                Pattern::List(parts.iter().map(|part| self.pattern(part, &of)).collect())
            }
        }
    }

    fn wrong_pattern(&mut self, what: &str, span: Span, subject: &Ty) -> Pattern {
        let shown = self.show(subject);
        let found =
            catalog::pattern_mismatch(what, &shown).at(span, format!("the value is `{shown}`"));
        self.checker.sink.emit(found);
        Pattern::Any
    }

    /// A variant, a constant, or else a new name.
    fn name_pattern(&mut self, name: &ast::Symbol, span: Span, subject: &Ty) -> Pattern {
        let some = |p: Pattern| {
            if subject.is_optional() {
                Pattern::Some(Box::new(p))
            } else {
                p
            }
        };
        if let Some((_, tag)) = self.variant_of_hint(name, Some(subject)) {
            return some(Pattern::Variant {
                tag,
                fields: Vec::new(),
            });
        }
        match self.find(name).map(|e| e.def) {
            Some(Def::Error) => return Pattern::Any,
            Some(Def::Const(constant)) => {
                let (ty, value) = (constant.ty.clone(), constant.value.clone());
                return some(self.constant_pattern(&ty, value, span, subject.present()));
            }
            _ => {}
        }
        // A noun that is no variant is a slip, not a new name: it would match everything.
        if name.chars().next().is_some_and(char::is_uppercase) {
            let found = match subject.present() {
                Ty::Enum(id) => self.unknown_variant(*id, name, span),
                _ => name_catalog::unknown_name(name).at(span, "neither a variant nor a constant; a name that binds begins with a small letter"),
            };
            self.checker.sink.emit(found);
            return Pattern::Any;
        }
        let name = ast::Name {
            text: name.clone(),
            span,
        };
        Pattern::Bind(self.bind_new(&name, subject.clone()))
    }

    fn value_pattern(&mut self, literal: &Literal, span: Span, subject: &Ty) -> Pattern {
        if let Literal::Tagged(tagged) = literal
            && matches!(tagged.tag, Tag::Path | Tag::Glob | Tag::Regex)
        {
            let found = catalog::pattern_as_value(tagged.tag.symbol())
                .at(span, "a text pattern stands right of `matches`");
            self.checker.sink.emit(found);
            return Pattern::Any;
        }
        let value = self.literal(literal, span, Some(subject));
        match value.value() {
            Some(v) => {
                let v = v.clone();
                self.constant_pattern(&value.ty, v, span, subject)
            }
            None => Pattern::Any,
        }
    }

    /// A value where a pattern stands: an address is looked for in a network or a set of them.
    fn constant_pattern(&mut self, ty: &Ty, value: Value, span: Span, subject: &Ty) -> Pattern {
        match (subject, ty, &value) {
            (_, Ty::Error, _) => return Pattern::Any,
            (Ty::Ip, Ty::Cidr, Value::Cidr(net)) => return Pattern::InCidr(*net),
            (_, Ty::Set(of, _) | Ty::List(of, _), Value::Seq(values))
                if !matches!(subject, Ty::List(..) | Ty::Set(..)) =>
            {
                let of = of.clone();
                let values = values.to_vec();
                let all = values.into_iter();
                return Pattern::OneOf(
                    all.map(|v| self.constant_pattern(&of, v, span, subject))
                        .collect(),
                );
            }
            _ => {}
        }
        let alike = match (subject, ty) {
            (Ty::Num(a, _), Ty::Num(b, _)) => a == b,
            (a, b) => a.join(b).is_some() && comparison(a).is_some(),
        };
        if !alike {
            let what = self.show(ty);
            return self.wrong_pattern(&format!("`{what}`"), span, subject);
        }
        if let (Some(all), Value::Int(v)) = (subject.interval(), &value)
            && !(all.lo <= i128::from(*v) && i128::from(*v) <= all.hi)
        {
            let shown = self.show(subject);
            let found =
                catalog::pattern_never_matches().at(span, format!("the value is `{shown}`"));
            self.checker.sink.emit(found);
        }
        Pattern::Value(value)
    }

    fn variant_pattern(&mut self, v: &ast::VariantPattern, span: Span, subject: &Ty) -> Pattern {
        let Ty::Enum(id) = subject else {
            let found = self.wrong_pattern(&format!("the variant `{}`", v.name), span, subject);
            for arg in v.args.iter().flatten() {
                self.bind_quietly(&arg.pattern);
            }
            return found;
        };
        let id = *id;
        if let Some(qualifier) = &v.qualifier {
            match self.find(&qualifier.text).map(|e| e.def) {
                Some(Def::Enum(named) | Def::Alias(Ty::Enum(named))) if named == id => {}
                Some(Def::Error) => return Pattern::Any,
                _ => {
                    return self.wrong_pattern(&format!("`{qualifier}`"), qualifier.span, subject);
                }
            }
        }
        let Some(tag) = self.variant(id, &v.name.text) else {
            let found = self.unknown_variant(id, &v.name.text, v.name.span);
            self.checker.sink.emit(found);
            for arg in v.args.iter().flatten() {
                self.bind_quietly(&arg.pattern);
            }
            return Pattern::Any;
        };
        let mut fields = Vec::new();
        let mut position = 0;
        for arg in v.args.iter().flatten() {
            let Some(index) = self.pattern_field(id, tag, arg, &mut position) else {
                self.bind_quietly(&arg.pattern);
                continue;
            };
            if let Some((_, _)) = fields.iter().find(|(i, _)| *i == index) {
                let name = self.checker.program.enums[id].variants[tag as usize].fields
                    [index as usize]
                    .name
                    .clone();
                let found =
                    types::duplicate_argument(&name).at(arg.pattern.span, "given again here");
                self.checker.sink.emit(found);
                continue;
            }
            let ty = self.checker.program.enums[id].variants[tag as usize].fields[index as usize]
                .ty
                .clone();
            fields.push((index, self.pattern(&arg.pattern, &ty)));
        }
        Pattern::Variant { tag, fields }
    }

    /// The field that an argument of a variant pattern is about.
    fn pattern_field(
        &mut self,
        id: EnumId,
        tag: u32,
        arg: &ast::PatternArg,
        position: &mut usize,
    ) -> Option<u32> {
        let variant = &self.checker.program.enums[id].variants[tag as usize];
        let (variant_name, declared) = (variant.name.clone(), variant.span);
        let index = match &arg.name {
            Some(name) => variant.fields.iter().position(|f| *f.name == *name.text),
            None => {
                *position += 1;
                (*position <= variant.fields.len()).then(|| *position - 1)
            }
        };
        if let Some(index) = index {
            return Some(index as u32);
        }
        let found = match &arg.name {
            Some(name) => {
                let mut found = types::unknown_argument(&variant_name, name)
                    .at(name.span, format!("no field of `{variant_name}`"));
                if let Some(near) = closest(&name.text, variant.fields.iter().map(|f| &*f.name)) {
                    found = found.suggest(format!("did you mean `{near}`?"), name.span, near);
                }
                found
            }
            None => types::too_many_arguments(&variant_name, variant.fields.len())
                .at(arg.pattern.span, "one too many"),
        };
        self.checker.sink.emit(found.at(declared, "declared here"));
        None
    }

    fn range_pattern(&mut self, range: &ast::Range, subject: &Ty) -> Pattern {
        let Ty::Num(..) = subject else {
            return self.wrong_pattern("a range", range.span, subject);
        };
        match self.range_ends(range, subject) {
            Some((lo, hi)) => Pattern::Range(lo, hi),
            None => Pattern::Any,
        }
    }

    /// The constant ends of a range of the subject's unit, both included.
    fn range_ends(&mut self, range: &ast::Range, subject: &Ty) -> Option<(i64, i64)> {
        let (low, high) = (
            self.bound(&range.low, subject),
            self.bound(&range.high, subject),
        );
        let (Some(Value::Int(lo)), Some(Value::Int(mut hi))) = (low, high) else {
            return None;
        };
        if !range.inclusive {
            hi = hi.saturating_sub(1);
        }
        if lo > hi {
            let found = items::empty_range().at(range.span, "holds no value");
            self.checker.sink.emit(found);
            return None;
        }
        Some((lo, hi))
    }

    fn compare_pattern(
        &mut self,
        op: BinaryOp,
        bound: &ast::Expr,
        span: Span,
        subject: &Ty,
    ) -> Pattern {
        let (Some(cc), Some(value)) = (condition_code(op), self.bound(bound, subject)) else {
            return Pattern::Any;
        };
        match (comparison(subject), cc) {
            (Some(_), Cc::Eq) => Pattern::Value(value),
            (Some(CmpKind::Same) | None, cc) if cc != Cc::Ne || matches!(subject, Ty::List(..)) => {
                self.wrong_pattern("a comparison", span, subject)
            }
            (Some(kind), cc) => Pattern::Compare(kind, cc, value),
            (None, _) => Pattern::Any,
        }
    }

    /// A literal or a constant of the subject's kind.
    fn bound(&mut self, e: &ast::Expr, subject: &Ty) -> Option<Value> {
        let value = self.infer(e, Some(subject));
        if value.ty.is_error() {
            return None;
        }
        let Some(constant) = value.value().cloned() else {
            let found =
                types::not_constant().at(e.span, "a bound of a pattern is a literal or a constant");
            self.checker.sink.emit(found);
            return None;
        };
        let alike = match (subject, &value.ty) {
            (Ty::Num(a, _), Ty::Num(b, _)) => a == b,
            (a, b) => a.join(b).is_some() && !b.is_optional(),
        };
        if !alike {
            let what = self.show(&value.ty);
            self.wrong_pattern(&format!("`{what}`"), e.span, subject);
            return None;
        }
        Some(constant)
    }

    /// Binds the names of a pattern that was not understood, so that their uses are not reported as well.
    fn bind_quietly(&mut self, p: &ast::Pattern) {
        match &p.kind {
            PatternKind::Name(name) => {
                if self.find(name).is_none() && !name.chars().next().is_some_and(char::is_uppercase)
                {
                    let name = ast::Name {
                        text: name.clone(),
                        span: p.span,
                    };
                    self.bind(&name, Ty::Error);
                }
            }
            PatternKind::Variant(v) => {
                for arg in v.args.iter().flatten() {
                    self.bind_quietly(&arg.pattern);
                }
            }
            PatternKind::List(parts) => parts.iter().for_each(|part| self.bind_quietly(part)),
            PatternKind::Wildcard
            | PatternKind::None
            | PatternKind::Value(_)
            | PatternKind::Range(_)
            | PatternKind::Compare(..)
            | PatternKind::Set(_)
            | PatternKind::Error => {}
        }
    }

    /// `e is pattern`
    pub(super) fn is(&mut self, e: &ast::Is, span: Span) -> Expr {
        let subject = self.infer(&e.value, None);
        let absent = matches!(
            e.pattern.kind,
            PatternKind::None | PatternKind::Wildcard | PatternKind::Error
        );
        if subject.ty.is_optional() && !absent && self.place != Place::Test {
            self.bind_quietly(&e.pattern);
            return self.missing_answer(&subject, "it is compared with a pattern");
        }
        let pattern = self.pattern(&e.pattern, &subject.ty.clone());
        if subject.ty.is_error() {
            return Expr::error(span);
        }
        Expr::new(ExprKind::Is(Box::new(subject), pattern), Ty::Bool, span)
    }

    /// `match e { … }`: the arms cover every value.
    pub(super) fn match_(&mut self, e: &ast::Match, span: Span, hint: Option<&Ty>) -> Expr {
        let subject = self.infer(&e.subject, None);
        let (mut patterns, mut values) = (Vec::new(), Vec::<Expr>::new());
        // Behind an arm `none`, a name stands for what is present.
        let mut ty = subject.ty.clone();
        let (mut clean, mut count) = (true, self.checker.sink.count());
        for arm in &e.arms {
            let scope = self.enter();
            let mut pattern = self.pattern(&arm.pattern, &ty);
            clean &= self.checker.sink.count() == count;
            if ty != subject.ty && !matches!(pattern, Pattern::None | Pattern::Any) {
                pattern = Pattern::Some(Box::new(pattern));
            }
            let first = values.first().map(|v| v.ty.clone());
            let value = self.without_answers("under `match`", |b| {
                b.infer(&arm.value, hint.or(first.as_ref()))
            });
            self.leave(scope);
            count = self.checker.sink.count();
            if matches!(pattern, Pattern::None) {
                ty = ty.present().clone();
            }
            patterns.push(pattern);
            values.push(value);
        }
        if subject.ty.is_error() {
            return Expr::error(span);
        }
        // What is wrong with a pattern would show again in what the arms cover.
        if clean {
            self.check_arms(e, &subject, &patterns);
        }
        let ty = self.join("arms of this `match`", &mut values, hint);
        if ty.is_error() {
            return Expr::error(span);
        }
        let arms = patterns.into_iter().zip(values).collect();
        Expr::new(ExprKind::Match(Box::new(subject), arms), ty, span)
    }

    fn check_arms(&mut self, e: &ast::Match, subject: &Expr, patterns: &[Pattern]) {
        let columns = [subject.ty.clone()];
        let rows: Vec<Vec<Pattern>> = patterns.iter().map(|p| vec![p.clone()]).collect();
        if let Some(witness) = coverage::missing(&columns, &rows, &self.checker.program) {
            let witness = witness.join(", ");
            // What to put into the arm only the author knows, so there is no edit.
            let found = catalog::match_not_exhaustive(&witness)
                .at(e.subject.span, format!("this can be {witness}"))
                .help(format!("add an arm for it: `{witness} => …`"))
                .help("or an arm `_ => …` for everything else");
            self.checker.sink.emit(found);
        }
        for row in coverage::unreachable(&columns, &rows, &self.checker.program) {
            let found = catalog::unreachable_arm().at(
                e.arms[row].pattern.span,
                "the arms above take every value it could take",
            );
            self.checker.sink.emit(found);
        }
    }

    /// `on RideCompleted(ride)`, `on POST p"/v1/charges/{id}"`: the first operands of a rule's spine, about its first
    /// parameter. What they bind stays visible.
    pub(crate) fn on_pattern(&mut self, on: &ast::OnPattern, subject: &Expr) -> Vec<Expr> {
        match on {
            ast::OnPattern::Pattern(p) => {
                let pattern = self.pattern(p, &subject.ty);
                let kind = ExprKind::Is(Box::new(subject.clone()), pattern);
                vec![Expr::new(kind, Ty::Bool, p.span)]
            }
            ast::OnPattern::Route { method, path } => {
                let field = |b: &Self, name: &str| {
                    let Ty::Record(id) = subject.ty else {
                        return None;
                    };
                    let index = b.field_index(id, name)?;
                    let ty = b.checker.program.records[id].fields[index as usize]
                        .ty
                        .clone();
                    Some(Expr::new(
                        ExprKind::Field(Box::new(subject.clone()), index),
                        ty,
                        subject.span,
                    ))
                };
                let (Some(of_method), Some(of_path)) = (field(self, "method"), field(self, "path"))
                else {
                    if !subject.ty.is_error() {
                        let shown = self.show(&subject.ty);
                        let found = catalog::on_without_route(&shown)
                            .at(method.span.to(path.span), "a method and a path")
                            .at(
                                subject.span,
                                format!("`{shown}` has no fields `method` and `path`"),
                            );
                        self.checker.sink.emit(found);
                    }
                    return vec![Expr::error(path.span)];
                };
                let pattern = self.pattern(method, &of_method.ty);
                let method_at = method.span;
                let method = Expr::new(
                    ExprKind::Is(Box::new(of_method), pattern),
                    Ty::Bool,
                    method_at,
                );
                let path = self.matches_pattern(of_path, path, path.span);
                vec![method, path]
            }
        }
    }
}

/// The network as a pattern of one column, for coverage.
pub(super) fn network(net: Cidr) -> (u128, u128) {
    let lo = net.base().bits();
    let host = 128 - u32::from(net.bits());
    let mask = if host == 128 {
        u128::MAX
    } else {
        (1u128 << host) - 1
    };
    (lo, lo | mask)
}
