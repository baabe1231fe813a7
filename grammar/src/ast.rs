//! The tree: what was written, with the place of everything and the meaning of nothing.
//!
//! Every node has a [`Span`]. What could not be parsed and was skipped stands in the tree as an
//! `Error` node ([`ItemKind::Error`], [`RuleItem::Error`], [`ExprKind::Error`], …): it has already
//! been reported, and whoever meets one says nothing more about it.
//!
//! A name is only a name here. Whether `Wallet` is a variant, a constant or a new binding, whether
//! `clamp(…)` is a function or a constructor, and whether clauses stand in a sensible order, is for
//! the checker to say. Numerals are the exception: they are decoded, exactly, and in range.
//!
//! The tree of one expression is at most the nesting limit nodes high
//! ([`Expr::height`]), so that a walk over it may recurse.

use crate::source::Span;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The text of a name. Equal names of one file share their memory; cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The name.
    pub text: Symbol,
    /// Where it stands.
    pub span: Span,
}

/// A text literal with its escapes decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it stands for.
    pub value: Box<str>,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// The `##` lines before an item, a rule or a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// The lines without `##` and the blank behind it, joined by `\n`.
    pub text: Box<str>,
    /// From the first `##` to the end of the last line.
    pub span: Span,
}

/// Documentation, if any was written.
pub type Docs = Option<Box<Doc>>;

/// A dotted name: `std.http`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The names between the dots.
    pub names: Vec<Name>,
    /// All of it.
    pub span: Span,
}

// ---------------------------------------------------------------------------------------- files

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// `edition 2026`.
    pub edition: Option<Edition>,
    /// `module a.b`.
    pub module: Option<Path>,
    /// Everything else, in source order.
    pub items: Vec<Item>,
    /// All comments, `##` too, each from its first `#` to the end of the line, in source order.
    pub comments: Vec<Span>,
    /// The whole text.
    pub span: Span,
}

/// `edition 2026`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// The year.
    pub year: i64,
    /// Both words.
    pub span: Span,
}

/// A declaration.
#[derive(Clone, Debug)]
pub struct Item {
    /// The `##` lines before it.
    pub docs: Docs,
    /// From its keyword to its last token.
    pub span: Span,
    /// What it declares.
    pub kind: ItemKind,
}

/// What an item declares.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `use std.http.{Request}`
    Use(Box<Use>),
    /// `const sg = tz"Asia/Singapore"`
    Const(Box<Const>),
    /// `type Priority = Int in 0 .. 100`
    Type(Box<TypeDecl>),
    /// `record Tenant { region: Region }`
    Record(Box<Record>),
    /// `enum Tier { Gold, Silver }`
    Enum(Box<Enum>),
    /// `boundary Request { … }`
    Boundary(Box<Boundary>),
    /// `data tenants: Map<ApiKey, Tenant ..100_000>`
    Data(Box<Data>),
    /// `fn f(a: T) -> U = e`
    Function(Box<Function>),
    /// `ruleset route(req: Request) -> Route hit first { … }`
    RuleSet(Box<RuleSet>),
    /// `guard admin(req: Request) { … }`
    Guard(Box<Guard>),
    /// `table voucher(tier: Tier) -> Int hit unique { | … | }`
    Table(Box<Table>),
    /// `pipeline edge(req: Request) -> Route { … }`
    Pipeline(Box<Pipeline>),
    /// `state per_key: TokenBucket by ApiKey { … }`
    State(Box<State>),
    /// `stream rides: RideCompleted { … }`
    Stream(Box<Stream>),
    /// `test "…" { … }`
    Test(Box<Test>),
    /// `prove "…" { … }`
    Prove(Box<Prove>),
    /// Something that was reported and skipped.
    Error,
}

/// `use std.http.{Request, Client}`
#[derive(Clone, Debug)]
pub struct Use {
    /// The module.
    pub module: Path,
    /// What is taken from it.
    pub names: Vec<Name>,
}

/// `const sg = tz"Asia/Singapore"`, with a type where one was written.
#[derive(Clone, Debug)]
pub struct Const {
    /// Its name.
    pub name: Name,
    /// `: T`
    pub ty: Option<Type>,
    /// Its value.
    pub value: Expr,
}

/// `type Priority = Int in 0 .. 100`
#[derive(Clone, Debug)]
pub struct TypeDecl {
    /// The new name.
    pub name: Name,
    /// What it stands for.
    pub ty: Type,
}

/// `record Tenant { region: Region, shard: Int = 0 }`
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name.
    pub name: Name,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a record or of a variant.
#[derive(Clone, Debug)]
pub struct Field {
    /// The `##` lines before it.
    pub docs: Docs,
    /// From its name to its last token.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// `= e`
    pub default: Option<Expr>,
}

/// `enum Event tag "type" { … }`
#[derive(Clone, Debug)]
pub struct Enum {
    /// Its name.
    pub name: Name,
    /// `tag "type"`: the JSON key that holds the variant's name.
    pub tag: Option<Text>,
    /// Its variants.
    pub variants: Vec<Variant>,
}

/// A variant: `admit`, or `reject(status: Int)`.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The `##` lines before it.
    pub docs: Docs,
    /// From its name to its last token.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// `boundary Request { path: { decode: once } }`
#[derive(Clone, Debug)]
pub struct Boundary {
    /// The type it is about.
    pub name: Name,
    /// What it demands.
    pub settings: Vec<Setting>,
}

/// `data tenants: Map<ApiKey, Tenant ..100_000>`
#[derive(Clone, Debug)]
pub struct Data {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
}

/// `fn f(a: T) -> U = e`
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The type of its value.
    pub result: Type,
    /// Its value.
    pub body: Expr,
}

/// `a: T`
#[derive(Clone, Debug)]
pub struct Param {
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
}

/// `max_keys: 1_000` in a boundary, a state, a stream or tags.
#[derive(Clone, Debug)]
pub struct Setting {
    /// All of it.
    pub span: Span,
    /// Left of the colon.
    pub name: Name,
    /// Right of the colon.
    pub value: SettingValue,
}

/// What a setting is set to.
#[derive(Clone, Debug)]
pub enum SettingValue {
    /// `8KiB`, `redis.limits`, `local(20 per 1s)`; also a bare word such as `deny` or `skip`, as a name.
    Expr(Expr),
    /// `{ decode: once, case: keep }`
    Nested(Vec<Setting>),
}

// ------------------------------------------------------------------------------------ rule sets

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
    Active(Active),
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
    Once(Place),
    /// `within rewards[user]`
    Within(Place),
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

// ------------------------------------------------------------------------- states, tests, proofs

/// `state name: Kind by Key { settings }`
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: Name,
    /// `TokenBucket`, `Budget<SGD>`
    pub kind: Type,
    /// `by Key`
    pub key: Option<Type>,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// `stream name: Event { settings }`
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its name.
    pub name: Name,
    /// The type of its events.
    pub event: Type,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// `test "…" { steps }`
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub title: Text,
    /// Its steps, in source order.
    pub steps: Vec<Step>,
}

/// A step of a test.
#[derive(Clone, Debug)]
pub struct Step {
    /// All of it.
    pub span: Span,
    /// Which.
    pub kind: StepKind,
}

/// What a step of a test does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// `given req = e`, `given wallet_rides["u1"] = 4`
    Given {
        /// What is given: a new name, a `data`, or a state.
        place: Place,
        /// Its value.
        value: Expr,
    },
    /// `expect c`, `expect route(req) is forward(payments) by checkout`
    Expect {
        /// The condition.
        condition: Expr,
        /// `by a, b`: the deciding rules; `otherwise` is a name here. Empty without `by`.
        by: Vec<Name>,
    },
    /// `advance 2d`
    Advance(Expr),
    /// Something that was reported and skipped.
    Error,
}

/// `prove "…" { forall … where … holds … }`
#[derive(Clone, Debug)]
pub struct Prove {
    /// What it claims.
    pub title: Text,
    /// `forall a: T, b: U`
    pub forall: Vec<Param>,
    /// `where c`
    pub filter: Option<Expr>,
    /// `holds c`
    pub holds: Expr,
}

// ---------------------------------------------------------------------------------------- types

/// A type as written.
#[derive(Clone, Debug)]
pub struct Type {
    /// All of it.
    pub span: Span,
    /// Which.
    pub kind: TypeKind,
}

/// The shapes a type is written in.
#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `Int`, `Money<SGD>`, `Map<ApiKey, Tenant ..100>`
    Named(Box<NamedType>),
    /// `T?`
    Optional(Box<Type>),
    /// `[T]`, `[T ..n]`
    List(Box<CollectionType>),
    /// `{T}`, `{T ..n}`
    Set(Box<CollectionType>),
    /// `Int in 0 .. 100`: the base and the range.
    InRange(Box<(Type, Range)>),
    /// `String matching re"…"`: the base and the tagged text.
    Matching(Box<(Type, Expr)>),
    /// Something that was reported and skipped.
    Error,
}

/// `Map<ApiKey, Tenant ..100>`
#[derive(Clone, Debug)]
pub struct NamedType {
    /// Its name.
    pub name: Name,
    /// Between `<` and `>`.
    pub args: Vec<Type>,
    /// `..n`: a literal or a name.
    pub bound: Option<Expr>,
}

/// `[T ..n]`
#[derive(Clone, Debug)]
pub struct CollectionType {
    /// What is in it.
    pub element: Type,
    /// `..n`: a literal or a name.
    pub bound: Option<Expr>,
}

// ---------------------------------------------------------------------------------- expressions

/// An expression. Parentheses are not kept, but a parenthesised expression's span includes them.
#[derive(Clone, Debug)]
pub struct Expr {
    /// All of it.
    pub span: Span,
    /// Which.
    pub kind: ExprKind,
    height: u16,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `42`, `"a"`, `2h`, `p"/x"`
    Literal(Literal),
    /// `none`
    None,
    /// `x`: a parameter, a constant, a variant without fields, …
    Name(Symbol),
    /// `e.field`; also `Payment.Wallet` and `redis.limits`.
    Field(Box<FieldAccess>),
    /// `e[i]`
    Index(Box<Index>),
    /// `f(a, b: c)`, `e.f(a)`; also a constructor.
    Call(Box<Call>),
    /// `-e`, `not e`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a < b`, `a in b`, `a matches b`, `a implies b`
    Binary(Box<Binary>),
    /// `a and b and c`: two operands or more.
    And(Box<[Expr]>),
    /// `a or b or c`: two operands or more.
    Or(Box<[Expr]>),
    /// `e is pattern`
    Is(Box<Is>),
    /// `e ?? v`, `e ?? skip`, `e ?? deny`
    Answer(Box<Answer>),
    /// `if c then a else b`
    If(Box<If>),
    /// `match e { pattern => v, … }`
    Match(Box<Match>),
    /// `let x = e`, an operand of `and`.
    Let(Box<Let>),
    /// `any(x in xs where c)`, `sum(x in xs => e)`, …
    Quantifier(Box<Quantifier>),
    /// `a .. b`, right of `in` only.
    Range(Box<Range>),
    /// `[a, b]`
    List(Box<[Expr]>),
    /// `{a, b}`; also `{}`, which may turn out to be an empty map.
    Set(Box<[Expr]>),
    /// `{"k": v}`: never empty.
    Map(Box<[(Expr, Expr)]>),
    /// Something that was reported and skipped.
    Error,
}

/// `e.name`
#[derive(Clone, Debug)]
pub struct FieldAccess {
    /// Left of the dot.
    pub base: Expr,
    /// Right of the dot.
    pub name: Name,
}

/// `e[i]`
#[derive(Clone, Debug)]
pub struct Index {
    /// Left of the bracket.
    pub base: Expr,
    /// Inside.
    pub index: Expr,
}

/// `f(a)`, or `e.f(a)` with a receiver.
#[derive(Clone, Debug)]
pub struct Call {
    /// Left of the dot.
    pub receiver: Option<Expr>,
    /// What is called or constructed.
    pub name: Name,
    /// The arguments in source order, positional and named mixed as written.
    pub args: Vec<Arg>,
}

/// `e`, or `name: e`
#[derive(Clone, Debug)]
pub struct Arg {
    /// Left of the colon.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// An operator between two operands; `and` and `or` are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `implies`
    Implies,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `matches`
    Matches,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `+|`
    SatAdd,
    /// `-|`
    SatSub,
    /// `*|`
    SatMul,
}

/// `a op b`
#[derive(Clone, Debug)]
pub struct Binary {
    /// Which.
    pub op: BinaryOp,
    /// Where the operator stands.
    pub op_span: Span,
    /// The left operand.
    pub left: Expr,
    /// The right operand.
    pub right: Expr,
}

/// `e is pattern`
#[derive(Clone, Debug)]
pub struct Is {
    /// What is looked at.
    pub value: Expr,
    /// What it should look like.
    pub pattern: Pattern,
}

/// `e ?? …`
#[derive(Clone, Debug)]
pub struct Answer {
    /// What may be missing.
    pub value: Expr,
    /// What holds then.
    pub absent: Absent,
    /// From `??` to the end.
    pub answer_span: Span,
}

/// What holds when a value is missing.
#[derive(Clone, Debug)]
pub enum Absent {
    /// `?? v`
    Value(Expr),
    /// `?? skip`
    Skip,
    /// `?? deny`
    Deny,
}

/// `if c then a else b`
#[derive(Clone, Debug)]
pub struct If {
    /// Between `if` and `then`.
    pub condition: Expr,
    /// Between `then` and `else`.
    pub then: Expr,
    /// Behind `else`.
    pub otherwise: Expr,
}

/// `match e { arms }`
#[derive(Clone, Debug)]
pub struct Match {
    /// What is looked at.
    pub subject: Expr,
    /// The arms, in source order.
    pub arms: Vec<Arm>,
}

/// `pattern => value`
#[derive(Clone, Debug)]
pub struct Arm {
    /// All of it.
    pub span: Span,
    /// Left of `=>`.
    pub pattern: Pattern,
    /// Right of `=>`.
    pub value: Expr,
}

/// `let x = e`
#[derive(Clone, Debug)]
pub struct Let {
    /// What is bound.
    pub name: Name,
    /// To what.
    pub value: Expr,
}

/// Which quantifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuantifierKind {
    /// At least one.
    Any,
    /// Every one, of none too.
    All,
    /// At least one, and every one.
    Only,
    /// Not one.
    No,
    /// How many.
    Count,
    /// The sum of a value over them.
    Sum,
}

/// `kind(binder in collection where filter => value)`
#[derive(Clone, Debug)]
pub struct Quantifier {
    /// Which.
    pub kind: QuantifierKind,
    /// The name of one element.
    pub binder: Name,
    /// What is looped over.
    pub collection: Expr,
    /// `where c`
    pub filter: Option<Expr>,
    /// `=> e`, in `sum` only.
    pub value: Option<Expr>,
}

/// `a .. b`, `a ..< b`
#[derive(Clone, Debug)]
pub struct Range {
    /// All of it.
    pub span: Span,
    /// The left end, always included.
    pub low: Expr,
    /// The right end.
    pub high: Expr,
    /// Whether the right end is included: `..`, not `..<`.
    pub inclusive: bool,
}

// ------------------------------------------------------------------------------------- patterns

/// What a value may look like, in `is`, `match`, `stop`, `on` or a table cell.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// All of it.
    pub span: Span,
    /// Which.
    pub kind: PatternKind,
}

/// The forms of a pattern.
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// `_`
    Wildcard,
    /// `none`
    None,
    /// A literal; a negative number is one literal.
    Value(Literal),
    /// `Gold`, `amount`: a variant, a constant, or a name that binds.
    Name(Symbol),
    /// `reject(status, wait)`, `Payment.Wallet`
    Variant(Box<VariantPattern>),
    /// `4.00 SGD ..< 30.00 SGD`: the ends are literals or names.
    Range(Box<Range>),
    /// `< 4.00 SGD`: one of the six comparisons, with a literal or a name.
    Compare(BinaryOp, Box<Expr>),
    /// `{Silver, Bronze}`: any of them.
    Set(Box<[Pattern]>),
    /// `[reward(…), notify(…)]`: a list of that length.
    List(Box<[Pattern]>),
    /// Something that was reported and skipped.
    Error,
}

/// `Payment.Wallet`, `reject(status, retry_after: wait)`
#[derive(Clone, Debug)]
pub struct VariantPattern {
    /// `Payment.`
    pub qualifier: Option<Name>,
    /// The variant.
    pub name: Name,
    /// The first fields by place, then others by name, mixed as written. `None` without parentheses.
    pub args: Option<Vec<PatternArg>>,
}

/// `pattern`, or `field: pattern`
#[derive(Clone, Debug)]
pub struct PatternArg {
    /// Left of the colon.
    pub name: Option<Name>,
    /// What the field should look like.
    pub pattern: Pattern,
}

// ------------------------------------------------------------------------------------- literals

/// A literal, decoded. A minus sign right before a number belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `true`, `false`
    Bool(bool),
    /// `42`, `1_000`, `0x1f`
    Int(i64),
    /// `2.5`
    Float(Decimal),
    /// `"…"`
    Text(Box<str>),
    /// `1h30m`, in microseconds.
    Duration(i64),
    /// `8KiB`, in bytes.
    Size(i64),
    /// `0.5%`; the decimal is what stands before the sign: 0.5 here.
    Percent(Decimal),
    /// `100 per 1s`
    Rate(Box<Rate>),
    /// `4.00 SGD`
    Money(Box<Money>),
    /// `p"/v2/**"`
    Tagged(Box<Tagged>),
}

/// `mantissa / 10^scale`, as many decimals as were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits, as one number.
    pub mantissa: i64,
    /// How many of them stand behind the point: 0 to 18.
    pub scale: u8,
}

/// `100 per 1s`, `1% per 10s`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How much.
    pub amount: Decimal,
    /// Whether the amount is a percentage.
    pub percent: bool,
    /// In how many microseconds; never zero or negative.
    pub per: i64,
}

/// `4.00 SGD`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much, in major units.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// Three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// `p"/v2/**"`: the content is neither decoded nor judged here; a backslash in it is a backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Which tag.
    pub tag: Tag,
    /// Where the tag stands.
    pub tag_span: Span,
    /// What stands between the quotes, as written.
    pub content: Box<str>,
    /// Where that is. An error inside the content is at `content_span.start` plus the byte offset in it.
    pub content_span: Span,
}

/// The word before a tagged text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// `p"…"`: a path pattern or a path template.
    Path,
    /// `glob"…"`
    Glob,
    /// `re"…"`
    Regex,
    /// `ip"…"`
    Ip,
    /// `t"…"`
    Instant,
    /// `tz"…"`
    Zone,
}

// ------------------------------------------------------------------------------------- behaviour

impl Symbol {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Symbol {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Symbol {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Symbol {
        Symbol(text.into())
    }
}

impl From<Arc<str>> for Symbol {
    fn from(text: Arc<str>) -> Symbol {
        Symbol(text)
    }
}

impl PartialEq<str> for Symbol {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Symbol {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            name.fmt(f)?;
        }
        Ok(())
    }
}

impl Expr {
    /// An expression; its height is found from its parts. O(number of direct parts).
    #[must_use]
    pub fn new(span: Span, kind: ExprKind) -> Expr {
        let height = kind.height_of_parts().saturating_add(1);
        Expr { span, kind, height }
    }

    /// What stands for an expression that was reported and skipped.
    #[must_use]
    pub fn error(span: Span) -> Expr {
        Expr::new(span, ExprKind::Error)
    }

    /// How many nodes the longest way down has, this one included.
    #[must_use]
    pub fn height(&self) -> u32 {
        u32::from(self.height)
    }

    /// Whether this is [`ExprKind::Error`].
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self.kind, ExprKind::Error)
    }
}

impl ExprKind {
    fn height_of_parts(&self) -> u16 {
        fn most<'a>(parts: impl IntoIterator<Item = &'a Expr>) -> u16 {
            parts.into_iter().map(|part| part.height).max().unwrap_or(0)
        }
        match self {
            ExprKind::Literal(_) | ExprKind::None | ExprKind::Name(_) | ExprKind::Error => 0,
            ExprKind::Field(access) => access.base.height,
            ExprKind::Index(index) => most([&index.base, &index.index]),
            ExprKind::Call(call) => most(
                call.receiver
                    .iter()
                    .chain(call.args.iter().map(|arg| &arg.value)),
            ),
            ExprKind::Unary(_, operand) => operand.height,
            ExprKind::Binary(binary) => most([&binary.left, &binary.right]),
            ExprKind::And(parts)
            | ExprKind::Or(parts)
            | ExprKind::List(parts)
            | ExprKind::Set(parts) => most(parts),
            ExprKind::Is(is) => is.value.height,
            ExprKind::Answer(answer) => match &answer.absent {
                Absent::Value(value) => most([&answer.value, value]),
                Absent::Skip | Absent::Deny => answer.value.height,
            },
            ExprKind::If(parts) => most([&parts.condition, &parts.then, &parts.otherwise]),
            ExprKind::Match(parts) => {
                most(std::iter::once(&parts.subject).chain(parts.arms.iter().map(|arm| &arm.value)))
            }
            ExprKind::Let(parts) => parts.value.height,
            ExprKind::Quantifier(parts) => most(
                std::iter::once(&parts.collection)
                    .chain(&parts.filter)
                    .chain(&parts.value),
            ),
            ExprKind::Range(range) => most([&range.low, &range.high]),
            ExprKind::Map(entries) => most(entries.iter().flat_map(|(key, value)| [key, value])),
        }
    }
}

impl BinaryOp {
    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Implies => "implies",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::In => "in",
            BinaryOp::Matches => "matches",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::SatAdd => "+|",
            BinaryOp::SatSub => "-|",
            BinaryOp::SatMul => "*|",
        }
    }
}

impl UnaryOp {
    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::Not => "not",
        }
    }
}

impl QuantifierKind {
    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            QuantifierKind::Any => "any",
            QuantifierKind::All => "all",
            QuantifierKind::Only => "only",
            QuantifierKind::No => "no",
            QuantifierKind::Count => "count",
            QuantifierKind::Sum => "sum",
        }
    }
}

impl Tag {
    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Tag::Path => "p",
            Tag::Glob => "glob",
            Tag::Regex => "re",
            Tag::Ip => "ip",
            Tag::Instant => "t",
            Tag::Zone => "tz",
        }
    }

    /// The tag that is written so.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Tag> {
        const ALL: [Tag; 6] = [
            Tag::Path,
            Tag::Glob,
            Tag::Regex,
            Tag::Ip,
            Tag::Instant,
            Tag::Zone,
        ];
        ALL.into_iter().find(|tag| tag.symbol() == symbol)
    }
}

impl Currency {
    /// The code, when it is three capital ASCII letters.
    #[must_use]
    pub fn new(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Currency(bytes))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Decimal {
    /// The decimal with all its written places: `4.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!(
            "{:0width$}",
            self.mantissa.unsigned_abs(),
            width = scale + 1
        );
        let (whole, part) = digits.split_at(digits.len() - scale);
        let point = if scale > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{part}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stay_small() {
        // A file of 100,000 rules has millions of these.
        assert!(size_of::<Literal>() <= 24);
        assert!(size_of::<Expr>() <= 40);
        assert!(size_of::<Pattern>() <= 40);
        assert!(size_of::<Name>() <= 32);
        assert!(size_of::<Clause>() <= 80);
    }

    #[test]
    fn a_decimal_prints_the_places_it_was_written_with() {
        let show = |mantissa, scale| Decimal { mantissa, scale }.to_string();
        assert_eq!(
            [show(400, 2), show(5, 1), show(-5, 3), show(7, 0)],
            ["4.00", "0.5", "-0.005", "7"]
        );
    }
}
