//! Large programs, deep ones, and many of them.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::shapes::{chain, deepest};
use tollgate_backend_suite::{CORPUS, Rng, agree, legal, legalize, run};
use tollgate_ir::Legalized;
use tollgate_ir::entities::FuncId;
use tollgate_runtime::{Arena, Cx, Mark, Value, Word};

fn compile(module: &Legalized) -> Box<dyn Executable> {
    Cranelift.compile(module).unwrap_or_else(|e| panic!("{e}"))
}

/// A small rule set as the optimizer leaves it.
const ROUTE: &str = r#"
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

/// The deepest calls the verifier lets through, on the small stack of a test's thread.
#[test]
fn the_deepest_calls_fit_the_stack() {
    let (module, top) = deepest();
    let program = compile(&legalize(module));
    let outcome = run(&*program, top, &[Value::Int(0)], &[]);
    let depth = tollgate_ir::verify::CALL_DEPTH_MAX;
    assert_eq!(outcome.value, Value::Int(depth.into()));
}

/// Compiling is linear: ten times the rules take about ten times as long, and not a hundred times.
#[test]
fn ten_thousand_rules_in_one_function_are_compiled_in_linear_time() {
    let time = |rules: i64| -> Duration {
        let module = legalize(chain(rules));
        let began = Instant::now();
        let program = compile(&module);
        let took = began.elapsed();
        let args = [Value::Int(rules - 1), Value::Int(1)];
        let outcome = run(&*program, FuncId(0), &args, &[]);
        assert_eq!(outcome.value, Value::Int(rules));
        assert_eq!(outcome.marks, [Mark(0)]);
        took
    };
    let (small, large) = (time(1_000), time(10_000));
    assert!(
        large < small * 40,
        "{small:?} for 1,000, {large:?} for 10,000"
    );
}

/// Code is freed with its program: pages that stayed behind would be some hundred megabytes.
#[test]
fn a_program_that_is_dropped_leaves_nothing_behind() {
    let module = legal(ROUTE);
    let one = |rounds: usize| {
        for _ in 0..rounds {
            let program = compile(&module);
            let request = [Value::seq([
                Value::str("GET"),
                Value::str("/"),
                Value::Int(1),
            ])];
            let outcome = run(&*program, FuncId(0), &request, &[]);
            assert_eq!(outcome.value, Value::str("payments"));
        }
    };
    // What the allocator keeps, and what is made once, is there after these.
    one(500);
    let Some(before) = resident() else {
        return;
    };
    one(10_000);
    let grown = resident().unwrap_or(before).saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more after 10,000 programs");
}

/// Memory of this process that is in use, where the system tells.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn two_programs_run_in_sixteen_threads() {
    let (route, corpus) = (legal(ROUTE), legal(CORPUS));
    let programs: Arc<[Box<dyn Executable>]> = Arc::new([compile(&route), compile(&corpus)]);
    thread::scope(|scope| {
        for seed in 0..16 {
            let (programs, corpus) = (programs.clone(), &corpus);
            scope.spawn(move || {
                let (get, put) = (["GET", "payments"], ["PUT", "catalog"]);
                let arena = Arena::new();
                for [method, expected] in [get, put].iter().cycle().take(2_000) {
                    let request = [Word::Str(method), Word::Str("/"), Word::Int(1)];
                    let mut cx = Cx::new(&arena, "1", 0);
                    let word = programs[0].run(FuncId(0), &mut cx, &[Word::Seq(&request)]);
                    assert_eq!(word.str(), *expected);
                    assert_eq!(cx.marks.len(), 1);
                }
                agree(corpus, &[&*programs[1]], 5, &mut Rng(seed));
            });
        }
    });
}

/// A word of another kind reads as its type's zero, and sequences that are too short as absent: a host cannot lead code astray.
#[test]
fn words_of_other_types_are_harmless() {
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
            Value::of(program.run(id, &mut cx, &args));
            Value::of(program.run(id, &mut cx, &[]));
        }
    }
}
