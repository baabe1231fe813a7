//! An nginx with the module, the servers behind it, and asking it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::library::{command, root};
use crate::nginx;

/// How long something may take that takes a moment: a reload, a start. Only waited for when it does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of the test.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Place {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        Place(folder)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("the file can be written");
    }

    /// Whether a file says something by now.
    pub(crate) fn says(&self, file: &str, text: &str) -> bool {
        let bytes = fs::read(self.file(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(text)
    }

    pub(crate) fn wait_for(&self, file: &str, text: &str) {
        wait(text, || self.says(file, text));
    }
}

/// The rules of the second server, in their versions.
pub(crate) fn versions(version: usize) -> String {
    format!(
        r#"
edition 2026
module versions
use std.http.{{Request, Route}}
ruleset answer(req: Request) -> Route hit first {{
  rule old when req.path matches p"/old/{{rest: **}}" then redirect("https://shop.example/new?v={version}")
  rule split when req.path matches p"/split" then redirect("/a\r\nX-Evil: 1")
  rule early when req.path matches p"/early" then respond(100)
  rule empty when req.path matches p"/empty" then respond(204)
  rule late when req.path matches p"/late" then respond(503, retry_after: 1500ms)
  rule host when req.host == "other.example" then respond(200, "the other host")
  otherwise respond(200, "version {version}")
}}
"#
    )
}

/// Waits until something is so.
pub(crate) fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// An nginx at work.
pub(crate) struct Nginx {
    process: Child,
    servers: Vec<SocketAddr>,
}

impl Nginx {
    /// Three servers: the gateway of the C examples, versions of rules that answer, the shop.
    pub(crate) fn start(place: &Place, module: &Path) -> Nginx {
        let servers = [free(), free(), free()];
        let [gateway, answers, shop] = servers;
        let root = root();
        let (here, root) = (place.0.display(), root.display());
        let http = format!(
            r#"
  log_format decided '$request_uri $status $tollgate_outcome $tollgate_rule';
  access_log {here}/access.log decided;
  tollgate_rules {root}/examples/c-api/gateway.rules;

  server {{
    listen {gateway};
    set_real_ip_from 127.0.0.1;
    tollgate_guard internal;
    tollgate_decide route api_key=$http_x_api_key;
    add_header X-Rule $tollgate_rule;
    add_header X-Outcome "$tollgate_outcome $tollgate_field_timeout";
    add_header X-Json $tollgate_json;
    location / {{ proxy_pass http://$tollgate_field_service; }}
    location /open/ {{ tollgate_decide off; proxy_pass http://catalog; }}
    location /internal/off/ {{ tollgate_guard off; tollgate_decide off; proxy_pass http://catalog; }}
    location /internal/more/ {{
      tollgate_rules {here}/any.rules;
      tollgate_guard door;
      tollgate_decide off;
      proxy_pass http://catalog;
    }}
    location /decoded/ {{ tollgate_decide route api_key=$uri; proxy_pass http://catalog; }}
    location /any/ {{
      satisfy any;
      allow all;
      tollgate_rules {here}/any.rules;
      tollgate_guard door;
      tollgate_decide off;
      proxy_pass http://catalog;
    }}
  }}

  server {{
    listen {answers};
    tollgate_rules versions.rules;
    tollgate_decide answer;
    error_page 503 /sorry;
    location = /sorry {{ internal; tollgate_decide off; proxy_pass http://partners; }}
    location / {{ proxy_pass http://catalog; }}
  }}

  server {{
    listen {shop};
    tollgate_rules {root}/examples/shop/gateway.rules;
    tollgate_data tenants {root}/examples/shop/tenants.json;
    set $cpu $http_x_cpu;
    if ($cpu = "") {{ set $cpu 10%; }}
    tollgate_decide edge req.api_key=$http_x_api_key load.cpu=$cpu load.busy_workers=$cpu load.p99=10ms load.errors=0%;
    add_header X-Rule $tollgate_rule always;
    location / {{ proxy_pass http://$tollgate_field_service; }}
  }}
"#
        );
        place.write("versions.rules", &versions(1));
        place.write(
            "any.rules",
            "use std.http.{Request}\nguard door(req: Request) { deny inside \"no\" when req.path matches p\"/any/internal\" }\n",
        );
        Nginx::run(place, module, 2, &http, servers.into())
    }

    /// Workers with these directives of `http`, which have a server at each of the addresses; upstreams are there.
    pub(crate) fn run(
        place: &Place,
        module: &Path,
        workers: usize,
        http: &str,
        servers: Vec<SocketAddr>,
    ) -> Nginx {
        let mut upstreams = String::new();
        for name in ["payments", "partners", "catalog", "eu", "catalog_next"] {
            let _ = writeln!(
                upstreams,
                "  upstream {name} {{ server {}; }}",
                upstream(name)
            );
        }
        let id = |of: &str| {
            let id = Command::new("id").arg(of).output().expect("id runs");
            String::from_utf8_lossy(&id.stdout).trim().to_owned()
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|of| format!("  {of}_temp_path {};\n", place.file(of).display()))
            .collect();
        let (user, group) = (id("-un"), id("-gn"));
        let (module, here) = (module.display(), place.0.display());
        let conf = format!(
            r#"
load_module {module};
daemon off;
user {user} {group};
worker_processes {workers};
pid {here}/nginx.pid;
error_log {here}/error.log info;
events {{ worker_connections 256; }}
http {{
{temporary}{upstreams}{http}}}
"#
        );
        place.write("nginx.conf", &conf);
        let process = command(nginx())
            .arg("-c")
            .arg(place.file("nginx.conf"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let mut nginx = Nginx { process, servers };
        wait("nginx", || {
            let ended = nginx.process.try_wait().expect("it is ours");
            assert!(ended.is_none(), "nginx ended: {ended:?}");
            let mut servers = nginx.servers.iter();
            servers.all(|server| TcpStream::connect(server).is_ok())
        });
        nginx
    }

    /// Asks a server, with a `Host` unless the headers have one.
    pub(crate) fn ask(&self, server: usize, request: &str, headers: &str) -> Answer {
        self.ask_with(server, request, headers, "")
    }

    pub(crate) fn ask_with(
        &self,
        server: usize,
        request: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        let host = match headers.contains("Host:") {
            true => "",
            false => "Host: shop.example\r\n",
        };
        let text = format!("{request} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n{body}");
        self.raw(server, text.as_bytes())
    }

    pub(crate) fn raw(&self, server: usize, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.servers[server]).expect("nginx listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit can be set");
        stream.write_all(request).expect("nginx reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("nginx answers");
        Answer::of(&bytes)
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Ends nginx, which must have nothing against it.
    pub(crate) fn stop(mut self) {
        self.signal("QUIT");
        let status = self.process.wait().expect("it is ours");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Nginx {
    /// After a failed test.
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            self.signal("TERM");
            let _ = self.process.wait();
        }
    }
}

/// A response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let answer = Answer {
            status: status.unwrap_or_else(|| panic!("no response: {text:?}")),
            headers,
            body: body.to_owned(),
        };
        assert!(
            answer.header("Transfer-Encoding").is_none(),
            "the upstreams know their lengths"
        );
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An address that nobody listens at.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address")
}

/// A server that answers with its name and the request line, for as long as the test runs.
fn upstream(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, name));
        }
    });
    address
}

fn serve(mut stream: TcpStream, name: &str) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => request.extend_from_slice(&buffer[..n]),
        }
    }
    let text = String::from_utf8_lossy(&request);
    let line = text.lines().next().unwrap_or_default();
    let body = format!("{name} {}", line.trim_end_matches(" HTTP/1.0"));
    let answer = format!(
        "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // The client may be gone.
    let _ = stream.write_all(answer.as_bytes());
}
