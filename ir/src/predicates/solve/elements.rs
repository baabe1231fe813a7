//! Elements of a list under which quantifiers come out as wanted: what is asked of an element is a condition like any
//! other, and is searched in the same way.

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::Formula;
use tollgate_runtime::schema::{STRING_MAX, Type};

use super::draft::{Draft, Node};
use super::features::{features, space};
use super::invert::{Asks, Want};
use super::lay::Layer;
use super::place::{At, Input, Root, Step};
use super::search::{Found, Search, Verdict};
use super::texts::Texts;
use crate::cost::Costs;
use crate::predicates::{Argument, TermId, of_functions};
use crate::types::TypeData;

/// Steps of the search for one element.
const STEPS: u64 = 2_000;
/// Quantifiers over one list that are looked at together.
const MOST_WANTS: usize = 16;

/// Searches for an element under which formulas come out as wanted.
type Find<'f> = &'f mut dyn FnMut(&[(&Formula, bool)]) -> Option<Value>;

/// A list that is to be made.
pub(super) struct Elements<'a, 'm> {
    pub(super) input: &'a Input<'m>,
    pub(super) costs: &'a Costs,
    /// The list.
    pub(super) of: TermId,
    /// What is asked of its elements.
    pub(super) wants: &'a [Want],
    /// Elements that it has at least.
    pub(super) least: usize,
    /// The elements that it has, where an input is changed.
    pub(super) current: Option<Value>,
    /// How deep lists of lists may still be followed.
    pub(super) depth: u32,
}

impl Elements<'_, '_> {
    /// Lays down the list; false when no elements were found.
    pub(super) fn lay(
        &self,
        draft: &mut Draft,
        lay: &mut dyn FnMut(&mut Draft, &Value) -> bool,
    ) -> bool {
        if self.depth == 0 || self.wants.len() > MOST_WANTS {
            return false;
        }
        let types = &self.input.module.types;
        let (element, is_set) = match types.get(self.input.terms.ty(self.of)) {
            TypeData::List(of) => (of, false),
            TypeData::Set(of) => (of, true),
            _ => return false,
        };
        let at = self.element_at(types.get(element) == TypeData::Str);
        // The element, and then what the functions capture.
        let (mut params, mut ats, mut captured) = (vec![element], vec![at], Vec::new());
        let mut functions = Vec::new();
        for want in self.wants {
            let Asks::Function(func, terms) = &want.asks else {
                continue;
            };
            let mut args = vec![Argument::Param(0)];
            for term in terms {
                let ty = self.input.terms.ty(*term);
                if let Some(value) = self.input.terms.value(self.input.module, *term) {
                    args.push(Argument::Constant(ty, value.into_owned()));
                    continue;
                }
                let known = captured.iter().position(|c| c == term);
                let n = known.unwrap_or_else(|| {
                    captured.push(*term);
                    params.push(ty);
                    let place = self.input.place(*term, &|_| None);
                    ats.push(place.and_then(|place| self.input.at(&place)));
                    captured.len() - 1
                });
                args.push(Argument::Param(n as u32 + 1));
            }
            functions.push((*func, args));
        }
        let predicates = of_functions(self.input.module, self.costs, &params, &functions);
        let input = Input {
            terms: &predicates.terms,
            elements: Some(&ats),
            params: &[],
            ..*self.input
        };
        let mut texts = Texts::default();
        let space = space(&input, &predicates, &mut texts);
        let at = features(&input, &predicates);
        let mut beside = Draft::default();
        let mut find = |wanted: &[(&Formula, bool)]| -> Option<Value> {
            let mut found = None;
            let mut search = Search::new(&space, &mut texts, STEPS);
            let outcome = search.run(wanted.iter().copied(), &mut |search| {
                let layer = Layer {
                    input: &input,
                    predicates: &predicates,
                    space: &space,
                    features: &at,
                    costs: self.costs,
                    current: &|_| None,
                    list: &|_| None,
                    depth: self.depth - 1,
                };
                let draft = layer.draft(search, &[], false);
                let value = draft.value(&input, Root::Param(0), None);
                found = value.map(|value| (value, draft));
                if found.is_some() {
                    Verdict::Accept
                } else {
                    Verdict::Reject
                }
            });
            let (value, draft) = found.filter(|_| outcome == Found::Yes)?;
            for (root, node) in &draft.roots {
                if let Root::Param(n @ 1..) = root {
                    self.capture(&mut beside, captured[*n as usize - 1], node);
                }
            }
            Some(value)
        };
        let Some(elements) = self.all(&predicates.rules, &mut find) else {
            return false;
        };
        let value = match is_set {
            true => Value::set(elements),
            false => Value::seq(elements),
        };
        for (root, node) in &beside.roots {
            draft.roots.entry(*root).or_default().put_over(node);
        }
        lay(draft, &value)
    }

    /// All elements: one for all that some element is to answer if there is one, else one for each; none answers what none is to.
    fn all(&self, formulas: &[Formula], find: Find<'_>) -> Option<Vec<Value>> {
        let (mut some, mut none): (Vec<&Formula>, Vec<(&Formula, bool)>) = Default::default();
        let (mut held, mut barred): (Vec<Value>, Vec<&Value>) = Default::default();
        let mut formula = formulas.iter();
        for want in self.wants {
            match (&want.asks, want.want) {
                (Asks::Function(..), true) => some.extend(formula.next()),
                (Asks::Function(..), false) => none.extend(formula.next().map(|f| (f, false))),
                (Asks::Is(value), true) => held.push(value.clone()),
                (Asks::Is(value), false) => barred.push(value),
            }
        }
        let together: Vec<(&Formula, bool)> = some
            .iter()
            .map(|f| (*f, true))
            .chain(none.iter().copied())
            .collect();
        let mut elements = held;
        if !some.is_empty() {
            match find(&together) {
                Some(one) => elements.push(one),
                None => {
                    for wanted in &some {
                        let wanted: Vec<(&Formula, bool)> = [(*wanted, true)]
                            .into_iter()
                            .chain(none.iter().copied())
                            .collect();
                        elements.push(find(&wanted)?);
                    }
                }
            }
        }
        // What is there already stays, where nothing is asked of every element.
        if let Some(Value::Seq(current)) = &self.current
            && none.is_empty()
            && barred.is_empty()
        {
            let room = self.most().saturating_sub(elements.len());
            elements.splice(0..0, current.iter().take(room).cloned());
        }
        if elements.len() < self.least {
            let more = find(&none)?;
            elements.resize(self.least, more);
        }
        elements
            .iter()
            .all(|e| !barred.contains(&e))
            .then_some(elements)
    }

    /// Elements that the list has at most.
    fn most(&self) -> usize {
        let place = self.input.place(self.of, &|_| Some(Value::None));
        let most = match place.and_then(|place| self.input.at(&place)) {
            Some(At::Type(ty)) => match self.input.schema.get(ty) {
                Type::List { max, .. } | Type::Set { max, .. } | Type::Values { max, .. } => *max,
                _ => u32::MAX,
            },
            _ => u32::MAX,
        };
        most as usize
    }

    /// What stands where an element stands.
    fn element_at(&self, is_text: bool) -> Option<At> {
        let place = self.input.place(self.of, &|_| Some(Value::None));
        let at = place.and_then(|place| self.input.at(&place));
        let element = at.and_then(|at| self.input.step(at, &Step::Item(0)));
        // The parts of a text.
        element.or_else(|| is_text.then_some(At::Value(STRING_MAX)))
    }

    /// Lays down what a captured term is to be.
    fn capture(&self, draft: &mut Draft, term: TermId, node: &Node) {
        if let Some(place) = self.input.place(term, &|_| None) {
            draft.node(place).put_over(node);
        }
    }
}

/// Wants by the list that they ask of.
pub(super) fn by_list(wants: Vec<Want>) -> Vec<(TermId, Vec<Want>)> {
    let mut at: FxHashMap<TermId, usize> = FxHashMap::default();
    let mut lists: Vec<(TermId, Vec<Want>)> = Vec::new();
    for want in wants {
        let n = *at.entry(want.of).or_insert_with(|| {
            lists.push((want.of, Vec::new()));
            lists.len() - 1
        });
        lists[n].1.push(want);
    }
    lists
}
