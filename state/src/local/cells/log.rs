//! `SlidingLog`: when each was taken that counted at the last one.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{granted, refused};
use crate::Answer;
use crate::local::places::Anywhere;
use crate::local::table::Cell;

pub(crate) struct Rule {
    pub(crate) limit: i64,
    pub(crate) window_us: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Log {
    /// Ascending.
    times: VecDeque<i64>,
}

impl Log {
    pub(crate) fn take(&mut self, rule: &Rule, at_us: i64, floor: i64, n: u32) -> Answer {
        let now = self.now(at_us, floor);
        let n = i64::from(n);
        let left_already = self.left_already(rule, now);
        let used = (self.times.len() - left_already) as i64;
        if used + n <= rule.limit {
            if n > 0 {
                // Only now, because this is the time that none may go back behind.
                self.times.drain(..left_already);
                self.times.extend((0..n).map(|_| now));
            }
            return granted(rule.limit - used - n);
        }
        let last_to_leave = left_already as i64 + used + n - rule.limit - 1;
        let until = match self.times.get(last_to_leave as usize) {
            Some(time) if n <= rule.limit => time.saturating_add(rule.window_us),
            _ => i64::MAX,
        };
        refused(at_us, until, rule.limit - used)
    }

    pub(crate) fn left(&self, rule: &Rule, at_us: i64) -> i64 {
        let left_already = self.left_already(rule, self.now(at_us, i64::MIN));
        rule.limit - (self.times.len() - left_already) as i64
    }

    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, left: i64) {
        let used = rule.limit - left.clamp(0, rule.limit);
        self.times = (0..used).map(|_| at_us).collect();
    }

    fn now(&self, at_us: i64, floor: i64) -> i64 {
        at_us
            .max(floor)
            .max(self.times.back().copied().unwrap_or(i64::MIN))
    }

    /// How many have left the window.
    fn left_already(&self, rule: &Rule, now: i64) -> usize {
        let gone = now.saturating_sub(rule.window_us);
        self.times.partition_point(|time| *time <= gone)
    }
}

impl Cell for Log {
    type Rule = Rule;
    type Align = Anywhere;

    fn until(&self, rule: &Rule) -> i64 {
        match self.times.back() {
            Some(time) => time.saturating_add(rule.window_us),
            None => i64::MIN,
        }
    }

    fn heap(&self) -> usize {
        self.times.capacity() * size_of::<i64>()
    }
}
