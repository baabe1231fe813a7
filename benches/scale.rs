//! How deciding, compiling and memory grow with the number of rules, from 10 to 100,000.
//!
//! ```sh
//! cargo bench --bench scale                                            # everything: some minutes
//! cargo bench --bench scale -- --family gateway --sizes 100,10000      # a part
//! cargo bench --bench scale -- --svg FOLDER --json                     # curves as SVG; the table as JSON
//! cargo bench --bench scale -- --engine vm/O0,vm/O2                    # a backend and a level each
//! ```
//!
//! Facts are decoded before; every decision is compared with the reference before anything is timed. The cells of a family are
//! measured in turn, seven rounds; CPU time of the thread; medians. A cell in which a decision takes longer than `SLOWEST` is
//! left out, and it is said.
//!
//! The facts of a cell are decoded by a thread of its own, to which glibc's allocator gives memory of its own. Else those of the first cells
//! would lie scattered in what compiling left free, so that few rules would be charged for reading memory that many are not.

#[path = "chart.rs"]
mod chart;
#[path = "clock.rs"]
mod clock;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::{env, fs, thread};

use chart::{Curve, log_log};
use clock::{median, now, shown, took};
use tollgate::{Call, Engine, Entry, Facts, Level, Program, Session};
use tollgate_workloads::*;

const SIZES: &[usize] = &[10, 100, 1_000, 10_000, 100_000];
const REQUESTS: usize = 10_000;
const ROUNDS: usize = 7;
/// Nanoseconds that a round of a cell takes at least, so that the clock is fine enough.
const ROUND: f64 = 2e7;
/// Nanoseconds that a round of a cell takes at most, if `FEWEST` requests do not take longer.
const LONGEST: f64 = 2e8;
/// A slow cell is timed on the first of its requests, but on so many at least.
const FEWEST: usize = 500;
/// Nanoseconds of a decision above which a cell is left out.
const SLOWEST: f64 = 1e6;
/// Times a program is compiled; the least counts. Programs of more than `LARGE` rules are compiled once.
const COMPILED: usize = 3;
const LARGE: usize = 20_000;

type Make = fn(usize, usize, Profile) -> Workload;

/// Families by name; those of one size take no number.
const FAMILIES: &[(&str, Make, bool)] = &[
    ("gateway", gateway, true),
    ("campaign", campaign, true),
    ("campaign-even", campaign_even, true),
    ("adversarial", adversarial, true),
    ("single", |_, count, profile| single(count, profile), false),
    ("shed", |_, count, profile| shed(count, profile), false),
    ("github", |_, _, _| github(), false),
];

/// What the arguments ask for.
struct Wanted {
    families: Vec<String>,
    sizes: Vec<usize>,
    engines: Vec<(String, String, Level)>,
    svg: Option<String>,
    json: bool,
}

/// A compiled program, and what it took.
struct Compiled {
    engine: String,
    family: &'static str,
    rules: usize,
    program: Program,
    compile: f64,
}

/// One figure: a program under a traffic.
struct Cell<'p> {
    compiled: &'p Compiled,
    profile: Profile,
    entry: Entry,
    session: Session<'p>,
    facts: Vec<Facts>,
    /// Matching rules a request, by the reference.
    matches: f64,
    steps: f64,
    times: Vec<f64>,
}

/// A line of the table.
struct Row {
    family: &'static str,
    engine: String,
    profile: &'static str,
    rules: usize,
    matches: f64,
    ns: f64,
    steps: f64,
    compile: f64,
    bytes: usize,
}

fn main() {
    let wanted = wanted();
    let mut rows = Vec::new();
    for (name, make, sized) in FAMILIES {
        if !wanted.families.is_empty() && !wanted.families.iter().any(|f| f == name) {
            continue;
        }
        let sizes = if *sized { &wanted.sizes[..] } else { &[0] };
        let family = measure(*make, sizes, &wanted);
        if !wanted.json {
            print(&family);
        }
        rows.extend(family);
    }
    if wanted.json {
        println!(
            "[{}]",
            rows.iter().map(json).collect::<Vec<_>>().join(",\n ")
        );
    }
    if let Some(folder) = &wanted.svg {
        draw(folder, &rows);
    }
}

fn wanted() -> Wanted {
    let mut wanted = Wanted {
        families: Vec::new(),
        sizes: SIZES.to_vec(),
        engines: engines("vm/O2,vm/O0"),
        svg: None,
        json: false,
    };
    let mut arguments = env::args().skip(1).filter(|a| a != "--bench");
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{argument} takes a value"))
        };
        match &*argument {
            "--family" => wanted.families = value().split(',').map(str::to_owned).collect(),
            "--sizes" => {
                let sizes = value();
                wanted.sizes = sizes
                    .split(',')
                    .map(|n| n.parse().expect("a number"))
                    .collect();
            }
            "--engine" => wanted.engines = engines(&value()),
            "--svg" => wanted.svg = Some(value()),
            "--json" => wanted.json = true,
            other => panic!("{other} is none of --family --sizes --engine --svg --json"),
        }
    }
    wanted
}

fn engines(text: &str) -> Vec<(String, String, Level)> {
    let one = |name: &str| {
        let (backend, level) = name.split_once('/').expect("a backend and a level: vm/O2");
        let level = match level {
            "O0" => Level::O0,
            "O1" => Level::O1,
            "O2" => Level::O2,
            other => panic!("{other} is none of O0 O1 O2"),
        };
        (name.to_owned(), backend.to_owned(), level)
    };
    text.split(',').map(one).collect()
}

fn measure(make: Make, sizes: &[usize], wanted: &Wanted) -> Vec<Row> {
    let mut workloads: Vec<Workload> = Vec::new();
    for rules in sizes {
        for profile in Profile::ALL {
            let workload = make(*rules, REQUESTS, profile);
            // GitHub's requests are what they are, whatever the profile.
            if workload.profile == profile {
                workloads.push(workload);
            }
        }
    }
    let mut compiled = Vec::new();
    for workload in workloads.iter().filter(|w| w.profile == Profile::Zipf) {
        for engine in &wanted.engines {
            compiled.push(compile(workload, engine));
        }
    }
    let mut cells = Vec::new();
    for workload in &workloads {
        let expected: Vec<Answer> = workload
            .requests
            .iter()
            .map(|r| workload.reference(r))
            .collect();
        for compiled in compiled.iter().filter(|c| c.rules == workload.rules.len()) {
            cells.extend(cell(workload, compiled, &expected));
        }
    }
    for _ in 0..ROUNDS {
        for cell in &mut cells {
            cell.round();
        }
    }
    cells.into_iter().map(Cell::row).collect()
}

fn compile(workload: &Workload, (name, backend, level): &(String, String, Level)) -> Compiled {
    let source = workload.source();
    let engine = Engine::new()
        .backend(backend)
        .expect("a backend of this build")
        .level(*level);
    let times = if workload.rules.len() > LARGE {
        1
    } else {
        COMPILED
    };
    let mut least = f64::MAX;
    let mut program = None;
    for _ in 0..times {
        // What was compiled before is let go first, outside the time.
        drop(program.take());
        let (ns, compiled) = took(|| engine.compile_source("workload.rules", &source));
        least = least.min(ns);
        program = Some(compiled.unwrap_or_else(|error| panic!("{}: {error}", workload.name())));
    }
    Compiled {
        engine: name.clone(),
        family: workload.family,
        rules: workload.rules.len(),
        program: program.expect("compiled at least once"),
        compile: least,
    }
}

/// Lets the requests in and compares every decision; none where deciding is too slow.
fn cell<'p>(workload: &Workload, compiled: &'p Compiled, expected: &[Answer]) -> Option<Cell<'p>> {
    let program = &compiled.program;
    let entry = program
        .entry("decide")
        .expect("the entry of every workload");
    let decode = |request| {
        let facts = program.decode(entry, workload.json(request).as_bytes());
        facts.expect("the request is let in")
    };
    let decode_all = || workload.requests.iter().map(decode).collect();
    let facts: Vec<Facts> =
        thread::scope(|scope| scope.spawn(decode_all).join()).expect("the requests are let in");
    let mut session = program.session();
    let began = now();
    let mut steps = 0;
    for (i, (facts, expected)) in facts.iter().zip(expected).enumerate() {
        let decision = session
            .decide_facts(entry, facts, &CALL)
            .expect("it decides");
        assert_eq!(
            decision.value_json(),
            Workload::answer_json(expected),
            "{}",
            workload.name()
        );
        steps += decision.steps();
        let each = (now() - began) / (i + 1) as f64;
        if i == 100 && each > SLOWEST {
            let (name, profile) = (workload.name(), workload.profile.name());
            eprintln!(
                "{name} {profile} {}: left out, {} a decision",
                compiled.engine,
                shown(each)
            );
            return None;
        }
    }
    let matches: usize = expected.iter().map(rules).sum();
    let each = |n: f64| n / expected.len() as f64;
    let used = LONGEST / each(now() - began);
    let mut facts = facts;
    facts.truncate(FEWEST.max(used as usize));
    Some(Cell {
        compiled,
        profile: workload.profile,
        entry,
        session,
        matches: each(matches as f64),
        steps: each(steps as f64),
        facts,
        times: Vec::new(),
    })
}

const CALL: Call<'_> = Call {
    id: "bench",
    time: 0,
};

fn rules(answer: &Answer) -> usize {
    match answer {
        Answer::One(rule) => rule.iter().len(),
        Answer::Many(rules) => rules.len(),
        Answer::Shed(shed) => (*shed).into(),
    }
}

impl Cell<'_> {
    fn round(&mut self) {
        let (began, mut decisions) = (now(), 0);
        let mut spent = 0.0;
        while spent < ROUND {
            for facts in &self.facts {
                let decision = self
                    .session
                    .decide_facts(self.entry, black_box(facts), &CALL);
                black_box(decision.expect("it decides"));
            }
            decisions += self.facts.len();
            spent = now() - began;
        }
        self.times.push(spent / decisions as f64);
    }

    fn row(self) -> Row {
        Row {
            family: self.compiled.family,
            engine: self.compiled.engine.clone(),
            profile: self.profile.name(),
            rules: self.compiled.rules,
            matches: self.matches,
            ns: median(self.times),
            steps: self.steps,
            compile: self.compiled.compile,
            bytes: self.compiled.program.bytes(),
        }
    }
}

fn print(rows: &[Row]) {
    println!(
        "{:<14}{:<14}{:<9}{:>8}{:>9}{:>10}{:>14}{:>10}{:>9}{:>12}{:>12}{:>12}{:>14}",
        "family",
        "engine",
        "traffic",
        "rules",
        "matches",
        "ns",
        "decisions/s",
        "to 100",
        "steps",
        "compile ms",
        "rules/s",
        "bytes",
        "bytes a rule"
    );
    for row in rows {
        let same = |r: &&Row| r.rules == 100 && r.engine == row.engine && r.profile == row.profile;
        let ratio = rows
            .iter()
            .find(same)
            .map(|r| format!("{:.2}", row.ns / r.ns));
        println!(
            "{:<14}{:<14}{:<9}{:>8}{:>9.2}{:>10.1}{:>14.0}{:>10}{:>9.1}{:>12.1}{:>12.0}{:>12}{:>14}",
            row.family,
            row.engine,
            row.profile,
            row.rules,
            row.matches,
            row.ns,
            1e9 / row.ns,
            ratio.unwrap_or("-".into()),
            row.steps,
            row.compile / 1e6,
            row.rules as f64 * 1e9 / row.compile,
            row.bytes,
            row.bytes / row.rules
        );
    }
    println!();
}

fn json(row: &Row) -> String {
    format!(
        "{{\"family\":\"{}\",\"engine\":\"{}\",\"traffic\":\"{}\",\"rules\":{},\"matches\":{:.3},\"ns_per_decision\":{:.1},\
         \"steps\":{:.1},\"compile_ms\":{:.2},\"bytes\":{}}}",
        row.family,
        row.engine,
        row.profile,
        row.rules,
        row.matches,
        row.ns,
        row.steps,
        row.compile / 1e6,
        row.bytes
    )
}

/// Of each curve, by its name.
type Points = BTreeMap<String, Vec<(f64, f64)>>;

/// One picture a family of several sizes: a curve for each engine and traffic.
fn draw(folder: &str, rows: &[Row]) {
    fs::create_dir_all(folder).expect("the folder can be made");
    let mut families: BTreeMap<&str, Points> = BTreeMap::new();
    for row in rows
        .iter()
        .filter(|r| !["single", "shed", "github"].contains(&r.family))
    {
        let mut name = String::from(row.profile);
        if row.engine != "vm/O2" {
            let _ = write!(name, " {}", row.engine);
        }
        let curves = families.entry(row.family).or_default();
        curves
            .entry(name)
            .or_default()
            .push((row.rules as f64, row.ns));
    }
    for (family, curves) in families {
        let curve = |(name, points): (String, Vec<(f64, f64)>)| Curve {
            strong: name == "zipf",
            name,
            points,
        };
        let curves: Vec<Curve> = curves.into_iter().map(curve).collect();
        let path = format!("{folder}/scale-{family}.svg");
        let picture = log_log(&format!("{family}: time of a decision"), &curves);
        fs::write(&path, picture).expect("the file can be written");
        eprintln!("{path}");
    }
}
