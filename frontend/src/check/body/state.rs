//! Operations on states: `per_key[key].take()`, `fleet.enter()`, `visits[user].value()`; in tests also `send` and `spent`.

use std::sync::Arc;

use tollgate_grammar::ast::{self, Symbol};
use tollgate_grammar::source::Span;
use tollgate_ir::module::Operation;
use tollgate_runtime::Value;
use tollgate_runtime::schema::INT_MAX;

use super::super::{Body, Def, Place};
use super::Answers;
use super::arguments::Slot;
use crate::diagnostics::catalog::states as catalog;
use crate::hir::{
    self, Callee, Expr, ExprKind, Field, OnFailure, Pattern, Policy, RecordId, StateId, StateKind,
    StreamId,
};
use crate::types::ty::{Interval, Ty, Unit};

/// The most that one `take` can ask for.
const TAKE_MAX: i64 = 1_000_000_000;

impl Body<'_, '_> {
    /// A state where a value is expected.
    pub(super) fn state_as_value(&mut self, name: &Symbol, span: Span) -> Expr {
        let found = catalog::state_as_value(name)
            .at(span, "a state, not a value")
            .help("it is asked by an operation, such as `.take()`, `.enter()` or `.value()`");
        self.refuse(found, span)
    }

    /// A call on a state, if it is one.
    pub(super) fn state_call(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let Some(receiver) = &call.receiver else {
            return match (&*call.name.text, self.place) {
                ("send", Place::Test) => self.send(call, span),
                ("spent", Place::Test) => self.spent(call, span),
                _ => None,
            };
        };
        let (id, key) = self.state_entry(receiver)?;
        Some(self.operation(id, key, call, receiver.span, span))
    }

    /// `name`, or `name[key]`, of a state.
    fn state_entry<'e>(&self, e: &'e ast::Expr) -> Option<(StateId, Option<&'e ast::Expr>)> {
        let (name, key) = match &e.kind {
            ast::ExprKind::Name(name) => (name, None),
            ast::ExprKind::Index(index) => match &index.base.kind {
                ast::ExprKind::Name(name) => (name, Some(&index.index)),
                _ => return None,
            },
            _ => return None,
        };
        if self.local(name).is_some() {
            return None;
        }
        match self.find(name)?.def {
            Def::State(id) => Some((id, key)),
            _ => None,
        }
    }

    fn operation(
        &mut self,
        id: StateId,
        key: Option<&ast::Expr>,
        call: &ast::Call,
        at: Span,
        span: Span,
    ) -> Expr {
        let kind = self.checker.program.states[id].kind.clone();
        if matches!(kind, StateKind::Error) {
            return Expr::error(span);
        }
        let word = &*call.name.text;
        let slots = match (&kind, word) {
            (
                StateKind::TokenBucket { .. }
                | StateKind::FixedWindow { .. }
                | StateKind::SlidingLog { .. },
                "take",
            ) => {
                let one = Some(Value::Int(1));
                vec![Slot::of_operation("n", Ty::int_in(1, TAKE_MAX), one)]
            }
            (StateKind::Concurrency { .. }, "enter") => Vec::new(),
            (StateKind::Reserve { .. }, "enter") => {
                let no = Some(Value::Bool(false));
                vec![Slot::of_operation("critical", Ty::Bool, no)]
            }
            (StateKind::Ladder { class, .. }, "sheds") => {
                let load = Ty::full(Unit::Percent);
                let class = Slot::of_operation("class", Ty::Enum(*class), None);
                vec![class, Slot::of_operation("load", load, None)]
            }
            (StateKind::Counter { .. }, "value") => Vec::new(),
            (kind, _) => {
                let has = match kind {
                    StateKind::TokenBucket { .. }
                    | StateKind::FixedWindow { .. }
                    | StateKind::SlidingLog { .. } => "it has `.take()`",
                    StateKind::Concurrency { .. } | StateKind::Reserve { .. } => {
                        "it has `.enter()`"
                    }
                    StateKind::Ladder { .. } => "it has `.sheds(class, load)`",
                    StateKind::Counter { .. } => "it has `.value()`",
                    StateKind::Seen { .. } => "a rule says `once name[key]`, behind its condition",
                    _ => "a rule says `within name[key]`, behind its condition",
                };
                let found = catalog::unknown_operation(kind.name(), word)
                    .at(call.name.span, "no such operation")
                    .help(has);
                return self.refuse(found, span);
            }
        };
        let key = self.key_of(id, key, at);
        let args = self.arguments(word, &slots, None, &call.args, span, None);
        let (Some(key), Some(args)) = (key, args) else {
            return Expr::error(span);
        };
        let name = self.checker.program.states[id].name.clone();
        if !self.may_ask(&name, span) {
            return Expr::error(span);
        }
        let mut all: Vec<Expr> = key.into_iter().collect();
        let (operation, answer) = match kind {
            StateKind::Concurrency { .. } => {
                let no = Expr::constant(Value::Bool(false), Ty::Bool, span);
                all.push(no);
                (Operation::Enter, Ty::Bool)
            }
            StateKind::Reserve { .. } => {
                all.extend(args);
                (Operation::Enter, Ty::Bool)
            }
            StateKind::Ladder { places, .. } => {
                let mut args = args.into_iter();
                all.extend(args.next().map(|class| place_in_order(class, &places)));
                all.extend(args);
                (Operation::Sheds, Ty::Bool)
            }
            StateKind::Counter { value, .. } => (Operation::Value, value),
            _ => {
                all.extend(args);
                (Operation::Take, Ty::Record(self.taken()))
            }
        };
        self.ask(operation, vec![id], all, answer, span)
    }

    /// The text of the key that a state is asked with; `None` when it was reported.
    pub(crate) fn key_of(
        &mut self,
        id: StateId,
        key: Option<&ast::Expr>,
        at: Span,
    ) -> Option<Option<Expr>> {
        let state = &self.checker.program.states[id];
        let (name, ty) = (state.name.clone(), state.key.clone());
        match (ty, key) {
            (None, None) => Some(None),
            (Some(ty), Some(key)) => {
                let key = self.expr(key, Some(&ty));
                if key.ty.is_error() {
                    return None;
                }
                self.as_text(key).map(Some)
            }
            (Some(ty), None) => {
                let shown = self.show(&ty);
                let found = catalog::key_of_state(&name, "is asked with a key")
                    .at(at, format!("of which `{shown}`?"))
                    .help(format!("write `{name}[key]`"));
                self.checker.sink.emit(found);
                None
            }
            (None, Some(key)) => {
                let found =
                    catalog::key_of_state(&name, "has no keys").at(key.span, "there is only one");
                self.checker.sink.emit(found);
                None
            }
        }
    }

    /// Whether a state may be asked here; if not, that is reported.
    pub(crate) fn may_ask(&mut self, name: &str, span: Span) -> bool {
        let why = match (self.place, self.answers, &self.asking) {
            (Place::Denial, ..) => "in a guard",
            (Place::Test, ..) => "in a test; what asks it is a rule set",
            (Place::Group, _, None) => "in a guard",
            (_, Answers::No(why), _) => why,
            (_, _, None) => "in a value",
            (_, Answers::Spine | Answers::Negated, Some(_)) => return true,
        };
        let mut found = catalog::state_off_the_spine(name, why).at(
            span,
            "a state is asked in an operand of a rule's outermost `and` only",
        );
        if self.asking.is_some() && self.place == Place::Rule {
            found = found.help("ask it first, to the left: `let x = … and …`");
        }
        self.checker.sink.emit(found);
        false
    }

    /// The question of a place, with `skip` on failure where a state says that.
    pub(crate) fn ask(
        &mut self,
        operation: Operation,
        states: Vec<StateId>,
        args: Vec<Expr>,
        answer: Ty,
        span: Span,
    ) -> Expr {
        let program = &mut self.checker.program;
        let skips = |id: &StateId| program.states[*id].on_failure == OnFailure::Skip;
        let skip = match operation {
            Operation::Add | Operation::Arrive => false,
            _ => self.asking.is_some() && states.iter().any(skips),
        };
        let given = match skip {
            true => Ty::opt(answer.clone()),
            false => answer.clone(),
        };
        let (owner, rule) = match &self.asking {
            Some((owner, rule)) => (Some(*owner), Arc::clone(rule)),
            None => (None, "test".into()),
        };
        let place = program.places.push(hir::Place {
            operation,
            states,
            owner,
            rule,
            span,
            answer: given.clone(),
        });
        let asked = Expr::new(ExprKind::Ask(place, args), given, span);
        match skip {
            true => Expr::new(ExprKind::OrSkip(Box::new(asked)), answer, span),
            false => asked,
        }
    }

    /// The record that `take` gives.
    fn taken(&mut self) -> RecordId {
        if let Some(known) = self.checker.states.taken {
            return known;
        }
        let field = |name: &str, ty| Field {
            name: name.into(),
            span: Span::default(),
            ty,
            default: None,
        };
        let wait = Ty::Num(Unit::Duration, Interval::new(0, INT_MAX.into()));
        let id = self.checker.program.records.push(hir::Record {
            name: "Taken".into(),
            module: "std.core".into(),
            span: Span::default(),
            fields: vec![
                field("granted", Ty::Bool),
                field("wait", Ty::opt(wait)),
                field("left", Ty::int_in(0, INT_MAX)),
            ],
            boundary: Default::default(),
        });
        self.checker.states.taken = Some(id);
        id
    }

    /// `send(rides, e)`: what the rule set on the stream lists for the event, nothing if it was there before.
    fn send(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let stream = call.args.first().and_then(|arg| match &arg.value.kind {
            ast::ExprKind::Name(name) => match self.find(name)?.def {
                Def::Stream(id) => Some(Ok(id)),
                Def::Error => Some(Err(())),
                _ => None,
            },
            _ => None,
        });
        let wrong = |body: &mut Self, at: Span, why: &str| {
            let expected = "a stream with one rule set, which lists its outcomes, and an event";
            let found = catalog::wrong_test_call("send", expected).at(at, why.to_owned());
            Some(body.refuse(found, span))
        };
        let (stream, event) = match (stream, &call.args[..]) {
            (Some(Err(())), _) => return Some(Expr::error(span)),
            (Some(Ok(stream)), [_, event]) => (stream, event),
            (None, args) => {
                let at = args.first().map_or(span, |arg| arg.value.span);
                // Nothing else is called that, unless the program says so.
                return match self.find("send") {
                    Some(_) => None,
                    None => wrong(self, at, "not a stream"),
                };
            }
            (Some(Ok(_)), _) => return wrong(self, span, "a stream and an event"),
        };
        let program = &self.checker.program;
        let on = |(_, set): &(_, &hir::RuleSet)| set.stream == Some(stream);
        let sets: Vec<_> = program.rulesets.iter().filter(on).collect();
        let [(id, set)] = sets[..] else {
            return wrong(self, span, "not one rule set is on this stream");
        };
        let (Policy::All, [_]) = (&set.policy, &set.params[..]) else {
            return wrong(self, span, "its rule set takes more, or is not `hit all`");
        };
        let result = set.result.clone();
        let declared = &program.streams[stream];
        let ty = Ty::Record(declared.event);
        let (name, dedupe, inputs) = (declared.name.clone(), declared.dedupe, declared.inputs);
        let event = self.expr(&event.value, Some(&ty));
        let Some((of, _)) = inputs.filter(|_| !event.ty.is_error()) else {
            return Some(Expr::error(span));
        };
        let arrivals = self.arrivals(stream, &name, dedupe, span);
        let record = &self.checker.program.records[declared_event(&ty)];
        let id_ty = record.fields[of as usize].ty.clone();
        let key = Expr::new(ExprKind::Field(Box::new(event.clone()), of), id_ty, span);
        let first = self.ask(Operation::Arrive, vec![arrivals], vec![key], Ty::Bool, span);
        let decide = ExprKind::Decide {
            callee: Callee::RuleSet(id),
            args: vec![event],
            marked: false,
        };
        let decided = Box::new(Expr::new(decide, result.clone(), span));
        let nothing = Box::new(Expr::constant(Value::seq([]), result.clone(), span));
        let kind = ExprKind::If(Box::new(first), decided, nothing);
        Some(Expr::new(kind, result, span))
    }

    /// The state that knows which events tests have sent.
    fn arrivals(&mut self, stream: StreamId, name: &Arc<str>, keep: i64, span: Span) -> StateId {
        let known = &mut self.checker.states.arrivals;
        if let Some((_, id)) = known.iter().find(|(of, _)| *of == stream) {
            return *id;
        }
        let id = self.checker.program.states.push(hir::State {
            name: Arc::clone(name),
            module: "test".into(),
            span,
            kind: StateKind::Arrivals { keep },
            key: Some(Ty::string()),
            max_keys: 1_000_000,
            store: "local".into(),
            on_failure: OnFailure::Deny,
        });
        known.push((stream, id));
        id
    }

    /// `spent(rewards)`, `spent(rewards[key])`
    fn spent(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let entry = match &call.args[..] {
            [arg] => self.state_entry(&arg.value),
            _ => None,
        };
        let budget = entry.and_then(|(id, key)| match &self.checker.program.states[id].kind {
            StateKind::Budget { currency, .. } => Some((id, key, *currency)),
            _ => None,
        });
        let Some((id, key, currency)) = budget else {
            if self.find("spent").is_some() {
                return None;
            }
            let found = catalog::wrong_test_call("spent", "a budget, or a key of one")
                .at(span, "not a budget");
            return Some(self.refuse(found, span));
        };
        // Without a key it is all that was spent.
        let key = match key {
            None => None,
            Some(_) => match self.key_of(id, key, span) {
                Some(key) => key,
                None => return Some(Expr::error(span)),
            },
        };
        let keyed = self.checker.program.states[id].key.is_some();
        let all = || Expr::constant(Value::str(""), Ty::string(), span);
        let args = match (keyed, key) {
            (false, _) => Vec::new(),
            (true, key) => vec![key.unwrap_or_else(all)],
        };
        let ty = Ty::full(Unit::Money(currency));
        Some(self.ask(Operation::Value, vec![id], args, ty, span))
    }
}

fn declared_event(ty: &Ty) -> RecordId {
    match ty {
        Ty::Record(id) => *id,
        _ => RecordId(u32::MAX),
    }
}

/// The place of a class in the order of shedding.
fn place_in_order(class: Expr, places: &[u32]) -> Expr {
    let (span, ty) = (class.span, Ty::int_in(0, places.len() as i64));
    let arms = places.iter().enumerate().map(|(tag, place)| {
        let pattern = Pattern::Variant {
            tag: tag as u32,
            fields: Vec::new(),
        };
        let place = Expr::constant(Value::Int((*place).into()), ty.clone(), span);
        (pattern, place)
    });
    let arms = arms.collect();
    Expr::new(ExprKind::Match(Box::new(class), arms), ty, span)
}
