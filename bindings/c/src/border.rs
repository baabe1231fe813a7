//! The border: what every function does with what C hands over, and that no panic leaves.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;
use std::str;

use crate::error::{Error, Failure};
use crate::value::Text;

/// How a call went. Everything but `OK` leaves an error behind, where the caller asked for one.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was done.
    Ok = 0,
    /// The rules do not compile; the error has the diagnostics.
    Rules = 1,
    /// The facts or data violate their types, or are not UTF-8: a client's mistake, which a gateway answers with 400.
    Refused = 2,
    /// A file cannot be read, there is no such name, something was not given.
    Failed = 3,
    /// The call breaks the contract of this header: a null pointer, a name that is not UTF-8, a handle of another kind, a session
    /// that two threads use.
    Misuse = 4,
    /// A mistake of Tollgate. Please report it.
    Bug = 5,
}

/// A handle as it lies behind the pointer that C holds: what kind it is, and the thing itself.
#[repr(C)]
pub(crate) struct Tagged<H> {
    tag: u64,
    pub(crate) inner: H,
}

/// What C knows by a pointer to the opaque type `Self`.
pub(crate) trait Handle: Sized {
    /// What lies behind the pointer.
    type Inner;
    /// Tells handles apart: any number, another one for each kind.
    const TAG: u64;
    /// What it is called in errors.
    const NAME: &'static str;
}

/// The tag of a handle that was freed, for as long as its memory is not used again.
const FREED: u64 = 0;

impl<H> Tagged<H> {
    pub(crate) fn new<T: Handle<Inner = H>>(inner: H) -> Tagged<H> {
        Tagged { tag: T::TAG, inner }
    }
}

impl<H> Drop for Tagged<H> {
    fn drop(&mut self) {
        // Written so that the compiler cannot leave it out: a pointer that is used once more may still find it.
        // SAFETY: the field is ours and valid.
        unsafe { ptr::write_volatile(&mut self.tag, FREED) };
    }
}

/// Does `work`; what it fails of goes to `error`, if the caller wants it, and its kind is returned. A panic is a failure like others.
///
/// # Safety
/// `error` is null or valid for a write.
pub(crate) unsafe fn guard(
    error: *mut *mut Error,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Status {
    let failure = match caught(work) {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(panic) => Some(Failure::bug(panic)),
    };
    let status = failure.as_ref().map_or(Status::Ok, |f| f.status);
    if !error.is_null() {
        // Rendering a failure is work, too.
        let handle = failure.and_then(|failure| caught(|| Error::handle(failure)).ok());
        // SAFETY: not null, and valid for a write by the contract.
        unsafe { error.write(handle.unwrap_or(ptr::null_mut())) };
    }
    status
}

/// Does `work`, or answers with what stands for "nothing" where it panics: for functions that cannot fail.
pub(crate) fn caught_or<T>(nothing: T, work: impl FnOnce() -> T) -> T {
    caught(work).unwrap_or(nothing)
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    // What a panic may leave half done is a session's decision, which is cleared before the next.
    catch_unwind(AssertUnwindSafe(work))
}

/// The thing behind a handle.
///
/// # Safety
/// `pointer` is null or a live handle; of another kind is noticed.
pub(crate) unsafe fn borrow<'h, T: Handle + 'h>(
    pointer: *const T,
) -> Result<&'h T::Inner, Failure> {
    // SAFETY: as promised.
    let tagged = unsafe { tagged(pointer) }?;
    // SAFETY: it is of this kind; a shared borrow for the length of the call.
    Ok(unsafe { &(*tagged).inner })
}

/// Where a handle lies, when it is of this kind.
///
/// # Safety
/// As [`borrow`].
pub(crate) unsafe fn tagged<T: Handle>(
    pointer: *const T,
) -> Result<*const Tagged<T::Inner>, Failure> {
    let tagged = pointer.cast::<Tagged<T::Inner>>();
    if tagged.is_null() {
        return Err(Failure::misuse(format!("{} is null", T::NAME)));
    }
    // SAFETY: every handle begins with its tag.
    if !tagged.is_aligned() || unsafe { (*tagged).tag } != T::TAG {
        return Err(Failure::misuse(format!(
            "this is no {}, or was freed",
            T::NAME
        )));
    }
    Ok(tagged)
}

/// Where a result is to be written. It is made null at once, so that a caller who does not look at the status finds nothing.
///
/// # Safety
/// `pointer` is null or valid for a write.
pub(crate) unsafe fn out<'o, T>(pointer: *mut *mut T) -> Result<&'o mut *mut T, Failure> {
    // SAFETY: as promised; a null pointer is written before it is borrowed, so that nothing uninitialised is.
    unsafe {
        if pointer.is_null() {
            return Err(Failure::misuse("where the result goes is null".into()));
        }
        pointer.write(ptr::null_mut());
        Ok(&mut *pointer)
    }
}

/// A name or a path: a C string.
///
/// # Safety
/// `pointer` is null or ends with a NUL.
pub(crate) unsafe fn name<'c>(pointer: *const c_char, what: &str) -> Result<&'c str, Failure> {
    if pointer.is_null() {
        return Err(Failure::misuse(format!("{what} is null")));
    }
    // SAFETY: as promised.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    utf8(bytes, what)
}

/// A text.
///
/// # Safety
/// `text.bytes` is null or valid for reads of `text.size` bytes.
pub(crate) unsafe fn text<'c>(text: Text, what: &str) -> Result<&'c str, Failure> {
    // SAFETY: as promised.
    utf8(unsafe { bytes(text, what) }?, what)
}

/// A text that a client sent: where it is not UTF-8, the client is wrong and not the host. `path` is the field it stands in, or empty.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn sent<'c>(sent: Text, path: &'static str) -> Result<&'c str, Failure> {
    // SAFETY: as promised.
    let bytes = unsafe { bytes(sent, "a text") }?;
    str::from_utf8(bytes).map_err(|_| match path {
        "" => Failure::refused(path, "a text is not UTF-8"),
        _ => Failure::refused(path, "it is not UTF-8"),
    })
}

/// The bytes of a text.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn bytes<'c>(text: Text, what: &str) -> Result<&'c [u8], Failure> {
    // SAFETY: as promised.
    unsafe { array(text.bytes.cast::<u8>(), text.size, what) }
}

/// An array; a null pointer is one without elements.
///
/// # Safety
/// `pointer` is null or valid for reads of `count` elements.
pub(crate) unsafe fn array<'c, T>(
    pointer: *const T,
    count: usize,
    what: &str,
) -> Result<&'c [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Failure::misuse(format!(
            "{what} is null and has {count} elements"
        )));
    }
    if !pointer.is_aligned() {
        return Err(Failure::misuse(format!("{what} is not aligned")));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::misuse(format!(
            "{what} has {count} elements, more than there is memory"
        )));
    }
    // SAFETY: not null, aligned, no larger than memory; valid by the contract.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

fn utf8<'c>(bytes: &'c [u8], what: &str) -> Result<&'c str, Failure> {
    str::from_utf8(bytes)
        .map_err(|e| Failure::misuse(format!("{what} is not UTF-8 at byte {}", e.valid_up_to())))
}
