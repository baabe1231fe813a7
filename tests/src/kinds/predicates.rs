//! Conditions taken apart: for every rule of random programs, examples, programs of `tests/run` and blocks of the reference, its
//! formula holds for random words exactly when the interpreter says that its groups' conditions and its own do.
//!
//! Every feature is computed by the function that is made for it, and those that are read in place are read so, too.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::{Engine, Error, Stage};
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::FuncId;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Rule, RuleSet, Target};
use tollgate_ir::predicates::{Predicates, Source, predicates};
use tollgate_ir::text::parse;
use tollgate_ir::types::Type;
use tollgate_ir::verify::verify;
use tollgate_runtime::index::Base;
use tollgate_runtime::{Arena, Cx, Word};

use super::{conformance, differential, files};
use crate::random::{Rng, Words, case};

/// Random arguments for each rule set.
const INPUTS: u64 = 40;

/// One trial a program, and one a batch of random ones.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folders = [root.join("tests/run"), root.join("examples")];
    let all = folders.iter().flat_map(|folder| files(folder, "rules"));
    let programs = all.map(|path| {
        let title = path.strip_prefix(root).unwrap_or(&path).display();
        Trial::test(format!("predicates/{title}"), move || {
            agree(Engine::new().emit_file(&path, Stage::Ir), 0)
        })
    });
    let blocks = conformance::programs(root).map(|(name, text)| {
        Trial::test(format!("predicates/{name}"), move || {
            agree(
                Engine::new().emit_source("block.rules", &text, Stage::Ir),
                0,
            )
        })
    });
    let random = differential::batches(
        "predicates",
        differential::programs(),
        differential::BATCH,
        |seed| {
            let source = case(seed, 0).source;
            agree(
                Engine::new().emit_source("random.rules", &source, Stage::Ir),
                seed,
            )
            .map_err(|e| {
                let why = e.message().unwrap_or_default();
                format!("seed {seed}: {why}\n{source}").into()
            })
        },
    );
    programs.chain(blocks).chain(random).collect()
}

/// Every rule set of a program that was printed.
fn agree(printed: Result<String, Error>, seed: u64) -> Result<(), Failed> {
    let parsed = parse(&printed?, tollgate_stdlib::library().natives)
        .map_err(|e| format!("the text is not read back: {e}"))?;
    let module = parsed.module;
    let costs = Costs::new(&module);
    for (id, rules) in module.rulesets.iter() {
        // What asks states is never taken apart: who takes its features apart would ask more, or less.
        if costs.asks().ruleset(id) > 0 {
            continue;
        }
        let asked = predicates(&module, &costs, rules);
        ruleset(&module, rules, &asked, seed)?;
    }
    Ok(())
}

fn ruleset(module: &Module, rules: &RuleSet, asked: &Predicates, seed: u64) -> Result<(), Failed> {
    // A function for each feature, beside the module's.
    let mut grown = module.clone();
    let emit = |(i, feature): (usize, &tollgate_ir::predicates::Feature)| {
        asked.emit(&mut grown, feature.term, format!("feature {i}").into())
    };
    let computed: Vec<FuncId> = asked.features.iter().enumerate().map(emit).collect();
    verify(&grown).map_err(|e| format!("a feature's function: {}", e[0]))?;
    let interp = Interp::new(&grown);
    let mut words = Words::new(module);
    let mut rng = Rng::new(seed);
    for _ in 0..INPUTS {
        let arena = Arena::new();
        words.focus(&mut rng);
        let mut word = |ty: Type| words.word(module, ty, &mut rng, &arena);
        let args: Vec<Word<'_>> = rules.params.iter().map(|ty| word(*ty)).collect();
        let data: Vec<Word<'_>> = module.data.values().map(|d| word(d.ty)).collect();
        let mut cx = Cx::new(&arena, "c_22", 1_764_000_000_000_000);
        cx.data = arena.seq(&data);
        for (i, rule) in rules.rules.iter().enumerate() {
            let mut call = |func: FuncId| interp.run(Target::Func(func), &mut cx, &args);
            let expected = holds(rules, rule, &mut call);
            let mut wrong = None;
            let mut feature = |feature: u32| {
                let word = call(computed[feature as usize]);
                let source = &asked.features[feature as usize].source;
                if let Some(found) = in_place(source, &args, &data)
                    && !found.same(word)
                {
                    wrong = Some(format!("feature {feature} is {word}, in place {found}"));
                }
                word
            };
            let formula = &asked.rules[i];
            let found = formula.holds(&mut feature);
            if let Some(wrong) = wrong {
                return Err(wrong.into());
            }
            if found != expected {
                return Err(format!(
                    "`{}` of `{}` holds: {expected}, its formula: {found}, for {}\n{}",
                    rule.name,
                    rules.name,
                    args.iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", "),
                    asked.names(module, &[]).formula(formula)
                )
                .into());
            }
        }
    }
    Ok(())
}

/// Whether the conditions of a rule's groups and its own hold.
fn holds<'a>(rules: &RuleSet, rule: &Rule, call: &mut impl FnMut(FuncId) -> Word<'a>) -> bool {
    let mut conds: Vec<FuncId> = rule.cond.into_iter().collect();
    let mut group = rule.group;
    while let Some(id) = group {
        conds.push(rules.groups[id].cond);
        group = rules.groups[id].parent;
    }
    conds.into_iter().rev().all(|cond| call(cond).bool())
}

/// The word of a feature that is read in place.
fn in_place<'a>(source: &Source, args: &[Word<'a>], data: &[Word<'a>]) -> Option<Word<'a>> {
    let Source::Path { base, steps, tag } = source else {
        return None;
    };
    let base = match base {
        Base::Param(i) => args[*i as usize],
        Base::Data(i) => data[*i as usize],
        Base::Id | Base::Time => return None,
    };
    let word = steps
        .iter()
        .fold(base, |word, step| word.at(*step as usize));
    Some(match tag {
        true => Word::Int(word.tag().into()),
        false => word,
    })
}
