//! A model that is obviously right: it keeps everything that ever happened and counts it again for each answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use tollgate_state::kind::{GREATEST, ONE};
use tollgate_state::{
    Answer, Ask, Declaration, Failure, Kind, Operation, Outcome, Period, Rate, Weekday, Window,
};

pub(crate) struct Model {
    declarations: Vec<Declaration>,
    /// What was granted or counted, by state and key.
    past: BTreeMap<(u32, Vec<u8>), Vec<Past>>,
    /// What was spent, by state.
    spent: BTreeMap<u32, Vec<Charged>>,
    /// First answers, by state, decision and place.
    firsts: BTreeMap<(u32, Vec<u8>, u32), (i64, Answer)>,
}

#[derive(Clone, Debug)]
struct Past {
    at: i64,
    amount: i64,
    who: (Vec<u8>, u32),
    member: Vec<u8>,
    /// The calendar's name for the period of `at`, where the state has periods.
    period: String,
    gone: bool,
}

/// Adds something at a time: the amount and the member.
type Push<'a> = &'a mut dyn FnMut(&mut Vec<Past>, i64, i64, &[u8]);

struct Charged {
    day: String,
    key: Vec<u8>,
    amount: i64,
}

impl Model {
    pub(crate) fn new(declarations: &[Declaration]) -> Model {
        Model {
            declarations: declarations.to_vec(),
            past: BTreeMap::new(),
            spent: BTreeMap::new(),
            firsts: BTreeMap::new(),
        }
    }

    pub(crate) fn ask(&mut self, operation: &Operation<'_>) -> Outcome {
        let Operation {
            state,
            at_us,
            decision,
            place,
            ..
        } = *operation;
        if let Ask::Reserve { .. } = operation.ask {
            return Outcome::Answer(Answer::Bool(self.reserve(operation)));
        }
        let declaration = self.declarations[state as usize].clone();
        let first = (state, decision.to_vec(), place);
        let remembered = declaration
            .remember
            .filter(|_| !matches!(operation.ask, Ask::Enter { .. } | Ask::Value));
        if let Some(remember) = remembered
            && let Some((at, answer)) = self.firsts.get(&first)
            && at_us < at + remember.for_us
        {
            return Outcome::Answer(*answer);
        }
        let outcome = self.answer(&declaration.kind, operation);
        if let Outcome::Answer(answer) = outcome
            && !matches!(answer, Answer::Taken { granted: false, .. })
            && remembered.is_some()
        {
            self.firsts.insert(first, (at_us, answer));
        }
        outcome
    }

    pub(crate) fn finish(&mut self, decision: &[u8]) {
        for past in self.past.values_mut().flatten() {
            past.gone |= past.who.0 == decision;
        }
    }

    fn answer(&mut self, kind: &Kind, operation: &Operation<'_>) -> Outcome {
        let Operation {
            state,
            key,
            at_us,
            decision,
            place,
            ask,
        } = *operation;
        let past = self.past.entry((state, key.to_vec())).or_default();
        let latest = past.iter().map(|p| p.at).max().unwrap_or(i64::MIN);
        let now = at_us.max(latest);
        let mut push = |past: &mut Vec<Past>, at, amount, member: &[u8]| {
            past.push(Past {
                at,
                amount,
                who: (decision.to_vec(), place),
                member: member.to_vec(),
                period: period_of(kind, at),
                gone: false,
            });
        };
        let answer = match (kind, ask) {
            (Kind::TokenBucket { rate, burst }, Ask::Take(n)) => {
                let taken = bucket(*rate, *burst, past, now, i64::from(n), at_us);
                if matches!(taken, Answer::Taken { granted: true, .. }) && n > 0 {
                    push(past, now, i64::from(n), b"");
                }
                taken
            }
            (Kind::FixedWindow { limit, window_us }, Ask::Take(n)) => {
                let window = |at: i64| at.div_euclid(*window_us);
                let n = i64::from(n);
                let used: i64 = past
                    .iter()
                    .filter(|p| window(p.at) == window(now))
                    .map(|p| p.amount)
                    .sum();
                if used + n <= *limit {
                    if n > 0 {
                        push(past, now, n, b"");
                    }
                    taken(true, None, limit - used - n)
                } else {
                    let next = (window(now) + 1) * window_us - at_us;
                    taken(
                        false,
                        Some(if n <= *limit { next } else { GREATEST }),
                        limit - used,
                    )
                }
            }
            (Kind::SlidingLog { limit, window_us }, Ask::Take(n)) => {
                let n = i64::from(n);
                let used = |t: i64| -> i64 {
                    past.iter()
                        .filter(|p| t - window_us < p.at && p.at <= t)
                        .map(|p| p.amount)
                        .sum()
                };
                if used(now) + n <= *limit {
                    let left = limit - used(now) - n;
                    if n > 0 {
                        push(past, now, n, b"");
                    }
                    taken(true, None, left)
                } else {
                    // Something becomes free only when something leaves the window.
                    let mut times: Vec<i64> = past
                        .iter()
                        .map(|p| p.at + window_us)
                        .filter(|t| *t > now)
                        .collect();
                    times.sort();
                    let free = times.into_iter().find(|t| used(*t) + n <= *limit);
                    taken(
                        false,
                        Some(free.map_or(GREATEST, |t| t - at_us)),
                        limit - used(now),
                    )
                }
            }
            (Kind::Concurrency { max, lease_us }, Ask::Enter { .. }) => {
                enter(past, *max, *lease_us, now, &mut push, (decision, place))
            }
            (
                Kind::Reserve {
                    max,
                    critical,
                    lease_us,
                },
                Ask::Enter { critical: c },
            ) => {
                let kept = (0..=*max)
                    .find(|kept| kept * ONE >= max * critical)
                    .unwrap_or(*max);
                let most = if c { *max } else { max - kept };
                enter(past, most, *lease_us, now, &mut push, (decision, place))
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
                push(past, now, load, b"");
                let fade = |p: &Past| {
                    let fade = i128::from(now - p.at) * i128::from(recover.share)
                        / i128::from(recover.per_us);
                    i128::from(p.amount) - fade
                };
                let load = past.iter().map(fade).max().expect("this one").max(0);
                Answer::Bool(load >= i128::from(enter + step * i64::from(class)))
            }
            (
                Kind::Count { window } | Kind::Sum { window } | Kind::Distinct { window },
                Ask::Add { .. } | Ask::Value,
            ) => {
                if let Window::Sliding { late_us, .. } = window
                    && at_us < latest.saturating_sub(*late_us)
                {
                    return Outcome::Failed(Failure::Late);
                }
                if let Ask::Add { amount, member } = ask {
                    push(past, at_us, amount, member);
                }
                let distinct = matches!(kind, Kind::Distinct { .. });
                let period = period_of(kind, at_us);
                let counts = |p: &&Past| match window {
                    // What `Distinct` sees of a late event is what came after it as well.
                    Window::Sliding { us, .. } => at_us - us < p.at && (p.at <= at_us || distinct),
                    Window::Calendar { .. } => p.period == period,
                };
                let counted = past.iter().filter(counts);
                Answer::Number(match distinct {
                    true => counted.map(|p| &p.member).collect::<BTreeSet<_>>().len() as i64,
                    false => counted.map(|p| p.amount).sum(),
                })
            }
            _ => return Outcome::Failed(Failure::Unanswerable),
        };
        Outcome::Answer(answer)
    }

    fn reserve(&mut self, operation: &Operation<'_>) -> bool {
        let Operation {
            at_us,
            decision,
            place,
            ask,
            ..
        } = *operation;
        let Ask::Reserve { once, within } = ask else {
            unreachable!("asked above")
        };
        let who = (decision.to_vec(), place);
        if let Some(once) = once {
            let Kind::Seen { keep_us } = self.declarations[once.state as usize].kind else {
                panic!("not a `Seen`");
            };
            let past = self
                .past
                .entry((once.state, once.key.to_vec()))
                .or_default();
            if let Some(first) = past.last().filter(|p| at_us < p.at + keep_us) {
                return first.who == who;
            }
        }
        if let Some(charge) = within {
            let declaration = &self.declarations[charge.state as usize];
            let Kind::Budget {
                total,
                per_key,
                per_day,
                zone,
            } = &declaration.kind
            else {
                panic!("not a `Budget`");
            };
            let first = (charge.state, decision.to_vec(), place);
            if once.is_none()
                && let Some(remember) = declaration.remember
                && let Some((at, _)) = self.firsts.get(&first)
                && at_us < at + remember.for_us
            {
                return true;
            }
            let day = label(at_us, Period::Day, zone, Weekday::Monday);
            let charged = self.spent.entry(charge.state).or_default();
            let sum = |of: &dyn Fn(&&Charged) -> bool| {
                charged.iter().filter(of).map(|c| c.amount).sum::<i64>()
            };
            let fits = |spent: i64, ceiling: &Option<i64>| {
                ceiling.is_none_or(|ceiling| spent + charge.amount <= ceiling)
            };
            let granted = charge.amount >= 0
                && fits(sum(&|_| true), total)
                && fits(sum(&|c| c.day == day), per_day)
                && fits(sum(&|c| c.key == charge.key), per_key);
            if !granted {
                return false;
            }
            charged.push(Charged {
                day,
                key: charge.key.to_vec(),
                amount: charge.amount,
            });
            if once.is_none() && declaration.remember.is_some() {
                self.firsts.insert(first, (at_us, Answer::Bool(true)));
            }
        }
        if let Some(once) = once {
            let past = self
                .past
                .entry((once.state, once.key.to_vec()))
                .or_default();
            past.push(Past {
                at: at_us,
                amount: 0,
                who,
                member: Vec::new(),
                period: String::new(),
                gone: false,
            });
        }
        true
    }
}

fn taken(granted: bool, wait_us: Option<i64>, left: i64) -> Answer {
    Answer::Taken {
        granted,
        wait_us,
        left,
    }
}

/// Fills and empties the bucket again from the beginning.
fn bucket(rate: Rate, burst: i64, past: &[Past], now: i64, n: i64, at_us: i64) -> Answer {
    // In parts of a token, of which there are `per_us`.
    let (count, per) = (i128::from(rate.count), i128::from(rate.per_us));
    let full = i128::from(burst) * per;
    let mut level = full;
    let mut time = i64::MIN;
    for p in past {
        level = (level + (i128::from(p.at) - i128::from(time)) * count).min(full)
            - i128::from(p.amount) * per;
        time = p.at;
    }
    level = (level + (i128::from(now) - i128::from(time)) * count).min(full);
    let wanted = i128::from(n) * per;
    if wanted <= level {
        return taken(true, None, ((level - wanted) / per) as i64);
    }
    let wait = (0..)
        .map(|i| i as i64)
        .find(|wait| level + i128::from(*wait) * count >= wanted);
    let wait = if n <= burst {
        wait.expect("it comes") + now - at_us
    } else {
        GREATEST
    };
    taken(false, Some(wait), (level / per) as i64)
}

fn enter(
    past: &mut Vec<Past>,
    most: i64,
    lease_us: i64,
    now: i64,
    push: Push<'_>,
    who: (&[u8], u32),
) -> Answer {
    let held: Vec<&Past> = past
        .iter()
        .filter(|p| !p.gone && p.at + lease_us > now)
        .collect();
    let has = held.iter().any(|p| p.who.0 == who.0 && p.who.1 == who.1);
    let free = (held.len() as i64) < most;
    if !has && free {
        push(past, now, 1, b"");
    }
    Answer::Bool(has || free)
}

/// The name of the period that a counter files a time under, if it counts by the calendar.
fn period_of(kind: &Kind, at_us: i64) -> String {
    match kind {
        Kind::Count { window } | Kind::Sum { window } | Kind::Distinct { window } => match window {
            Window::Calendar {
                period,
                zone,
                starts,
                ..
            } => label(at_us, *period, zone, *starts),
            Window::Sliding { .. } => String::new(),
        },
        _ => String::new(),
    }
}

/// Names the period of a time: times of the same period have the same name.
fn label(at_us: i64, period: Period, zone: &str, starts: Weekday) -> String {
    let at = Timestamp::from_microsecond(at_us).expect("in range");
    let date = TimeZone::get(zone).expect("a zone").to_datetime(at).date();
    match period {
        Period::Day => date.to_string(),
        Period::Month => date.strftime("%Y-%m").to_string(),
        Period::Year => date.strftime("%Y").to_string(),
        Period::Week => {
            // One day after the other, back to the one that a week starts with.
            let mut day = date;
            while day.weekday().to_monday_zero_offset() as i64 != starts as i64 {
                day = day.yesterday().expect("in range");
            }
            day.to_string()
        }
    }
}
