//! `tollgate serve`

use tollgate_serve::{Error, Settings, check, serve};

use super::{Outcome, Result, show};
use crate::args::Serve;

pub(crate) fn run(args: &Serve) -> Result<Outcome> {
    let mut settings = Settings::open(&args.file)?;
    settings.trust.extend(args.trust.iter().cloned());
    let engine = args.engine.engine()?;
    if args.check {
        return match check(&settings, engine) {
            Ok(warnings) => {
                for warning in warnings {
                    eprintln!("warning: {warning}");
                }
                eprintln!("{}: the rules fit", args.file.display());
                Ok(Outcome::Clean)
            }
            Err(error) => failed(error),
        };
    }
    match serve(settings, engine, |event| eprintln!("{event}")) {
        Ok(0) => Ok(Outcome::Clean),
        Ok(broken) => {
            eprintln!("ended in time, and broke {broken} connections with requests in progress");
            Ok(Outcome::Findings)
        }
        Err(error) => failed(error),
    }
}

/// Prints why there is no proxy: the diagnostics of its rules, or the error itself.
fn failed(error: Error) -> Result<Outcome> {
    match error.report() {
        Some(report) => {
            show(report);
            Ok(Outcome::Findings)
        }
        None => Err(error.into()),
    }
}
