//! # What this is
//!
//! The library that a program with compiled rules in it is linked with, `libtollgate_rt`: the functions of `tollgate.h`. There is no compiler in
//! it.
//!
//! # What goes in and comes out
//!
//! In: the image that an object file made by `tollgate build` shows, and facts. Out: decisions. The functions are said in
//! `backends/embed/src/tollgate.h`, which every header made by `tollgate build` begins with.
//!
//! # Invariants
//!
//! - No panic crosses into C: one is caught, and told as `TOLLGATE_BUG`.
//! - Everything but a session may be used by any number of threads at once.
//! - A failure is a status and a sentence, which `tollgate_error` gives to the thread that met it.
//!
//! # Where to start reading
//!
//! [`tollgate_session_decide`]; what it does stands in `tollgate_embed::program`.
//!
//! # What it must not know
//!
//! The compiler.

#![allow(
    unsafe_code,
    reason = "C calls these functions, and hands them addresses"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "what is owed to each function stands in tollgate.h"
)]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::str::FromStr;
use std::sync::Arc;

use tollgate_embed::read::{Span, elements, text};
use tollgate_embed::write::span_of;
use tollgate_embed::{Failure, Program, Session};
use tollgate_native_abi::object::Image;
use tollgate_runtime::kinds::net::Ip;

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum Status {
    /// As it should.
    Ok = 0,
    /// The facts break a rule of their type.
    Refused = 1,
    /// There is no such thing, or something is missing.
    Misused = 2,
    /// Our mistake.
    Bug = 3,
}

thread_local! {
    /// Why the last call of this thread that failed did.
    static ERROR: RefCell<CString> = RefCell::new(CString::default());
}

/// Why the last call of this thread that failed did.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_error() -> *const c_char {
    // A thread that ends may have let go of it already.
    let said = ERROR.try_with(|error| error.try_borrow().map_or(c"".as_ptr(), |e| e.as_ptr()));
    said.unwrap_or(c"".as_ptr())
}

/// Makes a program of an image.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_load(
    image: *const Image,
    schema_hash: u64,
) -> *mut c_void {
    // SAFETY: the caller's.
    made(|| unsafe { load(image, schema_hash, None) })
}

/// Makes a program of an image, that goes on with the states of another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_load_after(
    image: *const Image,
    schema_hash: u64,
    before: *const c_void,
) -> *mut c_void {
    made(|| {
        // SAFETY: the caller gives a program that was loaded.
        let before = unsafe { before.cast::<Program>().as_ref() };
        let before = before.ok_or_else(|| missing("program before"))?;
        // SAFETY: the caller's.
        unsafe { load(image, schema_hash, Some(before)) }
    })
}

/// Ends a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_free(program: *mut c_void) {
    if !program.is_null() {
        // SAFETY: the caller gives a program that was loaded, and does not use it again.
        let program = unsafe { Arc::from_raw(program.cast::<Program>()) };
        done(|| {
            drop(program);
            Ok(())
        });
    }
}

/// Gives a program data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_data(
    program: *const c_void,
    name: *const c_char,
    json: *const c_char,
    json_len: usize,
) -> Status {
    done(|| {
        // SAFETY: the caller gives a program, a string that ends with a zero, and so many bytes.
        unsafe {
            let program = program
                .cast::<Program>()
                .as_ref()
                .ok_or_else(|| missing("program"))?;
            let name = if name.is_null() {
                c""
            } else {
                CStr::from_ptr(name)
            };
            let name = name
                .to_str()
                .map_err(|_| Failure::Misused("the name is not UTF-8".into()))?;
            program.give_data(name, given(json, json_len)?)
        }
    })
}

/// Gives back what a decision holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_finish(program: *const c_void, id: Span) -> Status {
    done(|| {
        // SAFETY: the caller gives a program, and a text.
        let (program, id) = unsafe { (program.cast::<Program>().as_ref(), text(id)) };
        let program = program.ok_or_else(|| missing("program"))?;
        program.finish(id.map_err(Failure::Misused)?);
        Ok(())
    })
}

/// Begins a session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_new(program: *const c_void) -> *mut c_void {
    made(|| {
        let program = program.cast::<Program>();
        if program.is_null() {
            return Err(missing("program"));
        }
        // SAFETY: the caller gives a program that was loaded, which is counted once more and stays the caller's.
        let program = unsafe {
            Arc::increment_strong_count(program);
            Arc::from_raw(program)
        };
        Ok(Box::into_raw(Box::new(Session::new(program))).cast())
    })
}

/// Ends a session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_free(session: *mut c_void) {
    if !session.is_null() {
        // SAFETY: the caller gives a session that was begun, and does not use it again.
        let session = unsafe { Box::from_raw(session.cast::<Session>()) };
        done(|| {
            drop(session);
            Ok(())
        });
    }
}

/// The id and the time of what follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_call(
    session: *mut c_void,
    id: Span,
    time_us: i64,
) -> Status {
    done(|| {
        // SAFETY: the caller gives a session, which no other thread uses, and a text.
        unsafe {
            let session = session_of(session)?;
            session.call(text(id).map_err(Failure::Misused)?, time_us);
        }
        Ok(())
    })
}

/// Decides about facts that were laid down.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_decide(
    session: *mut c_void,
    entry: u32,
    facts: *const *const c_void,
    value: *mut c_void,
) -> Status {
    done(|| {
        if value.is_null() {
            return Err(missing("room for the value"));
        }
        // SAFETY: the caller gives a session, which no other thread uses, and facts and room as the header says.
        unsafe { session_of(session)?.decide(entry, facts, value) }
    })
}

/// Decides about facts in JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_decide_json(
    session: *mut c_void,
    entry: u32,
    json: *const c_char,
    json_len: usize,
    decision: *mut Span,
) -> Status {
    done(|| {
        // SAFETY: the caller gives a session, which no other thread uses, so many bytes, and room for a text.
        unsafe {
            let decision = decision
                .as_mut()
                .ok_or_else(|| missing("room for the decision"))?;
            let json = given(json, json_len)?;
            *decision = span_of(session_of(session)?.decide_json(entry, json)?.as_bytes());
        }
        Ok(())
    })
}

/// Who decided last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_by(session: *const c_void) -> Span {
    // SAFETY: the caller gives a session, which no other thread uses, or none.
    let by = unsafe { session.cast::<Session>().as_ref() }.map_or(&[][..], Session::by);
    Span {
        begin: by.as_ptr().cast(),
        len: by.len(),
    }
}

/// A state that the last decision could not ask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_session_failure(
    session: *const c_void,
    number: usize,
    state: *mut Span,
    reason: *mut Span,
) -> bool {
    let mut there = false;
    done(|| {
        // SAFETY: the caller gives a session, which no other thread uses, or none, and room for two texts.
        let (session, state, reason) = unsafe {
            let session = session.cast::<Session>().as_ref();
            (session, state.as_mut(), reason.as_mut())
        };
        let found = session.and_then(|session| session.failure(number));
        if let (Some(found), Some(state), Some(reason)) = (found, state, reason) {
            (*state, *reason) = found;
            there = true;
        }
        Ok(())
    });
    there
}

/// Reads an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_ip_read(from: Span, ip: *mut [u8; 16]) -> Status {
    done(|| {
        // SAFETY: the caller gives a text, and room for an address.
        let (from, ip) = unsafe { (text(from).map_err(Failure::Refused)?, ip.as_mut()) };
        let read = Ip::from_str(from).map_err(|e| Failure::Refused(e.to_string()))?;
        *ip.ok_or_else(|| missing("room for the address"))? = read.0;
        Ok(())
    })
}

/// # Safety
/// The image is one of an object file that was linked in, or there is none.
unsafe fn load(
    image: *const Image,
    schema_hash: u64,
    before: Option<&Program>,
) -> Result<*mut c_void, Failure> {
    // SAFETY: the caller's.
    let image = unsafe { image.as_ref() }.ok_or_else(|| missing("image"))?;
    let natives = tollgate_stdlib::library().natives;
    // SAFETY: the same.
    let program = unsafe { Program::load(image, schema_hash, natives, before)? };
    Ok(Arc::into_raw(Arc::new(program)).cast_mut().cast())
}

/// # Safety
/// So many bytes stand there, while the call lasts.
unsafe fn given<'g>(json: *const c_char, len: usize) -> Result<&'g [u8], Failure> {
    let span = Span {
        begin: json.cast(),
        len,
    };
    // SAFETY: the caller's.
    unsafe { elements(span) }.map_err(Failure::Misused)
}

/// # Safety
/// A session that nobody else uses stands there while the call lasts, or nothing.
unsafe fn session_of<'s>(session: *mut c_void) -> Result<&'s mut Session, Failure> {
    // SAFETY: the caller's.
    unsafe { session.cast::<Session>().as_mut() }.ok_or_else(|| missing("session"))
}

#[cold]
fn missing(what: &str) -> Failure {
    Failure::Misused(format!("there is no {what}: the pointer is null"))
}

/// Does something, and tells how it ended.
fn done(what: impl FnOnce() -> Result<(), Failure>) -> Status {
    match catch_unwind(AssertUnwindSafe(what)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(failure)) => {
            failed(&failure.to_string());
            match failure {
                Failure::Refused(_) => Status::Refused,
                Failure::Misused(_) => Status::Misused,
            }
        }
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.downcast_ref::<&str>().copied());
            failed(&format!(
                "a bug in tollgate: {}",
                said.unwrap_or("it panicked")
            ));
            Status::Bug
        }
    }
}

/// Makes something; null where it could not be made.
fn made(what: impl FnOnce() -> Result<*mut c_void, Failure>) -> *mut c_void {
    let mut made = ptr::null_mut();
    done(|| {
        made = what()?;
        Ok(())
    });
    made
}

#[cold]
fn failed(why: &str) {
    // A zero would end the sentence.
    let why = CString::new(why.replace('\0', " ")).unwrap_or_default();
    // A thread that ends may have let go of it already: then only the status tells.
    let _ = ERROR.try_with(|error| {
        if let Ok(mut error) = error.try_borrow_mut() {
            *error = why;
        }
    });
}
