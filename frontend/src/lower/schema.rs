//! Types of the checker as the boundary sees them: everything that is needed to let a value in and write it out again.

use rustc_hash::FxHashMap;
use tollgate_ir::bug;
use tollgate_runtime::schema::{
    Boundary, Enum, Field, Record, Refinement, Schema, Type, TypeId, Variant,
};

use crate::hir::{self, Program};
use crate::types::ty::{Interval, Ty, Unit};

/// Builds the schema of a program. Records and enums have the indices they have in the program.
pub(crate) struct SchemaBuilder<'h> {
    program: &'h Program,
    schema: Schema,
    /// Types by what they are and by the two limits of the contract around them.
    known: FxHashMap<(Ty, u32, u32), TypeId>,
}

impl<'h> SchemaBuilder<'h> {
    /// The records and enums of a program.
    pub(crate) fn new(program: &'h Program) -> SchemaBuilder<'h> {
        let mut builder = SchemaBuilder {
            program,
            schema: Schema::default(),
            known: FxHashMap::default(),
        };
        for record in program.records.values() {
            let fields = builder.fields(&record.fields, &record.boundary);
            builder.schema.records.push(Record {
                name: record.name.clone(),
                fields,
                boundary: record.boundary.clone(),
            });
        }
        for item in program.enums.values() {
            let boundary = Boundary::default();
            let variants = item.variants.iter().map(|v| Variant {
                name: v.name.clone(),
                fields: builder.fields(&v.fields, &boundary),
            });
            let variants = variants.collect();
            builder.schema.enums.push(Enum {
                name: item.name.clone(),
                tag: item.tag.clone(),
                variants,
            });
        }
        builder
    }

    /// The description of a type.
    pub(crate) fn get(&mut self, ty: &Ty) -> TypeId {
        self.within(ty, &Boundary::default())
    }

    /// All of it.
    pub(crate) fn finish(self) -> Schema {
        self.schema
    }

    fn fields(&mut self, fields: &[hir::Field], boundary: &Boundary) -> Vec<Field> {
        let field = |f: &hir::Field| Field {
            name: f.name.clone(),
            ty: self.within(&f.ty, boundary),
            default: f.default.clone(),
        };
        fields.iter().map(field).collect()
    }

    /// The description of a type that stands in a record with this contract.
    fn within(&mut self, ty: &Ty, boundary: &Boundary) -> TypeId {
        let key = (ty.clone(), boundary.header_values, boundary.header_bytes);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let described = self.describe(ty, boundary);
        let id = self.schema.add(described);
        self.known.insert(key, id);
        id
    }

    fn describe(&mut self, ty: &Ty, boundary: &Boundary) -> Type {
        match ty {
            Ty::Error => bug!("a program with errors is lowered"),
            Ty::Bool => Type::Bool,
            Ty::Num(unit, interval) => number(*unit, *interval),
            Ty::Float => Type::Float,
            Ty::Str { max, refined } => Type::Str {
                max: *max,
                matching: refined.map(|id| {
                    let refinement = &self.program.refinements[id];
                    Refinement {
                        name: refinement.name.clone(),
                        regex: refinement.regex.clone(),
                    }
                }),
            },
            Ty::Bytes { max } => Type::Bytes { max: *max },
            Ty::Rate => Type::Rate,
            Ty::Ip => Type::Ip,
            Ty::Cidr => Type::Cidr,
            Ty::Path => Type::Path,
            Ty::Host => Type::Host,
            Ty::HeaderName => Type::HeaderName,
            Ty::Zone => Type::Zone,
            Ty::Key => Type::Key,
            Ty::Values { max } => Type::Values {
                max: (*max).min(boundary.header_values),
                max_bytes: boundary.header_bytes,
            },
            // Only `none` and `[]` themselves have these types; any element type describes them.
            Ty::None => Type::Opt(self.within(&Ty::Bool, boundary)),
            Ty::Empty => Type::List {
                of: self.within(&Ty::Bool, boundary),
                max: 0,
            },
            Ty::Opt(of) => Type::Opt(self.within(of, boundary)),
            Ty::List(of, max) => Type::List {
                of: self.within(of, boundary),
                max: *max,
            },
            Ty::Set(of, max) => Type::Set {
                of: self.within(of, boundary),
                max: *max,
            },
            Ty::Map(key, value, max) => Type::Map {
                key: self.within(key, boundary),
                value: self.within(value, boundary),
                max: *max,
            },
            Ty::Record(id) => Type::Record(id.0),
            Ty::Enum(id) => Type::Enum(id.0),
        }
    }
}

fn number(unit: Unit, interval: Interval) -> Type {
    // A declared type fits; the type of a test's subject may be wider than any declared one.
    let bound = |v: i128| v.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    let (lo, hi) = (bound(interval.lo), bound(interval.hi));
    match unit {
        Unit::One => Type::Int { lo, hi },
        Unit::Duration => Type::Duration { lo, hi },
        Unit::Instant => Type::Instant,
        Unit::Date => Type::Date,
        Unit::Percent => Type::Percent { lo, hi },
        Unit::Money(currency) => Type::Money { currency, lo, hi },
    }
}
