//! `tollgate emit`

use tollgate::Stage;

use super::{Outcome, Result, explain_failure};
use crate::args::Emit;

pub(crate) fn run(args: &Emit) -> Result<Outcome> {
    let Some(stage) = Stage::from_name(&args.stage) else {
        let stages: Vec<&str> = Stage::ALL.iter().map(|s| s.name()).collect();
        return Err(format!(
            "there is no stage `{}`; the stages are {}",
            args.stage,
            stages.join(", ")
        )
        .into());
    };
    match args.engine.engine()?.emit_file(&args.file, stage) {
        Ok(text) => {
            print!("{text}");
            Ok(Outcome::Clean)
        }
        Err(error) => explain_failure(error),
    }
}
