//! Rules are replaced while threads decide.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::{Bound, Call, Outcome, Outcomes};

const CALL: Call<'static> = Call { id: "1", time: 0 };
const THREADS: usize = 16;

/// What a host has bound: the entry, what it gives, and which rules it was bound of.
struct Rules {
    pair: Bound<i64>,
    gives: Outcomes<Pair>,
    number: i64,
}

/// What the rules give.
#[derive(Outcome)]
struct Pair {
    one: i64,
    other: i64,
}

/// Rules that say one number in three places.
fn rules(number: i64) -> String {
    format!(
        "record Pair {{ one: Int, other: Int }}
         ruleset which(n: Int) -> Int hit first {{ otherwise {number} }}
         ruleset pair(n: Int) -> Pair hit first {{
           rule small when n < 10 then Pair(one: {number}, other: which(n))
           otherwise Pair(one: which(n), other: {number})
         }}"
    )
}

fn bind(program: &Program) -> Result<Rules, Error> {
    let mut session = program.session();
    let number = session.decide_json("which", b"1", &CALL)?.value_json();
    Ok(Rules {
        pair: program.bind("pair")?,
        gives: program.outcomes("pair")?,
        number: number.parse().unwrap(),
    })
}

/// Asks once, and sees to it that all is of one program.
fn ask(live: &Live<Rules>, n: i64) -> i64 {
    live.with(|session, rules| {
        let decision = session.decide_bound(&rules.pair, &n, &CALL).unwrap();
        let Pair { one, other } = rules.gives.of(&decision).unwrap();
        assert_eq!((one, other), (rules.number, rules.number));
        one
    })
}

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tollgate-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_thousand_replacements_under_load_mix_nothing_and_leave_nothing() {
    const REPLACEMENTS: i64 = 1_000;
    let engine = Engine::new();
    let compile = |number| engine.compile_source("pair.rules", &rules(number)).unwrap();
    let live = Live::new(compile(0), bind).unwrap();
    let (stop, asked) = (AtomicU64::new(0), AtomicUsize::new(0));
    let mut gone = Vec::new();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (live, stop, asked) = (&live, &stop, &asked);
            scope.spawn(move || {
                let mut last = 0;
                while stop.load(Ordering::Relaxed) == 0 {
                    let number = ask(live, thread as i64);
                    assert!(number >= last, "{number} after {last}");
                    last = number;
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                assert_eq!(ask(live, 1), REPLACEMENTS);
            });
        }
        for number in 1..=REPLACEMENTS {
            let program = compile(number);
            gone.push(Arc::downgrade(&program.shared));
            live.replace(program).unwrap();
        }
        stop.store(1, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > REPLACEMENTS as usize);
    assert_eq!(live.version(), REPLACEMENTS as u64 + 1);
    let left = gone.iter().filter(|program| program.strong_count() > 0);
    assert_eq!(
        left.count(),
        1,
        "only the program that decides is still there"
    );
}

#[test]
fn a_broken_file_changes_nothing() {
    let folder = Folder::new("broken");
    let path = folder.write("pair.rules", &rules(0));
    let live = Live::open(Engine::new(), &path, bind).unwrap();
    assert_eq!(live.reload().unwrap(), Reloaded::Unchanged);
    for number in 1..100 {
        folder.write("pair.rules", &rules(number));
        match number % 2 {
            0 => {
                folder.write("pair.rules", &rules(number).replace("hit first", "hit"));
                let error = live.reload().unwrap_err();
                assert!(error.report().is_some(), "{error}");
                // The same is not tried again.
                assert_eq!(live.reload().unwrap(), Reloaded::Unchanged);
                assert_eq!(ask(&live, 1), number - 1);
            }
            _ => {
                assert_eq!(live.reload().unwrap(), Reloaded::Replaced);
                assert_eq!(ask(&live, 1), number);
            }
        }
    }
    fs::remove_file(&path).unwrap();
    assert!(live.reload().is_err());
    assert_eq!((ask(&live, 1), live.version()), (99, 51));
}

#[test]
fn modules_beside_the_file_are_read_again() {
    let folder = Folder::new("modules");
    let main = "module a\nuse b.{limit}\nruleset over(n: Int) -> Bool hit first { rule yes when n > limit() then true otherwise false }";
    let path = folder.write("a.rules", main);
    let limit = |limit| folder.write("b.rules", &format!("module b\nfn limit() -> Int = {limit}"));
    limit(10);
    let live = Live::open(Engine::new(), &path, |_| Ok(())).unwrap();
    let ask = || {
        live.with(|session, ()| {
            let decision = session.decide_json("over", b"15", &CALL).unwrap();
            decision.value_json()
        })
    };
    assert_eq!(ask(), "true");
    limit(20);
    assert_eq!(live.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(ask(), "false");
}

#[test]
fn data_is_carried_over_by_its_name() {
    let engine = Engine::new();
    let rules = |ty| {
        format!(
            "data limit: {ty}
             ruleset over(n: Int) -> Bool hit first {{ rule yes when n > limit then true otherwise false }}"
        )
    };
    let compile = |ty| engine.compile_source("x.rules", &rules(ty)).unwrap();
    let first = compile("Int").with_data("limit", b"500").unwrap();
    let live = Live::new(first, |_| Ok(())).unwrap();
    live.replace(compile("Int in 0 .. 1_000")).unwrap();
    let ask = || {
        live.with(|session, ()| {
            let decision = session.decide_json("over", b"501", &CALL).unwrap();
            decision.value_json()
        })
    };
    assert_eq!(ask(), "true");
    // The data does not fit any more.
    let refused = live.replace(compile("Int in 0 .. 100")).unwrap_err();
    assert!(refused.refusal().is_some(), "{refused}");
    assert_eq!((ask(), live.version()), ("true".to_owned(), 2));
}

/// What counts the same goes on, also where the rules around it are others; another limit begins anew.
#[test]
fn states_are_carried_over_where_they_are_declared_alike() {
    let engine = Engine::new();
    let rules = |limit: u32, otherwise: &str| {
        format!(
            "state other: FixedWindow {{ limit: 9, window: 1h, on_failure: deny }}
             state calls: FixedWindow by String {{ limit: {limit}, window: 1h, max_keys: 10, on_failure: deny }}
             ruleset admit(user: String) -> String hit first {{
               rule no when not calls[user].take().granted then \"no\"
               otherwise \"{otherwise}\"
             }}"
        )
    };
    let compile = |rules: &str| engine.compile_source("x.rules", rules).unwrap();
    let live = Live::new(compile(&rules(2, "yes")), |_| Ok(())).unwrap();
    let ask = |id: &str| {
        live.with(|session, ()| {
            let call = Call { id, time: 0 };
            let decision = session.decide_json("admit", br#""ann""#, &call).unwrap();
            decision.value_json()
        })
    };
    assert_eq!(ask("1"), r#""yes""#);
    // Declared alike, though not at the same place.
    let second = rules(2, "again");
    let (first, rest) = second.split_once('\n').unwrap();
    live.replace(compile(&format!("{rest}\n{first}"))).unwrap();
    assert_eq!(
        (ask("2"), ask("3")),
        (r#""again""#.into(), r#""no""#.into())
    );
    live.replace(compile(&rules(1, "anew"))).unwrap();
    assert_eq!((ask("4"), ask("5")), (r#""anew""#.into(), r#""no""#.into()));
    let elsewhere = rules(1, "no").replace("max_keys: 10", "max_keys: 10, store: redis.calls");
    let refused = live.replace(compile(&elsewhere)).unwrap_err().to_string();
    assert_eq!(
        refused,
        "state `calls` is kept in the store `redis.calls`, which was not given"
    );
    assert_eq!(live.version(), 3);
}

/// A program that is refused has not narrowed the states that it would have shared.
#[test]
fn a_refused_replacement_leaves_the_bounds_of_states() {
    let engine = Engine::new();
    let rules = |max_keys: u32, entry: &str, more: &str| {
        let rules = format!(
            "state calls: FixedWindow by String {{ limit: 9, window: 1h, max_keys: {max_keys}, on_failure: deny }}
             {more}
             ruleset {entry}(user: String) -> Bool hit first {{
               rule yes when calls[user].take().granted then true
               otherwise false
             }}"
        );
        engine.compile_source("x.rules", &rules).unwrap()
    };
    let bind = |program: &Program| program.bind::<str>("admit").map(drop);
    let live = Live::new(rules(3, "admit", ""), bind).unwrap();
    let ask = |user: &str| {
        live.with(|session, ()| {
            let facts = format!("{user:?}");
            let call = Call { id: user, time: 0 };
            let decision = session.decide_json("admit", facts.as_bytes(), &call);
            decision.unwrap().value_json()
        })
    };
    assert_eq!(ask("ann"), "true");
    // The entry is missing, then a state is kept elsewhere.
    assert!(live.replace(rules(1, "enter", "")).is_err());
    let elsewhere =
        "state far: Seen by String { keep: 1h, max_keys: 1, store: redis.far, on_failure: deny }";
    assert!(live.replace(rules(1, "admit", elsewhere)).is_err());
    assert_eq!(ask("bob"), "true");
    live.replace(rules(2, "admit", "")).unwrap();
    assert_eq!((ask("bob"), ask("cat")), ("true".into(), "false".into()));
}

#[test]
fn watching_notices_a_change_and_tells_of_failures_once() {
    let folder = Folder::new("watch");
    let path = folder.write("pair.rules", &rules(0));
    let live = Arc::new(Live::open(Engine::new(), path, bind).unwrap());
    let (sender, told) = mpsc::channel();
    let watching = live.watch(Duration::from_millis(5), move |result| {
        let _ = sender.send(result.is_ok());
    });
    folder.write("pair.rules", "rule");
    assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok(false));
    folder.write("pair.rules", &rules(7));
    // What is half written is one more failure at most; then comes the change.
    while told.recv_timeout(Duration::from_secs(30)) == Ok(false) {}
    assert_eq!(ask(&live, 1), 7);
    drop(watching);
    folder.write("pair.rules", &rules(8));
    assert!(
        told.recv_timeout(Duration::from_secs(30)).is_err(),
        "nobody looks any more"
    );
}

/// A store of a host that has no answer at hand, and answers each once it is waited for.
struct Slow(crate::state::Local);

impl Store for Slow {
    fn ask(&self, _: &crate::state::Operation<'_>) -> crate::state::Outcome {
        crate::state::Outcome::Later
    }
    fn perform(
        &self,
        operations: &[crate::state::Operation<'_>],
        outcomes: &mut Vec<crate::state::Outcome>,
    ) {
        self.0.perform(operations, outcomes);
    }
    fn finish(&self, decision: &[u8]) {
        self.0.finish(decision);
    }
}

/// A decision that waits goes on by the program that it began with, and its slots are given back where they were taken.
#[test]
fn a_host_that_waits_holds_on_to_what_decides() {
    let folder = Folder::new("waits");
    let rules = |answer: &str| {
        format!(
            "state slots: Concurrency {{ max: 1, lease: 1h, store: redis.slots, on_failure: deny }}
             ruleset enter(user: String) -> String hit first {{
               rule no when not slots.enter() then \"full\"
               otherwise \"{answer}\"
             }}"
        )
    };
    let path = folder.write("a.rules", &rules("old"));
    let stores = |program: &Program| {
        let local = crate::state::Local::new(program.declarations()).unwrap();
        let store: Arc<dyn Store> = Arc::new(Slow(local));
        Ok(vec![("redis.slots".to_owned(), store)])
    };
    let bind = |program: &Program| program.bind::<str>("enter");
    let live = Live::open_with(Engine::new(), &path, Ok, stores, bind).unwrap();
    let held = live.now();
    let decide = |version: &Version<Bound<str>>, id: &str, answers: &crate::Answers| {
        version.with(|session, bound| {
            let call = Call { id, time: 0 };
            match session.attempt_bound(bound, "ann", &call, answers).unwrap() {
                crate::Attempt::Decided(decision) => Ok(decision.value_json()),
                crate::Attempt::Pending(pending) => Err(pending),
            }
        })
    };
    let decided = |version: &Version<Bound<str>>, id: &str| {
        let pending = decide(version, id, &crate::Answers::default()).unwrap_err();
        decide(version, id, &version.states().perform(*pending)).unwrap()
    };
    let pending = decide(&held, "1", &crate::Answers::default()).unwrap_err();
    folder.write("a.rules", &rules("new"));
    assert_eq!(live.reload().unwrap(), Reloaded::Replaced);
    let answers = held.states().perform(*pending);
    assert_eq!(decide(&held, "1", &answers).unwrap(), r#""old""#);
    assert_eq!(decided(&held, "2"), r#""full""#);
    held.states().finish("1");
    assert_eq!(decided(&held, "3"), r#""old""#);
    assert_eq!(decided(&live.now(), "4"), r#""new""#);
}
