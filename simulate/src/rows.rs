//! What figures are told apart by: the classes of the scenario, or the values of a fact.

use serde_json::Value;
use tollgate::Program;

use crate::Error;
use crate::facts::Taken;
use crate::report::ClassReport;
use crate::scenario::{MAX_CLASSES, Scenario};

/// What values are called together that come when there are names for as many as can be told apart.
const OTHERS: &str = "others";
/// Most characters of a value's name.
const NAME: usize = 40;

/// The rows of the report, which are counted in.
pub(crate) struct Rows {
    /// Where the fact is in what rules are told (RFC 6901).
    pointer: Option<String>,
    pub(crate) reports: Vec<ClassReport>,
}

impl Rows {
    /// # Errors
    /// When the entry takes no such fact, or the fact is one of the load.
    pub(crate) fn new(
        program: &Program,
        entry: &str,
        taken: &Taken,
        scenario: &Scenario,
    ) -> Result<Rows, Error> {
        let Some(by) = &scenario.by else {
            return Ok(Rows {
                pointer: None,
                reports: ClassReport::of(scenario),
            });
        };
        program.form(entry, &[by])?;
        let parameters = program.parameters(entry)?;
        let of_load = match &parameters[..] {
            [_] => taken.load.is_some(),
            _ => taken.load.as_deref() == by.split('.').next(),
        };
        if of_load {
            return Err(Error::new(format!(
                "`{by}` is of the load, not of a request: figures are told apart by what requests are"
            )));
        }
        Ok(Rows {
            pointer: Some(format!("/{}", by.replace('.', "/"))),
            reports: Vec::new(),
        })
    }

    /// The row of a request of a class, of which rules are told this, in JSON.
    pub(crate) fn row(&mut self, class: usize, told: &str) -> usize {
        let Some(pointer) = &self.pointer else {
            return class;
        };
        let told: Value = serde_json::from_str(told).unwrap_or_default();
        let name: String = match told.pointer(pointer) {
            None | Some(Value::Null) => "none".into(),
            Some(Value::String(text)) => text.chars().take(NAME).collect(),
            Some(value) => value.to_string().chars().take(NAME).collect(),
        };
        let known =
            |reports: &[ClassReport], name: &str| reports.iter().position(|r| r.name == name);
        if let Some(row) = known(&self.reports, &name) {
            return row;
        }
        let name = match self.reports.len() < MAX_CLASSES - 1 {
            true => name,
            false => OTHERS.into(),
        };
        known(&self.reports, &name).unwrap_or_else(|| {
            self.reports.push(ClassReport {
                name,
                ..ClassReport::default()
            });
            self.reports.len() - 1
        })
    }
}
