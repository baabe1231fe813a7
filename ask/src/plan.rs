//! What a program declares, as stores want it.

use serde::{Deserialize, Serialize};
use tollgate_ir::entities::StateId;
use tollgate_ir::module::{Module, Operation};
use tollgate_ir::types::Type;
use tollgate_state::{Declaration, Kind, Rate, Remember};

/// The name of the store that is always there: in this process.
pub const LOCAL: &str = "local";

/// The states of a program, numbered as in its module. It is written into artifacts as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What stores are made from.
    pub declarations: Vec<Declaration>,
    /// What holds when a state cannot be asked.
    pub failures: Vec<OnFailure>,
    /// Which states have keys.
    pub keyed: Vec<bool>,
    /// The streams, in the order of the source.
    pub streams: Vec<StreamPlan>,
}

/// A stream of the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamPlan {
    /// What it is called.
    pub name: Box<str>,
    /// The rule sets that decide about its events, in the order of the source.
    pub rule_sets: Vec<Box<str>>,
    /// For how long an id is remembered, in microseconds.
    pub dedupe_us: i64,
    /// How late an event may be, in microseconds; 0 where that is not said.
    pub late_us: i64,
}

/// What holds when a state cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// As if it were granted.
    Allow,
    /// As if it were refused.
    Deny,
    /// The rule does not apply.
    Skip,
    /// A local state stands in, of that rate.
    LocalRate(Rate),
    /// A local state stands in, of so many slots.
    LocalMax(i64),
}

impl Plan {
    /// The same with every state in this process, as tests have it.
    #[must_use]
    pub fn local(&self) -> Plan {
        let mut plan = self.clone();
        for declaration in &mut plan.declarations {
            declaration.store = LOCAL.into();
        }
        plan
    }

    /// Whether the program declares nothing that is kept.
    pub fn is_empty(&self) -> bool {
        self.declarations.is_empty() && self.streams.is_empty()
    }

    /// What is wrong with a plan that did not come from the checker, such as one of a damaged artifact: it does not say how the states of this
    /// program are kept, or says what no store takes. Linear.
    pub fn flaw(&self, module: &Module) -> Option<String> {
        let states = module.states.len();
        if [
            self.declarations.len(),
            self.failures.len(),
            self.keyed.len(),
        ] != [states; 3]
        {
            return Some(format!(
                "it has {states} states, of which {} are described",
                self.declarations.len()
            ));
        }
        let named = self.declarations.iter().zip(module.states.values());
        if let Some((other, state)) = named.clone().find(|(d, s)| *d.name != *s.name) {
            return Some(format!(
                "its state `{}` is described as `{}`",
                state.name, other.name
            ));
        }
        let instead = self.instead().unwrap_or_default();
        let mut all = self.declarations.iter().chain(&instead);
        if let Some(limit) = all.find_map(|d| d.check().err()) {
            return Some(limit.to_string());
        }
        let unfit = |place: &&tollgate_ir::module::StatePlace| {
            let fits = place.states.iter().all(|s| self.takes(*s, place.operation));
            let keyed = place.states.iter().filter(|s| self.keyed(**s));
            let keys = keyed.map(|_| Type::STR);
            let wanted: Vec<Type> = keys
                .chain(place.operation.params().iter().copied())
                .collect();
            !fits || place.params != wanted
        };
        if let Some(place) = module.places.values().find(unfit) {
            return Some(format!(
                "`{}` asks `{}` of what has no such operation",
                place.rule,
                place.operation.name()
            ));
        }
        let entry = |name: &str| module.entries.iter().any(|entry| *entry.name == *name);
        self.streams.iter().find_map(|stream| {
            let name = &stream.name;
            let unknown = stream.rule_sets.iter().find(|set| !entry(set));
            match unknown {
                Some(unknown) => Some(format!("`{unknown}` on `{name}` does not exist")),
                None if stream.dedupe_us < 1 || stream.late_us < 0 => {
                    Some(format!("the times of `{name}` are no times"))
                }
                None => None,
            }
        })
    }

    /// Whether a state is of a kind that has an operation.
    fn takes(&self, state: StateId, operation: Operation) -> bool {
        let Some(declaration) = self.declarations.get(state.0 as usize) else {
            return false;
        };
        use Operation as O;
        match &declaration.kind {
            Kind::TokenBucket { .. } | Kind::FixedWindow { .. } | Kind::SlidingLog { .. } => {
                operation == O::Take
            }
            Kind::Concurrency { .. } | Kind::Reserve { .. } => operation == O::Enter,
            Kind::Ladder { .. } => operation == O::Sheds,
            Kind::Count { .. } | Kind::Sum { .. } | Kind::Distinct { .. } => {
                matches!(operation, O::Value | O::Add)
            }
            Kind::Seen { .. } => matches!(operation, O::Once | O::Arrive | O::Reserve),
            Kind::Budget { .. } => matches!(operation, O::Within | O::Reserve | O::Value),
        }
    }

    /// The same for a stream that remembers so many ids: a counter knows as many events, so that it is never the first to be full.
    ///
    /// What a state of another store was asked outlives a process that ends before it has committed, and the event is decided again. So such a
    /// state remembers its answers for as long as the stream does, whatever its kind.
    #[must_use]
    pub fn remembering(&self, stream: &StreamPlan, ids: u64) -> Plan {
        let mut plan = self.clone();
        for declaration in &mut plan.declarations {
            if declaration.store != LOCAL {
                declaration.remember.get_or_insert(Remember {
                    for_us: stream.dedupe_us,
                    most: ids,
                });
            }
            if let Some(remember) = &mut declaration.remember {
                remember.most = remember.most.max(ids);
            }
        }
        plan
    }

    /// What holds when a state cannot be asked.
    pub fn failure(&self, state: StateId) -> OnFailure {
        let known = self.failures.get(state.0 as usize);
        known.copied().unwrap_or(OnFailure::Deny)
    }

    /// Whether a state has keys.
    pub fn keyed(&self, state: StateId) -> bool {
        self.keyed.get(state.0 as usize).is_some_and(|keyed| *keyed)
    }

    /// Whether a state is a budget, of which a test may ask what was spent.
    pub fn is_budget(&self, state: StateId) -> bool {
        let declaration = self.declarations.get(state.0 as usize);
        declaration.is_some_and(|d| matches!(d.kind, Kind::Budget { .. }))
    }

    /// The declarations of what stands in on failure, where something does.
    pub fn instead(&self) -> Option<Vec<Declaration>> {
        let mut any = false;
        let each = self.declarations.iter().zip(&self.failures);
        let each = each.map(|(declaration, failure)| {
            let mut instead = declaration.clone();
            match (*failure, &mut instead.kind) {
                (OnFailure::LocalRate(given), Kind::TokenBucket { rate, burst }) => {
                    *rate = given;
                    *burst = given.count;
                }
                (
                    OnFailure::LocalRate(given),
                    Kind::FixedWindow { limit, window_us } | Kind::SlidingLog { limit, window_us },
                ) => {
                    *limit = given.count;
                    *window_us = given.per_us;
                }
                (
                    OnFailure::LocalMax(slots),
                    Kind::Concurrency { max, .. } | Kind::Reserve { max, .. },
                ) => *max = slots,
                _ => return instead,
            }
            any = true;
            instead
        });
        let all: Vec<Declaration> = each.collect();
        any.then_some(all)
    }
}
