//! Answers for programs that ask states: random values of the types of their places, by seed, place, arguments and how many
//! came before. What was asked is kept, to be compared.

use std::cell::RefCell;

use tollgate_ir::entities::PlaceId;
use tollgate_ir::module::Module;
use tollgate_runtime::fnv::Fnv;
use tollgate_runtime::{Cx, States, Value, Word};

use crate::{Rng, arbitrary};

/// An operation: its place, its arguments and its answer.
pub type Asked = (u32, Vec<Value>, Value);

/// States that answer at random.
#[derive(Debug)]
pub struct Fake<'m> {
    module: &'m Module,
    seed: u64,
    asked: RefCell<Vec<Asked>>,
}

impl<'m> Fake<'m> {
    /// States for the places of a module.
    pub fn new(module: &'m Module, seed: u64) -> Fake<'m> {
        Fake {
            module,
            seed,
            asked: RefCell::default(),
        }
    }

    /// What was asked so far, in order, and forgets it.
    pub fn take(&self) -> Vec<Asked> {
        self.asked.take()
    }
}

impl States for Fake<'_> {
    fn ask<'a>(&self, place: u32, args: &[Word<'a>], cx: &Cx<'a>) -> Word<'a> {
        let args: Vec<Value> = args.iter().map(|word| Value::of(*word)).collect();
        let mut asked = self.asked.borrow_mut();
        let of = self.module.places.get(PlaceId(place));
        let answer = of.map_or(Value::None, |of| {
            // What is asked, and how often something was.
            let told = format!("{place} {args:?} {}", asked.len());
            let hash = Fnv::seeded(self.seed).bytes(told.as_bytes());
            arbitrary(&self.module.types, of.result, &mut Rng(hash.get()))
        });
        let word = answer.word(cx.arena);
        asked.push((place, args, answer));
        word
    }

    fn answer<'a>(&self, place: u32, cx: &Cx<'a>) -> Word<'a> {
        let asked = self.asked.borrow();
        let last = asked.iter().rev().find(|(of, ..)| *of == place);
        match (last, self.module.places.get(PlaceId(place))) {
            (Some((.., answer)), _) => answer.word(cx.arena),
            // Random programs look at answers before they ask; they too are of the type.
            (None, Some(of)) => {
                let mut rng = Rng(self.seed);
                arbitrary(&self.module.types, of.result, &mut rng).word(cx.arena)
            }
            (None, None) => Word::None,
        }
    }
}
