//! `FixedWindow`: how many were taken in the window that begins then.

use serde::{Deserialize, Serialize};

use super::{granted, refused};
use crate::Answer;
use crate::local::places::HalfLine;
use crate::local::table::Cell;

pub(crate) struct Rule {
    pub(crate) limit: i64,
    pub(crate) window_us: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Fixed {
    start: i64,
    used: i64,
}

impl Fixed {
    pub(crate) fn take(&mut self, rule: &Rule, at_us: i64, floor: i64, n: u32) -> Answer {
        let (start, used) = self.now(rule, at_us, floor);
        let wanted = used.saturating_add(i64::from(n));
        if wanted <= rule.limit {
            if n > 0 {
                *self = Fixed {
                    start,
                    used: wanted,
                };
            }
            return granted(rule.limit - wanted);
        }
        let until = match i64::from(n) <= rule.limit {
            true => start.saturating_add(rule.window_us),
            false => i64::MAX,
        };
        refused(at_us, until, rule.limit - used)
    }

    pub(crate) fn left(&self, rule: &Rule, at_us: i64) -> i64 {
        rule.limit - self.now(rule, at_us, i64::MIN).1
    }

    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, left: i64) {
        let used = rule.limit - left.clamp(0, rule.limit);
        *self = Fixed {
            start: begin(rule, at_us),
            used,
        };
    }

    /// The window that an operation is in, and what was taken there.
    fn now(&self, rule: &Rule, at_us: i64, floor: i64) -> (i64, i64) {
        if self.used == 0 {
            return (begin(rule, at_us.max(floor)), 0);
        }
        match begin(rule, at_us) {
            start if start > self.start => (start, 0),
            _ => (self.start, self.used),
        }
    }
}

impl Cell for Fixed {
    type Rule = Rule;
    type Align = HalfLine;

    fn until(&self, rule: &Rule) -> i64 {
        match self.used {
            0 => i64::MIN,
            _ => self.start.saturating_add(rule.window_us),
        }
    }
}

fn begin(rule: &Rule, at_us: i64) -> i64 {
    at_us
        .div_euclid(rule.window_us)
        .saturating_mul(rule.window_us)
}
