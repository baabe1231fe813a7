//! What the condition of a rule or group binds, for the functions behind it.
//!
//! Conditions and outcomes are separate functions, so a binding is computed again where it is used: everything is pure, and
//! the condition, which held, has answered every absence. The optimizer merges the copies once they stand in one function. A
//! binding whose computation is not small becomes a function of its own, or a rule set whose rules share it would grow with the product
//! of both.

use rustc_hash::{FxHashMap, FxHashSet};
use tollgate_ir::bug;
use tollgate_ir::entities::{FuncId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::Module;
use tollgate_ir::operand::Index;
use tollgate_runtime::Pattern as TextPattern;

use super::Lowering;
use super::func::{FnLower, Owner};
use super::walk;
use crate::hir::{Capture, Expr, ExprKind, LocalId, Pattern};

/// Nodes up to which a binding is computed in place.
const INLINE_MAX: u32 = 12;

/// How a binding is computed.
#[derive(Clone, Debug)]
pub(super) enum Source<'h> {
    /// `let x = e`
    Let(&'h Expr),
    /// A capture of a text that matches.
    Capture(&'h Expr, &'h TextPattern, &'h Capture),
    /// A part of a value that matches a pattern.
    Part(&'h Expr, Vec<Step>),
}

/// A step from a value to a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A field of a variant.
    Payload(u32, u32),
    /// An element of a list.
    Element(u32),
    /// What a present optional holds.
    Present,
}

/// A binding.
#[derive(Clone, Debug)]
pub(super) struct Binder<'h> {
    /// How it is computed.
    pub(super) source: Source<'h>,
    /// The function of the owner's parameters that computes it, if that is not done in place.
    pub(super) outlined: Option<FuncId>,
}

/// All bindings of an owner that functions behind their conditions may need.
#[derive(Clone, Debug, Default)]
pub(super) struct Binders<'h> {
    known: FxHashMap<LocalId, Binder<'h>>,
    /// In the order of the source: a binding uses only earlier ones.
    order: Vec<LocalId>,
    /// Nodes of a binding computed in place, with those it uses.
    sizes: FxHashMap<LocalId, u32>,
}

impl<'h> Binders<'h> {
    /// The binding of a local, if it has one.
    pub(super) fn get(&self, local: LocalId) -> Option<&Binder<'h>> {
        self.known.get(&local)
    }

    /// Registers what an operand of a spine binds.
    pub(super) fn operand(&mut self, operand: &'h Expr) {
        match &operand.kind {
            ExprKind::Let(local, value) => {
                self.operand(value);
                self.add(*local, Source::Let(value));
            }
            ExprKind::Matches(subject, pattern, captures) => {
                self.operand(subject);
                for capture in captures {
                    self.add(capture.local, Source::Capture(subject, pattern, capture));
                }
            }
            ExprKind::Is(subject, pattern) => {
                self.operand(subject);
                self.pattern(subject, pattern, &mut Vec::new());
            }
            ExprKind::And(items) => items.iter().for_each(|e| self.operand(e)),
            // Nothing escapes from any other operand.
            _ => {}
        }
    }

    /// Registers one binding.
    pub(super) fn add(&mut self, local: LocalId, source: Source<'h>) {
        self.order.push(local);
        self.known.insert(
            local,
            Binder {
                source,
                outlined: None,
            },
        );
    }

    fn pattern(&mut self, subject: &'h Expr, pattern: &Pattern, path: &mut Vec<Step>) {
        let mut part = |step: Step, inner: &Pattern| {
            path.push(step);
            self.pattern(subject, inner, path);
            path.pop();
        };
        match pattern {
            Pattern::Variant { tag, fields } => {
                for (field, inner) in fields {
                    part(Step::Payload(*tag, *field), inner);
                }
            }
            Pattern::List(items) => {
                for (i, inner) in items.iter().enumerate() {
                    part(Step::Element(i as u32), inner);
                }
            }
            Pattern::Some(inner) => part(Step::Present, inner),
            Pattern::Bind(local) => self.add(*local, Source::Part(subject, path.clone())),
            // A choice binds nothing.
            Pattern::OneOf(_)
            | Pattern::Any
            | Pattern::Value(_)
            | Pattern::Compare(..)
            | Pattern::Range(..)
            | Pattern::InCidr(_)
            | Pattern::None => {}
        }
    }
}

impl<'h> Source<'h> {
    /// The expression it is computed from.
    fn expr(&self) -> &'h Expr {
        match self {
            Source::Let(e) | Source::Capture(e, ..) | Source::Part(e, _) => e,
        }
    }
}

impl<'h> Lowering<'h> {
    /// Makes functions of those bindings that are needed from outside their condition and not small. `uses` are what
    /// stands in one function each. Linear in the owner.
    pub(super) fn outline(
        &mut self,
        module: &mut Module,
        owner: &mut Owner<'h>,
        uses: impl Iterator<Item = &'h [Expr]>,
    ) {
        let order = std::mem::take(&mut owner.binders.order);
        if order.is_empty() {
            return;
        }
        let mut needed: FxHashSet<LocalId> = FxHashSet::default();
        for exprs in uses {
            needed.extend(walk::free_locals(exprs));
        }
        for local in order.iter().rev() {
            if needed.contains(local) {
                let source = owner.binders.known[local].source.expr();
                needed.extend(walk::free_locals([source]));
            }
        }
        for local in order {
            if !needed.contains(&local) {
                continue;
            }
            let source = owner.binders.known[&local].source.clone();
            let inner = walk::free_locals([source.expr()]);
            let inner = inner.iter().filter_map(|l| owner.binders.sizes.get(l));
            let size = inner.fold(walk::size(source.expr()), |a, b| a.saturating_add(*b));
            if size <= INLINE_MAX {
                owner.binders.sizes.insert(local, size);
                continue;
            }
            let name = format!("{}.{}", owner.name, owner.locals[local].name);
            let result = self.types.get(&mut module.types, &owner.locals[local].ty);
            let params = owner.params;
            let func = self.build(module, owner, name, params, result, |f| {
                let val = f.recompute(local, &source);
                let val = f.fit(val, result);
                f.b.ret(val);
            });
            if let Some(binder) = owner.binders.known.get_mut(&local) {
                binder.outlined = Some(func);
            }
        }
    }
}

impl<'h> FnLower<'_, '_, 'h> {
    /// Computes a binding where its condition is known to hold.
    pub(super) fn recompute(&mut self, local: LocalId, source: &Source<'h>) -> Val {
        // `?? skip` has found a value, whatever this function is.
        let spine = self.spine.take();
        let again = std::mem::replace(&mut self.again, true);
        let locals = self.owner.locals;
        let val = match source {
            Source::Let(value) => {
                let ty = self.ty(&locals[local].ty);
                self.expr(value, ty)
            }
            Source::Capture(subject, pattern, capture) => {
                let subject = self.expr_alone(subject);
                let pattern = self.b.pattern((*pattern).clone());
                self.capture(subject, pattern, capture)
            }
            Source::Part(subject, path) => {
                let mut val = self.expr_alone(subject);
                for step in path {
                    val = self.part(val, *step);
                }
                val
            }
        };
        self.spine = spine;
        self.again = again;
        val
    }

    /// A part of a value that is known to have it.
    pub(super) fn part(&mut self, val: Val, step: Step) -> Val {
        match step {
            Step::Payload(tag, field) => self.b.ins(Inst::Payload {
                a: val,
                tag: Index(tag),
                index: Index(field),
            }),
            Step::Element(index) => {
                let index = self.b.iconst(index.into());
                let list = self.b.ty(val);
                let of = self.b.module().types.element(list);
                let element = self.b.ins(Inst::Get { a: val, index });
                // An element that is itself optional is what it is: optionals do not nest.
                if of == Some(self.b.ty(element)) {
                    return element;
                }
                self.b.ins(Inst::Unwrap { a: element })
            }
            Step::Present => self.b.ins(Inst::Unwrap { a: val }),
        }
    }

    /// What a capture takes of a text that matches.
    pub(super) fn capture(
        &mut self,
        subject: Val,
        pattern: tollgate_ir::entities::PatId,
        capture: &Capture,
    ) -> Val {
        let index = Index(capture.index);
        match &self.b.module().patterns[pattern] {
            TextPattern::Path(_) => self.b.ins(Inst::PathCapture {
                a: subject,
                pattern,
                index,
            }),
            TextPattern::Regex(_) => {
                let taken = self.b.ins(Inst::RegexCapture {
                    a: subject,
                    pattern,
                    index,
                });
                if self.owner.locals[capture.local].ty.is_optional() {
                    taken
                } else {
                    self.b.ins(Inst::Unwrap { a: taken })
                }
            }
            TextPattern::Glob(_) => bug!("a glob captures nothing"),
        }
    }
}
