//! `Path`: the path of a request in its one canonical form (RFC 3986 §6).
//!
//! A path is decoded exactly once, here. What two programs could read differently is refused instead of
//! guessed at: encoded slashes, backslashes, control characters, dot segments with parameters (`..;x`), invalid
//! UTF-8. [`encode`] writes the canonical path for forwarding, so that the next hop sees what the rules saw:
//! `canonical(encode(p)) == p` for every canonical `p`.

use std::fmt;

use super::pairs::{self, between, is, with};
use super::{KindError, refuse};
use crate::arena::Arena;
use crate::schema::{DotSegments, PathPolicy};

/// Most bytes of a path, as it comes and as [`encode`] writes it.
pub const PATH_MAX: usize = 8 * 1024;

/// Why a path has no canonical form, and at which byte.
pub type PathError = KindError;

/// The canonical form of `raw`, the path of a request target, under `policy`. Linear; allocates in the arena only.
///
/// # Errors
/// Says what is wrong and at which byte: see the module's documentation.
///
/// ```
/// use tollgate_runtime::{Arena, kinds::path, schema::Boundary};
/// let (arena, policy) = (Arena::new(), Boundary::default().path);
/// assert_eq!(path::canonical("/v2//c%61rts/7", &policy, &arena).unwrap(), "/v2/carts/7");
/// assert_eq!(path::canonical("/a%2fb", &policy, &arena).unwrap_err().at(), 2);
/// assert!(path::canonical("/a/%2e%2e/b", &policy, &arena).is_err());
/// ```
pub fn canonical<'a>(
    raw: &str,
    policy: &PathPolicy,
    arena: &'a Arena,
) -> Result<&'a str, PathError> {
    if is_canonical(raw, policy) {
        return Ok(arena.str(raw));
    }
    if raw.len() > PATH_MAX {
        return refuse(PATH_MAX, "a path has at most 8192 bytes");
    }
    if !raw.starts_with('/') {
        return refuse(0, "a path begins with `/`");
    }
    let decoded = decode(raw, arena)?;
    let decoded = if policy.lower_case {
        decoded.make_ascii_lowercase();
        &*decoded
    } else {
        &*decoded
    };
    let Ok(text) = std::str::from_utf8(decoded) else {
        return refuse(
            invalid_at(raw, decoded),
            "the path is not UTF-8 once decoded",
        );
    };
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return refuse(
            raw_offset(raw, text.find(c).unwrap_or(0)),
            "a control character in the path",
        );
    }
    let text = segments(raw, text, policy, arena)?;
    if encoded_len(text) > PATH_MAX {
        return refuse(0, "a path has at most 8192 bytes once percent-encoded");
    }
    Ok(text)
}

/// Whether a path is in its canonical form already, as most are: nothing but `pchar`, none of it encoded, no empty segment
/// but the last, and none that begins with a dot. False is no answer.
#[inline]
pub(crate) fn is_canonical(raw: &str, policy: &PathPolicy) -> bool {
    let bytes = raw.as_bytes();
    bytes.first() == Some(&b'/')
        && bytes.len() <= PATH_MAX
        && (is_common(bytes, policy) || is_plain(bytes, policy))
}

/// The same of a path of the commonest bytes: letters, digits, `_` and what stands between `&` and `;`.
#[inline(always)]
fn is_common(bytes: &[u8], policy: &PathPolicy) -> bool {
    // The bit in which a letter in upper case differs from the same in lower case, if it may.
    let case = if policy.lower_case { 0 } else { 0x20 };
    pairs::none(bytes, b'a', |byte, behind| {
        let letter = between(with(byte, case), b'a', b'z');
        let plain = letter | between(byte, b'&', b';') | is(byte, b'_');
        !plain | is(byte, b'/') & between(behind, b'.', b'/')
    })
}

fn is_plain(bytes: &[u8], policy: &PathPolicy) -> bool {
    if policy.lower_case && bytes.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let mut rest = bytes;
    while let [byte, behind @ ..] = rest {
        if !PLAIN[usize::from(*byte)] || (*byte == b'/' && matches!(behind, [b'/' | b'.', ..])) {
            return false;
        }
        rest = behind;
    }
    true
}

/// Whether `text` may stand as one segment of a canonical path: not empty, no slash, no dot segment.
///
/// For building paths out of parts; [`canonical`] uses the same tests.
pub fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && !text.contains(['/', '\\'])
        && !text.chars().any(char::is_control)
        && dots(text) == Dots::None
}

/// Writes a canonical path percent-encoded, for forwarding: everything but `pchar` and the slashes is encoded (RFC 3986 §3.3).
///
/// # Errors
/// Only those of the writer.
///
/// ```
/// use tollgate_runtime::kinds::path;
/// let mut out = String::new();
/// path::encode(&mut out, "/a b/50%/\u{e9}").unwrap();
/// assert_eq!(out, "/a%20b/50%25/%C3%A9");
/// ```
pub fn encode(out: &mut impl fmt::Write, path: &str) -> fmt::Result {
    let mut rest = path;
    while let Some(at) = rest.bytes().position(|b| !PLAIN[usize::from(b)]) {
        out.write_str(&rest[..at])?;
        // A character outside ASCII is encoded byte by byte.
        let end = rest.ceil_char_boundary(at + 1);
        for byte in rest[at..end].bytes() {
            write!(out, "%{byte:02X}")?;
        }
        rest = &rest[end..];
    }
    out.write_str(rest)
}

/// Percent-decodes once, refusing what must not appear raw or encoded.
fn decode<'a>(raw: &str, arena: &'a Arena) -> Result<&'a mut [u8], PathError> {
    let bytes = raw.as_bytes();
    let out = arena.zeroed(bytes.len());
    let (mut at, mut len) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let (decoded, width) = match byte {
            b'%' => {
                let digit = |i: usize| bytes.get(at + i).and_then(|b| char::from(*b).to_digit(16));
                let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                    return refuse(at, "`%` must be followed by two hexadecimal digits");
                };
                let decoded = (high * 16 + low) as u8;
                if decoded == b'/' {
                    return refuse(at, "an encoded slash in the path");
                }
                (decoded, 3)
            }
            b'?' => return refuse(at, "a query is no part of a path"),
            b'#' => return refuse(at, "a fragment is no part of a path"),
            b' ' => return refuse(at, "a blank in a path is written %20"),
            _ => (byte, 1),
        };
        match decoded {
            b'\\' => return refuse(at, "a backslash in the path"),
            0..0x20 | 0x7f => return refuse(at, "a control character in the path"),
            _ => {}
        }
        out[len] = decoded;
        len += 1;
        at += width;
    }
    Ok(&mut out[..len])
}

/// Applies the policy to the segments of a decoded path.
fn segments<'a>(
    raw: &str,
    text: &'a str,
    policy: &PathPolicy,
    arena: &'a Arena,
) -> Result<&'a str, PathError> {
    // What is left to do is rare; most paths are canonical once decoded.
    let mut changes = false;
    let mut at = 1;
    let mut parts = text[1..].split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        if part.is_empty() && !last {
            if !policy.merge_slashes {
                return refuse(raw_offset(raw, at), "an empty segment in the path");
            }
            changes = true;
        }
        match dots(part) {
            Dots::None => {}
            Dots::Hidden => {
                return refuse(
                    raw_offset(raw, at),
                    "a dot segment with parameters in the path",
                );
            }
            Dots::Here | Dots::Up => {
                if policy.dot_segments == DotSegments::Reject {
                    return refuse(raw_offset(raw, at), "a dot segment in the path");
                }
                changes = true;
            }
        }
        at += part.len() + 1;
    }
    if !changes {
        return Ok(text);
    }
    // Slashes are merged first, then dots resolved (RFC 3986 §5.2.4), so that `/a//..` is `/`.
    let out = arena.zeroed(text.len());
    let mut len = 0;
    let mut at = 1;
    let mut open = true;
    for part in text[1..].split('/') {
        match dots(part) {
            Dots::Here => open = true,
            Dots::Up => {
                if len == 0 {
                    return refuse(raw_offset(raw, at), "the path climbs above its root");
                }
                len = out[..len].iter().rposition(|b| *b == b'/').unwrap_or(0);
                open = true;
            }
            Dots::None | Dots::Hidden if part.is_empty() => open = true,
            Dots::None | Dots::Hidden => {
                out[len] = b'/';
                out[len + 1..len + 1 + part.len()].copy_from_slice(part.as_bytes());
                len += 1 + part.len();
                open = false;
            }
        }
        at += part.len() + 1;
    }
    // A path that ended in a slash or a dot segment names the directory: its slash stays.
    if open {
        out[len] = b'/';
        len += 1;
    }
    // Whole segments of a text were kept, so this is text again.
    Ok(std::str::from_utf8(&out[..len]).unwrap_or("/"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dots {
    /// An ordinary segment.
    None,
    /// `.`
    Here,
    /// `..`
    Up,
    /// A dot segment behind which parameters hide: some servers cut at the `;` and then climb.
    Hidden,
}

fn dots(segment: &str) -> Dots {
    match segment {
        "." => Dots::Here,
        ".." => Dots::Up,
        _ if segment.starts_with(".;") || segment.starts_with("..;") => Dots::Hidden,
        _ => Dots::None,
    }
}

/// `pchar` of RFC 3986 §3.3 but `%`, and the slash.
const PLAIN: [bool; 256] = super::letters(b"-._~!$&'()*+,;=:@/");

fn encoded_len(path: &str) -> usize {
    let len = |b: u8| if PLAIN[usize::from(b)] { 1 } else { 3 };
    path.bytes().map(len).sum()
}

/// Where in the raw path the decoded byte `at` comes from.
fn raw_offset(raw: &str, at: usize) -> usize {
    let mut offset = 0;
    for _ in 0..at {
        offset += if raw.as_bytes().get(offset) == Some(&b'%') {
            3
        } else {
            1
        };
    }
    offset.min(raw.len())
}

fn invalid_at(raw: &str, decoded: &[u8]) -> usize {
    let valid = std::str::from_utf8(decoded).map_or_else(|e| e.valid_up_to(), str::len);
    raw_offset(raw, valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;
    use crate::schema::Boundary;

    const REJECT: PathPolicy = PathPolicy {
        dot_segments: DotSegments::Reject,
        merge_slashes: true,
        lower_case: false,
    };
    const RESOLVE: PathPolicy = PathPolicy {
        dot_segments: DotSegments::Resolve,
        merge_slashes: true,
        lower_case: true,
    };
    const STRICT: PathPolicy = PathPolicy {
        dot_segments: DotSegments::Reject,
        merge_slashes: false,
        lower_case: false,
    };

    fn canon(raw: &str, policy: &PathPolicy) -> Result<String, String> {
        canonical(raw, policy, &Arena::new())
            .map(Into::into)
            .map_err(|e| format!("{}: {e}", e.at()))
    }

    #[test]
    fn the_default_contract() {
        let ok = |raw: &str, expect: &str| {
            assert_eq!(
                canon(raw, &Boundary::default().path).as_deref(),
                Ok(expect),
                "{raw}"
            )
        };
        ok("/", "/");
        ok("//", "/");
        ok("/a/", "/a/");
        ok("/a//b///c", "/a/b/c");
        ok("/A%41%7e", "/AA~");
        ok("/%252F", "/%2F");
        ok("/a%3Fb%23c", "/a?b#c");
        ok("/a%20b", "/a b");
        ok("/%C3%A9\u{e9}", "/\u{e9}\u{e9}");
        ok("/...", "/...");
        ok("/.well-known/x", "/.well-known/x");
        ok("/a;v=1/b", "/a;v=1/b");
    }

    #[test]
    fn what_could_be_read_twice_is_refused() {
        let bad = |raw: &str, at: usize| {
            let error = canonical(raw, &REJECT, &Arena::new()).expect_err(raw);
            assert_eq!(error.at(), at, "{raw}: {error}");
        };
        bad("", 0);
        bad("a", 0);
        bad("*", 0);
        bad("/a%2Fb", 2);
        bad("/a%5cb", 2);
        bad("/a\\b", 2);
        bad("/a%00", 2);
        bad("/a\n", 2);
        bad("/a%7f", 2);
        bad("/a%c2%85", 2);
        bad("/a%ff", 2);
        bad("/%41%c3", 4);
        bad("/a%", 2);
        bad("/a%4", 2);
        bad("/a%g0", 2);
        bad("/a?b", 2);
        bad("/a#b", 2);
        bad("/a b", 2);
        bad("/a/../b", 3);
        bad("/a/%2E%2e/b", 3);
        bad("/%41/%2e", 5);
        bad("/a/..;x=1/b", 3);
        bad(&format!("/{}", "a".repeat(PATH_MAX)), PATH_MAX);
        bad(&format!("/{}", "\u{e9}".repeat(2000)), 0);
    }

    #[test]
    fn policies_differ_in_dots_slashes_and_case() {
        let ok = |raw: &str, expect: &str| {
            assert_eq!(canon(raw, &RESOLVE).as_deref(), Ok(expect), "{raw}")
        };
        ok("/a/b/../c", "/a/c");
        ok("/a/./b/.", "/a/b/");
        ok("/a/b/..", "/a/");
        ok("/a/..", "/");
        ok("/A//../B", "/b");
        assert_eq!(
            canon("/a/../../b", &RESOLVE),
            Err("6: the path climbs above its root".into())
        );
        assert!(canon("/a/..;/b", &RESOLVE).is_err());
        assert_eq!(
            canon("/a//b", &STRICT),
            Err("3: an empty segment in the path".into())
        );
        assert_eq!(canon("/a/", &STRICT).as_deref(), Ok("/a/"));
    }

    #[test]
    fn a_segment_is_what_a_path_can_hold() {
        for good in ["a", "a b", "50%", "...", "a;b"] {
            assert!(is_segment(good), "{good}");
        }
        for bad in ["", ".", "..", "..;", "a/b", "a\\b", "a\0"] {
            assert!(!is_segment(bad), "{bad:?}");
        }
    }

    /// Random and mutated paths: never a panic, and what is accepted encodes to something that means the same.
    #[test]
    fn canonical_paths_are_fixed_points() {
        let pieces = [
            "/",
            "//",
            "a",
            "B",
            ".",
            "..",
            "%2e",
            "%2E",
            "%2f",
            "%25",
            "%41",
            "%c3%a9",
            "%ff",
            "%",
            ";",
            "\u{e9}",
            "\u{85}",
            "%20",
            " ",
            "?",
            "%3f",
            "\\",
            "%5c",
            "+",
            "{",
            "\u{1f600}",
            "%00",
        ];
        let mut random = Random(6);
        let mut accepted = 0;
        for round in 0..200_000 {
            let raw = format!("/{}", random.text(&pieces, 10));
            let policy = [REJECT, RESOLVE, STRICT][round % 3];
            let arena = Arena::new();
            let Ok(path) = canonical(&raw, &policy, &arena) else {
                continue;
            };
            accepted += 1;
            let mut encoded = String::new();
            encode(&mut encoded, path).unwrap();
            assert_eq!(
                canonical(&encoded, &policy, &arena),
                Ok(path),
                "{raw} as {encoded}"
            );
            for part in path[1..].split('/') {
                assert!(part.is_empty() || is_segment(part), "{raw} as {path}");
            }
            assert!(!path.contains("//"));
        }
        assert!(accepted > 20_000, "{accepted}");
    }

    /// What is told sixteen bytes at a time is what is told byte by byte.
    #[test]
    fn a_common_path_is_canonical() {
        let pieces = [
            "/",
            "/",
            "a",
            "Z",
            "users",
            "v2",
            "12345",
            "0",
            "-",
            ".",
            "_",
            "&",
            ";",
            "%41",
            "<",
            "~",
            "\u{e9}",
            "/a-segment-that-is-longer-than-sixteen-bytes",
        ];
        let mut random = Random(5);
        let mut common = 0;
        for policy in [&REJECT, &RESOLVE] {
            for _ in 0..100_000 {
                let raw = random.text(&pieces, 9);
                if is_common(raw.as_bytes(), policy) {
                    common += 1;
                    assert!(is_plain(raw.as_bytes(), policy), "{raw}");
                }
            }
            for byte in 0..=u8::MAX {
                let raw = [b"/users/v2/ab".as_slice(), &[byte], b"cdef/ghijk/lmnop"].concat();
                let fits = !(policy.lower_case && byte.is_ascii_uppercase());
                let letter = byte.is_ascii_alphanumeric() || matches!(byte, b'&'..=b';' | b'_');
                assert_eq!(is_common(&raw, policy), letter && fits, "{byte:#x}");
            }
        }
        assert!(common > 5_000, "{common}");
    }
}
