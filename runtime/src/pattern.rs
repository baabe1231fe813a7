//! Patterns over text: path patterns, globs, regular expressions. All are literals of a program, compiled
//! once, linear in the text they look at, and never backtrack.

mod inside;
mod sample;

use std::fmt;
use std::sync::Arc;

use regex_automata::util::syntax;
use regex_automata::{Input, meta};

use self::inside::Inside;

/// Most bytes of a pattern's source.
pub const PATTERN_MAX: usize = 4096;
/// Most groups of one regular expression, the whole match counted.
const GROUPS_MAX: usize = 64;
/// Most bytes one compiled regular expression may take.
pub const REGEX_MAX: usize = 1024 * 1024;

/// A pattern of any of the three kinds, cheap to clone.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// `p"…"`, over a `Path`.
    Path(Arc<PathPattern>),
    /// `glob"…"`, over text or a `Host`.
    Glob(Arc<Glob>),
    /// `re"…"`, over text.
    Regex(Arc<Regex>),
}

impl Pattern {
    /// Its kind (`path`, `glob`, `regex`) and its source, which are all it is.
    pub fn key(&self) -> (&'static str, &str) {
        match self {
            Pattern::Path(p) => ("path", p.text()),
            Pattern::Glob(p) => ("glob", p.text()),
            Pattern::Regex(p) => ("regex", p.text()),
        }
    }

    /// Whether a whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Path(p) => p.matches(text),
            Pattern::Glob(p) => p.matches(text),
            Pattern::Regex(p) => p.matches(text),
        }
    }

    /// Bytes of memory it takes: its text, and what it was compiled to. What a regular expression keeps for a search (a
    /// lazy automaton, for each direction and each thread that searches at once, grows to at most 2 MiB) is not counted.
    pub fn bytes(&self) -> usize {
        match self {
            Pattern::Path(path) => {
                let literal = |segment: &Segment| match segment {
                    Segment::Literal(text) => text.len(),
                    Segment::Any | Segment::Capture(_) => 0,
                };
                let capture = |c: &Capture| c.name.len() + c.ty.as_ref().map_or(0, |ty| ty.len());
                size_of::<PathPattern>()
                    + path.text.len()
                    + path.segments.capacity() * size_of::<Segment>()
                    + path.segments.iter().map(literal).sum::<usize>()
                    + path.captures.capacity() * size_of::<Capture>()
                    + path.captures.iter().map(capture).sum::<usize>()
            }
            Pattern::Glob(glob) => size_of::<Glob>() + glob.text.len(),
            Pattern::Regex(regex) => {
                let name = |name: &Option<Box<str>>| name.as_ref().map_or(0, |n| n.len());
                size_of::<Regex>()
                    + regex.text.len()
                    + regex.regex.memory_usage()
                    + regex.inside.as_ref().map_or(0, Inside::bytes)
                    + regex.names.capacity() * size_of::<Option<Box<str>>>()
                    + regex.names.iter().map(name).sum::<usize>()
            }
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pattern {}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Where in the pattern's text, in bytes.
    pub at: usize,
    /// What is wrong, as the end of a sentence.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PatternError {}

/// One segment of a path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this text.
    Literal(Box<str>),
    /// `*`: any one segment.
    Any,
    /// `{name}` or `{name: Type}`: any one segment, bound to the capture of that index.
    Capture(usize),
}

/// What a capture of a path pattern binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The name it binds.
    pub name: Box<str>,
    /// The type written behind the colon; never present for a rest.
    pub ty: Option<Box<str>>,
    /// Whether it is `{name: **}`, which binds the rest of the path as a path.
    pub rest: bool,
}

/// A path pattern: segments, and whether more may follow.
///
/// `/v2/carts/{cart: CartId}/checkout`, `/v2/*/x`, `/static/**`, `/v3/{rest: **}`. A final `**` takes any
/// number of further segments, none included. A path is matched segment by segment, exactly; a trailing slash is
/// an empty last segment and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    segments: Vec<Segment>,
    open: bool,
    captures: Vec<Capture>,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong and at which byte.
    ///
    /// ```
    /// use tollgate_runtime::pattern::PathPattern;
    /// let p = PathPattern::parse("/carts/{id}/**").unwrap();
    /// assert!(p.matches("/carts/7") && p.matches("/carts/7/items"));
    /// assert_eq!(p.capture("/carts/7/items", 0), Some("7"));
    /// ```
    pub fn parse(text: &str) -> Result<PathPattern, PatternError> {
        let fail = |at, message: &str| {
            Err(PatternError {
                at,
                message: message.into(),
            })
        };
        if text.len() > PATTERN_MAX {
            return fail(0, "the pattern is longer than 4096 bytes");
        }
        let Some(body) = text.strip_prefix('/') else {
            return fail(0, "a path pattern begins with `/`");
        };
        let mut pattern = PathPattern {
            text: text.into(),
            segments: Vec::new(),
            open: false,
            captures: Vec::new(),
        };
        if body.is_empty() {
            return Ok(PathPattern {
                segments: vec![Segment::Literal("".into())],
                ..pattern
            });
        }
        let mut at = 1;
        for part in body.split('/') {
            if pattern.open {
                return fail(at, "`**` can only be the last segment");
            }
            match part {
                "*" => pattern.segments.push(Segment::Any),
                "**" => pattern.open = true,
                _ if part.starts_with('{') => {
                    let Some(inner) = part[1..].strip_suffix('}') else {
                        return fail(at, "a capture is a whole segment: `{name}`");
                    };
                    let (name, ty) = match inner.split_once(':') {
                        Some((name, ty)) => (name.trim(), Some(ty.trim())),
                        None => (inner.trim(), None),
                    };
                    if !is_name(name) {
                        return fail(at + 1, "a capture needs a name: `{name}` or `{name: Type}`");
                    }
                    if pattern.captures.iter().any(|c| &*c.name == name) {
                        return fail(at + 1, "this name is already captured");
                    }
                    let index = pattern.captures.len();
                    let rest = ty == Some("**");
                    if rest {
                        pattern.open = true;
                    } else {
                        if ty.is_some_and(|t| !is_name(t)) {
                            return fail(
                                at + 1,
                                "behind the colon stands the name of a type, or `**`",
                            );
                        }
                        pattern.segments.push(Segment::Capture(index));
                    }
                    let ty = ty.filter(|_| !rest).map(Into::into);
                    pattern.captures.push(Capture {
                        name: name.into(),
                        ty,
                        rest,
                    });
                }
                _ if part.contains(['*', '{', '}']) => {
                    return fail(at, "`*` and `{…}` stand for whole segments");
                }
                _ => pattern.segments.push(Segment::Literal(part.into())),
            }
            at += part.len() + 1;
        }
        Ok(pattern)
    }

    /// The pattern's source.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The fixed segments, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether further segments may follow the fixed ones.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// What it captures, in order.
    pub fn captures(&self) -> &[Capture] {
        &self.captures
    }

    /// Whether a canonical path matches. Linear in the path.
    pub fn matches(&self, path: &str) -> bool {
        self.walk(path, |_, _| {}).is_some()
    }

    /// What capture `index` takes of a path that matches. A rest is a path again, `/` when nothing is left.
    pub fn capture<'p>(&self, path: &'p str, index: usize) -> Option<&'p str> {
        let mut found = None;
        let rest = self.walk(path, |i, segment| {
            if i == index {
                found = Some(segment);
            }
        })?;
        if self.captures.get(index)?.rest {
            return Some(if rest.is_empty() { "/" } else { rest });
        }
        found
    }

    /// Walks the fixed segments; gives what is left of the path (empty, or beginning with a slash).
    fn walk<'p>(&self, path: &'p str, mut capture: impl FnMut(usize, &'p str)) -> Option<&'p str> {
        let mut rest = path;
        for segment in &self.segments {
            let body = rest.strip_prefix('/')?;
            let end = body.find('/').unwrap_or(body.len());
            let part = &body[..end];
            match segment {
                Segment::Literal(text) => {
                    if part != &**text {
                        return None;
                    }
                }
                Segment::Any => {}
                Segment::Capture(i) => capture(*i, part),
            }
            rest = &body[end..];
        }
        (self.open || rest.is_empty()).then_some(rest)
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// A glob: `*` stands for any run of characters, `?` for any one; everything else for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// When it is longer than [`PATTERN_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Glob, PatternError> {
        if text.len() > PATTERN_MAX {
            return Err(PatternError {
                at: 0,
                message: "the pattern is longer than 4096 bytes".into(),
            });
        }
        Ok(Glob { text: text.into() })
    }

    /// The glob's source.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the whole text matches. At most the product of both lengths; linear when there is one `*`.
    ///
    /// The greedy two-pointer match: only the last `*` is ever revisited.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.text.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(b'?') => {
                    p += 1;
                    t += char_len(text[t]);
                }
                Some(c) if *c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match star {
                    Some((sp, st)) => {
                        let next = st + char_len(text[st]);
                        star = Some((sp, next));
                        p = sp + 1;
                        t = next;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == b'*')
    }
}

fn char_len(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// A regular expression that must match the whole text, in linear time (regex-automata).
#[derive(Clone, Debug)]
pub struct Regex {
    text: Box<str>,
    regex: meta::Regex,
    /// The search that answers whether a whole text matches, where there is a quicker one than `regex`.
    inside: Option<Inside>,
    names: Vec<Option<Box<str>>>,
}

impl Regex {
    /// Compiles an expression in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// Says what is wrong; too large an expression is refused at [`REGEX_MAX`] bytes of automaton.
    ///
    /// ```
    /// use tollgate_runtime::pattern::Regex;
    /// let r = Regex::parse("c_[0-9a-z]{4}").unwrap();
    /// assert!(r.matches("c_12ab"));
    /// assert!(!r.matches("xc_12ab"));
    /// ```
    pub fn parse(text: &str) -> Result<Regex, PatternError> {
        if text.len() > PATTERN_MAX {
            return Err(PatternError {
                at: 0,
                message: "the pattern is longer than 4096 bytes".into(),
            });
        }
        let config = meta::Config::new()
            .nfa_size_limit(Some(REGEX_MAX))
            .onepass_size_limit(Some(REGEX_MAX))
            .hybrid_cache_capacity(2 * REGEX_MAX);
        let syntax = syntax::Config::new().nest_limit(100);
        // The text is checked on its own first, so that a stray `)` cannot close the anchor's group.
        let build = |source: &str| {
            meta::Builder::new()
                .configure(config.clone())
                .syntax(syntax)
                .build(source)
                .map_err(|e| regex_error(&e))
        };
        build(text)?;
        let regex = build(&format!(r"\A(?:{text})\z"))?;
        if regex.group_info().all_group_len() > GROUPS_MAX {
            return Err(PatternError {
                at: 0,
                message: format!("the pattern has more than {} groups", GROUPS_MAX - 1),
            });
        }
        let names = regex
            .group_info()
            .pattern_names(regex_automata::PatternID::ZERO);
        let names = names.map(|n| n.map(Into::into)).collect();
        Ok(Regex {
            text: text.into(),
            inside: Inside::new(text, &syntax, &config),
            regex,
            names,
        })
    }

    /// The expression's source.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The named groups: name and group index.
    pub fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names
            .iter()
            .enumerate()
            .filter_map(|(i, n)| Some((n.as_deref()?, i)))
    }

    /// Whether the whole text matches. Linear in the text.
    pub fn matches(&self, text: &str) -> bool {
        match &self.inside {
            Some(inside) => inside.matches(text),
            None => self.regex.is_match(text),
        }
    }

    /// What group `group` took, when the text matches and the group took part.
    pub fn capture<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        // On the stack: a decision allocates nothing. `parse` sees to it that every group has its place.
        let mut slots = [None; 2 * GROUPS_MAX];
        let wanted = slots.get_mut(..2 * (group + 1))?;
        self.regex.search_slots(&Input::new(text), wanted)?;
        match wanted[2 * group..] {
            [Some(start), Some(end)] => text.get(start.get()..end.get()),
            _ => None,
        }
    }
}

fn regex_error(error: &meta::BuildError) -> PatternError {
    if let Some(limit) = error.size_limit() {
        return PatternError {
            at: 0,
            message: format!("the compiled pattern is larger than {limit} bytes"),
        };
    }
    let message = error
        .syntax_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    PatternError { at: 0, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_patterns_match_segment_by_segment() {
        let check = |pattern: &str, path: &str, expect: bool| {
            assert_eq!(
                PathPattern::parse(pattern).unwrap().matches(path),
                expect,
                "{pattern} on {path}"
            );
        };
        check("/", "/", true);
        check("/", "/a", false);
        check("/a", "/a/", false);
        check("/a/**", "/a", true);
        check("/a/**", "/a/b/c", true);
        check("/a/**", "/ab", false);
        check("/a/*/c", "/a/b/c", true);
        check("/a/*/c", "/a/b/d/c", false);
        check("/**", "/", true);
    }

    #[test]
    fn a_rest_is_a_path() {
        let p = PathPattern::parse("/v3/{rest: **}").unwrap();
        assert_eq!(p.capture("/v3", 0), Some("/"));
        assert_eq!(p.capture("/v3/a/b", 0), Some("/a/b"));
        assert_eq!(p.capture("/v2/a", 0), None);
    }

    #[test]
    fn globs_match_whole_texts() {
        let check = |glob: &str, text: &str, expect: bool| {
            assert_eq!(
                Glob::parse(glob).unwrap().matches(text),
                expect,
                "{glob} on {text}"
            );
        };
        check("*.example.com", "api.example.com", true);
        check("*.example.com", "example.com", false);
        check("a?c", "a\u{e9}c", true);
        check("*a*b*", "xxaxxbxx", true);
        check("*a*b", "xxaxxbxx", false);
        check("", "", true);
    }

    #[test]
    fn a_regex_matches_the_whole_text() {
        let r = Regex::parse("a|ab").unwrap();
        assert!(r.matches("ab") && r.matches("a") && !r.matches("abc"));
        assert!(Regex::parse("a)(b").is_err());
        assert!(Regex::parse(&"(a)".repeat(63)).is_ok());
        assert!(Regex::parse(&"(a)".repeat(64)).is_err());
        let r = Regex::parse("(?P<x>a+)(?P<y>b+)?").unwrap();
        assert_eq!(
            [1, 2, 3].map(|g| r.capture("aa", g)),
            [Some("aa"), None, None]
        );
        assert_eq!(r.capture("aabb", 2), Some("bb"));
        assert_eq!(r.capture("c", 1), None);
        assert!(Regex::parse("(?:a{1000}){1000}").is_err());
    }
}
