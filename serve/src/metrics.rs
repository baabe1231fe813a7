//! What Prometheus is told.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds of the histograms, in seconds.
const BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The classes of status codes.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Rule {
    rule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Every metric of the proxy. Those that are written for each request are found once, not looked up.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: [Counter; 5],
    seconds: Histogram,
    /// Requests that were refused before any rule.
    pub(crate) refused: Counter,
    pub(crate) connections: Gauge,
    /// Lines of the access log that were not written, as whoever writes them was too slow.
    pub(crate) lines_lost: Counter,
    in_flight: Gauge,
    busy: Gauge<f64, AtomicU64>,
    workers: Gauge<f64, AtomicU64>,
    version: Gauge,
    reloaded: Counter,
    failed_reloads: Counter,
    rules: Family<Rule, Gauge>,
    upstream_seconds: Family<Service, Histogram, fn() -> Histogram>,
    failures: Family<Service, Counter>,
    retries: Family<Service, Counter>,
    out_of_budget: Family<Service, Counter>,
}

/// The metrics of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct OfCluster {
    seconds: Histogram,
    pub(crate) failures: Counter,
    pub(crate) retries: Counter,
    /// Tries that the budget did not allow.
    pub(crate) out_of_budget: Counter,
}

/// What is measured where it stands, told when it is asked for.
pub(crate) struct Now {
    pub(crate) load: crate::load::Load,
    pub(crate) version: u64,
    pub(crate) rules: Vec<(String, u64)>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("tollgate");
        let requests: Family<Code, Counter> = Family::default();
        let by_class = CLASSES.map(|code| requests.get_or_create(&Code { code }).clone());
        registry.register(
            "requests",
            "Requests answered, by class of status",
            requests,
        );
        let reloads: Family<Outcome, Counter> = Family::default();
        let [reloaded, failed_reloads] = ["replaced", "failed"]
            .map(|outcome| reloads.get_or_create(&Outcome { outcome }).clone());
        registry.register("reloads", "Times that rules were read again", reloads);
        let metrics = Metrics {
            requests: by_class,
            seconds: histogram(),
            refused: Counter::default(),
            connections: Gauge::default(),
            lines_lost: Counter::default(),
            in_flight: Gauge::default(),
            busy: Gauge::default(),
            workers: Gauge::default(),
            version: Gauge::default(),
            reloaded,
            failed_reloads,
            rules: Family::default(),
            upstream_seconds: Family::new_with_constructor(histogram),
            failures: Family::default(),
            retries: Family::default(),
            out_of_budget: Family::default(),
            registry: Registry::default(),
        };
        let m = &metrics;
        registry.register(
            "request_seconds",
            "Time until a response had been sent",
            m.seconds.clone(),
        );
        registry.register(
            "refused",
            "Requests refused before any rule",
            m.refused.clone(),
        );
        registry.register(
            "connections",
            "Connections of clients",
            m.connections.clone(),
        );
        registry.register(
            "log_lines_lost",
            "Lines of the access log not written",
            m.lines_lost.clone(),
        );
        registry.register("in_flight", "Requests in progress", m.in_flight.clone());
        registry.register("busy", "Their share of the capacity", m.busy.clone());
        registry.register(
            "workers_busy",
            "Share of time the workers were at work",
            m.workers.clone(),
        );
        registry.register(
            "rules_version",
            "Which program decides, counted from 1",
            m.version.clone(),
        );
        registry.register(
            "rule_decisions",
            "Decisions by each rule, since the rules were read",
            m.rules.clone(),
        );
        registry.register(
            "upstream_seconds",
            "Time until a response began, each try",
            m.upstream_seconds.clone(),
        );
        registry.register("upstream_failures", "Tries that failed", m.failures.clone());
        registry.register("retries", "Tries after the first", m.retries.clone());
        registry.register(
            "retries_out_of_budget",
            "Tries that the budget did not allow",
            m.out_of_budget.clone(),
        );
        Metrics {
            registry,
            ..metrics
        }
    }

    pub(crate) fn of_cluster(&self, name: &str) -> OfCluster {
        let service = Service {
            service: name.into(),
        };
        OfCluster {
            seconds: self.upstream_seconds.get_or_create(&service).clone(),
            failures: self.failures.get_or_create(&service).clone(),
            retries: self.retries.get_or_create(&service).clone(),
            out_of_budget: self.out_of_budget.get_or_create(&service).clone(),
        }
    }

    pub(crate) fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).saturating_sub(1).min(4);
        self.requests[class].inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn reloaded(&self, well: bool) {
        match well {
            true => self.reloaded.inc(),
            false => self.failed_reloads.inc(),
        };
    }

    /// Everything, in the text format of OpenMetrics 1.0.
    pub(crate) fn text(&self, now: Now) -> String {
        let share = |billionths: i64| billionths as f64 / 1e9;
        self.in_flight.set(now.load.in_flight);
        self.busy.set(share(now.load.busy));
        self.workers.set(share(now.load.workers));
        self.version.set(now.version as i64);
        // Rules that have gone are not told any more.
        self.rules.clear();
        for (rule, count) in now.rules {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.rules.get_or_create(&Rule { rule }).set(count);
        }
        let mut out = String::new();
        // Writing into a text cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

impl OfCluster {
    pub(crate) fn tried(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}
