//! What can be said to `tollgate simulate`.

use std::path::PathBuf;

use clap::Args;

use super::{EngineArgs, Format, name_and_file};

#[derive(Debug, Args)]
#[command(
    after_help = "Plays a load against rules that admit or shed, with a model of the fleet behind them: workers, a
bounded queue, clients that give up and perhaps ask again. The rules are told the load that
`tollgate serve` would measure. A scenario (TOML) says what the fleet is, which classes of
traffic there are and what their facts are; docs/book/overload.md describes every key.

Traffic is a trace (CSV with a line of names first, or JSON lines, read line by line), or
bursts: FROM+FOR@RATE with requests a second, `0s+5m@50,1m+30s@300`; a rate may be `50..300`,
and `/CLASS` behind it makes all of them one class. All of it is a function of the seed: the
same rules, scenario and seed give the same figures, and other rules are told the same traffic.

arrived = admitted + shed + refused; admitted = finished + timed out + no room; served is the
share of requests that had their response in the end. The exit code is 1 if lines of the trace
were not played or requests were refused.

Examples:
  tollgate simulate overload.rules shed --scenario burst.toml
  tollgate simulate overload.rules shed --scenario burst.toml --bursts 0s+5m@50,1m+30s@300 --svg burst.svg
  tollgate simulate overload.rules shed --scenario burst.toml --by req.method
  zcat trace.csv.gz | tollgate simulate overload.rules shed --scenario llm.toml --trace - --format json | jq .classes"
)]
pub(crate) struct Simulate {
    /// The rule file, or an artifact (.tgb)
    pub(crate) file: PathBuf,
    /// The rule set, guard, table or pipeline that admits or sheds; the scenario's if not given, or the only one
    pub(crate) entry: Option<String>,
    /// The fleet, the classes of traffic and their facts, as TOML
    #[arg(long, short)]
    pub(crate) scenario: Option<PathBuf>,
    /// What arrives: a file of CSV or JSON lines, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "bursts")]
    pub(crate) trace: Option<PathBuf>,
    /// What arrives, instead of the bursts of the scenario
    #[arg(long, value_name = "BURSTS")]
    pub(crate) bursts: Option<String>,
    /// How many workers the fleet has, instead of what the scenario says
    #[arg(long, value_name = "NUMBER")]
    pub(crate) workers: Option<u32>,
    /// How many times faster a trace is played, instead of what the scenario says
    #[arg(long, value_name = "FACTOR", requires = "trace")]
    pub(crate) speed: Option<f64>,
    /// What everything that is drawn comes from, instead of what the scenario says
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What figures are told apart by, instead of the classes of the scenario: a fact, such as req.method. The first seven values have a row each
    #[arg(long, value_name = "FACT")]
    pub(crate) by: Option<String>,
    /// Where a picture is written
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// How figures are printed: for people, or as one JSON object
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// A JSON file for a `data` of the program
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file)]
    pub(crate) data: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}
