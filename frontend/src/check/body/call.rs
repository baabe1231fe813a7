//! Calls: functions, natives, rule sets, pipelines, constructors, conversions and the checker's own builtins.

use std::sync::Arc;

use tollgate_grammar::ast;
use tollgate_grammar::source::Span;
use tollgate_runtime::native::NativeType;
use tollgate_runtime::schema::STRING_LIMIT;
use tollgate_runtime::{Native, Value};

use super::super::suggest::closest;
use super::super::{Body, Def, Signature};
use super::arguments::{Given, Slot};
use super::builtin;
use super::fit::{constants, present};
use crate::diagnostics::catalog::types as catalog;
use crate::hir::{Callee, EnumId, Expr, ExprKind, RecordId, RefinementId};
use crate::types::ty::{Interval, Ty, Unit};

impl Body<'_, '_> {
    pub(super) fn call(&mut self, call: &ast::Call, span: Span, hint: Option<&Ty>) -> Expr {
        let name = &call.name;
        if let Some(asked) = self.state_call(call, span) {
            return asked;
        }
        if let Some(receiver) = &call.receiver
            && let Some(id) = self.enum_named(receiver)
        {
            return match self.variant(id, &name.text) {
                Some(tag) => self.construct_variant(id, tag, &call.args, span),
                None => {
                    let found = self.unknown_variant(id, &name.text, name.span);
                    self.refuse(found, span)
                }
            };
        }
        if call.receiver.is_none()
            && let Some((id, tag)) = self.variant_of_hint(&name.text, hint)
        {
            return self.construct_variant(id, tag, &call.args, span);
        }
        if call.receiver.is_none()
            && let Some(local) = self.local(&name.text)
        {
            let declared = self.locals[local].span;
            let found = catalog::not_callable(name, "a value")
                .at(name.span, "not a function")
                .at(declared, "bound here");
            return self.refuse(found, span);
        }
        let module = &self.checker.modules[self.module.0 as usize];
        let own = module
            .scope
            .get(&name.text)
            .inspect(|e| e.used.set(true))
            .cloned();
        let own = own.map(|e| e.def);
        if own.is_none()
            && let Some(builtin) = builtin::find(&name.text)
        {
            return self.builtin(builtin, call, span, hint);
        }
        if let Some(def) = own.or_else(|| self.find(&name.text).map(|e| e.def)) {
            let receiver = call.receiver.as_ref().map(Given::Written);
            return self.call_def(&def, call, receiver, span);
        }
        let Some(receiver) = &call.receiver else {
            return self.unknown_call(call, span, hint);
        };
        // Checked once, here: what it is decides what is called.
        let receiver = self.infer(receiver, None);
        match self.method(&receiver.ty, &name.text) {
            Some(def) => self.call_def(&def, call, Some(Given::Typed(receiver)), span),
            None if receiver.ty.is_error() => {
                self.quiet_arguments(&call.args);
                Expr::error(span)
            }
            None => self.unknown_call(call, span, hint),
        }
    }

    /// A function that is called on a value need not be imported when it stands in the module of the value's type:
    /// `req.header("x-id")`.
    fn method(&self, receiver: &Ty, name: &str) -> Option<Def> {
        let program = &self.checker.program;
        let owner = match receiver.present() {
            Ty::Record(id) => &program.records[*id].module,
            Ty::Enum(id) => &program.enums[*id].module,
            _ => return None,
        };
        let entry = self.checker.lookup_in(owner, name)?;
        entry.used.set(true);
        Some(entry.def.clone())
    }

    /// Whether a name can be called, apart from variants.
    pub(super) fn callable(&self, name: &str) -> bool {
        self.find(name).is_some() || builtin::find(name).is_some()
    }

    fn unknown_call(&mut self, call: &ast::Call, span: Span, hint: Option<&Ty>) -> Expr {
        let name = &call.name;
        let found = match hint.map(Ty::present) {
            // An outcome is nearly always meant to be a variant.
            Some(Ty::Enum(id)) if call.receiver.is_none() => {
                let near = closest(&name.text, self.callables())
                    .or_else(|| closest(&name.text, builtin::names()));
                let near = near.map(str::to_owned);
                match near {
                    Some(near) => self.unknown(&name.text, name.span, None).suggest(
                        format!("did you mean `{near}`?"),
                        name.span,
                        near,
                    ),
                    None => self.unknown_variant(*id, &name.text, name.span),
                }
            }
            _ => {
                let mut found = self.unknown(&name.text, name.span, None);
                if found.help.is_empty()
                    && let Some(near) = closest(&name.text, builtin::names())
                {
                    found = found.suggest(format!("did you mean `{near}`?"), name.span, near);
                }
                found
            }
        };
        self.checker.sink.emit(found);
        // Their own mistakes are worth knowing; what they should be is not known.
        self.quiet_arguments(&call.args);
        Expr::error(span)
    }

    /// Checks the arguments of what is not known, as far as they do not depend on it.
    fn quiet_arguments(&mut self, args: &[ast::Arg]) {
        for arg in args {
            if !self.is_bare_name(&arg.value) {
                self.infer(&arg.value, None);
            }
        }
    }

    /// A name or a variant's constructor may depend on a type that is not known.
    pub(super) fn is_bare_name(&self, e: &ast::Expr) -> bool {
        match &e.kind {
            ast::ExprKind::Name(name) => self.local(name).is_none() && self.find(name).is_none(),
            ast::ExprKind::Call(call) => call.receiver.is_none() && !self.callable(&call.name.text),
            ast::ExprKind::List(parts) | ast::ExprKind::Set(parts) => {
                parts.iter().any(|p| self.is_bare_name(p))
            }
            _ => false,
        }
    }

    fn callables(&self) -> impl Iterator<Item = &str> {
        let module = &self.checker.modules[self.module.0 as usize];
        let all = module.scope.iter().chain(&self.checker.prelude);
        all.filter(|(_, e)| {
            matches!(
                e.def,
                Def::Fn(_) | Def::Native(_) | Def::RuleSet(_) | Def::Record(_)
            )
        })
        .map(|(name, _)| name.as_str())
    }

    fn call_def(
        &mut self,
        def: &Def,
        call: &ast::Call,
        receiver: Option<Given<'_>>,
        span: Span,
    ) -> Expr {
        let (args, name) = (&*call.args, &call.name);
        let what = match def {
            Def::Error => {
                self.quiet_arguments(args);
                return Expr::error(span);
            }
            Def::Fn(id) => {
                let Some(signature) = self.checker.fn_signatures.get(id).cloned() else {
                    return Expr::error(span);
                };
                let args = self.signature_args(name, &signature, receiver, args, span);
                return self.called(args, signature.result, span, |args| {
                    ExprKind::Call(*id, args)
                });
            }
            Def::RuleSet(id) => {
                let Some(signature) = self.checker.ruleset_signatures.get(id).cloned() else {
                    return Expr::error(span);
                };
                let args = self.signature_args(name, &signature, receiver, args, span);
                return self.called(args, signature.result, span, |args| ExprKind::Decide {
                    callee: Callee::RuleSet(*id),
                    args,
                    marked: false,
                });
            }
            Def::Pipeline(id) => {
                let Some(signature) = self.checker.pipeline_signatures.get(id).cloned() else {
                    return Expr::error(span);
                };
                let args = self.signature_args(name, &signature, receiver, args, span);
                return self.called(args, signature.result, span, |args| ExprKind::Decide {
                    callee: Callee::Pipeline(*id),
                    args,
                    marked: false,
                });
            }
            Def::Native(native) => {
                let slots: Vec<Slot> = native
                    .params
                    .iter()
                    .map(|p| Slot::param(p.name.into(), native_type(p.ty)))
                    .collect();
                let args = self.arguments(native.name, &slots, receiver, args, span, None);
                return self.called(args, native_type(native.result), span, |args| {
                    ExprKind::Native(native, args)
                });
            }
            Def::Refinement(id) => return self.convert(*id, receiver, args, span),
            Def::Record(id) if receiver.is_none() => return self.construct_record(*id, args, span),
            Def::Record(_) | Def::Enum(_) | Def::Alias(_) => "a type",
            Def::Const(_) => "a constant",
            Def::Data(_) => "data",
            Def::State(_) => "a state",
            Def::Stream(_) => "a stream",
        };
        let mut found = catalog::not_callable(name, what).at(name.span, "not a function");
        if let Def::Enum(id) = def {
            let item = &self.checker.program.enums[*id];
            if let Some(variant) = item.variants.first() {
                found = found.help(format!(
                    "a value of it is one of its variants, such as `{name}.{}`",
                    variant.name
                ));
            }
        }
        self.refuse(found, span)
    }

    fn called(
        &self,
        args: Option<Vec<Expr>>,
        result: Ty,
        span: Span,
        kind: impl FnOnce(Vec<Expr>) -> ExprKind,
    ) -> Expr {
        match args {
            Some(args) => Expr::new(kind(args), result, span),
            None => Expr::new(ExprKind::Error, Ty::Error, span),
        }
    }

    fn signature_args(
        &mut self,
        name: &ast::Name,
        signature: &Signature,
        receiver: Option<Given<'_>>,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<Vec<Expr>> {
        let slots: Vec<Slot> = signature
            .params
            .iter()
            .map(|(n, ty)| Slot::param(n.clone(), ty.clone()))
            .collect();
        self.arguments(
            &name.text,
            &slots,
            receiver,
            args,
            span,
            Some(signature.span),
        )
    }

    fn construct_record(&mut self, id: RecordId, args: &[ast::Arg], span: Span) -> Expr {
        let record = &self.checker.program.records[id];
        let (name, declared) = (record.name.clone(), record.span);
        let slots: Vec<Slot> = record.fields.iter().map(Slot::of).collect();
        match self.arguments(&name, &slots, None, args, span, Some(declared)) {
            Some(fields) => match constants(&fields) {
                Some(all) => Expr::constant(Value::seq(all), Ty::Record(id), span),
                None => Expr::new(ExprKind::Record(id, fields), Ty::Record(id), span),
            },
            // Its type is certain, so that what is wrong in it is reported once.
            None => Expr::new(ExprKind::Error, Ty::Record(id), span),
        }
    }

    pub(super) fn construct_variant(
        &mut self,
        id: EnumId,
        tag: u32,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        let variant = &self.checker.program.enums[id].variants[tag as usize];
        let (name, declared) = (variant.name.clone(), variant.span);
        let slots: Vec<Slot> = variant.fields.iter().map(Slot::of).collect();
        match self.arguments(&name, &slots, None, args, span, Some(declared)) {
            Some(fields) => match constants(&fields) {
                Some(all) => Expr::constant(Value::Variant(tag, all.into()), Ty::Enum(id), span),
                None => Expr::new(ExprKind::Variant(id, tag, fields), Ty::Enum(id), span),
            },
            None => Expr::new(ExprKind::Error, Ty::Enum(id), span),
        }
    }

    /// `CartId(s)`: a `CartId?`, there when the text matches.
    fn convert(
        &mut self,
        id: RefinementId,
        receiver: Option<Given<'_>>,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        let refinement = &self.checker.program.refinements[id];
        let (name, max, regex) = (
            refinement.name.clone(),
            refinement.max,
            refinement.regex.clone(),
        );
        let (given, fine) = self.arrange(&name, &["text"], receiver, args, Some(refinement.span));
        let Some(Some(arg)) = given.into_iter().next() else {
            if fine {
                let found = catalog::missing_argument(&name, "`text`").at(span, "`text` not given");
                self.checker.sink.emit(found);
            }
            return Expr::error(span);
        };
        let value = self.given(
            arg,
            Some(&Ty::Str {
                max: tollgate_runtime::schema::STRING_LIMIT,
                refined: None,
            }),
        );
        if value.ty.is_error() || !fine {
            return Expr::error(span);
        }
        let ty = Ty::opt(Ty::Str {
            max,
            refined: Some(id),
        });
        if let Some(Value::Str(text)) = value.value() {
            let holds = regex.matches(text) && text.len() <= max as usize;
            let value = if holds {
                Value::Str(text.clone())
            } else {
                Value::None
            };
            return Expr::constant(value, ty, span);
        }
        // Bound once, tested, and then known to be of the type.
        let at = value.span;
        let local = self.fresh(
            "text",
            at,
            Ty::Str {
                max,
                refined: Some(id),
            },
        );
        let is = |kind| Expr::new(kind, Ty::Bool, at);
        let pattern = tollgate_runtime::Pattern::Regex(regex);
        let bound = Expr::new(ExprKind::Local(local), self.locals[local].ty.clone(), at);
        let mut tests = vec![
            is(ExprKind::Let(local, Box::new(value))),
            is(ExprKind::Matches(
                Box::new(bound.clone()),
                pattern,
                Vec::new(),
            )),
        ];
        if let Some(short) = self.at_most(&bound, max, at) {
            tests.insert(1, short);
        }
        let none = Expr::constant(Value::None, ty.clone(), at);
        let kind = ExprKind::If(
            Box::new(is(ExprKind::And(tests))),
            Box::new(present(bound)),
            Box::new(none),
        );
        Expr::new(kind, ty, span)
    }

    /// A binding that the author did not write.
    pub(crate) fn fresh(&mut self, name: &str, span: Span, ty: Ty) -> crate::hir::LocalId {
        self.locals.push(crate::hir::Local {
            name: name.into(),
            span,
            ty,
        })
    }

    /// Whether a text has at most `max` bytes.
    fn at_most(&mut self, text: &Expr, max: u32, span: Span) -> Option<Expr> {
        let native = self.native("text_len")?;
        let bytes = Expr::new(
            ExprKind::Native(native, vec![text.clone()]),
            native_type(native.result),
            span,
        );
        let point = Ty::Num(Unit::One, Interval::point(max.into()));
        let bound = Expr::constant(Value::Int(max.into()), point, span);
        let kind = ExprKind::Compare(
            crate::hir::CmpKind::Int,
            tollgate_ir::operand::Cc::Le,
            Box::new(bytes),
            Box::new(bound),
        );
        Some(Expr::new(kind, Ty::Bool, span))
    }

    /// A native of the library by its name.
    pub(super) fn native(&self, name: &str) -> Option<&'static Native> {
        self.checker
            .library
            .natives
            .iter()
            .copied()
            .find(|n| n.name == name)
    }
}

/// The checker's type of a native's parameter or result.
pub(super) fn native_type(ty: NativeType) -> Ty {
    match ty {
        NativeType::Bool => Ty::Bool,
        NativeType::Int { lo, hi } => Ty::int_in(lo, hi),
        NativeType::Float => Ty::Float,
        NativeType::Str { max } => Ty::Str { max, refined: None },
        NativeType::Bytes => Ty::Bytes { max: STRING_LIMIT },
        NativeType::Duration => Ty::full(Unit::Duration),
        NativeType::Instant => Ty::full(Unit::Instant),
        NativeType::Date => Ty::full(Unit::Date),
        NativeType::Percent { lo, hi } => {
            Ty::Num(Unit::Percent, Interval::new(lo.into(), hi.into()))
        }
        NativeType::Ip => Ty::Ip,
        NativeType::Cidr => Ty::Cidr,
        NativeType::Path => Ty::Path,
        NativeType::Host => Ty::Host,
        NativeType::HeaderName => Ty::HeaderName,
        NativeType::Zone => Ty::Zone,
        NativeType::Key => Ty::Key,
        NativeType::Values => Ty::Values { max: 1024 },
        NativeType::Opt(of) => Ty::opt(native_type(*of)),
        NativeType::List(of, max) => Ty::List(Arc::new(native_type(*of)), max),
    }
}
