//! What becomes of rule sets: the decision structures that searches go through, drawn.

use tollgate_ir::cost::Costs;
use tollgate_ir::draw::{self, Drawing, Limits};
use tollgate_ir::entities::{Entity, IndexId};
use tollgate_ir::module::{Module, Policy};
use tollgate_optimizer::{Level, Options, why_chain};

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

/// A rule set before the optimizer.
struct Before {
    name: Box<str>,
    policy: Policy,
    rules: usize,
    /// Steps of the plain chain at worst.
    chain: u64,
    /// Why it stays a chain.
    why: Option<String>,
}

/// Draws what becomes of the rule sets of a module, in their order.
pub(crate) fn print(module: Module, level: Level, options: &DagOptions) -> Result<String, Error> {
    let sets = before(&module, level);
    let optimizer = Options::new(level);
    let legal = tollgate_optimizer::run(module, &optimizer, &mut |_| {})
        .map_err(|bug| Error::other(bug.to_string()))?;
    let costs = Costs::new(&legal);
    let limits = match (options.all, options.format) {
        (true, _) => Limits::NONE,
        (_, DagFormat::Text) => Limits::TEXT,
        (..) => Limits::PICTURE,
    };
    let wanted = |set: &Before| {
        options
            .ruleset
            .as_deref()
            .is_none_or(|name| name == &*set.name)
    };
    let mut drawings = Vec::new();
    let mut next = 0;
    for set in &sets {
        // The pass makes indexes in the order of the rule sets, and none is dropped.
        let index = set.why.is_none().then(|| {
            next += 1;
            IndexId::new(next - 1)
        });
        if wanted(set) {
            drawings.push(match (index, &set.why) {
                (Some(id), _) => Drawing::index(&legal, &costs, id, Some(set.chain), limits),
                (None, why) => {
                    let why = why.as_deref().unwrap_or_default();
                    Drawing::chain(&set.name, set.policy, set.rules, why)
                }
            });
        }
    }
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

fn before(module: &Module, level: Level) -> Vec<Before> {
    let costs = Costs::new(module);
    let pass = tollgate_optimizer::pass("index_rulesets");
    let runs = pass.is_some_and(|pass| pass.level <= level);
    let set = |(id, set): (_, &tollgate_ir::module::RuleSet)| Before {
        name: set.name.clone(),
        policy: set.policy,
        rules: set.rules.len(),
        chain: costs.ruleset(id),
        why: match runs {
            true => why_chain(module, &costs, id).map(|why| why.to_string()),
            false => Some("nothing is searched at this level".into()),
        },
    };
    module.rulesets.iter().map(set).collect()
}
