//! Coverage as a tracefile of `lcov`, which editors and services read: <https://manpages.debian.org/testing/lcov/geninfo.1.en.html>,
//! section "Tracefile format".
//!
//! A rule is a function, called as often as it matched; an answer of a condition is a branch, a condition's branches are a block; a line
//! is executed as often as what begins on it was come to.

use std::fmt::Write;

use super::source::lines;
use super::{Coverage, Covered, FileCovered, RuleCovered};

/// All files.
pub(super) fn tracefile(of: &Coverage) -> String {
    let mut out = String::new();
    for file in &of.files {
        // Writing to a string cannot fail.
        let _ = write_file(file, &mut out);
    }
    out
}

fn write_file(file: &FileCovered, out: &mut String) -> std::fmt::Result {
    writeln!(out, "TN:\nSF:{}", file.name)?;
    let rules = || file.rules.iter().filter(|r| r.kind != Covered::Group);
    for rule in rules() {
        writeln!(out, "FN:{},{}", rule.place.line, name(rule))?;
    }
    for rule in rules() {
        writeln!(out, "FNDA:{},{}", rule.matched, name(rule))?;
    }
    let (matched, all) = file.rules_matched();
    writeln!(out, "FNF:{all}\nFNH:{matched}")?;
    let conditions = file.rules.iter().flat_map(|rule| &rule.conditions);
    for (block, condition) in conditions.enumerate() {
        for (branch, (_, count)) in condition.answers().enumerate() {
            let line = condition.place.line;
            match condition.reached() {
                0 => writeln!(out, "BRDA:{line},{block},{branch},-")?,
                _ => writeln!(out, "BRDA:{line},{block},{branch},{count}")?,
            }
        }
    }
    let (seen, all) = file.answers_seen();
    writeln!(out, "BRF:{all}\nBRH:{seen}")?;
    let (mut found, mut hit) = (0, 0);
    for line in lines(file) {
        if let Some(reached) = line.reached {
            writeln!(out, "DA:{},{reached}", line.number)?;
            found += 1;
            hit += u32::from(reached > 0);
        }
    }
    writeln!(out, "LF:{found}\nLH:{hit}\nend_of_record")
}

/// Rules are named by their rule set: two sets of a file may each have one of a name.
fn name(rule: &RuleCovered) -> String {
    format!("{}.{}", rule.ruleset, rule.name)
}
