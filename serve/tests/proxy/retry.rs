//! Tries after the first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{Proxy, Upstream, cluster, nobody, raw, status};

const TWICE: &str = "ruleset edge(req: Request) -> Route hit first {
    otherwise forward(service: \"a\", timeout: 1m, retries: 2)
}";

#[tokio::test]
async fn another_endpoint_is_tried() {
    let upstream = Upstream::named("up").await;
    let settings = cluster(
        "a",
        &[nobody().await, upstream.address],
        "health = { failures = 0 }",
    );
    let proxy = Proxy::start(TWICE, &settings).await;
    for _ in 0..4 {
        assert_eq!(proxy.get("/").await.status, 200);
    }
    // Nobody has seen it, so the method does not matter; a body is not kept.
    for (body, fails) in [("", 0), ("x", 1)] {
        let mut failed = 0;
        for _ in 0..2 {
            failed += usize::from(proxy.ask("POST", "/", &[], body).await.status == 502);
        }
        assert_eq!(failed, fails, "body {body:?}");
    }
    let log = proxy.end().await;
    assert!(log.iter().any(|line| line["tries"] == 2), "{log:?}");
}

#[tokio::test]
async fn only_what_may_be_repeated_is() {
    let upstream = Upstream::start(|_| async { status(503) }).await;
    let settings = cluster("a", &[upstream.address], "health = { failures = 0 }");
    let proxy = Proxy::start(TWICE, &settings).await;
    for (method, tries) in [("GET", 3), ("POST", 1), ("DELETE", 3), ("PATCH", 1)] {
        let before = upstream.count();
        assert_eq!(proxy.ask(method, "/", &[], "").await.status, 503);
        assert_eq!(upstream.count() - before, tries, "{method}");
    }
}

/// The library's `Route` always says how often: not at all, where a rule leaves it out.
#[tokio::test]
async fn where_rules_do_not_say_the_settings_do() {
    let own = "enum Way { forward(service: String) }
        ruleset edge(req: Request) -> Way hit first { otherwise forward(\"a\") }";
    let route = "ruleset edge(req: Request) -> Route hit first { otherwise forward(\"a\") }";
    for (rules, tries) in [(own, 3), (route, 1)] {
        let upstream = Upstream::start(|_| async { status(503) }).await;
        let more = "timeout = \"1m\"\nretries = 2\nhealth = { failures = 0 }";
        let proxy = Proxy::start(rules, &cluster("a", &[upstream.address], more)).await;
        assert_eq!(proxy.get("/").await.status, 503);
        assert_eq!(upstream.count(), tries);
    }
}

#[tokio::test]
async fn retries_stay_within_their_budget() {
    let upstream = Upstream::start(|_| async { status(503) }).await;
    let more =
        "health = { failures = 0 }\nretry = { percent = 10, burst = 3, base = \"0\", cap = \"0\" }";
    let proxy = Proxy::start(TWICE, &cluster("a", &[upstream.address], more)).await;
    for _ in 0..100 {
        proxy.get("/").await;
    }
    let retries = upstream.count() - 100;
    assert!((10..=13).contains(&retries), "{retries}");
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    let line = format!("tollgate_retries_total{{service=\"a\"}} {retries}");
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let open = Arc::new(Semaphore::new(0));
    let held = open.clone();
    let upstream = Upstream::start(move |_| {
        let held = held.clone();
        async move {
            let _ = held.acquire().await;
            Response::new(Full::from("late"))
        }
    })
    .await;
    let rules = "ruleset edge(req: Request) -> Route hit first {
        otherwise forward(service: \"a\", timeout: 20ms)
    }";
    let proxy = Proxy::start(rules, &cluster("a", &[upstream.address], "")).await;
    let answer = proxy.get("/").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (504, "the upstream took too long\n")
    );
    open.add_permits(1);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_left_alone() {
    let (good, asked) = (Upstream::named("good").await, Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    let bad = Upstream::start(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { status(502) }
    })
    .await;
    let more = "health = { failures = 3, rest = \"1h\" }";
    let proxy = Proxy::start(TWICE, &cluster("a", &[bad.address, good.address], more)).await;
    for _ in 0..20 {
        assert_eq!(proxy.get("/").await.status, 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let clusters: serde_json::Value =
        serde_json::from_str(&proxy.admin("GET", "/clusters", "").await.body).unwrap();
    assert_eq!(
        (&clusters["a"][0]["up"], &clusters["a"][1]["up"]),
        (&false.into(), &true.into())
    );
}

/// Otherwise anybody could take an endpoint out, or let the rules believe that it is slow.
#[tokio::test]
async fn no_endpoint_is_blamed_for_its_clients() {
    let upstream = Upstream::named("up").await;
    let more = "health = { failures = 1, rest = \"1h\" }";
    let rules = "ruleset edge(req: Request) -> Route hit first {
        otherwise forward(service: \"a\", timeout: 2s)
    }";
    let proxy = Proxy::start(rules, &cluster("a", &[upstream.address], more)).await;
    let begun = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
    // One that waits, one that has left, and one whose chunks are none.
    let mut waiting = TcpStream::connect(proxy.address).await.unwrap();
    waiting.write_all(begun.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    waiting.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    raw(proxy.address, begun).await;
    raw(
        proxy.address,
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nno number\r\n",
    )
    .await;
    let clusters = proxy.admin("GET", "/clusters", "").await.body;
    assert!(clusters.contains("\"up\": true"), "{clusters}");
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    let none = "tollgate_upstream_failures_total{service=\"a\"} 0\n";
    assert!(metrics.contains(none), "{metrics}");
    assert!(
        metrics.contains("tollgate_upstream_seconds_count{service=\"a\"} 0\n"),
        "{metrics}"
    );
    // An endpoint that breaks off is.
    drop(upstream);
    assert_eq!(proxy.get("/").await.status, 502);
    let clusters = proxy.admin("GET", "/clusters", "").await.body;
    assert!(clusters.contains("\"up\": false"), "{clusters}");
    let log = proxy.end().await;
    let errors: Vec<&str> = log
        .iter()
        .map(|line| line["error"].as_str().unwrap_or("-"))
        .collect();
    assert!(errors.contains(&"the body came too slowly"), "{errors:?}");
}
