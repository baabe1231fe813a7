//! What a session adds to a decision: finding the entry, checking the facts, clearing the arena, data, marks.
//!
//! One rule set whose decision costs next to nothing is decided about facts that were decoded before. `bare` calls the virtual
//! machine as a session does, without the session; the difference is the overhead. Interleaved; medians.
//!
//! ```sh
//! cargo bench --bench session
//! ```

use std::hint::black_box;
use std::time::Instant;

use tollgate::{Call, Engine};
use tollgate_backend_vm::Program as Bytecode;
use tollgate_ir::entities::FuncId;
use tollgate_ir::text::parse;
use tollgate_ir::verify::legal;
use tollgate_runtime::{Arena, Cx, Word};

const ROUNDS: usize = 31;
const DECISIONS: u32 = 200_000;

/// Makes `DECISIONS` decisions.
type Row<'r> = Box<dyn FnMut() + 'r>;

/// What `RULES` becomes, written by hand.
const BARE: &str =
    "func f(int) -> bool {\nblock0(v0: int):\n    v1 = bconst true\n    return v1\n}\n";
const RULES: &str = "
    ruleset trivial(n: Int) -> Bool hit first {
      otherwise true
    }
";
const WITH_DATA: &str = "
    data limit: Int
    ruleset trivial(n: Int) -> Bool hit first {
      otherwise true
    }
";

fn main() {
    let engine = Engine::new();
    let plain = engine
        .compile_source("x.rules", RULES)
        .expect("it compiles");
    let with_data = engine
        .compile_source("x.rules", WITH_DATA)
        .and_then(|program| program.with_data("limit", b"7"))
        .expect("it compiles");
    let bare = parse(BARE, &[]).expect("it is IR").module;
    let bare = Bytecode::compile(&legal(bare).expect("it is legal")).expect("it compiles");

    let call = Call { id: "1", time: 0 };
    let mut rows: Vec<(&str, Row<'_>)> = Vec::new();
    rows.push((
        "bare: the virtual machine alone",
        Box::new(|| {
            let mut arena = Arena::new();
            for i in 0..DECISIONS {
                // Without clearing, memory would be walked; that it is cleared now and then costs nothing.
                if i % 64 == 0 {
                    arena.reset();
                }
                let mut cx = Cx::new(&arena, call.id, call.time);
                black_box(bare.run_plain(&mut cx));
            }
        }),
    ));
    for (name, program, by_name) in [
        ("session: by handle", &plain, false),
        ("session: by name", &plain, true),
        ("session: by handle, with data", &with_data, false),
    ] {
        let entry = program.entry("trivial").expect("it is there");
        let facts = program.decode(entry, b"7").expect("it is a number");
        let mut session = program.session();
        rows.push((
            name,
            Box::new(move || {
                for _ in 0..DECISIONS {
                    let decided = if by_name {
                        session.decide_facts("trivial", black_box(&facts), &call)
                    } else {
                        session.decide_facts(entry, black_box(&facts), &call)
                    };
                    black_box(decided.expect("it decides").steps());
                }
            }),
        ));
    }
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, row), times) in rows.iter_mut().zip(&mut times) {
            let began = Instant::now();
            row();
            times.push(began.elapsed().as_nanos() as f64 / f64::from(DECISIONS));
        }
    }
    println!("{:<34}{:>16}{:>12}", "", "ns a decision", "overhead");
    let mut bare = 0.0;
    for ((name, _), times) in rows.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let median = times[ROUNDS / 2];
        if bare == 0.0 {
            bare = median;
        }
        println!("{name:<34}{median:>16.1}{:>12.1}", median - bare);
    }
}

/// The call that a session makes.
trait Plain {
    fn run_plain<'a>(&'a self, cx: &mut Cx<'a>) -> Word<'a>;
}

impl Plain for Bytecode {
    fn run_plain<'a>(&'a self, cx: &mut Cx<'a>) -> Word<'a> {
        let program: &dyn tollgate_backend_api::Executable = self;
        program.run(FuncId(0), cx, black_box(&[Word::Int(7)]))
    }
}
