//! One request, from its head to the last byte of its response.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::{Body, Incoming};
use tollgate::Live;
use tollgate_load::{Load, Meter};

use crate::admin::Kept;
use crate::balance::hash;
use crate::body::{Answered, Sent};
use crate::contract::{Answer, Arrived, Edit, Rules};
use crate::log::{Line, Log, seconds};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::upstream::{Cluster, InProgress, Wanted};
use crate::wire;

/// Everything that requests share.
pub(crate) struct Proxy {
    pub(crate) settings: Settings,
    pub(crate) live: Arc<Live<Rules>>,
    pub(crate) clusters: BTreeMap<String, Arc<Cluster>>,
    pub(crate) meter: Meter,
    pub(crate) metrics: Metrics,
    pub(crate) log: Option<Log>,
    pub(crate) kept: Kept,
    /// What ids begin with, so that those of two runs differ.
    pub(crate) run: u32,
    pub(crate) requests: AtomicU64,
}

/// What is done at the end of a request, which is when this is dropped.
pub(crate) struct Tail {
    proxy: Arc<Proxy>,
    began: Instant,
    /// What the rules are told.
    load: Load,
    line: Line,
    pub(crate) bytes: u64,
    /// Whether the response was sent to its end.
    pub(crate) whole: bool,
    /// Whether its end is the end of its head.
    pub(crate) no_body: bool,
    _at_upstream: Option<InProgress>,
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

/// An edit that outlives the decision.
struct Change {
    name: HeaderName,
    /// Nothing where the field is taken out.
    value: Option<HeaderValue>,
    /// Whether the value comes besides those that are there.
    besides: bool,
}

/// The edits of a decision, up to the first that cannot be made.
#[derive(Default)]
struct Changes {
    made: Vec<Change>,
    wrong: Option<String>,
}

/// Why a request goes no further: a status and a sentence.
type Stopped = (u16, String);

impl Proxy {
    /// Answers a request.
    pub(crate) async fn handle(
        self: Arc<Proxy>,
        peer: SocketAddr,
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
                tail.line.client = peer.ip().to_canonical().to_string();
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
        arrived: Arrived,
        body: Incoming,
    ) -> Result<(Either<Bytes, Incoming>, http::response::Parts), Stopped> {
        let most = self.settings.limits.body_bytes;
        if body.size_hint().lower() > most {
            return Err((413, format!("the body is longer than {most} bytes")));
        }
        let load = tail.load;
        match self.plan(tail, &arrived, load)? {
            Plan::Answer(response) => {
                self.kept.keep(self.settings.keep, || (arrived, load));
                let (parts, body) = response.into_parts();
                Ok((Either::Left(body), parts))
            }
            Plan::Forward {
                cluster,
                path,
                wanted,
                edits,
            } => {
                self.kept
                    .keep(self.settings.keep, || (arrived.clone(), load));
                let remembered = self.live.with(|_, rules| rules.edits_responses());
                let remembered = remembered.then(|| arrived.clone());
                let request = outgoing(arrived, edits, body, most);
                tail.line.service.clone_from(&cluster.name);
                let tried = cluster.send(request, path, wanted, &self.meter).await;
                tail.line.tries = tried.tries;
                tail.line.upstream = tried.endpoint;
                let (response, in_progress) = tried.result.map_err(|failed| {
                    let (status, why) = failed.status();
                    (status, why.to_owned())
                })?;
                tail._at_upstream = Some(in_progress);
                let (mut parts, body) = response.into_parts();
                wire::strip(&mut parts.headers);
                if let Some(arrived) = remembered {
                    self.edit_response(&arrived, &mut parts)?;
                }
                Ok((Either::Right(body), parts))
            }
        }
    }

    /// Asks the rules. All of it is decided by one program.
    fn plan(&self, tail: &mut Tail, arrived: &Arrived, load: Load) -> Result<Plan, Stopped> {
        let (settings, line) = (&self.settings, &mut tail.line);
        line.version = self.live.version();
        self.live.with(|session, rules| {
            let decided = rules.decide(session, arrived, settings, load, |answer, decision| {
                decision.write_by(&mut line.by);
                self.plan_of(answer, arrived)
            });
            let mut plan = decided.map_err(|e| undecided(&e, 400))??;
            if let Plan::Forward { edits, .. } = &mut plan {
                let mut changes = Changes::default();
                let edited = rules.edits(session, arrived, settings, &mut |e| changes.take(e));
                edited.map_err(|e| undecided(&e, 400))?;
                *edits = changes.all()?;
            }
            Ok(plan)
        })
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
                    Some(key) => hash(key.as_bytes()),
                    None => match arrived.client {
                        std::net::IpAddr::V4(ip) => hash(&ip.octets()),
                        std::net::IpAddr::V6(ip) => hash(&ip.octets()),
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

    fn edit_response(
        &self,
        arrived: &Arrived,
        parts: &mut http::response::Parts,
    ) -> Result<(), Stopped> {
        let mut changes = Changes::default();
        let response = (parts.status.as_u16(), &parts.headers);
        let edited = self.live.with(|session, rules| {
            let mut take = |edit: Edit<'_>| changes.take(edit);
            rules.response_edits(session, arrived, &self.settings, response, &mut take)
        });
        edited.map_err(|e| undecided(&e, 502))?;
        apply(changes.all()?, &mut parts.headers);
        Ok(())
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

impl Tail {
    fn new(proxy: &Arc<Proxy>) -> Tail {
        let load = proxy.meter.load();
        proxy.meter.began();
        let line = Line {
            time: seconds(SystemTime::now()),
            busy: load.busy as f64 / 1e9,
            ..Line::default()
        };
        Tail {
            proxy: proxy.clone(),
            began: Instant::now(),
            load,
            line,
            bytes: 0,
            whole: false,
            no_body: false,
            _at_upstream: None,
        }
    }

    /// The upstream broke off within the response.
    pub(crate) fn broken(&mut self) {
        self.line.error = "the upstream broke off within the response".into();
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let Tail { proxy, line, .. } = self;
        proxy.meter.ended();
        let took = self.began.elapsed();
        if !self.whole && line.error.is_empty() {
            // 499 is what nginx calls a request that nobody waited for.
            if line.status == 0 {
                line.status = 499;
            }
            line.error = "the client left".into();
        }
        proxy.metrics.answered(line.status, took);
        let Some(log) = &proxy.log else {
            return;
        };
        line.seconds = took.as_secs_f64();
        line.bytes = self.bytes;
        if !log.take(line) {
            proxy.metrics.lines_lost.inc();
        }
    }
}

/// The request that goes to the upstream.
fn outgoing(arrived: Arrived, edits: Vec<Change>, body: Incoming, most: u64) -> Request<Sent> {
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
    let body = match body.is_end_stream() {
        true => Sent::nothing(),
        false => Sent::limited(body, most),
    };
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    request
}

impl Changes {
    fn take(&mut self, edit: Edit<'_>) {
        match Change::new(edit) {
            Ok(change) => self.made.push(change),
            Err(why) => self.wrong = self.wrong.take().or(Some(why)),
        }
    }

    fn all(self) -> Result<Vec<Change>, Stopped> {
        match self.wrong {
            Some(why) => Err((500, why)),
            None => Ok(self.made),
        }
    }
}

impl Change {
    fn new(edit: Edit<'_>) -> Result<Change, String> {
        let (name, value, besides) = match edit {
            Edit::Set { name, value } => (name, Some(value), false),
            Edit::Add { name, value } => (name, Some(value), true),
            Edit::Remove { name } => (name, None, false),
        };
        let name: HeaderName = name
            .parse()
            .map_err(|_| format!("`{name}` is no name of a field"))?;
        if !wire::can_edit(&name) {
            return Err(format!(
                "rules cannot edit `{name}`: it says where a message ends"
            ));
        }
        let value = value.map(HeaderValue::from_str).transpose();
        let value = value.map_err(|_| format!("the value for `{name}` is more than one line"))?;
        Ok(Change {
            name,
            value,
            besides,
        })
    }
}

fn apply(changes: Vec<Change>, headers: &mut HeaderMap) {
    for Change {
        name,
        value,
        besides,
    } in changes
    {
        match value {
            Some(value) if besides => drop(headers.append(name, value)),
            Some(value) => drop(headers.insert(name, value)),
            None => drop(headers.remove(name)),
        }
    }
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
    fn edits_cannot_frame_messages() {
        for name in ["content-length", "Transfer-Encoding", "connection"] {
            assert!(Change::new(Edit::Remove { name }).is_err(), "{name}");
        }
        assert!(
            Change::new(Edit::Set {
                name: "x-a",
                value: "1\r\nx-b: 2"
            })
            .is_err()
        );
        assert!(
            Change::new(Edit::Set {
                name: "x a",
                value: "1"
            })
            .is_err()
        );
        assert!(
            Change::new(Edit::Set {
                name: "host",
                value: "a.example"
            })
            .is_ok()
        );
    }

    #[test]
    fn a_status_is_an_answer() {
        assert!(status_of(101).is_err() && status_of(600).is_err());
        assert_eq!(status_of(204).unwrap(), 204);
    }
}
