//! `tollgate bench`

use std::hint::black_box;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tollgate::{Call, Entry, Facts, Program, Session};

use super::lines::{Block, Blocks, open};
use super::program::{Ready, ready};
use super::{Outcome, Result};
use crate::args::{Bench, Format};
use crate::terminal::thousands;

/// How long a round takes at least; shorter ones measure the clock.
const ROUND: Duration = Duration::from_millis(20);

pub(crate) fn run(args: &Bench) -> Result<Outcome> {
    let engine = args.engine.engine()?;
    let (program, entry, compiling) =
        match ready(&engine, &args.file, &args.entry, &args.data, &[])? {
            Ready::Yes {
                program,
                entry,
                compiling,
            } => (program, entry, compiling),
            Ready::No(outcome) => return Ok(outcome),
        };
    // By a thread of its own, to which glibc's allocator gives memory of its own. So the facts lie behind one another, and large programs are not
    // charged for facts that lie scattered in what compiling left free.
    let decoding = || decode(&program, entry, args).map_err(|error| error.to_string());
    let decoded = thread::scope(|scope| scope.spawn(decoding).join());
    let (facts, refused, first) = decoded.unwrap_or_else(|panic| resume_unwind(panic))?;
    if facts.is_empty() {
        return Err(format!(
            "{} has nothing to decide about: {refused} lines, all refused{}",
            args.input.display(),
            first.map_or(String::new(), |first| format!("; the first, {first}"))
        )
        .into());
    }
    if let Some(first) = first {
        eprintln!("refused and left out: {refused}; the first, {first}");
    }
    let rounds = measure(&program, entry, &facts, args.rounds)?;
    let median = rounds[rounds.len() / 2];
    let per_second = 1e9 / median;
    let compile_ms = compiling.as_secs_f64() * 1e3;
    let (fastest, slowest) = (rounds[0], rounds[rounds.len() - 1]);
    match args.format {
        Format::Json => println!(
            "{}",
            json!({
                "ns_per_decision": rounded(median),
                "fastest_ns": rounded(fastest),
                "slowest_ns": rounded(slowest),
                "decisions_per_second": per_second.round() as u64,
                "compile_ms": rounded(compile_ms),
                "bytes": program.bytes(),
                "requests": facts.len(),
                "refused": refused,
                "rounds": rounds.len(),
                "backend": args.engine.backend,
                "level": args.engine.level,
            })
        ),
        Format::Human => {
            println!(
                "{median:.1} ns a decision, {} decisions a second (fastest round {fastest:.1} ns, slowest {slowest:.1} ns)",
                thousands(per_second as u64)
            );
            println!(
                "{compile_ms:.1} ms to compile, {} bytes in memory",
                thousands(program.bytes() as u64)
            );
            println!(
                "{} requests, {} refused, {} rounds, backend {}, level {}",
                thousands(facts.len() as u64),
                thousands(refused),
                rounds.len(),
                args.engine.backend,
                args.engine.level
            );
        }
    }
    Ok(if refused > 0 {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// The facts of all lines, how many were refused, and why the first was.
fn decode(
    program: &Program,
    entry: Entry,
    args: &Bench,
) -> Result<(Vec<Facts>, u64, Option<String>)> {
    let mut blocks = Blocks::new(open(&args.input)?);
    let (mut block, mut facts, mut refused) = (Block::default(), Vec::new(), 0);
    let mut first = None;
    while blocks
        .next(&mut block)
        .map_err(|e| format!("cannot read on: {e}"))?
    {
        if block.too_long {
            refused += 1;
            first.get_or_insert_with(|| "a line that is too long".to_owned());
            continue;
        }
        for (number, line) in block.lines() {
            match program.decode(entry, line) {
                Ok(decoded) => facts.push(decoded),
                Err(error) if error.refusal().is_some() => {
                    refused += 1;
                    first.get_or_insert_with(|| format!("line {number}: {error}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok((facts, refused, first))
}

/// Nanoseconds a decision in each round, sorted.
fn measure(program: &Program, entry: Entry, facts: &[Facts], rounds: u32) -> Result<Vec<f64>> {
    let states = program.states(&[])?;
    let mut session = program.session_with(&states)?;
    // The first pass grows memory; then passes are added until a round is long enough to be measured.
    let mut passes = 1u32;
    pass(&mut session, entry, facts)?;
    loop {
        let began = Instant::now();
        for _ in 0..passes {
            pass(&mut session, entry, facts)?;
        }
        if began.elapsed() >= ROUND || passes >= 1 << 24 {
            break;
        }
        passes *= 2;
    }
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        for _ in 0..passes {
            pass(&mut session, entry, facts)?;
        }
        let decisions = f64::from(passes) * facts.len() as f64;
        times.push(began.elapsed().as_nanos() as f64 / decisions);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn pass(session: &mut Session<'_>, entry: Entry, facts: &[Facts]) -> Result<()> {
    let call = Call {
        id: "bench",
        time: 0,
    };
    for facts in facts {
        black_box(&session.decide_facts(entry, facts, &call)?);
    }
    Ok(())
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
