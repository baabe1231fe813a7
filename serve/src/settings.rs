//! What a settings file says: addresses, limits, clusters, and which entries of the rules answer what.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::Error;

/// The most bytes of a settings file.
const MAX_BYTES: u64 = 1 << 20;
/// The most endpoints of a cluster, so that tables stay small.
const MAX_ENDPOINTS: usize = 1_000;
/// The most operations that a store does at once: each has a thread.
const MAX_OPERATIONS: usize = 256;
/// The most that an endpoint can weigh.
const MAX_WEIGHT: u32 = 100;

/// The settings of a proxy: a TOML file, read by [`Settings::open`]. Every key but `entry` has a default, and there is an address to listen on.
///
/// ```
/// let settings = tollgate_serve::Settings::parse(r#"
///     rules = "gateway.rules"
///     entry = "edge"
///     listen = ["127.0.0.1:8080"]
///     [clusters.payments]
///     policy = "maglev"
///     endpoints = [{ address = "127.0.0.1:9001" }, { address = "127.0.0.1:9002", weight = 2 }]
/// "#)?;
/// assert_eq!(settings.clusters["payments"].endpoints[1].weight, 2);
/// # Ok::<(), tollgate_serve::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The rule file or artifact, relative to the settings file; without it the rule file of the same name beside it.
    #[serde(default)]
    pub rules: PathBuf,
    /// Public keys of Ed25519 in PEM, relative to the settings file. Where there are some, the rules are an artifact that one of them has signed, at
    /// the start and whenever it is read again. The keys are read once.
    #[serde(default)]
    pub trust: Vec<PathBuf>,
    /// A JSON file for each `data` of the rules, relative to the settings file. Read once.
    #[serde(default)]
    pub data: BTreeMap<String, PathBuf>,
    /// The entry that says what becomes of a request.
    pub entry: String,
    /// The entry that says how the request is edited before it is forwarded, a `hit all`.
    pub edits: Option<String>,
    /// The entry that says how the response is edited before it is sent, a `hit all` about the request and the response.
    pub response_edits: Option<String>,
    /// How many threads answer requests; as many as there are cores if not given.
    pub threads: Option<NonZero<u16>>,
    /// Where requests come in. Port 0 takes a free one.
    #[serde(default)]
    pub listen: Vec<SocketAddr>,
    /// Where they come in over TLS, and with which certificates.
    pub tls: Option<TlsSettings>,
    /// Where the admin endpoint listens; without it there is none. It asks nobody who they are, so keep it on loopback.
    pub admin: Option<SocketAddr>,
    /// Proxies in front that add what they see to `X-Forwarded-For`.
    #[serde(default)]
    pub trusted_proxies: u32,
    /// The header whose value is the request's `api_key`.
    pub api_key_header: Option<String>,
    /// Where access is logged: a file, `-` for standard output; without it nowhere.
    pub access_log: Option<PathBuf>,
    /// How many requests are kept so that `/explain` can be asked about them by id. Keeping one costs a copy of its head and of the body that
    /// rules read, and a few KiB at most for what was decided.
    #[serde(default)]
    pub keep: usize,
    /// How many requests in progress make the proxy 100% busy (`busy` of the load).
    #[serde(default = "capacity")]
    pub capacity: u32,
    /// How often rule files and certificates are looked at; 0 leaves it to SIGHUP and the admin endpoint.
    #[serde(default = "watch", deserialize_with = "duration")]
    pub watch: Duration,
    /// How long requests in progress may take to end once the proxy is told to.
    #[serde(default = "drain", deserialize_with = "duration")]
    pub drain: Duration,
    /// What comes from outside, bounded.
    #[serde(default)]
    pub limits: Limits,
    /// Servers that keep states, by the name behind `redis.` that rules call them by.
    #[serde(default)]
    pub redis: BTreeMap<String, StoreSettings>,
    /// Upstreams by the name that rules forward to.
    #[serde(default)]
    pub clusters: BTreeMap<String, ClusterSettings>,
}

/// Bounds on what clients send.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// Bytes of a request's head; more is answered 431.
    pub header_bytes: usize,
    /// Fields of a request's head; more are answered 431.
    pub headers: usize,
    /// Bytes of a request's body; more is answered 413.
    pub body_bytes: u64,
    /// Bytes of a request's body that are read for rules that look at it; more is answered 413.
    pub read_body_bytes: usize,
    /// Bytes of such a body that are kept with a request (`keep`). A longer one is not, and the decision about it is not explained.
    pub kept_body_bytes: usize,
    /// How long a client may take to send such a body.
    #[serde(deserialize_with = "duration")]
    pub body_timeout: Duration,
    /// How long a client may take to send a request's head.
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    /// Streams of an HTTP/2 connection at once.
    pub streams: u32,
}

/// TLS for clients: 1.2 and 1.3, with HTTP/1.1 or HTTP/2 as they choose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Where requests come in.
    pub listen: Vec<SocketAddr>,
    /// What clients are shown, by the name that they ask for; the first where no other is for that name.
    pub certificates: Vec<CertificateSettings>,
}

/// A certificate with its key, in PEM, relative to the settings file. They are read again with the rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSettings {
    /// The certificate, and those that it is signed by, but for the root.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// TLS to an upstream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTls {
    /// The certificates that are trusted, in PEM, relative to the settings file; without it the roots that browsers trust. Read once.
    pub ca: Option<PathBuf>,
    /// The name that the upstream's certificate must be for; without it the address.
    pub name: Option<String>,
}

/// A Redis that keeps states.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Where it is, as `tollgate run --store` takes it: `redis://127.0.0.1/`, perhaps with settings behind a `?`.
    pub url: String,
    /// How long an operation may take; then `on_failure` of the state answers.
    #[serde(default = "store_timeout", deserialize_with = "duration")]
    pub timeout: Duration,
    /// Operations under way at once; more wait, at most for `timeout`, and then count as failed.
    #[serde(default = "store_connections")]
    pub connections: usize,
}

/// An upstream: endpoints that can stand for one another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSettings {
    /// Where it is.
    pub endpoints: Vec<EndpointSettings>,
    /// How an endpoint is chosen.
    #[serde(default)]
    pub policy: Policy,
    /// Speak to it over TLS.
    pub tls: Option<UpstreamTls>,
    /// Speak HTTP/2 to it, from the first byte.
    #[serde(default)]
    pub http2: bool,
    /// How long connecting may take.
    #[serde(default = "connect_timeout", deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// How long it may take until the response begins, all tries together, where the rules do not say.
    #[serde(default = "timeout", deserialize_with = "duration")]
    pub timeout: Duration,
    /// How long one try may take of that; without it, all that is left.
    #[serde(default, deserialize_with = "some_duration")]
    pub try_timeout: Option<Duration>,
    /// How many tries may follow the first, where the rules do not say.
    #[serde(default)]
    pub retries: u32,
    /// What tries after the first may cost.
    #[serde(default)]
    pub retry: RetrySettings,
    /// When an endpoint is left alone.
    #[serde(default)]
    pub health: HealthSettings,
}

/// An endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    /// Its address: names are not looked up.
    pub address: SocketAddr,
    /// Its share beside the others, 1 to 100.
    #[serde(default = "weight")]
    pub weight: u32,
}

/// How an endpoint is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest requests in progress for its weight.
    LeastRequests,
    /// Of two drawn by chance the one with fewer requests in progress.
    TwoChoices,
    /// By a hash of the request's key, on a ring.
    Ring,
    /// By a hash of the request's key, in a Maglev table.
    Maglev,
}

/// What retries may cost: see [`Budget`](crate::retry::Budget).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySettings {
    /// Retries for each hundred requests.
    pub percent: u32,
    /// Retries that may happen at once, whatever was before.
    pub burst: u32,
    /// The longest wait before the first retry; it doubles for each.
    #[serde(deserialize_with = "duration")]
    pub base: Duration,
    /// The longest wait.
    #[serde(deserialize_with = "duration")]
    pub cap: Duration,
}

/// When an endpoint is left alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthSettings {
    /// Failures in a row after which it is: refused or broken connections, timeouts, 502, 503 and 504.
    pub failures: u32,
    /// For how long.
    #[serde(deserialize_with = "duration")]
    pub rest: Duration,
}

impl Settings {
    /// Reads a settings file, or for a rule file or artifact (`.tgb`) the settings of the same name beside it. Other files are taken relative to its
    /// folder.
    ///
    /// # Errors
    /// When it cannot be read, says what [`Settings::parse`] refuses, or names other rules than those it was found by.
    pub fn open(path: &Path) -> Result<Settings, Error> {
        let is_rules = path
            .extension()
            .is_some_and(|extension| extension == "rules" || extension == "tgb");
        let (path, rules) = &match is_rules {
            true => (path.with_extension("toml"), path.to_owned()),
            false => (path.to_owned(), path.with_extension("rules")),
        };
        let said = |what: String| Error::new(format!("{}: {what}", path.display()));
        let size = fs::metadata(path).map_err(|e| said(e.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(said(format!("{size} bytes, at most {MAX_BYTES} are read")));
        }
        let text = fs::read_to_string(path).map_err(|e| said(e.to_string()))?;
        let mut settings = Settings::parse(&text).map_err(|e| said(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        settings.rules = match settings.rules.as_os_str().is_empty() {
            true => rules.clone(),
            false => folder.join(&settings.rules),
        };
        if is_rules && settings.rules != *rules {
            let (named, rules) = (settings.rules.display(), rules.display());
            return Err(said(format!(
                "`rules` says {named}, and {rules} is to be served: take it out, or name the settings"
            )));
        }
        for key in &mut settings.trust {
            *key = folder.join(&*key);
        }
        for file in settings.data.values_mut() {
            *file = folder.join(&*file);
        }
        let certificates = settings
            .tls
            .iter_mut()
            .flat_map(|tls| &mut tls.certificates);
        for CertificateSettings { chain, key } in certificates {
            (*chain, *key) = (folder.join(&*chain), folder.join(&*key));
        }
        for tls in settings
            .clusters
            .values_mut()
            .filter_map(|of| of.tls.as_mut())
        {
            tls.ca = tls.ca.as_ref().map(|ca| folder.join(ca));
        }
        settings.access_log = settings.access_log.map(|log| match log.as_os_str() == "-" {
            true => log,
            false => folder.join(log),
        });
        Ok(settings)
    }

    /// Settings from text.
    ///
    /// # Errors
    /// When it is no TOML, has a key that means nothing, lacks one that is needed, or a value is out of range.
    pub fn parse(text: &str) -> Result<Settings, Error> {
        let settings: Settings = toml::from_str(text).map_err(|e| Error::new(e.to_string()))?;
        let refuse = |reason: String| Err(Error::new(reason));
        if settings.addresses().is_empty() {
            return refuse("neither `listen` nor `tls.listen` names an address".into());
        }
        if settings
            .tls
            .as_ref()
            .is_some_and(|tls| tls.certificates.is_empty())
        {
            return refuse("`tls.certificates` names none".into());
        }
        if settings.capacity == 0 {
            return refuse("`capacity` is at least 1".into());
        }
        let limits = &settings.limits;
        // hyper reads heads in a buffer of at least this size.
        if limits.connections == 0 || limits.header_bytes < 8_192 || limits.headers == 0 {
            return refuse(
                "`limits`: `connections` and `headers` are at least 1, `header_bytes` at least 8192"
                    .into(),
            );
        }
        for (name, store) in &settings.redis {
            if !(1..=MAX_OPERATIONS).contains(&store.connections) || store.timeout.is_zero() {
                return refuse(format!(
                    "`redis.{name}`: `connections` is 1 to {MAX_OPERATIONS}, and `timeout` more than 0"
                ));
            }
        }
        for (name, cluster) in &settings.clusters {
            let endpoints = &cluster.endpoints;
            if endpoints.is_empty() || endpoints.len() > MAX_ENDPOINTS {
                return refuse(format!(
                    "`clusters.{name}` has {} endpoints, it must have 1 to {MAX_ENDPOINTS}",
                    endpoints.len()
                ));
            }
            for endpoint in endpoints {
                if !(1..=MAX_WEIGHT).contains(&endpoint.weight) {
                    return refuse(format!(
                        "`clusters.{name}`: {} weighs {}, a weight is 1 to {MAX_WEIGHT}",
                        endpoint.address, endpoint.weight
                    ));
                }
            }
        }
        Ok(settings)
    }
}

impl Settings {
    /// Where requests come in, and whether over TLS.
    pub(crate) fn addresses(&self) -> Vec<(SocketAddr, bool)> {
        let plain = self.listen.iter().map(|address| (*address, false));
        let tls = self.tls.iter().flat_map(|tls| &tls.listen);
        plain.chain(tls.map(|address| (*address, true))).collect()
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            header_bytes: 64 * 1024,
            headers: 100,
            body_bytes: 16 * 1024 * 1024,
            read_body_bytes: 64 * 1024,
            kept_body_bytes: 64 * 1024,
            body_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            streams: 100,
        }
    }
}

impl Default for RetrySettings {
    fn default() -> RetrySettings {
        RetrySettings {
            percent: 20,
            burst: 10,
            base: Duration::from_millis(25),
            cap: Duration::from_millis(250),
        }
    }
}

impl Default for HealthSettings {
    fn default() -> HealthSettings {
        HealthSettings {
            failures: 5,
            rest: Duration::from_secs(10),
        }
    }
}

fn capacity() -> u32 {
    1_000
}

fn weight() -> u32 {
    1
}

fn watch() -> Duration {
    Duration::from_secs(1)
}

fn drain() -> Duration {
    Duration::from_secs(30)
}

fn store_timeout() -> Duration {
    Duration::from_millis(100)
}

fn store_connections() -> usize {
    64
}

fn connect_timeout() -> Duration {
    Duration::from_secs(1)
}

fn timeout() -> Duration {
    Duration::from_secs(5)
}

/// A length of time as the rules write it, in one unit: `250ms`, `5s`, `1m`.
fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = || {
        let reason =
            format!("`{text}` is no length of time: write `250ms`, `5s`, `1m`, at most `24h`");
        serde::de::Error::custom(reason)
    };
    let unit = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (count, unit) = text.split_at(unit);
    let micros = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ if text == "0" => 1,
        _ => return Err(wrong()),
    };
    let count: u64 = count.parse().map_err(|_| wrong())?;
    match count.checked_mul(micros) {
        Some(micros) if micros <= 86_400_000_000 => Ok(Duration::from_micros(micros)),
        _ => Err(wrong()),
    }
}

fn some_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    duration(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "rules = \"a.rules\"\nentry = \"a\"\nlisten = [\"127.0.0.1:0\"]\n";

    fn refused(more: &str) -> String {
        Settings::parse(&format!("{LEAST}{more}"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let settings = Settings::parse(LEAST).unwrap();
        assert_eq!(settings.limits.body_bytes, 16 << 20);
        assert_eq!(settings.drain, Duration::from_secs(30));
        assert_eq!(settings.admin, None);
    }

    #[test]
    fn times_are_written_as_in_rules() {
        let with = |text: &str| Settings::parse(&format!("{LEAST}watch = \"{text}\"\n"));
        for (text, micros) in [("0", 0), ("7us", 7), ("250ms", 250_000), ("1m", 60_000_000)] {
            assert_eq!(
                with(text).unwrap().watch,
                Duration::from_micros(micros),
                "{text}"
            );
        }
        for text in ["", "5", "ms", "-1s", "1.5s", "25h", "99999999999999999999s"] {
            assert!(
                with(text)
                    .unwrap_err()
                    .to_string()
                    .contains("no length of time"),
                "{text}"
            );
        }
    }

    #[test]
    fn mistakes_are_named() {
        let has = |more: &str, part: &str| {
            let error = refused(more);
            assert!(error.contains(part), "{error}");
        };
        has("liten = 1", "unknown field `liten`");
        has("capacity = 0", "`capacity` is at least 1");
        has(
            "[tls]\nlisten = [\"127.0.0.1:0\"]\ncertificates = []",
            "`tls.certificates` names none",
        );
        has(
            "[redis.a]\nurl = \"redis://127.0.0.1/\"\nconnections = 0",
            "`redis.a`: `connections` is 1 to 256",
        );
        has("[limits]\nheader_bytes = 10", "at least 8192");
        has(
            "[clusters.a]\nendpoints = []",
            "`clusters.a` has 0 endpoints",
        );
        has(
            "[clusters.a]\nendpoints = [{ address = \"127.0.0.1:1\", weight = 101 }]",
            "127.0.0.1:1 weighs 101",
        );
        has(
            "[clusters.a]\npolicy = \"best\"\nendpoints = []",
            "unknown variant `best`",
        );
    }
}
