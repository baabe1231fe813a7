//! § The commands of the prompt. A command is one row of the table.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tollgate::{Call, DagOptions, Error, Question, Stage};

use super::Repl;
use crate::commands::cost;

/// A command: its name, what stands behind it, what it does, and the doing.
pub(super) struct Command {
    pub(super) name: &'static str,
    argument: &'static str,
    doc: &'static str,
    run: fn(&mut Repl, &str) -> Result<(), Error>,
}

/// Every command, in the order of `:help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "type",
        argument: "EXPR",
        doc: "the type of an expression, as far as it is proved",
        run: ty,
    },
    Command {
        name: "time",
        argument: "EXPR",
        doc: "how long evaluating it takes, its value as JSON included",
        run: time,
    },
    Command {
        name: "ir",
        argument: "[EXPR]",
        doc: "the IR of an expression and of what it calls, or of the program",
        run: ir,
    },
    Command {
        name: "asm",
        argument: "[EXPR]",
        doc: "what the backend makes of it: for the VM, its bytecode",
        run: asm,
    },
    Command {
        name: "dag",
        argument: "[RULESET]",
        doc: "how the rules of the program are found",
        run: dag,
    },
    Command {
        name: "cost",
        argument: "[NAME]",
        doc: "what a decision can cost at worst, rule by rule",
        run: price,
    },
    Command {
        name: "test",
        argument: "",
        doc: "run the tests of the program",
        run: test,
    },
    Command {
        name: "load",
        argument: "FILE",
        doc: "begin anew with a file",
        run: load,
    },
    Command {
        name: "reload",
        argument: "",
        doc: "read the file again; what was typed stays",
        run: reload,
    },
    Command {
        name: "list",
        argument: "",
        doc: "what was typed and holds now",
        run: list,
    },
    Command {
        name: "data",
        argument: "NAME FILE",
        doc: "give a `data` of the program, from a JSON file",
        run: data,
    },
    Command {
        name: "facts",
        argument: "FILE [NAME]",
        doc: "decide the JSON lines of a file by a rule set",
        run: facts,
    },
    Command {
        name: "explain",
        argument: "SLUG",
        doc: "the page of a diagnostic",
        run: explain,
    },
    Command {
        name: "help",
        argument: "",
        doc: "this",
        run: help,
    },
    Command {
        name: "quit",
        argument: "",
        doc: "leave; the end of the input does too",
        run: quit,
    },
];

/// How long one round of a measurement lasts at least, and how many there are.
const ROUND: Duration = Duration::from_millis(20);
const ROUNDS: usize = 11;

impl Repl {
    /// Runs a command: its name and what stands behind it.
    pub(super) fn command(&mut self, typed: &str) {
        let (name, argument) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
        let exact = COMMANDS.iter().find(|command| command.name == name);
        let begins = |command: &&Command| !name.is_empty() && command.name.starts_with(name);
        // A beginning will do where it is that of one command only.
        let mut fitting = COMMANDS.iter().filter(begins);
        let found = exact.or_else(|| match (fitting.next(), fitting.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        });
        let Some(command) = found else {
            return self.complain(&format!("there is no command `:{name}`; `:help` lists all"));
        };
        if let Err(error) = (command.run)(self, argument.trim()) {
            self.refuse(&error);
        }
    }

    fn wrong(&mut self, sentence: &str) -> Result<(), Error> {
        self.complain(sentence);
        Ok(())
    }

    fn read(&mut self, file: &str) -> Option<Vec<u8>> {
        match fs::read(file) {
            Ok(bytes) => Some(bytes),
            Err(reason) => {
                self.complain(&format!("cannot read {file}: {reason}"));
                None
            }
        }
    }
}

fn ty(repl: &mut Repl, text: &str) -> Result<(), Error> {
    println!("{}", repl.bench.ask(text)?.ty());
    Ok(())
}

fn time(repl: &mut Repl, text: &str) -> Result<(), Error> {
    let question = repl.bench.ask(text)?;
    let began = Instant::now();
    let prepared = question.prepare()?;
    let compiling = began.elapsed();
    prepared.answer()?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let (began, mut times) = (Instant::now(), 0_u32);
        while times == 0 || began.elapsed() < ROUND {
            prepared.answer()?;
            times += 1;
        }
        rounds.push(began.elapsed() / times);
    }
    rounds.sort_unstable();
    let (median, fastest) = (rounds[ROUNDS / 2], rounds[0]);
    println!(
        "{median:.1?} an evaluation (median of {ROUNDS} rounds; the fastest {fastest:.1?}), compiled in {compiling:.1?}"
    );
    Ok(())
}

fn ir(repl: &mut Repl, text: &str) -> Result<(), Error> {
    print!(
        "{}",
        listing(repl, text, Stage::Ir, |question| Ok(question.ir()))?
    );
    Ok(())
}

fn asm(repl: &mut Repl, text: &str) -> Result<(), Error> {
    print!(
        "{}",
        listing(repl, text, Stage::Bytecode, Question::listing)?
    );
    Ok(())
}

/// A stage of the program, or what is the same of an expression.
fn listing(
    repl: &mut Repl,
    text: &str,
    stage: Stage,
    of: impl FnOnce(&Question) -> Result<String, Error>,
) -> Result<String, Error> {
    match text {
        "" => repl.bench.emit(stage, &DagOptions::default()),
        _ => of(&repl.bench.ask(text)?),
    }
}

fn dag(repl: &mut Repl, name: &str) -> Result<(), Error> {
    let options = DagOptions {
        ruleset: (!name.is_empty()).then(|| name.to_owned()),
        ..DagOptions::default()
    };
    print!("{}", repl.bench.emit(Stage::Dag, &options)?);
    Ok(())
}

fn price(repl: &mut Repl, name: &str) -> Result<(), Error> {
    let costs = repl.bench.cost()?;
    let wanted = costs
        .entries
        .iter()
        .filter(|entry| name.is_empty() || entry.name == name);
    let mut found = false;
    for entry in wanted {
        found = true;
        cost::print(entry, usize::MAX);
    }
    match found || name.is_empty() {
        true => Ok(()),
        false => repl.wrong(&format!("nothing that decides is called `{name}`")),
    }
}

fn test(repl: &mut Repl, _: &str) -> Result<(), Error> {
    let results = repl.bench.compile()?.run_tests(None)?;
    let failed = results.iter().filter(|result| !result.failures.is_empty());
    for result in failed.clone() {
        println!("{} FAILED", result.title);
        for failure in &result.failures {
            print!("{}", failure.draw(repl.colour));
            failure.given.iter().for_each(|given| println!("  {given}"));
        }
    }
    repl.refused |= failed.clone().next().is_some();
    println!("{} tests, {} failed", results.len(), failed.count());
    Ok(())
}

fn load(repl: &mut Repl, file: &str) -> Result<(), Error> {
    match file {
        "" => repl.wrong("name a file: `:load gateway.rules`"),
        _ => {
            repl.load(Path::new(file));
            Ok(())
        }
    }
}

fn reload(repl: &mut Repl, _: &str) -> Result<(), Error> {
    let report = repl.bench.reload()?;
    if let Some(file) = repl.bench.file() {
        println!("loaded {}", file.display());
    }
    repl.show(&report);
    Ok(())
}

fn list(repl: &mut Repl, _: &str) -> Result<(), Error> {
    for text in repl.bench.typed() {
        // A binding is no file, and stays as it was typed.
        let neat = tollgate::format("<typed>", text);
        println!("{}", neat.as_deref().unwrap_or(text).trim_end());
    }
    Ok(())
}

fn data(repl: &mut Repl, argument: &str) -> Result<(), Error> {
    let Some((name, file)) = argument.split_once(char::is_whitespace) else {
        return repl.wrong("name the data and a JSON file: `:data tenants tenants.json`");
    };
    match repl.read(file.trim()) {
        Some(json) => repl.bench.give(name, json),
        None => Ok(()),
    }
}

fn facts(repl: &mut Repl, argument: &str) -> Result<(), Error> {
    let mut words = argument.split_whitespace();
    let Some(file) = words.next() else {
        return repl.wrong("name a file of JSON lines: `:facts requests.jsonl route`");
    };
    let program = repl.bench.compile()?;
    let entries: Vec<&str> = program.entries().collect();
    let name = match (words.next(), &entries[..]) {
        (Some(name), _) => name,
        (None, [name]) => *name,
        _ => {
            let names = entries.join(", ");
            return repl.wrong(&format!("say what decides; the program has {names}"));
        }
    };
    let entry = program.entry(name)?;
    let Some(lines) = repl.read(file) else {
        return Ok(());
    };
    let states = program.states(&[])?;
    let mut session = program.session_with(&states)?;
    for (number, line) in (1..).zip(lines.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let id = number.to_string();
        match session.decide_json(entry, line, &Call { id: &id, time: 0 }) {
            Ok(decision) => println!("{}", decision.to_json()),
            Err(error) => repl.complain(&format!("line {number}: {error}")),
        }
    }
    Ok(())
}

fn explain(repl: &mut Repl, slug: &str) -> Result<(), Error> {
    match tollgate::explain(slug) {
        Some(page) => println!("# {slug}\n\n{}", page.trim()),
        None => repl.complain(&format!("there is no diagnostic `{slug}`")),
    }
    Ok(())
}

fn help(repl: &mut Repl, _: &str) -> Result<(), Error> {
    println!(
        "Type a declaration, a rule for the rule set before it, `let name = value`, or an expression."
    );
    println!("What is not complete goes on in the next line; an empty line ends it.");
    println!();
    for command in COMMANDS {
        let usage = format!(":{} {}", command.name, command.argument);
        println!("  {usage:<20} {}", command.doc);
    }
    println!();
    println!(
        "The beginning of a command will do. Answers come from {}.",
        repl.engine
    );
    println!("There is no machine code to show: this build has no native backend.");
    println!("State (`state`, `once`, `within`) does not compile yet.");
    Ok(())
}

fn quit(repl: &mut Repl, _: &str) -> Result<(), Error> {
    repl.done = true;
    Ok(())
}
