//! What the rules are told and what they may answer: the contract between a rule file and the proxy, checked before a program decides.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::header::{self, HeaderMap};
use http::request::Parts;
use tollgate::http::{Arena, Cookies, Query, RawRequest};
use tollgate::typed::{Entering, Fact, Fit, Shape, Word};
use tollgate::{
    Bound, Call, Counts, Decision, Error, Explanation, Facts, Input, Outcome, Outcomes, Program,
    Session, Which,
};
use tollgate_load::Load;

use crate::settings::Settings;

/// Counters of decisions, so that threads do not wait for each other.
const SHARDS: usize = 16;

/// What becomes of a request: the answer of the settings' `entry`. The rules may have fewer variants, and leave out fields
/// that are optional here; `std.http.Route` fits. Times of the rules may be less than none, which counts as none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Outcome)]
pub enum Answer<'d> {
    /// It goes to a cluster.
    #[outcome(name = "forward")]
    Forward {
        /// The cluster, by its name in the settings.
        service: &'d str,
        /// The time until its response has to begin, all tries together, in microseconds.
        timeout: Option<i64>,
        /// Tries that may follow the first.
        retries: Option<u32>,
        /// The path the upstream is asked for, instead of the request's own.
        path: Option<&'d str>,
        /// What hashing policies go by, instead of the client's address.
        key: Option<&'d str>,
    },
    /// It is asked for elsewhere.
    #[outcome(name = "redirect")]
    Redirect {
        /// Where.
        location: &'d str,
        /// 308 where the rules do not say.
        status: Option<u16>,
    },
    /// The proxy answers.
    #[outcome(name = "respond")]
    Respond {
        /// The status.
        status: u16,
        /// A text.
        body: Option<&'d str>,
        /// What `Retry-After` says, in microseconds, which become whole seconds, rounded up; nothing where there is no time to wait.
        retry_after: Option<i64>,
    },
}

/// How a field of a message is edited: an element of what `edits` and `response_edits` of the settings give.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Outcome)]
pub enum Edit<'d> {
    /// It has this value and no other.
    #[outcome(name = "set")]
    Set {
        /// The field.
        name: &'d str,
        /// Its value.
        value: &'d str,
    },
    /// It has this value besides what it had.
    #[outcome(name = "add")]
    Add {
        /// The field.
        name: &'d str,
        /// The value.
        value: &'d str,
    },
    /// It is taken out.
    #[outcome(name = "remove")]
    Remove {
        /// The field.
        name: &'d str,
    },
}

/// A request as `std.http.Request`. Only what a rule can read is looked at.
#[derive(Facts)]
pub(crate) struct Request<'r> {
    id: &'r str,
    time: SystemTime,
    method: &'r str,
    host: &'r str,
    path: &'r str,
    query: Query<'r>,
    headers: Headers<'r>,
    cookies: CookieLines<'r>,
    client: Client,
    api_key: Option<&'r str>,
}

#[derive(Clone, Copy, Facts)]
struct Client {
    ip: IpAddr,
    port: u16,
    tls: bool,
}

/// A response as `std.http.Response`.
#[derive(Facts)]
pub(crate) struct Responded<'r> {
    status: u16,
    headers: Headers<'r>,
}

struct Headers<'r>(&'r HeaderMap);

struct CookieLines<'r>(&'r HeaderMap);

/// A request as it came, with what the proxy has found out about it.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) id: String,
    pub(crate) time: SystemTime,
    pub(crate) peer: SocketAddr,
    /// Who asked, as far as trusted proxies tell.
    pub(crate) client: IpAddr,
    /// As it was written.
    pub(crate) host: String,
    pub(crate) parts: Parts,
}

/// What a program decides about requests, bound to the proxy's types.
pub(crate) struct Rules {
    decide: Decide,
    answers: Outcomes<Answer<'static>>,
    edits: Option<Editing<Request<'static>>>,
    response_edits: Option<Editing<(Request<'static>, Responded<'static>)>>,
    counts: Vec<Mutex<Counts>>,
}

enum Decide {
    Alone(Bound<Request<'static>>),
    WithLoad(Bound<(Request<'static>, Load)>),
}

struct Editing<A> {
    bound: Bound<A>,
    outcomes: Outcomes<Vec<Edit<'static>>>,
}

impl Rules {
    /// Binds a program.
    ///
    /// # Errors
    /// When an entry is missing, takes something else, or can give what the proxy has no place for; the error names it.
    pub(crate) fn bind(program: &Program, settings: &Settings) -> Result<Rules, Error> {
        let entry = &*settings.entry;
        let decide = match program.parameters(entry)?.len() {
            2 => Decide::WithLoad(program.bind(entry)?),
            _ => Decide::Alone(program.bind(entry)?),
        };
        let edits = settings.edits.as_deref();
        let response_edits = settings.response_edits.as_deref();
        Ok(Rules {
            decide,
            answers: program.outcomes(entry)?,
            edits: edits
                .map(|entry| Editing::new(program, entry))
                .transpose()?,
            response_edits: response_edits
                .map(|entry| Editing::new(program, entry))
                .transpose()?,
            counts: (0..SHARDS).map(|_| Mutex::new(program.counts())).collect(),
        })
    }

    /// Decides about a request: `then` is given the answer and the decision.
    ///
    /// # Errors
    /// When the request is refused at the boundary.
    pub(crate) fn decide<R>(
        &self,
        session: &mut Session<'_>,
        arrived: &Arrived,
        settings: &Settings,
        load: Load,
        then: impl FnOnce(Answer<'_>, &Decision<'_>) -> R,
    ) -> Result<R, Error> {
        let facts = (arrived.facts(settings), load);
        let call = arrived.call();
        let decision = match &self.decide {
            Decide::Alone(bound) => session.decide_bound(bound, &facts.0, &call)?,
            Decide::WithLoad(bound) => session.decide_bound(bound, &facts, &call)?,
        };
        self.count(&decision);
        Ok(then(self.answers.of(&decision)?, &decision))
    }

    /// How the request is edited.
    ///
    /// # Errors
    /// As [`Rules::decide`].
    pub(crate) fn edits(
        &self,
        session: &mut Session<'_>,
        arrived: &Arrived,
        settings: &Settings,
        edit: &mut dyn FnMut(Edit<'_>),
    ) -> Result<(), Error> {
        let Some(edits) = &self.edits else {
            return Ok(());
        };
        let facts = arrived.facts(settings);
        let decision = session.decide_bound(&edits.bound, &facts, &arrived.call());
        self.edited(&decision?, &edits.outcomes, edit)
    }

    /// Whether responses are edited, so that the request has to be remembered.
    pub(crate) fn edits_responses(&self) -> bool {
        self.response_edits.is_some()
    }

    /// How the response is edited.
    ///
    /// # Errors
    /// As [`Rules::decide`].
    pub(crate) fn response_edits(
        &self,
        session: &mut Session<'_>,
        arrived: &Arrived,
        settings: &Settings,
        (status, headers): (u16, &HeaderMap),
        edit: &mut dyn FnMut(Edit<'_>),
    ) -> Result<(), Error> {
        let Some(edits) = &self.response_edits else {
            return Ok(());
        };
        let headers = Headers(headers);
        let facts = (arrived.facts(settings), Responded { status, headers });
        let decision = session.decide_bound(&edits.bound, &facts, &arrived.call());
        self.edited(&decision?, &edits.outcomes, edit)
    }

    fn edited(
        &self,
        decision: &Decision<'_>,
        outcomes: &Outcomes<Vec<Edit<'static>>>,
        edit: &mut dyn FnMut(Edit<'_>),
    ) -> Result<(), Error> {
        self.count(decision);
        outcomes.of(decision)?.into_iter().for_each(edit);
        Ok(())
    }

    fn count(&self, decision: &Decision<'_>) {
        let counts = self.counts[shard()].lock();
        counts
            .unwrap_or_else(PoisonError::into_inner)
            .count(decision);
    }

    /// How often each rule decided, since this program decides.
    pub(crate) fn counts(&self) -> Option<Counts> {
        let each = self.counts.iter();
        let mut each = each.map(|counts| counts.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all = each.next()?.clone();
        for counts in each {
            all.add(&counts);
        }
        Some(all)
    }
}

impl<A: tollgate::typed::Args> Editing<A> {
    fn new(program: &Program, entry: &str) -> Result<Editing<A>, Error> {
        Ok(Editing {
            bound: program.bind(entry)?,
            outcomes: program.outcomes(entry)?,
        })
    }
}

impl Arrived {
    /// Takes in a request. Refused are those whose client a trusted proxy does not tell.
    pub(crate) fn new(
        id: String,
        peer: SocketAddr,
        host: String,
        parts: Parts,
        trusted_proxies: u32,
    ) -> Result<Arrived, String> {
        let client = match trusted_proxies {
            0 => peer.ip(),
            _ => {
                let lines = parts.headers.get_all("x-forwarded-for").iter();
                let lines = lines.map(|line| ("x-forwarded-for", line.to_str().unwrap_or("")));
                let lines: Vec<(&str, &str)> = lines.collect();
                let request = RawRequest {
                    id: "",
                    time: 0,
                    method: "",
                    target: "/",
                    authority: None,
                    headers: &lines,
                    peer,
                    tls: false,
                    trusted_proxies,
                };
                tollgate::http::client_ip(&request).map_err(|refusal| refusal.to_string())?
            }
        };
        Ok(Arrived {
            id,
            time: SystemTime::now(),
            peer,
            client: client.to_canonical(),
            host,
            parts,
        })
    }

    fn call(&self) -> Call<'_> {
        let since = self.time.duration_since(SystemTime::UNIX_EPOCH);
        let micros = since.unwrap_or_default().as_micros();
        Call {
            id: &self.id,
            time: i64::try_from(micros).unwrap_or(i64::MAX),
        }
    }

    fn facts<'r>(&'r self, settings: &Settings) -> Request<'r> {
        let Parts {
            method,
            uri,
            headers,
            ..
        } = &self.parts;
        let key = settings.api_key_header.as_deref();
        let key = key.and_then(|name| headers.get(name)?.to_str().ok());
        Request {
            id: &self.id,
            time: self.time,
            method: method.as_str(),
            host: &self.host,
            path: uri.path(),
            query: Query(uri.query().unwrap_or("")),
            headers: Headers(headers),
            cookies: CookieLines(headers),
            client: Client {
                ip: self.client,
                port: self.peer.port(),
                tls: false,
            },
            api_key: key,
        }
    }

    /// Why a program decides about the request as it does: on facts let in by the other door, that of untyped values.
    ///
    /// # Errors
    /// As `Program::explain_facts`.
    pub(crate) fn explain(
        &self,
        program: &Program,
        settings: &Settings,
        load: Load,
        which: Which<'_>,
    ) -> Result<Explanation, String> {
        let Parts {
            method,
            uri,
            headers,
            ..
        } = &self.parts;
        let lines: Option<Vec<(&str, &str)>> = headers
            .iter()
            .map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
            .collect();
        let lines = lines.ok_or("a header of the request is no text")?;
        let call = self.call();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let request = RawRequest {
            id: &self.id,
            time: call.time,
            method: method.as_str(),
            target,
            authority: Some(&self.host),
            headers: &lines,
            peer: self.peer,
            tls: false,
            trusted_proxies: settings.trusted_proxies,
        };
        let arena = Arena::new();
        let fields = tollgate::http::fields(&request, &arena).map_err(|r| r.to_string())?;
        let mut fields = fields.to_vec();
        if let Some(key) = self.facts(settings).api_key {
            fields.push(("api_key", Input::Str(key)));
        }
        let load = load.measures().map(|(name, value)| (name, value.input()));
        let load: Vec<(&str, Input<'_>)> = load.collect();
        let facts = [Input::Map(&fields), Input::Map(&load)];
        let entry = &*settings.entry;
        let explain = || {
            let parameters = program.parameters(entry)?.len().min(facts.len());
            let facts = program.facts(entry, &facts[..parameters])?;
            program.explain_facts(entry, &facts, &call, which)
        };
        explain().map_err(|e: Error| e.to_string())
    }
}

impl Fact for Headers<'_> {
    const SHAPE: Shape = Shape::Map(&Shape::Seq(&Shape::Text));

    fn word<'a>(
        &'a self,
        fit: &Fit,
        to: &Entering<'a>,
    ) -> Result<Word<'a>, Box<tollgate::typed::Refusal>> {
        let mut names = self.0.keys();
        fit.map(self.0.keys_len(), to, |fit| {
            let name = names.next()?;
            let all = self.0.get_all(name);
            let mut values = all.iter();
            let word = fit.seq(all.iter().count(), to, |_, fit| {
                let value = values.next().map_or(&b""[..], |value| value.as_bytes());
                match std::str::from_utf8(value) {
                    Ok(text) => fit.text(text, to),
                    Err(_) => Err(Box::new(tollgate::typed::Refusal {
                        path: String::new(),
                        value: String::new(),
                        reason: "a header that rules read is text".into(),
                        offset: None,
                    })),
                }
            });
            Some((name.as_str(), word))
        })
    }
}

impl Fact for CookieLines<'_> {
    const SHAPE: Shape = Shape::Map(&Shape::Text);

    fn word<'a>(
        &'a self,
        fit: &Fit,
        to: &Entering<'a>,
    ) -> Result<Word<'a>, Box<tollgate::typed::Refusal>> {
        let lines = self.0.get_all(header::COOKIE).iter();
        Cookies::word_of(lines.filter_map(|line| line.to_str().ok()), fit, to)
    }
}

/// The counters of this thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let shard = SHARD
        .get()
        .unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    SHARD.set(Some(shard));
    shard
}

#[cfg(test)]
mod tests {
    use tollgate::Engine;

    use super::*;

    fn settings() -> Settings {
        let text = "rules = \"x\"\nentry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\nedits = \"edits\"";
        Settings::parse(text).unwrap()
    }

    fn bound(rules: &str) -> Result<Rules, String> {
        let program = Engine::new()
            .compile_source("x.rules", rules)
            .map_err(|e| e.to_string())?;
        Rules::bind(&program, &settings()).map_err(|e| e.to_string())
    }

    const EDITS: &str = "
        use std.http.{Request, Route}
        enum Edit { set(name: HeaderName, value: String) }
        ruleset edits(req: Request) -> [Edit] hit all { rule mark when req.path matches p\"/**\" then set(\"x-a\", \"1\") }
    ";

    #[test]
    fn the_routes_of_the_library_fit() {
        let rules =
            "ruleset edge(req: Request) -> Route hit first { otherwise forward(service: \"a\") }";
        assert!(bound(&format!("{EDITS}{rules}")).is_ok());
    }

    /// The proxy verifies no tokens, so there is none, and a guard's `?? deny` denies.
    #[test]
    fn what_the_proxy_does_not_know_is_absent() {
        let rules = "ruleset edge(req: Request) -> Route hit first {
            rule who when req.token is none then respond(401)
            otherwise respond(204)
        }";
        assert!(bound(&format!("{EDITS}{rules}")).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |rules: &str| bound(&format!("{EDITS}{rules}")).err().unwrap_or_default();
        let has = |rules: &str, part: &str| {
            let error = error(rules);
            assert!(error.contains(part), "{error}");
        };
        has("", "no entry `edge`");
        has(
            "ruleset edge(req: Request) -> Int hit first { otherwise 1 }",
            "`edge` cannot give this: the rules give",
        );
        has(
            "enum R { drop } ruleset edge(req: Request) -> R hit first { otherwise drop }",
            "the rules can give `drop`, and `Answer` has no such variant",
        );
        has(
            "enum R { forward(service: String, colour: Int) }
             ruleset edge(req: Request) -> R hit first { otherwise forward(\"a\", 1) }",
            "`forward.colour`: the rules give it, and `forward` has no such field",
        );
        has(
            "enum R { forward(timeout: Duration in 0s .. 5s) }
             ruleset edge(req: Request) -> R hit first { otherwise forward(1s) }",
            "`forward.service`: `forward` of the rules has no such field",
        );
        has(
            "record Load { cpu: Percent }
             ruleset edge(req: Request, load: Load) -> Route hit first {
               rule hot when load.cpu > 80% then respond(503)
               otherwise respond(204)
             }",
            "`cpu`",
        );
    }
}
