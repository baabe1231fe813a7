//! Rule sets that were made ready to be searched: their conditions are data, and a tree over them finds the rules that match.
//!
//! A [`RuleSet`](crate::module::RuleSet) says what is to be decided, by functions; a [`RuleIndex`] says the same by formulas over features,
//! as far as they go, and by functions for what they do not reach. What a search means stands in the runtime
//! (`tollgate_runtime::index`), which every engine calls.

use std::sync::Arc;

use tollgate_runtime::Mark;
use tollgate_runtime::index::{Base, Decider, Feature, Formula, Index, Outcome, Policy};

use crate::cost::RULE;
use crate::entities::{ConstId, DataId, Entity, FuncId, IndexVec, SiteId};
use crate::module::Module;
use crate::types::{Type, TypeData};

/// A rule set that was made ready to be searched.
#[derive(Clone, Debug)]
pub struct RuleIndex {
    /// Unique among the indexes of the module.
    pub name: Box<str>,
    /// Parameter types.
    pub params: Vec<Type>,
    /// What a decision gives: for `All` a list of the outcomes' type, otherwise that type.
    pub result: Type,
    /// What each feature is called, for people; empty where that is not known.
    pub names: Arc<[Box<str>]>,
    /// One a rule, in source order.
    pub conditions: Arc<[Formula]>,
    /// Under `Best`, the keys of the rules, where all of them are known.
    pub keys: Option<Arc<[i64]>>,
    /// What features, outcomes and the key call; the decider knows functions by their place here.
    pub functions: Vec<FuncId>,
    /// The rest, with constants and sites by their numbers in the module.
    pub decider: Arc<Decider>,
}

/// What a rule of an index is made of.
#[derive(Clone, Debug)]
pub struct IndexedRule {
    /// What its mark says.
    pub site: SiteId,
    /// When it matches.
    pub condition: Formula,
    /// What has to hold besides, (parameters …) -> bool: it may ask states, and is called where the decision comes past the rule.
    pub asks: Option<FuncId>,
    /// What it gives: several only under `All`.
    pub outcomes: Vec<Given>,
    /// Under `Best`, what the key of its outcome is, where that is known before a decision.
    pub key: Option<i64>,
}

/// What a rule gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    /// A constant.
    Const(ConstId),
    /// What (parameters …) -> outcome gives.
    Call(FuncId),
}

/// How a feature is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Read {
    /// In place.
    Path {
        /// Where the path begins.
        base: Base,
        /// Element numbers.
        steps: Box<[u32]>,
        /// Whether it ends in the number of the variant found there.
        tag: bool,
    },
    /// By a function (parameters …) -> feature.
    Call(FuncId),
}

/// Everything that an index is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// See [`RuleIndex::name`].
    pub name: Box<str>,
    /// Parameter types.
    pub params: Vec<Type>,
    /// See [`RuleIndex::result`].
    pub result: Type,
    /// The hit policy.
    pub policy: Policy,
    /// What atoms are about, by their feature numbers: how it is read, and what it is called, if that is known.
    pub features: Vec<(Read, Box<str>)>,
    /// The rules, in source order.
    pub rules: Vec<IndexedRule>,
    /// What is decided when no rule matches.
    pub otherwise: Option<(SiteId, Given)>,
    /// For `Best`: (parameters …, outcome) -> int.
    pub key: Option<FuncId>,
}

impl RuleIndex {
    /// Makes rules ready to be searched. Linear in them.
    pub fn new(parts: Parts) -> RuleIndex {
        let mut functions = Functions::default();
        let (reads, names): (Vec<Read>, Vec<Box<str>>) = parts.features.into_iter().unzip();
        let features = reads.into_iter().map(|read| match read {
            Read::Path { base, steps, tag } => Feature::Path { base, steps, tag },
            Read::Call(func) => Feature::Computed(functions.number(func)),
        });
        let features = features.collect();
        let mut rules = Vec::with_capacity(parts.rules.len());
        let mut conditions = Vec::with_capacity(parts.rules.len());
        let best = parts.policy == Policy::Best && !parts.rules.is_empty();
        let keys: Option<Vec<i64>> = parts.rules.iter().map(|r| r.key.filter(|_| best)).collect();
        // What asks states is asked in the order of the source.
        let asking = parts.rules.iter().any(|r| r.asks.is_some());
        let keys = keys.filter(|_| best && !asking);
        let mut asks = Vec::new();
        for rule in parts.rules {
            let outcomes = rule.outcomes.into_iter().map(|o| functions.outcome(o));
            rules.push((Mark(rule.site.0), outcomes.collect()));
            conditions.push(rule.condition);
            if asking {
                asks.push(rule.asks.map(|func| functions.number(func)));
            }
        }
        let otherwise = parts.otherwise;
        let otherwise = otherwise.map(|(site, o)| (Mark(site.0), functions.outcome(o)));
        let key = parts.key.map(|func| functions.number(func));
        let ranking = keys.as_deref().map(Decider::ranking);
        let index = match &ranking {
            Some(ranking) => {
                let ranked = ranking
                    .iter()
                    .map(|rule| conditions[*rule as usize].clone());
                Index::new(features, &ranked.collect::<Vec<_>>())
            }
            None => Index::new(features, &conditions),
        };
        let (rules, more) = Decider::rows(rules.into_iter());
        let decider = Decider {
            policy: parts.policy,
            index: Arc::new(index),
            ranking,
            rules,
            more,
            otherwise,
            key,
            float: parts.result == Type::FLOAT,
            asks: asks.into(),
            finder: None,
        };
        RuleIndex {
            name: parts.name,
            params: parts.params,
            result: parts.result,
            names: names.into(),
            conditions: conditions.into(),
            keys: keys.map(Into::into),
            functions: functions.list,
            decider: Arc::new(decider),
        }
    }

    /// The same rules, which code finds instead of a search; see [`Decider::finder`]. Linear in the rules.
    pub fn with_finder(mut self, func: FuncId) -> RuleIndex {
        let number = self.functions.len() as u32;
        self.functions.push(func);
        self.decider = Arc::new(Decider {
            finder: Some(number),
            ..(*self.decider).clone()
        });
        self
    }

    /// Whether every number in it is one of the module, or of itself.
    ///
    /// # Errors
    /// Says what does not exist.
    pub(crate) fn check_indices(&self, module: &Module) -> Result<(), String> {
        let decider = &*self.decider;
        let missing = |what: &str, number: u32| Err(format!("{what}{number} does not exist"));
        if let Some(func) = self
            .functions
            .iter()
            .find(|f| module.funcs.get(**f).is_none_or(|f| f.blocks.is_empty()))
        {
            return missing("fn", func.0);
        }
        if let Some(ty) = self
            .params
            .iter()
            .chain([&self.result])
            .find(|t| !module.types.has(**t))
        {
            return missing("type ", ty.0);
        }
        for feature in decider.index.features() {
            match feature {
                Feature::Path {
                    base: Base::Param(n),
                    ..
                } if *n as usize >= self.params.len() => {
                    return missing("parameter ", *n);
                }
                Feature::Path {
                    base: Base::Data(n),
                    ..
                } if module.data.get(DataId(*n)).is_none() => {
                    return missing("data", *n);
                }
                Feature::Path { .. } | Feature::Computed(_) => {}
            }
        }
        let otherwise = decider.otherwise.iter();
        for mark in decider
            .rules
            .iter()
            .map(|r| r.mark)
            .chain(otherwise.clone().map(|o| o.0))
        {
            if module.sites.get(SiteId(mark.0)).is_none() {
                return missing("site", mark.0);
            }
        }
        for outcome in decider.given().chain(otherwise.map(|o| o.1)) {
            if let Outcome::Const(id) = outcome
                && module.consts.get(ConstId(id)).is_none()
            {
                return missing("const", id);
            }
        }
        let features = decider.index.features().len() as u32;
        let mut bad = None;
        for condition in self.conditions.iter() {
            condition.atoms(&mut |atom| {
                if atom.feature >= features {
                    bad = Some(atom.feature);
                }
            });
        }
        bad.map_or(Ok(()), |f| missing("feature f", f))
    }

    /// Whether functions and constants have the types that their places ask for, and the policy has what it needs.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn check_types(&self, module: &Module) -> Result<(), String> {
        let decider = &*self.decider;
        let types = &module.types;
        let outcome = match (decider.policy, types.get(self.result)) {
            (Policy::All, TypeData::List(of)) => of,
            (Policy::All, _) => return Err("under `all` the result is a list".into()),
            (Policy::Sum, TypeData::Int | TypeData::Float) => self.result,
            (Policy::Sum, _) => return Err("under `sum` the result is a number".into()),
            _ => self.result,
        };
        let func = |number: u32, more: Option<Type>, result: Option<Type>| {
            let func = &module.funcs[self.functions[number as usize]];
            let params = func.params().iter().map(|v| func.ty(*v));
            let expected = self.params.iter().copied().chain(more);
            match params.eq(expected) && result.is_none_or(|r| r == func.result) {
                true => Ok(()),
                false => Err(format!(
                    "`{}` has other types than its place here",
                    func.name
                )),
            }
        };
        let check = |given: &Outcome| match given {
            Outcome::Const(id) if module.consts[ConstId(*id)].ty != outcome => {
                Err(format!("const{id} is no {}", types.display(outcome)))
            }
            Outcome::Const(_) => Ok(()),
            Outcome::Call(number) => func(*number, None, Some(outcome)),
        };
        for feature in decider.index.features() {
            if let Feature::Computed(number) = feature {
                func(*number, None, None)?;
            }
        }
        for number in decider.asks.iter().flatten() {
            func(*number, None, Some(Type::BOOL))?;
        }
        if decider.policy != Policy::All && decider.more.iter().any(|more| !more.is_empty()) {
            return Err("several outcomes stand only under `all`".into());
        }
        if let Some(finder) = decider.finder {
            func(finder, None, Some(Type::INT))?;
            let first = decider.rules.first().map_or(0, |rule| rule.mark.0);
            let mut marks = decider.rules.iter().zip(first..);
            if !decider.asks.is_empty() || marks.any(|(rule, mark)| rule.mark.0 != mark) {
                return Err("rules with a finder ask nothing, and their sites count up".into());
            }
        }
        decider.given().try_for_each(|given| check(&given))?;
        let collects = matches!(decider.policy, Policy::All | Policy::Sum);
        match &decider.otherwise {
            Some(_) if collects => {
                return Err("`otherwise` does not stand under `all` and `sum`".into());
            }
            Some((_, given)) => check(given)?,
            None if decider.rules.is_empty() && !collects => {
                return Err("without rules there must be an `otherwise`".into());
            }
            None => {}
        }
        match (decider.policy, decider.key) {
            (Policy::Best, Some(key)) => func(key, Some(outcome), Some(Type::INT)),
            (Policy::Best, None) => Err("`best` has a key".into()),
            (_, Some(_)) => Err("a key stands only under `best`".into()),
            (_, None) => Ok(()),
        }
    }

    /// What its rules ask besides their conditions, rule by rule.
    pub(crate) fn asks(&self) -> impl Iterator<Item = FuncId> {
        let numbers = self.decider.asks.iter().flatten();
        numbers.filter_map(|n| self.functions.get(*n as usize).copied())
    }

    /// The most steps of a decision, given those of the functions.
    pub(crate) fn cost(&self, funcs: &IndexVec<FuncId, u64>) -> u64 {
        let decider = &*self.decider;
        let call = |number: u32| {
            let func = self.functions.get(number as usize);
            func.map_or(0, |f| funcs[*f]).saturating_add(RULE)
        };
        decider.bound(&call)
    }
}

/// The functions of an index, each once.
#[derive(Default)]
struct Functions {
    list: Vec<FuncId>,
    numbers: rustc_hash::FxHashMap<FuncId, u32>,
}

impl Functions {
    fn number(&mut self, func: FuncId) -> u32 {
        *self.numbers.entry(func).or_insert_with(|| {
            self.list.push(func);
            self.list.len() as u32 - 1
        })
    }

    fn outcome(&mut self, given: Given) -> Outcome {
        match given {
            Given::Const(id) => Outcome::Const(id.index() as u32),
            Given::Call(func) => Outcome::Call(self.number(func)),
        }
    }
}
