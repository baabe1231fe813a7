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
use tollgate_state::{Answer, Ask, Charge, Failure, Once, Operation, Outcome, Store as _};

use crate::attempt::{Answers, Known, Pending};
use crate::bound::Bound;
use crate::plan::{OnFailure, Plan};
use crate::replay::Replay;
use crate::trace;

/// The wait that a limit names when its store cannot be asked.
const WAIT_UNKNOWN: i64 = 1_000_000;

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

    /// Asks the store.
    fn performed(&self, place: &StatePlace, asked: &mut Asked, cx: &Cx<'_>) {
        let record = &mut *self.record.borrow_mut();
        let first = place.states[0];
        if place.operation == Asks::Value && self.plan.is_budget(first) {
            let key = &record.bytes[asked.keys[0].clone()];
            let spent = self.bound.local().get(first.0, key, cx.time);
            asked.reply = Reply::Answer(Answer::Number(spent.unwrap_or(0)));
            return;
        }
        if place.operation == Asks::Value && record.spoilt.contains(&first.0) {
            asked.reply = Reply::Skip;
            return;
        }
        if place.operation == Asks::Value
            && let Some(counted) = self.counted(record, first, &asked.keys[0])
        {
            asked.reply = counted;
            return;
        }
        let id;
        let decision = match &self.serial {
            Some(serial) => {
                serial.set(serial.get() + 1);
                id = format!("{}#{}", cx.id, serial.get());
                &id
            }
            None => cx.id,
        };
        let operation = operation(place, asked, &record.bytes, decision, cx.time);
        let store = self.bound.store(first.0);
        match store.map_or(Outcome::Later, |store| store.ask(&operation)) {
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

    /// What the counter said when it counted this event under this key. It may have counted others since, of other processes or before the event is
    /// decided again, which do not change what this one was.
    fn counted(&self, record: &Record, state: StateId, key: &Range<usize>) -> Option<Reply> {
        let key = &record.bytes[key.clone()];
        let counts = |asked: &&Asked| {
            let place = self.module.places.get(PlaceId(asked.place));
            place.is_some_and(|p| p.operation == Asks::Add && p.states[0] == state)
                && record.bytes[asked.keys[0].clone()] == *key
        };
        let reply = record.asked.iter().find(counts)?.reply;
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
        let Some(place) = self.module.places.get(PlaceId(number)) else {
            return Word::None;
        };
        let mut asked = taken(
            self.plan,
            place,
            number,
            args,
            &mut self.record.borrow_mut().bytes,
        );
        let known = {
            let record = &mut *self.record.borrow_mut();
            let next = record.known.get(record.used).copied();
            let known = next.filter(|known| known.place == number);
            record.used += usize::from(known.is_some());
            known
        };
        if let Some(known) = known {
            asked.failure = known.failure;
            asked.reply = match known.reply {
                Some(reply) => reply,
                None => {
                    let bytes = &self.record.borrow().bytes;
                    let operation = operation(place, &asked, bytes, cx.id, cx.time);
                    self.on_failure(place, &operation)
                }
            };
            if known.failure.is_some() && place.operation == Asks::Add {
                self.record.borrow_mut().spoilt.push(place.states[0].0);
            }
        } else if !self.record.borrow().pending {
            self.performed(place, &mut asked, cx);
        }
        let word = word(place.operation, asked.reply, cx);
        self.record.borrow_mut().asked.push(asked);
        word
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

/// The operation, taken out of the words of its arguments.
pub(crate) fn taken(
    plan: &Plan,
    place: &StatePlace,
    number: u32,
    args: &[Word<'_>],
    bytes: &mut Vec<u8>,
) -> Asked {
    let mut args = args.iter();
    let mut text = |args: &mut std::slice::Iter<'_, Word<'_>>| {
        let start = bytes.len();
        let word = args.next().map_or("", |word| word.str());
        bytes.extend_from_slice(word.as_bytes());
        start..bytes.len()
    };
    let mut keys = [0..0, 0..0];
    for (key, state) in keys.iter_mut().zip(&place.states) {
        if plan.keyed(*state) {
            *key = text(&mut args);
        }
    }
    let number_of = |args: &mut std::slice::Iter<'_, Word<'_>>| match args.next() {
        Some(Word::Bool(b)) => i64::from(*b),
        Some(word) => word.int(),
        None => 0,
    };
    let (mut numbers, mut member) = ([0, 0], 0..0);
    match place.operation {
        Asks::Take | Asks::Enter | Asks::Within | Asks::Reserve => {
            numbers[0] = number_of(&mut args);
        }
        Asks::Sheds => numbers = [number_of(&mut args), number_of(&mut args)],
        Asks::Add => {
            numbers[0] = number_of(&mut args);
            member = text(&mut args);
        }
        Asks::Value | Asks::Once | Asks::Arrive => {}
    }
    Asked {
        place: number,
        keys,
        member,
        numbers,
        reply: refused(place.operation),
        failure: None,
        pending: false,
    }
}

/// The operation as a store takes it.
pub(crate) fn operation<'o>(
    place: &StatePlace,
    asked: &Asked,
    bytes: &'o [u8],
    decision: &'o str,
    at_us: i64,
) -> Operation<'o> {
    let state = |n: usize| place.states.get(n).map_or(0, |s| s.0);
    let key = |n: usize| &bytes[asked.keys[n].clone()];
    let [first, second] = asked.numbers;
    let once = Once {
        state: state(0),
        key: key(0),
    };
    let charge = |n: usize| Charge {
        state: state(n),
        key: key(n),
        amount: first,
    };
    let ask = match place.operation {
        Asks::Take => Ask::Take(u32::try_from(first).unwrap_or(u32::MAX)),
        Asks::Enter => Ask::Enter {
            critical: first != 0,
        },
        Asks::Sheds => Ask::Sheds {
            class: first as u32,
            load: second,
        },
        Asks::Value => Ask::Value,
        Asks::Add => Ask::Add {
            amount: first,
            member: &bytes[asked.member.clone()],
        },
        Asks::Once | Asks::Arrive => Ask::Reserve {
            once: Some(once),
            within: None,
        },
        Asks::Within => Ask::Reserve {
            once: None,
            within: Some(charge(0)),
        },
        Asks::Reserve => Ask::Reserve {
            once: Some(once),
            within: Some(charge(1)),
        },
    };
    // An event counts once, whichever of the rule sets on its stream, and of the programs that follow each other, counts it.
    let place = match place.operation {
        Asks::Add => 0,
        _ => asked.place,
    };
    Operation {
        state: state(0),
        key: key(0),
        at_us,
        decision: decision.as_bytes(),
        place,
        ask,
    }
}

fn granted(operation: Asks) -> Reply {
    Reply::Answer(match operation {
        Asks::Take => Answer::Taken {
            granted: true,
            wait_us: None,
            left: 0,
        },
        Asks::Value => return Reply::Skip,
        Asks::Sheds => Answer::Bool(false),
        _ => Answer::Bool(true),
    })
}

fn refused(operation: Asks) -> Reply {
    Reply::Answer(match operation {
        Asks::Take => Answer::Taken {
            granted: false,
            wait_us: Some(WAIT_UNKNOWN),
            left: 0,
        },
        Asks::Value => return Reply::Skip,
        Asks::Sheds => Answer::Bool(true),
        _ => Answer::Bool(false),
    })
}

/// An answer as a word of the type that its place has.
pub(crate) fn word<'a>(operation: Asks, reply: Reply, cx: &Cx<'a>) -> Word<'a> {
    match reply {
        Reply::Skip => Word::None,
        Reply::Answer(Answer::Taken {
            granted,
            wait_us,
            left,
        }) => {
            let wait = wait_us.map_or(Word::None, Word::Int);
            let fields = [Word::Bool(granted), wait, Word::Int(left.max(0))];
            Word::Seq(cx.arena.seq(&fields))
        }
        Reply::Answer(Answer::Bool(yes)) => Word::Bool(yes),
        // What a counter says after an event is not asked here.
        Reply::Answer(Answer::Number(_)) if operation == Asks::Add => Word::Bool(true),
        Reply::Answer(Answer::Number(n)) => Word::Int(n),
    }
}
