//! What native code is put through: large programs, deep ones, many of them, in many threads, and words that nobody expects.
//!
//! Each takes a function that compiles, and panics where a promise is not kept.

use std::thread;

use tollgate_backend_api::Executable;
use tollgate_ir::Legalized;
use tollgate_ir::entities::FuncId;
use tollgate_runtime::{Arena, Cx, Mark, Value, Word};

use crate::shapes::{chain, deepest};
use crate::{CORPUS, Rng, agree, legal, legalize, run};

/// What is tested: compiles a program.
pub type Compile<'c> = &'c (dyn Fn(&Legalized) -> Box<dyn Executable> + Sync);

/// A small rule set as the optimizer leaves it.
pub const ROUTE: &str = r#"
record Request { method: str, path: str, size: int }
const const0: str = "GET"
const const1: str = "payments"
const const2: str = "catalog"
site site0 = rule route checkout
site site1 = otherwise route

func route(Request) -> str {
block0(v0: Request):
    v1 = field v0, 0
    v2 = konst const0
    v3 = scmp eq, v1, v2
    br v3, block1, block2
block1:
    mark site0
    v4 = konst const1
    return v4
block2:
    mark site1
    v5 = konst const2
    return v5
}
"#;

/// The deepest calls that the verifier lets through fit the stack of this thread: an ordinary one.
pub fn deepest_calls(compile: Compile<'_>) {
    let (module, top) = deepest();
    let program = compile(&legalize(module));
    let outcome = run(&*program, top, &[Value::Int(0)], &[]);
    let depth = tollgate_ir::verify::CALL_DEPTH_MAX;
    assert_eq!(outcome.value, Value::Int(depth.into()));
}

/// Ten times the rules in one function are about ten times the code, and it decides. How long compiling takes is a benchmark's
/// question (`cargo bench --bench scale`).
pub fn linear_code(compile: Compile<'_>) {
    let size = |rules: i64| -> usize {
        let program = compile(&legalize(chain(rules)));
        let args = [Value::Int(rules - 1), Value::Int(1)];
        let outcome = run(&*program, FuncId(0), &args, &[]);
        assert_eq!(outcome.value, Value::Int(rules));
        assert_eq!(outcome.marks, [Mark(0)]);
        program.memory()
    };
    let (small, large) = (size(1_000), size(10_000));
    assert!(
        large < small * 15,
        "{small} bytes for 1,000, {large} bytes for 10,000"
    );
}

/// Compiles, runs and drops a program so many times, and looks at the memory of the process, where the system tells.
/// It must be alone in its process. Code takes a page at least, so code that stayed behind would show.
pub fn leave_nothing_behind(compile: Compile<'_>, rounds: usize) {
    let module = legal(ROUTE);
    let programs = |count: usize| {
        for _ in 0..count {
            let program = compile(&module);
            let request = [Value::str("GET"), Value::str("/"), Value::Int(1)];
            let outcome = run(&*program, FuncId(0), &[Value::seq(request)], &[]);
            assert_eq!(outcome.value, Value::str("payments"));
        }
    };
    // What the allocator keeps, and what is made once, is there after these.
    programs(500);
    let Some(before) = resident() else {
        return;
    };
    programs(rounds);
    let grown = resident().unwrap_or(before).saturating_sub(before);
    assert!(
        grown < rounds * 1024,
        "{grown} bytes more after {rounds} programs"
    );
}

/// Memory of this process that is in use, where the system tells.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Two programs run in sixteen threads, and each thread compiles one for itself.
pub fn sixteen_threads(compile: Compile<'_>) {
    let (route, corpus) = (&legal(ROUTE), &legal(CORPUS));
    let programs = &[compile(route), compile(corpus)];
    thread::scope(|scope| {
        for seed in 0..16 {
            scope.spawn(move || {
                let (get, put) = (["GET", "payments"], ["PUT", "catalog"]);
                let (arena, own) = (Arena::new(), compile(route));
                for [method, expected] in [get, put].iter().cycle().take(2_000) {
                    let request = [Word::Str(method), Word::Str("/"), Word::Int(1)];
                    for program in [&programs[0], &own] {
                        let mut cx = Cx::new(&arena, "1", 0);
                        let word = *program.run(FuncId(0), &mut cx, &[Word::Seq(&request)]);
                        assert_eq!(word.str(), *expected);
                        assert_eq!(cx.marks.len(), 1);
                    }
                }
                agree(corpus, &[&*programs[1]], 5, &mut Rng(seed));
            });
        }
    });
}

/// A word of another kind reads as its type's zero, and sequences that are too short as absent: a host cannot lead code astray.
pub fn words_of_other_types(compile: Compile<'_>) {
    let module = legal(CORPUS);
    let program = compile(&module);
    let inner = [Word::Int(-1), Word::Str("x")];
    let words = [
        Word::None,
        Word::Bool(true),
        Word::Int(i64::MIN),
        Word::Float(1.5),
        Word::Str("text"),
        Word::Bytes(&[255]),
        Word::Ip("10.0.0.1".parse().unwrap()),
        Word::Cidr("10.0.0.0/8".parse().unwrap()),
        Word::Seq(&[]),
        Word::Seq(&inner),
        Word::Variant(7, &[]),
        Word::Variant(u32::MAX, &inner),
    ];
    let mut rng = Rng(9);
    for (id, func) in module.funcs.iter() {
        for _ in 0..200 {
            let args: Vec<Word<'_>> = func.params().iter().map(|_| *rng.pick(&words)).collect();
            let data: Vec<Word<'_>> = module.data.values().map(|_| *rng.pick(&words)).collect();
            let arena = Arena::new();
            let mut cx = Cx::new(&arena, "1", 0);
            cx.data = &data;
            // Whatever it is, it can be looked at to its end.
            Value::of(*program.run(id, &mut cx, &args));
            Value::of(*program.run(id, &mut cx, &[]));
        }
    }
}
