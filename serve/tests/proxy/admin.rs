//! What an operator is told.

use serde_json::{Value, json};

use crate::support::{Proxy, Upstream, cluster, raw};

const RULES: &str = "
    record Load { busy: Percent in 0% .. 100% }
    ruleset edge(req: Request, load: Load) -> Route hit first {
      rule admin when req.path matches p\"/admin/**\" and not (req.client.ip in {ip\"10.0.0.0/8\"}) then respond(403)
      rule full when load.busy >= 90% then respond(503)
      otherwise forward(service: \"a\")
    }";

#[tokio::test]
async fn rules_are_counted_and_measured() {
    let upstream = Upstream::named("up").await;
    let proxy = Proxy::start(RULES, &cluster("a", &[upstream.address], "")).await;
    for path in ["/1", "/admin/x", "/2"] {
        proxy.get(path).await;
    }
    let rules: Value = serde_json::from_str(&proxy.admin("GET", "/rules", "").await.body).unwrap();
    assert_eq!(
        rules["decisions"],
        json!({ "edge.admin": 1, "edge.full": 0, "edge.otherwise": 2 })
    );
    assert_eq!(
        (&rules["version"], &rules["entries"]),
        (&json!(1), &json!(["edge"]))
    );
    let metrics = proxy.admin("GET", "/metrics", "").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    for line in [
        "tollgate_requests_total{code=\"2xx\"} 2",
        "tollgate_requests_total{code=\"4xx\"} 1",
        "tollgate_requests_total{code=\"5xx\"} 0",
        "tollgate_rule_decisions{rule=\"edge.admin\"} 1",
        "tollgate_upstream_seconds_count{service=\"a\"} 2",
        "tollgate_in_flight 0",
        "# EOF",
    ] {
        assert!(
            metrics.body.lines().any(|l| l == line),
            "{line} in\n{}",
            metrics.body
        );
    }
    let load: Value = serde_json::from_str(&proxy.admin("GET", "/load", "").await.body).unwrap();
    assert_eq!(
        (&load["in_flight"], &load["busy"]),
        (&json!(0), &json!(0.0))
    );
    assert_eq!(load["shed_from"], Value::Null);
    assert_eq!(proxy.admin("GET", "/", "").await.status, 404);
    assert_eq!(proxy.admin("GET", "/drain", "").await.status, 404);
    let page = "POST /drain HTTP/1.1\r\nhost: a\r\norigin: http://evil.example\r\ncontent-length: 0\r\n\r\n";
    assert!(raw(proxy.admin, page).await.starts_with("HTTP/1.1 403 "));
    assert_eq!(proxy.admin("GET", "/health", "").await.status, 200);
}
