//! Sets of texts as automata: whether some text lies in all of them, and the shortest that does.
//!
//! A set is a deterministic automaton over bytes; a common word of several is a path through their product, found in
//! breadth (Hopcroft, Motwani & Ullman, "Introduction to Automata Theory", §4.2 and §4.3). Automata are built by `regex-automata`
//! under a limit of their size, and the product is searched under a budget, so that the answer may be "do not know".

use std::fmt::Write as _;

use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use rustc_hash::FxHashSet;

use crate::index::Test;
use crate::pattern::{Glob, PathPattern, Pattern, Segment};

/// Most bytes of one automaton, and of the memory it is built in.
const AUTOMATON_MAX: usize = 256 * 1024;

/// A set of texts.
#[derive(Debug)]
pub struct Language {
    dfa: dense::DFA<Vec<u32>>,
    /// Where every text begins.
    start: regex_automata::util::primitives::StateID,
}

/// Whether sets have a text in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Common {
    /// This one is the shortest, and of equally short ones the one that reads best.
    Text(String),
    /// None.
    Nothing,
    /// The budget did not suffice to tell.
    Unknown,
}

impl Language {
    /// The texts that an expression matches as a whole; `None` when its automaton would be too large.
    ///
    /// ```
    /// use tollgate_runtime::language::{Common, Language, common};
    /// let (a, b) = (Language::regex("a+").unwrap(), Language::regex("(aa)*").unwrap());
    /// assert_eq!(common(&[(&a, true), (&b, true)], 100), Common::Text("aa".into()));
    /// assert_eq!(common(&[(&b, true), (&a, false)], 100), Common::Text("".into()));
    /// ```
    pub fn regex(expression: &str) -> Option<Language> {
        let config = dense::Config::new()
            .accelerate(false)
            .match_kind(MatchKind::All)
            .start_kind(regex_automata::dfa::StartKind::Anchored)
            .dfa_size_limit(Some(AUTOMATON_MAX))
            .determinize_size_limit(Some(AUTOMATON_MAX));
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(syntax::Config::new().nest_limit(100))
            .build(&format!(r"(?:{expression})\z"))
            .ok()?;
        let begin = start::Config::new().anchored(Anchored::Yes);
        let start = dfa.start_state(&begin).ok()?;
        Some(Language { dfa, start })
    }

    /// The texts for which a test holds; `None` when it is no test of texts, or its automaton would be too large.
    pub fn of(test: &Test) -> Option<Language> {
        let mut out = String::new();
        match test {
            Test::Texts(texts) if texts.is_empty() => out.push_str(r"[^\s\S]"),
            Test::Texts(texts) => {
                for (i, text) in texts.iter().enumerate() {
                    out.push_str(if i > 0 { "|" } else { "" });
                    literal(&mut out, text);
                }
            }
            Test::Prefix(text) => {
                literal(&mut out, text);
                out.push_str(ANY);
            }
            Test::Suffix(text) => {
                out.push_str(ANY);
                literal(&mut out, text);
            }
            Test::Part(text) => {
                out.push_str(ANY);
                literal(&mut out, text);
                out.push_str(ANY);
            }
            Test::Matches(Pattern::Path(path)) => path_expression(&mut out, path),
            Test::Matches(Pattern::Glob(glob)) => glob_expression(&mut out, glob),
            Test::Matches(Pattern::Regex(regex)) => out.push_str(regex.text()),
            Test::True | Test::Present | Test::Ints(_) | Test::Values(_) | Test::Nets(_) => {
                return None;
            }
        }
        Language::regex(&out)
    }

    /// How many bytes its automaton takes.
    pub fn bytes(&self) -> usize {
        self.dfa.memory_usage()
    }

    fn accepts(&self, state: regex_automata::util::primitives::StateID) -> bool {
        self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }
}

/// Any text, line breaks included.
const ANY: &str = "(?s:.)*";

fn literal(out: &mut String, text: &str) {
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}

fn path_expression(out: &mut String, path: &PathPattern) {
    for segment in path.segments() {
        out.push('/');
        match segment {
            Segment::Literal(text) => literal(out, text),
            Segment::Any | Segment::Capture(_) => out.push_str("[^/]*"),
        }
    }
    if path.is_open() {
        let _ = write!(out, "(?:/{ANY})?");
    }
}

fn glob_expression(out: &mut String, glob: &Glob) {
    let mut buffer = [0; 4];
    for c in glob.text().chars() {
        match c {
            '*' => out.push_str(ANY),
            '?' => out.push_str("(?s:.)"),
            c => literal(out, c.encode_utf8(&mut buffer)),
        }
    }
}

/// A text that lies in every set of which `true` is said, and in none of which `false` is said. `budget` is how many states
/// of the product are looked at; each costs up to 256 steps a set.
pub fn common(sets: &[(&Language, bool)], budget: usize) -> Common {
    let any;
    // Without a set to lie in, bytes that are no text would do.
    let mut all: Vec<(&Language, bool)> = sets.to_vec();
    if !sets.iter().any(|(_, inside)| *inside) {
        let Some(language) = Language::regex(ANY) else {
            return Common::Unknown;
        };
        any = language;
        all.push((&any, true));
    }
    let bytes = alphabet(&all);
    let first: Vec<_> = all.iter().map(|(l, _)| l.start).collect();
    let mut seen = FxHashSet::default();
    seen.insert(first.clone());
    // Where each state came from, and by which byte.
    let mut states = vec![(first, usize::MAX, 0u8)];
    let mut at = 0;
    while at < states.len() {
        let state = &states[at].0;
        let accepted = all
            .iter()
            .zip(state)
            .all(|((l, inside), s)| l.accepts(*s) == *inside);
        if accepted {
            return match spell(&states, at) {
                Some(text) => Common::Text(text),
                None => Common::Unknown,
            };
        }
        if at >= budget {
            return Common::Unknown;
        }
        for byte in &bytes {
            let state = &states[at].0;
            let mut next = Vec::with_capacity(all.len());
            for ((language, inside), from) in all.iter().zip(state) {
                let to = language.dfa.next_state(*from, *byte);
                if language.dfa.is_quit_state(to) {
                    return Common::Unknown;
                }
                if *inside && language.dfa.is_dead_state(to) {
                    break;
                }
                next.push(to);
            }
            if next.len() == all.len() && !seen.contains(&next) {
                seen.insert(next.clone());
                states.push((next, at, *byte));
            }
        }
        at += 1;
    }
    Common::Nothing
}

/// One byte of each kind that some set tells apart, those that read best first.
fn alphabet(sets: &[(&Language, bool)]) -> Vec<u8> {
    let rank = |b: &u8| match *b {
        b'x' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        b'A'..=b'Z' => 3,
        b'-' | b'_' => 4,
        0x21..=0x7e => 5,
        b' ' => 6,
        0x80..=0xff => 7,
        _ => 8,
    };
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.sort_by_key(|b| (rank(b), *b));
    let mut seen = FxHashSet::default();
    bytes.retain(|b| {
        let classes: Vec<u8> = sets
            .iter()
            .map(|(l, _)| l.dfa.byte_classes().get(*b))
            .collect();
        seen.insert(classes)
    });
    bytes
}

fn spell(
    states: &[(Vec<regex_automata::util::primitives::StateID>, usize, u8)],
    at: usize,
) -> Option<String> {
    let mut bytes = Vec::new();
    let mut at = at;
    while states[at].1 != usize::MAX {
        bytes.push(states[at].2);
        at = states[at].1;
    }
    bytes.reverse();
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pattern::Regex;

    fn language(test: &Test) -> Language {
        Language::of(test).unwrap()
    }

    #[test]
    fn what_a_test_holds_for_lies_in_its_set() {
        let tests = [
            Test::text("a.b"),
            Test::Prefix("a.".into()),
            Test::Suffix("-b".into()),
            Test::Part("*".into()),
            Test::Matches(Pattern::Path(Arc::new(
                PathPattern::parse("/a/*/**").unwrap(),
            ))),
            Test::Matches(Pattern::Path(Arc::new(
                PathPattern::parse("/a.b/{c}").unwrap(),
            ))),
            Test::Matches(Pattern::Glob(Arc::new(Glob::parse("a?*b").unwrap()))),
            Test::Matches(Pattern::Regex(Arc::new(Regex::parse("a|ab").unwrap()))),
        ];
        let texts = [
            "",
            "a",
            "a.b",
            "axb",
            "a.",
            "-b",
            "x-b",
            "*",
            "x*x",
            "/a",
            "/a/",
            "/a/b",
            "/a/b/c",
            "/a.b/",
            "/a.b/x",
            "/axb/x",
            "ab",
            "a\n\u{e9}b",
            "aab",
            "abb",
        ];
        for test in &tests {
            let set = language(test);
            for text in texts {
                let only = language(&Test::text(text));
                let found = common(&[(&set, true), (&only, true)], 1_000);
                let expect = match test.holds(crate::Word::Str(text)) {
                    true => Common::Text(text.into()),
                    false => Common::Nothing,
                };
                assert_eq!(found, expect, "{test} and {text:?}");
            }
        }
    }

    #[test]
    fn sets_without_a_common_text_have_none() {
        let (digits, two) = (
            Language::regex("[0-9]+").unwrap(),
            Language::regex("..").unwrap(),
        );
        let found = common(&[(&digits, true), (&two, true)], 1_000);
        assert_eq!(found, Common::Text("00".into()));
        let small = Language::regex("[0-4][0-9]|[5-9][0-9]").unwrap();
        let sets = [(&digits, true), (&two, true), (&small, false)];
        assert_eq!(common(&sets, 1_000), Common::Nothing);
        assert_eq!(common(&sets, 1), Common::Unknown);
        assert!(Language::regex(r"(?:\w{50}){50}").is_none());
        // The opposite of a set holds texts only.
        let ascii = Language::regex(r"[\x00-\x7f]*").unwrap();
        let Common::Text(other) = common(&[(&ascii, false)], 1_000) else {
            panic!("there are other letters");
        };
        assert_eq!(other.chars().count(), 1);
    }
}
