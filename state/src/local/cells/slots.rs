//! `Concurrency` and `Reserve`: who holds a slot, and until when.

use std::collections::VecDeque;

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::identity::Who;
use crate::kind::ONE;
use crate::local::places::Anywhere;
use crate::local::table::Cell;

pub(crate) struct Rule {
    pub(crate) max: i64,
    /// How many of them ordinary work may not have.
    kept: i64,
    pub(crate) lease_us: i64,
}

/// A slot that is held.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Slot {
    who: Who,
    until: i64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct Slots {
    held: HashTable<Slot>,
    /// The slots in the order in which leases end, and some that were given back.
    queue: VecDeque<Slot>,
    /// When the last slot was given.
    latest: i64,
}

/// As it stands in a snapshot.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    held: Vec<Slot>,
    latest: i64,
}

impl Rule {
    pub(crate) fn new(max: i64, critical: i64, lease_us: i64) -> Rule {
        // At most a million times a billion.
        let kept = max.saturating_mul(critical);
        let kept = kept / ONE + i64::from(kept % ONE != 0);
        Rule {
            max,
            kept,
            lease_us,
        }
    }

    /// How many slots may be held when such work asks for one more.
    pub(crate) fn most(&self, critical: bool) -> i64 {
        match critical {
            true => self.max,
            false => self.max - self.kept,
        }
    }
}

impl Slots {
    /// Whether there is a slot, and since when this decision has had it: nothing if it had it before.
    pub(crate) fn enter(
        &mut self,
        rule: &Rule,
        at_us: i64,
        floor: i64,
        who: Who,
        critical: bool,
    ) -> (bool, Option<i64>) {
        let now = at_us.max(self.latest).max(floor);
        if self.has(who, now) {
            return (true, None);
        }
        // Those whose lease ended go only now, because this is the time that none may go back behind.
        if self.held.len() as i64 - self.ended(now) >= rule.most(critical) {
            return (false, None);
        }
        self.latest = now;
        self.forget(now);
        self.hold(Slot {
            who,
            until: now.saturating_add(rule.lease_us),
        });
        (true, Some(now))
    }

    pub(crate) fn leave(&mut self, who: Who) {
        if let Ok(slot) = self.held.find_entry(who.hash(), |slot| slot.who == who) {
            slot.remove();
        }
        // Each slot given back is moved over once for each as many that are.
        if self.queue.len() > 2 * self.held.len() + 32 {
            let held = &self.held;
            self.queue.retain(|slot| is_held(held, slot));
        }
    }

    pub(crate) fn used(&self, at_us: i64) -> i64 {
        let now = at_us.max(self.latest);
        self.held.iter().filter(|slot| slot.until > now).count() as i64
    }

    /// So many slots that nobody gives back.
    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, used: i64) {
        *self = Slots {
            latest: at_us,
            ..Slots::default()
        };
        for i in 0..used.clamp(0, rule.max) {
            let who = Who::decides(format!("set {i}").as_bytes());
            self.hold(Slot {
                who,
                until: at_us.saturating_add(rule.lease_us),
            });
        }
    }

    fn hold(&mut self, slot: Slot) {
        self.held
            .insert_unique(slot.who.hash(), slot, |slot| slot.who.hash());
        self.queue.push_back(slot);
    }

    fn has(&self, who: Who, now: i64) -> bool {
        let slot = self.held.find(who.hash(), |slot| slot.who == who);
        slot.is_some_and(|slot| slot.until > now)
    }

    /// How many are held whose lease ended. None, if all may be had and nobody can have one.
    fn ended(&self, now: i64) -> i64 {
        let ended = self.queue.iter().take_while(|slot| slot.until <= now);
        ended.filter(|slot| is_held(&self.held, slot)).count() as i64
    }

    fn forget(&mut self, now: i64) {
        while let Some(slot) = self.queue.front()
            && (slot.until <= now || !is_held(&self.held, slot))
        {
            let held = self.held.find_entry(slot.who.hash(), |held| {
                held.who == slot.who && held.until == slot.until
            });
            if let Ok(held) = held {
                held.remove();
            }
            self.queue.pop_front();
        }
    }
}

fn is_held(held: &HashTable<Slot>, slot: &Slot) -> bool {
    held.find(slot.who.hash(), |held| {
        held.who == slot.who && held.until == slot.until
    })
    .is_some()
}

impl Default for Slots {
    fn default() -> Slots {
        Slots {
            held: HashTable::new(),
            queue: VecDeque::new(),
            latest: i64::MIN,
        }
    }
}

impl Cell for Slots {
    type Rule = Rule;
    type Align = Anywhere;

    fn until(&self, _: &Rule) -> i64 {
        match (self.held.is_empty(), self.queue.back()) {
            (false, Some(slot)) => slot.until,
            _ => self.latest,
        }
    }

    fn heap(&self) -> usize {
        self.held.allocation_size() + self.queue.capacity() * size_of::<Slot>()
    }
}

impl From<Slots> for Saved {
    fn from(slots: Slots) -> Saved {
        let held = slots
            .queue
            .iter()
            .filter(|slot| is_held(&slots.held, slot))
            .copied();
        Saved {
            held: held.collect(),
            latest: slots.latest,
        }
    }
}

impl From<Saved> for Slots {
    fn from(saved: Saved) -> Slots {
        let mut slots = Slots {
            latest: saved.latest,
            ..Slots::default()
        };
        for slot in saved.held {
            slots.hold(slot);
        }
        slots
    }
}
