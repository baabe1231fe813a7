//! Shedding: ordinary rules about a load that is measured.

use std::sync::Arc;

use http::Response;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;

use crate::support::{Later, Proxy, Upstream, ask, cluster, until};

/// The cubic curve of `examples/shop/overload.rules`, about what the proxy measures itself; the priority is said by the client.
const CUBIC: &str = r#"
    record Load { busy: Percent in 0% .. 100%, shed_from: Int in 0 .. 1_000_000 }
    type Priority = Int in 0 .. 100
    fn overload(load: Load) -> Percent in 0% .. 100% = clamp((load.busy - 60%) / 35%, 0%, 100%)
    fn cutoff(load: Load) -> Priority = round(100 * (100% - cube(overload(load))))
    fn priority(req: Request) -> Priority = clamp(to_int(req.header("x-priority").single ?? "") ?? 0, 0, 100)
    ruleset edge(req: Request, load: Load) -> Route hit first {
      rule held when req.path matches p"/hold" then forward(service: "a", timeout: 1h)
      rule red_zone when priority(req) > cutoff(load) then respond(503, retry_after: 1s)
      rule injected when priority(req) >= load.shed_from then respond(503, "told to")
      otherwise forward(service: "a")
    }
"#;

/// An upstream that holds what comes to `/hold` until there are permits.
async fn holding(open: Arc<Semaphore>) -> Upstream {
    Upstream::start(move |parts| -> Later {
        let open = open.clone();
        Box::pin(async move {
            if parts.uri.path() == "/hold" {
                open.acquire().await.unwrap().forget();
            }
            Response::new(Full::from("up"))
        })
    })
    .await
}

/// An upstream that is slow makes the proxy busy; what is shed then, of as many requests of each priority, lies on the curve within two points.
#[tokio::test]
async fn what_is_shed_lies_on_the_curve() {
    const CAPACITY: usize = 100;
    let open = Arc::new(Semaphore::new(0));
    let upstream = holding(open.clone()).await;
    let settings = format!("capacity = {CAPACITY}\n") + &cluster("a", &[upstream.address], "");
    let proxy = Proxy::start(CUBIC, &settings).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (mut held, mut waiting) = (0, Vec::new());
    for busy in [0, 50, 60, 70, 78, 85, 88, 92, 95, 100] {
        for _ in held..busy {
            let (client, address) = (client.clone(), proxy.address);
            waiting.push(tokio::spawn(async move {
                ask(&client, address, "GET", "/hold", &[], "").await.status
            }));
        }
        held = busy;
        until(|| {
            upstream
                .seen
                .lock()
                .unwrap()
                .iter()
                .filter(|s| s.0.uri.path() == "/hold")
                .count()
                == held
        })
        .await;
        let mut shed = 0;
        for priority in 0..100 {
            let answer = proxy
                .ask("GET", "/", &[("x-priority", &priority.to_string())], "")
                .await;
            match answer.status {
                503 => shed += 1,
                status => assert_eq!(status, 200),
            }
        }
        // Written here once more, in floats, and not taken from the rules.
        let depth = ((busy as f64 / 100.0 - 0.60) / 0.35).clamp(0.0, 1.0);
        let curve = 100.0 * depth.powi(3);
        assert!(
            (f64::from(shed) - curve).abs() <= 2.0,
            "{shed} shed at {busy}%, the curve says {curve:.1}"
        );
    }
    open.add_permits(held);
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), 200);
    }
    // And all is well again.
    while proxy
        .ask("GET", "/", &[("x-priority", "99")], "")
        .await
        .status
        != 200
    {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_operator_can_have_it_shed() {
    let upstream = Upstream::named("up").await;
    let proxy = Proxy::start(CUBIC, &cluster("a", &[upstream.address], "")).await;
    let status = async |priority: &str| {
        proxy
            .ask("GET", "/", &[("x-priority", priority)], "")
            .await
            .status
    };
    assert_eq!(
        [status("49").await, status("50").await, status("99").await],
        [200; 3]
    );
    assert_eq!(proxy.admin("POST", "/shed?from=50", "").await.status, 200);
    assert_eq!(
        [status("49").await, status("50").await, status("99").await],
        [200, 503, 503]
    );
    assert_eq!(proxy.admin("POST", "/shed?from=many", "").await.status, 400);
    assert_eq!(status("50").await, 503);
    assert_eq!(proxy.admin("POST", "/shed", "").await.status, 200);
    assert_eq!(status("99").await, 200);
}
