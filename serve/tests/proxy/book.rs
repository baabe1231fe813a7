//! The page of the book: its rules fit, its settings are settings, and together they are a proxy.

use std::fs;

use tollgate::Engine;
use tollgate_serve::{Settings, check};

use crate::support::{Folder, Proxy, cluster, nobody};

/// The blocks of the page in a language.
fn blocks(language: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/book/serve.md");
    let page = fs::read_to_string(page).unwrap();
    let begin = format!("```{language}\n");
    let blocks = page.split(&begin).skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap().to_owned());
    blocks.collect()
}

#[test]
fn the_rules_of_the_book_fit() {
    let rules = blocks("rules");
    assert_eq!(rules.len(), 3, "blocks were found");
    for rules in rules {
        let folder = Folder::new();
        fs::write(folder.rules(), &rules).unwrap();
        let settings = "entry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\n[redis.limits]\nurl = \"redis://127.0.0.1/\"";
        fs::write(folder.0.join("gateway.toml"), settings).unwrap();
        let settings = Settings::open(&folder.rules()).unwrap();
        let checked = check(&settings, Engine::new());
        let warnings = checked.unwrap_or_else(|error| panic!("{error}\n{rules}"));
        let unused = "no state is kept in the store `redis.limits`";
        match rules.contains("redis.limits") {
            true => assert_eq!(warnings, [""; 0]),
            false => assert!(warnings[0].starts_with(unused), "{warnings:?}"),
        }
    }
}

#[test]
fn the_settings_of_the_book_are_some() {
    let settings = blocks("toml");
    assert_eq!(settings.len(), 2, "blocks were found");
    for block in settings {
        let text = format!("entry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\n{block}");
        let read = Settings::parse(&text).unwrap_or_else(|error| panic!("{error}\n{block}"));
        assert!(read.tls.is_some() || read.redis.contains_key("limits"));
    }
}

/// The body decides where an order goes.
#[tokio::test]
async fn orders_are_decided_about_as_the_book_says() {
    let rules = blocks("rules")
        .into_iter()
        .find(|rules| rules.contains("record Order"));
    let rules = rules
        .unwrap()
        .replace("use std.http.{Request, Route}\n", "");
    let settings =
        cluster("orders", &[nobody().await], "") + &cluster("reviews", &[nobody().await], "");
    let proxy = Proxy::start(&rules, &settings).await;
    assert_eq!(proxy.ask("POST", "/orders", &[], "").await.status, 400);
    for total in ["9999.00 SGD", "10000.01 SGD"] {
        proxy
            .ask(
                "POST",
                "/orders",
                &[],
                &format!("{{\"total\": \"{total}\"}}"),
            )
            .await;
    }
    let log = proxy.end().await;
    let to: Vec<&str> = log
        .iter()
        .map(|line| line["service"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(to, ["", "orders", "reviews"]);
}
