//! Files of IR with claims in comments.
//!
//! The header says what is tried, a line each; then stands a module in the text form:
//!
//! | header | tries | claims |
//! |---|---|---|
//! | `test text` | the text parses, and what is printed parses to what prints the same | `; error: …` on the line at which parsing fails |
//! | `test verify` | the module verifies | `; error: …` on each guilty line, `; module error: …` where there is none |
//! | `test interp` | the reference interpreter decides as claimed, within the static bound | `; run: f(1, [2]) == 3`, with ` by site0, site1` if sites are marked |
//! | `test run` | the same, for every engine at every level of the optimizer | as `test interp` |
//! | `test <pass>` | the pass, which leaves a module that verifies | `; check:`, `; next:`, `; not:` (see `filecheck.rs`), about the function before them, or the whole module before the first |
//! | `test <pass> native` | the same, for machine code | as `test <pass>` |
//! | `test <pass> precise` | the same | behind a line `; after:` the whole result, which `TOLLGATE_BLESS=1` rewrites |

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_vm::Vm;
use tollgate_ir::cost::Costs;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Entry, Module, Target};
use tollgate_ir::text::{Parsed, parse, parse_values, print_func, print_module};
use tollgate_ir::verify::verify;
use tollgate_optimizer::{Aim, Level, Options, run as optimize, run_pass};
use tollgate_runtime::schema::TypeId;
use tollgate_runtime::{Arena, Cx, Mark, Value, Word};

use super::files;
use crate::filecheck::{Claim, check};

/// A trial for each line of the header of each file.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let paths = files(&root.join("tests/filetests"), "tir");
    paths
        .into_iter()
        .flat_map(|path| file_trials(root, path))
        .collect()
}

fn file_trials(root: &Path, path: PathBuf) -> Vec<Trial> {
    let name = path
        .strip_prefix(root)
        .unwrap_or(&path)
        .display()
        .to_string();
    let text = fs::read_to_string(&path).unwrap_or_default();
    let commands: Vec<String> = commands(&text).map(str::to_owned).collect();
    if commands.is_empty() {
        let nothing = || Err(Failed::from("no line `test …` begins this file"));
        return vec![Trial::test(name, nothing)];
    }
    let trial = |command: String| {
        let case = Case {
            path: path.clone(),
            text: text.clone(),
        };
        let name = format!("{name}: {command}");
        Trial::test(name, move || run(&case, &command).map_err(Failed::from))
    };
    commands.into_iter().map(trial).collect()
}

/// What the header asks for.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map_while(|line| line.strip_prefix("test "))
        .map(str::trim)
}

/// A file as it is.
struct Case {
    path: PathBuf,
    text: String,
}

/// A file: the module's text (the header blanked, so that lines keep their numbers) and its claims.
struct File<'c> {
    case: &'c Case,
    text: String,
    /// Comments that claim something, with their lines from 1.
    comments: Vec<(usize, &'c str)>,
}

fn run(case: &Case, command: &str) -> Result<(), String> {
    let text: Vec<&str> = case
        .text
        .lines()
        .map(|line| if line.starts_with("test ") { "" } else { line })
        .collect();
    let comments = case.text.lines().enumerate().filter_map(|(i, line)| {
        let (_, comment) = line.split_once("; ")?;
        Some((i + 1, comment.trim()))
    });
    let file = File {
        case,
        text: text.join("\n"),
        comments: comments.collect(),
    };
    match command {
        "text" => file.text(),
        "verify" => file.verify(),
        "interp" => file.interp(),
        "run" => file.run(),
        _ => match (
            command.strip_suffix(" precise"),
            command.strip_suffix(" native"),
        ) {
            (Some(pass), _) => file.precise(pass),
            (None, Some(pass)) => file.pass(pass, true),
            (None, None) => file.pass(command, false),
        },
    }
}

impl File<'_> {
    fn claims<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = (usize, &'f str)> {
        self.comments
            .iter()
            .filter_map(move |(line, c)| Some((*line, c.strip_prefix(prefix)?.trim())))
    }

    fn parse(&self) -> Result<Parsed, String> {
        let natives = tollgate_stdlib::library().natives;
        parse(&self.text, natives).map_err(|e| e.to_string())
    }

    fn verified(&self) -> Result<Module, String> {
        let module = self.parse()?.module;
        verified(&module)?;
        Ok(module)
    }

    fn text(&self) -> Result<(), String> {
        let natives = tollgate_stdlib::library().natives;
        let mut errors = self.claims("error:");
        let module = match (parse(&self.text, natives), errors.next()) {
            (Ok(parsed), None) => parsed.module,
            (Ok(_), Some((line, error))) => {
                return Err(format!("line {line}: it parses, without `{error}`"));
            }
            (Err(e), Some((line, error))) => {
                if e.line() as usize == line && e.message().contains(error) {
                    return Ok(());
                }
                return Err(format!("line {line}: `{error}` is claimed, and it is {e}"));
            }
            (Err(e), None) => return Err(e.to_string()),
        };
        let printed = print_module(&module);
        let again = parse(&printed, natives).map_err(|e| format!("{e} in\n{printed}"))?;
        let twice = print_module(&again.module);
        if printed != twice {
            return Err(format!("printed:\n{printed}\nand printed again:\n{twice}"));
        }
        self.check(&module)
    }

    fn verify(&self) -> Result<(), String> {
        let parsed = self.parse()?;
        let mut errors = verify(&parsed.module).err().unwrap_or_default();
        let on_lines = self.claims("error:").map(|(line, text)| (Some(line), text));
        let anywhere = self.claims("module error:").map(|(_, text)| (None, text));
        for (line, text) in on_lines.chain(anywhere) {
            let found = errors.iter().position(|e| {
                let at = e.place().and_then(|place| parsed.line(&self.text, place));
                at.map(|at| at as usize) == line && e.message().contains(text)
            });
            match found {
                Some(i) => drop(errors.remove(i)),
                None => {
                    let others: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    let line = line.map_or("the module".into(), |l| format!("line {l}"));
                    return Err(format!(
                        "{line}: not found: `{text}`; found:\n{}",
                        others.join("\n")
                    ));
                }
            }
        }
        match errors.first() {
            Some(error) => Err(format!("not claimed: {error}")),
            None => Ok(()),
        }
    }

    /// The interpreter on the module as it stands.
    fn interp(&self) -> Result<(), String> {
        let mut module = self.verified()?;
        let runs = self.runs()?;
        with_entries(&mut module, &runs)?;
        interpret("interp", &module, &runs)
    }

    /// Every engine, at every level.
    fn run(&self) -> Result<(), String> {
        let mut module = self.verified()?;
        let runs = self.runs()?;
        with_entries(&mut module, &runs)?;
        interpret("interp", &module, &runs)?;
        for level in [Level::O0, Level::O1, Level::O2] {
            let legal = optimize(module.clone(), &Options::new(level), &mut |_| {});
            let legal = legal.map_err(|bug| bug.to_string())?;
            interpret(&format!("interp at {level:?}"), &legal, &runs)?;
            let program = Vm.compile(&legal).map_err(|e| e.to_string())?;
            let name = format!("{} at {level:?}", Vm.name());
            each_run(&name, &Engine::Compiled(program), &legal, &runs)?;
        }
        Ok(())
    }

    fn runs(&self) -> Result<Vec<Run>, String> {
        let runs: Result<Vec<Run>, String> = self
            .claims("run:")
            .map(|(line, text)| {
                Run::parse(text, line).ok_or(format!("line {line}: no run: {text}"))
            })
            .collect();
        runs.and_then(|runs| {
            if runs.is_empty() {
                Err("nothing is run".into())
            } else {
                Ok(runs)
            }
        })
    }

    fn pass(&self, pass: &str, native: bool) -> Result<(), String> {
        let after = self.after(pass, native)?;
        if self.claims("check:").next().is_none() && self.claims("not:").next().is_none() {
            return Err("nothing is claimed".into());
        }
        self.check(&after)
    }

    /// Claims behind a function are about it, those before the first about the module.
    fn check(&self, module: &Module) -> Result<(), String> {
        let mut claims: Vec<(Option<String>, Vec<Claim>)> = vec![(None, Vec::new())];
        for (i, line) in self.text.lines().enumerate() {
            if let Some(rest) = line.strip_prefix("func ") {
                let name = rest.split('(').next().unwrap_or("");
                claims.push((Some(name.to_owned()), Vec::new()));
            }
            if let Some((_, comment)) = line.split_once("; ")
                && let Some(claim) = Claim::of(i + 1, comment.trim())
                && let Some((_, list)) = claims.last_mut()
            {
                list.push(claim);
            }
        }
        for (name, claims) in claims.iter().filter(|(_, claims)| !claims.is_empty()) {
            let text = match name {
                None => print_module(module),
                Some(name) => {
                    let is = |text: &String| text.starts_with(&format!("func {name}("));
                    let mut texts = module.funcs.keys().map(|f| print_func(module, f));
                    texts.find(is).unwrap_or_default()
                }
            };
            check(&text, claims)?;
        }
        Ok(())
    }

    fn precise(&self, pass: &str) -> Result<(), String> {
        let printed = print_module(&self.after(pass, false)?);
        let lines = printed
            .lines()
            .map(|l| format!("; {l}").trim_end().to_owned());
        let lines: Vec<String> = lines.collect();
        let expected = format!("; after:\n{}\n", lines.join("\n"));
        let (before, claimed) = match self.case.text.find("; after:\n") {
            Some(at) => self.case.text.split_at(at),
            None => (self.case.text.as_str(), ""),
        };
        if claimed == expected {
            return Ok(());
        }
        if std::env::var_os("TOLLGATE_BLESS").is_some_and(|v| v == "1") {
            let text = format!("{}\n\n{expected}", before.trim_end());
            return fs::write(&self.case.path, text).map_err(|e| e.to_string());
        }
        Err(format!(
            "claimed:\n{claimed}\nis:\n{expected}\nTOLLGATE_BLESS=1 rewrites it"
        ))
    }

    fn after(&self, pass: &str, native: bool) -> Result<Module, String> {
        let module = self.verified()?;
        let aim = Aim {
            native,
            ..Aim::default()
        };
        let module = run_pass(pass, module, aim);
        let mut module = module.ok_or_else(|| format!("there is no pass `{pass}`"))?;
        module.funcs.values_mut().for_each(|f| f.compact());
        verified(&module).map_err(|e| format!("behind the pass: {e}"))?;
        Ok(module)
    }
}

fn interpret(name: &str, module: &Module, runs: &[Run]) -> Result<(), String> {
    each_run(name, &Engine::Interp(Interp::new(module)), module, runs)
}

/// Something that runs a module.
enum Engine<'m> {
    Interp(Interp<&'m Module>),
    Compiled(Box<dyn Executable>),
}

impl Engine<'_> {
    fn run<'a>(
        &'a self,
        target: Target,
        cx: &mut Cx<'a>,
        args: &[Word<'a>],
    ) -> Result<Word<'a>, String> {
        match (self, target) {
            (Engine::Interp(interp), target) => Ok(interp.run(target, cx, args)),
            (Engine::Compiled(program), Target::Func(func)) => Ok(*program.run(func, cx, args)),
            (Engine::Compiled(_), Target::Rules(_)) => Err("a rule set is left".into()),
        }
    }
}

/// Runs every run of a module with an entry for each, and sees that value and marks are as claimed, and no bound is exceeded.
fn each_run(name: &str, engine: &Engine<'_>, module: &Module, runs: &[Run]) -> Result<(), String> {
    let costs = Costs::new(module);
    for (run, entry) in runs.iter().zip(&module.entries) {
        let bound = match entry.target {
            Target::Func(f) => costs.func(f),
            Target::Rules(r) => costs.ruleset(r),
        };
        let arena = Arena::new();
        let args: Vec<Word<'_>> = run.args.iter().map(|v| v.word(&arena)).collect();
        let mut cx = Cx::new(&arena, "decision", 0);
        let word = engine.run(entry.target, &mut cx, &args)?;
        run.holds(name, word, &cx.marks)?;
        if cx.steps > bound {
            let steps = cx.steps;
            return Err(format!(
                "line {}: {name}: {steps} steps, the bound is {bound}",
                run.line
            ));
        }
    }
    Ok(())
}

/// Gives each run an entry of its own, so that the optimizer keeps what is run and tells what became of it.
fn with_entries(module: &mut Module, runs: &[Run]) -> Result<(), String> {
    module.entries.clear();
    for run in runs {
        module.entries.push(Entry {
            name: format!("line {}", run.line).into(),
            target: run.target(module)?,
            params: Vec::new(),
            result: TypeId(0),
            decides: Default::default(),
        });
    }
    Ok(())
}

fn verified(module: &Module) -> Result<(), String> {
    verify(module).map_err(|errors| errors[0].to_string())
}

/// `f(1, [2]) == 3 by site0`
struct Run {
    line: usize,
    name: String,
    args: Vec<Value>,
    result: Value,
    marks: Vec<Mark>,
}

impl Run {
    fn parse(text: &str, line: usize) -> Option<Run> {
        let (call, result) = text.rsplit_once(" == ")?;
        let (name, args) = call.strip_suffix(')')?.split_once('(')?;
        let (result, marks) = result.rsplit_once(" by ").unwrap_or((result, ""));
        let marks = marks.split(", ").filter(|m| !m.is_empty());
        let marks = marks.map(|m| Some(Mark(m.strip_prefix("site")?.parse().ok()?)));
        Some(Run {
            line,
            name: name.to_owned(),
            args: parse_values(args).ok()?,
            result: parse_values(result).ok()?.pop()?,
            marks: marks.collect::<Option<_>>()?,
        })
    }

    /// The function or rule set that is run.
    fn target(&self, module: &Module) -> Result<Target, String> {
        let func = module.funcs.iter().find(|(_, f)| *f.name == *self.name);
        let rules = module.rulesets.iter().find(|(_, r)| *r.name == *self.name);
        let func = func.map(|(id, f)| (Target::Func(id), f.params().len()));
        let rules = rules.map(|(id, r)| (Target::Rules(id), r.params.len()));
        match rules.or(func) {
            Some((target, params)) if params == self.args.len() => Ok(target),
            Some((_, params)) => Err(format!("line {}: it takes {params} values", self.line)),
            None => Err(format!("line {}: there is no `{}`", self.line, self.name)),
        }
    }

    fn holds(&self, engine: &str, word: Word<'_>, marks: &[Mark]) -> Result<(), String> {
        let value = Value::of(word);
        if value != self.result {
            return Err(format!(
                "line {}: {engine}: {value} is not {}",
                self.line, self.result
            ));
        }
        if marks != self.marks {
            return Err(format!("line {}: {engine}: marked {marks:?}", self.line));
        }
        Ok(())
    }
}
