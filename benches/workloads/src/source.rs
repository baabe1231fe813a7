//! The rules as text in Tollgate's language, written as a person would.

use std::fmt::Write;

use crate::{Atom, Kind, Policy, Rule, Segment, Test, Workload};

/// Writes to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {{
        let _ = write!($out, $($text)*);
    }};
}

impl Workload {
    /// The rules in Tollgate's language. The entry is `decide`, and rule `i` is called `r{i}`.
    pub fn source(&self) -> String {
        let mut out = format!(
            "edition 2026\nmodule bench.{}\n\n",
            self.family.replace('-', "_")
        );
        if self.fields.iter().any(|f| f.kind == Kind::Method) {
            out.push_str("use std.http.{Method}\n\n");
        }
        self.types(&mut out);
        match self.policy {
            Policy::First => {
                out.push_str("ruleset decide(r: Facts) -> Route hit first {\n");
                self.rules(&mut out, |i, _| format!("forward({i})"));
                out.push_str("  otherwise respond(404)\n}\n");
            }
            Policy::All => {
                out.push_str("ruleset decide(r: Facts) -> [Action] hit all {\n");
                self.rules(&mut out, |i, _| format!("reward({i})"));
                out.push_str("}\n");
            }
            Policy::Shed { load } => {
                let load = &self.fields[load].name;
                out.push_str("ruleset points(r: Facts) -> Int in 0 .. 100 hit sum {\n");
                self.rules(&mut out, |_, rule| rule.weight.to_string());
                put!(
                    out,
                    "}}\n\nruleset decide(r: Facts) -> Bool hit first {{\n  rule poor \"Too few points for this load\"\n    \
                     when points(r) * 10_000 < 1_000_000 - r.{load} * r.{load} * r.{load}\n    then true\n\n  \
                     otherwise false\n}}\n"
                );
            }
        }
        out
    }

    fn types(&self, out: &mut String) {
        for field in &self.fields {
            if let Kind::Enum { name, variants } = &field.kind {
                put!(out, "enum {name} {{ {} }}\n", variants.join(", "));
            }
        }
        match self.policy {
            Policy::First => out.push_str(
                "enum Route {\n  forward(service: Int in 0 .. 1_000_000)\n  respond(status: Int in 100 .. 599)\n}\n",
            ),
            Policy::All => out.push_str("enum Action { reward(campaign: Int in 0 .. 1_000_000) }\n"),
            Policy::Shed { .. } => {}
        }
        out.push_str("\nrecord Facts {\n");
        for field in &self.fields {
            let ty = match &field.kind {
                Kind::Method => "Method".into(),
                Kind::Host => "Host".into(),
                Kind::Path => "Path".into(),
                Kind::Ip => "Ip".into(),
                Kind::Text => "String".into(),
                Kind::Header => "String?".into(),
                Kind::Enum { name, .. } => (*name).into(),
                Kind::Int(lo, hi) => format!("Int in {lo} .. {hi}"),
                Kind::Bool => "Bool".into(),
            };
            put!(out, "  {}: {ty}\n", field.name);
        }
        out.push_str("}\n\n");
    }

    fn rules(&self, out: &mut String, outcome: impl Fn(usize, &Rule) -> String) {
        for (i, rule) in self.rules.iter().enumerate() {
            put!(out, "  rule r{i} \"Rule {i}\"\n    when ");
            for (k, atom) in rule.atoms.iter().enumerate() {
                out.push_str(if k > 0 { "\n     and " } else { "" });
                self.condition(out, atom);
            }
            put!(out, "\n    then {}\n\n", outcome(i, rule));
        }
    }

    fn condition(&self, out: &mut String, atom: &Atom) {
        let Atom { field, test } = atom;
        let field = &self.fields[*field];
        let name = match field.kind {
            Kind::Header => format!("(r.{} ?? skip)", field.name),
            _ => format!("r.{}", field.name),
        };
        // Methods and variants are names, other texts are quoted.
        let quote = match field.kind {
            Kind::Method | Kind::Enum { .. } => "",
            _ => "\"",
        };
        match test {
            Test::Is(text) => put!(out, "{name} == {quote}{text}{quote}"),
            Test::IsNot(text) => put!(out, "{name} != {quote}{text}{quote}"),
            Test::OneOf(texts) => {
                let texts: Vec<String> =
                    texts.iter().map(|t| format!("{quote}{t}{quote}")).collect();
                put!(out, "{name} in {{{}}}", texts.join(", "));
            }
            Test::Under(prefix) => put!(out, "{name} matches p\"{prefix}/**\""),
            Test::Segments(segments) => self.segments(out, &name, segments),
            Test::Holds(expression) => put!(out, "{name} matches re\".*{expression}.*\""),
            Test::Inside(net, bits) => put!(out, "{name} in ip\"{net}/{bits}\""),
            Test::AtLeast(least) => put!(out, "{name} >= {least}"),
            Test::Between(lo, hi) => put!(out, "{name} in {lo} .. {hi}"),
            Test::True => out.push_str(&name),
        }
    }

    fn segments(&self, out: &mut String, name: &str, segments: &[Segment]) {
        put!(out, "{name} matches p\"");
        let mut conditions = String::new();
        for (i, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Literal(text) => put!(out, "/{text}"),
                Segment::Any => put!(out, "/*"),
                Segment::Rest => put!(out, "/**"),
                Segment::Around(between) => {
                    let between = between.replace('.', "\\.");
                    put!(out, "/{{part{i}}}");
                    put!(conditions, "\n     and part{i} matches re\".+{between}.+\"");
                }
            }
        }
        put!(
            out,
            "{}\"{conditions}",
            if segments.is_empty() { "/" } else { "" }
        );
    }
}
