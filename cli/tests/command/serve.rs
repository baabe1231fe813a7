//! `tollgate serve`, as a process: started, asked, told to end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use super::artifact::{PRIVATE, PUBLIC};
use super::{Folder, ended};

const SETTINGS: &str = "entry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\naccess_log = \"-\"\n";
const RULES: &str = "use std.http.{Request, Route}
ruleset edge(req: Request) -> Route hit first {
  rule health when req.path matches p\"/healthz\" then respond(200, \"fine\")
  otherwise respond(404)
}
";

#[test]
fn it_answers_until_it_is_told_to_end() {
    let folder = Folder::new("serve")
        .with("a.rules", RULES)
        .with("a.toml", SETTINGS);
    let args = ["serve", "a.rules"];
    let mut child = folder.start(&args, &[]);
    let stderr = child.stderr.take().expect("it is piped");
    let mut told = BufReader::new(stderr);
    let mut line = String::new();
    told.read_line(&mut line).expect("it says where it listens");
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .expect("an address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = "GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("fine"),
        "{answer}"
    );
    let killed = Command::new("kill").arg(child.id().to_string()).status();
    assert!(killed.expect("it is told").success());
    child.stderr = Some(told.into_inner());
    ended(&args, child).exits(0).prints("\"by\":\"health\"");
}

#[test]
fn whether_rules_fit_is_said_without_listening() {
    let folder = Folder::new("serve-check")
        .with("a.rules", RULES)
        .with("a.toml", SETTINGS);
    let check = ["serve", "--check", "a.rules"];
    folder
        .tollgate(&check)
        .exits(0)
        .says("a.rules: the rules fit");
    let folder = folder.with("a.toml", SETTINGS.replace("edge", "door"));
    folder
        .tollgate(&check)
        .exits(2)
        .says("no entry `door`; it has edge");
    let folder = folder.with("a.rules", "ruleset edge(");
    folder.tollgate(&check).exits(1).says("error[");
    let folder = folder.with("a.toml", "listen = [\"here\"]");
    folder.tollgate(&check).exits(2).says("a.toml");
    folder
        .tollgate(&["serve", "b.rules"])
        .exits(2)
        .says("b.toml");
}

#[test]
fn who_has_signed_an_artifact_is_asked() {
    let folder = Folder::new("serve-trust")
        .with("a.rules", RULES)
        .with("a.toml", SETTINGS)
        .with("key.pem", PRIVATE)
        .with("public.pem", PUBLIC);
    let build = |more: &[&str]| {
        let args = ["build", "a.rules", "-o", "a.tgb"];
        folder.tollgate(&[&args, more].concat()).exits(0);
    };
    let check = ["serve", "--check", "a.tgb", "--trust", "public.pem"];
    build(&["--sign", "key.pem"]);
    folder
        .tollgate(&check)
        .exits(0)
        .says("a.tgb: the rules fit");
    build(&[]);
    let refused = folder.tollgate(&check).exits(2);
    refused.says("the artifact is not signed");
    let rules = ["serve", "--check", "a.rules", "--trust", "public.pem"];
    folder.tollgate(&rules).exits(2).says("no artifact");
}

#[test]
fn the_example_fits() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/serve/gateway.rules"
    );
    Folder::new("serve-example")
        .tollgate(&["serve", "--check", file])
        .exits(0);
}
