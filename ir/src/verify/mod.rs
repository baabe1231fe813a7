//! The verifier. What follows is the specification of the IR; each rule names the file that checks it.
//!
//! # The module (`structure.rs`)
//!
//! - Every index is in range: types, functions, constants, patterns, natives, data, sites, rule sets, groups, blocks, instructions, values.
//! - Names are unique: of records and enums together, of functions, of rule sets, of data, of natives, of entries, of the rules of a set.
//! - Optionals do not nest; an enum has a variant; a type does not contain itself and nests at most [`TYPE_DEPTH_MAX`] deep.
//! - A constant's value is one of its type: texts and numbers where the type says so, floats finite and not minus zero, one element
//!   a field, sets and map keys sorted and distinct, tags of variants that exist.
//! - No function calls itself, directly or through others: through `call`, `any`, `fold`, `decide` or a rule set's functions.
//!   Calls nest at most [`CALL_DEPTH_MAX`] deep, so that no engine's stack can overflow.
//! - An entry calls a function or rule set that exists, and has a description for each of its parameters, or for none.
//!
//! # A function (`structure.rs`)
//!
//! - It has an entry block, the first; the entry's parameters are the function's.
//! - Every branch goes forward: to a block that stands later.
//! - An instruction stands in at most one block, once. A value is defined by the instruction or parameter that lists it.
//! - The cases of a switch are sorted and distinct.
//!
//! # SSA form (`ssa.rs`)
//!
//! - Every use is dominated by the definition: it stands later in the same block, or in a block that can be reached only through the definition's.
//!   Blocks that nothing reaches are allowed between passes, and there this rule is void.
//!
//! # Types (`types.rs`)
//!
//! - Operands and result of every instruction have the types that its rule in `typing.rs` says; it has a result exactly if the rule gives one.
//! - A branch gives its block as many arguments as it has parameters, of their types.
//! - `br` looks at a bool, `switch` at an int, `return` gives the function's result.
//!
//! # Rule sets (`rulesets.rs`)
//!
//! - Conditions are (parameters …) -> bool; outcomes are (parameters …) -> outcome, where under `all` the result is a list of the outcome, and else the outcome;
//!   a key is (parameters …, outcome) -> int, and stands exactly under `best`. Under `sum` the outcome is int or float.
//! - Every rule has an outcome; several only under `all`.
//! - `otherwise` does not stand under `all` and `sum`; elsewhere there is an `otherwise` or a rule.
//! - A group's parent stands before it. The rules of a group, with those of the groups inside it, stand together.
//!
//! # States (`asks.rs`)
//!
//! - A place asks states that there are, as many as its operation does; what it is given and answers are of its types.
//! - What asks is called where it is seen: a function by `call_marked`, a rule set by `decide_marked` or an entry, and a rule's
//!   or group's condition. Outcomes, keys, features, `any` and `fold` do not ask; of an index only what its rules ask besides their conditions does,
//!   and it is searched by `search_marked`.
//!
//! # Indexes (`rule_index.rs`)
//!
//! - What rule sets are asked for holds of them as well: types of functions, outcomes, `otherwise`, the key.
//! - Atoms are about features that there are; paths begin at parameters and data that there are. Where a path leads is not
//!   checked: a step that leads nowhere reads an absent optional, on every engine.
//!
//! A module that [`legal`] accepts has, besides, no rule set, no `decide`, and no entry that calls a rule set.
//!
//! Everything is checked in time (nearly) linear in the module.

use std::fmt;

use crate::Legalized;
use crate::entities::FuncId;
use crate::instructions::Opcode;
use crate::module::{Module, Target};
use crate::text::{Line, Place, func_lines, header_lines, index_lines, ruleset_lines};

mod asks;
mod rulesets;
mod ssa;
mod structure;
mod types;

pub(crate) use structure::check_inst;

/// How deep calls may nest, rule sets counted.
pub const CALL_DEPTH_MAX: u32 = 256;
/// How deep types may nest.
pub const TYPE_DEPTH_MAX: u32 = 256;
/// How many errors are told; whoever breaks more will break them again.
pub const ERRORS_MAX: usize = 32;

/// A rule that a module breaks.
#[derive(Clone, Debug)]
pub struct VerifyError {
    place: Option<Place>,
    message: String,
    excerpt: String,
}

impl VerifyError {
    /// Where; `None` if it is the module as a whole.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// What is wrong, without its place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for VerifyError {
    /// The message, and the text around the guilty line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.excerpt.is_empty() {
            write!(f, "\n{}", self.excerpt)?;
        }
        Ok(())
    }
}

impl std::error::Error for VerifyError {}

/// Checks every rule above.
///
/// # Errors
/// The rules that are broken, at most [`ERRORS_MAX`]. Where indices or structure are broken, SSA and types are not looked at.
pub fn verify(module: &Module) -> Result<(), Vec<VerifyError>> {
    let mut errors = Errors {
        module,
        list: Vec::new(),
    };
    structure::check(module, &mut errors);
    if errors.list.is_empty() {
        ssa::check(module, &mut errors);
        types::check(module, &mut errors);
        rulesets::check(module, &mut errors);
        asks::check(module, &mut errors);
        for (id, index) in module.indexes.iter() {
            errors.check(Place::RuleIndex(id), index.check_types(module));
        }
    }
    errors.done()
}

/// Checks every rule above, and that nothing is left that backends do not know.
///
/// # Errors
/// As [`verify`].
pub fn legal(module: Module) -> Result<Legalized, Vec<VerifyError>> {
    verify(&module)?;
    let mut errors = Errors {
        module: &module,
        list: Vec::new(),
    };
    for id in module.rulesets.keys() {
        errors.add(Place::RuleSet(id), "a rule set is left");
    }
    for (i, entry) in module.entries.iter().enumerate() {
        if let Target::Rules(_) = entry.target {
            errors.add(Place::Entry(i as u32), "the entry calls a rule set");
        }
    }
    for (id, func) in module.funcs.iter() {
        for inst in func.blocks.values().flat_map(|b| &b.insts) {
            let opcode = func.insts[*inst].inst.opcode();
            if matches!(opcode, Opcode::Decide | Opcode::DecideMarked) {
                errors.add(Place::Inst(id, *inst), "a rule set is decided");
            }
        }
    }
    errors.done()?;
    Ok(Legalized(module))
}

/// Collects errors and renders where they are.
struct Errors<'m> {
    module: &'m Module,
    list: Vec<VerifyError>,
}

impl Errors<'_> {
    fn add(&mut self, place: impl Into<Option<Place>>, message: impl Into<String>) {
        if self.list.len() >= ERRORS_MAX {
            return;
        }
        let place = place.into();
        let excerpt = place.map_or(String::new(), |place| excerpt(self.module, place));
        self.list.push(VerifyError {
            place,
            message: message.into(),
            excerpt,
        });
    }

    fn check(&mut self, place: impl Into<Option<Place>>, result: Result<(), String>) {
        if let Err(message) = result {
            self.add(place, message);
        }
    }

    fn done(self) -> Result<(), Vec<VerifyError>> {
        if self.list.is_empty() {
            Ok(())
        } else {
            Err(self.list)
        }
    }
}

/// How many lines are shown on either side of the guilty one.
const AROUND: usize = 12;

/// The text around a place, with a mark before its line.
fn excerpt(module: &Module, place: Place) -> String {
    let lines: Vec<Line> = match place {
        Place::Func(f) | Place::Block(f, _) | Place::Inst(f, _) | Place::Term(f, _) => {
            func_excerpt(module, f)
        }
        Place::RuleSet(r)
        | Place::Group(r, _)
        | Place::Rule(r, _)
        | Place::Otherwise(r)
        | Place::Key(r) => ruleset_lines(module, r),
        Place::RuleIndex(i) => index_lines(module, i),
        _ => header_lines(module),
    };
    let Some(at) = lines.iter().position(|(p, _)| *p == Some(place)) else {
        return String::new();
    };
    let shown = at.saturating_sub(AROUND)..lines.len().min(at + AROUND + 1);
    let line = |(i, (_, line)): (usize, &Line)| {
        let mark = if i == at { "> " } else { "  " };
        format!("{mark}{line}")
    };
    let first = shown.start;
    let mut text: Vec<String> = Vec::new();
    if first > 0 {
        // Whatever is cut off, the header says which function it is.
        text.push(format!("  {}\n  …", lines[0].1));
    }
    text.extend(
        lines[shown]
            .iter()
            .enumerate()
            .map(|(i, l)| line((i + first, l))),
    );
    text.join("\n")
}

fn func_excerpt(module: &Module, func: FuncId) -> Vec<Line> {
    if module.funcs.get(func).is_none() {
        return Vec::new();
    }
    func_lines(module, func)
}
