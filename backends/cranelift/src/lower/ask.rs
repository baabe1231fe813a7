//! Tests that look at a text step by step, and stop where the answer is clear.
//!
//! Each ends in a [`Goal`]: the two blocks of the branch that follows, if nothing else wants the answer, or a value.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, MemFlagsData, Value, types};
use tollgate_ir::entities::Val;
use tollgate_ir::instructions::Inst;
use tollgate_ir::operand::Cc;
use tollgate_native_abi::known::{Members, PathTest, TEXT_MAX, strides};
use tollgate_native_abi::{Function, Shape};
use tollgate_runtime::Value as Constant;
use tollgate_runtime::native::NativeClass;

use super::Lower;

/// A pointer and a length.
type Text = (Value, Value);

/// A test.
pub(super) enum Test<'c> {
    /// The text is this one, which is short.
    Is(Text, &'c [u8]),
    /// Both texts are the same.
    Same(Text, Text),
    /// The text is one of these, which are few and short.
    OneOf(Text, Vec<&'c str>),
    /// The text is this one, which is short, or begins with it and a slash.
    Below(Text, &'c str),
    /// The text begins with this one, which is short.
    Begins(Text, &'c str),
    /// The text ends with this one, which is short.
    Ends(Text, &'c str),
}

/// What becomes of the answer.
pub(super) enum Goal {
    /// A parameter of a block.
    Value(ir::Block),
    /// A branch: where to if the answer is yes, and if it is no.
    Branch(Arm, Arm),
}

/// A block, and what is handed on to it.
pub(super) type Arm = (ir::Block, Vec<BlockArg>);

/// Any bytes, wherever they lie.
const BYTES: MemFlagsData = MemFlagsData::new().with_notrap();

impl<'f> Lower<'f> {
    /// The test that an instruction is, and the answer that it wants.
    pub(super) fn test_of(&self, inst: &Inst) -> Option<(Test<'f>, bool)> {
        let test = match inst {
            Inst::Scmp { cc: Cc::Ne, a, b } => return Some((self.equal_texts(*a, *b), false)),
            Inst::Scmp { cc: Cc::Eq, a, b } => self.equal_texts(*a, *b),
            Inst::Same { a, b } => {
                let repr = self.repr(*a);
                match repr.shape {
                    Shape::Str | Shape::Bytes if !repr.optional => self.equal_texts(*a, *b),
                    _ => return None,
                }
            }
            Inst::Contains { a, item } => match Members::new(self.constant(*a)?)? {
                Members::Texts(texts) if !self.repr(*item).optional => {
                    Test::OneOf(self.two(*item), texts)
                }
                _ => return None,
            },
            Inst::Matches { a, pattern } => {
                match PathTest::new(&self.unit.module.patterns[*pattern])? {
                    PathTest::Is(path) => Test::Is(self.two(*a), path.as_bytes()),
                    PathTest::Below(path) => Test::Below(self.two(*a), path),
                }
            }
            Inst::Native { native, args } => {
                let [text, part] = args[..] else {
                    return None;
                };
                let Constant::Str(part) = self.constant(part)? else {
                    return None;
                };
                if part.len() > TEXT_MAX {
                    return None;
                }
                match self.unit.module.natives[*native].class {
                    NativeClass::Prefix => Test::Begins(self.two(text), part),
                    NativeClass::Suffix => Test::Ends(self.two(text), part),
                    NativeClass::Opaque | NativeClass::Contains => return None,
                }
            }
            _ => return None,
        };
        Some((test, true))
    }

    fn equal_texts(&self, a: Val, b: Val) -> Test<'f> {
        let known = |val| match self.constant(val)? {
            Constant::Str(text) => Some(text.as_bytes()),
            Constant::Bytes(bytes) => Some(&**bytes),
            _ => None,
        };
        let short = |text: &&[u8]| text.len() <= TEXT_MAX;
        match (known(a).filter(short), known(b).filter(short)) {
            (_, Some(text)) => Test::Is(self.two(a), text),
            (Some(text), None) => Test::Is(self.two(b), text),
            (None, None) => Test::Same(self.two(a), self.two(b)),
        }
    }

    /// The answer of a test, as a value.
    pub(super) fn answer_of(&mut self, test: &Test<'_>) -> Value {
        let done = self.block();
        let answer = self.b.append_block_param(done, types::I8);
        self.ask_for(test, &Goal::Value(done));
        self.b.switch_to_block(done);
        answer
    }

    /// Does a test, and ends the block with what becomes of its answer.
    pub(super) fn ask_for(&mut self, test: &Test<'_>, goal: &Goal) {
        match test {
            Test::Is(text, known) => self.text_is(*text, known, goal),
            Test::Same(a, b) => {
                let fits = self.b.ins().icmp(IntCC::Equal, a.1, b.1);
                self.no_unless(fits, goal);
                let same = self.ask(Function::BytesSame, &[a.0, b.0, a.1]);
                self.end(same, goal);
            }
            Test::OneOf(text, known) => {
                for known in known {
                    let next = self.block();
                    let (yes, no) = (self.yes(goal), (next, Vec::new()));
                    self.text_is(*text, known.as_bytes(), &Goal::Branch(yes, no));
                    self.b.switch_to_block(next);
                }
                let (to, args) = self.no(goal);
                self.b.ins().jump(to, &args);
            }
            Test::Below(text, known) => {
                self.begins(*text, known, goal);
                if known.is_empty() {
                    let (to, args) = self.yes(goal);
                    self.b.ins().jump(to, &args);
                    return;
                }
                let bytes = known.len() as i64;
                let ended = self.b.ins().icmp_imm_u(IntCC::Equal, text.1, bytes);
                let (next, (yes, args)) = (self.block(), self.yes(goal));
                self.b.ins().brif(ended, yes, &args, next, &[]);
                self.b.switch_to_block(next);
                let behind = self.b.ins().load(types::I8, BYTES, text.0, bytes as i32);
                let slash = i64::from(b'/');
                let slash = self.b.ins().icmp_imm_u(IntCC::Equal, behind, slash);
                self.end(slash, goal);
            }
            Test::Begins(text, known) => {
                self.long_enough(*text, known, goal);
                let begins = self.bytes_are(text.0, known.as_bytes());
                self.end(begins, goal);
            }
            Test::Ends((at, len), known) => {
                self.long_enough((*at, *len), known, goal);
                let before = self.b.ins().iadd_imm_s(*len, -(known.len() as i64));
                let at = self.b.ins().iadd(*at, before);
                let ends = self.bytes_are(at, known.as_bytes());
                self.end(ends, goal);
            }
        }
    }

    fn text_is(&mut self, (at, len): Text, known: &[u8], goal: &Goal) {
        let bytes = known.len() as i64;
        let fits = self.b.ins().icmp_imm_u(IntCC::Equal, len, bytes);
        if known.is_empty() {
            return self.end(fits, goal);
        }
        self.no_unless(fits, goal);
        let same = self.bytes_are(at, known);
        self.end(same, goal);
    }

    /// Goes on where the text begins so.
    fn begins(&mut self, text: Text, known: &str, goal: &Goal) {
        if known.is_empty() {
            return;
        }
        self.long_enough(text, known, goal);
        let begins = self.bytes_are(text.0, known.as_bytes());
        self.no_unless(begins, goal);
    }

    /// Goes on where the text is as long as the known one at least.
    fn long_enough(&mut self, (_, len): Text, known: &str, goal: &Goal) {
        let bytes = known.len() as i64;
        let at_least = IntCC::UnsignedGreaterThanOrEqual;
        let enough = self.b.ins().icmp_imm_u(at_least, len, bytes);
        self.no_unless(enough, goal);
    }

    /// Compares as many bytes as are known, without a branch.
    fn bytes_are(&mut self, at: Value, known: &[u8]) -> Value {
        let mut differs: Option<Value> = None;
        for (offset, width) in strides(known.len()) {
            let mut bytes = [0; 8];
            bytes[..width].copy_from_slice(&known[offset..offset + width]);
            let ty = match width {
                8 => types::I64,
                4 => types::I32,
                2 => types::I16,
                _ => types::I8,
            };
            let read = self.b.ins().load(ty, BYTES, at, offset as i32);
            // The bytes behind `width` are zero.
            let expected = self.b.ins().iconst(ty, i64::from_le_bytes(bytes));
            let wrong = self.b.ins().bxor(read, expected);
            differs = Some(match differs {
                Some(before) => self.b.ins().bor(before, wrong),
                None => wrong,
            });
        }
        self.is_zero(differs)
    }

    /// Goes on in a new block where a flag is set, and answers no where it is not.
    fn no_unless(&mut self, flag: Value, goal: &Goal) {
        let (next, (no, args)) = (self.block(), self.no(goal));
        self.b.ins().brif(flag, next, &[], no, &args);
        self.b.switch_to_block(next);
    }

    /// Answers what a flag says.
    fn end(&mut self, flag: Value, goal: &Goal) {
        match goal {
            Goal::Value(done) => {
                self.b.ins().jump(*done, &[BlockArg::Value(flag)]);
            }
            Goal::Branch((yes, yes_args), (no, no_args)) => {
                self.b.ins().brif(flag, *yes, yes_args, *no, no_args);
            }
        }
    }

    fn yes(&mut self, goal: &Goal) -> Arm {
        match goal {
            Goal::Value(done) => (*done, vec![BlockArg::Value(self.flag(true))]),
            Goal::Branch(yes, _) => yes.clone(),
        }
    }

    fn no(&mut self, goal: &Goal) -> Arm {
        match goal {
            Goal::Value(done) => (*done, vec![BlockArg::Value(self.flag(false))]),
            Goal::Branch(_, no) => no.clone(),
        }
    }
}
