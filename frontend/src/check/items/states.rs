//! `state` and `stream`: what is declared. One table says which settings each kind has.

use std::sync::Arc;

use tollgate_grammar::ast::{self, ItemKind};
use tollgate_runtime::schema::{Currency, INT_MAX, PERCENT_MAX, PERCENT_ONE};

use super::Outline;
use super::settings::{Read, Settings};
use crate::check::suggest::closest;
use crate::check::{Checker, Def, ModuleId};
use crate::diagnostics::catalog::states;
use crate::hir::{OnFailure, RecordId, State, StateId, StateKind, Stream, StreamId, Tally};
use crate::types::ty::{Ty, Unit};

/// What is known of states besides what the program says: which of them a stream feeds, and the record that `take` gives.
#[derive(Debug, Default)]
pub(crate) struct States {
    /// Counters, in the order of the program.
    pub(crate) feeds: Vec<Feed>,
    /// `{granted, wait, left}`, once a limit needs it.
    pub(crate) taken: Option<RecordId>,
    /// The state that knows which events of a stream a test has sent.
    pub(crate) arrivals: Vec<(StreamId, StateId)>,
}

/// A counter that the events of a stream feed: where its settings stand, which are expressions about `event`.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) state: StateId,
    pub(crate) stream: StreamId,
    pub(crate) module: ModuleId,
    /// The place of its item in the module.
    pub(crate) item: usize,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// A whole number between these.
    Number(i64, i64),
    /// A duration above zero.
    Duration,
    /// A duration, or nothing.
    Lateness,
    /// A share or load between these.
    Percent(i64, i64),
    /// `100 per 1s`
    Rate,
    /// `1% per 10s`
    Fading,
    /// An amount in the currency of the budget.
    Money,
    /// A time zone.
    Zone,
    /// `[Test, Read, Write]`
    Order,
    /// `7d`, or `calendar(1w, zone: …, starts: Monday)`
    Window,
    /// The name of a stream.
    Stream,
    /// A field of the event, a text.
    Id,
    /// A field of the event, an instant.
    Time,
    /// An expression about `event`, checked with the rule sets on the stream.
    Event,
    /// `kafka("rides")`: for people and for the host.
    Source,
    /// `local`, `redis.limits`
    Store,
    /// `allow`, `deny`, `skip`, `local(…)`
    Failure,
}

/// What has settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    TokenBucket,
    FixedWindow,
    SlidingLog,
    Concurrency,
    Reserve,
    Ladder,
    Count,
    Sum,
    Distinct,
    Seen,
    Budget,
    Stream,
}

/// A setting: its name, what it takes, whether it must be there, and whose it is.
pub(super) type Row = (&'static str, Takes, bool, &'static [Of]);

const KINDS: &[(&str, Of)] = &[
    ("TokenBucket", Of::TokenBucket),
    ("FixedWindow", Of::FixedWindow),
    ("SlidingLog", Of::SlidingLog),
    ("Concurrency", Of::Concurrency),
    ("Reserve", Of::Reserve),
    ("Ladder", Of::Ladder),
    ("Count", Of::Count),
    ("Sum", Of::Sum),
    ("Distinct", Of::Distinct),
    ("Seen", Of::Seen),
    ("Budget", Of::Budget),
];

const STATES: &[Of] = &[
    Of::TokenBucket,
    Of::FixedWindow,
    Of::SlidingLog,
    Of::Concurrency,
    Of::Reserve,
    Of::Ladder,
    Of::Count,
    Of::Sum,
    Of::Distinct,
    Of::Seen,
    Of::Budget,
];
const COUNTERS: &[Of] = &[Of::Count, Of::Sum, Of::Distinct];

/// Every setting. Limits of numbers are those that every store can keep (`tollgate-state`).
pub(super) const SETTINGS: &[Row] = &[
    ("rate", Takes::Rate, true, &[Of::TokenBucket]),
    ("burst", Takes::Number(1, INT_MAX), true, &[Of::TokenBucket]),
    ("limit", Takes::Number(1, INT_MAX), true, &[Of::FixedWindow]),
    ("limit", Takes::Number(1, 65_536), true, &[Of::SlidingLog]),
    (
        "window",
        Takes::Duration,
        true,
        &[Of::FixedWindow, Of::SlidingLog],
    ),
    (
        "max",
        Takes::Number(1, 1_000_000),
        true,
        &[Of::Concurrency, Of::Reserve],
    ),
    (
        "critical",
        Takes::Percent(0, PERCENT_ONE),
        true,
        &[Of::Reserve],
    ),
    (
        "lease",
        Takes::Duration,
        true,
        &[Of::Concurrency, Of::Reserve],
    ),
    ("order", Takes::Order, true, &[Of::Ladder]),
    ("enter", Takes::Percent(0, PERCENT_MAX), true, &[Of::Ladder]),
    ("step", Takes::Percent(0, PERCENT_MAX), true, &[Of::Ladder]),
    ("recover", Takes::Fading, true, &[Of::Ladder]),
    ("counts", Takes::Stream, true, &[Of::Count, Of::Distinct]),
    ("sums", Takes::Stream, true, &[Of::Sum]),
    ("key", Takes::Event, false, COUNTERS),
    ("where", Takes::Event, false, COUNTERS),
    ("of", Takes::Event, true, &[Of::Sum, Of::Distinct]),
    ("window", Takes::Window, true, COUNTERS),
    ("keep", Takes::Duration, true, &[Of::Seen]),
    ("total", Takes::Money, false, &[Of::Budget]),
    ("per_key", Takes::Money, false, &[Of::Budget]),
    ("per_day", Takes::Money, false, &[Of::Budget]),
    ("zone", Takes::Zone, false, &[Of::Budget]),
    ("max_keys", Takes::Number(1, INT_MAX), false, STATES),
    ("store", Takes::Store, false, STATES),
    ("on_failure", Takes::Failure, true, STATES),
    ("id", Takes::Id, true, &[Of::Stream]),
    ("time", Takes::Time, true, &[Of::Stream]),
    ("dedupe", Takes::Duration, true, &[Of::Stream]),
    ("late_after", Takes::Lateness, false, &[Of::Stream]),
    ("source", Takes::Source, false, &[Of::Stream]),
];

/// A state of which nothing is known but that it exists.
pub(super) fn empty_state(state: &ast::State, module: Arc<str>) -> State {
    State {
        name: state.name.text.as_str().into(),
        module,
        span: state.name.span,
        kind: StateKind::Error,
        key: None,
        max_keys: 1,
        store: "local".into(),
        on_failure: OnFailure::Deny,
    }
}

/// A stream of which nothing is known but that it exists.
pub(super) fn empty_stream(stream: &ast::Stream) -> Stream {
    Stream {
        name: stream.name.text.as_str().into(),
        span: stream.name.span,
        event: RecordId(u32::MAX),
        inputs: None,
        dedupe: 0,
        late_after: 0,
        source: None,
    }
}

/// Understands the settings of all streams and states, streams first: counters name them.
pub(super) fn define(checker: &mut Checker<'_>, outlines: &[Outline]) {
    for streams in [true, false] {
        for outline in outlines {
            let file = Arc::clone(&checker.modules[outline.module.0 as usize].ast);
            for (n, (item, declared)) in file.items.iter().zip(&outline.items).enumerate() {
                match (&item.kind, declared) {
                    (ItemKind::Stream(stream), super::Declared::Stream(id)) if streams => {
                        define_stream(checker, outline.module, stream, *id);
                    }
                    (ItemKind::State(state), super::Declared::State(id)) if !streams => {
                        define_state(checker, outline.module, n, state, *id);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn define_stream(checker: &mut Checker<'_>, module: ModuleId, stream: &ast::Stream, id: StreamId) {
    let event = match checker.resolve_type(module, &stream.event) {
        Ty::Record(event) => event,
        Ty::Error => return forget(checker, module, &stream.name),
        _ => {
            let found = states::event_not_record(&stream.name).at(stream.event.span, "no record");
            checker.sink.emit(found);
            return forget(checker, module, &stream.name);
        }
    };
    let mut read = Read::new(checker, module, &stream.name, Of::Stream);
    read.event = Some(event);
    let Some(settings) = read.settings(&stream.settings) else {
        return forget(checker, module, &stream.name);
    };
    let target = &mut checker.program.streams[id];
    target.event = event;
    target.inputs = settings.field("id").zip(settings.field("time"));
    target.dedupe = settings.number("dedupe").unwrap_or(0);
    target.late_after = settings.number("late_after").unwrap_or(0);
    target.source = settings.text("source");
}

fn define_state(
    checker: &mut Checker<'_>,
    module: ModuleId,
    item: usize,
    state: &ast::State,
    id: StateId,
) {
    let Some((of, currency)) = kind(checker, module, &state.kind) else {
        return forget(checker, module, &state.name);
    };
    let mut key = None;
    if let Some(written) = &state.key {
        let ty = checker.resolve_type(module, written);
        if of == Of::Ladder || !is_key(checker, &ty) {
            let found = states::state_key(&state.name)
                .at(written.span, "not a key of it")
                .help("a key is a text, a number, a time, an address, a host, a path, a `Key`, or an enum without fields");
            checker.sink.emit(found);
        }
        key = Some(ty);
    }
    let mut read = Read::new(checker, module, &state.name, of);
    read.currency = currency;
    read.keyed = key.is_some();
    let Some(settings) = read.settings(&state.settings) else {
        return forget(checker, module, &state.name);
    };
    let Some(kind) = built(checker, of, currency, &settings) else {
        return forget(checker, module, &state.name);
    };
    if let StateKind::Counter { stream, .. } = &kind {
        let feed = Feed {
            state: id,
            stream: *stream,
            module,
            item,
        };
        checker.states.feeds.push(feed);
    }
    let target = &mut checker.program.states[id];
    target.kind = kind;
    target.key = key;
    target.max_keys = settings.number("max_keys").map_or(1, |n| n as u64);
    target.store = settings.text("store").unwrap_or_else(|| "local".into());
    target.on_failure = settings.failure.unwrap_or(OnFailure::Deny);
}

/// What was reported is not complained of where it is used.
fn forget(checker: &mut Checker<'_>, module: ModuleId, name: &ast::Name) {
    checker.redefine(module, name, Def::Error);
}

/// The kind that a type names, and the currency of a budget.
fn kind(
    checker: &mut Checker<'_>,
    module: ModuleId,
    written: &ast::Type,
) -> Option<(Of, Option<Currency>)> {
    let ast::TypeKind::Named(named) = &written.kind else {
        let text = checker.text(written.span).to_owned();
        let found = states::unknown_kind(text).at(written.span, "not a kind of state");
        checker.sink.emit(found);
        return None;
    };
    let word = &*named.name.text;
    let Some((_, of)) = KINDS.iter().find(|(name, _)| *name == word) else {
        let found = states::unknown_kind(word).at(named.name.span, "not a kind of state");
        let meant = closest(word, KINDS.iter().map(|(name, _)| *name));
        let mut found = crate::check::names::did_you_mean(found, named.name.span, meant);
        if meant.is_none() {
            let all: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            found = found.note(format!("there are: {}", all.join(", ")));
        }
        checker.sink.emit(found);
        return None;
    };
    if *of != Of::Budget {
        return Some((*of, None));
    }
    // `Budget<SGD>` is of the same money as `Money<SGD>`.
    let mut money = named.clone();
    money.name.text = "Money".into();
    let ty = ast::Type {
        span: written.span,
        kind: ast::TypeKind::Named(money),
    };
    match checker.resolve_type(module, &ty) {
        Ty::Num(Unit::Money(currency), _) => Some((*of, Some(currency))),
        _ => None,
    }
}

/// Whether values of a type can be keys.
fn is_key(checker: &Checker<'_>, ty: &Ty) -> bool {
    match ty {
        Ty::Error | Ty::Str { .. } | Ty::Key | Ty::Num(..) => true,
        Ty::Ip | Ty::Cidr | Ty::Path | Ty::Host => true,
        Ty::Enum(id) => {
            let variants = &checker.program.enums[*id].variants;
            variants.iter().all(|v| v.fields.is_empty())
        }
        _ => false,
    }
}

/// The kind of its settings; `None` where one of them was reported.
fn built(
    checker: &mut Checker<'_>,
    of: Of,
    currency: Option<Currency>,
    settings: &Settings,
) -> Option<StateKind> {
    let number = |name: &str| settings.number(name);
    let counter = |tally, stream: &str, value| {
        Some(StateKind::Counter {
            tally,
            stream: settings.stream(stream)?,
            window: settings.window.clone()?,
            value,
        })
    };
    Some(match of {
        Of::TokenBucket => StateKind::TokenBucket {
            rate: settings.rate("rate")?,
            burst: number("burst")?,
        },
        Of::FixedWindow => StateKind::FixedWindow {
            limit: number("limit")?,
            window: number("window")?,
        },
        Of::SlidingLog => StateKind::SlidingLog {
            limit: number("limit")?,
            window: number("window")?,
        },
        Of::Concurrency => StateKind::Concurrency {
            max: number("max")?,
            lease: number("lease")?,
        },
        Of::Reserve => StateKind::Reserve {
            max: number("max")?,
            critical: number("critical")?,
            lease: number("lease")?,
        },
        Of::Ladder => {
            let (class, places) = settings.order.clone()?;
            StateKind::Ladder {
                class,
                places,
                enter: number("enter")?,
                step: number("step")?,
                recover: settings.rate("recover")?,
            }
        }
        Of::Count => counter(Tally::Events, "counts", Ty::int_in(0, INT_MAX))?,
        Of::Distinct => counter(Tally::Members, "counts", Ty::int_in(0, INT_MAX))?,
        Of::Sum => counter(Tally::Amounts, "sums", settings.of.clone()?)?,
        Of::Seen => StateKind::Seen {
            keep: number("keep")?,
        },
        Of::Budget => {
            let zone = settings.text("zone");
            let (total, per_key, per_day) = (number("total"), number("per_key"), number("per_day"));
            let what = match (total.or(per_key).or(per_day), per_day, &zone) {
                (None, ..) => Some("`total`, `per_key` or `per_day`"),
                (_, Some(_), None) => Some("`zone`, where its days are days"),
                _ => None,
            };
            if let Some(what) = what {
                let found =
                    states::missing_setting(&settings.name, what).at(settings.name.span, "not set");
                checker.sink.emit(found);
                return None;
            }
            StateKind::Budget {
                currency: currency?,
                total,
                per_key,
                per_day,
                zone: zone.unwrap_or_else(|| "UTC".into()),
            }
        }
        Of::Stream => return None,
    })
}
