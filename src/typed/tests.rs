//! A host's types say the same as JSON, and are refused with the same words.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use crate::typed::Bytes;
use crate::{Bound, Call, Engine, Facts, Outcome, Program};

const CALL: Call<'static> = Call { id: "1", time: 0 };

const RULES: &str = r#"
    type Tag = String matching re"[a-z]{1,8}"
    enum Plan { free, paid(seats: Int in 1 .. 500) }
    enum Colour { Red, Green }
    record Client { ip: Ip, port: Int in 0 .. 65_535 = 0 }
    record All {
      yes: Bool
      count: Int in -5 .. 1_000
      share: Percent
      ratio: Float
      note: String
      tag: Tag
      path: Path
      host: Host
      wait: Duration
      at: Instant
      price: Money<SGD>
      colour: Colour
      plan: Plan
      client: Client
      maybe: Int?
      many: [Int ..4]
      tags: {Tag ..4}
      headers: Map<HeaderName, Values ..8>
      limits: Map<String, Int ..4>
      raw: Bytes
      extra: String = "default"
    }
    ruleset same(all: All) -> All hit first { otherwise all }
    ruleset two(all: All, more: Int) -> Int hit first { otherwise clamp(all.count + more, 0, 9) }
    ruleset tagged(all: All) -> Bool hit first { rule yes when all.tag == "a" then true otherwise false }
    ruleset plan(all: All) -> Plan hit first { otherwise all.plan }
"#;

#[derive(Facts, Outcome, Clone, Copy, PartialEq, Debug)]
enum Plan {
    #[facts(name = "free")]
    #[outcome(name = "free")]
    Free,
    #[facts(name = "paid")]
    #[outcome(name = "paid")]
    Paying { seats: u16 },
}

#[derive(Facts, Clone)]
struct Client {
    ip: IpAddr,
    port: u16,
}

#[derive(Facts, Clone)]
struct All<'r> {
    yes: bool,
    count: i32,
    share: i64,
    ratio: f64,
    note: &'r str,
    tag: String,
    path: &'r str,
    host: &'r str,
    wait: Duration,
    at: SystemTime,
    #[facts(name = "price")]
    cents: i64,
    colour: &'r str,
    plan: Plan,
    client: Client,
    maybe: Option<u8>,
    many: Vec<i64>,
    tags: [&'r str; 2],
    headers: BTreeMap<String, Vec<&'r str>>,
    limits: HashMap<&'r str, u32>,
    raw: Bytes<'r>,
    #[facts(skip)]
    #[expect(
        dead_code,
        reason = "the rules have a field of this name, which is not this one"
    )]
    extra: u8,
}

fn program() -> Program {
    Engine::new().compile_source("x.rules", RULES).unwrap()
}

fn all() -> All<'static> {
    All {
        yes: true,
        count: -5,
        share: 12_500_000,
        ratio: 0.25,
        note: "a \"note\"",
        tag: "vip".into(),
        path: "/a//b%20c",
        host: "Shop.Example:443",
        wait: Duration::from_millis(1_500),
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        cents: 450,
        colour: "Green",
        plan: Plan::Paying { seats: 7 },
        client: Client {
            ip: Ipv4Addr::new(192, 0, 2, 7).into(),
            port: 443,
        },
        maybe: None,
        many: vec![3, 1, 2],
        tags: ["b", "a"],
        headers: [("X-Role".to_owned(), vec!["sre", "admin"])].into(),
        limits: [("b", 2), ("a", 1)].into(),
        raw: Bytes(b"\x00\xff"),
        extra: 9,
    }
}

const JSON: &str = r#"{"yes": true, "count": -5, "share": "1.25%", "ratio": 0.25, "note": "a \"note\"", "tag": "vip",
    "path": "/a//b%20c", "host": "Shop.Example:443", "wait": "1500ms", "at": "2027-01-15T08:00:00Z", "price": "4.50 SGD",
    "colour": "Green", "plan": {"paid": {"seats": 7}}, "client": {"ip": "192.0.2.7", "port": 443}, "many": [3, 1, 2],
    "tags": ["b", "a"], "headers": {"X-Role": ["sre", "admin"]}, "limits": {"b": 2, "a": 1}, "raw": "AP8="}"#;

#[test]
fn values_say_what_json_says() {
    let program = program();
    let bound = program.bind::<All<'_>>("same").unwrap();
    let mut session = program.session();
    let expected = session.decide_json("same", JSON.as_bytes(), &CALL);
    let expected = expected.unwrap().to_json();
    let facts = all();
    let decision = session.decide_bound(&bound, &facts, &CALL).unwrap();
    assert_eq!(decision.to_json(), expected);
}

#[test]
fn several_parameters_are_a_tuple() {
    let program = program();
    let bound = program.bind::<(&All<'_>, i64)>("two").unwrap();
    let facts = all();
    let mut session = program.session();
    let pair = (&facts, 12);
    let decision = session.decide_bound(&bound, &pair, &CALL).unwrap();
    assert_eq!(decision.value_json(), "7");
    let error = program.bind::<i64>("two").unwrap_err().to_string();
    assert_eq!(error, "`two` takes 2 (all, more), the host gives 1");
}

#[test]
fn what_breaks_a_rule_is_refused_where_it_stands() {
    let program = program();
    let bound = program.bind::<All<'_>>("same").unwrap();
    let mut session = program.session();
    let mut refused = |change: &dyn Fn(&mut All<'static>), expected: &str| {
        let mut facts = all();
        change(&mut facts);
        let error = session.decide_bound(&bound, &facts, &CALL).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.refusal().is_some());
    };
    refused(
        &|f| f.count = 1_001,
        "count = 1001: it must lie in -5 .. 1000",
    );
    refused(
        &|f| f.ratio = f64::NAN,
        "ratio = NaN: a number must be finite",
    );
    refused(
        &|f| f.tag = "VIP".into(),
        "tag = \"VIP\": it must be a Tag, which matches [a-z]{1,8}",
    );
    refused(
        &|f| f.path = "/a/%2e%2e",
        "path = \"/a/%2e%2e\": a dot segment in the path (at byte 3)",
    );
    refused(
        &|f| f.colour = "Blue",
        "colour = \"Blue\": it must be one of Red, Green",
    );
    refused(
        &|f| f.plan = Plan::Paying { seats: 0 },
        "plan.seats = 0: it must lie in 1 .. 500",
    );
    refused(
        &|f| f.many = vec![1; 5],
        "many: at most 4 elements are allowed",
    );
    refused(
        &|f| f.tags = ["a", "B"],
        "tags[1] = \"B\": it must be a Tag, which matches [a-z]{1,8}",
    );
    refused(
        &|f| f.tags = ["a", "a"],
        "tags: an element of a set is given twice",
    );
    refused(
        &|f| f.headers = [("x".to_owned(), vec!["a\nb"])].into(),
        "headers[\"x\"][0] = \"a\\nb\": a header value holds no line break and no NUL (at byte 1)",
    );
    refused(
        &|f| {
            f.headers = [("X-a".to_owned(), vec![]), ("x-A".to_owned(), vec![])].into();
        },
        "headers: a key is given twice",
    );
    refused(
        &|f| f.wait = Duration::MAX,
        "wait = 18446744073709551615999999: the number is too large",
    );
}

#[test]
fn types_that_do_not_fit_are_named_when_they_are_bound() {
    #[derive(Facts)]
    struct Flag {
        tag: bool,
    }
    #[derive(Facts)]
    struct Maybe {
        tag: Option<String>,
    }
    #[derive(Facts)]
    struct Nothing {}
    #[derive(Facts)]
    struct Enough<'r> {
        tag: &'r str,
    }
    let program = program();
    let tagged = |error: Option<crate::Error>, expected: &str| {
        assert_eq!(
            error.unwrap().to_string(),
            format!("`tagged` cannot take {expected}")
        );
    };
    tagged(
        program.bind::<Flag>("tagged").err(),
        "`Flag`: `tag`: the rules want a text here, the host has true or false",
    );
    tagged(
        program.bind::<Maybe>("tagged").err(),
        "`Maybe`: `tag`: the rules want a text in any case, the host has an `Option` of a text",
    );
    tagged(
        program.bind::<Nothing>("tagged").err(),
        "`Nothing`: `tag`: the rules read it, a text, and `Nothing` has no such field",
    );
    tagged(
        program.bind::<i64>("tagged").err(),
        "this for `all`: the rules want `All` here, the host has a whole number",
    );
    // Fields that no rule reads need not be there.
    let bound = program.bind::<Enough<'_>>("tagged").unwrap();
    let mut session = program.session();
    let decision = session.decide_bound(&bound, &Enough { tag: "a" }, &CALL);
    assert_eq!(decision.unwrap().value_json(), "true");
}

#[test]
fn a_method_is_called_only_where_a_rule_reads_its_field() {
    #[derive(Facts)]
    struct Body {
        amount: i64,
    }
    #[derive(Facts)]
    struct Request<'r> {
        path: &'r str,
        #[facts(by = parsed, as = Body)]
        #[allow(dead_code)]
        body: &'r str,
        #[facts(skip)]
        cache: OnceCell<Option<Body>>,
        #[facts(skip)]
        parsed: Cell<u32>,
    }
    impl Request<'_> {
        fn parsed(&self) -> Option<&Body> {
            self.parsed.set(self.parsed.get() + 1);
            let body = self.cache.get_or_init(|| {
                let amount = self.body.parse().ok()?;
                Some(Body { amount })
            });
            body.as_ref()
        }
    }
    let rules = r#"
        record Body { amount: Int }
        record Request { path: Path, body: Body? }
        ruleset by_path(req: Request) -> Bool hit first {
          rule yes when req.path matches p"/a/**" then true
          otherwise false
        }
        ruleset by_body(req: Request) -> Bool hit first {
          rule yes when (req.body.amount ?? skip) > 5 then true
          otherwise false
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let request = |body| Request {
        path: "/a/b",
        body,
        cache: OnceCell::new(),
        parsed: Cell::new(0),
    };
    let ask = |entry: &str, body| {
        let bound = program.bind::<Request<'_>>(entry).unwrap();
        let request = request(body);
        let mut session = program.session();
        let decision = session.decide_bound(&bound, &request, &CALL).unwrap();
        (decision.value_json(), request.parsed.get())
    };
    assert_eq!(ask("by_path", "9"), ("true".into(), 0));
    assert_eq!(ask("by_body", "9"), ("true".into(), 1));
    assert_eq!(ask("by_body", "no number"), ("false".into(), 1));
}

#[test]
fn outcomes_have_a_place_for_all_that_rules_give() {
    let program = program();
    let bound = program.bind::<All<'_>>("plan").unwrap();
    let outcomes = program.outcomes::<Plan>("plan").unwrap();
    let mut session = program.session();
    for plan in [Plan::Free, Plan::Paying { seats: 500 }] {
        let facts = All { plan, ..all() };
        let decision = session.decide_bound(&bound, &facts, &CALL).unwrap();
        assert_eq!(outcomes.of(&decision).unwrap(), plan);
    }
    #[derive(Outcome)]
    #[expect(dead_code, reason = "it is never made")]
    enum Narrow {
        #[outcome(name = "free")]
        Free,
        #[outcome(name = "paid")]
        Paid { seats: u8 },
    }
    let error = program.outcomes::<Narrow>("plan").unwrap_err().to_string();
    assert_eq!(
        error,
        "`plan` cannot give this: `paid.seats`: the rules give 1 .. 500, the host has room for 0 .. 255"
    );
    // Another entry's decision is told apart.
    let two = program.bind::<(All<'_>, i64)>("two").unwrap();
    let pair = (all(), 1);
    let decision = session.decide_bound(&two, &pair, &CALL).unwrap();
    let error = outcomes.of(&decision).unwrap_err().to_string();
    assert_eq!(
        error,
        "this is made for decisions of `plan`, the decision is one of `two`"
    );
}

#[test]
fn the_decisions_id_and_time_come_from_the_facts_that_have_them() {
    #[derive(Facts)]
    struct Request<'r> {
        id: &'r str,
    }
    let rules = r#"
        record Request { id: String = "", note: String }
        ruleset wait(req: Request) -> Duration hit first { otherwise jitter(1s, 9s) }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let bound = program.bind::<Request<'_>>("wait").unwrap();
    let mut session = program.session();
    let mut ask = |id, call| {
        let request = Request { id };
        let call = Call { id: call, time: 0 };
        let decision = session.decide_bound(&bound, &request, &call).unwrap();
        decision.value_json()
    };
    assert_eq!(ask("a", "x"), ask("a", "y"));
    assert_eq!(ask("", "x"), ask("x", "y"));
    assert_ne!(ask("a", "x"), ask("b", "x"));
}

/// The key is read by an operation; id and time, which no rule reads, by the store.
#[test]
fn states_are_asked_with_what_a_host_gives() {
    #[derive(Facts)]
    struct Caller<'r> {
        id: &'r str,
        user: &'r str,
        time: SystemTime,
    }

    let program = Engine::new().compile_source(
        "x.rules",
        "record Request { id: String, user: String, time: Instant, note: String }
         state calls: TokenBucket by String { rate: 1 per 1s, burst: 1, max_keys: 10, on_failure: deny }
         ruleset admit(req: Request) -> Bool hit first {
           rule no when not calls[req.user].take().granted then false
           otherwise true
         }",
    );
    let program = program.unwrap();
    let read = program.fields("admit").unwrap();
    let read: Vec<_> = read.iter().map(|f| f.field.as_deref()).collect();
    assert_eq!(read, [Some("user")]);
    let bound: Bound<Caller<'_>> = program.bind("admit").unwrap();
    let call = Call { id: "", time: 0 };
    let at = |id, seconds| Caller {
        id,
        user: "ann",
        time: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
    };
    let first = at("1", 100);
    let refused = program
        .session()
        .decide_bound(&bound, &first, &call)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("make it with `Program::session_with`")
    );
    let states = program.states(&[]).unwrap();
    let mut session = program.session_with(&states).unwrap();
    for (caller, expected) in [
        (first, "true"),
        (at("2", 100), "false"),
        (at("3", 101), "true"),
    ] {
        let decision = session.decide_bound(&bound, &caller, &call).unwrap();
        assert_eq!(decision.value_json(), expected);
    }
}

/// Without its id an event would be another one each time, and be paid for each time.
#[test]
fn an_event_of_a_stream_has_its_id_and_time() {
    #[derive(Facts)]
    struct Whole<'r> {
        trip: &'r str,
        at: SystemTime,
        fare: i64,
    }
    #[derive(Facts)]
    struct Nameless {
        at: SystemTime,
        fare: i64,
    }
    let rules = r#"
        record Ride { trip: String, at: Instant, fare: Int }
        stream rides: Ride { id: event.trip, time: event.at, dedupe: 7d, late_after: 1h }
        ruleset reward(e: Ride) -> [Int] on rides hit all { rule long when e.fare > 10 then 1 }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    assert!(program.bind::<Whole<'_>>("reward").is_ok());
    let error = program.bind::<Nameless>("reward").unwrap_err().to_string();
    assert_eq!(
        error,
        "`reward` cannot take `Nameless`: `trip`: the rules read it, a text, and `Nameless` has no such field"
    );
}

/// A document is a text or bytes as it stands, and JSON where the rules want anything else, refused as JSON is.
#[test]
fn a_document_is_what_the_rules_want() {
    use crate::typed::Document;
    let decide = |ty: &str, value: &str, document: Option<&[u8]>| {
        let rules = format!(
            "record Order {{ total: Int in 0 .. 100, note: String? }}
             ruleset of(id: String, body: {ty}?) -> String hit first {{
               rule absent when body is none then \"none\"
               rule same when let b = body ?? skip and {value} then \"same\"
               otherwise \"other\"
             }}"
        );
        let program = Engine::new().compile_source("x.rules", &rules).unwrap();
        let bound = program.bind::<(&str, Option<Document<'_>>)>("of").unwrap();
        let mut session = program.session();
        let facts = ("1", document.map(Document));
        let decision = session.decide_bound(&bound, &facts, &CALL);
        decision.map_or_else(
            |e| e.to_string(),
            |d| d.value_json().trim_matches('"').into(),
        )
    };
    assert_eq!(decide("String", "b == \"\"", None), "none");
    assert_eq!(decide("String", "b == \"\"", Some(b"")), "same");
    assert_eq!(
        decide("String", "b == \"\\\"a\\\"\"", Some(b"\"a\"")),
        "same"
    );
    let order = Some(&br#"{"total": 7, "more": [1]}"#[..]);
    assert_eq!(decide("Order", "b.total == 7", order), "same");
    assert_eq!(decide("[Int ..3]", "b == [1, 2]", Some(b"[1,2]")), "same");
    assert_eq!(decide("Bytes", "b == b", Some(b"\xff")), "same");
    for (ty, document, part) in [
        ("String", &b"\xff"[..], "a text is UTF-8"),
        ("Order", b"", "EOF"),
        (
            "Order",
            b"{\"total\": 101}",
            "total = 101: it must lie in 0 .. 100",
        ),
        ("Order", b"{}", "total"),
        ("[Int ..1]", b"[1,2]", "at most 1"),
    ] {
        let said = decide(ty, "b == b", Some(document));
        assert!(said.contains(part), "{said}");
    }
}
