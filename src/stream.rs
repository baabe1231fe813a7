//! A stream: events go in one after the other, actions come out, each once.
//!
//! Nothing here reads or writes. [`Stream::offer`] decides, [`Stream::changes`] says what a log must hold for the stream to be had again, and the host
//! commits both together with where its input has got to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_ask::{Plan, StreamPlan};
use tollgate_runtime::json;
use tollgate_runtime::schema::Type;
use tollgate_state::{
    Answer, Ask, Changes, Declaration, Kind, Local, Once, Operation, Outcome, Snapshot, Store,
};

use crate::entry::Entry;
use crate::error::{Error, Refusal};
use crate::program::Program;
use crate::session::{Call, Memory};
use crate::states::States;

/// How many ids `tollgate stream` remembers at most, unless it is told otherwise: sixteen events a second for a week.
pub const IDS_MAX: u64 = 10_000_000;

/// Decides about the events of a stream of the program, in the order in which they come. Made by [`Program::stream`].
///
/// An event is decided once: one whose id was there before, within `dedupe`, does nothing. All rule sets on the stream decide about it, in the order
/// of the source. The ids and the states that are kept in this process come out as data, whole ([`Stream::snapshot`]) or what changed
/// ([`Stream::changes`]), so that a host can commit them with the actions. What came out goes in again in another process, also one whose rules
/// are others: states are found by their identity.
///
/// States in other stores change when an event is decided, and so before it is committed. An event that is decided again by the same rules, because the
/// process ended in between, or by another process, gets the answers that it was given: such a state remembers them for as long as
/// the stream remembers ids ([`Program::stream_declarations`]).
///
/// ```
/// use tollgate::{Engine, Offered};
/// let program = Engine::new().compile_source("x.rules", r#"
///     record Ride { id: String, user: String, at: Instant }
///     enum Action { points(user: String) }
///     stream rides: Ride { id: event.id, time: event.at, dedupe: 7d, late_after: 2h }
///     ruleset thanks(e: Ride) -> [Action] on rides hit all {
///       rule always when e.user != "" then points(e.user)
///     }
/// "#)?;
/// let mut stream = program.stream("rides", tollgate::IDS_MAX, &[])?;
/// let begun = stream.snapshot();
/// let ride = br#"{"id": "r1", "user": "ann", "at": "2026-11-02T09:00:00Z"}"#;
/// let mut actions = String::new();
/// assert!(matches!(stream.offer(ride, &mut actions)?, Offered::Decided { actions: 1 }));
/// assert_eq!(
///     actions,
///     "{\"id\":\"r1/thanks/0\",\"event\":\"r1\",\"by\":[\"always\"],\"action\":{\"points\":{\"user\":\"ann\"}}}\n"
/// );
/// let changes = stream.changes();
///
/// // In another process, after a crash.
/// let mut stream = program.stream("rides", tollgate::IDS_MAX, &[])?;
/// stream.restore(begun);
/// stream.apply(changes);
/// assert!(matches!(stream.offer(ride, &mut actions)?, Offered::Duplicate));
/// # Ok::<(), tollgate::Error>(())
/// ```
pub struct Stream {
    program: Program,
    rule_sets: Vec<RuleSet>,
    plan: StreamPlan,
    states: States,
    /// Which ids were there.
    seen: Local,
    /// The latest time of an event so far.
    latest_us: i64,
    /// How many events were offered: tells an event from one that comes again.
    offered: u64,
    memory: Memory,
}

/// What became of an event.
#[derive(Debug)]
pub enum Offered {
    /// It was decided.
    Decided {
        /// How many actions were appended.
        actions: u64,
    },
    /// Its id was there before: it does nothing.
    Duplicate,
    /// It is older than the stream allows, so that counters may no longer know its time: it does nothing.
    Late {
        /// Its id.
        id: String,
        /// How far it lies behind the latest event, in microseconds.
        behind_us: i64,
        /// How far it may, in microseconds.
        allowed_us: i64,
    },
    /// It is no event of the stream.
    Refused(Refusal),
}

/// All that a stream holds: see [`Stream::snapshot`]. It is for the version of the crate that made it.
#[derive(Serialize, Deserialize)]
pub struct StreamSnapshot(Held<Snapshot>);

/// What a stream came to hold: see [`Stream::changes`]. It is for the version of the crate that made it.
#[derive(Serialize, Deserialize)]
pub struct StreamChanges(Held<Changes>);

#[derive(Serialize, Deserialize)]
struct Held<T> {
    latest_us: i64,
    offered: u64,
    seen: T,
    states: T,
    instead: Option<T>,
}

struct RuleSet {
    name: Box<str>,
    entry: Entry,
}

impl Program {
    /// The streams that the program declares, in order.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        let plan = self.plan().into_iter();
        plan.flat_map(|plan| plan.streams.iter().map(|stream| &*stream.name))
    }

    /// The states of the program as a stream wants them kept that remembers so many ids: what a store is made from that is given to [`Program::stream`].
    /// They are [`Program::declarations`], and remember the answers that events were given, in a Redis about 310 bytes for each.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn stream_declarations(&self, name: &str, ids: u64) -> Result<Vec<Declaration>, Error> {
        let (plan, stream) = self.stream_plan(name)?;
        Ok(plan.remembering(stream, ids).declarations)
    }

    /// What decides about the events of a stream, with nothing remembered yet; at most `ids` ids will be (about 64 bytes each). States whose `store` is
    /// not `local` are in `stores`, as for [`Program::states`], made from [`Program::stream_declarations`].
    ///
    /// # Errors
    /// When there is no such stream, no rule set is on it, one of them takes more than the event or gives no list of actions, data is missing, or a store
    /// was not given.
    pub fn stream(
        &self,
        name: &str,
        ids: u64,
        stores: &[(&str, Arc<dyn Store>)],
    ) -> Result<Stream, Error> {
        let (whole, plan) = self.stream_plan(name)?;
        if plan.rule_sets.is_empty() {
            return Err(Error::other(format!(
                "no rule set decides about `{name}`: one has `on {name}` behind its result"
            )));
        }
        let rule_sets = plan.rule_sets.iter().map(|set| self.on_stream(set, name));
        let rule_sets = rule_sets.collect::<Result<_, _>>()?;
        if let Some(missing) = self.missing_data().next() {
            return Err(Error::other(format!("data `{missing}` is missing")));
        }
        let states = self.states_of_stream(&whole.remembering(plan, ids), stores)?;
        let kind = Kind::Seen {
            keep_us: plan.dedupe_us,
        };
        let seen = Declaration::new(name, kind).max_keys(ids);
        let seen = Local::new(&[seen]).map_err(|limit| Error::other(limit.to_string()))?;
        let stream = Stream {
            program: self.clone(),
            rule_sets,
            plan: plan.clone(),
            states,
            seen,
            latest_us: i64::MIN,
            offered: 0,
            memory: Memory::default(),
        };
        for local in stream.locals() {
            local.track();
        }
        Ok(stream)
    }

    /// What the program declares, and of that the stream.
    fn stream_plan(&self, name: &str) -> Result<(&Plan, &StreamPlan), Error> {
        let found = self.plan().and_then(|plan| {
            let stream = plan.streams.iter().find(|stream| *stream.name == *name);
            Some((plan, stream?))
        });
        found.ok_or_else(|| {
            let known: Vec<&str> = self.streams().collect();
            Error::other(match &known[..] {
                [] => "the rules declare no stream".to_owned(),
                _ => format!(
                    "the rules declare no stream `{name}`; there is {}",
                    known.join(", ")
                ),
            })
        })
    }

    /// A rule set that can decide about events alone, and gives actions.
    fn on_stream(&self, name: &str, stream: &str) -> Result<RuleSet, Error> {
        let entry = self.entry(name)?;
        let info = self.info(entry)?;
        if info.params.len() != 1 {
            return Err(Error::other(format!(
                "`{name}` takes more than the event of `{stream}`"
            )));
        }
        if !matches!(self.module().schema.get(info.result), Type::List { .. }) {
            return Err(Error::other(format!(
                "`{name}` gives no list of actions, as a rule set on `{stream}` that is streamed must"
            )));
        }
        let name = name.into();
        Ok(RuleSet { name, entry })
    }
}

impl Stream {
    /// Decides about an event in JSON and appends the actions, one a line: `{"id":…,"event":…,"by":[…],"action":…}`. An action's id is the event's, the
    /// rule set and the action's place among those that this gave, from 0: `t5/fifth_ride/0`. The event decided again would give the same ids.
    ///
    /// # Errors
    /// When the stream cannot remember one more id, so that it cannot go on: the event has done nothing.
    pub fn offer(&mut self, event: &[u8], actions: &mut String) -> Result<Offered, Error> {
        let first = self.rule_sets[0].entry;
        let facts = match self.program.decode(first, event) {
            Ok(facts) => facts,
            Err(error) => return error.into_refusal().map(Offered::Refused),
        };
        let call = Call { id: "", time: 0 };
        let info = self.program.info(first)?;
        let (id, time) = info.decision_inputs(facts.args(info), &call);
        if id.is_empty() {
            let refusal = Error::refused(json::Refusal {
                path: String::new(),
                value: "\"\"".into(),
                reason: "the event's id is empty, so that it could not be told from others".into(),
                offset: None,
            });
            return refusal.into_refusal().map(Offered::Refused);
        }
        let allowed_us = self.allowed_us();
        if time < self.latest_us.saturating_sub(allowed_us) {
            if self.was_seen(id, time) {
                return Ok(Offered::Duplicate);
            }
            return Ok(Offered::Late {
                id: id.to_owned(),
                behind_us: self.latest_us.saturating_sub(time),
                allowed_us,
            });
        }
        self.offered += 1;
        if !self.see(id, time)? {
            return Ok(Offered::Duplicate);
        }
        self.latest_us = self.latest_us.max(time);
        let mut count = 0;
        for set in &self.rule_sets {
            let memory = std::mem::take(&mut self.memory);
            let mut session = self.program.session_of(&self.states, memory);
            let decision = session.decide_facts(set.entry, &facts, &call)?;
            for (place, action) in decision.value().items().enumerate() {
                actions.push_str("{\"id\":");
                json::write_text(actions, &format!("{id}/{}/{place}", set.name));
                actions.push_str(",\"event\":");
                json::write_text(actions, id);
                actions.push_str(",\"by\":[");
                for (i, rule) in decision.by().enumerate() {
                    if i > 0 {
                        actions.push(',');
                    }
                    json::write_text(actions, &rule);
                }
                actions.push_str("],\"action\":");
                action.write_json(actions);
                actions.push_str("}\n");
                count += 1;
            }
            self.memory = session.into_memory();
        }
        Ok(Offered::Decided { actions: count })
    }

    /// For how long an id is remembered, in microseconds of events' time.
    pub fn dedupe_us(&self) -> i64 {
        self.plan.dedupe_us
    }

    /// How far an event may lie behind the latest one: `late_after`, but not longer than ids are remembered, since what is older could be decided
    /// twice; where `late_after` is not said, as long as ids are remembered. In microseconds.
    pub fn allowed_us(&self) -> i64 {
        match self.plan.late_us {
            0 => self.plan.dedupe_us,
            late_us => late_us.min(self.plan.dedupe_us),
        }
    }

    /// All that the stream holds. Takes time and memory with the number of keys.
    pub fn snapshot(&self) -> StreamSnapshot {
        StreamSnapshot(self.held(Local::snapshot))
    }

    /// What the stream came to hold since this was asked the last time. It is about as large as what the events in between asked about. Without this being
    /// asked now and then, memory grows.
    pub fn changes(&mut self) -> StreamChanges {
        StreamChanges(self.held(Local::changes))
    }

    /// Puts a snapshot in the place of what the stream holds. States that the program does not declare are left out, and how many those are is the answer.
    pub fn restore(&mut self, snapshot: StreamSnapshot) -> usize {
        self.put(snapshot.0, Local::restore)
    }

    /// Puts changes on top of what the stream holds, which is what they were made from. The answer is that of [`Stream::restore`].
    pub fn apply(&mut self, changes: StreamChanges) -> usize {
        self.put(changes.0, Local::apply)
    }

    fn held<T>(&self, of: impl Fn(&Local) -> T) -> Held<T> {
        Held {
            latest_us: self.latest_us,
            offered: self.offered,
            seen: of(&self.seen),
            states: of(self.states.bound.local()),
            instead: self.states.bound.instead().map(of),
        }
    }

    fn put<T>(&mut self, held: Held<T>, put: impl Fn(&Local, T) -> Vec<u64>) -> usize {
        self.latest_us = held.latest_us;
        self.offered = held.offered;
        put(&self.seen, held.seen);
        let unknown = put(self.states.bound.local(), held.states);
        if let (Some(instead), Some(held)) = (self.states.bound.instead(), held.instead) {
            put(instead, held);
        }
        unknown.len()
    }

    fn locals(&self) -> impl Iterator<Item = &Local> {
        let bound = &*self.states.bound;
        let instead = bound.instead().into_iter();
        [&self.seen, bound.local()].into_iter().chain(instead)
    }

    /// Whether an id was there before.
    fn was_seen(&self, id: &str, time: i64) -> bool {
        self.seen.get(0, id.as_bytes(), time) == Ok(1)
    }

    /// Remembers an id; whether it was not there before.
    fn see(&self, id: &str, time: i64) -> Result<bool, Error> {
        let once = Once {
            state: 0,
            key: id.as_bytes(),
        };
        let outcome = self.seen.ask(&Operation {
            state: 0,
            key: id.as_bytes(),
            at_us: time,
            // Each arrival is another one.
            decision: &self.offered.to_le_bytes(),
            place: 0,
            ask: Ask::Reserve {
                once: Some(once),
                within: None,
            },
        });
        match outcome {
            Outcome::Answer(answer) => Ok(answer == Answer::Bool(true)),
            Outcome::Failed(failure) => Err(Error::other(format!(
                "the stream `{}` cannot remember one more id: {failure}",
                self.plan.name
            ))),
            Outcome::Later => Err(Error::other(
                "a store in this process was not at hand; this is a bug in tollgate",
            )),
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.plan.name)
            .finish_non_exhaustive()
    }
}
