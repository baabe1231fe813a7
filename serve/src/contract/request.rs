//! A request as the rules are told it.
#![expect(
    clippy::disallowed_methods,
    reason = "a proxy is where the time of a decision comes from"
)]

use std::net::IpAddr;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use tollgate::http::{Cookies, Query, RawRequest};
use tollgate::typed::{Document, Entering, Fact, Fit, Refusal, Shape, Word};
use tollgate::{Call, Facts};

use crate::accept::Peer;
use crate::settings::Settings;

/// A request as `std.http.Request`. Only what a rule can read is looked at.
#[derive(Facts)]
pub(super) struct Request<'r> {
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
pub(super) struct Responded<'r> {
    status: u16,
    headers: Headers<'r>,
}

struct Headers<'r>(&'r HeaderMap);

struct CookieLines<'r>(&'r HeaderMap);

/// The body of a request, where there is one: a text, bytes, or a value in JSON, as the rules want it.
pub(super) struct Body<'r>(pub(super) Option<&'r [u8]>);

/// A request as it came, with what the proxy has found out about it.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) id: String,
    pub(crate) time: SystemTime,
    pub(crate) peer: Peer,
    /// Who asked, as far as trusted proxies tell.
    pub(crate) client: IpAddr,
    /// As it was written.
    pub(crate) host: String,
    pub(crate) parts: Parts,
    /// What was read of it before the rules were asked, which is all where a rule can read it, and not empty.
    pub(crate) body: Option<Bytes>,
}

impl Arrived {
    /// Takes in a request. Refused are those whose client a trusted proxy does not tell.
    pub(crate) fn new(
        id: String,
        peer: Peer,
        host: String,
        parts: Parts,
        trusted_proxies: u32,
    ) -> Result<Arrived, String> {
        let client = match trusted_proxies {
            0 => peer.address.ip(),
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
                    peer: peer.address,
                    tls: peer.tls,
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
            body: None,
        })
    }

    pub(super) fn call(&self) -> Call<'_> {
        let since = self.time.duration_since(SystemTime::UNIX_EPOCH);
        let micros = since.unwrap_or_default().as_micros();
        Call {
            id: &self.id,
            time: i64::try_from(micros).unwrap_or(i64::MAX),
        }
    }

    pub(super) fn facts<'r>(&'r self, settings: &Settings) -> Request<'r> {
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
                port: self.peer.address.port(),
                tls: self.peer.tls,
            },
            api_key: key,
        }
    }

    /// A copy that shares no memory with the connection that it came from, with this body.
    pub(crate) fn copy(&self, body: Option<Bytes>) -> Arrived {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = self.parts.method.clone();
        parts.version = self.parts.version;
        let uri = self.parts.uri.to_string().parse();
        parts.uri = uri.unwrap_or_else(|_| self.parts.uri.clone());
        parts.headers.reserve(self.parts.headers.len());
        for (name, value) in &self.parts.headers {
            let copy = HeaderValue::from_bytes(value.as_bytes());
            let copy = copy.unwrap_or_else(|_| value.clone());
            parts.headers.append(name.clone(), copy);
        }
        Arrived {
            id: self.id.clone(),
            host: self.host.clone(),
            parts,
            body,
            ..*self
        }
    }
}

impl<'r> Responded<'r> {
    pub(super) fn new(status: u16, headers: &'r HeaderMap) -> Responded<'r> {
        let headers = Headers(headers);
        Responded { status, headers }
    }
}

impl Fact for Headers<'_> {
    const SHAPE: Shape = Shape::Map(&Shape::Seq(&Shape::Text));

    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        let mut names = self.0.keys();
        fit.map(self.0.keys_len(), to, |fit| {
            let name = names.next()?;
            let all = self.0.get_all(name);
            let mut values = all.iter();
            let word = fit.seq(all.iter().count(), to, |_, fit| {
                let value = values.next().map_or(&b""[..], |value| value.as_bytes());
                match std::str::from_utf8(value) {
                    Ok(text) => fit.text(text, to),
                    Err(_) => Err(Box::new(Refusal {
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

impl Fact for Body<'_> {
    const SHAPE: Shape = Shape::Opt(&Document::SHAPE);

    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        let Some(body) = self.0 else {
            return Ok(Word::None);
        };
        fit.document(body, to).map_err(|mut refusal| {
            let step = match refusal.path.starts_with('[') || refusal.path.is_empty() {
                true => "body",
                false => "body.",
            };
            refusal.path.insert_str(0, step);
            refusal
        })
    }
}

impl Fact for CookieLines<'_> {
    const SHAPE: Shape = Shape::Map(&Shape::Text);

    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        let lines = self.0.get_all(header::COOKIE).iter();
        Cookies::word_of(lines.filter_map(|line| line.to_str().ok()), fit, to)
    }
}
