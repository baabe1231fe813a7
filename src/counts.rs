//! How often rules decided: counted beside decisions, written down, read back, and asked for the rules that never did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollgate_ir::module::Site;

use crate::decision::Decision;
use crate::error::Error;
use crate::program::Program;

#[cfg(feature = "compiler")]
mod never;

#[cfg(feature = "compiler")]
pub use never::NeverDecided;

/// How often each rule of a program decided. See [`Program::counts`].
#[derive(Clone)]
pub struct Counts {
    program: Program,
    /// By the program's sites.
    sites: Vec<u64>,
}

impl Program {
    /// What counts how often each rule decides: no more than an addition for each rule that a decision names.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     ruleset size(n: Int) -> String hit first {
    ///       rule small when n < 10 then "small"
    ///       rule large when n > 1_000 then "large"
    ///       otherwise "medium"
    ///     }
    /// "#)?;
    /// let (mut session, mut counts) = (program.session(), program.counts());
    /// for n in ["5", "7", "50"] {
    ///     counts.count(&session.decide_json("size", n.as_bytes(), &Call { id: n, time: 0 })?);
    /// }
    /// // As it would be read back where somebody asks which rules are of no use.
    /// let counts = program.read_counts(counts.to_json().as_bytes())?;
    /// let never = counts.never_decided()?;
    /// assert_eq!((&*never[0].name, never[0].place.line), ("size.large", 4));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn counts(&self) -> Counts {
        Counts {
            program: self.clone(),
            sites: vec![0; self.module().sites.len()],
        }
    }

    /// Counts as [`Counts::to_json`] writes them: an object of names and numbers, or several, which are added. A rule is called
    /// `ruleset.rule`, or by its own name where only one rule set has one of that name; `otherwise` is one.
    ///
    /// # Errors
    /// When the JSON is something else, or a name is that of no rule, or of several.
    pub fn read_counts(&self, json: &[u8]) -> Result<Counts, Error> {
        let mut counts = self.counts();
        let mut known: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let names: Vec<Option<(&str, String)>> = self.module().sites.values().map(name).collect();
        for (site, (rule, full)) in (0..)
            .zip(&names)
            .filter_map(|(i, n)| Some((i, n.as_ref()?)))
        {
            known.entry(rule).or_default().push(site);
            known.entry(full).or_default().push(site);
        }
        let objects = serde_json::Deserializer::from_slice(json).into_iter::<Value>();
        for object in objects {
            let object = object.map_err(|e| Error::other(format!("no counts: {e}")))?;
            let Value::Object(object) = object else {
                return Err(Error::other(
                    "no counts: expected an object such as {\"route.checkout\": 12}",
                ));
            };
            for (name, count) in object {
                let Some(count) = count.as_u64() else {
                    let why =
                        format!("the count of `{name}` is {count}, not a whole number from 0");
                    return Err(Error::other(why));
                };
                match known.get(&*name).map(|sites| &sites[..]) {
                    Some([site]) => counts.sites[*site] = counts.sites[*site].saturating_add(count),
                    None | Some([]) => {
                        return Err(Error::other(format!("the program has no rule `{name}`")));
                    }
                    Some(several) => {
                        let full = several.iter().filter_map(|s| Some(&*names[*s].as_ref()?.1));
                        let full: Vec<&str> = full.collect();
                        return Err(Error::other(format!(
                            "several rules are called `{name}`: {}",
                            full.join(", ")
                        )));
                    }
                }
            }
        }
        Ok(counts)
    }
}

impl Counts {
    /// Counts a decision of the program: every rule in its trace, of a pipeline those of each stage. Rule sets that conditions and
    /// outcomes ask leave no trace.
    pub fn count(&mut self, decision: &Decision<'_>) {
        for mark in decision.marks {
            if let Some(count) = self.sites.get_mut(mark.0 as usize) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Adds what was counted beside.
    pub fn add(&mut self, other: &Counts) {
        for (count, more) in self.sites.iter_mut().zip(&other.sites) {
            *count = count.saturating_add(*more);
        }
    }

    /// An object of names and numbers, a rule a line, in the order of the source: all rules of those rule sets by which something was
    /// decided.
    pub fn to_json(&self) -> String {
        let lines: Vec<String> = self
            .rules_counted()
            .map(|(name, count)| format!("\n  {}: {count}", Value::from(name)))
            .collect();
        format!("{{{}\n}}\n", lines.join(","))
    }

    /// How many decisions by rules were counted; under `all` and `sum` one for each rule.
    pub fn total(&self) -> u64 {
        let counts = self.rules_counted().map(|(_, count)| count);
        counts.fold(0, u64::saturating_add)
    }

    /// How many rules the rule sets have by which something was decided; `otherwise` is one.
    pub fn rules(&self) -> usize {
        self.rules_counted().count()
    }

    /// The rule sets by which something was decided.
    pub fn rulesets(&self) -> Vec<&str> {
        let sites = self.program.module().sites.values().zip(&self.sites);
        let decided = sites.filter(|(_, count)| **count > 0);
        let mut known = BTreeSet::new();
        let sets = decided.filter_map(|(site, _)| set(site));
        sets.filter(|set| known.insert(*set)).collect()
    }

    /// The rules of those rule sets by which something was decided, `ruleset.rule`, each with its count, in the order of the source.
    pub fn rules_counted(&self) -> impl Iterator<Item = (String, u64)> {
        let sets: BTreeSet<&str> = self.rulesets().into_iter().collect();
        let sites = self.program.module().sites.values().zip(&self.sites);
        sites.filter_map(move |(site, count)| {
            let known = set(site).is_some_and(|set| sets.contains(set));
            known.then_some((name(site)?.1, *count))
        })
    }
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.rules_counted()).finish()
    }
}

/// The name of a rule, and it behind the name of its rule set. A stage is no rule.
fn name(site: &Site) -> Option<(&str, String)> {
    let rule = match site {
        Site::Rule { rule, .. } => rule,
        Site::Otherwise { .. } => "otherwise",
        Site::Stage { .. } | Site::Shadow { .. } => return None,
    };
    Some((rule, format!("{}.{rule}", set(site)?)))
}

fn set(site: &Site) -> Option<&str> {
    match site {
        Site::Rule { ruleset, .. } | Site::Otherwise { ruleset } => Some(ruleset),
        Site::Stage { .. } | Site::Shadow { .. } => None,
    }
}
