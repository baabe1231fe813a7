//! How a search gets the words of features: which stand in the record that most are about, which are kept, which are read each time.

use super::code::{Subject, way};
use super::feature::{Base, Feature, Read};
use super::test::Formula;

/// A search keeps the words of features that are read in place up to so many: reading one again costs little more.
const KEPT_IN_PLACE_MAX: usize = 32;

/// The features of an index, as a search reads them.
#[derive(Debug)]
pub(super) struct Subjects {
    /// By feature.
    of: Vec<Subject>,
    /// The parameter whose fields are read without a detour: the one that most atoms ask about.
    pub(super) main: u32,
    /// How the others are read: first those that are kept, which are all that are computed and asked for more than once.
    pub(super) reads: Vec<Read>,
    /// How many are kept.
    pub(super) kept: u32,
}

impl Subjects {
    pub(super) fn new(features: &[Feature], conditions: &[Formula]) -> Subjects {
        let mut asked = vec![0u32; features.len()];
        for condition in conditions {
            condition.atoms(&mut |atom| {
                if let Some(asked) = asked.get_mut(atom.feature as usize) {
                    *asked = asked.saturating_add(1);
                }
            });
        }
        let main = main(features, &asked);
        let direct = |feature: &Feature| match feature {
            Feature::Path {
                base: Base::Param(param),
                steps,
                tag,
            } if *param == main => match steps[..] {
                [step] if step < Subject::MAX => {
                    let way = if *tag { way::TAG } else { way::FIELD };
                    Some(Subject::new(way, step))
                }
                _ => None,
            },
            _ => None,
        };
        let computed = |feature: &Feature| matches!(feature, Feature::Computed(_));
        let mut of: Vec<Option<Subject>> = features.iter().map(direct).collect();
        let mut reads = Vec::new();
        // In three sweeps: kept in place, kept because dear, all others.
        for sweep in 0..3 {
            for (i, feature) in features.iter().enumerate() {
                if of[i].is_some() {
                    continue;
                }
                let (way, now) = match sweep {
                    0 => (
                        way::KEPT,
                        asked[i] > 1 && !computed(feature) && reads.len() < KEPT_IN_PLACE_MAX,
                    ),
                    1 => (way::KEPT, asked[i] > 1 && computed(feature)),
                    _ => (way::READ, true),
                };
                if now {
                    of[i] = Some(Subject::new(way, reads.len() as u32));
                    reads.push(Read::new(feature));
                }
            }
        }
        let is_kept = |s: &&Option<Subject>| s.is_some_and(|s| s.way() == way::KEPT);
        let kept = of.iter().filter(is_kept).count() as u32;
        let nothing = Subject::new(way::READ, reads.len() as u32);
        Subjects {
            of: of.into_iter().map(|s| s.unwrap_or(nothing)).collect(),
            main,
            reads,
            kept,
        }
    }

    /// The subject of a feature. What is no feature is read as an absent word, like a path that leads nowhere.
    pub(super) fn of(&self, feature: u32) -> Subject {
        let none = Subject::new(way::READ, self.reads.len() as u32);
        self.of.get(feature as usize).copied().unwrap_or(none)
    }

    /// The function that computes a subject, if one does.
    pub(super) fn function(&self, subject: Subject) -> Option<u32> {
        match subject.way() {
            way::KEPT | way::READ => self.reads.get(subject.number() as usize)?.function(),
            _ => None,
        }
    }

    /// The features by their subjects, for drawing.
    pub(super) fn features(&self) -> impl Iterator<Item = (Subject, u32)> {
        self.of.iter().copied().zip(0..)
    }

    /// Bytes of memory held.
    pub(super) fn heap(&self) -> usize {
        size_of_val(&self.of[..]) + size_of_val(&self.reads[..])
    }
}

/// The parameter whose own fields are asked about most.
fn main(features: &[Feature], asked: &[u32]) -> u32 {
    let mut times: Vec<u64> = Vec::new();
    for (feature, asked) in features.iter().zip(asked) {
        if let Feature::Path {
            base: Base::Param(param),
            steps,
            ..
        } = feature
            && steps.len() == 1
            && *param < Subject::MAX
        {
            let len = times.len().max(*param as usize + 1);
            times.resize(len, 0);
            times[*param as usize] += u64::from(*asked);
        }
    }
    let most = (0..)
        .zip(times)
        .max_by_key(|(param, times)| (*times, std::cmp::Reverse(*param)));
    most.map_or(0, |(param, _)| param)
}
