//! How the values of each type are held in registers, and where their parts lie in a word.

use tollgate_ir::types::{Type, TypeData, Types};

use crate::layout::{DANGLING, FIRST, SECOND, SMALL, VARIANT, tag};

/// What a register holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Eight bits; a truth value is 0 or 1.
    Flag,
    /// Thirty-two bits: the number of a variant, or of something in the program.
    Id,
    /// Sixty-four bits.
    Int,
    /// A float of 64 bits.
    Float,
    /// An address, 64 bits.
    Pointer,
}

/// A part of a value: what kind of register it takes, and where it lies in the value's word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// The register.
    pub kind: Kind,
    /// Bytes from the beginning of the word; parts of addresses are not aligned.
    pub offset: i32,
}

/// How values of a type are held.
///
/// ```
/// use tollgate_ir::types::{Type, Types};
/// use tollgate_native_abi::{Kind, Repr};
/// let mut types = Types::default();
/// let text = types.opt(Type::STR);
/// let kinds: Vec<Kind> = Repr::new(&types, text).kinds().collect();
/// assert_eq!(kinds, [Kind::Flag, Kind::Pointer, Kind::Int]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repr {
    /// Whether a flag stands before the parts: 1 if the value is present.
    pub optional: bool,
    /// The rest.
    pub shape: Shape,
}

/// The shape of a value that is present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `str`
    Str,
    /// `bytes`
    Bytes,
    /// `ip`
    Ip,
    /// `cidr`
    Cidr,
    /// A list, set or map.
    Seq,
    /// A record of so many fields.
    Record(u32),
    /// An enum of which no variant has a payload.
    Plain,
    /// Any other enum.
    Variant,
}

/// A field of a word that is the same for every value of a shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fixed {
    /// The register to store.
    pub kind: Kind,
    /// Bytes from the beginning of the word.
    pub offset: i32,
    /// What to store.
    pub value: i64,
}

macro_rules! parts {
    ($($kind:ident @ $offset:expr),*) => {
        &[$(Part { kind: Kind::$kind, offset: $offset }),*]
    };
}

impl Repr {
    /// How values of the type are held. The type is one of a verified module.
    pub fn new(types: &Types, ty: Type) -> Repr {
        let shape = match types.get(ty) {
            TypeData::Bool => Shape::Bool,
            TypeData::Int => Shape::Int,
            TypeData::Float => Shape::Float,
            TypeData::Str => Shape::Str,
            TypeData::Bytes => Shape::Bytes,
            TypeData::Ip => Shape::Ip,
            TypeData::Cidr => Shape::Cidr,
            TypeData::List(_) | TypeData::Set(_) | TypeData::Map(..) => Shape::Seq,
            TypeData::Record(id) => Shape::Record(types.records[id].fields.len() as u32),
            TypeData::Enum(id) => {
                let mut variants = types.enums[id].variants.iter();
                match variants.all(|v| v.fields.is_empty()) {
                    true => Shape::Plain,
                    false => Shape::Variant,
                }
            }
            // Optionals do not nest, so this recurses once.
            TypeData::Opt(of) => {
                return Repr {
                    optional: true,
                    ..Repr::new(types, of)
                };
            }
        };
        Repr {
            optional: false,
            shape,
        }
    }

    /// The registers of a value, in order.
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        let flag = self.optional.then_some(Kind::Flag);
        flag.into_iter()
            .chain(self.shape.parts().iter().map(|p| p.kind))
    }

    /// How many registers a value takes.
    pub fn count(self) -> usize {
        usize::from(self.optional) + self.shape.parts().len()
    }
}

impl Shape {
    /// The tag of its words.
    pub fn tag(self) -> u8 {
        match self {
            Shape::Bool => tag::BOOL,
            Shape::Int => tag::INT,
            Shape::Float => tag::FLOAT,
            Shape::Str => tag::STR,
            Shape::Bytes => tag::BYTES,
            Shape::Ip => tag::IP,
            Shape::Cidr => tag::CIDR,
            Shape::Seq | Shape::Record(_) => tag::SEQ,
            Shape::Plain | Shape::Variant => tag::VARIANT,
        }
    }

    /// The parts, in order.
    pub fn parts(self) -> &'static [Part] {
        match self {
            Shape::Bool => parts![Flag @ SMALL],
            Shape::Int => parts![Int @ FIRST],
            Shape::Float => parts![Float @ FIRST],
            Shape::Str | Shape::Bytes | Shape::Seq => parts![Pointer @ FIRST, Int @ SECOND],
            Shape::Ip => parts![Int @ SMALL, Int @ SMALL + 8],
            Shape::Cidr => parts![Int @ SMALL, Int @ SMALL + 8, Flag @ SMALL + 16],
            Shape::Record(_) => parts![Pointer @ FIRST],
            Shape::Plain => parts![Id @ VARIANT],
            Shape::Variant => parts![Id @ VARIANT, Pointer @ FIRST, Int @ SECOND],
        }
    }

    /// What a word of this shape has beside its tag and its parts.
    pub fn fixed(self) -> &'static [Fixed] {
        const EMPTY: &[Fixed] = &[
            Fixed {
                kind: Kind::Pointer,
                offset: FIRST,
                value: DANGLING,
            },
            Fixed {
                kind: Kind::Int,
                offset: SECOND,
                value: 0,
            },
        ];
        match self {
            Shape::Plain => EMPTY,
            _ => &[],
        }
    }

    /// For a record, how many words it has: what is stored as its length, and the least that a word must have to be read as one.
    pub fn fields(self) -> Option<u32> {
        match self {
            Shape::Record(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether the zero of the shape points at [`Context::zeros`](crate::Context::zeros), and not at nothing.
    pub fn zero_is_read(self) -> bool {
        matches!(self, Shape::Record(fields) if fields > 0)
    }
}
