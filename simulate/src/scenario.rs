//! What is played: the fleet, the classes of traffic, what arrives and how long it takes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::Error;

/// The most bytes of a scenario.
const MAX_BYTES: u64 = 1 << 20;
/// The most classes: as many as there are colours that can be told apart.
pub(crate) const MAX_CLASSES: usize = 8;
/// The most bursts, and the most changes of `shed_from`.
const MAX_PARTS: usize = 1_000;
/// The most workers, and places in the queue.
const MAX_FLEET: u32 = 1_000_000;
/// The most requests a second of a burst.
const MAX_RATE: f64 = 1e6;
/// The most keys of a class.
const MAX_KEYS: u32 = 1_000_000;
/// The most retries of a request.
const MAX_RETRIES: u32 = 100;
/// The most that a length of time can be, in microseconds: 366 days.
pub(crate) const MAX_TIME: u64 = 366 * 86_400 * 1_000_000;

/// What is played. A TOML file, read by [`Scenario::open`]; every key may be left out.
///
/// ```
/// let scenario = tollgate_simulate::Scenario::parse(r#"
///     entry = "shed"
///     [fleet]
///     workers = 50
///     timeout = "1s"
///     [[class]]
///     name = "checkout"
///     facts.req.path = "/checkout/1"
///     [[burst]]
///     for = "1m"
///     rate = 400
/// "#)?;
/// assert_eq!(scenario.classes[0].name, "checkout");
/// let error = tollgate_simulate::Scenario::parse("workers = 7").unwrap_err();
/// assert!(error.to_string().contains("unknown field `workers`"));
/// # Ok::<(), tollgate_simulate::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// The entry of the rules that admits or sheds.
    pub entry: Option<String>,
    /// What everything that is drawn comes from.
    pub seed: u64,
    /// The time of the first decision, as rules write it; that of the first line where a trace has one.
    pub start: Option<String>,
    /// Which answers let a request in: variants, or `true`. All others shed it.
    pub admitted: Vec<String>,
    /// What the rules call a measure that has another name here, such as `cpu = "busy"`.
    pub load: BTreeMap<String, String>,
    /// The facts of every request, by parameter; classes add to them.
    pub facts: Map<String, Value>,
    /// How long a worker takes for a request, where its class does not say.
    pub service: Law,
    /// Who serves what is admitted.
    pub fleet: FleetSettings,
    /// What clients do that were shed, or had no answer in time.
    pub retry: RetrySettings,
    /// The classes of traffic, the most important first; at most 8. Without any, all traffic is one class.
    #[serde(rename = "class")]
    pub classes: Vec<Class>,
    /// What figures are told apart by instead of classes: a fact, by its path as [`Program::form`](tollgate::Program::form) has it (`req.method`). The
    /// first seven values that come have a row each, the others one together.
    pub by: Option<String>,
    /// What arrives where no trace is played; bursts add up.
    #[serde(rename = "burst")]
    pub bursts: Vec<Burst>,
    /// How a trace is read.
    pub trace: TraceSettings,
    /// When an operator has which priorities shed: `shed_from` of the load.
    pub shed_from: Vec<ShedFrom>,
}

/// Who serves what is admitted: workers, each with one request at a time, and a queue before them, first in first out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSettings {
    /// How many requests are served at a time, 1 to 1,000,000.
    pub workers: u32,
    /// How many wait for a worker at most; as many as there are workers if not said. What finds no room has failed.
    pub queue: Option<u32>,
    /// How many requests in progress are 100% `busy`; workers and queue together if not said.
    pub capacity: Option<u32>,
    /// How long a client waits for its response; without it for ever.
    pub timeout: Option<Micros>,
    /// Whether a request whose client has gone leaves the queue. What a worker has begun it ends in any case.
    pub cancel: bool,
}

/// What clients do that were shed, or had no answer in time: they ask again, after what `retry_after` of the answer says and a wait of
/// anything up to `base`, doubled for each retry, at most `cap` (full jitter).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySettings {
    /// How often, after the first time; at most 100.
    pub retries: u32,
    /// The longest wait before the first retry.
    pub base: Micros,
    /// The longest wait.
    pub cap: Micros,
}

/// A class of traffic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What it is called in a report.
    pub name: String,
    /// Its share of what arrives, beside the others'.
    #[serde(default = "one")]
    pub share: u32,
    /// How many keys its requests have: `{key}` in its facts is one of them, each as likely.
    #[serde(default = "one")]
    pub keys: u32,
    /// How long its requests take.
    pub service: Option<Law>,
    /// Its facts, by parameter, besides those of every request. In a text `{key}`, `{class}` and `{column}` of a trace are replaced; a text that
    /// is `{column:int}` becomes a number.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// How long a worker takes for a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "law", rename_all = "snake_case", deny_unknown_fields)]
pub enum Law {
    /// Always as long.
    Fixed {
        /// How long.
        time: Micros,
    },
    /// Exponentially distributed.
    Exponential {
        /// On average.
        mean: Micros,
    },
    /// Lognormally distributed: most take about the median, and few take very long.
    Lognormal {
        /// Half take no longer.
        median: Micros,
        /// The standard deviation of the logarithm, 0 to 5.
        sigma: f64,
    },
    /// By what a trace says of the request: `base`, and for each column so much a unit of it.
    Columns {
        /// What each takes.
        #[serde(default)]
        base: Micros,
        /// What a unit of a column adds.
        per: BTreeMap<String, Micros>,
    },
}

/// Requests that arrive one by one, independently (a Poisson process).
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// When it begins.
    #[serde(default)]
    pub from: Micros,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub lasts: Micros,
    /// Requests a second, at most a million.
    pub rate: f64,
    /// Requests a second at its end, if it grows or shrinks, evenly.
    pub to: Option<f64>,
    /// The class of all of them; if not said, classes have their shares.
    pub class: Option<String>,
}

/// How a trace is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSettings {
    /// The column with the time of arrival: seconds, or an instant.
    pub time: String,
    /// The column with the class; without it classes have their shares.
    pub class: Option<String>,
    /// The column with the key that `{key}` stands for; without it one is drawn.
    pub key: Option<String>,
    /// How many times faster it is played.
    pub speed: f64,
}

/// From a time on, an operator has priorities shed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShedFrom {
    /// When.
    pub at: Micros,
    /// The least priority number that is shed; without it none is any more.
    pub priority: Option<i64>,
}

/// A length of time in microseconds, in TOML as rules write it: `"250ms"`, `"1m30s"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Micros(pub u64);

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            entry: None,
            seed: 1,
            start: None,
            admitted: ["admit", "allow", "pass", "forward", "true"]
                .map(str::to_owned)
                .to_vec(),
            load: BTreeMap::new(),
            facts: Map::new(),
            service: Law::Exponential {
                mean: Micros(50_000),
            },
            fleet: FleetSettings::default(),
            retry: RetrySettings::default(),
            classes: Vec::new(),
            by: None,
            bursts: Vec::new(),
            trace: TraceSettings::default(),
            shed_from: Vec::new(),
        }
    }
}

impl Default for FleetSettings {
    fn default() -> FleetSettings {
        FleetSettings {
            workers: 100,
            queue: None,
            capacity: None,
            timeout: None,
            cancel: true,
        }
    }
}

impl Default for RetrySettings {
    fn default() -> RetrySettings {
        RetrySettings {
            retries: 0,
            base: Micros(100_000),
            cap: Micros(10_000_000),
        }
    }
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings {
            time: "time".into(),
            class: None,
            key: None,
            speed: 1.0,
        }
    }
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When there is no such file, it is larger than 1 MiB, or says what means nothing.
    pub fn open(path: &Path) -> Result<Scenario, Error> {
        let name = path.display();
        let cannot = |error: std::io::Error| Error::new(format!("cannot read {name}: {error}"));
        let mut text = String::new();
        let file = File::open(path).map_err(cannot)?;
        file.take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(cannot)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(Error::new(format!("{name} is larger than 1 MiB")));
        }
        Scenario::parse(&text).map_err(|error| Error::new(format!("{name}: {error}")))
    }

    /// As [`Scenario::open`], from text.
    ///
    /// # Errors
    /// When it says what means nothing; the error names it.
    pub fn parse(text: &str) -> Result<Scenario, Error> {
        let scenario: Scenario =
            toml::from_str(text).map_err(|error| Error::new(error.to_string().trim_end()))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// What stands in the way of playing it, for a scenario that was changed or made by hand.
    ///
    /// # Errors
    /// When a number is out of its range or a name means nothing; the error names it.
    pub fn check(&self) -> Result<(), Error> {
        let err = |sentence: String| Err(Error::new(sentence));
        let fleet = &self.fleet;
        if !(1..=MAX_FLEET).contains(&fleet.workers) {
            let workers = fleet.workers;
            return err(format!(
                "`workers` is {workers}: it must lie in 1 .. {MAX_FLEET}"
            ));
        }
        for (name, number) in [("queue", fleet.queue), ("capacity", fleet.capacity)] {
            if number.is_some_and(|n| n > MAX_FLEET) {
                return err(format!("`{name}` is more than {MAX_FLEET}"));
            }
        }
        if self.retry.retries > MAX_RETRIES {
            return err(format!("`retries` is more than {MAX_RETRIES}"));
        }
        for (what, parts) in [
            ("burst", self.bursts.len()),
            ("shed_from", self.shed_from.len()),
        ] {
            if parts > MAX_PARTS {
                return err(format!("there are more than {MAX_PARTS} of `{what}`"));
            }
        }
        if !self.shed_from.is_sorted_by_key(|change| change.at) {
            return err("`shed_from` is not in the order of time".into());
        }
        self.check_classes()?;
        if !self.trace.speed.is_finite() || !(1e-6..=1e6).contains(&self.trace.speed) {
            return err(format!(
                "`speed` is {}: it must lie in 0.000001 .. 1000000",
                self.trace.speed
            ));
        }
        for burst in &self.bursts {
            for rate in [Some(burst.rate), burst.to].into_iter().flatten() {
                if !(0.0..=MAX_RATE).contains(&rate) {
                    return err(format!(
                        "a burst's rate is {rate}: it must lie in 0 .. {MAX_RATE} requests a second"
                    ));
                }
            }
            if let Some(class) = &burst.class {
                self.class(class)?;
            }
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), Error> {
        let err = |sentence: String| Err(Error::new(sentence));
        if self.classes.len() > MAX_CLASSES {
            let found = self.classes.len();
            return err(format!(
                "there are {found} classes, and at most {MAX_CLASSES} can be told apart: join some"
            ));
        }
        for (i, class) in self.classes.iter().enumerate() {
            let name = &class.name;
            if self.classes[..i].iter().any(|other| other.name == *name) {
                return err(format!("two classes are called `{name}`"));
            }
            if !(1..=MAX_KEYS).contains(&class.keys) {
                return err(format!(
                    "`keys` of the class `{name}` must lie in 1 .. {MAX_KEYS}"
                ));
            }
        }
        let shares = self.classes.iter().map(|class| u64::from(class.share));
        if !self.classes.is_empty() && shares.sum::<u64>() == 0 {
            return err("every class has a `share` of 0: nothing would arrive".into());
        }
        let laws = self
            .classes
            .iter()
            .filter_map(|class| class.service.as_ref());
        for law in laws.chain([&self.service]) {
            if let Law::Lognormal { sigma, .. } = law
                && !(0.0..=5.0).contains(sigma)
            {
                return err(format!("`sigma` is {sigma}: it must lie in 0 .. 5"));
            }
        }
        Ok(())
    }

    /// The place of a class.
    pub(crate) fn class(&self, name: &str) -> Result<usize, Error> {
        let found = self.classes.iter().position(|class| class.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.classes.iter().map(|class| &*class.name).collect();
            Error::new(match &names[..] {
                [] => format!("there is no class `{name}`: the scenario has none"),
                _ => format!("there is no class `{name}`; there are {}", names.join(", ")),
            })
        })
    }

    pub(crate) fn queue(&self) -> u32 {
        self.fleet.queue.unwrap_or(self.fleet.workers)
    }

    pub(crate) fn capacity(&self) -> u32 {
        let all = self.fleet.workers.saturating_add(self.queue());
        self.fleet.capacity.unwrap_or(all)
    }
}

impl Burst {
    /// Bursts in one line, `FROM+FOR@RATE`, with commas between: `0s+5m@50,1m+30s@300`. A rate may be `50..300`, if it grows; behind it may stand
    /// `/CLASS`.
    ///
    /// ```
    /// use tollgate_simulate::{Burst, Micros};
    /// let bursts = Burst::parse("0s+5m@50,1m+30s@100..300/tests")?;
    /// assert_eq!(bursts[0].lasts, Micros(300_000_000));
    /// assert_eq!((bursts[1].to, bursts[1].class.as_deref()), (Some(300.0), Some("tests")));
    /// assert!(Burst::parse("5m at 50").is_err());
    /// # Ok::<(), tollgate_simulate::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a burst is written otherwise.
    pub fn parse(text: &str) -> Result<Vec<Burst>, Error> {
        let burst = |text: &str| {
            let wrong = || {
                Error::new(format!(
                    "`{text}` is no burst: write FROM+FOR@RATE, such as 1m+30s@300, 1m+30s@50..300 or 1m+30s@300/CLASS"
                ))
            };
            let (from, rest) = text.split_once('+').ok_or_else(wrong)?;
            let (lasts, rest) = rest.split_once('@').ok_or_else(wrong)?;
            let (rate, class) = match rest.split_once('/') {
                Some((rate, class)) => (rate, Some(class.to_owned())),
                None => (rest, None),
            };
            let number = |text: &str| text.parse::<f64>().map_err(|_| wrong());
            let (rate, to) = match rate.split_once("..") {
                Some((rate, to)) => (number(rate)?, Some(number(to)?)),
                None => (number(rate)?, None),
            };
            Ok(Burst {
                from: Micros::parse(from)?,
                lasts: Micros::parse(lasts)?,
                rate,
                to,
                class,
            })
        };
        text.split(',').map(|text| burst(text.trim())).collect()
    }
}

impl Micros {
    fn parse(text: &str) -> Result<Micros, Error> {
        let micros = tollgate::parse_duration(text)?;
        match u64::try_from(micros) {
            Ok(micros @ 0..=MAX_TIME) => Ok(Micros(micros)),
            _ => Err(Error::new(format!("{text}: it must lie in 0s .. 366d"))),
        }
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Micros, D::Error> {
        let text = String::deserialize(from)?;
        Micros::parse(&text).map_err(de::Error::custom)
    }
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_played_is_named() {
        let says = |text: &str, part: &str| {
            let error = Scenario::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        says("fleet = { workers = 0 }", "`workers` is 0");
        says("fleet = { workers = 1, queue = 2_000_000 }", "`queue`");
        says("fleet = { timeout = \"5min\" }", "5min");
        says("fleet = { timeout = \"-5s\" }", "0s .. 366d");
        says("retry = { retries = 101 }", "`retries`");
        says("trace = { speed = 0.0 }", "`speed`");
        says("burst = [{ for = \"1s\", rate = -1 }]", "-1");
        says("burst = [{ for = \"1s\", rate = nan }]", "NaN");
        says(
            "burst = [{ for = \"1s\", rate = 1, class = \"x\" }]",
            "the scenario has none",
        );
        says("class = [{ name = \"a\", share = 0 }]", "share");
        says("class = [{ name = \"a\", keys = 0 }]", "`keys`");
        says(
            "class = [{ name = \"a\" }, { name = \"a\" }]",
            "two classes",
        );
        let nine: Vec<String> = (0..9).map(|i| format!("{{ name = \"c{i}\" }}")).collect();
        says(&format!("class = [{}]", nine.join(", ")), "9 classes");
        says(
            "service = { law = \"lognormal\", median = \"1s\", sigma = 9 }",
            "`sigma`",
        );
        says(
            "shed_from = [{ at = \"2s\", priority = 1 }, { at = \"1s\" }]",
            "order of time",
        );
        says("service = { law = \"magic\" }", "unknown variant `magic`");
    }
}
