//! How large values of a type can get by their type alone. Without a limit, forty records of which each has the one before
//! it twice are a value of 2^40 parts, which the engines would have to compare and write part by part.

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::Name;
use tollgate_grammar::source::Span;

use crate::check::{Checker, Def, ModuleId};
use crate::diagnostics::catalog::limits;
use crate::hir::{EnumId, Field, RecordId};
use crate::types::ty::Ty;

/// Most parts of a value, each list, set and map counted as if it had [`ELEMENTS`].
const PARTS_MAX: u64 = 65_536;
/// More than one, so that lists of lists of lists come to an end as well; far fewer than their bounds, which few reach.
const ELEMENTS: u64 = 4;
/// How deep types may nest: far less than in the IR, which counts optionals as well.
const DEPTH_MAX: u32 = 64;

/// The sizes of the types defined so far.
#[derive(Default)]
pub(crate) struct Sizes {
    records: FxHashMap<RecordId, Size>,
    enums: FxHashMap<EnumId, Size>,
}

/// The size of one type.
#[derive(Clone, Copy)]
struct Size {
    parts: u64,
    depth: u32,
}

const LEAF: Size = Size { parts: 1, depth: 0 };

/// Measures a record whose fields are defined. One that is too large is reported and means nothing from then on.
pub(super) fn record(checker: &mut Checker<'_>, module: ModuleId, name: &Name, id: RecordId) {
    let size = checker.sizes.fields(&checker.program.records[id].fields);
    let size = named(checker, module, name, size);
    checker.sizes.records.insert(id, size);
}

/// As [`record`], of an enum: its largest variant.
pub(super) fn enumeration(checker: &mut Checker<'_>, module: ModuleId, name: &Name, id: EnumId) {
    let variants = checker.program.enums[id].variants.iter();
    let sizes = variants.map(|variant| checker.sizes.fields(&variant.fields));
    let size = sizes.fold(LEAF, |a, b| Size {
        parts: a.parts.max(b.parts),
        depth: a.depth.max(b.depth),
    });
    let size = named(checker, module, name, size);
    checker.sizes.enums.insert(id, size);
}

/// A list, set or map as it is written, all of whose parts were measured: itself, or an error where it is too large.
pub(super) fn collection(checker: &mut Checker<'_>, ty: Ty, span: Span) -> Ty {
    let size = checker.sizes.of(&ty);
    if judge(checker, "this type", size, span) {
        ty
    } else {
        Ty::Error
    }
}

fn named(checker: &mut Checker<'_>, module: ModuleId, name: &Name, size: Size) -> Size {
    if judge(checker, &format!("`{name}`"), size, name.span) {
        return size;
    }
    checker.redefine(module, name, Def::Error);
    LEAF
}

/// Whether a size is within the limits; if not, that is reported.
fn judge(checker: &mut Checker<'_>, what: &str, size: Size, span: Span) -> bool {
    let found = if size.depth > DEPTH_MAX {
        limits::type_too_deep(what, DEPTH_MAX)
    } else if size.parts > PARTS_MAX {
        limits::type_too_large(what, PARTS_MAX)
    } else {
        return true;
    };
    let found = found.at(span, "types nested in each other become too large here");
    checker.sink.emit(found);
    false
}

impl Sizes {
    fn fields(&self, fields: &[Field]) -> Size {
        let sizes = fields.iter().map(|field| self.of(&field.ty));
        let whole = sizes.fold(LEAF, |a, b| Size {
            parts: a.parts.saturating_add(b.parts),
            depth: a.depth.max(b.depth),
        });
        Size {
            depth: whole.depth + 1,
            ..whole
        }
    }

    fn of(&self, ty: &Ty) -> Size {
        let part = |sizes: Option<&Size>| sizes.copied().unwrap_or(LEAF);
        match ty {
            Ty::Record(id) => part(self.records.get(id)),
            Ty::Enum(id) => part(self.enums.get(id)),
            Ty::Opt(of) => self.of(of),
            Ty::List(of, _) | Ty::Set(of, _) => {
                let of = self.of(of);
                Size {
                    parts: of.parts.saturating_mul(ELEMENTS).saturating_add(1),
                    depth: of.depth + 1,
                }
            }
            Ty::Map(key, value, _) => {
                let (key, value) = (self.of(key), self.of(value));
                Size {
                    parts: key
                        .parts
                        .saturating_add(value.parts)
                        .saturating_mul(ELEMENTS)
                        .saturating_add(1),
                    depth: key.depth.max(value.depth) + 1,
                }
            }
            _ => LEAF,
        }
    }
}
