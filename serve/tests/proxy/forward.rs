//! What upstreams are asked and clients get.

use http::{Response, Version};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::support::{Proxy, Upstream, ask, cluster};

const ALL: &str =
    "ruleset edge(req: Request) -> Route hit first { otherwise forward(service: \"a\") }";

#[tokio::test]
async fn a_request_goes_through_and_says_who_asked() {
    let upstream = Upstream::start(|_| async {
        let response = Response::builder().status(201).header("x-up", "1");
        let response = response
            .header("keep-alive", "timeout=9")
            .header("connection", "x-own");
        response
            .header("x-own", "1")
            .body(Full::from("made"))
            .unwrap()
    })
    .await;
    let proxy = Proxy::start(ALL, &cluster("a", &[upstream.address], "")).await;
    let headers = [
        ("host", "Shop.Example:80"),
        ("x-forwarded-for", "192.0.2.7"),
        ("connection", "x-mine"),
        ("x-mine", "1"),
        ("te", "trailers"),
    ];
    let answer = proxy
        .ask("POST", "/v1/a%20b?q=1&r", &headers, "hello")
        .await;
    assert_eq!(
        (answer.status, &*answer.body, answer.header("x-up")),
        (201, "made", "1")
    );
    assert_eq!(
        (answer.header("keep-alive"), answer.header("x-own")),
        ("", "")
    );
    let asked = upstream.only();
    assert_eq!(
        (asked.method.as_str(), &*asked.uri.to_string()),
        ("POST", "/v1/a%20b?q=1&r")
    );
    let header = |name: &str| asked.headers.get(name).map(|v| v.to_str().unwrap());
    assert_eq!(header("host"), Some("shop.example:80"));
    assert_eq!(header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
    assert_eq!(header("x-forwarded-proto"), Some("http"));
    assert_eq!(
        [header("connection"), header("x-mine"), header("te")],
        [None; 3]
    );
    assert_eq!(upstream.seen.lock().unwrap()[0].1, "hello");

    let id = header("x-request-id").unwrap().to_owned();
    let log = proxy.end().await;
    assert_eq!(log.len(), 1);
    let line = &log[0];
    assert_eq!(line["id"], *id);
    assert_eq!(
        (&line["by"], &line["service"], &line["status"]),
        (&"otherwise".into(), &"a".into(), &201.into())
    );
    assert_eq!(
        (&line["upstream"], &line["tries"]),
        (&upstream.address.to_string().into(), &1.into())
    );
    assert_eq!(
        (&line["bytes"], &line["client"]),
        (&4.into(), &"127.0.0.1".into())
    );
    assert_eq!(line["error"], serde_json::Value::Null);
}

#[tokio::test]
async fn both_versions_on_both_sides() {
    let upstream = Upstream::named("up").await;
    let settings =
        cluster("a", &[upstream.address], "") + &cluster("b", &[upstream.address], "http2 = true");
    let rules = "ruleset edge(req: Request) -> Route hit first {
        rule new when req.path matches p\"/b/**\" then forward(service: \"b\")
        otherwise forward(service: \"a\")
    }";
    let proxy = Proxy::start(rules, &settings).await;
    let old = Client::builder(TokioExecutor::new()).build_http();
    let new = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    for client in [&old, &new] {
        for path in ["/a/1", "/b/1"] {
            let answer = ask(client, proxy.address, "POST", path, &[], "x").await;
            assert_eq!((answer.status, &*answer.body), (200, "up"));
        }
    }
    let seen = upstream.seen.lock().unwrap();
    let versions: Vec<Version> = seen.iter().map(|(parts, _)| parts.version).collect();
    assert_eq!(
        versions,
        [
            Version::HTTP_11,
            Version::HTTP_2,
            Version::HTTP_11,
            Version::HTTP_2
        ]
    );
    let host = proxy.address.to_string();
    for (parts, _) in &*seen {
        let name = if parts.version == Version::HTTP_2 {
            "x-forwarded-host"
        } else {
            "host"
        };
        assert_eq!(parts.headers[name], *host, "{parts:?}");
    }
}

#[tokio::test]
async fn rules_answer_themselves() {
    let rules = "ruleset edge(req: Request) -> Route hit first {
        rule old when req.path matches p\"/old/**\" then redirect(\"/new\", 301)
        rule wait when req.path matches p\"/wait\" then respond(429, \"slow down\", retry_after: 1500ms)
        rule lost when req.path matches p\"/lost\" then forward(service: \"nowhere\")
        rule late when req.header(\"x-late\").present then respond(410)
        otherwise respond(404, \"no such route\")
    }";
    let proxy = Proxy::start(rules, "").await;
    let old = proxy.get("/old/1").await;
    assert_eq!(
        (old.status, old.header("location"), &*old.body),
        (301, "/new", "")
    );
    let wait = proxy.get("/wait").await;
    assert_eq!(
        (wait.status, wait.header("retry-after"), &*wait.body),
        (429, "2", "slow down")
    );
    let lost = proxy.get("/lost").await;
    assert_eq!(
        (lost.status, &*lost.body),
        (502, "the settings have no cluster `nowhere`\n")
    );
    assert_eq!(
        proxy.ask("GET", "/", &[("x-late", "1")], "").await.status,
        410
    );
    assert_eq!(proxy.get("/").await.status, 404);
    assert_eq!(proxy.ask("HEAD", "/", &[], "").await.body, "");
    // What the schema does not allow is refused before any rule, with the reason.
    let refused = proxy.get("/a/%2e%2e/b").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("path = "), "{}", refused.body);
    let log = proxy.end().await;
    let by: Vec<&str> = log
        .iter()
        .map(|line| line["by"].as_str().unwrap_or("-"))
        .collect();
    assert_eq!(
        by,
        ["old", "wait", "lost", "late", "otherwise", "otherwise", "-"]
    );
    // A head without a body was sent whole, too.
    let errors: Vec<bool> = log.iter().map(|line| line["error"].is_string()).collect();
    assert_eq!(errors, [false, false, true, false, false, false, true]);
}

#[tokio::test]
async fn every_part_of_a_request_can_be_asked_about() {
    let rules = "ruleset edge(req: Request) -> Route hit first {
        rule query when (req.query(\"a b\").single ?? \"\") == \"1&2\" then respond(201)
        rule cookie when (req.cookie(\"sid\") ?? \"\") == \"x\" then respond(202)
        rule header when only(v in req.header(\"x-role\") where v in {\"sre\", \"admin\"}) then respond(203)
        rule key when (req.api_key ?? skip) == \"k1\" then respond(204)
        rule host when req.host == \"a.example\" then respond(205)
        rule client when req.client.ip in {ip\"192.0.2.0/24\"} then respond(206)
        otherwise respond(404)
    }";
    let settings = "trusted_proxies = 1\napi_key_header = \"x-api-key\"\n";
    let proxy = Proxy::start(rules, settings).await;
    assert_eq!(proxy.get("/?a+b=1%262").await.status, 201);
    for (status, name, value) in [
        (202, "cookie", "a=b; sid=x"),
        (404, "x-role", "sre, admin"),
        (203, "x-role", "sre"),
        (204, "x-api-key", "k1"),
        (205, "host", "A.Example:8080"),
        (206, "x-forwarded-for", "10.0.0.1, 192.0.2.9"),
        (404, "x-forwarded-for", "192.0.2.9, 10.0.0.1"),
        (400, "x-forwarded-for", "nobody"),
    ] {
        let answer = proxy.ask("GET", "/", &[(name, value)], "").await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    let twice = [("x-role", "sre"), ("x-role", "guest")];
    assert_eq!(proxy.ask("GET", "/", &twice, "").await.status, 404);
}

#[tokio::test]
async fn rules_rewrite_and_edit() {
    let upstream = Upstream::start(|_| async {
        Response::builder()
            .header("server", "secret")
            .body(Full::from("x"))
            .unwrap()
    })
    .await;
    let rules = "
        enum Way { forward(service: String, path: Path) respond(status: Int in 100 .. 599) }
        enum Edit { set(name: HeaderName, value: String) add(name: HeaderName, value: String) remove(name: HeaderName) }
        ruleset edge(req: Request) -> Way hit first {
          rule v1 when req.path matches p\"/v1/{rest: **}\" then forward(\"a\", path: p\"/api/{rest}\")
          rule bad when req.path matches p\"/bad\" then forward(\"a\", path: req.path)
          otherwise respond(404)
        }
        ruleset edits(req: Request) -> [Edit] hit all {
          rule tag then { set(\"x-tag\", \"new\") add(\"x-seen\", \"2\") remove(\"x-secret\") }
          rule bad when req.path matches p\"/bad\" then set(\"content-length\", \"1\")
        }
        ruleset out(req: Request, res: Response) -> [Edit] hit all {
          rule hide when res.header_is(\"server\") then remove(\"server\")
          rule ok when res.status == 200 then set(\"x-ok\", req.header(\"x-who\").single ?? \"nobody\")
        }
        fn header_is(res: Response, name: HeaderName) -> Bool = (res.headers[name] ?? []).present
    ";
    let rules = rules.replace(
        "rule tag then { set(\"x-tag\", \"new\") add(\"x-seen\", \"2\") remove(\"x-secret\") }",
        "rule tag when req.path matches p\"/**\" then set(\"x-tag\", \"new\")
         rule seen when req.path matches p\"/**\" then add(\"x-seen\", \"2\")
         rule quiet when req.path matches p\"/**\" then remove(\"x-secret\")",
    );
    let settings = "edits = \"edits\"\nresponse_edits = \"out\"\n".to_owned()
        + &cluster("a", &[upstream.address], "");
    let proxy = Proxy::start(&rules, &settings).await;
    let headers = [
        ("x-tag", "old"),
        ("x-seen", "1"),
        ("x-secret", "s"),
        ("x-who", "me"),
    ];
    let answer = proxy.ask("GET", "/v1/a%20b?q=1", &headers, "").await;
    assert_eq!(
        (
            answer.status,
            answer.header("server"),
            answer.header("x-ok")
        ),
        (200, "", "me")
    );
    let asked = upstream.only();
    assert_eq!(asked.uri.to_string(), "/api/a%20b?q=1");
    let all = |name: &str| -> Vec<_> { asked.headers.get_all(name).iter().cloned().collect() };
    assert_eq!(
        (
            all("x-tag").len(),
            all("x-seen").len(),
            all("x-secret").len()
        ),
        (1, 2, 0)
    );
    assert_eq!(all("x-tag")[0], "new");
    // What would frame the message is refused, and goes nowhere.
    let bad = proxy.get("/bad").await;
    assert_eq!((bad.status, upstream.count()), (500, 1));
    assert!(
        bad.body.contains("rules cannot edit `content-length`"),
        "{}",
        bad.body
    );
}

#[tokio::test]
async fn bodies_have_a_limit_and_are_streamed() {
    let upstream = Upstream::named("up").await;
    let settings = cluster("a", &[upstream.address], "") + "[limits]\nbody_bytes = 100000\n";
    let proxy = Proxy::start(ALL, &settings).await;
    let body = "x".repeat(100_000);
    assert_eq!(proxy.ask("PUT", "/", &[], &body).await.status, 200);
    assert_eq!(upstream.seen.lock().unwrap()[0].1.len(), 100_000);
    let long = format!("{body}x");
    assert_eq!(proxy.ask("PUT", "/", &[], &long).await.status, 413);
    assert_eq!(upstream.count(), 1);
    // Where the length is not said, it is noticed on the way.
    let chunked = format!(
        "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let answer = crate::support::raw(proxy.address, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}
