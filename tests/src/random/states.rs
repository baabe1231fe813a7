//! Random rule sets that ask states, and events for them. Some states are in a store that is slow, or fails.

use std::fmt::Write;

use super::Rng;

/// What every program begins with.
const HEAD: &str = r#"
enum Class { low, mid, high }
record Event { id: String, at: Instant, user: String, n: Int in 0 .. 60, flag: Bool, class: Class }
enum Action { pay(amount: Money<SGD>, n: Int), note(n: Int) }
stream events: Event { id: event.id, time: event.at, dedupe: 1h, late_after: 1m }
"#;

/// The users that events are about; more than some states have room for.
const USERS: [&str; 4] = ["ann", "bob", "cat", "dan"];

/// A program with one entry, `decide`.
pub(super) fn program(rng: &mut Rng) -> String {
    let mut out = String::from(HEAD);
    let money = store(rng);
    let max_keys = |rng: &mut Rng| 1 + rng.below(4);
    let grant = |rng: &mut Rng| *rng.pick(&["allow", "deny", "skip"]);
    let limit = |rng: &mut Rng| *rng.pick(&["allow", "deny", "skip", "local(1 per 1s)"]);
    let slots = |rng: &mut Rng| *rng.pick(&["allow", "deny", "skip", "local(1)"]);
    let lines = [
        format!(
            "state bucket: TokenBucket by String {{ rate: 1 per 1s, burst: 3, max_keys: {}, store: {}, on_failure: {} }}",
            max_keys(rng),
            store(rng),
            limit(rng)
        ),
        format!(
            "state log: SlidingLog by String {{ limit: 3, window: 5s, max_keys: {}, store: {}, on_failure: {} }}",
            max_keys(rng),
            store(rng),
            limit(rng)
        ),
        format!(
            "state slots: Concurrency by String {{ max: 2, lease: 9s, max_keys: {}, store: {}, on_failure: {} }}",
            max_keys(rng),
            store(rng),
            slots(rng)
        ),
        format!(
            "state fleet: Reserve {{ max: 4, critical: 50%, lease: 9s, store: {}, on_failure: {} }}",
            store(rng),
            slots(rng)
        ),
        format!(
            "state ladder: Ladder {{ order: [low, mid, high], enter: 20%, step: 15%, recover: 1% per 1s, store: {}, on_failure: {} }}",
            store(rng),
            grant(rng)
        ),
        format!(
            "state visits: Count by String {{ counts: events, key: event.user, where: event.flag, window: 20s, max_keys: {}, store: {}, on_failure: skip }}",
            max_keys(rng),
            store(rng)
        ),
        format!(
            "state total: Sum {{ sums: events, of: event.n, window: calendar(1d, zone: tz\"Asia/Singapore\"), store: {}, on_failure: skip }}",
            store(rng)
        ),
        format!(
            "state people: Distinct {{ counts: events, of: event.user, window: 30s, store: {}, on_failure: skip }}",
            store(rng)
        ),
        format!(
            "state seen: Seen by Key {{ keep: 8s, max_keys: 6, store: {money}, on_failure: {} }}",
            grant(rng)
        ),
        format!(
            "state budget: Budget<SGD> by String {{ total: 30.00 SGD, per_key: 12.00 SGD, max_keys: {}, store: {money}, on_failure: {} }}",
            max_keys(rng),
            grant(rng)
        ),
    ];
    out.push_str(&lines.join("\n"));
    let (result, hit) = *rng.pick(&[
        ("[Action]", "all"),
        ("[Action]", "all"),
        ("Action", "first"),
        ("Action", "best by (weight(it))"),
    ]);
    out.push_str("\nfn weight(a: Action) -> Int = match a { pay(_, n) => n, note(n) => n }\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "ruleset decide(e: Event) -> {result} on events hit {hit} {{"
    );
    if rng.one_in(6) {
        out.push_str("  mode shadow until t\"2026-11-01T00:00:30Z\"\n");
    }
    let all = hit == "all";
    // Sets of more rules are searched before they ask.
    let rules = match rng.one_in(3) {
        true => 20 + rng.below(30),
        false => 2 + rng.below(8),
    };
    for rule in 0..rules {
        match rng.one_in(4) {
            true => {
                // A group that asks keeps its set a chain.
                let name = format!("g{rule}");
                let (condition, bound) = match rng.one_in(3) {
                    true => condition(rng, &name),
                    false => (format!("e.n > {}", rng.below(30)), None),
                };
                let _ = writeln!(out, "  group when {condition} {{");
                write_rule(&mut out, rng, &format!("r{rule}a"), all, bound.as_deref());
                write_rule(&mut out, rng, &format!("r{rule}b"), all, bound.as_deref());
                out.push_str("  }\n");
            }
            false => write_rule(&mut out, rng, &format!("r{rule}"), all, None),
        }
    }
    if !all {
        out.push_str("  otherwise note(0)\n");
    }
    out.push_str("}\n");
    out
}

fn store(rng: &mut Rng) -> &'static str {
    let stores: [&'static str; 3] = ["local", "local", "host.flaky"];
    stores[rng.below(3) as usize]
}

/// A rule; `outer` is a number that its group has bound.
fn write_rule(out: &mut String, rng: &mut Rng, name: &str, all: bool, outer: Option<&str>) {
    let (condition, bound) = condition(rng, name);
    let number = bound.or_else(|| outer.map(str::to_owned));
    let number = number.unwrap_or_else(|| "e.n".into());
    let (pays, once) = (rng.one_in(3), rng.one_in(3));
    let _ = write!(out, "  rule {name} when {condition}");
    if once {
        let _ = write!(out, " once seen[key(\"{}\", e.user)]", rng.below(3));
    }
    if pays {
        out.push_str(" within budget[e.user]");
    }
    let action = match pays {
        true => format!("pay({}.50 SGD, clamp({number}, 0, 99))", rng.below(5)),
        false => format!("note(clamp({number}, 0, 99))"),
    };
    let _ = write!(out, " then {action}");
    if all && rng.one_in(3) {
        out.push_str(" then note(1)");
    }
    out.push('\n');
}

/// A condition, and the number that it binds, if it does.
fn condition(rng: &mut Rng, name: &str) -> (String, Option<String>) {
    let mut bound = None;
    let count = 1 + rng.below(4);
    let operands = (0..count).map(|i| {
        let local = format!("{name}_{i}");
        match rng.below(16) {
            0 => "bucket[e.user].take().granted".to_owned(),
            1 => "not log[e.user].take(n: 2).granted".into(),
            2 => {
                let operand = format!("let {local} = bucket[e.user].take().left");
                bound = Some(local);
                operand
            }
            3 => format!("let {local} = log[e.user].take().wait ?? skip and {local} > 500ms"),
            4 => "slots[e.user].enter()".into(),
            5 => "not fleet.enter(critical: e.flag)".into(),
            6 => "fleet.enter(critical: e.n > 30)".into(),
            7 => format!("ladder.sheds(e.class, {}%)", rng.below(60)),
            8 => format!("visits[e.user].value() > {}", rng.below(4)),
            9 => {
                let operand = format!("let {local} = total.value()");
                bound = Some(local);
                operand
            }
            10 => format!("people.value() >= {}", 1 + rng.below(4)),
            11 => "e.flag".into(),
            12 => format!(
                "e.user in {{{:?}, {:?}}}",
                rng.pick(&USERS),
                rng.pick(&USERS)
            ),
            13 => format!("(e.flag or e.n > {})", rng.below(60)),
            _ => format!("e.n > {}", rng.below(60)),
        }
    });
    let operands: Vec<String> = operands.collect();
    (operands.join(" and "), bound)
}

/// The JSON of the `i`-th event: time goes on, mostly, and some events come twice.
pub(super) fn input(rng: &mut Rng, i: usize) -> String {
    let id = match rng.one_in(8) {
        true => i / 2,
        false => i,
    };
    format!(
        r#"{{"id":"e{id}","at":"2026-11-01T00:{:02}:{:02}Z","user":{:?},"n":{},"flag":{},"class":{:?}}}"#,
        i / 40,
        (i % 40 + rng.below(3) as usize) % 60,
        rng.pick(&USERS),
        rng.below(61),
        rng.one_in(2),
        rng.pick(&["low", "mid", "high"]),
    )
}
