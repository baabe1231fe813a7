//! Reading a program from a file, which may be damaged or hostile.
//!
//! Nothing is believed: counts are held against the bytes that are left before anything is allocated for them, numbers against their
//! ranges, and when all parts are read the verifier goes through them before the program is handed out.

use std::fmt;
use std::sync::Arc;

use tollgate_ir::entities::FuncId;
use tollgate_ir::module::Site;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::pattern::{Glob, PathPattern, PatternError, Regex};
use tollgate_runtime::{Native, Pattern, Value};

use crate::encode::{HEADER, MAGIC, VERSION, checksum};
use crate::operand::Target;
use crate::ops::Op;
use crate::program::{Code, Program, Table, freeze};
use crate::verify::{self, Flaw, REGEXES_MAX};

/// How deep a constant may nest; types nest less deep.
pub(crate) const NESTING_MAX: u32 = 512;

/// Why a file was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError(String);

impl LoadError {
    /// A file whose bytes at `at` do not say what stands there.
    pub(crate) fn damaged(at: usize, what: &str) -> LoadError {
        LoadError(format!("the program is damaged at byte {at}: {what}"))
    }

    fn new(reason: impl Into<String>) -> LoadError {
        LoadError(reason.into())
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

impl From<Flaw> for LoadError {
    fn from(flaw: Flaw) -> LoadError {
        LoadError(format!("the program is not valid: {flaw}"))
    }
}

impl Program {
    /// Reads a program that [`Program::bytes`] wrote. `native` knows the natives of the host by name.
    ///
    /// Whatever the bytes, loading neither panics nor hangs, and uses memory in proportion to them and to the
    /// regular expressions they name.
    ///
    /// Of a program that [`Program::bytes`] wrote, everything holds that holds of it when compiled. The checksum is no
    /// signature, though: anyone can put the right one on a forged file. Of a forged file that is accepted this much holds:
    /// running it uses no memory but its registers, the decision's arena and what the host gave; the number of opcodes is
    /// bounded by [`Program::bound`] for inputs within their types, and loops stop at it for others. What does *not* hold: bytecode has no
    /// types, so a forged file can put a value into itself again and again, and comparing two such values takes
    /// time exponential, and stack linear, in the opcodes that made them. Run only files whose maker you trust.
    ///
    /// # Errors
    /// Says what is wrong: not a program, another version, damaged, an unknown native, or larger than a limit.
    ///
    /// ```
    /// use tollgate_backend_vm::Program;
    /// # use tollgate_ir::{text::parse, verify::legal};
    /// # let text = "func half(int) -> int {\nblock0(v0: int):\n    v1 = iconst 2\n    v2 = idiv v0, v1\n    return v2\n}\nentry half = half\n";
    /// # let module = legal(parse(text, &[]).unwrap().module).unwrap();
    /// let program = Program::compile(&module).unwrap();
    /// let mut file = program.bytes();
    /// let loaded = Program::load(&file, &|_native| None).unwrap();
    /// assert_eq!(loaded.entry("half"), program.entry("half"));
    /// *file.last_mut().unwrap() ^= 1;
    /// let error = Program::load(&file, &|_native| None).unwrap_err();
    /// assert_eq!(error.to_string(), "the program is damaged: its checksum does not match");
    /// ```
    pub fn load(
        bytes: &[u8],
        native: &dyn Fn(&str) -> Option<&'static Native>,
    ) -> Result<Program, LoadError> {
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return Err(LoadError::new("this is not a compiled program"));
        }
        match bytes.get(MAGIC.len()) {
            Some(&VERSION) => {}
            Some(other) => {
                return Err(LoadError::new(format!(
                    "the program has format {other}, this engine reads {VERSION}: build it again"
                )));
            }
            None => return Err(LoadError::new("the program ends within its header")),
        }
        let (Some(sum), Some(body)) = (bytes.get(MAGIC.len() + 1..HEADER), bytes.get(HEADER..))
        else {
            return Err(LoadError::new("the program ends within its header"));
        };
        if sum != checksum(body).to_le_bytes() {
            return Err(LoadError::new(
                "the program is damaged: its checksum does not match",
            ));
        }
        let mut program = Reader { bytes, at: HEADER }.program(native)?;
        verify::verify(&mut program)?;
        Ok(program)
    }
}

/// A file being read.
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    /// Where in the file it stands, in bytes.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn u8(&mut self) -> Result<u8, LoadError> {
        let byte = self.bytes.get(self.at).copied();
        let byte = byte.ok_or_else(|| LoadError::damaged(self.at, "it ends here"))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, LoadError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(LoadError::damaged(self.at - 1, "no truth value")),
        }
    }

    pub(crate) fn u64(&mut self) -> Result<u64, LoadError> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(LoadError::damaged(start, "a number is too long"))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, LoadError> {
        let (at, value) = (self.at, self.u64()?);
        u16::try_from(value).map_err(|_| LoadError::damaged(at, "a number is too large"))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, LoadError> {
        let (at, value) = (self.at, self.u64()?);
        u32::try_from(value).map_err(|_| LoadError::damaged(at, "a number is too large"))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, LoadError> {
        let value = self.u64()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, LoadError> {
        let (at, value) = (self.at, self.i64()?);
        i32::try_from(value).map_err(|_| LoadError::damaged(at, "a number is too large"))
    }

    /// A finite float, and never minus zero: what the words of a program may hold.
    pub(crate) fn f64(&mut self) -> Result<f64, LoadError> {
        let at = self.at;
        let value = f64::from_bits(u64::from_le_bytes(self.array()?));
        if value.is_finite() {
            Ok(value + 0.0)
        } else {
            Err(LoadError::damaged(at, "a float is not finite"))
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn take(&mut self, len: usize) -> Result<&'b [u8], LoadError> {
        let end = self.at.checked_add(len);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken =
            taken.ok_or_else(|| LoadError::damaged(self.at, "more is missing behind it"))?;
        self.at += len;
        Ok(taken)
    }

    /// A count of elements of at least one byte each, so never more than there are bytes left.
    fn count(&mut self) -> Result<usize, LoadError> {
        let (at, count) = (self.at, self.u64()?);
        let left = self.bytes.len() - self.at;
        match usize::try_from(count) {
            Ok(count) if count <= left => Ok(count),
            _ => Err(LoadError::damaged(at, "a count is larger than the file")),
        }
    }

    fn blob(&mut self) -> Result<&'b [u8], LoadError> {
        let len = self.count()?;
        self.take(len)
    }

    pub(crate) fn str(&mut self) -> Result<&'b str, LoadError> {
        let at = self.at;
        std::str::from_utf8(self.blob()?).map_err(|_| LoadError::damaged(at, "a text is not UTF-8"))
    }

    pub(crate) fn all<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, LoadError>,
    ) -> Result<Vec<T>, LoadError> {
        let count = self.count()?;
        // Grown as elements arrive: an element may be much larger in memory than in the file.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(each(self)?);
        }
        Ok(items)
    }

    fn program(
        mut self,
        native: &dyn Fn(&str) -> Option<&'static Native>,
    ) -> Result<Program, LoadError> {
        let input = &mut self;
        let consts = input.all(|input| input.value(NESTING_MAX))?;
        let patterns = input.patterns()?;
        let natives = input.all(|input| {
            let name = input.str()?;
            let unknown = || LoadError::new(format!("the host has no native `{name}`"));
            native(name).ok_or_else(unknown)
        })?;
        let data = input.all(|input| Ok(input.str()?.into()))?;
        let places = input.all(|input| Ok((input.str()?.into(), input.u32()?)))?;
        let sites = input.all(Reader::site)?;
        let indexes = input.all(|input| input.index(&patterns))?;
        let entries = input.all(|input| Ok((input.str()?.into(), FuncId(input.u32()?))))?;
        let lists = input.all(Reader::u32)?;
        let tables = input.all(Reader::table)?;
        let mut ops = Vec::new();
        let funcs = input.all(|input| input.func(&mut ops))?;
        if input.at < input.bytes.len() {
            return Err(LoadError::damaged(input.at, "there is more behind its end"));
        }
        Ok(Program {
            ops,
            funcs,
            lists,
            tables,
            consts: freeze(&consts.iter().collect::<Vec<_>>()),
            patterns,
            natives,
            data,
            places,
            sites,
            indexes,
            entries,
        })
    }

    fn func(&mut self, ops: &mut Vec<Op>) -> Result<Code, LoadError> {
        let (name, params, frame) = (self.str()?.into(), self.u32()?, self.u32()?);
        let start = ops.len();
        for _ in 0..self.count()? {
            ops.push(Op::decode(self)?);
        }
        let index = |len: usize| {
            u32::try_from(len).map_err(|_| LoadError::new("the program has too many opcodes"))
        };
        Ok(Code {
            name,
            params,
            frame,
            ops: index(start)?..index(ops.len())?,
            stack: 0,
            bound: 0,
            direct: None,
        })
    }

    fn table(&mut self) -> Result<Table, LoadError> {
        let at = self.at;
        let cases = self.all(|input| Ok((input.i64()?, Target(input.u32()?))))?;
        if !cases.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(LoadError::damaged(at, "a jump table is not sorted"));
        }
        Ok(Table::new(cases, Target(self.u32()?)))
    }

    pub(crate) fn value(&mut self, nesting: u32) -> Result<Value, LoadError> {
        let at = self.at;
        let Some(inner) = nesting.checked_sub(1) else {
            return Err(LoadError::damaged(at, "a constant nests too deep"));
        };
        Ok(match self.u8()? {
            0 => Value::None,
            1 => Value::Bool(self.bool()?),
            2 => Value::Int(self.i64()?),
            3 => Value::Float(self.f64()?),
            4 => Value::str(self.str()?),
            5 => Value::Bytes(self.blob()?.into()),
            6 => Value::Ip(Ip(self.array()?)),
            7 => Value::Cidr(Cidr::new(Ip(self.array()?), self.u8()?)),
            8 => Value::Seq(self.all(|input| input.value(inner))?.into()),
            9 => Value::Variant(self.u32()?, self.all(|input| input.value(inner))?.into()),
            _ => return Err(LoadError::damaged(at, "no such kind of constant")),
        })
    }

    fn patterns(&mut self) -> Result<Vec<Pattern>, LoadError> {
        let patterns = self.all(|input| {
            let kind = input.u8()?;
            Ok((kind, input.at, input.str()?))
        })?;
        // Compiling is the dear part, so the verifier's limit is asked before.
        let regexes = patterns.iter().filter(|(kind, ..)| *kind == 2).count();
        if regexes > REGEXES_MAX {
            return Err(LoadError::new(format!(
                "the program has {regexes} regular expressions, the limit is {REGEXES_MAX}"
            )));
        }
        let compile = |(kind, at, text): (u8, usize, &str)| {
            let refused = |e: PatternError| LoadError::damaged(at, &format!("a pattern: {e}"));
            match kind {
                0 => PathPattern::parse(text)
                    .map(|p| Pattern::Path(Arc::new(p)))
                    .map_err(refused),
                1 => Glob::parse(text)
                    .map(|p| Pattern::Glob(Arc::new(p)))
                    .map_err(refused),
                2 => Regex::parse(text)
                    .map(|p| Pattern::Regex(Arc::new(p)))
                    .map_err(refused),
                _ => Err(LoadError::damaged(at, "no such kind of pattern")),
            }
        };
        patterns.into_iter().map(compile).collect()
    }

    fn site(&mut self) -> Result<Site, LoadError> {
        let at = self.at;
        Ok(match self.u8()? {
            0 => Site::Rule {
                ruleset: self.str()?.into(),
                rule: self.str()?.into(),
            },
            1 => Site::Otherwise {
                ruleset: self.str()?.into(),
            },
            2 => Site::Stage {
                pipeline: self.str()?.into(),
                stage: self.str()?.into(),
            },
            3 => Site::Shadow {
                ruleset: self.str()?.into(),
            },
            _ => return Err(LoadError::damaged(at, "no such kind of site")),
        })
    }
}
