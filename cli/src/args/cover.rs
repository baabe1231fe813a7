//! What can be said to `tollgate cover`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::name_and_file;

#[derive(Debug, Args)]
#[command(
    after_help = "The tests of the files are run, and facts decided about where --input gives some. Counted is,
for every rule, how often its turn came and how often it matched, and for every condition, how
often it held, did not hold and was not reached. To be covered a rule has to match once, and a
condition to give each answer that it can: true, false, and absent where absence denies. Only
the files named are reported, with whatever comes to them from the others.

On a terminal stands what is not covered, or with --all the whole source: in the margin how
often the rule or condition that begins there held, of how often it was asked. --format html is
one page, lcov a tracefile in which rules are functions and answers branches, json one object.

With --counts nothing is run: the counts of production, as `run --counts` writes them, say which
rules never decided, in lines or as one JSON object. The exit code is 1 where there are some.

The exit code is 1 where tests fail, facts are refused, or less is covered than --min asks for.

Examples:
  tollgate cover gateway.rules overload.rules
  tollgate cover --min 100 gateway.rules
  tollgate cover gateway.rules --input requests.jsonl --entry route --no-tests --all
  tollgate cover gateway.rules --format html -o coverage.html
  tollgate cover gateway.rules --format lcov -o lcov.info && genhtml --branch-coverage lcov.info -o html
  tollgate cover gateway.rules --counts counts.json --since 2026-11-01"
)]
pub(crate) struct Cover {
    /// Rule files
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Count only tests whose title contains this
    #[arg(long)]
    pub(crate) filter: Option<String>,
    /// Leave the tests out
    #[arg(long, requires = "input", conflicts_with = "filter")]
    pub(crate) no_tests: bool,
    /// A file of JSON lines with facts to decide about, or `-` for standard input, as for `run`
    #[arg(long, short, requires = "entry")]
    pub(crate) input: Option<PathBuf>,
    /// The rule set, guard, table or pipeline that decides about the facts; the one file named has it
    #[arg(long, visible_alias = "ruleset", requires = "input")]
    pub(crate) entry: Option<String>,
    /// A JSON file for a `data` of the program
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file, requires = "input")]
    pub(crate) data: Vec<(String, PathBuf)>,
    /// The time of the decisions, such as 2026-11-01T00:00Z, where the facts have none; now if not given
    #[arg(long, requires = "input")]
    pub(crate) time: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = CoveredAs::Human)]
    pub(crate) format: CoveredAs,
    /// Show the whole source, not only what is not covered
    #[arg(long)]
    pub(crate) all: bool,
    /// Exit with 1 where less than this is covered, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub(crate) min: Option<f64>,
    /// Where it goes, instead of standard output
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// A file with how often rules decided: report those that never did
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "filter", "all", "min"])]
    pub(crate) counts: Option<PathBuf>,
    /// Since when was counted, in words for the report
    #[arg(long, value_name = "TEXT", requires = "counts")]
    pub(crate) since: Option<String>,
}

/// How coverage is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoveredAs {
    /// For people, on the source
    Human,
    /// For people: one page
    Html,
    /// For editors and services: a tracefile
    Lcov,
    /// For machines: one JSON object
    Json,
}

fn percentage(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse().ok();
    number
        .filter(|n| (0.0..=100.0).contains(n))
        .ok_or("expected a number from 0 to 100".into())
}
