//! What can be said to `tollgate stream`.

use std::path::PathBuf;

use clap::Args;

use super::{EngineArgs, StoreArgs, name_and_file};

#[derive(Debug, Args)]
#[command(
    after_help = "A line of the input is an event in JSON; each action is a line of the output:
{\"id\": \"t5/fifth_ride/0\", \"event\": \"t5\", \"by\": [\"food_voucher\"], \"action\": {…}}.
An event that was there before does nothing.

What a batch of events did to states, its actions, and how far the input was read are committed
together, to the journal; then the actions are written. Started again with the same journal, a
stream goes on where it stood, however it ended: a file of --output has every action once. On
standard output those of the last batch may come again, with the same ids. A file is read on
from where it was read to; what comes on standard input is new, or known by its ids.

What is no event of the stream, and what is older than its `late_after`, goes to --dead-letter
with the reason and the line, and makes the exit code 1. An interrupt (SIGINT, SIGTERM) ends the
stream behind a batch. docs/book/stream.md has it all.

A stream of a Redis (7 or later) is an address with settings behind a `?`; the field `json` of
an entry has what a line would have:
  --input   stream, group and consumer, which must be there; field=json, claim=1m (entries are
            taken over from consumers that have not been heard of for so long), timeout=5s,
            patience=1m (for how long a server that is gone is tried again)
  --output  stream; field=json, most=N (about so many entries are kept), keep=TIME (for how long
            the id of an action is known, so that it is appended once; as long as the stream's
            `dedupe` if not given), timeout=5s, patience=1m; so is --dead-letter

A topic of a Kafka is kafka://HOST:PORT,…/TOPIC with settings behind a `?`; the value of a
message has what a line would have (builds with `--features kafka`). kafka+tls://… is over TLS:
  --input   group, which must be there; claim=1m (a member that is not heard of for so long loses
            its partitions), partitions=0,1 (these, whatever others read, instead of those that
            the group gives), timeout=5s, patience=1m
  --output  longest=1_000_000 (bytes of a message), timeout=5s, patience=1m; an action's id is its
            key; so is --dead-letter
  all       ca=FILE (who is trusted, in PEM; the machine's authorities if not given), config=FILE
            (properties as kcat has them: security.protocol, sasl.mechanism, sasl.username,
            sasl.password, ssl.ca.location, ssl.certificate.location, ssl.key.location and others;
            a value ${NAME} is taken from the environment)

Examples:
  tollgate stream campaign.rules --input rides.jsonl --journal journal --output actions.jsonl
  consume rides | tollgate stream campaign.rules --journal journal --dead-letter dead.jsonl | produce actions
  tollgate stream campaign.rules --journal j1 --input 'redis://127.0.0.1:6379/0?stream=rides&group=campaigns&consumer=c1' \
    --output 'redis://127.0.0.1:6379/0?stream=actions' --store redis.growth=redis://127.0.0.1:6379/1
  tollgate stream campaign.rules --journal j1 --input 'kafka://127.0.0.1:9092/rides?group=campaigns' --output kafka://127.0.0.1:9092/actions
  tollgate stream campaign.rules --journal j1 --input 'kafka+tls://broker:9093/rides?group=campaigns&config=client.properties'"
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
    /// A file of JSON lines, `-` for standard input, a stream of a Redis, or a topic of a Kafka
    #[arg(long, short, default_value = "-", value_name = "FILE|URL")]
    pub(crate) input: PathBuf,
    /// The file, stream or topic that actions are appended to, instead of standard output
    #[arg(long, short, value_name = "FILE|URL")]
    pub(crate) output: Option<PathBuf>,
    /// The file, stream or topic that events without effect are appended to, with the reason
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) dead_letter: Option<PathBuf>,
    /// Of a broker: end when the group has acknowledged all that there is, instead of waiting for more
    #[arg(long)]
    pub(crate) drain: bool,
    /// How many events are committed together at most; what is there is not kept waiting for more
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
