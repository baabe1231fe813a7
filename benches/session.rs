//! What a session adds to a decision: finding the entry, checking the facts, clearing the arena, data, marks.
//!
//! One rule set whose decision costs next to nothing is decided about facts that were decoded before. `bare` calls the virtual
//! machine on the same code as a session does, without the session; the difference is the overhead. Rounds are short and
//! interleaved, and the least of each is shown, so that what else runs on the machine does not count.
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

const ROUNDS: usize = 2000;
const DECISIONS: u32 = 2000;

/// Makes `DECISIONS` decisions.
type Row<'r> = Box<dyn FnMut() + 'r>;

/// What `RULES` becomes, written by hand.
const BARE: &str = "site site0 = otherwise trivial

func trivial(int) -> bool {
block0(v0: int):
    mark site0
    v1 = bconst true
    return v1
}
";
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
            let (mut arena, mut marks) = (Arena::new(), Vec::with_capacity(4));
            for i in 0..DECISIONS {
                // Without clearing, memory would be walked; that it is cleared now and then costs nothing.
                if i % 64 == 0 {
                    arena.reset();
                }
                let mut cx = Cx::new(&arena, call.id, call.time);
                cx.marks = marks;
                cx.marks.clear();
                black_box(bare.run_plain(&mut cx));
                marks = cx.marks;
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
    let mut least = vec![f64::INFINITY; rows.len()];
    for _ in 0..ROUNDS {
        for ((_, row), least) in rows.iter_mut().zip(&mut least) {
            let began = Instant::now();
            row();
            let each = began.elapsed().as_nanos() as f64 / f64::from(DECISIONS);
            *least = least.min(each);
        }
    }
    println!("{:<34}{:>16}{:>12}", "", "ns a decision", "overhead");
    for ((name, _), ns) in rows.iter().zip(&least) {
        println!("{name:<34}{ns:>16.1}{:>12.1}", ns - least[0]);
    }
}

/// The call that a session makes.
trait Plain {
    fn run_plain<'a>(&'a self, cx: &mut Cx<'a>) -> Word<'a>;
}

impl Plain for Bytecode {
    fn run_plain<'a>(&'a self, cx: &mut Cx<'a>) -> Word<'a> {
        let program: &dyn tollgate_backend_api::Executable = self;
        *program.run(FuncId(0), cx, black_box(&[Word::Int(7)]))
    }
}
