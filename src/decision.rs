//! A decision: its value, the rules that gave it, and both as JSON.

use tollgate_ir::trace::{Decider, Shape, deciders};
use tollgate_runtime::{Mark, Word, json};

use crate::entry::EntryInfo;
use crate::program::Program;

/// What was decided, and by which rules.
pub struct Decision<'s> {
    pub(crate) program: &'s Program,
    pub(crate) entry: &'s EntryInfo,
    pub(crate) value: Word<'s>,
    pub(crate) marks: &'s [Mark],
    pub(crate) steps: u64,
    pub(crate) ignored: u64,
}

impl Decision<'_> {
    /// The value as JSON.
    pub fn value_json(&self) -> String {
        let mut out = String::new();
        self.write_value(&mut out);
        out
    }

    /// The names of the deciding rules, in the order of the source; `otherwise` where none matched. For a pipeline they are
    /// those of the last stage that ran, as `stage.rule`, or its name alone where no rule set decided it.
    pub fn by(&self) -> impl Iterator<Item = String> {
        self.names().map(|name| {
            let parts = name.parts();
            parts.concat()
        })
    }

    /// As [`Decision::by`], appended to a text, with commas between: what a log says without allocating.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     ruleset kinds(n: Int) -> [String] hit all {
    ///       rule small when n < 10 then "small"
    ///       rule odd when mod(n, 2) == 1 then "odd"
    ///     }
    /// "#)?;
    /// let mut session = program.session();
    /// let mut by = String::new();
    /// session.decide_json("kinds", b"7", &Call { id: "1", time: 0 })?.write_by(&mut by);
    /// assert_eq!(by, "small,odd");
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn write_by(&self, out: &mut String) {
        for (i, name) in self.names().enumerate() {
            if i > 0 {
                out.push(',');
            }
            for part in name.parts() {
                out.push_str(part);
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = Decider<'_>> {
        let sites = &self.program.module().sites;
        deciders(sites, self.marks, self.entry.shape)
    }

    /// `{"value":…,"by":"rule"}`; `by` is a list under `all` and `sum`.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// As [`Decision::to_json`], appended.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"value\":");
        self.write_value(out);
        out.push_str(",\"by\":");
        let many = self.entry.shape == Shape::Many;
        if many {
            out.push('[');
        }
        for (i, name) in self.names().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push('"');
            for part in name.parts() {
                json::write_part(out, part);
            }
            out.push('"');
        }
        out.push_str(if many { "]}" } else { "}" });
    }

    /// Steps taken, where the backend counts them.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many keys of the facts no field has the name of.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    fn write_value(&self, out: &mut String) {
        json::encode(
            &self.program.module().schema,
            self.entry.result,
            self.value,
            out,
        );
    }
}

impl std::fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json())
    }
}
