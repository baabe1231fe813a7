//! The smallest change of an input that makes a rule match, as what a host would have to give instead.

use tollgate_ir::cost::Costs;
use tollgate_ir::entities::SiteId;
use tollgate_ir::module::RuleSet;
use tollgate_ir::predicates::predicates;
use tollgate_ir::predicates::solve::{self, Given, Subject};
use tollgate_runtime::kinds::time::write_instant;
use tollgate_runtime::schema::{Field, Schema, Type, TypeId};
use tollgate_runtime::{Arena, Value, json};

use super::Outside;
use crate::hir::{Program, RuleSetId};
use crate::lower::Lowered;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closest {
    /// An input that the rule matches.
    Found {
        /// What is different.
        changes: Vec<Change>,
        /// All of it, as values.
        given: Box<Given>,
        /// The parameter, or an object of the parameters when there are several, as JSON.
        input: String,
        /// The sites that it marks.
        by: Vec<SiteId>,
    },
    /// No input does: a proof.
    Never,
    /// None was found.
    Unknown,
}

/// Something that is different in two inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where: `req.method`, `req.headers["x-tier"]`.
    pub path: String,
    /// What stands there now, as JSON; absent where nothing does.
    pub from: Option<String>,
    /// What would have to stand there.
    pub to: Option<String>,
}

/// The smallest change of an input of a rule set that makes one of its rules match. `lowered` is what
/// [`lower`](crate::lower::lower) makes of the program, `costs` are its costs.
///
/// `None` when the program has no use for the rule set.
pub fn closest(
    program: &Program,
    lowered: &Lowered,
    costs: &Costs,
    (set, rule): (RuleSetId, usize),
    given: &Given,
) -> Option<Closest> {
    let module = &lowered.module;
    let rules = lowered.rulesets[set]?;
    // What the other rules ask does not matter.
    let whole = &module.rulesets[rules];
    let alone = RuleSet {
        name: whole.name.clone(),
        params: whole.params.clone(),
        groups: whole.groups.clone(),
        rules: vec![whole.rules[rule].clone()],
        ..*whole
    };
    let predicates = predicates(module, costs, &alone);
    let outside = Outside::of(program, &[set]);
    let params = outside.params.first()?;
    let subject = Subject {
        module,
        rules,
        predicates: &predicates,
        costs,
        schema: &outside.schema,
        data: &outside.data,
        params,
        pairs: 0,
    };
    let (changed, by) = match solve::closest(subject, 0, rule as u32, given) {
        solve::Closest::Found { given, by } => (given, by),
        solve::Closest::Never => return Some(Closest::Never),
        solve::Closest::Unknown => return Some(Closest::Unknown),
    };
    let mut differences = Differences {
        schema: &outside.schema,
        found: Vec::new(),
    };
    for (param, (a, b)) in params.iter().zip(given.params.iter().zip(&changed.params)) {
        differences.value(&param.name, param.ty, a, b);
    }
    let data = program.data.values().zip(&outside.data);
    for ((data, ty), (a, b)) in data.zip(given.data.iter().zip(&changed.data)) {
        differences.value(&data.name, *ty, a, b);
    }
    differences.beside(given, &changed);
    Some(Closest::Found {
        changes: differences.found,
        input: input(&outside.schema, params, &changed.params),
        given: changed,
        by,
    })
}

/// The input as a host gives it.
fn input(schema: &Schema, params: &[Field], values: &[Value]) -> String {
    let arena = Arena::new();
    let words: Vec<_> = values.iter().map(|v| v.word(&arena)).collect();
    let mut out = String::new();
    match (params, &*words) {
        ([param], [word]) => json::encode(schema, param.ty, *word, &mut out),
        _ => json::encode_fields(schema, params, &words, &mut out),
    }
    out
}

/// What is different in two values of one type.
struct Differences<'s> {
    schema: &'s Schema,
    found: Vec<Change>,
}

impl Differences<'_> {
    /// Types are not recursive, so this ends.
    fn value(&mut self, path: &str, ty: TypeId, a: &Value, b: &Value) {
        if a == b {
            return;
        }
        let schema = self.schema;
        match (schema.get(ty), a, b) {
            (Type::Opt(of), a, b) if *a != Value::None && *b != Value::None => {
                self.value(path, *of, a, b);
            }
            (Type::Record(id), Value::Seq(a), Value::Seq(b)) => {
                self.fields(path, &schema.records[*id as usize].fields, a, b);
            }
            (Type::Enum(id), Value::Variant(s, a), Value::Variant(t, b)) if s == t => {
                let variant = &schema.enums[*id as usize].variants[*s as usize];
                self.fields(path, &variant.fields, a, b);
            }
            (Type::List { of, .. }, Value::Seq(a), Value::Seq(b)) if a.len() == b.len() => {
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    self.value(&format!("{path}[{i}]"), *of, a, b);
                }
            }
            (Type::Map { key, value, .. }, Value::Seq(a), Value::Seq(b)) => {
                self.map(path, (*key, *value), a, b);
            }
            _ => {
                let (from, to) = (self.json(ty, a), self.json(ty, b));
                self.push(path, from, to);
            }
        }
    }

    fn fields(&mut self, path: &str, fields: &[Field], a: &[Value], b: &[Value]) {
        for (field, (a, b)) in fields.iter().zip(a.iter().zip(b)) {
            self.value(&format!("{path}.{}", field.name), field.ty, a, b);
        }
    }

    /// Maps are pairs in the order of their keys.
    fn map(&mut self, path: &str, (key, of): (TypeId, TypeId), a: &[Value], b: &[Value]) {
        let held = |map: &[Value], key: &Value| {
            let pairs = map.as_chunks::<2>().0.iter();
            let mut pairs = pairs.filter(|[k, _]| k == key);
            pairs.next().map(|[_, value]| value.clone())
        };
        let pairs = a.as_chunks::<2>().0.iter().chain(b.as_chunks::<2>().0);
        let mut keys: Vec<&Value> = pairs.map(|[key, _]| key).collect();
        keys.sort();
        keys.dedup();
        for at in keys {
            let name = self.json(key, at).unwrap_or_default();
            let path = format!("{path}[{name}]");
            match (held(a, at), held(b, at)) {
                (Some(a), Some(b)) => self.value(&path, of, &a, &b),
                (a, b) => {
                    let json = |v: Option<Value>| v.and_then(|v| self.json(of, &v));
                    let (from, to) = (json(a), json(b));
                    self.push(&path, from, to);
                }
            }
        }
    }

    /// The decision's id and time, which are no parameters.
    fn beside(&mut self, a: &Given, b: &Given) {
        if a.id != b.id && a.params == b.params {
            let text = |id: &str| {
                let mut out = String::new();
                json::write_text(&mut out, id);
                Some(out)
            };
            self.push("id", text(&a.id), text(&b.id));
        }
        if a.time != b.time && a.params == b.params {
            let text = |time: i64| {
                let mut out = String::from('"');
                // Writing to a string does not fail.
                let _ = write_instant(&mut out, time);
                Some(out + "\"")
            };
            self.push("time", text(a.time), text(b.time));
        }
    }

    fn json(&self, ty: TypeId, value: &Value) -> Option<String> {
        if *value == Value::None {
            return None;
        }
        let (arena, mut out) = (Arena::new(), String::new());
        json::encode(self.schema, ty, value.word(&arena), &mut out);
        Some(out)
    }

    fn push(&mut self, path: &str, from: Option<String>, to: Option<String>) {
        self.found.push(Change {
            path: path.to_owned(),
            from,
            to,
        });
    }
}
