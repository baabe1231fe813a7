//! `examples/axum` as clients and upstreams see it: the program itself, with real connections on both sides. Nothing here depends on how fast
//! the machine is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::{env, fs, process, thread};

const MAIN: &str = include_str!("../../../examples/axum/main.rs");
const RULES: &str = include_str!("../../../examples/axum/gateway.rules");

/// The program, on a port of its own, with rules in a folder of its own.
struct Gateway {
    child: Child,
    told: BufReader<ChildStderr>,
    address: SocketAddr,
    folder: PathBuf,
}

impl Gateway {
    fn start(rules: &str) -> Gateway {
        let folder = env::temp_dir().join(format!("tollgate-tower-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("gateway.rules");
        fs::write(&file, rules).expect("a file");
        let mut child = Command::new(program())
            .args([file.as_path(), Path::new("127.0.0.1:0")])
            .stderr(Stdio::piped())
            .spawn()
            .expect("`cargo test -p tollgate-tower` builds the example first");
        let mut told = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = String::new();
        told.read_line(&mut line).expect("it says where it listens");
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.and_then(|address| address.parse().ok());
        Gateway {
            child,
            told,
            address: address.unwrap_or_else(|| panic!("it says {line}")),
            folder,
        }
    }

    /// Replaces the rules, and waits for what the program says of it.
    fn write(&mut self, rules: &str) -> String {
        // Whole, or the program could read half of it.
        let beside = self.folder.join("new");
        fs::write(&beside, rules).expect("a file");
        fs::rename(beside, self.folder.join("gateway.rules")).expect("it is replaced");
        let mut line = String::new();
        self.told.read_line(&mut line).expect("it says something");
        line
    }

    /// Status and body of the answer to a request.
    fn ask(&self, method: &str, target: &str) -> (u16, String) {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: shop.example\r\n");
        self.send(format!("{head}connection: close\r\n\r\n").as_bytes())
    }

    fn send(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.write_all(request).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.get(9..12).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (
            status.unwrap_or_else(|| panic!("no answer: {answer}")),
            body.to_owned(),
        )
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where cargo puts examples: beside the folder of the tests.
fn program() -> PathBuf {
    let test = env::current_exe().expect("a path");
    let folder = test.parent().and_then(Path::parent).expect("target/debug");
    folder
        .join("examples/axum")
        .with_extension(env::consts::EXE_EXTENSION)
}

/// A server that says what it was asked for.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream);
            let (mut asked, mut line) = (String::new(), String::new());
            while lines.read_line(&mut line).is_ok_and(|read| read > 2) {
                if asked.is_empty() {
                    asked = line.replace(" HTTP/1.1\r\n", "");
                }
                line.clear();
            }
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
            let _ = write!(&stream, "{head} {}\r\n\r\n{asked}", asked.len());
        }
    });
    address
}

#[test]
fn requests_are_routed_by_rules_which_are_replaced_while_it_runs() {
    let upstream = upstream().to_string();
    let rules = RULES
        .replace("127.0.0.1:9001", &upstream)
        .replace("5 per 1s", "1 per 1h");
    assert!(rules.contains("1 per 1h") && rules.matches(&upstream).count() == 2);
    let mut gateway = Gateway::start(&rules);
    let ask = |gateway: &Gateway, method, target| gateway.ask(method, target);
    let says = |status, body: &str| (status, body.to_owned());

    let found = ask(&gateway, "GET", "/catalog/7?page=2");
    assert_eq!(found, says(200, "GET /catalog/7?page=2"));
    let found = ask(&gateway, "POST", "/catalog/7");
    assert_eq!(found, says(404, "no such route"));
    let found = ask(&gateway, "GET", "/admin/users");
    assert_eq!(found, says(403, "for the office"));

    // What has two readings reaches neither rules nor upstream.
    let (status, why) = ask(&gateway, "GET", "/catalog/../admin");
    assert_eq!(status, 400);
    assert!(why.starts_with("path = "), "{why}");
    let (status, why) = gateway.send(
        b"GET /catalog/7 HTTP/1.1\r\nhost: a.example\r\nx-tier: \xff\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(status, 400);
    assert!(why.contains("x-tier"), "{why}");

    // The bucket holds ten.
    for _ in 0..10 {
        assert_eq!(ask(&gateway, "GET", "/catalog/search").0, 200);
    }
    assert_eq!(
        ask(&gateway, "GET", "/catalog/search"),
        says(429, "slow down")
    );

    // What does not compile, or does not fit the host, changes nothing.
    let told = gateway.write("ruleset route(");
    assert!(told.starts_with("the rules stay as they were"), "{told}");
    assert_eq!(ask(&gateway, "GET", "/catalog/7").0, 200);

    let changed = rules.replace("\"no such route\"", "\"nothing here\"");
    // More than one line was said of the one before.
    while gateway.write(&changed) != "the rules were replaced\n" {}
    assert_eq!(ask(&gateway, "GET", "/"), says(404, "nothing here"));
    // States that are declared alike hold what they held.
    assert_eq!(
        ask(&gateway, "GET", "/catalog/search"),
        says(429, "slow down")
    );
}

#[test]
fn the_gateway_is_less_than_sixty_lines() {
    assert!(MAIN.lines().count() < 60);
}
