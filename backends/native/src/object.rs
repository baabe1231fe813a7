//! What an object file holds: machine code, and beside it what the runtime makes the rest of a program from.
//!
//! Compiled code finds everything through its [`Context`], so an object needs no symbol of another file. It shows one symbol, an
//! [`Image`]; behind it lie the contents, which the runtime reads, and the addresses of the entries, one a function of the
//! module, in order, or 0 where one has none. These three are the only data, and their addresses the only relocations but for calls within the file.

use std::slice;

use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_runtime::fnv::Fnv;

use crate::context::{Context, Entry};
use crate::functions::Function;
use crate::program::{Code, Compiled};
use crate::repr::Kind;

/// What an object file shows. C calls it `tollgate_image`.
#[derive(Debug)]
#[repr(C)]
pub struct Image {
    /// The [`ABI`] that the code was made for.
    pub abi: u64,
    /// What the runtime reads: so many bytes.
    pub contents: *const u8,
    /// How many bytes.
    pub contents_len: u64,
    /// The entries of the functions: so many addresses, of which some may be 0.
    pub entries: *const Option<Entry>,
    /// How many entries.
    pub entries_len: u64,
}

/// Tells code that was made for one runtime from the runtime of another version: a hash of everything that compiled code takes for granted of it, the
/// functions it may call, the places of the fields of a [`Context`], and the version of this crate.
pub const ABI: u64 = abi();

/// Where the parts of an [`Image`] lie, in bytes.
pub mod place {
    use std::mem::offset_of;

    use super::Image;

    /// [`Image::abi`].
    pub const ABI: usize = offset_of!(Image, abi);
    /// [`Image::contents`].
    pub const CONTENTS: usize = offset_of!(Image, contents);
    /// [`Image::contents_len`].
    pub const CONTENTS_LEN: usize = offset_of!(Image, contents_len);
    /// [`Image::entries`].
    pub const ENTRIES: usize = offset_of!(Image, entries);
    /// [`Image::entries_len`].
    pub const ENTRIES_LEN: usize = offset_of!(Image, entries_len);
    /// All of it.
    pub const SIZE: usize = size_of::<Image>();
}

/// The bytes of an image whose two addresses, which a linker puts in, are still zero.
pub fn unlinked(contents_len: usize, entries_len: usize) -> [u8; place::SIZE] {
    let mut bytes = [0; place::SIZE];
    let mut put = |at: usize, number: u64| {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    };
    put(place::ABI, ABI);
    put(place::CONTENTS_LEN, contents_len as u64);
    put(place::ENTRIES_LEN, entries_len as u64);
    bytes
}

/// Code that a linker put into this process, which stays there.
#[derive(Debug)]
pub struct Linked(());

impl Image {
    /// The contents, if the code was made for this runtime.
    ///
    /// # Errors
    /// When it was made for another one.
    ///
    /// # Safety
    /// The image is one that an object file of ours shows, linked into this process for good.
    pub unsafe fn contents(&self) -> Result<&'static [u8], CompileError> {
        if self.abi != ABI {
            return Err(CompileError::new(
                "the rules were built for another version of the runtime library: build them again, with the `tollgate` that the library \
                 belongs to",
            ));
        }
        // SAFETY: the image says how many bytes stand there.
        Ok(unsafe { slice::from_raw_parts(self.contents, self.contents_len as usize) })
    }

    /// The program of an image and of the module that its code was made of.
    ///
    /// # Errors
    /// When the module has not as many functions as there are entries, and so is another one.
    ///
    /// # Safety
    /// As [`Image::contents`], which has found no fault with it; and the module is the one that the code was made of.
    pub unsafe fn program(&self, module: &Legalized) -> Result<Compiled<Linked>, CompileError> {
        // SAFETY: the image says how many entries stand there.
        let entries = unsafe { slice::from_raw_parts(self.entries, self.entries_len as usize) };
        if entries.len() != module.funcs.len() {
            return Err(CompileError::new(format!(
                "the rules have {} functions and code of {}: they are damaged",
                module.funcs.len(),
                entries.len()
            )));
        }
        // SAFETY: the entries are those of the module's functions, and stay in the process.
        Ok(unsafe { Compiled::new(module, entries.to_vec(), Linked(())) })
    }
}

impl Code for Linked {
    /// Nothing: the code belongs to the file that it stands in.
    fn memory(&self) -> usize {
        0
    }

    fn listing(&self) -> String {
        "machine code of an object file\n".into()
    }
}

const fn abi() -> u64 {
    let mut hash = with_text(Fnv::new(), env!("CARGO_PKG_VERSION"));
    let mut i = 0;
    while i < Function::ALL.len() {
        let function = Function::ALL[i];
        hash = with_text(hash, function.name());
        hash = with_kinds(hash, function.params());
        hash = match function.result() {
            Some(kind) => hash.byte(kind as u8),
            None => hash.byte(u8::MAX),
        };
        i += 1;
    }
    let places = [
        Context::FUNCTIONS,
        Context::CONSTANTS,
        Context::DATA,
        Context::ID,
        Context::ID_LEN,
        Context::TIME,
        Context::MARKS,
        Context::MARKS_LEN,
        Context::MARKS_CAPACITY,
        Context::ZEROS,
    ];
    i = 0;
    while i < places.len() {
        hash = hash.byte(places[i] as u8);
        i += 1;
    }
    hash.get()
}

const fn with_text(hash: Fnv, text: &str) -> Fnv {
    // No name is the beginning of what follows it.
    hash.bytes(text.as_bytes()).byte(0)
}

const fn with_kinds(mut hash: Fnv, kinds: &[Kind]) -> Fnv {
    let mut i = 0;
    while i < kinds.len() {
        hash = hash.byte(kinds[i] as u8);
        i += 1;
    }
    hash.byte(u8::MAX)
}

#[cfg(test)]
mod tests {
    use tollgate_backend_api::Executable;
    use tollgate_ir::text::parse;
    use tollgate_ir::verify::legal;
    use tollgate_runtime::{Arena, Cx, Word};

    use super::*;
    use crate::layout::RawWord;

    /// # Safety
    /// As [`Entry`].
    unsafe extern "C" fn seven(_: *mut Context, _: *const RawWord, out: *mut RawWord) {
        // SAFETY: there is room for a word.
        unsafe { *out = Word::Int(7).into() };
    }

    #[test]
    fn an_image_is_held_against_its_runtime_and_its_module() {
        static ENTRIES: [Option<Entry>; 1] = [Some(seven)];
        static CONTENTS: &[u8] = b"contents";
        let image = |abi, entries_len| Image {
            abi,
            contents: CONTENTS.as_ptr(),
            contents_len: CONTENTS.len() as u64,
            entries: ENTRIES.as_ptr(),
            entries_len,
        };
        let text = "func f() -> int {\nblock0:\n    v0 = iconst 7\n    return v0\n}\n";
        let module = legal(parse(text, &[]).unwrap().module).unwrap();
        // SAFETY: contents and entries are static, and the entry keeps to the ABI.
        unsafe {
            assert_eq!(image(ABI, 1).contents().unwrap(), CONTENTS);
            let other = image(ABI ^ 1, 1).contents().unwrap_err().to_string();
            assert!(other.contains("build them again"), "{other}");
            assert!(image(ABI, 0).program(&module).is_err());
            let program = image(ABI, 1).program(&module).unwrap();
            let arena = Arena::new();
            let func = module.funcs.keys().next().unwrap();
            let word = *program.run(func, &mut Cx::new(&arena, "", 0), &[]);
            assert_eq!(word, Word::Int(7));
        }
        let bytes = unlinked(3, 2);
        assert_eq!(bytes[place::ABI..][..8], ABI.to_le_bytes());
        assert_eq!(bytes[place::CONTENTS_LEN], 3);
        assert_eq!(bytes[place::ENTRIES_LEN], 2);
    }
}
