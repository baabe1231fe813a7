//! What can be said to `tollgate stream`.

use std::path::PathBuf;

use clap::Args;

use super::{EngineArgs, StoreArgs, name_and_file};

#[derive(Debug, Args)]
#[command(
    after_help = "A line of the input is an event in JSON; each action is a line of the output:
{\"id\": \"t5/fifth_ride/0\", \"event\": \"t5\", \"by\": [\"food_voucher\"], \"action\": {…}}. An event that was there before does nothing.

What a batch of events did to states, its actions, and how far the input was read are committed together, to the journal;
then the actions are written. Started again with the same journal, a stream goes on where it stood, however it ended: a
file of --output has every action once. On standard output those of the last batch may come again, with the same ids.
A file is read on from where it was read to; what comes on standard input is new, or known by its ids.

What is no event of the stream, and what is older than its `late_after`, goes to --dead-letter with the reason and the line,
and makes the exit code 1. An interrupt (SIGINT, SIGTERM) ends the stream behind a batch. docs/book/stream.md has it all.

Examples:
  tollgate stream campaign.rules --input rides.jsonl --journal journal --output actions.jsonl
  consume rides | tollgate stream campaign.rules --journal journal --dead-letter dead.jsonl | produce actions"
)]
pub(crate) struct Stream {
    /// The rule file
    pub(crate) file: PathBuf,
    /// The folder of the journal, made where it is not there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) journal: PathBuf,
    /// The stream, where the rules declare several
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// A file of JSON lines, or `-` for standard input
    #[arg(long, short, default_value = "-")]
    pub(crate) input: PathBuf,
    /// The file that actions are appended to, instead of standard output
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// The file that lines without effect are appended to, with the reason
    #[arg(long, value_name = "FILE")]
    pub(crate) dead_letter: Option<PathBuf>,
    /// How many lines are committed together at most; what is there is not kept waiting for more
    #[arg(long, value_name = "LINES", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) batch: u32,
    /// MiB of changes in the journal after which it is begun anew, with a snapshot
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) segment: u32,
    /// How many ids of events are remembered at most; one more ends the stream
    #[arg(long, value_name = "COUNT", default_value_t = tollgate::IDS_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) ids: u64,
    /// A JSON file for a `data` of the program
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file)]
    pub(crate) data: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub(crate) stores: StoreArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}
