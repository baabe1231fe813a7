//! The module for nginx (`bindings/nginx`): built against Debian's sources, loaded by the real nginx, asked by real requests. Where nginx, its
//! sources or a C compiler are missing, that is said and the test is left out; `cargo xtask debian` installs them.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

mod library;

use library::{folder, has, root};

/// What Debian's nginx-dev has; the place is its policy.
const SOURCES: &str = "/usr/share/nginx/src";
/// How long something may take that takes a moment: a reload, a start. Only waited for when it does not come.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn nginx_routes_denies_and_reloads() {
    let tools = ["nginx", "cc", "make", "bash"];
    if !tools.iter().all(|tool| has(tool, "the module for nginx")) {
        return;
    }
    if !Path::new(SOURCES).is_dir() {
        println!(
            "left out: the module for nginx, for there are no sources in {SOURCES} (nginx-dev)"
        );
        return;
    }
    let module = build();
    let place = Place::new("nginx");
    let nginx = Nginx::start(&place, &module);
    routes(&nginx);
    answers(&nginx);
    refuses(&nginx);
    reads_what_is_given(&nginx);
    logs_what_was_decided(&nginx, &place);
    reloads_under_load(&nginx, &place);
    keeps_the_old_rules_when_the_new_are_broken(&nginx, &place);
    nginx.stop();
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    if !["nginx", "cc", "make", "bash"]
        .iter()
        .all(|tool| has(tool, "the module for nginx"))
        || !Path::new(SOURCES).is_dir()
    {
        return;
    }
    let module = build();
    let place = Place::new("nginx-refused");
    let refused = |directives: &str, expected: &str| {
        let conf = format!(
            "load_module {};\nerror_log stderr;\npid {};\nevents {{}}\nhttp {{ {directives} }}\n",
            module.display(),
            place.file("nginx.pid").display()
        );
        place.write("refused.conf", &conf);
        let test = Command::new("nginx")
            .arg("-t")
            .arg("-c")
            .arg(place.file("refused.conf"))
            .output();
        let test = test.expect("nginx runs");
        let said = String::from_utf8_lossy(&test.stderr);
        assert!(!test.status.success(), "{directives} is taken");
        assert!(said.contains(expected), "{directives}: {said}");
    };
    let rules = format!(
        "tollgate_rules {};",
        root().join("examples/c-api/gateway.rules").display()
    );
    place.write(
        "broken.rules",
        "ruleset f(n: Int) -> Int hit first { otherwise m }",
    );
    let server = |directives: &str| format!("{rules} server {{ {directives} }}");
    refused(
        "tollgate_rules broken.rules;",
        "error[unknown-name]: unknown name `m`",
    );
    refused("tollgate_rules nowhere.rules;", "cannot read");
    refused(
        "tollgate_data tenants tenants.json;",
        "stands behind the \"tollgate_rules\" it is for",
    );
    refused(
        &format!("{rules} {rules}"),
        "\"tollgate_rules\" directive is duplicate",
    );
    refused(
        "server { tollgate_guard internal; }",
        "\"internal\" is asked where there are no \"tollgate_rules\"",
    );
    refused(
        &server("tollgate_guard internals;"),
        "the program has no entry `internals`; it has",
    );
    refused(
        &server("tollgate_decide route key=$http_x;"),
        "Request has no field `key`; it has id, time",
    );
    refused(
        &server("tollgate_decide route api_key;"),
        "\"api_key\" is no PATH=VALUE",
    );
    refused(
        &server("tollgate_decide route; tollgate_decide route;"),
        "directive is duplicate",
    );
}

/// The rules of the second server, in their versions.
fn versions(version: usize) -> String {
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
  otherwise respond(200, "version {version}")
}}
"#
    )
}

fn routes(nginx: &Nginx) {
    let check = |request: &str, headers: &str, expected: &str| {
        let answer = nginx.ask(0, request, headers);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, expected),
            "{request}"
        );
    };
    check("POST /pay/7?now=1", "", "payments POST /pay/7?now=1");
    check("GET /catalog/books", "", "catalog GET /catalog/books");
    check(
        "GET /anything",
        "X-Api-Key: k1\r\n",
        "partners GET /anything",
    );
    // Rules see the target that the upstream gets, made canonical: decoded once.
    check("GET //catalog/%62ooks", "", "catalog GET //catalog/%62ooks");
    // A location that decides nothing is none of our business.
    check("GET /open/x", "", "catalog GET /open/x");
    let answer = nginx.ask(0, "GET /catalog/x", "");
    assert_eq!(answer.header("X-Rule"), Some("catalog"));
    assert_eq!(answer.header("X-Outcome"), Some("forward 5s"));
    assert_eq!(
        answer.header("X-Json"),
        Some(r#"{"value":{"forward":{"service":"catalog","timeout":"5s"}},"by":"catalog"}"#)
    );
}

fn answers(nginx: &Nginx) {
    let answer = nginx.ask(0, "GET /nothing", "");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (404, "no such route")
    );
    assert_eq!(
        answer.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    // A body that nobody reads does not disturb the answer.
    let answer = nginx.ask_with(0, "POST /nothing", "Content-Length: 4\r\n", "abcd");
    assert_eq!(answer.status, 404);
    let answer = nginx.ask(0, "GET /beta/x", "");
    assert_eq!((answer.status, answer.body.as_str()), (503, "not yet"));
    assert_eq!(answer.header("Retry-After"), Some("30"));
    let answer = nginx.ask(1, "GET /old/x", "");
    assert_eq!(answer.status, 308);
    assert_eq!(
        answer.header("Location"),
        Some("https://shop.example/new?v=1")
    );
    let answer = nginx.ask(1, "GET /empty", "");
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let answer = nginx.ask(1, "GET /late", "");
    assert_eq!(answer.header("Retry-After"), Some("2"));
    assert!(
        answer.body.contains("<h1>503"),
        "nginx has a page: {}",
        answer.body
    );
    // What could split a response, or ends none, is ours and not the client's.
    let answer = nginx.ask(1, "GET /split", "");
    assert_eq!((answer.status, answer.header("X-Evil")), (500, None));
    assert_eq!(nginx.ask(1, "GET /early", "").status, 500);
}

fn refuses(nginx: &Nginx) {
    let status = |request: &str, headers: &str| nginx.ask(0, request, headers).status;
    assert_eq!(status("GET /internal/keys", ""), 403);
    assert_eq!(status("GET /%69nternal//keys", ""), 403);
    assert_eq!(status("GET /internal/keys", "X-Api-Key: k1\r\n"), 403);
    // From the office, whose proxy nginx trusts.
    assert_eq!(
        nginx
            .ask(0, "GET /internal/keys", "X-Real-IP: 10.1.2.3\r\n")
            .body,
        "no such route"
    );
    assert_eq!(
        status("GET /internal/keys", "X-Real-IP: 192.0.2.7\r\n"),
        403
    );
    // Guards of a location come to those around it, or are switched off.
    assert_eq!(status("GET /internal/more/x", ""), 403);
    assert_eq!(status("GET /internal/off/x", ""), 200);
    // "satisfy any" lets nobody pass whom a guard denies.
    assert_eq!(status("GET /any/internal", ""), 403);
    assert_eq!(nginx.ask(0, "GET /any/x", "").body, "catalog GET /any/x");
    // What has two readings, or breaks a rule of its type, has not been asked any rule.
    assert_eq!(status("GET /catalog/%2e%2e/internal/keys", ""), 400);
    assert_eq!(status("GET /catalog/a%2fb", ""), 400);
    assert_eq!(status("BREW /catalog/x", ""), 400);
    assert_eq!(status("GET /catalog/x", "X-Api-Key: a b\r\n"), 400);
    assert_eq!(status("GET /catalog/x", "X-Name: \u{e9}\r\n"), 200);
    let latin1 = nginx.raw(
        0,
        b"GET /catalog/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Name: \xe9\r\n\r\n",
    );
    assert_eq!(latin1.status, 400);
}

/// The shop: two modules, data, an entry of two parameters of which the second comes from variables.
fn reads_what_is_given(nginx: &Nginx) {
    let outcome = |request: &str, headers: &str| {
        let answer = nginx.ask(2, request, headers);
        (
            answer.status,
            answer.header("X-Rule").map(str::to_owned),
            answer.body,
        )
    };
    let rule = |name: &str| Some(name.to_owned());
    let (status, by, body) = outcome(
        "GET /v2/catalog/x",
        "X-Api-Key: k-eu-1\r\nHost: api.shop.example\r\n",
    );
    assert_eq!(
        (status, by, body.as_str()),
        (200, rule("target.eu_residency"), "eu GET /v2/catalog/x")
    );
    let (status, by, _) = outcome("GET /admin/keys", "Host: api.shop.example\r\n");
    assert_eq!((status, by), (403, rule("door.outside_office")));
    // Under load what matters little is shed.
    let (status, _, _) = outcome(
        "GET /v2/catalog/x",
        "X-Cpu: 99%\r\nHost: api.shop.example\r\n",
    );
    assert_eq!(status, 503);
}

fn logs_what_was_decided(nginx: &Nginx, place: &Place) {
    nginx.ask(0, "GET /catalog/logged", "");
    place.wait_for("access.log", "/catalog/logged 200 forward catalog");
    nginx.ask(0, "GET /internal/logged", "");
    place.wait_for(
        "error.log",
        "tollgate: denied by \"internal.outside\": Only the office network",
    );
}

fn reloads_under_load(nginx: &Nginx, place: &Place) {
    const CLIENTS: usize = 4;
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = nginx.ask(1, "GET /x", "");
                    assert_eq!(answer.status, 200);
                    assert!(answer.body.starts_with("version "), "{}", answer.body);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for version in 2..6 {
            let before = asked.load(Ordering::Relaxed);
            place.write("versions.rules", &versions(version));
            nginx.signal("HUP");
            let expected = format!("version {version}");
            wait(&expected, || nginx.ask(1, "GET /x", "").body == expected);
            wait("requests", || {
                asked.load(Ordering::Relaxed) > before + CLIENTS
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
}

fn keeps_the_old_rules_when_the_new_are_broken(nginx: &Nginx, place: &Place) {
    place.write(
        "versions.rules",
        "ruleset answer(n: Int) -> Int hit first { otherwise unheard_of }",
    );
    nginx.signal("HUP");
    place.wait_for("error.log", "unknown name `unheard_of`");
    for _ in 0..20 {
        assert_eq!(nginx.ask(1, "GET /x", "").body, "version 5");
    }
    place.write("versions.rules", &versions(7));
    nginx.signal("HUP");
    wait("version 7", || {
        nginx.ask(1, "GET /x", "").body == "version 7"
    });
}

/// Builds the module, and says where it is.
fn build() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let build = || {
        let sources = Place::new("nginx-sources");
        let library = folder();
        let script = r#"
            set -e
            cp -rL "$SOURCES/." .
            . ./conf_flags
            ./configure "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$MODULE"
            make -f objs/Makefile modules
        "#;
        let output = Command::new("bash")
            .args(["-c", script])
            .current_dir(&sources.0)
            .env("SOURCES", SOURCES)
            .env("MODULE", root().join("bindings/nginx"))
            .env(
                "TOLLGATE_LIBS",
                format!("-L{0} -ltollgate -Wl,-rpath,{0}", library.display()),
            )
            .output()
            .expect("bash runs");
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        sources.file("objs/ngx_http_tollgate_module.so")
    };
    BUILT.get_or_init(build).clone()
}

/// A folder of the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        Place(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("the file can be written");
    }

    fn wait_for(&self, file: &str, text: &str) {
        let says = || fs::read(self.file(file)).unwrap_or_default();
        wait(text, || String::from_utf8_lossy(&says()).contains(text));
    }
}

/// Waits until something is so.
fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// An nginx at work. Three servers: the gateway of the C examples, versions of rules that answer, the shop.
struct Nginx {
    process: Child,
    servers: [SocketAddr; 3],
}

impl Nginx {
    fn start(place: &Place, module: &Path) -> Nginx {
        let servers = [free(), free(), free()];
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
        let [gateway, answers, shop] = servers;
        let (user, group) = (id("-un"), id("-gn"));
        let (module, root) = (module.display(), root());
        let (here, root) = (place.0.display(), root.display());
        let conf = format!(
            r#"
load_module {module};
daemon off;
user {user} {group};
worker_processes 2;
pid {here}/nginx.pid;
error_log {here}/error.log info;
events {{ worker_connections 256; }}
http {{
{temporary}{upstreams}
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
}}
"#
        );
        place.write("nginx.conf", &conf);
        place.write("versions.rules", &versions(1));
        place.write(
            "any.rules",
            "use std.http.{Request}\nguard door(req: Request) { deny inside \"no\" when req.path matches p\"/any/internal\" }\n",
        );
        let process = Command::new("nginx")
            .arg("-c")
            .arg(place.file("nginx.conf"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let mut nginx = Nginx { process, servers };
        wait("nginx", || {
            let ended = nginx.process.try_wait().expect("it is ours");
            assert!(ended.is_none(), "nginx ended: {ended:?}");
            servers
                .iter()
                .all(|server| TcpStream::connect(server).is_ok())
        });
        nginx
    }

    /// Asks a server, with a `Host` unless the headers have one.
    fn ask(&self, server: usize, request: &str, headers: &str) -> Answer {
        self.ask_with(server, request, headers, "")
    }

    fn ask_with(&self, server: usize, request: &str, headers: &str, body: &str) -> Answer {
        let host = match headers.contains("Host:") {
            true => "",
            false => "Host: shop.example\r\n",
        };
        let text = format!("{request} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n{body}");
        self.raw(server, text.as_bytes())
    }

    fn raw(&self, server: usize, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.servers[server]).expect("nginx listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit can be set");
        stream.write_all(request).expect("nginx reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("nginx answers");
        Answer::of(&bytes)
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Ends nginx, which must have nothing against it.
    fn stop(mut self) {
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
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
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

    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An address that nobody listens at.
fn free() -> SocketAddr {
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
