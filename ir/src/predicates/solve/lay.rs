//! The values that a search found, laid down where their features read.

use std::cell::RefCell;

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;

use super::draft::Draft;
use super::elements::{Elements, by_list};
use super::invert::Inverter;
use super::place::Input;
use super::search::Search;
use super::space::Space;
use crate::cost::Costs;
use crate::instructions::Inst;
use crate::predicates::{Predicates, TermId};

/// What is needed to lay down the values of features.
pub(super) struct Layer<'a, 'm> {
    pub(super) input: &'a Input<'m>,
    pub(super) predicates: &'a Predicates,
    pub(super) space: &'a Space,
    /// Features by their terms.
    pub(super) features: &'a FxHashMap<TermId, u32>,
    pub(super) costs: &'a Costs,
    /// The word of a feature in the input that is changed, if one is.
    pub(super) current: &'a dyn Fn(u32) -> Option<Value>,
    /// The elements that a list has in that input.
    pub(super) list: &'a dyn Fn(TermId) -> Option<Value>,
    /// How deep lists of lists are followed.
    pub(super) depth: u32,
}

impl Layer<'_, '_> {
    /// A draft of the values of a search. What features that are mentioned are is written down even where their simplest value
    /// will do. Where an input is changed, what stays as it was is not laid down.
    pub(super) fn draft(&self, search: &Search<'_, '_>, mentioned: &[u32], changes: bool) -> Draft {
        let mut draft = Draft {
            changes,
            ..Draft::default()
        };
        // What is looked up by a key from the input is laid down under the key that the input then has.
        let keys: RefCell<Vec<(TermId, Value)>> = RefCell::default();
        let key = |term: TermId| {
            let term = self.input.terms.strip(term);
            let value = match self.features.get(&term) {
                Some(feature) => search.value(*feature).clone(),
                None => self.input.domain(term).there(),
            };
            keys.borrow_mut().push((term, value.clone()));
            (value != Value::None).then_some(value)
        };
        let asked: Vec<u32> = search.asked().collect();
        let same = |term: TermId| Some(self.space.get(*self.features.get(&term)?).same);
        let known = |term: TermId| {
            let feature = same(term)?;
            Some((search.value(feature).clone(), asked.contains(&feature)))
        };
        let allows = |term: TermId, value: &Value| {
            let feature = same(self.input.terms.strip(term));
            feature.is_none_or(|feature| search.allows(feature, value))
        };
        let (wants, laid) = (RefCell::default(), RefCell::default());
        let inverter = Inverter {
            input: self.input,
            known: &known,
            allows: &allows,
            key: &key,
            wants: &wants,
            laid: &laid,
        };
        let mut plain: Vec<u32> = mentioned.iter().map(|f| self.space.get(*f).same).collect();
        plain.retain(|f| !asked.contains(f));
        // What is read comes first: what is computed is then made to agree with it.
        let mut features: Vec<u32> = asked.iter().copied().chain(plain).collect();
        let term = |feature: u32| self.predicates.features[feature as usize].term;
        let is_read = |term: TermId| {
            let place = self.input.place(term, &|_| Some(Value::None));
            place.is_some_and(|place| place.exact)
        };
        features.sort_by_key(|feature| !is_read(term(*feature)));
        for feature in features {
            let of = self.space.get(feature);
            let value = search.value(feature);
            let stays = changes && (self.current)(feature).is_some_and(|v| v == *value);
            if !stays && of.guards.iter().all(|g| search.meets(g)) {
                inverter.lay(&mut draft, term(feature), value);
            }
        }
        for (of, wants) in by_list(wants.take()) {
            let elements = Elements {
                input: self.input,
                costs: self.costs,
                of,
                wants: &wants,
                least: self.length(search, of),
                current: (self.list)(of),
                depth: self.depth,
            };
            elements.lay(&mut draft, &mut |draft, list| inverter.lay(draft, of, list));
        }
        if !changes {
            for (term, value) in keys.into_inner() {
                draft.set(self.input, term, &value, &|_| None);
            }
        }
        draft
    }

    /// How many elements a list has by what is asked of its length.
    fn length(&self, search: &Search<'_, '_>, list: TermId) -> usize {
        let is_length = |term: TermId| match self.input.terms.inst(term) {
            Some(Inst::Len { a }) => self.input.terms.strip(*a) == list,
            _ => false,
        };
        let mut features = (0..).zip(&self.predicates.features);
        let length = features.find(|(_, f)| is_length(f.term));
        match length.map(|(feature, _)| search.value(feature)) {
            Some(Value::Int(length)) => usize::try_from(*length).unwrap_or(0).min(64),
            _ => 0,
        }
    }
}
