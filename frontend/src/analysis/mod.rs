//! What can be said of rules once they are conditions over the input: which never decide, which overlap, what nobody decides.
//!
//! The questions are asked of the IR (`tollgate_ir::predicates::solve`), which answers with a proof, with an input that the
//! interpreter has confirmed, or not at all. Here the answers become diagnostics: what the author's policy forbids is an
//! error, and so is what could not be proved of `unique`, `any` and a rule set without `otherwise`; the rest are warnings.

mod agree;
mod answers;
mod closest;
mod say;

use tollgate_ir::cost::Costs;
use tollgate_ir::predicates::predicates;
use tollgate_ir::predicates::solve::{Scope as Depth, Subject, findings};
use tollgate_runtime::schema::{Field, Schema, TypeId};

pub use answers::{Possible, possible_answers};
pub use closest::{Change, Closest, closest};

use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{Policy, Program, RuleSet, RuleSetId};
use crate::lower::{Lowered, SchemaBuilder, lower_rulesets};

/// How much is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// What makes a rule set illegal. A program is compiled only without it.
    Legal,
    /// And what an author would want to know.
    All,
    /// And what could not be found out.
    Verbose,
}

/// What is asked of [`analyse`].
#[derive(Clone, Copy, Debug)]
pub struct Asked<'d> {
    /// How much is looked for.
    pub scope: Scope,
    /// Most pairs of rules that are compared for one `unique` or `any`.
    pub pairs: u64,
    /// What was said about the program before: it is not said again in other words.
    pub said: &'d [Diagnostic],
}

/// Looks at every rule set of a program, those included that no entry needs. `lowered` is what [`lower`](crate::lower::lower)
/// makes of the program.
///
/// Takes time about linear in the rules, and no more than a budget for each rule set.
pub fn analyse(program: &Program, lowered: &Lowered, asked: &Asked<'_>) -> Vec<Diagnostic> {
    let scope = asked.scope;
    let mut sink = Sink::default();
    for set in program.rulesets.values().filter(|set| decides_nothing(set)) {
        sink.emit(say::nothing(set));
    }
    let wanted = |set: &RuleSet| {
        // Where a rule has no condition, every input is decided.
        let mut rules = set.rules.iter();
        let ended = rules.any(|r| r.group.is_none() && r.spine.is_empty());
        let open = set.otherwise.is_none() && !ended;
        let proved = match set.policy {
            Policy::Unique | Policy::Any => true,
            Policy::First | Policy::Best { .. } => open,
            Policy::All | Policy::Sum => false,
        };
        !set.rules.is_empty() && (proved || scope != Scope::Legal)
    };
    let all = program.rulesets.iter().filter(|(_, set)| wanted(set));
    let (known, others): (Vec<_>, Vec<_>) = all
        .map(|(id, _)| id)
        .partition(|id| lowered.rulesets[*id].is_some());
    if !known.is_empty() {
        each(program, lowered, &known, asked, &mut sink);
    }
    if !others.is_empty() {
        let lowered = lower_rulesets(program, &others);
        each(program, &lowered, &others, asked, &mut sink);
    }
    sink.finish()
}

/// Whether a rule set has nothing to decide by, though it must.
fn decides_nothing(set: &RuleSet) -> bool {
    let collects = matches!(set.policy, Policy::All | Policy::Sum);
    set.rules.is_empty() && set.otherwise.is_none() && !collects
}

/// How rule sets and data look from outside.
struct Outside {
    schema: Schema,
    data: Vec<TypeId>,
    /// The parameters of each rule set.
    params: Vec<Vec<Field>>,
}

impl Outside {
    fn of(program: &Program, sets: &[RuleSetId]) -> Outside {
        let mut schema = SchemaBuilder::new(program);
        let data = program.data.values().map(|d| schema.get(&d.ty)).collect();
        let mut params = Vec::new();
        for id in sets {
            let set = &program.rulesets[*id];
            let of = set.params.iter().map(|p| &set.locals[*p]);
            let fields = of.map(|local| Field {
                name: local.name.clone(),
                ty: schema.get(&local.ty),
                default: None,
            });
            params.push(fields.collect::<Vec<_>>());
        }
        Outside {
            schema: schema.finish(),
            data,
            params,
        }
    }
}

fn each(
    program: &Program,
    lowered: &Lowered,
    sets: &[RuleSetId],
    asked: &Asked<'_>,
    sink: &mut Sink,
) {
    let module = &lowered.module;
    let costs = Costs::new(module);
    let Outside {
        schema,
        data,
        params,
    } = Outside::of(program, sets);
    for (id, params) in sets.iter().zip(&params) {
        let Some(rules) = lowered.rulesets[*id] else {
            continue;
        };
        let set = &program.rulesets[*id];
        let predicates = predicates(module, &costs, &module.rulesets[rules]);
        let subject = Subject {
            module,
            rules,
            predicates: &predicates,
            costs: &costs,
            schema: &schema,
            data: &data,
            params,
            pairs: asked.pairs,
        };
        let depth = match asked.scope {
            Scope::Legal => Depth::Legal,
            Scope::All | Scope::Verbose => Depth::All,
        };
        let same = |a: u32, b: u32| {
            let of = |rule: u32| &set.rules[rule as usize].outcomes;
            agree::same_outcome(set, of(a), of(b))
        };
        let names: Vec<Box<str>> = params.iter().map(|p| (&*p.name).into()).collect();
        let names = predicates.names(module, &names);
        for finding in findings(subject, depth, &same) {
            if let Some(diagnostic) = say::finding(set, &names, &finding, asked) {
                sink.emit(diagnostic);
            }
        }
    }
}
