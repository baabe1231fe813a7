//! Entries: what of a program can be decided, and which of its facts are given one by one.

use std::ffi::c_char;

use tollgate::Form;

use crate::border::{Handle, Status, Tagged, array, borrow, guard, name, out};
use crate::error::{Error, Failure, free};
use crate::program::Program;

/// A guard, rule set or pipeline of a program, found by its name once, with the facts that the host gives value by value, found by their
/// paths once. Immutable, and free to be used by any number of threads. Good for the program it came from, also with other data, and
/// refused by every other one: after a reload entries are made anew.
pub struct Entry {
    _opaque: [u8; 0],
}

impl Handle for Entry {
    type Inner = Form;
    const TAG: u64 = 0x746f_6c6c_0000_0003;
    const NAME: &'static str = "entry";
}

/// An entry by its name. `paths` are the facts that `tollgate_decide` will be given: a path goes through records by dots (`client.ip`); with
/// one parameter it begins in that, and the empty path is the parameter itself; with several it begins with the parameter's name. Facts that
/// come as JSON need no paths (null, 0).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_entry_new(
    program: *const Program,
    name: *const c_char,
    paths: *const *const c_char,
    count: usize,
    entry: *mut *mut Entry,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        found(
            program,
            name,
            paths,
            count,
            entry,
            error,
            |program, name, paths| program.form(name, paths),
        )
    }
}

/// As `tollgate_entry_new`, for an entry whose first parameter is a `std.http.Request` or another record with some of its fields. Its
/// fields come from the request that `tollgate_decide_request` takes; `paths` are what is given beside (`api_key`, fields of other
/// parameters).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_entry_of_requests(
    program: *const Program,
    name: *const c_char,
    paths: *const *const c_char,
    count: usize,
    entry: *mut *mut Entry,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        found(
            program,
            name,
            paths,
            count,
            entry,
            error,
            |program, name, paths| program.request_form(name, paths),
        )
    }
}

/// Frees an entry. Null is allowed. Decisions that were made with it stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_entry_free(entry: *mut Entry) {
    // SAFETY: the contract of the header: a live handle that is used no more.
    unsafe { free(entry) }
}

/// What both ways to find an entry share.
///
/// # Safety
/// The contract of the header.
unsafe fn found(
    program: *const Program,
    name: *const c_char,
    paths: *const *const c_char,
    count: usize,
    entry: *mut *mut Entry,
    error: *mut *mut Error,
    find: impl FnOnce(&tollgate::Program, &str, &[&str]) -> Result<Form, tollgate::Error>,
) -> Status {
    // SAFETY: as promised.
    unsafe {
        guard(error, || {
            let entry = out(entry)?;
            let program = &borrow(program)?.program;
            let name = self::name(name, "the name of the entry")?;
            let paths: &[*const c_char] = array(paths, count, "the array of paths")?;
            let paths: Result<Vec<&str>, Failure> = paths
                .iter()
                .map(|path| self::name(*path, "a path"))
                .collect();
            let form = find(program, name, &paths?)?;
            *entry = Box::into_raw(Box::new(Tagged::new::<Entry>(form))).cast();
            Ok(())
        })
    }
}
