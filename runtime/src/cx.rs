//! The context of one decision: what an engine is handed beside the arguments.

use std::fmt;

use crate::arena::Arena;
use crate::word::Word;

/// A place in the source that the trace can name; an index into the program's table of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Mark(pub u32);

/// What answers the operations on states that a decision meets. It lies behind the context, so that engines know nothing of stores.
///
/// A decision meets each place at most once, and in the order of the source. An implementation answers at once, if only
/// with what a refusal would be: a decision that must wait for its answers is evaluated again with them.
pub trait States {
    /// Performs the operation of a place, an index into the program's table, and gives its answer as a word of the place's type.
    fn ask<'a>(&self, place: u32, args: &[Word<'a>], cx: &Cx<'a>) -> Word<'a>;

    /// As `ask`, with the word written where it is to stand: one that is handed on is read in other pieces than it was written in, for
    /// which processors wait.
    fn put<'a>(&self, place: u32, args: &[Word<'a>], cx: &Cx<'a>, to: &mut Word<'a>) {
        *to = self.ask(place, args, cx);
    }

    /// What the place answered in this decision.
    fn answer<'a>(&self, place: u32, cx: &Cx<'a>) -> Word<'a>;
}

impl fmt::Debug for dyn States + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("States")
    }
}

/// What one decision works with. Engines borrow it mutably, natives only read it.
#[derive(Debug)]
pub struct Cx<'a> {
    /// Where values made during the decision live.
    pub arena: &'a Arena,
    /// The decision's id: an input, and what `jitter` is a function of.
    pub id: &'a str,
    /// The decision's time in microseconds since 1970: an input.
    pub time: i64,
    /// The data that the host gave beside the program, in the order in which the program declares it.
    pub data: &'a [Word<'a>],
    /// What answers operations on states; without it each of them finds nothing.
    pub states: Option<&'a dyn States>,
    /// Which rules decided, in the order of the source; the trace.
    pub marks: Vec<Mark>,
    /// Steps taken so far, by the cost table of the instructions.
    pub steps: u64,
}

impl<'a> Cx<'a> {
    /// A context with an empty trace.
    pub fn new(arena: &'a Arena, id: &'a str, time: i64) -> Cx<'a> {
        Cx {
            arena,
            id,
            time,
            data: &[],
            states: None,
            marks: Vec::new(),
            steps: 0,
        }
    }

    /// Performs the operation of a place.
    pub fn ask(&self, place: u32, args: &[Word<'a>]) -> Word<'a> {
        match self.states {
            Some(states) => states.ask(place, args, self),
            None => Word::None,
        }
    }

    /// As [`Cx::ask`], with the word written where it is to stand.
    #[inline]
    pub fn put(&self, place: u32, args: &[Word<'a>], to: &mut Word<'a>) {
        match self.states {
            Some(states) => states.put(place, args, self, to),
            None => *to = Word::None,
        }
    }

    /// What a place answered in this decision.
    pub fn answer(&self, place: u32) -> Word<'a> {
        match self.states {
            Some(states) => states.answer(place, self),
            None => Word::None,
        }
    }
}
