//! States, places that ask them, and rule sets in shadow mode.

use tollgate_ir::entities::{Entity, FuncId, PlaceId, StateId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Decides, Module, Policy, Site, State, StatePlace};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;
use tollgate_runtime::Value;

use super::Lowering;
use super::func::{FnLower, Owner};
use crate::hir::{self, Callee, Expr, ExprKind, RuleSetId};

impl<'h> Lowering<'h> {
    /// All states and places of the program, numbered as they are there.
    pub(super) fn declare_states(&mut self, module: &mut Module) {
        for state in self.program.states.values() {
            let name = (&*state.name).into();
            module.states.push(State { name });
        }
        for place in self.program.places.values() {
            let of = |id: &hir::StateId| &self.program.states[*id];
            let keys = place.states.iter().map(of);
            let keys = keys.filter(|s| s.key.is_some()).map(|_| Type::STR);
            let place = StatePlace {
                rule: (&*place.rule).into(),
                operation: place.operation,
                states: place
                    .states
                    .iter()
                    .map(|s| StateId::new(s.index()))
                    .collect(),
                params: keys
                    .chain(place.operation.params().iter().copied())
                    .collect(),
                result: self.types.get(&mut module.types, &place.answer),
            };
            module.places.push(place);
        }
    }

    /// Whether something that decides asks states; only tests call it where they do not look at its marks.
    pub(super) fn asks(&self, callee: Callee) -> bool {
        match callee {
            Callee::RuleSet(id) => self.asking.contains(&id),
            Callee::Pipeline(id) => {
                let stages = &self.program.pipelines[id].stages;
                stages.iter().any(|stage| match stage.value.kind {
                    ExprKind::Decide {
                        callee: Callee::RuleSet(id),
                        ..
                    } => self.asking.contains(&id),
                    _ => false,
                })
            }
        }
    }

    /// What a host wants to know of an entry.
    pub(super) fn decides(&self, callee: Callee) -> Decides {
        let Callee::RuleSet(id) = callee else {
            return Decides::default();
        };
        let set = &self.program.rulesets[id];
        let stream = set.stream.map(|id| &self.program.streams[id]);
        Decides {
            policy: Some(super::rulesets::policy(&set.policy)),
            inputs: stream.and_then(|stream| stream.inputs),
        }
    }

    /// The function that decides by a rule set in shadow mode, and gives what `otherwise` says until the mode ends.
    pub(super) fn shadow(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        id: RuleSetId,
        until: i64,
    ) -> FuncId {
        let rules = self.lowered_ruleset(id);
        let lowered = &module.rulesets[rules];
        let (result, otherwise) = (lowered.result, lowered.otherwise);
        let (policy, ruleset) = (lowered.policy, lowered.name.clone());
        let name = format!("{ruleset}.shadow");
        self.build(module, owner, name, owner.params, result, |f| {
            let args: Vec<Val> = f.b.params().to_vec();
            let decided = f.b.ins(Inst::DecideMarked {
                rules,
                args: args.clone().into(),
            });
            let now = f.b.ins(Inst::DecisionTime {});
            let until = f.b.iconst(until);
            let shadows = f.b.icmp(Cc::Lt, now, until);
            let (shadow, counts) = (f.b.block(&[]), f.b.block(&[]));
            f.b.br(shadows, (shadow, &[]), (counts, &[]));
            f.b.switch_to(shadow);
            let site = f.b.module().sites.push(Site::Shadow { ruleset });
            f.b.mark(site);
            let nothing = match (otherwise, policy) {
                (Some(otherwise), _) => f.b.call(otherwise.outcome, &args),
                (None, Policy::Sum) if result == Type::FLOAT => f.b.fconst(0.0),
                (None, Policy::Sum) => f.b.iconst(0),
                // The checker asks for an `otherwise` elsewhere.
                (None, _) => f.constant(&Value::seq([]), result),
            };
            f.b.ret(nothing);
            f.b.switch_to(counts);
            f.b.ret(decided);
        })
    }
}

impl FnLower<'_, '_, '_> {
    /// Asks a state; where a binding is computed again, its answer is there already.
    pub(super) fn asked(&mut self, place: hir::PlaceId, args: &[Expr]) -> Val {
        let place = PlaceId::new(place.index());
        if self.again {
            return self.b.ins(Inst::Answer { place });
        }
        let types = self.b.module().places[place].params.clone();
        let args = self.args(args, &types).into();
        self.b.ins(Inst::Ask { place, args })
    }
}
