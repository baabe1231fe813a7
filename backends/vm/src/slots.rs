//! Which register holds which value.
//!
//! Linear scan (Poletto and Sarkar, *Linear Scan Register Allocation*, TOPLAS 1999) without the spilling: there are as many registers as
//! needed. Branches go forward, so the definition of a value stands before all its uses in the order of the code,
//! and the interval from the first to the last of them is where it lives; no data flow is needed to find it.
//! A block's parameter is written by the jumps to the block, so its interval begins at the first of these.
//!
//! A register that an operand leaves is free for the result of the same opcode: opcodes read before they write.

use tollgate_ir::entities::{Entity, Val};

/// No register, no position.
const NONE: u32 = u32::MAX;

/// How many of the registers that became free last are tried for one that saves a copy.
const HINTS: usize = 8;

/// The registers of a function while it is emitted.
pub(crate) struct Slots {
    slot: Vec<u32>,
    last: Vec<u32>,
    /// Values that stand in the register of a parameter they are about to become.
    pinned: Vec<bool>,
    free: Vec<u32>,
    count: u32,
    scratch: u32,
}

impl Slots {
    /// Slots for so many values, none of which is used.
    pub(crate) fn new(values: usize) -> Slots {
        Slots {
            slot: vec![NONE; values],
            last: vec![NONE; values],
            pinned: vec![false; values],
            free: Vec::new(),
            count: 0,
            scratch: NONE,
        }
    }

    /// Says that a value is read at a position, which is not before those said so far.
    pub(crate) fn read_at(&mut self, val: Val, position: u32) {
        self.last[val.index()] = position;
    }

    /// The last position that reads a value.
    pub(crate) fn last(&self, val: Val) -> Option<u32> {
        Some(self.last[val.index()]).filter(|last| *last != NONE)
    }

    /// The register of a value.
    pub(crate) fn get(&self, val: Val) -> Option<u32> {
        Some(self.slot[val.index()]).filter(|slot| *slot != NONE)
    }

    /// Puts a value into the next register that was never used: the parameters of a function.
    pub(crate) fn place_next(&mut self, val: Val) {
        self.slot[val.index()] = self.count;
        self.count += 1;
    }

    /// Gives a value a register, `hint` if that is free.
    pub(crate) fn place(&mut self, val: Val, hint: Option<u32>) -> u32 {
        let known = self.slot[val.index()];
        if known != NONE {
            return known;
        }
        let slot = hint
            .and_then(|hint| self.take(hint))
            .or_else(|| self.free.pop())
            .unwrap_or_else(|| {
                self.count += 1;
                self.count - 1
            });
        self.slot[val.index()] = slot;
        slot
    }

    /// Lets a value that is only read by one jump stand in the register of the parameter it becomes.
    pub(crate) fn pin(&mut self, val: Val, slot: u32) {
        self.slot[val.index()] = slot;
        self.pinned[val.index()] = true;
    }

    /// Frees the register of a value if it is not read behind a position. Say it once a position and value, or more often.
    pub(crate) fn release(&mut self, val: Val, position: u32) {
        let last = &mut self.last[val.index()];
        if *last == NONE || *last > position {
            return;
        }
        *last = NONE;
        self.free_now(val);
    }

    /// Frees the register of a value that nothing reads.
    pub(crate) fn free_now(&mut self, val: Val) {
        if !self.pinned[val.index()] && self.slot[val.index()] != NONE {
            self.free.push(self.slot[val.index()]);
        }
    }

    /// A register for cycles of copies.
    pub(crate) fn scratch(&mut self) -> u32 {
        if self.scratch == NONE {
            self.scratch = self.count;
            self.count += 1;
        }
        self.scratch
    }

    /// How many registers were needed.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    fn take(&mut self, slot: u32) -> Option<u32> {
        let from = self.free.len().saturating_sub(HINTS);
        let at = self.free[from..].iter().rposition(|s| *s == slot)?;
        Some(self.free.remove(from + at))
    }
}

/// Orders copies that happen at once (from, to) so that they can happen one by one. Each register is written
/// at most once. A cycle goes through `scratch`. As fast as sorting them.
///
/// ```text
/// (a → b, b → c)  becomes  b → c, a → b
/// (a → b, b → a)  becomes  b → s, a → b, s → a
/// ```
pub(crate) fn sequence(
    mut copies: Vec<(u32, u32)>,
    mut scratch: impl FnMut() -> u32,
) -> Vec<(u32, u32)> {
    copies.retain(|(from, to)| from != to);
    if copies.len() < 2 {
        return copies;
    }
    // `into` finds the copy that writes a register; `readers` counts copies that still read one.
    copies.sort_unstable_by_key(|(_, to)| *to);
    let into = |register: u32| copies.binary_search_by_key(&register, |(_, to)| *to).ok();
    let mut readers = vec![0u32; copies.len()];
    for (from, _) in &copies {
        if let Some(at) = into(*from) {
            readers[at] += 1;
        }
    }
    let mut source: Vec<u32> = copies.iter().map(|(from, _)| *from).collect();
    let mut done = vec![false; copies.len()];
    let mut ready: Vec<usize> = (0..copies.len()).filter(|i| readers[*i] == 0).collect();
    let mut out = Vec::with_capacity(copies.len() + 1);
    let mut next = 0;
    loop {
        while let Some(i) = ready.pop() {
            done[i] = true;
            out.push((source[i], copies[i].1));
            if let Some(at) = into(source[i]) {
                readers[at] -= 1;
                if readers[at] == 0 && !done[at] {
                    ready.push(at);
                }
            }
        }
        // Only cycles are left: every register in one is written once and read once.
        while next < copies.len() && done[next] {
            next += 1;
        }
        if next == copies.len() {
            return out;
        }
        let to = copies[next].1;
        let spare = scratch();
        out.push((to, spare));
        let mut reader = next;
        while source[reader] != to {
            let Some(at) = into(source[reader]) else {
                break;
            };
            reader = at;
        }
        source[reader] = spare;
        readers[next] = 0;
        ready.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs copies one by one on registers that hold their own number.
    fn run(copies: &[(u32, u32)]) -> Vec<u32> {
        let mut registers: Vec<u32> = (0..10).collect();
        for (from, to) in sequence(copies.to_vec(), || 9) {
            registers[to as usize] = registers[from as usize];
        }
        registers
    }

    #[test]
    fn copies_happen_as_if_at_once() {
        for copies in [
            &[(0, 1), (1, 2), (2, 3)][..],
            &[(0, 1), (1, 0)],
            &[(0, 1), (1, 2), (2, 0), (2, 3)],
            &[(0, 1), (1, 0), (2, 3), (3, 2), (0, 4), (3, 5)],
            &[(0, 0), (0, 1), (0, 2)],
            &[(4, 3), (3, 2), (2, 4), (4, 0)],
        ] {
            let registers = run(copies);
            for (from, to) in copies {
                assert_eq!(registers[*to as usize], *from, "{copies:?}");
            }
        }
    }
}
