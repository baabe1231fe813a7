//! zen-expression: compiled expressions, asked one after the other on one virtual machine.

use tollgate_workloads::{Test, Workload};
use zen_expression::expression::Standard;
use zen_expression::scope::Scope;
use zen_expression::variable::{Symbol, Variable, VariableMap};
use zen_expression::vm::VM;
use zen_expression::{Expression, compile_expression};

use super::words::{Plain, bounds, joined, list, path_expression, plain};
use crate::peer::{Engine, Kept, Peer, Source, ask, load};

struct Zen {
    workload: &'static Workload,
    expressions: Vec<Expression<Standard>>,
    vm: VM,
    names: Vec<Symbol>,
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let expressions = workload.rules.iter().map(|rule| {
        let text = joined(workload, rule, " and ", |name, atom| {
            Ok(words(name, &atom.test))
        })?;
        compile_expression(&text).map_err(|e| e.to_string())
    });
    let engine = Zen {
        workload,
        expressions: expressions.collect::<Result<_, _>>()?,
        vm: VM::new(),
        names: workload
            .fields
            .iter()
            .map(|f| Variable::key(&f.name))
            .collect(),
    };
    Ok(Kept::boxed(engine, workload))
}

fn words(name: &str, test: &Test) -> String {
    match test {
        Test::Is(text) => format!("{name} == \"{text}\""),
        Test::IsNot(text) => format!("{name} != \"{text}\""),
        Test::OneOf(texts) => format!("{name} in [{}]", list(texts, '"', ", ")),
        Test::Under(prefix) => format!("startsWith({name}, \"{prefix}/\")"),
        Test::Segments(segments) => {
            format!("matches({name}, \"{}\")", path_expression(segments, "[.]"))
        }
        Test::Holds(expression) => {
            format!("matches({name}, \"{}\")", expression.replace("\\.", "[.]"))
        }
        Test::Inside(net, bits) => {
            let (lo, hi) = bounds(*net, *bits);
            format!("{name} >= {lo} and {name} <= {hi}")
        }
        Test::AtLeast(least) => format!("{name} >= {least}"),
        Test::Between(lo, hi) => format!("{name} >= {lo} and {name} <= {hi}"),
        Test::True => name.into(),
    }
}

impl Engine for Zen {
    type Form = (Scope, i64);

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        let mut map = VariableMap::with_capacity(self.names.len());
        for (i, name) in self.names.iter().enumerate() {
            let value = match plain(from.get(i)) {
                Plain::Text(text) => Variable::String(Symbol::from(text)),
                Plain::Int(n) => Variable::Number(n.into()),
                Plain::Bool(b) => Variable::Bool(b),
            };
            map.insert(name.clone(), value);
        }
        (
            Scope::new(Variable::from_object(map)),
            load(self.workload, from),
        )
    }

    fn decide(&mut self, (scope, load): &mut Self::Form, out: &mut Vec<u32>) {
        let (expressions, vm) = (&self.expressions, &mut self.vm);
        ask(self.workload, out, *load, |rule| {
            let answer = expressions[rule].evaluate_with_scope(scope, vm);
            matches!(answer, Ok(Variable::Bool(true)))
        });
    }
}
