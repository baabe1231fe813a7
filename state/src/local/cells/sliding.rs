//! `Count` and `Sum` over a sliding window: when what came. Exact up to 128 times; then they are rounded
//! (see [`Window::Sliding`](crate::Window::Sliding)).

use serde::{Deserialize, Serialize};

use super::clip;
use crate::local::places::Anywhere;
use crate::local::table::Cell;
use crate::operation::Failure;

/// How many times are kept.
pub(crate) const MARKS: usize = 128;
/// How many panes a window has when times are rounded.
const PANES: i64 = 64;

pub(crate) struct Rule {
    pub(crate) us: i64,
    pub(crate) late_us: i64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Mark {
    at_us: i64,
    amount: i64,
}

/// Ascending in time, each time once.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Marks(Vec<Mark>);

impl Rule {
    /// The length of what is kept.
    pub(crate) fn kept_us(&self) -> i64 {
        self.us.saturating_add(self.late_us)
    }

    /// What times are rounded down to.
    pub(crate) fn pane_us(&self) -> i64 {
        (self.kept_us() / PANES).max(1)
    }

    /// Whether an operation is too late after one of that time.
    pub(crate) fn is_late(&self, at_us: i64, latest: i64) -> bool {
        at_us < latest.saturating_sub(self.late_us)
    }
}

impl Marks {
    /// What there is after adding the amount.
    pub(crate) fn add(
        &mut self,
        rule: &Rule,
        at_us: i64,
        floor: i64,
        amount: i64,
    ) -> Result<i64, Failure> {
        self.check(rule, at_us, floor)?;
        let gone = at_us.max(self.latest()).saturating_sub(rule.kept_us());
        let kept_from = self.0.partition_point(|mark| mark.at_us <= gone);
        self.0.drain(..kept_from);
        if self.0.len() >= MARKS {
            self.round(rule);
        }
        let place = self.0.partition_point(|mark| mark.at_us < at_us);
        match self.0.get_mut(place) {
            Some(mark) if mark.at_us == at_us => {
                mark.amount = clip(mark.amount.saturating_add(amount))
            }
            _ => self.0.insert(
                place,
                Mark {
                    at_us,
                    amount: clip(amount),
                },
            ),
        }
        Ok(self.sum(rule, at_us))
    }

    pub(crate) fn value(&self, rule: &Rule, at_us: i64, floor: i64) -> Result<i64, Failure> {
        self.check(rule, at_us, floor)?;
        Ok(self.sum(rule, at_us))
    }

    /// Makes the value what it is to be, as if all of it came at that time.
    pub(crate) fn set(&mut self, at_us: i64, amount: i64) {
        self.0 = vec![Mark {
            at_us,
            amount: clip(amount),
        }];
    }

    fn latest(&self) -> i64 {
        self.0.last().map_or(i64::MIN, |mark| mark.at_us)
    }

    fn check(&self, rule: &Rule, at_us: i64, floor: i64) -> Result<(), Failure> {
        match rule.is_late(at_us, self.latest().max(floor)) {
            true => Err(Failure::Late),
            false => Ok(()),
        }
    }

    fn sum(&self, rule: &Rule, at_us: i64) -> i64 {
        let gone = at_us.saturating_sub(rule.us);
        let counts = self
            .0
            .iter()
            .filter(|mark| gone < mark.at_us && mark.at_us <= at_us);
        clip(counts.fold(0, |sum: i64, mark| sum.saturating_add(mark.amount)))
    }

    /// Rounds every time but the last down to a pane, which leaves at most one a pane, one before and the last.
    fn round(&mut self, rule: &Rule) {
        let pane = rule.pane_us();
        let last = self.0.pop();
        let mut rounded: Vec<Mark> = Vec::with_capacity(self.0.capacity());
        for mark in self.0.iter().copied() {
            let at_us = mark.at_us.div_euclid(pane).saturating_mul(pane);
            match rounded.last_mut() {
                Some(before) if before.at_us == at_us => {
                    before.amount = clip(before.amount.saturating_add(mark.amount));
                }
                _ => rounded.push(Mark {
                    at_us,
                    amount: mark.amount,
                }),
            }
        }
        rounded.extend(last);
        self.0 = rounded;
    }
}

impl Cell for Marks {
    type Rule = Rule;
    type Align = Anywhere;

    fn until(&self, rule: &Rule) -> i64 {
        match self.0.last() {
            None => i64::MIN,
            Some(mark) => mark.at_us.saturating_add(rule.kept_us()),
        }
    }

    fn heap(&self) -> usize {
        self.0.capacity() * size_of::<Mark>()
    }
}
