//! `tollgate explain`

use super::{Outcome, Result};
use crate::args::Explain;

pub(crate) fn run(args: &Explain) -> Result<Outcome> {
    let Some(slug) = &args.slug else {
        for slug in tollgate::slugs() {
            println!("{slug}");
        }
        return Ok(Outcome::Clean);
    };
    match tollgate::explain(slug) {
        Some(page) => {
            println!("# {slug}\n\n{}", page.trim());
            Ok(Outcome::Clean)
        }
        None => {
            Err(format!("there is no diagnostic `{slug}`; `tollgate explain` lists all").into())
        }
    }
}
