//! The context of one decision: what an engine is handed beside the arguments.

use crate::arena::Arena;
use crate::word::Word;

/// A place in the source that the trace can name; an index into the program's table of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Mark(pub u32);

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
            marks: Vec::new(),
            steps: 0,
        }
    }
}
