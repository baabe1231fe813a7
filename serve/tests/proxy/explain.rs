//! Why a request was decided as it was: asked of the admin endpoint, long after.

use std::fs;

use serde_json::{Value, json};
use tollgate::Reloaded;

use crate::support::{HEAD, Proxy, Upstream, cluster, until};

const RULES: &str = "
    record Load { busy: Percent in 0% .. 100% }
    ruleset edge(req: Request, load: Load) -> Route hit first {
      rule admin when req.path matches p\"/admin/**\" and not (req.client.ip in {ip\"10.0.0.0/8\"}) then respond(403)
      rule full when load.busy >= 90% then respond(503)
      otherwise forward(service: \"a\")
    }";

/// The id of a request, by how many came before it: as the log has it.
async fn id(proxy: &Proxy, number: usize) -> String {
    let file = proxy.folder.0.join("access.log");
    let lines = || fs::read_to_string(&file).unwrap_or_default();
    until(|| lines().lines().count() > number).await;
    let text = lines();
    let ids = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["id"].as_str().unwrap().to_owned()
    });
    // The first parts of a run's ids are the same, and the others count.
    let end = format!("-{number:x}");
    ids.into_iter().find(|id| id.ends_with(&end)).unwrap()
}

/// Why a request was decided so, by how many came before it; `more` stands behind its id.
pub(crate) async fn why(proxy: &Proxy, number: usize, more: &str) -> Value {
    let path = format!("/explain/{}{more}", id(proxy, number).await);
    let answer = proxy.admin("GET", &path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Why it is not said why.
pub(crate) async fn why_not(proxy: &Proxy, number: usize, more: &str) -> (u16, String) {
    let path = format!("/explain/{}{more}", id(proxy, number).await);
    let answer = proxy.admin("GET", &path, "").await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_request_is_explained_as_it_was_decided() {
    let upstream = Upstream::named("up").await;
    let settings = "keep = 2\n".to_owned() + &cluster("a", &[upstream.address], "");
    let proxy = Proxy::start(RULES, &settings).await;
    proxy.get("/first").await;
    assert_eq!(proxy.get("/admin/keys?q=1").await.status, 403);
    proxy.get("/last").await;
    // Only so many are kept.
    let (status, said) = why_not(&proxy, 0, "").await;
    assert_eq!(status, 404);
    assert!(
        said.starts_with("no such request among the last 2"),
        "{said}"
    );
    assert_eq!(why(&proxy, 1, "").await["by"], json!(["admin"]));
    let last = why(&proxy, 2, "?rule=admin").await;
    assert_eq!(last["by"], json!(["otherwise"]));
    assert_eq!(last["rules"][0]["name"], "admin");
    assert_eq!(why_not(&proxy, 2, "?rule=other").await.0, 400);

    let facts = json!({
        "req": { "method": "GET", "host": "a.example", "path": "/admin/x", "client": { "ip": "10.1.2.3" } },
        "load": { "busy": "95%" },
    });
    let answer = proxy.admin("POST", "/explain", &facts.to_string()).await;
    let why: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(why["by"], json!(["full"]), "{}", answer.body);
    assert_eq!(proxy.admin("POST", "/explain", "{}").await.status, 400);
}

/// By what states answered then, whatever they would answer now; and asking why takes nothing.
#[tokio::test]
async fn a_decision_that_asked_states_is_explained_by_their_answers() {
    let rules = "use std.http.{ApiKey}
        state calls: TokenBucket by ApiKey { rate: 1 per 1h, burst: 2, max_keys: 100, on_failure: deny }
        state visits: FixedWindow { limit: 100, window: 365d, on_failure: deny }
        ruleset edge(req: Request) -> Route hit first {
          rule rate
            when let key = req.api_key ?? skip
             and let wait = calls[key].take().wait ?? skip
            then respond(429, retry_after: wait)
          rule visited when not visits.take().granted then respond(503)
          otherwise respond(204)
        }";
    let settings = "keep = 10\napi_key_header = \"x-key\"\n";
    let proxy = Proxy::start(rules, settings).await;
    let ask = async || proxy.ask("GET", "/", &[("x-key", "ann")], "").await.status;
    assert_eq!([ask().await, ask().await, ask().await], [204, 204, 429]);
    for _ in 0..3 {
        let first = why(&proxy, 0, "?rule=rate").await;
        assert_eq!(first["by"], json!(["otherwise"]));
        assert_eq!(first["rules"][0]["matched"], false);
        let asked = &first["operations"];
        assert_eq!(
            asked[0]["states"],
            json!([{ "name": "calls", "key": "ann" }])
        );
        assert_eq!(asked[0]["answer"], json!({ "granted": true, "left": 1 }));
        assert_eq!(asked[1]["answer"], json!({ "granted": true, "left": 99 }));
        let third = why(&proxy, 2, "").await;
        assert_eq!(third["by"], json!(["rate"]));
        let asked = third["operations"].as_array().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0]["answer"]["granted"], false);
    }
    assert_eq!(proxy.get("/").await.status, 204, "without a key");
    let fourth = why(&proxy, 3, "").await;
    assert_eq!(fourth["operations"][0]["answer"]["left"], 97);
}

#[tokio::test]
async fn a_decision_about_a_body_is_explained_by_it() {
    let rules = "
        record Order { total: Money<SGD>, note: String? }
        ruleset edge(req: Request, body: Order?) -> Route hit first {
          rule nothing when body is none then respond(400, \"an order is missing\")
          rule much when body.total ?? skip > 100.00 SGD then respond(402)
          otherwise respond(204)
        }";
    let settings = "keep = 10\n[limits]\nkept_body_bytes = 40\n";
    let proxy = Proxy::start(rules, settings).await;
    let post = async |body: &str| proxy.ask("POST", "/", &[], body).await.status;
    assert_eq!(post(r#"{"total": "250.00 SGD"}"#).await, 402);
    assert_eq!(post("").await, 400);
    let long = format!(r#"{{"total": "1.00 SGD", "note": "{}"}}"#, "a".repeat(60));
    assert_eq!(post(&long).await, 204);
    assert_eq!(post("{").await, 400);
    let much = why(&proxy, 0, "").await;
    assert_eq!(much["by"], json!(["much"]));
    let seen = &much["rules"][0]["conditions"][0]["seen"];
    assert_eq!(seen[0]["value"], "250.00 SGD", "{much}");
    assert_eq!(why(&proxy, 1, "").await["by"], json!(["nothing"]));
    let (status, said) = why_not(&proxy, 2, "").await;
    assert_eq!(status, 404);
    let expected = format!(
        "the rules read its body, of {} bytes, and bodies of more than 40 are not kept (`limits.kept_body_bytes`)\n",
        long.len()
    );
    assert_eq!(said, expected);
    // What was refused was not decided.
    assert_eq!(why_not(&proxy, 3, "").await.0, 404);
}

/// A text and bytes stand as they came, and what no rule reads is not kept.
#[tokio::test]
async fn a_body_of_any_type_is_kept() {
    for (takes, condition, read) in [
        (
            "String?",
            "let text = body ?? skip and text.contains(\"ab\")",
            true,
        ),
        ("Bytes?", "body.present", true),
        ("String?", "req.path matches p\"/**\"", false),
    ] {
        let rules = format!(
            "ruleset edge(req: Request, body: {takes}) -> Route hit first {{
               rule yes when {condition} then respond(202)
               otherwise respond(204)
             }}"
        );
        let settings = "keep = 1\n[limits]\nkept_body_bytes = 4\n";
        let proxy = Proxy::start(&rules, settings).await;
        assert_eq!(proxy.ask("POST", "/", &[], "\"ab\"").await.status, 202);
        let decided = why(&proxy, 0, "").await;
        assert_eq!(decided["by"], json!(["yes"]), "{takes}");
        assert_eq!(proxy.ask("POST", "/", &[], "\"abc\"").await.status, 202);
        let status = if read { 404 } else { 200 };
        assert_eq!(why_not(&proxy, 1, "").await.0, status, "{takes}");
    }
}

/// By the program that decided, and not by the one that decides now.
#[tokio::test]
async fn a_decision_is_explained_by_the_rules_that_made_it() {
    let rules = |name: &str| {
        format!(
            "ruleset edge(req: Request) -> Route hit first {{ rule {name} when req.path matches p\"/**\" then respond(204) otherwise respond(404) }}"
        )
    };
    let proxy = Proxy::start(&rules("old"), "keep = 10\n").await;
    let reload = async |name: &str| {
        fs::write(proxy.folder.rules(), format!("{HEAD}{}", rules(name))).unwrap();
        let control = proxy.control.clone();
        let reloaded = tokio::task::spawn_blocking(move || control.reload()).await;
        assert_eq!(reloaded.unwrap().unwrap(), Reloaded::Replaced);
    };
    proxy.get("/").await;
    reload("new").await;
    proxy.get("/").await;
    assert_eq!(why(&proxy, 0, "").await["by"], json!(["old"]));
    assert_eq!(why(&proxy, 1, "").await["by"], json!(["new"]));
    // Two programs are held, and no more.
    reload("newest").await;
    proxy.get("/").await;
    assert_eq!(why_not(&proxy, 0, "").await.0, 404);
    assert_eq!(why(&proxy, 1, "").await["by"], json!(["new"]));
    assert_eq!(why(&proxy, 2, "").await["by"], json!(["newest"]));
}

/// What became of the decision is another matter.
#[tokio::test]
async fn a_decision_that_led_nowhere_is_explained() {
    let rules =
        "ruleset edge(req: Request) -> Route hit first { otherwise forward(service: \"b\") }";
    let proxy = Proxy::start(rules, "keep = 1\n").await;
    assert_eq!(proxy.get("/").await.status, 502);
    let decided = why(&proxy, 0, "").await;
    assert_eq!(decided["value"]["forward"]["service"], "b");
}
