//! `tollgate emit`

use tollgate::{DagFormat, DagOptions, Stage};

use super::{Outcome, Result, explain_failure};
use crate::args::{DrawnAs, Emit};

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
    let engine = args.engine.engine()?;
    let drawn = args.ruleset.is_some() || args.format.is_some() || args.all;
    let text = match stage {
        Stage::Dag => engine.draw_file(&args.file, &options(args)),
        _ if drawn => {
            return Err(format!(
                "a rule set, `--format` and `--all` are for the stage `dag`, not for `{}`",
                stage.name()
            )
            .into());
        }
        _ => engine.emit_file(&args.file, stage),
    };
    match text {
        Ok(text) => {
            print!("{text}");
            Ok(Outcome::Clean)
        }
        Err(error) => explain_failure(error),
    }
}

fn options(args: &Emit) -> DagOptions {
    DagOptions {
        format: match args.format {
            None | Some(DrawnAs::Text) => DagFormat::Text,
            Some(DrawnAs::Dot) => DagFormat::Dot,
            Some(DrawnAs::Svg) => DagFormat::Svg,
        },
        ruleset: args.ruleset.clone(),
        all: args.all,
    }
}
