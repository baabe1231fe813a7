//! Literal path patterns that end in `**`: a hash table for each number of segments (tuple space search).

use super::texts::Texts;

/// From a path to the children of the paths it lies below, itself included.
#[derive(Debug, Default)]
pub(in crate::index) struct Below {
    /// By number of segments, ascending.
    tables: Vec<(usize, Texts)>,
}

impl Below {
    /// The child of a path, such as `/a/b` for `/a/b/**`; a new one gets the child that `fresh` gives.
    pub(in crate::index) fn child(&mut self, path: &str, fresh: impl FnOnce() -> u32) -> u32 {
        let segments = path.bytes().filter(|b| *b == b'/').count();
        let at = match self.tables.binary_search_by_key(&segments, |(n, _)| *n) {
            Ok(at) => at,
            Err(at) => {
                self.tables.insert(at, (segments, Texts::default()));
                at
            }
        };
        self.tables[at].1.child(path.as_bytes(), fresh)
    }

    #[inline]
    pub(super) fn each(&self, path: &[u8], visit: &mut impl FnMut(u32)) {
        let (mut segments, mut end) = (0, 0);
        for (wanted, table) in &self.tables {
            while segments < *wanted {
                // A segment is a slash and what stands up to the next.
                let Some((b'/', rest)) = path[end..].split_first() else {
                    return;
                };
                let len = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
                end += 1 + len;
                segments += 1;
            }
            if let Some(child) = table.find(&path[..end]) {
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
        let table = |(_, t): &(usize, Texts)| t.heap() + size_of::<(usize, Texts)>();
        self.tables.iter().map(table).sum()
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        for (_, table) in &self.tables {
            for (path, child) in table.sorted() {
                visit(format!("{}/**", String::from_utf8_lossy(&path)), child);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PathPattern;

    /// The tables find what the patterns match one by one.
    #[test]
    fn the_tables_agree_with_their_patterns() {
        let texts = ["/a", "/a/b", "/", "/a/", "/ab", "/a/b/c"];
        let mut below = Below::default();
        for (i, text) in texts.iter().enumerate() {
            below.child(text, || i as u32);
        }
        for path in [
            "", "a", "/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c/d", "/ab/c", "/abc", "//", "//a",
        ] {
            let mut found = Vec::new();
            below.each(path.as_bytes(), &mut |child| found.push(child));
            found.sort_unstable();
            let matches = |text: &&str| {
                PathPattern::parse(&format!("{text}/**"))
                    .unwrap()
                    .matches(path)
            };
            let expected: Vec<u32> = (0..)
                .zip(texts.iter())
                .filter(|(_, t)| matches(t))
                .map(|(i, _)| i)
                .collect();
            assert_eq!(found, expected, "{path:?}");
        }
    }
}
