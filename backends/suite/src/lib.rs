//! # What this is
//!
//! What every backend is tested with: programs, random inputs, and the comparison with the reference interpreter.
//!
//! # What goes in and comes out
//!
//! A backend's tests hand in what it compiled, and get a panic that shows the program where it differs from the interpreter.
//!
//! # Invariants
//!
//! - [`CORPUS`] has every instruction; [`corpus_lacks`] says which a new one is not in it.
//! - Everything random follows from its seed.
//!
//! # Where to start reading
//!
//! [`agree`], then `instructions.tir`.
//!
//! # What it must not know
//!
//! Any concrete backend.

#[allow(unsafe_code, reason = "a global allocator is an unsafe trait")]
pub mod counting;
pub mod fake;
#[allow(unsafe_code, reason = "an object file is loaded and run")]
pub mod objects;
pub mod random;
pub mod shapes;
pub mod stress;

use tollgate_backend_api::Executable;
use tollgate_ir::Legalized;
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::FuncId;
use tollgate_ir::instructions::Opcode;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Entry, Module, Target};
use tollgate_ir::types::{Type, TypeData, Types};
use tollgate_runtime::native::{NativeClass, NativeParam, NativeType};
use tollgate_runtime::schema::TypeId;
use tollgate_runtime::{Arena, Cx, Mark, Native, States, Value, Word};

use crate::fake::{Asked, Fake};

/// A random source: SplitMix64 (Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "a source never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// One of some things.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

/// A native for tests: the length of a text, beside a number.
pub static WEIGH: Native = Native {
    module: "test",
    name: "weigh",
    doc: "The bytes of a text and a number.",
    params: &[
        NativeParam {
            name: "text",
            ty: NativeType::Str { max: 100 },
        },
        NativeParam {
            name: "plus",
            ty: NativeType::Int { lo: 0, hi: 100 },
        },
    ],
    result: NativeType::Int { lo: 0, hi: 200 },
    cost: 7,
    class: NativeClass::Opaque,
    examples: &[],
    context: false,
    call: |_, args| {
        let bytes = args[0].str().len() as i64;
        tollgate_runtime::Word::Int(bytes.wrapping_add(args[1].int()))
    },
};

/// The natives of the tests by name.
pub fn natives(name: &str) -> Option<&'static Native> {
    (name == WEIGH.name).then_some(&WEIGH)
}

/// A native that asks for the beginning of a text, and one that asks for its end.
pub static ENDS: [Native; 2] = [
    Native {
        name: "begins",
        class: NativeClass::Prefix,
        call: |_, args| Word::Bool(args[0].str().starts_with(args[1].str())),
        ..ASKS
    },
    Native {
        name: "ends",
        class: NativeClass::Suffix,
        call: |_, args| Word::Bool(args[0].str().ends_with(args[1].str())),
        ..ASKS
    },
];

const ASKS: Native = Native {
    module: "test",
    name: "asks",
    doc: "Whether a text has another at one of its ends.",
    params: &[
        NativeParam {
            name: "text",
            ty: NativeType::Str { max: 100 },
        },
        NativeParam {
            name: "part",
            ty: NativeType::Str { max: 100 },
        },
    ],
    result: NativeType::Bool,
    cost: 3,
    class: NativeClass::Opaque,
    examples: &[],
    context: false,
    call: |_, _| Word::Bool(false),
};

/// The natives that programs here may call.
pub static NATIVES: [&Native; 3] = [&WEIGH, &ENDS[0], &ENDS[1]];

/// Reads a module from text and has it verified.
pub fn legal(text: &str) -> Legalized {
    let parsed = tollgate_ir::text::parse(text, &NATIVES).unwrap_or_else(|e| panic!("{e}"));
    legalize(parsed.module)
}

/// Has a module verified. Every function becomes an entry, so that a test can call it.
pub fn legalize(mut module: Module) -> Legalized {
    for (id, func) in module.funcs.iter() {
        let known = |entry: &Entry| entry.target == Target::Func(id) || entry.name == func.name;
        if !module.entries.iter().any(known) {
            module.entries.push(Entry {
                decides: Default::default(),
                name: func.name.clone(),
                target: Target::Func(id),
                params: Vec::new(),
                result: TypeId(0),
            });
        }
    }
    tollgate_ir::verify::legal(module).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    })
}

/// A random value of a type; small numbers and few texts, so that equal ones meet.
pub fn arbitrary(types: &Types, ty: Type, rng: &mut Rng) -> Value {
    const TEXTS: [&str; 8] = ["", "a", "GET", "/", "/v2", "/v2/carts/7", "x_12", "b\u{e9}"];
    const INTS: [i64; 8] = [0, 1, 2, 3, 7, -1, i64::MAX, i64::MIN];
    const FLOATS: [f64; 6] = [0.0, 1.0, -1.5, 2.5, f64::MAX, 1e-300];
    const IPS: [&str; 4] = ["10.0.0.1", "10.1.2.3", "192.168.0.1", "2001:db8::1"];
    const NETS: [&str; 4] = [
        "10.0.0.0/8",
        "10.0.0.0/16",
        "192.168.0.0/16",
        "2001:db8::/32",
    ];
    let many = |rng: &mut Rng, of: Type| -> Vec<Value> {
        (0..rng.below(5))
            .map(|_| arbitrary(types, of, rng))
            .collect()
    };
    match types.get(ty) {
        TypeData::Bool => Value::Bool(rng.below(2) == 0),
        TypeData::Int => Value::Int(*rng.pick(&INTS)),
        TypeData::Float => Value::Float(*rng.pick(&FLOATS)),
        TypeData::Str => Value::str(*rng.pick(&TEXTS)),
        TypeData::Bytes => Value::Bytes(rng.pick(&TEXTS).as_bytes().into()),
        TypeData::Ip => Value::Ip(rng.pick(&IPS).parse().unwrap()),
        TypeData::Cidr => Value::Cidr(rng.pick(&NETS).parse().unwrap()),
        TypeData::Opt(of) => match rng.below(2) {
            0 => Value::None,
            _ => arbitrary(types, of, rng),
        },
        TypeData::List(of) => Value::seq(many(rng, of)),
        TypeData::Set(of) => Value::set(many(rng, of)),
        TypeData::Map(key, value) => {
            let keys = many(rng, key);
            Value::map(keys.into_iter().map(|k| (k, arbitrary(types, value, rng))))
        }
        TypeData::Record(id) => {
            let fields = &types.records[id].fields;
            Value::seq(fields.iter().map(|f| arbitrary(types, f.ty, rng)))
        }
        TypeData::Enum(id) => {
            let variants = &types.enums[id].variants;
            let tag = rng.below(variants.len());
            let fields = variants[tag].fields.iter();
            let fields = fields.map(|f| arbitrary(types, f.ty, rng)).collect();
            Value::Variant(tag as u32, fields)
        }
    }
}

/// What a run of a function leaves.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Its value.
    pub value: Value,
    /// What it marked.
    pub marks: Vec<Mark>,
    /// Its steps, 0 where an executable does not count them.
    pub steps: u64,
    /// What it asked of states, and the answers.
    pub asked: Vec<Asked>,
}

/// Runs a function of what a backend compiled; states find nothing.
pub fn run(program: &dyn Executable, func: FuncId, args: &[Value], data: &[Value]) -> Outcome {
    run_with(program, None, func, args, data)
}

/// Runs a function of what a backend compiled, with states.
fn run_with(
    program: &dyn Executable,
    states: Option<&Fake<'_>>,
    func: FuncId,
    args: &[Value],
    data: &[Value],
) -> Outcome {
    let arena = Arena::new();
    let args: Vec<_> = args.iter().map(|a| a.word(&arena)).collect();
    let data: Vec<_> = data.iter().map(|a| a.word(&arena)).collect();
    let mut cx = Cx::new(&arena, "decision-1", 1_700_000_000_000_000);
    cx.data = &data;
    cx.states = states.map(|fake| fake as &dyn States);
    let word = *program.run(func, &mut cx, &args);
    Outcome {
        value: Value::of(word),
        marks: std::mem::take(&mut cx.marks),
        steps: cx.steps,
        asked: states.map_or_else(Vec::new, Fake::take),
    }
}

/// Runs a function on the reference interpreter.
pub fn interpret(
    module: &Module,
    states: Option<&Fake<'_>>,
    func: FuncId,
    args: &[Value],
    data: &[Value],
) -> Outcome {
    run_with(&Reference(Interp::new(module)), states, func, args, data)
}

/// Runs every function of a module on random inputs, on the interpreter and on each of some executables.
///
/// # Panics
/// Where one differs from the interpreter in value, marks, what it asks of states or (if it counts them) steps; and where the interpreter takes more steps than
/// the static bound says.
pub fn agree(module: &Legalized, programs: &[&dyn Executable], rounds: usize, rng: &mut Rng) {
    let costs = Costs::new(module);
    for (id, func) in module.funcs.iter() {
        for _ in 0..rounds {
            let params = func.params().iter().map(|p| func.ty(*p));
            let args: Vec<Value> = params.map(|ty| arbitrary(&module.types, ty, rng)).collect();
            let data = module.data.values();
            let data: Vec<Value> = data.map(|d| arbitrary(&module.types, d.ty, rng)).collect();
            let fake = Fake::new(module, rng.next());
            let expected = interpret(module, Some(&fake), id, &args, &data);
            let bound = costs.func(id);
            assert!(
                expected.steps <= bound,
                "{}: {} steps, bound {bound}",
                func.name,
                expected.steps
            );
            for program in programs {
                let mut actual = run_with(*program, Some(&fake), id, &args, &data);
                if !program.counts_steps() {
                    actual.steps = expected.steps;
                }
                assert_eq!(
                    actual,
                    expected,
                    "{} {args:?}\n{}\n{}",
                    func.name,
                    tollgate_ir::text::print_module(module),
                    program.listing()
                );
            }
        }
    }
}

/// Runs every function of the corpus twice on the same inputs, and counts what the second round allocates.
///
/// # Panics
/// Where that is anything: the first round grew the arena and the room for marks.
pub fn allocates_nothing(
    module: &Legalized,
    program: &dyn Executable,
    allocations: &dyn Fn() -> u64,
) {
    let (inputs, mut rng) = (Arena::new(), Rng(4));
    let data = module.data.values();
    let data: Vec<Word<'_>> = data
        .map(|d| arbitrary(&module.types, d.ty, &mut rng).word(&inputs))
        .collect();
    let mut arena = Arena::new();
    for (id, func) in module.funcs.iter() {
        let mut args = Vec::new();
        for _ in 0..20 {
            let params = func.params().iter().map(|p| func.ty(*p));
            let words = params.map(|ty| arbitrary(&module.types, ty, &mut rng).word(&inputs));
            args.push(words.collect::<Vec<_>>());
        }
        let mut marks = Vec::with_capacity(64);
        for round in 0..2 {
            let before = allocations();
            for args in &args {
                arena.reset();
                let mut cx = Cx::new(&arena, "id", 0);
                cx.data = &data;
                cx.marks = std::mem::take(&mut marks);
                program.run(id, &mut cx, args);
                cx.marks.clear();
                marks = std::mem::take(&mut cx.marks);
            }
            let made = allocations() - before;
            assert!(
                round == 0 || made == 0,
                "`{}` allocates {made} times",
                func.name
            );
        }
    }
}

/// Every instruction, alone and in company.
pub const CORPUS: &str = include_str!("instructions.tir");

/// The instructions of legal IR that the corpus lacks, by name. A new instruction is one, until a function there has it.
///
/// ```
/// assert!(tollgate_backend_suite::corpus_lacks().is_empty());
/// ```
pub fn corpus_lacks() -> Vec<&'static str> {
    let module = legal(CORPUS);
    let insts = module.funcs.values().flat_map(|func| func.insts.values());
    let used: Vec<Opcode> = insts.map(|data| data.inst.opcode()).collect();
    // Legal IR has no rule sets left.
    let wanted = Opcode::ALL
        .iter()
        .filter(|o| !matches!(o, Opcode::Decide | Opcode::DecideMarked));
    let lacking = wanted.filter(|o| !used.contains(o));
    lacking.map(|o| o.mnemonic()).collect()
}

/// The reference interpreter as an executable.
struct Reference<'m>(Interp<&'m Module>);

impl Executable for Reference<'_> {
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> &'a Word<'a> {
        let word = self.0.run(Target::Func(func), cx, args);
        cx.arena.word(word)
    }

    fn listing(&self) -> String {
        tollgate_ir::text::print_module(self.0.module())
    }

    fn memory(&self) -> usize {
        self.0.bytes()
    }

    fn counts_steps(&self) -> bool {
        true
    }
}
