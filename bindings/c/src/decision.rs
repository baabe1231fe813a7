//! Decisions: reading what was decided.

use std::ffi::c_char;

use tollgate::{Arena, ValueRef};

use crate::border::{Handle, borrow, caught_or, name};
use crate::value::Text;

/// What was decided, and by which rules. Belongs to its session; lives, with every text it gives, until that decides again or is freed.
/// For the thread that decided.
pub struct Decision {
    _opaque: [u8; 0],
}

impl Handle for Decision {
    type Inner = Decided;
    const TAG: u64 = 0x746f_6c6c_0000_0005;
    const NAME: &'static str = "decision";
}

/// A decision, where there is one, and the texts that were given of it.
#[derive(Default)]
pub(crate) struct Decided {
    pub(crate) decision: Option<tollgate::Decision<'static>>,
    texts: Arena,
}

impl Decided {
    /// Nothing decided yet, in the same memory.
    pub(crate) fn again(last: Decided) -> Decided {
        let Decided { mut texts, .. } = last;
        texts.reset();
        Decided {
            decision: None,
            texts,
        }
    }
}

/// The decision as JSON: `{"value":…,"by":"rule"}`; `by` is a list under `hit all` and `hit sum`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_json(decision: *const Decision) -> Text {
    let json = |decided: &Decided| Some(decided.give(&decided.decision.as_ref()?.to_json()));
    // SAFETY: the contract of the header.
    unsafe { read(decision, json) }.unwrap_or(NO_TEXT)
}

/// The decision as JSON with what it asked of states: `{"value":…,"by":…,"operations":[…]}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_trace(decision: *const Decision) -> Text {
    let trace = |decided: &Decided| {
        let mut json = String::new();
        decided.decision.as_ref()?.write_trace(&mut json);
        Some(decided.give(&json))
    };
    // SAFETY: the contract of the header.
    unsafe { read(decision, trace) }.unwrap_or(NO_TEXT)
}

/// A state that could not be asked, so that its `on_failure` answered, by its number from 0: its name, and why: `the store does not answer`. For nearly every decision
/// there is none. 1 when there is one, 0 behind the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_failure(
    decision: *const Decision,
    number: usize,
    state: *mut Text,
    reason: *mut Text,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe {
        put(decision, (state, reason), |decided| {
            let failures = decided.decision.as_ref()?.failures();
            let (state, reason) = failures.get(number)?;
            Some((decided.give(state), decided.give(&reason.to_string())))
        })
    }
}

/// How many rules decided: 1, but for `hit all` and `hit sum`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_rule_count(decision: *const Decision) -> usize {
    let count = |decided: &Decided| Some(decided.decision.as_ref()?.by().count());
    // SAFETY: the contract of the header.
    unsafe { read(decision, count) }.unwrap_or(0)
}

/// The name of a rule that decided, by its number from 0; `otherwise` where none matched; for a pipeline `stage.rule`. The empty text where there
/// is none of that number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_rule(decision: *const Decision, number: usize) -> Text {
    let rule = |decided: &Decided| {
        let name = decided.decision.as_ref()?.by().nth(number)?;
        Some(decided.give(&name))
    };
    // SAFETY: the contract of the header.
    unsafe { read(decision, rule) }.unwrap_or(NO_TEXT)
}

/// The name of an enum's variant: `forward` of `forward(service: payments)`. `path` leads to a field of the value, by dots; null or empty for the
/// value itself. The empty text where there is no enum.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_variant(
    decision: *const Decision,
    path: *const c_char,
) -> Text {
    // SAFETY: the contract of the header.
    unsafe {
        read(decision, |decided| {
            let name = decided.at(path)?.variant()?;
            Some(decided.give(name))
        })
    }
    .unwrap_or(NO_TEXT)
}

/// Reads a value as text, into `text`: what stands in JSON, without the quotes: `payments`, `800ms`, `/a%20b`, `true`, `17`, `[1,2]`.
/// 1 when there is such a value, 0 when there is not, or it is `none`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_text(
    decision: *const Decision,
    path: *const c_char,
    text: *mut Text,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe {
        put(decision, text, |decided| {
            let value = decided.at(path).filter(|value| !value.is_none())?;
            Some(decided.give(&value.text()))
        })
    }
}

/// Reads a whole number, or a count of units: microseconds (durations, instants), days (dates), minor units (money), billionths
/// (percentages). 1 when there is one, 0 when not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_int(
    decision: *const Decision,
    path: *const c_char,
    integer: *mut i64,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe { put(decision, integer, |decided| decided.at(path)?.as_int()) }
}

/// Reads a truth value, as 0 or 1. 1 when there is one, 0 when not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_bool(
    decision: *const Decision,
    path: *const c_char,
    boolean: *mut i32,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe {
        put(decision, boolean, |decided| {
            decided.at(path)?.as_bool().map(i32::from)
        })
    }
}

/// Reads a float. 1 when there is one, 0 when not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_float(
    decision: *const Decision,
    path: *const c_char,
    real: *mut f64,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe { put(decision, real, |decided| decided.at(path)?.as_float()) }
}

/// The name of a field of a record or variant, by its number from 0, into `name`: to go through what there is. 1 when there is one, 0
/// behind the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_field(
    decision: *const Decision,
    path: *const c_char,
    number: usize,
    name: *mut Text,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe {
        put(decision, name, |decided| {
            let (name, _) = decided.at(path)?.fields().nth(number)?;
            Some(decided.give(name))
        })
    }
}

/// An element of a list, set or `Values`, by its number from 0, as text. 1 when there is one, 0 behind the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_decision_item(
    decision: *const Decision,
    path: *const c_char,
    number: usize,
    text: *mut Text,
) -> i32 {
    // SAFETY: the contract of the header.
    unsafe {
        put(decision, text, |decided| {
            let value = decided.at(path)?;
            let item = value.items().nth(number).map(|item| item.text());
            let item = item.or_else(|| value.texts().nth(number).map(Into::into));
            Some(decided.give(&item?))
        })
    }
}

/// What is there where there is no text: empty, and a C string.
const NO_TEXT: Text = Text {
    bytes: c"".as_ptr(),
    size: 0,
};

impl Decided {
    /// The value that a path leads to.
    ///
    /// # Safety
    /// `path` is null or a C string.
    unsafe fn at(&self, path: *const c_char) -> Option<ValueRef<'_>> {
        let path = match path.is_null() {
            true => "",
            // SAFETY: as promised.
            false => unsafe { name(path, "the path") }.ok()?,
        };
        self.decision.as_ref()?.value().at(path)
    }

    /// A text for C: in the decision's memory, with a NUL behind it.
    fn give(&self, text: &str) -> Text {
        let text = self.texts.concat(&[text, "\0"]);
        Text {
            bytes: text.as_ptr().cast(),
            size: text.len() - 1,
        }
    }
}

/// What is read of a handle; `None` where there is nothing to read, or no handle of this kind.
///
/// # Safety
/// As [`borrow`].
unsafe fn read<'h, H: Handle + 'h, T>(
    handle: *const H,
    read: impl FnOnce(&'h H::Inner) -> Option<T>,
) -> Option<T> {
    caught_or(None, || {
        // SAFETY: as promised.
        unsafe { borrow(handle) }.ok().and_then(read)
    })
}

/// Writes what is read of a handle; whether there was something, and somewhere to write all of it.
///
/// # Safety
/// As [`borrow`]; each pointer of `to` is null or valid for a write.
pub(crate) unsafe fn put<'h, H: Handle + 'h, P: Places>(
    handle: *const H,
    to: P,
    what: impl FnOnce(&'h H::Inner) -> Option<P::Found>,
) -> i32 {
    // SAFETY: as promised.
    let found = unsafe { read(handle, what) };
    // SAFETY: as promised.
    let put = found.is_some_and(|found| unsafe { to.put(found) });
    i32::from(put)
}

/// Where what is read goes: a pointer, or two for what has two parts.
pub(crate) trait Places {
    /// What goes there.
    type Found;
    /// Writes it, unless a pointer is null.
    ///
    /// # Safety
    /// Each pointer is null or valid for a write.
    unsafe fn put(self, found: Self::Found) -> bool;
}

impl<T> Places for *mut T {
    type Found = T;

    unsafe fn put(self, found: T) -> bool {
        if self.is_null() {
            return false;
        }
        // SAFETY: as promised, and not null.
        unsafe { self.write(found) };
        true
    }
}

impl<T, U> Places for (*mut T, *mut U) {
    type Found = (T, U);

    unsafe fn put(self, (first, second): (T, U)) -> bool {
        if self.0.is_null() || self.1.is_null() {
            return false;
        }
        // SAFETY: as promised, and neither is null.
        unsafe {
            self.0.write(first);
            self.1.write(second);
        }
        true
    }
}
