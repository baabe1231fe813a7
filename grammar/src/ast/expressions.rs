//! Expressions and patterns.

use super::*;

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
    pub name: Option<Box<Name>>,
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
    pub name: Option<Box<Name>>,
    /// What the field should look like.
    pub pattern: Pattern,
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
