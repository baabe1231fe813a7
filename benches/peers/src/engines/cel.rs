//! cel-rust: a program a rule, asked one after the other. Addresses are numbers: the crate has no networks.

use std::sync::Arc;

use cel::common::types::{CelBool, CelInt, CelString};
use cel::{Context, Env, Program, Value as Answer};
use tollgate_workloads::{Test, Workload};

use super::words::{Plain, bounds, joined, list, path_expression, plain};
use crate::peer::{Engine, Kept, Peer, Source, ask, load};

struct Cel {
    workload: &'static Workload,
    env: Arc<Env>,
    programs: Vec<Program>,
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let programs = workload.rules.iter().map(|rule| {
        let text = joined(workload, rule, " && ", |name, atom| {
            Ok(words(name, &atom.test))
        })?;
        Program::compile(&text).map_err(|e| e.to_string())
    });
    let engine = Cel {
        workload,
        programs: programs.collect::<Result<_, _>>()?,
        env: Arc::new(Env::stdlib()),
    };
    Ok(Kept::boxed(engine, workload))
}

fn words(name: &str, test: &Test) -> String {
    match test {
        Test::Is(text) => format!("{name} == \"{text}\""),
        Test::IsNot(text) => format!("{name} != \"{text}\""),
        Test::OneOf(texts) => format!("{name} in [{}]", list(texts, '"', ", ")),
        Test::Under(prefix) => format!("{name}.startsWith(\"{prefix}/\")"),
        Test::Segments(segments) => {
            format!("{name}.matches(\"{}\")", path_expression(segments, "[.]"))
        }
        Test::Holds(expression) => format!("{name}.matches(r\"{expression}\")"),
        Test::Inside(net, bits) => {
            let (lo, hi) = bounds(*net, *bits);
            format!("{name} >= {lo} && {name} <= {hi}")
        }
        Test::AtLeast(least) => format!("{name} >= {least}"),
        Test::Between(lo, hi) => format!("{name} >= {lo} && {name} <= {hi}"),
        Test::True => name.into(),
    }
}

impl Engine for Cel {
    type Form = (Context<'static, 'static>, i64);

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        let mut context = Context::with_env(Arc::clone(&self.env));
        for (i, field) in self.workload.fields.iter().enumerate() {
            let name = field.name.as_str();
            match plain(from.get(i)) {
                Plain::Text(text) => {
                    context.add_variable_as_val(name, Box::new(CelString::from(text)))
                }
                Plain::Int(n) => context.add_variable_as_val(name, Box::new(CelInt::from(n))),
                Plain::Bool(b) => context.add_variable_as_val(name, Box::new(CelBool::from(b))),
            }
        }
        (context, load(self.workload, from))
    }

    fn decide(&mut self, (context, load): &mut Self::Form, out: &mut Vec<u32>) {
        let programs = &self.programs;
        ask(self.workload, out, *load, |rule| {
            matches!(programs[rule].execute(context), Ok(Answer::Bool(true)))
        });
    }
}
