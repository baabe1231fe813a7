//! Decides by an artifact, with no compiler in the program: `artifact FILE.tgb ENTRY < facts.jsonl`.
//!
//! States that the rules declare are kept in this process, from the first line to the last. See `examples/artifact/README.md`.

use std::io::{BufRead, stdin};
use std::path::Path;
use std::process::ExitCode;

use tollgate::{Call, Engine, Error, Live};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, entry] = &args[..] else {
        eprintln!("artifact FILE.tgb ENTRY < facts.jsonl");
        return ExitCode::from(2);
    };
    match decide(Path::new(file), entry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn decide(file: &Path, entry: &str) -> Result<(), Error> {
    // A server would `watch` it: the states go on when another artifact takes its place.
    let name = entry.to_owned();
    let live = Live::open(Engine::new(), file, move |program| program.entry(&name))?;
    for (number, line) in (1..).zip(stdin().lock().lines().map_while(Result::ok)) {
        let id = number.to_string();
        let call = Call { id: &id, time: 0 };
        let decided = live.with(|session, entry| {
            let decision = session.decide_json(entry, line.as_bytes(), &call)?;
            Ok::<_, Error>(decision.to_json())
        });
        match decided {
            Ok(decision) => println!("{decision}"),
            // What is no request of these rules is refused, and the next one is decided.
            Err(error) if error.refusal().is_some() => println!("refused: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
