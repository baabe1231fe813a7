//! Deciding about a host's own types allocates nothing from the system once the session's memory has grown.

use std::time::Duration;

use tollgate::{Bound, Call, Engine, Error, Facts, Live, Outcome, Outcomes, Program};
use tollgate_backend_suite::counting::Counting;

#[global_allocator]
static MEMORY: Counting = Counting;

#[derive(Facts)]
struct Request<'r> {
    method: &'r str,
    host: &'r str,
    path: &'r str,
    roles: Vec<&'r str>,
    key: Option<&'r str>,
}

#[derive(Outcome)]
enum Route<'d> {
    #[outcome(name = "forward")]
    Forward { service: &'d str, timeout: Duration },
    #[outcome(name = "respond")]
    Respond { status: u16 },
}

struct Rules {
    route: Bound<Request<'static>>,
    gives: Outcomes<Route<'static>>,
}

const RULES: &str = r#"
    enum Verb { GET, POST }
    type Token = String matching re"k_[0-9]{1,9}"
    record Request { method: Verb, host: Host, path: Path, roles: [String ..8], key: Token? }
    enum Route { forward(service: String, timeout: Duration in 0s .. 1m), respond(status: Int in 100 .. 599) }
    ruleset route(req: Request) -> Route hit first {
      rule admin when req.path matches p"/admin/{what}" and any(role in req.roles where role == "sre")
        then forward(concat("admin-", what), 1s)
      rule keyed when (req.key ?? skip) == "k_7" and req.method == POST then forward("keyed", 800ms)
      rule shop when req.host == "shop.example" then forward("shop", 5s)
      otherwise respond(404)
    }
"#;

fn bind(program: &Program) -> Result<Rules, Error> {
    Ok(Rules {
        route: program.bind("route")?,
        gives: program.outcomes("route")?,
    })
}

#[test]
fn a_gateways_decision_allocates_nothing() {
    let call = Call { id: "1", time: 0 };
    let program = Engine::new().compile_source("x.rules", RULES).unwrap();
    let live = Live::new(program, bind).unwrap();
    let requests = [
        // Not canonical, so that host and path are laid down anew.
        (
            "GET",
            "Shop.Example:443",
            "/admin//x",
            vec!["dev", "sre"],
            None,
        ),
        ("POST", "a.example", "/", vec![], Some("k_7")),
        ("GET", "shop.example", "/a/b", vec!["dev"], Some("k_8")),
        ("GET", "a.example", "/a/b", vec![], None),
    ];
    let requests = requests.map(|(method, host, path, roles, key)| Request {
        method,
        host,
        path,
        roles,
        key,
    });
    let expected = ["admin-x", "keyed", "shop", ""];
    let decide = |request: &Request<'_>, expected: &str| {
        live.with(|session, rules| {
            let decision = session.decide_bound(&rules.route, request, &call).unwrap();
            match rules.gives.of(&decision).unwrap() {
                Route::Forward { service, timeout } => {
                    assert_eq!(service, expected);
                    assert!(!timeout.is_zero());
                }
                Route::Respond { status } => assert_eq!((status, expected), (404, "")),
            }
        });
    };
    let all = || {
        let each = requests.iter().zip(expected);
        each.for_each(|(request, expected)| decide(request, expected));
    };
    // The session's memory grows, and regular expressions make what they search with.
    (0..4).for_each(|_| all());
    let before = MEMORY.allocations();
    (0..100).for_each(|_| all());
    assert_eq!(MEMORY.allocations() - before, 0);
}
