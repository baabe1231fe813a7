//! Tokens of the text form.

use std::borrow::Cow;

use super::super::is_word_byte;
use super::ParseError;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tok {
    /// A name or mnemonic.
    Word,
    /// `"…"`
    Str,
    /// An integer or float.
    Number,
    /// `->`
    Arrow,
    /// One of ``( ) { } [ ] , : = ? #``.
    Punct(u8),
    /// Behind the last token.
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// All tokens of a text, with an `End` behind the last. Linear.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let tok = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b';' => {
                at += run(bytes, at, |b| b != b'\n');
                continue;
            }
            b'"' => {
                at = string_end(text, at)?;
                Tok::Str
            }
            b'-' if bytes.get(at + 1) == Some(&b'>') => {
                at += 2;
                Tok::Arrow
            }
            b'-' | b'0'..=b'9' => {
                at += 1;
                at += run(bytes, at, |b| b.is_ascii_alphanumeric() || b == b'.');
                // The exponent of a float may have a sign.
                if bytes[at - 1].eq_ignore_ascii_case(&b'e')
                    && matches!(bytes.get(at), Some(b'-' | b'+'))
                {
                    at += 1;
                    at += run(bytes, at, |b| b.is_ascii_digit());
                }
                Tok::Number
            }
            b'(' | b')' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b'=' | b'?' | b'#' => {
                at += 1;
                Tok::Punct(byte)
            }
            _ if byte.is_ascii_alphabetic() || byte == b'_' => {
                at += run(bytes, at, is_word_byte);
                Tok::Word
            }
            _ => {
                let c = text[start..].chars().next().unwrap_or(' ');
                return Err(ParseError::at(text, start, format!("unexpected {c:?}")));
            }
        };
        tokens.push(Token {
            tok,
            start: start as u32,
            end: at as u32,
        });
    }
    tokens.push(Token {
        tok: Tok::End,
        start: at as u32,
        end: at as u32,
    });
    Ok(tokens)
}

fn run(bytes: &[u8], at: usize, holds: impl Fn(u8) -> bool) -> usize {
    bytes[at..].iter().take_while(|b| holds(**b)).count()
}

fn string_end(text: &str, start: usize) -> Result<usize, ParseError> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(b'\n') | None => {
                return Err(ParseError::at(text, start, "this text has no end"));
            }
            Some(_) => at += 1,
        }
    }
}

/// What a quoted text stands for; `Err` is where in it an escape is none.
pub(super) fn unescape(quoted: &str) -> Result<Cow<'_, str>, usize> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some((_, escape)) = chars.next() else {
            return Err(at);
        };
        out.push(match escape {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            '\\' | '"' | '\'' => escape,
            'u' => {
                let rest = chars.as_str();
                let code = rest.strip_prefix('{').and_then(|r| r.split_once('}'));
                let (digits, _) = code.ok_or(at)?;
                let digits_ok = digits.len() <= 6 && !digits.starts_with('+');
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| digits_ok);
                // Past the digits and both braces.
                for _ in 0..digits.chars().count() + 2 {
                    chars.next();
                }
                code.and_then(char::from_u32).ok_or(at)?
            }
            _ => return Err(at),
        });
    }
    Ok(Cow::Owned(out))
}
