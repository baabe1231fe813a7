//! `ruleset`, and what it shares with guards: rules, groups and their clauses.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, ClauseKind, HitPolicyKind, RuleItem, SetClauseKind};
use tollgate_grammar::source::Span;
use tollgate_ir::entities::IndexVec;
use tollgate_runtime::Value;

use super::clauses::Clauses;
use super::{bind_parameters, boundary, no_locals, period, policy, reserve};
use crate::check::{Body, Checker, Def, ModuleId, Place};
use crate::diagnostics::catalog::{items, names, rules, states};
use crate::hir::{
    EnumId, Expr, ExprKind, Form, Group, GroupId, LocalId, Policy, Rule, RuleSet, RuleSetId,
    StreamId, Written,
};
use crate::types::ty::{Ty, Unit};

/// A rule set of which nothing is known but that it exists.
pub(super) fn empty(name: &ast::Name, module: Arc<str>) -> RuleSet {
    RuleSet {
        name: name.text.as_str().into(),
        module,
        span: name.span,
        form: Form::RuleSet,
        params: Vec::new(),
        locals: no_locals(),
        result: Ty::Error,
        outcome: Ty::Error,
        policy: Policy::First,
        groups: IndexVec::new(),
        rules: Vec::new(),
        otherwise: None,
        stream: None,
        shadow: None,
        cost: None,
        written: Written {
            policy: name.span,
            result: name.span,
            otherwise: None,
        },
    }
}

/// What a decision of a rule set gives. A list without a bound gets the number of outcomes as its bound.
pub(super) fn result(checker: &mut Checker<'_>, module: ModuleId, set: &ast::RuleSet) -> Ty {
    let most = count_outcomes(&set.rules);
    policy::result(checker, module, &set.result, &set.policy, most)
}

/// Checks a rule set.
pub(super) fn check(
    checker: &mut Checker<'_>,
    module: ModuleId,
    set: &ast::RuleSet,
    id: RuleSetId,
) {
    let signature = checker.ruleset_signatures[&id].clone();
    let errors = checker.sink.error_count();
    let stream = on_stream(checker, module, set, &signature.params);
    let outcome = policy::outcome(&set.policy, &signature.result);
    let mut body = Body::new(checker, module, Place::Rule);
    let params = bind_parameters(&mut body, &set.params, &signature);
    let policy = policy::lower(&mut body, &set.policy, &outcome);
    let name: Arc<str> = set.name.text.as_str().into();
    body.asking = Some((id, name));
    let mut collector = Collector::new(body, &params);
    collector.gives = Gives::Value(outcome.clone());
    collector.policy = Some(&set.policy.kind);
    if let (Some(stream), Some(at)) = (stream, &set.stream) {
        collector.feed(stream, at.span);
    }
    let (cost, shadow) = collector.set_clauses(&set.clauses);
    collector.items(&set.rules);
    let Collected {
        mut body,
        groups,
        rules,
        complete,
    } = collector.finish();
    body.asking = None;
    let otherwise = policy::otherwise(&mut body, set.otherwise.as_ref(), &outcome);
    if shadow.is_some() && otherwise.is_none() {
        policy::shadow(&mut body, &set.name, &policy);
    }
    let complete = complete && body.checker.sink.error_count() == errors;
    let locals = body.locals;
    let target = &mut checker.program.rulesets[id];
    target.params = params;
    target.locals = locals;
    target.result = signature.result;
    target.outcome = outcome;
    target.policy = policy;
    target.groups = groups;
    target.rules = rules;
    target.otherwise = otherwise;
    target.stream = stream;
    target.shadow = shadow;
    target.cost = cost;
    target.written = crate::hir::Written {
        policy: set.policy.span,
        result: set.result.span,
        otherwise: set.otherwise.as_ref().map(|o| o.span),
    };
    if complete {
        let written = policy::Written {
            otherwise: set.otherwise.as_ref(),
            result: &set.result,
        };
        policy::check(checker, id, &written);
    }
}

/// What the rules of a set give.
pub(super) enum Gives {
    /// A value of a type, behind `then`.
    Value(Ty),
    /// The reason of a denial: the variant of the verdict.
    Denial(EnumId, u32),
}

/// Collects the rules and groups of a rule set or guard.
pub(super) struct Collector<'p, 'c, 'a> {
    pub(super) body: Body<'c, 'a>,
    subject: Option<LocalId>,
    pub(super) gives: Gives,
    pub(super) policy: Option<&'p HitPolicyKind>,
    groups: IndexVec<GroupId, Group>,
    rules: Vec<Rule>,
    /// The group that is being read.
    inside: Option<GroupId>,
    /// The rule without a condition that ended the group being read (or the whole set).
    ended: Option<Span>,
    /// Whether that was said already.
    end_reported: bool,
    names: FxHashMap<ast::Symbol, Span>,
    pub(super) complete: bool,
}

/// What a [`Collector`] has collected.
pub(super) struct Collected<'c, 'a> {
    pub(super) body: Body<'c, 'a>,
    pub(super) groups: IndexVec<GroupId, Group>,
    pub(super) rules: Vec<Rule>,
    /// Whether everything was understood.
    pub(super) complete: bool,
}

impl<'p, 'c, 'a> Collector<'p, 'c, 'a> {
    pub(super) fn new(body: Body<'c, 'a>, params: &[LocalId]) -> Collector<'p, 'c, 'a> {
        Collector {
            body,
            subject: params.first().copied(),
            gives: Gives::Value(Ty::Error),
            policy: None,
            groups: IndexVec::new(),
            rules: Vec::new(),
            inside: None,
            ended: None,
            end_reported: false,
            names: FxHashMap::default(),
            complete: true,
        }
    }

    pub(super) fn finish(self) -> Collected<'c, 'a> {
        Collected {
            body: self.body,
            groups: self.groups,
            rules: self.rules,
            complete: self.complete,
        }
    }

    /// The counters that the events of a stream feed: a group around all rules.
    fn feed(&mut self, stream: StreamId, span: Span) {
        let Some(event) = self.subject else {
            return;
        };
        let spine = reserve::fed(&mut self.body, event, stream, span);
        if !spine.is_empty() {
            self.inside = Some(self.groups.push(Group {
                parent: None,
                span,
                spine,
            }));
        }
    }

    /// The clauses of a rule set: its price, its period, its mode.
    pub(super) fn set_clauses(
        &mut self,
        clauses: &[ast::SetClause],
    ) -> (Option<(u64, Span)>, Option<i64>) {
        let (mut cost, mut active, mut shadow) = (None, None, None);
        for clause in clauses {
            let repeated = match &clause.kind {
                SetClauseKind::Cost(n) => {
                    let again = cost.is_some();
                    match u64::try_from(*n) {
                        Ok(steps) if steps > 0 => cost = cost.or(Some((steps, clause.span))),
                        _ => {
                            let found =
                                rules::bad_cost().at(clause.span, "no decision costs that little");
                            self.body.checker.sink.emit(found);
                        }
                    }
                    again
                }
                SetClauseKind::Active(period) => {
                    let again = active.is_some();
                    active = active.or(Some((period, clause.span)));
                    again
                }
                SetClauseKind::Shadow(mode) => {
                    let again = shadow.is_some();
                    let instant = Ty::full(Unit::Instant);
                    if let Some((_, Value::Int(until))) =
                        self.body.constant(&mode.until, Some(&instant))
                    {
                        shadow = shadow.or(Some(until));
                    }
                    again
                }
            };
            if repeated {
                let what = self.first_word(clause.span);
                let found = rules::duplicate_clause(what).at(clause.span, "a second one");
                self.body.checker.sink.emit(found);
            }
        }
        if let Some((period, span)) = active
            && let Some(condition) = period::condition(&mut self.body, period, span)
        {
            self.inside = Some(self.groups.push(Group {
                parent: self.inside,
                span,
                spine: vec![condition],
            }));
        }
        (cost, shadow)
    }

    /// Rules and groups, in source order.
    pub(super) fn items(&mut self, items: &[RuleItem]) {
        for item in items {
            match item {
                RuleItem::Rule(rule) => self.rule(rule),
                RuleItem::Group(group) => self.group(group),
                RuleItem::Error(_) => self.complete = false,
            }
        }
    }

    fn group(&mut self, group: &ast::Group) {
        self.report_unreachable(group.span);
        let scope = self.body.enter();
        let place = std::mem::replace(&mut self.body.place, Place::Group);
        let spine = self.body.spine(&group.condition);
        self.body.place = place;
        let outer = (self.inside, self.ended.take(), self.end_reported);
        let id = self.groups.push(Group {
            parent: self.inside,
            span: group.span,
            spine,
        });
        self.inside = Some(id);
        self.end_reported = false;
        let never = self.groups[id].spine.iter().any(Body::never_holds);
        let unreached = self.body.unreached;
        self.body.unreached |= never;
        self.items(&group.rules);
        self.body.unreached = unreached;
        (self.inside, self.ended, self.end_reported) = outer;
        self.body.leave(scope);
    }

    fn rule(&mut self, rule: &ast::Rule) {
        self.report_unreachable(rule.name.span);
        if let Some(first) = self.names.insert(rule.name.text.clone(), rule.name.span) {
            let found = rules::duplicate_rule(&rule.name)
                .at(rule.name.span, "a second one of this name")
                .at(first, "the first")
                .note("tests and traces tell rules apart by their names");
            self.body.checker.sink.emit(found);
        }
        let clauses = self.clauses(rule);
        let asking = self.body.asking.clone();
        if let Some((_, name)) = &mut self.body.asking {
            *name = format!("{name}.{}", rule.name).into();
        }
        let scope = self.body.enter();
        let mut spine = Vec::new();
        if let Some((on, span)) = clauses.on {
            self.on(on, span, &mut spine);
        }
        if let Some((period, span)) = clauses.active {
            spine.extend(period::condition(&mut self.body, period, span));
        }
        if let Some(when) = clauses.when {
            spine.append(&mut self.body.spine(when));
        }
        let why: Option<Arc<str>> = rule.why.as_ref().map(|why| (&*why.value).into());
        let outcomes = self.outcomes(rule, &clauses, why.as_deref());
        let (once, within) = (clauses.once, clauses.within);
        spine.extend(reserve::reservation(
            &mut self.body,
            once,
            within,
            &outcomes,
        ));
        self.body.asking = asking;
        self.body.leave(scope);
        if spine.is_empty() && clauses.unconditional {
            self.ended.get_or_insert(rule.name.span);
        }
        let tags = clauses.tags.map_or_else(Vec::new, |tags| self.tags(tags));
        self.rules.push(Rule {
            name: rule.name.text.as_str().into(),
            span: rule.name.span,
            why,
            tags,
            group: self.inside,
            spine,
            outcomes,
        });
    }

    fn on(&mut self, on: &ast::OnPattern, span: Span, spine: &mut Vec<Expr>) {
        let Some(subject) = self.subject else {
            let found = rules::on_needs_parameter().at(span, "about which parameter?");
            self.body.checker.sink.emit(found);
            return;
        };
        let subject = Expr {
            kind: ExprKind::Local(subject),
            ty: self.body.locals[subject].ty.clone(),
            span,
        };
        spine.append(&mut self.body.on_pattern(on, &subject));
    }

    fn outcomes(
        &mut self,
        rule: &ast::Rule,
        clauses: &Clauses<'_>,
        why: Option<&str>,
    ) -> Vec<Expr> {
        let place = std::mem::replace(&mut self.body.place, Place::Value);
        let outcomes = match &self.gives {
            Gives::Value(ty) => {
                let ty = ty.clone();
                // A rule without `then` was reported by the parser.
                clauses
                    .then
                    .iter()
                    .map(|e| self.body.expr(e, Some(&ty)))
                    .collect()
            }
            Gives::Denial(verdict, tag) => {
                let text = why.unwrap_or(&rule.name.text);
                vec![denial(*verdict, *tag, text, rule.name.span)]
            }
        };
        self.body.place = place;
        outcomes
    }

    /// Of what comes behind a rule without a condition, the first is worth a word.
    fn report_unreachable(&mut self, span: Span) {
        let first = matches!(self.policy, Some(HitPolicyKind::First));
        let denial = matches!(self.gives, Gives::Denial(..));
        let Some(end) = self
            .ended
            .filter(|_| (first || denial) && !self.end_reported)
        else {
            return;
        };
        self.end_reported = true;
        let found = rules::unreachable_rule(format!(
            "nothing gets past `{}`",
            self.body.checker.text(end)
        ))
        .at(span, "never reached")
        .at(end, "has no condition, so it always decides")
        .help("give the upper rule a condition, or move it to the end");
        self.body.checker.sink.emit(found);
    }

    fn tags(&mut self, tags: &[ast::Setting]) -> Vec<(Arc<str>, String)> {
        boundary::report_repeated(self.body.checker, tags);
        let rendered = tags.iter().map(|tag| {
            let text = match &tag.value {
                ast::SettingValue::Expr(ast::Expr {
                    kind: ast::ExprKind::Literal(ast::Literal::Text(text)),
                    ..
                }) => text.to_string(),
                ast::SettingValue::Expr(e) => self.body.checker.text(e.span).to_owned(),
                ast::SettingValue::Nested(_) => self.body.checker.text(tag.span).to_owned(),
            };
            (tag.name.text.as_str().into(), text)
        });
        rendered.collect()
    }
}

/// `deny(why)`, the outcome of a denial.
fn denial(verdict: EnumId, tag: u32, why: &str, span: Span) -> Expr {
    let text = Expr {
        kind: ExprKind::Const(Value::str(why)),
        ty: Ty::string(),
        span,
    };
    Expr {
        kind: ExprKind::Variant(verdict, tag, vec![text]),
        ty: Ty::Enum(verdict),
        span,
    }
}

/// `on rides`: the stream whose events the rule set decides about.
fn on_stream(
    checker: &mut Checker<'_>,
    module: ModuleId,
    set: &ast::RuleSet,
    params: &[(Arc<str>, Ty)],
) -> Option<StreamId> {
    let stream = set.stream.as_ref()?;
    match checker.lookup(module, &stream.text).map(|e| e.def.clone()) {
        Some(Def::Error) => None,
        Some(Def::Stream(id)) => {
            let event = checker.program.streams[id].event;
            let first = params.first().map(|(_, ty)| ty);
            if matches!(first, Some(Ty::Error)) || first == Some(&Ty::Record(event)) {
                return Some(id);
            }
            let event = checker.program.records.get(event).map(|r| r.name.clone());
            let found = states::not_the_event(&set.name, event.as_deref().unwrap_or("?"))
                .at(stream.span, "whose event is the first parameter");
            checker.sink.emit(found);
            None
        }
        Some(other) => {
            let found = items::not_a_stream(stream, other.noun()).at(stream.span, "not a stream");
            checker.sink.emit(found);
            None
        }
        None => {
            let found = names::unknown_name(stream).at(stream.span, "no stream of this name");
            checker.sink.emit(found);
            None
        }
    }
}

/// How many `then`s there are.
fn count_outcomes(items: &[RuleItem]) -> u32 {
    let count = |item: &RuleItem| match item {
        RuleItem::Rule(rule) => {
            let thens = rule
                .clauses
                .iter()
                .filter(|c| matches!(c.kind, ClauseKind::Then(_)));
            thens.count() as u32
        }
        RuleItem::Group(group) => count_outcomes(&group.rules),
        RuleItem::Error(_) => 0,
    };
    items.iter().map(count).sum()
}
