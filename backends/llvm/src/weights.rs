//! How likely a rule is to decide where it is asked: what LLVM places code by.

use std::collections::HashMap;

use tollgate_ir::entities::{IndexVec, SiteId};
use tollgate_ir::module::{Module, Site};

/// Without a profile: there are many rules and one of them decides, so a rule does once in about so many times.
const RULES_FOR_ONE: u64 = 8;

/// The weights of the two ways out of a rule's condition.
pub(crate) struct Weights(Option<IndexVec<SiteId, (u64, u64)>>);

impl Weights {
    /// By a profile: how often a rule has decided, against how often a later one of its rule set has, for both were asked. Linear.
    pub(crate) fn new(module: &Module, profile: Option<&IndexVec<SiteId, u64>>) -> Weights {
        let Some(profile) = profile else {
            return Weights(None);
        };
        let mut later: HashMap<&str, u64> = HashMap::new();
        let mut weights: Vec<(u64, u64)> = Vec::with_capacity(module.sites.len());
        for (id, site) in module.sites.iter().rev() {
            let count = profile.get(id).copied().unwrap_or(0);
            let rules = match site {
                Site::Rule { ruleset, .. }
                | Site::Otherwise { ruleset }
                | Site::Shadow { ruleset } => ruleset,
                Site::Stage { pipeline, .. } => pipeline,
            };
            let later = later.entry(rules).or_default();
            weights.push(scaled(count, *later));
            *later = later.saturating_add(count);
        }
        weights.reverse();
        Weights(Some(weights.into_iter().collect()))
    }

    /// How often the rule of a site decides, and how often it does not, where it is asked.
    pub(crate) fn of(&self, site: SiteId) -> (u64, u64) {
        let known = self.0.as_ref().and_then(|weights| weights.get(site));
        known.copied().unwrap_or((1, RULES_FOR_ONE))
    }
}

/// Two weights of 32 bits, of which none is 0: what was not seen may still be.
fn scaled(does: u64, passes: u64) -> (u64, u64) {
    let most = does.max(passes);
    let shift = (u64::BITS - most.leading_zeros()).saturating_sub(31);
    ((does >> shift) + 1, (passes >> shift) + 1)
}

#[cfg(test)]
mod tests {
    use tollgate_ir::text::parse;

    use super::*;

    #[test]
    fn a_rule_is_weighed_against_those_behind_it() {
        let text = "site site0 = rule a x\nsite site1 = rule b x\nsite site2 = rule a y\nsite site3 = otherwise a\n";
        let module = parse(text, &[]).unwrap().module;
        let none = Weights::new(&module, None);
        assert_eq!(none.of(SiteId(0)), (1, 8));
        let profile: IndexVec<SiteId, u64> = [90, 5, 0, 10].into_iter().collect();
        let weights = Weights::new(&module, Some(&profile));
        let of = |site| weights.of(SiteId(site));
        assert_eq!(
            [of(0), of(1), of(2), of(3)],
            [(91, 11), (6, 1), (1, 11), (11, 1)]
        );
        let (does, passes) = scaled(u64::MAX, 4);
        assert!(does < 1 << 32 && passes == 1);
    }
}
