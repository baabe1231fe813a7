//! What a rule set does to states besides what its conditions say: `once` and `within` behind a condition, and the counters
//! that a stream feeds before any rule is looked at.

use std::sync::Arc;

use tollgate_grammar::ast::{self, ItemKind, SettingValue};
use tollgate_grammar::source::Span;
use tollgate_ir::module::Operation;
use tollgate_runtime::Value;
use tollgate_runtime::schema::Currency;

use super::states::Feed;
use crate::check::{Body, Def, Place};
use crate::diagnostics::catalog::{items, names, states};
use crate::hir::{Expr, ExprKind, Field, LocalId, Program, StateId, StateKind, StreamId, Tally};
use crate::types::ty::{Ty, Unit};

/// `once` and `within` of a rule, as the last operand of its condition: both or neither are reserved. `None` where there is neither,
/// or what there is was reported.
pub(super) fn reservation(
    body: &mut Body<'_, '_>,
    once: Option<&ast::Place>,
    within: Option<&ast::Place>,
    outcomes: &[Expr],
) -> Option<Expr> {
    let named = |body: &mut Body<'_, '_>, place: Option<&ast::Place>, word| match place {
        None => Some(None),
        Some(place) => {
            let id = named_state(body, word, place)?;
            let key = body.key_of(id, place.key.as_deref(), place.span)?;
            Some(Some((id, key, place.span)))
        }
    };
    let (once, within) = (named(body, once, "once"), named(body, within, "within"));
    let (once, within) = (once?, within?);
    let (first, second) = (once.as_ref(), within.as_ref());
    let span = first.or(second)?.2;
    let program = &body.checker.program;
    let store = |of: &(StateId, Option<Expr>, Span)| &program.states[of.0].store;
    if let (Some(once), Some(within)) = (first, second)
        && store(once) != store(within)
    {
        let (a, b) = (
            program.states[once.0].name.clone(),
            program.states[within.0].name.clone(),
        );
        let found = states::different_stores(a, b)
            .at(within.2, format!("in `{}`", store(within)))
            .at(once.2, format!("in `{}`", store(once)));
        body.checker.sink.emit(found);
        return None;
    }
    let amount = match &within {
        Some((id, _, at)) => Some(amount(body, *id, outcomes, *at)?),
        None => None,
    };
    let operation = match (&once, &within) {
        (Some(_), Some(_)) => Operation::Reserve,
        (Some(_), None) => Operation::Once,
        _ => Operation::Within,
    };
    let both = || once.iter().chain(&within);
    let ids = both().map(|(id, ..)| *id).collect();
    let keys = both().filter_map(|(_, key, _)| key.clone());
    let args = keys.chain(amount).collect();
    Some(body.ask(operation, ids, args, Ty::Bool, span))
}

/// The state that `once` or `within` names, of the kind that it needs.
fn named_state(body: &mut Body<'_, '_>, word: &str, place: &ast::Place) -> Option<StateId> {
    let name = &place.name;
    let def = body.checker.lookup(body.module, &name.text);
    match def.map(|e| e.def.clone()) {
        Some(Def::Error) => None,
        Some(Def::State(id)) => {
            let kind = &body.checker.program.states[id].kind;
            let (fits, needs) = match word {
                "once" => (matches!(kind, StateKind::Seen { .. }), "Seen"),
                _ => (matches!(kind, StateKind::Budget { .. }), "Budget"),
            };
            if !fits {
                let found = states::wrong_kind_of_state(word, needs)
                    .at(name.span, format!("a `{}`", kind.name()));
                body.checker.sink.emit(found);
                return None;
            }
            if body.asking.is_none() {
                let found = states::state_off_the_spine(name, "in a guard")
                    .at(place.span, "a guard only restricts, and changes nothing");
                body.checker.sink.emit(found);
                return None;
            }
            Some(id)
        }
        Some(other) => {
            let found = items::not_a_state(name, other.noun())
                .at(name.span, format!("`{word}` needs a state"));
            body.checker.sink.emit(found);
            None
        }
        None => {
            let found = names::unknown_name(name).at(name.span, "no state of this name");
            body.checker.sink.emit(found);
            None
        }
    }
}

/// The one amount of money in the outcomes of a rule.
fn amount(body: &mut Body<'_, '_>, budget: StateId, outcomes: &[Expr], at: Span) -> Option<Expr> {
    if outcomes.iter().any(|e| e.ty.is_error()) {
        return None;
    }
    let mut amounts = Vec::new();
    for outcome in outcomes {
        find_amounts(&body.checker.program, outcome, &mut amounts);
    }
    let StateKind::Budget { currency, .. } = body.checker.program.states[budget].kind else {
        return None;
    };
    let problem = match &amounts[..] {
        [(_, of)] if *of != currency => format!("it is in {of}, and the budget in {currency}"),
        [_] => return amounts.pop().map(|(amount, _)| amount),
        [] => "there is none written as a field of a variant or record".into(),
        several => format!("there are {}", several.len()),
    };
    let mut found = states::amount_of_within(problem).at(at, "charges how much?");
    for (amount, _) in &amounts {
        found = found.at(amount.span, "this much?");
    }
    body.checker.sink.emit(found);
    None
}

fn find_amounts(program: &Program, outcome: &Expr, found: &mut Vec<(Expr, Currency)>) {
    let fields = match (&outcome.kind, &outcome.ty) {
        (_, Ty::Num(Unit::Money(currency), _)) => {
            found.push((outcome.clone(), *currency));
            return;
        }
        (ExprKind::Variant(id, tag, _), _) => &program.enums[*id].variants[*tag as usize].fields,
        (ExprKind::Const(Value::Variant(tag, _)), Ty::Enum(id)) => {
            &program.enums[*id].variants[*tag as usize].fields
        }
        (ExprKind::Record(id, _), _) | (ExprKind::Const(_), Ty::Record(id)) => {
            &program.records[*id].fields
        }
        _ => return,
    };
    let constant = |value: &Value, field: &Field| Expr {
        kind: ExprKind::Const(value.clone()),
        ty: field.ty.clone(),
        span: outcome.span,
    };
    let given: Vec<Expr> = match &outcome.kind {
        ExprKind::Variant(_, _, args) | ExprKind::Record(_, args) => args.clone(),
        ExprKind::Const(Value::Variant(_, values) | Value::Seq(values)) => {
            let each = values.iter().zip(fields);
            each.map(|(value, field)| constant(value, field)).collect()
        }
        _ => return,
    };
    for (field, value) in fields.iter().zip(given) {
        if let Ty::Num(Unit::Money(currency), _) = field.ty {
            found.push((value, currency));
        }
    }
}

/// What an event does to the counters that its stream feeds, as the condition of a group around all rules: it always holds.
pub(super) fn fed(
    body: &mut Body<'_, '_>,
    event: LocalId,
    stream: StreamId,
    span: Span,
) -> Vec<Expr> {
    let feeds = body.checker.states.feeds.iter();
    let feeds: Vec<Feed> = feeds.filter(|f| f.stream == stream).cloned().collect();
    let mut spine = Vec::new();
    for feed in feeds {
        // The settings see the event, by that name, and what their own module declares.
        let module = std::mem::replace(&mut body.module, feed.module);
        let visible = std::mem::replace(&mut body.visible, vec![("event".into(), event)]);
        let place = std::mem::replace(&mut body.place, Place::Value);
        spine.extend(counted(body, &feed, span));
        body.module = module;
        body.visible = visible;
        body.place = place;
    }
    spine
}

fn counted(body: &mut Body<'_, '_>, feed: &Feed, span: Span) -> Option<Expr> {
    let file = Arc::clone(&body.checker.modules[feed.module.0 as usize].ast);
    let ItemKind::State(state) = &file.items[feed.item].kind else {
        return None;
    };
    let setting = |name: &str| {
        let found = state.settings.iter().find(|s| &*s.name.text == name)?;
        match &found.value {
            SettingValue::Expr(e) => Some(e),
            SettingValue::Nested(_) => None,
        }
    };
    let StateKind::Counter { tally, .. } = body.checker.program.states[feed.state].kind else {
        return None;
    };
    let mut args = Vec::new();
    args.extend(body.key_of(feed.state, setting("key"), span)?);
    let (mut amount, mut member) = (None, None);
    match (tally, setting("of")) {
        (Tally::Amounts, Some(of)) => amount = Some(body.expr(of, None)),
        (Tally::Members, Some(of)) => {
            let of = body.expr(of, None);
            member = Some(body.key_text(of)?);
        }
        _ => {}
    }
    let one = || Expr {
        kind: ExprKind::Const(Value::Int(1)),
        ty: Ty::int_in(1, 1),
        span,
    };
    let nobody = || Expr {
        kind: ExprKind::Const(Value::str("")),
        ty: Ty::string(),
        span,
    };
    args.push(amount.unwrap_or_else(one));
    args.push(member.unwrap_or_else(nobody));
    let asked = body.ask(Operation::Add, vec![feed.state], args, Ty::Bool, span);
    let Some(condition) = setting("where") else {
        return Some(asked);
    };
    let condition = body.expr(condition, Some(&Ty::Bool));
    let holds = Expr {
        kind: ExprKind::Const(Value::Bool(true)),
        ty: Ty::Bool,
        span,
    };
    Some(Expr {
        kind: ExprKind::If(Box::new(condition), Box::new(asked), Box::new(holds)),
        ty: Ty::Bool,
        span,
    })
}
