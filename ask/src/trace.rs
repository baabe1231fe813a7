//! What a decision asked of states, and what they answered.

use tollgate_ir::entities::PlaceId;
use tollgate_ir::module::Module;
use tollgate_runtime::json;
use tollgate_runtime::kinds::time::write_duration;
use tollgate_state::Answer;

use crate::asking::{Asked, Record, Reply};

/// An operation of a decision, and its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    rule: Box<str>,
    name: &'static str,
    states: Vec<(Box<str>, Box<str>)>,
    answer: Box<str>,
    failure: Option<Box<str>>,
}

/// The operations of a decision, in the order in which they were done.
pub(crate) fn operations(module: &Module, record: &Record) -> Vec<Operation> {
    let each = record.asked.iter();
    each.filter_map(|asked| operation(module, asked, &record.bytes))
        .collect()
}

/// An operation, whose keys stand in `bytes`.
pub(crate) fn operation(module: &Module, asked: &Asked, bytes: &[u8]) -> Option<Operation> {
    let place = module.places.get(PlaceId(asked.place))?;
    let states = place.states.iter().zip(&asked.keys).map(|(state, key)| {
        let name = module.states.get(*state).map_or("?", |s| &*s.name);
        let key = std::str::from_utf8(&bytes[key.clone()]);
        (name.into(), key.unwrap_or_default().into())
    });
    Some(Operation {
        rule: place.rule.clone(),
        name: place.operation.name(),
        states: states.collect(),
        answer: answer(asked.reply).into(),
        failure: asked.failure.map(|f| f.to_string().into()),
    })
}

impl Operation {
    /// Where it stands: the rule set and the rule, `shed.rate`; the rule set alone for what a stream's event adds to counters.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What was asked: `take`, `enter`, `sheds`, `value`, `add`, `once`, `within`, or `reserve` for `once` and `within` together.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The states that were asked, and the key of each, empty where it has no keys.
    pub fn states(&self) -> impl Iterator<Item = (&str, &str)> {
        self.states.iter().map(|(name, key)| (&**name, &**key))
    }

    /// The answer as JSON: `{"granted":…,"wait":…,"left":…}` of `take`, a number of `value` and `add`, `true` or `false` of the others,
    /// and `"skip"` where the rule does not apply.
    pub fn answer_json(&self) -> &str {
        &self.answer
    }

    /// Why the store could not do it, where `on_failure` answered.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// As JSON, appended.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"rule\":");
        json::write_text(out, &self.rule);
        out.push_str(",\"operation\":");
        json::write_text(out, self.name);
        out.push_str(",\"states\":[");
        for (i, (name, key)) in self.states().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str("{\"name\":");
            json::write_text(out, name);
            if !key.is_empty() {
                out.push_str(",\"key\":");
                json::write_text(out, key);
            }
            out.push('}');
        }
        out.push_str("],\"answer\":");
        out.push_str(&self.answer);
        if let Some(failure) = &self.failure {
            out.push_str(",\"failure\":");
            json::write_text(out, failure);
        }
        out.push('}');
    }
}

fn answer(reply: Reply) -> String {
    match reply {
        Reply::Skip => "\"skip\"".into(),
        Reply::Answer(Answer::Bool(yes)) => yes.to_string(),
        Reply::Answer(Answer::Number(n)) => n.to_string(),
        Reply::Answer(Answer::Taken {
            granted,
            wait_us,
            left,
        }) => {
            let mut out = format!("{{\"granted\":{granted}");
            if let Some(wait) = wait_us {
                out.push_str(",\"wait\":\"");
                // Writing to a string cannot fail.
                let _ = write_duration(&mut out, wait);
                out.push('"');
            }
            out.push_str(&format!(",\"left\":{left}}}"));
            out
        }
    }
}
