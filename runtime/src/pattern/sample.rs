//! Texts that an expression matches, by its structure: a short one, and some that are drawn at random.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::Regex;

/// Repetitions beyond the fewest that are drawn at most.
const MORE: u32 = 4;
/// Most bytes of a text.
const MOST: usize = 64 * 1024;

impl Regex {
    /// A short text that matches, of letters and digits where they will do. `None` when the structure leads to none, as it does not
    /// where an expression looks around (`^`, `\b`).
    ///
    /// ```
    /// use tollgate_runtime::pattern::Regex;
    /// assert_eq!(Regex::parse("c_[0-9a-z]{3}|[xy]{9}").unwrap().shortest().as_deref(), Some("c_aaa"));
    /// ```
    pub fn shortest(&self) -> Option<String> {
        let hir = regex_syntax::parse(&self.text).ok()?;
        if hir.properties().minimum_len()? > MOST {
            return None;
        }
        let mut out = Vec::new();
        write_shortest(&hir, &mut out)?;
        let text = String::from_utf8(out).ok()?;
        self.matches(&text).then_some(text)
    }

    /// A text that matches, made of choices: `below(n)` is one of 0 ..< n. `None` when the choices led to no text that matches, as
    /// they do where an expression looks around (`^`, `\b`).
    ///
    /// Every text of the expression's that repeats nothing more than a few times beyond what it must has its chance.
    ///
    /// ```
    /// use tollgate_runtime::pattern::Regex;
    /// let regex = Regex::parse("c_[0-9]{2}|d+").unwrap();
    /// assert_eq!(regex.sample(&mut |_| 0).as_deref(), Some("c_00"));
    /// assert_eq!(regex.sample(&mut |n| n - 1).as_deref(), Some("ddddd"));
    /// ```
    pub fn sample(&self, below: &mut dyn FnMut(u64) -> u64) -> Option<String> {
        let hir = regex_syntax::parse(&self.text).ok()?;
        if hir.properties().minimum_len()? > MOST {
            return None;
        }
        let mut out = Vec::new();
        write(&hir, below, &mut out)?;
        let text = String::from_utf8(out).ok()?;
        self.matches(&text).then_some(text)
    }
}

fn write_shortest(hir: &Hir, out: &mut Vec<u8>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            // A letter or a digit reads better than whatever comes first.
            let has = |c: char| {
                let mut ranges = class.ranges().iter();
                ranges.any(|r| r.start() <= c && c <= r.end())
            };
            let c = ['a', '0', 'A'].into_iter().find(|c| has(*c));
            let c = c.or_else(|| class.ranges().first().map(|r| r.start()))?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Class(Class::Bytes(class)) => out.push(class.ranges().first()?.start()),
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min {
                if out.len() > MOST {
                    return None;
                }
                write_shortest(&repetition.sub, out)?;
            }
        }
        HirKind::Capture(group) => write_shortest(&group.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write_shortest(part, out)?;
            }
        }
        HirKind::Alternation(parts) => {
            let shortest = parts.iter().min_by_key(|p| p.properties().minimum_len())?;
            write_shortest(shortest, out)?;
        }
    }
    Some(())
}

fn write(hir: &Hir, below: &mut dyn FnMut(u64) -> u64, out: &mut Vec<u8>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            // Characters that people type, where there are some: a range of all others would swallow them.
            let plain: Vec<_> = ranges.iter().filter(|r| r.start().is_ascii()).collect();
            let range = match plain.len() {
                0 => ranges.get(below(ranges.len().max(1) as u64) as usize)?,
                n => plain[below(n as u64) as usize],
            };
            let (start, end) = (u32::from(range.start()), u32::from(range.end()));
            let end = if plain.is_empty() {
                end
            } else {
                end.min(0x7e).max(start)
            };
            let at = start + below(u64::from(end - start) + 1) as u32;
            // Between the ends of a range there may be surrogates, which are no characters.
            let c = char::from_u32(at).unwrap_or(range.start());
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Class(Class::Bytes(class)) => out.push(class.ranges().first()?.start()),
        HirKind::Repetition(repetition) => {
            let more = repetition
                .max
                .map_or(MORE, |max| (max - repetition.min).min(MORE));
            let count = repetition.min + below(u64::from(more) + 1) as u32;
            for _ in 0..count {
                if out.len() > MOST {
                    return None;
                }
                write(&repetition.sub, below, out)?;
            }
        }
        HirKind::Capture(group) => write(&group.sub, below, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, below, out)?;
            }
        }
        HirKind::Alternation(parts) => {
            write(&parts[below(parts.len() as u64) as usize], below, out)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::Regex;

    #[test]
    fn a_short_text_is_found_for_common_expressions() {
        let cases = [
            ("c_[0-9a-z]{12}", "c_aaaaaaaaaaaa"),
            ("u[0-9]{1,18}", "u0"),
            ("[!-~]{1,256}", "a"),
            ("(?:abc|d)e?", "d"),
            ("[xy]*", ""),
        ];
        for (expression, expect) in cases {
            let shortest = Regex::parse(expression).unwrap().shortest();
            assert_eq!(shortest.as_deref(), Some(expect), "{expression}");
        }
        assert_eq!(Regex::parse(r"a\ba").unwrap().shortest(), None);
    }

    #[test]
    fn what_is_drawn_matches() {
        let expressions = [
            "c_[0-9a-z]{12}",
            "(?:abc|d)e?|[^a-z]{2,3}",
            r"\w+@\w+\.(com|org)",
            "(?i)get|post",
            "[\u{e0}-\u{ff}]*x",
            "",
        ];
        let mut state = 7u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % n
        };
        for expression in expressions {
            let regex = Regex::parse(expression).unwrap();
            for _ in 0..50 {
                let text = regex.sample(&mut below).unwrap();
                assert!(regex.matches(&text), "{expression}: {text:?}");
            }
        }
        // It cannot be told from the structure whether a word ends here.
        let looks = Regex::parse(r"a\ba").unwrap();
        assert_eq!(looks.sample(&mut below), None);
    }
}
