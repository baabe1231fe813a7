//! Clusters: which endpoint is asked, how often, and which ones are left alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri, Version, header};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{sleep, timeout};
use tollgate_load::Meter;

use crate::Error;
use crate::balance::{Balancer, Endpoints};
use crate::body::{Sender, Sending, Sent};
use crate::metrics::{Metrics, OfCluster};
use crate::retry::{Budget, wait};
use crate::settings::ClusterSettings;
use crate::tls;

/// An upstream: endpoints that can stand for one another.
pub(crate) struct Cluster {
    pub(crate) name: String,
    settings: ClusterSettings,
    endpoints: Box<[Endpoint]>,
    balancer: Balancer,
    budget: Budget,
    client: Client<HttpsConnector<HttpConnector>, Sent>,
    metrics: OfCluster,
    /// When time began for this cluster.
    since: Instant,
}

struct Endpoint {
    authority: Authority,
    in_progress: AtomicUsize,
    /// Failures in a row.
    failures: AtomicU32,
    /// Until when it is left alone, in milliseconds since the cluster's beginning.
    out_until: AtomicU64,
}

/// What the rules want of a try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: Option<u32>,
    /// What hashing policies go by.
    pub(crate) key: u64,
}

/// What a request came to at a cluster.
pub(crate) struct Tried {
    pub(crate) result: Result<(Response<Incoming>, InProgress), Failed>,
    pub(crate) tries: u32,
    /// The endpoint that was asked last.
    pub(crate) endpoint: String,
}

/// Why there is no response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failed {
    /// No connection.
    Connect,
    /// A connection, but no agreement on TLS, or a certificate that is not trusted.
    Tls,
    /// The connection ended, or what came is no HTTP.
    Broken,
    /// Nothing came in time.
    Timeout,
    /// The client's body was longer than allowed.
    TooLong,
    /// The client's body was waited for when time was up.
    Slow,
    /// The client's body ended too early.
    Left,
}

/// A request in progress at an endpoint, until it is dropped.
pub(crate) struct InProgress {
    cluster: Arc<Cluster>,
    endpoint: usize,
}

/// The endpoints of a cluster but for those that were tried.
struct Untried<'c> {
    cluster: &'c Cluster,
    tried: &'c [usize],
    now: u64,
}

impl Cluster {
    pub(crate) fn new(
        name: &str,
        settings: &ClusterSettings,
        metrics: &Metrics,
    ) -> Result<Cluster, Error> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .timer(TokioTimer::new())
            .http2_only(settings.http2)
            .set_host(false)
            .build(tls::connector(name, settings, connector)?);
        let endpoint = |address: String| {
            Ok(Endpoint {
                authority: address
                    .parse()
                    .map_err(|e| Error::new(format!("{address}: {e}")))?,
                in_progress: AtomicUsize::new(0),
                failures: AtomicU32::new(0),
                out_until: AtomicU64::new(0),
            })
        };
        let addresses = settings
            .endpoints
            .iter()
            .map(|e| (e.address.to_string(), e.weight));
        let addresses: Vec<(String, u32)> = addresses.collect();
        let endpoints: Result<Box<[Endpoint]>, Error> = addresses
            .iter()
            .map(|(address, _)| endpoint(address.clone()))
            .collect();
        Ok(Cluster {
            name: name.into(),
            endpoints: endpoints?,
            balancer: Balancer::new(settings.policy, &addresses),
            budget: Budget::new(&settings.retry),
            client,
            metrics: metrics.of_cluster(name),
            settings: settings.clone(),
            since: Instant::now(),
        })
    }

    /// Sends a request, and tries again what may be tried again: requests whose body is there or that have none, whose method is idempotent or that no endpoint has seen,
    /// as long as the rules, the budget and the time allow.
    pub(crate) async fn send(
        self: &Arc<Cluster>,
        request: Request<Sent>,
        path: Option<PathAndQuery>,
        wanted: Wanted,
        meter: &Meter,
    ) -> Tried {
        let began = Instant::now();
        let limit = wanted.timeout.unwrap_or(self.settings.timeout);
        let retries = wanted.retries.unwrap_or(self.settings.retries);
        self.budget.add();
        let path = path.or_else(|| request.uri().path_and_query().cloned());
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let again = match retries {
            0 => None,
            _ => request.body().again(),
        };
        let again = again.map(|body| (request.headers().clone(), body));
        let method = request.method().clone();
        let idempotent = is_idempotent(&method);
        let mut next = Some(request);
        let mut tried: Vec<usize> = Vec::new();
        loop {
            let mut request = next.take().unwrap_or_else(|| {
                let again = again.as_ref();
                let body = again.and_then(|(_, body)| body.again());
                let mut request = Request::new(body.unwrap_or_default());
                *request.method_mut() = method.clone();
                *request.headers_mut() = again.map(|a| a.0.clone()).unwrap_or_default();
                request
            });
            let endpoint = self.choose(wanted.key, &tried);
            tried.push(endpoint);
            self.address(&mut request, endpoint, &path);
            let in_progress = InProgress::new(self, endpoint);
            let (start, sending) = (Instant::now(), request.body().sending());
            let left = limit.saturating_sub(began.elapsed());
            let left = self.settings.try_timeout.map_or(left, |one| one.min(left));
            let result = match timeout(left, self.client.request(request)).await {
                Ok(Ok(response)) => Ok((response, in_progress)),
                Ok(Err(error)) if tls::is_of_tls(&error) => Err(Failed::Tls),
                Ok(Err(error)) if error.is_connect() => Err(Failed::Connect),
                Ok(Err(_)) => Err(Failed::of(&sending, Failed::Broken)),
                Err(_) => Err(Failed::of(&sending, Failed::Timeout)),
            };
            let (failed, unseen) = match &result {
                Ok((response, _)) => (matches!(response.status().as_u16(), 502..=504), false),
                Err(failed) => (!failed.by_client(), failed.is_unseen()),
            };
            let bad = failed || matches!(&result, Ok((r, _)) if r.status().is_server_error());
            // Where the client is to blame, nothing is learned about the endpoint.
            if failed || result.is_ok() {
                // How long a client takes to send its body says nothing either.
                let took = sending.ended().unwrap_or(start).elapsed();
                meter.tried(took, bad);
                self.metrics.tried(took);
                self.note(endpoint, failed);
            }
            let tries = tried.len() as u32;
            let may = failed && again.is_some() && (idempotent || unseen) && tries <= retries;
            if may {
                let pause = wait(&self.settings.retry, tries - 1, fastrand::f64());
                if began.elapsed() + pause < limit {
                    if self.budget.take() {
                        self.metrics.retries.inc();
                        drop(result);
                        sleep(pause).await;
                        continue;
                    }
                    self.metrics.out_of_budget.inc();
                }
            }
            return Tried {
                result,
                tries,
                endpoint: self.endpoints[endpoint].authority.to_string(),
            };
        }
    }

    fn choose(&self, key: u64, tried: &[usize]) -> usize {
        let now = self.now();
        let all = [];
        // Where all were tried, they can be tried again.
        let tried = if tried.len() < self.endpoints.len() {
            tried
        } else {
            &all
        };
        self.balancer.choose(
            key,
            &Untried {
                cluster: self,
                tried,
                now,
            },
        )
    }

    /// Turns a request to an endpoint.
    fn address(&self, request: &mut Request<Sent>, endpoint: usize, path: &PathAndQuery) {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(match self.settings.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        });
        uri.authority = Some(self.endpoints[endpoint].authority.clone());
        uri.path_and_query = Some(path.clone());
        // All three parts are there, so they are a target.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        *request.version_mut() = match self.settings.http2 {
            true => Version::HTTP_2,
            false => Version::HTTP_11,
        };
        // HTTP/2 names the endpoint in the target; a field that names another host would be malformed.
        if self.settings.http2
            && let Some(host) = request.headers_mut().remove(header::HOST)
        {
            request.headers_mut().insert("x-forwarded-host", host);
        }
    }

    fn note(&self, endpoint: usize, failed: bool) {
        let of = &self.endpoints[endpoint];
        if !failed {
            if of.failures.load(Ordering::Relaxed) > 0 {
                of.failures.store(0, Ordering::Relaxed);
            }
            return;
        }
        self.metrics.failures.inc();
        let health = &self.settings.health;
        if health.failures > 0 && of.failures.fetch_add(1, Ordering::Relaxed) + 1 >= health.failures
        {
            of.failures.store(0, Ordering::Relaxed);
            let until = self.now().saturating_add(health.rest.as_millis() as u64);
            of.out_until.store(until, Ordering::Relaxed);
        }
    }

    /// Milliseconds since the beginning.
    fn now(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }

    /// For people: each endpoint, what is in progress there, and whether it is left alone.
    pub(crate) fn state(&self) -> serde_json::Value {
        let now = self.now();
        let endpoints = self.endpoints.iter().map(|endpoint| {
            serde_json::json!({
                "address": endpoint.authority.as_str(),
                "in_progress": endpoint.in_progress.load(Ordering::Relaxed),
                "up": endpoint.out_until.load(Ordering::Relaxed) <= now,
            })
        });
        endpoints.collect()
    }
}

impl InProgress {
    fn new(cluster: &Arc<Cluster>, endpoint: usize) -> InProgress {
        cluster.endpoints[endpoint]
            .in_progress
            .fetch_add(1, Ordering::Relaxed);
        InProgress {
            cluster: cluster.clone(),
            endpoint,
        }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let endpoint = &self.cluster.endpoints[self.endpoint];
        endpoint.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoints for Untried<'_> {
    fn is_up(&self, endpoint: usize) -> bool {
        let out_until = self.cluster.endpoints[endpoint]
            .out_until
            .load(Ordering::Relaxed);
        out_until <= self.now && !self.tried.contains(&endpoint)
    }

    fn in_progress(&self, endpoint: usize) -> usize {
        self.cluster.endpoints[endpoint]
            .in_progress
            .load(Ordering::Relaxed)
    }
}

impl Failed {
    /// What a try failed of, when it is not the client that it failed of.
    fn of(sending: &Sending, otherwise: Failed) -> Failed {
        match (sending.sender(), otherwise) {
            (Sender::TooLong, _) => Failed::TooLong,
            (Sender::Left, _) => Failed::Left,
            (Sender::Slow, Failed::Timeout) => Failed::Slow,
            _ => otherwise,
        }
    }

    fn by_client(self) -> bool {
        matches!(self, Failed::TooLong | Failed::Slow | Failed::Left)
    }

    /// Whether no endpoint has seen the request.
    fn is_unseen(self) -> bool {
        matches!(self, Failed::Connect | Failed::Tls)
    }

    /// The status and the sentence that the client gets.
    pub(crate) fn status(self) -> (u16, &'static str) {
        match self {
            Failed::Connect => (502, "no connection to the upstream"),
            Failed::Tls => (
                502,
                "no TLS with the upstream, or a certificate that is not trusted",
            ),
            Failed::Broken => (502, "the upstream broke off"),
            Failed::Timeout => (504, "the upstream took too long"),
            Failed::TooLong => (413, "the body is longer than allowed"),
            Failed::Slow => (408, "the body came too slowly"),
            Failed::Left => (400, "the body broke off"),
        }
    }
}

/// Whether asking twice has the effect of asking once (RFC 9110 §9.2.2).
fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::PUT,
        Method::DELETE,
    ]
    .contains(method)
}
