//! `Distinct`: a sample of the members of a window, which is all of them while there are at most 1,024.
//!
//! When there are more, only members stay whose hash ends in a zero bit, then in two, and so on, and each that stays
//! counts for as many: Wegman's adaptive sampling (Flajolet, "On adaptive sampling", Computing 43, 1990), whose
//! standard error is 1.20 / √1024 = 3.75%. The sample does not depend on time, so members may leave it as the window moves.

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use super::{clip, sliding};
use crate::calendar::Calendar;
use crate::local::places::Anywhere;
use crate::local::table::Cell;
use crate::operation::Failure;

/// How many members are kept.
pub(crate) const SAMPLE: usize = 1024;

pub(crate) enum Rule {
    Sliding(sliding::Rule),
    Calendar { calendar: Calendar, late_us: i64 },
}

/// The members of one period, or of a sliding window.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
struct Sample {
    start: i64,
    end: i64,
    /// Members stay whose hash ends in so many zero bits.
    zeros: u32,
    /// Each member and when it last came.
    members: HashTable<(i64, i64)>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    start: i64,
    end: i64,
    zeros: u32,
    members: Vec<(i64, i64)>,
}

/// The samples of the periods that are kept, ascending; one for a sliding window.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Members {
    samples: Vec<Sample>,
    /// The latest time of a sliding window.
    latest: i64,
}

impl Members {
    /// How many there are after this one.
    pub(crate) fn add(
        &mut self,
        rule: &Rule,
        at_us: i64,
        floor: i64,
        member: i64,
    ) -> Result<i64, Failure> {
        let place = self.put(rule, at_us, floor, member)?;
        Ok(self.count(rule, at_us, place))
    }

    pub(crate) fn value(&self, rule: &Rule, at_us: i64, floor: i64) -> Result<i64, Failure> {
        match self.place(rule, at_us, floor)? {
            Ok(place) => Ok(self.count(rule, at_us, place)),
            Err(_) => Ok(0),
        }
    }

    /// So many members that nobody else is.
    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, count: i64) {
        *self = Members::default();
        for i in 0..count.clamp(0, SAMPLE as i64) {
            // Nothing is too late for an empty sample.
            let _ = self.put(rule, at_us, i64::MIN, -1 - i);
        }
    }

    fn count(&self, rule: &Rule, at_us: i64, place: usize) -> i64 {
        self.samples
            .get(place)
            .map_or(0, |sample| sample.count(rule, at_us))
    }

    /// Puts a member into the sample of its time, and says which that is.
    fn put(&mut self, rule: &Rule, at_us: i64, floor: i64, member: i64) -> Result<usize, Failure> {
        let place = match self.place(rule, at_us, floor)? {
            Ok(place) => place,
            Err((start, end)) => {
                self.latest = at_us.max(self.latest);
                self.make(rule, start, end)
            }
        };
        let gone = match rule {
            Rule::Calendar { .. } => i64::MIN,
            Rule::Sliding(rule) => {
                self.latest = self.latest.max(at_us);
                self.latest.saturating_sub(rule.kept_us())
            }
        };
        if let Some(sample) = self.samples.get_mut(place) {
            sample.add(member, at_us, gone);
        }
        Ok(place)
    }

    /// The sample of a time, or the period that has none yet.
    fn place(
        &self,
        rule: &Rule,
        at_us: i64,
        floor: i64,
    ) -> Result<Result<usize, (i64, i64)>, Failure> {
        let holds = |sample: &Sample| sample.start <= at_us && at_us < sample.end;
        match rule {
            Rule::Sliding(rule) => {
                let latest = match self.samples.is_empty() {
                    true => floor,
                    false => self.latest,
                };
                match rule.is_late(at_us, latest) {
                    true => Err(Failure::Late),
                    false if self.samples.is_empty() => Ok(Err((i64::MIN, i64::MAX))),
                    false => Ok(Ok(0)),
                }
            }
            Rule::Calendar { calendar, late_us } => {
                if let Some(place) = self.samples.iter().rposition(holds) {
                    return Ok(Ok(place));
                }
                let (start, end) = calendar.span(at_us);
                let kept_from = self.samples.last().map_or(floor, |sample| sample.start);
                match end.saturating_add(*late_us) <= kept_from {
                    true => Err(Failure::Late),
                    false => Ok(Err((start, end))),
                }
            }
        }
    }

    /// A sample for a period that has none; those that nothing can belong to any more go.
    fn make(&mut self, rule: &Rule, start: i64, end: i64) -> usize {
        let sample = Sample {
            start,
            end,
            zeros: 0,
            members: HashTable::new(),
        };
        if let Rule::Calendar { late_us, .. } = rule {
            let latest = self
                .samples
                .last()
                .map_or(start, |sample| sample.start.max(start));
            self.samples
                .retain(|earlier| earlier.end.saturating_add(*late_us) > latest);
        }
        let place = self.samples.partition_point(|sample| sample.start < start);
        self.samples.insert(place, sample);
        place
    }
}

impl Sample {
    fn add(&mut self, member: i64, at_us: i64, gone: i64) {
        if !self.takes(member) {
            return;
        }
        let hash = spread(member);
        if let Some((_, last)) = self.members.find_mut(hash, |(known, _)| *known == member) {
            *last = at_us.max(*last);
            return;
        }
        if self.members.len() >= SAMPLE {
            self.members.retain(|(_, last)| *last > gone);
        }
        while self.members.len() >= SAMPLE && self.zeros < 52 {
            self.zeros += 1;
            let mask = (1 << self.zeros) - 1;
            self.members.retain(|(member, _)| *member & mask == 0);
        }
        if self.members.is_empty() {
            self.zeros = 0;
        }
        if self.takes(member) {
            self.members
                .insert_unique(hash, (member, at_us), |(member, _)| spread(*member));
        }
    }

    fn takes(&self, member: i64) -> bool {
        member & ((1 << self.zeros) - 1) == 0
    }

    fn count(&self, rule: &Rule, at_us: i64) -> i64 {
        let sampled = match rule {
            Rule::Calendar { .. } => self.members.len(),
            Rule::Sliding(rule) => {
                let gone = at_us.saturating_sub(rule.us);
                self.members.iter().filter(|(_, last)| *last > gone).count()
            }
        };
        clip((sampled as i64).saturating_mul(1 << self.zeros))
    }
}

/// Members are hashes; the bits that sampling looks at must not be those that a table looks at.
fn spread(member: i64) -> u64 {
    (member as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Default for Members {
    fn default() -> Members {
        Members {
            samples: Vec::new(),
            latest: i64::MIN,
        }
    }
}

impl Cell for Members {
    type Rule = Rule;
    type Align = Anywhere;

    fn until(&self, rule: &Rule) -> i64 {
        let Some(sample) = self.samples.last() else {
            return i64::MIN;
        };
        match rule {
            Rule::Sliding(rule) => self.latest.saturating_add(rule.kept_us()),
            Rule::Calendar { late_us, .. } => sample.end.saturating_add(*late_us),
        }
    }

    fn heap(&self) -> usize {
        let samples = self
            .samples
            .iter()
            .map(|sample| sample.members.allocation_size());
        self.samples.capacity() * size_of::<Sample>() + samples.sum::<usize>()
    }
}

impl From<Sample> for Saved {
    fn from(sample: Sample) -> Saved {
        Saved {
            start: sample.start,
            end: sample.end,
            zeros: sample.zeros,
            members: sample.members.iter().copied().collect(),
        }
    }
}

impl From<Saved> for Sample {
    fn from(saved: Saved) -> Sample {
        let mut members = HashTable::with_capacity(saved.members.len());
        for member in saved.members {
            members.insert_unique(spread(member.0), member, |(member, _)| spread(*member));
        }
        Sample {
            start: saved.start,
            end: saved.end,
            zeros: saved.zeros,
            members,
        }
    }
}
