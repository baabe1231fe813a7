//! `Ladder`: the highest load and when it was. All loads fade alike, so the one that is highest now stays the highest,
//! and nothing else has to be kept.

use serde::{Deserialize, Serialize};

use crate::kind::{GREATEST, Recover, reduced};
use crate::local::places::HalfLine;
use crate::local::table::Cell;

pub(crate) struct Rule {
    enter: i64,
    step: i64,
    /// By how much a load fades in `per` microseconds.
    share: i64,
    per: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Peak {
    load: i64,
    at_us: i64,
}

impl Rule {
    pub(crate) fn new(enter: i64, step: i64, recover: Recover) -> Rule {
        let (share, per) = reduced(recover.share, recover.per_us);
        Rule {
            enter,
            step,
            share,
            per,
        }
    }
}

impl Peak {
    pub(crate) fn sheds(
        &mut self,
        rule: &Rule,
        at_us: i64,
        floor: i64,
        class: u32,
        load: i64,
    ) -> bool {
        let now = match self.load {
            0 => at_us.max(floor),
            _ => at_us.max(self.at_us),
        };
        let load = load.clamp(0, GREATEST);
        let faded = self.faded(rule, now);
        if load >= faded {
            *self = Peak { load, at_us: now };
        }
        let enter = rule
            .enter
            .saturating_add(rule.step.saturating_mul(i64::from(class)));
        load.max(faded) >= enter
    }

    /// The load that is left at that time.
    pub(crate) fn faded(&self, rule: &Rule, at_us: i64) -> i64 {
        let elapsed = at_us.saturating_sub(self.at_us).max(0);
        let fade = i128::from(elapsed) * i128::from(rule.share) / i128::from(rule.per);
        self.load
            .saturating_sub(i64::try_from(fade).unwrap_or(i64::MAX))
            .max(0)
    }

    pub(crate) fn set(&mut self, at_us: i64, load: i64) {
        *self = Peak {
            load: load.clamp(0, GREATEST),
            at_us,
        };
    }
}

impl Cell for Peak {
    type Rule = Rule;
    type Align = HalfLine;

    /// When it has faded to where no class is shed, or to nothing.
    fn until(&self, rule: &Rule) -> i64 {
        if self.load == 0 {
            return i64::MIN;
        }
        let fade = match rule.enter {
            0 => self.load,
            enter => self.load.saturating_sub(enter).saturating_add(1).max(0),
        };
        let (share, per) = (i128::from(rule.share), i128::from(rule.per));
        let time = (i128::from(fade) * per + share - 1) / share;
        self.at_us
            .saturating_add(i64::try_from(time).unwrap_or(i64::MAX))
    }
}
