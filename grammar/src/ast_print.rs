//! The tree and the tokens as text, for a person who wants to see what the parser made of a file.
//!
//! One node a line, children indented, each with its bytes. Nobody reads this back.

use crate::ast::*;
use crate::source::{FileId, SourceFile, Span};
use std::fmt::{self, Write as _};

mod tests;

/// Prints a tree.
///
/// ```
/// use tollgate_grammar::{FileId, ast_print, parse};
/// let parse = parse(FileId(0), "const limit = 2 * base");
/// assert_eq!(ast_print::print(&parse.ast), "\
/// file 0..22
///   const limit 0..22
///     * 14..22
///       Int(2) 14..15
///       name base 18..22
/// ");
/// ```
#[must_use]
pub fn print(file: &File) -> String {
    let mut printer = Printer {
        out: String::new(),
        depth: 0,
        places: true,
    };
    printer.file(file);
    printer.out
}

/// Prints a tree without the bytes of its nodes: two texts that mean the same print the same.
///
/// ```
/// use tollgate_grammar::{FileId, ast_print, parse};
/// let shape = |text| ast_print::shape(&parse(FileId(0), text).ast);
/// assert_eq!(shape("const limit = 2 * base"), shape("const limit=(2)*base # of the old plan"));
/// assert_ne!(shape("const limit = 2 * base"), shape("const limit = base * 2"));
/// ```
#[must_use]
pub fn shape(file: &File) -> String {
    let mut printer = Printer {
        out: String::new(),
        depth: 0,
        places: false,
    };
    printer.file(file);
    printer.out
}

/// Prints the tokens of a file, one a line: place, kind, spelling. O(length).
///
/// ```
/// use tollgate_grammar::{SourceMap, ast_print};
/// let mut map = SourceMap::new();
/// let id = map.add("a.rules", "cost 5 EUR");
/// assert_eq!(ast_print::print_tokens(id, map.file(id)), "1:1 Cost cost\n1:6 Money 5 EUR\n");
/// ```
#[must_use]
pub fn print_tokens(id: FileId, file: &SourceFile) -> String {
    let mut out = String::new();
    for token in crate::tokens(id, file.text()) {
        let text = &file.text()[token.start as usize..token.end as usize];
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{} {:?} {text}",
            file.position(token.start),
            token.kind
        );
    }
    out
}

struct Printer {
    out: String,
    depth: usize,
    /// Whether the bytes of a node are printed.
    places: bool,
}

impl Printer {
    fn line(&mut self, span: Span, label: fmt::Arguments<'_>) {
        let width = self.depth * 2;
        let _ = match self.places {
            true => writeln!(self.out, "{:width$}{label} {span:?}", ""),
            false => writeln!(self.out, "{:width$}{label}", ""),
        };
    }

    fn node(&mut self, span: Span, label: fmt::Arguments<'_>, parts: impl FnOnce(&mut Self)) {
        self.line(span, label);
        self.depth += 1;
        parts(self);
        self.depth -= 1;
    }

    fn docs(&mut self, docs: &Docs) {
        if let Some(doc) = docs {
            self.line(doc.span, format_args!("doc {:?}", doc.text));
        }
    }

    fn file(&mut self, file: &File) {
        self.node(file.span, format_args!("file"), |p| {
            if let Some(edition) = &file.edition {
                p.line(edition.span, format_args!("edition {}", edition.year));
            }
            if let Some(module) = &file.module {
                p.line(module.span, format_args!("module {module}"));
            }
            file.items.iter().for_each(|item| p.item(item));
        });
    }

    fn item(&mut self, item: &Item) {
        let span = item.span;
        self.docs(&item.docs);
        match &item.kind {
            ItemKind::Use(u) => self.node(span, format_args!("use {}", u.module), |p| {
                p.names(&u.names)
            }),
            ItemKind::Const(c) => self.node(span, format_args!("const {}", c.name), |p| {
                c.ty.iter().for_each(|ty| p.ty(ty));
                p.expr(&c.value);
            }),
            ItemKind::Type(t) => self.node(span, format_args!("type {}", t.name), |p| p.ty(&t.ty)),
            ItemKind::Record(r) => self.node(span, format_args!("record {}", r.name), |p| {
                p.fields(&r.fields)
            }),
            ItemKind::Enum(e) => self.node(span, format_args!("enum {}", e.name), |p| {
                if let Some(tag) = &e.tag {
                    p.line(tag.span, format_args!("tag {:?}", tag.value));
                }
                for variant in &e.variants {
                    p.docs(&variant.docs);
                    p.node(
                        variant.span,
                        format_args!("variant {}", variant.name),
                        |p| p.fields(&variant.fields),
                    );
                }
            }),
            ItemKind::Boundary(b) => {
                self.node(span, format_args!("boundary {}", b.name), |p| {
                    p.settings(&b.settings)
                });
            }
            ItemKind::Data(d) => self.node(span, format_args!("data {}", d.name), |p| p.ty(&d.ty)),
            ItemKind::Function(f) => self.node(span, format_args!("fn {}", f.name), |p| {
                p.params(&f.params);
                p.ty(&f.result);
                p.expr(&f.body);
            }),
            ItemKind::RuleSet(set) => self.node(span, format_args!("ruleset {}", set.name), |p| {
                p.params(&set.params);
                p.ty(&set.result);
                if let Some(stream) = &set.stream {
                    p.line(stream.span, format_args!("on {stream}"));
                }
                p.policy(&set.policy);
                set.clauses.iter().for_each(|clause| p.set_clause(clause));
                p.rules("rule", &set.rules);
                p.otherwise(set.otherwise.as_ref());
            }),
            ItemKind::Guard(guard) => self.node(span, format_args!("guard {}", guard.name), |p| {
                p.params(&guard.params);
                p.rules("deny", &guard.rules);
            }),
            ItemKind::Table(table) => self.node(span, format_args!("table {}", table.name), |p| {
                p.params(&table.params);
                p.ty(&table.result);
                p.policy(&table.policy);
                table.clauses.iter().for_each(|clause| p.set_clause(clause));
                table.rows.iter().for_each(|row| p.row(row));
                p.otherwise(table.otherwise.as_ref());
            }),
            ItemKind::Pipeline(pipeline) => {
                self.node(span, format_args!("pipeline {}", pipeline.name), |p| {
                    p.params(&pipeline.params);
                    p.ty(&pipeline.result);
                    pipeline.stages.iter().for_each(|stage| p.stage(stage));
                    p.expr(&pipeline.then);
                })
            }
            ItemKind::State(state) => self.node(span, format_args!("state {}", state.name), |p| {
                p.ty(&state.kind);
                state.key.iter().for_each(|key| p.ty(key));
                p.settings(&state.settings);
            }),
            ItemKind::Stream(stream) => {
                self.node(span, format_args!("stream {}", stream.name), |p| {
                    p.ty(&stream.event);
                    p.settings(&stream.settings);
                })
            }
            ItemKind::Test(test) => self.test(test, span),
            ItemKind::Prove(prove) => self.prove(prove, span),
            ItemKind::Error => self.line(span, format_args!("error")),
        }
    }

    fn names(&mut self, names: &[Name]) {
        for name in names {
            self.line(name.span, format_args!("name {name}"));
        }
    }

    fn params(&mut self, params: &[Param]) {
        for param in params {
            self.node(param.span, format_args!("param {}", param.name), |p| {
                p.ty(&param.ty)
            });
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            self.docs(&field.docs);
            self.node(field.span, format_args!("field {}", field.name), |p| {
                p.ty(&field.ty);
                field.default.iter().for_each(|value| p.expr(value));
            });
        }
    }

    fn settings(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.node(
                setting.span,
                format_args!("setting {}", setting.name),
                |p| match &setting.value {
                    SettingValue::Expr(value) => p.expr(value),
                    SettingValue::Nested(settings) => p.settings(settings),
                },
            );
        }
    }

    // ------------------------------------------------------------------------------- rule sets

    fn policy(&mut self, policy: &HitPolicy) {
        let word = match &policy.kind {
            HitPolicyKind::First => "first",
            HitPolicyKind::Unique => "unique",
            HitPolicyKind::Any => "any",
            HitPolicyKind::All => "all",
            HitPolicyKind::BestBy(_) => "best",
            HitPolicyKind::Sum => "sum",
            HitPolicyKind::Error => "error",
        };
        self.node(policy.span, format_args!("hit {word}"), |p| {
            if let HitPolicyKind::BestBy(by) = &policy.kind {
                p.expr(by);
            }
        });
    }

    fn set_clause(&mut self, clause: &SetClause) {
        match &clause.kind {
            SetClauseKind::Cost(steps) => self.line(clause.span, format_args!("cost {steps}")),
            SetClauseKind::Active(active) => self.active(clause.span, active),
            SetClauseKind::Shadow(shadow) => self.shadow(clause.span, shadow),
        }
    }

    fn active(&mut self, span: Span, active: &Active) {
        self.node(span, format_args!("active"), |p| {
            p.range(&active.range);
            active.zone.iter().for_each(|zone| p.expr(zone));
        });
    }

    fn shadow(&mut self, span: Span, shadow: &Shadow) {
        self.node(span, format_args!("mode shadow"), |p| p.expr(&shadow.until));
    }

    fn rules(&mut self, word: &str, rules: &[RuleItem]) {
        for rule in rules {
            match rule {
                RuleItem::Rule(rule) => self.rule(word, rule),
                RuleItem::Group(group) => {
                    self.docs(&group.docs);
                    self.node(group.span, format_args!("group"), |p| {
                        p.expr(&group.condition);
                        p.rules(word, &group.rules);
                    });
                }
                RuleItem::Error(span) => self.line(*span, format_args!("error")),
            }
        }
    }

    fn rule(&mut self, word: &str, rule: &Rule) {
        self.docs(&rule.docs);
        self.node(rule.span, format_args!("{word} {}", rule.name), |p| {
            if let Some(why) = &rule.why {
                p.line(why.span, format_args!("why {:?}", why.value));
            }
            rule.clauses.iter().for_each(|clause| p.clause(clause));
        });
    }

    fn clause(&mut self, clause: &Clause) {
        let span = clause.span;
        match &clause.kind {
            ClauseKind::Tags(tags) => self.node(span, format_args!("tags"), |p| p.settings(tags)),
            ClauseKind::On(on) => self.node(span, format_args!("on"), |p| match &**on {
                OnPattern::Pattern(pattern) => p.pattern(pattern),
                OnPattern::Route { method, path } => {
                    p.pattern(method);
                    p.expr(path);
                }
            }),
            ClauseKind::Active(active) => self.active(span, active),
            ClauseKind::Shadow(shadow) => self.shadow(span, shadow),
            ClauseKind::When(condition) => {
                self.node(span, format_args!("when"), |p| p.expr(condition))
            }
            ClauseKind::Once(place) => self.place("once", place),
            ClauseKind::Within(place) => self.place("within", place),
            ClauseKind::Then(value) => self.node(span, format_args!("then"), |p| p.expr(value)),
            ClauseKind::Error => self.line(span, format_args!("error")),
        }
    }

    fn place(&mut self, word: &str, place: &Place) {
        self.node(place.span, format_args!("{word} {}", place.name), |p| {
            place.key.iter().for_each(|key| p.expr(key));
        });
    }

    fn otherwise(&mut self, otherwise: Option<&Otherwise>) {
        if let Some(otherwise) = otherwise {
            self.node(otherwise.span, format_args!("otherwise"), |p| {
                p.expr(&otherwise.value)
            });
        }
    }

    fn row(&mut self, row: &Row) {
        self.docs(&row.docs);
        self.node(row.span, format_args!("row"), |p| {
            row.cells.iter().for_each(|cell| p.pattern(cell));
            p.expr(&row.value);
        });
    }

    fn stage(&mut self, stage: &Stage) {
        self.docs(&stage.docs);
        self.node(stage.span, format_args!("stage {}", stage.name), |p| {
            p.expr(&stage.value);
            stage.stop.iter().for_each(|arm| p.arm("stop", arm));
        });
    }

    fn arm(&mut self, word: &str, arm: &Arm) {
        self.node(arm.span, format_args!("{word}"), |p| {
            p.pattern(&arm.pattern);
            p.expr(&arm.value);
        });
    }

    // ------------------------------------------------------------- types, expressions, patterns

    fn ty(&mut self, ty: &Type) {
        let span = ty.span;
        match &ty.kind {
            TypeKind::Named(named) => self.node(span, format_args!("type {}", named.name), |p| {
                named.args.iter().for_each(|arg| p.ty(arg));
                named.bound.iter().for_each(|bound| p.expr(bound));
            }),
            TypeKind::Optional(ty) => self.node(span, format_args!("optional"), |p| p.ty(ty)),
            TypeKind::List(collection) => self.collection(span, "list of", collection),
            TypeKind::Set(collection) => self.collection(span, "set of", collection),
            TypeKind::InRange(parts) => self.node(span, format_args!("refined in"), |p| {
                p.ty(&parts.0);
                p.range(&parts.1);
            }),
            TypeKind::Matching(parts) => self.node(span, format_args!("refined matching"), |p| {
                p.ty(&parts.0);
                p.expr(&parts.1);
            }),
            TypeKind::Error => self.line(span, format_args!("error")),
        }
    }

    fn collection(&mut self, span: Span, word: &str, collection: &CollectionType) {
        self.node(span, format_args!("{word}"), |p| {
            p.ty(&collection.element);
            collection.bound.iter().for_each(|bound| p.expr(bound));
        });
    }

    fn range(&mut self, range: &Range) {
        let sign = if range.inclusive { ".." } else { "..<" };
        self.node(range.span, format_args!("{sign}"), |p| {
            p.expr(&range.low);
            p.expr(&range.high);
        });
    }

    fn exprs(&mut self, span: Span, word: &str, parts: &[Expr]) {
        self.node(span, format_args!("{word}"), |p| {
            parts.iter().for_each(|part| p.expr(part))
        });
    }

    fn literal(&mut self, span: Span, literal: &Literal) {
        match literal {
            Literal::Tagged(text) => {
                let (tag, content) = (text.tag.symbol(), &text.content);
                self.line(span, format_args!("{tag} {content:?}"));
            }
            _ => self.line(span, format_args!("{literal:?}")),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(span, literal),
            ExprKind::None => self.line(span, format_args!("none")),
            ExprKind::Name(name) => self.line(span, format_args!("name {name}")),
            ExprKind::Field(access) => {
                self.node(span, format_args!("field {}", access.name), |p| {
                    p.expr(&access.base)
                });
            }
            ExprKind::Index(index) => self.node(span, format_args!("index"), |p| {
                p.expr(&index.base);
                p.expr(&index.index);
            }),
            ExprKind::Call(call) => self.call(span, call),
            ExprKind::Unary(op, operand) => {
                self.node(span, format_args!("{}", op.symbol()), |p| p.expr(operand));
            }
            ExprKind::Binary(binary) => {
                self.node(span, format_args!("{}", binary.op.symbol()), |p| {
                    p.expr(&binary.left);
                    p.expr(&binary.right);
                })
            }
            ExprKind::And(parts) => self.exprs(span, "and", parts),
            ExprKind::Or(parts) => self.exprs(span, "or", parts),
            ExprKind::List(parts) => self.exprs(span, "list", parts),
            ExprKind::Set(parts) => self.exprs(span, "set", parts),
            ExprKind::Is(is) => self.node(span, format_args!("is"), |p| {
                p.expr(&is.value);
                p.pattern(&is.pattern);
            }),
            ExprKind::Answer(answer) => self.answer(span, answer),
            ExprKind::If(parts) => self.node(span, format_args!("if"), |p| {
                p.expr(&parts.condition);
                p.expr(&parts.then);
                p.expr(&parts.otherwise);
            }),
            ExprKind::Match(parts) => self.node(span, format_args!("match"), |p| {
                p.expr(&parts.subject);
                parts.arms.iter().for_each(|arm| p.arm("arm", arm));
            }),
            ExprKind::Let(parts) => self.node(span, format_args!("let {}", parts.name), |p| {
                p.expr(&parts.value)
            }),
            ExprKind::Quantifier(parts) => self.quantifier(span, parts),
            ExprKind::Range(range) => self.range(range),
            ExprKind::Map(entries) => self.node(span, format_args!("map"), |p| {
                for (key, value) in entries {
                    p.expr(key);
                    p.expr(value);
                }
            }),
            ExprKind::Error => self.line(span, format_args!("error")),
        }
    }

    fn call(&mut self, span: Span, call: &Call) {
        let word = if call.receiver.is_some() {
            "method"
        } else {
            "call"
        };
        self.node(span, format_args!("{word} {}", call.name), |p| {
            call.receiver.iter().for_each(|receiver| p.expr(receiver));
            for arg in &call.args {
                match &arg.name {
                    Some(name) => p.node(name.span, format_args!("arg {name}"), |p| {
                        p.expr(&arg.value)
                    }),
                    None => p.expr(&arg.value),
                }
            }
        });
    }

    fn answer(&mut self, span: Span, answer: &Answer) {
        self.node(span, format_args!("??"), |p| {
            p.expr(&answer.value);
            match &answer.absent {
                Absent::Value(value) => p.expr(value),
                Absent::Skip => p.line(answer.answer_span, format_args!("skip")),
                Absent::Deny => p.line(answer.answer_span, format_args!("deny")),
            }
        });
    }

    fn quantifier(&mut self, span: Span, parts: &Quantifier) {
        self.node(
            span,
            format_args!("{} {}", parts.kind.symbol(), parts.binder),
            |p| {
                p.expr(&parts.collection);
                if let Some(filter) = &parts.filter {
                    p.node(filter.span, format_args!("where"), |p| p.expr(filter));
                }
                if let Some(value) = &parts.value {
                    p.node(value.span, format_args!("=>"), |p| p.expr(value));
                }
            },
        );
    }

    fn patterns(&mut self, span: Span, word: &str, parts: &[Pattern]) {
        self.node(span, format_args!("{word}"), |p| {
            parts.iter().for_each(|part| p.pattern(part))
        });
    }

    fn pattern(&mut self, pattern: &Pattern) {
        let span = pattern.span;
        match &pattern.kind {
            PatternKind::Wildcard => self.line(span, format_args!("_")),
            PatternKind::None => self.line(span, format_args!("none")),
            PatternKind::Value(literal) => self.literal(span, literal),
            PatternKind::Name(name) => self.line(span, format_args!("name {name}")),
            PatternKind::Variant(variant) => self.variant(span, variant),
            PatternKind::Range(range) => self.range(range),
            PatternKind::Compare(op, bound) => {
                self.node(span, format_args!("{}", op.symbol()), |p| p.expr(bound));
            }
            PatternKind::Set(parts) => self.patterns(span, "one of", parts),
            PatternKind::List(parts) => self.patterns(span, "list", parts),
            PatternKind::Error => self.line(span, format_args!("error")),
        }
    }

    fn variant(&mut self, span: Span, variant: &VariantPattern) {
        let qualifier = variant
            .qualifier
            .as_ref()
            .map(|name| format!("{name}."))
            .unwrap_or_default();
        self.node(
            span,
            format_args!("variant {qualifier}{}", variant.name),
            |p| {
                for arg in variant.args.iter().flatten() {
                    match &arg.name {
                        Some(name) => p.node(name.span, format_args!("arg {name}"), |p| {
                            p.pattern(&arg.pattern)
                        }),
                        None => p.pattern(&arg.pattern),
                    }
                }
            },
        );
    }
}
