//! One request, from its head to the last byte of its response.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::{Body, Incoming};
use tollgate::{Answers, Live, hash64};
use tollgate_load::{Load, Meter};

use crate::accept::Peer;
use crate::body::{Answered, Sent, read};
use crate::contract::{Answer, Arrived, Asked, Rules};
use crate::decide::{Decider, Turns};
use crate::edits::{Change, apply, changes};
use crate::kept::{Decided, Kept};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::tail::Tail;
use crate::tls::Certificates;
use crate::upstream::{Cluster, Wanted};
use crate::wire;

/// Everything that requests share.
pub(crate) struct Proxy {
    pub(crate) settings: Settings,
    pub(crate) live: Arc<Live<Rules>>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) clusters: BTreeMap<String, Arc<Cluster>>,
    pub(crate) meter: Meter,
    pub(crate) metrics: Metrics,
    pub(crate) log: Option<Log>,
    pub(crate) tls: Option<Certificates>,
    pub(crate) kept: Kept,
    /// What ids begin with, so that those of two runs differ.
    pub(crate) run: u32,
    pub(crate) requests: AtomicU64,
}

/// An answer of the rules that outlives the decision.
enum Plan {
    Forward {
        cluster: Arc<Cluster>,
        path: Option<PathAndQuery>,
        wanted: Wanted,
        edits: Vec<Change>,
    },
    Answer(Response<Bytes>),
}

/// Why a request goes no further: a status and a sentence.
pub(crate) type Stopped = (u16, String);

impl Proxy {
    /// Answers a request.
    pub(crate) async fn handle(
        self: Arc<Proxy>,
        peer: Peer,
        request: Request<Incoming>,
    ) -> Response<Answered> {
        let mut tail = Tail::new(&self);
        let (parts, body) = request.into_parts();
        let id = format!(
            "{:08x}-{:x}",
            self.run,
            self.requests.fetch_add(1, Ordering::Relaxed)
        );
        tail.line.id.clone_from(&id);
        tail.no_body = parts.method == Method::HEAD;
        tail.line.method = parts.method.to_string();
        tail.line.target = parts
            .uri
            .path_and_query()
            .map_or("", PathAndQuery::as_str)
            .into();
        let arrived = wire::check(&parts).and_then(|()| Ok(wire::host(&parts)?.to_owned()));
        let arrived = arrived
            .map_err(|(status, why)| (status, why.to_owned()))
            .and_then(|host| {
                tail.line.host.clone_from(&host);
                let trusted = self.settings.trusted_proxies;
                Arrived::new(id, peer, host, parts, trusted).map_err(|why| (400, why))
            });
        let arrived = match arrived {
            Ok(arrived) => arrived,
            Err(stopped) => {
                self.metrics.refused.inc();
                tail.line.client = peer.address.ip().to_canonical().to_string();
                return self.stop(tail, stopped);
            }
        };
        tail.line.client = arrived.client.to_string();
        match self.answer(&mut tail, arrived, body).await {
            Ok((Either::Left(bytes), parts)) => {
                tail.line.status = parts.status.as_u16();
                // hyper sends no body with these, whatever the rules say.
                tail.no_body |= matches!(tail.line.status, 204 | 304);
                Response::from_parts(parts, Answered::whole(bytes, tail))
            }
            Ok((Either::Right(body), parts)) => {
                tail.line.status = parts.status.as_u16();
                Response::from_parts(parts, Answered::upstream(body, tail))
            }
            Err(stopped) => self.stop(tail, stopped),
        }
    }

    async fn answer(
        &self,
        tail: &mut Tail,
        mut arrived: Arrived,
        body: Incoming,
    ) -> Result<(Either<Bytes, Incoming>, http::response::Parts), Stopped> {
        let limits = &self.settings.limits;
        let most = limits.body_bytes;
        if body.size_hint().lower() > most {
            return Err((413, format!("the body is longer than {most} bytes")));
        }
        let decider = Decider::new(&self.live, &self.turns, &arrived.id);
        tail.slots = decider.slots();
        tail.line.version = decider.version();
        let body = match decider.rules().reads_body() {
            true => {
                let read = read(body, limits.read_body_bytes, limits.body_timeout).await?;
                arrived.body = (!read.is_empty()).then(|| read.clone());
                Sent::whole(read)
            }
            false => Sent::limited(body, most),
        };
        let load = tail.load;
        match self.plan(tail, &decider, &arrived).await? {
            Plan::Answer(response) => {
                let (parts, body) = response.into_parts();
                Ok((Either::Left(body), parts))
            }
            Plan::Forward {
                cluster,
                path,
                wanted,
                edits,
            } => {
                let remembered = decider.rules().edits_responses();
                let remembered = remembered.then(|| arrived.clone());
                let request = outgoing(arrived, edits, body);
                tail.line.service.clone_from(&cluster.name);
                let tried = cluster.send(request, path, wanted, &self.meter).await;
                tail.line.tries = tried.tries;
                tail.line.upstream = tried.endpoint;
                let (response, in_progress) = tried.result.map_err(|failed| {
                    let (status, why) = failed.status();
                    (status, why.to_owned())
                })?;
                tail.at_upstream = Some(in_progress);
                let (mut parts, body) = response.into_parts();
                wire::strip(&mut parts.headers);
                if let Some(arrived) = remembered {
                    self.edit_response(&decider, &arrived, load, &mut parts)
                        .await?;
                }
                Ok((Either::Right(body), parts))
            }
        }
    }

    /// Asks the rules what becomes of a request, and how it is edited.
    async fn plan(
        &self,
        tail: &mut Tail,
        decider: &Decider,
        arrived: &Arrived,
    ) -> Result<Plan, Stopped> {
        let (load, line) = (tail.load, &mut tail.line);
        let decided = decider.decide(|session, rules, answers| {
            let asked = self.asked(arrived, load, answers);
            rules.decide(session, asked, |answer, decision| {
                decision.write_by(&mut line.by);
                line.shadow = decision.shadow().join(",");
                self.metrics.decided(decision);
                self.kept.keep(&self.settings, || {
                    Decided::new(asked, decider.program(), decision)
                });
                self.plan_of(answer, arrived)
            })
        });
        let mut plan = decided.await.map_err(|e| undecided(&e, 400))??;
        if let Plan::Forward { edits, .. } = &mut plan {
            let edited = decider.decide(|session, rules, answers| {
                let asked = self.asked(arrived, load, answers);
                rules.edits(session, asked, |edits, decision| {
                    self.metrics.decided(decision);
                    changes(edits)
                })
            });
            let edited = edited.await.map_err(|e| undecided(&e, 400))?;
            *edits = edited.transpose()?.unwrap_or_default();
        }
        Ok(plan)
    }

    fn plan_of(&self, answer: Answer<'_>, arrived: &Arrived) -> Result<Plan, Stopped> {
        match answer {
            Answer::Forward {
                service,
                timeout,
                retries,
                path,
                key,
            } => {
                let Some(cluster) = self.clusters.get(service) else {
                    return Err((502, format!("the settings have no cluster `{service}`")));
                };
                let path = path.map(|path| rewritten(path, arrived.parts.uri.query()));
                let key = match key {
                    Some(key) => hash64(&[key.as_bytes()]),
                    None => match arrived.client {
                        std::net::IpAddr::V4(ip) => hash64(&[&ip.octets()]),
                        std::net::IpAddr::V6(ip) => hash64(&[&ip.octets()]),
                    },
                };
                Ok(Plan::Forward {
                    cluster: cluster.clone(),
                    path: path.transpose()?,
                    wanted: Wanted {
                        timeout: timeout.map(span),
                        retries,
                        key,
                    },
                    edits: Vec::new(),
                })
            }
            Answer::Redirect { location, status } => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status_of(status.unwrap_or(308))?;
                let location = HeaderValue::from_str(location);
                let location =
                    location.map_err(|_| (500, "a `location` is one line".to_owned()))?;
                response.headers_mut().insert(header::LOCATION, location);
                Ok(Plan::Answer(response))
            }
            Answer::Respond {
                status,
                body,
                retry_after,
            } => {
                let text = body.unwrap_or("");
                let mut response = Response::new(Bytes::copy_from_slice(text.as_bytes()));
                *response.status_mut() = status_of(status)?;
                if !text.is_empty() {
                    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
                    response.headers_mut().insert(header::CONTENT_TYPE, plain);
                }
                let wait = retry_after.map_or(Duration::ZERO, span);
                let seconds = wait.as_micros().div_ceil(1_000_000) as u64;
                if seconds > 0 {
                    response
                        .headers_mut()
                        .insert(header::RETRY_AFTER, seconds.into());
                }
                Ok(Plan::Answer(response))
            }
        }
    }

    async fn edit_response(
        &self,
        decider: &Decider,
        arrived: &Arrived,
        load: Load,
        parts: &mut http::response::Parts,
    ) -> Result<(), Stopped> {
        let response = (parts.status.as_u16(), &parts.headers);
        let edited = decider.decide(|session, rules, answers| {
            let asked = self.asked(arrived, load, answers);
            rules.response_edits(session, asked, response, |edits, decision| {
                self.metrics.decided(decision);
                changes(edits)
            })
        });
        let edited = edited.await.map_err(|e| undecided(&e, 502))?;
        apply(edited.transpose()?.unwrap_or_default(), &mut parts.headers);
        Ok(())
    }

    fn asked<'r>(&'r self, arrived: &'r Arrived, load: Load, answers: &'r Answers) -> Asked<'r> {
        Asked {
            arrived,
            settings: &self.settings,
            load,
            answers,
        }
    }

    fn stop(&self, mut tail: Tail, (status, why): Stopped) -> Response<Answered> {
        tail.line.status = status;
        tail.line.error.clone_from(&why);
        let body = Bytes::from(format!("{why}\n"));
        let mut response = Response::new(Answered::whole(body, tail));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    }
}

/// The request that goes to the upstream.
fn outgoing(arrived: Arrived, edits: Vec<Change>, body: Sent) -> Request<Sent> {
    let Arrived {
        id,
        peer,
        host,
        mut parts,
        ..
    } = arrived;
    wire::strip(&mut parts.headers);
    wire::introduce(&mut parts.headers, peer, &host, &id);
    apply(edits, &mut parts.headers);
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    request
}

/// What becomes of a message that rules do not decide about: `refused` where it breaks a rule of its types; else it is not its sender's fault.
fn undecided(error: &tollgate::Error, refused: u16) -> Stopped {
    let status = match error.refusal() {
        Some(_) => refused,
        None => 500,
    };
    (status, error.to_string())
}

/// A path of the rules as a target, with the query of the request. Paths of the rules are decoded, so what a target may not hold is escaped
/// (RFC 3986 §3.3).
fn rewritten(path: &str, query: Option<&str>) -> Result<PathAndQuery, Stopped> {
    let mut target = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
        match plain {
            true => target.push(char::from(byte)),
            false => target.push_str(&format!("%{byte:02X}")),
        }
    }
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    target
        .parse()
        .map_err(|_| (500, format!("`{path}` is no path")))
}

/// A length of time of the rules.
fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn status_of(status: u16) -> Result<StatusCode, Stopped> {
    // 1xx would be no answer, but the promise of one.
    let wrong = || (500, format!("{status} is no status to answer with"));
    match status {
        200..=599 => StatusCode::from_u16(status).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_rules_are_escaped() {
        let of = |path, query| rewritten(path, query).unwrap().to_string();
        assert_eq!(of("/a b/\u{e9}?x", None), "/a%20b/%C3%A9%3Fx");
        assert_eq!(of("/a:b@c", Some("q=1&r=%20")), "/a:b@c?q=1&r=%20");
    }

    #[test]
    fn a_status_is_an_answer() {
        assert!(status_of(101).is_err() && status_of(600).is_err());
        assert_eq!(status_of(204).unwrap(), 204);
    }
}
