//! `Seen`: until when a key is kept, and who was first.

use serde::{Deserialize, Serialize};

use crate::identity::Who;
use crate::local::places::Anywhere;
use crate::local::table::Cell;

pub(crate) struct Rule {
    pub(crate) keep_us: i64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Seen {
    until: i64,
    who: Who,
}

impl Seen {
    /// Who came first, if somebody did.
    pub(crate) fn first(&self, at_us: i64) -> Option<Who> {
        (self.until > at_us).then_some(self.who)
    }

    pub(crate) fn see(&mut self, rule: &Rule, at_us: i64, floor: i64, who: Who) {
        let until = at_us.max(floor).saturating_add(rule.keep_us);
        *self = Seen { until, who };
    }

    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, seen: i64) {
        match seen {
            0 => *self = Seen::default(),
            _ => self.see(rule, at_us, i64::MIN, Who::default()),
        }
    }
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            until: i64::MIN,
            who: Who::default(),
        }
    }
}

impl Cell for Seen {
    type Rule = Rule;
    type Align = Anywhere;

    fn until(&self, _: &Rule) -> i64 {
        self.until
    }
}
