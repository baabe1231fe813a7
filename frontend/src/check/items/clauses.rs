//! The clauses of a rule: each in its place, once.

use tollgate_grammar::ast::{self, ClauseKind, HitPolicyKind};
use tollgate_grammar::source::Span;

use super::ruleset::{Collector, Gives};
use crate::diagnostics::Applies;
use crate::diagnostics::catalog::rules;

/// The clauses of a rule, each in its place.
#[derive(Default)]
pub(super) struct Clauses<'r> {
    pub(super) tags: Option<&'r Vec<ast::Setting>>,
    pub(super) on: Option<(&'r ast::OnPattern, Span)>,
    pub(super) active: Option<(&'r ast::Active, Span)>,
    pub(super) when: Option<&'r ast::Expr>,
    pub(super) once: Option<&'r ast::Place>,
    pub(super) within: Option<&'r ast::Place>,
    pub(super) then: Vec<&'r ast::Expr>,
    /// Whether an empty condition means that the rule always matches: nothing was misunderstood or refused.
    pub(super) unconditional: bool,
}

impl Collector<'_, '_, '_> {
    /// Sorts the clauses of a rule, and reports those that stand twice or in the wrong order.
    pub(super) fn clauses<'r>(&mut self, rule: &'r ast::Rule) -> Clauses<'r> {
        let mut found = Clauses {
            unconditional: true,
            ..Clauses::default()
        };
        let mut highest: Option<(usize, &ast::Clause)> = None;
        for clause in &rule.clauses {
            let rank = rank(&clause.kind);
            match (highest, rank) {
                (_, None) => {}
                (Some((top, before)), Some(rank)) if rank < top => {
                    self.misplaced(rule, clause, before);
                }
                (_, Some(rank)) => highest = Some((rank, clause)),
            }
            let twice = match &clause.kind {
                ClauseKind::Tags(tags) => found.tags.replace(tags).is_some(),
                ClauseKind::On(on) => found.on.replace((on, clause.span)).is_some(),
                ClauseKind::Active(active) => found.active.replace((active, clause.span)).is_some(),
                ClauseKind::When(when) => found.when.replace(when).is_some(),
                ClauseKind::Then(then) => {
                    if !found.then.is_empty() {
                        self.several_then(clause.span);
                    }
                    if matches!(self.gives, Gives::Denial(..)) {
                        let found = rules::deny_has_then().at(clause.span, "a `deny` has no value");
                        self.body
                            .checker
                            .sink
                            .emit(found.fix("leave it out", clause.span, ""));
                    }
                    found.then.push(then);
                    false
                }
                ClauseKind::Shadow(_) => {
                    let diagnostic =
                        rules::mode_of_rule().at(clause.span, "only a rule set has a mode");
                    self.body.checker.sink.emit(diagnostic);
                    false
                }
                ClauseKind::Once(place) => {
                    found.unconditional = false;
                    found.once.replace(place).is_some()
                }
                ClauseKind::Within(place) => {
                    found.unconditional = false;
                    found.within.replace(place).is_some()
                }
                ClauseKind::Error => {
                    found.unconditional = false;
                    self.complete = false;
                    false
                }
            };
            if twice {
                let what = self.first_word(clause.span);
                let mut diagnostic = rules::duplicate_clause(&what).at(clause.span, "a second one");
                if what == "when" {
                    diagnostic = diagnostic.help("join both conditions with `and`");
                }
                self.body.checker.sink.emit(diagnostic);
            }
        }
        found
    }

    fn several_then(&mut self, span: Span) {
        let single = match self.policy {
            None | Some(HitPolicyKind::All | HitPolicyKind::Error) => return,
            Some(HitPolicyKind::First) => "first",
            Some(HitPolicyKind::Unique) => "unique",
            Some(HitPolicyKind::Any) => "any",
            Some(HitPolicyKind::BestBy(_)) => "best by",
            Some(HitPolicyKind::Sum) => "sum",
        };
        let found = rules::several_then(single)
            .at(span, "a second outcome")
            .note("only `hit all` gives a list of outcomes, and so room for several of one rule");
        self.body.checker.sink.emit(found);
    }

    fn misplaced(&mut self, rule: &ast::Rule, clause: &ast::Clause, behind: &ast::Clause) {
        // The first clause that belongs behind this one marks the place where it should stand.
        let own = rank(&clause.kind);
        let place = rule
            .clauses
            .iter()
            .find(|c| rank(&c.kind) > own)
            .map_or(behind.span, |c| c.span);
        let what = self.first_word(clause.span);
        let text = self.body.checker.text(clause.span).to_owned();
        let edits = vec![
            (place.before(), format!("{text}\n    ")),
            (clause.span, String::new()),
        ];
        let found = rules::clause_order(&what)
            .at(clause.span, "stands too late")
            .at(place, "belongs behind it")
            .note("the clauses of a rule are `tags`, `on`, `active`, `when`, `once`, `within`, `then`, in this order")
            .advise(format!("move `{what}` up"), edits, Applies::ByItself);
        self.body.checker.sink.emit(found);
    }

    pub(super) fn first_word(&self, span: Span) -> String {
        let text = self.body.checker.text(span);
        let end = text
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(text.len());
        text[..end].to_owned()
    }
}

/// The place of a clause among the others; what is reported for what it is has none.
fn rank(kind: &ClauseKind) -> Option<usize> {
    Some(match kind {
        ClauseKind::Tags(_) => 0,
        ClauseKind::On(_) => 1,
        ClauseKind::Active(_) => 2,
        ClauseKind::When(_) => 3,
        ClauseKind::Once(_) => 4,
        ClauseKind::Within(_) => 5,
        ClauseKind::Then(_) => 6,
        ClauseKind::Shadow(_) | ClauseKind::Error => return None,
    })
}
