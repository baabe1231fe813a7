//! A text that passes tests.
//!
//! In this order: texts asked for by name are tried, which settles it; paths under path patterns have a small model, since
//! segments are only ever compared for equality; what begins, holds and ends as asked is tried; and at last the
//! intersection of automata is searched for its shortest text.

use std::rc::Rc;

use rustc_hash::FxHashMap;
use tollgate_runtime::index::Test;
use tollgate_runtime::kinds::{header, host, path, zone};
use tollgate_runtime::language::{Common, Language, common};
use tollgate_runtime::pattern::{PathPattern, Pattern, Segment};
use tollgate_runtime::schema::Boundary;
use tollgate_runtime::{Arena, Value};

use super::domain::{Form, Literal, Pick, Text, passes};

/// States of a product of automata that are looked at for one question.
const STATES: usize = 2_000;
/// Tests of one text beyond which no product is made.
const MOST_SETS: usize = 24;
/// Bytes of all automata made for one rule set, and what one that becomes too large is counted as.
const ROOM: usize = 64 * 1024 * 1024;
const FAILED: usize = 256 * 1024;
/// Lengths of a path that are tried.
const MOST_LENGTHS: usize = 64;

/// Automata that were made, kept for the next question.
#[derive(Debug)]
pub struct Texts {
    sets: FxHashMap<Test, Option<Rc<Language>>>,
    expressions: FxHashMap<String, Option<Rc<Language>>>,
    /// Bytes that may still be spent on automata. Without them nothing is known.
    room: usize,
    /// Automata that were made, and products that were searched.
    pub(super) work: u64,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts {
            sets: FxHashMap::default(),
            expressions: FxHashMap::default(),
            room: ROOM,
            work: 0,
        }
    }
}

impl Texts {
    fn set(&mut self, test: &Test) -> Option<Rc<Language>> {
        if let Some(known) = self.sets.get(test) {
            return known.clone();
        }
        let made = self.made(|| Language::of(test));
        self.sets.insert(test.clone(), made.clone());
        made
    }

    fn expression(&mut self, expression: &str) -> Option<Rc<Language>> {
        if let Some(known) = self.expressions.get(expression) {
            return known.clone();
        }
        let made = self.made(|| Language::regex(expression));
        self.expressions.insert(expression.into(), made.clone());
        made
    }

    fn made(&mut self, make: impl FnOnce() -> Option<Language>) -> Option<Rc<Language>> {
        if self.room == 0 {
            return None;
        }
        self.work += 1;
        let made = make();
        let bytes = made.as_ref().map_or(FAILED, Language::bytes);
        self.room = self.room.saturating_sub(bytes);
        made.map(Rc::new)
    }
}

/// A text of a kind that passes all tests.
pub(super) fn pick(
    text: &Text,
    tests: &[Literal<'_>],
    hints: &[(usize, &str)],
    near: Option<&Value>,
    texts: &mut Texts,
) -> Pick {
    let near = match near {
        Some(Value::Str(near)) => Some(&**near),
        _ => None,
    };
    // Tests that look at no text hold for all of them or for none.
    let odd = |(test, want): &Literal<'_>| {
        let odd = matches!(
            test,
            Test::True | Test::Present | Test::Ints(_) | Test::Nets(_)
        );
        odd && test.holds(tollgate_runtime::Word::Str("")) != *want
    };
    if tests.iter().any(odd) {
        return Pick::Empty;
    }
    if let Some(named) = named(tests) {
        let mut fitting = named.into_iter().filter(|t| fits(text, t, tests));
        let found = match near {
            Some(near) => fitting.min_by_key(|t| distance(near, t)),
            None => fitting.next(),
        };
        return found.map_or(Pick::Empty, value);
    }
    if text.form == Form::Path
        && let Some(found) = path_of_patterns(text, tests, hints, near)
    {
        return found;
    }
    if crossed(tests) {
        return Pick::Empty;
    }
    let mut tried = near.map_or(Vec::new(), |near| edits(near, tests));
    tried.extend(candidates(text, tests));
    if let Some(found) = tried.iter().find(|t| fits(text, t, tests)) {
        return value(found);
    }
    product(text, tests, texts)
}

fn value(text: &str) -> Pick {
    Pick::Value(Value::str(text))
}

/// Whether the boundary lets a text in, and it passes all tests.
fn fits(text: &Text, candidate: &str, tests: &[Literal<'_>]) -> bool {
    candidate.len() <= text.max as usize
        && text.matching.as_ref().is_none_or(|r| r.matches(candidate))
        && is_canonical(text.form, candidate)
        && passes(&Value::str(candidate), tests)
}

fn is_canonical(form: Form, text: &str) -> bool {
    let arena = Arena::new();
    let contract = Boundary::default();
    match form {
        Form::Any => true,
        Form::Path => {
            let mut raw = String::new();
            let written = path::encode(&mut raw, text).is_ok();
            written && path::canonical(&raw, &contract.path, &arena).is_ok_and(|p| p == text)
        }
        Form::Host => host::canonical(text, &contract.host, &arena).is_ok_and(|h| h == text),
        Form::HeaderName => header::canonical(text, &arena).is_ok_and(|h| h == text),
        Form::Zone => zone::canonical(text).is_ok_and(|z| z == text),
    }
}

/// The texts that tests ask for by name, if one does.
fn named<'t>(tests: &[Literal<'t>]) -> Option<Vec<&'t str>> {
    let lists = tests.iter().filter_map(|(test, want)| match test {
        Test::Texts(list) if *want => Some(list.iter().map(|t| &**t).collect::<Vec<&str>>()),
        Test::Values(list) if *want => Some(
            list.iter()
                .filter_map(|v| match v {
                    Value::Str(t) => Some(&**t),
                    _ => None,
                })
                .collect(),
        ),
        _ => None,
    });
    lists.min_by_key(Vec::len)
}

/// A path under path patterns and paths it may not be; `None` when there are other tests.
///
/// Wildcards take any segment, so a segment that stands in no pattern does for all of them what any other could; and a
/// path longer than all patterns does what every longer one would.
fn path_of_patterns(
    text: &Text,
    tests: &[Literal<'_>],
    hints: &[(usize, &str)],
    near: Option<&str>,
) -> Option<Pick> {
    // What stands where now, and how many segments there are.
    let now: Vec<&str> = near.map_or(Vec::new(), |near| near.split('/').skip(1).collect());
    if tests.is_empty() && hints.is_empty() && fits(text, "/", tests) {
        return Some(value("/"));
    }
    let mut forced: Vec<Option<&str>> = Vec::new();
    let (mut least, mut most) = (1, usize::MAX);
    let mut longest = 0;
    let mut taken: Vec<&str> = Vec::new();
    for (test, want) in tests {
        match test {
            Test::Matches(Pattern::Path(pattern)) => {
                taken.extend(pattern.segments().iter().filter_map(|s| match s {
                    Segment::Literal(text) => Some(&**text),
                    Segment::Any | Segment::Capture(_) => None,
                }));
                longest = longest.max(pattern.segments().len());
                if *want && !force(pattern, &mut forced, &mut least, &mut most) {
                    return Some(Pick::Empty);
                }
            }
            Test::Texts(list) if !*want => {
                for path in list {
                    longest = longest.max(path.matches('/').count());
                    taken.extend(path.split('/'));
                }
            }
            Test::Present | Test::True | Test::Ints(_) | Test::Nets(_) => {}
            _ => return None,
        }
    }
    let wanted = hints.len().max(now.len());
    let last = most.min(longest.max(least).max(wanted) + 1);
    if last - least.min(last) > MOST_LENGTHS {
        return None;
    }
    let free = filler(&["x", "y", "z", "w", "v"], &|f| taken.contains(&f));
    let mut found = None;
    let mut lengths: Vec<usize> = (least..=last).collect();
    if near.is_some() {
        lengths.sort_by_key(|length| length.abs_diff(now.len()));
    }
    'lengths: for length in lengths {
        // What captures are to take is tried first, and what stands there now; then any segments.
        for hinted in [true, false] {
            let mut path = String::new();
            for level in 0..length {
                let hint = hints.iter().find(|(at, _)| *at == level);
                let hint = hint.map(|(_, hint)| hint).or(now.get(level));
                path.push('/');
                path.push_str(match (forced.get(level), hint.filter(|_| hinted)) {
                    (Some(Some(text)), _) => text,
                    (_, Some(hint)) => hint,
                    _ => &free,
                });
            }
            if fits(text, &path, tests) {
                found = Some(path);
                break 'lengths;
            }
        }
    }
    Some(found.map_or(Pick::Empty, |path| value(&path)))
}

/// Adds what a pattern asks of every path that it matches; whether some path still can be.
fn force<'p>(
    pattern: &'p PathPattern,
    forced: &mut Vec<Option<&'p str>>,
    least: &mut usize,
    most: &mut usize,
) -> bool {
    let segments = pattern.segments();
    *least = (*least).max(segments.len());
    if !pattern.is_open() {
        *most = (*most).min(segments.len());
    }
    if forced.len() < segments.len() {
        forced.resize(segments.len(), None);
    }
    let mut possible = *least <= *most;
    for (place, segment) in forced.iter_mut().zip(segments) {
        if let Segment::Literal(text) = segment {
            possible &= place.is_none_or(|known| known == &**text);
            *place = Some(text);
        }
    }
    possible
}

/// One of some words, with digits behind it if all of them are taken.
fn filler(words: &[&str], taken: &dyn Fn(&str) -> bool) -> String {
    if let Some(free) = words.iter().find(|w| !taken(w)) {
        return (*free).into();
    }
    let mut number = 0u64;
    loop {
        let word = format!("{}{number}", words[0]);
        if !taken(&word) {
            return word;
        }
        number += 1;
    }
}

/// Whether beginnings or ends contradict each other.
fn crossed(tests: &[Literal<'_>]) -> bool {
    let (mut begins, mut ends): (&str, &str) = ("", "");
    for (test, want) in tests {
        match test {
            Test::Prefix(p) if *want => match p.starts_with(begins) {
                true => begins = p,
                false if begins.starts_with(&**p) => {}
                false => return true,
            },
            Test::Suffix(p) if *want => match p.ends_with(ends) {
                true => ends = p,
                false if ends.ends_with(&**p) => {}
                false => return true,
            },
            _ => {}
        }
    }
    tests.iter().any(|(test, want)| match test {
        Test::Prefix(p) => !want && begins.starts_with(&**p),
        Test::Suffix(p) => !want && ends.ends_with(&**p),
        _ => false,
    })
}

/// Texts that may do, simplest first.
fn candidates(text: &Text, tests: &[Literal<'_>]) -> Vec<String> {
    let (mut begins, mut ends) = (String::new(), String::new());
    let mut parts: Vec<&str> = Vec::new();
    let mut mentioned = String::new();
    let mut globs: Vec<&str> = Vec::new();
    for (test, want) in tests {
        match test {
            Test::Prefix(p) => {
                mentioned.push_str(p);
                if *want && p.len() > begins.len() {
                    begins = p.to_string();
                }
            }
            Test::Suffix(p) => {
                mentioned.push_str(p);
                if *want && p.len() > ends.len() {
                    ends = p.to_string();
                }
            }
            Test::Part(p) => {
                mentioned.push_str(p);
                parts.extend(want.then_some(&**p));
            }
            Test::Texts(list) => list.iter().for_each(|t| mentioned.push_str(t)),
            Test::Matches(pattern) => {
                mentioned.push_str(pattern.key().1);
                if let (Pattern::Glob(glob), true) = (pattern, *want) {
                    globs.push(glob.text());
                }
            }
            _ => {}
        }
    }
    let letter = filler(
        &["x", "q", "z", "j", "k", "w", "v", "y", "0", "7", "a"],
        &|f| mentioned.contains(f),
    );
    let plain: &[&str] = match text.form {
        Form::Any => &[""],
        Form::Path => &["/", "/x"],
        Form::Host => &["localhost"],
        Form::HeaderName => &["x"],
        Form::Zone => &["UTC"],
    };
    let mut found: Vec<String> = plain.iter().map(|t| (*t).into()).collect();
    for between in ["", &letter, &format!("{letter}{letter}")] {
        let between = between.to_string();
        let mut whole = begins.clone();
        for part in &parts {
            whole.push_str(&between);
            whole.push_str(part);
        }
        whole.push_str(&between);
        whole.push_str(&ends);
        found.push(whole);
        for glob in &globs {
            found.push(glob.replace('*', &between).replace('?', &letter));
            if !begins.is_empty() || !ends.is_empty() {
                let inner = glob
                    .trim_matches('*')
                    .replace('*', &between)
                    .replace('?', &letter);
                found.push(format!("{begins}{between}{inner}{between}{ends}"));
                found.push(format!("{begins}{between}{inner}"));
                found.push(format!("{inner}{between}{ends}"));
            }
        }
    }
    if text.form == Form::Path {
        let under: Vec<String> = found.iter().map(|t| format!("/{t}")).collect();
        found.extend(under);
    }
    found
}

/// Another text with what tests ask for put in, nearest first.
fn edits(near: &str, tests: &[Literal<'_>]) -> Vec<String> {
    let mut found = vec![near.to_owned()];
    for (test, want) in tests {
        let more: Vec<String> = match (test, want) {
            (Test::Prefix(p), true) => found.iter().map(|t| joined(p, t)).collect(),
            (Test::Suffix(s), true) => found.iter().map(|t| joined(t, s)).collect(),
            (Test::Part(p), true) => found
                .iter()
                .flat_map(|t| [format!("{t}{p}"), format!("{p}{t}")])
                .collect(),
            (Test::Prefix(p), false) => found
                .iter()
                .filter_map(|t| t.strip_prefix(&**p))
                .map(Into::into)
                .collect(),
            (Test::Suffix(s), false) => found
                .iter()
                .filter_map(|t| t.strip_suffix(&**s))
                .map(Into::into)
                .collect(),
            (Test::Part(p), false) => found.iter().map(|t| t.replace(&**p, "")).collect(),
            (Test::Texts(_), false) => found.iter().map(|t| format!("{t}x")).collect(),
            _ => continue,
        };
        found.extend(more);
        found.truncate(64);
    }
    found.sort_by_key(|text| distance(near, text));
    found
}

/// One text and then another, which share what the first ends and the second begins with.
fn joined(first: &str, second: &str) -> String {
    let shared = (0..=first.len().min(second.len())).rev().find(|n| {
        let (end, begin) = (first.get(first.len() - n..), second.get(..*n));
        end.is_some() && end == begin
    });
    format!("{first}{}", &second[shared.unwrap_or(0)..])
}

/// How far two texts are apart: what lies between what they begin and what they end with alike.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let begin = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a.as_bytes()[begin..], &b.as_bytes()[begin..]);
    let end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    a.len().max(b.len()) - end
}

/// Searches the intersection of all sets.
fn product(text: &Text, tests: &[Literal<'_>], texts: &mut Texts) -> Pick {
    if tests.len() > MOST_SETS {
        return Pick::Unknown;
    }
    texts.work += 1;
    let form = match text.form {
        Form::Any | Form::Zone => None,
        Form::Path => Some(r"/(?:[^/\\[:cntrl:]]+(?:/[^/\\[:cntrl:]]+)*/?)?"),
        Form::Host => Some(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]"),
        Form::HeaderName => Some(r"[!#$%&'*+\-.^_`|~0-9a-z]+"),
    };
    let mut sets = Vec::new();
    for (test, want) in tests {
        match test {
            Test::True | Test::Present | Test::Ints(_) | Test::Nets(_) => {}
            other => match texts.set(other) {
                Some(set) => sets.push((set, *want)),
                // Without one of the sets, that nothing is left is still a proof.
                None => continue,
            },
        }
    }
    if let Some(expression) = form {
        sets.extend(texts.expression(expression).map(|set| (set, true)));
    }
    if let Some(regex) = &text.matching {
        sets.extend(texts.expression(regex.text()).map(|set| (set, true)));
    }
    let sets: Vec<(&Language, bool)> = sets.iter().map(|(set, want)| (&**set, *want)).collect();
    match common(&sets, STATES) {
        Common::Text(found) if fits(text, &found, tests) => value(&found),
        Common::Nothing => Pick::Empty,
        Common::Text(_) | Common::Unknown => Pick::Unknown,
    }
}
