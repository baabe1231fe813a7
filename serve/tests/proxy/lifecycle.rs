//! Reloading and ending without breaking a request.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Response;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tollgate::Reloaded;

use crate::support::{HEAD, Proxy, Upstream, ask, cluster, until};

fn answering(status: usize) -> String {
    format!(
        "ruleset edge(req: Request) -> Route hit first {{
           rule own when req.path matches p\"/own\" then respond({status})
           otherwise forward(service: \"a\")
         }}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_under_load_fail_no_request() {
    const RELOADS: usize = 100;
    let upstream = Upstream::named("up").await;
    let proxy = Proxy::start(&answering(200), &cluster("a", &[upstream.address], "")).await;
    let (ended, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|n| {
            let (ended, answered, address) = (ended.clone(), answered.clone(), proxy.address);
            tokio::spawn(async move {
                let client = Client::builder(TokioExecutor::new()).build_http();
                let mut failed = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    let own = n % 2 == 0;
                    let path = if own { "/own" } else { "/up" };
                    let answer = ask(&client, address, "GET", path, &[], "").await;
                    answered.fetch_add(1, Ordering::Relaxed);
                    let fine = match own {
                        true => (200..200 + RELOADS as u16 + 1).contains(&answer.status),
                        false => answer.status == 200 && answer.body == "up",
                    };
                    if !fine {
                        failed.push(answer);
                    }
                }
                failed
            })
        })
        .collect();
    for i in 1..=RELOADS {
        let before = answered.load(Ordering::Relaxed);
        fs::write(
            proxy.folder.rules(),
            format!("{HEAD}{}", answering(200 + i % 99)),
        )
        .unwrap();
        let control = proxy.control.clone();
        let reloaded = tokio::task::spawn_blocking(move || control.reload())
            .await
            .unwrap();
        assert_eq!(reloaded.unwrap(), Reloaded::Replaced);
        // There was load with each of them.
        until(|| answered.load(Ordering::Relaxed) > before + 4).await;
        assert_eq!(proxy.get("/own").await.status as usize, 200 + i % 99);
    }
    ended.store(true, Ordering::Relaxed);
    for client in clients {
        let failed = client.await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    }
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    assert!(
        metrics.contains("tollgate_reloads_total{outcome=\"replaced\"} 100\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("tollgate_rules_version 101\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn rules_that_are_wrong_change_nothing() {
    let proxy = Proxy::start(&answering(201), "").await;
    for wrong in [
        "ruleset edge(",
        "ruleset edge(req: Request) -> Int hit first { otherwise 1 }",
    ] {
        fs::write(proxy.folder.rules(), format!("{HEAD}{wrong}")).unwrap();
        assert_eq!(proxy.admin("POST", "/reload", "").await.status, 422);
        assert_eq!(proxy.get("/own").await.status, 201);
    }
    fs::write(proxy.folder.rules(), format!("{HEAD}{}", answering(202))).unwrap();
    let reloaded = proxy.admin("POST", "/reload", "").await;
    assert_eq!(
        (reloaded.status, reloaded.body.contains("Replaced")),
        (200, true)
    );
    assert_eq!(proxy.get("/own").await.status, 202);
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    assert!(
        metrics.contains("tollgate_reloads_total{outcome=\"failed\"} 2\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn files_are_watched() {
    let proxy = Proxy::start(&answering(201), "watch = \"5ms\"\n").await;
    assert_eq!(proxy.get("/own").await.status, 201);
    fs::write(proxy.folder.rules(), format!("{HEAD}{}", answering(202))).unwrap();
    // However long that takes: without watching the test would not end well.
    while proxy.get("/own").await.status != 202 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn requests_in_progress_end_before_the_proxy_does() {
    let open = Arc::new(Semaphore::new(0));
    let held = open.clone();
    let upstream = Upstream::start(move |_| {
        let held = held.clone();
        async move {
            held.acquire().await.unwrap().forget();
            Response::new(Full::from("done"))
        }
    })
    .await;
    let settings =
        "drain = \"1h\"\n".to_owned() + &cluster("a", &[upstream.address], "timeout = \"1h\"");
    let rules = answering(200).replace(
        "forward(service: \"a\")",
        "forward(service: \"a\", timeout: 1h)",
    );
    let proxy = Proxy::start(&rules, &settings).await;
    let address = proxy.address;
    let waiting = tokio::spawn(async move {
        let client = Client::builder(TokioExecutor::new()).build_http();
        ask(&client, address, "GET", "/up", &[], "").await
    });
    until(|| upstream.count() == 1).await;
    assert_eq!(proxy.admin("GET", "/health", "").await.status, 200);
    proxy.control.drain();
    // Once nobody listens any more, the proxy is ending, and the request is still there.
    let mut refused = false;
    while !refused {
        refused = TcpStream::connect(address).await.is_err();
    }
    assert_eq!(proxy.admin("GET", "/health", "").await.status, 503);
    assert!(!waiting.is_finished() && !proxy.running.is_finished());
    open.add_permits(1);
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, "done"));
    assert_eq!(proxy.running.await.unwrap(), 0, "no connection was broken");
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_broken() {
    let upstream = Upstream::start(|_| std::future::pending()).await;
    let rules = answering(200).replace(
        "forward(service: \"a\")",
        "forward(service: \"a\", timeout: 1h)",
    );
    let settings = "drain = \"20ms\"\n".to_owned() + &cluster("a", &[upstream.address], "");
    let proxy = Proxy::start(&rules, &settings).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let request = b"GET /up HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    until(|| upstream.count() == 1).await;
    proxy.control.drain();
    assert_eq!(proxy.running.await.unwrap(), 1, "one connection was broken");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
}

/// 499 in the log, as nginx has it, and so among what clients did wrong.
#[tokio::test]
async fn who_leaves_before_the_answer_is_counted() {
    let upstream = Upstream::start(|_| std::future::pending()).await;
    let rules = answering(200).replace(
        "forward(service: \"a\")",
        "forward(service: \"a\", timeout: 1h)",
    );
    let proxy = Proxy::start(&rules, &cluster("a", &[upstream.address], "")).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let request = b"GET /up HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request).await.unwrap();
    until(|| upstream.count() == 1).await;
    drop(stream);
    let counted = "tollgate_requests_total{code=\"4xx\"} 1\n";
    while !proxy
        .admin("GET", "/metrics", "")
        .await
        .body
        .contains(counted)
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let log = proxy.end().await;
    assert_eq!(
        (&log[0]["status"], &log[0]["error"]),
        (&499.into(), &"the client left".into())
    );
}
