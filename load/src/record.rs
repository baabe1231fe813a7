//! The record in which rules are told the load.

use std::fmt;
use std::time::Duration;

use tollgate::typed::{Fact, Shape};
use tollgate::{Facts, Input};

/// The load, as rules are given it: a parameter whose record has those of these fields that the rules read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Facts)]
pub struct Load {
    /// Requests in progress, this one not counted.
    pub in_flight: i64,
    /// Their share of what the host has room for, in billionths, at most 100%.
    pub busy: i64,
    /// The share of the last five seconds in which the workers were at work, in billionths.
    pub workers: i64,
    /// The share of failures among the tries of the last five seconds, in billionths: no response in time, or 500 and above.
    pub errors: i64,
    /// How long those same tries took: the median.
    pub p50: Duration,
    /// Of a hundred tries all but one took no longer.
    pub p99: Duration,
    /// The least priority number that an operator wants shed; 1,000,000 where none does.
    pub shed_from: i64,
}

/// The value of one field of the [`Load`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// A number.
    Count(i64),
    /// A share, in billionths.
    Share(i64),
    /// A length of time.
    Time(Duration),
}

impl Load {
    /// What is measured, by the names that rules have for it.
    ///
    /// ```
    /// let names: Vec<_> = tollgate_load::Load::names().collect();
    /// assert_eq!(names, ["in_flight", "busy", "workers", "errors", "p50", "p99", "shed_from"]);
    /// ```
    pub fn names() -> impl Iterator<Item = &'static str> {
        let fields = match <Load as Fact>::SHAPE {
            Shape::Record(record) => record.fields,
            _ => &[],
        };
        fields.iter().map(|(name, _)| *name)
    }

    /// Each field with its value, for a host that has facts without a type.
    ///
    /// ```
    /// use tollgate_load::{Measure, Meter};
    /// let meter = Meter::new(4);
    /// meter.began();
    /// let load = meter.load();
    /// let busy = load.measures().find(|(name, _)| *name == "busy");
    /// assert_eq!(busy, Some(("busy", Measure::Share(250_000_000))));
    /// assert_eq!(Measure::Share(250_000_000).to_string(), "25%");
    /// ```
    pub fn measures(&self) -> impl Iterator<Item = (&'static str, Measure)> {
        let values = [
            Measure::Count(self.in_flight),
            Measure::Share(self.busy),
            Measure::Share(self.workers),
            Measure::Share(self.errors),
            Measure::Time(self.p50),
            Measure::Time(self.p99),
            Measure::Count(self.shed_from),
        ];
        Load::names().zip(values)
    }
}

impl Measure {
    /// As a fact.
    pub fn input(self) -> Input<'static> {
        Input::Int(match self {
            Measure::Count(n) | Measure::Share(n) => n,
            Measure::Time(time) => i64::try_from(time.as_micros()).unwrap_or(i64::MAX),
        })
    }
}

/// As it is written in rules, and in JSON as a text: `12`, `37.5%`, `1500us`.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Billionths in a percent.
        const PERCENT: i64 = 10_000_000;
        match *self {
            Measure::Count(n) => write!(f, "{n}"),
            Measure::Share(n) if n % PERCENT == 0 => write!(f, "{}%", n / PERCENT),
            Measure::Share(n) => write!(f, "{}.{:07}%", n / PERCENT, n % PERCENT),
            Measure::Time(time) => write!(f, "{}us", time.as_micros()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate::{Call, Engine};

    use super::*;

    const RULES: &str = "
        record Load {
          in_flight: Int, busy: Percent, workers: Percent, errors: Percent, p50: Duration, p99: Duration, shed_from: Int
        }
        ruleset same(load: Load) -> Load hit first { otherwise load }
    ";

    /// The typed door, that of untyped values and JSON tell the rules the same.
    #[test]
    fn every_door_tells_the_same() {
        let load = Load {
            in_flight: 7,
            busy: 750_000_000,
            workers: 123_456_789,
            errors: 5,
            p50: Duration::from_micros(1_500),
            p99: Duration::from_secs(61),
            shed_from: 95,
        };
        let program = Engine::new().compile_source("x.rules", RULES).unwrap();
        let bound = program.bind::<Load>("same").unwrap();
        let call = Call { id: "1", time: 0 };
        let mut session = program.session();
        let typed = session.decide_bound(&bound, &load, &call);
        let typed = typed.unwrap().value_json();
        let inputs: Vec<(&str, Input<'_>)> =
            load.measures().map(|(name, m)| (name, m.input())).collect();
        let untyped = session.decide("same", &[Input::Map(&inputs)], &call);
        assert_eq!(untyped.unwrap().value_json(), typed);
        let texts = load.measures().map(|(name, measure)| match measure {
            Measure::Count(n) => format!("\"{name}\":{n}"),
            _ => format!("\"{name}\":\"{measure}\""),
        });
        let json = format!("{{{}}}", texts.collect::<Vec<_>>().join(","));
        let read = session.decide_json("same", json.as_bytes(), &call);
        assert_eq!(read.unwrap().value_json(), typed);
    }
}
