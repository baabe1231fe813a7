//! Where in the input a term reads, as far as it only reads.

use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Test};
use tollgate_runtime::pattern::{Pattern, Segment};
use tollgate_runtime::schema::{Field, Schema, Type, TypeId};

use super::domain::{Domain, Form, Kind, Text};
use crate::instructions::Inst;
use crate::module::Module;
use crate::predicates::{TermId, Terms};
use crate::types::TypeData;

/// What a decision is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Root {
    Param(u32),
    Data(u32),
    Id,
    Time,
}

/// A step into a value. What an optional holds is the same place as the optional.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Step {
    Field(u32),
    Payload(u32, u32),
    Key(Value),
    Item(u32),
}

/// A place in the input.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) steps: Vec<Step>,
    /// Whether the term is the word at the place, and not computed from it in a way that usually leaves it as it is.
    pub(super) exact: bool,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Type(TypeId),
    /// One value of a header or a query parameter, of at most so many bytes.
    Value(u32),
}

/// A program, the rule set's parameters, and the terms of its conditions.
#[derive(Clone, Copy)]
pub(super) struct Input<'m> {
    pub(super) module: &'m Module,
    pub(super) schema: &'m Schema,
    pub(super) data: &'m [TypeId],
    pub(super) params: &'m [Field],
    /// Instead of `params`: what stands for each, where functions of an element are looked at and not a rule set.
    pub(super) elements: Option<&'m [Option<At>]>,
    pub(super) terms: &'m Terms,
}

impl Input<'_> {
    /// The place that a term reads. For the value of a map, the word at the place may be absent; `key` gives the value of a key
    /// that is no constant.
    pub(super) fn place(
        &self,
        term: TermId,
        key: &dyn Fn(TermId) -> Option<Value>,
    ) -> Option<Place> {
        let mut steps = Vec::new();
        let mut exact = true;
        let mut at = term;
        let root = loop {
            match self.terms.inst(at) {
                None => break Root::Param(self.terms.param(at)?),
                Some(Inst::Data { data }) => break Root::Data(data.0),
                Some(Inst::DecisionId {}) => break Root::Id,
                Some(Inst::DecisionTime {}) => break Root::Time,
                Some(Inst::Unwrap { a } | Inst::Some { a }) => at = *a,
                Some(Inst::Field { a, index }) => {
                    steps.push(Step::Field(index.0));
                    at = *a;
                }
                Some(Inst::Payload { a, tag, index }) => {
                    steps.push(Step::Payload(tag.0, index.0));
                    at = *a;
                }
                Some(Inst::Lookup { a, key: of }) => {
                    let constant = self.terms.value(self.module, *of);
                    let value = constant.map_or_else(|| key(*of), |v| Some(v.into_owned()));
                    steps.push(Step::Key(value?));
                    at = *a;
                }
                Some(Inst::Get { a, index }) => {
                    let index = self.terms.value(self.module, *index)?;
                    let Value::Int(index) = *index else {
                        return None;
                    };
                    steps.push(Step::Item(u32::try_from(index).ok()?));
                    at = *a;
                }
                Some(Inst::UnwrapOr { a, .. }) => {
                    exact = false;
                    at = *a;
                }
                Some(Inst::Select { a, b, .. }) => {
                    exact = false;
                    let constant = self.terms.value(self.module, *a).is_some();
                    at = if constant { *b } else { *a };
                }
                Some(Inst::Native { args, .. }) if args.len() == 1 => {
                    exact = false;
                    at = args[0];
                }
                Some(_) => return None,
            }
        };
        steps.reverse();
        Some(Place { root, steps, exact })
    }

    /// What stands where a parameter or data begins.
    pub(super) fn root(&self, root: Root) -> Option<At> {
        let given = |ty: Option<TypeId>| ty.map(At::Type);
        match root {
            Root::Param(n) => match self.elements {
                Some(elements) => *elements.get(n as usize)?,
                None => given(self.params.get(n as usize).map(|p| p.ty)),
            },
            Root::Data(n) => given(self.data.get(n as usize).copied()),
            Root::Id | Root::Time => None,
        }
    }

    /// What stands at the end of some steps from a type.
    pub(super) fn step(&self, at: At, step: &Step) -> Option<At> {
        let At::Type(ty) = at else { return None };
        let ty = match self.schema.get(ty) {
            Type::Opt(of) => self.schema.get(*of),
            ty => ty,
        };
        Some(match (ty, step) {
            (Type::Record(id), Step::Field(n)) => {
                let record = self.schema.records.get(*id as usize)?;
                At::Type(record.fields.get(*n as usize)?.ty)
            }
            (Type::Enum(id), Step::Payload(tag, n)) => {
                let variant = self
                    .schema
                    .enums
                    .get(*id as usize)?
                    .variants
                    .get(*tag as usize)?;
                At::Type(variant.fields.get(*n as usize)?.ty)
            }
            (Type::Map { value, .. }, Step::Key(_)) => At::Type(*value),
            (Type::List { of, .. }, Step::Item(_)) => At::Type(*of),
            (Type::Values { max_bytes, .. }, Step::Item(_)) => At::Value(*max_bytes),
            _ => return None,
        })
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: &Place) -> Option<At> {
        let root = self.root(place.root)?;
        place
            .steps
            .iter()
            .try_fold(root, |at, step| self.step(at, step))
    }

    /// The values that a term can have.
    pub(super) fn domain(&self, term: TermId) -> Domain {
        let plain = Domain::of_type(&self.module.types, self.terms.ty(term));
        let ints = |hi: i64| Domain {
            optional: false,
            kind: Kind::Int(0, hi),
        };
        match self.terms.inst(term) {
            Some(Inst::Tag { a }) => match self.module.types.get(self.terms.ty(*a)) {
                TypeData::Enum(id) => {
                    let variants = self.module.types.enums[id].variants.len();
                    return ints(variants as i64 - 1);
                }
                _ => return plain,
            },
            Some(Inst::Len { .. }) => return ints(u32::MAX.into()),
            _ => {}
        }
        let Some(place) = self.place(term, &|_| Some(Value::None)).filter(|p| p.exact) else {
            return plain;
        };
        let Some(at) = self.at(&place) else {
            return plain;
        };
        let found = match at {
            At::Type(ty) => Domain::of_schema(self.schema, ty),
            At::Value(max) => Domain {
                optional: false,
                kind: Kind::Text(Text {
                    form: Form::Any,
                    max,
                    matching: None,
                }),
            },
        };
        // What a map or list holds may be missing; so may what an optional holds, which is the same word.
        let missing = matches!(place.steps.last(), Some(Step::Key(_) | Step::Item(_)));
        Domain {
            optional: found.optional || plain.optional || missing,
            kind: found.kind,
        }
    }

    /// What must hold for a term to be there, as far as the features ask it: (feature, test).
    pub(super) fn guards(&self, term: TermId, feature: &dyn Fn(&Ask) -> Option<u32>) -> Vec<Atom> {
        let mut guards = Vec::new();
        let mut at = term;
        while let Some(inst) = self.terms.inst(at) {
            let (below, ask, test) = match inst {
                Inst::Unwrap { a } | Inst::Some { a } => {
                    at = *a;
                    continue;
                }
                Inst::Field { a, .. } => {
                    let whole = self.terms.strip(*a);
                    (whole, Ask::Term(whole), Test::Present)
                }
                Inst::Payload { a, tag, .. } => {
                    let whole = self.terms.strip(*a);
                    (whole, Ask::Tag(*a), Test::int(tag.0.into()))
                }
                Inst::PathCapture { a, pattern, .. } => {
                    let pattern = self.module.patterns[*pattern].clone();
                    let whole = self.terms.strip(*a);
                    (whole, Ask::Term(whole), Test::Matches(pattern))
                }
                _ => break,
            };
            let optional = !matches!(inst, Inst::Field { .. })
                || matches!(
                    self.module.types.get(self.terms.ty(below)),
                    TypeData::Opt(_)
                );
            if optional && let Some(feature) = feature(&ask) {
                guards.push(Atom {
                    feature,
                    want: true,
                    test,
                });
            }
            at = below;
        }
        guards.reverse();
        guards
    }

    /// The path of which a term is a segment, and which segment.
    pub(super) fn captured(&self, term: TermId) -> Option<(TermId, usize)> {
        let Some(Inst::PathCapture { a, pattern, index }) = self.terms.inst(term) else {
            return None;
        };
        let Pattern::Path(path) = &self.module.patterns[*pattern] else {
            return None;
        };
        let wanted = Segment::Capture(index.0 as usize);
        let level = path.segments().iter().position(|s| *s == wanted)?;
        Some((self.terms.strip(*a), level))
    }
}

/// What a guard asks about.
pub(super) enum Ask {
    Term(TermId),
    /// The variant of a term.
    Tag(TermId),
}
