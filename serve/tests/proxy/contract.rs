//! Rules that do not fit are refused before they decide.

use crate::support::Proxy;

async fn refused(rules: &str, settings: &str) -> String {
    match Proxy::try_start(rules, settings).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_proxy_does_not_start_with_rules_that_do_not_fit() {
    let odd = "enum Way { forward(service: String), drop }
               ruleset edge(req: Request) -> Way hit first { otherwise drop }";
    let error = refused(odd, "").await;
    assert!(error.contains("the rules can give `drop`"), "{error}");
    let error = refused(
        "ruleset route(req: Request) -> Route hit first { otherwise respond(404) }",
        "",
    )
    .await;
    assert!(error.contains("no entry `edge`; it has route"), "{error}");
    let error = refused("ruleset edge(", "").await;
    assert!(error.starts_with("the rules have "), "{error}");
    let fits = "ruleset edge(req: Request) -> Route hit first { otherwise respond(404) }";
    let error = refused(fits, "edits = \"edits\"").await;
    assert!(error.contains("no entry `edits`"), "{error}");
    let error = refused(fits, "lisen = 1").await;
    assert!(error.contains("unknown field `lisen`"), "{error}");
}

/// Data that nobody gave is the operator's affair, and no client's.
#[tokio::test]
async fn what_is_missing_here_is_no_fault_of_the_client() {
    let rules = "data most: Percent
        record Load { busy: Percent in 0% .. 100% }
        ruleset edge(req: Request, load: Load) -> Route hit first {
          rule full when load.busy > most then respond(503)
          otherwise respond(204)
        }";
    let proxy = Proxy::start(rules, "").await;
    let answer = proxy.get("/").await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(answer.body.contains("most"), "{}", answer.body);
}

#[tokio::test]
async fn a_store_that_the_settings_lack_is_named() {
    let rules = |store: &str| {
        format!(
            "state calls: FixedWindow {{ limit: 1, window: 1d, store: {store}, on_failure: deny }}
             ruleset edge(req: Request) -> Route hit first {{
               rule much when not calls.take().granted then respond(429)
               otherwise respond(204)
             }}"
        )
    };
    let error = refused(&rules("redis.limits"), "").await;
    assert!(error.contains("state `calls` is kept in the store `redis.limits`: the settings have no `[redis.limits]`"), "{error}");
    let settings = |url: &str| format!("[redis.limits]\nurl = {url:?}\n");
    let error = refused(&rules("redis.limits"), &settings("http://me:secret@h/")).await;
    assert!(
        error.contains("not an address of a Redis") && !error.contains("secret"),
        "{error}"
    );
    let error = refused(&rules("redis.limits"), &settings("redis://h/?timeout=1s")).await;
    assert!(error.contains("`timeout` is there twice"), "{error}");
}
