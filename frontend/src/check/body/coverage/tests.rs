//! The search against counting: over small types, every row of values is tried.

use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;

use super::{missing, unreachable};
use crate::hir::{CmpKind, Enum, EnumId, Field, Pattern, Program, Variant};
use crate::types::ty::Ty;

fn program() -> (Program, Ty) {
    let mut program = Program::default();
    let variant = |name: &str, fields: Vec<Ty>| Variant {
        name: name.into(),
        span: Default::default(),
        fields: fields
            .into_iter()
            .map(|ty| Field {
                name: "n".into(),
                span: Default::default(),
                ty,
                default: None,
            })
            .collect(),
    };
    let id: EnumId = program.enums.push(Enum {
        name: "E".into(),
        module: "t".into(),
        span: Default::default(),
        tag: None,
        variants: vec![
            variant("a", vec![]),
            variant("b", vec![Ty::int_in(0, 3)]),
            variant("c", vec![Ty::Bool, Ty::int_in(0, 1)]),
        ],
    });
    (program, Ty::Enum(id))
}

/// Every value of a small type. Of texts, four stand for all.
fn values(ty: &Ty, program: &Program) -> Vec<Value> {
    match ty {
        Ty::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Ty::Num(_, i) => (i.lo..=i.hi).map(|v| Value::Int(v as i64)).collect(),
        Ty::Str { .. } => ["a", "b", "c", "zz"].map(Value::str).to_vec(),
        Ty::Opt(of) => [Value::None]
            .into_iter()
            .chain(values(of, program))
            .collect(),
        Ty::Enum(id) => {
            let variants = program.enums[*id].variants.iter().enumerate();
            variants
                .flat_map(|(tag, v)| {
                    let types: Vec<Ty> = v.fields.iter().map(|f| f.ty.clone()).collect();
                    rows(&types, program)
                        .into_iter()
                        .map(move |row| Value::Variant(tag as u32, row.into()))
                })
                .collect()
        }
        other => unreachable!("{other:?} is not tried"),
    }
}

fn rows(types: &[Ty], program: &Program) -> Vec<Vec<Value>> {
    let Some((ty, rest)) = types.split_first() else {
        return vec![Vec::new()];
    };
    let tails = rows(rest, program);
    let heads = values(ty, program);
    heads
        .iter()
        .flat_map(|v| {
            tails.iter().map(move |t| {
                std::iter::once(v.clone())
                    .chain(t.iter().cloned())
                    .collect()
            })
        })
        .collect()
}

fn takes(pattern: &Pattern, value: &Value) -> bool {
    match (pattern, value) {
        (Pattern::Any | Pattern::Bind(_), _) => true,
        (Pattern::None, v) => *v == Value::None,
        (Pattern::Some(p), v) => *v != Value::None && takes(p, v),
        (Pattern::OneOf(all), v) => all.iter().any(|p| takes(p, v)),
        (Pattern::Value(w), v) => v == w,
        (Pattern::Compare(_, cc, w), v) => cc.holds(v.cmp(w)),
        (Pattern::Range(lo, hi), Value::Int(v)) => lo <= v && v <= hi,
        (Pattern::Variant { tag, fields }, Value::Variant(t, values)) => {
            tag == t && fields.iter().all(|(i, p)| takes(p, &values[*i as usize]))
        }
        _ => false,
    }
}

/// SplitMix64, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn pattern(&mut self, ty: &Ty, program: &Program, depth: usize) -> Pattern {
        let all = values(ty, program);
        let value = all[self.below(all.len())].clone();
        match self.below(if depth > 0 { 8 } else { 4 }) {
            0 => Pattern::Any,
            1 => Pattern::Value(value),
            2 if !matches!(ty, Ty::Opt(_)) => Pattern::Compare(CmpKind::Same, Cc::Ne, value),
            4 => Pattern::OneOf(
                (0..2)
                    .map(|_| self.pattern(ty, program, depth - 1))
                    .collect(),
            ),
            _ => match (ty, value) {
                (Ty::Num(..), Value::Int(lo)) if self.below(2) == 0 => {
                    Pattern::Range(lo, lo + self.below(3) as i64)
                }
                (Ty::Num(..) | Ty::Str { .. }, value) => {
                    Pattern::Compare(CmpKind::Int, Cc::ALL[self.below(6)], value)
                }
                (Ty::Opt(of), _) if depth > 0 => {
                    Pattern::Some(Box::new(self.pattern(of, program, depth - 1)))
                }
                (Ty::Opt(_), _) => Pattern::None,
                (Ty::Enum(id), Value::Variant(tag, _)) if depth > 0 => {
                    let types: Vec<Ty> = program.enums[*id].variants[tag as usize]
                        .fields
                        .iter()
                        .map(|f| f.ty.clone())
                        .collect();
                    let fields = types.iter().enumerate();
                    let fields =
                        fields.map(|(i, ty)| (i as u32, self.pattern(ty, program, depth - 1)));
                    Pattern::Variant {
                        tag,
                        fields: fields.collect(),
                    }
                }
                (_, value) => Pattern::Value(value),
            },
        }
    }
}

#[test]
fn the_search_agrees_with_counting() {
    let (program, sum) = program();
    let columns = [sum, Ty::opt(Ty::Bool), Ty::int_in(-2, 4)];
    let every = rows(&columns, &program);
    for seed in 0..400 {
        let mut random = Random(seed);
        let count = 1 + random.below(6);
        let table: Vec<Vec<Pattern>> = (0..count)
            .map(|_| {
                columns
                    .iter()
                    .map(|ty| random.pattern(ty, &program, 2))
                    .collect()
            })
            .collect();
        let matches =
            |row: &[Pattern], values: &[Value]| row.iter().zip(values).all(|(p, v)| takes(p, v));
        let left = every
            .iter()
            .any(|v| !table.iter().any(|row| matches(row, v)));
        assert_eq!(
            missing(&columns, &table, &program).is_some(),
            left,
            "seed {seed}: {table:?}"
        );
        let dead: Vec<usize> = (0..count)
            .filter(|i| {
                !every.iter().any(|v| {
                    matches(&table[*i], v) && !table[..*i].iter().any(|row| matches(row, v))
                })
            })
            .collect();
        assert_eq!(
            unreachable(&columns, &table, &program),
            dead,
            "seed {seed}: {table:?}"
        );
    }
}

#[test]
fn a_witness_reads_like_a_pattern() {
    let (program, sum) = program();
    let columns = [sum, Ty::int_in(0, 100)];
    let rows = vec![
        vec![
            Pattern::Variant {
                tag: 0,
                fields: vec![],
            },
            Pattern::Any,
        ],
        vec![
            Pattern::Variant {
                tag: 2,
                fields: vec![],
            },
            Pattern::Any,
        ],
        vec![
            Pattern::Variant {
                tag: 1,
                fields: vec![(0, Pattern::Range(0, 2))],
            },
            Pattern::Any,
        ],
        vec![Pattern::Any, Pattern::Range(0, 49)],
    ];
    let witness = missing(&columns, &rows, &program);
    assert_eq!(witness, Some(vec!["b(3)".into(), ">= 50".into()]));
}

#[test]
fn texts_are_split_at_what_is_mentioned() {
    let (program, _) = program();
    let columns = [Ty::string()];
    let compare = |cc, text: &str| vec![Pattern::Compare(CmpKind::Str, cc, Value::str(text))];
    let whole = [compare(Cc::Lt, "m"), compare(Cc::Ge, "m")];
    assert_eq!(missing(&columns, &whole, &program), None);
    let hole = [compare(Cc::Lt, "m"), compare(Cc::Gt, "m")];
    assert_eq!(
        missing(&columns, &hole, &program),
        Some(vec!["\"m\"".into()])
    );
    assert_eq!(missing(&columns, &[compare(Cc::Ge, "")], &program), None);
}

#[test]
fn long_tables_take_time_in_proportion() {
    let (program, _) = program();
    let n = 20_000;
    let columns = [Ty::string(), Ty::int()];
    let mut rows: Vec<Vec<Pattern>> = (0..n)
        .map(|i| {
            vec![
                Pattern::Value(Value::str(format!("k{i}"))),
                Pattern::Range(i, i + 5),
            ]
        })
        .collect();
    assert!(missing(&columns, &rows, &program).is_some());
    rows.push(vec![Pattern::Any, Pattern::Any]);
    assert_eq!(missing(&columns, &rows, &program), None);
}
