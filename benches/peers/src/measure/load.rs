//! What taking 10,000 rules in costs: CPU time of all threads, and memory that stays, each in a process of its own.

use std::{env, fs, process::Command};

use super::Wanted;
use crate::clock::took;
use crate::engines::ENGINES;

/// On these, with this many rules.
const FAMILIES: &[&str] = &["gateway", "campaign"];
const RULES: usize = 10_000;

/// A line of the table.
pub struct Load {
    pub engine: &'static str,
    pub family: &'static str,
    /// Milliseconds, and bytes that are resident afterwards and were not before.
    pub cost: Option<(f64, u64)>,
}

pub fn all(wanted: &Wanted) -> Vec<Load> {
    let mut loads = Vec::new();
    for family in FAMILIES {
        if !wanted.workloads.is_empty() && !wanted.workloads.iter().any(|w| w == family) {
            continue;
        }
        for (engine, _) in ENGINES {
            if !wanted.engines.is_empty() && !wanted.engines.iter().any(|e| e == engine) {
                continue;
            }
            loads.push(Load {
                engine,
                family,
                cost: in_child(engine, family),
            });
        }
    }
    loads
}

fn in_child(engine: &str, family: &str) -> Option<(f64, u64)> {
    let this = env::current_exe().expect("a running program has a path");
    let output = Command::new(this)
        .args(["--load-one", engine, family])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (ms, bytes) = text.trim().split_once(' ')?;
    Some((ms.parse().ok()?, bytes.parse().ok()?))
}

/// What a child does: prints milliseconds and bytes, or nothing if the engine cannot take the rules in.
pub fn one(engine: &str, family: &str) {
    let workload = super::make(family, RULES, 1, tollgate_workloads::Profile::Zipf);
    let workload = Box::leak(Box::new(workload));
    let (_, build) = ENGINES
        .iter()
        .find(|(name, _)| *name == engine)
        .expect("a known engine");
    let before = resident();
    // An engine may take rules in by a thread of its own, which counts.
    let (ns, built) = took(|| build(workload));
    if built.is_ok() {
        println!("{} {}", ns / 1e6, resident().saturating_sub(before));
    }
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:"));
    let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
