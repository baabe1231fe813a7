//! `Host`: the host a request asks for, in its one canonical form (RFC 9110 §7.2, RFC 3986 §3.2.2).
//!
//! Lower case, without port and without the trailing dot; IPv6 in brackets as RFC 5952 writes it. What looks like a number is
//! an IPv4 address in four decimal parts or is refused, since `0177.1` means different things to different readers.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::pairs::{self, between, is};
use super::{KindError, refuse};
use crate::arena::Arena;
use crate::schema::HostPolicy;

/// Most bytes of a host name (RFC 1035 §2.3.4).
pub const HOST_MAX: usize = 253;
/// Most bytes of one label of a host name.
pub const LABEL_MAX: usize = 63;
/// Most bytes of what is read: a name in other scripts is longer than its canonical form.
const RAW_MAX: usize = 1024;

/// The canonical form of `raw`, the value of a `Host` field or `:authority`, under `policy`.
///
/// Labels hold letters, digits, `-` (not first or last) and `_`. Allocates outside the arena only for names in other scripts and for `xn--` names.
///
/// # Errors
/// Says what is wrong and at which byte.
///
/// ```
/// use tollgate_runtime::{Arena, kinds::host, schema::Boundary};
/// let (arena, policy) = (Arena::new(), Boundary::default().host);
/// assert_eq!(host::canonical("API.Shop.Example.:8443", &policy, &arena).unwrap(), "api.shop.example");
/// assert_eq!(host::canonical("[2001:DB8:0::1]:80", &policy, &arena).unwrap(), "[2001:db8::1]");
/// assert!(host::canonical("0x7f.1", &policy, &arena).is_err());
/// ```
pub fn canonical<'a>(
    raw: &str,
    policy: &HostPolicy,
    arena: &'a Arena,
) -> Result<&'a str, KindError> {
    if let Some(name) = canonical_name(raw) {
        return Ok(arena.str(name));
    }
    if raw.is_empty() {
        return refuse(0, "the host is empty");
    }
    if raw.len() > RAW_MAX {
        return refuse(RAW_MAX, "a host has at most 253 bytes");
    }
    if let Some(inner) = raw.strip_prefix('[') {
        return ipv6(inner, arena);
    }
    let (name, port) = match raw.split_once(':') {
        Some((name, port)) => (name, port),
        None => (raw, ""),
    };
    check_port(port, name.len() + 1)?;
    let unicode = !name.is_ascii();
    if unicode && !policy.idna {
        let at = name.bytes().position(|b| !b.is_ascii()).unwrap_or(0);
        return refuse(at, "the host has letters outside ASCII");
    }
    let lower = arena.lower(name);
    let punycode = policy.idna && lower.split('.').any(|label| label.starts_with("xn--"));
    let name = if unicode || punycode {
        match Uts46::new().to_ascii(
            lower.as_bytes(),
            AsciiDenyList::URL,
            Hyphens::Allow,
            DnsLength::Ignore,
        ) {
            Ok(Cow::Borrowed(ascii)) => arena.str(ascii),
            Ok(Cow::Owned(ascii)) => arena.str(&ascii),
            Err(_) => return refuse(0, "the host is not a valid international name"),
        }
    } else {
        lower
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    check_name(name)?;
    Ok(name)
}

/// The bytes that may stand anywhere in a label of a canonical name.
const NAME: [bool; 256] = {
    let mut name = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        name[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'_');
        byte += 1;
    }
    name
};

/// The name, where it is canonical already, as most are: labels of lower-case letters, digits, `-` and `_`, none of them `xn--`, the
/// last beginning with no digit; a port is cut off. `None` is no answer.
#[inline]
pub(crate) fn canonical_name(raw: &str) -> Option<&str> {
    match is_common(raw.as_bytes()) {
        true => Some(raw),
        false => name_by_bytes(raw),
    }
}

/// Whether it is a canonical name of the commonest kind: so short that no label is too long, without `_`, with neither `-` nor a dot at an
/// end or beside another one, so that no label is `xn--`, and with no label that begins with a digit.
#[inline(always)]
pub(crate) fn is_common(raw: &[u8]) -> bool {
    let (Some(b'a'..=b'z'), Some(last)) = (raw.first(), raw.last()) else {
        return false;
    };
    let none = pairs::none(raw, b'a', |byte, behind| {
        let mark = between(byte, b'-', b'.');
        let plain = between(byte, b'a', b'z') | between(byte, b'0', b'9') | mark;
        !plain | mark & between(behind, b'-', b'.') | is(byte, b'.') & between(behind, b'0', b'9')
    });
    none && !matches!(last, b'-' | b'.') && raw.len() <= LABEL_MAX
}

fn name_by_bytes(raw: &str) -> Option<&str> {
    let bytes = raw.as_bytes();
    let (mut label, mut at) = (0, 0);
    loop {
        // Most bytes are of this kind, so they are told by one look.
        while let Some(byte) = bytes.get(at)
            && NAME[usize::from(*byte)]
        {
            at += 1;
        }
        let byte = bytes.get(at).copied();
        match byte {
            Some(b'-') if at > label => {}
            None | Some(b'.' | b':') => {
                let text = bytes.get(label..at)?;
                let last = *text.last()?;
                if last == b'-' || text.len() > LABEL_MAX || text.starts_with(b"xn--") {
                    return None;
                }
                if byte != Some(b'.') {
                    break;
                }
                label = at + 1;
            }
            _ => return None,
        }
        at += 1;
    }
    let port = raw.get(at + 1..).unwrap_or("");
    if bytes[label].is_ascii_digit() || at > HOST_MAX || check_port(port, at).is_err() {
        return None;
    }
    raw.get(..at)
}

/// A name that is ASCII and lower case, without the dot at the end.
fn check_name(name: &str) -> Result<(), KindError> {
    if name.len() > HOST_MAX {
        return refuse(HOST_MAX, "a host has at most 253 bytes");
    }
    let mut at = 0;
    let mut last = "";
    for label in name.split('.') {
        if label.is_empty() {
            return refuse(at, "an empty label in the host");
        }
        if label.len() > LABEL_MAX {
            return refuse(at, "a label of a host has at most 63 bytes");
        }
        let is_plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if let Some(i) = label.bytes().position(|b| !is_plain(b)) {
            return refuse(
                at + i,
                "a host holds only letters, digits, `-`, `_` and dots",
            );
        }
        if label.starts_with('-') || label.ends_with('-') {
            return refuse(at, "a label of a host neither begins nor ends with `-`");
        }
        last = label;
        at += label.len() + 1;
    }
    // The test of the WHATWG URL standard for "ends in a number"; there it is then parsed leniently.
    let hex = last
        .strip_prefix("0x")
        .is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
    if (hex || last.bytes().all(|b| b.is_ascii_digit())) && name.parse::<Ipv4Addr>().is_err() {
        return refuse(
            0,
            "a numeric host must be an IPv4 address in four decimal parts",
        );
    }
    Ok(())
}

fn ipv6<'a>(inner: &str, arena: &'a Arena) -> Result<&'a str, KindError> {
    let Some((address, rest)) = inner.split_once(']') else {
        return refuse(inner.len() + 1, "the `]` of the IPv6 address is missing");
    };
    let Ok(address) = address.parse::<Ipv6Addr>() else {
        return refuse(1, "not an IPv6 address");
    };
    let at = inner.len() - rest.len() + 1;
    match rest.strip_prefix(':') {
        Some(port) => check_port(port, at + 1)?,
        None if rest.is_empty() => {}
        None => return refuse(at, "something follows the IPv6 address"),
    }
    let mut text = Short::default();
    // The longest form has 45 bytes and two brackets; it always fits.
    let _ = write!(text, "[{address}]");
    Ok(arena.str(text.text()))
}

fn check_port(port: &str, at: usize) -> Result<(), KindError> {
    let number = port.is_empty() || (port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()));
    if !number || port.parse::<u32>().is_ok_and(|p| p > 65_535) {
        return refuse(at, "the port is no number up to 65535");
    }
    Ok(())
}

/// A text of at most 64 bytes that allocates nothing.
struct Short {
    bytes: [u8; 64],
    len: usize,
}

impl Default for Short {
    fn default() -> Self {
        Short {
            bytes: [0; 64],
            len: 0,
        }
    }
}

impl Short {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl std::fmt::Write for Short {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.len + s.len();
        let Some(room) = self.bytes.get_mut(self.len..end) else {
            return Err(std::fmt::Error);
        };
        room.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;

    fn canon(raw: &str, idna: bool) -> Result<String, String> {
        canonical(raw, &HostPolicy { idna }, &Arena::new())
            .map(Into::into)
            .map_err(|e| format!("{}: {e}", e.at()))
    }

    #[test]
    fn hosts_have_one_form() {
        let ok =
            |raw: &str, expect: &str| assert_eq!(canon(raw, true).as_deref(), Ok(expect), "{raw}");
        ok("Example.COM", "example.com");
        ok("example.com.", "example.com");
        ok("example.com:", "example.com");
        ok("example.com:443", "example.com");
        ok("my_service", "my_service");
        ok("r3---sn-x.example", "r3---sn-x.example");
        ok("b\u{fc}cher.example", "xn--bcher-kva.example");
        ok("B\u{dc}CHER.example", "xn--bcher-kva.example");
        ok("xn--bcher-kva.example", "xn--bcher-kva.example");
        ok("a\u{3002}example", "a.example");
        ok("10.0.0.1:80", "10.0.0.1");
        ok("[::1]", "[::1]");
        ok("[2001:DB8::0:1]:8080", "[2001:db8::1]");
        ok("1e100.net", "1e100.net");
    }

    #[test]
    fn other_forms_are_refused() {
        let long = "a".repeat(64);
        let many = ["abcdefgh"; 29].join(".");
        for raw in [
            "",
            ".",
            "a..b",
            ".a",
            "a b",
            "a/b",
            "a%41",
            "user@a",
            "a:b",
            "a:1:2",
            "a:65536",
            "a:000080",
            "-a",
            "a-",
            "[::1",
            "[::1]x",
            "[::1%25eth0]",
            "[10.0.0.1]",
            "::1",
            "127.1",
            "010.0.0.1",
            "2130706433",
            "0x7f000001",
            "1.2.3.256",
            "a.1",
            "xn--\u{e9}",
            "xn--a",
            &long,
            &many,
        ] {
            assert!(canon(raw, true).is_err(), "{raw}: {:?}", canon(raw, true));
        }
        assert!(canon("b\u{fc}cher.example", false).is_err());
    }

    #[test]
    fn canonical_hosts_are_fixed_points() {
        let pieces = [
            "a", "B", ".", "-", "_", ":", "1", "0x", "[", "]", "::", "xn--", "\u{fc}", "\u{3002}",
            "\u{ff0e}", "\u{2488}", "%", "@", "\u{200d}", "255.", "80", "\u{df}", "\u{ad}",
        ];
        let mut random = Random(7);
        let mut accepted = 0;
        for round in 0..100_000 {
            let raw = random.text(&pieces, 7);
            let idna = round % 2 == 0;
            if let Ok(host) = canon(&raw, idna) {
                accepted += 1;
                assert_eq!(canon(&host, idna).as_ref(), Ok(&host), "{raw:?}");
                assert!(host.is_ascii() && host.len() <= HOST_MAX);
            }
        }
        assert!(accepted > 5_000, "{accepted}");
    }

    /// What is told sixteen bytes at a time is what is told byte by byte.
    #[test]
    fn a_common_name_is_canonical() {
        let pieces = [
            "a",
            "z",
            "tenant7",
            "example",
            "com",
            "0",
            "9",
            "-",
            ".",
            "_",
            "A",
            "xn--",
            ":80",
            " ",
            "\u{e9}",
            "a-label-that-is-longer-than-sixteen-bytes",
        ];
        let mut random = Random(4);
        let mut common = 0;
        for _ in 0..200_000 {
            let raw = random.text(&pieces, 9);
            if is_common(raw.as_bytes()) {
                common += 1;
                assert_eq!(name_by_bytes(&raw), Some(&*raw), "{raw}");
            }
        }
        assert!(common > 5_000, "{common}");
        for byte in 0..=u8::MAX {
            let raw = [b"tenant7.exam".as_slice(), &[byte], b"ple.example.com"].concat();
            let plain = byte.is_ascii_lowercase() || matches!(byte, b'0'..=b'9' | b'-' | b'.');
            assert_eq!(is_common(&raw), plain, "{byte:#x}");
        }
    }
}
