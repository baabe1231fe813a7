//! Expressions that ask for something *inside* a text.
//!
//! `.*(Firefox|Chrome)/1[0-9]+.*` must match a whole text, which takes an automaton through all of it. Searching for
//! `(Firefox|Chrome)/1[0-9]+` anywhere is the same question, and one for which regex-automata finds literals to look for
//! many bytes at a time, and ends at the first match. So a `.*` at an end is taken off: what is left is searched for, held to the end
//! where there was none.
//!
//! Where `.` stands for any character but the end of a line, a text with more than one line does not match; what is left
//! must then be unable to take a line's end itself, or the lines it takes would count as forbidden.

use regex_automata::meta;
use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// A search that answers whether a whole text matches.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    regex: meta::Regex,
    /// Whether a text of several lines never matches.
    one_line: bool,
}

/// What a `.*` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Any {
    /// `(?s:.*)`: any characters.
    All,
    /// `.*`: any but the end of a line.
    OneLine,
}

impl Inside {
    /// The search for an expression, if it begins or ends with `.*` and the rest can be searched for.
    pub(super) fn new(
        text: &str,
        syntax: &syntax::Config,
        config: &meta::Config,
    ) -> Option<Inside> {
        let hir = syntax::parse_with(text, syntax).ok()?;
        let HirKind::Concat(parts) = hir.into_kind() else {
            return None;
        };
        let front = parts.first().and_then(any);
        let back = parts.last().filter(|_| parts.len() > 1).and_then(any);
        let kind = front.or(back)?;
        if front.into_iter().chain(back).any(|other| other != kind) {
            return None;
        }
        let from = usize::from(front.is_some());
        let to = parts.len() - usize::from(back.is_some());
        let rest = parts.get(from..to).filter(|rest| !rest.is_empty())?;
        let one_line = kind == Any::OneLine;
        if one_line && rest.iter().any(takes_a_line_end) {
            return None;
        }
        let held = |look, free: Option<Any>| free.is_none().then(|| Hir::look(look));
        let mut all: Vec<Hir> = held(Look::Start, front).into_iter().collect();
        all.extend(rest.iter().cloned());
        all.extend(held(Look::End, back));
        let mut builder = meta::Builder::new();
        let regex = builder
            .configure(config.clone())
            .build_from_hir(&Hir::concat(all));
        let regex = regex.ok()?;
        Some(Inside { regex, one_line })
    }

    /// Whether the whole text matches the expression.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
            && !(self.one_line && memchr::memchr(b'\n', text.as_bytes()).is_some())
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.regex.memory_usage()
    }
}

fn any(hir: &Hir) -> Option<Any> {
    let HirKind::Repetition(of) = hir.kind() else {
        return None;
    };
    let HirKind::Class(Class::Unicode(class)) = of.sub.kind() else {
        return None;
    };
    if (of.min, of.max) != (0, None) {
        return None;
    }
    let ranges: Vec<(char, char)> = class.iter().map(|r| (r.start(), r.end())).collect();
    match ranges[..] {
        [('\0', char::MAX)] => Some(Any::All),
        [('\0', '\t'), ('\x0b', char::MAX)] => Some(Any::OneLine),
        _ => None,
    }
}

/// Whether a match may hold a line's end. Expressions are nested at most as deep as the parser lets them be.
fn takes_a_line_end(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().any(|r| (r.start()..=r.end()).contains(&'\n'))
        }
        HirKind::Class(Class::Bytes(_)) => true,
        HirKind::Repetition(of) => takes_a_line_end(&of.sub),
        HirKind::Capture(of) => takes_a_line_end(&of.sub),
        HirKind::Concat(of) | HirKind::Alternation(of) => of.iter().any(takes_a_line_end),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Regex;

    /// The search answers as the whole expression does.
    #[test]
    fn searching_answers_as_matching_does() {
        let searched = [
            ".*(ab|cd).*",
            ".*ab",
            "ab.*",
            ".*?a[0-9]+.*?",
            "(?s).*ab.*",
            "(?s)a\\nb.*",
            ".*\\bab\\b.*",
            ".*a$",
            ".*(?m:^ab$).*",
            ".*(?:ab)?",
        ];
        let matched = [
            ".*",
            "ab",
            ".*a\\nb.*",
            "(?s:.*)ab.*",
            ".*\\sb.*",
            ".*[^x].*",
            ".*a.*|b",
            ".+ab",
            "a.*b",
        ];
        let texts = [
            "", "ab", "xab", "abx", "xabx", "cd", "a1", "xa12y", "x ab y", "x\nab", "ab\ny",
            "x\nab\ny", "a\nb", "a\nbx", "aab", "\n", "äabö", "a", "b", "xb", " b",
        ];
        for (expressions, expected) in [(&searched[..], true), (&matched[..], false)] {
            for expression in expressions {
                let regex = Regex::parse(expression).unwrap();
                assert_eq!(regex.inside.is_some(), expected, "{expression}");
                for text in texts {
                    let whole = regex.regex.is_match(text);
                    assert_eq!(regex.matches(text), whole, "{expression} {text:?}");
                }
            }
        }
    }
}
