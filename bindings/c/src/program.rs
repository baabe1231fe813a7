//! Programs: compiled rules, counted and immutable.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tollgate::{Engine, public_key};

use crate::border::{
    Handle, Status, Tagged, array, borrow, bytes, caught_or, guard, name, out, tagged, text,
};
use crate::compiler;
use crate::error::{Error, Failure, c_string, nothing};
use crate::states::{Kept, Named};
use crate::value::Text;

/// A compiled program, and the states that its rules declare. Immutable but for those, and free to be used by any number of threads; counted:
/// whoever holds a reference releases it once. Sessions hold one of their own.
pub struct Program {
    _opaque: [u8; 0],
}

impl Handle for Program {
    type Inner = Compiled;
    const TAG: u64 = 0x746f_6c6c_0000_0002;
    const NAME: &'static str = "program";
}

/// A program, where its states are kept, and what is said about it once somebody asks.
pub(crate) struct Compiled {
    pub(crate) program: tollgate::Program,
    pub(crate) kept: Arc<Kept>,
    pub(crate) named: OnceLock<Vec<Named>>,
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
/// library that was built with them, `cranelift` or another one. Fails in a library that was built without a compiler.
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
            let compiled = compiler::compile(&engine(backend)?, name, source)?;
            *program = handle(compiled, Arc::default());
            Ok(())
        })
    }
}

/// The program in a file: rules, which are compiled with the modules they use, which stand in the same folder; or an artifact
/// (`tollgate build x.rules -o x.tgb`), which is loaded, by whoever it was made. `backend` as in `tollgate_program_compile`. A library without a compiler
/// opens artifacts only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_open(
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
            let opened = engine(backend)?.open(Path::new(path))?;
            *program = handle(opened, Arc::default());
            Ok(())
        })
    }
}

/// Loads an artifact, by whoever it was made. It is verified as everything that is compiled is; one that is damaged, of another version or made with another
/// release of the time-zone database is refused. `backend` as in `tollgate_program_compile`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_load(
    artifact: Text,
    backend: *const c_char,
    program: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let program = out(program)?;
            let artifact = bytes(artifact, "the artifact")?;
            let loaded = engine(backend)?.load(artifact)?;
            *program = handle(loaded, Arc::default());
            Ok(())
        })
    }
}

/// As `tollgate_program_load`, of an artifact that one of `count` Ed25519 public keys has signed, which are given in PEM; with none of them every artifact
/// is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_load_signed(
    artifact: Text,
    keys: *const Text,
    count: usize,
    backend: *const c_char,
    program: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let program = out(program)?;
            let artifact = bytes(artifact, "the artifact")?;
            let mut trusted = Vec::new();
            for key in array(keys, count, "the array of keys")? {
                trusted.push(public_key(text(*key, "a key")?)?);
            }
            let loaded = engine(backend)?.load_signed(artifact, &trusted)?;
            *program = handle(loaded, Arc::default());
            Ok(())
        })
    }
}

/// The program with a `data` of its rules given, as JSON: a new program, whose reference the caller owns; the old one is as it was.
/// Both ask the same states. Deciding fails while data is missing.
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
            let compiled = borrow(program)?;
            let name = self::name(name, "the name of the data")?;
            let json = bytes(json, "the data")?;
            let program = compiled.program.clone().with_data(name, json)?;
            *with_data = handle(program, Arc::clone(&compiled.kept));
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
            let render = || c_string(compiler::report(&compiled.program));
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
            let render = || c_string(compiler::report_json(&compiled.program));
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

/// The handle of a program whose states are kept there.
pub(crate) fn handle(program: tollgate::Program, kept: Arc<Kept>) -> *mut Program {
    let compiled = Compiled {
        program,
        kept,
        named: OnceLock::new(),
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
