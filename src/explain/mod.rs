//! Why a decision is what it is, and what would have made another rule match.
//!
//! The reference interpreter asks each part of a condition again, on the same facts; what the program's engine decides, with its
//! index and without one, must be what the interpreter decides, or there is no explanation but an error. Only what is asked for is
//! lowered, so that explaining one rule of ten thousand costs what one rule costs, once the program was read again for the first
//! explanation.

mod conditions;
mod draw;
mod explainer;
mod json;

use std::fmt;
use std::sync::Arc;

use tollgate_ask::{Answers, Operation};
use tollgate_grammar::source::{SourceMap, Span};

use crate::entry::{AsEntry, Facts};
use crate::error::Error;
use crate::program::Program;
use crate::session::Call;

pub(crate) use conditions::one_line;
pub(crate) use explainer::Explainer;
pub use tollgate_frontend::analysis::Change;

/// Which rules are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'r> {
    /// Those that decided; of a pipeline those of each stage. Where no rule did, all of them, if they are few.
    Deciding,
    /// The rule of this name; of a pipeline also `stage.rule`.
    Named(&'r str),
    /// Every rule.
    All,
}

/// Why a decision is what it is. See [`Program::explain_json`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// What decided: a rule set, guard, table or pipeline.
    pub entry: String,
    /// The decision's value, as JSON.
    pub value: String,
    /// The rules that decided, as [`Decision::by`](crate::Decision::by) names them.
    pub by: Vec<String>,
    /// The rules asked for, in the order of the source. Those of a pipeline stand in its stages.
    pub rules: Vec<RuleExplained>,
    /// The stages of a pipeline, in order.
    pub stages: Vec<StageExplained>,
    /// What the decision asked of states, in order, with the answers.
    pub operations: Vec<Operation>,
    sources: Arc<SourceMap>,
}

/// A stage of a pipeline.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StageExplained {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Its value, as JSON; absent when a stage before it ended the pipeline.
    pub value: Option<String>,
    /// Whether it ended the pipeline.
    pub stopped: bool,
    /// The rule set, guard, table or pipeline that it asked, if it asked one by itself.
    pub asked: Option<String>,
    /// The rules that decided there.
    pub by: Vec<String>,
    /// The rules asked for.
    pub rules: Vec<RuleExplained>,
    /// The stages of the pipeline that it asked.
    pub stages: Vec<StageExplained>,
}

/// Whether a rule matched, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuleExplained {
    /// The rule set it stands in.
    pub ruleset: String,
    /// Its name.
    pub name: String,
    /// What the source says it is for.
    pub why: Option<String>,
    /// Where its name stands.
    pub place: Place,
    /// Whether it matched; not where that is not known.
    pub matched: bool,
    /// Whether that is known. It is not where the rule's turn did not come, and its condition asks a state that nobody asked then.
    pub known: bool,
    /// Whether it decided, alone or with others. A rule can match and not decide: another one came first, or was better.
    pub decided: bool,
    /// The operands of its condition: those of its groups, the outermost first, and then its own.
    pub conditions: Vec<Condition>,
    /// The smallest change of the facts with which it would match, where it does not. States are to answer as they did.
    pub closest: Option<Closest>,
    /// The rules that decided instead, where it did not: `otherwise` for none.
    pub instead: Vec<String>,
}

/// A condition, or a part of one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Condition {
    /// As it is written, on one line.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// Whether it is that of a group around the rule.
    pub of_group: bool,
    /// What came of it.
    pub answer: Answer,
    /// What it looked at, and the values there, as JSON; `None` for what is absent. Empty where that has no meaning, because
    /// something it needs was not bound.
    pub seen: Vec<(String, Option<String>)>,
    /// What it asked of states, with the answers.
    pub asked: Vec<Operation>,
    /// What it bound, or would bind, where it holds: names and JSON.
    pub bound: Vec<(String, Option<String>)>,
    /// How its parts are joined.
    pub joined: Joined,
    /// The operands of `and`, `or` or `not`.
    pub parts: Vec<Condition>,
}

/// What came of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It held.
    Yes,
    /// It did not.
    No,
    /// Something in it is absent, and `?? skip` says that the rule then does not match.
    Skipped,
    /// Something in it is absent, and `?? deny` says that the rule then matches, whatever else it asks.
    Denied,
    /// It asks a state, and the decision did not: the turn of its rule did not come. Whether it holds is not known.
    NotAsked,
    /// It was not asked, for what stands before it had decided. Whether it would hold, if that means something: it may need what
    /// was not bound.
    NotReached(Option<bool>),
}

/// How the parts of a condition are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It has none.
    One,
    /// `and`
    All,
    /// `or`
    Any,
    /// `not`
    Not,
}

/// The smallest change with which a rule would match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closest {
    /// This one: the fewest things that the rules ask about, and of these values near to those of now. The interpreter has confirmed
    /// that the rule matches.
    Change {
        /// What would have to be different.
        changes: Vec<Change>,
        /// The facts with the change, as JSON: what the rule set would have to be given.
        input: String,
        /// The rules that would then decide; not the rule itself where another one comes before it or is better.
        by: Vec<String>,
    },
    /// No facts make it match: a proof.
    Never,
    /// None was found.
    Unknown,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The bytes of the file.
    pub bytes: std::ops::Range<u32>,
    span: Span,
}

impl Program {
    /// Why the decision about some facts is what it is, and why rules do not match. The facts are in JSON, as
    /// [`Session::decide_json`](crate::Session::decide_json) takes them.
    ///
    /// The first explanation of a program reads its source again, which takes about as long as compiling it, and keeps what it
    /// learned; others cost what the rules that they explain cost.
    ///
    /// # Errors
    /// When there is no such entry or rule, data is missing, the facts violate the schema ([`Error::refusal`]), or the decision asks states: then it
    /// depends on what they answered, see [`Program::explain_answered`].
    ///
    /// ```
    /// use tollgate::{Answer, Call, Closest, Engine, Which};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     record Load { cpu: Percent, queue: Int in 0 .. 1_000 }
    ///     ruleset busy(load: Load) -> Bool hit first {
    ///       rule hot when load.queue > 5 and load.cpu > 80% then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let call = Call { id: "1", time: 0 };
    /// let facts = br#"{"cpu": "75%", "queue": 9}"#;
    /// let why = program.explain_json("busy", facts, &call, Which::Named("hot"))?;
    /// assert_eq!(why.by, ["otherwise"]);
    /// let hot = &why.rules[0];
    /// assert_eq!(hot.conditions[0].answer, Answer::Yes);
    /// assert_eq!(hot.conditions[1].answer, Answer::No);
    /// assert_eq!(hot.conditions[1].seen, [("load.cpu".into(), Some(r#""75%""#.into()))]);
    /// let Some(Closest::Change { changes, by, .. }) = &hot.closest else { panic!() };
    /// assert_eq!((&*changes[0].path, &by[..]), ("load.cpu", &["hot".to_owned()][..]));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn explain_json(
        &self,
        entry: impl AsEntry,
        json: &[u8],
        call: &Call<'_>,
        which: Which<'_>,
    ) -> Result<Explanation, Error> {
        let index = entry.find(self)?;
        let facts = self.decode(self.handle(index), json)?;
        self.explainer()?
            .explain(self, index, &facts, (call, None), which)
    }

    /// As [`Program::explain_json`], of facts that were let in before.
    ///
    /// # Errors
    /// As [`Program::explain_json`], where the decision asks states (see [`Program::explain_answered`]), and as [`Session::decide_facts`](crate::Session::decide_facts).
    pub fn explain_facts(
        &self,
        entry: impl AsEntry,
        facts: &Facts,
        call: &Call<'_>,
        which: Which<'_>,
    ) -> Result<Explanation, Error> {
        let index = entry.find(self)?;
        self.explainer()?
            .explain(self, index, facts, (call, None), which)
    }

    /// As [`Program::explain_facts`], of a decision that asked states: `answers` are what they answered
    /// ([`Decision::answers`](crate::Decision::answers)). No store is asked: every condition gets the answer that it got then. The closest change
    /// is one with which the same is asked and answered, and the rule matches.
    ///
    /// # Errors
    /// As [`Program::explain_facts`], and where the answers are those of another decision.
    ///
    /// ```
    /// use tollgate::{Call, Engine, Which};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     state calls: FixedWindow by String { limit: 1, window: 1h, max_keys: 1_000, on_failure: deny }
    ///     ruleset admit(user: String) -> Bool hit first {
    ///       rule again when user != "" and not calls[user].take().granted then false
    ///       otherwise true
    ///     }
    /// "#)?;
    /// let states = program.states(&[])?;
    /// let mut session = program.session_with(&states)?;
    /// let facts = program.decode("admit", br#""ann""#)?;
    /// session.decide_facts("admit", &facts, &Call { id: "1", time: 0 })?;
    /// let call = Call { id: "2", time: 0 };
    /// let answers = session.decide_facts("admit", &facts, &call)?.answers();
    ///
    /// let why = program.explain_answered("admit", &facts, &call, &answers, Which::Deciding)?;
    /// assert_eq!(why.by, ["again"]);
    /// let asked = &why.rules[0].conditions[1].parts[0].asked[0];
    /// assert_eq!(asked.states().collect::<Vec<_>>(), [("calls", "ann")]);
    /// assert_eq!(asked.answer_json(), r#"{"granted":false,"wait":"1h","left":0}"#);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn explain_answered(
        &self,
        entry: impl AsEntry,
        facts: &Facts,
        call: &Call<'_>,
        answers: &Answers,
        which: Which<'_>,
    ) -> Result<Explanation, Error> {
        let index = entry.find(self)?;
        self.explainer()?
            .explain(self, index, facts, (call, Some(answers)), which)
    }
}

impl Explanation {
    /// For people, drawn on the source.
    pub fn render(&self, colour: bool) -> String {
        draw::explanation(self, &self.sources, colour)
    }

    /// For machines: one JSON object.
    pub fn to_json(&self) -> String {
        json::explanation(self).to_string()
    }
}

/// For people, as lines: each condition, what came of it, and the value seen.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw::lines(self, f)
    }
}

impl Place {
    pub(crate) fn of(span: Span, sources: &SourceMap) -> Place {
        let at = sources.position(span);
        Place {
            file: sources.file(span.file).name().to_string(),
            line: at.line,
            column: at.column,
            bytes: span.start..span.end,
            span,
        }
    }
}
