//! Expressions against a small hand-made program: the type they get, or the slugs of what is said about them.

mod shapes;
mod values;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, ItemKind};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_runtime::native::{Example, NativeClass, NativeParam, NativeType};
use tollgate_runtime::pattern::Regex;
use tollgate_runtime::schema::Currency;
use tollgate_runtime::{Cx, Native, Value, Word};

use super::super::{Body, Checker, Constant, Def, Entry, Module, ModuleId, Place, Signature};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{self, Enum, Expr, Field, Program, Record, Refinement, Variant};
use crate::library::Library;
use crate::types::ty::{Interval, Ty, Unit};

fn none<'a>(_: &Cx<'a>, _: &[Word<'a>]) -> Word<'a> {
    Word::None
}

macro_rules! natives {
    ($($name:ident($($param:ident: $ty:expr),*) -> $result:expr;)*) => {
        &[$(&Native {
            module: "std.test",
            name: stringify!($name),
            doc: "",
            params: &[$(NativeParam { name: stringify!($param), ty: $ty }),*],
            result: $result,
            cost: 1,
            class: NativeClass::Opaque,
            examples: &[] as &[Example],
            call: none,
            context: false,
        }),*]
    };
}

const TEXT: NativeType = NativeType::Str { max: 1 << 20 };
const INT: NativeType = NativeType::Int {
    lo: i64::MIN,
    hi: i64::MAX,
};

static NATIVES: &[&Native] = natives! {
    text_len(s: TEXT) -> INT;
    text_contains(s: TEXT, part: TEXT) -> NativeType::Bool;
    concat2(a: TEXT, b: TEXT) -> TEXT;
    truncate(s: TEXT, bytes: INT) -> TEXT;
    hash_text(s: TEXT) -> NativeType::Int { lo: 0, hi: 0xffff_ffff };
    key_join(parts: NativeType::List(&TEXT, 16)) -> NativeType::Key;
    text_of_int(n: INT) -> NativeType::Str { max: 20 };
    jitter_at(lo: NativeType::Duration, hi: NativeType::Duration, place: INT) -> NativeType::Duration;
    lower(s: TEXT) -> TEXT;
    hour_of(at: NativeType::Instant, zone: NativeType::Zone) -> NativeType::Int { lo: 0, hi: 23 };
};

const SGD: Unit = Unit::Money(Currency(*b"SGD"));

fn fields(all: Vec<(&str, Ty, Option<Value>)>) -> Vec<Field> {
    let field = |(name, ty, default): (&str, Ty, Option<Value>)| Field {
        name: name.into(),
        span: Span::default(),
        ty,
        default,
    };
    all.into_iter().map(field).collect()
}

fn variants(all: Vec<(&str, Vec<Field>)>) -> Vec<Variant> {
    let variant = |(name, fields): (&str, Vec<Field>)| Variant {
        name: name.into(),
        span: Span::default(),
        fields,
    };
    all.into_iter().map(variant).collect()
}

/// `r: Req`, `x: Int in 0 .. 100`, `y: Int`, `o: Outcome`, `s: String`, `f: Float`, `b: Bool` are in scope.
fn with_body<R>(
    source: &str,
    place: Place,
    run: impl FnOnce(&mut Body<'_, '_>, &ast::Expr) -> R,
) -> (R, Vec<Diagnostic>, String) {
    let mut sources = SourceMap::new();
    let text = format!("edition 2026\nmodule t\nfn t() -> Int = {source}\n");
    let file = sources.add("t.rules", text.clone());
    let parsed = tollgate_grammar::parse(file, &text);
    assert!(parsed.errors.is_empty(), "{source}: {:?}", parsed.errors);
    let tree = Arc::new(parsed.ast);
    let Some(ItemKind::Function(function)) = tree.items.first().map(|i| &i.kind) else {
        panic!("{source} is no expression");
    };
    let library = Library {
        modules: &[],
        natives: NATIVES,
    };
    let mut program = Program::default();
    let tier = Ty::Enum(program.enums.push(Enum {
        name: "Tier".into(),
        module: "t".into(),
        span: Span::default(),
        tag: None,
        variants: variants(vec![
            ("Gold", vec![]),
            ("Silver", vec![]),
            ("Bronze", vec![]),
        ]),
    }));
    let status = || Ty::int_in(400, 599);
    let second = Some(Value::Int(1_000_000));
    let outcome = Ty::Enum(program.enums.push(Enum {
        name: "Outcome".into(),
        module: "t".into(),
        span: Span::default(),
        tag: None,
        variants: variants(vec![
            ("admit", vec![]),
            (
                "reject",
                fields(vec![
                    ("status", status(), None),
                    ("wait", Ty::full(Unit::Duration), second),
                ]),
            ),
            ("note", fields(vec![("text", Ty::string(), None)])),
        ]),
    }));
    let cart = Ty::Str {
        max: 14,
        refined: Some(program.refinements.push(Refinement {
            name: "CartId".into(),
            span: Span::default(),
            max: 14,
            regex: Arc::new(Regex::parse("c_[0-9a-z]{12}").unwrap()),
        })),
    };
    let record = |program: &mut Program, name: &str, fields| {
        program.records.push(Record {
            name: name.into(),
            module: "lib".into(),
            span: Span::default(),
            fields,
            boundary: Default::default(),
        })
    };
    let token = record(
        &mut program,
        "Token",
        fields(vec![
            ("issued_at", Ty::opt(Ty::full(Unit::Instant)), None),
            ("level", Ty::int_in(0, 9), None),
        ]),
    );
    let req = record(
        &mut program,
        "Req",
        fields(vec![
            ("time", Ty::full(Unit::Instant), None),
            ("path", Ty::Path, None),
            ("host", Ty::Host, None),
            ("method", tier.clone(), None),
            ("cpu", Ty::full(Unit::Percent), None),
            ("fare", Ty::full(SGD), None),
            ("token", Ty::opt(Ty::Record(token)), None),
            ("roles", Ty::Values { max: 64 }, None),
            ("tags", Ty::List(Arc::new(Ty::string()), 8), None),
            ("ip", Ty::Ip, None),
            ("cart", cart.clone(), None),
            ("maybe", Ty::opt(Ty::int()), None),
            (
                "counts",
                Ty::Map(Arc::new(Ty::string()), Arc::new(Ty::int()), 10),
                None,
            ),
            ("wait", Ty::full(Unit::Duration), None),
        ]),
    );
    let mut scope = FxHashMap::default();
    let mut put = |name: &str, def| {
        scope.insert(
            ast::Symbol::from(name),
            Entry::new(def, Some(Span::default())),
        );
    };
    let (Ty::Enum(tier_id), Ty::Enum(outcome_id)) = (&tier, &outcome) else {
        unreachable!()
    };
    put("Tier", Def::Enum(*tier_id));
    put("Outcome", Def::Enum(*outcome_id));
    put("Token", Def::Record(token));
    put("CartId", Def::Refinement(hir::RefinementId(0)));
    put(
        "limit",
        Def::Const(Arc::new(Constant {
            ty: Ty::int_in(7, 7),
            value: Value::Int(7),
        })),
    );
    put("double", Def::Fn(hir::FnId(0)));
    put("broken", Def::Error);
    let prelude = NATIVES
        .iter()
        .map(|n| (ast::Symbol::from(n.name), Entry::new(Def::Native(n), None)))
        .collect();
    let params = |ty: Ty| Signature {
        params: vec![("n".into(), ty.clone())],
        result: ty,
        span: Span::default(),
    };
    let mut checker = Checker {
        program,
        sink: Sink::default(),
        library: &library,
        sources: &mut sources,
        modules: vec![Module {
            name: "t".into(),
            ast: tree.clone(),
            scope,
            library: false,
            incomplete: false,
            jitters: 0,
        }],
        prelude,
        fn_signatures: [(hir::FnId(0), params(Ty::int_in(0, 100)))]
            .into_iter()
            .collect(),
        ruleset_signatures: FxHashMap::default(),
        pipeline_signatures: FxHashMap::default(),
        sizes: crate::check::items::Sizes::default(),
        verdict: None,
        states: Default::default(),
    };
    let mut body = Body::new(&mut checker, ModuleId(0), place);
    for (name, ty) in [
        ("r", Ty::Record(req)),
        ("x", Ty::int_in(0, 100)),
        ("y", Ty::int()),
        ("o", outcome),
        ("s", Ty::string()),
        ("f", Ty::Float),
        ("b", Ty::Bool),
    ] {
        body.bind(
            &ast::Name {
                text: name.into(),
                span: Span::default(),
            },
            ty,
        );
    }
    let result = run(&mut body, &function.body);
    let found = checker.sink.finish();
    (result, found, text)
}

/// The type of an expression, or the slugs of what is said about it.
fn check_in(place: Place, source: &str) -> String {
    let (shown, found, _) = with_body(source, place, |body, e| {
        let value = if place == Place::Value || place == Place::Test {
            body.expr(e, None)
        } else {
            body.spine(e).pop().unwrap_or_else(|| Expr::error(e.span))
        };
        value.ty.show(&body.checker.program).to_string()
    });
    if found.is_empty() {
        return shown;
    }
    let slugs: Vec<&str> = found.iter().map(|d| d.slug).collect();
    slugs.join(" ")
}

fn all(cases: &[(&str, &str)]) {
    all_in(Place::Value, cases);
}

fn all_in(place: Place, cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(source, expect)| (source, expect, check_in(place, source)))
        .filter(|(_, expect, found)| found != *expect)
        .map(|(source, expect, found)| {
            format!("{source}\n    expected {expect}\n    found    {found}")
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
