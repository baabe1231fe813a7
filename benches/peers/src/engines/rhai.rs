//! rhai: the rules as one script, an `if` a rule. It has no expressions; the host gives it one as a function.

use rhai::{AST, Array, Dynamic, Engine as Script, Scope};
use tollgate_workloads::{Policy, Test, Workload};

use super::words::{Plain, bounds, joined, list, path_expression, plain};
use crate::peer::{Engine, Kept, Peer, Source, is_shed, load};

struct Rhai {
    workload: &'static Workload,
    engine: Script,
    script: AST,
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let mut engine = Script::new();
    engine.set_max_expr_depths(0, 0);
    let mut script = match workload.policy {
        Policy::First => String::new(),
        Policy::All => "let out = [];\n".into(),
        Policy::Shed { .. } => "let points = 0;\n".into(),
    };
    for (i, rule) in workload.rules.iter().enumerate() {
        let condition = joined(workload, rule, " && ", |name, atom| words(name, &atom.test))?;
        let act = match workload.policy {
            Policy::First => format!("return {i};"),
            Policy::All => format!("out.push({i});"),
            Policy::Shed { .. } => format!("points += {};", rule.weight),
        };
        script.push_str(&format!("if {condition} {{ {act} }}\n"));
    }
    script.push_str(match workload.policy {
        Policy::First => "-1",
        Policy::All => "out",
        Policy::Shed { .. } => "points",
    });
    let tests = workload.rules.iter().flat_map(|rule| &rule.atoms);
    let expression = tests.filter_map(|atom| match &atom.test {
        Test::Holds(expression) => Some(expression.clone()),
        _ => None,
    });
    if let Some(expression) = expression.last() {
        let expression = regex::Regex::new(&expression).map_err(|e| e.to_string())?;
        engine.register_fn("holds", move |text: &str| expression.is_match(text));
    }
    let script = engine.compile(&script).map_err(|e| e.to_string())?;
    let rhai = Rhai {
        workload,
        engine,
        script,
    };
    Ok(Kept::boxed(rhai, workload))
}

fn words(name: &str, test: &Test) -> Result<String, String> {
    Ok(match test {
        Test::Is(text) => format!("{name} == \"{text}\""),
        Test::IsNot(text) => format!("{name} != \"{text}\""),
        Test::OneOf(texts) => format!("{name} in [{}]", list(texts, '"', ", ")),
        Test::Under(prefix) => format!("{name}.starts_with(\"{prefix}/\")"),
        Test::Segments(segments) => {
            return Err(format!(
                "it has no path patterns such as {}",
                path_expression(segments, ".")
            ));
        }
        Test::Holds(_) => format!("holds({name})"),
        Test::Inside(net, bits) => {
            let (lo, hi) = bounds(*net, *bits);
            format!("{name} >= {lo} && {name} <= {hi}")
        }
        Test::AtLeast(least) => format!("{name} >= {least}"),
        Test::Between(lo, hi) => format!("{name} >= {lo} && {name} <= {hi}"),
        Test::True => name.into(),
    })
}

impl Engine for Rhai {
    type Form = (Scope<'static>, i64);

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        let mut scope = Scope::with_capacity(self.workload.fields.len() + 1);
        for (i, field) in self.workload.fields.iter().enumerate() {
            let value = match plain(from.get(i)) {
                Plain::Text(text) => Dynamic::from(rhai::ImmutableString::from(text)),
                Plain::Int(n) => n.into(),
                Plain::Bool(b) => b.into(),
            };
            scope.push_constant_dynamic(field.name.as_str(), value);
        }
        (scope, load(self.workload, from))
    }

    fn decide(&mut self, (scope, load): &mut Self::Form, out: &mut Vec<u32>) {
        let answer: Dynamic = self
            .engine
            .eval_ast_with_scope(scope, &self.script)
            .expect("the script runs");
        // The script's own variables are left behind.
        scope.rewind(self.workload.fields.len());
        match self.workload.policy {
            Policy::First => out.extend(
                answer
                    .as_int()
                    .ok()
                    .and_then(|rule| u32::try_from(rule).ok()),
            ),
            Policy::All => {
                let rules = answer.try_cast::<Array>().unwrap_or_default();
                out.extend(
                    rules
                        .iter()
                        .filter_map(|rule| rule.as_int().ok())
                        .map(|rule| rule as u32),
                );
            }
            Policy::Shed { .. } => {
                let points = answer.as_int().expect("points are a number");
                out.extend(is_shed(points, *load).then_some(0));
            }
        }
    }
}
