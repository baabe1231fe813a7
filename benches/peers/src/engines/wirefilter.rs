//! wirefilter: a filter a rule, asked one after the other.
//!
//! It has no prefix test; a prefix is the range of texts that begin with it, which is quicker than an expression.

use tollgate_workloads::{Field, Kind, Test, Value, Workload};
use wirefilter::{ExecutionContext, Filter, LhsValue, Scheme, Type};

use super::words::{joined, list, path_expression};
use crate::peer::{Engine, Kept, Peer, Source, ask, load};

struct Wirefilter {
    workload: &'static Workload,
    scheme: &'static Scheme,
    filters: Vec<Filter<'static>>,
}

pub fn build(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    let mut scheme = Scheme::new();
    for Field { name, kind } in &workload.fields {
        let ty = match kind {
            Kind::Ip => Type::Ip,
            Kind::Int(..) => Type::Int,
            Kind::Bool => Type::Bool,
            _ => Type::Bytes,
        };
        scheme
            .add_field(name.clone(), ty)
            .map_err(|e| e.to_string())?;
    }
    // Filters borrow the scheme.
    let scheme: &'static Scheme = Box::leak(Box::new(scheme));
    let filters = workload.rules.iter().map(|rule| {
        let text = joined(workload, rule, " && ", |name, atom| {
            Ok(words(name, &atom.test))
        })?;
        let ast = scheme.parse(&text).map_err(|e| e.to_string())?;
        Ok(ast.compile())
    });
    let filters = filters.collect::<Result<Vec<_>, String>>()?;
    let engine = Wirefilter {
        workload,
        scheme,
        filters,
    };
    Ok(Kept::boxed(engine, workload))
}

fn words(name: &str, test: &Test) -> String {
    match test {
        Test::Is(text) => format!("{name} == \"{text}\""),
        Test::IsNot(text) => format!("{name} != \"{text}\""),
        Test::OneOf(texts) => format!("{name} in {{{}}}", list(texts, '"', " ")),
        // The sign after the slash is the zero.
        Test::Under(prefix) => format!("{name} >= \"{prefix}/\" && {name} < \"{prefix}0\""),
        Test::Segments(segments) => {
            format!("{name} matches \"{}\"", path_expression(segments, "\\."))
        }
        Test::Holds(expression) => format!("{name} matches \"{expression}\""),
        Test::Inside(net, bits) => format!("{name} in {{{net}/{bits}}}"),
        Test::AtLeast(least) => format!("{name} >= {least}"),
        Test::Between(lo, hi) => format!("{name} in {{{lo}..{hi}}}"),
        Test::True => name.into(),
    }
}

impl Engine for Wirefilter {
    type Form = (ExecutionContext<'static>, i64);

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        let mut context = ExecutionContext::new(self.scheme);
        for (i, field) in self.workload.fields.iter().enumerate() {
            let value = match from.get(i) {
                Value::Text(text) => LhsValue::from(text.as_str()),
                Value::Ip(ip) => LhsValue::Ip((*ip).into()),
                Value::Int(n) => LhsValue::Int(*n as i32),
                Value::Bool(b) => LhsValue::Bool(*b),
                Value::Missing => LhsValue::from(""),
            };
            context
                .set_field_value(&field.name, value)
                .expect("the field has this type");
        }
        (context, load(self.workload, from))
    }

    fn decide(&mut self, (context, load): &mut Self::Form, out: &mut Vec<u32>) {
        let filters = &self.filters;
        ask(self.workload, out, *load, |rule| {
            filters[rule].execute(context) == Ok(true)
        });
    }
}
