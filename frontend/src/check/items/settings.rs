//! The settings of a state or stream: each is read as its row of the table says.

use std::sync::Arc;

use tollgate_grammar::ast::{self, ExprKind as Ast, Literal, Setting, SettingValue};
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;
use tollgate_runtime::schema::{Currency, INT_MAX};

use super::boundary::report_repeated;
use super::states::{Of, Row, SETTINGS, Takes};
use crate::check::names::did_you_mean;
use crate::check::suggest::closest;
use crate::check::{Body, Checker, Def, ModuleId, Place};
use crate::diagnostics::catalog::{items, states};
use crate::hir::{EnumId, OnFailure, Period, RecordId, StreamId, Window};
use crate::types::ty::{Ty, Unit};

/// The settings of one state or stream, understood.
#[derive(Debug)]
pub(super) struct Settings {
    /// Of what.
    pub(super) name: ast::Name,
    numbers: Vec<(&'static str, i64)>,
    rates: Vec<(&'static str, (i64, i64))>,
    texts: Vec<(&'static str, Arc<str>)>,
    fields: Vec<(&'static str, u32)>,
    streams: Vec<(&'static str, StreamId)>,
    pub(super) failure: Option<OnFailure>,
    pub(super) window: Option<Window>,
    pub(super) order: Option<(EnumId, Vec<u32>)>,
    /// The type of `of`.
    pub(super) of: Option<Ty>,
}

fn named<T: Clone>(all: &[(&'static str, T)], name: &str) -> Option<T> {
    let found = all.iter().find(|(n, _)| *n == name);
    found.map(|(_, value)| value.clone())
}

impl Settings {
    /// A number, a duration, an amount or a share.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        named(&self.numbers, name)
    }

    /// So much in so many microseconds.
    pub(super) fn rate(&self, name: &str) -> Option<(i64, i64)> {
        named(&self.rates, name)
    }

    /// A zone or a store.
    pub(super) fn text(&self, name: &str) -> Option<Arc<str>> {
        named(&self.texts, name)
    }

    /// A field of the event.
    pub(super) fn field(&self, name: &str) -> Option<u32> {
        named(&self.fields, name)
    }

    /// A stream.
    pub(super) fn stream(&self, name: &str) -> Option<StreamId> {
        named(&self.streams, name)
    }
}

/// Reads settings.
pub(super) struct Read<'c, 'a> {
    checker: &'c mut Checker<'a>,
    module: ModuleId,
    of: Of,
    /// The event of a stream.
    pub(super) event: Option<RecordId>,
    /// The money of a budget.
    pub(super) currency: Option<Currency>,
    /// Whether the state has keys.
    pub(super) keyed: bool,
    /// Whether something was reported before.
    broken: bool,
    found: Settings,
}

impl<'c, 'a> Read<'c, 'a> {
    pub(super) fn new(
        checker: &'c mut Checker<'a>,
        module: ModuleId,
        name: &ast::Name,
        of: Of,
    ) -> Read<'c, 'a> {
        Read {
            checker,
            module,
            of,
            event: None,
            currency: None,
            keyed: false,
            broken: false,
            found: Settings {
                name: name.clone(),
                numbers: Vec::new(),
                rates: Vec::new(),
                texts: Vec::new(),
                fields: Vec::new(),
                streams: Vec::new(),
                failure: None,
                window: None,
                order: None,
                of: None,
            },
        }
    }

    /// Reads all; `None` when something was wrong, which has been reported.
    pub(super) fn settings(mut self, settings: &[Setting]) -> Option<Settings> {
        let errors = self.checker.sink.error_count();
        report_repeated(self.checker, settings);
        let rows: Vec<&Row> = SETTINGS.iter().filter(|r| r.3.contains(&self.of)).collect();
        // Streams first: what is said about an event is checked with its type.
        let (first, second): (Vec<&Setting>, Vec<&Setting>) = settings
            .iter()
            .partition(|s| matches!(&*s.name.text, "counts" | "sums"));
        for setting in first.into_iter().chain(second) {
            let name = &*setting.name.text;
            match (rows.iter().find(|row| row.0 == name), &setting.value) {
                (Some(row), SettingValue::Expr(e)) => self.one(row, e),
                (Some(row), SettingValue::Nested(_)) => self.wrong(row, setting.span),
                (None, _) => self.unknown(setting, &rows),
            }
        }
        let has = |name: &str| settings.iter().any(|s| &*s.name.text == name);
        let needs = |row: &&&Row| match row.0 {
            "max_keys" | "key" => self.keyed,
            _ => row.2,
        };
        let missing = rows.iter().filter(needs).filter(|row| !has(row.0));
        let missing: Vec<String> = missing.map(|row| format!("`{}`", row.0)).collect();
        if !missing.is_empty() {
            let list = missing.join(", ");
            let mut found = states::missing_setting(&self.found.name, &list)
                .at(self.found.name.span, format!("{list} not set"));
            if missing.iter().any(|m| m == "`on_failure`") {
                found = found.help("`on_failure` says what holds when the store does not answer, or there is no room for a key: `allow`, `deny` or `skip`");
            }
            self.checker.sink.emit(found);
        }
        for name in ["max_keys", "key"].into_iter().filter(|n| has(n)) {
            if !self.keyed && self.of != Of::Stream {
                let found = states::state_key(&self.found.name)
                    .at(
                        self.found.name.span,
                        format!("`{name}` is set, but it has no keys"),
                    )
                    .help("give it keys: `by Key` behind its kind");
                self.checker.sink.emit(found);
            }
        }
        (self.checker.sink.error_count() == errors && !self.broken).then_some(self.found)
    }

    fn unknown(&mut self, setting: &Setting, rows: &[&Row]) {
        let names: Vec<&str> = rows.iter().map(|row| row.0).collect();
        let found = items::unknown_setting(&setting.name, &self.found.name)
            .at(setting.name.span, "no such setting")
            .note(format!("there are: {}", names.join(", ")));
        let meant = closest(&setting.name.text, names.iter().copied());
        self.checker
            .sink
            .emit(did_you_mean(found, setting.name.span, meant));
    }

    /// Says what a setting takes.
    fn wrong(&mut self, row: &Row, span: Span) {
        let expected = match row.1 {
            Takes::Number(least, most) => format!("a whole number from {least} to {most}"),
            Takes::Duration => "a duration above zero".into(),
            Takes::Lateness => "a duration".into(),
            Takes::Percent(..) => "a percentage, not negative".into(),
            Takes::Rate => "a rate, such as `100 per 1s`".into(),
            Takes::Fading => "a rate of a percentage, such as `1% per 10s`".into(),
            Takes::Money => "an amount in its currency, not negative".into(),
            Takes::Zone => "a time zone".into(),
            Takes::Order => "a list of variants".into(),
            Takes::Window => {
                "a duration, or `calendar(1w, zone: tz\"…\", starts: Monday)` (`1d`, `1w`, `month`, `year`)".into()
            }
            Takes::Stream => "the name of a stream".into(),
            Takes::Id | Takes::Time => "a field of the event, `event.name`".into(),
            Takes::Event => "an expression about `event`".into(),
            Takes::Source => "a source, such as `kafka(\"topic\")`".into(),
            Takes::Store => "`local`, or the name of a store of the host, such as `redis.limits`".into(),
            Takes::Failure => "`allow`, `deny`, `skip` or `local(…)`".to_owned(),
        };
        let found = items::wrong_setting(row.0, &expected).at(span, format!("expected {expected}"));
        self.checker.sink.emit(found);
    }

    fn one(&mut self, row: &Row, e: &ast::Expr) {
        let name = row.0;
        if matches!(e.kind, Ast::Error) {
            return;
        }
        match row.1 {
            Takes::Number(least, most) => {
                self.number(row, e, &Ty::int(), least, most);
            }
            Takes::Duration => self.number(row, e, &Ty::full(Unit::Duration), 1, INT_MAX),
            Takes::Lateness => self.number(row, e, &Ty::full(Unit::Duration), 0, INT_MAX),
            Takes::Percent(least, most) => {
                self.number(row, e, &Ty::full(Unit::Percent), least, most);
            }
            Takes::Money => {
                if let Some(currency) = self.currency {
                    self.number(row, e, &Ty::full(Unit::Money(currency)), 0, INT_MAX);
                }
            }
            Takes::Rate => {
                if let Some(rate) = self.rate(row, e) {
                    self.found.rates.push((name, rate));
                }
            }
            Takes::Fading => match &e.kind {
                Ast::Literal(Literal::Rate(rate)) if rate.percent => {
                    match crate::check::body::billionths(rate.amount) {
                        Some(share) if share > 0 => {
                            self.found.rates.push((name, (share, rate.per)));
                        }
                        _ => self.wrong(row, e.span),
                    }
                }
                _ => self.wrong(row, e.span),
            },
            Takes::Zone => {
                if let Some(Value::Str(zone)) = self.constant(e, &Ty::Zone) {
                    self.found.texts.push((name, (&*zone).into()));
                }
            }
            Takes::Order => self.order(e),
            Takes::Window => self.window(row, e),
            Takes::Stream => self.stream(row, e),
            Takes::Id | Takes::Time => self.event_field(row, e),
            Takes::Event => self.about_event(row, e),
            Takes::Source => match &e.kind {
                Ast::Call(call) if call.receiver.is_none() => {
                    let text = self.checker.text(e.span).into();
                    self.found.texts.push((name, text));
                }
                _ => self.wrong(row, e.span),
            },
            Takes::Store => match store_name(e) {
                Some(store) => self.found.texts.push((name, store.into())),
                None => self.wrong(row, e.span),
            },
            Takes::Failure => self.failure(row, e),
        }
    }

    fn constant(&mut self, e: &ast::Expr, ty: &Ty) -> Option<Value> {
        let mut body = Body::new(self.checker, self.module, Place::Value);
        body.constant(e, Some(ty)).map(|(_, value)| value)
    }

    fn number(&mut self, row: &Row, e: &ast::Expr, ty: &Ty, least: i64, most: i64) {
        match self.constant(e, ty) {
            Some(Value::Int(n)) if (least..=most).contains(&n) => {
                self.found.numbers.push((row.0, n));
            }
            Some(_) => self.wrong(row, e.span),
            None => {}
        }
    }

    fn rate(&mut self, row: &Row, e: &ast::Expr) -> Option<(i64, i64)> {
        let Some(Value::Seq(parts)) = self.constant(e, &Ty::Rate) else {
            return None;
        };
        match parts[..] {
            [Value::Int(count), Value::Int(per)] if count > 0 => Some((count, per)),
            _ => {
                self.wrong(row, e.span);
                None
            }
        }
    }

    /// An enum of which every variant is listed once.
    fn order(&mut self, e: &ast::Expr) {
        let names: Option<Vec<&str>> = match &e.kind {
            Ast::List(items) => items
                .iter()
                .map(|item| match &item.kind {
                    Ast::Name(name) => Some(name.as_str()),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let order = names.and_then(|names| {
            let mut enums = self.checker.program.enums.iter();
            let listed = |item: &crate::hir::Enum| -> Option<Vec<u32>> {
                if item.variants.len() != names.len() {
                    return None;
                }
                let place = |v: &crate::hir::Variant| {
                    let at = names.iter().position(|n| *n == &*v.name)?;
                    v.fields.is_empty().then_some(at as u32)
                };
                item.variants.iter().map(place).collect()
            };
            enums.find_map(|(id, item)| Some((id, listed(item)?)))
        });
        match order {
            Some(order) => self.found.order = Some(order),
            None => {
                let found = states::order_of_classes()
                    .at(e.span, "not the variants of one enum")
                    .note("the first is shed first");
                self.checker.sink.emit(found);
            }
        }
    }

    fn window(&mut self, row: &Row, e: &ast::Expr) {
        let Ast::Call(call) = &e.kind else {
            if let Some(Value::Int(span)) = self.constant(e, &Ty::full(Unit::Duration)) {
                match span > 0 {
                    true => self.found.window = Some(Window::Sliding(span)),
                    false => self.wrong(row, e.span),
                }
            }
            return;
        };
        let mut period = None;
        let (mut zone, mut starts) = (None, Some(0));
        for (i, arg) in call.args.iter().enumerate() {
            let name = arg.name.as_ref().map(|n| &*n.text);
            match (name, i) {
                (None, 0) => period = self.period(&arg.value),
                (Some("zone"), _) => {
                    if let Some(Value::Str(name)) = self.constant(&arg.value, &Ty::Zone) {
                        zone = Some((&*name).into());
                    }
                }
                (Some("starts"), _) => {
                    const DAYS: [&str; 7] = [
                        "Monday",
                        "Tuesday",
                        "Wednesday",
                        "Thursday",
                        "Friday",
                        "Saturday",
                        "Sunday",
                    ];
                    starts = match &arg.value.kind {
                        Ast::Name(day) => DAYS.iter().position(|d| *d == day.as_str()),
                        _ => None,
                    };
                }
                _ => period = None,
            }
        }
        match (
            &*call.name.text,
            call.receiver.is_none(),
            period,
            zone,
            starts,
        ) {
            ("calendar", true, Some(period), Some(zone), Some(starts)) => {
                self.found.window = Some(Window::Calendar {
                    period,
                    zone,
                    starts: starts as u8,
                });
            }
            _ => self.wrong(row, e.span),
        }
    }

    fn period(&mut self, e: &ast::Expr) -> Option<Period> {
        const DAY: i64 = 24 * 60 * 60 * 1_000_000;
        match &e.kind {
            Ast::Literal(Literal::Duration(DAY)) => Some(Period::Day),
            Ast::Literal(Literal::Duration(n)) if *n == 7 * DAY => Some(Period::Week),
            Ast::Name(name) => match name.as_str() {
                "month" => Some(Period::Month),
                "year" => Some(Period::Year),
                _ => None,
            },
            _ => None,
        }
    }

    fn stream(&mut self, row: &Row, e: &ast::Expr) {
        let Ast::Name(name) = &e.kind else {
            return self.wrong(row, e.span);
        };
        match self
            .checker
            .lookup(self.module, name)
            .map(|e| e.def.clone())
        {
            Some(Def::Stream(id)) => {
                self.event = Some(self.checker.program.streams[id].event);
                self.found.streams.push((row.0, id));
            }
            // What it is about was reported, and so is not understood.
            Some(Def::Error) => self.broken = true,
            Some(other) => {
                let found = items::not_a_stream(name, other.noun()).at(e.span, "not a stream");
                self.checker.sink.emit(found);
            }
            None => {
                let found = crate::diagnostics::catalog::names::unknown_name(name)
                    .at(e.span, "no stream of this name");
                self.checker.sink.emit(found);
            }
        }
    }

    /// `event.trip_id`
    fn event_field(&mut self, row: &Row, e: &ast::Expr) {
        let Some(event) = self.event else {
            return;
        };
        let expected = match row.1 {
            Takes::Id => "a text",
            _ => "an `Instant`",
        };
        let record = &self.checker.program.records[event];
        let field = match &e.kind {
            Ast::Field(access) if matches!(&access.base.kind, Ast::Name(n) if n.as_str() == "event") =>
            {
                let name = &*access.name.text;
                record.fields.iter().position(|f| &*f.name == name)
            }
            _ => None,
        };
        let fits = field.is_some_and(|n| match (row.1, &record.fields[n].ty) {
            (_, Ty::Error) => true,
            (Takes::Id, ty) => matches!(ty, Ty::Str { .. }),
            (_, ty) => matches!(ty, Ty::Num(Unit::Instant, _)),
        });
        match field {
            Some(n) if fits => self.found.fields.push((row.0, n as u32)),
            _ => {
                let found = states::event_field(row.0, expected).at(
                    e.span,
                    format!("not a field of `{}`, {expected}", record.name),
                );
                self.checker.sink.emit(found);
            }
        }
    }

    /// An expression about `event` is checked here with its type, and again where a rule set is fed by the stream.
    fn about_event(&mut self, row: &Row, e: &ast::Expr) {
        let Some(event) = self.event else {
            // A counter without a stream, which is reported.
            return;
        };
        let mut body = Body::new(self.checker, self.module, Place::Value);
        let name = ast::Name {
            text: "event".into(),
            span: e.span,
        };
        body.bind(&name, Ty::Record(event));
        let expected = (row.0 == "where").then_some(Ty::Bool);
        let value = body.expr(e, expected.as_ref());
        if row.0 == "of" {
            if self.of == Of::Sum && !matches!(value.ty, Ty::Num(..) | Ty::Error) {
                let found = items::wrong_setting("of", "a number to be summed")
                    .at(e.span, "not a whole number");
                self.checker.sink.emit(found);
            }
            self.found.of = Some(match value.ty {
                Ty::Num(unit, _) => Ty::full(unit),
                other => other,
            });
        }
    }

    fn failure(&mut self, row: &Row, e: &ast::Expr) {
        use Of as O;
        let kind = format!("{:?}", self.of);
        let limit = matches!(self.of, O::TokenBucket | O::FixedWindow | O::SlidingLog);
        let slots = matches!(self.of, O::Concurrency | O::Reserve);
        let counter = matches!(self.of, O::Count | O::Sum | O::Distinct);
        let expected = match (limit, slots, counter) {
            (true, ..) => "`allow`, `deny`, `skip` or stand in with `local(20 per 1s)`",
            (_, true, _) => "`allow`, `deny`, `skip` or stand in with `local(5)`",
            (.., true) => "`skip`",
            _ => "`allow`, `deny` or `skip`",
        };
        let failure = match &e.kind {
            Ast::Name(word) => match word.as_str() {
                "allow" => Some(OnFailure::Allow),
                "deny" => Some(OnFailure::Deny),
                "skip" => Some(OnFailure::Skip),
                _ => return self.wrong(row, e.span),
            },
            Ast::Call(call) if &*call.name.text == "local" && call.receiver.is_none() => {
                match &call.args[..] {
                    [arg] if limit => {
                        let Some((count, per)) = self.rate(row, &arg.value) else {
                            return;
                        };
                        Some(OnFailure::LocalRate(count, per))
                    }
                    [arg] if slots => match self.constant(&arg.value, &Ty::int()) {
                        Some(Value::Int(n)) if (1..=1_000_000).contains(&n) => {
                            Some(OnFailure::LocalMax(n))
                        }
                        Some(_) => return self.wrong(row, arg.value.span),
                        None => return,
                    },
                    [_] => None,
                    _ => return self.wrong(row, e.span),
                }
            }
            _ => return self.wrong(row, e.span),
        };
        match failure {
            Some(failure) if !counter || failure == OnFailure::Skip => {
                self.found.failure = Some(failure);
            }
            _ => {
                let found = states::failure_not_for_kind(&kind, expected)
                    .at(e.span, format!("not of a `{kind}`"));
                self.checker.sink.emit(found);
            }
        }
    }
}

/// `local`, `redis.growth`
fn store_name(e: &ast::Expr) -> Option<String> {
    match &e.kind {
        Ast::Name(name) => Some(name.to_string()),
        Ast::Field(access) => {
            let base = store_name(&access.base)?;
            Some(format!("{base}.{}", access.name.text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_has_two_settings_of_one_name() {
        for (i, row) in SETTINGS.iter().enumerate() {
            for of in row.3 {
                let same = |other: &&Row| other.0 == row.0 && other.3.contains(of);
                assert!(
                    !SETTINGS[..i].iter().any(|r| same(&r)),
                    "{} of {of:?}",
                    row.0
                );
            }
        }
    }
}
