//! `HeaderName`: the name of an HTTP field, lower case.

use super::{KindError, refuse};
use crate::arena::Arena;

/// Most bytes of a header name.
pub const HEADER_NAME_MAX: usize = 256;

/// The canonical form of a header name: a token of RFC 9110 §5.6.2, its ASCII letters lower case.
///
/// # Errors
/// When it is empty, longer than [`HEADER_NAME_MAX`] or holds what a token cannot (`:` of HTTP/2's pseudo-headers too).
///
/// ```
/// use tollgate_runtime::{Arena, kinds::header};
/// assert_eq!(header::canonical("X-Role", &Arena::new()).unwrap(), "x-role");
/// ```
pub fn canonical<'a>(name: &str, arena: &'a Arena) -> Result<&'a str, KindError> {
    if name.is_empty() {
        return refuse(0, "a header name is not empty");
    }
    if name.len() > HEADER_NAME_MAX {
        return refuse(HEADER_NAME_MAX, "a header name has at most 256 bytes");
    }
    if let Some(at) = name.bytes().position(|b| !TOKEN[usize::from(b)]) {
        return refuse(
            at,
            "a header name holds only letters, digits and !#$%&'*+-.^_`|~",
        );
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(arena.lower(name));
    }
    Ok(arena.str(name))
}

/// Checks a field value: whatever could end the field or the text in some reader is refused (RFC 9110 §5.5).
///
/// # Errors
/// When it holds a carriage return, a line feed or NUL.
pub fn check_value(value: &str) -> Result<(), KindError> {
    match memchr::memchr3(b'\r', b'\n', 0, value.as_bytes()) {
        Some(at) => refuse(at, "a header value holds no line break and no NUL"),
        None => Ok(()),
    }
}

const TOKEN: [bool; 256] = super::letters(b"!#$%&'*+-.^_`|~");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens() {
        let arena = Arena::new();
        for byte in 0..=127_u8 {
            let name = format!("a{}b", byte as char);
            let token = byte.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(byte as char);
            let canon = canonical(&name, &arena);
            assert_eq!(canon.is_ok(), token, "{name:?}");
            if let Ok(canon) = canon {
                assert_eq!(canonical(canon, &arena), Ok(canon));
            }
        }
        for name in ["", ":path", "x role", "x\u{e9}", &"x".repeat(257)] {
            assert!(canonical(name, &arena).is_err(), "{name:?}");
        }
    }

    #[test]
    fn values_cannot_end_the_field() {
        assert!(check_value("a\tb \u{e9}").is_ok());
        assert_eq!(check_value("a\r\nset-cookie: x").unwrap_err().at(), 1);
    }
}
