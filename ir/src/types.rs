//! The types of the IR: what a word looks like at run time, not what it means to an author.
//!
//! A `Duration`, an `Instant`, `Money` and an `Int` are all `int`; a `Path` and a `String` are both `str`.
//! Ranges, currencies and refinements were settled by the checker and are gone.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::entities::{EnumId, IndexVec, RecordId};
use crate::text::{Name, SCALARS};

/// A type, interned in [`Types`]; equal types have equal handles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Type(pub u32);

impl Type {
    /// A truth value.
    pub const BOOL: Type = Type(0);
    /// A 64-bit integer.
    pub const INT: Type = Type(1);
    /// A finite float.
    pub const FLOAT: Type = Type(2);
    /// Text.
    pub const STR: Type = Type(3);
    /// Bytes.
    pub const BYTES: Type = Type(4);
    /// An address.
    pub const IP: Type = Type(5);
    /// A network.
    pub const CIDR: Type = Type(6);
}

/// What a [`Type`] stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TypeData {
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
    /// `T?`; never of another optional.
    Opt(Type),
    /// `[T]`
    List(Type),
    /// `{T}`, sorted and distinct
    Set(Type),
    /// `{K: V}`
    Map(Type, Type),
    /// A record, by name.
    Record(RecordId),
    /// An enum, by name.
    Enum(EnumId),
}

/// A field of a record or variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldData {
    /// For readers of the text form.
    pub name: Box<str>,
    /// Its type.
    pub ty: Type,
}

/// A record type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordData {
    /// Unique among records and enums.
    pub name: Box<str>,
    /// In order; a word holds one element a field.
    pub fields: Vec<FieldData>,
}

/// A variant of an enum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VariantData {
    /// Its name.
    pub name: Box<str>,
    /// Its payload, in order.
    pub fields: Vec<FieldData>,
}

/// An enum type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnumData {
    /// Unique among records and enums.
    pub name: Box<str>,
    /// In order; a word's tag is the index here.
    pub variants: Vec<VariantData>,
}

/// All types of a module.
#[derive(Clone, Debug)]
pub struct Types {
    data: Vec<TypeData>,
    interned: FxHashMap<TypeData, Type>,
    /// Record types.
    pub records: IndexVec<RecordId, RecordData>,
    /// Enum types.
    pub enums: IndexVec<EnumId, EnumData>,
}

impl Default for Types {
    fn default() -> Self {
        let mut types = Types {
            data: Vec::new(),
            interned: FxHashMap::default(),
            records: IndexVec::new(),
            enums: IndexVec::new(),
        };
        use TypeData::*;
        // In the order of the constants of `Type`.
        for data in [Bool, Int, Float, Str, Bytes, Ip, Cidr] {
            types.intern(data);
        }
        types
    }
}

impl Types {
    /// The handle of a type.
    pub fn intern(&mut self, data: TypeData) -> Type {
        *self.interned.entry(data).or_insert_with(|| {
            self.data.push(data);
            Type(self.data.len() as u32 - 1)
        })
    }

    /// What a handle stands for.
    #[inline]
    pub fn get(&self, ty: Type) -> TypeData {
        self.data[ty.0 as usize]
    }

    /// The handle of a type if it was interned before.
    pub fn find(&self, data: TypeData) -> Option<Type> {
        self.interned.get(&data).copied()
    }

    /// `T?`
    pub fn opt(&mut self, of: Type) -> Type {
        self.intern(TypeData::Opt(of))
    }

    /// `[T]`
    pub fn list(&mut self, of: Type) -> Type {
        self.intern(TypeData::List(of))
    }

    /// How many types there are; handles are below it.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Never: the scalar types are always there.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether a handle is one of these types.
    pub fn has(&self, ty: Type) -> bool {
        (ty.0 as usize) < self.data.len()
    }

    /// A type as the text form writes it.
    pub fn display(&self, ty: Type) -> TypeDisplay<'_> {
        TypeDisplay { types: self, ty }
    }

    /// The element type of an optional, list or set.
    pub fn element(&self, ty: Type) -> Option<Type> {
        match self.get(ty) {
            TypeData::Opt(of) | TypeData::List(of) | TypeData::Set(of) => Some(of),
            _ => None,
        }
    }
}

/// A type as the text form writes it; see [`Types::display`].
#[derive(Clone, Copy, Debug)]
pub struct TypeDisplay<'t> {
    types: &'t Types,
    ty: Type,
}

impl fmt::Display for TypeDisplay<'_> {
    /// A type refers only to types that were interned before it, so the recursion ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |ty| self.types.display(ty);
        if !self.types.has(self.ty) {
            return write!(f, "type#{}", self.ty.0);
        }
        match self.types.get(self.ty) {
            TypeData::Bool => f.write_str("bool"),
            TypeData::Int => f.write_str("int"),
            TypeData::Float => f.write_str("float"),
            TypeData::Str => f.write_str("str"),
            TypeData::Bytes => f.write_str("bytes"),
            TypeData::Ip => f.write_str("ip"),
            TypeData::Cidr => f.write_str("cidr"),
            TypeData::Opt(t) => write!(f, "{}?", of(t)),
            TypeData::List(t) => write!(f, "[{}]", of(t)),
            TypeData::Set(t) => write!(f, "{{{}}}", of(t)),
            TypeData::Map(k, v) => write!(f, "{{{}: {}}}", of(k), of(v)),
            TypeData::Record(id) => match self.types.records.get(id) {
                Some(record) => write_name(f, &record.name),
                None => write!(f, "{id}"),
            },
            TypeData::Enum(id) => match self.types.enums.get(id) {
                Some(data) => write_name(f, &data.name),
                None => write!(f, "{id}"),
            },
        }
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if SCALARS.contains(&name) {
        return write!(f, "{name:?}");
    }
    write!(f, "{}", Name(name))
}
