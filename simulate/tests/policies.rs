//! Policies at work: what must hold of every simulation, and what priorities are for.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use tollgate::{Engine, Program};
use tollgate_simulate::{ClassReport, Report, Scenario, Told, Traffic, simulate};

/// Two entries that are told the same: one sheds by priority on a cubic curve, the other whatever comes when nearly all is taken.
const RULES: &str = r#"
    enum Admission { admit, reject(retry_after: Duration) }
    record Request { priority: Int in 0 .. 100 }
    record Load { busy: Percent in 0% .. 100%, shed_from: Int }
    fn overload(load: Load) -> Percent in 0% .. 100% = clamp((load.busy - 60%) / 35%, 0%, 100%)
    ruleset cubic(req: Request, load: Load) -> Admission hit first {
      rule injected when req.priority >= load.shed_from then reject(1s)
      rule red_zone when req.priority > round(100 * (100% - cube(overload(load)))) then reject(1s)
      otherwise admit
    }
    ruleset flat(req: Request, load: Load) -> Admission hit first {
      rule full when load.busy >= 95% then reject(1s)
      otherwise admit
    }
    ruleset open(req: Request, load: Load) -> Admission hit first { otherwise admit }
"#;

/// Ten seconds of nearly twice what the fleet can do.
const SCENARIO: &str = r#"
    fleet = { workers = 100, queue = 100, timeout = "1s" }
    service = { law = "exponential", mean = "50ms" }
    class = [
      { name = "critical", share = 20, facts.req.priority = 5 },
      { name = "ordinary", share = 50, facts.req.priority = 50 },
      { name = "droppable", share = 30, facts.req.priority = 95 },
    ]
    burst = [{ for = "30s", rate = 1_250 }, { from = "10s", for = "10s", rate = 2_500 }]
"#;

fn program(rules: &str) -> Program {
    Engine::new().compile_source("x.rules", rules).unwrap()
}

fn play(entry: &str, more: &str) -> Report {
    play_rules(RULES, &format!("entry = \"{entry}\"\n{more}\n{SCENARIO}"))
}

fn play_rules(rules: &str, scenario: &str) -> Report {
    let scenario = Scenario::parse(scenario).unwrap();
    let report = simulate(&program(rules), &scenario, Traffic::Bursts, &mut |_| {});
    let report = report.unwrap();
    report.classes.iter().for_each(nothing_is_lost);
    report
}

fn nothing_is_lost(class: &ClassReport) {
    assert_eq!(
        class.arrived,
        class.admitted + class.shed + class.refused,
        "{class:?}"
    );
    let ended = class.finished + class.timed_out + class.no_room;
    assert_eq!(class.admitted, ended, "{class:?}");
}

fn served(report: &Report) -> Vec<f64> {
    let served = report.classes.iter().map(|class| class.served().unwrap());
    served.collect()
}

#[test]
fn the_curve_keeps_what_is_critical_alive_and_a_flat_limit_does_not() {
    let cubic = play("cubic", "");
    let [critical, ordinary, droppable] = served(&cubic)[..] else {
        panic!("three classes");
    };
    assert!(critical > 0.999, "{}", cubic.render());
    assert!(
        ordinary < critical && droppable < ordinary,
        "{}",
        cubic.render()
    );
    let flat = play("flat", "");
    let each = served(&flat);
    assert!(each.iter().all(|share| *share < 0.9), "{}", flat.render());
    let spread =
        each.iter().fold(0.0, |a: f64, b| a.max(*b)) - each.iter().fold(1.0, |a: f64, b| a.min(*b));
    assert!(spread < 0.05, "{}", flat.render());
    // Both were told the same traffic.
    let arrived =
        |report: &Report| -> Vec<u64> { report.classes.iter().map(|c| c.arrived).collect() };
    assert_eq!(arrived(&cubic), arrived(&flat));
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_one_does_not() {
    let (one, same, other) = (
        play("cubic", ""),
        play("cubic", ""),
        play("cubic", "seed = 2"),
    );
    assert_eq!(one.to_json(), same.to_json());
    assert_eq!(one.to_svg(), same.to_svg());
    assert_eq!(one.render(), same.render());
    assert_ne!(one.to_json(), other.to_json());
}

/// The same simulation, told apart by what requests are instead of by their classes.
#[test]
fn figures_are_told_apart_by_a_fact() {
    let rules = r#"
        record Request { user: String, paid: Bool? }
        record Load { busy: Percent }
        ruleset shed(req: Request, load: Load) -> Bool hit first {
          rule free when load.busy > 50% and not (req.paid ?? false) then false
          otherwise true
        }
    "#;
    let scenario = r#"
        fleet = { workers = 20, queue = 20, timeout = "300ms" }
        retry = { retries = 1 }
        burst = [{ for = "10s", rate = 800 }]
        class = [
          { name = "a", facts.req = { user = "u{key}", paid = true }, keys = 3 },
          { name = "b", facts.req = { user = "u{key}", paid = false }, keys = 20 },
          { name = "c", facts.req = { user = "me" } },
          { name = "d", facts.req = { user = "me", paid = true } },
        ]
    "#;
    let by = |by: &str| play_rules(rules, &format!("{by}\n{scenario}"));
    let (classes, paid) = (by(""), by("by = \"req.paid\""));
    let row = |name: &str| {
        let mut rows = paid.classes.iter();
        rows.find(|row| row.name == name).unwrap()
    };
    let [a, b, c, d] = &classes.classes[..] else {
        panic!("four classes");
    };
    assert_eq!(paid.classes.len(), 3);
    let figures = |of: &ClassReport| {
        [
            of.requests,
            of.arrived,
            of.admitted,
            of.shed,
            of.finished,
            of.timed_out,
            of.no_room,
        ]
    };
    let sum: Vec<u64> = figures(a)
        .iter()
        .zip(figures(d))
        .map(|(a, d)| a + d)
        .collect();
    assert_eq!(figures(row("true")), sum[..]);
    assert_eq!(figures(row("false")), figures(b));
    assert_eq!(figures(row("none")), figures(c));
    assert!(row("true").shed == 0 && row("false").shed > 0);
    let [mut of_classes, mut of_paid] = [&classes, &paid].map(Report::all);
    of_classes.name.clear();
    of_paid.name.clear();
    assert_eq!(figures(&of_classes), figures(&of_paid));
    assert!(paid.render().starts_with("req.paid "), "{}", paid.render());
    assert!(paid.to_svg().contains("shed, by req.paid"));
    let json: serde_json::Value = serde_json::from_str(&paid.to_json()).unwrap();
    assert_eq!(json["by"], "req.paid");
    let series = json["series"]["classes"].as_array().unwrap();
    let shed = series.iter().map(|row| row["shed"].as_array().unwrap());
    let shed = shed.map(|bins| bins.iter().map(|n| n.as_u64().unwrap()).sum::<u64>());
    let rows = paid.classes.iter().map(|row| row.shed);
    assert_eq!(shed.collect::<Vec<_>>(), rows.collect::<Vec<_>>());

    // Of more values than there are colours, those that come late are one row.
    let users = by("by = \"req.user\"");
    let names: Vec<&str> = users.classes.iter().map(|row| &*row.name).collect();
    assert_eq!((names.len(), names[7]), (8, "others"));
    assert_eq!(figures(&users.all())[..4], figures(&classes.all())[..4]);

    let refused = |by: &str| {
        let scenario = Scenario::parse(&format!("by = \"{by}\"\n{scenario}")).unwrap();
        let refused = simulate(&program(rules), &scenario, Traffic::Bursts, &mut |_| {});
        refused.unwrap_err().to_string()
    };
    let said = "`load.busy` is of the load, not of a request";
    assert!(refused("load.busy").starts_with(said));
    assert!(
        refused("req.users").contains("no field `users`"),
        "{}",
        refused("req.users")
    );
}

#[test]
fn nothing_is_lost_whatever_happens() {
    for seed in 0..6 {
        for more in [
            "retry = { retries = 3, base = \"50ms\", cap = \"2s\" }",
            "retry = { retries = 1, base = \"0s\", cap = \"0s\" }",
            "shed_from = [{ at = \"1s\", priority = 50 }, { at = \"2s\" }]",
        ] {
            let shorter = SCENARIO
                .replace("\"30s\"", "\"3s\"")
                .replace(
                    "from = \"10s\", for = \"10s\"",
                    "from = \"1s\", for = \"1s\"",
                )
                .replace("timeout = \"1s\"", "timeout = \"60ms\", cancel = CANCEL")
                .replace("CANCEL", if seed % 2 == 0 { "true" } else { "false" });
            for entry in ["cubic", "open"] {
                play_rules(
                    RULES,
                    &format!("entry = \"{entry}\"\nseed = {seed}\n{more}\n{shorter}"),
                );
            }
        }
    }
}

/// Without anybody who sheds, a fleet that does not notice that clients have gone works for nobody; retries make it worse.
#[test]
fn without_shedding_retries_keep_a_fleet_down() {
    let patient = "fleet = { workers = 100, queue = 10_000, timeout = \"300ms\", cancel = false }";
    let scenario = SCENARIO.replace(
        "fleet = { workers = 100, queue = 100, timeout = \"1s\" }",
        patient,
    );
    let retry = "retry = { retries = 5, base = \"100ms\", cap = \"1s\" }";
    let open = play_rules(RULES, &format!("entry = \"open\"\n{retry}\n{scenario}"));
    let all = open.all();
    assert!(all.arrived > 2 * all.requests, "{}", open.render());
    assert!(all.served().unwrap() < 0.6, "{}", open.render());
    let shedding = play_rules(RULES, &format!("entry = \"cubic\"\n{retry}\nfleet.capacity = 200\n{}", scenario.replace(patient, "fleet.workers = 100\nfleet.queue = 10_000\nfleet.timeout = \"300ms\"\nfleet.cancel = false")));
    assert!(
        shedding.classes[0].served().unwrap() > 0.99,
        "{}",
        shedding.render()
    );
}

/// What is measured is what queueing theory expects: with one worker that is busy half of the time, waiting included a request takes twice
/// as long as its service on average (M/M/1); its median is that times the logarithm of 2.
#[test]
fn a_queue_behaves_like_a_queue() {
    let report = play_rules(
        "ruleset yes(n: Int) -> Bool hit first { otherwise true }",
        r#"
            facts.n = 1
            fleet = { workers = 1, queue = 1_000 }
            service = { law = "exponential", mean = "10ms" }
            burst = [{ for = "20m", rate = 50 }]
        "#,
    );
    let all = &report.classes[0];
    assert_eq!((all.shed, all.finished), (0, all.arrived));
    let p50 = all.quantile(50).unwrap().as_micros();
    // 13.9 ms, and up to an eighth more for the buckets.
    assert!((13_000..16_500).contains(&p50), "{p50}");
    let p99 = all.quantile(99).unwrap().as_micros();
    // 20 ms times the logarithm of 100: 92 ms.
    assert!((85_000..112_000).contains(&p99), "{p99}");
}

/// Rules keep states by the virtual clock, and slots are free again when a request is over.
#[test]
fn states_go_by_the_clock_of_the_simulation() {
    let rules = r#"
        record Request { id: String, time: Instant, user: String }
        state rate: TokenBucket by String { rate: 10 per 1s, burst: 10, max_keys: 100, on_failure: deny }
        state slots: Concurrency { max: 3, lease: 1h, on_failure: deny }
        ruleset limited(req: Request) -> Bool hit first {
          rule fast when not rate[req.user].take().granted then false
          otherwise true
        }
        ruleset both(req: Request) -> Bool hit first {
          rule full when not slots.enter() then false
          rule fast when not rate[req.user].take().granted then false
          otherwise true
        }
        ruleset slotted(req: Request) -> Bool hit first {
          rule full when not slots.enter() then false
          otherwise true
        }
    "#;
    let scenario = r#"
        fleet = { workers = 100 }
        service = { law = "fixed", time = "100ms" }
        class = [{ name = "a", keys = 4, facts.req.user = "{key}" }]
        burst = [{ for = "100s", rate = 100 }]
    "#;
    let limited = play_rules(rules, &format!("entry = \"limited\"\n{scenario}"));
    let admitted = limited.all().admitted;
    assert!((3_900..=4_041).contains(&admitted), "{}", limited.render());
    assert!(
        limited.notes[0].contains("is not told the load"),
        "{:?}",
        limited.notes
    );
    // Three at a time, each for a tenth of a second.
    let slotted = play_rules(rules, &format!("entry = \"slotted\"\n{scenario}"));
    let admitted = slotted.all().admitted;
    assert!((2_000..=3_001).contains(&admitted), "{}", slotted.render());
    // What one limit let in and another one did not holds no slot.
    let both = play_rules(rules, &format!("entry = \"both\"\n{scenario}"));
    let admitted = both.all().admitted;
    assert!((1_800..=3_001).contains(&admitted), "{}", both.render());
}

#[test]
fn an_answer_that_nobody_knows_is_told() {
    let rules =
        "enum A { welcome, go_away } ruleset r(n: Int) -> A hit first { otherwise welcome }";
    let scenario = "facts.n = 1\nburst = [{ for = \"1s\", rate = 10 }]";
    let report = play_rules(rules, scenario);
    assert_eq!(report.all().admitted, 0);
    assert!(
        report.notes[1].contains("the answers were welcome"),
        "{:?}",
        report.notes
    );
    let report = play_rules(rules, &format!("admitted = [\"welcome\"]\n{scenario}"));
    assert_eq!(report.all().shed, 0);
}

#[test]
fn what_cannot_be_played_is_an_error() {
    let says = |rules: &str, scenario: &str, part: &str| {
        let scenario = Scenario::parse(scenario).unwrap();
        let error = simulate(&program(rules), &scenario, Traffic::Bursts, &mut |_| {});
        let error = error.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let one = "ruleset r(n: Int) -> Int hit first { otherwise n }";
    let burst = "burst = [{ for = \"1s\", rate = 9 }]\nfacts.n = 1";
    says(one, "facts.n = 1", "nothing arrives");
    says(one, burst, "answers 1: a simulation needs");
    says(one, &format!("entry = \"s\"\n{burst}"), "no entry `s`");
    says(RULES, burst, "say which entry admits or sheds");
    says(
        one,
        &format!("service = {{ law = \"columns\", per = {{ tokens = \"1ms\" }} }}\n{burst}"),
        "a request that is drawn has no columns",
    );
    let redis = "state s: TokenBucket { rate: 1 per 1s, burst: 1, store: redis.limits, on_failure: allow }
        ruleset r(n: Int) -> Bool hit first { rule no when not s.take().granted then false otherwise true }";
    says(redis, burst, "kept in the store `redis.limits`");
}

#[test]
fn refused_requests_are_counted_and_told() {
    let rules =
        "record R { n: Int in 0 .. 5 } ruleset r(req: R) -> Bool hit first { otherwise true }";
    let scenario =
        "class = [{ name = \"a\", facts.req.n = 9 }]\nburst = [{ for = \"1s\", rate = 50 }]";
    let scenario = Scenario::parse(scenario).unwrap();
    let mut told = 0;
    let report = simulate(&program(rules), &scenario, Traffic::Bursts, &mut |t| {
        if let Told::Refused { class, reason } = t {
            assert_eq!(
                (class, reason.to_string().as_str()),
                ("a", "n = 9: it must lie in 0 .. 5")
            );
            told += 1;
        }
    });
    let report = report.unwrap();
    assert_eq!((report.all().refused, report.all().admitted), (told, 0));
    assert!(told > 0);
}

/// A trace of a few lines, one of them bad, to the last figure and line.
#[test]
fn a_tiny_trace_is_reported_and_drawn() {
    let rules = r#"
        enum Admission { admit, reject(retry_after: Duration) }
        record Request { user: String }
        record Load { in_flight: Int }
        ruleset shed(req: Request, load: Load) -> Admission hit first {
          rule full when load.in_flight >= 2 then reject(200ms)
          otherwise admit
        }
    "#;
    let scenario = r#"
        fleet = { workers = 1, queue = 4, timeout = "900ms" }
        retry = { retries = 1, base = "0s" }
        service = { law = "columns", per = { ms = "1ms" } }
        trace = { class = "kind" }
        class = [{ name = "paid", facts.req.user = "{user}" }, { name = "free <1>", facts.req.user = "{user}" }]
        shed_from = [{ at = "1s", priority = 7 }]
    "#;
    let trace = b"time,kind,user,ms\n0,paid,ann,300\n0.1,free <1>,bob,700\n0.2,free <1>,eve,50\nnever,paid,ann,1\n0.3,paid,ann,250\n2,paid,joe,40\n";
    let scenario = Scenario::parse(scenario).unwrap();
    let traffic = Traffic::Trace(Box::new(&trace[..]));
    let mut bad = Vec::new();
    let report = simulate(&program(rules), &scenario, traffic, &mut |told| {
        if let Told::Line { line, reason } = told {
            bad.push(format!("{line}: {reason}"));
        }
    });
    let report = report.unwrap();
    report.classes.iter().for_each(nothing_is_lost);
    assert_eq!((bad.len(), report.bad_lines), (1, 1));
    assert!(bad[0].starts_with("5: `never` is no time"), "{bad:?}");
    insta::assert_snapshot!("tiny", report.render());
    insta::assert_snapshot!("tiny_svg", report.to_svg());
}

/// A year in which next to nothing happens is over at once, and what is measured before and behind it is the same.
#[test]
fn a_quiet_year_is_short() {
    let rules = r#"
        enum Admission { admit, reject(retry_after: Duration) }
        record Load { in_flight: Int, workers: Percent }
        ruleset shed(load: Load) -> Admission hit first {
          rule full when load.in_flight > 0 then reject(365d)
          otherwise admit
        }
    "#;
    let scenario = r#"
        fleet = { workers = 1 }
        retry = { retries = 2, base = "0s" }
        service = { law = "fixed", time = "700ms" }
        shed_from = [{ at = "100d", priority = 1 }]
    "#;
    let scenario = Scenario::parse(scenario).unwrap();
    let trace = b"time\n0\n0.1\n20000000\n20000001\n";
    let traffic = Traffic::Trace(Box::new(&trace[..]));
    let report = simulate(&program(rules), &scenario, traffic, &mut |_| {}).unwrap();
    let all = report.all();
    nothing_is_lost(&all);
    assert_eq!(
        (all.requests, all.arrived, all.finished, all.shed),
        (4, 5, 4, 1)
    );
    assert!(report.span().as_secs() > 365 * 86_400);
    assert_eq!(report.peak.in_flight, 1);
}

/// The hour of a real service for language models, played four times faster on a fleet that is too small for it, where it is there.
#[test]
fn a_real_hour_is_played() {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/azure-llm-trace/AzureLLMInferenceTrace_code.csv.gz");
    if !archive.exists() {
        println!("left out: the trace is not beside the project");
        return;
    }
    let mut child = Command::new("gzip");
    let mut child = child
        .arg("-dc")
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut trace = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut trace)
        .unwrap();
    child.wait().unwrap();
    let rules = r#"
        enum Admission { admit, reject }
        record Request { time: Instant, tokens: Int in 0 .. 1_000_000 }
        record Load { busy: Percent }
        ruleset shed(req: Request, load: Load) -> Admission hit first {
          rule long "What is long waits for a quiet hour" when req.tokens > 3_000 and load.busy >= 50% then reject
          rule full when load.busy >= 90% then reject
          otherwise admit
        }
    "#;
    let scenario = r#"
        fleet = { workers = 40, queue = 40, timeout = "1m" }
        service = { law = "columns", base = "100ms", per = { ContextTokens = "200us", GeneratedTokens = "25ms" } }
        trace = { time = "TIMESTAMP", speed = 4.0 }
        class = [{ name = "chat", facts.req.tokens = "{ContextTokens:int}" }]
    "#;
    let scenario = Scenario::parse(scenario).unwrap();
    let input = BufReader::new(&trace[..]);
    let report = simulate(
        &program(rules),
        &scenario,
        Traffic::Trace(Box::new(input)),
        &mut |told| {
            assert!(matches!(told, Told::Progress { .. }), "{told:?}");
        },
    );
    let report = report.unwrap();
    nothing_is_lost(&report.all());
    assert_eq!(report.all().arrived, 8_819);
    let by = |name: &str| {
        report
            .rules
            .iter()
            .find(|(rule, _)| rule == name)
            .map_or(0, |(_, n)| *n)
    };
    assert!(by("shed.long") > 0, "{}", report.render());
    // An hour, four times as fast.
    let seconds = report.span().as_secs();
    assert!((850..1_000).contains(&seconds), "{seconds}");
}
