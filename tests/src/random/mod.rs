//! Random programs, well typed by construction, and inputs for them.
//!
//! The generator is directed by types: it is asked for an expression of a type and gives the text of one, together with
//! the interval that it proves of a number, so that the checker must accept every program. Literals are few and small, and inputs are drawn from
//! their neighbourhood, so that comparisons go both ways.

mod domains;
mod edges;
mod exprs;
mod inputs;
mod rng;
mod rulesets;
mod sets;
mod shapes;
mod states;
mod words;

use std::ops::Range;

pub(crate) use rng::Rng;
pub(crate) use words::Words;

/// A program with one entry, `decide`, and records to decide about, as JSON.
pub(crate) struct Case {
    /// The source.
    pub(crate) source: String,
    /// Objects of the entry's parameters.
    pub(crate) inputs: Vec<String>,
}

/// A rule set of many rules, and `inputs` events for it. The same seed gives the same case.
pub(crate) fn rule_set(seed: u64, inputs: usize) -> Case {
    let mut rng = Rng::new(seed);
    let source = rulesets::program(&mut rng);
    let inputs = (0..inputs).map(|_| rulesets::input(&mut rng)).collect();
    Case { source, inputs }
}

/// A rule set that asks states, and `inputs` events for it. The same seed gives the same case.
pub(crate) fn asking(seed: u64, inputs: usize) -> Case {
    let mut rng = Rng::new(seed);
    let source = states::program(&mut rng);
    let inputs = (0..inputs).map(|i| states::input(&mut rng, i)).collect();
    Case { source, inputs }
}

/// The program and `inputs` records of a seed. The same seed gives the same case.
pub(crate) fn case(seed: u64, inputs: usize) -> Case {
    let mut rng = Rng::new(seed);
    let source = sets::program(&mut rng);
    let inputs = (0..inputs).map(|_| inputs::params(&mut rng)).collect();
    Case { source, inputs }
}

/// Programs of several seeds in one file, each with its entry, and `inputs` records for each: what [`case`] makes of the seed, but for the
/// names of its rule sets.
pub(crate) struct Cases {
    /// The source.
    pub(crate) source: String,
    /// For each seed its entry, and objects of the entry's parameters.
    pub(crate) entries: Vec<(u64, String, Vec<String>)>,
}

/// The programs and `inputs` records of some seeds. One alone is as [`case`] has it.
pub(crate) fn cases(seeds: Range<u64>, inputs: usize) -> Cases {
    if seeds.end - seeds.start == 1 {
        let Case { source, inputs } = case(seeds.start, inputs);
        let entries = vec![(seeds.start, "decide".into(), inputs)];
        return Cases { source, entries };
    }
    let drawn = seeds.map(|seed| {
        let mut rng = Rng::new(seed);
        let rules = sets::rules(&mut rng);
        let inputs = (0..inputs).map(|_| inputs::params(&mut rng)).collect();
        (seed, rules, inputs)
    });
    let drawn: Vec<(u64, String, Vec<String>)> = drawn.collect();
    let source = sets::together(drawn.iter().map(|(seed, rules, _)| (*seed, &**rules)));
    let entries = drawn.into_iter();
    let entries = entries.map(|(seed, _, inputs)| (seed, sets::name("decide", seed), inputs));
    Cases {
        source,
        entries: entries.collect(),
    }
}
