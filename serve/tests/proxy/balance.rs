//! Requests are spread as the policy says.

use crate::support::{Proxy, Upstream, cluster};

const BY_KEY: &str = "
    enum Way { forward(service: String, key: String) }
    ruleset edge(req: Request) -> Way hit first {
      otherwise forward(\"a\", key: req.header(\"x-key\").single ?? \"none\")
    }";

#[tokio::test]
async fn turns_follow_weights() {
    let (one, three) = (Upstream::named("one").await, Upstream::named("three").await);
    let settings = format!(
        "[clusters.a]\nendpoints = [{{ address = \"{}\" }}, {{ address = \"{}\", weight = 3 }}]\n",
        one.address, three.address
    );
    let rules =
        "ruleset edge(req: Request) -> Route hit first { otherwise forward(service: \"a\") }";
    let proxy = Proxy::start(rules, &settings).await;
    for _ in 0..40 {
        assert_eq!(proxy.get("/").await.status, 200);
    }
    assert_eq!((one.count(), three.count()), (10, 30));
}

#[tokio::test]
async fn a_key_stays_where_it_is() {
    for policy in ["ring", "maglev"] {
        let mut upstreams = Vec::new();
        for _ in 0..3 {
            upstreams.push(Upstream::named("up").await);
        }
        let addresses: Vec<_> = upstreams.iter().map(|up| up.address).collect();
        let more = format!("policy = \"{policy}\"");
        let proxy = Proxy::start(BY_KEY, &cluster("a", &addresses, &more)).await;
        for round in 0..3 {
            for key in 0..20 {
                proxy
                    .ask("GET", "/", &[("x-key", &format!("k{key}"))], "")
                    .await;
            }
            let counts: Vec<usize> = upstreams.iter().map(|up| up.count()).collect();
            assert_eq!(counts.iter().sum::<usize>(), 20 * (round + 1));
            // Each round is the first one again.
            assert!(
                counts.iter().all(|n| n % (round + 1) == 0),
                "{policy}: {counts:?}"
            );
        }
    }
}
