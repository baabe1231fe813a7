//! The features of a rule set as a space: what each can be by its type, which are one word, what guards them.

use rustc_hash::FxHashMap;

use super::domain::Domain;
use super::place::{Ask, Input, Place};
use super::space::Space;
use super::texts::Texts;
use crate::instructions::Inst;
use crate::predicates::{Predicates, TermId};
use crate::types::TypeData;

/// The features by their terms.
pub(super) fn features(input: &Input<'_>, predicates: &Predicates) -> FxHashMap<TermId, u32> {
    let mut at = FxHashMap::default();
    for (index, feature) in predicates.features.iter().enumerate() {
        at.insert(feature.term, index as u32);
        at.entry(input.terms.strip(feature.term))
            .or_insert(index as u32);
    }
    at
}

/// The features of a rule set as a space.
pub(super) fn space(input: &Input<'_>, predicates: &Predicates, texts: &mut Texts) -> Space {
    let mut space = Space::default();
    let at = features(input, predicates);
    let mut tags: FxHashMap<TermId, u32> = FxHashMap::default();
    // Terms that read one place are one word, however they come to it.
    let mut places: FxHashMap<Place, u32> = FxHashMap::default();
    let mut domains: Vec<(Domain, u32)> = Vec::with_capacity(predicates.features.len());
    for (index, feature) in predicates.features.iter().enumerate() {
        let mut domain: Domain = input.domain(feature.term);
        domain.optional |= matches!(input.module.types.get(feature.ty), TypeData::Opt(_));
        let place = input.place(feature.term, &|_| None).filter(|p| p.exact);
        let same = place.map_or(index as u32, |p| *places.entry(p).or_insert(index as u32));
        if let Some((other, _)) = domains.get_mut(same as usize) {
            other.optional |= domain.optional;
        }
        domains.push((domain, same));
        if let Some(Inst::Tag { a }) = input.terms.inst(feature.term) {
            tags.insert(*a, index as u32);
        }
    }
    for (domain, same) in domains {
        let feature = space.add(domain, texts);
        space.get_mut(feature).same = same;
    }
    for (index, feature) in predicates.features.iter().enumerate() {
        let of = |ask: &Ask| match ask {
            Ask::Term(term) => at.get(term).copied(),
            Ask::Tag(term) => tags.get(term).copied(),
        };
        let guards = input.guards(feature.term, &of);
        space.get_mut(index as u32).guards = guards;
        if let Some((whole, level)) = input.captured(feature.term)
            && let Some(whole) = at.get(&whole).copied()
        {
            space.get_mut(index as u32).capture_of = Some((whole, level));
            space.get_mut(whole).captures.push((level, index as u32));
        }
    }
    space
}
