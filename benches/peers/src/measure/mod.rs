//! Measuring: check first, then time in turn.

pub mod load;
mod report;

use tollgate_workloads::{
    Answer, Profile, Workload, adversarial, campaign, campaign_even, gateway, github, shed, single,
};

use crate::clock::{median, now, shown};
use crate::engines::ENGINES;
use crate::peer::{Http, Peer};

const REQUESTS: usize = 10_000;
const ROUNDS: usize = 7;
/// Nanoseconds of a cell in a round, at most; slow engines are timed on fewer requests, but on `FEWEST` at least.
const ROUND: f64 = 5e7;
/// Nanoseconds of a cell in a round, at least; fast engines decide their requests several times.
const LEAST: f64 = 1e7;
const FEWEST: usize = 200;
/// Decisions that tell whether a cell is too slow.
const PROBED: usize = 20;
const FAMILIES: &[&str] = &[
    "single",
    "gateway",
    "campaign",
    "campaign-even",
    "adversarial",
    "shed",
    "github",
];

/// What the arguments ask for.
pub struct Wanted {
    engines: Vec<String>,
    workloads: Vec<String>,
    sizes: Vec<usize>,
    profile: Profile,
    /// Nanoseconds that the check of a cell may take.
    budget: f64,
    svg: Option<String>,
    json: bool,
}

/// A cell of the table: an engine on a workload.
pub struct Cell {
    engine: &'static str,
    family: &'static str,
    workload: String,
    rules: usize,
    /// Nanoseconds a decision, the request in the engine's form; then with marshalling. Or why there are none.
    times: Result<[f64; 2], String>,
}

impl Wanted {
    pub fn read(arguments: Vec<String>) -> Result<Wanted, String> {
        let mut wanted = Wanted {
            engines: Vec::new(),
            workloads: Vec::new(),
            sizes: vec![10, 100, 1_000, 10_000],
            profile: Profile::Zipf,
            budget: 3e10,
            svg: None,
            json: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--json" {
                wanted.json = true;
                continue;
            }
            let value = arguments
                .next()
                .ok_or(format!("{argument} takes a value"))?;
            let list = || value.split(',').map(str::to_owned);
            match &*argument {
                "--only" => wanted.engines = list().collect(),
                "--workload" => wanted.workloads = list().collect(),
                "--sizes" => {
                    let sizes = list().map(|n| n.parse().map_err(|_| format!("{n} is no number")));
                    wanted.sizes = sizes.collect::<Result<_, _>>()?;
                }
                "--traffic" => {
                    let found = Profile::ALL.into_iter().find(|p| p.name() == value);
                    wanted.profile = found.ok_or(format!("{value} is no traffic"))?;
                }
                "--budget" => {
                    wanted.budget = 1e9 * value.parse::<f64>().map_err(|e| e.to_string())?
                }
                "--svg" => wanted.svg = Some(value),
                other => {
                    return Err(format!(
                        "{other} is none of --only --workload --sizes --traffic --budget --svg --json"
                    ));
                }
            }
        }
        Ok(wanted)
    }
}

pub fn all(wanted: &Wanted) {
    let mut cells = Vec::new();
    for family in FAMILIES {
        if !wanted.workloads.is_empty() && !wanted.workloads.iter().any(|w| w == family) {
            continue;
        }
        let sizes = match *family {
            "single" | "shed" | "github" => &[0],
            _ => &wanted.sizes[..],
        };
        for rules in sizes {
            // Requests live as long as the process: see `Engine`.
            let workload: &'static Workload =
                Box::leak(Box::new(make(family, *rules, REQUESTS, wanted.profile)));
            cells.extend(measure(workload, wanted));
        }
    }
    let loads = load::all(wanted);
    report::print(wanted, &cells, &loads);
}

fn make(family: &str, rules: usize, requests: usize, profile: Profile) -> Workload {
    match family {
        "single" => single(requests, profile),
        "gateway" => gateway(rules, requests, profile),
        "campaign" => campaign(rules, requests, profile),
        "campaign-even" => campaign_even(rules, requests, profile),
        "adversarial" => adversarial(rules, requests, profile),
        "shed" => shed(requests, profile),
        _ => github(),
    }
}

fn expected(workload: &Workload) -> Vec<Vec<u32>> {
    let numbers = |request| match workload.reference(request) {
        Answer::One(rule) => rule.into_iter().collect(),
        Answer::Many(rules) => rules,
        Answer::Shed(shed) => shed.then_some(0).into_iter().collect(),
    };
    workload.requests.iter().map(numbers).collect()
}

/// An engine that passed its check, and its times in nanoseconds a decision.
struct Checked {
    peer: Box<dyn Peer>,
    used: [usize; 2],
    times: [Vec<f64>; 2],
}

fn measure(workload: &'static Workload, wanted: &Wanted) -> Vec<Cell> {
    let expected = expected(workload);
    let host = workload
        .requests
        .iter()
        .map(|r| Http::new(&workload.fields, r));
    let host: &'static [Http] = Vec::leak(host.collect());
    let mut engines = Vec::new();
    for (name, build) in ENGINES {
        if !wanted.engines.is_empty() && !wanted.engines.iter().any(|e| e == name) {
            continue;
        }
        let checked = build(workload).and_then(|peer| check(peer, &expected, host, wanted.budget));
        if let Err(reason) = &checked {
            eprintln!("{} {name}: left out: {reason}", workload.name());
        }
        engines.push((*name, checked));
    }
    for _ in 0..ROUNDS {
        for (_, engine) in &mut engines {
            let Ok(engine) = engine else {
                continue;
            };
            let [kept, marshalled] = engine.used;
            let peer = &mut engine.peer;
            engine.times[0].push(timed(kept, || peer.kept(0..kept, None)));
            engine.times[1].push(timed(marshalled, || peer.host(&host[..marshalled], None)));
        }
    }
    let cell = |(engine, checked): (&'static str, Result<Checked, String>)| Cell {
        engine,
        family: workload.family,
        workload: workload.name(),
        rules: workload.rules.len(),
        times: checked.map(|c| c.times.map(median)),
    };
    engines.into_iter().map(cell).collect()
}

/// Nanoseconds of each of so many decisions, made again and again; once before, so that the caches hold what they can of this
/// engine and not of the one before.
fn timed(decisions: usize, mut pass: impl FnMut()) -> f64 {
    pass();
    let (began, mut passes) = (now(), 0.0);
    loop {
        pass();
        passes += 1.0;
        let spent = now() - began;
        if spent > LEAST {
            return spent / passes / decisions as f64;
        }
    }
}

/// Decides every request both ways and compares; a wrong answer ends the program. An engine too slow to be checked is left out.
fn check(
    mut peer: Box<dyn Peer>,
    expected: &[Vec<u32>],
    host: &'static [Http],
    budget: f64,
) -> Result<Checked, String> {
    let began = now();
    let probed = PROBED.min(host.len());
    peer.kept(0..probed, None);
    let each = (now() - began) / probed as f64;
    let whole = each * host.len() as f64;
    if whole > budget {
        return Err(format!(
            "{} a decision; comparing {} would take {}, and {} are allowed",
            shown(each),
            host.len(),
            shown(whole),
            shown(budget)
        ));
    }
    let mut used = [0; 2];
    for (way, used) in used.iter_mut().enumerate() {
        let mut answers = Vec::with_capacity(host.len());
        let began = now();
        match way {
            0 => peer.kept(0..host.len(), Some(&mut answers)),
            _ => peer.host(host, Some(&mut answers)),
        }
        let each = (now() - began) / host.len() as f64;
        assert_eq!(answers.len(), expected.len(), "an answer to each request");
        let wrong = answers.iter().zip(expected).position(|(a, e)| a != e);
        if let Some(at) = wrong {
            return Err(format!(
                "WRONG: request {at} is answered {:?}, not {:?}",
                answers[at], expected[at]
            ));
        }
        *used = ((ROUND / each) as usize).clamp(FEWEST.min(host.len()), host.len());
    }
    let times = [Vec::new(), Vec::new()];
    Ok(Checked { peer, used, times })
}
