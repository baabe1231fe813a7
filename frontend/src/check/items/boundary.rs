//! `boundary`: how the canonical types inside a record are made.

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, ExprKind, ItemKind, Literal, Setting, SettingValue};
use tollgate_grammar::source::Span;
use tollgate_runtime::schema::{Boundary, DotSegments};

use super::types::VALUES_BOUND;
use crate::check::names::did_you_mean;
use crate::check::suggest::closest;
use crate::check::{Checker, Def, ModuleId};
use crate::diagnostics::catalog::{items, names};
use crate::hir::RecordId;

/// What a setting takes.
#[derive(Clone, Copy)]
enum Takes {
    /// One of these words.
    Word(&'static [&'static str], fn(&mut Boundary, usize)),
    /// `true` or `false`.
    Bool(fn(&mut Boundary, bool)),
    /// A whole number between the first and the second.
    Number(i64, i64, fn(&mut Boundary, i64)),
}

/// Every setting: its section, its name and what it takes. A word list of one says that there is no choice, which an
/// author may still want to see written.
const SETTINGS: &[(&str, &str, Takes)] = &[
    ("path", "decode", Takes::Word(&["once"], |_, _| {})),
    (
        "path",
        "dot_segments",
        Takes::Word(&["reject", "resolve"], |b, word| {
            b.path.dot_segments = [DotSegments::Reject, DotSegments::Resolve][word];
        }),
    ),
    ("path", "encoded_slash", Takes::Word(&["reject"], |_, _| {})),
    (
        "path",
        "merge_slashes",
        Takes::Bool(|b, yes| b.path.merge_slashes = yes),
    ),
    (
        "path",
        "case",
        Takes::Word(&["keep", "lower"], |b, word| b.path.lower_case = word == 1),
    ),
    ("host", "case", Takes::Word(&["lower"], |_, _| {})),
    ("host", "idna", Takes::Bool(|b, yes| b.host.idna = yes)),
    ("host", "port", Takes::Word(&["strip"], |_, _| {})),
    (
        "client",
        "trusted_proxies",
        Takes::Number(0, 64, |b, n| b.trusted_proxies = n as u32),
    ),
    (
        "header",
        "max_values",
        Takes::Number(1, VALUES_BOUND as i64, |b, n| b.header_values = n as u32),
    ),
    (
        "header",
        "max_bytes",
        Takes::Number(1, 64 << 10, |b, n| b.header_bytes = n as u32),
    ),
    (
        "body",
        "max_bytes",
        Takes::Number(0, 1 << 30, |b, n| b.body_bytes = n as u64),
    ),
];

/// Applies the `boundary` items of a module to their records.
pub(super) fn apply(checker: &mut Checker<'_>, module: ModuleId, file: &ast::File) {
    let mut seen: FxHashMap<RecordId, Span> = FxHashMap::default();
    for item in &file.items {
        let ItemKind::Boundary(boundary) = &item.kind else {
            continue;
        };
        let Some(record) = record(checker, module, boundary) else {
            continue;
        };
        if let Some(first) = seen.insert(record, boundary.name.span) {
            let found = items::duplicate_boundary(&boundary.name)
                .at(boundary.name.span, "a second one")
                .at(first, "the first");
            checker.sink.emit(found);
            continue;
        }
        let mut contract = checker.program.records[record].boundary.clone();
        sections(checker, &boundary.settings, &mut contract);
        checker.program.records[record].boundary = contract;
    }
}

fn record(
    checker: &mut Checker<'_>,
    module: ModuleId,
    boundary: &ast::Boundary,
) -> Option<RecordId> {
    let name = &boundary.name;
    match checker.lookup(module, &name.text).map(|e| e.def.clone()) {
        Some(Def::Record(id)) => Some(id),
        Some(Def::Error) => None,
        Some(other) => {
            let found =
                items::boundary_needs_record(name, other.noun()).at(name.span, "not a record");
            checker.sink.emit(found);
            None
        }
        None => {
            let meant = checker.suggest(module, &name.text, |d| matches!(d, Def::Record(_)));
            let found = names::unknown_type(name).at(name.span, "no record of this name");
            checker
                .sink
                .emit(did_you_mean(found, name.span, meant.as_deref()));
            None
        }
    }
}

fn sections(checker: &mut Checker<'_>, settings: &[Setting], contract: &mut Boundary) {
    let known = SETTINGS.iter().map(|(section, ..)| *section);
    report_repeated(checker, settings);
    for setting in settings {
        let section = &*setting.name.text;
        if !known.clone().any(|k| k == section) {
            unknown(checker, setting, "boundary", known.clone());
            continue;
        }
        match &setting.value {
            SettingValue::Nested(inner) => {
                report_repeated(checker, inner);
                for setting in inner {
                    one(checker, section, setting, contract);
                }
            }
            SettingValue::Expr(e) => {
                let found = items::wrong_setting(section, "settings in braces")
                    .at(e.span, "not settings in braces");
                checker.sink.emit(found);
            }
        }
    }
}

fn one(checker: &mut Checker<'_>, section: &str, setting: &Setting, contract: &mut Boundary) {
    let name = &*setting.name.text;
    let of_section = SETTINGS.iter().filter(|(s, ..)| *s == section);
    let Some((.., takes)) = of_section.clone().find(|(_, n, _)| *n == name) else {
        unknown(checker, setting, section, of_section.map(|(_, n, _)| *n));
        return;
    };
    let kind = match &setting.value {
        SettingValue::Expr(e) => Some(&e.kind),
        SettingValue::Nested(_) => None,
    };
    let done = match (*takes, kind) {
        (_, Some(ExprKind::Error)) => true,
        (Takes::Word(words, set), Some(ExprKind::Name(word))) => {
            let index = words.iter().position(|w| word == w);
            index.map(|index| set(contract, index)).is_some()
        }
        (Takes::Bool(set), Some(ExprKind::Literal(Literal::Bool(yes)))) => {
            set(contract, *yes);
            true
        }
        (
            Takes::Number(least, most, set),
            Some(ExprKind::Literal(Literal::Int(n) | Literal::Size(n))),
        ) => {
            let fits = (least..=most).contains(n);
            if fits {
                set(contract, *n);
            }
            fits
        }
        _ => false,
    };
    if done {
        return;
    }
    let expected = match *takes {
        Takes::Word(words, _) => words
            .iter()
            .map(|w| format!("`{w}`"))
            .collect::<Vec<_>>()
            .join(" or "),
        Takes::Bool(_) => "`true` or `false`".into(),
        Takes::Number(least, most, _) => format!("a number from {least} to {most}"),
    };
    let place = match &setting.value {
        SettingValue::Expr(e) => e.span,
        SettingValue::Nested(_) => setting.span,
    };
    let mut found = items::wrong_setting(name, &expected).at(place, format!("expected {expected}"));
    if let (Takes::Word([only], _), SettingValue::Expr(_)) = (*takes, &setting.value) {
        found = found
            .note("the language allows nothing else, because another choice would make two spellings of one value")
            .suggest("the only choice", place, *only);
    }
    checker.sink.emit(found);
}

fn unknown<'n>(
    checker: &mut Checker<'_>,
    setting: &Setting,
    of: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) {
    let name = &setting.name;
    let mut all: Vec<&str> = known.clone().collect();
    all.dedup();
    let found = items::unknown_setting(name, of)
        .at(name.span, "no such setting")
        .note(format!("there are: {}", all.join(", ")));
    let meant = closest(&name.text, known);
    checker.sink.emit(did_you_mean(found, name.span, meant));
}

/// Reports settings that stand twice.
pub(super) fn report_repeated(checker: &mut Checker<'_>, settings: &[Setting]) {
    let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
    for setting in settings {
        if let Some(first) = seen.insert(&setting.name.text, setting.name.span) {
            let found = items::duplicate_setting(&setting.name)
                .at(setting.name.span, "a second one of this name")
                .at(first, "the first");
            checker.sink.emit(found);
        }
    }
}
