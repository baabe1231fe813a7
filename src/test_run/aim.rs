//! Values that satisfy conditions, found by the search that also finds the closest change for explanations: what is only drawn
//! satisfies none that asks for much.

use std::collections::BTreeMap;

use tollgate_frontend::analysis::{self, Closest};
use tollgate_frontend::hir;
use tollgate_frontend::lower::{Asked, Lowered, TestCases, TestFn, TestPlan};
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::{FuncId, IndexVec, RuleSetId};
use tollgate_ir::module::{Module, Otherwise, Policy, Rule, RuleSet, Site, Target};
use tollgate_ir::predicates::predicates;
use tollgate_ir::predicates::solve::{self, Given, Subject};
use tollgate_runtime::Value;
use tollgate_runtime::schema::Field;

/// The program before it was optimised, in which conditions can be looked into.
pub(super) struct Aim {
    program: hir::Program,
    lowered: Lowered,
    costs: Costs,
    /// Each `where` as the only rule of a rule set.
    filters: BTreeMap<u32, RuleSetId>,
}

/// Values near others.
pub(super) enum Aimed {
    /// These are as wanted.
    Found(Vec<Value>),
    /// None are: a proof.
    Never,
    /// None were found.
    Unknown,
}

impl Aim {
    pub(super) fn new(program: hir::Program, mut lowered: Lowered, plans: &[TestPlan]) -> Aim {
        let mut filters = BTreeMap::new();
        for plan in plans {
            if let TestCases::Forall {
                filter: Some(filter),
                ..
            } = &plan.cases
                && let Target::Func(func) = lowered.module.entries[filter.0 as usize].target
            {
                filters.insert(filter.0, alone(&mut lowered.module, func));
            }
        }
        Aim {
            costs: Costs::new(&lowered.module),
            program,
            lowered,
            filters,
        }
    }

    /// How many rules a rule set has.
    pub(super) fn rules(&self, asked: &Asked) -> usize {
        self.program.rulesets[asked.set].rules.len()
    }

    /// Values near those given that a rule matches.
    pub(super) fn at_rule(&self, asked: &Asked, rule: usize, given: &Given) -> Aimed {
        let (program, lowered, costs) = (&self.program, &self.lowered, &self.costs);
        match analysis::closest(program, lowered, costs, (asked.set, rule), given) {
            Some(Closest::Found { given, .. }) => Aimed::Found(given.params),
            Some(Closest::Never) => Aimed::Never,
            Some(Closest::Unknown) | None => Aimed::Unknown,
        }
    }

    /// Values near those given that satisfy the `where` of a test.
    pub(super) fn at_where(&self, filter: TestFn, plan: &TestPlan, given: &Given) -> Aimed {
        let module = &self.lowered.module;
        let data: Option<Vec<_>> = module.data.values().map(|data| data.schema).collect();
        let (Some(rules), Some(data)) = (self.filters.get(&filter.0), data) else {
            return Aimed::Unknown;
        };
        let params = plan.params.iter().map(|param| Field {
            name: param.name.clone(),
            ty: param.ty,
            default: None,
        });
        let subject = Subject {
            module,
            rules: *rules,
            predicates: &predicates(module, &self.costs, &module.rulesets[*rules]),
            costs: &self.costs,
            schema: &module.schema,
            data: &data,
            params: &params.collect::<Vec<_>>(),
            pairs: 0,
        };
        match solve::closest(subject, 0, 0, given) {
            solve::Closest::Found { given, .. } => Aimed::Found(given.params),
            solve::Closest::Never => Aimed::Never,
            solve::Closest::Unknown => Aimed::Unknown,
        }
    }
}

/// A condition as the only rule of a rule set, which gives whether it holds.
fn alone(module: &mut Module, cond: FuncId) -> RuleSetId {
    let func = &module.funcs[cond];
    let name = format!("{}.alone", func.name).into_boxed_str();
    let params = func.params().iter().map(|val| func.ty(*val)).collect();
    let result = func.result;
    let site = module.sites.push(Site::Rule {
        ruleset: name.clone(),
        rule: "where".into(),
    });
    let otherwise = module.sites.push(Site::Otherwise {
        ruleset: name.clone(),
    });
    module.rulesets.push(RuleSet {
        name,
        params,
        result,
        policy: Policy::First,
        groups: IndexVec::new(),
        rules: vec![Rule {
            name: "where".into(),
            site,
            group: None,
            cond: Some(cond),
            outcomes: vec![cond],
        }],
        otherwise: Some(Otherwise {
            site: otherwise,
            outcome: cond,
        }),
        key: None,
    })
}
