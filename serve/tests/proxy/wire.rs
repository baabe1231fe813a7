//! Messages with two readings, sent byte by byte as no library would: none reaches an upstream.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Proxy, Upstream, cluster, raw};

const ALL: &str =
    "ruleset edge(req: Request) -> Route hit first { otherwise forward(service: \"a\") }";

#[tokio::test]
async fn what_has_two_readings_reaches_nobody() {
    let upstream = Upstream::named("up").await;
    let proxy = Proxy::start(ALL, &cluster("a", &[upstream.address], "")).await;
    for (what, request) in [
        (
            "two lengths",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ),
        (
            "two lengths in one",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 2\r\n\r\nab",
        ),
        (
            "a length with a sign",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\na",
        ),
        (
            "another coding",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "two codings",
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks in 1.0",
            "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "a blank before the colon",
            "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n",
        ),
        (
            "a folded line",
            "GET / HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n b\r\n\r\n",
        ),
        ("two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"),
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        (
            "a user in the host",
            "GET http://me@a/ HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        ("a tunnel", "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("no path", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"),
    ] {
        let answer = raw(proxy.address, request).await;
        let status = answer.get(9..12).unwrap_or("none");
        assert!(["400", "405", "501"].contains(&status), "{what}: {answer}");
        assert!(!answer[12..].contains("HTTP/1.1 200"), "{what}: {answer}");
    }
    assert_eq!(upstream.count(), 0);
}

/// RFC 9112 §6.3 lets chunks win over a length, which must not go on then. hyper takes it out before anybody sees it.
#[tokio::test]
async fn a_length_besides_chunks_goes_no_further() {
    let upstream = Upstream::named("up").await;
    let proxy = Proxy::start(ALL, &cluster("a", &[upstream.address], "")).await;
    for fields in [
        "content-length: 6\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 6",
    ] {
        // Who goes by the length takes what follows the chunks for a part of this body, and the rest for another request.
        let request = format!(
            "POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\nXGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        raw(proxy.address, &request).await;
    }
    let seen = upstream.seen.lock().unwrap();
    assert!(!seen.is_empty());
    for (parts, body) in &*seen {
        assert_eq!((parts.uri.path(), body.len()), ("/", 0));
        assert!(!parts.headers.contains_key("content-length"), "{parts:?}");
    }
}

#[tokio::test]
async fn heads_have_a_limit() {
    let upstream = Upstream::named("up").await;
    let settings =
        cluster("a", &[upstream.address], "") + "[limits]\nheader_bytes = 8192\nheaders = 10\n";
    let proxy = Proxy::start(ALL, &settings).await;
    let long = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx-a: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let answer = raw(proxy.address, &long).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = "x-a: 1\r\n".repeat(11);
    let answer = raw(
        proxy.address,
        &format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(upstream.count(), 0);
}

/// Who says nothing, or only a part, holds a connection for as long as a head may take, and no longer.
#[tokio::test]
async fn who_stalls_is_let_go() {
    let settings = "[limits]\nheader_timeout = \"20ms\"\n";
    let proxy = Proxy::start(ALL, settings).await;
    for part in [
        "",
        "P",
        "PRI * HT",
        "GET / HTTP/1.1\r\nho",
        "GET / HTTP/1.1\r\nhost: a\r\n",
    ] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(part.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Ends only if the proxy ends it.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{part}: {answer}"
        );
    }
}
