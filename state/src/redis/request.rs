//! An operation as the keys and arguments of a script.

use super::Redis;
use super::scripts::Name;
use crate::calendar::Calendar;
use crate::identity::{Who, member};
use crate::kind::{Declaration, GREATEST, Kind, Limit, Period, Weekday, Window, reduced};
use crate::local::{DAYS, MARKS, SAMPLE, SlidingRule, SlotsRule};
use crate::operation::{Ask, Charge, Failure, Once, Operation};

/// A declaration with what is worked out once.
pub(super) struct State {
    kind: Kind,
    /// What the names of its entries begin with.
    begin: Box<str>,
    max_keys: i64,
    /// Where periods begin, for what has any.
    calendar: Option<Calendar>,
    /// For how long and how many, or zeros.
    remember: (i64, i64),
}

/// A call of a script.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) script: Name,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) arguments: Vec<Argument>,
}

#[derive(Debug)]
pub(super) enum Argument {
    Number(i64),
    Bytes(Vec<u8>),
}

impl State {
    pub(super) fn new(declaration: &Declaration, prefix: &str) -> Result<State, Limit> {
        declaration.check()?;
        let calendar = match &declaration.kind {
            Kind::Count { window } | Kind::Sum { window } | Kind::Distinct { window } => {
                match window {
                    Window::Sliding { .. } => None,
                    Window::Calendar {
                        period,
                        zone,
                        starts,
                        ..
                    } => Some(Calendar::new(zone, *period, *starts)),
                }
            }
            Kind::Budget { zone, .. } => Some(Calendar::new(zone, Period::Day, Weekday::Monday)),
            _ => None,
        };
        let number = |n: u64| i64::try_from(n).unwrap_or(GREATEST);
        let remember = declaration
            .remember
            .map(|remember| (remember.for_us, number(remember.most)));
        let identity = declaration.identity;
        let begin = match declaration.kind {
            Kind::Seen { .. } | Kind::Budget { .. } => {
                format!("{prefix}:{{reserve}}:{identity:016x}:")
            }
            _ => format!("{prefix}:{{{identity:016x}}}:{identity:016x}:"),
        };
        Ok(State {
            kind: declaration.kind.clone(),
            begin: begin.into(),
            max_keys: number(declaration.max_keys),
            calendar,
            remember: remember.unwrap_or((0, 0)),
        })
    }

    pub(super) fn lease_us(&self) -> i64 {
        match self.kind {
            Kind::Concurrency { lease_us, .. } | Kind::Reserve { lease_us, .. } => lease_us,
            _ => 0,
        }
    }

    /// The name of what stands under a key of this state.
    fn name(&self, section: &str, key: &[u8]) -> Vec<u8> {
        [self.begin.as_bytes(), section.as_bytes(), key].concat()
    }

    /// Where there is no key, there is nothing to count.
    fn most(&self, key: &[u8]) -> i64 {
        match key.is_empty() {
            true => 0,
            false => self.max_keys,
        }
    }

    /// The period of a time, or nothing that matters.
    fn span(&self, at_us: i64) -> (i64, i64) {
        self.calendar
            .as_ref()
            .map_or((0, 0), |calendar| calendar.span(at_us))
    }
}

impl Request {
    /// The entry that the request is about.
    pub(super) fn entry(&self) -> &[u8] {
        self.keys.first().map_or(&[], Vec::as_slice)
    }
}

impl Redis {
    pub(super) fn request(&self, operation: &Operation<'_>) -> Result<Request, Failure> {
        if let Ask::Reserve { once, within } = operation.ask {
            return self.reserve(operation, once, within);
        }
        let Operation { key, at_us, .. } = *operation;
        let state = self.state(operation.state)?;
        let adds = i64::from(matches!(operation.ask, Ask::Add { .. }));
        let amount = match operation.ask {
            Ask::Add { amount, .. } => amount,
            _ => 0,
        };
        let (script, own) = match (&state.kind, operation.ask) {
            (Kind::TokenBucket { rate, burst }, Ask::Take(n)) => {
                let (count, per) = reduced(rate.count, rate.per_us);
                (Name::Bucket, vec![i64::from(n), count, per, *burst])
            }
            (Kind::FixedWindow { limit, window_us }, Ask::Take(n)) => {
                (Name::Window, vec![i64::from(n), *limit, *window_us])
            }
            (Kind::SlidingLog { limit, window_us }, Ask::Take(n)) => {
                (Name::Log, vec![i64::from(n), *limit, *window_us])
            }
            (Kind::Concurrency { max, lease_us }, Ask::Enter { .. }) => {
                (Name::Slots, vec![*max, *lease_us])
            }
            (
                Kind::Reserve {
                    max,
                    critical,
                    lease_us,
                },
                Ask::Enter {
                    critical: is_critical,
                },
            ) => {
                let rule = SlotsRule::new(*max, *critical, *lease_us);
                (Name::Slots, vec![rule.most(is_critical), *lease_us])
            }
            (
                Kind::Ladder {
                    enter,
                    step,
                    recover,
                    ..
                },
                Ask::Sheds { class, load },
            ) => {
                let (share, per) = reduced(recover.share, recover.per_us);
                let enter = enter.saturating_add(step.saturating_mul(i64::from(class)));
                (Name::Ladder, vec![load.max(0), enter, share, per])
            }
            (Kind::Count { window } | Kind::Sum { window }, Ask::Add { .. } | Ask::Value) => {
                match window {
                    Window::Sliding { us, late_us } => {
                        let rule = SlidingRule {
                            us: *us,
                            late_us: *late_us,
                        };
                        let own = vec![
                            adds,
                            amount,
                            *us,
                            *late_us,
                            rule.kept_us(),
                            rule.pane_us(),
                            MARKS as i64,
                        ];
                        (Name::Marks, own)
                    }
                    Window::Calendar { late_us, .. } => {
                        let (start, end) = state.span(at_us);
                        (Name::Stretches, vec![adds, amount, start, end, *late_us])
                    }
                }
            }
            (Kind::Distinct { window }, Ask::Add { .. } | Ask::Value) => {
                let member = match operation.ask {
                    Ask::Add { member: bytes, .. } => member(bytes),
                    _ => 0,
                };
                let (start, end) = state.span(at_us);
                let own = match window {
                    Window::Sliding { us, late_us } => {
                        let rule = SlidingRule {
                            us: *us,
                            late_us: *late_us,
                        };
                        vec![
                            adds,
                            member,
                            0,
                            0,
                            *late_us,
                            *us,
                            rule.kept_us(),
                            SAMPLE as i64,
                        ]
                    }
                    Window::Calendar { late_us, .. } => {
                        vec![adds, member, start, end, *late_us, 0, 0, SAMPLE as i64]
                    }
                };
                (Name::Members, own)
            }
            _ => return Err(Failure::Unanswerable),
        };
        // A slot knows whose it is, and asking for a value changes nothing.
        let remember = match operation.ask {
            Ask::Enter { .. } | Ask::Value => (0, 0),
            _ => state.remember,
        };
        let who = Who::asks(operation.decision, operation.place).bytes();
        let mut keys = vec![
            state.name("k:", key),
            state.name("keys", b""),
            state.name("f:", &who),
            state.name("firsts", b""),
        ];
        if script == Name::Members {
            keys.push(state.name(&format!("s{:x}:", state.span(at_us).0), key));
        }
        let mut arguments = self.common(at_us, state.most(key), remember);
        arguments.extend(own.into_iter().map(Argument::number));
        if script == Name::Slots {
            arguments.push(Argument::Bytes(name_of(&who)));
        }
        Ok(Request {
            script,
            keys,
            arguments,
        })
    }

    fn reserve(
        &self,
        operation: &Operation<'_>,
        once: Option<Once<'_>>,
        within: Option<Charge<'_>>,
    ) -> Result<Request, Failure> {
        let at_us = operation.at_us;
        let who = Who::asks(operation.decision, operation.place).bytes();
        let seen = once.map(|once| self.state(once.state)).transpose()?;
        let budget = within.map(|charge| self.state(charge.state)).transpose()?;
        let keep_us = match seen.map(|state| &state.kind) {
            None => 0,
            Some(Kind::Seen { keep_us }) => *keep_us,
            Some(_) => return Err(Failure::Unanswerable),
        };
        let (total, per_key, per_day) = match budget.map(|state| &state.kind) {
            None => (None, None, None),
            Some(Kind::Budget {
                total,
                per_key,
                per_day,
                ..
            }) => (*total, *per_key, *per_day),
            Some(_) => return Err(Failure::Unanswerable),
        };
        let Some(either) = budget.or(seen) else {
            // Nothing is asked.
            return Err(Failure::Unanswerable);
        };
        let (seen_key, seen_state) = (
            once.map_or(&[][..], |once| once.key),
            seen.unwrap_or(either),
        );
        let (charge_key, budget_state) = (within.map_or(&[][..], |charge| charge.key), either);
        let keys = vec![
            seen_state.name("k:", seen_key),
            seen_state.name("keys", b""),
            budget_state.name("f:", &who),
            budget_state.name("firsts", b""),
            budget_state.name("k:", charge_key),
            budget_state.name("keys", b""),
            budget_state.name("purse", b""),
        ];
        // Together with `once`, the key that was seen knows.
        let remember = match once {
            Some(_) => (0, 0),
            None => budget_state.remember,
        };
        let mut arguments = self.common(at_us, seen_state.most(seen_key), remember);
        let ceiling = |ceiling: Option<i64>| Argument::Number(ceiling.unwrap_or(-1));
        arguments.extend([
            Argument::Number(i64::from(once.is_some())),
            Argument::Number(keep_us),
            Argument::Bytes(name_of(&who)),
            Argument::Number(i64::from(within.is_some())),
            Argument::number(within.map_or(0, |charge| charge.amount)),
            ceiling(total),
            ceiling(per_key),
            ceiling(per_day),
            Argument::number(budget_state.span(at_us).0),
            Argument::Number(DAYS as i64),
            Argument::Number(budget_state.most(charge_key)),
            Argument::Number(self.keep_budgets_ms),
        ]);
        Ok(Request {
            script: Name::Reserve,
            keys,
            arguments,
        })
    }

    fn common(&self, at_us: i64, most: i64, remember: (i64, i64)) -> Vec<Argument> {
        let (for_us, most_firsts) = remember;
        [at_us, self.linger_ms, most, for_us, most_firsts]
            .map(Argument::number)
            .into()
    }
}

impl Argument {
    /// Within what a script computes exactly.
    fn number(number: i64) -> Argument {
        Argument::Number(number.clamp(-GREATEST, GREATEST))
    }
}

/// In letters that a script can hold in a text.
pub(super) fn name_of(who: &[u8]) -> Vec<u8> {
    who.iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}
