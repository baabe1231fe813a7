//! Whether a condition can hold while others do not.
//!
//! A search in the manner of Davis, Logemann & Loveland ("A machine program for theorem-proving", CACM 1962) over the atoms of
//! formulas, guided by a model: each feature keeps a value that passes the tests asked of it so far, a choice that the values
//! happen to satisfy is not branched on, and rules that must not match are taken up only when they match the values at hand
//! (as counterexamples refine a hypothesis; for packet filters the question is that of Al-Shaer & Hamed, "Discovery of policy
//! anomalies in distributed firewalls", INFOCOM 2004). So a rule that nothing shadows costs one model and one look-up.

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Formula};

use super::domain::{Literal, Pick, holds, passes};
use super::space::Space;
use super::texts::Texts;

/// How deep choices nest.
const MOST_DEPTH: u32 = 400;

/// What a search found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Values that satisfy everything: see [`Search::value`].
    Yes,
    /// None exist: a proof.
    No,
    /// The budget did not suffice, or a value could not be found or was not accepted.
    Unknown,
}

/// What is to be done about values that satisfy everything asked so far.
pub enum Verdict<'f> {
    /// They will do.
    Accept,
    /// They will not do, for a reason that formulas do not tell.
    Reject,
    /// These formulas hold together and must not.
    Exclude(Vec<&'f Formula>),
}

/// Something that must hold.
#[derive(Clone)]
enum Goal<'f> {
    Formula(&'f Formula, bool),
    Guard(&'f Atom, bool),
    /// An atom together with the guards of its feature.
    Reached(&'f Atom, bool),
    Choice(Vec<Goal<'f>>),
}

/// What is asked of one feature, and a value that passes it, if one is known.
struct State<'f> {
    tests: Vec<Literal<'f>>,
    value: Option<Value>,
}

struct Undo {
    feature: u32,
    tests: usize,
    value: Option<Value>,
}

/// A search.
pub struct Search<'f, 't> {
    space: &'f Space,
    texts: &'t mut Texts,
    states: FxHashMap<u32, State<'f>>,
    trail: Vec<Undo>,
    /// Steps left.
    pub steps: u64,
    /// Most features whose value is not the one they have now, where an input is to be changed.
    pub changes: u32,
    unknown: bool,
    depth: u32,
}

impl<'f, 't> Search<'f, 't> {
    /// A search in which nothing is asked yet. A step costs about the evaluation of an atom.
    pub fn new(space: &'f Space, texts: &'t mut Texts, steps: u64) -> Search<'f, 't> {
        Search {
            space,
            texts,
            states: FxHashMap::default(),
            trail: Vec::new(),
            steps,
            changes: u32::MAX,
            unknown: false,
            depth: 0,
        }
    }

    /// Searches for values under which all formulas hold as wanted, and that `judge` accepts.
    pub fn run(
        &mut self,
        wanted: impl IntoIterator<Item = (&'f Formula, bool)>,
        judge: &mut dyn FnMut(&mut Search<'f, 't>) -> Verdict<'f>,
    ) -> Found {
        self.undo(0);
        (self.unknown, self.depth) = (false, 0);
        let goals = wanted.into_iter().map(|(f, want)| Goal::Formula(f, want));
        let goals = goals.collect();
        match self.search(goals, Vec::new(), judge) {
            true => Found::Yes,
            false if self.unknown => Found::Unknown,
            false => Found::No,
        }
    }

    /// The value of a feature; absent when a guard of the feature fails.
    pub fn value(&self, feature: u32) -> &Value {
        const NONE: &Value = &Value::None;
        let of = self.space.get(feature);
        if of.guards.iter().any(|g| !self.atom(g, true)) {
            return NONE;
        }
        self.raw(of.same)
    }

    /// Whether a formula holds. Takes no steps: who asks counts them.
    pub fn holds(&self, formula: &Formula) -> bool {
        match formula {
            Formula::Atom(atom) => self.atom(atom, true),
            Formula::All(of) => of.iter().all(|f| self.holds(f)),
            Formula::Any(of) => of.iter().any(|f| self.holds(f)),
        }
    }

    /// Whether a value of a feature would pass all that is asked of it.
    pub(super) fn allows(&self, feature: u32, value: &Value) -> bool {
        let state = self.states.get(&self.space.get(feature).same);
        state.is_none_or(|state| passes(value, &state.tests))
    }

    /// Whether a guard holds.
    pub(super) fn meets(&self, guard: &Atom) -> bool {
        self.atom(guard, true)
    }

    /// The features of which something is asked.
    pub fn asked(&self) -> impl Iterator<Item = u32> {
        let mut asked: Vec<u32> = self
            .states
            .iter()
            .filter(|(_, s)| !s.tests.is_empty())
            .map(|(f, _)| *f)
            .collect();
        asked.sort_unstable();
        asked.into_iter()
    }

    fn raw(&self, feature: u32) -> &Value {
        match self.states.get(&feature) {
            Some(State {
                value: Some(value), ..
            }) => value,
            _ => &self.space.get(feature).simplest,
        }
    }

    fn atom(&self, atom: &Atom, want: bool) -> bool {
        holds(&atom.test, self.value(atom.feature)) == (atom.want == want)
    }

    fn satisfied(&self, goal: &Goal<'f>) -> bool {
        match goal {
            Goal::Formula(formula, want) => self.holds(formula) == *want,
            Goal::Guard(atom, want) => self.atom(atom, *want),
            Goal::Reached(atom, want) => {
                let guards = &self.space.get(atom.feature).guards;
                guards.iter().all(|g| self.atom(g, true)) && self.atom(atom, *want)
            }
            Goal::Choice(of) => of.iter().any(|g| self.satisfied(g)),
        }
    }

    fn search(
        &mut self,
        mut todo: Vec<Goal<'f>>,
        mut choices: Vec<Goal<'f>>,
        judge: &mut dyn FnMut(&mut Search<'f, 't>) -> Verdict<'f>,
    ) -> bool {
        loop {
            while let Some(goal) = todo.pop() {
                if self.steps == 0 {
                    self.unknown = true;
                    return false;
                }
                self.steps -= 1;
                if !self.assume(goal, &mut todo, &mut choices) {
                    return false;
                }
            }
            self.steps = self.steps.saturating_sub(choices.len() as u64);
            let open = choices.iter().position(|c| !self.satisfied(c));
            if let Some(open) = open {
                let Goal::Choice(of) = choices.remove(open) else {
                    continue;
                };
                return self.branch(of, &choices, judge);
            }
            if self.states.values().any(|s| s.value.is_none()) {
                self.unknown = true;
                return false;
            }
            match judge(self) {
                Verdict::Accept => return true,
                Verdict::Reject => {
                    self.unknown = true;
                    return false;
                }
                Verdict::Exclude(formulas) => {
                    let mut of = Vec::new();
                    for formula in formulas {
                        leaves(formula, false, &mut of);
                    }
                    todo.push(Goal::Choice(of));
                }
            }
        }
    }

    /// Tries each way to satisfy a choice; those before it then do not hold, so that no values are looked at twice.
    fn branch(
        &mut self,
        mut of: Vec<Goal<'f>>,
        choices: &[Goal<'f>],
        judge: &mut dyn FnMut(&mut Search<'f, 't>) -> Verdict<'f>,
    ) -> bool {
        if self.depth >= MOST_DEPTH {
            self.unknown = true;
            return false;
        }
        self.depth += 1;
        of.sort_by_key(|goal| self.effort(goal));
        let mut found = false;
        for at in 0..of.len() {
            let mark = self.trail.len();
            let earlier = of[..at].iter().filter_map(opposite);
            let todo: Vec<Goal<'f>> = earlier.chain([of[at].clone()]).collect();
            if self.search(todo, choices.to_vec(), judge) {
                found = true;
                break;
            }
            self.undo(mark);
            if self.steps == 0 {
                self.unknown = true;
                break;
            }
        }
        self.depth -= 1;
        found
    }

    /// How hard it may be to satisfy a goal: features of which nothing is asked and that have many values come first.
    fn effort(&self, goal: &Goal<'f>) -> u8 {
        let atom: &Atom = match goal {
            Goal::Formula(Formula::Atom(atom), _) => atom,
            Goal::Guard(atom, _) | Goal::Reached(atom, _) => atom,
            Goal::Formula(..) | Goal::Choice(_) => return 4,
        };
        let of = self.space.get(atom.feature);
        let asked = self
            .states
            .get(&of.same)
            .is_some_and(|s| !s.tests.is_empty());
        u8::from(asked) * 2 + u8::from(of.domain.is_small())
    }

    /// Takes a goal apart, or asks its feature; whether it can still be satisfied.
    fn assume(
        &mut self,
        goal: Goal<'f>,
        todo: &mut Vec<Goal<'f>>,
        choices: &mut Vec<Goal<'f>>,
    ) -> bool {
        match goal {
            Goal::Formula(Formula::Atom(atom), want) => {
                let guards = &self.space.get(atom.feature).guards;
                let unreached = holds(&atom.test, &Value::None) == (atom.want == want);
                if guards.is_empty() || guards.iter().all(|g| self.is_asked(g)) {
                    return self.ask(atom, want);
                }
                if !unreached {
                    todo.push(Goal::Reached(atom, want));
                    return true;
                }
                // It also holds where a guard fails, since what is absent is read as zero.
                let mut of: Vec<Goal<'f>> = guards.iter().map(|g| Goal::Guard(g, false)).collect();
                of.push(Goal::Reached(atom, want));
                choices.push(Goal::Choice(of));
                true
            }
            Goal::Formula(formula, want) => {
                let mut of = Vec::new();
                match (formula, want) {
                    (Formula::All(parts), true) | (Formula::Any(parts), false) => {
                        // The first is asked first: it stands last among what is to be done.
                        todo.extend(parts.iter().rev().map(|f| Goal::Formula(f, want)));
                        return true;
                    }
                    _ => leaves(formula, want, &mut of),
                }
                self.choose(of, todo, choices)
            }
            Goal::Guard(atom, want) => self.ask(atom, want),
            Goal::Reached(atom, want) => {
                let guards = &self.space.get(atom.feature).guards;
                guards.iter().all(|g| self.ask(g, true)) && self.ask(atom, want)
            }
            Goal::Choice(of) => self.choose(of, todo, choices),
        }
    }

    fn choose(
        &mut self,
        mut of: Vec<Goal<'f>>,
        todo: &mut Vec<Goal<'f>>,
        choices: &mut Vec<Goal<'f>>,
    ) -> bool {
        if of.len() > 1 {
            choices.push(Goal::Choice(of));
            return true;
        }
        match of.pop() {
            Some(goal) => {
                todo.push(goal);
                true
            }
            None => false,
        }
    }

    fn is_asked(&self, guard: &Atom) -> bool {
        let same = self.space.get(guard.feature).same;
        let literal = |l: &Literal<'f>| l.1 == guard.want && *l.0 == guard.test;
        self.states
            .get(&same)
            .is_some_and(|s| s.tests.iter().any(literal))
    }

    /// Asks one more thing of a feature; false when nothing can pass all that is asked of it.
    fn ask(&mut self, atom: &'f Atom, want: bool) -> bool {
        let feature = self.space.get(atom.feature).same;
        let literal: Literal<'f> = (&atom.test, atom.want == want);
        let of = self.space.get(feature);
        let state = self.states.entry(feature).or_insert_with(|| State {
            tests: Vec::new(),
            value: Some(of.simplest.clone()).filter(|_| of.simple),
        });
        self.trail.push(Undo {
            feature,
            tests: state.tests.len(),
            value: state.value.clone(),
        });
        let known = |l: &Literal<'f>| std::ptr::eq(l.0, literal.0) && l.1 == literal.1;
        if state.tests.iter().any(known) {
            return true;
        }
        state.tests.push(literal);
        let passes = |v: &Value| holds(literal.0, v) == literal.1;
        if !state.value.as_ref().is_some_and(passes) && !self.pick(feature) {
            return false;
        }
        // A path is made of what its captures are to take.
        match of.capture_of {
            Some((whole, _)) => {
                let whole = self.space.get(whole).same;
                let state = self.states.entry(whole).or_insert_with(|| State {
                    tests: Vec::new(),
                    value: None,
                });
                self.trail.push(Undo {
                    feature: whole,
                    tests: state.tests.len(),
                    value: state.value.clone(),
                });
                self.pick(whole)
            }
            None => true,
        }
    }

    /// Gives a feature another value; false when there is none.
    fn pick(&mut self, feature: u32) -> bool {
        let of = self.space.get(feature);
        let hint = |(level, capture): &(usize, u32)| {
            let state = self.states.get(capture)?;
            match &state.value {
                Some(Value::Str(text)) if !state.tests.is_empty() => {
                    Some((*level, text.to_string()))
                }
                _ => None,
            }
        };
        let hints: Vec<(usize, String)> = of.captures.iter().filter_map(hint).collect();
        let hints: Vec<(usize, &str)> = hints.iter().map(|(l, t)| (*l, &**t)).collect();
        let Some(state) = self.states.get_mut(&feature) else {
            return true;
        };
        self.steps = self.steps.saturating_sub(state.tests.len() as u64);
        let work = self.texts.work;
        let near = of.near.then_some(&of.simplest);
        let picked = of.domain.pick(&state.tests, &hints, near, self.texts);
        self.steps = self.steps.saturating_sub((self.texts.work - work) * 1_000);
        match picked {
            Pick::Value(value) => state.value = Some(value),
            Pick::Unknown => state.value = None,
            Pick::Empty => return false,
        }
        if self.changes < u32::MAX && self.changed() > self.changes {
            self.unknown = true;
            return false;
        }
        true
    }

    /// How many features are not as they are now. What is captured from a path counts as the path.
    fn changed(&self) -> u32 {
        let changed = |(feature, state): &(&u32, &State<'_>)| {
            let of = self.space.get(**feature);
            let same = state.value.as_ref().is_none_or(|v| *v == of.simplest);
            !same && of.capture_of.is_none()
        };
        self.states.iter().filter(changed).count() as u32
    }

    fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            let Some(undo) = self.trail.pop() else { break };
            if let Some(state) = self.states.get_mut(&undo.feature) {
                state.tests.truncate(undo.tests);
                state.value = undo.value;
                if undo.tests == 0 {
                    self.states.remove(&undo.feature);
                }
            }
        }
    }
}

/// The ways in which a formula can come out as wanted.
fn leaves<'f>(formula: &'f Formula, want: bool, out: &mut Vec<Goal<'f>>) {
    match (formula, want) {
        (Formula::Any(of), true) | (Formula::All(of), false) => {
            of.iter().for_each(|f| leaves(f, want, out));
        }
        _ => out.push(Goal::Formula(formula, want)),
    }
}

/// That a goal does not hold, where that is one question.
fn opposite<'f>(goal: &Goal<'f>) -> Option<Goal<'f>> {
    match goal {
        Goal::Formula(formula @ Formula::Atom(_), want) => Some(Goal::Formula(formula, !want)),
        Goal::Guard(atom, want) => Some(Goal::Guard(atom, !want)),
        Goal::Formula(..) | Goal::Reached(..) | Goal::Choice(_) => None,
    }
}
