//! What decisions can cost at worst: the figures behind `tollgate cost`.

use std::path::Path;

use tollgate_frontend::hir::{self, Callee};
use tollgate_frontend::library::Loader;
use tollgate_frontend::lower::Lowered;
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::{Entity, FuncId};
use tollgate_ir::module::{Entry, Module, Target};
use tollgate_ir::reads::{Bound, Reads};
use tollgate_optimizer::Aim;

use crate::dag;
use crate::engine::Engine;
use crate::error::Error;
use crate::loader::{Folder, read_main};
use crate::pipeline::{self, Main};
use crate::report::Report;

/// What the entries of a program can cost, and what the compiler said of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct CostReport {
    /// What the compiler said. A rule set above its `cost` is an error here, and its price stands beside.
    pub report: Report,
    /// One for each entry, in the order of the source.
    pub entries: Vec<EntryCost>,
}

/// What one entry can cost: the worst case over all inputs that the boundary lets in, for the plain chain, in which every rule
/// is tried. It does not depend on the level or the engine, and no engine takes more.
#[derive(Debug)]
#[non_exhaustive]
pub struct EntryCost {
    /// The name of the rule set, guard, table or pipeline.
    pub name: String,
    /// All of it.
    pub total: Cost,
    /// The `cost n` of the rule set.
    pub limit: Option<u64>,
    /// Its rules, the costliest first; of equals, that of the source. A pipeline has none: its stages are entries.
    pub rules: Vec<RuleCost>,
    /// Conditions of groups, each counted once for all rules inside.
    pub groups: Cost,
    /// How many groups there are.
    pub group_count: usize,
    /// The key of `best by`, once for every rule.
    pub key: Cost,
    /// `otherwise`.
    pub otherwise: Cost,
    /// How its rules are found at the levels that search. A pipeline has none.
    pub search: Option<Search>,
}

/// How the rules of a set are found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Search {
    /// One after the other, and why.
    Chain(String),
    /// By an index.
    Index(IndexCost),
}

/// What an index costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexCost {
    /// Steps of a decision at worst, outcomes included. Comparable with those of the plain chain: neither is optimized.
    pub steps: u64,
    /// Conjunctions that the conditions became.
    pub rows: usize,
    /// Nodes of the tree.
    pub nodes: usize,
    /// Rows in leaves; one that is found by several values counts for each.
    pub filed: usize,
    /// Rows of the longest leaf, which are looked at one by one.
    pub longest: usize,
    /// The fallback: rows that stay together in leaves because the budget of filed rows was spent.
    pub unsplit: usize,
    /// Most nodes above one another.
    pub depth: u32,
    /// Bytes of memory, without the patterns.
    pub bytes: usize,
}

/// What one rule can cost: its condition and its outcomes.
#[derive(Debug)]
#[non_exhaustive]
pub struct RuleCost {
    /// Its name.
    pub name: String,
    /// The condition and the outcomes together.
    pub cost: Cost,
}

/// A price. Figures that would be larger stand at the greatest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Steps, as the reference interpreter counts them.
    pub steps: u64,
    /// Bytes that regular expressions read: for each match, the longest text it can be given.
    pub regex_bytes: u64,
    /// Operations on states.
    pub asks: u64,
}

impl Engine {
    /// What the rules of a file can cost at worst; see [`CostReport`].
    ///
    /// # Errors
    /// When the file cannot be read, or the rules have errors other than being above their `cost`.
    pub fn cost_file(&self, path: &Path) -> Result<CostReport, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        let main = Main {
            name: &name,
            text: &text,
        };
        of(&main, &mut Folder::of(path))
    }

    /// As [`Engine::cost_file`], of a program of one file.
    ///
    /// # Errors
    /// When the rules have errors other than being above their `cost`.
    ///
    /// ```
    /// use tollgate::Engine;
    /// let costs = Engine::new().cost_source("x.rules", r#"
    ///     ruleset kind(name: String) -> String hit first {
    ///       rule cart when name matches re"c_[0-9a-z]{12}" then "cart"
    ///       otherwise "other"
    ///     }
    /// "#)?;
    /// let kind = &costs.entries[0];
    /// // A text has 64 KiB at most, where nothing else is declared.
    /// assert_eq!((&*kind.rules[0].name, kind.total.regex_bytes), ("cart", 65_536));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn cost_source(&self, name: &str, text: &str) -> Result<CostReport, Error> {
        let main = Main { name, text };
        of(&main, &mut tollgate_frontend::library::NoModules)
    }
}

/// What the rules of a program can cost at worst.
pub(crate) fn of(main: &Main<'_>, loader: &mut dyn Loader) -> Result<CostReport, Error> {
    report(pipeline::lower_any(main, loader)?)
}

fn report(
    (program, lowered, report): (hir::Program, Lowered, Report),
) -> Result<CostReport, Error> {
    if report.error_slugs().iter().any(|s| *s != "over-budget") {
        return Err(Error::rules(report));
    }
    let module = &lowered.module;
    let (costs, mut reads) = (Costs::new(module), Reads::new(module));
    // A rule set in shadow mode is asked by a function; its price is that of its rules.
    let target = |entry: &Entry, callee: &Callee| match callee {
        Callee::RuleSet(id) => lowered.ruleset(*id).map_or(entry.target, Target::Rules),
        Callee::Pipeline(_) => entry.target,
    };
    let entries = module.entries.iter().zip(&program.entries);
    let entries = entries.map(|(entry, callee)| {
        let limit = match callee {
            Callee::RuleSet(id) => program.rulesets[*id].cost.map(|(limit, _)| limit),
            _ => None,
        };
        let target = target(entry, callee);
        of_entry(module, entry, target, limit, &costs, &mut reads)
    });
    let mut entries: Vec<EntryCost> = entries.collect();
    let targets = module.entries.iter().zip(&program.entries);
    let targets: Vec<Target> = targets.map(|(e, c)| target(e, c)).collect();
    drop(reads);
    let searches = searches(lowered.module)?;
    for (entry, target) in entries.iter_mut().zip(targets) {
        if let Target::Rules(id) = target {
            entry.search = searches.get(id.index()).cloned();
        }
    }
    Ok(CostReport { entries, report })
}

/// How the rules of each set of a module are found.
fn searches(module: Module) -> Result<Vec<Search>, Error> {
    let (sets, module) = dag::indexed(module, Aim::default())?;
    let costs = Costs::new(&module);
    let search = |set: dag::Set| match set.found {
        Err(why) => Search::Chain(why),
        Ok(id) => {
            let size = module.indexes[id].decider.index.size();
            Search::Index(IndexCost {
                steps: costs.index(id),
                rows: size.rows,
                nodes: size.nodes,
                filed: size.filed,
                longest: size.longest,
                unsplit: size.unsplit,
                depth: size.depth,
                bytes: size.bytes,
            })
        }
    };
    Ok(sets.into_iter().map(search).collect())
}

fn of_entry(
    module: &Module,
    entry: &Entry,
    target: Target,
    limit: Option<u64>,
    costs: &Costs,
    reads: &mut Reads<'_>,
) -> EntryCost {
    let args: Vec<Bound> = entry.params.iter().map(|p| Bound::Outside(p.1)).collect();
    let mut priced = EntryCost {
        name: entry.name.to_string(),
        total: Cost {
            steps: match target {
                Target::Func(func) => costs.func(func),
                Target::Rules(rules) => costs.ruleset(rules),
            },
            regex_bytes: reads.call(target, &args),
            asks: match target {
                Target::Func(func) => costs.asks().func(func),
                Target::Rules(rules) => costs.asks().ruleset(rules),
            },
        },
        limit,
        rules: Vec::new(),
        groups: Cost::default(),
        group_count: 0,
        key: Cost::default(),
        otherwise: Cost::default(),
        search: None,
    };
    let Target::Rules(rules) = target else {
        return priced;
    };
    let rules = &module.rulesets[rules];
    let mut sum = |funcs: &mut dyn Iterator<Item = FuncId>, args: &[Bound]| {
        funcs.fold(Cost::default(), |sum, func| Cost {
            steps: sum.steps.saturating_add(costs.part(func)),
            regex_bytes: sum.regex_bytes.saturating_add(reads.part(func, args)),
            asks: sum.asks.saturating_add(costs.asks().func(func)),
        })
    };
    priced.groups = sum(&mut rules.groups.values().map(|g| g.cond), &args);
    priced.group_count = rules.groups.len();
    priced.otherwise = sum(&mut rules.otherwise.iter().map(|o| o.outcome), &args);
    let with_outcome = [&args[..], &[Bound::ANY]].concat();
    let once = sum(&mut rules.key.iter().copied(), &with_outcome);
    let count = rules.rules.len() as u64;
    priced.key = Cost {
        steps: once.steps.saturating_mul(count),
        regex_bytes: once.regex_bytes.saturating_mul(count),
        asks: 0,
    };
    for rule in &rules.rules {
        let funcs = rule.cond.iter().chain(&rule.outcomes);
        priced.rules.push(RuleCost {
            name: rule.name.to_string(),
            cost: sum(&mut funcs.copied(), &args),
        });
    }
    // Stable: equals stay in the order of the source.
    let key = |rule: &RuleCost| std::cmp::Reverse((rule.cost.steps, rule.cost.regex_bytes));
    priced.rules.sort_by_key(key);
    priced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rules: &str, name: &str) -> EntryCost {
        let costs = Engine::new().cost_source("x.rules", rules);
        let costs = costs.unwrap_or_else(|e| panic!("{e}"));
        let found = costs.entries.into_iter().find(|e| e.name == name);
        found.unwrap()
    }

    fn bytes(cond: &str) -> u64 {
        let rules = format!(
            r#"
            use std.http.{{Request}}
            data names: [String ..3]
            record Item {{ id: String, tags: [String ..5], more: String?, path: Path, host: Host }}
            enum Event {{ seen(item: Item), gone }}
            fn odd(text: String) -> Bool = text matches re"(..)*."
            fn odd_name(item: Item) -> Bool = odd(item.id) or odd("abc")
            ruleset r(item: Item, event: Event, req: Request, n: Int) -> Bool hit first {{
              rule yes when {cond} then true
              otherwise false
            }}
            "#
        );
        entry(&rules, "r").rules[0].cost.regex_bytes
    }

    #[test]
    fn each_match_reads_the_longest_text_it_can_be_given() {
        const TEXT: u64 = 64 * 1024;
        let cases = [
            ("n > 3", 0),
            ("item.id matches re\"a*\"", TEXT),
            ("item.path matches p\"/a/**\"", 0),
            ("item.host matches glob\"*.example\"", 0),
            (
                "item.id matches re\"a*\" and item.id matches re\"b*\"",
                2 * TEXT,
            ),
            ("(item.more ?? \"abcd\") matches re\"a*\"", TEXT),
            ("any(t in item.tags where t matches re\"a*\")", 5 * TEXT),
            ("any(t in names where t matches re\"a*\")", 3 * TEXT),
            ("(item.tags[0] ?? skip) matches re\"a*\"", TEXT),
            ("event is seen(i) and i.id matches re\"a*\"", TEXT),
            // A function is looked at with what it is given.
            ("odd(item.id)", TEXT),
            ("odd(text_of_int(n))", 20),
            ("odd_name(item)", TEXT + 3),
            ("odd(lower(text_of_int(n)))", TEXT),
            // 128 headers of 64 values are never looked at all: only those of the name.
            (
                "any(v in req.header(\"x-a\") where v matches re\"a*\")",
                64 * 8 * 1024,
            ),
        ];
        for (cond, expected) in cases {
            assert_eq!(bytes(cond), expected, "{cond}");
        }
    }

    #[test]
    fn rules_add_up_as_their_policy_says() {
        for (policy, sums) in [("first", false), ("all", true), ("best by (it)", true)] {
            let result = if policy == "all" { "[Int]" } else { "Int" };
            let otherwise = if policy == "all" { "" } else { "otherwise 0" };
            let rules = format!(
                "ruleset r(a: String, n: Int) -> {result} hit {policy} {{
                   rule cheap when n > 1 then 1
                   group when n > 2 {{
                     rule dear when a matches re\"x*\" and n > 3 then n / 7
                   }}
                   rule middle when n > 1 and n < 9 then 2
                   {otherwise}
                 }}"
            );
            let cost = entry(&rules, "r");
            let names: Vec<&str> = cost.rules.iter().map(|r| &*r.name).collect();
            assert_eq!(names[0], "dear");
            let rules: u64 = cost.rules.iter().map(|r| r.cost.steps).sum();
            let all = rules + cost.groups.steps + cost.key.steps;
            assert_eq!(cost.total.steps == all, sums, "{policy}");
            assert!(cost.total.steps <= all, "{policy}");
            assert_eq!(cost.total.regex_bytes, 65_536);
            assert_eq!(cost.group_count, 1);
            assert_eq!(cost.key.steps > 0, policy.starts_with("best"));
        }
    }

    /// The bound that a program reports at any level is not above that of the plain chain.
    #[test]
    fn the_plain_chain_is_what_cost_limits() {
        let rules =
            "ruleset r(n: Int) -> Int hit first { cost 2 rule a when n > 1 then 1 otherwise 0 }";
        let costs = Engine::new().cost_source("x.rules", rules).unwrap();
        assert_eq!(costs.report.error_slugs(), ["over-budget"]);
        assert_eq!(costs.entries[0].limit, Some(2));
        let enough = costs.entries[0].total.steps;
        let gate = |limit: u64| {
            let rules = rules.replace("cost 2", &format!("cost {limit}"));
            Engine::new().compile_source("x.rules", &rules)
        };
        let program = gate(enough).unwrap();
        assert!(program.bound("r").unwrap() <= enough);
        assert!(gate(enough - 1).is_err());
    }

    #[test]
    fn an_index_costs_less_than_its_chain() {
        let set = |host: &str, count: usize| {
            let rule = |n| format!("rule r{n} when {host} == \"{n}.example\" then {n}\n");
            let rules: String = (0..count).map(rule).collect();
            let rules =
                format!("ruleset r(host: String) -> Int hit first {{ {rules} otherwise 0 }}");
            entry(&rules, "r")
        };
        let few = set("host.lower()", 3);
        let why = "fewer than 4 rules, and not all of them only read";
        assert_eq!(few.search, Some(Search::Chain(why.into())));
        assert!(matches!(set("host", 3).search, Some(Search::Index(_))));
        let (some, many) = (set("host", 50), set("host", 500));
        let (Some(Search::Index(a)), Some(Search::Index(b))) = (&some.search, &many.search) else {
            panic!("{:?} {:?}", some.search, many.search);
        };
        assert_eq!((a.steps, b.rows, b.unsplit), (b.steps, 500, 0));
        assert!(a.steps < some.total.steps && b.bytes > a.bytes);
    }

    #[test]
    fn rules_with_other_errors_have_no_price() {
        let refused = Engine::new().cost_source("x.rules", "fn f(a: Int) -> Int = b");
        assert_eq!(
            refused.unwrap_err().report().unwrap().error_slugs(),
            ["unknown-name"]
        );
    }
}
