//! Functions that compute terms.

use rustc_hash::FxHashMap;

use super::{Predicates, TermId};
use crate::builder::FuncBuilder;
use crate::entities::{FuncId, Val};
use crate::instructions::Inst;
use crate::module::Module;
use crate::types::Type;

impl Predicates {
    /// Adds to the module a function (parameters …) -> type that computes a term. The name is unique in the module.
    ///
    /// The module is the one that the conditions were taken from, and may have grown since.
    pub fn emit(&self, module: &mut Module, term: TermId, name: Box<str>) -> FuncId {
        let terms = &self.terms;
        let params: Vec<Type> = terms.params().iter().map(|p| terms.ty(*p)).collect();
        let mut builder = FuncBuilder::new(module, name, &params, terms.ty(term));
        let args = builder.params().to_vec();
        let val = self.emit_in(&mut builder, &args, term);
        builder.ret(val);
        builder.finish()
    }

    /// Computes a term in the current block of a function, given the rule set's parameters there.
    pub fn emit_in(&self, builder: &mut FuncBuilder<'_>, args: &[Val], term: TermId) -> Val {
        let terms = &self.terms;
        let params = terms.params().iter().copied();
        let mut vals: FxHashMap<TermId, Val> = params.zip(args.iter().copied()).collect();
        terms.walk(term, |at, inst| {
            let val = match inst {
                Inst::Konst { value } => {
                    let constant = terms.konst(builder.module(), *value).clone();
                    builder.konst(constant.ty, constant.value)
                }
                inst => {
                    let mut inst = inst.clone();
                    inst.vals_mut(|v| *v = vals[v]);
                    builder.ins(inst)
                }
            };
            vals.insert(at, val);
        });
        vals[&term]
    }
}
