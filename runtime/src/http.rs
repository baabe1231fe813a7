//! An HTTP request as a server has it, taken apart into facts: what `std.http.Request` is made of.
//!
//! This only takes apart (target, fields by name, query, cookies, the address behind proxies); the schema's reader then checks
//! and makes canonical. What has two readings is refused, so that rules never see another request than the backend.

mod parts;

use std::net::{IpAddr, SocketAddr};

pub use parts::{Cookies, Query};

use crate::arena::Arena;
use crate::boundary::{Refusal, quote};
use crate::facts::Input;

/// A request as a server has it.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest<'r> {
    /// The decision's id.
    pub id: &'r str,
    /// The decision's time in microseconds since 1970.
    pub time: i64,
    /// The method, as sent.
    pub method: &'r str,
    /// The request target: origin form (`/a?b`) or absolute form (`http://host/a?b`), RFC 9112 §3.2.
    pub target: &'r str,
    /// The `:authority` of HTTP/2 and later; without one, the `Host` field tells.
    pub authority: Option<&'r str>,
    /// The fields in their order, names in any case.
    pub headers: &'r [(&'r str, &'r str)],
    /// Who is connected.
    pub peer: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// How many proxies in front, each of which adds the address it sees to `X-Forwarded-For`.
    pub trusted_proxies: u32,
}

/// The names of what [`fields`] gives, in its order.
pub const FIELDS: [&str; 9] = [
    "id", "time", "method", "host", "path", "query", "headers", "cookies", "client",
];

/// The facts of a request by field names, for [`crate::facts::value`]. A host that knows an `api_key` or a `token` adds them to what
/// [`fields`] gives.
///
/// # Errors
/// As [`fields`].
pub fn facts<'a>(request: &RawRequest<'a>, arena: &'a Arena) -> Result<Input<'a>, Refusal> {
    let fields = fields(request, arena)?;
    let mut entries = arena.vec();
    entries.extend(fields);
    Ok(Input::Map(entries.into_bump_slice()))
}

/// The facts of a request, each with its field's name: `id time method host path query headers cookies client`.
///
/// # Errors
/// When the target has neither form, the host is missing or given twice, an escape in the query is broken, or the address behind the trusted
/// proxies is no address.
///
/// ```
/// use tollgate_runtime::{Arena, facts::Input, http};
/// let arena = Arena::new();
/// let request = http::RawRequest {
///     id: "r1",
///     time: 0,
///     method: "GET",
///     target: "/v2/carts?page=2",
///     authority: None,
///     headers: &[("Host", "shop.example"), ("X-Forwarded-For", "10.9.9.9, 192.0.2.7")],
///     peer: ([10, 0, 0, 1], 4711).into(),
///     tls: true,
///     trusted_proxies: 1,
/// };
/// let fields = http::fields(&request, &arena).unwrap();
/// let of = |name| fields.iter().find(|f| f.0 == name).unwrap().1;
/// assert!(matches!(of("path"), Input::Str("/v2/carts")));
/// assert!(matches!(of("client"), Input::Map([(_, Input::Ip(ip)), ..]) if ip.to_string() == "192.0.2.7"));
/// ```
pub fn fields<'a>(
    request: &RawRequest<'a>,
    arena: &'a Arena,
) -> Result<[(&'a str, Input<'a>); 9], Refusal> {
    let (authority, path, query) = target(request.target)?;
    let host = match authority.or(request.authority) {
        Some(authority) => authority,
        None => sole_host(request.headers)?,
    };
    let mut client = arena.vec();
    client.push(("ip", client_ip(request)?.into()));
    client.push(("port", request.peer.port().into()));
    client.push(("tls", request.tls.into()));
    Ok([
        ("id", request.id.into()),
        ("time", request.time.into()),
        ("method", request.method.into()),
        ("host", host.into()),
        ("path", path.into()),
        ("query", parameters(query, arena)?),
        ("headers", headers(request.headers, arena)),
        ("cookies", cookies(request.headers, arena)),
        ("client", Input::Map(client.into_bump_slice())),
    ])
}

/// The address to hold a request against: the peer, or what the outermost trusted proxy saw. Entries further left were written by
/// the client and say nothing.
///
/// # Errors
/// When the entry that counts is no address.
pub fn client_ip(request: &RawRequest<'_>) -> Result<IpAddr, Refusal> {
    let forwarded = || {
        let lines = request.headers.iter().rev();
        lines
            .filter(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"))
            .flat_map(|(_, line)| line.rsplit(','))
    };
    let Some(place) = request.trusted_proxies.checked_sub(1) else {
        return Ok(request.peer.ip());
    };
    // With fewer entries than proxies somebody inside asked directly; the leftmost entry is what is known.
    let entry = forwarded()
        .nth(place as usize)
        .or_else(|| forwarded().last());
    let Some(entry) = entry.map(str::trim) else {
        return Ok(request.peer.ip());
    };
    let bare = entry.strip_prefix('[').and_then(|e| e.strip_suffix(']'));
    entry
        .parse::<IpAddr>()
        .or_else(|_| entry.parse::<SocketAddr>().map(|a| a.ip()))
        .or_else(|_| bare.unwrap_or("").parse::<IpAddr>())
        .map_err(|_| {
            refusal(
                "headers[\"x-forwarded-for\"]",
                entry,
                "a trusted proxy reports no address",
            )
        })
}

/// Takes a target apart: the authority of the absolute form, the path, the query.
fn target(target: &str) -> Result<(Option<&str>, &str, &str), Refusal> {
    let (authority, rest) = if target.starts_with('/') {
        (None, target)
    } else {
        let Some((scheme, rest)) = target.split_once("://") else {
            return Err(refusal(
                "path",
                target,
                "the request target begins with `/`",
            ));
        };
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(refusal(
                "path",
                target,
                "the scheme of a request is http or https",
            ));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        (Some(&rest[..end]), &rest[end..])
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Ok((authority, if path.is_empty() { "/" } else { path }, query))
}

fn sole_host<'r>(headers: &[(&'r str, &'r str)]) -> Result<&'r str, Refusal> {
    let mut hosts = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    match (hosts.next(), hosts.next()) {
        (Some((_, host)), None) => Ok(trim(host)),
        (None, _) => Err(refusal("host", "", "the request names no host")),
        (Some(_), Some((_, second))) => Err(refusal("host", second, "the request names two hosts")),
    }
}

/// `a=1&b=2&a=3` by name.
fn parameters<'a>(query: &'a str, arena: &'a Arena) -> Result<Input<'a>, Refusal> {
    Ok(by_name(query_pairs(query, arena)?, arena))
}

/// Names and values of a query, decoded as `application/x-www-form-urlencoded` (WHATWG URL §5.1), but a broken escape is refused.
fn query_pairs<'a>(
    query: &'a str,
    arena: &'a Arena,
) -> Result<&'a mut [(&'a str, &'a str)], Refusal> {
    let mut pairs = arena.vec();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((unescape(name, arena)?, unescape(value, arena)?));
    }
    Ok(pairs.into_bump_slice_mut())
}

fn headers<'a>(headers: &[(&'a str, &'a str)], arena: &'a Arena) -> Input<'a> {
    let mut pairs = arena.vec();
    for (name, value) in headers {
        let lower = arena.collect_str(name.len(), name.chars().map(|c| c.to_ascii_lowercase()));
        pairs.push((lower, trim(value)));
    }
    by_name(pairs.into_bump_slice_mut(), arena)
}

/// The cookies of all `Cookie` fields by name. Of two with one name the first counts: browsers send the more specific one first.
fn cookies<'a>(headers: &[(&'a str, &'a str)], arena: &'a Arena) -> Input<'a> {
    let lines = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let pairs = cookie_pairs(lines.map(|(_, line)| *line), arena);
    sort(pairs);
    let mut entries = arena.vec();
    for group in pairs.chunk_by(|a, b| a.0 == b.0) {
        entries.push((group[0].0, Input::Str(group[0].1)));
    }
    Input::Map(entries.into_bump_slice())
}

/// Names and values of cookies (RFC 6265 §5.4), in the order in which they came.
fn cookie_pairs<'a>(
    lines: impl Iterator<Item = &'a str>,
    arena: &'a Arena,
) -> &'a mut [(&'a str, &'a str)] {
    let mut pairs = arena.vec();
    for part in lines.flat_map(|line| line.split(';')) {
        if let Some((name, value)) = part.split_once('=') {
            pairs.push((trim(name), trim(value)));
        }
    }
    pairs.into_bump_slice_mut()
}

/// Names with all their values, in the order in which they came.
fn by_name<'a>(pairs: &mut [(&'a str, &'a str)], arena: &'a Arena) -> Input<'a> {
    sort(pairs);
    let mut entries = arena.vec();
    for group in pairs.chunk_by(|a, b| a.0 == b.0) {
        let mut values = arena.vec();
        values.extend(group.iter().map(|(_, value)| Input::Str(value)));
        entries.push((group[0].0, Input::List(values.into_bump_slice())));
    }
    Input::Map(entries.into_bump_slice())
}

/// Sorts by name and keeps the order of equal names. Short lists, which these are, are sorted in place.
fn sort(pairs: &mut [(&str, &str)]) {
    pairs.sort_by(|a, b| a.0.cmp(b.0));
}

/// Decodes `%xx` and `+`.
fn unescape<'a>(text: &'a str, arena: &'a Arena) -> Result<&'a str, Refusal> {
    if !text.contains(['%', '+']) {
        return Ok(text);
    }
    let broken = || {
        refusal(
            "query",
            text,
            "a `%` in the query begins no escape of UTF-8",
        )
    };
    let bytes = text.as_bytes();
    let out = arena.zeroed(bytes.len());
    let (mut at, mut len) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        out[len] = match byte {
            b'%' => {
                let digit = |i: usize| bytes.get(at + i).and_then(|b| char::from(*b).to_digit(16));
                let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                    return Err(broken());
                };
                at += 2;
                (high * 16 + low) as u8
            }
            b'+' => b' ',
            byte => *byte,
        };
        at += 1;
        len += 1;
    }
    std::str::from_utf8(&out[..len]).map_err(|_| broken())
}

/// Without the white space of RFC 9110 §5.6.3 at the ends.
fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

fn refusal(path: &str, value: &str, reason: &str) -> Refusal {
    Refusal {
        path: path.into(),
        value: if value.is_empty() {
            String::new()
        } else {
            quote(value)
        },
        reason: reason.into(),
        offset: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;

    fn raw<'r>(
        target: &'r str,
        headers: &'r [(&'r str, &'r str)],
        trusted_proxies: u32,
    ) -> RawRequest<'r> {
        RawRequest {
            id: "r1",
            time: 7,
            method: "GET",
            target,
            authority: None,
            headers,
            peer: ([10, 0, 0, 1], 4711).into(),
            tls: false,
            trusted_proxies,
        }
    }

    fn show(input: Input<'_>) -> String {
        match input {
            Input::Str(text) => text.into(),
            Input::List(items) => format!(
                "[{}]",
                items.iter().map(|i| show(*i)).collect::<Vec<_>>().join(",")
            ),
            Input::Map(entries) => entries
                .iter()
                .map(|(k, v)| format!("{k}={}", show(*v)))
                .collect::<Vec<_>>()
                .join(" "),
            Input::Ip(ip) => ip.to_string(),
            other => format!("{other:?}"),
        }
    }

    fn field(request: &RawRequest<'_>, name: &str) -> Result<String, String> {
        let arena = Arena::new();
        let fields = fields(request, &arena).map_err(|e| e.to_string())?;
        Ok(show(fields.iter().find(|f| f.0 == name).unwrap().1))
    }

    #[test]
    fn requests_are_taken_apart() {
        let headers = [
            ("Host", " a.example "),
            ("X-B", "1"),
            ("x-a", "2"),
            ("x-b", "3"),
            ("Cookie", "a=1; b=x=y; a=2; junk"),
        ];
        let request = raw("/p%20q?b=1&a=%C3%A9+x&b=2&c&&=d", &headers, 0);
        let check = |name: &str, expect: &str| {
            assert_eq!(field(&request, name).as_deref(), Ok(expect), "{name}")
        };
        check("host", "a.example");
        check("path", "/p%20q");
        check("query", "=[d] a=[\u{e9} x] b=[1,2] c=[]");
        check(
            "headers",
            "cookie=[a=1; b=x=y; a=2; junk] host=[a.example] x-a=[2] x-b=[1,3]",
        );
        check("cookies", "a=1 b=x=y");
        let absolute = raw("HTTP://b.example:81?x", &headers, 0);
        assert_eq!(field(&absolute, "host").as_deref(), Ok("b.example:81"));
        assert_eq!(field(&absolute, "path").as_deref(), Ok("/"));
    }

    #[test]
    fn the_names_are_told_beforehand() {
        let arena = Arena::new();
        let fields = fields(&raw("/", &[("host", "a")], 0), &arena).unwrap();
        assert_eq!(fields.map(|(name, _)| name), FIELDS);
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        let host = [("host", "a")];
        let bad = |request: RawRequest<'_>, expect: &str| {
            assert_eq!(field(&request, "host").unwrap_err(), expect)
        };
        bad(raw("/", &[], 0), "host: the request names no host");
        bad(
            raw("/", &[("host", "a"), ("HOST", "b")], 0),
            "host = \"b\": the request names two hosts",
        );
        bad(
            raw("*", &host, 0),
            "path = \"*\": the request target begins with `/`",
        );
        bad(
            raw("ftp://a/", &host, 0),
            "path = \"ftp://a/\": the scheme of a request is http or https",
        );
        bad(
            raw("/?a=%f", &host, 0),
            "query = \"%f\": a `%` in the query begins no escape of UTF-8",
        );
        bad(
            raw("/?a=%ff", &host, 0),
            "query = \"%ff\": a `%` in the query begins no escape of UTF-8",
        );
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 1.1.1.1"),
            ("X-Forwarded-For", "[2001:db8::1]:80 ,3.3.3.3:9"),
        ];
        let ip = |trusted| client_ip(&raw("/", &headers, trusted)).unwrap().to_string();
        assert_eq!(
            [ip(0), ip(1), ip(2), ip(3), ip(4), ip(9)],
            [
                "10.0.0.1",
                "3.3.3.3",
                "2001:db8::1",
                "1.1.1.1",
                "6.6.6.6",
                "6.6.6.6"
            ]
        );
        assert_eq!(
            client_ip(&raw("/", &[], 2)).unwrap().to_string(),
            "10.0.0.1"
        );
        let odd = [("x-forwarded-for", "unknown")];
        assert_eq!(
            client_ip(&raw("/", &odd, 1)).unwrap_err().to_string(),
            "headers[\"x-forwarded-for\"] = \"unknown\": a trusted proxy reports no address"
        );
    }

    #[test]
    fn no_request_makes_it_panic() {
        let pieces = [
            "/",
            "?",
            "&",
            "=",
            "%",
            "%4",
            "%41",
            "%ff",
            "+",
            "http://",
            "host",
            "x-forwarded-for",
            "cookie",
            ";",
            ",",
            "[",
            "]",
            ":",
            "1.1.1.1",
            "\u{e9}",
            " ",
        ];
        let mut random = Random(10);
        let mut arena = Arena::new();
        for _ in 0..30_000 {
            arena.reset();
            let target = random.text(&pieces, 8);
            let texts: Vec<(String, String)> = (0..random.below(5))
                .map(|_| (random.text(&pieces, 1), random.text(&pieces, 6)))
                .collect();
            let headers: Vec<(&str, &str)> = texts
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            let request = raw(&target, &headers, random.below(4) as u32);
            let _ = fields(&request, &arena);
        }
    }
}
