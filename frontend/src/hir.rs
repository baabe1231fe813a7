//! The typed, resolved tree: what a program means.
//!
//! Everything that can go wrong has gone right here: names are indices, every expression has a type, every operation
//! is chosen by type and proved to fit, literals are values. Guards, tables and rule sets have become one thing,
//! [`RuleSet`]. What the source said only for people (tags, reasons, documentation) is kept beside it.

mod ids;
mod pattern;
mod states;
mod tests;
pub mod walk;

use std::sync::Arc;

use tollgate_grammar::source::Span;
use tollgate_ir::entities::IndexVec;
use tollgate_ir::operand::Cc;
use tollgate_runtime::pattern::Regex;
use tollgate_runtime::schema::Boundary;
use tollgate_runtime::{Native, Pattern as TextPattern, Value};

use crate::types::ty::Ty;

pub use tests::{Cases, Decider, Row, Step, Test};

pub use ids::{
    DataId, EnumId, FnId, GroupId, LocalId, PipelineId, PlaceId, RecordId, RefinementId, RuleSetId,
    StateId, StreamId,
};
pub use pattern::Pattern;
pub use states::{OnFailure, Period, Place, State, StateKind, Stream, Tally, Window};

/// A whole checked program: all its modules, the library's included as far as they are used.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Record types.
    pub records: IndexVec<RecordId, Record>,
    /// Enum types.
    pub enums: IndexVec<EnumId, Enum>,
    /// Refined text types.
    pub refinements: IndexVec<RefinementId, Refinement>,
    /// Data from the host.
    pub data: IndexVec<DataId, Data>,
    /// States.
    pub states: IndexVec<StateId, State>,
    /// Streams.
    pub streams: IndexVec<StreamId, Stream>,
    /// Places that ask states.
    pub places: IndexVec<PlaceId, Place>,
    /// Functions.
    pub fns: IndexVec<FnId, Function>,
    /// Rule sets, guards and tables.
    pub rulesets: IndexVec<RuleSetId, RuleSet>,
    /// Pipelines.
    pub pipelines: IndexVec<PipelineId, Pipeline>,
    /// Tests, of the main module only.
    pub tests: Vec<Test>,
    /// What a host can call, in source order: the rule sets, guards, tables and pipelines of the main module.
    pub entries: Vec<Callee>,
}

/// A rule set or a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A rule set, guard or table.
    RuleSet(RuleSetId),
    /// A pipeline.
    Pipeline(PipelineId),
}

/// A field of a record or variant.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is declared.
    pub span: Span,
    /// Its type.
    pub ty: Ty,
    /// Its default.
    pub default: Option<Value>,
}

/// A record type.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name, and the module it belongs to.
    pub name: Arc<str>,
    /// `std.http`
    pub module: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Its boundary contract.
    pub boundary: Boundary,
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is declared.
    pub span: Span,
    /// Its payload.
    pub fields: Vec<Field>,
}

/// An enum type.
#[derive(Clone, Debug)]
pub struct Enum {
    /// Its name.
    pub name: Arc<str>,
    /// The module it belongs to.
    pub module: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// The JSON key of `tag "…"`.
    pub tag: Option<Arc<str>>,
    /// Its variants.
    pub variants: Vec<Variant>,
}

/// `type CartId = String matching re"…"`
#[derive(Clone, Debug)]
pub struct Refinement {
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// Most bytes.
    pub max: u32,
    /// What the whole text must match.
    pub regex: Arc<Regex>,
}

/// `data tenants: Map<ApiKey, Tenant ..100_000>`
#[derive(Clone, Debug)]
pub struct Data {
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// Its type.
    pub ty: Ty,
}

/// A parameter or a binding.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is bound.
    pub span: Span,
    /// Its type.
    pub ty: Ty,
}

/// All parameters and bindings of one owner.
pub type Locals = IndexVec<LocalId, Local>;

/// `fn`
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: Arc<str>,
    /// The module it belongs to.
    pub module: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// The first of its locals, in order.
    pub params: Vec<LocalId>,
    /// Parameters and bindings.
    pub locals: Locals,
    /// Its declared result.
    pub result: Ty,
    /// Its value, of the declared type.
    pub body: Expr,
}

/// What a rule set was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `ruleset`
    RuleSet,
    /// `guard`: policy `First`, outcomes are `deny(why)` of the verdict, `otherwise` is `pass`.
    Guard,
    /// `table`: rules are named `row 1`, `row 2`, …
    Table,
}

/// How rules become one outcome.
#[derive(Clone, Debug)]
pub enum Policy {
    /// `first`
    First,
    /// `unique`
    Unique,
    /// `any`
    Any,
    /// `all`
    All,
    /// `best by (key)`
    Best {
        /// The value of the rule: `it`.
        it: LocalId,
        /// A whole number.
        key: Expr,
    },
    /// `sum`
    Sum,
}

/// A rule set, guard or table.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// Its name.
    pub name: Arc<str>,
    /// The module it belongs to.
    pub module: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// What it was written as.
    pub form: Form,
    /// Parameters, in order.
    pub params: Vec<LocalId>,
    /// Parameters and every binding of every rule.
    pub locals: Locals,
    /// What a decision gives (under `all` the list).
    pub result: Ty,
    /// What one rule gives (under `all` the element).
    pub outcome: Ty,
    /// The hit policy.
    pub policy: Policy,
    /// Groups, outer before inner. A rule set with `active` has an outermost group for it.
    pub groups: IndexVec<GroupId, Group>,
    /// Rules, in source order.
    pub rules: Vec<Rule>,
    /// The outcome when no rule matches; absent under `all` and `sum`, and where coverage is proved.
    pub otherwise: Option<Expr>,
    /// `on rides`: the stream whose events it decides about.
    pub stream: Option<StreamId>,
    /// `mode shadow until …`: until when what it decides counts for nothing.
    pub shadow: Option<i64>,
    /// `cost n`, and where it stands.
    pub cost: Option<(u64, Span)>,
    /// Where its parts stand.
    pub written: Written,
}

/// Where the parts of a rule set stand that messages point at. Of a guard they are its name.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The hit policy.
    pub policy: Span,
    /// The type of the result.
    pub result: Span,
    /// All of `otherwise`.
    pub otherwise: Option<Span>,
}

/// `group when …`
#[derive(Clone, Debug)]
pub struct Group {
    /// The group around it.
    pub parent: Option<GroupId>,
    /// Where it stands.
    pub span: Span,
    /// Its condition: the operands of the outermost `and`.
    pub spine: Vec<Expr>,
}

/// `rule …`, `deny …`, or a row.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// `"why"`
    pub why: Option<Arc<str>>,
    /// `tags { … }`, rendered.
    pub tags: Vec<(Arc<str>, String)>,
    /// The group it stands in.
    pub group: Option<GroupId>,
    /// Its condition: `on`, `active`, then the operands of the outermost `and` of `when`, in order. Empty means always.
    pub spine: Vec<Expr>,
    /// Its outcomes; several only under `all`.
    pub outcomes: Vec<Expr>,
}

/// `pipeline`
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: Arc<str>,
    /// The module it belongs to.
    pub module: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// Parameters, in order.
    pub params: Vec<LocalId>,
    /// Parameters, stages and bindings.
    pub locals: Locals,
    /// Its result.
    pub result: Ty,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// The value when no stage stopped it.
    pub then: Expr,
}

/// `stage x = e stop p => v`
#[derive(Clone, Debug)]
pub struct Stage {
    /// The stage's own name, which later stages see.
    pub local: LocalId,
    /// Its value; a rule set called at the top of it ([`ExprKind::Decide`] with `marked`) leaves its marks in the trace.
    pub value: Expr,
    /// What ends the pipeline, and with which value.
    pub stop: Option<(Pattern, Expr)>,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it does.
    pub kind: ExprKind,
    /// The type of its value.
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// An operation with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnOp {
    /// `-a` on whole numbers.
    IntNeg,
    /// `-a` on floats.
    FloatNeg,
    /// Magnitude of a whole number.
    IntAbs,
    /// A percentage to the nearest whole number, half to even.
    Round,
    /// A whole number as a float.
    ToFloat,
}

/// An operation with two operands, chosen by their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinOp {
    /// `a + b`, proved to fit.
    IntAdd,
    /// `a - b`, proved to fit.
    IntSub,
    /// `a * b`, proved to fit.
    IntMul,
    /// `a / b` towards zero; `b` is proved not to be zero.
    IntDiv,
    /// Remainder of `IntDiv`.
    IntMod,
    /// `a +| b` in 64 bits; a clamp around it brings it to the type's bounds.
    IntAddSat,
    /// `a -| b`, likewise.
    IntSubSat,
    /// `a *| b`, likewise.
    IntMulSat,
    /// The smaller.
    IntMin,
    /// The greater.
    IntMax,
    /// Times a percentage.
    PercentMul,
    /// The quotient as a percentage; `b` is proved not to be zero.
    PercentDiv,
    /// `a + b`
    FloatAdd,
    /// `a - b`
    FloatSub,
    /// `a * b`
    FloatMul,
    /// `a / b`; `b` is a constant that is not zero.
    FloatDiv,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmpKind {
    /// As whole numbers.
    Int,
    /// As floats.
    Float,
    /// As texts, by bytes.
    Str,
    /// By structure: `Eq` and `Ne` only.
    Same,
}

/// A quantifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// Some element satisfies the filter.
    Any,
    /// Every element does; true of none.
    All,
    /// At least one element, and every one does.
    Only,
    /// No element does.
    No,
    /// How many do.
    Count,
    /// The sum of the value over those that do.
    Sum,
}

/// What a text pattern binds where it matches.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The binding. Its type tells how: `Path` for a rest, optional for a regex group that may take no part.
    pub local: LocalId,
    /// The capture of the path pattern, or the group of the regex.
    pub index: u32,
    /// For `{cart: CartId}`: what the segment must match too, or the whole pattern does not.
    pub refined: Option<RefinementId>,
}

/// What an expression does. Operands are evaluated left to right; none can fail.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// What was reported; never in a program without errors.
    Error,
    /// A literal, a constant, or anything the checker evaluated.
    Const(Value),
    /// A parameter or binding.
    Local(LocalId),
    /// Data from the host.
    Data(DataId),
    /// The decision's id (used by `jitter`).
    DecisionId,
    /// The decision's time (used by `active`).
    DecisionTime,
    /// One operand.
    Unary(UnOp, Box<Expr>),
    /// Two operands.
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// A comparison.
    Compare(CmpKind, Cc, Box<Expr>, Box<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `a and b …`: stops at the first that is false; bindings of one are seen by those to its right.
    And(Vec<Expr>),
    /// `a or b …`: stops at the first that holds.
    Or(Vec<Expr>),
    /// `if c then a else b`; bindings of `c` are seen in `a`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `match`: the first arm whose pattern matches; the checker has proved that one does.
    Match(Box<Expr>, Vec<(Pattern, Expr)>),
    /// `let x = e` as an operand of `and`: holds, and binds.
    Let(LocalId, Box<Expr>),
    /// `e is pattern`
    Is(Box<Expr>, Pattern),
    /// `e matches pattern`
    Matches(Box<Expr>, TextPattern, Vec<Capture>),
    /// `lo <= e <= hi` for whole numbers, both included.
    InRange(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Whether a list, set or `Values` (first) has an element (second).
    Contains(Box<Expr>, Box<Expr>),
    /// Whether a network (first) has an address (second).
    CidrHas(Box<Expr>, Box<Expr>),
    /// Whether one of a list or set of networks (first) has an address (second).
    CidrsHave(Box<Expr>, Box<Expr>),
    /// A `T` where a `T?` is wanted.
    Some(Box<Expr>),
    /// Whether an optional is present.
    IsSome(Box<Expr>),
    /// `e ?? v`; `v` is a `T`.
    UnwrapOr(Box<Expr>, Box<Expr>),
    /// `e ?? w` where `w` is again optional: `e` if present, else `w`.
    OrElse(Box<Expr>, Box<Expr>),
    /// `e ?? skip`: the rule does not match when it is absent. Only on the spine.
    OrSkip(Box<Expr>),
    /// `e ?? deny`: the denial applies when it is absent. Only on the spine of a guard.
    OrDeny(Box<Expr>),
    /// A field of a record.
    Field(Box<Expr>, u32),
    /// A field of an optional record: absent when the record is, or when the field is.
    OptField(Box<Expr>, u32),
    /// A record; one expression a field.
    Record(RecordId, Vec<Expr>),
    /// An enum value; one expression a field of the variant.
    Variant(EnumId, u32, Vec<Expr>),
    /// A list (or `Values`) of the expression's type.
    List(Vec<Expr>),
    /// A set.
    Set(Vec<Expr>),
    /// A map.
    Map(Vec<(Expr, Expr)>),
    /// How many elements.
    Len(Box<Expr>),
    /// `xs[i]`
    Get(Box<Expr>, Box<Expr>),
    /// `m[k]`
    Lookup(Box<Expr>, Box<Expr>),
    /// `.single` of `Values`: the value if there is exactly one.
    Single(Box<Expr>),
    /// A quantifier over a list, set or `Values`.
    Quantify {
        /// Which.
        quantifier: Quantifier,
        /// The element.
        local: LocalId,
        /// What is looked at.
        over: Box<Expr>,
        /// `where c`; absent means every element.
        filter: Option<Box<Expr>>,
        /// `=> e`, for `sum`.
        value: Option<Box<Expr>>,
    },
    /// A function.
    Call(FnId, Vec<Expr>),
    /// A rule set, guard, table or pipeline.
    Decide {
        /// Which.
        callee: Callee,
        /// Its arguments.
        args: Vec<Expr>,
        /// Whether its marks belong to the trace.
        marked: bool,
    },
    /// Asks a state: the text of its key, where it has keys, and what the operation takes.
    Ask(PlaceId, Vec<Expr>),
    /// A native.
    Native(&'static Native, Vec<Expr>),
    /// A path of the given parts: texts are whole segments, paths are appended.
    PathJoin(Vec<Expr>),
}
