//! A decision that was made, asked again piece by piece: each place answers what it answered.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

use tollgate_ir::entities::PlaceId;
use tollgate_ir::module::Module;
use tollgate_runtime::{Arena, Cx, States, Value, Word};

use crate::asking::Asked;
use crate::place::{taken, word};
use crate::plan::Plan;
use crate::trace::{self, Operation};

/// What states answered in a decision, by place: none is asked more than once in it.
pub struct Replay<'p> {
    plan: &'p Plan,
    module: &'p Module,
    asked: HashMap<u32, Asked>,
    /// The keys and members of what was asked.
    bytes: Vec<u8>,
    /// Keys and members of what is asked now; used again each time.
    now: RefCell<Vec<u8>>,
    /// Whether something was asked that the decision did not ask, or with another key or number.
    unknown: Cell<bool>,
}

impl<'p> Replay<'p> {
    pub(crate) fn new(
        plan: &'p Plan,
        module: &'p Module,
        asked: Vec<Asked>,
        bytes: Vec<u8>,
    ) -> Replay<'p> {
        Replay {
            plan,
            module,
            asked: asked.into_iter().map(|a| (a.place, a)).collect(),
            bytes,
            now: RefCell::default(),
            unknown: Cell::new(false),
        }
    }

    /// Whether something was asked that has no answer, since this was asked the last time. What came of it means nothing.
    pub fn was_unknown(&self) -> bool {
        self.unknown.take()
    }

    /// What a place was asked and answered, if it was asked.
    pub fn operation(&self, place: PlaceId) -> Option<Operation> {
        let asked = self.asked.get(&place.0)?;
        trace::operation(self.module, asked, &self.bytes)
    }

    /// What each place answered, as values of their types.
    pub fn values(&self) -> Vec<(PlaceId, Value)> {
        let arena = Arena::new();
        let cx = Cx::new(&arena, "", 0);
        let each = self.asked.values().filter_map(|asked| {
            let place = PlaceId(asked.place);
            let operation = self.module.places.get(place)?.operation;
            Some((place, Value::of(word(operation, asked.reply, &cx))))
        });
        each.collect()
    }

    fn answered<'a>(&self, place: u32, asked: Option<&Asked>, cx: &Cx<'a>) -> Word<'a> {
        match (asked, self.module.places.get(PlaceId(place))) {
            (Some(asked), Some(of)) => word(of.operation, asked.reply, cx),
            _ => {
                self.unknown.set(true);
                Word::None
            }
        }
    }
}

impl States for Replay<'_> {
    fn ask<'a>(&self, number: u32, args: &[Word<'a>], cx: &Cx<'a>) -> Word<'a> {
        let known = self.asked.get(&number).filter(|known| {
            let Some(place) = self.module.places.get(PlaceId(number)) else {
                return false;
            };
            let now = &mut *self.now.borrow_mut();
            now.clear();
            let asked = taken(self.plan, place, number, args, now);
            let same = |a: &Range<usize>, b: &Range<usize>| now[a.clone()] == self.bytes[b.clone()];
            let keys = asked.keys.iter().zip(&known.keys);
            let keys = keys.chain([(&asked.member, &known.member)]);
            asked.numbers == known.numbers && keys.into_iter().all(|(a, b)| same(a, b))
        });
        self.answered(number, known, cx)
    }

    fn answer<'a>(&self, number: u32, cx: &Cx<'a>) -> Word<'a> {
        self.answered(number, self.asked.get(&number), cx)
    }
}
