//! Programs: compiled rules, counted and immutable.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tollgate::Engine;

use crate::border::{
    Handle, Status, Tagged, borrow, bytes, caught_or, guard, name, out, tagged, text,
};
use crate::error::{Error, Failure, c_string, nothing};
use crate::value::Text;

/// A compiled program. Immutable, and free to be used by any number of threads; counted: whoever holds a reference releases it once.
/// Sessions hold one of their own.
pub struct Program {
    _opaque: [u8; 0],
}

impl Handle for Program {
    type Inner = Compiled;
    const TAG: u64 = 0x746f_6c6c_0000_0002;
    const NAME: &'static str = "program";
}

/// A program, and what is said about it once somebody asks.
pub(crate) struct Compiled {
    pub(crate) program: tollgate::Program,
    report: OnceLock<CString>,
    report_json: OnceLock<CString>,
}

/// The version of the library.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Compiles a program of one text. `name` is what it is called in diagnostics. `backend` is null for the default, or `vm`, or, in a
/// library that was built with them, `cranelift` or another one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_compile(
    name: *const c_char,
    source: Text,
    backend: *const c_char,
    program: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let program = out(program)?;
            let name = self::name(name, "the name of the source")?;
            let source = text(source, "the source")?;
            let compiled = engine(backend)?.compile_source(name, source)?;
            *program = handle(compiled);
            Ok(())
        })
    }
}

/// Compiles a file and the modules it uses, which stand in the same folder. `backend` as in `tollgate_program_compile`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_compile_file(
    path: *const c_char,
    backend: *const c_char,
    program: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let program = out(program)?;
            let path = name(path, "the path")?;
            let compiled = engine(backend)?.compile_file(Path::new(path))?;
            *program = handle(compiled);
            Ok(())
        })
    }
}

/// The program with a `data` of its rules given, as JSON: a new program, whose reference the caller owns; the old one is as it was.
/// Deciding fails while data is missing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_with_data(
    program: *const Program,
    name: *const c_char,
    json: Text,
    with_data: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let with_data = out(with_data)?;
            let program = borrow(program)?.program.clone();
            let name = self::name(name, "the name of the data")?;
            let json = bytes(json, "the data")?;
            *with_data = handle(program.with_data(name, json)?);
            Ok(())
        })
    }
}

/// One more reference to a program; returns the program, or null if it is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_retain(program: *mut Program) -> *mut Program {
    // SAFETY: the contract of the header: a live handle, which was made by `Arc::into_raw` of this type.
    unsafe {
        let Ok(tagged) = tagged(program) else {
            return nothing::<Program>().cast_mut();
        };
        Arc::increment_strong_count(tagged);
    }
    program
}

/// Gives a reference back; with the last one the program is freed. Null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_release(program: *mut Program) {
    caught_or((), || {
        // SAFETY: as `tollgate_program_retain`, and the reference was the caller's.
        unsafe {
            if let Ok(tagged) = tagged(program) {
                drop(Arc::from_raw(tagged));
            }
        }
    });
}

/// The warnings and notes of the compiler as text; empty when there are none. Lives as long as the program. Never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_report(program: *const Program) -> *const c_char {
    caught_or(c"".as_ptr(), || {
        // SAFETY: the contract of the header.
        let compiled = unsafe { borrow(program) };
        compiled.map_or(c"".as_ptr(), |compiled| {
            let render = || c_string(compiled.program.report().render(false));
            compiled.report.get_or_init(render).as_ptr()
        })
    })
}

/// The warnings and notes as JSON, one a line. Lives as long as the program. Never null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_report_json(program: *const Program) -> *const c_char {
    caught_or(c"".as_ptr(), || {
        // SAFETY: the contract of the header.
        let compiled = unsafe { borrow(program) };
        compiled.map_or(c"".as_ptr(), |compiled| {
            let render = || c_string(compiled.program.report().to_json_lines());
            compiled.report_json.get_or_init(render).as_ptr()
        })
    })
}

/// A reference of Rust to the program behind a handle.
///
/// # Safety
/// As [`borrow`].
pub(crate) unsafe fn share(program: *const Program) -> Result<Arc<Tagged<Compiled>>, Failure> {
    // SAFETY: as promised; it was made by `Arc::into_raw` of this type.
    unsafe {
        let tagged = tagged(program)?;
        Arc::increment_strong_count(tagged);
        Ok(Arc::from_raw(tagged))
    }
}

fn handle(program: tollgate::Program) -> *mut Program {
    let compiled = Compiled {
        program,
        report: OnceLock::new(),
        report_json: OnceLock::new(),
    };
    let tagged = Arc::new(Tagged::new::<Program>(compiled));
    Arc::into_raw(tagged).cast_mut().cast()
}

/// # Safety
/// `backend` is null or a C string.
unsafe fn engine(backend: *const c_char) -> Result<Engine, Failure> {
    if backend.is_null() {
        return Ok(Engine::new());
    }
    // SAFETY: as promised.
    let backend = unsafe { name(backend, "the backend") }?;
    Ok(Engine::new().backend(backend)?)
}
