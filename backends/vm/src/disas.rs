//! The listing: bytecode for people.
//!
//! An opcode a line, with its distance from the function's first, which is what jumps name; behind `;` what
//! its operands stand for.

use std::fmt::{self, Write};

use tollgate_ir::entities::{ConstId, DataId, PatId, PlaceId, SiteId};
use tollgate_ir::module::Site;
use tollgate_runtime::Pattern;

use crate::operand::{Asked, Call, Each, List, NativeCall, Searched, TableIx};
use crate::program::{Code, Program};

/// Most characters of a constant in a comment.
const COMMENT_MAX: usize = 60;

/// The column in which comments begin, counted from the opcode.
const COMMENT_COLUMN: usize = 40;

impl Program {
    /// The whole program as a listing, function by function. Linear in the program.
    pub(crate) fn disassemble(&self) -> String {
        let mut text = String::new();
        for (name, func) in &self.entries {
            let code = self.funcs.get(func.0 as usize);
            let callee = code.map_or("?", |code| &code.name);
            text.push_str(&format!("entry {name} = {func} {callee}\n"));
        }
        for (index, code) in self.funcs.iter().enumerate() {
            if !text.is_empty() {
                text.push('\n');
            }
            self.function(index, code, &mut text);
        }
        text
    }

    fn function(&self, index: usize, code: &Code, text: &mut String) {
        text.push_str(&format!(
            "fn{index} {}: {} parameters, {} registers ({} with calls), at most {} steps\n",
            code.name, code.params, code.frame, code.stack, code.bound
        ));
        let ops = &self.ops[code.ops.start as usize..code.ops.end as usize];
        for (pc, op) in ops.iter().enumerate() {
            let mut line = Listing {
                program: self,
                words: op.mnemonic().to_owned(),
                operands: 0,
                notes: String::new(),
            };
            op.show(&mut line);
            text.push_str(&format!("{pc:>6}  {}", line.words));
            if !line.notes.is_empty() {
                let used = line.words.chars().count();
                let blanks = COMMENT_COLUMN.saturating_sub(used).max(1);
                text.push_str(&format!("{:blanks$}; {}", "", line.notes));
            }
            text.push('\n');
        }
    }
}

/// A line of a listing.
pub(crate) struct Listing<'p> {
    program: &'p Program,
    words: String,
    operands: u32,
    notes: String,
}

impl Listing<'_> {
    /// Adds an operand.
    pub(crate) fn word(&mut self, word: fmt::Arguments<'_>) {
        self.words
            .push_str(if self.operands == 0 { " " } else { ", " });
        self.operands += 1;
        // Writing to a string does not fail.
        let _ = self.words.write_fmt(word);
    }

    fn note(&mut self, note: &str) {
        if !self.notes.is_empty() {
            self.notes.push_str(", ");
        }
        if note.chars().count() <= COMMENT_MAX {
            self.notes.push_str(note);
        } else {
            self.notes.extend(note.chars().take(COMMENT_MAX));
            self.notes.push('…');
        }
    }

    pub(crate) fn constant(&mut self, id: ConstId) {
        self.word(format_args!("{id}"));
        let word = self.program.constants().get(id.0 as usize);
        let note = word.map_or_else(|| "?".to_owned(), ToString::to_string);
        self.note(&note);
    }

    pub(crate) fn data(&mut self, id: DataId) {
        self.word(format_args!("{id}"));
        let program = self.program;
        self.note(program.data.get(id.0 as usize).map_or("?", |name| name));
    }

    pub(crate) fn pattern(&mut self, id: PatId) {
        self.word(format_args!("{id}"));
        let note = match self.program.patterns.get(id.0 as usize) {
            Some(Pattern::Path(p)) => format!("p{:?}", p.text()),
            Some(Pattern::Glob(p)) => format!("glob{:?}", p.text()),
            Some(Pattern::Regex(p)) => format!("re\"{}\"", p.text()),
            None => "?".to_owned(),
        };
        self.note(&note);
    }

    pub(crate) fn site(&mut self, id: SiteId) {
        self.word(format_args!("{id}"));
        let note = match self.program.sites.get(id.0 as usize) {
            Some(Site::Rule { ruleset, rule }) => format!("rule {ruleset}.{rule}"),
            Some(Site::Otherwise { ruleset }) => format!("otherwise of {ruleset}"),
            Some(Site::Stage { pipeline, stage }) => format!("stage {pipeline}.{stage}"),
            Some(Site::Shadow { ruleset }) => format!("shadow of {ruleset}"),
            None => "?".to_owned(),
        };
        self.note(&note);
    }

    pub(crate) fn list(&mut self, list: List) {
        let program = self.program;
        self.registers("[", program.list(list), "]");
    }

    pub(crate) fn call(&mut self, call: Call) {
        let program = self.program;
        let (func, args) = program.call(call);
        self.callee(func, args);
    }

    pub(crate) fn each(&mut self, each: Each) {
        let program = self.program;
        let (func, max, args) = program.each(each);
        self.callee(func, args);
        self.note(&format!("at most {max} times"));
    }

    pub(crate) fn native(&mut self, call: NativeCall) {
        let program = self.program;
        let (native, args) = program.native_call(call);
        self.registers(&format!("native{native}("), args, ")");
        let native = program.natives.get(native as usize);
        self.note(native.map_or("?", |native| native.name));
    }

    pub(crate) fn asked(&mut self, asked: Asked) {
        let program = self.program;
        let (place, args) = program.asked(asked);
        self.registers(&format!("place{place}("), args, ")");
        let place = program.places.get(place as usize);
        self.note(place.map_or("?", |(name, _)| name));
    }

    pub(crate) fn place(&mut self, id: PlaceId) {
        self.word(format_args!("{id}"));
        let place = self.program.places.get(id.0 as usize);
        self.note(place.map_or("?", |(name, _)| name));
    }

    pub(crate) fn searched(&mut self, searched: Searched) {
        let program = self.program;
        let (index, args) = program.searched(searched);
        self.registers(&format!("index{index}("), args, ")");
        let index = program.indexes.get(index as usize);
        self.note(index.map_or("?", |index| &index.name));
    }

    pub(crate) fn table(&mut self, table: TableIx) {
        let Some(table) = self.program.table(table) else {
            return self.word(format_args!("?"));
        };
        let mut cases = String::new();
        for (value, target) in &table.cases {
            let _ = write!(cases, "{value}: ->{}, ", target.0);
        }
        self.word(format_args!("[{cases}else: ->{}]", table.default.0));
    }

    fn callee(&mut self, func: u32, args: &[u32]) {
        let program = self.program;
        self.registers(&format!("fn{func}("), args, ")");
        self.note(program.funcs.get(func as usize).map_or("?", |f| &f.name));
    }

    fn registers(&mut self, open: &str, registers: &[u32], close: &str) {
        let registers: Vec<String> = registers.iter().map(|r| format!("r{r}")).collect();
        self.word(format_args!("{open}{}{close}", registers.join(", ")));
    }
}
