//! Rule sets, guards, tables and pipelines.

use super::*;

/// `ruleset name(params) -> T on stream hit P { clauses rules otherwise e }`
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The type of an outcome, or of the list of them.
    pub result: Type,
    /// `on rides`
    pub stream: Option<Name>,
    /// `hit first`
    pub policy: HitPolicy,
    /// `cost`, `active` and `mode`, in source order.
    pub clauses: Vec<SetClause>,
    /// Its rules and groups, in source order.
    pub rules: Vec<RuleItem>,
    /// `otherwise e`
    pub otherwise: Option<Otherwise>,
}

/// `hit first`
#[derive(Clone, Debug)]
pub struct HitPolicy {
    /// From `hit` to the last token.
    pub span: Span,
    /// Which.
    pub kind: HitPolicyKind,
}

/// Which matching rules count.
#[derive(Clone, Debug)]
pub enum HitPolicyKind {
    /// The first in the source.
    First,
    /// The only one there can be.
    Unique,
    /// Any of them: they agree.
    Any,
    /// All, in source order.
    All,
    /// `best by (e)`, in which the name `it` is the value of the rule.
    BestBy(Box<Expr>),
    /// Their sum.
    Sum,
    /// Something that was reported and skipped.
    Error,
}

/// `otherwise e`
#[derive(Clone, Debug)]
pub struct Otherwise {
    /// Both.
    pub span: Span,
    /// The value when no rule applies.
    pub value: Expr,
}

/// A clause of a rule set, before its rules.
#[derive(Clone, Debug)]
pub struct SetClause {
    /// All of it.
    pub span: Span,
    /// Which.
    pub kind: SetClauseKind,
}

/// What a clause of a rule set says.
#[derive(Clone, Debug)]
pub enum SetClauseKind {
    /// `cost 2_000`: the most steps a decision may take.
    Cost(i64),
    /// `active a ..< b in tz"…"`
    Active(Box<Active>),
    /// `mode shadow until t"…"`
    Shadow(Shadow),
}

/// What stands among the rules of a rule set, a guard or a group.
#[derive(Clone, Debug)]
pub enum RuleItem {
    /// `rule name …`, or `deny name …` in a guard.
    Rule(Box<Rule>),
    /// `group when c { … }`
    Group(Box<Group>),
    /// Something that was reported and skipped.
    Error(Span),
}

/// A rule, or a `deny` of a guard (which has no [`ClauseKind::Then`]).
#[derive(Clone, Debug)]
pub struct Rule {
    /// The `##` lines before it.
    pub docs: Docs,
    /// From `rule` to the last token of its last clause.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// `"why"`
    pub why: Option<Text>,
    /// Its clauses in source order; the checker judges the order and the number of each.
    pub clauses: Vec<Clause>,
}

/// A clause of a rule.
#[derive(Clone, Debug)]
pub struct Clause {
    /// From its keyword to its last token.
    pub span: Span,
    /// Which.
    pub kind: ClauseKind,
}

/// What a clause of a rule says.
#[derive(Clone, Debug)]
pub enum ClauseKind {
    /// `tags { team: "payments" }`
    Tags(Vec<Setting>),
    /// `on RideCompleted(ride)`, `on POST p"/v1/charges/{id}"`
    On(Box<OnPattern>),
    /// `active a ..< b in tz"…"`
    Active(Box<Active>),
    /// `mode shadow until t"…"`; the checker says that only a rule set has a mode.
    Shadow(Box<Shadow>),
    /// `when c`
    When(Expr),
    /// `once paid[key]`
    Once(Box<Place>),
    /// `within rewards[user]`
    Within(Box<Place>),
    /// `then value`
    Then(Expr),
    /// Something that was reported and skipped.
    Error,
}

/// What the first parameter must look like.
#[derive(Clone, Debug)]
pub enum OnPattern {
    /// `on RideCompleted(ride)`
    Pattern(Pattern),
    /// `on POST p"/v1/charges/{id}"`, `on {GET, HEAD} p"/**"`
    Route {
        /// A method, or a set of them.
        method: Pattern,
        /// A tagged text.
        path: Expr,
    },
}

/// `active a ..< b in tz"Asia/Singapore"`
#[derive(Clone, Debug)]
pub struct Active {
    /// From when until when.
    pub range: Range,
    /// `in tz"…"`
    pub zone: Option<Expr>,
}

/// `mode shadow until t"…"`
#[derive(Clone, Debug)]
pub struct Shadow {
    /// When the mode ends.
    pub until: Expr,
}

/// A state, or one entry of it: `fleet`, `rewards[e.user]`.
#[derive(Clone, Debug)]
pub struct Place {
    /// All of it.
    pub span: Span,
    /// The state.
    pub name: Name,
    /// `[key]`
    pub key: Option<Box<Expr>>,
}

/// `group when c { rules }`
#[derive(Clone, Debug)]
pub struct Group {
    /// The `##` lines before it.
    pub docs: Docs,
    /// All of it.
    pub span: Span,
    /// What is put before the condition of each rule inside.
    pub condition: Expr,
    /// The rules inside.
    pub rules: Vec<RuleItem>,
}

/// `guard name(params) { denies }`
#[derive(Clone, Debug)]
pub struct Guard {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its `deny`s (as [`Rule`]s) and groups, in source order.
    pub rules: Vec<RuleItem>,
}

/// `table name(params) -> T hit P { | cell | cell => value | otherwise e }`
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// Its parameters: one column each.
    pub params: Vec<Param>,
    /// The type of an outcome.
    pub result: Type,
    /// `hit unique`
    pub policy: HitPolicy,
    /// `cost`, `active` and `mode`, in source order.
    pub clauses: Vec<SetClause>,
    /// Its rows; what was reported and skipped has no cells and the value [`ExprKind::Error`].
    pub rows: Vec<Row>,
    /// `otherwise e`
    pub otherwise: Option<Otherwise>,
}

/// `| cell | cell => value |`
#[derive(Clone, Debug)]
pub struct Row {
    /// The `##` lines before it.
    pub docs: Docs,
    /// From the first `|` to the last.
    pub span: Span,
    /// Left of `=>`.
    pub cells: Vec<Pattern>,
    /// Right of `=>`.
    pub value: Expr,
}

/// `pipeline name(params) -> T { stages then value }`
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The type of its value.
    pub result: Type,
    /// Its stages; what was reported and skipped is not among them.
    pub stages: Vec<Stage>,
    /// `then value`; [`ExprKind::Error`] when it was not understood.
    pub then: Expr,
    /// Whether a stage was reported and skipped, so that a later one may use a name nobody sees declared.
    pub incomplete: bool,
}

/// `stage x = e stop pattern => value`
#[derive(Clone, Debug)]
pub struct Stage {
    /// The `##` lines before it.
    pub docs: Docs,
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What it computes.
    pub value: Expr,
    /// `stop pattern => value`
    pub stop: Option<Arm>,
}
