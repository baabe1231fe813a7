//! A decision: its value, the rules that gave it, and both as JSON.

use tollgate_ask::{Answers, Asking, Operation};
use tollgate_ir::trace::{Decider, Shape, deciders, shadows};
use tollgate_runtime::{Mark, Word, json};
use tollgate_state::Failure;

use crate::entry::EntryInfo;
use crate::program::Program;
use crate::value_ref::ValueRef;

/// What was decided, and by which rules.
pub struct Decision<'s> {
    pub(crate) program: &'s Program,
    pub(crate) entry: &'s EntryInfo,
    /// Where it lies.
    pub(crate) value: &'s Word<'s>,
    /// All of the vector: its length was just written, and is not to be read before somebody asks.
    pub(crate) marks: &'s Vec<Mark>,
    pub(crate) steps: u64,
    pub(crate) ignored: u64,
    /// What was asked of states, if the entry asks some.
    pub(crate) asking: Option<&'s Asking<'s>>,
}

impl Decision<'_> {
    /// The value, to be read without JSON.
    pub fn value(&self) -> ValueRef<'_> {
        ValueRef::new(
            &self.program.module().schema,
            self.entry.result,
            *self.value,
        )
    }

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

    /// The rules that decided in shadow mode, so that their outcomes do not count: as [`Decision::by`] names them, of every stage.
    pub fn shadow(&self) -> Vec<String> {
        let sites = &self.program.module().sites;
        let names = shadows(sites, self.marks).into_iter();
        names.map(|name| name.parts().concat()).collect()
    }

    /// `{"value":…,"by":"rule"}`; `by` is a list under `all` and `sum`. Where rules decided in shadow mode, `"shadow":[…]` names them.
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
        if many {
            out.push(']');
        }
        if self.program.has_shadows() {
            self.write_shadow(out);
        }
        out.push('}');
    }

    /// What the decision asked of states, in order, with the answers. Makes a list of them anew.
    pub fn operations(&self) -> Vec<Operation> {
        self.asking.map_or_else(Vec::new, Asking::operations)
    }

    /// The states that could not be asked, each time with the reason, so that their `on_failure` answered. Empty for nearly every
    /// decision, and then made without allocating.
    pub fn failures(&self) -> Vec<(&str, Failure)> {
        self.asking.map_or_else(Vec::new, Asking::failures)
    }

    /// What states answered. [`Session::attempt_json`](crate::Session::attempt_json) with these, the same facts, id and time decides the
    /// same, and asks no store.
    pub fn answers(&self) -> Answers {
        self.asking.map_or_else(Answers::default, Asking::answers)
    }

    /// As [`Decision::to_json`], with the operations on states: `{"value":…,"by":…,"operations":[…]}`.
    pub fn write_trace(&self, out: &mut String) {
        self.write_json(out);
        out.pop();
        out.push_str(",\"operations\":[");
        for (i, operation) in self.operations().iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            operation.write_json(out);
        }
        out.push_str("]}");
    }

    #[cold]
    fn write_shadow(&self, out: &mut String) {
        let shadow = self.shadow();
        if shadow.is_empty() {
            return;
        }
        out.push_str(",\"shadow\":[");
        for (i, name) in shadow.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            json::write_text(out, name);
        }
        out.push(']');
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
            *self.value,
            out,
        );
    }
}

impl std::fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json())
    }
}
