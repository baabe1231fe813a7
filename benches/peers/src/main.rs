//! Tollgate and other rule engines: the same rules, the same requests. See README.md.

mod engines;
mod measure;
mod peer;

#[path = "../../chart.rs"]
mod chart;
#[path = "../../clock.rs"]
mod clock;

use std::env;
use std::process::ExitCode;

use measure::{Wanted, all, load};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, engine, workload] = &arguments[..]
        && flag == "--load-one"
    {
        load::one(engine, workload);
        return ExitCode::SUCCESS;
    }
    match Wanted::read(arguments) {
        Ok(wanted) => {
            all(&wanted);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
