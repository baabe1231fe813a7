//! Makes rule sets ready to be searched: their conditions become data, and a tree over them finds the rules that match
//! (`tollgate_runtime::index` says how, and after which papers).
//!
//! ```text
//! ruleset route(Request) -> Route first { rule … when route.a.when then route.a.then … }
//! ─────────────────────────────────────────────────────────────────────────────────────
//! index route(Request) -> Route first { f0 = param 0 [3]   rule … when f0 text {"a.example"} then konst const7 … }
//! func route(Request) -> Route { v1 = search_marked route(v0); return v1 }
//! ```
//!
//! What the conditions ask comes from `tollgate_ir::predicates`. A feature that is read in place costs nothing here; any other becomes
//! a function, which a search calls at most once a decision. An outcome that is a constant is a number in the index, any other
//! is the function it was.
//!
//! Not every rule set gains by it: one of a few rules is left to the chain ([`RULES_MIN`]) unless its conditions only read, and so is one
//! whose conditions are all opaque, which a search would ask one after the other as well. Conditions that only read gain
//! even if there is one of them: what is cheap is asked first, and by code that knows what it asks. What a condition asks before it asks a
//! state is pure, so which of that is asked, and in which order, cannot be seen; a rule whose condition asks states is searched for by
//! that much of it, and what is found is then asked as a whole, rule after rule, as the chain would. Linear.

use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::{FuncId, GroupId, RuleSetId, SiteId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Otherwise, Rule, RuleSet, Target, Terminator};
use tollgate_ir::predicates::{Feature, Predicates, Source, predicates, prefixes};
use tollgate_ir::rule_index::{Given, IndexedRule, Parts, Read, RuleIndex};
use tollgate_ir::types::{Type, TypeData};
use tollgate_runtime::index::{Base, Policy};
use tollgate_runtime::{Arena, Cx, Value, Word};

use super::rulesets::{Became, replace};
use crate::consts::{Const, is_function_of_operands};
use crate::finder::{CHAIN_MAX, EXPRESSIONS_MAX, Finder, With, count_atoms, is_regex_or_glob};
use crate::pass::{Changed, Names};
use crate::pipeline::Aim;

/// Rules of the smallest set that is searched although conditions compute something. A chain of fewer is short, and computes in place what
/// a search has to call. A benchmark over sets of one to eight rules would say where the line lies best.
const RULES_MIN: usize = 4;

pub(crate) fn run(module: &mut Module, aim: Aim) -> Changed {
    if module.rulesets.is_empty() {
        return Changed::default();
    }
    let costs = Costs::new(module);
    let mut names = Names::of(module);
    let mut changed = Changed::default();
    let mut became = Vec::with_capacity(module.rulesets.len());
    let mut kept = 0;
    for id in module.rulesets.keys() {
        match searchable(module, &costs, id, aim) {
            Ok(asked) => {
                let func = index(module, id, asked, &costs, aim, &mut names, &mut changed);
                became.push(Became::Func(func));
            }
            Err(_) => {
                became.push(Became::Rules(RuleSetId(kept)));
                kept += 1;
            }
        }
    }
    replace(module, &became, &mut changed);
    changed
}

/// Why a rule set is left to the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyChain {
    /// A chain of so few rules, some of which compute something, is over before a search has begun.
    Few {
        /// Rules of the smallest set that is searched.
        least: usize,
    },
    /// Machine code asks so few rules in less time than a search begins in.
    Code {
        /// Rules of the largest set that is left to it.
        most: usize,
    },
    /// The condition of a group asks states, which is done where the first of its rules is reached.
    Asks,
    /// Most conditions ask about nothing that is read in place, so a search could not pass over their rules.
    Opaque {
        /// Rules whose conditions do.
        read: usize,
        /// All rules.
        rules: usize,
    },
}

impl std::fmt::Display for WhyChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WhyChain::Few { least } => {
                write!(f, "fewer than {least} rules, and not all of them only read")
            }
            WhyChain::Code { most } => write!(f, "machine code, and at most {most} rules"),
            WhyChain::Asks => {
                f.write_str("the condition of a group asks states, in the order of the source")
            }
            WhyChain::Opaque { read, rules } => write!(
                f,
                "opaque conditions: only {read} of {rules} ask about what can be read in place"
            ),
        }
    }
}

/// Whether the pass leaves a rule set of a verified module to the chain, and why. `costs` are the module's. Linear in its rules.
pub fn why_chain(module: &Module, costs: &Costs, id: RuleSetId, aim: Aim) -> Option<WhyChain> {
    searchable(module, costs, id, aim).err()
}

/// What a rule set asks, if it is to be searched: some rules ask about something that is read, not only whether their condition holds.
fn searchable(
    module: &Module,
    costs: &Costs,
    id: RuleSetId,
    aim: Aim,
) -> Result<Predicates, WhyChain> {
    let rules = &module.rulesets[id];
    let asked = match costs.asks().ruleset(id) {
        0 => predicates(module, costs, rules),
        _ => {
            let (_, rest) = asked_first(rules, costs).ok_or(WhyChain::Asks)?;
            prefixes(module, costs, &rest)
        }
    };
    let few = rules.rules.len() < RULES_MIN;
    // Where every outcome is wanted as a list, it costs a chain more to make one than it saves.
    if aim.native
        && rules.policy != Policy::All
        && rules.rules.len() <= CHAIN_MAX
        && expressions(&asked) <= EXPRESSIONS_MAX
        && !is_closed(module, id, &asked)
    {
        return Err(WhyChain::Code { most: CHAIN_MAX });
    }
    let reads = |f: &Feature| matches!(f.source, Source::Path { .. });
    if few && !asked.features.iter().all(reads) {
        return Err(WhyChain::Few { least: RULES_MIN });
    }
    let reads = |rule: &tollgate_runtime::index::Formula| {
        let mut reads = false;
        rule.atoms(&mut |atom| {
            let feature = asked.features.get(atom.feature as usize);
            reads |= feature.is_some_and(|f| matches!(f.source, Source::Path { .. }));
        });
        reads
    };
    let read = asked.rules.iter().filter(|r| reads(r)).count();
    let rules = asked.rules.len();
    match 2 * read >= rules {
        true => Ok(asked),
        false => Err(WhyChain::Opaque { read, rules }),
    }
}

/// How often the rules ask a regular expression or a glob.
fn expressions(asked: &Predicates) -> usize {
    let rules = asked.rules.iter();
    rules.map(|rule| count_atoms(rule, is_regex_or_glob)).sum()
}

/// Adds the index of a rule set, and the function that decides by it.
fn index(
    module: &mut Module,
    id: RuleSetId,
    mut asked: Predicates,
    costs: &Costs,
    aim: Aim,
    names: &mut Names,
    changed: &mut Changed,
) -> FuncId {
    let name = names.fresh(&module.rulesets[id].name);
    let mut features = Vec::with_capacity(asked.features.len());
    let called = called(module, id, &asked);
    for ((number, feature), called) in asked.features.iter().enumerate().zip(called) {
        let read = match &feature.source {
            Source::Path { base, steps, tag } => Read::Path {
                base: *base,
                steps: steps.clone(),
                tag: *tag,
            },
            Source::Computed => {
                let name = names.fresh(&format!("{name}.feature{number}"));
                let func = asked.emit(module, feature.term, name);
                changed.funcs.push(func);
                Read::Call(func)
            }
        };
        features.push((read, called));
    }
    let before = asked_first(&module.rulesets[id], costs).map_or_else(Vec::new, |(conds, _)| conds);
    let rules = &module.rulesets[id];
    let (params, result, policy) = (rules.params.clone(), rules.result, rules.policy);
    let outcome = match module.types.get(result) {
        TypeData::List(of) if policy == Policy::All => of,
        _ => result,
    };
    // The conditions are data by now; what else the rule set says is taken as it stands.
    let RuleSet {
        rules: old,
        otherwise,
        key,
        ..
    } = rules.clone();
    let mut given = |func: FuncId| match constant(module, func) {
        Some(Const::Pool(id)) => Given::Const(id),
        Some(Const::Int(v)) => Given::Const(module.konst(outcome, Value::Int(v))),
        Some(Const::Float(v)) => Given::Const(module.konst(outcome, Value::Float(v.get()))),
        Some(Const::Bool(v)) => Given::Const(module.konst(outcome, Value::Bool(v))),
        Some(Const::None(_)) => Given::Const(module.konst(outcome, Value::None)),
        None => Given::Call(func),
    };
    let rules = old.into_iter().zip(std::mem::take(&mut asked.rules));
    let rules = rules.map(|(rule, condition)| IndexedRule {
        site: rule.site,
        condition,
        asks: rule.cond.filter(|cond| costs.asks().func(*cond) > 0),
        outcomes: rule.outcomes.into_iter().map(&mut given).collect(),
        key: None,
    });
    let mut rules: Vec<IndexedRule> = rules.collect();
    let nothing = otherwise;
    let otherwise = otherwise.map(|o| (o.site, given(o.outcome)));
    if let Some(key) = key {
        know_keys(module, key, &mut rules);
    }
    let index = RuleIndex::new(Parts {
        name: name.clone(),
        params: params.clone(),
        result,
        policy,
        features,
        rules,
        otherwise,
        key,
    });
    let index = match aim.native {
        true => with_finder(module, index, &asked, names, changed),
        false => index,
    };
    let index = module.indexes.push(index);
    let mut b = FuncBuilder::new(module, name, &params, result);
    let args: Box<[Val]> = b.params().into();
    for func in before {
        let args = args.clone();
        let holds = b.ins(Inst::CallMarked { func, args });
        let (search, none) = (b.block(&[]), b.block(&[]));
        b.br(holds, (search, &[]), (none, &[]));
        b.switch_to(none);
        give_nothing(&mut b, policy, result, nothing);
        b.switch_to(search);
    }
    let decided = b.ins(Inst::SearchMarked { index, args });
    b.ret(decided);
    let func = b.finish();
    changed.funcs.push(func);
    func
}

/// The index with code that finds what a search would, if there is a good way.
fn with_finder(
    module: &mut Module,
    index: RuleIndex,
    asked: &Predicates,
    names: &mut Names,
    changed: &mut Changed,
) -> RuleIndex {
    let sites: Vec<SiteId> = index
        .decider
        .rules
        .iter()
        .map(|r| SiteId(r.mark.0))
        .collect();
    let in_a_row = sites.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
    if !index.decider.asks.is_empty() || !in_a_row {
        return index;
    }
    let ranking = index.decider.ranking.as_deref();
    let one = index.decider.one_decides();
    let conditions = index.conditions.clone();
    let order: Vec<u32> = match ranking {
        Some(ranking) => ranking.into(),
        None => (0..conditions.len() as u32).collect(),
    };
    let finder = Finder::new(module, asked, &conditions, order.into_iter(), one);
    let Some(finder) = finder else {
        return index;
    };
    let features = index.decider.index.features().iter();
    let computed = features.map(|feature| match feature {
        tollgate_runtime::index::Feature::Computed(n) => Some(index.functions[*n as usize]),
        tollgate_runtime::index::Feature::Path { .. } => None,
    });
    let with = With {
        asked,
        computed: &computed.collect::<Vec<_>>(),
        sites: &sites,
    };
    let name = names.fresh(&format!("{}.finder", index.name));
    let func = finder.write(module, &with, name);
    changed.funcs.push(func);
    index.with_finder(func)
}

fn one_decides(policy: Policy) -> bool {
    matches!(policy, Policy::First | Policy::Unique | Policy::Any)
}

/// Whether a host decides by a rule set without any code but a finder: its rules read their parameters alone and give constants.
fn is_closed(module: &Module, id: RuleSetId, asked: &Predicates) -> bool {
    let rules = &module.rulesets[id];
    let of_parameters = |feature: &Feature| match &feature.source {
        Source::Path { base, .. } => matches!(base, Base::Param(_)),
        Source::Computed => false,
    };
    let given = rules.rules.iter().flat_map(|rule| &rule.outcomes);
    let mut given = given.chain(rules.otherwise.iter().map(|o| &o.outcome));
    let target = Target::Rules(id);
    module.data.is_empty()
        && module.entries.iter().any(|entry| entry.target == target)
        && one_decides(rules.policy)
        && asked.features.iter().all(of_parameters)
        && given.all(|func| constant(module, *func).is_some())
        && Finder::new(
            module,
            asked,
            &asked.rules,
            0..asked.rules.len() as u32,
            true,
        )
        .is_some()
}

/// The conditions of groups around all rules that ask, the outermost first, which are asked before a search as they are before the chain;
/// and the rules without these groups. Nothing where another group asks, or a decision must have a rule.
fn asked_first(rules: &RuleSet, costs: &Costs) -> Option<(Vec<FuncId>, RuleSet)> {
    let asks = |rules: &RuleSet, id: GroupId| costs.asks().func(rules.groups[id].cond) > 0;
    let (mut conds, mut rest) = (Vec::new(), rules.clone());
    while let Some(around) = around_all(&rest).filter(|id| asks(&rest, *id)) {
        conds.push(rest.groups[around].cond);
        let out = |group: &mut Option<GroupId>| {
            if *group == Some(around) {
                *group = None;
            }
        };
        rest.rules.iter_mut().for_each(|rule| out(&mut rule.group));
        let groups = rest.groups.values_mut();
        groups.for_each(|group| out(&mut group.parent));
    }
    let mut inside = rest.rules.iter().filter_map(|rule| rule.group);
    let chain = |mut id: GroupId| loop {
        if asks(&rest, id) {
            break true;
        }
        match rest.groups[id].parent {
            Some(parent) => id = parent,
            None => break false,
        }
    };
    let among = inside.any(chain);
    let listed = matches!(rules.policy, Policy::All | Policy::Sum);
    let empty = listed || rules.otherwise.is_some() || conds.is_empty();
    (!among && empty).then_some((conds, rest))
}

/// The outermost group that every rule stands in, if there is one.
fn around_all(rules: &RuleSet) -> Option<GroupId> {
    let outermost = |rule: &Rule| {
        let mut at = rule.group?;
        while let Some(parent) = rules.groups[at].parent {
            at = parent;
        }
        Some(at)
    };
    let first = outermost(rules.rules.first()?)?;
    let all = rules
        .rules
        .iter()
        .all(|rule| outermost(rule) == Some(first));
    all.then_some(first)
}

/// Ends a block where no rule of a set matches.
fn give_nothing(
    b: &mut FuncBuilder<'_>,
    policy: Policy,
    result: Type,
    otherwise: Option<Otherwise>,
) {
    let value = match (policy, otherwise) {
        (Policy::Sum, _) if result == Type::FLOAT => b.fconst(0.0),
        (Policy::Sum, _) => b.iconst(0),
        (_, Some(otherwise)) => {
            b.mark(otherwise.site);
            let args = b.params().to_vec();
            b.call(otherwise.outcome, &args)
        }
        (_, None) => {
            let items = Box::default();
            b.ins(Inst::List { ty: result, items })
        }
    };
    b.ret(value);
}

/// Works out the keys of constant outcomes, where the key asks for nothing but the outcome.
fn know_keys(module: &Module, key: FuncId, rules: &mut [IndexedRule]) {
    let func = &module.funcs[key];
    let Some((_, others)) = func.params().split_last() else {
        return;
    };
    let mut closed = true;
    for block in func.blocks.values() {
        for id in &block.insts {
            let inst = &func.insts[*id].inst;
            closed &= is_function_of_operands(module, inst);
            inst.vals(|v| closed &= !others.contains(&v));
        }
        block.term.vals(|v| closed &= !others.contains(&v));
    }
    if !closed {
        return;
    }
    let (interp, arena) = (Interp::new(module), Arena::new());
    for rule in rules {
        let [Given::Const(outcome)] = rule.outcomes[..] else {
            return;
        };
        let mut args = vec![Word::None; others.len()];
        args.push(module.consts[outcome].value.word(&arena));
        let mut cx = Cx::new(&arena, "", 0);
        rule.key = Some(interp.run(Target::Func(key), &mut cx, &args).int());
    }
}

/// What people call the features of a rule set. Its parameters have names if it can be asked from outside.
fn called(module: &Module, id: RuleSetId, asked: &Predicates) -> Vec<Box<str>> {
    let entry = module
        .entries
        .iter()
        .find(|e| e.target == Target::Rules(id));
    let params = entry.map_or(&[][..], |e| &e.params);
    let params: Vec<Box<str>> = params.iter().map(|(name, _)| name.clone()).collect();
    let names = asked.names(module, &params);
    let features = 0..asked.features.len() as u32;
    features.map(|f| names.feature(f).into()).collect()
}

/// The constant that a function returns, if it does nothing else.
fn constant(module: &Module, func: FuncId) -> Option<Const> {
    let func = &module.funcs[func];
    let [block] = &func.blocks.values().collect::<Vec<_>>()[..] else {
        return None;
    };
    match (&block.insts[..], &block.term) {
        ([inst], Terminator::Return(val)) if func.insts[*inst].result == Some(*val) => {
            Const::of(module, &func.insts[*inst].inst)
        }
        _ => None,
    }
}
