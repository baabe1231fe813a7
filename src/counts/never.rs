//! Rules that never decided, and where they stand.

use std::collections::BTreeMap;

use tollgate_frontend::hir::RuleSet;

use super::Counts;
use crate::error::Error;
use crate::explain::Place;

/// A rule that never decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeverDecided {
    /// `ruleset.rule`, or `ruleset.otherwise`.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
}

impl Counts {
    /// The rules that never decided, in the order of the source. Of rule sets by which nothing was decided at all nothing is said:
    /// perhaps somebody else counts them.
    ///
    /// # Errors
    /// As [`Program::recorder`](crate::Program::recorder).
    pub fn never_decided(&self) -> Result<Vec<NeverDecided>, Error> {
        let of = self.program.explainer()?;
        let mut places = BTreeMap::new();
        for set in of.program.rulesets.values() {
            let RuleSet { name, rules, .. } = set;
            let otherwise = set.written.otherwise.map(|span| ("otherwise", span));
            let rules = rules.iter().map(|rule| (&*rule.name, rule.span));
            for (rule, span) in rules.chain(otherwise) {
                places.entry(format!("{name}.{rule}")).or_insert(span);
            }
        }
        let never = self.rules_counted().filter(|(_, count)| *count == 0);
        let mut never: Vec<_> = never
            .filter_map(|(name, _)| {
                let span = *places.get(&name)?;
                Some((span, name))
            })
            .collect();
        never.sort_by_key(|(span, _)| (span.file, span.start));
        let never = never.into_iter().map(|(span, name)| NeverDecided {
            name,
            place: Place::of(span, &of.sources),
        });
        Ok(never.collect())
    }
}
