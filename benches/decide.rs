//! What a decision costs on each engine, on the requests of the GitHub example: decoding, deciding and encoding together.
//! All engines run in one process, in turn; the median of the rounds is shown.
//!
//! ```sh
//! cargo bench --bench decide
//! ```

use std::path::Path;
use std::time::Instant;

use tollgate::{Call, Engine, Level, backends};

const ROUNDS: usize = 9;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/github");
    let requests =
        std::fs::read_to_string(folder.join("requests.jsonl")).expect("the example is there");
    let lines: Vec<&str> = requests.lines().collect();
    let mut engines = Vec::new();
    for backend in backends() {
        for level in [Level::O0, Level::O1, Level::O2] {
            let engine = Engine::new()
                .backend(backend.name)
                .expect("the table names it")
                .level(level);
            let program = engine
                .compile_file(&folder.join("github.rules"))
                .expect("the example compiles");
            engines.push((
                format!("{} {level:?}", backend.name),
                program,
                Vec::new(),
                0,
            ));
        }
    }
    for _ in 0..ROUNDS {
        for (_, program, times, steps) in &mut engines {
            let mut session = program.session();
            let mut out = String::new();
            *steps = 0;
            let began = Instant::now();
            for line in &lines {
                out.clear();
                let call = Call {
                    id: "bench",
                    time: 0,
                };
                let decision = session
                    .decide_json("route", line.as_bytes(), &call)
                    .expect("the request is let in");
                decision.write_json(&mut out);
                *steps += decision.steps();
            }
            times.push(began.elapsed().as_nanos() as u64 / lines.len() as u64);
        }
    }
    println!(
        "{:<12}{:>18}{:>20}{:>20}",
        "engine", "ns a decision", "steps a decision", "bound"
    );
    for (name, program, times, steps) in &mut engines {
        times.sort_unstable();
        let bound = program.bound("route").unwrap_or(0);
        println!(
            "{name:<12}{:>18}{:>20}{bound:>20}",
            times[ROUNDS / 2],
            *steps / lines.len() as u64
        );
    }
}
