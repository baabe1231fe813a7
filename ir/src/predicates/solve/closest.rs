//! The smallest change of an input that makes a rule match.
//!
//! The search is that for witnesses, over a space in which the simplest value of each feature is the one it has now: a value
//! is given up only where a test needs another, and then for one near it. It is asked with one change allowed, then two, and so on,
//! so that what it finds first changes the fewest features. The changed input goes through the boundary, and the interpreter says
//! whether the rule matches it.

use tollgate_runtime::{Arena, Cx, Value, Word};

use super::domain::Kind;
use super::draft::Draft;
use super::features::{features, space};
use super::findings::{LISTS, Subject};
use super::lay::Layer;
use super::monotone::rewritten;
use super::place::{Place, Root, Step};
use super::search::{Found, Search, Verdict};
use super::space::Space;
use super::texts::{Texts, distance};
use super::vary::variations;
use super::witness::{Given, Lab, Observed};
use crate::entities::SiteId;
use crate::instructions::Inst;
use crate::interp::Interp;
use crate::predicates::{Predicates, TermId};

/// Steps for one number of changes.
const STEPS: u64 = 20_000;
/// Most features that are changed.
const MOST_CHANGES: u32 = 8;
/// Changed inputs among which the nearest is chosen.
const MOST_CHOICES: usize = 6;

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Closest {
    /// An input that the rule matches.
    Found {
        /// All of it.
        given: Box<Given>,
        /// The sites that it marks.
        by: Vec<SiteId>,
    },
    /// No input does: a proof.
    Never,
    /// None was found.
    Unknown,
}

/// The smallest change of an input that makes a rule of the subject match. `of` is the rule's number among the subject's
/// predicates, which need not be those of all rules; `rule` its number in the rule set.
pub fn closest(subject: Subject<'_>, of: usize, rule: u32, given: &Given) -> Closest {
    let rewritten = rewritten(&subject.input(), subject.predicates);
    let subject = subject.by(rewritten.as_ref());
    let predicates = subject.predicates;
    let input = subject.input();
    let mut texts = Texts::default();
    let mut space = space(&input, predicates, &mut texts);
    let at = features(&input, predicates);
    let terms: Vec<TermId> = predicates.features.iter().map(|f| f.term).collect();
    let words = words(&subject, &terms, given);
    keep(&mut space, predicates, &words);
    let lab = Lab::new(input, subject.rules);
    let layer = Layer {
        input: &lab.input,
        predicates,
        space: &space,
        features: &at,
        costs: subject.costs,
        current: &|feature| words.get(feature as usize).cloned(),
        list: &|term| self::words(&subject, &[term], given).pop(),
        depth: LISTS,
    };
    let observe = |draft: Draft| lab.matching(draft, rule, given);
    let formula = &predicates.rules[of];
    let mut search = |changes: u32, most: usize| {
        let mut seen: Vec<Observed> = Vec::new();
        let mut search = Search::new(&space, &mut texts, STEPS);
        search.changes = changes;
        let outcome = search.run([(formula, true)], &mut |search| {
            seen.extend(observe(layer.draft(search, &[], true)));
            match seen.len() < most {
                true => Verdict::Reject,
                false => Verdict::Accept,
            }
        });
        let nearest = seen.into_iter().min_by_key(|o| apart(given, &o.given));
        (outcome, nearest)
    };
    let found = |observed: Observed| Closest::Found {
        given: Box::new(observed.given),
        by: observed.by,
    };
    for changes in 1..=MOST_CHANGES {
        if let (_, Some(observed)) = search(changes, MOST_CHOICES) {
            return found(observed);
        }
        // What the search cannot look into is perhaps answered by another value in one place.
        if changes == 1
            && let Some(observed) = beside(&lab, given, &observe)
        {
            return found(observed);
        }
    }
    match search(u32::MAX, 1) {
        (_, Some(observed)) => found(observed),
        (Found::No, None) => Closest::Never,
        (Found::Yes | Found::Unknown, None) => Closest::Unknown,
    }
}

/// The words that terms have now.
fn words(subject: &Subject<'_>, of: &[TermId], given: &Given) -> Vec<Value> {
    let interp = Interp::new(subject.module);
    let arena = Arena::new();
    let args: Vec<Word<'_>> = given.params.iter().map(|v| v.word(&arena)).collect();
    let data: Vec<Word<'_>> = given.data.iter().map(|v| v.word(&arena)).collect();
    let mut cx = Cx::new(&arena, &given.id, given.time);
    cx.data = &data;
    let terms = &subject.predicates.terms;
    let words = terms.words(&interp, of, &mut cx, &args);
    words.into_iter().map(Value::of).collect()
}

/// Makes the words of now the ones that are kept, where a feature is there and can have them.
fn keep(space: &mut Space, predicates: &Predicates, words: &[Value]) {
    for (feature, word) in (0..).zip(words) {
        let of = space.get(feature);
        let there = of.guards.iter().all(|guard| {
            let word = &words[guard.feature as usize];
            super::domain::holds(&guard.test, word) == guard.want
        });
        let fits = match (&of.domain.kind, word) {
            (_, Value::None) => of.domain.optional,
            (Kind::Bool, Value::Bool(_)) | (Kind::Text(_), Value::Str(_)) => true,
            (Kind::Int(lo, hi), Value::Int(v)) => lo <= v && v <= hi,
            (Kind::Ip, Value::Ip(_)) | (Kind::Among { .. }, _) => true,
            _ => false,
        };
        if there && fits {
            // Variants have numbers, and one that is near is not more like another: the first in the source will do.
            let term = predicates.features[feature as usize].term;
            let near = !matches!(predicates.terms.inst(term), Some(Inst::Tag { .. }));
            space.keep(feature, word.clone(), near);
        }
    }
}

/// The nearest input that differs in one place and that the rule matches. A number is brought as near as halving the way to it
/// brings it.
fn beside(
    lab: &Lab<'_>,
    given: &Given,
    observe: &dyn Fn(Draft) -> Option<Observed>,
) -> Option<Observed> {
    let with = |place: &Place, value: Value| {
        let mut draft = Draft {
            changes: true,
            ..Draft::default()
        };
        draft.node(place.clone()).whole = Some(value);
        observe(draft)
    };
    let changed = variations(&lab.input, given, false).into_iter();
    let changed = changed.filter_map(|(place, value)| {
        let observed = with(&place, value.clone())?;
        Some((observed, place, value))
    });
    let (mut nearest, place, value) = changed.min_by_key(|(o, ..)| apart(given, &o.given))?;
    let now = under(given, &place);
    if let (Some(Value::Int(now)), Value::Int(mut far)) = (now, value) {
        let mut near = *now;
        while near.abs_diff(far) > 1 {
            let middle = ((i128::from(near) + i128::from(far)) / 2) as i64;
            match with(&place, Value::Int(middle)) {
                Some(observed) => (nearest, far) = (observed, middle),
                None => near = middle,
            }
        }
    }
    Some(nearest)
}

/// What stands at a place of the parameters.
fn under<'g>(given: &'g Given, place: &Place) -> Option<&'g Value> {
    let Root::Param(n) = place.root else {
        return None;
    };
    let mut at = given.params.get(n as usize)?;
    for step in &place.steps {
        at = match (step, at) {
            (Step::Field(n) | Step::Item(n), Value::Seq(of)) => of.get(*n as usize)?,
            (Step::Payload(tag, n), Value::Variant(of, fields)) if tag == of => {
                fields.get(*n as usize)?
            }
            (Step::Key(key), Value::Seq(pairs)) => {
                let mut pairs = pairs.as_chunks::<2>().0.iter();
                &pairs.find(|[k, _]| k == key)?[1]
            }
            _ => return None,
        };
    }
    Some(at)
}

/// How far two inputs are apart: in how many places, and how far there.
fn apart(a: &Given, b: &Given) -> (usize, u64) {
    let mut sum = (0, 0);
    let pairs = a
        .params
        .iter()
        .zip(&b.params)
        .chain(a.data.iter().zip(&b.data));
    pairs.for_each(|(a, b)| add(a, b, &mut sum));
    sum.0 += usize::from(a.id != b.id) + usize::from(a.time != b.time);
    sum
}

fn add(a: &Value, b: &Value, sum: &mut (usize, u64)) {
    if a == b {
        return;
    }
    match (a, b) {
        (Value::Seq(a), Value::Seq(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| add(a, b, sum));
            return;
        }
        (Value::Variant(s, a), Value::Variant(t, b)) if s == t => {
            a.iter().zip(b).for_each(|(a, b)| add(a, b, sum));
            return;
        }
        _ => {}
    }
    let far = match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.abs_diff(*b),
        (Value::Str(a), Value::Str(b)) => distance(a, b) as u64,
        (Value::Seq(a), Value::Seq(b)) => a.len().abs_diff(b.len()) as u64,
        _ => 1,
    };
    *sum = (sum.0 + 1, sum.1.saturating_add(far));
}
