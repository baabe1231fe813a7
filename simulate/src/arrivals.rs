//! What arrives: drawn from a seed, or read from a trace.

use std::io::BufRead;

use fastrand::Rng;

use crate::facts::{Slot, Taken, inside};
use crate::scenario::{Burst, Class, Law, Micros, Scenario};
use crate::trace::Trace;

/// Microseconds in a second.
pub(crate) const SECOND: f64 = 1e6;
/// The longest that a request can take a worker, in microseconds: a day.
const LONGEST: f64 = 86_400.0 * SECOND;

/// Where arrivals come from.
pub enum Traffic<'t> {
    /// From the bursts of the scenario.
    Bursts,
    /// From a trace: CSV with a line of names first, or JSON lines. Read line by line.
    Trace(Box<dyn BufRead + 't>),
}

/// A request as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Microseconds since the simulation began.
    pub(crate) at: u64,
    pub(crate) class: usize,
    /// How long a worker takes for it, in microseconds.
    pub(crate) service: u64,
    /// What its facts are filled with.
    pub(crate) filled: Box<[String]>,
}

/// A line of a trace that is not played; 0 where it is none of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct BadLine {
    pub(crate) line: u64,
    pub(crate) reason: String,
}

/// What comes next: an arrival, or a line that is none.
pub(crate) type Next = Result<Arrival, BadLine>;

/// Where arrivals come from, in the order of time.
pub(crate) trait Source {
    /// What comes next.
    fn next(&mut self) -> Option<Next>;
    /// The instant of the first arrival, in microseconds since 1970, where it is known.
    fn start(&self) -> Option<i64>;
}

/// What is known of a request besides its time, by name.
pub(crate) trait Columns {
    /// A column as text.
    fn text(&self, name: &str) -> Option<String>;
}

/// No columns: what is drawn has none.
pub(crate) struct NoColumns;

impl Columns for NoColumns {
    fn text(&self, _: &str) -> Option<String> {
        None
    }
}

/// Draws what nobody says about a request.
pub(crate) struct Drawer<'s> {
    scenario: &'s Scenario,
    taken: &'s Taken,
    rng: Rng,
    shares: u64,
}

impl<'s> Drawer<'s> {
    /// `stream` tells what is drawn beside one another apart, so that a burst more changes nothing about the others.
    pub(crate) fn new(scenario: &'s Scenario, taken: &'s Taken, stream: u64) -> Drawer<'s> {
        let shares = scenario.classes.iter().map(|class| u64::from(class.share));
        Drawer {
            scenario,
            taken,
            rng: rng(scenario.seed, stream),
            shares: shares.sum(),
        }
    }

    /// A request of a class, or of one by the shares.
    ///
    /// # Errors
    /// When a column is missing or is not what it has to be.
    pub(crate) fn arrival(
        &mut self,
        at: u64,
        class: Option<usize>,
        key: Option<String>,
        columns: &impl Columns,
    ) -> Result<Arrival, String> {
        let class = class.unwrap_or_else(|| self.class());
        let of = self.scenario.classes.get(class);
        // Drawn whether it is asked for or not, so that other rules see the same traffic.
        let drawn = self.rng.u32(0..of.map_or(1, |class| class.keys));
        let law = of.and_then(|class| class.service.as_ref());
        let service = self.service(law.unwrap_or(&self.scenario.service), columns)?;
        let mut filled = Vec::new();
        for slot in self.taken.slots(class) {
            filled.push(match slot {
                Slot::Key => match &key {
                    Some(key) => inside(key),
                    None => inside(&format!("{}-{drawn}", name(of))),
                },
                Slot::Text(name) => inside(&column_text(columns, name)?),
                Slot::Int(name) => {
                    let text = column_text(columns, name)?;
                    let number = text.trim().parse::<i64>();
                    let number = number
                        .map_err(|_| format!("`{name}` is `{text}`, which is no whole number"))?;
                    number.to_string()
                }
            });
        }
        Ok(Arrival {
            at,
            class,
            service,
            filled: filled.into(),
        })
    }

    fn class(&mut self) -> usize {
        if self.shares == 0 {
            return 0;
        }
        let mut left = self.rng.u64(0..self.shares);
        let shares = self.scenario.classes.iter().map(|c| u64::from(c.share));
        let found = { shares }.position(|share| match left.checked_sub(share) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        found.unwrap_or(0)
    }

    fn service(&mut self, law: &Law, columns: &impl Columns) -> Result<u64, String> {
        let micros = match law {
            Law::Fixed { time } => time.0 as f64,
            Law::Exponential { mean } => mean.0 as f64 * exponential(&mut self.rng),
            Law::Lognormal { median, sigma } => {
                median.0 as f64 * libm::exp(sigma * normal(&mut self.rng))
            }
            Law::Columns { base, per } => {
                let mut sum = base.0 as f64;
                for (name, unit) in per {
                    sum += unit.0 as f64 * number(columns, name)?;
                }
                sum
            }
        };
        Ok(micros.clamp(1.0, LONGEST) as u64)
    }
}

/// What the bursts of a scenario come to.
pub(crate) struct Bursts<'s>(Vec<Stream<'s>>);

pub(crate) fn bursts<'s>(scenario: &'s Scenario, taken: &'s Taken) -> Bursts<'s> {
    let mut streams: Vec<Stream<'s>> = Vec::new();
    for (i, burst) in scenario.bursts.iter().enumerate() {
        // The name was looked up when the scenario was checked.
        let class = burst.class.as_ref();
        let class = class.and_then(|name| scenario.class(name).ok());
        let mut stream = Stream {
            burst,
            class,
            drawer: Drawer::new(scenario, taken, 2 * i as u64),
            rng: rng(scenario.seed, 2 * i as u64 + 1),
            passed: 0.0,
            next: None,
        };
        stream.step();
        streams.push(stream);
    }
    Bursts(streams)
}

impl Source for Bursts<'_> {
    fn next(&mut self) -> Option<Next> {
        let with_next = self.0.iter_mut().filter(|s| s.next.is_some());
        // Of equals the first in the scenario.
        let stream = with_next.min_by_key(|s| s.next)?;
        let at = stream.next?;
        stream.step();
        let arrival = stream.drawer.arrival(at, stream.class, None, &NoColumns);
        Some(arrival.map_err(|reason| BadLine {
            line: 0,
            reason: format!("a request that is drawn has no columns: {reason}"),
        }))
    }

    fn start(&self) -> Option<i64> {
        None
    }
}

/// What a trace comes to.
pub(crate) fn trace<'s>(
    scenario: &'s Scenario,
    taken: &'s Taken,
    input: Box<dyn BufRead + 's>,
) -> Trace<'s> {
    Trace::new(scenario, Drawer::new(scenario, taken, 0), input)
}

/// A burst as it goes on.
struct Stream<'s> {
    burst: &'s Burst,
    class: Option<usize>,
    drawer: Drawer<'s>,
    rng: Rng,
    /// Microseconds since the burst began.
    passed: f64,
    /// When the next request arrives.
    next: Option<u64>,
}

impl Stream<'_> {
    /// The next arrival of a Poisson process whose rate changes, by thinning (Lewis, Shedler 1979): arrivals are drawn at the greatest rate, and
    /// each is kept with the share that the rate has of that.
    fn step(&mut self) {
        let Burst {
            from: Micros(from),
            lasts: Micros(lasts),
            rate,
            to,
            ..
        } = *self.burst;
        let to = to.unwrap_or(rate);
        let most = rate.max(to);
        self.next = None;
        if most <= 0.0 {
            return;
        }
        loop {
            self.passed += exponential(&mut self.rng) * SECOND / most;
            if self.passed >= lasts as f64 {
                return;
            }
            let now = rate + (to - rate) * self.passed / lasts as f64;
            if self.rng.f64() * most < now {
                self.next = Some(from + self.passed as u64);
                return;
            }
        }
    }
}

/// A generator for one thing that is drawn.
pub(crate) fn rng(seed: u64, stream: u64) -> Rng {
    // Neighbouring seeds must not give what was drawn for neighbouring streams.
    let mut of_seed = Rng::with_seed(seed);
    Rng::with_seed(of_seed.u64(..) ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A number to be measured in: finite, not less than 0.
pub(crate) fn number(columns: &impl Columns, name: &str) -> Result<f64, String> {
    let text = column_text(columns, name)?;
    let number = text.trim().parse::<f64>().ok();
    let number = number.filter(|n| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| format!("`{name}` is `{text}`, which is no number of at least 0"))
}

pub(crate) fn column_text(columns: &impl Columns, name: &str) -> Result<String, String> {
    let found = columns.text(name);
    found.ok_or_else(|| format!("it has no `{name}`, which the scenario asks for"))
}

fn name(class: Option<&Class>) -> &str {
    class.map_or("all", |class| &class.name)
}

/// Exponentially distributed with a mean of 1.
fn exponential(rng: &mut Rng) -> f64 {
    // What is drawn is less than 1, so that there is a logarithm.
    -libm::log(1.0 - rng.f64())
}

/// Normally distributed with a mean of 0 and a deviation of 1 (Box, Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = libm::sqrt(2.0 * exponential(rng));
    radius * libm::cos(2.0 * std::f64::consts::PI * rng.f64())
}

#[cfg(test)]
mod tests {
    use tollgate::Engine;

    use super::*;

    fn arrivals(scenario: &str) -> Vec<Arrival> {
        let rules = "ruleset yes(n: Int) -> Bool hit first { otherwise true }";
        let program = Engine::new().compile_source("x.rules", rules).unwrap();
        let scenario = Scenario::parse(&format!("facts.n = 1\n{scenario}")).unwrap();
        let taken = Taken::new(&program, "yes", &scenario).unwrap();
        let mut bursts = bursts(&scenario, &taken);
        std::iter::from_fn(|| bursts.next())
            .map(Result::unwrap)
            .collect()
    }

    /// Within five deviations of what is expected: for a Poisson process that is the root of the number.
    #[track_caller]
    fn about(found: usize, expected: f64) {
        let off = (found as f64 - expected).abs();
        assert!(off < 5.0 * expected.sqrt(), "{found} instead of {expected}");
    }

    #[test]
    fn a_burst_has_its_rate_and_classes_their_shares() {
        let scenario = r#"
            class = [{ name = "a", share = 3 }, { name = "b", share = 1 }]
            burst = [{ for = "100s", rate = 100 }, { from = "50s", for = "10s", rate = 0, to = 400, class = "b" }]
        "#;
        let all = arrivals(scenario);
        assert!(all.is_sorted_by_key(|a| a.at));
        about(all.len(), 10_000.0 + 2_000.0);
        about(all.iter().filter(|a| a.class == 0).count(), 7_500.0);
        let late = all
            .iter()
            .filter(|a| (55_000_000..60_000_000).contains(&a.at));
        about(late.count(), 500.0 + 1_500.0);
    }

    #[test]
    fn a_burst_more_changes_nothing_about_the_others() {
        let one = arrivals("burst = [{ for = \"5s\", rate = 100 }]");
        let two = arrivals(
            "burst = [{ for = \"5s\", rate = 100 }, { from = \"9s\", for = \"1s\", rate = 5 }]",
        );
        let same = one.iter().zip(&two);
        assert!(same.clone().count() == one.len());
        assert!({ same }.all(|(a, b)| (a.at, a.service) == (b.at, b.service)));
        let other = arrivals("seed = 2\nburst = [{ for = \"5s\", rate = 100 }]");
        assert_ne!(one[0].at, other[0].at);
    }

    #[test]
    fn laws_have_their_means() {
        let mean = |law: &str| {
            let all = arrivals(&format!(
                "service = {{ {law} }}\nburst = [{{ for = \"100s\", rate = 200 }}]"
            ));
            let sum: u64 = all.iter().map(|a| a.service).sum();
            sum as f64 / all.len() as f64
        };
        assert_eq!(mean("law = \"fixed\", time = \"7ms\"") as u64, 7_000);
        let exponential = mean("law = \"exponential\", mean = \"10ms\"");
        assert!((9_500.0..10_500.0).contains(&exponential), "{exponential}");
        // The mean of a lognormal law is the median times exp(sigma²/2).
        let lognormal = mean("law = \"lognormal\", median = \"10ms\", sigma = 0.5");
        assert!((10_800.0..11_900.0).contains(&lognormal), "{lognormal}");
    }
}
