//! Regular expressions and globs: one automaton for all of them, which reads a text once.
//!
//! Every pattern matches whole texts, so which of them match is a property of the state in which the automaton is at the end of the text
//! (regex-automata's dense automata, and its `which_overlapping_matches`, see <https://docs.rs/regex-automata>).

use std::fmt::Write;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use rustc_hash::FxHashMap;

use crate::pattern::Pattern;

/// Bytes of the largest automaton, and of what making it may take beside.
const AUTOMATON_MAX: usize = 1 << 21;
const MAKING_MAX: usize = 1 << 23;
/// Patterns of the largest automaton, and bytes of their sources.
const PATTERNS_MAX: usize = 1 << 10;
const SOURCES_MAX: usize = 1 << 16;

/// From a text to the children of the patterns that match it.
#[derive(Debug)]
pub(in crate::index) struct Regexes {
    automaton: dense::DFA<Vec<u32>>,
    /// Children and sources, by the automaton's numbers.
    patterns: Box<[(u32, Box<str>)]>,
}

impl Regexes {
    /// The automaton of some patterns, none of them a path's, and the child of each: equal patterns have one, others those that `fresh`
    /// gives. None where the automaton would be larger than is good, or the patterns ask for something that only slower engines have.
    pub(in crate::index) fn new<'p>(
        patterns: impl Iterator<Item = &'p Pattern>,
        mut fresh: impl FnMut() -> u32,
    ) -> Option<(Regexes, Vec<u32>)> {
        let mut numbers: FxHashMap<(&str, &str), usize> = FxHashMap::default();
        let mut sources: Vec<String> = Vec::new();
        let mut bytes = 0;
        let mut which = Vec::new();
        for pattern in patterns {
            let next = sources.len();
            let number = *numbers.entry(pattern.key()).or_insert(next);
            if number == next {
                sources.push(source(pattern)?);
                bytes += sources[next].len();
            }
            if sources.len() > PATTERNS_MAX || bytes > SOURCES_MAX {
                return None;
            }
            which.push(number);
        }
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(AUTOMATON_MAX))
            .determinize_size_limit(Some(MAKING_MAX));
        let automaton = dense::Builder::new().configure(config).build_many(&sources);
        let automaton = automaton.ok()?;
        let children: Vec<u32> = sources.iter().map(|_| fresh()).collect();
        let which = which.into_iter().map(|number| children[number]).collect();
        let patterns = children
            .into_iter()
            .zip(sources.into_iter().map(Into::into));
        let patterns = patterns.collect();
        Some((
            Regexes {
                automaton,
                patterns,
            },
            which,
        ))
    }

    pub(super) fn each(&self, text: &str, visit: &mut impl FnMut(u32)) {
        let automaton = &self.automaton;
        let start = start::Config::new().anchored(Anchored::Yes);
        // An automaton without word boundaries has a start state for every text.
        let Ok(mut state) = automaton.start_state(&start) else {
            return;
        };
        for byte in text.bytes() {
            state = automaton.next_state(state, byte);
            if automaton.is_dead_state(state) {
                return;
            }
        }
        state = automaton.next_eoi_state(state);
        if automaton.is_match_state(state) {
            for i in 0..automaton.match_len(state) {
                let pattern = automaton.match_pattern(state, i);
                visit(self.patterns[pattern.as_usize()].0);
            }
        }
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        self.patterns
            .iter_mut()
            .for_each(|(child, _)| *child = to(*child));
    }

    pub(super) fn bound(&self, cost: &dyn Fn(u32) -> u64) -> u64 {
        let children = self.patterns.iter().map(|(child, _)| cost(*child));
        children.fold(0, u64::saturating_add)
    }

    pub(super) fn steps(&self) -> u64 {
        32
    }

    pub(super) fn heap(&self) -> usize {
        let sources = self.patterns.iter().map(|(_, source)| source.len());
        self.automaton.memory_usage() + size_of_val(&self.patterns[..]) + sources.sum::<usize>()
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        for (child, source) in &self.patterns {
            visit(source.to_string(), *child);
        }
    }
}

/// A pattern as an anchored regular expression; none of a path.
fn source(pattern: &Pattern) -> Option<String> {
    match pattern {
        Pattern::Regex(regex) => Some(format!(r"\A(?:{})\z", regex.text())),
        Pattern::Glob(glob) => {
            let mut source = String::from(r"\A(?s:");
            for c in glob.text().chars() {
                match c {
                    '*' => source.push_str(".*"),
                    '?' => source.push('.'),
                    // Every character can be written by its number, whatever it means in an expression.
                    _ if c.is_ascii_alphanumeric() => source.push(c),
                    _ => write!(source, r"\x{{{:x}}}", u32::from(c)).ok()?,
                }
            }
            source.push_str(r")\z");
            Some(source)
        }
        Pattern::Path(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pattern::{Glob, Regex};

    /// The automaton finds what the patterns match one by one.
    #[test]
    fn the_automaton_agrees_with_its_patterns() {
        let regex = |text: &str| Pattern::Regex(Arc::new(Regex::parse(text).unwrap()));
        let glob = |text: &str| Pattern::Glob(Arc::new(Glob::parse(text).unwrap()));
        let patterns = [
            regex("a|ab"),
            regex("a*b?"),
            regex("(?i)AB"),
            regex("[^a]+"),
            regex(""),
            regex(r"(?m)^a$"),
            regex(r"\pL+"),
            glob("*b*"),
            glob("a?c"),
            glob("[a]"),
            glob(".*"),
            regex("a|ab"),
        ];
        let mut next = 0;
        let fresh = || {
            next += 1;
            next - 1
        };
        let (regexes, which) = Regexes::new(patterns.iter(), fresh).unwrap();
        assert_eq!(which[0], which[11]);
        for text in [
            "", "a", "ab", "AB", "b", "aab", "a\nb", "äb", "aäc", "[a]", ".x", "ccc", "a\n",
        ] {
            let mut found = Vec::new();
            regexes.each(text, &mut |child| found.push(child));
            found.sort_unstable();
            let matching = patterns.iter().zip(&which).filter(|(p, _)| p.matches(text));
            let mut expected: Vec<u32> = matching.map(|(_, child)| *child).collect();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn what_would_be_too_large_is_no_automaton() {
        let large = Pattern::Regex(Arc::new(Regex::parse("(?:.*a.{12})").unwrap()));
        assert!(Regexes::new([&large].into_iter(), || 0).is_none());
        let word = Pattern::Regex(Arc::new(Regex::parse(r"a\b.*").unwrap()));
        assert!(Regexes::new([&word].into_iter(), || 0).is_none());
    }
}
