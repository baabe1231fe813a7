//! The file format: how a program is written.
//!
//! ```text
//! magic "TGBC"   version u8   checksum u64, little endian, of everything behind it
//! constants   patterns   natives   data   places   sites   indexes   entries   lists   tables   functions
//! ```
//!
//! Each part is a count and its elements. Numbers are LEB128 (signed ones zigzag), texts a length and UTF-8, floats
//! their eight bytes. Constants are tagged, patterns are their kind and source, natives their name, a function its
//! name, parameters, registers, and its opcodes one behind the other. The checksum (FNV-1a, 64 bits) finds accidents; it is the
//! verifier, not the checksum, that makes a hostile file harmless.

use tollgate_ir::module::Site;
use tollgate_runtime::fnv::Fnv;
use tollgate_runtime::{Pattern, Word};

use crate::index_format::Patterns;
use crate::operand::Target;
use crate::program::Program;

/// The first bytes of a file.
pub(crate) const MAGIC: &[u8; 4] = b"TGBC";

/// The version of the format; raised whenever an opcode is added or anything below changes.
pub(crate) const VERSION: u8 = 5;

/// Bytes before the checksummed part: magic, version, checksum.
pub(crate) const HEADER: usize = 4 + 1 + 8;

impl Program {
    /// The program as a file.
    ///
    /// Linear in the program. [`Program::load`] is the inverse.
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Writer { bytes: Vec::new() };
        self.write(&mut body);
        seal(&body.bytes)
    }

    fn write(&self, out: &mut Writer) {
        out.all(self.constants(), |out, word| out.value(*word));
        out.all(&self.patterns, Writer::pattern);
        out.all(&self.natives, |out, native| out.str(native.name));
        out.all(&self.data, |out, name| out.str(name));
        out.all(&self.places, |out, (name, params)| {
            out.str(name);
            out.u32(*params);
        });
        out.all(&self.sites, Writer::site);
        let numbers = (0u32..).zip(&self.patterns).map(|(n, p)| (p.key(), n));
        let patterns: Patterns<'_> = numbers.collect();
        out.all(&self.indexes, |out, index| out.index(index, &patterns));
        out.all(&self.entries, |out, (name, func)| {
            out.str(name);
            out.u32(func.0);
        });
        out.all(&self.lists, |out, item| out.u32(*item));
        out.all(&self.tables, |out, table| {
            out.all(&table.cases, |out, (value, Target(to))| {
                out.i64(*value);
                out.u32(*to);
            });
            out.u32(table.default.0);
        });
        out.all(&self.funcs, |out, func| {
            out.str(&func.name);
            out.u32(func.params);
            out.u32(func.frame);
            let ops = &self.ops[func.ops.start as usize..func.ops.end as usize];
            out.all(ops, |out, op| op.encode(out));
        });
    }
}

/// A file of this body: the header, with the checksum that the body has, and the body.
///
/// For tests and fuzzers, which change bodies and want what is behind the checksum to judge them. Linear in the body.
///
/// ```
/// use tollgate_backend_vm::{Program, seal};
/// let error = Program::load(&seal(b"\x80"), &|_native| None).unwrap_err();
/// assert_eq!(error.to_string(), "the program is damaged at byte 14: it ends here");
/// ```
pub fn seal(body: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER + body.len());
    file.extend_from_slice(MAGIC);
    file.push(VERSION);
    file.extend_from_slice(&checksum(body).to_le_bytes());
    file.extend_from_slice(body);
    file
}

pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    Fnv::new().bytes(bytes).get()
}

/// A file under construction.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.u64(value.into());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.u64(value.into());
    }

    pub(crate) fn u64(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.u8(value as u8);
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.i64(value.into());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.u64(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(crate) fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub(crate) fn str(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn all<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Writer, &T)) {
        self.u64(items.len() as u64);
        items.iter().for_each(|item| each(self, item));
    }

    /// A constant: its kind, then what it holds.
    pub(crate) fn value(&mut self, word: Word<'_>) {
        match word {
            Word::None => self.u8(0),
            Word::Bool(v) => {
                self.u8(1);
                self.bool(v);
            }
            Word::Int(v) => {
                self.u8(2);
                self.i64(v);
            }
            Word::Float(v) => {
                self.u8(3);
                self.f64(v);
            }
            Word::Str(v) => {
                self.u8(4);
                self.str(v);
            }
            Word::Bytes(v) => {
                self.u8(5);
                self.blob(v);
            }
            Word::Ip(v) => {
                self.u8(6);
                self.bytes.extend_from_slice(&v.0);
            }
            Word::Cidr(v) => {
                self.u8(7);
                self.bytes.extend_from_slice(&v.base().0);
                self.u8(v.bits());
            }
            Word::Seq(v) => {
                self.u8(8);
                self.all(v, |out, word| out.value(*word));
            }
            Word::Variant(tag, v) => {
                self.u8(9);
                self.u32(tag);
                self.all(v, |out, word| out.value(*word));
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        let (kind, text) = match pattern {
            Pattern::Path(p) => (0, p.text()),
            Pattern::Glob(p) => (1, p.text()),
            Pattern::Regex(p) => (2, p.text()),
        };
        self.u8(kind);
        self.str(text);
    }

    fn site(&mut self, site: &Site) {
        match site {
            Site::Rule { ruleset, rule } => {
                self.u8(0);
                self.str(ruleset);
                self.str(rule);
            }
            Site::Otherwise { ruleset } => {
                self.u8(1);
                self.str(ruleset);
            }
            Site::Stage { pipeline, stage } => {
                self.u8(2);
                self.str(pipeline);
                self.str(stage);
            }
            Site::Shadow { ruleset } => {
                self.u8(3);
                self.str(ruleset);
            }
        }
    }
}
