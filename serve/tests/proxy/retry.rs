//! Tries after the first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use http_body_util::Full;
use tokio::sync::Semaphore;

use crate::support::{Proxy, Upstream, cluster, nobody, status};

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
