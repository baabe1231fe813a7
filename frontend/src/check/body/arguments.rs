//! Arguments: which is for which parameter or field, and what stands for those that are not given.

use std::sync::Arc;

use tollgate_grammar::ast;
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

use super::super::suggest::closest;
use super::super::{Body, Place};
use crate::diagnostics::catalog::types as catalog;
use crate::hir::{Expr, Field};
use crate::types::ty::Ty;

/// A parameter or field that an argument can be for.
pub(super) struct Slot {
    pub(super) name: Arc<str>,
    pub(super) ty: Ty,
    /// What stands for an argument that is not given.
    default: Option<Value>,
    /// Whether a `T?` that is not given is `none`: fields, not parameters.
    field: bool,
}

/// An argument, or the receiver in front of the dot, which may have been checked already to see what is called.
pub(super) enum Given<'e> {
    Written(&'e ast::Expr),
    Typed(Expr),
}

impl Given<'_> {
    fn span(&self) -> Span {
        match self {
            Given::Written(e) => e.span,
            Given::Typed(value) => value.span,
        }
    }
}

impl Body<'_, '_> {
    /// The value of an argument; fits what is expected of it.
    pub(super) fn given(&mut self, given: Given<'_>, expected: Option<&Ty>) -> Expr {
        match (given, expected) {
            (Given::Written(e), _) => self.expr(e, expected),
            (Given::Typed(value), Some(to)) => self.fit(value, to),
            (Given::Typed(value), None) => value,
        }
    }

    /// The arguments of a call, one a slot, each fitting it. `None` when something was wrong, which has been reported.
    pub(super) fn arguments(
        &mut self,
        what: &str,
        slots: &[Slot],
        receiver: Option<Given<'_>>,
        args: &[ast::Arg],
        span: Span,
        declared: Option<Span>,
    ) -> Option<Vec<Expr>> {
        let names: Vec<&str> = slots.iter().map(|s| &*s.name).collect();
        let (given, mut fine) = self.arrange(what, &names, receiver, args, declared);
        let mut values = Vec::with_capacity(slots.len());
        let mut missing = Vec::new();
        for (slot, arg) in slots.iter().zip(given) {
            let value = match arg {
                Some(arg) => {
                    let value = self.given(arg, Some(&slot.ty));
                    fine &= !value.ty.is_error();
                    value
                }
                None => match self.omitted(slot, span) {
                    Some(value) => value,
                    None => {
                        missing.push(format!("`{}`", slot.name));
                        Expr::error(span)
                    }
                },
            };
            values.push(value);
        }
        // A misspelt argument is one mistake, not also a missing one.
        if !missing.is_empty() && fine {
            let list = missing.join(", ");
            let mut found =
                catalog::missing_argument(what, &list).at(span, format!("{list} not given"));
            if let Some(declared) = declared {
                found = found.at(declared, "declared here");
            }
            self.checker.sink.emit(found);
        }
        (fine && missing.is_empty()).then_some(values)
    }

    fn omitted(&self, slot: &Slot, span: Span) -> Option<Expr> {
        if let Some(value) = &slot.default {
            return Some(Expr::constant(value.clone(), slot.ty.clone(), span));
        }
        if !slot.field {
            return None;
        }
        if slot.ty.is_optional() {
            return Some(Expr::constant(Value::None, slot.ty.clone(), span));
        }
        if self.place == Place::Test {
            let value = super::simplest::simplest(&slot.ty, &self.checker.program)?;
            return Some(Expr::constant(value, slot.ty.clone(), span));
        }
        None
    }

    /// Which argument is for which name: the i-th without a name is for the i-th. Also whether all found their place.
    pub(super) fn arrange<'e>(
        &mut self,
        what: &str,
        names: &[&str],
        receiver: Option<Given<'e>>,
        args: &'e [ast::Arg],
        declared: Option<Span>,
    ) -> (Vec<Option<Given<'e>>>, bool) {
        let mut given: Vec<Option<Given<'_>>> = Vec::new();
        given.resize_with(names.len(), || None);
        let mut fine = true;
        let mut position = 0;
        let receiver = receiver.map(|r| (None, r));
        let args = args
            .iter()
            .map(|a| (a.name.as_ref(), Given::Written(&a.value)));
        for (name, value) in receiver.into_iter().chain(args) {
            let index = match name {
                Some(name) => names.iter().position(|n| *n == &*name.text),
                None => {
                    position += 1;
                    (position <= names.len()).then(|| position - 1)
                }
            };
            let Some(index) = index else {
                fine = false;
                let mut found = match name {
                    Some(name) => {
                        let found = catalog::unknown_argument(what, name)
                            .at(name.span, format!("`{what}` takes no `{name}`"));
                        match closest(&name.text, names.iter().copied()) {
                            Some(near) => {
                                found.suggest(format!("did you mean `{near}`?"), name.span, near)
                            }
                            None if names.is_empty() => found,
                            None => found.note(format!("it takes {}", names.join(", "))),
                        }
                    }
                    None => catalog::too_many_arguments(what, names.len())
                        .at(value.span(), "one too many"),
                };
                if let Some(declared) = declared {
                    found = found.at(declared, "declared here");
                }
                self.checker.sink.emit(found);
                continue;
            };
            if let Some(first) = &given[index] {
                fine = false;
                let found = catalog::duplicate_argument(names[index])
                    .at(name.map_or(value.span(), |n| n.span), "given again here")
                    .at(first.span(), "already given here");
                self.checker.sink.emit(found);
                continue;
            }
            given[index] = Some(value);
        }
        (given, fine)
    }
}

impl Slot {
    pub(super) fn param(name: Arc<str>, ty: Ty) -> Slot {
        Slot {
            name,
            ty,
            default: None,
            field: false,
        }
    }

    /// An argument of an operation on a state.
    pub(super) fn of_operation(name: &str, ty: Ty, default: Option<Value>) -> Slot {
        Slot {
            name: name.into(),
            ty,
            default,
            field: false,
        }
    }

    pub(super) fn of(field: &Field) -> Slot {
        Slot {
            name: field.name.clone(),
            ty: field.ty.clone(),
            default: field.default.clone(),
            field: true,
        }
    }
}
