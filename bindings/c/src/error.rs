//! Errors as handles: what kind, a sentence, JSON.

use std::any::Any;
use std::ffi::{CString, c_char};
use std::ptr;

use serde_json::json;

use crate::border::{Handle, Status, Tagged, borrow, caught_or, tagged};
use crate::compiler::{diagnostics, has_diagnostics};

/// Why a call was not done. Owned by whoever asked for it; `tollgate_error_free`.
pub struct Error {
    _opaque: [u8; 0],
}

impl Handle for Error {
    type Inner = Told;
    const TAG: u64 = 0x746f_6c6c_0000_0001;
    const NAME: &'static str = "error";
}

/// What an error tells.
pub(crate) struct Told {
    status: Status,
    message: CString,
    json: CString,
}

/// Why a call was not done, before anybody asks.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    what: What,
}

#[derive(Debug)]
enum What {
    Sentence(String),
    /// What a client sent, where that is known, and why not.
    Sent {
        path: &'static str,
        reason: &'static str,
    },
    Face(tollgate::Error),
}

impl Failure {
    /// The caller broke the contract.
    pub(crate) fn misuse(sentence: String) -> Failure {
        Failure {
            status: Status::Misuse,
            what: What::Sentence(sentence),
        }
    }

    /// Something is not there.
    pub(crate) fn failed(sentence: String) -> Failure {
        Failure {
            status: Status::Failed,
            what: What::Sentence(sentence),
        }
    }

    /// A client is wrong.
    pub(crate) fn refused(path: &'static str, reason: &'static str) -> Failure {
        Failure {
            status: Status::Refused,
            what: What::Sent { path, reason },
        }
    }

    /// A panic.
    pub(crate) fn bug(panic: Box<dyn Any + Send>) -> Failure {
        let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        let said = said.unwrap_or_default();
        Failure {
            status: Status::Bug,
            what: What::Sentence(format!("this is a bug in tollgate: {said}")),
        }
    }
}

impl From<tollgate::Error> for Failure {
    fn from(error: tollgate::Error) -> Failure {
        let status = match error.refusal() {
            Some(_) => Status::Refused,
            None if has_diagnostics(&error) => Status::Rules,
            None => Status::Failed,
        };
        Failure {
            status,
            what: What::Face(error),
        }
    }
}

impl Error {
    /// The handle of a failure. What costs something (drawing diagnostics) is done here, and so only for those who ask.
    pub(crate) fn handle(failure: Failure) -> *mut Error {
        let (message, json) = match &failure.what {
            What::Sentence(sentence) => {
                (sentence.clone(), json!({ "message": sentence }).to_string())
            }
            What::Sent { path, reason } => (
                match *path {
                    "" => (*reason).to_owned(),
                    path => format!("{path}: {reason}"),
                },
                json!({ "path": path, "value": "", "reason": reason }).to_string(),
            ),
            What::Face(error) => (error.to_string(), json_of(error)),
        };
        let told = Told {
            status: failure.status,
            message: c_string(message),
            json: c_string(json),
        };
        Box::into_raw(Box::new(Tagged::new::<Error>(told))).cast()
    }
}

/// What kind of error it is; `TOLLGATE_STATUS_MISUSE` for a null pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_error_status(error: *const Error) -> Status {
    // SAFETY: the contract of the header.
    unsafe { borrow(error) }.map_or(Status::Misuse, |told| told.status)
}

/// The error as text: one sentence, or for rules that do not compile the diagnostics drawn on their source, as `tollgate check` does without
/// colours. Lives as long as the error. Never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_error_message(error: *const Error) -> *const c_char {
    // SAFETY: the contract of the header.
    unsafe { borrow(error) }.map_or(c"".as_ptr(), |told| told.message.as_ptr())
}

/// The error as JSON. For rules one diagnostic a line (slug, severity, message, labels, notes, help), the same as `tollgate check --format json`; for
/// refused facts `{"path","value","reason"}`; otherwise `{"message"}`. Lives as long as the error. Never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_error_json(error: *const Error) -> *const c_char {
    // SAFETY: the contract of the header.
    unsafe { borrow(error) }.map_or(c"{}".as_ptr(), |told| told.json.as_ptr())
}

/// Frees an error. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_error_free(error: *mut Error) {
    // SAFETY: the contract of the header: a live handle that is used no more.
    unsafe { free(error) }
}

/// Frees a handle that is a box. Null, and what is no handle of this kind, are left alone.
///
/// # Safety
/// As [`borrow`], and nobody uses the handle any more.
pub(crate) unsafe fn free<T: Handle>(handle: *mut T) {
    caught_or((), || {
        // SAFETY: as promised; it was made by `Box::into_raw` of this type.
        unsafe {
            if let Ok(tagged) = tagged(handle) {
                drop(Box::from_raw(tagged.cast_mut()));
            }
        }
    });
}

/// A C string; a NUL inside, which a message may quote, is shown.
pub(crate) fn c_string(text: String) -> CString {
    CString::new(text).unwrap_or_else(|e| {
        let text = String::from_utf8_lossy(&e.into_vec()).replace('\0', "\u{2400}");
        CString::new(text).unwrap_or_default()
    })
}

/// Null, for what is not there.
pub(crate) const fn nothing<T>() -> *const T {
    ptr::null()
}

fn json_of(error: &tollgate::Error) -> String {
    if let Some(diagnostics) = diagnostics(error) {
        return diagnostics;
    }
    if let Some(refusal) = error.refusal() {
        let (path, value, reason) = (refusal.path(), refusal.value(), refusal.reason());
        return json!({ "path": path, "value": value, "reason": reason }).to_string();
    }
    json!({ "message": error.to_string() }).to_string()
}
