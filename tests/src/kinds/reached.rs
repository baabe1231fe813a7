//! What random programs reach, so that "all engines agree" says something: every instruction of the IR, every native of the library
//! that they can call, and the edges where engines could differ.
//!
//! The reference interpreter watches the instructions that it evaluates: of the IR with its rule sets whole, of what runs at `O0`, where they
//! are lowered and nothing else is done, and of what the passes leave for machine code at `O2`, where much is folded.
//! An ordinary run looks at few programs, which must meet three in four of the instructions, natives and edges;
//! `TOLLGATE_REACHED=10000 cargo test --release -p tollgate-tests -- reached --nocapture` looks at as many as it says, which must meet all, and
//! prints how often they do.

mod edges;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate_frontend::library::NoModules;
use tollgate_grammar::source::SourceMap;
use tollgate_ir::Level;
use tollgate_ir::entities::RuleSetId;
use tollgate_ir::instructions::{Inst, Opcode};
use tollgate_ir::interp::{Interp, Watch};
use tollgate_ir::module::Module;
use tollgate_optimizer::{Aim, Options};
use tollgate_runtime::schema::Field;
use tollgate_runtime::{Arena, Cx, Mark, Word, json};

use self::edges::{At, EDGES};
use super::differential::number;
use super::ui;
use crate::random::case;

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 300;
/// Records for each.
const INPUTS: usize = 20;

/// What the forms of a program are called where they are counted.
const FORMS: [&str; 3] = ["whole", "O0", "O2"];

/// Instructions that no random program of `decide` has, and who holds the engines to each other there.
const ELSEWHERE: &[(Opcode, &str)] = &[
    (Opcode::Data, "tests/run, examples"),
    (Opcode::Ask, "asked"),
    (Opcode::Answer, "asked"),
    (Opcode::DecisionId, "asked"),
    (Opcode::DecisionTime, "asked"),
];

/// One trial.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    vec![Trial::test("reached", all_is_met)]
}

fn all_is_met() -> Result<(), Failed> {
    let asked = number("TOLLGATE_REACHED");
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let mut counts = [(); FORMS.len()].map(|()| Counts::default());
    for seed in first..first + asked.unwrap_or(PROGRAMS) {
        watch(seed, &mut counts).map_err(|e| format!("seed {seed}: {e}"))?;
    }
    let told = table(&counts);
    if asked.is_some() {
        println!("{told}");
    }
    let natives = tollgate_stdlib::library().natives.len();
    let most = match asked {
        Some(_) => 0,
        None => (Opcode::ALL.len() + natives + EDGES.len()) / 4,
    };
    let missing = missing(&counts);
    match missing.len() <= most {
        true => Ok(()),
        false => Err(format!("never met: {}\n{told}", missing.join("; ")).into()),
    }
}

/// How often something was met.
struct Counts {
    insts: BTreeMap<Opcode, u64>,
    natives: BTreeMap<&'static str, u64>,
    edges: Vec<u64>,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            insts: BTreeMap::new(),
            natives: BTreeMap::new(),
            edges: vec![0; EDGES.len()],
        }
    }
}

/// Counts what is done in a module.
struct Watching<'w> {
    module: &'w Module,
    counts: RefCell<&'w mut Counts>,
}

impl Watch for Watching<'_> {
    fn begins(&self, _: RuleSetId, _: &Cx<'_>, _: &[Word<'_>]) {}

    fn tried(&self, _: RuleSetId, _: usize, _: bool, _: &Cx<'_>, _: &[Word<'_>]) {}

    fn ends(&self, _: RuleSetId, _: &[Mark]) {}

    fn gave(&self, inst: &Inst, operands: &[Word<'_>], word: Word<'_>) {
        let mut counts = self.counts.borrow_mut();
        let opcode = inst.opcode();
        *counts.insts.entry(opcode).or_default() += 1;
        let native = match inst {
            Inst::Native { native, .. } => Some(self.module.natives[*native].name),
            _ => None,
        };
        if let Some(native) = native {
            *counts.natives.entry(native).or_default() += 1;
        }
        for (edge, count) in EDGES.iter().zip(&mut counts.edges) {
            let here = match edge.at {
                At::Inst(at) => at == opcode,
                At::Either(a, b) => a == opcode || b == opcode,
                At::Native(at) => native == Some(at),
            };
            if here && (edge.is)(operands, word) {
                *count += 1;
            }
        }
    }
}

/// Decides about the records of a seed, and counts.
fn watch(seed: u64, counts: &mut [Counts; FORMS.len()]) -> Result<(), String> {
    let case = case(seed, INPUTS);
    let (name, mut sources) = ("random.rules", SourceMap::new());
    let library = ui::library();
    let checked =
        tollgate_frontend::check(name, &case.source, &mut NoModules, &library, &mut sources);
    let program = checked.program.ok_or_else(|| {
        let refused = tollgate::Checked::source(name, &case.source).err();
        refused.map_or_else(String::new, |e| e.to_string())
    })?;
    let module = tollgate_frontend::lower::lower(&program).module;
    let optimized = |level, native| {
        let options = Options {
            aim: Aim { level, native },
            ..Options::new(level)
        };
        tollgate_optimizer::run(module.clone(), &options, &mut |_| {}).map_err(|e| e.to_string())
    };
    let (plain, best) = (optimized(Level::O0, false)?, optimized(Level::O2, true)?);
    let [whole, o0, o2] = counts;
    decide(&module, &module, whole, &case.inputs)?;
    decide(&plain, &module, o0, &case.inputs)?;
    decide(&best, &module, o2, &case.inputs)
}

/// Decides about records with a form of a program; `schema` has the types of its entry.
fn decide(
    module: &Module,
    schema: &Module,
    counts: &mut Counts,
    inputs: &[String],
) -> Result<(), String> {
    let watching = Watching {
        module,
        counts: RefCell::new(counts),
    };
    let entry = |of: &Module| of.entries.iter().position(|e| &*e.name == "decide");
    let entry = entry(schema).ok_or("there is no entry")?;
    let field = |(name, ty): &(Box<str>, _)| Field {
        name: (**name).into(),
        ty: *ty,
        default: None,
    };
    let params: Vec<Field> = schema.entries[entry].params.iter().map(field).collect();
    let interp = Interp::watched(module, watching);
    for input in inputs {
        let arena = Arena::new();
        let decoded = json::decode_params(&schema.schema, &params, input.as_bytes(), &arena);
        let decoded = decoded.map_err(|refusal| format!("{refusal}, of {input}"))?;
        let mut cx = Cx::new(&arena, "random", 0);
        interp.run(module.entries[entry].target, &mut cx, decoded.words);
    }
    Ok(())
}

/// What was not met, and should have been.
fn missing(counts: &[Counts; FORMS.len()]) -> Vec<String> {
    let mut missing = Vec::new();
    for opcode in Opcode::ALL {
        let met = counts.iter().any(|c| c.insts.contains_key(opcode));
        let elsewhere = ELSEWHERE.iter().any(|(other, _)| other == opcode);
        if met == elsewhere {
            let which = if met { "after all: " } else { "" };
            missing.push(format!("{which}instruction {}", opcode.mnemonic()));
        }
    }
    let [_, plain, best] = counts;
    for native in tollgate_stdlib::library().natives {
        // Keys are those of states.
        if !plain.natives.contains_key(native.name) && native.name != "key_join" {
            missing.push(format!("native {}", native.name));
        }
    }
    for (i, edge) in EDGES.iter().enumerate() {
        if plain.edges[i] == 0 || (best.edges[i] == 0 && !edge.folded) {
            missing.push(edge.name.to_owned());
        }
    }
    missing
}

/// Everything that was counted, a line each.
fn table(counts: &[Counts; FORMS.len()]) -> String {
    let mut out = String::new();
    let mut line = |name: &str, of: &dyn Fn(&Counts) -> u64| {
        let [whole, o0, o2] = counts.each_ref().map(of);
        // Writing to a string does not fail.
        let _ = writeln!(out, "{whole:>10} {o0:>10} {o2:>10}  {name}");
    };
    for opcode in Opcode::ALL {
        line(opcode.mnemonic(), &|c| {
            c.insts.get(opcode).copied().unwrap_or(0)
        });
    }
    for native in tollgate_stdlib::library().natives {
        line(native.name, &|c| {
            c.natives.get(native.name).copied().unwrap_or(0)
        });
    }
    for (i, edge) in EDGES.iter().enumerate() {
        line(edge.name, &|c| c.edges[i]);
    }
    let [a, b, c] = FORMS;
    format!("{a:>10} {b:>10} {c:>10}\n{out}")
}
