//! What a gateway pays to decide about its own request: fields taken straight from an `http::Request`, by `#[derive(Facts)]`, beside the
//! same decision about facts that were let in before.
//!
//! Every decision is compared with the workload's own reference first. Rounds are short and interleaved.
//!
//! ```sh
//! cargo bench --bench embed
//! ```

#[path = "clock.rs"]
#[allow(dead_code, reason = "not every benchmark needs all of it")]
mod clock;

use std::hint::black_box;
use std::net::IpAddr;

use clock::{median, now};
use http::header::{HOST, HeaderMap, HeaderName};
use http::{Method, Request};
use tollgate::{Call, Engine, Facts};
use tollgate_workloads::{Answer, Profile, Value, Workload, gateway};

const SIZES: [usize; 3] = [10, 100, 1_000];
const REQUESTS: usize = 1_000;
const ROUNDS: usize = 31;

/// What the rules ask about, as it lies in a request.
#[derive(Facts)]
struct Asked<'r> {
    host: &'r str,
    path: &'r str,
    method: Verb,
    env: Option<&'r str>,
    client: IpAddr,
}

/// What a method is, as a number: a host that has parsed it has it so.
#[derive(Facts, Clone, Copy)]
enum Verb {
    #[facts(name = "GET")]
    Get,
    #[facts(name = "HEAD")]
    Head,
    #[facts(name = "POST")]
    Post,
    #[facts(name = "PUT")]
    Put,
    #[facts(name = "DELETE")]
    Delete,
}

/// A name that is known is looked up as one: a text would be read as a name each time.
static ENV: HeaderName = HeaderName::from_static("x-env");

/// A request, and who sent it.
struct Arrived {
    request: Request<()>,
    client: IpAddr,
}

impl Arrived {
    /// Five fields, in the order of the workload.
    fn new(values: &[Value]) -> Arrived {
        let [host, path, method, env, client] = values else {
            panic!("a gateway's request has five fields");
        };
        let mut request = Request::builder()
            .method(method.text())
            .uri(format!("http://x{}", path.text()))
            .header("user-agent", "curl/8.8.0")
            .header("accept", "*/*")
            .header("host", host.text());
        if let Value::Text(env) = env {
            request = request.header("x-env", env);
        }
        let Value::Ip(client) = client else {
            panic!("the client is an address");
        };
        Arrived {
            request: request.body(()).expect("a request"),
            client: (*client).into(),
        }
    }

    fn asked(&self) -> Asked<'_> {
        let headers = self.request.headers();
        Asked {
            host: text(headers, &HOST).unwrap_or(""),
            path: self.request.uri().path(),
            method: verb(self.request.method()),
            env: text(headers, &ENV),
            client: self.client,
        }
    }
}

/// No request of the workload has another method.
fn verb(method: &Method) -> Verb {
    match *method {
        Method::GET => Verb::Get,
        Method::HEAD => Verb::Head,
        Method::POST => Verb::Post,
        Method::PUT => Verb::Put,
        _ => Verb::Delete,
    }
}

/// The rules say which texts they take; that it is one is told many bytes at a time by the standard library.
fn text<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

fn main() {
    let call = Call {
        id: "bench",
        time: 0,
    };
    println!(
        "{:>7}{:>16}{:>16}{:>8}{:>16}{:>8}",
        "rules", "ns facts kept", "ns own type", "ratio", "ns with request", "ratio"
    );
    for size in SIZES {
        let workload = gateway(size, REQUESTS, Profile::Zipf);
        let program = Engine::new()
            .compile_source("workload.rules", &workload.source())
            .expect("it compiles");
        let entry = program.entry("decide").expect("the entry");
        let bound = program.bind::<Asked<'_>>(entry).expect("it fits");
        let arrived: Vec<_> = workload
            .requests
            .iter()
            .map(|r| Arrived::new(&r.0))
            .collect();
        let asked: Vec<_> = arrived.iter().map(Arrived::asked).collect();
        let kept: Vec<_> = workload
            .requests
            .iter()
            .map(|r| {
                program
                    .decode(entry, workload.json(r).as_bytes())
                    .expect("it is let in")
            })
            .collect();
        let mut session = program.session();
        for (request, asked) in workload.requests.iter().zip(&asked) {
            let answer: Answer = workload.reference(request);
            let decision = session
                .decide_bound(&bound, asked, &call)
                .expect("it decides");
            assert_eq!(decision.value_json(), Workload::answer_json(&answer));
        }
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            let began = now();
            for facts in &kept {
                black_box(session.decide_facts(entry, black_box(facts), &call).is_ok());
            }
            times[0].push(now() - began);
            let began = now();
            for asked in &asked {
                black_box(
                    session
                        .decide_bound(&bound, black_box(asked), &call)
                        .is_ok(),
                );
            }
            times[1].push(now() - began);
            let began = now();
            for arrived in &arrived {
                let asked = black_box(arrived).asked();
                black_box(session.decide_bound(&bound, &asked, &call).is_ok());
            }
            times[2].push(now() - began);
        }
        let [kept, own, whole] = times.map(|times| median(times) / REQUESTS as f64);
        println!(
            "{size:>7}{kept:>16.1}{own:>16.1}{:>8.2}{whole:>16.1}{:>8.2}",
            own / kept,
            whole / kept
        );
    }
}
