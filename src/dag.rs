//! What becomes of rule sets: the decision structures that searches go through, drawn.

use tollgate_ir::cost::Costs;
use tollgate_ir::draw::{self, Drawing, Limits};
use tollgate_ir::entities::{Entity, IndexId};
use tollgate_ir::module::{Module, Policy, RuleSet};
use tollgate_optimizer::{Aim, why_chain};

use crate::error::Error;

/// What `--stage dag` prints.
#[derive(Clone, Debug, Default)]
pub struct DagOptions {
    /// As what.
    pub format: DagFormat,
    /// Of one rule set only.
    pub ruleset: Option<String>,
    /// All of it; otherwise long fan-outs and deep trees are shortened, and what is left out is counted.
    pub all: bool,
}

/// How a decision structure is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DagFormat {
    /// For a terminal.
    #[default]
    Text,
    /// For Graphviz.
    Dot,
    /// A picture.
    Svg,
}

/// A rule set, and what became of it.
pub(crate) struct Set {
    name: Box<str>,
    policy: Policy,
    rules: usize,
    /// Steps of the plain chain at worst.
    chain: u64,
    /// Its index, or why it stays a chain.
    pub(crate) found: Result<IndexId, String>,
}

/// What becomes of the rule sets of a module, in their order, and the module that has their indexes. Nothing else is optimized, so that
/// the steps of an index can be compared with those of the chain.
pub(crate) fn indexed(module: Module, aim: Aim) -> Result<(Vec<Set>, Module), Error> {
    const PASS: &str = "index_rulesets";
    let pass = tollgate_optimizer::pass(PASS).ok_or_else(|| Error::other("there is no index"))?;
    let costs = Costs::new(&module);
    let mut next = 0;
    let set = |(id, set): (_, &RuleSet)| {
        let why = match pass.level <= aim.level {
            true => why_chain(&module, &costs, id, aim).map(|why| why.to_string()),
            false => Some("nothing is searched at this level".into()),
        };
        Set {
            name: set.name.clone(),
            policy: set.policy,
            rules: set.rules.len(),
            chain: costs.ruleset(id),
            // The pass makes indexes in the order of the rule sets.
            found: why.map_or_else(
                || {
                    next += 1;
                    Ok(IndexId::new(next - 1))
                },
                Err,
            ),
        }
    };
    let sets: Vec<Set> = module.rulesets.iter().map(set).collect();
    let module = match next {
        0 => module,
        _ => tollgate_optimizer::run_pass(PASS, module, aim).unwrap_or_default(),
    };
    Ok((sets, module))
}

/// Draws what becomes of the rule sets of a module, in their order.
pub(crate) fn print(module: Module, aim: Aim, options: &DagOptions) -> Result<String, Error> {
    let (sets, module) = indexed(module, aim)?;
    let costs = Costs::new(&module);
    let limits = match (options.all, options.format) {
        (true, _) => Limits::NONE,
        (_, DagFormat::Text) => Limits::TEXT,
        (..) => Limits::PICTURE,
    };
    let wanted = |set: &&Set| {
        options
            .ruleset
            .as_deref()
            .is_none_or(|name| name == &*set.name)
    };
    let drawing = |set: &Set| match &set.found {
        Ok(id) => Drawing::index(&module, &costs, *id, Some(set.chain), limits),
        Err(why) => Drawing::chain(&set.name, set.policy, set.rules, why),
    };
    let drawings: Vec<Drawing> = sets.iter().filter(wanted).map(drawing).collect();
    if let (true, Some(name)) = (drawings.is_empty(), &options.ruleset) {
        let names: Vec<&str> = sets.iter().map(|s| &*s.name).collect();
        return Err(Error::other(format!(
            "there is no rule set `{name}`; there are {}",
            names.join(", ")
        )));
    }
    Ok(match options.format {
        DagFormat::Text => draw::text(&drawings),
        DagFormat::Dot => draw::dot(&drawings),
        DagFormat::Svg => draw::svg(&drawings),
    })
}
