//! A compiled program: its code, and what that reads.

use std::mem::MaybeUninit;
use std::sync::Arc;

use tollgate_backend_api::{Direct, Executable};
use tollgate_ir::Legalized;
use tollgate_ir::entities::FuncId;
use tollgate_ir::module::Func;
use tollgate_runtime::index::{Decider, Policy, TextTable};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Native, Pattern, Word};

use crate::context::{Context, Entry};
use crate::functions::FUNCTIONS;
use crate::known::table;
use crate::layout::RawWord;
use crate::plan::Plan;

/// Machine code that a code generator made, and what keeps it in memory. Dropping it frees it.
pub trait Code: Send + Sync {
    /// Bytes of memory that the code takes.
    fn memory(&self) -> usize;
    /// What was made, for people.
    fn listing(&self) -> String;
}

/// A program that runs compiled code.
pub struct Compiled<C> {
    shared: Box<Shared>,
    /// Never looked at, but while it is there the entries can be called.
    code: C,
}

/// What compiled code and the functions it calls read of the program.
#[derive(Debug)]
pub(crate) struct Shared {
    /// By function; absent for one that only compiled code calls.
    pub(crate) entries: Vec<Option<Entry>>,
    /// How many parameters each function has.
    params: Vec<u32>,
    /// The functions that are entered and [stand alone](Plan::is_alone), for which less is laid out; empty where there are none.
    alone: Vec<Option<Alone>>,
    /// How each function decides, if it only searches. Compiled code is entered for what has to be computed, and steps are not counted.
    directs: Vec<Option<Arc<Direct>>>,
    /// The constants, as one sequence; behind them, where some rule sets list what code finds, the list of each alone.
    pub(crate) constants: Arc<Frozen>,
    /// By constant: the places of its texts, if compiled code asks for them; see [`has_table`](crate::known::has_table).
    pub(crate) tables: Vec<Option<Box<TextTable>>>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) natives: Vec<&'static Native>,
    pub(crate) indexes: Vec<RuleIndex>,
    /// How much data the program expects.
    data: usize,
    /// As many absent words as the longest record has fields, and at least one.
    zeros: Vec<Word<'static>>,
}

/// A function that reads its arguments alone.
#[derive(Clone, Copy, Debug)]
struct Alone {
    entry: Entry,
    params: u32,
    /// Whether it may add marks.
    marks: bool,
}

/// A rule set that is searched.
#[derive(Debug)]
pub(crate) struct RuleIndex {
    /// The functions it calls, which the decider numbers by their places here.
    pub(crate) functions: Vec<FuncId>,
    pub(crate) decider: Arc<Decider>,
}

impl<C: Code> Compiled<C> {
    /// The program of a module and its code. `entries` has a place for each function; what it lacks is not entered, as
    /// [`Plan::is_entered`](crate::Plan::is_entered) says.
    ///
    /// # Panics
    /// When there are more or fewer places than functions.
    ///
    /// # Safety
    /// The entries are those of the module's functions, in order, compiled as the head of this crate says, and can be called as long
    /// as `code` is there.
    pub unsafe fn new(module: &Legalized, entries: Vec<Option<Entry>>, code: C) -> Compiled<C> {
        assert_eq!(
            entries.len(),
            module.funcs.len(),
            "a place for each function"
        );
        let consts: Vec<_> = module.consts.values().map(|c| &c.value).collect();
        let index = |index: &tollgate_ir::rule_index::RuleIndex| RuleIndex {
            functions: index.functions.clone(),
            decider: index.decider.clone(),
        };
        let listed = module
            .indexes
            .values()
            .any(|i| lists_what_is_found(&i.decider));
        let constants = Arc::new(Frozen::new(|arena| {
            let constants = arena.seq_with(consts.len(), |i| consts[i].word(arena));
            let list = |i: usize| Word::Seq(&constants[i..=i]);
            Word::Seq(match listed {
                true => arena.seq_with(2 * consts.len(), |i| match constants.get(i) {
                    Some(constant) => *constant,
                    None => list(i - consts.len()),
                }),
                false => constants,
            })
        }));
        let direct = |func: &Func| {
            let index = &module.indexes[Direct::searched(func)?];
            let (decider, functions) = (index.decider.clone(), &index.functions);
            let direct = Direct::new(decider, functions, constants.clone(), None);
            Some(Arc::new(match listed {
                true => direct.with_lists(consts.len() as u32),
                false => direct,
            }))
        };
        let directs = module.funcs.values().map(direct).collect();
        let longest = module.types.records.values().map(|r| r.fields.len()).max();
        let shared = Shared {
            alone: standing_alone(module, &entries),
            entries,
            params: module
                .funcs
                .values()
                .map(|f| f.params().len() as u32)
                .collect(),
            directs,
            constants,
            tables: module
                .consts
                .values()
                .map(|c| table(&module.types, c))
                .collect(),
            patterns: module.patterns.values().cloned().collect(),
            natives: module.natives.values().copied().collect(),
            indexes: module.indexes.values().map(index).collect(),
            data: module.data.len(),
            zeros: vec![Word::None; longest.unwrap_or(0).max(1)],
        };
        Compiled {
            shared: Box::new(shared),
            code,
        }
    }

    /// The code.
    pub fn code(&self) -> &C {
        &self.code
    }
}

impl<C: Code> Executable for Compiled<C> {
    /// Calls a function, as [`Executable::run`] says. Too few arguments are filled up with absent ones, and those too many are ignored.
    ///
    /// # Panics
    /// When the program has no such function, or one that only its own code calls: neither an entry of the module nor called by a search.
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> &'a Word<'a> {
        let shared = &*self.shared;
        let params = shared.params[func.0 as usize] as usize;
        match &shared.directs[func.0 as usize] {
            Some(direct) if args.len() >= params => search(direct, self, cx, args),
            _ => shared.enter(func, cx, args),
        }
    }

    fn find<'a>(
        &'a self,
        func: FuncId,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
    ) -> i64 {
        let Some(alone) = self.shared.alone(func, args) else {
            return self.shared.enter_in_context(func, arena, marks, args).int();
        };
        let mut out = MaybeUninit::<Word<'_>>::uninit();
        let at = out.as_mut_ptr().cast();
        // SAFETY: there is room for a word, and what is left there is one.
        unsafe {
            self.shared.enter_alone(alone, arena, marks, args, at);
            out.assume_init_ref().int()
        }
    }

    fn is_alone(&self, func: FuncId) -> bool {
        matches!(self.shared.alone.get(func.0 as usize), Some(Some(_)))
    }

    fn run_alone<'a>(
        &'a self,
        func: FuncId,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
    ) -> &'a Word<'a> {
        let Some(alone) = self.shared.alone(func, args) else {
            return self.shared.enter_in_context(func, arena, marks, args);
        };
        let out: *mut Word<'a> = arena.room();
        // SAFETY: there is room for a word, and what is left there is one that lives as long as the arena.
        unsafe {
            self.shared
                .enter_alone(alone, arena, marks, args, out.cast());
            &*out
        }
    }

    fn direct(&self, func: FuncId) -> Option<&Arc<Direct>> {
        self.shared.directs.get(func.0 as usize)?.as_ref()
    }

    fn listing(&self) -> String {
        self.code.listing()
    }

    /// Code, constants, patterns with their automata, indexes, and the tables between them.
    fn memory(&self) -> usize {
        // Taken apart, so that a new field cannot be forgotten here.
        let Shared {
            entries,
            params,
            alone,
            directs,
            constants,
            tables,
            patterns,
            natives,
            indexes,
            data: _,
            zeros,
        } = &*self.shared;
        size_of::<Compiled<C>>()
            + size_of::<Shared>()
            + reserved(entries)
            + reserved(params)
            + reserved(alone)
            + reserved(directs)
            + directs.iter().flatten().map(|d| d.bytes()).sum::<usize>()
            + constants.bytes()
            + reserved(tables)
            + tables
                .iter()
                .flatten()
                .map(|table| table.bytes())
                .sum::<usize>()
            + reserved(patterns)
            + patterns.iter().map(Pattern::bytes).sum::<usize>()
            + reserved(natives)
            + reserved(indexes)
            + indexes.iter().map(RuleIndex::memory).sum::<usize>()
            + reserved(zeros)
            + self.code.memory()
    }

    fn counts_steps(&self) -> bool {
        false
    }
}

/// Decides by a search. Not inlined, so that calling code is cheap.
#[inline(never)]
fn search<'a, C: Code>(
    direct: &'a Direct,
    program: &'a Compiled<C>,
    cx: &mut Cx<'a>,
    args: &[Word<'a>],
) -> &'a Word<'a> {
    direct.decide(program, cx, args)
}

impl Shared {
    /// Calls the compiled code of a function; the value lies in the arena. Arguments are filled up as [`Compiled::run`](Executable::run) says.
    #[inline]
    pub(crate) fn enter<'a>(
        &'a self,
        func: FuncId,
        cx: &mut Cx<'a>,
        args: &[Word<'a>],
    ) -> &'a Word<'a> {
        let out: *mut Word<'a> = cx.arena.room();
        // SAFETY: there is room for a word, and what is left there is one that lives as long as the arena.
        unsafe {
            self.enter_at(func, cx, args, out.cast());
            &*out
        }
    }

    /// Calls the compiled code of a function that reads its arguments alone, which leaves its value as `out` says and adds its marks. Of the
    /// context only what it reads is laid out.
    ///
    /// # Safety
    /// There is room for a word, and there are as many arguments as [`Shared::alone`] asks for.
    #[inline(always)]
    unsafe fn enter_alone<'a>(
        &'a self,
        alone: Alone,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
        out: *mut RawWord,
    ) {
        let (entry, args) = (alone.entry, args.as_ptr().cast());
        let mut context = MaybeUninit::<Context>::uninit();
        let at = context.as_mut_ptr();
        // SAFETY: there is room for the fields. Code that stands alone reads these and no others (see `Plan::is_alone`), those of the trace only where
        // it marks, and so does what it calls of the runtime, without a reference to the whole. The rest as in `enter_at`.
        unsafe {
            (*at).functions = &raw const FUNCTIONS;
            (*at).constants = self.constants.word().seq().as_ptr().cast();
            (*at).zeros = self.zeros.as_ptr().cast();
            (*at).shared = &raw const *self;
            (*at).arena = &raw const *arena;
            if !alone.marks {
                return entry(at, args, out);
            }
            (*at).marks = marks.as_mut_ptr();
            (*at).marks_len = marks.len();
            (*at).marks_capacity = marks.capacity();
            (*at).list = &raw mut *marks;
            entry(at, args, out);
            Context::give_marks_back(at);
        }
    }

    /// How a function is entered with these arguments, if it stands alone and they are all there.
    #[inline(always)]
    fn alone(&self, func: FuncId, args: &[Word<'_>]) -> Option<Alone> {
        let alone = (*self.alone.get(func.0 as usize)?)?;
        (alone.params as usize <= args.len()).then_some(alone)
    }

    /// Calls any function where a function that stands alone is expected.
    #[cold]
    #[inline(never)]
    fn enter_in_context<'a>(
        &'a self,
        func: FuncId,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
    ) -> &'a Word<'a> {
        let mut cx = Cx::new(arena, "", 0);
        cx.marks = std::mem::take(marks);
        let value = self.enter(func, &mut cx, args);
        *marks = cx.marks;
        value
    }

    /// How a function is entered, and how many parameters it has.
    #[inline(always)]
    fn entry(&self, place: usize) -> (Entry, usize) {
        match (self.entries.get(place), self.params.get(place)) {
            (Some(Some(entry)), Some(params)) => (*entry, *params as usize),
            _ => tollgate_ir::bug!("fn{place} is entered, and only compiled code calls it"),
        }
    }

    /// Calls the compiled code of a function, which leaves its value as `out` says.
    ///
    /// # Safety
    /// There is room for a word.
    #[inline(always)]
    unsafe fn enter_at<'a>(
        &'a self,
        func: FuncId,
        cx: &mut Cx<'a>,
        args: &[Word<'a>],
        out: *mut RawWord,
    ) {
        let (entry, params) = self.entry(func.0 as usize);
        let args = at_least(args, params, cx);
        let data = at_least(cx.data, self.data, cx);
        let mut context = Context {
            functions: &raw const FUNCTIONS,
            constants: self.constants.word().seq().as_ptr().cast(),
            data: data.as_ptr().cast(),
            id: cx.id.as_ptr(),
            id_len: cx.id.len(),
            time: cx.time,
            marks: cx.marks.as_mut_ptr(),
            marks_len: cx.marks.len(),
            marks_capacity: cx.marks.capacity(),
            zeros: self.zeros.as_ptr().cast(),
            shared: &raw const *self,
            arena: &raw const *cx.arena,
            list: &raw mut cx.marks,
            cx: (&raw mut *cx).cast(),
        };
        // SAFETY: the context is as the entry expects it, there is an argument for every parameter, and the code is there as long as this, which
        // is a part of the program. What it leaves is a word that borrows from the arguments, the data, the program or the arena, all of which
        // live for `'a`.
        unsafe {
            entry(&raw mut context, args.as_ptr().cast(), out);
            Context::give_marks_back(&raw mut context);
        }
    }
}

impl RuleIndex {
    fn memory(&self) -> usize {
        reserved(&self.functions) + self.decider.heap()
    }
}

/// Whether a decision lists what rules give that code finds, which is most often what one rule gives.
fn lists_what_is_found(decider: &Decider) -> bool {
    decider.policy == Policy::All && decider.finder.is_some()
}

/// See [`Shared::alone`].
fn standing_alone(module: &Legalized, entries: &[Option<Entry>]) -> Vec<Option<Alone>> {
    let plan = Plan::new(module);
    let of = |(func, entry): (FuncId, &Option<Entry>)| {
        let entry = entry.filter(|_| plan.is_alone(func))?;
        Some(Alone {
            entry,
            params: module.funcs[func].params().len() as u32,
            marks: plan.marks(func),
        })
    };
    let alone: Vec<_> = module.funcs.keys().zip(entries).map(of).collect();
    match alone.iter().all(Option::is_none) {
        true => Vec::new(),
        false => alone,
    }
}

/// Words, filled up with absent ones if there are fewer than `len`.
#[inline]
fn at_least<'w, 'a: 'w>(words: &'w [Word<'a>], len: usize, cx: &Cx<'a>) -> &'w [Word<'a>] {
    if words.len() >= len {
        return words;
    }
    let at = |i: usize| words.get(i).copied().unwrap_or(Word::None);
    cx.arena.seq_with(len, at)
}

fn reserved<T>(vec: &Vec<T>) -> usize {
    vec.capacity() * size_of::<T>()
}

#[cfg(test)]
mod tests {
    use tollgate_ir::text::parse;
    use tollgate_ir::verify::legal;
    use tollgate_runtime::Arena;

    use super::*;
    use crate::functions::Function;
    use crate::layout::RawWord;

    /// Code that rustc generated.
    struct Handmade;

    impl Code for Handmade {
        fn memory(&self) -> usize {
            0
        }
        fn listing(&self) -> String {
            "handmade".into()
        }
    }

    /// `f(n)`: marks site 0 so many times, and gives the pair of the first constant and the first data.
    ///
    /// # Safety
    /// As [`Entry`].
    unsafe extern "C" fn handmade(cx: *mut Context, args: *const RawWord, out: *mut RawWord) {
        // SAFETY: what an entry is given.
        unsafe {
            let functions = &*(*cx).functions;
            for _ in 0..(*args).word().int() {
                (functions.mark)(cx, 0);
            }
            let pair = (functions.words)(cx, 2);
            *pair = *(*cx).constants;
            *pair.add(1) = *(*cx).data;
            (functions.collect)(cx, pair, 2, out);
        }
    }

    #[test]
    fn code_is_called_with_what_it_expects() {
        let text = "const const0: str = \"a\"\ndata flags: str?\nsite site0 = otherwise r\n\
            func f(int) -> [str] {\nblock0(v0: int):\n    v1 = list [str]()\n    return v1\n}\n";
        let module = legal(parse(text, &[]).unwrap().module).unwrap();
        // SAFETY: there is one function, and its entry keeps to the ABI for ever.
        let program = unsafe { Compiled::new(&module, vec![Some(handmade)], Handmade) };
        let arena = Arena::new();
        let mut cx = Cx::new(&arena, "id", 0);
        let func = module.funcs.keys().next().unwrap();
        // Data that was not given is absent, and so is an argument.
        let word = *program.run(func, &mut cx, &[Word::Int(100)]);
        assert_eq!(word, Word::Seq(&[Word::Str("a")]));
        assert_eq!(cx.marks, vec![Mark(0); 100]);
        cx.data = &[Word::Str("b")];
        let word = *program.run(func, &mut cx, &[]);
        assert_eq!(word, Word::Seq(&[Word::Str("a"), Word::Str("b")]));
        assert_eq!(
            (cx.marks.len(), program.listing()),
            (100, "handmade".into())
        );
        assert!(program.memory() > size_of::<Shared>());
        assert_eq!(Function::Mark.name(), "mark");
    }

    /// `find(n)`: marks site 0 so many times, and gives `n`.
    ///
    /// # Safety
    /// As [`Entry`].
    unsafe extern "C" fn found(cx: *mut Context, args: *const RawWord, out: *mut RawWord) {
        // SAFETY: what an entry is given.
        unsafe {
            for _ in 0..(*args).word().int() {
                ((*(*cx).functions).mark)(cx, 0);
            }
            *out = *args;
        }
    }

    fn with_finder(policy: &str, result: &str, body: &str) -> (Compiled<Handmade>, FuncId) {
        let text = format!(
            "const const0: int = 1\nsite site0 = rule r a\nsite site1 = otherwise r\n\
             func find(int) -> int {{\nblock0(v0: int):\n{body}    return v0\n}}\n\
             index r(int) -> {result} {policy} {{\n    f0 = param 0 []\n    \
             rule site0 when f0 int {{1}} then konst const0\n    {}finder find\n}}\n",
            match policy {
                "all" => "",
                _ => "otherwise site1 then konst const0\n    ",
            }
        );
        let module = legal(parse(&text, &[]).unwrap().module).unwrap();
        let func = module.funcs.keys().next().unwrap();
        // SAFETY: there is one function, and its entry keeps to the ABI for ever.
        let program = unsafe { Compiled::new(&module, vec![Some(found)], Handmade) };
        (program, func)
    }

    #[test]
    fn what_stands_alone_is_entered_with_what_it_reads() {
        let arena = Arena::new();
        // What finds one rule is entered with less where it marks nothing, and in full where it may.
        for (body, marks) in [("", false), ("    mark site0\n", true)] {
            let (program, func) = with_finder("first", "int", body);
            assert!(program.shared.alone[0].is_some_and(|alone| alone.marks == marks));
            let n = if marks { 100 } else { 0 };
            let mut made = Vec::new();
            assert_eq!(program.find(func, &arena, &mut made, &[Word::Int(n)]), n);
            assert_eq!(program.find(func, &arena, &mut made, &[]), 0);
            assert_eq!(made.len() as i64, n);
        }
        // What is called for its value, or for its marks, adds them to those there are, however many.
        let (program, func) = with_finder("all", "[int]", "    mark site0\n");
        assert!(program.is_alone(func));
        let mut marks = vec![Mark(7)];
        let value = program.run_alone(func, &arena, &mut marks, &[Word::Int(100)]);
        assert_eq!(value.int(), 100);
        assert_eq!((marks[0], marks[1..].len()), (Mark(7), 100));
        assert_eq!(program.run_alone(func, &arena, &mut marks, &[]).int(), 0);
        assert_eq!(marks.len(), 101);
        // Who asks the decision for something does not stand alone.
        let (program, func) = with_finder("first", "int", "    v9 = decision_time\n");
        assert!(!program.is_alone(func));
        assert!(program.shared.alone.is_empty());
    }
}
