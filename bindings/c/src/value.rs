//! Values on their way in, as C lays them down, and texts in both directions.

use std::ffi::{CStr, c_char};

use tollgate::{Arena, Input};

use crate::border::{array, bytes, sent};
use crate::error::Failure;

/// Most lists and maps inside each other.
const DEPTH_MAX: u32 = 32;
/// Most values of one call, those inside others counted each time they are found: lists may share what they point to.
const VALUES_MAX: u32 = 1 << 20;

/// A text or bytes with their size. A text that Tollgate gives is followed by a NUL that `size` does not count; one that it is given need not be.
/// Null with the size 0 is the empty text.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    /// Where it begins.
    pub bytes: *const c_char,
    /// How many bytes.
    pub size: usize,
}

impl Text {
    /// A text that is followed by its NUL.
    pub(crate) fn of(text: &CStr) -> Text {
        Text {
            bytes: text.as_ptr(),
            size: text.count_bytes(),
        }
    }
}

/// What a value is: the `kind` of a `tollgate_value`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not given: the field gets its default. A value of zero bytes is absent.
    Absent = 0,
    /// `none`.
    None = 1,
    /// `as.boolean`: 0 is false, everything else true.
    Bool = 2,
    /// `as.integer`: a whole number, or a count of units: microseconds (durations, and instants since 1970 UTC), days since 1970 (dates), minor
    /// units (money), billionths (percentages).
    Int = 3,
    /// `as.real`.
    Float = 4,
    /// `as.text`: text, or what is written as one, such as an address, `4.00 SGD`, or the name of an enum's variant.
    Text = 5,
    /// `as.text`, of any bytes.
    Bytes = 6,
    /// `as.list`.
    List = 7,
    /// `as.map`: a record by field names, a map, or an enum's variant with its fields.
    Map = 8,
}

/// A value: a fact, or a part of one. Only borrowed, for the length of the call it is handed to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Value {
    /// A `tollgate_kind`.
    pub kind: u32,
    /// What the kind says.
    pub r#as: Payload,
}

/// What is in a value.
#[repr(C)]
#[derive(Clone, Copy)]
pub union Payload {
    /// Of a truth value.
    pub boolean: i32,
    /// Of a whole number.
    pub integer: i64,
    /// Of a float.
    pub real: f64,
    /// Of text and bytes.
    pub text: Text,
    /// Of a list.
    pub list: List,
    /// Of a map.
    pub map: Map,
}

/// The elements of a list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct List {
    /// The first one.
    pub items: *const Value,
    /// How many.
    pub count: usize,
}

/// The entries of a map: keys and values, in the same order.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Map {
    /// The first key.
    pub keys: *const Text,
    /// The first value.
    pub values: *const Value,
    /// How many of each.
    pub count: usize,
}

/// A text of a C string, which is not copied. Null is the empty text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_text_of(string: *const c_char) -> Text {
    let size = match string.is_null() {
        true => 0,
        // SAFETY: not null; a C string by the contract of the header.
        false => unsafe { CStr::from_ptr(string) }.count_bytes(),
    };
    Text {
        bytes: string,
        size,
    }
}

/// The text of a C string as a value; absent for null, so that what `getenv` and its like do not find is not given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_value_of_string(string: *const c_char) -> Value {
    if string.is_null() {
        return value(Kind::Absent, Payload { integer: 0 });
    }
    // SAFETY: the contract of the header.
    tollgate_value_of_text(unsafe { tollgate_text_of(string) })
}

/// A text as a value.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_value_of_text(text: Text) -> Value {
    value(Kind::Text, Payload { text })
}

/// A whole number as a value.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_value_of_int(integer: i64) -> Value {
    value(Kind::Int, Payload { integer })
}

/// A truth value: 0 is false, everything else true.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_value_of_bool(boolean: i32) -> Value {
    value(Kind::Bool, Payload { boolean })
}

/// A float as a value.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_value_of_float(real: f64) -> Value {
    value(Kind::Float, Payload { real })
}

/// A list of `count` values.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_value_of_list(items: *const Value, count: usize) -> Value {
    let list = List { items, count };
    value(Kind::List, Payload { list })
}

/// A record, map or variant of `count` entries.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_value_of_map(
    keys: *const Text,
    values: *const Value,
    count: usize,
) -> Value {
    let map = Map {
        keys,
        values,
        count,
    };
    value(Kind::Map, Payload { map })
}

fn value(kind: Kind, payload: Payload) -> Value {
    Value {
        kind: kind as u32,
        r#as: payload,
    }
}

/// The values as the face takes them. Texts are borrowed from C, lists and maps laid down in the arena.
///
/// # Safety
/// `values` is null or valid for reads of `count` values, and what they point to is as their kinds say.
pub(crate) unsafe fn inputs<'a>(
    values: *const Value,
    count: usize,
    arena: &'a Arena,
) -> Result<&'a [Option<Input<'a>>], Failure> {
    // SAFETY: as promised.
    let values: &[Value] = unsafe { array(values, count, "the array of values") }?;
    let mut inputs = arena.vec();
    let mut left = VALUES_MAX;
    for value in values {
        // SAFETY: as promised.
        inputs.push(unsafe { input(value, 0, &mut left, arena) }?);
    }
    Ok(inputs.into_bump_slice())
}

/// # Safety
/// As [`inputs`].
unsafe fn input<'a>(
    value: &Value,
    depth: u32,
    left: &mut u32,
    arena: &'a Arena,
) -> Result<Option<Input<'a>>, Failure> {
    if depth > DEPTH_MAX {
        return Err(Failure::misuse(format!(
            "a value has more than {DEPTH_MAX} lists and maps inside each other"
        )));
    }
    *left = left.checked_sub(1).ok_or_else(|| {
        Failure::misuse(format!(
            "more than {VALUES_MAX} values are given in one call"
        ))
    })?;
    let payload = value.r#as;
    // SAFETY: whole numbers and pointers are valid whatever their bits; where the pointers lead is the contract of the header.
    Ok(Some(unsafe {
        match value.kind {
            kind if kind == Kind::Absent as u32 => return Ok(None),
            kind if kind == Kind::None as u32 => Input::None,
            kind if kind == Kind::Bool as u32 => Input::Bool(payload.boolean != 0),
            kind if kind == Kind::Int as u32 => Input::Int(payload.integer),
            kind if kind == Kind::Float as u32 => Input::Float(payload.real),
            kind if kind == Kind::Text as u32 => Input::Str(sent(payload.text, "")?),
            kind if kind == Kind::Bytes as u32 => Input::Bytes(bytes(payload.text, "bytes")?),
            kind if kind == Kind::List as u32 => {
                let List { items, count } = payload.list;
                let mut list = arena.vec();
                for item in array(items, count, "a list")? {
                    list.push(input(item, depth + 1, left, arena)?.unwrap_or(Input::None));
                }
                Input::List(list.into_bump_slice())
            }
            kind if kind == Kind::Map as u32 => {
                let Map {
                    keys,
                    values,
                    count,
                } = payload.map;
                let keys = array(keys, count, "the keys of a map")?;
                let values: &[Value] = array(values, count, "the values of a map")?;
                let mut map = arena.vec();
                for (key, value) in keys.iter().zip(values) {
                    // What is absent is left out, as everywhere.
                    if let Some(value) = input(value, depth + 1, left, arena)? {
                        map.push((sent(*key, "")?, value));
                    }
                }
                Input::Map(map.into_bump_slice())
            }
            kind => {
                return Err(Failure::misuse(format!("there is no kind {kind} of value")));
            }
        }
    }))
}
