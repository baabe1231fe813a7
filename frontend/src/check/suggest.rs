//! "Did you mean": the nearest of the names that would have fitted.

use super::{Checker, Def, ModuleId};

/// Names longer than this are not compared: nobody mistypes them by hand, and the comparison is quadratic.
const LONGEST: usize = 64;

impl Checker<'_> {
    /// The name in scope nearest to `name` among those whose meaning satisfies `fits`, if one is near enough to be meant.
    pub(crate) fn suggest(
        &self,
        module: ModuleId,
        name: &str,
        fits: impl Fn(&Def) -> bool,
    ) -> Option<String> {
        let own = self.modules[module.0 as usize].scope.iter();
        let fitting = own
            .chain(&self.prelude)
            .filter(|(_, entry)| fits(&entry.def))
            .map(|(candidate, _)| candidate.as_str());
        closest(name, fitting).map(str::to_owned)
    }
}

/// The nearest candidate, if one is near enough to be meant: another spelling of the same letters, or up to a third
/// of the letters added, dropped, changed or swapped with the next. Of equally near ones the first in the alphabet.
pub(crate) fn closest<'n>(
    name: &str,
    candidates: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    if name.len() > LONGEST {
        return None;
    }
    let letters: Vec<char> = name.chars().collect();
    let most = (letters.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // A difference in length alone is a distance; most candidates end here.
        if candidate.len().abs_diff(name.len()) > 4 * most || candidate.len() > LONGEST {
            continue;
        }
        let distance = if plain(candidate) == plain(name) {
            0
        } else {
            let other: Vec<char> = candidate.chars().collect();
            if other.len().abs_diff(letters.len()) > most {
                continue;
            }
            distance(&letters, &other)
        };
        // A name of one letter is near to any other of one letter: that is no advice.
        if distance > most || distance >= letters.len() && distance > 0 {
            continue;
        }
        if best.is_none_or(|found| (distance, candidate) < found) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Case and underscores apart.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Damerau's distance with adjacent transpositions ("optimal string alignment"; Damerau, CACM 7(3), 1964).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = [
            "Request",
            "Response",
            "starts_with",
            "ends_with",
            "x",
            "Silver",
        ];
        let near = |name| closest(name, names);
        assert_eq!(near("Requst"), Some("Request"));
        assert_eq!(near("startsWith"), Some("starts_with"));
        assert_eq!(near("silver"), Some("Silver"));
        assert_eq!(near("Sliver"), Some("Silver"));
        assert_eq!(near("y"), None);
        assert_eq!(near("Wallet"), None);
    }
}
