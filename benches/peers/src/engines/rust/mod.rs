//! What a Rust programmer writes by hand: a loop over typed rules, and an index made for the workload.

mod campaign;
mod gateway;
mod others;

use tollgate_workloads::{Test, Workload};

use crate::peer::{Kept, Peer};

/// A loop over typed rules; a function where there is one rule or one score.
pub fn linear(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    Ok(match workload.family {
        "gateway" => Kept::boxed(gateway::Linear::new(workload), workload),
        "campaign" | "campaign-even" => Kept::boxed(campaign::Linear::new(workload), workload),
        "single" => Kept::boxed(others::Single::new(workload)?, workload),
        "shed" => Kept::boxed(others::Shed, workload),
        _ => Kept::boxed(others::Asked::new(workload), workload),
    })
}

/// An index by hand: host, then prefix, then the rest; event and city, then thresholds.
pub fn index(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    Ok(match workload.family {
        "gateway" => Kept::boxed(gateway::Index::new(workload), workload),
        "campaign" | "campaign-even" => Kept::boxed(campaign::Index::new(workload), workload),
        other => return Err(format!("nobody has written one for {other}")),
    })
}

/// The text that an equality asks for.
fn is(test: &Test) -> &str {
    match test {
        Test::Is(text) => text,
        other => panic!("{other:?} is no equality"),
    }
}
