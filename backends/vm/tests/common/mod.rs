//! What the tests of the machine share: a random source, random inputs, and the comparison with the interpreter.
#![allow(
    dead_code,
    reason = "every test file is its own crate and uses a part of this"
)]

use tollgate_backend_api::Executable;
use tollgate_backend_vm::Program;
use tollgate_ir::Legalized;
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::FuncId;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Target};
use tollgate_ir::types::{Type, TypeData, Types};
use tollgate_runtime::native::{NativeClass, NativeParam, NativeType};
use tollgate_runtime::{Arena, Cx, Mark, Native, Value};

/// SplitMix64 (Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

/// A native for tests: the length of a text, beside a number.
pub(crate) static WEIGH: Native = Native {
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
pub(crate) fn natives(name: &str) -> Option<&'static Native> {
    (name == WEIGH.name).then_some(&WEIGH)
}

/// Reads a module from text and has it verified.
pub(crate) fn legal(text: &str) -> Legalized {
    let parsed = tollgate_ir::text::parse(text, &[&WEIGH]).unwrap_or_else(|e| panic!("{e}"));
    legalize(parsed.module)
}

/// Has a module verified.
pub(crate) fn legalize(module: Module) -> Legalized {
    tollgate_ir::verify::legal(module).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    })
}

/// A random value of a type; small numbers and few texts, so that equal ones meet.
pub(crate) fn arbitrary(types: &Types, ty: Type, rng: &mut Rng) -> Value {
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
#[derive(PartialEq, Debug)]
pub(crate) struct Outcome {
    pub(crate) value: Value,
    pub(crate) marks: Vec<Mark>,
    pub(crate) steps: u64,
}

/// Runs a function on the machine.
pub(crate) fn run_vm(program: &Program, func: FuncId, args: &[Value], data: &[Value]) -> Outcome {
    let arena = Arena::new();
    let args: Vec<_> = args.iter().map(|a| a.word(&arena)).collect();
    let data: Vec<_> = data.iter().map(|a| a.word(&arena)).collect();
    let mut cx = Cx::new(&arena, "decision-1", 1_700_000_000_000_000);
    cx.data = &data;
    let word = program.run(func, &mut cx, &args);
    Outcome {
        value: Value::of(word),
        marks: std::mem::take(&mut cx.marks),
        steps: cx.steps,
    }
}

/// Runs a function on the reference interpreter.
pub(crate) fn run_interp(module: &Module, func: FuncId, args: &[Value], data: &[Value]) -> Outcome {
    let (arena, interp) = (Arena::new(), Interp::new(module));
    let args: Vec<_> = args.iter().map(|a| a.word(&arena)).collect();
    let data: Vec<_> = data.iter().map(|a| a.word(&arena)).collect();
    let mut cx = Cx::new(&arena, "decision-1", 1_700_000_000_000_000);
    cx.data = &data;
    let word = interp.run(Target::Func(func), &mut cx, &args);
    Outcome {
        value: Value::of(word),
        marks: std::mem::take(&mut cx.marks),
        steps: cx.steps,
    }
}

/// Runs every function of a module on random inputs, on both engines, and on the machine once more behind a file.
pub(crate) fn compare(module: &Legalized, rounds: usize, rng: &mut Rng) {
    let program = Program::compile(module).unwrap_or_else(|e| panic!("{e}"));
    let loaded = Program::load(&program.bytes(), &natives).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(program.listing(), loaded.listing());
    let costs = Costs::new(module);
    for (id, func) in module.funcs.iter() {
        assert_eq!(program.bound(id), costs.func(id), "{}", func.name);
        for _ in 0..rounds {
            let params = func.params().iter().map(|p| func.ty(*p));
            let args: Vec<Value> = params.map(|ty| arbitrary(&module.types, ty, rng)).collect();
            let data = module.data.values();
            let data: Vec<Value> = data.map(|d| arbitrary(&module.types, d.ty, rng)).collect();
            let expected = run_interp(module, id, &args, &data);
            for program in [&program, &loaded] {
                let actual = run_vm(program, id, &args, &data);
                assert_eq!(
                    actual,
                    expected,
                    "{} {args:?}\n{}\n{}",
                    func.name,
                    tollgate_ir::text::print_module(module),
                    program.listing()
                );
            }
            assert!(
                expected.steps <= program.bound(id),
                "{} takes {} steps, its bound is {}",
                func.name,
                expected.steps,
                program.bound(id)
            );
        }
    }
}
