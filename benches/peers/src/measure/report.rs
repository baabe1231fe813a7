//! Tables, JSON and curves.

use std::fs;

use super::load::Load;
use super::{Cell, Wanted};
use crate::chart::{Curve, log_log};
use crate::engines::ENGINES;

/// What a table shows of a cell.
type Shown = fn(&[f64; 2], Option<&[f64; 2]>) -> String;

const TABLES: &[(&str, Shown)] = &[
    (
        "ns a decision, the request in the engine's own form",
        |t, _| number(t[0]),
    ),
    (
        "ns a decision, marshalling from the host's request counted",
        |t, _| number(t[1]),
    ),
    (
        "times Tollgate, the request in the engine's own form",
        |t, tollgate| ratio(t, tollgate, 0),
    ),
    ("times Tollgate, marshalling counted", |t, tollgate| {
        ratio(t, tollgate, 1)
    }),
];

pub fn print(wanted: &Wanted, cells: &[Cell], loads: &[Load]) {
    if wanted.json {
        let rows = cells.iter().map(json).chain(loads.iter().map(load_json));
        println!("[{}]", rows.collect::<Vec<_>>().join(",\n "));
    } else {
        for (title, shown) in TABLES {
            table(title, *shown, cells);
        }
        load_table(loads);
    }
    if let Some(folder) = &wanted.svg {
        draw(folder, cells);
    }
}

fn number(ns: f64) -> String {
    match ns {
        ns if ns < 100.0 => format!("{ns:.1}"),
        ns if ns < 1e4 => format!("{ns:.0}"),
        ns if ns < 1e6 => format!("{:.0}k", ns / 1e3),
        ns => format!("{:.1}M", ns / 1e6),
    }
}

fn ratio(times: &[f64; 2], tollgate: Option<&[f64; 2]>, way: usize) -> String {
    tollgate.map_or("–".into(), |t| match times[way] / t[way] {
        r if r < 9.95 => format!("{r:.2}"),
        r => format!("{r:.0}"),
    })
}

fn table(title: &str, shown: Shown, cells: &[Cell]) {
    let mut workloads: Vec<&str> = cells.iter().map(|c| &*c.workload).collect();
    workloads.dedup();
    println!("{title}\n");
    println!("| engine | {} |", workloads.join(" | "));
    println!("|---|{}", "--:|".repeat(workloads.len()));
    let find = |engine: &str, workload: &str| {
        let cell = cells
            .iter()
            .find(|c| c.engine == engine && c.workload == workload);
        cell.and_then(|c| c.times.as_ref().ok())
    };
    for (engine, _) in ENGINES {
        let row: Vec<String> = workloads
            .iter()
            .map(|w| find(engine, w).map_or("–".into(), |t| shown(t, find("tollgate", w))))
            .collect();
        if row.iter().any(|cell| cell != "–") {
            println!("| {engine} | {} |", row.join(" | "));
        }
    }
    println!();
}

fn load_table(loads: &[Load]) {
    println!("taking 10,000 rules in, from text; memory that stays\n");
    println!("| engine | rules | ms | MiB |\n|---|---|--:|--:|");
    for load in loads {
        if let Some((ms, bytes)) = load.cost {
            println!(
                "| {} | {} | {ms:.0} | {:.1} |",
                load.engine,
                load.family,
                bytes as f64 / 1048576.0
            );
        }
    }
    println!();
}

fn json(cell: &Cell) -> String {
    let Cell {
        engine,
        workload,
        rules,
        ..
    } = cell;
    let head = format!("\"engine\":\"{engine}\",\"workload\":\"{workload}\",\"rules\":{rules}");
    match &cell.times {
        Ok([own, host]) => {
            format!("{{{head},\"ns_per_decision\":{own:.1},\"ns_with_marshalling\":{host:.1}}}")
        }
        Err(reason) => format!(
            "{{{head},\"left_out\":\"{}\"}}",
            reason
                .replace('\\', "\\\\")
                .replace('"', "'")
                .replace('\n', " ")
        ),
    }
}

fn load_json(load: &Load) -> String {
    let Load {
        engine,
        family,
        cost,
    } = load;
    let cost = cost.map(|(ms, bytes)| format!(",\"load_ms\":{ms:.1},\"bytes\":{bytes}"));
    format!(
        "{{\"engine\":\"{engine}\",\"rules_of\":\"{family}-10000\"{}}}",
        cost.unwrap_or_default()
    )
}

/// One picture a family of several sizes: a curve for each engine.
fn draw(folder: &str, cells: &[Cell]) {
    fs::create_dir_all(folder).expect("the folder can be made");
    for family in ["gateway", "campaign", "campaign-even", "adversarial"] {
        let mut curves = Vec::new();
        for (engine, _) in ENGINES {
            let of = cells
                .iter()
                .filter(|c| c.engine == *engine && c.family == family);
            let points = of.filter_map(|c| Some((c.rules as f64, c.times.as_ref().ok()?[0])));
            curves.push(Curve {
                name: (*engine).into(),
                points: points.collect(),
                strong: *engine == "tollgate",
            });
        }
        if curves.iter().any(|c| c.points.len() > 1) {
            let path = format!("{folder}/peers-{family}.svg");
            let picture = log_log(&format!("{family}: time of a decision, by engine"), &curves);
            fs::write(&path, picture).expect("the file can be written");
            eprintln!("{path}");
        }
    }
}
