//! One declaration and what is kept for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cells::{bucket, budget, ladder, log, members, seen, sliding, slots, stretches, window};
use super::places::Anywhere;
use super::table::{Cell, Table};
use crate::calendar::Calendar;
use crate::identity::Who;
use crate::kind::{Declaration, Kind, Limit, Window};
use crate::operation::{Answer, Ask, Failure, Operation};
use crate::sync::Mutex;

pub(super) struct State {
    pub(super) identity: u64,
    pub(super) kept: Kept,
    /// First answers, for retries.
    pub(super) firsts: Option<Firsts>,
}

/// First answers and for how long each is kept.
#[derive(Clone)]
pub(super) struct Firsts {
    for_us: i64,
    pub(super) table: Arc<Table<First>>,
}

/// A first answer.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct First {
    answer: Option<Answer>,
    until: i64,
}

/// What is kept, by kind. Programs that are loaded one after the other share it.
#[derive(Clone)]
pub(super) enum Kept {
    Buckets(Arc<Table<bucket::Bucket>>),
    Fixed(Arc<Table<window::Fixed>>),
    Logs(Arc<Table<log::Log>>),
    Slots(Arc<Table<slots::Slots>>),
    Peaks(Arc<Table<ladder::Peak>>),
    Stretches(Arc<Table<stretches::Stretches>>),
    Marks(Arc<Table<sliding::Marks>>),
    Members(Arc<Table<members::Members>>),
    Seen(Arc<Table<seen::Seen>>),
    Budget(Arc<Budget>),
}

pub(super) struct Budget {
    pub(super) ceilings: budget::Ceilings,
    /// Nothing where there is no ceiling for each key.
    pub(super) keys: Option<Table<budget::Spent>>,
    pub(super) purse: Mutex<budget::Purse>,
}

impl State {
    pub(super) fn new(declaration: &Declaration, seed: u64) -> Result<State, Limit> {
        declaration.check()?;
        Ok(State {
            identity: declaration.identity,
            kept: Kept::new(&declaration.kind, declaration.max_keys, seed),
            firsts: Firsts::new(declaration, seed),
        })
    }

    /// The same under a declaration that differs in bounds only.
    pub(super) fn carried(&self, declaration: &Declaration, seed: u64) -> Result<State, Limit> {
        declaration.check()?;
        self.kept.bound(declaration.max_keys);
        let firsts = match (&self.firsts, declaration.remember) {
            (Some(firsts), Some(remember)) => {
                firsts.table.bound(remember.most);
                Some(Firsts {
                    for_us: remember.for_us,
                    table: Arc::clone(&firsts.table),
                })
            }
            _ => Firsts::new(declaration, seed),
        };
        Ok(State {
            identity: self.identity,
            kept: self.kept.clone(),
            firsts,
        })
    }

    /// The answer that this place of this decision got before, if that is remembered; else does the operation. The
    /// caller holds the lock of the key, so that of two retries at once one is the first.
    #[inline]
    pub(super) fn first_answer(
        &self,
        operation: &Operation<'_>,
        work: impl FnOnce() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        match &self.firsts {
            None => work(),
            Some(firsts) => firsts.answer(operation, work),
        }
    }

    pub(super) fn size(&self) -> usize {
        let firsts = self.firsts.as_ref().map_or(0, |firsts| firsts.table.size());
        self.kept.size() + firsts
    }
}

impl Firsts {
    fn new(declaration: &Declaration, seed: u64) -> Option<Firsts> {
        let remember = declaration.remember?;
        let table = Arc::new(Table::new((), remember.most, seed));
        Some(Firsts {
            for_us: remember.for_us,
            table,
        })
    }

    fn answer(
        &self,
        operation: &Operation<'_>,
        work: impl FnOnce() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        let who = Who::asks(operation.decision, operation.place).bytes();
        let at_us = operation.at_us;
        self.table.with(&who, at_us, |(), first, floor| {
            if let Some(answer) = first.answer
                && at_us < first.until
            {
                return Ok(answer);
            }
            let answer = work()?;
            // A refusal changed nothing. A load that is not shed may have raised the ladder's.
            let changed = match (operation.ask, answer) {
                (_, Answer::Taken { granted, .. }) => granted,
                (Ask::Reserve { .. }, Answer::Bool(charged)) => charged,
                _ => true,
            };
            if changed {
                let until = at_us.max(floor).saturating_add(self.for_us);
                *first = First {
                    answer: Some(answer),
                    until,
                };
            }
            Ok(answer)
        })
    }
}

impl Kept {
    fn new(kind: &Kind, max_keys: u64, seed: u64) -> Kept {
        match *kind {
            Kind::TokenBucket { rate, burst } => {
                Kept::Buckets(table(bucket::Rule::new(rate, burst), max_keys, seed))
            }
            Kind::FixedWindow { limit, window_us } => {
                Kept::Fixed(table(window::Rule { limit, window_us }, max_keys, seed))
            }
            Kind::SlidingLog { limit, window_us } => {
                Kept::Logs(table(log::Rule { limit, window_us }, max_keys, seed))
            }
            Kind::Concurrency { max, lease_us } => {
                Kept::Slots(table(slots::Rule::new(max, 0, lease_us), max_keys, seed))
            }
            Kind::Reserve {
                max,
                critical,
                lease_us,
            } => Kept::Slots(table(
                slots::Rule::new(max, critical, lease_us),
                max_keys,
                seed,
            )),
            Kind::Ladder {
                enter,
                step,
                recover,
                ..
            } => Kept::Peaks(table(
                ladder::Rule::new(enter, step, recover),
                max_keys,
                seed,
            )),
            Kind::Count { ref window } | Kind::Sum { ref window } => match *window {
                Window::Sliding { us, late_us } => {
                    Kept::Marks(table(sliding::Rule { us, late_us }, max_keys, seed))
                }
                Window::Calendar {
                    period,
                    ref zone,
                    starts,
                    late_us,
                } => {
                    let calendar = Calendar::new(zone, period, starts);
                    Kept::Stretches(table(stretches::Rule { calendar, late_us }, max_keys, seed))
                }
            },
            Kind::Distinct { ref window } => {
                let rule = match *window {
                    Window::Sliding { us, late_us } => {
                        members::Rule::Sliding(sliding::Rule { us, late_us })
                    }
                    Window::Calendar {
                        period,
                        ref zone,
                        starts,
                        late_us,
                    } => {
                        let calendar = Calendar::new(zone, period, starts);
                        members::Rule::Calendar { calendar, late_us }
                    }
                };
                Kept::Members(table(rule, max_keys, seed))
            }
            Kind::Seen { keep_us } => Kept::Seen(table(seen::Rule { keep_us }, max_keys, seed)),
            Kind::Budget {
                total,
                per_key,
                per_day,
                ref zone,
            } => Kept::Budget(Arc::new(Budget {
                ceilings: budget::Ceilings::new(total, per_key, per_day, zone),
                keys: per_key.map(|_| Table::new((), max_keys, seed)),
                purse: Mutex::default(),
            })),
        }
    }

    fn bound(&self, most: u64) {
        match self {
            Kept::Buckets(table) => table.bound(most),
            Kept::Fixed(table) => table.bound(most),
            Kept::Logs(table) => table.bound(most),
            Kept::Slots(table) => table.bound(most),
            Kept::Peaks(table) => table.bound(most),
            Kept::Stretches(table) => table.bound(most),
            Kept::Marks(table) => table.bound(most),
            Kept::Members(table) => table.bound(most),
            Kept::Seen(table) => table.bound(most),
            Kept::Budget(budget) => {
                if let Some(keys) = &budget.keys {
                    keys.bound(most);
                }
            }
        }
    }

    pub(super) fn keys(&self) -> u64 {
        match self {
            Kept::Buckets(table) => table.len(),
            Kept::Fixed(table) => table.len(),
            Kept::Logs(table) => table.len(),
            Kept::Slots(table) => table.len(),
            Kept::Peaks(table) => table.len(),
            Kept::Stretches(table) => table.len(),
            Kept::Marks(table) => table.len(),
            Kept::Members(table) => table.len(),
            Kept::Seen(table) => table.len(),
            Kept::Budget(budget) => budget.keys.as_ref().map_or(0, Table::len),
        }
    }

    fn size(&self) -> usize {
        match self {
            Kept::Buckets(table) => table.size(),
            Kept::Fixed(table) => table.size(),
            Kept::Logs(table) => table.size(),
            Kept::Slots(table) => table.size(),
            Kept::Peaks(table) => table.size(),
            Kept::Stretches(table) => table.size(),
            Kept::Marks(table) => table.size(),
            Kept::Members(table) => table.size(),
            Kept::Seen(table) => table.size(),
            Kept::Budget(budget) => budget.keys.as_ref().map_or(0, Table::size),
        }
    }
}

impl Cell for First {
    type Rule = ();
    type Align = Anywhere;

    fn until(&self, (): &()) -> i64 {
        match self.answer {
            None => i64::MIN,
            Some(_) => self.until,
        }
    }
}

fn table<C: Cell>(rule: C::Rule, most: u64, seed: u64) -> Arc<Table<C>> {
    Arc::new(Table::new(rule, most, seed))
}
