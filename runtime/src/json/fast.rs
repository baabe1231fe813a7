//! The short way in: one pass over the bytes for the input that is as it should be.
//!
//! Most records that arrive are well formed, keep to their schema, and write nothing in an unusual way. This reader takes only those: it
//! goes from bytes to words by the schema, and gives up (`None`) at the first thing that is wrong *or merely rare*. Whoever calls
//! it then reads the input again by serde_json, which decides what it means and, where it is refused, says why. So there is
//! one place that words refusals, and all that has to hold here is:
//!
//! what this reader accepts, the other reader accepts too, as the same words, with as many keys ignored.
//!
//! Rare, and left to the other reader: `\u` escapes, a tag that does not stand first, nesting beyond [`DEPTH_MAX`]. The tests
//! (`tests/random.rs`) and the fuzz target `json` compare both readers.

use super::text::plain_end;
use crate::arena::Arena;
use crate::boundary::{Reader, boundary_of, leaf};
use crate::kinds::header;
use crate::schema::{Boundary, Enum, Field, Schema, Type, TypeId};
use crate::word::Word;

/// How deep values nest here; well within what serde_json takes.
const DEPTH_MAX: u32 = 64;
/// Digits of a whole number that cannot overflow.
const DIGITS_MAX: usize = 18;

/// Reads one value of a type that is the whole input.
pub(super) fn value<'a>(reader: &Reader<'_, 'a>, ty: TypeId, json: &[u8]) -> Option<Word<'a>> {
    let mut input = Input::new(reader, json)?;
    let word = input.present(ty, &Boundary::default(), false, 0)?;
    input.end()?;
    Some(word)
}

/// Reads an object of parameters that is the whole input.
pub(super) fn fields<'a>(
    reader: &Reader<'_, 'a>,
    fields: &[Field],
    json: &[u8],
) -> Option<&'a [Word<'a>]> {
    let mut input = Input::new(reader, json)?;
    input.blanks();
    input.take(b'{')?;
    let words = input.fields(fields, None, &Boundary::default(), 0)?;
    input.end()?;
    Some(words)
}

struct Input<'r, 's, 'a, 'j> {
    reader: &'r Reader<'s, 'a>,
    schema: &'s Schema,
    arena: &'a Arena,
    text: &'j str,
    /// Where the reader stands: always between characters.
    at: usize,
    ignored: u64,
}

/// A text of the input, as it stands there or without its escapes.
#[derive(Clone, Copy)]
enum Text<'j, 'a> {
    Plain(&'j str),
    Unescaped(&'a str),
}

impl Text<'_, '_> {
    #[inline]
    fn as_str(&self) -> &str {
        match self {
            Text::Plain(text) => text,
            Text::Unescaped(text) => text,
        }
    }
}

impl<'r, 's, 'a, 'j> Input<'r, 's, 'a, 'j> {
    fn new(reader: &'r Reader<'s, 'a>, json: &'j [u8]) -> Option<Self> {
        Some(Input {
            reader,
            schema: reader.schema(),
            arena: reader.arena(),
            text: std::str::from_utf8(json).ok()?,
            at: 0,
            ignored: 0,
        })
    }

    /// Sees that nothing is left, and hands over what was counted.
    fn end(mut self) -> Option<()> {
        self.blanks();
        if self.at < self.text.len() {
            return None;
        }
        self.reader.ignore(self.ignored);
        Some(())
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes an ASCII character.
    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        if self.peek()? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    #[inline]
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        if !rest.starts_with(word.as_bytes()) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    /// After an element: true if another one follows, false if it was the last.
    #[inline]
    fn more(&mut self, close: u8) -> Option<bool> {
        self.blanks();
        let byte = self.peek()?;
        if byte != b',' && byte != close {
            return None;
        }
        self.at += 1;
        if byte == b',' {
            self.blanks();
        }
        Some(byte == b',')
    }

    /// After an opening bracket: whether the matching one follows at once, which is then taken.
    #[inline]
    fn empty(&mut self, close: u8) -> Option<bool> {
        self.blanks();
        let empty = self.peek()? == close;
        self.at += usize::from(empty);
        Some(empty)
    }

    /// A text, from its opening quote on.
    #[inline]
    fn string(&mut self) -> Option<Text<'j, 'a>> {
        self.take(b'"')?;
        let start = self.at;
        let end = plain_end(self.text.as_bytes(), start)?;
        self.at = end + 1;
        match self.text.as_bytes().get(end)? {
            b'"' => self.text.get(start..end).map(Text::Plain),
            b'\\' => {
                self.at = end;
                self.unescape(start).map(Text::Unescaped)
            }
            _ => None,
        }
    }

    /// A key and the colon behind it.
    #[inline]
    fn key(&mut self) -> Option<Text<'j, 'a>> {
        let key = self.string()?;
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Some(key)
    }

    /// A text with escapes, of which `start .. self.at` has none.
    #[cold]
    fn unescape(&mut self, start: usize) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let mut out = self.arena.string();
        out.push_str(self.text.get(start..self.at)?);
        loop {
            let start = self.at;
            self.at = plain_end(bytes, start)?;
            out.push_str(self.text.get(start..self.at)?);
            match bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(out.into_bump_str());
                }
                b'\\' => out.push(match bytes.get(self.at + 1)? {
                    c @ (b'"' | b'\\' | b'/') => char::from(*c),
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    _ => return None,
                }),
                _ => return None,
            }
            self.at += 2;
        }
    }

    /// A value that is not `none` where its type has no `none`.
    fn present(
        &mut self,
        ty: TypeId,
        limits: &Boundary,
        header: bool,
        depth: u32,
    ) -> Option<Word<'a>> {
        let word = self.value(ty, limits, header, depth)?;
        if word.is_none() && !matches!(self.schema.get(ty), Type::Opt(_)) {
            return None;
        }
        Some(word)
    }

    /// A value; `null` is `none` whatever the type.
    fn value(
        &mut self,
        ty: TypeId,
        limits: &Boundary,
        header: bool,
        depth: u32,
    ) -> Option<Word<'a>> {
        let ty = match self.schema.get(ty) {
            Type::Opt(of) => self.schema.get(*of),
            ty => ty,
        };
        self.blanks();
        match self.peek()? {
            b'"' => {
                let text = self.string()?;
                leaf::from_text(self.schema, ty, text.as_str(), limits, self.arena)?.ok()
            }
            b'{' => {
                self.at += 1;
                self.object(ty, limits, deeper(depth)?)
            }
            b'[' => {
                self.at += 1;
                self.array(ty, limits, header, deeper(depth)?)
            }
            b'n' => self.word("null").map(|()| Word::None),
            b't' if matches!(ty, Type::Bool) => self.word("true").map(|()| Word::Bool(true)),
            b'f' if matches!(ty, Type::Bool) => self.word("false").map(|()| Word::Bool(false)),
            b'-' | b'0'..=b'9' => self.number(ty),
            _ => None,
        }
    }

    fn number(&mut self, ty: &Type) -> Option<Word<'a>> {
        let start = self.at;
        let whole = self.skip_number()?;
        let text = self.text.get(start..self.at)?;
        match ty {
            Type::Int { lo, hi } if whole && text.len() <= DIGITS_MAX && text != "-0" => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let add = |v: i64, digit: u8| v * 10 + i64::from(digit - b'0');
                let size = digits.bytes().fold(0, add);
                let value = if digits.len() < text.len() {
                    -size
                } else {
                    size
                };
                leaf::in_range(value, *lo, *hi, ty).ok()
            }
            Type::Float => {
                let value: f64 = text.parse().ok()?;
                // `+ 0.0` turns minus zero into zero.
                value.is_finite().then_some(Word::Float(value + 0.0))
            }
            _ => None,
        }
    }

    /// Walks over a number (RFC 8259 §6); whether it is a whole one, without fraction and exponent.
    fn skip_number(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let digits = |from: usize| {
            let rest = bytes.get(from..).unwrap_or(&[]);
            let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            (count > 0).then_some(from + count)
        };
        let start = self.at + usize::from(self.peek()? == b'-');
        let mut at = digits(start)?;
        if bytes[start] == b'0' && at > start + 1 {
            return None;
        }
        let mut whole = true;
        if bytes.get(at) == Some(&b'.') {
            whole = false;
            at = digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            whole = false;
            let sign = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
            at = digits(at + 1 + usize::from(sign))?;
        }
        self.at = at;
        Some(whole)
    }

    /// The elements of a list, set or `Values`, behind its bracket.
    fn array(
        &mut self,
        ty: &Type,
        limits: &Boundary,
        header: bool,
        depth: u32,
    ) -> Option<Word<'a>> {
        let mut items = self.arena.list();
        let mut more = !self.empty(b']')?;
        match ty {
            Type::Values { max, max_bytes } => {
                let (max, max_bytes) = if header {
                    (
                        (*max).min(limits.header_values),
                        (*max_bytes).min(limits.header_bytes),
                    )
                } else {
                    (*max, *max_bytes)
                };
                while more {
                    let text = self.string()?;
                    let text = text.as_str();
                    let fits = items.len() < max as usize && text.len() <= max_bytes as usize;
                    if !fits || (header && header::check_value(text).is_err()) {
                        return None;
                    }
                    items.push(Word::Str(self.arena.str(text)));
                    more = self.more(b']')?;
                }
                Some(Word::Seq(items.into_bump_slice()))
            }
            Type::List { of, max } | Type::Set { of, max } => {
                while more {
                    if items.len() >= *max as usize {
                        return None;
                    }
                    items.push(self.present(*of, limits, false, depth)?);
                    more = self.more(b']')?;
                }
                let items = items.into_bump_slice_mut();
                if matches!(ty, Type::Set { .. }) {
                    items.sort_unstable_by(|a, b| a.order(*b));
                    if items.windows(2).any(|pair| pair[0].same(pair[1])) {
                        return None;
                    }
                }
                Some(Word::Seq(items))
            }
            _ => None,
        }
    }

    /// A record, map or enum value, behind its brace.
    fn object(&mut self, ty: &Type, limits: &Boundary, depth: u32) -> Option<Word<'a>> {
        let schema = self.schema;
        match ty {
            Type::Record(index) => {
                let record = &schema.records[*index as usize];
                let limits = boundary_of(record, limits);
                let words = self.fields(&record.fields, None, limits, depth)?;
                Some(Word::Seq(words))
            }
            Type::Map { key, value, max } => self.map(*key, *value, *max, limits, depth),
            Type::Enum(index) => {
                let declared = &schema.enums[*index as usize];
                match declared.tag.as_deref() {
                    Some(tag) => self.tagged(declared, tag, limits, depth),
                    None => self.external(declared, limits, depth),
                }
            }
            _ => None,
        }
    }

    fn map(
        &mut self,
        key: TypeId,
        value: TypeId,
        max: u32,
        limits: &Boundary,
        depth: u32,
    ) -> Option<Word<'a>> {
        let key = match self.schema.get(key) {
            Type::Opt(of) => self.schema.get(*of),
            ty => ty,
        };
        let header = matches!(key, Type::HeaderName);
        let mut entries = self.arena.list();
        let mut more = !self.empty(b'}')?;
        while more {
            if entries.len() / 2 >= max as usize {
                return None;
            }
            let name = self.key()?;
            let name = leaf::from_key(self.schema, key, name.as_str(), limits, self.arena);
            entries.push(name.ok()?);
            entries.push(self.present(value, limits, header, depth)?);
            more = self.more(b'}')?;
        }
        let entries = entries.into_bump_slice_mut();
        let (pairs, _) = entries.as_chunks_mut::<2>();
        pairs.sort_unstable_by(|a, b| a[0].order(b[0]));
        if pairs.windows(2).any(|pair| pair[0][0].same(pair[1][0])) {
            return None;
        }
        Some(Word::Seq(entries))
    }

    /// `{"forward": {"service": "payments"}}`
    fn external(&mut self, declared: &Enum, limits: &Boundary, depth: u32) -> Option<Word<'a>> {
        self.blanks();
        let name = self.key()?;
        let tag = variant(declared, name.as_str())?;
        self.take(b'{')?;
        let fields = &declared.variants[tag].fields;
        let words = self.fields(fields, None, limits, deeper(depth)?)?;
        self.blanks();
        self.take(b'}')?;
        Some(Word::Variant(tag as u32, words))
    }

    /// `{"type": "ride_completed", "trip": "t5"}`, with its tag first.
    fn tagged(
        &mut self,
        declared: &Enum,
        key: &str,
        limits: &Boundary,
        depth: u32,
    ) -> Option<Word<'a>> {
        self.blanks();
        if self.key()?.as_str() != key {
            return None;
        }
        let tag = variant(declared, self.string()?.as_str())?;
        let fields = &declared.variants[tag].fields;
        // The other members are read as those of an object that begins behind the comma.
        let words = if self.more(b'}')? {
            if self.peek()? == b'}' {
                return None;
            }
            self.fields(fields, Some(key), limits, depth)?
        } else {
            self.absent(fields, self.arena.slots(fields.len()), None)?
        };
        Some(Word::Variant(tag as u32, words))
    }

    /// The members of an object whose keys are names of fields, behind the brace; `tag` is a key that was read already.
    fn fields(
        &mut self,
        fields: &[Field],
        tag: Option<&str>,
        limits: &Boundary,
        depth: u32,
    ) -> Option<&'a [Word<'a>]> {
        let words = self.arena.slots(fields.len());
        let seen = self.arena.zeroed(fields.len());
        let mut more = !self.empty(b'}')?;
        // Fields mostly come in the order of declaration.
        let mut next = 0;
        while more {
            let key = self.key()?;
            let key = key.as_str();
            match position(fields, key, next) {
                Some(_) | None if tag == Some(key) => return None,
                Some(i) => {
                    if seen[i] != 0 {
                        return None;
                    }
                    seen[i] = 1;
                    words[i] = self.value(fields[i].ty, limits, false, depth)?;
                    next = i + 1;
                }
                None => {
                    self.skip(depth)?;
                    self.ignored += 1;
                }
            }
            more = self.more(b'}')?;
        }
        self.absent(fields, words, Some(seen))
    }

    /// Gives what is absent its default.
    fn absent(
        &self,
        fields: &[Field],
        words: &'a mut [Word<'a>],
        seen: Option<&[u8]>,
    ) -> Option<&'a [Word<'a>]> {
        for (i, (word, field)) in words.iter_mut().zip(fields).enumerate() {
            if word.is_none() {
                let null = seen.is_some_and(|seen| seen[i] != 0);
                *word = self.reader.absent(field, null)?;
            }
        }
        Some(words)
    }

    /// Walks over a value of any kind.
    fn skip(&mut self, depth: u32) -> Option<()> {
        match self.peek()? {
            b'"' => {
                // A text with escapes is left to the other reader: it is not laid down here.
                let end = plain_end(self.text.as_bytes(), self.at + 1)?;
                self.at = end;
                self.take(b'"')
            }
            b'{' => {
                self.at += 1;
                let depth = deeper(depth)?;
                let mut more = !self.empty(b'}')?;
                while more {
                    self.skip_key()?;
                    self.skip(depth)?;
                    more = self.more(b'}')?;
                }
                Some(())
            }
            b'[' => {
                self.at += 1;
                let depth = deeper(depth)?;
                let mut more = !self.empty(b']')?;
                while more {
                    self.skip(depth)?;
                    more = self.more(b']')?;
                }
                Some(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.skip_number().map(drop),
            _ => None,
        }
    }

    fn skip_key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.skip(0)?;
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Some(())
    }
}

#[inline]
fn deeper(depth: u32) -> Option<u32> {
    (depth < DEPTH_MAX).then_some(depth + 1)
}

fn variant(declared: &Enum, name: &str) -> Option<usize> {
    declared.variants.iter().position(|v| &*v.name == name)
}

/// The field of a name, looked for from `next` on and then from the beginning.
#[inline]
fn position(fields: &[Field], name: &str, next: usize) -> Option<usize> {
    let next = next.min(fields.len());
    let (before, behind) = fields.split_at(next);
    let is = |field: &Field| &*field.name == name;
    match behind.iter().position(is) {
        Some(i) => Some(next + i),
        None => before.iter().position(is),
    }
}
