//! Files, declarations and types.

use super::*;

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

/// `test "…" { steps }`, `test "…" (columns) { steps rows }`, `test "…" { forall … steps }`
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub title: Text,
    /// `(method: Method, path: Path)`: the columns of its rows.
    pub columns: Vec<Param>,
    /// What every value must satisfy.
    pub forall: Option<Forall>,
    /// Its steps, in source order.
    pub steps: Vec<Step>,
    /// `| cell | cell => pattern`: the values for which the steps are taken.
    pub rows: Vec<TestRow>,
}

/// `forall a: T, b: U where c`
#[derive(Clone, Debug)]
pub struct Forall {
    /// All of it.
    pub span: Span,
    /// What it is about.
    pub params: Vec<Param>,
    /// `where c`
    pub filter: Option<Expr>,
}

/// `| cell | cell => pattern by rule`
#[derive(Clone, Debug)]
pub struct TestRow {
    /// All of it.
    pub span: Span,
    /// A value for each column; none when it was not understood.
    pub cells: Vec<Expr>,
    /// What is to come of it.
    pub expected: Option<Expected>,
}

/// `=> pattern by rule`
#[derive(Clone, Debug)]
pub struct Expected {
    /// What the value must look like.
    pub pattern: Pattern,
    /// The deciding rules; empty without `by`.
    pub by: Vec<Decider>,
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
    /// `given req = e`, `given req: Request = e`, `given wallet_rides["u1"] = 4`
    Given {
        /// What is given: a new name, a `data`, or a state.
        place: Place,
        /// `: T`, of a new name.
        ty: Option<Type>,
        /// Its value.
        value: Expr,
    },
    /// `expect c`, `expect route(req) is forward(payments) by checkout`
    Expect {
        /// The condition.
        condition: Expr,
        /// `by a, b`: the deciding rules. Empty without `by`.
        by: Vec<Decider>,
    },
    /// `advance 2d`
    Advance(Expr),
    /// Something that was reported and skipped.
    Error,
}

/// A rule behind `by`: `checkout`, `route.checkout`, `row 2`; `otherwise` is a name here.
#[derive(Clone, Debug)]
pub struct Decider {
    /// All of it.
    pub span: Span,
    /// The rule set, guard or table that it belongs to, or the stage of a pipeline that asks it, where that was written.
    pub set: Option<Name>,
    /// Its name.
    pub rule: Name,
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
