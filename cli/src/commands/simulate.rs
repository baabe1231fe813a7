//! `tollgate simulate`

use std::fs;
use std::io::{self, BufReader, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use tollgate_simulate::{Burst, Scenario, Told, Traffic};

use super::lines::open;
use super::program::with_data;
use super::{Outcome, Result, explain_failure, show};
use crate::args::{Format, Simulate};
use crate::terminal::thousands;

/// Lines and requests that are refused and told of; the rest are counted.
const SHOWN: u64 = 10;

pub(crate) fn run(args: &Simulate) -> Result<Outcome> {
    let scenario = scenario(args)?;
    let program = match args.engine.engine()?.open(&args.file) {
        Ok(program) => program,
        Err(error) => return explain_failure(error),
    };
    show(program.report());
    let program = with_data(program, &args.file, &args.data)?;
    let traffic = match &args.trace {
        Some(trace) => Traffic::Trace(Box::new(BufReader::new(open(trace)?))),
        None => Traffic::Bursts,
    };
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}")?);
    let mut refused = 0;
    let mut refuse = |what: String| {
        refused += 1;
        if refused <= SHOWN {
            bar.suspend(|| eprintln!("{what}"));
        }
    };
    let name = args.trace.as_deref().unwrap_or(Path::new("-")).display();
    let mut tell = |told: Told<'_>| match told {
        Told::Progress { requests, passed } => {
            bar.set_message(format!(
                "{} requests, {} s",
                thousands(requests),
                thousands(passed.as_secs())
            ));
            bar.tick();
        }
        Told::Line { line, reason } => refuse(format!("{name}:{line}: not played: {reason}")),
        Told::Refused { class, reason } => {
            refuse(format!("a request of `{class}` refused: {reason}"));
        }
    };
    let report = tollgate_simulate::simulate(&program, &scenario, traffic, &mut tell)?;
    bar.finish_and_clear();
    if refused > SHOWN {
        eprintln!("… and {} more", thousands(refused - SHOWN));
    }
    let text = match args.format {
        Format::Human => report.render(),
        Format::Json => report.to_json() + "\n",
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    if let Some(file) = &args.svg {
        fs::write(file, report.to_svg())
            .map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    }
    Ok(match refused {
        0 => Outcome::Clean,
        _ => Outcome::Findings,
    })
}

/// The scenario, with what the command line says instead.
fn scenario(args: &Simulate) -> Result<Scenario> {
    let mut scenario = match &args.scenario {
        Some(file) => Scenario::open(file)?,
        None => Scenario::default(),
    };
    if let Some(entry) = &args.entry {
        scenario.entry = Some(entry.clone());
    }
    if let Some(by) = &args.by {
        scenario.by = Some(by.clone());
    }
    if let Some(bursts) = &args.bursts {
        scenario.bursts = Burst::parse(bursts)?;
    }
    if let Some(workers) = args.workers {
        scenario.fleet.workers = workers;
    }
    if let Some(speed) = args.speed {
        scenario.trace.speed = speed;
    }
    if let Some(seed) = args.seed {
        scenario.seed = seed;
    }
    Ok(scenario)
}
