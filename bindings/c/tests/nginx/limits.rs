//! States in nginx: a limit for each address, slots that are given back, a Redis that workers share and that goes away.

use std::ops::RangeInclusive;
use std::path::Path;
use std::{fs, thread};

use tollgate::Engine;

use crate::library::redis::Redis;
use crate::server::{Nginx, Place, free, wait};
use crate::{build, missing, test};

/// How many calls an address has at once, and an hour later one more.
const BURST: usize = 20;

/// How long a wait is named that is an hour, on a machine that may be slow.
const HOUR: RangeInclusive<u64> = 3_000..=3_600;

/// Rules whose limit is kept in a store.
fn rules(store: &str) -> String {
    format!(
        r#"
use std.http.{{Request, Route}}
state calls: TokenBucket by Ip {{
  rate: 1 per 1h, burst: {BURST}, max_keys: 1_000, store: {store}, on_failure: deny
}}
state desks: Concurrency by Ip {{ max: 1, lease: 1h, max_keys: 1_000, store: {store}, on_failure: deny }}
ruleset limit(req: Request) -> Route hit first {{
  rule too_many
    when req.path matches p"/calls/**"
     and let wait = calls[req.client.ip].take().wait ?? skip
    then respond(429, "slow down", retry_after: wait)
  rule taken when req.path matches p"/desk/**" and not desks[req.client.ip].enter() then respond(503, "taken")
  otherwise forward("catalog", timeout: 5s)
}}
"#
    )
}

/// One server, whose clients are who they say they are. What the file of rules is comes with where their store is.
fn start(place: &Place, module: &Path, workers: usize, file: &str, given: &str) -> Nginx {
    let server = free();
    let http = format!(
        r#"
  access_log off;
  tollgate_rules {file};
  {given}
  server {{
    listen {server};
    set_real_ip_from 127.0.0.1;
    tollgate_decide limit;
    location / {{ proxy_pass http://$tollgate_field_service; }}
  }}
"#
    );
    Nginx::run(place, module, workers, &http, vec![server])
}

/// How many of 60 calls of an address pass that four clients make at once. The others are told when to come back.
fn pass(nginx: &Nginx, address: &str, come_back: RangeInclusive<u64>) -> usize {
    let client = || {
        let mut passed = 0;
        for _ in 0..15 {
            let answer = nginx.ask(0, "GET /calls/x", &format!("X-Real-IP: {address}\r\n"));
            match answer.status {
                200 => passed += 1,
                status => {
                    assert_eq!((status, answer.body.as_str()), (429, "slow down"));
                    let seconds = answer.header("Retry-After").and_then(|s| s.parse().ok());
                    assert!(
                        seconds.is_some_and(|s| come_back.contains(&s)),
                        "{seconds:?}"
                    );
                }
            }
        }
        passed
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .map(|c| c.join().expect("it asks"))
            .sum()
    })
}

/// Each request takes the only slot, and gives it back when it has ended.
fn takes_turns(nginx: &Nginx) {
    for _ in 0..5 {
        // A response may be read before its request is done with.
        wait("the desk", || {
            nginx
                .ask(0, "GET /desk/x", "X-Real-IP: 192.0.2.9\r\n")
                .status
                == 200
        });
    }
}

#[test]
fn a_worker_limits_each_address() {
    if missing() {
        return;
    }
    let place = Place::new("nginx-limits");
    place.write("limits.rules", &rules("local"));
    let nginx = start(&place, &build(), 1, "limits.rules", "");
    assert_eq!(pass(&nginx, "192.0.2.1", HOUR), BURST);
    assert_eq!(pass(&nginx, "192.0.2.1", HOUR), 0);
    assert_eq!(pass(&nginx, "192.0.2.2", HOUR), BURST);
    takes_turns(&nginx);
    // The workers of a reload are other processes, with states of their own. The last one may still take a request or two after it has said that it ends.
    nginx.signal("HUP");
    place.wait_for("error.log", "gracefully shutting down");
    let passed = [(); 3].map(|()| pass(&nginx, "192.0.2.1", HOUR));
    assert_eq!(passed.iter().sum::<usize>(), BURST, "{passed:?}");
    nginx.stop();
}

#[test]
fn workers_share_a_redis() {
    if missing() {
        return;
    }
    let Some(redis) = Redis::start("limits of nginx in a Redis") else {
        return;
    };
    let place = Place::new("nginx-redis");
    let store = format!("tollgate_store redis.limits {};", redis.address());
    // Compiled elsewhere: where nginx runs there are no rule files.
    let compiled = Engine::new().compile_source("limits.rules", &rules("redis.limits"));
    let artifact = compiled.and_then(|program| program.artifact());
    fs::write(place.file("limits.tgb"), artifact.expect("it compiles")).expect("it is written");
    let nginx = start(&place, &build(), 4, "limits.tgb", &store);
    assert_eq!(pass(&nginx, "192.0.2.1", HOUR), BURST);
    takes_turns(&nginx);
    nginx.signal("HUP");
    place.wait_for("error.log", "gracefully shutting down");
    assert_eq!(pass(&nginx, "192.0.2.1", HOUR), 0);
    assert_eq!(pass(&nginx, "192.0.2.2", HOUR), BURST);
    // Nobody can say whether a call may pass: `on_failure` does.
    drop(redis);
    assert_eq!(pass(&nginx, "192.0.2.3", 1..=1), 0);
    place.wait_for(
        "error.log",
        "\"limit\": the state \"calls\" was not asked: the store does not answer",
    );
    assert_eq!(
        nginx.ask(0, "GET /x", "X-Real-IP: 192.0.2.3\r\n").status,
        200
    );
    nginx.stop();
}

#[test]
fn a_store_that_is_not_right_refuses_the_configuration() {
    if missing() {
        return;
    }
    let (module, place) = (build(), Place::new("nginx-stores"));
    place.write("limits.rules", &rules("redis.limits"));
    let refused = |store: &str, expected: &str| {
        let directives = format!("{store} server {{ tollgate_decide limit; }}");
        let (taken, said) = test(&place, &module, &directives);
        assert!(!taken && said.contains(expected), "{directives}: {said}");
    };
    let rules = "tollgate_rules limits.rules;";
    refused(
        rules,
        "state `calls` is kept in the store `redis.limits`, and where that is was not said",
    );
    refused(
        &format!("tollgate_store redis.limits redis://127.0.0.1/; {rules}"),
        "\"tollgate_store\" directive stands behind the \"tollgate_rules\" it is for",
    );
    refused(
        &format!("{rules} tollgate_store redis.limits 127.0.0.1;"),
        "store `redis.limits`: not an address such as",
    );
    let twice = "tollgate_store redis.limits redis://127.0.0.1/;";
    refused(
        &format!("{rules} {twice} {twice}"),
        "the store `redis.limits` is there twice",
    );
}
