//! What of a message is between two neighbours only, and what has two readings.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Version};

use crate::accept::Peer;

/// Fields that end at the next neighbour (RFC 9110 §7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields that no rule can edit: the proxy frames messages itself.
const FRAMING: [HeaderName; 1] = [header::CONTENT_LENGTH];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What the upstream is told the request's id by.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Refuses what two readers could read in two ways: where a message ends (request smuggling, RFC 9112 §11.2), for whom it is. hyper has
/// refused most of it before; what it mends in silence is refused here.
///
/// # Errors
/// A status, and a sentence for who sent it.
pub(crate) fn check(request: &Parts) -> Result<(), (u16, &'static str)> {
    let headers = &request.headers;
    if request.method == Method::CONNECT {
        return Err((405, "this is no tunnel"));
    }
    let lengths = headers.get_all(header::CONTENT_LENGTH);
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if lengths.iter().next().is_some() {
            return Err((400, "a message has a length or is chunked, not both"));
        }
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err((501, "the only transfer coding is `chunked`"));
        }
    }
    let digits = |length: &HeaderValue| length.as_bytes().iter().all(u8::is_ascii_digit);
    if lengths.iter().count() > 1 || !lengths.iter().all(digits) {
        return Err((400, "a message has one length, in digits"));
    }
    if request.uri.path() == "*" || !request.uri.path().starts_with('/') {
        return Err((400, "the request target begins with `/`"));
    }
    let hosts = headers.get_all(header::HOST).iter().count();
    let named = request.uri.authority().is_some();
    // HTTP/2 names the host in the target, and may repeat it.
    let wanted = match request.version {
        Version::HTTP_2 => named || hosts == 1,
        _ => hosts == 1,
    };
    if !wanted || hosts > 1 {
        return Err((400, "a request names one host"));
    }
    Ok(())
}

/// The host that a request is for, as it was written: of the target, else of the field `Host`.
pub(crate) fn host(request: &Parts) -> Result<&str, (u16, &'static str)> {
    const WRONG: (u16, &str) = (400, "the request names no host that can be read");
    let host = match request.uri.authority() {
        Some(authority) => authority.as_str(),
        None => {
            let host = request.headers.get(header::HOST).ok_or(WRONG)?;
            host.to_str().map_err(|_| WRONG)?
        }
    };
    match host.parse::<Authority>() {
        Ok(_) if !host.contains('@') => Ok(host),
        _ => Err(WRONG),
    }
}

/// Takes out what ends here.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        // Who names a field here cannot take from the upstream what it is told by us.
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Says who asked, for whom, and under which id.
pub(crate) fn introduce(headers: &mut HeaderMap, peer: Peer, host: &str, id: &str) {
    let before = headers.get_all(&FORWARDED_FOR).iter();
    let mut line: Vec<u8> = Vec::new();
    for part in before {
        line.extend(part.as_bytes());
        line.extend(b", ");
    }
    line.extend(peer.address.ip().to_canonical().to_string().as_bytes());
    if let Ok(line) = HeaderValue::from_bytes(&line) {
        headers.insert(FORWARDED_FOR, line);
    }
    let proto = if peer.tls { "https" } else { "http" };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    if let Ok(host) = HeaderValue::from_str(&host.to_ascii_lowercase()) {
        headers.insert(header::HOST, host);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    // hyper has answered it by reading the body.
    headers.remove(header::EXPECT);
}

/// Whether rules may edit a field.
pub(crate) fn can_edit(name: &HeaderName) -> bool {
    !HOP_BY_HOP.contains(name) && !FRAMING.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        let status = |target: &str, headers: &[(&str, &str)]| {
            check(&request("POST", target, headers)).err().map(|e| e.0)
        };
        let host = ("host", "a.example");
        assert_eq!(status("/", &[host, ("content-length", "3")]), None);
        assert_eq!(status("/", &[host, ("transfer-encoding", "Chunked")]), None);
        let both = [
            host,
            ("content-length", "3"),
            ("transfer-encoding", "chunked"),
        ];
        assert_eq!(status("/", &both), Some(400));
        for coding in [
            "gzip, chunked",
            "chunked, chunked",
            "identity",
            "\tchunked ",
            "xchunked",
        ] {
            assert_eq!(
                status("/", &[host, ("transfer-encoding", coding)]),
                Some(501),
                "{coding}"
            );
        }
        let twice = [
            host,
            ("transfer-encoding", "chunked"),
            ("transfer-encoding", "chunked"),
        ];
        assert_eq!(status("/", &twice), Some(501));
        assert_eq!(
            status(
                "/",
                &[host, ("content-length", "3"), ("content-length", "3")]
            ),
            Some(400)
        );
        for length in ["3, 3", "+3", "-1", "0x3"] {
            assert_eq!(
                status("/", &[host, ("content-length", length)]),
                Some(400),
                "{length}"
            );
        }
        assert_eq!(status("*", &[host]), Some(400));
        assert_eq!(status("/", &[]), Some(400));
        assert_eq!(status("/", &[host, host]), Some(400));
        assert_eq!(
            check(&request("CONNECT", "a.example:443", &[host]))
                .err()
                .map(|e| e.0),
            Some(405)
        );
    }

    #[test]
    fn the_target_names_the_host_before_the_field() {
        let of = |target: &str, field: &str| {
            let request = request("GET", target, &[("host", field)]);
            host(&request).map(str::to_owned).map_err(|e| e.0)
        };
        assert_eq!(of("/", "a.example:80").as_deref(), Ok("a.example:80"));
        assert_eq!(
            of("http://b.example/", "a.example").as_deref(),
            Ok("b.example")
        );
        for odd in ["", "me@a.example", "a b", "a.example/x"] {
            assert_eq!(of("/", odd), Err(400), "{odd}");
        }
    }

    #[test]
    fn what_ends_here_is_taken_out() {
        let mut request = request(
            "GET",
            "/",
            &[
                ("connection", "close, X-Secret"),
                ("x-secret", "1"),
                ("keep-alive", "timeout=5"),
                ("te", "trailers"),
                ("upgrade", "h2c"),
                ("proxy-authorization", "Basic x"),
                ("accept", "*/*"),
            ],
        );
        strip(&mut request.headers);
        let left: Vec<&str> = request.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["accept"]);
    }

    #[test]
    fn who_asked_is_added_behind_what_was_said() {
        let peer = Peer {
            address: ([10, 0, 0, 1], 4711).into(),
            tls: true,
        };
        let mut request = request(
            "GET",
            "/",
            &[
                ("x-forwarded-for", "6.6.6.6"),
                ("x-forwarded-for", "1.1.1.1"),
            ],
        );
        introduce(&mut request.headers, peer, "A.Example:80", "r1");
        let all: Vec<_> = request.headers.get_all("x-forwarded-for").iter().collect();
        assert_eq!(all, ["6.6.6.6, 1.1.1.1, 10.0.0.1"]);
        assert_eq!(request.headers["host"], "a.example:80");
        assert_eq!(request.headers["x-request-id"], "r1");
        assert_eq!(request.headers["x-forwarded-proto"], "https");
    }
}
