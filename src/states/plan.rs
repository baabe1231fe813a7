//! What a program declares, as stores want it.

use tollgate_frontend::hir::{self, OnFailure, StateKind, Tally};
use tollgate_ir::entities::StateId;
use tollgate_state::{Declaration, Kind, Period, Rate, Recover, Remember, Weekday, Window};

use super::LOCAL;

/// The states of a program, numbered as in its module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) declarations: Vec<Declaration>,
    failures: Vec<OnFailure>,
    keyed: Vec<bool>,
    pub(crate) streams: Vec<StreamPlan>,
}

/// A stream of the program.
#[derive(Clone, Debug)]
pub(crate) struct StreamPlan {
    pub(crate) name: Box<str>,
    /// The rule sets that decide about its events, in the order of the source.
    pub(crate) rule_sets: Vec<Box<str>>,
    /// For how long an id is remembered, in microseconds.
    pub(crate) dedupe_us: i64,
    /// How late an event may be, in microseconds; 0 where that is not said.
    pub(crate) late_us: i64,
}

impl Plan {
    /// The plan of a checked program.
    pub(crate) fn of(program: &hir::Program) -> Plan {
        let mut plan = Plan::default();
        for state in program.states.values() {
            let stream = match &state.kind {
                StateKind::Counter { stream, .. } => Some(&program.streams[*stream]),
                _ => None,
            };
            let late_us = stream.map_or(0, |s| s.late_after);
            // Two modules may have states of one name and kind, which are two states.
            let qualified = format!("{}.{}", state.module, state.name);
            let mut declaration = Declaration::new(&qualified, kind(&state.kind, late_us));
            declaration.name = state.name.to_string();
            declaration.max_keys = state.max_keys;
            declaration.store = state.store.to_string();
            // An event counts once, however often it comes within the stream's horizon.
            declaration.remember = stream.map(|stream| Remember {
                for_us: stream.dedupe,
                most: state.max_keys.max(REMEMBERED_MIN),
            });
            plan.declarations.push(declaration);
            plan.failures.push(state.on_failure);
            plan.keyed.push(state.key.is_some());
        }
        for (id, stream) in program.streams.iter() {
            let on = |set: &&hir::RuleSet| set.stream == Some(id);
            let rule_sets = program.rulesets.values().filter(on);
            plan.streams.push(StreamPlan {
                name: (*stream.name).into(),
                rule_sets: rule_sets.map(|set| (*set.name).into()).collect(),
                dedupe_us: stream.dedupe,
                late_us: stream.late_after,
            });
        }
        plan
    }

    /// The same with every state in this process, as tests have it.
    pub(crate) fn local(&self) -> Plan {
        let mut plan = self.clone();
        for declaration in &mut plan.declarations {
            declaration.store = LOCAL.into();
        }
        plan
    }

    /// The same for a stream that remembers so many ids: a counter knows as many events, so that it is never the first to be full.
    ///
    /// What a state of another store was asked outlives a process that ends before it has committed, and the event is decided again. So such a
    /// state remembers its answers for as long as the stream does, whatever its kind.
    pub(crate) fn remembering(&self, stream: &StreamPlan, ids: u64) -> Plan {
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
    pub(crate) fn failure(&self, state: StateId) -> OnFailure {
        let known = self.failures.get(state.0 as usize);
        known.copied().unwrap_or(OnFailure::Deny)
    }

    /// Whether a state has keys.
    pub(crate) fn keyed(&self, state: StateId) -> bool {
        self.keyed.get(state.0 as usize).is_some_and(|keyed| *keyed)
    }

    /// Whether a state is a budget, of which a test may ask what was spent.
    pub(crate) fn is_budget(&self, state: StateId) -> bool {
        let declaration = self.declarations.get(state.0 as usize);
        declaration.is_some_and(|d| matches!(d.kind, Kind::Budget { .. }))
    }

    /// The declarations of what stands in on failure, where something does.
    pub(crate) fn instead(&self) -> Option<Vec<Declaration>> {
        let mut any = false;
        let each = self.declarations.iter().zip(&self.failures);
        let each = each.map(|(declaration, failure)| {
            let mut instead = declaration.clone();
            match (*failure, &mut instead.kind) {
                (OnFailure::LocalRate(count, per_us), Kind::TokenBucket { rate, burst }) => {
                    *rate = Rate { count, per_us };
                    *burst = count;
                }
                (
                    OnFailure::LocalRate(count, per_us),
                    Kind::FixedWindow { limit, window_us } | Kind::SlidingLog { limit, window_us },
                ) => {
                    *limit = count;
                    *window_us = per_us;
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

/// Events of a stream that are remembered at least.
const REMEMBERED_MIN: u64 = 1_000_000;

fn kind(kind: &StateKind, late_us: i64) -> Kind {
    match kind {
        // No program with errors comes here.
        StateKind::Error => Kind::Seen { keep_us: 1 },
        StateKind::TokenBucket { rate, burst } => Kind::TokenBucket {
            rate: Rate {
                count: rate.0,
                per_us: rate.1,
            },
            burst: *burst,
        },
        StateKind::FixedWindow { limit, window } => Kind::FixedWindow {
            limit: *limit,
            window_us: *window,
        },
        StateKind::SlidingLog { limit, window } => Kind::SlidingLog {
            limit: *limit,
            window_us: *window,
        },
        StateKind::Concurrency { max, lease } => Kind::Concurrency {
            max: *max,
            lease_us: *lease,
        },
        StateKind::Reserve {
            max,
            critical,
            lease,
        } => Kind::Reserve {
            max: *max,
            critical: *critical,
            lease_us: *lease,
        },
        StateKind::Ladder {
            places,
            enter,
            step,
            recover,
            ..
        } => Kind::Ladder {
            classes: places.len() as u32,
            enter: *enter,
            step: *step,
            recover: Recover {
                share: recover.0,
                per_us: recover.1,
            },
        },
        StateKind::Counter { tally, window, .. } => {
            let window = self::window(window, late_us);
            match tally {
                Tally::Events => Kind::Count { window },
                Tally::Amounts => Kind::Sum { window },
                Tally::Members => Kind::Distinct { window },
            }
        }
        StateKind::Seen { keep } | StateKind::Arrivals { keep } => Kind::Seen { keep_us: *keep },
        StateKind::Budget {
            total,
            per_key,
            per_day,
            zone,
            ..
        } => Kind::Budget {
            total: *total,
            per_key: *per_key,
            per_day: *per_day,
            zone: zone.to_string(),
        },
    }
}

fn window(window: &hir::Window, late_us: i64) -> Window {
    match window {
        hir::Window::Sliding(us) => Window::Sliding { us: *us, late_us },
        hir::Window::Calendar {
            period,
            zone,
            starts,
        } => Window::Calendar {
            period: match period {
                hir::Period::Day => Period::Day,
                hir::Period::Week => Period::Week,
                hir::Period::Month => Period::Month,
                hir::Period::Year => Period::Year,
            },
            zone: zone.to_string(),
            starts: match starts {
                0 => Weekday::Monday,
                1 => Weekday::Tuesday,
                2 => Weekday::Wednesday,
                3 => Weekday::Thursday,
                4 => Weekday::Friday,
                5 => Weekday::Saturday,
                _ => Weekday::Sunday,
            },
            late_us,
        },
    }
}
