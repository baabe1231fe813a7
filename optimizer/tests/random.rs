//! Random modules decide the same before and after every pass.
//!
//! A module is a handful of functions over parameters of every kind of type, filled with instructions drawn from the whole table, and
//! rule sets of every policy over them. The interpreter decides by the module as it is, and again behind each pass of the pipeline; value and
//! marks must agree, and every module must verify. Guarded instructions are drawn together with the test that guards them.
//! `TOLLGATE_SEED=17` tries one module alone.

mod generate;

use std::cell::RefCell;

use generate::{Random, module};
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Entry, Module, Target};
use tollgate_ir::text::print_module;
use tollgate_ir::types::Type;
use tollgate_ir::verify::verify;
use tollgate_optimizer::{Aim, PASSES, run_pass};
use tollgate_runtime::{Arena, Cx, Mark, States, Value, Word};

/// How many modules are tried, and with how many inputs each.
const MODULES: u64 = 60;
const INPUTS: u64 = 6;

#[test]
fn every_pass_keeps_what_random_modules_decide() {
    let seeds = match std::env::var("TOLLGATE_SEED").map(|s| s.parse()) {
        Ok(Ok(seed)) => seed..seed + 1,
        _ => 0..MODULES,
    };
    for seed in seeds {
        try_module(seed);
    }
}

fn try_module(seed: u64) {
    let mut module = module(seed);
    check(&module, seed, "the generator");
    let original = module.clone();
    let aim = Aim {
        native: seed.is_multiple_of(2),
        ..Aim::default()
    };
    let expected = decide_all(&module, seed);
    // What can be repeated runs twice: what one pass leaves behind is what another must stand.
    let again = PASSES.iter().filter(|p| p.repeated);
    for pass in PASSES.iter().chain(again) {
        let before = module.clone();
        let Some(after) = run_pass(pass.name, module, aim) else {
            panic!("there is no pass {}", pass.name);
        };
        module = after;
        check(&module, seed, pass.name);
        let found = decide_all(&module, seed);
        assert!(
            found == expected,
            "seed {seed}: `{}` changes a decision\nfrom {expected:?}\nto   {found:?}\nthe module:\n{}\nbefore the pass:\n{}\nbehind it:\n{}",
            pass.name,
            print_module(&original),
            print_module(&before),
            print_module(&module)
        );
    }
}

fn check(module: &Module, seed: u64, who: &str) {
    if let Err(errors) = verify(module) {
        panic!(
            "seed {seed}: {who}: {}\n{}",
            errors[0],
            print_module(module)
        );
    }
}

/// States that answer by what is asked and how much was before, and keep what was.
#[derive(Default)]
struct Counted(RefCell<Vec<(u32, i64)>>);

impl States for Counted {
    fn ask<'a>(&self, place: u32, args: &[Word<'a>], _: &Cx<'a>) -> Word<'a> {
        let mut asked = self.0.borrow_mut();
        let n = args[0].int();
        asked.push((place, n));
        Word::Bool((n ^ i64::from(place) ^ asked.len() as i64).rem_euclid(3) > 0)
    }

    fn answer<'a>(&self, _: u32, _: &Cx<'a>) -> Word<'a> {
        Word::None
    }
}

/// A value, the marks, and what was asked of states.
type Decided = (Value, Vec<Mark>, Vec<(u32, i64)>);

/// What every entry decides, marks and asks, for some inputs.
fn decide_all(module: &Module, seed: u64) -> Vec<Decided> {
    let interp = Interp::new(module);
    let decide = |entry: &Entry, input: u64| {
        let mut random = Random::new(seed ^ (input << 32));
        let arena = Arena::new();
        let types = param_types(module, entry.target);
        let args: Vec<Value> = types.iter().map(|t| random.value(module, *t)).collect();
        let args: Vec<Word<'_>> = args.iter().map(|v| v.word(&arena)).collect();
        let data = [Word::Int(7)];
        let mut cx = Cx::new(&arena, "an id", 1_700_000_000_000_000);
        cx.data = &data;
        let states = Counted::default();
        cx.states = Some(&states);
        let value = Value::of(interp.run(entry.target, &mut cx, &args));
        (value, std::mem::take(&mut cx.marks), states.0.take())
    };
    let entries = module.entries.iter();
    entries
        .flat_map(|entry| (0..INPUTS).map(move |i| (entry, i)))
        .map(|(entry, i)| decide(entry, i))
        .collect()
}

fn param_types(module: &Module, target: Target) -> Vec<Type> {
    match target {
        Target::Func(f) => {
            let func = &module.funcs[f];
            func.params().iter().map(|v| func.ty(*v)).collect()
        }
        Target::Rules(r) => module.rulesets[r].params.clone(),
    }
}
