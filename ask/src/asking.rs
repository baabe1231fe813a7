//! What stands behind the context of one decision that asks states.
//!
//! Nothing here blocks. A store that has no answer at hand makes the evaluation a *pending* one: what is asked from there on is
//! answered as if refused and not performed, and who asked for the decision performs what was noted and evaluates again with
//! the answers, which are found by their places.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use tollgate_ir::entities::{PlaceId, StateId};
use tollgate_ir::module::{Module, Operation as Asks, StatePlace};
use tollgate_runtime::{Cx, States, Word};
use tollgate_state::{Answer, Failure, Operation, Outcome, Store as _};

use crate::attempt::{Answers, Known, Pending};
use crate::bound::Bound;
use crate::place::{granted, operation, put_answer, refused, taken, word};
use crate::plan::{OnFailure, Plan};
use crate::replay::Replay;
use crate::trace;

/// What a place answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// What the store said, or `on_failure` for it.
    Answer(Answer),
    /// The rule does not apply.
    Skip,
}

/// One operation of a decision.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) place: u32,
    /// The keys, and a member, in [`Record::bytes`].
    pub(crate) keys: [Range<usize>; 2],
    pub(crate) member: Range<usize>,
    /// What the operation takes besides: how many, which class, how much; and the load.
    pub(crate) numbers: [i64; 2],
    pub(crate) reply: Reply,
    pub(crate) failure: Option<Failure>,
    /// Whether the store has to be asked again, by who may wait.
    pub(crate) pending: bool,
}

/// The operations of a decision, in order. Its memory is used again for the next one.
#[derive(Debug, Default)]
pub struct Record {
    pub(crate) asked: Vec<Asked>,
    pub(crate) bytes: Vec<u8>,
    /// Answers that are there already, in the order in which they were given; and how many of them were used.
    known: Vec<Known>,
    used: usize,
    /// Whether an answer was not at hand.
    pub(crate) pending: bool,
    /// Counters that an event could not be added to.
    spoilt: Vec<u32>,
}

/// The states as the decisions of one session ask them, one decision after the other.
pub struct Asking<'p> {
    plan: &'p Plan,
    module: &'p Module,
    bound: Arc<Bound>,
    record: RefCell<Record>,
    /// In tests: makes decisions of one id different ones.
    serial: Option<Cell<u64>>,
}

impl Record {
    /// Forgets everything.
    fn clear(&mut self) {
        self.asked.clear();
        self.bytes.clear();
        self.known.clear();
        self.used = 0;
        self.pending = false;
        self.spoilt.clear();
    }

    /// Begins the same decision again: what was answered is known.
    fn again(&mut self) {
        self.known.clear();
        self.known.extend(self.asked.iter().map(Known::of));
        self.asked.clear();
        self.bytes.clear();
        self.used = 0;
        self.pending = false;
        self.spoilt.clear();
    }

    /// The states of a module that could not be asked, and why.
    pub fn failures<'m>(&self, module: &'m Module) -> impl Iterator<Item = (&'m str, Failure)> {
        self.asked.iter().filter_map(|asked| {
            let place = module.places.get(PlaceId(asked.place))?;
            let state = module.states.get(*place.states.first()?)?;
            Some((&*state.name, asked.failure?))
        })
    }
}

impl Known {
    fn of(asked: &Asked) -> Known {
        Known {
            place: asked.place,
            reply: Some(asked.reply),
            failure: asked.failure,
        }
    }
}

impl<'p> Asking<'p> {
    /// What the decisions of a program ask, whose states are kept there, in the memory of those before.
    pub fn new(
        plan: &'p Plan,
        module: &'p Module,
        bound: &Arc<Bound>,
        memory: Record,
    ) -> Asking<'p> {
        Asking {
            plan,
            module,
            bound: Arc::clone(bound),
            record: RefCell::new(memory),
            serial: None,
        }
    }

    /// What was asked last, whose memory another one may use.
    pub fn into_record(self) -> Record {
        self.record.into_inner()
    }

    /// The same for a test, in which decisions need no ids of their own.
    pub fn in_test(self) -> Asking<'p> {
        Asking {
            serial: Some(Cell::new(0)),
            ..self
        }
    }

    /// Begins a decision.
    #[inline]
    pub fn begin(&self) {
        self.record.borrow_mut().clear();
    }

    /// Begins a decision of which some answers are known.
    pub fn begin_with(&self, answers: &Answers) {
        let record = &mut *self.record.borrow_mut();
        record.clear();
        record.known.extend_from_slice(&answers.known);
    }

    /// What the evaluation that has just ended could not wait for.
    pub fn pending(&self, decision: &str, at_us: i64) -> Option<Box<Pending>> {
        let record = self.record.borrow();
        let at = record.asked.iter().position(|asked| asked.pending)?;
        let asked = record.asked[at].clone();
        let place = self.module.places.get(PlaceId(asked.place))?.clone();
        let known = record.asked[..at].iter().map(Known::of).collect();
        Some(Box::new(Pending {
            before: Answers { known },
            place,
            asked,
            bytes: record.bytes.clone(),
            decision: decision.to_owned(),
            at_us,
        }))
    }

    /// Whether the evaluation that has just ended could not wait for something.
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.record.borrow().pending
    }

    /// All answers of the decision.
    pub fn answers(&self) -> Answers {
        let record = self.record.borrow();
        let known = record.asked.iter().map(Known::of).collect();
        Answers { known }
    }

    /// Begins the same decision again: what was answered is known.
    pub fn again(&self) {
        self.record.borrow_mut().again();
    }

    /// Does what the evaluation that has just ended could not wait for; whether there was such a thing. It is then evaluated again.
    #[inline]
    pub fn perform(&self, decision: &str, at_us: i64) -> bool {
        let pending = self.record.borrow().pending;
        if pending {
            self.perform_pending(decision, at_us);
        }
        pending
    }

    fn perform_pending(&self, decision: &str, at_us: i64) {
        let record = &mut *self.record.borrow_mut();
        let Record { asked, bytes, .. } = record;
        for asked in asked.iter_mut().filter(|a| a.pending) {
            let Some(place) = self.module.places.get(PlaceId(asked.place)) else {
                continue;
            };
            let operation = operation(place, asked, bytes, decision, at_us);
            let failure = match self.bound.perform(&operation) {
                Outcome::Answer(answer) => {
                    (asked.reply, asked.failure) = (Reply::Answer(answer), None);
                    continue;
                }
                Outcome::Failed(failure) => failure,
                Outcome::Later => Failure::Down,
            };
            (asked.reply, asked.failure) = (self.on_failure(place, &operation), Some(failure));
        }
        // What came behind was answered without being asked.
        let answered = asked.iter().position(|a| a.pending);
        let answered = answered.map_or(0, |at| at + 1);
        asked.truncate(answered);
    }

    /// Lets a state of this process hold something, in a test; `amount` as `Local::set` has it.
    ///
    /// # Errors
    /// As `Local::set`.
    pub fn set(&self, state: StateId, key: &str, at_us: i64, amount: i64) -> Result<(), Failure> {
        let local = self.bound.local();
        local.set(state.0, key.as_bytes(), at_us, amount)
    }

    /// The states that could not be asked, and why.
    pub fn failures(&self) -> Vec<(&str, Failure)> {
        self.record.borrow().failures(self.module).collect()
    }

    /// What the decision asked and was answered, to be asked again piece by piece.
    pub fn replay(&self) -> Replay<'p> {
        let record = self.record.borrow();
        let (asked, bytes) = (record.asked.clone(), record.bytes.clone());
        Replay::new(self.plan, self.module, asked, bytes)
    }

    /// What the decision asked.
    pub fn operations(&self) -> Vec<trace::Operation> {
        trace::operations(self.module, &self.record.borrow())
    }

    /// Takes tokens of a bucket in this process, which is what programs ask most: nothing is laid out for a store to read. Where that is not
    /// what is asked, or none can be taken so, nothing has happened, and it is asked as everything is.
    #[inline(always)]
    fn took(
        &self,
        place: &StatePlace,
        number: u32,
        args: &[Word<'_>],
        record: &mut Record,
        cx: &Cx<'_>,
    ) -> Option<Answer> {
        let (Asks::Take, [state]) = (place.operation, &place.states[..]) else {
            return None;
        };
        if record.used < record.known.len() || record.pending || self.serial.is_some() {
            return None;
        }
        let (key, n) = match (args, self.plan.keyed(*state)) {
            ([key, n], true) => (key.str(), n.int()),
            ([n], false) => ("", n.int()),
            _ => return None,
        };
        let key = key.as_bytes();
        let answer = self.bound.at_hand(state.0)?.take(
            state.0,
            key,
            cx.time,
            u32::try_from(n).unwrap_or(u32::MAX),
        )?;
        let start = record.bytes.len();
        record.bytes.extend_from_slice(key);
        record.asked.push(Asked {
            place: number,
            keys: [start..record.bytes.len(), 0..0],
            member: 0..0,
            numbers: [n, 0],
            reply: Reply::Answer(answer),
            failure: None,
            pending: false,
        });
        Some(answer)
    }

    /// Asks the store what was asked last.
    #[inline(never)]
    fn performed(&self, place: &StatePlace, record: &mut Record, cx: &Cx<'_>) {
        if place.operation == Asks::Value && self.counter(place, record, cx) {
            return;
        }
        let first = place.states[0];
        let serial = self.serial.as_ref().map(|serial| told_apart(cx.id, serial));
        let decision = serial.as_deref().unwrap_or(cx.id);
        let Record { asked, bytes, .. } = &mut *record;
        let Some(asked) = asked.last_mut() else {
            return;
        };
        let operation = operation(place, asked, bytes, decision, cx.time);
        match self.bound.ask(&operation) {
            Outcome::Answer(answer) => asked.reply = Reply::Answer(answer),
            Outcome::Later => {
                asked.pending = true;
                record.pending = true;
            }
            Outcome::Failed(failure) => {
                asked.failure = Some(failure);
                asked.reply = self.on_failure(place, &operation);
                if place.operation == Asks::Add {
                    record.spoilt.push(first.0);
                }
            }
        }
    }

    /// Answers by what is known.
    #[cold]
    fn answered(&self, place: &StatePlace, record: &mut Record, known: Known, cx: &Cx<'_>) {
        record.used += 1;
        let Record { asked, bytes, .. } = &mut *record;
        let Some(asked) = asked.last_mut() else {
            return;
        };
        asked.failure = known.failure;
        asked.reply = match known.reply {
            Some(reply) => reply,
            None => self.on_failure(place, &operation(place, asked, bytes, cx.id, cx.time)),
        };
        if known.failure.is_some() && place.operation == Asks::Add {
            record.spoilt.push(place.states[0].0);
        }
    }

    /// What a counter or a budget is worth, where that is known without asking its store; whether it is.
    #[inline(never)]
    fn counter(&self, place: &StatePlace, record: &mut Record, cx: &Cx<'_>) -> bool {
        let first = place.states[0];
        let Some((asked, before)) = record.asked.split_last_mut() else {
            return false;
        };
        let key = &record.bytes[asked.keys[0].clone()];
        asked.reply = if self.plan.is_budget(first) {
            let spent = self.bound.local().get(first.0, key, cx.time);
            Reply::Answer(Answer::Number(spent.unwrap_or(0)))
        } else if record.spoilt.contains(&first.0) {
            Reply::Skip
        } else if let Some(counted) = self.counted(before, &record.bytes, first, key) {
            counted
        } else {
            return false;
        };
        true
    }

    /// What the counter said when it counted this event under this key. It may have counted others since, of other processes or before the event is
    /// decided again, which do not change what this one was.
    fn counted(&self, before: &[Asked], bytes: &[u8], state: StateId, key: &[u8]) -> Option<Reply> {
        let counts = |asked: &&Asked| {
            let place = self.module.places.get(PlaceId(asked.place));
            place.is_some_and(|p| p.operation == Asks::Add && p.states[0] == state)
                && bytes[asked.keys[0].clone()] == *key
        };
        let reply = before.iter().find(counts)?.reply;
        matches!(reply, Reply::Answer(Answer::Number(_))).then_some(reply)
    }

    /// What holds where the store could not do it.
    fn on_failure(&self, place: &StatePlace, operation: &Operation<'_>) -> Reply {
        let said = place.states.iter().map(|s| self.plan.failure(*s));
        let worst = |a: OnFailure, b: OnFailure| match (a, b) {
            (OnFailure::Skip, _) | (_, OnFailure::Skip) => OnFailure::Skip,
            (OnFailure::Deny, _) | (_, OnFailure::Deny) => OnFailure::Deny,
            (a, _) => a,
        };
        let said = said.reduce(worst).unwrap_or(OnFailure::Deny);
        match said {
            // Counting an event says nothing; what is asked of the counter does.
            _ if matches!(place.operation, Asks::Add | Asks::Arrive) => {
                Reply::Answer(Answer::Bool(true))
            }
            OnFailure::Allow => granted(place.operation),
            OnFailure::Deny => refused(place.operation),
            OnFailure::Skip => Reply::Skip,
            OnFailure::LocalRate(_) | OnFailure::LocalMax(_) => {
                let instead = self.bound.instead();
                match instead.map(|local| local.ask(operation)) {
                    Some(Outcome::Answer(answer)) => Reply::Answer(answer),
                    _ => refused(place.operation),
                }
            }
        }
    }
}

impl States for Asking<'_> {
    fn ask<'a>(&self, number: u32, args: &[Word<'a>], cx: &Cx<'a>) -> Word<'a> {
        let mut word = Word::None;
        self.put(number, args, cx, &mut word);
        word
    }

    fn put<'a>(&self, number: u32, args: &[Word<'a>], cx: &Cx<'a>, to: &mut Word<'a>) {
        let Some(place) = self.module.places.get(PlaceId(number)) else {
            *to = Word::None;
            return;
        };
        let record = &mut *self.record.borrow_mut();
        if let Some(answer) = self.took(place, number, args, record, cx) {
            put_answer(place.operation, answer, cx, to);
            return;
        }
        let asked = taken(self.plan, place, number, args, &mut record.bytes);
        record.asked.push(asked);
        match record.known.get(record.used) {
            Some(known) if known.place == number => {
                let known = *known;
                self.answered(place, record, known, cx);
            }
            // What comes behind something that is pending is not asked.
            _ if record.pending => {}
            _ => self.performed(place, record, cx),
        }
        if let Some(asked) = record.asked.last() {
            *to = word(place.operation, asked.reply, cx);
        }
    }

    fn answer<'a>(&self, number: u32, cx: &Cx<'a>) -> Word<'a> {
        let record = self.record.borrow();
        let asked = record.asked.iter().rev().find(|a| a.place == number);
        match (asked, self.module.places.get(PlaceId(number))) {
            (Some(asked), Some(place)) => word(place.operation, asked.reply, cx),
            _ => Word::None,
        }
    }
}

/// In tests: the id of a decision that is told apart from others of the same id.
#[cold]
fn told_apart(id: &str, serial: &Cell<u64>) -> String {
    serial.set(serial.get() + 1);
    format!("{id}#{}", serial.get())
}
