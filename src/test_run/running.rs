//! A test that is being run: the data that it gave, its states, and its time.

use std::sync::Arc;

use tollgate_ask::{Asking, Bound, Record};
use tollgate_frontend::lower::{TestFn, TestStep};
use tollgate_ir::entities::{DataId, Entity, StateId};
use tollgate_runtime::schema::Type;
use tollgate_runtime::{Arena, Cx, Frozen, Value, Word};
use tollgate_state::Failure;

use super::{Compiled, copied};
use crate::error::Error;

/// What a test has done so far.
pub(super) struct Running<'c> {
    data: Vec<Option<Frozen>>,
    asking: Asking<'c>,
    /// The time of decisions that have none of their own, in microseconds.
    clock: i64,
    /// What states were given, to be set when time is known: at the next decision.
    given: Vec<(StateId, String, i64)>,
}

/// What the functions of a question are given.
pub(super) struct Given<'a> {
    pub(super) arena: &'a Arena,
    pub(super) args: &'a [Word<'a>],
    pub(super) data: &'a [Word<'a>],
    /// The id and time of the decision that is asked for.
    pub(super) id: &'a str,
    pub(super) time: i64,
    /// The states, which hold what the test gave them.
    pub(super) asking: &'a Asking<'a>,
}

/// Why a question cannot be asked.
#[derive(Clone, Debug)]
pub(super) enum Prevented {
    /// Data of this name was not given.
    Data(String),
    /// A state does not take what it was given, and why.
    State(String, Failure),
}

impl Compiled {
    /// The beginning of a test: every state is as if nothing had happened.
    pub(super) fn begin(&self, data: Vec<Option<Frozen>>) -> Result<Running<'_>, Error> {
        let bound = Bound::new(&self.plan.local(), &[]).map_err(Error::other)?;
        let (bound, memory) = (Arc::new(bound), Record::default());
        Ok(Running {
            data,
            asking: Asking::new(&self.plan, &self.module, &bound, memory).in_test(),
            clock: 0,
            given: Vec::new(),
        })
    }

    /// Does what is not a question.
    pub(super) fn step(&self, step: &TestStep, running: &mut Running<'_>, args: &[Word<'_>]) {
        let arena = Arena::new();
        let args = copied(args, &arena);
        let value = |func: TestFn| self.call(func, &mut Cx::new(&arena, "", 0), args);
        match step {
            TestStep::Data(id, func) => {
                let word = value(*func);
                running.data[id.index()] = Some(Frozen::from(&Value::of(word)));
            }
            TestStep::State(id, key, amount) => {
                let key = key.map_or(String::new(), |func| value(func).str().to_owned());
                running.given.push((*id, key, value(*amount).int()));
            }
            TestStep::Advance(by) => running.clock = running.clock.saturating_add(*by),
            TestStep::Expect { .. } | TestStep::Show { .. } => {}
        }
    }

    /// Begins a question: what its functions are given.
    pub(super) fn given<'a>(
        &'a self,
        running: &'a mut Running<'_>,
        (id, time): (Option<TestFn>, Option<TestFn>),
        arena: &'a Arena,
        args: &[Word<'_>],
    ) -> Result<Given<'a>, Prevented> {
        let Running {
            data,
            asking,
            clock,
            given,
        } = running;
        let args = copied(args, arena);
        let data = self.data(data, arena);
        let data = data.map_err(|name| Prevented::Data(name.to_owned()))?;
        let input = |func: TestFn| {
            let mut cx = Cx::new(arena, "", 0);
            cx.data = data;
            self.call(func, &mut cx, args)
        };
        let id = id.map_or("", |func| input(func).str());
        let time = match time.map_or(0, |func| input(func).int()) {
            0 => *clock,
            time => time,
        };
        for (state, key, amount) in given.drain(..) {
            asking.set(state, &key, time, amount).map_err(|failure| {
                Prevented::State(self.module.states[state].name.to_string(), failure)
            })?;
        }
        asking.begin();
        Ok(Given {
            arena,
            args,
            data,
            id,
            time,
            asking,
        })
    }

    /// The words of all data: what was given, or nothing where the type has a value for that. An error names what is missing.
    fn data<'s: 'a, 'a>(
        &'s self,
        given: &'a [Option<Frozen>],
        arena: &'a Arena,
    ) -> Result<&'a [Word<'a>], &'s str> {
        let words = arena.slots(given.len());
        for (i, word) in words.iter_mut().enumerate() {
            *word = match (&given[i], self.empty(DataId::new(i))) {
                (Some(frozen), _) => frozen.word(),
                (None, Some(empty)) => empty,
                (None, None) => return Err(&self.module.data[DataId::new(i)].name),
            };
        }
        Ok(words)
    }

    /// What data that a test does not give is: nothing, where the type has a value for that.
    pub(super) fn empty(&self, data: DataId) -> Option<Word<'static>> {
        match self.module.schema.get(self.module.data[data].schema?) {
            Type::List { .. } | Type::Set { .. } | Type::Map { .. } | Type::Values { .. } => {
                Some(Word::Seq(&[]))
            }
            Type::Opt(_) => Some(Word::None),
            _ => None,
        }
    }
}
