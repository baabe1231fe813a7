//! Random programs, well typed by construction, and inputs for them.
//!
//! The generator is directed by types: it is asked for an expression of a type and gives the text of one, together with
//! the interval that it proves of a number, so that the checker must accept every program. Literals are few and small, and inputs are drawn from
//! their neighbourhood, so that comparisons go both ways.

mod domains;
mod exprs;
mod inputs;
mod rng;
mod rulesets;
mod sets;
mod shapes;
mod states;
mod words;

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
