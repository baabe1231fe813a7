//! What came of a simulation.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_load::{Histogram, Load};

use crate::chart;
use crate::scenario::{Scenario, ShedFrom};
use crate::series::{Line, Series};

/// What came of a simulation.
#[derive(Clone, Debug)]
pub struct Report {
    /// The entry that admitted and shed.
    pub entry: String,
    /// What all that was drawn came from.
    pub seed: u64,
    /// Workers of the fleet.
    pub workers: u32,
    /// What figures are told apart by, if not by class: a fact.
    pub by: Option<String>,
    /// Each class of traffic, in the order of the scenario; or each value of the fact, in the order in which they came.
    pub classes: Vec<ClassReport>,
    /// How often each rule decided, in the order of the source; those that never did are left out.
    pub rules: Vec<(String, u64)>,
    /// How often there was each answer.
    pub answers: Vec<(String, u64)>,
    /// The most that was measured of the load.
    pub peak: Peak,
    /// Lines of the trace that were not played.
    pub bad_lines: u64,
    /// What whoever reads this should know of the rules or the scenario.
    pub notes: Vec<String>,
    pub(crate) shed_from: Vec<ShedFrom>,
    pub(crate) series: Series,
}

/// What came of a class, or of the requests in which a fact has one value. `arrived` = `admitted` + `shed` + `refused`, and `admitted` = `finished` + `timed_out` + `no_room`.
#[derive(Clone, Debug, Default)]
pub struct ClassReport {
    /// What it is called.
    pub name: String,
    /// Requests, however often a client asked.
    pub requests: u64,
    /// Times that clients asked.
    pub arrived: u64,
    /// Of those, how often the rules let them in.
    pub admitted: u64,
    /// How often they did not.
    pub shed: u64,
    /// How often the facts broke a rule of the schema, so that nothing was decided.
    pub refused: u64,
    /// Of the admitted, how many had their response.
    pub finished: u64,
    /// How many did not have it in time.
    pub timed_out: u64,
    /// How many found neither a worker nor a place in the queue.
    pub no_room: u64,
    pub(crate) took: Histogram,
}

/// The most that was measured: of what rules were told, and at the end of each window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Peak {
    /// Requests in progress.
    pub in_flight: i64,
    /// Their share of the capacity, in billionths.
    pub busy: i64,
    /// The share of time in which workers were at work, in billionths.
    pub workers: i64,
    /// The share of failures, in billionths.
    pub errors: i64,
    /// What all but one of a hundred took.
    pub p99: Duration,
}

/// A column of the table: its head, and what stands in it.
type Column<'c> = (&'c str, fn(&ClassReport) -> String);

/// What is told while a simulation goes on.
#[derive(Debug)]
pub enum Told<'t> {
    /// How far it is.
    Progress {
        /// Requests that were decided about.
        requests: u64,
        /// The time that has passed in it.
        passed: Duration,
    },
    /// A line of the trace is not played.
    Line {
        /// Which, from 1.
        line: u64,
        /// Why.
        reason: &'t str,
    },
    /// A request violates the schema of the rules.
    Refused {
        /// Its class.
        class: &'t str,
        /// Why.
        reason: &'t tollgate::Error,
    },
}

impl Peak {
    pub(crate) fn see(&mut self, load: &Load) {
        self.in_flight = self.in_flight.max(load.in_flight);
        self.busy = self.busy.max(load.busy);
        self.workers = self.workers.max(load.workers);
        self.errors = self.errors.max(load.errors);
        self.p99 = self.p99.max(load.p99);
    }
}

impl ClassReport {
    pub(crate) fn of(scenario: &Scenario) -> Vec<ClassReport> {
        let named = |name: &str| ClassReport {
            name: name.to_owned(),
            ..ClassReport::default()
        };
        match &scenario.classes[..] {
            [] => vec![named("all")],
            classes => classes.iter().map(|class| named(&class.name)).collect(),
        }
    }

    /// How long responses took of those that were admitted and finished, from asking to the end, waiting in the queue included: so many
    /// percent took no longer. At most an eighth too high; `None` where none finished.
    pub fn quantile(&self, percent: u64) -> Option<Duration> {
        self.took.quantile(percent)
    }

    /// The share of requests that had their response in the end, 0 to 1; `None` where there were none.
    pub fn served(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.finished as f64 / self.requests as f64)
    }

    fn add(&mut self, other: &ClassReport) {
        self.requests += other.requests;
        self.arrived += other.arrived;
        self.admitted += other.admitted;
        self.shed += other.shed;
        self.refused += other.refused;
        self.finished += other.finished;
        self.timed_out += other.timed_out;
        self.no_room += other.no_room;
        self.took.merge(&other.took);
    }
}

impl Report {
    /// All classes together.
    pub fn all(&self) -> ClassReport {
        let mut all = ClassReport {
            name: "all".into(),
            ..ClassReport::default()
        };
        self.classes.iter().for_each(|class| all.add(class));
        all
    }

    /// How long it lasted, in its own time.
    pub fn span(&self) -> Duration {
        self.series.span()
    }

    /// For people: a row for each class, or each value of the fact, then the load and the rules.
    pub fn render(&self) -> String {
        let all = self.all();
        let mut rows: Vec<&ClassReport> = self.classes.iter().collect();
        if rows.len() > 1 {
            rows.push(&all);
        }
        let by = self.by.as_deref().unwrap_or_default();
        let mut columns: Vec<Column<'_>> = vec![(by, |c| c.name.clone())];
        if all.requests != all.arrived {
            columns.push(("requests", |c| thousands(c.requests)));
        }
        columns.push(("arrived", |c| thousands(c.arrived)));
        columns.push(("admitted", |c| thousands(c.admitted)));
        columns.push(("shed", |c| thousands(c.shed)));
        if all.refused > 0 {
            columns.push(("refused", |c| thousands(c.refused)));
        }
        columns.push(("finished", |c| thousands(c.finished)));
        columns.push(("timed out", |c| thousands(c.timed_out)));
        columns.push(("no room", |c| thousands(c.no_room)));
        columns.push(("served", |c| {
            c.served()
                .map_or("-".into(), |share| format!("{:.1}%", share * 100.0))
        }));
        columns.push(("p50", |c| c.quantile(50).map_or("-".into(), time)));
        columns.push(("p99", |c| c.quantile(99).map_or("-".into(), time)));
        let mut out = table(&columns, &rows);
        let Peak {
            in_flight,
            busy,
            workers,
            errors,
            p99,
        } = self.peak;
        let percent = |billionths: i64| format!("{:.0}%", billionths as f64 / 1e7);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "\nat most: {} in flight, {} busy, workers {} at work, {} errors, p99 {}",
            thousands(in_flight.unsigned_abs()),
            percent(busy),
            percent(workers),
            percent(errors),
            time(p99)
        );
        let rules = self.rules.iter();
        let rules: Vec<String> = rules
            .map(|(rule, n)| format!("{rule} {}", thousands(*n)))
            .collect();
        let _ = writeln!(out, "decided by: {}", rules.join(", "));
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }

    /// For machines: one JSON object. Times are in seconds, shares from 0 to 1.
    pub fn to_json(&self) -> String {
        let class = |class: &ClassReport| {
            let seconds = |percent| class.quantile(percent).map(|time| time.as_secs_f64());
            json!({
                "name": class.name, "requests": class.requests, "arrived": class.arrived, "admitted": class.admitted, "shed": class.shed,
                "refused": class.refused, "finished": class.finished, "timed_out": class.timed_out, "no_room": class.no_room,
                "served": class.served(), "p50_seconds": seconds(50), "p99_seconds": seconds(99),
            })
        };
        let share = |billionths: i64| billionths as f64 / 1e9;
        let bins = &self.series.bins;
        let line = |line| -> Vec<Option<f64>> { bins.iter().map(|bin| bin.share(line)).collect() };
        let took = |percent| -> Vec<Option<f64>> {
            let took = bins.iter().map(|bin| bin.took.quantile(percent));
            took.map(|time| time.map(|time| time.as_secs_f64()))
                .collect()
        };
        let by_class: Vec<Value> = (0..self.classes.len())
            .map(|at| {
                let of = |what: fn(&crate::series::Bin) -> &Vec<u64>| -> Vec<u64> {
                    bins.iter().map(|bin| what(bin)[at]).collect()
                };
                json!({
                    "name": self.classes[at].name,
                    "admitted": of(|bin| &bin.admitted), "shed": of(|bin| &bin.shed), "failed": of(|bin| &bin.failed),
                })
            })
            .collect();
        let pairs = |pairs: &[(String, u64)]| -> Value {
            let pairs = pairs.iter().map(|(name, n)| (name.clone(), json!(n)));
            Value::Object(pairs.collect())
        };
        let object = json!({
            "entry": self.entry, "seed": self.seed, "workers": self.workers, "by": self.by,
            "classes": self.classes.iter().map(class).collect::<Vec<_>>(),
            "all": class(&self.all()),
            "rules": pairs(&self.rules),
            "answers": pairs(&self.answers),
            "peak": {
                "in_flight": self.peak.in_flight, "busy": share(self.peak.busy), "workers": share(self.peak.workers),
                "errors": share(self.peak.errors), "p99_seconds": self.peak.p99.as_secs_f64(),
            },
            "bad_lines": self.bad_lines,
            "notes": self.notes,
            "series": {
                "step_seconds": self.series.width as f64 / 1e6,
                "classes": by_class,
                "busy": line(Line::Busy), "workers": line(Line::Workers), "errors": line(Line::Errors),
                "p50_seconds": took(50), "p99_seconds": took(99),
            },
        });
        object.to_string()
    }

    /// A picture (SVG): what was admitted, shed and failed by class over time, the load, and how long responses took. Light or dark as whoever
    /// looks at it prefers.
    pub fn to_svg(&self) -> String {
        chart::draw(self)
    }
}

/// A table: the first column to the left, the others to the right.
fn table(columns: &[Column<'_>], rows: &[&ClassReport]) -> String {
    let mut lines = vec![String::new(); rows.len() + 1];
    for (i, (head, cell)) in columns.iter().enumerate() {
        let mut cells = vec![(*head).to_owned()];
        cells.extend(rows.iter().map(|row| cell(row)));
        let width = cells.iter().map(|cell| cell.chars().count()).max();
        let width = width.unwrap_or_default();
        for (line, cell) in lines.iter_mut().zip(&cells) {
            *line += &match i {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
    }
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// A length of time with three digits at most: `850us`, `12.3ms`, `4.56s`.
pub(crate) fn time(time: Duration) -> String {
    let micros = time.as_micros() as f64;
    let (value, unit) = match time.as_micros() {
        0..1_000 => return format!("{micros}us"),
        1_000..999_500 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    match value {
        ..9.995 => format!("{value:.2}{unit}"),
        ..99.95 => format!("{value:.1}{unit}"),
        _ => format!("{value:.0}{unit}"),
    }
}

/// A number with its thousands apart, as people read it.
///
/// ```
/// assert_eq!([0, 999, 1_000, 1_223_456].map(tollgate_simulate::thousands), ["0", "999", "1,000", "1,223,456"]);
/// ```
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let times = [0, 999, 1_000, 9_994, 12_340, 999_499, 999_500, 61_000_000];
        let texts = times.map(|micros| time(Duration::from_micros(micros)));
        assert_eq!(
            texts,
            [
                "0us", "999us", "1.00ms", "9.99ms", "12.3ms", "999ms", "1.00s", "61.0s"
            ]
        );
    }
}
