//! Absence: `??`, `xs[i]`, `m[k]`, and what is said where it was not answered.

use tollgate_grammar::ast::{self, Absent};
use tollgate_grammar::source::Span;

use super::super::{Body, Place};
use super::Answers;
use crate::diagnostics::catalog::{optionals as catalog, types};
use crate::hir::{Expr, ExprKind};
use crate::types::ty::{Ty, Unit};

impl Body<'_, '_> {
    pub(super) fn answer(&mut self, e: &ast::Answer, span: Span, hint: Option<&Ty>) -> Expr {
        let wanted = hint.map(|h| Ty::opt(h.present().clone()));
        let value = self.infer(&e.value, wanted.as_ref());
        if value.ty.is_error() {
            // The answer may have mistakes of its own.
            if let Absent::Value(answer) = &e.absent {
                self.without_answers("right of `??`", |b| b.infer(answer, hint));
            }
            return Expr::error(span);
        }
        if !value.ty.is_optional() {
            let shown = self.show(&value.ty);
            let found = catalog::needless_answer()
                .at(value.span, format!("`{shown}` is always there"))
                .fix(
                    "remove the answer",
                    Span {
                        start: value.span.end,
                        ..e.answer_span
                    },
                    "",
                );
            self.checker.sink.emit(found);
            return value;
        }
        let of = value.ty.present().clone();
        match &e.absent {
            Absent::Skip => self.skip_or_deny("skip", value, of, e.answer_span, span),
            Absent::Deny => self.skip_or_deny("deny", value, of, e.answer_span, span),
            Absent::Value(answer) => {
                let answer = self.without_answers("right of `??`", |b| b.infer(answer, Some(&of)));
                if answer.ty.is_error() {
                    return Expr::error(span);
                }
                let optional = answer.ty.is_optional();
                let target = if optional { value.ty.clone() } else { of };
                let Some(ty) = target.join(&answer.ty) else {
                    let (a, b) = (self.show(&target), self.show(&answer.ty));
                    let found = types::different_types("sides of this `??`")
                        .at(answer.span, format!("this is `{b}`"))
                        .at(value.span, format!("this is `{a}` when present"));
                    return self.refuse(found, span);
                };
                let answer = self.fit(answer, &ty);
                let (value, answer) = (Box::new(value), Box::new(answer));
                let kind = if optional {
                    ExprKind::OrElse(value, answer)
                } else {
                    ExprKind::UnwrapOr(value, answer)
                };
                Expr::new(kind, ty, span)
            }
        }
    }

    fn skip_or_deny(&mut self, word: &str, value: Expr, of: Ty, answer: Span, span: Span) -> Expr {
        let deny = word == "deny";
        let off = match self.answers {
            Answers::Spine => None,
            Answers::Negated => Some("under `not`"),
            Answers::No(why) => Some(why),
        };
        if let Some(why) = off {
            let mut found = catalog::answer_off_the_spine(word, why).at(
                answer,
                format!("`{word}` stands in an operand of the condition's outermost `and` only"),
            );
            if matches!(self.place, Place::Rule | Place::Denial | Place::Group) {
                let text = self.text_of(value.span);
                found = found.help(format!(
                    "answer it first, to the left: `let x = {text} ?? {word} and …`"
                ));
            }
            found = found.help("or say which value holds then: `?? value`");
            return self.refuse(found, span);
        }
        if deny && self.place != Place::Denial {
            let what = if self.place == Place::Group {
                "a group"
            } else {
                "a rule"
            };
            let found = catalog::deny_outside_guard(what)
                .at(answer, "only a `deny` of a guard has a denial to apply")
                .suggest("when it is missing, do not match", answer, "?? skip");
            return self.refuse(found, span);
        }
        let value = Box::new(value);
        let kind = if deny {
            ExprKind::OrDeny(value)
        } else {
            ExprKind::OrSkip(value)
        };
        Expr::new(kind, of, span)
    }

    /// A value that may be missing stands where only one that is there can.
    pub(super) fn missing_answer(&mut self, value: &Expr, why: &str) -> Expr {
        let span = value.span;
        let text = self.text_of(span);
        let shown = self.show(&value.ty);
        let root = self.text_of(absent_root(value).span);
        let spine = self.answers == Answers::Spine;
        let mut found = if self.place == Place::Denial {
            catalog::missing_answer(format!("this guard can be passed by leaving `{root}` out"))
        } else {
            catalog::missing_answer(format!(
                "`{root}` may be missing, and nothing says what holds then"
            ))
        };
        found = if root == text {
            found.at(span, format!("`{shown}`: {why}"))
        } else {
            found.at(span, format!("`{shown}`: none without `{root}`"))
        };
        if spine && self.place == Place::Denial {
            found = found.suggest("refuse when missing", span, format!("{text} ?? deny"));
        }
        if spine {
            found = found.suggest("ignore when missing", span, format!("{text} ?? skip"));
        }
        if let Some(default) = plain_literal(value.ty.present()) {
            found = found.suggest(
                "take a value when missing",
                span,
                format!("({text} ?? {default})"),
            );
        } else {
            found = found.help(format!("take a value when missing: `{text} ?? …`"));
        }
        self.refuse(found, span)
    }

    /// `xs[i]`, `m[k]`: what is not there is `none`.
    pub(super) fn index(&mut self, e: &ast::Index, span: Span) -> Expr {
        let base = self.infer(&e.base, None);
        match base.ty.clone() {
            Ty::Error => {
                self.infer(&e.index, None);
                Expr::error(span)
            }
            Ty::List(of, _) => {
                let index = self.infer(&e.index, None);
                if index.ty.is_optional() {
                    return self.missing_answer(&index, "it is an index");
                }
                if !matches!(index.ty, Ty::Num(Unit::One, _) | Ty::Error) {
                    let shown = self.show(&index.ty);
                    let found = types::type_mismatch("Int", &shown)
                        .at(index.span, "an index is a whole number, from 0");
                    return self.refuse(found, span);
                }
                let kind = ExprKind::Get(Box::new(base), Box::new(index));
                Expr::new(kind, Ty::opt((*of).clone()), span)
            }
            Ty::Map(key, of, _) => {
                // Any value of the key's kind may be asked for, also one that cannot be in the map.
                let index = self.infer(&e.index, Some(&key));
                let index = match index.ty.join(&key) {
                    Some(_)
                        if !index.ty.is_optional()
                            && !matches!(
                                *key,
                                Ty::Str {
                                    refined: Some(_),
                                    ..
                                }
                            ) =>
                    {
                        index
                    }
                    _ => self.fit(index, &key),
                };
                let kind = ExprKind::Lookup(Box::new(base), Box::new(index));
                Expr::new(kind, Ty::opt((*of).clone()), span)
            }
            Ty::Opt(_) => self.missing_answer(&base, "it is looked into"),
            other => {
                let shown = self.show(&other);
                let mut found =
                    types::not_indexable(&shown).at(base.span, format!("this is `{shown}`"));
                if matches!(other, Ty::Values { .. }) {
                    let text = self.text_of(base.span);
                    found = found.suggest(
                        "the value, if there is exactly one",
                        span,
                        format!("{text}.single"),
                    );
                }
                self.refuse(found, span)
            }
        }
    }
}

/// The part that may be left out, so that the whole is missing: of `req.token.issued_at` it is `req.token`.
fn absent_root(value: &Expr) -> &Expr {
    match &value.kind {
        ExprKind::OptField(base, _) if base.ty.is_optional() => absent_root(base),
        _ => value,
    }
}

/// The plainest literal of a type, for a suggestion.
fn plain_literal(ty: &Ty) -> Option<String> {
    Some(match ty {
        Ty::Bool => "false".into(),
        Ty::Num(unit @ (Unit::One | Unit::Duration | Unit::Percent | Unit::Money(_)), i) => {
            let nearest = 0i128.clamp(i.lo, i.hi);
            crate::types::literal(*unit, nearest)
        }
        Ty::Float => "0.0".into(),
        Ty::Str { refined: None, .. } => "\"\"".into(),
        _ => return None,
    })
}
