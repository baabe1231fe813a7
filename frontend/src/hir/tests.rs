//! Tests.

use std::sync::Arc;

use tollgate_grammar::source::Span;

use super::{DataId, Expr, LocalId, Locals, StateId};

/// `test`
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub title: Arc<str>,
    /// Where its title stands.
    pub span: Span,
    /// Parameters and bindings.
    pub locals: Locals,
    /// What differs from case to case: the columns of its rows, or what `forall` names.
    pub params: Vec<LocalId>,
    /// How often its steps are taken.
    pub cases: Cases,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// For which values the steps of a test are taken.
#[derive(Clone, Debug)]
pub enum Cases {
    /// Once: there are no parameters.
    Once,
    /// For the cells of each row.
    Rows(Vec<Row>),
    /// For values of the types of the parameters.
    Forall {
        /// The types of the parameters, as they are written.
        types: Vec<Arc<str>>,
        /// `where c`: what the values must satisfy to count.
        filter: Option<Expr>,
    },
}

/// A row of a test.
#[derive(Clone, Debug)]
pub struct Row {
    /// All of it.
    pub span: Span,
    /// A value for each parameter, which sees no other names.
    pub cells: Vec<Expr>,
    /// What is expected behind `=>`: an [`Step::Expect`] after the steps of the test.
    pub expect: Option<Step>,
}

/// A step of a test. A `given` holds for the steps behind it.
#[derive(Clone, Debug)]
pub enum Step {
    /// `given x = e`
    Given(LocalId, Expr),
    /// `given tenants = e`, for a `data`.
    GivenData(DataId, Expr),
    /// `given wallet_rides["u1"] = 4`: the text of the key, where there is one, and the value.
    GivenState(StateId, Option<Expr>, Expr),
    /// `advance 2d`: microseconds.
    Advance(i64),
    /// Something asked at a prompt: its value is shown. The first rule set it asks is marked, as for `by`.
    Show(Expr),
    /// `expect condition by rules`, `expect trace(decision) == [rules]`
    Expect {
        /// All of it.
        span: Span,
        /// What is expected: all behind `expect`, of a row all behind `=>`.
        expected: Span,
        /// What must hold. The first rule set it asks stands in it as a marked [`ExprKind::Decide`](super::ExprKind::Decide).
        condition: Expr,
        /// What the condition looks at (left of `==` or `is`), to be shown when it does not hold.
        subject: Option<Expr>,
        /// The deciding rules, in order.
        by: Option<Vec<Decider>>,
    },
}

/// A rule that is to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decider {
    /// The rule set, guard or table that it belongs to, or the stage that asks it, where that was written.
    pub set: Option<Arc<str>>,
    /// Its name; `otherwise` for none.
    pub rule: Arc<str>,
}

impl std::fmt::Display for Decider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(set) = &self.set {
            write!(f, "{set}.")?;
        }
        f.write_str(&self.rule)
    }
}
