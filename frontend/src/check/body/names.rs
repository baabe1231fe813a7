//! Names and fields: what they stand for, and what was probably meant when they stand for nothing.

use tollgate_grammar::ast::{self, Symbol};
use tollgate_grammar::source::Span;
use tollgate_ir::entities::Entity;
use tollgate_runtime::Value;

use super::super::suggest::closest;
use super::super::{Body, Def, Entry};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::catalog::{names as unknowns, types as catalog};
use crate::hir::{EnumId, Expr, ExprKind, LocalId, Quantifier};
use crate::types::ty::Ty;

impl Body<'_, '_> {
    pub(super) fn name(&mut self, name: &Symbol, span: Span, hint: Option<&Ty>) -> Expr {
        if let Some(local) = self.local(name) {
            let ty = self.locals[local].ty.clone();
            return self.narrowed(Expr::new(ExprKind::Local(local), ty, span));
        }
        if let Some((id, tag)) = self.variant_of_hint(name, hint) {
            return self.bare_variant(id, tag, span);
        }
        match self.find(name) {
            Some(entry) => self.defined(&entry, name, span),
            None => {
                let found = self.unknown(name, span, hint);
                self.refuse(found, span)
            }
        }
    }

    fn defined(&mut self, entry: &Entry, name: &Symbol, span: Span) -> Expr {
        let what = match &entry.def {
            Def::Error => return Expr::error(span),
            Def::Const(constant) => {
                return Expr::constant(constant.value.clone(), constant.ty.clone(), span);
            }
            Def::Data(id) => {
                let ty = self.checker.program.data[*id].ty.clone();
                return Expr::new(ExprKind::Data(*id), ty, span);
            }
            Def::Fn(_) | Def::Native(_) => "a function",
            Def::State(_) => return self.state_as_value(name, span),
            Def::Stream(_) => "a stream",
            Def::RuleSet(_) => "a rule set",
            Def::Pipeline(_) => "a pipeline",
            Def::Record(_) | Def::Enum(_) | Def::Alias(_) | Def::Refinement(_) => "a type",
        };
        let mut found = catalog::not_a_value(name, what).at(span, format!("{what}, not a value"));
        if let Some(declared) = entry.span {
            found = found.at(declared, "declared here");
        }
        if !matches!(what, "a type" | "a stream") {
            found = found.help(format!("call it: `{name}(…)`"));
        }
        self.refuse(found, span)
    }

    /// The innermost visible local of that name.
    pub(super) fn local(&self, name: &str) -> Option<LocalId> {
        let found = self.visible.iter().rev().find(|(n, _)| n.as_str() == name);
        found.map(|(_, local)| *local)
    }

    /// What a name stands for outside the body.
    pub(super) fn find(&self, name: &str) -> Option<Entry> {
        self.checker.lookup(self.module, name).cloned()
    }

    /// Binds a name, which may not hide one that is visible.
    pub(super) fn bind_new(&mut self, name: &ast::Name, ty: Ty) -> LocalId {
        if let Some(earlier) = self.local(&name.text) {
            let before = self.locals[earlier].span;
            let found = catalog::name_taken(name)
                .at(name.span, "bound again here")
                .at(before, "already bound here")
                .help("give it a name of its own; to compare with the earlier one, use `==`");
            self.checker.sink.emit(found);
        }
        self.bind(name, ty)
    }

    /// The variant of the expected enum that has this name.
    pub(super) fn variant_of_hint(&self, name: &str, hint: Option<&Ty>) -> Option<(EnumId, u32)> {
        let Some(Ty::Enum(id)) = hint.map(Ty::present) else {
            return None;
        };
        Some((*id, self.variant(*id, name)?))
    }

    pub(super) fn variant(&self, id: EnumId, name: &str) -> Option<u32> {
        let variants = &self.checker.program.enums[id].variants;
        let index = variants.iter().position(|v| &*v.name == name)?;
        Some(index as u32)
    }

    /// The enum that `Payment` in `Payment.Wallet` stands for.
    pub(super) fn enum_named(&self, e: &ast::Expr) -> Option<EnumId> {
        let ast::ExprKind::Name(name) = &e.kind else {
            return None;
        };
        if self.local(name).is_some() {
            return None;
        }
        match self.find(name)?.def {
            Def::Enum(id) | Def::Alias(Ty::Enum(id)) => Some(id),
            _ => None,
        }
    }

    /// A variant written without parentheses.
    fn bare_variant(&mut self, id: EnumId, tag: u32, span: Span) -> Expr {
        let variant = &self.checker.program.enums[id].variants[tag as usize];
        if variant.fields.is_empty() {
            return Expr::constant(Value::tag(tag), Ty::Enum(id), span);
        }
        self.construct_variant(id, tag, &[], span)
    }

    pub(super) fn field(&mut self, access: &ast::FieldAccess, span: Span) -> Expr {
        let name = &access.name;
        if let Some(id) = self.enum_named(&access.base) {
            return match self.variant(id, &name.text) {
                Some(tag) => self.bare_variant(id, tag, span),
                None => {
                    let found = self.unknown_variant(id, &name.text, name.span);
                    self.refuse(found, span)
                }
            };
        }
        let base = self.infer(&access.base, None);
        self.select(base, name, span)
    }

    /// `base.name`
    fn select(&mut self, base: Expr, name: &ast::Name, span: Span) -> Expr {
        match (base.ty.clone(), name.text.as_str()) {
            (Ty::Error, _) => Expr::error(span),
            (Ty::Opt(_) | Ty::None, "present") => {
                Expr::new(ExprKind::IsSome(Box::new(base)), Ty::Bool, span)
            }
            (Ty::Values { .. }, "single") => Expr::new(
                ExprKind::Single(Box::new(base)),
                Ty::opt(Ty::string()),
                span,
            ),
            (Ty::Values { .. }, "present") => {
                // Zero or more texts: there is one when any satisfies nothing in particular.
                let kind = ExprKind::Quantify {
                    quantifier: Quantifier::Any,
                    local: self.fresh("value", span, Ty::string()),
                    over: Box::new(base),
                    filter: None,
                    value: None,
                };
                Expr::new(kind, Ty::Bool, span)
            }
            (Ty::Record(id), _) => match self.field_index(id, &name.text) {
                Some(index) => {
                    let ty = self.checker.program.records[id].fields[index as usize]
                        .ty
                        .clone();
                    self.narrowed(Expr::new(ExprKind::Field(Box::new(base), index), ty, span))
                }
                None => self.unknown_field(&base.ty, name, span),
            },
            (Ty::Opt(of), _) if matches!(&*of, Ty::Record(_)) => {
                let Ty::Record(id) = *of else {
                    return Expr::error(span);
                };
                match self.field_index(id, &name.text) {
                    Some(index) => {
                        let ty = self.checker.program.records[id].fields[index as usize]
                            .ty
                            .clone();
                        let ty = Ty::opt(ty);
                        Expr::new(ExprKind::OptField(Box::new(base), index), ty, span)
                    }
                    None => self.unknown_field(&Ty::Record(id), name, span),
                }
            }
            (ty, _) => self.unknown_field(&ty, name, span),
        }
    }

    pub(super) fn field_index(&self, id: crate::hir::RecordId, name: &str) -> Option<u32> {
        let fields = &self.checker.program.records[id].fields;
        let index = fields.iter().position(|f| &*f.name == name)?;
        Some(index as u32)
    }

    fn unknown_field(&mut self, ty: &Ty, name: &ast::Name, span: Span) -> Expr {
        let shown = self.show(ty);
        let mut found =
            catalog::unknown_field(&shown, name).at(name.span, format!("not a field of `{shown}`"));
        match ty {
            Ty::Record(id) => {
                let record = &self.checker.program.records[*id];
                let names = record.fields.iter().map(|f| &*f.name);
                if let Some(near) = closest(&name.text, names) {
                    found = found.suggest(format!("did you mean `{near}`?"), name.span, near);
                } else {
                    let all: Vec<&str> = record.fields.iter().map(|f| &*f.name).take(12).collect();
                    found = found.note(format!("its fields are {}", all.join(", ")));
                }
            }
            Ty::Enum(_) => {
                found = found
                    .help("the fields of a variant are seen by `match`, or by `is` with a pattern");
            }
            Ty::Values { .. } => {
                found =
                    found.help("`Values` has `.single` (if there is exactly one) and `.present`");
            }
            Ty::Opt(_) => found = found.help("answer its absence first: `?? …`"),
            _ => {
                if self.callable(&name.text) {
                    found = found.fix("call it", name.span.after(), "()");
                }
            }
        }
        self.refuse(found, span)
    }

    pub(super) fn unknown_variant(&self, id: EnumId, name: &str, span: Span) -> Diagnostic {
        let item = &self.checker.program.enums[id];
        let mut found = catalog::unknown_variant(&item.name, name)
            .at(span, format!("not a variant of `{}`", item.name))
            .at(item.span, "declared here");
        let names = item.variants.iter().map(|v| &*v.name);
        if let Some(near) = closest(name, names) {
            found = found.suggest(format!("did you mean `{near}`?"), span, near);
        }
        found
    }

    /// A name that nothing declares.
    pub(super) fn unknown(&self, name: &str, span: Span, hint: Option<&Ty>) -> Diagnostic {
        let mut found = unknowns::unknown_name(name).at(span, "not found in this scope");
        let module = &self.checker.modules[self.module.0 as usize];
        let locals = self.visible.iter().map(|(n, _)| n.as_str());
        let globals = module
            .scope
            .keys()
            .chain(self.checker.prelude.keys())
            .map(|s| s.as_str());
        let variants = match hint.map(Ty::present) {
            Some(Ty::Enum(id)) => &*self.checker.program.enums[*id].variants,
            _ => &[],
        };
        let variants = variants.iter().map(|v| &*v.name);
        if let Some(near) = closest(name, locals.chain(variants).chain(globals)) {
            return found.suggest(format!("did you mean `{near}`?"), span, near);
        }
        // A variant without an expected type needs its enum's name.
        for raw in 0..self.checker.program.enums.len() {
            let item = &self.checker.program.enums[EnumId::new(raw)];
            if item.variants.iter().any(|v| &*v.name == name) {
                found = found.suggest(
                    format!(
                        "`{name}` is a variant of `{}`; say so where no `{}` is expected",
                        item.name, item.name
                    ),
                    span,
                    format!("{}.{name}", item.name),
                );
                break;
            }
        }
        found
    }
}
