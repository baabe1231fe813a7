//! What can be said on the command line.

mod cover;
#[cfg(feature = "serve")]
mod serve;
mod simulate;
mod stream;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use cover::{Cover, CoveredAs};
#[cfg(feature = "serve")]
pub(crate) use serve::Serve;
pub(crate) use simulate::Simulate;
pub(crate) use stream::Stream;

/// Rules at the edge: gateways, campaigns, overload.
#[derive(Debug, Parser)]
#[command(
    name = "tollgate",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = "Examples:
  tollgate new shop                                      a folder to start from
  tollgate check shop/shop.rules                         what the compiler thinks of it
  tollgate test shop/shop.rules                          run its test blocks
  tollgate cover shop/shop.rules                         what they do not come to
  tollgate run shop/shop.rules route --input -           decide requests, one JSON a line
  tollgate stream campaign.rules --journal journal       events in, actions out, each once
  tollgate fmt shop                                      lay out the rules of a folder
  tollgate repl shop/shop.rules                          try its rules at a prompt
  tollgate cost shop/shop.rules                          what a decision can cost at worst
  tollgate bench shop/shop.rules route --input -         measure decisions, without reading and writing
  tollgate serve gateway.rules                           a reverse proxy that rules run
  tollgate simulate shed.rules --scenario burst.toml     what a burst would come to
  tollgate explain missing-answer                        what a diagnostic means
  tollgate explain shop/shop.rules route --input r.json  why a decision is what it is

Exit codes: 0 clean, 1 findings or refusals, 2 usage, 3 a bug in tollgate.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a folder with a first rule set, its test, requests and a tutorial
    New(New),
    /// Check rule files and say what is wrong with them
    Check(Check),
    /// Decide: JSON lines in, one JSON decision a line out
    Run(Run),
    /// Decide about the events of a stream, and give each action once, whatever happens in between
    Stream(Stream),
    /// Run the `test` blocks of rule files
    Test(Test),
    /// Say which rules and conditions tests or recorded facts come to, and which they do not
    Cover(Cover),
    /// A prompt: declarations, rules and expressions, answered at once
    Repl(Repl),
    /// Lay rule files out in the one canonical way
    Fmt(Fmt),
    /// Say what a decision can cost at worst, rule by rule
    Cost(Cost),
    /// Measure what a decision costs, on your rules and your facts
    Bench(Bench),
    /// Compile rules to an object file or a library, with a header for C
    Build(Build),
    /// Print what a stage of the compiler makes of a rule file
    Emit(Emit),
    /// Say why a decision is what it is, or what a diagnostic such as `missing-answer` means
    Explain(Explain),
    /// A reverse proxy whose every choice is made by rules
    #[cfg(feature = "serve")]
    Serve(Serve),
    /// Play a load against rules that shed, and say who was let in
    Simulate(Simulate),
    /// Print completions for a shell
    Completions(Completions),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tollgate new shop && tollgate test shop/shop.rules")]
pub(crate) struct New {
    /// The folder to make; its name becomes the module's
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
#[command(
    after_help = "With --fix, advice is followed where what was written has one meaning and the edit says that:
`&&` becomes `and`, what is never used is left out. Where there is a choice, it stays yours. A
file is written only if it has no more errors than before, and only files that are named here
are. In JSON each help with edits says which it is: \"applies\": \"by_itself\" or \"by_choice\".

In JSON a finding that is shown by an input has it whole in `witness`: `entry`, `input` and
`data` as `run` takes them.

Examples:
  tollgate check gateway.rules
  tollgate check --fix gateway.rules
  tollgate check --fix --dry-run gateway.rules | patch
  tollgate check --format json *.rules | jq .slug
  tollgate check --format json gateway.rules | jq -c .witness.input | tollgate run gateway.rules route --input -"
)]
pub(crate) struct Check {
    /// Rule files
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// How findings are printed: for people on standard error, or as JSON lines on standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// Say what could not be found out about rules, too
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Follow the advice that leaves no choice, and write the files back
    #[arg(long)]
    pub(crate) fix: bool,
    /// Write nothing; show what would change
    #[arg(long, requires = "fix", conflicts_with = "format")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A line of the input is the entry's parameter, or an object of its parameters when it has
several. Every line of input gives one line of output: {\"value\": …, \"by\": \"rule\"}, or
{\"line\": 7, \"refused\": {…}} for a record that violates the schema. Blank lines are skipped.
Refusals make the exit code 1; they never stop the others. The output has the order of the
input, and memory does not grow with it. A decision's id is the number of its line, unless the
record has a field `id`. States are kept in this process, from the first line to the last, and
those with a `store` of another name where --store says; then a line's number is one of this
run, so that no other run is taken for a retry. The lines of a program that declares states are
decided one after the other.

Examples:
  tollgate run gateway.rules route --input requests.jsonl > decisions.jsonl
  cat requests.jsonl | tollgate run gateway.rules route --input - --data tenants=tenants.json
  tollgate run edge.rules shed --input requests.jsonl --store redis.limits=redis://127.0.0.1:6379/0"
)]
pub(crate) struct Run {
    /// The rule file, or an artifact (.tgb)
    pub(crate) file: PathBuf,
    /// The rule set, guard, table or pipeline that decides
    pub(crate) entry: String,
    /// A file of JSON lines, or `-` for standard input
    #[arg(long, short)]
    pub(crate) input: PathBuf,
    /// The public key (PEM) that an artifact has to be signed by; several are several that may have signed it
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,
    /// Where decisions go, instead of standard output
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// How many threads decide; as many as there are cores if not given. The output is the same
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Says with each decision what it asked of states and what they answered
    #[arg(long)]
    pub(crate) trace: bool,
    /// A JSON file for a `data` of the program
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file)]
    pub(crate) data: Vec<(String, PathBuf)>,
    /// Where it is written at the end how often each rule decided, for `cover --counts`
    #[arg(long, value_name = "FILE")]
    pub(crate) counts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) stores: StoreArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A test has one result, one with rows has one for each row, one with `forall` is tried for many
values. Tests run on the engine that decides: --backend and -O choose it. What fails is drawn on
the source; for a `forall` the values are made small and printed as steps of a test.

The same seed draws the same values, also when other tests are left out; give another one (the
number of a build, say) to try others. --format json prints an object a result and a line, junit
one document as continuous integration reads it; both are described in docs/book/tests.md. The
exit code is 1 when something failed or does not compile.

Examples:
  tollgate test                              every .rules file below this folder
  tollgate test gateway.rules
  tollgate test --filter checkout --watch gateway.rules
  tollgate test --cases 10_000 --seed 7 gateway.rules
  tollgate test --format junit *.rules > report.xml"
)]
pub(crate) struct Test {
    /// Rule files, and folders of them
    #[arg(default_value = ".", value_name = "FILES")]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only tests whose title contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Run again whenever a rule file beside them changes, until interrupted
    #[arg(long)]
    pub(crate) watch: bool,
    /// How results are printed: for people, as JSON lines, or as a JUnit document
    #[arg(long, value_enum, default_value_t = TestedAs::Human)]
    pub(crate) format: TestedAs,
    /// What the values of `forall` are drawn from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many values of a `forall` must hold
    #[arg(long, default_value_t = 256, value_parser = whole_number)]
    pub(crate) cases: u32,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Type a declaration, a rule for the rule set before it, `let name = value`, or an expression;
`:help` lists the commands. What is not complete goes on in the next line, and an empty line
ends it. Fields of records may be left out as in a test. Nothing is written: a file that is
loaded stays as it is.

On a terminal there are colours, completion (tab) and a history, kept in
~/.local/state/tollgate/history or where TOLLGATE_HISTORY says; an empty one keeps none. Without
a terminal standard input is taken line by line, and the exit code is 1 if something was
refused.

Examples:
  tollgate repl gateway.rules
  echo 'route(Request(path: \"/healthz\"))' | tollgate repl gateway.rules
  tollgate repl --transcript < session.txt      what it would look like on a terminal"
)]
pub(crate) struct Repl {
    /// A rule file to begin with
    pub(crate) file: Option<PathBuf>,
    /// Without a terminal: print what is read, too, behind prompts
    #[arg(long)]
    pub(crate) transcript: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What is laid out otherwise is written back; nothing else is touched. A file with mistakes is
left alone, and they are shown as by `check`. Comments stay where they are; where lines end
between parts that may take several, where empty lines stand, and whether neighbouring one-line
rules have columns (two blanks ask for them) is up to the author.

With --check nothing is written: standard output has the differences, as `patch` reads them, and
the exit code is 1 if there are any. `-` is standard input, laid out on standard output.

Examples:
  tollgate fmt gateway.rules overload.rules
  tollgate fmt .                             every .rules file below this folder
  tollgate fmt --check rules/ || echo untidy
  tollgate fmt - < draft.rules"
)]
pub(crate) struct Fmt {
    /// Rule files, folders of them, or `-` for standard input
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Write nothing; show what would change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "For every rule set, guard, table and pipeline, and for each of its rules, the worst case over
all inputs:

  steps        as the reference interpreter counts them; what `cost n` in the source limits
  regex bytes  for each match of a regular expression, the longest text that it can be given

The plain chain is priced, in which every rule is tried, before any optimisation: the figures do
not move with the level, and no engine takes more. A rule costs its condition and its outcomes.
Under `first`, `unique` and `any` one outcome is given, so the rules add up to more than the
whole. Behind the rules stands how they are found: the worst case of a search, before any
optimisation too, and what the index consists of, or why there is none. Where states are asked,
a column has how often at most.

Examples:
  tollgate cost gateway.rules
  tollgate cost gateway.rules route --top 5
  tollgate cost gateway.rules --format json | jq 'select(.steps > 900) | .entry'"
)]
pub(crate) struct Cost {
    /// The rule file
    pub(crate) file: PathBuf,
    /// Rule sets, guards, tables or pipelines; all if none is named
    pub(crate) entries: Vec<String>,
    /// How many rules of each are shown, the costliest first
    #[arg(long, default_value_t = 10)]
    pub(crate) top: usize,
    /// How figures are printed: for people, or as one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(
    after_help = "All facts are decoded before the clock runs, so what is measured is deciding alone: no reading,
decoding or writing. Every round decides about all of them, as often as it takes to last 20 ms;
the first round warms up and is not counted. Reported are the median of the rounds, the fastest
and the slowest. Lines that are refused are counted and left out. All facts are held in memory,
about 1 KiB each.

  ns_per_decision       the median round's time, divided by its decisions (one thread)
  decisions_per_second  the same, the other way round
  compile_ms            reading, checking, optimizing and compiling the rules, once
  bytes                 what the backend made and the data given take in memory; not the facts

Examples:
  tollgate bench gateway.rules route --input requests.jsonl
  tollgate bench gateway.rules route --input requests.jsonl -O 0 --rounds 51 --format json | jq .ns_per_decision"
)]
pub(crate) struct Bench {
    /// The rule file
    pub(crate) file: PathBuf,
    /// The rule set, guard, table or pipeline that decides
    pub(crate) entry: String,
    /// A file of JSON lines, or `-` for standard input, as for `run`
    #[arg(long, short)]
    pub(crate) input: PathBuf,
    /// A JSON file for a `data` of the program
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file)]
    pub(crate) data: Vec<(String, PathBuf)>,
    /// How many rounds are measured
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rounds: u32,
    /// How the figures are printed: for people, or as one JSON object
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The name of the output says what is made. An artifact (.tgb) holds the compiled program for any
engine and needs no rule files: `run` and `bench` take it in their place. It is checked against
damage, and with --sign also signed.

Machine code for C is an object file (.o), a static library (.a), or a shared library (.so),
which `cc` links, or what the variable CC names. Beside it stands the header, of the same name:
a struct for each record, a function for each rule set, guard, table and pipeline. A program
that uses it is linked with libtollgate_rt as well, which `cargo build --release -p
tollgate-rt` makes.

Examples:
  tollgate build gateway.rules -o gateway.tgb && tollgate run gateway.tgb route --input requests.jsonl
  tollgate build gateway.rules -o gateway.tgb --sign key.pem && tollgate run gateway.tgb route --trust public.pem --input -
  tollgate build gateway.rules -o gateway.o                  and gateway.h
  cc proxy.c gateway.o -ltollgate_rt -lm -lpthread -o proxy
  tollgate build gateway.rules -o libgateway.a --cpu native
  tollgate build gateway.rules -o gateway.o --backend llvm --profile route=decisions.jsonl
  tollgate build gateway.rules -o gateway.o --target aarch64-unknown-linux-gnu"
)]
pub(crate) struct Build {
    /// The rule file
    pub(crate) file: PathBuf,
    /// What is made: an artifact (.tgb), which `run` takes instead of rules, or machine code for C: a file that ends in .o, .a or .so
    #[arg(long, short)]
    pub(crate) output: PathBuf,
    /// The private key (Ed25519, PEM) that an artifact is signed with
    #[arg(long, value_name = "FILE")]
    pub(crate) sign: Option<PathBuf>,
    /// The header, instead of the output's name with .h
    #[arg(long)]
    pub(crate) header: Option<PathBuf>,
    /// What names in C begin with; the name of the rule file if not given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The machine, such as aarch64-unknown-linux-gnu; this one's kind if not given
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// The processor: `native` for this one, or a name that the backend knows; what every machine of the kind has if not given
    #[arg(long)]
    pub(crate) cpu: Option<String>,
    /// Decisions of a rule set, guard or table as `run` prints them: code is placed by how often each rule decided (llvm)
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file)]
    pub(crate) profile: Vec<(String, PathBuf)>,
    /// Which backend makes the code: cranelift or llvm
    #[arg(long, default_value = "cranelift")]
    pub(crate) backend: String,
    /// How hard the optimizer tries: 0, 1 or 2
    #[arg(short = 'O', value_name = "LEVEL", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) level: u8,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tollgate emit --stage ir gateway.rules                              the rules as the optimizer gets them
  tollgate emit --stage dag gateway.rules                             how the rules of each rule set are found
  tollgate emit --stage dag gateway.rules route --format svg > route.svg
  tollgate emit --stage dag gateway.rules route --format dot --all | dot -Tpdf > route.pdf

The stage `dag` draws the decision structure: what is asked first and where each answer leads,
down to the few rules that are left; then its figures. Long fan-outs and large trees are
shortened, and what is left out is counted.")]
pub(crate) struct Emit {
    /// The rule file
    pub(crate) file: PathBuf,
    /// Of the stage `dag`: this rule set only
    pub(crate) ruleset: Option<String>,
    /// The stage: tokens, ast, hir, ir, opt, dag, bytecode; clif, llvm and asm of a backend that makes native code
    #[arg(long)]
    pub(crate) stage: String,
    /// Of the stage `dag`: how it is drawn
    #[arg(long, value_enum)]
    pub(crate) format: Option<DrawnAs>,
    /// Of the stage `dag`: all of it, however large
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "With a slug, its page: what the diagnostic means and what to do. With a rule file, a rule set
and facts, why the decision is what it is: each condition of the rules that decided, or of the
rule asked for, with the value it saw, the first that failed, and what was not reached; for a
rule that did not match, the smallest change of the facts with which it would.

The facts are one JSON value, as `run` takes it on a line; of a file with several lines, the
line that --line names. The reference interpreter asks again, and its decision is compared with
that of the engine, with its index and without. States hold what the lines before --line have
left in them, as `run` has it; without lines before, nothing.

Examples:
  tollgate explain missing-answer
  tollgate explain gateway.rules route --input request.json
  tollgate explain gateway.rules route --input requests.jsonl --line 7 --rule checkout
  tollgate explain gateway.rules edge --input request.json --rule target.checkout --format json | jq .stages"
)]
pub(crate) struct Explain {
    /// The slug in the brackets of a diagnostic, or a rule file; without either all slugs are listed
    pub(crate) what: Option<String>,
    /// The rule set, guard, table or pipeline whose decision is explained
    #[arg(requires = "input")]
    pub(crate) entry: Option<String>,
    /// A file with the facts, or `-` for standard input
    #[arg(long, short, requires = "entry")]
    pub(crate) input: Option<PathBuf>,
    /// Which line of the file, from 1; its number is the decision's id, as for `run`
    #[arg(long, requires = "input", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) line: Option<u64>,
    /// The rule to explain, of a pipeline also `stage.rule`; if not given, the rules that decided
    #[arg(long, requires = "input")]
    pub(crate) rule: Option<String>,
    /// Explain every rule
    #[arg(long, requires = "input", conflicts_with = "rule")]
    pub(crate) all: bool,
    /// A JSON file for a `data` of the program
    #[arg(long, value_name = "NAME=FILE", value_parser = name_and_file, requires = "input")]
    pub(crate) data: Vec<(String, PathBuf)>,
    /// The decision's id, where the facts have none
    #[arg(long, requires = "input")]
    pub(crate) id: Option<String>,
    /// The decision's time, such as 2026-11-01T00:00Z, where the facts have none; now if not given
    #[arg(long, requires = "input")]
    pub(crate) time: Option<String>,
    /// How it is printed: drawn on the source, as lines, or as one JSON object
    #[arg(long, value_enum, default_value_t = ExplainedAs::Human, requires = "input")]
    pub(crate) format: ExplainedAs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tollgate completions bash > ~/.local/share/bash-completion/completions/tollgate"
)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// Where states are kept that are not kept in the process.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Where a store is that the rules name (`store: redis.limits`): redis.limits=redis://127.0.0.1:6379/0. Settings stand behind a `?`:
    /// timeout=100ms, patience=0s, prefix=tollgate, linger=1h, keep_budgets=400d, idle=64 are what they are if not given
    #[arg(long, value_name = "NAME=URL", value_parser = name_and_address)]
    pub(crate) store: Vec<(String, String)>,
}

/// How the program is run.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// The engine: vm, cranelift, llvm, interp, or tiered: vm at once, cranelift as soon as its code is made
    #[arg(long, default_value = "vm")]
    pub(crate) backend: String,
    /// How hard the optimizer tries: 0, 1 or 2
    #[arg(short = 'O', value_name = "LEVEL", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) level: u8,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For machines: one JSON object a line
    Json,
}

/// How results of tests are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestedAs {
    /// For people, failures drawn on the source
    #[value(alias = "text")]
    Human,
    /// For machines: one JSON object a result and a line
    Json,
    /// For continuous integration: one XML document
    Junit,
}

/// How an explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainedAs {
    /// For people, drawn on the source
    Human,
    /// For people, a line for each condition
    Text,
    /// For machines: one JSON object
    Json,
}

/// How a decision structure is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrawnAs {
    /// For a terminal; this one if nothing is said
    Text,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

/// A number of cases, written as in a rule file: `10_000`.
fn whole_number(text: &str) -> Result<u32, String> {
    let number = text.replace('_', "").parse::<u32>();
    match number {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("expected a number from 1 to 1_000_000".into()),
    }
}

fn name_and_address(text: &str) -> Result<(String, String), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("expected NAME=URL, such as redis.limits=redis://127.0.0.1:6379/0")?;
    Ok((name.to_owned(), address.to_owned()))
}

fn name_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text
        .split_once('=')
        .ok_or("expected NAME=FILE, such as tenants=tenants.json")?;
    Ok((name.to_owned(), file.into()))
}
