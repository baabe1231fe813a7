//! Values as C laid them down, on their way in.
//!
//! They become [`Input`]s, which the boundary takes as it takes those of a host in Rust: nothing is believed but what the types of C promise.

use std::ffi::c_void;
use std::slice;

use tollgate_runtime::facts::Input;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::kinds::rate::Rate;
use tollgate_runtime::schema::{Enum, Field, Schema, Type, TypeId};
use tollgate_runtime::{Arena, Word, json};

use crate::layout::{Layouts, Struct};

/// A text, bytes or a list as C has it: where it begins, and how many bytes or elements it has.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Span {
    /// Where it begins. Null for a text that is not given, and for anything without elements.
    pub begin: *const c_void,
    /// How many.
    pub len: usize,
}

/// Reads values of a schema. What it makes lies in an arena.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'r> {
    /// The schema.
    pub schema: &'r Schema,
    /// Its layouts.
    pub layouts: &'r Layouts,
    /// Where inputs lie.
    pub arena: &'r Arena,
}

/// What cannot even be an input: a sentence.
type Read<'r> = Result<Input<'r>, String>;

impl<'r> Reader<'r> {
    /// The value that stands somewhere.
    ///
    /// # Errors
    /// When there is no such variant of an enum, a text is not UTF-8, or something is said to have elements and begins nowhere.
    ///
    /// # Safety
    /// What the header says of the type stands there, aligned, and what it points at can be read, as long as `'r`.
    pub unsafe fn value(self, ty: TypeId, at: *const u8) -> Read<'r> {
        // SAFETY: in every arm the type is the one that the layout gives room for; the caller says that it stands there.
        unsafe {
            Ok(match self.schema.get(ty) {
                Type::Bool => Input::Bool(at.read() != 0),
                Type::Int { .. }
                | Type::Duration { .. }
                | Type::Instant
                | Type::Date
                | Type::Percent { .. }
                | Type::Money { .. } => Input::Int(number(at)),
                Type::Float => Input::Float(at.cast::<f64>().read()),
                Type::Str { .. }
                | Type::Path
                | Type::Host
                | Type::HeaderName
                | Type::Zone
                | Type::Key => Input::Str(text(span(at))?),
                Type::Bytes { .. } => Input::Bytes(elements(span(at))?),
                Type::Rate => {
                    let (count, per) = (number(at), number(at.add(8)));
                    Input::Str(self.arena.text(format_args!("{}", Rate { count, per })))
                }
                Type::Ip => Input::Ip(ip(at)),
                Type::Cidr => {
                    let net = Cidr::new(ip(at), at.add(16).read());
                    Input::Str(self.arena.text(format_args!("{net}")))
                }
                Type::Values { max, .. } => {
                    let texts: &[Span] = elements(few(span(at), *max)?)?;
                    self.list(texts.len(), |i| Ok(Input::Str(text(texts[i])?)))?
                }
                Type::Opt(of) => match at.read() {
                    0 => Input::None,
                    _ => self.value(*of, at.add(self.layouts.of_optional(*of)))?,
                },
                Type::List { of, max } | Type::Set { of, max } => {
                    let span = begun(few(span(at), *max)?)?;
                    let (first, size) = (span.begin.cast::<u8>(), self.layouts.room(*of).size);
                    self.list(span.len, |i| self.value(*of, first.add(i * size)))?
                }
                Type::Map { key, value, max } => {
                    self.map(*key, *value, begun(few(span(at), *max)?)?)?
                }
                Type::Record(record) => {
                    let fields = &self.schema.records[*record as usize].fields;
                    self.fields(fields, self.layouts.record(*record), at, None)?
                }
                Type::Enum(index) => self.variant(*index, at)?,
            })
        }
    }

    fn list(self, len: usize, mut element: impl FnMut(usize) -> Read<'r>) -> Read<'r> {
        let mut list = self.arena.vec::<Input<'r>>();
        for i in 0..len {
            list.push(element(i)?);
        }
        Ok(Input::List(list.into_bump_slice()))
    }

    /// # Safety
    /// As [`Reader::value`], of so many pairs.
    unsafe fn map(self, key: TypeId, value: TypeId, pairs: Span) -> Read<'r> {
        let pair = self.layouts.pair(key, value);
        let mut entries = self.arena.vec::<(&'r str, Input<'r>)>();
        for i in 0..pairs.len {
            // SAFETY: the caller's: so many pairs stand there.
            let (key, value) = unsafe {
                let at = pairs.begin.cast::<u8>().add(i * pair.room.size);
                (self.key(key, at)?, self.value(value, at.add(pair.value))?)
            };
            entries.push((key, value));
        }
        Ok(Input::Map(entries.into_bump_slice()))
    }

    /// A key as JSON writes it.
    ///
    /// # Safety
    /// As [`Reader::value`].
    unsafe fn key(self, ty: TypeId, at: *const u8) -> Result<&'r str, String> {
        // SAFETY: the caller's.
        let word = match unsafe { self.value(ty, at)? } {
            Input::Str(text) => return Ok(text),
            Input::Int(number) if matches!(self.schema.get(ty), Type::Int { .. }) => {
                return Ok(self.arena.text(format_args!("{number}")));
            }
            Input::Int(number) => Word::Int(number),
            Input::Ip(ip) => Word::Ip(ip),
            Input::Bool(truth) => Word::Bool(truth),
            _ => return Err("a key of a map is no single value".into()),
        };
        let mut written = String::new();
        json::encode(self.schema, ty, word, &mut written);
        Ok(self.arena.str(written.trim_matches('"')))
    }

    /// The fields of a struct; those that are texts which are not given are left out. `first` comes before them.
    ///
    /// # Safety
    /// As [`Reader::value`], of a struct.
    unsafe fn fields(
        self,
        fields: &'r [Field],
        laid: &Struct,
        at: *const u8,
        first: Option<(&'r str, Input<'r>)>,
    ) -> Read<'r> {
        let mut entries = self.arena.vec::<(&'r str, Input<'r>)>();
        entries.extend(first);
        for (field, offset) in fields.iter().zip(&laid.offsets) {
            // SAFETY: the caller's: the field stands there.
            let input = unsafe {
                let at = at.add(*offset);
                if self.is_text(field.ty) && span(at).begin.is_null() {
                    continue;
                }
                self.value(field.ty, at)
                    .map_err(|why| within(&field.name, &why))?
            };
            entries.push((&field.name, input));
        }
        Ok(Input::Map(entries.into_bump_slice()))
    }

    fn is_text(self, ty: TypeId) -> bool {
        matches!(
            self.schema.get(ty),
            Type::Str { .. } | Type::Path | Type::Host | Type::HeaderName | Type::Zone | Type::Key
        )
    }

    /// # Safety
    /// As [`Reader::value`], of an enum.
    unsafe fn variant(self, index: u32, at: *const u8) -> Read<'r> {
        let declared: &'r Enum = &self.schema.enums[index as usize];
        let tagged = self.layouts.tagged(index);
        // SAFETY: every enum begins with its tag.
        let tag = unsafe { at.cast::<u32>().read() };
        let Some(variant) = declared.variants.get(tag as usize) else {
            return Err(format!("{} has no variant {tag}", declared.name));
        };
        let name: &'r str = &variant.name;
        let first = declared.tag.as_deref().map(|key| (key, Input::Str(name)));
        let fields = match &tagged.variants[tag as usize] {
            // SAFETY: the caller's: the struct of the variant that the tag names stands in the union.
            Some(laid) => unsafe {
                self.fields(&variant.fields, laid, at.add(tagged.payload), first)?
            },
            None => match first {
                Some(first) => Input::Map(entry(self.arena, first)),
                None => return Ok(Input::Str(name)),
            },
        };
        Ok(match first {
            Some(_) => fields,
            None => Input::Map(entry(self.arena, (name, fields))),
        })
    }
}

fn entry<'r>(arena: &'r Arena, entry: (&'r str, Input<'r>)) -> &'r [(&'r str, Input<'r>)] {
    let mut entries = arena.vec();
    entries.push(entry);
    entries.into_bump_slice()
}

fn within(field: &str, why: &str) -> String {
    format!("{field}: {why}")
}

/// # Safety
/// A number stands there.
unsafe fn number(at: *const u8) -> i64 {
    // SAFETY: the caller's.
    unsafe { at.cast::<i64>().read() }
}

/// # Safety
/// A span stands there.
unsafe fn span(at: *const u8) -> Span {
    // SAFETY: the caller's.
    unsafe { at.cast::<Span>().read() }
}

/// # Safety
/// An address stands there.
unsafe fn ip(at: *const u8) -> Ip {
    // SAFETY: the caller's.
    Ip(unsafe { at.cast::<[u8; 16]>().read() })
}

/// A span of no more elements than the type allows: nothing is laid out for what is refused anyway.
fn few(span: Span, max: u32) -> Result<Span, String> {
    match span.len > max as usize {
        true => Err(format!(
            "at most {max} elements are allowed, and there are {}",
            span.len
        )),
        false => Ok(span),
    }
}

/// A span that can be gone through.
fn begun(span: Span) -> Result<Span, String> {
    match span.begin.is_null() && span.len > 0 {
        true => Err(format!(
            "it is said to have length {}, and its pointer is null",
            span.len
        )),
        false => Ok(span),
    }
}

/// # Safety
/// So many elements of that type stand there, and can be read as long as `'r`.
pub unsafe fn elements<'r, T>(span: Span) -> Result<&'r [T], String> {
    let span = begun(span)?;
    if span.len == 0 {
        return Ok(&[]);
    }
    // SAFETY: the caller's.
    Ok(unsafe { slice::from_raw_parts(span.begin.cast(), span.len) })
}

/// # Safety
/// So many bytes stand there, and can be read as long as `'r`.
pub unsafe fn text<'r>(span: Span) -> Result<&'r str, String> {
    // SAFETY: the caller's.
    let bytes = unsafe { elements::<u8>(span)? };
    str::from_utf8(bytes)
        .map_err(|e| format!("the text is not UTF-8 from byte {}", e.valid_up_to()))
}
