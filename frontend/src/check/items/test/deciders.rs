//! The rules that are to decide: behind `by`, and right of `trace(…) ==`.

use std::sync::Arc;

use tollgate_grammar::ast;
use tollgate_grammar::source::Span;

use crate::check::Body;
use crate::check::names::did_you_mean;
use crate::check::suggest::closest;
use crate::diagnostics::catalog::items;
use crate::hir::{Callee, Decider, Expr, ExprKind, PipelineId, Program, Step};
use crate::types::ty::Ty;

use super::{behind, mark};

/// What stands behind `by` when no rule decided.
const OTHERWISE: &str = "otherwise";
/// What stands for the deciding rules where it is compared.
const TRACE: &str = "trace";

/// The rules named behind `by`, which must be some that can decide. `asked` is what the expectation asks; where that was not
/// `understood`, nothing is said.
pub(super) fn named(
    body: &mut Body<'_, '_>,
    asked: Option<Callee>,
    by: &[ast::Decider],
    span: Span,
    understood: bool,
) -> Option<Vec<Decider>> {
    let first = by.first()?;
    match asked {
        _ if !understood => {}
        Some(callee) => by.iter().for_each(|decider| check(body, callee, decider)),
        None => asks_nothing(body, first.span, span),
    }
    Some(by.iter().map(decider).collect())
}

/// `expect trace(route(req)) == [checkout]`; `None` if that is not what stands there.
pub(super) fn traced(
    body: &mut Body<'_, '_>,
    span: Span,
    condition: &ast::Expr,
    by: &[ast::Decider],
) -> Option<Step> {
    let ast::ExprKind::Binary(binary) = &condition.kind else {
        return None;
    };
    let decision = trace_of(body, &binary.left)?;
    let mut subject = body.expr(decision, None);
    let understood = !subject.ty.is_error();
    let asked = mark(&mut subject);
    let rules = match &binary.right.kind {
        ast::ExprKind::List(items) if by.is_empty() => {
            items.iter().map(rule_of).collect::<Option<Vec<_>>>()
        }
        _ => None,
    };
    let wrong = match (&rules, asked) {
        _ if binary.op != ast::BinaryOp::Eq => Some((binary.op_span, "only `==` compares them")),
        (None, _) if !by.is_empty() => Some((binary.left.span, "`by` says the same")),
        (None, _) => Some((binary.right.span, "not a list of rules")),
        (Some(_), None) if understood => Some((decision.span, "asks no rule set")),
        (Some(rules), Some(callee)) if understood => {
            rules.iter().for_each(|rule| check(body, callee, rule));
            None
        }
        _ => None,
    };
    if let Some((place, why)) = wrong {
        let found = items::trace_needs_rules()
            .at(place, why)
            .help("write `trace(route(req)) == [checkout]`; of several rule sets `[limits.otherwise, route.checkout]`");
        body.checker.sink.emit(found);
    }
    let by = rules.unwrap_or_default();
    let expected = behind(span, condition.span);
    // A `let` holds whatever it binds: only the rules are expected.
    let local = body.fresh("decided", span, subject.ty.clone());
    let condition = Expr {
        kind: ExprKind::Let(local, Box::new(subject)),
        ty: Ty::Bool,
        span: condition.span,
    };
    Some(Step::Expect {
        span,
        expected,
        condition,
        subject: None,
        by: Some(by.iter().map(decider).collect()),
    })
}

/// The decision in `trace(decision)`, unless the author's own `trace` is called.
fn trace_of<'e>(body: &Body<'_, '_>, e: &'e ast::Expr) -> Option<&'e ast::Expr> {
    let ast::ExprKind::Call(call) = &e.kind else {
        return None;
    };
    let is_trace = call.receiver.is_none() && &*call.name.text == TRACE;
    if !is_trace || body.checker.lookup(body.module, TRACE).is_some() {
        return None;
    }
    match &call.args[..] {
        [arg] if arg.name.is_none() => Some(&arg.value),
        _ => None,
    }
}

/// `checkout` or `route.checkout`
fn rule_of(e: &ast::Expr) -> Option<ast::Decider> {
    let rule_set = |e: &ast::Expr| match &e.kind {
        ast::ExprKind::Name(text) => Some(ast::Name {
            text: text.clone(),
            span: e.span,
        }),
        _ => None,
    };
    match &e.kind {
        ast::ExprKind::Name(_) => Some(ast::Decider {
            span: e.span,
            set: None,
            rule: rule_set(e)?,
        }),
        ast::ExprKind::Field(access) => Some(ast::Decider {
            span: e.span,
            set: Some(rule_set(&access.base)?),
            rule: access.name.clone(),
        }),
        _ => None,
    }
}

fn decider(decider: &ast::Decider) -> Decider {
    let text = |name: &ast::Name| Arc::from(name.text.as_str());
    Decider {
        set: decider.set.as_ref().map(text),
        rule: text(&decider.rule),
    }
}

/// Whether a rule is one of those that could have decided.
fn check(body: &mut Body<'_, '_>, callee: Callee, decider: &ast::Decider) {
    let program = &body.checker.program;
    let mut sets = Vec::new();
    rules_of(program, callee, None, &mut Vec::new(), &mut sets);
    let (rule, place) = (&decider.rule, decider.rule.span);
    let mut asked = match callee {
        Callee::RuleSet(id) => &program.rulesets[id].name,
        Callee::Pipeline(id) => &program.pipelines[id].name,
    };
    if let Some(set) = &decider.set {
        sets.retain(|asked| asked.is_called(&set.text));
        let Some(first) = sets.first() else {
            let found = items::set_not_asked(set, asked).at(set.span, "not asked here");
            body.checker.sink.emit(found);
            return;
        };
        asked = first.set;
    }
    let known = || sets.iter().flat_map(|asked| asked.rules.iter().copied());
    if &*rule.text == OTHERWISE || known().any(|name| name == &*rule.text) {
        return;
    }
    let found = items::unknown_rule(asked, rule).at(place, "no rule of this name");
    let found = did_you_mean(found, place, closest(&rule.text, known()));
    body.checker.sink.emit(found);
}

fn asks_nothing(body: &mut Body<'_, '_>, by: Span, expectation: Span) {
    let found = items::by_without_decision()
        .at(by, "of which rule set?")
        .at(expectation, "asks none");
    body.checker.sink.emit(found);
}

/// A rule set whose rules may stand in a trace.
struct Asked<'p> {
    set: &'p Arc<str>,
    /// The stage that asks it.
    stage: Option<&'p str>,
    rules: Vec<&'p str>,
}

impl Asked<'_> {
    fn is_called(&self, name: &str) -> bool {
        &**self.set == name || self.stage == Some(name)
    }
}

/// The rule sets that a decision asks and leaves in its trace. Pipelines that call each other in a circle are not refused yet; none is
/// looked at twice.
fn rules_of<'p>(
    program: &'p Program,
    callee: Callee,
    stage: Option<&'p str>,
    seen: &mut Vec<PipelineId>,
    found: &mut Vec<Asked<'p>>,
) {
    match callee {
        Callee::RuleSet(id) => {
            let set = &program.rulesets[id];
            found.push(Asked {
                set: &set.name,
                stage,
                rules: set.rules.iter().map(|r| &*r.name).collect(),
            });
        }
        Callee::Pipeline(id) if !seen.contains(&id) => {
            seen.push(id);
            let pipeline = &program.pipelines[id];
            for stage in &pipeline.stages {
                if let ExprKind::Decide { callee, .. } = &stage.value.kind {
                    let name = &*pipeline.locals[stage.local].name;
                    rules_of(program, *callee, Some(name), seen, found);
                }
            }
        }
        Callee::Pipeline(_) => {}
    }
}
