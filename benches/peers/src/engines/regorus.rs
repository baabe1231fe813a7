//! regorus: the rules as Rego on its bytecode machine. The answer is the set of all that match, and the first its least: an `else`
//! chain, which would stop there, runs out of the machine's 255 registers before a hundred rules.

use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::{Engine as Rego, Rc, Value as Data};
use tollgate_workloads::{Policy, Test, Value, Workload};

use super::words::{joined, list, path_expression};
use crate::peer::{Engine, Kept, Peer, Source, is_shed, load};

struct Regorus {
    workload: &'static Workload,
    vm: RegoVM,
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let mut text = String::from("package bench\nimport rego.v1\n\n");
    for (i, rule) in workload.rules.iter().enumerate() {
        let body = joined(workload, rule, "\n  ", |name, atom| {
            Ok(words(name, &atom.test))
        })?;
        text.push_str(&format!("decide contains {i} if {{\n  {body}\n}}\n"));
    }
    let mut engine = Rego::new();
    let shown =
        |e: &dyn std::fmt::Display| e.to_string().lines().next().unwrap_or_default().to_owned();
    engine
        .add_policy("bench.rego".into(), text)
        .map_err(|e| shown(&e))?;
    let entry: Rc<str> = "data.bench.decide".into();
    let compiled = engine
        .compile_with_entrypoint(&entry)
        .map_err(|e| shown(&e))?;
    let program =
        Compiler::compile_from_policy(&compiled, &["data.bench.decide"]).map_err(|e| shown(&e))?;
    let mut vm = RegoVM::new();
    vm.load_program(Arc::clone(&program));
    Ok(Kept::boxed(Regorus { workload, vm }, workload))
}

fn words(name: &str, test: &Test) -> String {
    match test {
        Test::Is(text) => format!("input.{name} == \"{text}\""),
        Test::IsNot(text) => format!("input.{name} != \"{text}\""),
        Test::OneOf(texts) => format!("input.{name} in {{{}}}", list(texts, '"', ", ")),
        Test::Under(prefix) => format!("startswith(input.{name}, \"{prefix}/\")"),
        Test::Segments(segments) => format!(
            "regex.match(`{}`, input.{name})",
            path_expression(segments, "\\.")
        ),
        Test::Holds(expression) => format!("regex.match(`{expression}`, input.{name})"),
        Test::Inside(net, bits) => format!("net.cidr_contains(\"{net}/{bits}\", input.{name})"),
        Test::AtLeast(least) => format!("input.{name} >= {least}"),
        Test::Between(lo, hi) => format!("input.{name} >= {lo}\n  input.{name} <= {hi}"),
        Test::True => format!("input.{name}"),
    }
}

impl Engine for Regorus {
    type Form = (Data, i64);

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        let mut object = Data::new_object();
        let map = object.as_object_mut().expect("it is an object");
        for (i, field) in self.workload.fields.iter().enumerate() {
            let value = match from.get(i) {
                Value::Text(text) => Data::from(text.as_str()),
                Value::Ip(ip) => Data::from(ip.to_string()),
                Value::Int(n) => Data::from(*n),
                Value::Bool(b) => Data::from(*b),
                Value::Missing => continue,
            };
            map.insert(Data::from(field.name.as_str()), value);
        }
        (object, load(self.workload, from))
    }

    fn decide(&mut self, (input, load): &mut Self::Form, out: &mut Vec<u32>) {
        self.vm.set_input(input.clone());
        let answer = self.vm.execute().expect("the program runs");
        let number = |value: &Data| value.as_u32().ok();
        match self.workload.policy {
            Policy::First => out.extend(
                answer
                    .as_set()
                    .into_iter()
                    .flatten()
                    .filter_map(number)
                    .min(),
            ),
            Policy::All => out.extend(answer.as_set().into_iter().flatten().filter_map(number)),
            Policy::Shed { .. } => {
                let hits = answer.as_set().into_iter().flatten().filter_map(number);
                let points = hits
                    .map(|rule| self.workload.rules[rule as usize].weight)
                    .sum();
                out.extend(is_shed(points, *load).then_some(0));
            }
        }
    }
}
