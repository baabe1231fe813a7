//! States in a Redis that is killed, stopped and started again under load: what holds then is what `on_failure` says.
//!
//! Where there is no `redis-server` on the path, these tests say so and do nothing; `cargo xtask redis` installs it.

use std::env;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};

use crate::explain;
use crate::support::{Proxy, ask};

struct Server {
    child: Option<Child>,
    port: u16,
}

impl Server {
    /// Nothing, and a word, where there is no server to start.
    fn start() -> Option<Server> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("redis-server").is_file()) {
            println!("left out: there is no redis-server on the path");
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut server = Server { child: None, port };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .current_dir(env::temp_dir())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The settings that name it.
    fn settings(&self, more: &str) -> String {
        format!(
            "[redis.limits]\nurl = \"redis://127.0.0.1:{}/\"\n{more}\n",
            self.port
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Plenty for all that is asked here: only a store that is down lets these refuse.
const RULES: &str = "
    state denied: TokenBucket { rate: 1_000_000 per 1s, burst: 1_000_000, store: redis.limits, on_failure: deny }
    state allowed: TokenBucket { rate: 1_000_000 per 1s, burst: 1_000_000, store: redis.limits, on_failure: allow }
    state skipped: TokenBucket { rate: 1_000_000 per 1s, burst: 1_000_000, store: redis.limits, on_failure: skip }
    state one: Concurrency by String { max: 1, lease: 365d, max_keys: 1_000, store: redis.limits, on_failure: deny }
    ruleset edge(req: Request) -> Route hit first {
      rule free when req.path matches p\"/free\" then respond(204)
      rule deny when req.path matches p\"/deny\" and not denied.take().granted then respond(429)
      rule allow when req.path matches p\"/allow\" and not allowed.take().granted then respond(429)
      rule skip when req.path matches p\"/skip\" and skipped.take().granted then respond(201)
      rule one when req.path matches p\"/one\" and not one[\"a\"].enter() then respond(503)
      otherwise respond(200)
    }";

/// What the paths answer while the server is there, and while it is not.
const WELL: [(&str, u16); 3] = [("/deny", 200), ("/allow", 200), ("/skip", 201)];
const DOWN: [(&str, u16); 3] = [("/deny", 429), ("/allow", 200), ("/skip", 200)];

/// Asks until all paths answer like this, and that several times: one lost connection says nothing yet.
async fn settles(proxy: &Proxy, expected: [(&str, u16); 3]) {
    let mut in_a_row = 0;
    while in_a_row < 5 {
        in_a_row += 1;
        for (path, status) in expected {
            if proxy.get(path).await.status != status {
                in_a_row = 0;
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_and_comes_back_is_answered_for() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let proxy = Proxy::start(RULES, &server.settings("timeout = \"250ms\"")).await;
    let ended = Arc::new(AtomicBool::new(false));
    let clients = ["/deny", "/allow", "/skip", "/free"].map(|path| {
        let (ended, address) = (ended.clone(), proxy.address);
        tokio::spawn(async move {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let (mut asked, mut odd) = (0, Vec::new());
            while !ended.load(Ordering::Relaxed) {
                let status = ask(&client, address, "GET", path, &[], "").await.status;
                asked += 1;
                let may = WELL.iter().chain(&DOWN).chain(&[("/free", 204)]);
                if !may.into_iter().any(|known| *known == (path, status)) {
                    odd.push(status);
                }
            }
            (asked, odd)
        })
    });
    settles(&proxy, WELL).await;
    server.kill();
    settles(&proxy, DOWN).await;
    server.run();
    settles(&proxy, WELL).await;
    server.signal("-STOP");
    settles(&proxy, DOWN).await;
    server.signal("-CONT");
    settles(&proxy, WELL).await;
    ended.store(true, Ordering::Relaxed);
    for client in clients {
        let (asked, odd) = client.await.unwrap();
        assert!(asked > 0 && odd.is_empty(), "{asked} asked, {odd:?}");
    }
    let metrics = proxy.admin("GET", "/metrics", "").await.body;
    for state in ["denied", "allowed", "skipped"] {
        let counted = format!("tollgate_state_failures_total{{state=\"{state}\"}} ");
        assert!(metrics.contains(&counted), "{metrics}");
    }
}

/// One thread answers everything, and goes on while a server that has stopped is waited for.
#[tokio::test]
async fn nobody_waits_for_a_store_but_who_asks_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let settings = server.settings("timeout = \"1h\"\nconnections = 4");
    let proxy = Proxy::start(RULES, &settings).await;
    while proxy.get("/deny").await.status != 200 {
        sleep(Duration::from_millis(5)).await;
    }
    server.signal("-STOP");
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let address = proxy.address;
            tokio::spawn(async move {
                let client = Client::builder(TokioExecutor::new()).build_http();
                ask(&client, address, "GET", "/deny", &[], "").await.status
            })
        })
        .collect();
    while proxy
        .admin("GET", "/load", "")
        .await
        .body
        .find("\"in_flight\": 8")
        .is_none()
    {
        sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..20 {
        assert_eq!(proxy.get("/free").await.status, 204);
    }
    assert!(waiting.iter().all(|client| !client.is_finished()));
    server.signal("-CONT");
    for client in waiting {
        assert_eq!(client.await.unwrap(), 200);
    }
}

/// A slot in a server is given back as one in this process is, also where its client leaves while the server is waited for.
#[tokio::test]
async fn slots_in_a_server_are_given_back() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::start(RULES, &server.settings("timeout = \"1h\"")).await;
    let enter = async || {
        while proxy.get("/one").await.status != 200 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    for _ in 0..5 {
        enter().await;
    }
    server.signal("-STOP");
    let in_flight = async |count: usize| {
        let wanted = format!("\"in_flight\": {count},");
        while !proxy.admin("GET", "/load", "").await.body.contains(&wanted) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        let request = b"GET /one HTTP/1.1\r\nhost: a\r\n\r\n";
        stream.write_all(request).await.unwrap();
        clients.push(stream);
    }
    in_flight(3).await;
    drop(clients);
    // They have left when what they asked for is done.
    in_flight(0).await;
    server.signal("-CONT");
    for _ in 0..5 {
        enter().await;
    }
}

/// A decision is explained by what the server answered, also when that is gone.
#[tokio::test]
async fn a_server_is_not_asked_why() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let settings = "keep = 1000\n".to_owned() + &server.settings("timeout = \"1h\"");
    let proxy = Proxy::start(RULES, &settings).await;
    let mut asked = 1;
    while proxy.get("/skip").await.status != 201 {
        asked += 1;
        sleep(Duration::from_millis(5)).await;
    }
    server.kill();
    let decided = explain::why(&proxy, asked - 1, "").await;
    assert_eq!(decided["by"], serde_json::json!(["skip"]));
    assert_eq!(decided["operations"][0]["answer"]["left"], 999_999);
}
