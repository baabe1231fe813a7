//! The parts of a condition, asked one by one. What they ask of states is answered as it was in the decision; what was not asked there has no
//! answer, and what depends on it is not known.

use std::collections::BTreeSet;

use tollgate_ask::Replay;
use tollgate_frontend::hir::LocalId;
use tollgate_frontend::lower::{Joined as Made, Lowered, Part, RuleParts, TestFn};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Target};
use tollgate_ir::predicates::solve::Given;
use tollgate_runtime::{Arena, Cx, Value, Word, json};

use super::{Answer, Condition, Joined, Place};

/// All that something is asked with: facts, and what states answered, if the decision asked some.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    pub(super) given: &'a Given,
    pub(super) states: Option<&'a Replay<'a>>,
}

/// Asks functions of some parameters.
pub(super) struct Asker<'a> {
    lowered: &'a Lowered,
    interp: Interp<&'a Module>,
    with: With<'a>,
    sources: &'a SourceMap,
}

/// Bindings that have no value, because what binds them did not hold.
type Unbound = BTreeSet<u32>;

impl<'a> Asker<'a> {
    pub(super) fn new(lowered: &'a Lowered, with: With<'a>, sources: &'a SourceMap) -> Asker<'a> {
        Asker {
            lowered,
            interp: Interp::new(&lowered.module),
            with,
            sources,
        }
    }

    /// The value of a function.
    pub(super) fn value(&self, func: TestFn) -> Value {
        self.with(func, Value::of)
    }

    /// The value of a function as JSON; `None` where it is absent.
    pub(super) fn json(&self, func: TestFn) -> Option<String> {
        self.json_if_known(func).flatten()
    }

    /// The same; `None` where it is not known.
    fn json_if_known(&self, func: TestFn) -> Option<Option<String>> {
        let module = &self.lowered.module;
        let ty = module.entries[func.0 as usize].result;
        let json = self.with(func, |word| {
            let mut out = String::new();
            json::encode(&module.schema, ty, word, &mut out);
            (word != Word::None).then_some(out)
        });
        self.with.is_known().then_some(json)
    }

    /// Whether it holds; `None` where that is not known.
    pub(super) fn holds(&self, func: TestFn) -> Option<bool> {
        let holds = self.with(func, |word| word.bool());
        self.with.is_known().then_some(holds)
    }

    fn with<T>(&self, func: TestFn, take: impl FnOnce(Word<'_>) -> T) -> T {
        let arena = Arena::new();
        let target = self.lowered.module.entries[func.0 as usize].target;
        take(run(
            &self.interp,
            target,
            self.with,
            &arena,
            &mut Vec::new(),
        ))
    }

    /// The operands of a rule's condition, and whether it matches by them; `None` where that is not known.
    pub(super) fn spine(&self, rule: &RuleParts) -> (Vec<Condition>, Option<bool>) {
        let (mut open, mut matched) = (true, Some(true));
        let mut unbound = Unbound::new();
        let mut conditions = Vec::with_capacity(rule.spine.len());
        for (group, part) in &rule.spine {
            let known = is_known(part, &unbound);
            let holds = if known { self.holds(part.holds) } else { None };
            let mut absent = None;
            // What is absent is asked in its turn, as long as that is known.
            let mut untold = known && holds.is_none();
            for answered in part.answered.iter().filter(|_| known) {
                match self.holds(answered.present) {
                    Some(true) => {}
                    Some(false) => absent = Some(answered),
                    None => untold = true,
                }
                if absent.is_some() || untold {
                    break;
                }
            }
            let answer = match (open, absent, holds) {
                (false, _, would) => Answer::NotReached(would),
                (true, _, _) if untold => Answer::NotAsked,
                (true, Some(absent), _) if absent.denies => Answer::Denied,
                (true, Some(_), _) => Answer::Skipped,
                (true, None, Some(true)) => Answer::Yes,
                (true, None, _) => Answer::No,
            };
            match answer {
                Answer::Denied => open = false,
                Answer::No | Answer::Skipped => (open, matched) = (false, Some(false)),
                Answer::NotAsked => (open, matched) = (false, None),
                Answer::Yes | Answer::NotReached(_) => {}
            }
            let held = absent.is_none() && holds == Some(true);
            conditions.push(self.condition(part, group.is_some(), answer, held, &unbound));
            if !held {
                unbound.extend(part.binds.iter().map(|bound| bound.local.0));
            }
        }
        (conditions, matched)
    }

    fn condition(
        &self,
        part: &Part,
        of_group: bool,
        answer: Answer,
        held: bool,
        unbound: &Unbound,
    ) -> Condition {
        let known = is_known(part, unbound);
        let name = |span: Span| one_line(self.sources.slice(span));
        let seen = part.seen.iter().filter(|_| known).filter_map(|seen| {
            let value = self.json_if_known(seen.value)?;
            let name = seen
                .name
                .as_ref()
                .map_or_else(|| name(seen.span), |n| n.to_string());
            Some((name, value))
        });
        let bound = part.binds.iter().filter(|_| known && held);
        let bound = bound.map(|bound| (bound.name.to_string(), self.json(bound.value)));
        let reached = !matches!(answer, Answer::NotReached(_));
        let (joined, parts) = match &part.joined {
            Made::One => (Joined::One, Vec::new()),
            Made::All(parts) => (Joined::All, self.joined(parts, true, reached, unbound)),
            Made::Any(parts) => (Joined::Any, self.joined(parts, false, reached, unbound)),
            Made::Not(part) => {
                let part = std::slice::from_ref(&**part);
                (Joined::Not, self.joined(part, true, reached, unbound))
            }
        };
        Condition {
            text: name(part.span),
            place: Place::of(part.span, self.sources),
            of_group,
            answer,
            seen: seen.collect(),
            asked: match (reached, self.with.states) {
                (true, Some(states)) => {
                    let places = part.asks.iter();
                    places
                        .filter_map(|place| states.operation(*place))
                        .collect()
                }
                _ => Vec::new(),
            },
            bound: bound.collect(),
            joined,
            parts,
        }
    }

    /// The operands of `and` (`all`) or `or`, from left to right, up to the one that decides.
    fn joined(
        &self,
        parts: &[Part],
        all: bool,
        mut open: bool,
        unbound: &Unbound,
    ) -> Vec<Condition> {
        let mut unbound = unbound.clone();
        let each = parts.iter().map(|part| {
            let known = is_known(part, &unbound);
            let holds = if known { self.holds(part.holds) } else { None };
            let answer = match (open, holds) {
                (false, would) => Answer::NotReached(would),
                (true, None) if known => Answer::NotAsked,
                (true, Some(true)) => Answer::Yes,
                (true, _) => Answer::No,
            };
            open &= holds == Some(all);
            let held = holds == Some(true);
            let condition = self.condition(part, false, answer, held, &unbound);
            // What an operand of `or` binds is not seen by the others.
            if all && !held {
                unbound.extend(part.binds.iter().map(|bound| bound.local.0));
            }
            condition
        });
        each.collect()
    }
}

impl With<'_> {
    /// Whether what was asked last had an answer for all that it asked of states.
    pub(super) fn is_known(&self) -> bool {
        !self.states.is_some_and(Replay::was_unknown)
    }
}

/// Runs a function or decides by a rule set in the interpreter; what it marks is put behind `marks`.
pub(super) fn run<'a>(
    interp: &'a Interp<&'a Module>,
    target: Target,
    with: With<'a>,
    arena: &'a Arena,
    marks: &mut Vec<tollgate_runtime::Mark>,
) -> Word<'a> {
    let words = |values: &[Value]| {
        let words: Vec<Word<'_>> = values.iter().map(|v| v.word(arena)).collect();
        arena.seq(&words)
    };
    let With { given, states } = with;
    let mut cx = Cx::new(arena, &given.id, given.time);
    cx.data = words(&given.data);
    cx.states = states.map(|states| states as _);
    let word = interp.run(target, &mut cx, words(&given.params));
    marks.append(&mut cx.marks);
    word
}

/// Whether everything that a part needs is bound.
fn is_known(part: &Part, unbound: &Unbound) -> bool {
    part.uses
        .iter()
        .all(|LocalId(local)| !unbound.contains(local))
}

/// A piece of the source without its line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
