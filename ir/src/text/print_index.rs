//! The text of indexes: their features and the conditions of their rules. The tree is built anew from these.

use std::fmt;

use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Base, Feature, Formula, Outcome, Test};

use super::print::{Line, Literal, func_name, policy_name, separated};
use super::{Name, Place};
use crate::entities::{Entity, FuncId, IndexId};
use crate::module::Module;
use crate::rule_index::RuleIndex;

/// An index, line by line.
pub(crate) fn index_lines(module: &Module, id: IndexId) -> Vec<Line> {
    let index: &RuleIndex = &module.indexes[id];
    let decider = &*index.decider;
    let types = &module.types;
    let header = format!(
        "index {}({}) -> {} {} {{",
        Name(&index.name),
        separated(&index.params, |f, ty| write!(f, "{}", types.display(*ty))),
        types.display(index.result),
        policy_name(decider.policy)
    );
    let func = |number: u32| match index.functions.get(number as usize) {
        Some(func) => func_name(module, *func),
        None => FuncId::new(number as usize).to_string(),
    };
    let given = |outcome: &Outcome| match outcome {
        Outcome::Const(id) => format!("konst const{id}"),
        Outcome::Call(number) => format!("call {}", func(*number)),
    };
    let mut lines = vec![(Some(Place::RuleIndex(id)), header)];
    let mut put = |line: String| lines.push((None, line));
    for (i, feature) in decider.index.features().iter().enumerate() {
        let name = match index.names.get(i) {
            Some(name) if !name.is_empty() => format!(" {name:?}"),
            _ => String::new(),
        };
        put(match feature {
            Feature::Path { base, steps, tag } => {
                let base = match base {
                    Base::Param(n) => format!("param {n}"),
                    Base::Data(n) => format!("data {n}"),
                    Base::Id => "decision_id".into(),
                    Base::Time => "decision_time".into(),
                };
                let steps = separated(steps, |f, step| write!(f, "{step}"));
                let tag = if *tag { " tag" } else { "" };
                format!("    f{i} = {base} [{steps}]{tag}{name}")
            }
            Feature::Computed(number) => format!("    f{i} = call {}{name}", func(*number)),
        });
    }
    for (i, (rule, condition)) in decider
        .rules
        .iter()
        .zip(index.conditions.iter())
        .enumerate()
    {
        let key = index.keys.as_ref().map(|keys| format!(" key {}", keys[i]));
        let key = key.unwrap_or_default();
        let when = match condition {
            Formula::All(of) if of.is_empty() => String::new(),
            condition => format!(" when {}", FormulaText(condition)),
        };
        let asks = match decider.asks.get(i) {
            Some(Some(number)) => format!(" asks {}", func(*number)),
            _ => String::new(),
        };
        let outcomes: Vec<String> = decider.outcomes(i).map(|o| given(&o)).collect();
        put(format!(
            "    rule site{}{key}{when}{asks} then {}",
            rule.mark.0,
            outcomes.join(", ")
        ));
    }
    if let Some((mark, outcome)) = &decider.otherwise {
        put(format!(
            "    otherwise site{} then {}",
            mark.0,
            given(outcome)
        ));
    }
    if let Some(key) = decider.key {
        put(format!("    key {}", func(key)));
    }
    if let Some(finder) = decider.finder {
        put(format!("    finder {}", func(finder)));
    }
    lines.push((None, "}".into()));
    lines
}

/// A formula as the text form writes it.
pub(crate) struct FormulaText<'f>(pub(crate) &'f Formula);

impl fmt::Display for FormulaText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Formula::Atom(Atom {
                feature,
                want,
                test,
            }) => {
                let not = if *want { "" } else { "not " };
                write!(f, "{not}f{feature} {}", TestText(test))
            }
            Formula::All(of) => write!(f, "all({})", formulas(of)),
            Formula::Any(of) => write!(f, "any({})", formulas(of)),
        }
    }
}

fn formulas(of: &[Formula]) -> impl fmt::Display {
    separated(of, |f, formula| write!(f, "{}", FormulaText(formula)))
}

struct TestText<'t>(&'t Test);

impl fmt::Display for TestText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Test::True => f.write_str("true"),
            Test::Present => f.write_str("present"),
            Test::Ints(ranges) => {
                let range = |f: &mut fmt::Formatter<'_>, (lo, hi): &(i64, i64)| match lo == hi {
                    true => write!(f, "{lo}"),
                    false => write!(f, "{lo} to {hi}"),
                };
                write!(f, "int {{{}}}", separated(ranges, range))
            }
            Test::Texts(texts) => {
                write!(
                    f,
                    "text {{{}}}",
                    separated(texts, |f, t| write!(f, "{t:?}"))
                )
            }
            Test::Values(values) => {
                let list = separated(values, |f, v: &Value| write!(f, "{}", Literal(v)));
                write!(f, "value {{{list}}}")
            }
            Test::Prefix(text) => write!(f, "prefix {text:?}"),
            Test::Suffix(text) => write!(f, "suffix {text:?}"),
            Test::Part(text) => write!(f, "part {text:?}"),
            Test::Matches(pattern) => {
                let (kind, text) = pattern.key();
                write!(f, "{kind} {text:?}")
            }
            Test::Nets(nets) => {
                let list = separated(nets, |f, n| write!(f, "{}", Literal(&Value::Cidr(*n))));
                write!(f, "net {{{list}}}")
            }
        }
    }
}
