//! Rule sets, guards and tables, which are one thing by now.

use tollgate_ir::entities::{FuncId, IndexVec};
use tollgate_ir::module::{self as ir, Module, Otherwise, Site};
use tollgate_ir::types::Type;

use super::Lowering;
use super::func::Owner;
use crate::hir::{Expr, LocalId, Policy, Rule, RuleSet, RuleSetId};

/// Visits every expression of a rule set.
pub(super) fn exprs<'h>(set: &'h RuleSet, visit: &mut dyn FnMut(&'h Expr)) {
    for part in parts(set) {
        part.iter().for_each(&mut *visit);
    }
}

/// The expressions of a rule set, those together that become one function.
fn parts(set: &RuleSet) -> impl Iterator<Item = &[Expr]> {
    let groups = set.groups.values().map(|g| &*g.spine);
    let rules = set.rules.iter().flat_map(|rule| {
        let outcomes = rule.outcomes.iter().map(std::slice::from_ref);
        [&*rule.spine].into_iter().chain(outcomes)
    });
    let key = match &set.policy {
        Policy::Best { key, .. } => Some(key),
        _ => None,
    };
    let single = set.otherwise.iter().chain(key).map(std::slice::from_ref);
    groups.chain(rules).chain(single)
}

impl<'h> Lowering<'h> {
    /// Lowers a rule set.
    pub(super) fn ruleset(&mut self, module: &mut Module, id: RuleSetId) {
        let program = self.program;
        let set = &program.rulesets[id];
        let name = self.names.unique(set.name.to_string());
        let mut owner = Owner::new(&name, &set.locals, &set.params);
        let spines = set.groups.values().map(|g| &g.spine);
        for spine in spines.chain(set.rules.iter().map(|r| &r.spine)) {
            spine.iter().for_each(|e| owner.binders.operand(e));
        }
        self.outline(module, &mut owner, parts(set));

        let outcome = self.types.get(&mut module.types, &set.outcome);
        let mut groups = IndexVec::new();
        for (id, group) in set.groups.iter() {
            let name = format!("{name}.group{}", id.0);
            groups.push(ir::Group {
                parent: group.parent.map(group_id),
                cond: self.condition(module, &owner, name, &group.spine),
            });
        }
        let rules = set.rules.iter();
        let rules = rules.map(|rule| self.rule(module, &owner, rule, outcome));
        let rules = rules.collect();
        let otherwise = set.otherwise.as_ref().map(|value| Otherwise {
            site: module.sites.push(Site::Otherwise {
                ruleset: name.clone(),
            }),
            outcome: self.outcome(module, &owner, format!("{name}.otherwise"), value, outcome),
        });
        let key = match &set.policy {
            Policy::Best { it, key } => {
                let params: Vec<LocalId> = set.params.iter().chain([it]).copied().collect();
                let name = format!("{name}.key");
                Some(self.build(module, &owner, name, &params, Type::INT, |f| {
                    let key = f.expr(key, Type::INT);
                    f.b.ret(key);
                }))
            }
            _ => None,
        };
        let mut params = Vec::with_capacity(set.params.len());
        for param in &set.params {
            params.push(self.types.get(&mut module.types, &set.locals[*param].ty));
        }
        let result = match set.policy {
            Policy::All => module.types.list(outcome),
            _ => outcome,
        };
        let lowered = module.rulesets.push(ir::RuleSet {
            name,
            params,
            result,
            policy: policy(&set.policy),
            groups,
            rules,
            otherwise,
            key,
        });
        self.rulesets[id] = Some(lowered);
        if let Some(until) = set.shadow
            && !self.in_test
        {
            let shadow = self.shadow(module, &owner, id, until);
            self.shadows.insert(id, shadow);
        }
    }

    fn rule(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        rule: &'h Rule,
        outcome: Type,
    ) -> ir::Rule {
        let set = &owner.name;
        let site = module.sites.push(Site::Rule {
            ruleset: set.clone(),
            rule: (&*rule.name).into(),
        });
        let name = |what: &str| [set, ".", &rule.name, what].concat();
        let cond = (!rule.spine.is_empty())
            .then(|| self.condition(module, owner, name(".when"), &rule.spine));
        let outcomes = rule
            .outcomes
            .iter()
            .map(|value| self.outcome(module, owner, name(".then"), value, outcome));
        ir::Rule {
            name: (&*rule.name).into(),
            site,
            group: rule.group.map(group_id),
            cond,
            outcomes: outcomes.collect(),
        }
    }

    fn condition(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        spine: &[Expr],
    ) -> FuncId {
        self.build(module, owner, name, owner.params, Type::BOOL, |f| {
            f.spine(spine);
        })
    }

    fn outcome(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        value: &Expr,
        result: Type,
    ) -> FuncId {
        self.build(module, owner, name, owner.params, result, |f| {
            let value = f.expr(value, result);
            f.b.ret(value);
        })
    }
}

fn group_id(id: crate::hir::GroupId) -> tollgate_ir::entities::GroupId {
    tollgate_ir::entities::GroupId(id.0)
}

pub(super) fn policy(policy: &Policy) -> ir::Policy {
    match policy {
        Policy::First => ir::Policy::First,
        Policy::Unique => ir::Policy::Unique,
        Policy::Any => ir::Policy::Any,
        Policy::All => ir::Policy::All,
        Policy::Best { .. } => ir::Policy::Best,
        Policy::Sum => ir::Policy::Sum,
    }
}
