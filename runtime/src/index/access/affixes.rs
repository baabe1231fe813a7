//! Prefixes and suffixes: a hash table for each length that the rules have (tuple space search).

use super::texts::Texts;

/// Which end of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::index) enum End {
    Front,
    Back,
}

/// From a text to the children of its prefixes, or of its suffixes.
#[derive(Debug)]
pub(in crate::index) struct Affixes {
    end: End,
    /// By length, ascending.
    tables: Vec<(usize, Texts)>,
}

impl Affixes {
    /// For affixes of these lengths.
    pub(in crate::index) fn new(end: End, mut lengths: Vec<usize>) -> Affixes {
        lengths.sort_unstable();
        lengths.dedup();
        let tables = lengths
            .into_iter()
            .map(|len| (len, Texts::default()))
            .collect();
        Affixes { end, tables }
    }

    /// The child of an affix of a length known to `new`; a new one gets the child that `fresh` gives.
    pub(in crate::index) fn child(&mut self, affix: &[u8], fresh: impl FnOnce() -> u32) -> u32 {
        match self
            .tables
            .binary_search_by_key(&affix.len(), |(len, _)| *len)
        {
            Ok(at) => self.tables[at].1.child(affix, fresh),
            Err(_) => fresh(),
        }
    }

    #[inline]
    pub(super) fn each(&self, text: &[u8], visit: &mut impl FnMut(u32)) {
        for (len, table) in &self.tables {
            let Some(rest) = text.len().checked_sub(*len) else {
                return;
            };
            let affix = match self.end {
                End::Front => &text[..*len],
                End::Back => &text[rest..],
            };
            if let Some(child) = table.find(affix) {
                visit(child);
            }
        }
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        self.tables.iter_mut().for_each(|(_, t)| t.renumber(to));
    }

    pub(super) fn bound(&self, cost: &dyn Fn(u32) -> u64) -> u64 {
        let most = |(_, table): &(usize, Texts)| table.children().map(cost).max().unwrap_or(0);
        self.tables.iter().map(most).fold(0, u64::saturating_add)
    }

    pub(super) fn steps(&self) -> u64 {
        8 * self.tables.len() as u64
    }

    pub(super) fn heap(&self) -> usize {
        self.tables
            .iter()
            .map(|(_, t)| t.heap() + size_of::<(usize, Texts)>())
            .sum()
    }

    pub(super) fn name(&self) -> &'static str {
        match self.end {
            End::Front => "prefixes",
            End::Back => "suffixes",
        }
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        for (_, table) in &self.tables {
            for (affix, child) in table.sorted() {
                let affix = String::from_utf8_lossy(&affix);
                visit(
                    match self.end {
                        End::Front => format!("{affix:?} …"),
                        End::Back => format!("… {affix:?}"),
                    },
                    child,
                );
            }
        }
    }
}
