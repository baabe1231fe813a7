//! The layer without a server: what reaches the service behind, and how long slots are held.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::{env, fs, process};

use http::{Request, Response};
use tollgate::{Engine, Outcome};
use tollgate_tower::{Decided, Rules};
use tower_layer::Layer;
use tower_service::Service;

#[derive(Clone, PartialEq, Debug, Outcome)]
enum Admission {
    #[outcome(name = "admit")]
    Admit,
    #[outcome(name = "busy")]
    Busy,
}

const RULES: &str = r#"
    use std.http.{Request}
    enum Admission { admit, busy }
    state slots: Concurrency { max: 1, lease: 1h, on_failure: deny }
    ruleset admission(req: Request) -> Admission hit first {
      rule known when (req.api_key ?? skip) == "k1" then admit
      rule full when not slots.enter() then busy
      otherwise admit
    }
"#;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4711);

fn rules(name: &str) -> (Rules<Admission>, PathBuf) {
    let file = env::temp_dir().join(format!("tollgate-layer-{name}-{}.rules", process::id()));
    fs::write(&file, RULES).expect("a file");
    let rules = Rules::open_with_key(Engine::new(), &file, "admission", "x-key");
    (rules.expect("the rules fit"), file)
}

fn request() -> http::request::Builder {
    Request::builder().uri("/").header("host", "a.example")
}

/// A service that says by which rule its request came to it.
#[derive(Clone)]
struct Says;

impl Service<Request<()>> for Says {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let decided = request.extensions().get::<Decided<Admission>>();
        let by = decided.expect("it was decided").by.join(",");
        ready(Ok(Response::new(by)))
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn slots_are_free_when_nobody_holds_the_decision() {
    let (rules, file) = rules("slots");
    let (head, ()) = request().body(()).expect("a request").into_parts();
    let first = rules.decide(&head, PEER).expect("it is let in");
    let again = first.clone();
    assert_eq!(first.answer, Admission::Admit);
    drop(first);
    assert_eq!(
        rules.decide(&head, PEER).expect("let in").answer,
        Admission::Busy
    );
    drop(again);
    let third = rules.decide(&head, PEER).expect("it is let in");
    assert_eq!(
        (third.answer, &*third.by),
        (Admission::Admit, &["otherwise".to_owned()][..])
    );
    fs::remove_file(file).expect("it is there");
}

#[test]
fn a_service_sees_what_was_decided_or_no_request() {
    let (rules, file) = rules("service");
    let layer = rules
        .layer(|_| Some(PEER))
        .answering(|decided: &Decided<Admission>| {
            (decided.answer == Admission::Busy).then(|| Response::new("busy".to_owned()))
        });
    let mut service = layer.layer(Says);
    let mut ask = |request: Request<()>| {
        let response = now(service.call(request)).expect("it does not fail");
        (response.status().as_u16(), response.into_body())
    };
    // A slot is free again when there is a response.
    for _ in 0..3 {
        assert_eq!(
            ask(request().body(()).unwrap()),
            (200, "otherwise".to_owned())
        );
    }
    let held = rules.decide(&request().body(()).unwrap().into_parts().0, PEER);
    assert_eq!(ask(request().body(()).unwrap()), (200, "busy".to_owned()));
    assert_eq!(
        ask(request().header("x-key", "k1").body(()).unwrap()),
        (200, "known".to_owned())
    );
    drop(held);

    let (status, why) = ask(request().header("host", "b.example").body(()).unwrap());
    assert_eq!(status, 400, "two hosts: {why}");
    let other = request().uri("http://b.example/").body(()).unwrap();
    let (status, why) = ask(other);
    assert_eq!(
        (status, &*why),
        (400, "host: the target names another than the field `Host`")
    );
    fs::remove_file(file).expect("it is there");
}

#[test]
fn a_request_of_nobody_is_not_decided() {
    let (rules, file) = rules("nobody");
    let mut service = rules.layer(|_| None).layer(Says);
    let response = now(service.call(request().body(()).unwrap())).expect("it does not fail");
    assert_eq!(response.status(), 500);
    fs::remove_file(file).expect("it is there");
}

#[test]
fn rules_that_do_not_fit_are_refused() {
    let file = env::temp_dir().join(format!("tollgate-layer-misfit-{}.rules", process::id()));
    fs::write(
        &file,
        RULES.replace("admit, busy }", "admit, busy, other }"),
    )
    .expect("a file");
    let error = Rules::<Admission>::open(Engine::new(), &file, "admission").expect_err("misfit");
    assert_eq!(
        error.to_string(),
        "`admission` cannot give this: the rules can give `other`, and `Admission` has no such variant"
    );
    fs::remove_file(file).expect("it is there");
}
