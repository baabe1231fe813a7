//! The pictures of the book's page on performance, drawn from the tables of a record: `cargo xtask charts`. A test draws them again.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

#[path = "../../benches/chart.rs"]
mod chart;

use chart::Curve;

/// The record that the page speaks of.
const RECORD: &str = "benches/record/2026-11-28-last-peers-2-cores.md";
/// What stands above the table that is drawn.
const TABLE: &str = "the request in the engine's own form:";
/// Pictures: file, title, and what names of columns begin with.
const PICTURES: [(&str, &str, &str); 2] = [
    (
        "docs/book/peers-gateway.svg",
        "Gateway rules: time of a decision",
        "gateway-",
    ),
    (
        "docs/book/peers-campaign.svg",
        "Campaign rules: time of a decision",
        "campaign-even-",
    ),
];

/// Draws the pictures.
pub(crate) fn run() -> ExitCode {
    let root = root();
    for (file, picture) in pictures(&root) {
        fs::write(root.join(file), picture).expect("the book can be written");
        println!("{file}");
    }
    ExitCode::SUCCESS
}

/// The files and what stands in them.
fn pictures(root: &Path) -> Vec<(&'static str, String)> {
    let record = fs::read_to_string(root.join(RECORD)).expect("the record is there");
    let table = record.split(TABLE).nth(1).expect("the table is there");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let [names, _, engines @ ..] = &rows[..] else {
        panic!("{RECORD} has a table of engines");
    };
    let picture = |title: &str, columns: &str| {
        let curve = |row: &Vec<&str>| {
            let cells = names.iter().zip(row);
            let points = cells.filter_map(|(name, cell)| {
                Some((name.strip_prefix(columns)?.parse().ok()?, number(cell)?))
            });
            Curve {
                name: row[0].to_owned(),
                points: points.collect(),
                strong: row[0] == "tollgate",
            }
        };
        chart::log_log(title, &engines.iter().map(curve).collect::<Vec<_>>())
    };
    let drawn = |(file, title, columns)| (file, picture(title, columns));
    PICTURES.map(drawn).into()
}

/// `105`, `42k`, `1.3M`; none for a cell that was left out.
fn number(cell: &str) -> Option<f64> {
    let (digits, times) = match cell.strip_suffix('k') {
        Some(digits) => (digits, 1e3),
        None => (
            cell.trim_end_matches('M'),
            if cell.ends_with('M') { 1e6 } else { 1.0 },
        ),
    };
    Some(digits.parse::<f64>().ok()? * times)
}

fn root() -> std::path::PathBuf {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    Path::new(&manifest)
        .parent()
        .expect("xtask has a parent")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_are_those_of_the_record() {
        for (file, picture) in pictures(&root()) {
            let there = fs::read_to_string(root().join(file)).unwrap_or_default();
            assert!(there == picture, "draw {file} again: cargo xtask charts");
        }
    }

    #[test]
    fn numbers_are_read_as_records_write_them() {
        let read = ["105", "42k", "1.3M", "–"].map(number);
        assert_eq!(read, [Some(105.0), Some(42e3), Some(1.3e6), None]);
    }
}
