//! `tollgate new`

use std::fs;

use super::{Outcome, Result};
use crate::args::New;

const RULES: &str = r#"edition 2026
module NAME

use std.http.{Request}

enum Route {
  forward(service: String, timeout: Duration = 5s)
  respond(status: Int in 100 .. 599)
}

## Where a request goes. The first rule that matches decides.
ruleset route(req: Request) -> Route hit first {
  rule health "Probes are answered here"
    on GET p"/healthz"
    then respond(204)

  rule catalog "Everything that reads the catalogue"
    when req.method in {GET, HEAD}
     and req.path matches p"/catalog/**"
    then forward("catalog", timeout: 400ms)

  otherwise respond(404)
}

test "the catalogue is read-only" {
  expect route(Request(method: GET, path: "/catalog/books")) is forward("catalog") by catalog
  expect route(Request(method: DELETE, path: "/catalog/books")) == respond(404) by otherwise
}
"#;

const REQUESTS: &str = r#"{"id": "1", "method": "GET", "host": "shop.example", "path": "/catalog/books", "client": {"ip": "192.0.2.7"}}
{"id": "2", "method": "GET", "host": "shop.example", "path": "/healthz", "client": {"ip": "192.0.2.7"}}
{"id": "3", "method": "POST", "host": "shop.example", "path": "/orders", "client": {"ip": "192.0.2.7"}}
"#;

/// The book's tutorial, in which the folder is called `shop`.
const TUTORIAL: &str = include_str!("../../../docs/book/tutorial.md");

pub(crate) fn run(args: &New) -> Result<Outcome> {
    let folder = &args.folder;
    let name = folder
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(format!(
            "`{name}` cannot be the name of a module; use lower-case letters, digits and `_`, such as `my_gateway`"
        )
        .into());
    }
    if folder.exists() {
        return Err(format!("{} is already there; choose a new folder", folder.display()).into());
    }
    let write = |file: String, text: &str| {
        let path = folder.join(file);
        fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    write(format!("{name}.rules"), &RULES.replace("NAME", name))?;
    write("requests.jsonl".into(), REQUESTS)?;
    let tutorial = TUTORIAL
        .replace("shop/shop", &format!("{name}/{name}"))
        .replace("shop/", &format!("{name}/"))
        .replace("tollgate new shop", &format!("tollgate new {name}"));
    write("TUTORIAL.md".into(), &tutorial)?;
    let file = folder.join(format!("{name}.rules"));
    let (file, requests) = (file.display(), folder.join("requests.jsonl"));
    println!("{file} is there. Next:");
    println!("  tollgate test {file}");
    println!("  tollgate run {file} route --input {}", requests.display());
    println!(
        "{} goes on from there.",
        folder.join("TUTORIAL.md").display()
    );
    Ok(Outcome::Clean)
}
