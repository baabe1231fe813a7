//! Requests and answers as JSON.

use std::fmt::Write;

use crate::{Answer, Request, Value, Workload};

impl Workload {
    /// A request as one line of JSON, without the line's end: what Tollgate's entry `decide` takes.
    pub fn json(&self, request: &Request) -> String {
        let mut out = String::from("{");
        for (field, value) in self.fields.iter().zip(&request.0) {
            let name = &field.name;
            // Writing to a string cannot fail; the texts of workloads need no escapes.
            let _ = match value {
                Value::Text(text) => write!(out, "\"{name}\":\"{text}\","),
                Value::Ip(ip) => write!(out, "\"{name}\":\"{ip}\","),
                Value::Int(n) => write!(out, "\"{name}\":{n},"),
                Value::Bool(b) => write!(out, "\"{name}\":{b},"),
                Value::Missing => Ok(()),
            };
        }
        if out.len() > 1 {
            out.pop();
        }
        out.push('}');
        out
    }

    /// An answer as Tollgate's decision about the rules of [`Workload::source`] has it, as JSON.
    pub fn answer_json(answer: &Answer) -> String {
        match answer {
            Answer::One(None) => "{\"respond\":{\"status\":404}}".into(),
            Answer::One(Some(rule)) => format!("{{\"forward\":{{\"service\":{rule}}}}}"),
            Answer::Many(rules) => {
                let rules = rules
                    .iter()
                    .map(|r| format!("{{\"reward\":{{\"campaign\":{r}}}}}"));
                format!("[{}]", rules.collect::<Vec<_>>().join(","))
            }
            Answer::Shed(shed) => shed.to_string(),
        }
    }
}
