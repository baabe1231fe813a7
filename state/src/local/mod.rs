//! [`Local`]: states in this process.

mod cells;
mod held;
mod key;
mod places;
mod snapshot;
mod state;
mod table;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

pub use snapshot::{Changes, Snapshot};

use self::cells::budget::Spent;
use self::cells::seen::Seen;
#[cfg(feature = "redis")]
pub(crate) use self::cells::{
    budget::DAYS,
    members::SAMPLE,
    sliding::{MARKS, Rule as SlidingRule},
    slots::Rule as SlotsRule,
};
pub(crate) use self::held::{Held, Place};
use self::state::{Kept, State};
use self::table::Cell;
pub(crate) use self::table::Table;
use crate::identity::Who;
use crate::kind::{Declaration, Limit};
use crate::operation::{Answer, Ask, Charge, Failure, Once, Operation, Outcome};
use crate::store::Store;

/// States in the memory of this process: every operation is answered at once.
///
/// An operation locks a thousandth of its state's keys, works on a few numbers and is done; once a key is there it
/// allocates nothing, except for what grows with use (the times of a `SlidingLog` and a sliding window, slots, members).
/// What no longer matters is dropped while keys are added, a few at a time.
///
/// ```
/// use tollgate_state::{Answer, Ask, Declaration, Kind, Local, Operation, Outcome, Rate, Store};
/// let rate = Rate { count: 1, per_us: 1_000_000 };
/// let store = Local::new(&[Declaration::new("b", Kind::TokenBucket { rate, burst: 2 }).max_keys(100)])?;
/// let take = |at_us| Operation { state: 0, key: b"u1", at_us, decision: b"d", place: 0, ask: Ask::Take(2) };
/// let taken = |granted, wait_us, left| Outcome::Answer(Answer::Taken { granted, wait_us, left });
/// assert_eq!(store.ask(&take(0)), taken(true, None, 0));
/// assert_eq!(store.ask(&take(500_000)), taken(false, Some(1_500_000), 0));
/// assert_eq!(store.ask(&take(2_000_000)), taken(true, None, 0));
/// # Ok::<(), tollgate_state::Limit>(())
/// ```
pub struct Local {
    states: Box<[State]>,
    /// What each decision holds, so that finishing it finds that.
    held: Arc<Table<Held>>,
    seed: u64,
}

impl Local {
    /// Empty states for these declarations; an operation names them by their place in this list.
    ///
    /// # Errors
    /// The first declaration that [`Declaration::check`] refuses.
    pub fn new(declarations: &[Declaration]) -> Result<Local, Limit> {
        let seed = random_seed();
        let held = Arc::new(Held::table(seed));
        let states = declarations
            .iter()
            .map(|declaration| State::new(declaration, seed));
        Ok(Local {
            states: states.collect::<Result<_, _>>()?,
            held,
            seed,
        })
    }

    /// Other declarations, with what is held for those whose identity was there before. Both stores go on with the same
    /// states, so that decisions under way end with the old program.
    ///
    /// # Errors
    /// As for [`Local::new`].
    pub fn carried(&self, declarations: &[Declaration]) -> Result<Local, Limit> {
        let states = declarations.iter().map(|declaration| {
            let before = self
                .states
                .iter()
                .find(|state| state.identity == declaration.identity);
            match before {
                Some(state) => state.carried(declaration, self.seed),
                None => State::new(declaration, self.seed),
            }
        });
        Ok(Local {
            states: states.collect::<Result<_, _>>()?,
            held: Arc::clone(&self.held),
            seed: self.seed,
        })
    }

    /// Makes a key hold so much at a time, whatever it held before, as a test's `given` does. What `amount` is:
    ///
    /// | kind | |
    /// |---|---|
    /// | `TokenBucket`, `FixedWindow`, `SlidingLog` | how many are left |
    /// | `Concurrency`, `Reserve` | how many slots are held, by nobody who finishes |
    /// | `Ladder` | the load |
    /// | `Count`, `Sum`, `Distinct` | the value, of events at that time |
    /// | `Seen` | 0 if not seen, else seen at that time |
    /// | `Budget` | what the key spent; without ceiling for each key, or with an empty key, what all spent |
    ///
    /// # Errors
    /// [`Failure::Full`] for a key too many, [`Failure::Unanswerable`] for a state that is not there.
    pub fn set(&self, state: u32, key: &[u8], at_us: i64, amount: i64) -> Result<(), Failure> {
        match &self.state(state)?.kept {
            Kept::Buckets(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Fixed(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Logs(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Slots(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Peaks(table) => put(table, key, at_us, |_, cell| cell.set(at_us, amount)),
            Kept::Stretches(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Marks(table) => put(table, key, at_us, |_, cell| cell.set(at_us, amount)),
            Kept::Members(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Seen(table) => put(table, key, at_us, |rule, cell| {
                cell.set(rule, at_us, amount)
            }),
            Kept::Budget(budget) => match &budget.keys {
                Some(keys) if !key.is_empty() => {
                    put(keys, key, at_us, |(), spent| spent.set(amount))
                }
                _ => {
                    let mut purse = budget.purse.lock();
                    purse.total = amount.max(0);
                    purse.changed = true;
                    Ok(())
                }
            },
        }
    }

    /// What a key holds at a time, in the terms of [`Local::set`].
    ///
    /// # Errors
    /// [`Failure::Late`] where a counter no longer knows, [`Failure::Unanswerable`] for a state that is not there.
    pub fn get(&self, state: u32, key: &[u8], at_us: i64) -> Result<i64, Failure> {
        match &self.state(state)?.kept {
            Kept::Buckets(table) => Ok(look(table, key, |rule, cell| cell.left(rule, at_us))),
            Kept::Fixed(table) => Ok(look(table, key, |rule, cell| cell.left(rule, at_us))),
            Kept::Logs(table) => Ok(look(table, key, |rule, cell| cell.left(rule, at_us))),
            Kept::Slots(table) => Ok(look(table, key, |_, cell| cell.used(at_us))),
            Kept::Peaks(table) => Ok(look(table, key, |rule, cell| cell.faded(rule, at_us))),
            Kept::Stretches(table) => {
                look(table, key, |rule, cell| cell.value(rule, at_us, i64::MIN))
            }
            Kept::Marks(table) => look(table, key, |rule, cell| cell.value(rule, at_us, i64::MIN)),
            Kept::Members(table) => {
                look(table, key, |rule, cell| cell.value(rule, at_us, i64::MIN))
            }
            Kept::Seen(table) => Ok(look(table, key, |_, cell| {
                i64::from(cell.first(at_us).is_some())
            })),
            Kept::Budget(budget) => match &budget.keys {
                Some(keys) if !key.is_empty() => Ok(look(keys, key, |(), spent| spent.so_far())),
                _ => Ok(budget.purse.lock().total),
            },
        }
    }

    /// As [`Store::ask`] of [`Ask::Take`], of a token bucket that remembers no answers, which is what is asked most: short enough to be laid
    /// out where it is asked. `None` where the state is another one or has no room for the key; then nothing has happened.
    ///
    /// ```
    /// use tollgate_state::{Answer, Declaration, Kind, Local, Rate};
    /// let rate = Rate { count: 1, per_us: 1_000_000 };
    /// let store = Local::new(&[Declaration::new("b", Kind::TokenBucket { rate, burst: 2 }).max_keys(1)])?;
    /// assert_eq!(store.take(0, b"ann", 0, 2), Some(Answer::Taken { granted: true, wait_us: None, left: 0 }));
    /// assert_eq!(store.take(0, b"bob", 0, 1), None);
    /// # Ok::<(), tollgate_state::Limit>(())
    /// ```
    #[inline]
    pub fn take(&self, state: u32, key: &[u8], at_us: i64, n: u32) -> Option<Answer> {
        let State {
            kept: Kept::Buckets(table),
            firsts: None,
            ..
        } = self.states.get(state as usize)?
        else {
            return None;
        };
        let taken = table.with(key, at_us, |rule, cell, floor| {
            Ok(cell.take(rule, at_us, floor, n))
        });
        taken.ok()
    }

    /// How many keys a state holds, those included that no longer matter and were not dropped yet.
    pub fn keys(&self, state: u32) -> u64 {
        self.state(state).map_or(0, |state| state.kept.keys())
    }

    /// The bytes of memory that a state takes. Looks at every key.
    pub fn size(&self, state: u32) -> usize {
        self.state(state).map_or(0, State::size)
    }

    fn state(&self, index: u32) -> Result<&State, Failure> {
        self.states.get(index as usize).ok_or(Failure::Unanswerable)
    }

    #[inline(never)]
    fn answer(&self, operation: &Operation<'_>) -> Result<Answer, Failure> {
        let Operation { key, at_us, .. } = *operation;
        if let Ask::Reserve { once, within } = operation.ask {
            let granted = self.reserve(operation, once, within)?;
            return Ok(Answer::Bool(granted));
        }
        let state = self.state(operation.state)?;
        match (&state.kept, operation.ask) {
            (Kept::Buckets(table), Ask::Take(n)) => table.with(key, at_us, |rule, cell, floor| {
                state.first_answer(operation, || Ok(cell.take(rule, at_us, floor, n)))
            }),
            (Kept::Fixed(table), Ask::Take(n)) => table.with(key, at_us, |rule, cell, floor| {
                state.first_answer(operation, || Ok(cell.take(rule, at_us, floor, n)))
            }),
            (Kept::Logs(table), Ask::Take(n)) => table.with(key, at_us, |rule, cell, floor| {
                state.first_answer(operation, || Ok(cell.take(rule, at_us, floor, n)))
            }),
            (Kept::Peaks(table), Ask::Sheds { class, load }) => {
                table.with(key, at_us, |rule, cell, floor| {
                    let sheds = || Ok(Answer::Bool(cell.sheds(rule, at_us, floor, class, load)));
                    state.first_answer(operation, sheds)
                })
            }
            (Kept::Stretches(table), Ask::Add { amount, .. }) => {
                table.with(key, at_us, |rule, cell, floor| {
                    let add = || cell.add(rule, at_us, floor, amount).map(Answer::Number);
                    state.first_answer(operation, add)
                })
            }
            (Kept::Marks(table), Ask::Add { amount, .. }) => {
                table.with(key, at_us, |rule, cell, floor| {
                    let add = || cell.add(rule, at_us, floor, amount).map(Answer::Number);
                    state.first_answer(operation, add)
                })
            }
            (Kept::Members(table), Ask::Add { member, .. }) => {
                table.with(key, at_us, |rule, cell, floor| {
                    let member = crate::identity::member(member);
                    let add = || cell.add(rule, at_us, floor, member).map(Answer::Number);
                    state.first_answer(operation, add)
                })
            }
            (Kept::Stretches(table), Ask::Value) => table.with(key, at_us, |rule, cell, floor| {
                cell.value(rule, at_us, floor).map(Answer::Number)
            }),
            (Kept::Marks(table), Ask::Value) => table.with(key, at_us, |rule, cell, floor| {
                cell.value(rule, at_us, floor).map(Answer::Number)
            }),
            (Kept::Members(table), Ask::Value) => table.with(key, at_us, |rule, cell, floor| {
                cell.value(rule, at_us, floor).map(Answer::Number)
            }),
            (Kept::Slots(table), Ask::Enter { critical }) => {
                let who = Who::asks(operation.decision, operation.place);
                let (entered, since) = table.with(key, at_us, |rule, cell, floor| {
                    let (entered, since) = cell.enter(rule, at_us, floor, who, critical);
                    Ok((
                        entered,
                        since.map(|since| since.saturating_add(rule.lease_us)),
                    ))
                })?;
                if let Some(until) = since {
                    Held::hold(
                        &self.held,
                        operation,
                        Place::new(state.identity, key, who),
                        until,
                    );
                }
                Ok(Answer::Bool(entered))
            }
            _ => Err(Failure::Unanswerable),
        }
    }

    /// `once` and `within`. Locks are taken in one order everywhere: a key that was seen, a key that spends, the purse.
    fn reserve(
        &self,
        operation: &Operation<'_>,
        once: Option<Once<'_>>,
        within: Option<Charge<'_>>,
    ) -> Result<bool, Failure> {
        let who = Who::asks(operation.decision, operation.place);
        let charge = |by_itself| match within {
            Some(charge) => self.charge(operation, charge, by_itself),
            None => Ok(true),
        };
        let Some(once) = once else {
            return charge(true);
        };
        let Kept::Seen(table) = &self.state(once.state)?.kept else {
            return Err(Failure::Unanswerable);
        };
        let at_us = operation.at_us;
        table.with(once.key, at_us, |rule, seen: &mut Seen, floor| {
            if let Some(first) = seen.first(at_us) {
                return Ok(first == who);
            }
            let granted = charge(false)?;
            if granted {
                seen.see(rule, at_us, floor, who);
            }
            Ok(granted)
        })
    }

    fn charge(
        &self,
        operation: &Operation<'_>,
        charge: Charge<'_>,
        by_itself: bool,
    ) -> Result<bool, Failure> {
        let state = self.state(charge.state)?;
        let Kept::Budget(budget) = &state.kept else {
            return Err(Failure::Unanswerable);
        };
        let (at_us, amount) = (operation.at_us, charge.amount);
        let from_purse = |spent: Option<&mut Spent>| {
            let mut purse = budget.purse.lock();
            let pay = || {
                purse
                    .charge(&budget.ceilings, spent, at_us, amount)
                    .map(Answer::Bool)
            };
            // Together with `once`, the key that was seen knows.
            let answer = match by_itself {
                true => state.first_answer(operation, pay)?,
                false => pay()?,
            };
            Ok(answer == Answer::Bool(true))
        };
        match &budget.keys {
            None => from_purse(None),
            Some(keys) => keys.with(charge.key, at_us, |(), spent, _| from_purse(Some(spent))),
        }
    }
}

impl Store for Local {
    fn ask(&self, operation: &Operation<'_>) -> Outcome {
        let Operation { key, at_us, .. } = *operation;
        if let Ask::Take(n) = operation.ask
            && let Some(answer) = self.take(operation.state, key, at_us, n)
        {
            return Outcome::Answer(answer);
        }
        match self.answer(operation) {
            Ok(answer) => Outcome::Answer(answer),
            Err(failure) => Outcome::Failed(failure),
        }
    }

    fn perform(&self, operations: &[Operation<'_>], outcomes: &mut Vec<Outcome>) {
        outcomes.extend(operations.iter().map(|operation| self.ask(operation)));
    }

    fn finish(&self, decision: &[u8]) {
        for place in Held::release(&self.held, decision) {
            let state = self
                .states
                .iter()
                .find(|state| state.identity == place.identity());
            if let Some(Kept::Slots(table)) = state.map(|state| &state.kept) {
                table.peek(place.key(), |_, slots| slots.leave(place.who()));
            }
        }
    }
}

/// The only randomness of a store: it decides where a key lies, and no answer.
pub(crate) fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Another cell in the place of what is there.
fn put<C: Cell>(
    table: &Table<C>,
    key: &[u8],
    at_us: i64,
    set: impl FnOnce(&C::Rule, &mut C),
) -> Result<(), Failure> {
    table.with(key, at_us, |rule, cell, _| {
        *cell = C::default();
        set(rule, cell);
        Ok(())
    })
}

/// What is said of a key, which may be absent.
fn look<C: Cell, R>(table: &Table<C>, key: &[u8], mut say: impl FnMut(&C::Rule, &mut C) -> R) -> R {
    match table.peek(key, &mut say) {
        Some(said) => said,
        None => say(&table.rule, &mut C::default()),
    }
}
