//! From what the checker found to be declared to what stores want.

use tollgate_ask::{OnFailure, Plan, StreamPlan};
use tollgate_frontend::hir::{self, StateKind, Tally};
use tollgate_state::{Declaration, Kind, Period, Rate, Recover, Remember, Weekday, Window};

/// The plan of a checked program.
pub(crate) fn plan(program: &hir::Program) -> Plan {
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
        plan.failures.push(on_failure(state.on_failure));
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

/// Events of a stream that are remembered at least.
const REMEMBERED_MIN: u64 = 1_000_000;

fn on_failure(said: hir::OnFailure) -> OnFailure {
    match said {
        hir::OnFailure::Allow => OnFailure::Allow,
        hir::OnFailure::Deny => OnFailure::Deny,
        hir::OnFailure::Skip => OnFailure::Skip,
        hir::OnFailure::LocalRate(count, per_us) => OnFailure::LocalRate(Rate { count, per_us }),
        hir::OnFailure::LocalMax(slots) => OnFailure::LocalMax(slots),
    }
}

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
