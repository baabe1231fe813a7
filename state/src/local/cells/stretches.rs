//! `Count` and `Sum` over a calendar: what came in the period of the latest event, and in those before it that late
//! events may still belong to.

use serde::{Deserialize, Serialize};

use super::clip;
use crate::calendar::Calendar;
use crate::local::places::Line;
use crate::local::table::Cell;
use crate::operation::Failure;

pub(crate) struct Rule {
    pub(crate) calendar: Calendar,
    pub(crate) late_us: i64,
}

/// A period and what came in it.
#[derive(Clone, Serialize, Deserialize)]
struct Stretch {
    start: i64,
    end: i64,
    total: i64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Stretches {
    latest: Stretch,
    /// Ascending.
    earlier: Vec<Stretch>,
}

impl Stretches {
    /// What there is after adding the amount.
    pub(crate) fn add(
        &mut self,
        rule: &Rule,
        at_us: i64,
        floor: i64,
        amount: i64,
    ) -> Result<i64, Failure> {
        if let Some(stretch) = self.holding(at_us) {
            stretch.total = clip(stretch.total.saturating_add(amount));
            return Ok(stretch.total);
        }
        let (start, end) = self.span(rule, at_us, floor)?;
        let total = clip(amount);
        let stretch = Stretch { start, end, total };
        if self.is_new() {
            self.latest = stretch;
        } else if start > self.latest.start {
            let before = std::mem::replace(&mut self.latest, stretch);
            self.earlier.push(before);
            self.earlier
                .retain(|earlier| earlier.end.saturating_add(rule.late_us) > start);
        } else {
            let place = self
                .earlier
                .partition_point(|earlier| earlier.start < start);
            self.earlier.insert(place, stretch);
        }
        Ok(total)
    }

    pub(crate) fn value(&mut self, rule: &Rule, at_us: i64, floor: i64) -> Result<i64, Failure> {
        match self.holding(at_us) {
            Some(stretch) => Ok(stretch.total),
            None => self.span(rule, at_us, floor).map(|_| 0),
        }
    }

    /// Makes the value what it is to be.
    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, total: i64) {
        match self.holding(at_us) {
            Some(stretch) => stretch.total = clip(total),
            None => {
                let (start, end) = rule.calendar.span(at_us);
                self.latest = Stretch {
                    start,
                    end,
                    total: clip(total),
                };
            }
        }
    }

    fn holding(&mut self, at_us: i64) -> Option<&mut Stretch> {
        let holds = |stretch: &Stretch| stretch.start <= at_us && at_us < stretch.end;
        if holds(&self.latest) {
            return Some(&mut self.latest);
        }
        self.earlier.iter_mut().rev().find(|stretch| holds(stretch))
    }

    /// The period of a time that is in none that is kept.
    fn span(&self, rule: &Rule, at_us: i64, floor: i64) -> Result<(i64, i64), Failure> {
        let (start, end) = rule.calendar.span(at_us);
        let kept_from = match self.is_new() {
            true => floor,
            false => self.latest.start,
        };
        match end.saturating_add(rule.late_us) <= kept_from {
            true => Err(Failure::Late),
            false => Ok((start, end)),
        }
    }

    fn is_new(&self) -> bool {
        self.latest.start == self.latest.end
    }
}

impl Default for Stretches {
    fn default() -> Stretches {
        Stretches {
            latest: Stretch {
                start: 0,
                end: 0,
                total: 0,
            },
            earlier: Vec::new(),
        }
    }
}

impl Cell for Stretches {
    type Rule = Rule;
    type Align = Line;

    fn until(&self, rule: &Rule) -> i64 {
        match self.is_new() {
            true => i64::MIN,
            false => self.latest.end.saturating_add(rule.late_us),
        }
    }

    fn heap(&self) -> usize {
        self.earlier.capacity() * size_of::<Stretch>()
    }
}
