//! How far decisions went through the rules: which rules were tried and matched, and what their conditions answered.
//!
//! The reference interpreter decides, on the program before it was optimised, and says which rules it tries; each of these is asked
//! again part by part, as an explanation does it. Both must agree, or there is no coverage but an error.

mod edges;
mod html;
mod json;
mod lcov;
mod ledger;
mod listing;
mod prover;
mod source;

use std::ops::AddAssign;
use std::sync::Arc;

use tollgate_frontend::lower::lower_tests;
use tollgate_ir::Level;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::Module;
use tollgate_runtime::{Arena, Cx};

use crate::entry::AsEntry;
use crate::error::Error;
use crate::explain::{Explainer, Place};
use crate::program::Program;
use crate::session::Call;
use crate::states::States;
use crate::test_run::{Compiled, TestOptions, TestResult};
use ledger::{Ledger, Watching};

/// Counts what decisions do. See [`Program::recorder`].
pub struct Recorder {
    program: Program,
    of: Arc<Explainer>,
    ledger: Arc<Ledger>,
    /// Decides by the entries.
    interp: Interp<Arc<Module>, Watching>,
    /// What [`Recorder::decide_json`] asks.
    states: States,
}

/// How far decisions went.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Coverage {
    /// The files that have rules, those of the library aside, in the order in which the program came to them.
    pub files: Vec<FileCovered>,
}

/// How far decisions went in one file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileCovered {
    /// Its name.
    pub name: String,
    /// Its rules, in the order of the source. A group stands before the rules in it, `otherwise` behind the rules of its rule set.
    pub rules: Vec<RuleCovered>,
    /// The indexes of those rule sets that are searched.
    pub indexes: Vec<IndexCovered>,
    text: Arc<str>,
}

/// Which ways searches through the index of a rule set went. That is no matter of right or wrong and counts for nothing in what is covered: it
/// shows which kinds of facts there were none of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IndexCovered {
    /// The rule set.
    pub ruleset: String,
    /// Where its name stands.
    pub place: Place,
    /// The edges of its tree, as `--stage dag` draws it.
    pub edges: Vec<EdgeCovered>,
}

/// An edge of an index.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EdgeCovered {
    /// What the node asks that it leads from.
    pub feature: String,
    /// By which structure.
    pub access: &'static str,
    /// The answers that lead this way; `rest` is for rules that do not ask.
    pub answers: Vec<String>,
    /// How often it was taken. One that leads to rules that cannot decide any more is not.
    pub taken: u64,
}

/// What there is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    /// A rule, a `deny` or a row.
    Rule,
    /// A group: it is not itself to be covered, its condition is.
    Group,
    /// What is decided when no rule matches.
    Otherwise,
}

/// How far decisions went in one rule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuleCovered {
    /// What it is.
    pub kind: Covered,
    /// The rule set it stands in.
    pub ruleset: String,
    /// Its name; `group` and `otherwise` have no other.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
    /// How often its turn came: no rule before it had decided. Rules in a group that does not hold have their turn, too.
    pub tried: u64,
    /// How often its groups and its condition held.
    pub matched: u64,
    /// Whether it can match. That it cannot is a proof, and `tollgate check` warns of it; it is wanted all the same.
    pub can_match: bool,
    /// How often it decided, alone or with others. Under `best` a rule can match and not decide.
    pub decided: u64,
    /// The operands of its own condition, from left to right; of `and`, `or` and `not` within them each operand.
    pub conditions: Vec<ConditionCovered>,
    /// Where its outcomes stand.
    pub outcomes: Vec<Place>,
}

/// What a condition answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConditionCovered {
    /// As it is written, on one line.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// How often it held.
    pub yes: u64,
    /// How often it did not.
    pub no: u64,
    /// How often something in it was absent, and `?? skip` said that the rule does not match.
    pub skipped: u64,
    /// How often something in it was absent, and `?? deny` said that the rule matches.
    pub denied: u64,
    /// How often its rule was tried and it was not asked.
    pub not_reached: u64,
    /// Whether it can hold. That it cannot, or cannot fail or skip, where rules and conditions before it leave nothing else, is a proof.
    pub holds: bool,
    /// Whether it can fail with all that it needs there: a `let` cannot.
    pub fails: bool,
    /// Whether absence can skip the rule.
    pub skips: bool,
    /// Whether absence can deny.
    pub denies: bool,
}

impl Program {
    /// What counts how far decisions go through the rules.
    ///
    /// Making it reads the program's source again. A decision is made by the reference interpreter, and each rule that is tried is
    /// asked once more, part by part: microseconds a rule, so that thousands of decisions about thousands of rules take seconds.
    ///
    /// # Errors
    /// When the program cannot be compiled again for want of resources.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     ruleset size(n: Int) -> String hit first {
    ///       rule small when n >= 0 and n < 10 then "small"
    ///       otherwise "large"
    ///     }
    ///     test "five is small" { expect size(5) == "small" }
    /// "#)?;
    /// let mut recorder = program.recorder()?;
    /// recorder.run_tests(None)?;
    /// let covered = recorder.coverage()?;
    /// // One rule of two; of four answers `yes` twice.
    /// assert_eq!((covered.seen(), covered.wanted()), (3, 6));
    /// recorder.decide_json("size", b"12", &Call { id: "1", time: 0 })?;
    /// recorder.decide_json("size", b"-1", &Call { id: "2", time: 0 })?;
    /// assert_eq!(recorder.coverage()?.percent(), 100.0);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn recorder(&self) -> Result<Recorder, Error> {
        let of = self.explainer()?.clone();
        let aim = self.first_backend().aim(Level::O2);
        let ledger = Arc::new(Ledger::new(&of, aim)?);
        let module = Arc::new(of.lowered.module.clone());
        let watching = Watching::new(&ledger, &of.lowered);
        Ok(Recorder {
            program: self.clone(),
            of,
            ledger,
            interp: Interp::watched(module, watching),
            states: self.local_states()?,
        })
    }
}

impl Recorder {
    /// Runs the `test` blocks of the main file whose title contains `filter`, and counts what they decide. They give what
    /// [`Program::run_tests`] gives.
    ///
    /// # Errors
    /// As [`Program::run_tests`].
    pub fn run_tests(&mut self, filter: Option<&str>) -> Result<Vec<TestResult>, Error> {
        let Some(tests) = self.program.tests() else {
            return Ok(Vec::new());
        };
        // Lowering the same once more gives the same functions, and says what the rule sets became.
        let (lowered, _) = lower_tests(&self.of.program);
        let watching = Watching::new(&self.ledger, &lowered);
        let interp = Interp::watched(Arc::new(lowered.module.clone()), watching);
        let compiled = Compiled {
            module: lowered.module,
            executable: Box::new(ledger::Watched(interp)),
            plan: tests.plan().clone(),
        };
        let options = TestOptions {
            filter: filter.map(str::to_owned),
            ..TestOptions::default()
        };
        let mut results = Vec::new();
        tests.run_on(&compiled, &options, &self.of.sources, &mut |result| {
            results.push(result);
        })?;
        Ok(results)
    }

    /// Decides about facts, as [`Session::decide_json`](crate::Session::decide_json) does, and counts. States are kept by this
    /// recorder, from one decision to the next, whatever stores the program names.
    ///
    /// # Errors
    /// When there is no such entry, data is missing, or the facts violate the schema ([`Error::refusal`]).
    pub fn decide_json(
        &mut self,
        entry: impl AsEntry,
        json: &[u8],
        call: &Call<'_>,
    ) -> Result<(), Error> {
        let index = entry.find(&self.program)?;
        let facts = self.program.decode(self.program.handle(index), json)?;
        let info = self.program.at(index);
        let args = facts.args(info);
        let (id, time) = info.decision_inputs(args, call);
        let asking = self.program.plan();
        let asking = asking.map(|plan| self.states.asking(plan, self.interp.module()));
        let arena = Arena::new();
        let mut cx = Cx::new(&arena, id, time);
        cx.data = self.program.data(&arena)?;
        cx.states = asking.as_ref().map(|asking| asking as _);
        let target = self.interp.module().entries[index].target;
        self.interp.run(target, &mut cx, args);
        Ok(())
    }

    /// What was counted so far.
    ///
    /// # Errors
    /// When the parts of a condition said something else than the whole: a bug of ours, after which nothing can be believed.
    pub fn coverage(&self) -> Result<Coverage, Error> {
        self.ledger.coverage(&self.of)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl Coverage {
    /// How much there is to see: every rule and `otherwise` once, and of every condition each answer that it can give.
    pub fn wanted(&self) -> u64 {
        self.files.iter().map(FileCovered::wanted).sum()
    }

    /// How much of it was seen.
    pub fn seen(&self) -> u64 {
        self.files.iter().map(FileCovered::seen).sum()
    }

    /// How much of it was seen, in percent; 100 where there is nothing to see.
    pub fn percent(&self) -> f64 {
        percent(self.seen(), self.wanted())
    }

    /// Keeps the files that are wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.files.retain(|file| wanted(&file.name));
    }

    /// Adds what was counted elsewhere. Files that both have are counted together.
    ///
    /// # Errors
    /// When a file was another one there.
    pub fn add(&mut self, other: Coverage) -> Result<(), Error> {
        for file in other.files {
            match self.files.iter_mut().find(|f| f.name == file.name) {
                None => self.files.push(file),
                Some(same) if same.text == file.text => {
                    for (rule, other) in same.rules.iter_mut().zip(file.rules) {
                        *rule += other;
                    }
                    // A file that is the main one may have indexes that it has not beside another.
                    for index in file.indexes {
                        same.add_index(index);
                    }
                }
                Some(_) => {
                    let name = file.name;
                    return Err(Error::other(format!("{name} changed while it was read")));
                }
            }
        }
        Ok(())
    }

    /// For people: what was not seen, drawn on the source, or (`all`) the whole source with the counts.
    pub fn render(&self, colour: bool, all: bool) -> String {
        listing::listing(self, colour, all)
    }

    /// For people: one page of HTML that needs nothing else.
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// For tools that show coverage: the tracefile format of `lcov`. Rules are functions, answers are branches.
    pub fn to_lcov(&self) -> String {
        lcov::tracefile(self)
    }

    /// For machines: one JSON object.
    pub fn to_json(&self) -> String {
        json::coverage(self).to_string()
    }
}

impl FileCovered {
    /// As [`Coverage::wanted`].
    pub fn wanted(&self) -> u64 {
        self.rules.iter().map(RuleCovered::wanted).sum()
    }

    /// As [`Coverage::seen`].
    pub fn seen(&self) -> u64 {
        self.rules.iter().map(RuleCovered::seen).sum()
    }

    fn add_index(&mut self, other: IndexCovered) {
        let is_same = |i: &&mut IndexCovered| {
            (&i.ruleset, &i.place.bytes) == (&other.ruleset, &other.place.bytes)
        };
        let Some(index) = self.indexes.iter_mut().find(is_same) else {
            self.indexes.push(other);
            return;
        };
        for (edge, other) in index.edges.iter_mut().zip(other.edges) {
            edge.taken += other.taken;
        }
    }

    /// How many rules matched, and how many there are; `otherwise` is one.
    pub fn rules_matched(&self) -> (u64, u64) {
        let rules = self.rules.iter().filter(|r| r.kind != Covered::Group);
        rules.fold((0, 0), |(matched, all), rule| {
            (matched + u64::from(rule.matched > 0), all + 1)
        })
    }

    /// How many answers of conditions were seen, and how many there are.
    pub fn answers_seen(&self) -> (u64, u64) {
        let conditions = self.rules.iter().flat_map(|r| &r.conditions);
        conditions.fold((0, 0), |(seen, all), condition| {
            (seen + condition.seen(), all + condition.wanted())
        })
    }
}

impl RuleCovered {
    fn wanted(&self) -> u64 {
        let own = u64::from(self.kind != Covered::Group);
        own + self.conditions.iter().map(|c| c.wanted()).sum::<u64>()
    }

    fn seen(&self) -> u64 {
        let own = u64::from(self.kind != Covered::Group && self.matched > 0);
        own + self.conditions.iter().map(|c| c.seen()).sum::<u64>()
    }

    /// What was not seen of the rule as a whole, in words.
    fn missing(&self) -> Option<&'static str> {
        match (self.kind, self.tried, self.matched) {
            (Covered::Group, ..) | (_, _, 1..) => None,
            (Covered::Otherwise, ..) => Some("never decided"),
            (Covered::Rule, ..) if !self.can_match => Some("can never match"),
            (Covered::Rule, 0, 0) => Some("never tried"),
            (Covered::Rule, 1.., 0) => Some("never matched"),
        }
    }
}

impl AddAssign for RuleCovered {
    fn add_assign(&mut self, other: RuleCovered) {
        self.tried += other.tried;
        self.matched += other.matched;
        self.decided += other.decided;
        self.can_match &= other.can_match;
        for (condition, other) in self.conditions.iter_mut().zip(other.conditions) {
            condition.yes += other.yes;
            condition.no += other.no;
            condition.skipped += other.skipped;
            condition.denied += other.denied;
            condition.not_reached += other.not_reached;
            // What one could prove, and the other did not get to, is so.
            condition.holds &= other.holds;
            condition.fails &= other.fails;
            condition.skips &= other.skips;
        }
    }
}

impl ConditionCovered {
    /// The answers that it can give, and how often it gave them. Something absent that is skipped is a `no`, as the rule then does
    /// not match.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let can = [
            (self.holds, "yes", self.yes),
            (self.fails || self.skips, "no", self.no + self.skipped),
            (self.denies, "denied", self.denied),
        ];
        can.into_iter()
            .filter_map(|(can, answer, count)| can.then_some((answer, count)))
    }

    /// How often it was asked.
    pub fn reached(&self) -> u64 {
        self.yes + self.no + self.skipped + self.denied
    }

    fn wanted(&self) -> u64 {
        self.answers().count() as u64
    }

    fn seen(&self) -> u64 {
        self.answers().filter(|(_, count)| *count > 0).count() as u64
    }

    /// What was not seen of it, in words.
    fn missing(&self) -> Option<String> {
        let unseen = self.answers().filter(|(_, count)| *count == 0);
        if self.reached() == 0 && self.wanted() > 0 {
            return Some("never reached".into());
        }
        let unseen: Vec<&str> = unseen
            .map(|(answer, _)| match answer {
                "yes" => "never true",
                "no" if self.fails => "never false",
                _ => "never absent",
            })
            .collect();
        (!unseen.is_empty()).then(|| unseen.join(", "))
    }
}

fn percent(seen: u64, wanted: u64) -> f64 {
    match wanted {
        0 => 100.0,
        _ => seen as f64 * 100.0 / wanted as f64,
    }
}

/// A percentage with one decimal, cut and not rounded: 100.0 is said of all only.
fn shown_percent(seen: u64, wanted: u64) -> String {
    let tenths = (seen * 1000).checked_div(wanted).unwrap_or(1000);
    format!("{}.{}%", tenths / 10, tenths % 10)
}
