//! Rules with state: limits that hold over real connections, and slots that are given back however a request ends.

use std::fs;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tollgate::Reloaded;

use crate::support::{HEAD, Later, Proxy, Upstream, ask, cluster, nobody, until};

fn limited(otherwise: u16) -> String {
    format!(
        "use std.http.{{ApiKey}}
         state calls: TokenBucket by ApiKey {{ rate: 1 per 1h, burst: 2, max_keys: 100, on_failure: deny }}
         ruleset edge(req: Request) -> Route hit first {{
           rule rate
             when let key = req.api_key ?? skip
              and let wait = calls[key].take().wait ?? skip
             then respond(429, retry_after: wait)
           otherwise respond({otherwise})
         }}"
    )
}

const KEYED: &str = "api_key_header = \"x-key\"\n";

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let proxy = Proxy::start(&limited(200), KEYED).await;
    let ask = async |key: &str| proxy.ask("GET", "/", &[("x-key", key)], "").await;
    assert_eq!([ask("ann").await.status, ask("ann").await.status], [200; 2]);
    let answer = ask("ann").await;
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert_eq!(answer.status, 429);
    // A token comes each hour, and the first two were taken a moment ago.
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    assert_eq!(ask("bob").await.status, 200);
    assert_eq!(proxy.get("/").await.status, 200, "without a key");
}

#[tokio::test]
async fn a_reload_keeps_what_was_counted() {
    let proxy = Proxy::start(&limited(200), KEYED).await;
    let status = async || proxy.ask("GET", "/", &[("x-key", "ann")], "").await.status;
    assert_eq!(status().await, 200);
    fs::write(proxy.folder.rules(), format!("{HEAD}{}", limited(202))).unwrap();
    let control = proxy.control.clone();
    let reloaded = tokio::task::spawn_blocking(move || control.reload()).await;
    assert_eq!(reloaded.unwrap().unwrap(), Reloaded::Replaced);
    assert_eq!([status().await, status().await], [202, 429]);
}

/// Two slots for a year, so that one that is not given back would never be free again.
#[tokio::test]
async fn slots_are_given_back_however_a_request_ends() {
    let rules = "state slots: Concurrency { max: 2, lease: 365d, on_failure: deny }
        ruleset edge(req: Request) -> Route hit first {
          rule full when not slots.enter() then respond(503)
          rule dead when req.path matches p\"/dead\" then forward(service: \"dead\")
          rule gone when req.path matches p\"/gone\" then forward(service: \"gone\")
          rule slow when req.path matches p\"/slow\" then forward(service: \"a\", timeout: 20ms)
          rule own when req.path matches p\"/own\" then respond(204)
          otherwise forward(service: \"a\", timeout: 1h)
        }";
    let upstream = Upstream::start(|parts| -> Later {
        match parts.uri.path() {
            "/fine" => Box::pin(async { http::Response::new("fine".into()) }),
            _ => Box::pin(std::future::pending()),
        }
    })
    .await;
    let settings = cluster("a", &[upstream.address], "") + &cluster("dead", &[nobody().await], "");
    let proxy = Proxy::start(rules, &settings).await;
    // What a request took is free once its response has gone, which is perhaps a moment after it has come.
    let status = async |path: &str| loop {
        match proxy.get(path).await.status {
            503 => tokio::task::yield_now().await,
            status => return status,
        }
    };
    for (path, expected) in [
        ("/fine", 200),
        ("/own", 204),
        ("/dead", 502),
        ("/gone", 502),
        ("/slow", 504),
    ] {
        for _ in 0..3 {
            assert_eq!(status(path).await, expected, "{path}");
        }
    }
    let before = upstream.count();
    let mut waiting = Vec::new();
    for n in 1..=2 {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream
            .write_all(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        until(|| upstream.count() == before + n).await;
        waiting.push(stream);
    }
    assert_eq!(proxy.get("/own").await.status, 503, "both are held");
    drop(waiting);
    for _ in 0..3 {
        assert_eq!(status("/own").await, 204, "their clients have left");
    }
}

#[tokio::test]
async fn a_shadow_is_counted_and_not_felt() {
    let rules = "state calls: FixedWindow { limit: 1, window: 1d, on_failure: deny }
        ruleset edge(req: Request) -> Route hit first {
          mode shadow until t\"2199-01-01T00:00Z\"
          rule much when not calls.take().granted then respond(429)
          otherwise respond(204)
        }";
    let proxy = Proxy::start(rules, "").await;
    for _ in 0..3 {
        assert_eq!(proxy.get("/").await.status, 204);
    }
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    let counted = "tollgate_shadow_decisions_total{rule=\"much\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
    let log = proxy.end().await;
    assert_eq!(
        (&log[1]["by"], &log[1]["shadow"]),
        (&"otherwise".into(), &"much".into())
    );
}

/// `on_failure` answers for keys beyond `max_keys`, and that is seen.
#[tokio::test]
async fn a_state_that_is_full_is_seen() {
    let rules = limited(200).replace("max_keys: 100", "max_keys: 1");
    let proxy = Proxy::start(&rules, KEYED).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    for (key, status) in [("ann", 200), ("bob", 429), ("ann", 200)] {
        let headers = [("x-key", key)];
        let answer = ask(&client, proxy.address, "GET", "/", &headers, "").await;
        assert_eq!(answer.status, status, "{key}");
    }
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    let counted = "tollgate_state_failures_total{state=\"calls\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
}
