//! The module for nginx (`bindings/nginx`): built against Debian's sources, loaded by the real nginx, asked by real requests. Where nginx, its
//! sources or a C compiler are missing, that is said and the test is left out; `cargo xtask nginx` installs them.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{fs, thread};

#[path = "../library/mod.rs"]
mod library;
mod limits;
mod server;

use library::{command, find, folder, has, root};
use server::{Nginx, Place, versions, wait};

/// What Debian's nginx-dev has; the place is its policy.
const SOURCES: &str = "/usr/share/nginx/src";

#[test]
fn nginx_routes_denies_and_reloads() {
    if missing() {
        return;
    }
    let module = build();
    let place = Place::new("nginx");
    let nginx = Nginx::start(&place, &module);
    routes(&nginx);
    answers(&nginx);
    agrees_with_nginx(&nginx);
    refuses(&nginx);
    reads_what_is_given(&nginx);
    logs_what_was_decided(&nginx, &place);
    reloads_under_load(&nginx, &place);
    keeps_the_old_rules_when_the_new_are_broken(&nginx, &place);
    nginx.stop();
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    if missing() {
        return;
    }
    let module = build();
    let place = Place::new("nginx-refused");
    let refused = |directives: &str, expected: &str| {
        let (taken, said) = test(&place, &module, directives);
        assert!(!taken, "{directives} is taken");
        assert!(said.contains(expected), "{directives}: {said}");
    };
    // The configuration in the page is not.
    let page = fs::read_to_string(root().join("docs/book/nginx.md")).expect("the page is there");
    let (_, page) = page
        .split_once("```nginx\n")
        .expect("the page has a configuration");
    let (directives, _) = page.split_once("```").expect("it ends");
    let (rules, decided) = (place.file("gateway.rules"), place.file("decided.log"));
    fs::copy(root().join("examples/c-api/gateway.rules"), rules).expect("the rules are there");
    let directives = directives.replace("decided.log", &decided.display().to_string());
    let (taken, said) = test(&place, &module, &directives);
    assert!(taken, "{said}");

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

/// Where a request names its host, and where one ends and the next begins, is read as nginx reads it.
fn agrees_with_nginx(nginx: &Nginx) {
    let absolute =
        "GET http://other.example:81/x HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
    assert_eq!(nginx.raw(1, absolute.as_bytes()).body, "the other host");
    // The first has a body that its answer does not wait for; the second comes on the same connection.
    let two = "POST /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nabcde\
               GET /x HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";
    let answers = nginx.raw(1, two.as_bytes());
    assert!(
        answers.body.starts_with("version 1HTTP/1.1 200"),
        "{}",
        answers.body
    );
    assert!(answers.body.ends_with("the other host"), "{}", answers.body);
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
    // A status without a body is nginx's to dress, here by an `error_page` that decides nothing.
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "partners GET /sorry")
    );
    // What could split a response, or ends none, is ours and not the client's.
    let answer = nginx.ask(1, "GET /split", "");
    assert_eq!((answer.status, answer.header("X-Evil")), (500, None));
    let answer = nginx.ask(1, "GET /early", "");
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("<h1>500"), "{}", answer.body);
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
    // Of variables, too, which nginx may have decoded.
    assert_eq!(status("GET /decoded/%ff", ""), 400);
    let status = |request: &str| nginx.raw(1, request.as_bytes()).status;
    assert_eq!(status("GET /x HTTP/1.0\r\n\r\n"), 400);
    assert_eq!(
        status("GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"),
        400
    );
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

/// Whether something is missing that the module is built and run with. Says what.
fn missing() -> bool {
    let tools = ["nginx", "cc", "make", "bash"];
    if !tools.iter().all(|tool| has(tool, "the module for nginx")) {
        return true;
    }
    let sources = Path::new(SOURCES).is_dir();
    if !sources {
        println!(
            "left out: the module for nginx, for there are no sources in {SOURCES} (nginx-dev)"
        );
    }
    !sources
}

/// Whether nginx takes a configuration with these directives of `http`, and what it says.
fn test(place: &Place, module: &Path, directives: &str) -> (bool, String) {
    let conf = format!(
        "load_module {};\nerror_log stderr;\npid {};\nevents {{}}\nhttp {{ {directives} }}\n",
        module.display(),
        place.file("nginx.pid").display()
    );
    place.write("tested.conf", &conf);
    let mut test = command(nginx());
    test.arg("-t").arg("-c").arg(place.file("tested.conf"));
    let output = test.output().expect("nginx runs");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Where nginx is.
fn nginx() -> PathBuf {
    find("nginx").expect("the test is left out where there is none")
}

/// Builds the module, and says where it is.
fn build() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
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
            .current_dir(sources.file(""))
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
