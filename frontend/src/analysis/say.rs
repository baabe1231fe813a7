//! Findings in words.

use tollgate_ir::predicates::Names;
use tollgate_ir::predicates::solve::{Finding, Question, Witness};
use tollgate_runtime::index::Formula;

use super::{Asked, Scope};
use crate::diagnostics::catalog::{limits, rules};
use crate::diagnostics::{Diagnostic, Replay};
use crate::hir::{Expr, ExprKind, Form, GroupId, Pattern, Policy, Rule, RuleSet};

/// What is said about a finding; `None` where nothing is.
pub(super) fn finding(
    set: &RuleSet,
    names: &Names<'_>,
    finding: &Finding,
    asked: &Asked<'_>,
) -> Option<Diagnostic> {
    let rule = |n: u32| &set.rules[n as usize];
    let first = matches!(set.policy, Policy::First);
    Some(match finding {
        // A comparison that is decided was pointed at.
        Finding::Contradiction { rule: n, .. } if is_said(set, rule(*n), asked) => return None,
        Finding::Contradiction { rule: n, conflict } => {
            let of = rule(*n);
            let what = format!("the condition of `{}`", of.name);
            let found = rules::contradictory_condition(what).at(of.span, "can never match");
            contradiction(found, names, conflict)
        }
        Finding::GroupContradiction { group, .. }
            if group_is_said(set, GroupId(group.0), asked) =>
        {
            return None;
        }
        Finding::GroupContradiction { group, conflict } => {
            let what = "the condition of this group";
            let found = rules::contradictory_condition(what);
            let at = set.groups[GroupId(group.0)].span;
            let found = found.at(at, "none of its rules can ever match");
            contradiction(found, names, conflict)
        }
        Finding::Always { rule: n } if is_said(set, rule(*n), asked) => return None,
        Finding::Always { rule: n } => {
            // The last rule of all may well take the rest.
            let next = set.rules.get(*n as usize + 1).filter(|_| first)?;
            let of = rule(*n);
            rules::always_true(&of.name)
                .at(of.span, "its condition holds for every input")
                .at(next.span, "this one is never reached")
                .help("leave the condition out and move the rule to the end, or ask for less")
        }
        Finding::Shadowed {
            rule: n,
            by,
            same,
            witness,
            decides,
        } => {
            // The checker has pointed at what stands behind a rule without a condition.
            if let [upper] = &**by
                && always_decides(set, rule(*upper), rule(*n))
            {
                return None;
            }
            shadowed(set, *n, by, *same, witness, *decides)
        }
        Finding::GroupShadowed {
            group,
            by,
            rule,
            witness,
            decides,
        } => group_shadowed(set, GroupId(group.0), by, *rule, witness, *decides),
        Finding::Overlap {
            first,
            second,
            witness,
            outcomes,
        } => {
            let (a, b) = (rule(*first), rule(*second));
            let found = match outcomes {
                None => rules::overlapping_rules(&a.name, &b.name),
                Some(_) => rules::rules_disagree(&a.name, &b.name),
            };
            let found = found
                .at(b.span, "matches it together with the other one")
                .at(a.span, "the other one")
                .note(shown(witness))
                .witness(replay(set, witness, &[*first, *second], None));
            found.help("let both ask one place for different values, or write `hit first`, where the upper one decides")
        }
        Finding::Gap { witness } => {
            let what = noun(set);
            rules::missing_otherwise(&set.name)
                .at(set.span, format!("no {what} matches some inputs"))
                .at(
                    set.written.result,
                    "yet every decision needs a value of this type",
                )
                .note(shown(witness))
                .witness(replay(set, witness, &[], None))
                .help("add `otherwise` and a value behind the last one")
        }
        Finding::Covered => {
            let otherwise = set.written.otherwise?;
            // Where a rule has no condition, the checker has said so.
            if set
                .rules
                .iter()
                .any(|r| r.group.is_none() && r.spine.is_empty())
            {
                return None;
            }
            rules::needless_otherwise()
                .at(otherwise, "never used: the rules above cover every input")
                .fix("leave it out", otherwise, "")
        }
        Finding::Unknown(question) => return unknown(set, *question, asked.scope),
    })
}

/// Whether a part of a rule's condition was said to be decided: never to hold, or always.
fn is_said(set: &RuleSet, rule: &Rule, asked: &Asked<'_>) -> bool {
    part_is_said(set, rule.spine.iter().collect(), rule.group, asked)
}

fn group_is_said(set: &RuleSet, group: GroupId, asked: &Asked<'_>) -> bool {
    part_is_said(set, Vec::new(), Some(group), asked)
}

fn part_is_said<'s>(
    set: &'s RuleSet,
    mut parts: Vec<&'s Expr>,
    mut group: Option<GroupId>,
    asked: &Asked<'_>,
) -> bool {
    while let Some(id) = group {
        parts.extend(&set.groups[id].spine);
        group = set.groups[id].parent;
    }
    let said = asked.said.iter().filter(|d| {
        matches!(
            d.slug,
            "decided-comparison" | "pattern-never-matches" | "empty-range"
        )
    });
    said.filter_map(Diagnostic::span).any(|span| {
        parts.iter().any(|e| {
            e.span.file == span.file && e.span.start <= span.start && span.end <= e.span.end
        })
    })
}

/// Whether a rule has no condition, and stands where it decides whatever comes to another one.
fn always_decides(set: &RuleSet, upper: &Rule, lower: &Rule) -> bool {
    let takes_all = |e: &Expr| matches!(&e.kind, ExprKind::Is(_, Pattern::Bind(_)));
    let mut around = lower.group;
    while around != upper.group {
        match around {
            Some(id) => around = set.groups[id].parent,
            None => return false,
        }
    }
    upper.spine.iter().all(takes_all)
}

/// What is said where there is nothing to decide by, though something must be decided.
pub(super) fn nothing(set: &RuleSet) -> Diagnostic {
    let what = noun(set);
    rules::missing_otherwise(&set.name)
        .at(set.span, format!("there is no {what}"))
        .at(
            set.written.result,
            "yet every decision needs a value of this type",
        )
        .help("add `otherwise` and a value")
}

fn noun(set: &RuleSet) -> &'static str {
    match set.form {
        Form::Table => "row",
        Form::RuleSet | Form::Guard => "rule",
    }
}

fn contradiction(found: Diagnostic, names: &Names<'_>, conflict: &[Formula]) -> Diagnostic {
    let parts: Vec<String> = conflict
        .iter()
        .map(|part| names.formula(part).to_string())
        .collect();
    match &*parts {
        [_, _, ..] => found.note(format!("no input satisfies all of: {}", parts.join("; "))),
        _ => found,
    }
}

fn shadowed(
    set: &RuleSet,
    n: u32,
    by: &[u32],
    same: bool,
    witness: &Witness,
    decides: u32,
) -> Diagnostic {
    let rule = |n: u32| &set.rules[n as usize];
    let lower = rule(n);
    let replay = replay(set, witness, &[n, decides], Some(decides));
    let decides = format!("{}, which `{}` decides", shown(witness), rule(decides).name);
    if let ([upper], true) = (by, same) {
        let upper = rule(*upper);
        return rules::same_condition(&lower.name, &upper.name)
            .at(lower.span, "can never run")
            .at(upper.span, "asks the same, and stands above it")
            .note(decides)
            .witness(replay)
            .help("leave one of them out");
    }
    let found = rules::unreachable_rule(format!(
        "`{}` can never run: {} every input it could take",
        lower.name,
        takers(set, by)
    ))
    .at(lower.span, "never reached");
    let found = point_at(found, set, by).note(decides).witness(replay);
    match by.first() {
        Some(above) => found.help(format!(
            "move `{}` above `{}`",
            lower.name,
            rule(*above).name
        )),
        None => found,
    }
}

fn group_shadowed(
    set: &RuleSet,
    group: GroupId,
    by: &[u32],
    n: u32,
    witness: &Witness,
    decides: u32,
) -> Diagnostic {
    let rule = |n: u32| &set.rules[n as usize];
    let found = rules::unreachable_rule(format!(
        "no rule of this group can ever run: {} every input that the group could take",
        takers(set, by)
    ))
    .at(set.groups[group].span, "never reached");
    let found = point_at(found, set, by)
        .note(format!(
            "{}, which `{}` would take and `{}` decides",
            shown(witness),
            rule(n).name,
            rule(decides).name
        ))
        .witness(replay(set, witness, &[n, decides], Some(decides)));
    match by.first() {
        Some(above) => found.help(format!("move the group above `{}`", rule(*above).name)),
        None => found,
    }
}

/// `` `a` and `b` above together take ``
fn takers(set: &RuleSet, by: &[u32]) -> String {
    let name = |n: &u32| format!("`{}`", set.rules[*n as usize].name);
    let names: Vec<String> = by.iter().map(name).collect();
    match &*names {
        [one] => format!("{one} above takes"),
        [some @ .., last] if names.len() <= 4 => {
            format!("{} and {last} above together take", some.join(", "))
        }
        _ => format!("{} rules above together take", names.len()),
    }
}

fn point_at(found: Diagnostic, set: &RuleSet, by: &[u32]) -> Diagnostic {
    by.iter().take(4).fold(found, |found, upper| {
        found.at(set.rules[*upper as usize].span, "takes what it asks for")
    })
}

/// The witness for a machine: what a host would give, and what then happens.
fn replay(set: &RuleSet, witness: &Witness, matches: &[u32], by: Option<u32>) -> Replay {
    let name = |n: u32| set.rules[n as usize].name.to_string();
    let facts = &witness.facts;
    let mut matches: Vec<u32> = matches.to_vec();
    matches.sort_unstable();
    Replay {
        entry: set.name.to_string(),
        input: facts.input.clone(),
        data: facts.data.clone(),
        id: facts.id.clone(),
        time: facts.time,
        matches: matches.into_iter().map(name).collect(),
        by: by.map(name),
    }
}

/// What could not be found out: an error where a proof is needed, and else only told to who asks.
fn unknown(set: &RuleSet, question: Question, scope: Scope) -> Option<Diagnostic> {
    let rule = |n: u32| &set.rules[n as usize];
    let agree = matches!(set.policy, Policy::Any);
    Some(match question {
        Question::Pair(a, b) => {
            let (a, b) = (rule(a), rule(b));
            let found = match agree {
                false => rules::unproved_overlap(&a.name, &b.name),
                true => rules::unproved_agreement(&a.name, &b.name),
            };
            found
                .at(b.span, "may match together with the other one")
                .at(a.span, "the other one")
                .help("let both ask one place for different values, or write `hit first`, where the upper one decides")
        }
        Question::Pairs => limits::too_many_pairs(&set.name, set.rules.len())
            .at(set.written.policy, "needs every two rules to be compared")
            .note("rules are told apart quickly when most of them ask one place for a certain value, `==` or `in`")
            .help("give the rules a common place that tells them apart, or write `hit first`"),
        Question::Gap if set.otherwise.is_none() => rules::unproved_coverage(&set.name)
            .at(set.span, format!("perhaps some inputs match no {}", noun(set)))
            .at(
                set.written.result,
                "yet every decision needs a value of this type",
            )
            .help("add `otherwise` and a value behind the last one"),
        Question::Gap if scope == Scope::Verbose => rules::not_known(
            "whether `otherwise` is ever used",
        )
        .at(set.written.otherwise.unwrap_or(set.span), "perhaps never used"),
        Question::Rule(n) if scope == Scope::Verbose => {
            let of = rule(n);
            rules::not_known(format!("whether `{}` ever decides", of.name))
                .at(of.span, "perhaps never reached")
        }
        Question::Gap | Question::Rule(_) => return None,
    })
}

/// `witness: {"method": "GET"}`
fn shown(witness: &Witness) -> String {
    let mut text = match &*witness.input {
        "" if witness.beside.is_empty() => "witness: every input".to_owned(),
        "" => "witness: any input".to_owned(),
        input => format!("witness: {input}"),
    };
    for (name, json) in &witness.beside {
        text.push_str(&format!(" with {name} = {json}"));
    }
    text
}
