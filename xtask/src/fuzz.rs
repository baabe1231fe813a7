//! Runs of the fuzz targets one after another, each with the row that it adds to the record in `tests/fuzz/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Seconds of a target, where none are given.
const SECONDS: u64 = 60;
/// An input that takes longer, in seconds, ends the run. The promise is one; but the processor may be taken away for a while.
const TIMEOUT: u64 = 20;
/// What the kernel counts the processor's time in, to a second.
const TICKS: f64 = 100.0;

/// `[SECONDS [TARGET …]]`: all targets, if none are named.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let seconds = match args.first().map(|text| text.parse::<u64>()) {
        None => SECONDS,
        Some(Ok(seconds)) if seconds > 0 => seconds,
        Some(_) => {
            println!("cargo xtask fuzz [SECONDS [TARGET …]]: SECONDS is a whole number from 1 on");
            return ExitCode::from(2);
        }
    };
    let Some(all) = targets() else {
        println!("cargo-fuzz is missing: `cargo install cargo-fuzz`.");
        return ExitCode::FAILURE;
    };
    let asked = args.get(1..).unwrap_or_default();
    if let Some(unknown) = asked.iter().find(|target| !all.contains(target)) {
        println!("no target is `{unknown}`; there is {}", all.join(", "));
        return ExitCode::from(2);
    }
    let targets = if asked.is_empty() { &all[..] } else { asked };
    if !fuzz("run", "seeds").status().is_ok_and(|s| s.success()) {
        return ExitCode::FAILURE;
    }
    let mut found = false;
    for target in targets {
        match row(target, seconds) {
            Ok((row, nothing)) => {
                println!("{row}");
                found |= !nothing;
            }
            Err(why) => {
                println!("{target}: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    match found {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// The targets, if there is a cargo-fuzz to ask.
fn targets() -> Option<Vec<String>> {
    let listed = Command::new("cargo")
        .args(["fuzz", "list"])
        .current_dir(folder())
        .output();
    let listed = String::from_utf8(listed.ok().filter(|l| l.status.success())?.stdout).ok()?;
    Some(
        listed
            .lines()
            .filter(|name| *name != "seeds")
            .map(str::to_owned)
            .collect(),
    )
}

/// Builds and runs a target. Its row, and whether it found nothing.
fn row(target: &str, seconds: u64) -> Result<(String, bool), String> {
    let built = fuzz("build", target).status().map_err(|e| e.to_string())?;
    if !built.success() {
        return Err("it does not build".into());
    }
    // A longer input of choices is more of them; an artifact has the schema of all that its program uses.
    let longest = match target {
        "state" | "c_api" => 2_000,
        "artifact" => 65_536,
        _ => 8_192,
    };
    let (began, before) = (Instant::now(), processor());
    let mut command = fuzz("run", target);
    command.arg("--").args([
        format!("-max_total_time={seconds}"),
        format!("-max_len={longest}"),
        format!("-timeout={TIMEOUT}"),
        "-rss_limit_mb=2048".into(),
        "-print_final_stats=1".into(),
    ]);
    let ran = command.output().map_err(|e| e.to_string())?;
    let (took, used) = (began.elapsed().as_secs(), processor());
    let log = folder().join("artifacts").join(format!("{target}.log"));
    fs::write(&log, &ran.stderr).map_err(|e| format!("{}: {e}", log.display()))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let stat = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("–", |rest| rest.trim_start_matches(':').trim())
    };
    let used = match (before, used) {
        (Some(before), Some(used)) => format!("{:.0}", used - before),
        _ => "–".into(),
    };
    let corpus = fs::read_dir(folder().join("corpus").join(target)).map_or(0, Iterator::count);
    let (found, nothing) = match ran.status.success() {
        true => ("nothing".to_owned(), true),
        false => (format!("see {}", log.display()), false),
    };
    let row = format!(
        "| `{target}` | {} | {took} | {used} | {corpus} | {} | {} | {} | {found} |",
        stat("stat::number_of_executed_units"),
        stat("stat::slowest_unit_time_sec"),
        stat("stat::peak_rss_mb"),
        today(),
    );
    Ok((row, nothing))
}

/// A command about a target. `rules` compares with machine code as well.
fn fuzz(what: &str, target: &str) -> Command {
    let mut command = Command::new("cargo");
    // A stable compiler has the sanitizer, and must be asked twice.
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(folder());
    command.args(["fuzz", what, target]);
    if target == "rules" {
        command.args(["--features", "cranelift"]);
    }
    command
}

/// Seconds of the processor that commands took which have ended, where the system says.
fn processor() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ended = fields.split_whitespace().skip(13).take(2);
    let mut ticks = || ended.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

fn today() -> String {
    let date = Command::new("date").arg("+%F").output();
    let date = date
        .ok()
        .and_then(|date| String::from_utf8(date.stdout).ok());
    date.unwrap_or_default().trim().to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_what_has_ended_is_counted() {
        let Some(before) = processor() else {
            return;
        };
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let ended = Command::new("sh").args(["-c", busy]).status();
        assert!(ended.is_ok_and(|status| status.success()));
        assert!(processor().is_some_and(|after| after > before));
    }
}
