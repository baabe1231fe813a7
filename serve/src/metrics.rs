//! What Prometheus is told.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use tollgate::Decision;

use crate::tls::Shown;

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
struct State {
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Certificate {
    file: String,
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
    shadows: Family<Rule, Counter>,
    state_failures: Family<State, Counter>,
    /// Connections that came to nothing before TLS did.
    pub(crate) handshakes_failed: Counter,
    expires: Family<Certificate, Gauge>,
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
    pub(crate) load: tollgate_load::Load,
    pub(crate) version: u64,
    pub(crate) rules: Vec<(String, u64)>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("tollgate");
        let to = &mut registry;
        let requests: Family<Code, Counter> =
            told(to, "requests", "Requests answered, by class of status");
        let reloads: Family<Outcome, Counter> =
            told(to, "reloads", "Times that rules were read again");
        let [reloaded, failed_reloads] = ["replaced", "failed"]
            .map(|outcome| reloads.get_or_create(&Outcome { outcome }).clone());
        Metrics {
            requests: CLASSES.map(|code| requests.get_or_create(&Code { code }).clone()),
            seconds: told_as(
                to,
                "request_seconds",
                "Time until a response had been sent",
                histogram(),
            ),
            refused: told(to, "refused", "Requests refused before any rule"),
            connections: told(to, "connections", "Connections of clients"),
            lines_lost: told(to, "log_lines_lost", "Lines of the access log not written"),
            in_flight: told(to, "in_flight", "Requests in progress"),
            busy: told(to, "busy", "Their share of the capacity"),
            workers: told(to, "workers_busy", "Share of time the workers were at work"),
            version: told(to, "rules_version", "Which program decides, counted from 1"),
            reloaded,
            failed_reloads,
            rules: told(
                to,
                "rule_decisions",
                "Decisions by each rule, since the rules were read",
            ),
            shadows: told(
                to,
                "shadow_decisions",
                "Decisions by each rule in shadow mode, which did not count",
            ),
            state_failures: told(
                to,
                "state_failures",
                "Times that a state could not be asked and its on_failure answered",
            ),
            handshakes_failed: told(
                to,
                "tls_handshakes_failed",
                "Connections whose TLS came to nothing",
            ),
            expires: told(
                to,
                "certificate_expires_timestamp_seconds",
                "Until when a certificate is valid, in seconds since 1970",
            ),
            upstream_seconds: told_as(
                to,
                "upstream_seconds",
                "Time until a response began, each try",
                Family::new_with_constructor(histogram),
            ),
            failures: told(to, "upstream_failures", "Tries that failed"),
            retries: told(to, "retries", "Tries after the first"),
            out_of_budget: told(
                to,
                "retries_out_of_budget",
                "Tries that the budget did not allow",
            ),
            registry,
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

    /// What of a decision is not counted by its rules.
    pub(crate) fn decided(&self, decision: &Decision<'_>) {
        for rule in decision.shadow() {
            self.shadows.get_or_create(&Rule { rule }).inc();
        }
        for (state, _) in decision.failures() {
            let state = state.to_owned();
            self.state_failures.get_or_create(&State { state }).inc();
        }
    }

    pub(crate) fn expires(&self, shown: &Shown) {
        let file = shown.file.clone();
        self.expires
            .get_or_create(&Certificate { file })
            .set(shown.expires);
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

/// A metric that is told by this name.
fn told<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    told_as(to, name, help, M::default())
}

fn told_as<M: Metric + Clone>(to: &mut Registry, name: &str, help: &str, metric: M) -> M {
    to.register(name, help, metric.clone());
    metric
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}
