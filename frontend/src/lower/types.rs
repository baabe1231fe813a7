//! Types of the checker as types of the IR: bounds, units and refinements go, what a word looks like stays.

use rustc_hash::FxHashSet;
use tollgate_ir::bug;
use tollgate_ir::entities::IndexVec;
use tollgate_ir::types::{
    EnumData, FieldData, RecordData, Type, TypeData, Types as IrTypes, VariantData,
};

use crate::hir::{EnumId, Field, Program, RecordId};
use crate::types::ty::Ty;

/// The IR types of a program's records and enums.
#[derive(Debug, Default)]
pub(super) struct TypeMap {
    records: IndexVec<RecordId, Type>,
    enums: IndexVec<EnumId, Type>,
}

impl TypeMap {
    /// Declares all records and enums. Names are those of the source, with their module where two would clash.
    pub(super) fn new(program: &Program, types: &mut IrTypes) -> TypeMap {
        let mut map = TypeMap::default();
        let clashing = clashing_names(program);
        let name = |name: &str, module: &str| -> Box<str> {
            if clashing.contains(name) {
                format!("{module}.{name}").into()
            } else {
                name.into()
            }
        };
        for record in program.records.values() {
            let id = types.records.push(RecordData {
                name: name(&record.name, &record.module),
                fields: Vec::new(),
            });
            map.records.push(types.intern(TypeData::Record(id)));
        }
        for item in program.enums.values() {
            let id = types.enums.push(EnumData {
                name: name(&item.name, &item.module),
                variants: Vec::new(),
            });
            map.enums.push(types.intern(TypeData::Enum(id)));
        }
        for (id, record) in program.records.iter() {
            let fields = map.fields(types, &record.fields);
            if let TypeData::Record(ir) = types.get(map.records[id]) {
                types.records[ir].fields = fields;
            }
        }
        for (id, item) in program.enums.iter() {
            let variants = item.variants.iter().map(|v| VariantData {
                name: (&*v.name).into(),
                fields: map.fields(types, &v.fields),
            });
            let variants = variants.collect();
            if let TypeData::Enum(ir) = types.get(map.enums[id]) {
                types.enums[ir].variants = variants;
            }
        }
        map
    }

    /// The IR type of a type. The type of `none` alone becomes an optional of anything, that of `[]` alone a list of
    /// anything: where they are used, the type wanted there is known and taken instead.
    pub(super) fn get(&self, types: &mut IrTypes, ty: &Ty) -> Type {
        match ty {
            Ty::Error => bug!("a program with errors is lowered"),
            Ty::Bool => Type::BOOL,
            Ty::Num(..) => Type::INT,
            Ty::Float => Type::FLOAT,
            Ty::Str { .. } | Ty::Path | Ty::Host | Ty::HeaderName | Ty::Zone | Ty::Key => Type::STR,
            Ty::Bytes { .. } => Type::BYTES,
            Ty::Rate => types.list(Type::INT),
            Ty::Ip => Type::IP,
            Ty::Cidr => Type::CIDR,
            Ty::Values { .. } => types.list(Type::STR),
            Ty::None => types.opt(Type::INT),
            Ty::Empty => types.list(Type::INT),
            Ty::Opt(of) => {
                let of = self.get(types, of);
                types.opt(of)
            }
            Ty::List(of, _) => {
                let of = self.get(types, of);
                types.list(of)
            }
            Ty::Set(of, _) => {
                let of = self.get(types, of);
                types.intern(TypeData::Set(of))
            }
            Ty::Map(key, value, _) => {
                let (key, value) = (self.get(types, key), self.get(types, value));
                types.intern(TypeData::Map(key, value))
            }
            Ty::Record(id) => self.records[*id],
            Ty::Enum(id) => self.enums[*id],
        }
    }

    /// The IR type of a record.
    pub(super) fn record(&self, id: RecordId) -> Type {
        self.records[id]
    }

    /// The IR type of an enum.
    pub(super) fn enumeration(&self, id: EnumId) -> Type {
        self.enums[id]
    }

    fn fields(&self, types: &mut IrTypes, fields: &[Field]) -> Vec<FieldData> {
        let field = |f: &Field| FieldData {
            name: (&*f.name).into(),
            ty: self.get(types, &f.ty),
        };
        fields.iter().map(field).collect()
    }
}

/// The names that more than one record or enum has.
fn clashing_names(program: &Program) -> FxHashSet<&str> {
    let records = program.records.values().map(|r| &*r.name);
    let enums = program.enums.values().map(|e| &*e.name);
    let mut seen = FxHashSet::default();
    records.chain(enums).filter(|n| !seen.insert(*n)).collect()
}
