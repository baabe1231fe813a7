//! Bodies: read where rules look at them, and streamed through where they do not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Proxy, Upstream, cluster, nobody, raw};

/// An order is decided about by its body.
const ORDERS: &str = "
    record Order { total: Money<SGD>, note: String? }
    record Load { busy: Percent in 0% .. 100% }
    ruleset edge(req: Request, load: Load, body: Order?) -> Route hit first {
      rule full when load.busy > 99% then respond(503)
      rule nothing when body is none then respond(400, \"an order is missing\")
      rule much when body.total ?? skip > 100.00 SGD then respond(402)
      otherwise forward(service: \"a\", retries: 2)
    }";

#[tokio::test]
async fn rules_decide_by_a_body() {
    let upstream = Upstream::named("up").await;
    let proxy = Proxy::start(ORDERS, &cluster("a", &[upstream.address], "")).await;
    let post = async |body: &str| proxy.ask("POST", "/", &[], body).await;
    assert_eq!(post("").await.body, "an order is missing");
    let order = r#"{"total": "99.50 SGD", "more": "is ignored"}"#;
    assert_eq!(post(order).await.body, "up");
    assert_eq!(upstream.seen.lock().unwrap()[0].1, order, "as it came");
    assert_eq!(post(r#"{"total": "100.50 SGD"}"#).await.status, 402);
    for (body, said) in [
        (r#"{"total": "1 EUR"}"#, "body.total"),
        (r#"{"note": "a"}"#, "total"),
        ("{", "body"),
    ] {
        let answer = post(body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(said), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_body_may_be_a_text() {
    let rules = "ruleset edge(req: Request, body: String?) -> Route hit first {
        rule bad when let text = body ?? skip and text.contains(\"<script\") then respond(403)
        otherwise respond(200, body ?? \"none\")
    }";
    let proxy = Proxy::start(rules, "").await;
    let post = async |body: &str| proxy.ask("POST", "/", &[], body).await;
    assert_eq!(post("").await.body, "none");
    assert_eq!(post("hello").await.body, "hello");
    assert_eq!(post("a <script> here").await.status, 403);
    let chunks = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab \r\n2\r\ncd\r\n0\r\n\r\n";
    assert!(raw(proxy.address, chunks).await.ends_with("ab cd"));
    let odd = proxy.ask("POST", "/", &[], "\u{e9}").await;
    assert_eq!(odd.body, "\u{e9}");
}

#[tokio::test]
async fn what_is_read_is_bounded() {
    let rules = "ruleset edge(req: Request, body: String?) -> Route hit first {
        rule any when body is none then respond(204)
        otherwise respond(200)
    }";
    let settings = "[limits]\nread_body_bytes = 10\nbody_timeout = \"20ms\"\n";
    let proxy = Proxy::start(rules, settings).await;
    let post = async |body: &str| proxy.ask("POST", "/", &[], body).await.status;
    assert_eq!([post("").await, post("0123456789").await], [204, 200]);
    assert_eq!(post("0123456789a").await, 413);
    let chunks = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n";
    let answer = raw(proxy.address, chunks).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let mut slow = TcpStream::connect(proxy.address).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab";
    slow.write_all(head).await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

/// A body that is there can be sent again.
#[tokio::test]
async fn what_was_read_can_be_tried_again() {
    let upstream = Upstream::named("up").await;
    let addresses = [nobody().await, upstream.address];
    let settings = cluster("a", &addresses, "health = { failures = 0 }");
    let proxy = Proxy::start(ORDERS, &settings).await;
    let order = r#"{"total": "1.00 SGD"}"#;
    for _ in 0..4 {
        assert_eq!(proxy.ask("POST", "/", &[], order).await.status, 200);
    }
    assert!(
        upstream
            .seen
            .lock()
            .unwrap()
            .iter()
            .all(|seen| seen.1 == order)
    );
    let log = proxy.end().await;
    assert!(log.iter().any(|line| line["tries"] == 2), "{log:?}");
}

/// The upstream has the beginning while the client still holds the end, also where the entry takes a body that no rule reads.
#[tokio::test]
async fn what_no_rule_reads_is_streamed() {
    for takes in ["", ", body: String?"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rules = format!(
            "ruleset edge(req: Request{takes}) -> Route hit first {{ otherwise forward(service: \"a\", timeout: 1h) }}"
        );
        let settings = cluster("a", &[listener.local_addr().unwrap()], "");
        let proxy = Proxy::start(&rules, &settings).await;
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        let begins = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc";
        client.write_all(begins).await.unwrap();
        let (mut upstream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"abc") {
            assert!(upstream.read_buf(&mut seen).await.unwrap() > 0);
        }
        client.write_all(b"def").await.unwrap();
        while !seen.ends_with(b"def") {
            assert!(upstream.read_buf(&mut seen).await.unwrap() > 0);
        }
        upstream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 204");
    }
}
