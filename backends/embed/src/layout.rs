//! How C lays out the values of a program.
//!
//! | language type | C type | bytes |
//! |---|---|---|
//! | `Bool` | `bool` | 1 |
//! | `Int`, `Duration` and `Instant` (microseconds), `Date` (days), `Percent` (billionths), `Money` (minor units) | `int64_t` | 8 |
//! | `Float` | `double` | 8 |
//! | text of every kind: `String` `Path` `Host` `HeaderName` `Key`, zones | `tollgate_text`: pointer, length | 16 |
//! | `Bytes` | `tollgate_bytes`: pointer, length | 16 |
//! | `Rate` | `tollgate_rate`: count, microseconds | 16 |
//! | `Ip` | `tollgate_ip`: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d` | 16 |
//! | `Cidr` | `tollgate_cidr`: an address, and how many of its 128 leading bits count | 17 |
//! | `T?` | `bool present`, then the `T` | |
//! | `[T]`, `{T}`, `Values` | pointer to the elements, length | 16 |
//! | `Map<K, V>` | pointer to pairs of key and value, length | 16 |
//! | records | their fields in order; one without fields is a byte | |
//! | enums of variants without fields | `uint32_t`, the variant's index | 4 |
//! | other enums | `uint32_t tag`, then a union with a struct for each variant that has fields | |
//!
//! Each is aligned as its largest part, and as long as a whole number of alignments: the layout of C on every machine of 64 bits that
//! objects are made for.

use tollgate_runtime::schema::{Field, Schema, Type, TypeId};

/// How much room a C type takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// Bytes.
    pub size: usize,
    /// What its address is a multiple of.
    pub align: usize,
}

/// A C struct.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Struct {
    /// Where each field begins.
    pub offsets: Vec<usize>,
    /// All of it.
    pub room: Room,
}

/// A C struct of a key, with which it begins, and a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    /// Where the value begins.
    pub value: usize,
    /// All of it.
    pub room: Room,
}

/// A C type for an enum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tagged {
    /// The struct of each variant's fields, where it has some.
    pub variants: Vec<Option<Struct>>,
    /// Where the union begins; 0 where there is none, because no variant has fields.
    pub payload: usize,
    /// All of it.
    pub room: Room,
}

/// The layout of every type of a schema.
///
/// ```
/// use tollgate_embed::Layouts;
/// use tollgate_runtime::schema::{Schema, Type};
/// let mut schema = Schema::default();
/// let int = schema.add(Type::Int { lo: 0, hi: 9 });
/// let maybe = schema.add(Type::Opt(int));
/// let layouts = Layouts::new(&schema);
/// assert_eq!(layouts.room(maybe).size, 16);
/// assert_eq!(layouts.of_optional(int), 8);
/// ```
#[derive(Clone, Debug)]
pub struct Layouts {
    rooms: Vec<Option<Room>>,
    records: Vec<Option<Struct>>,
    enums: Vec<Option<Tagged>>,
}

const BYTE: Room = Room { size: 1, align: 1 };
const TAG: Room = Room { size: 4, align: 4 };
const NUMBER: Room = Room { size: 8, align: 8 };
const TEXT: Room = Room { size: 16, align: 8 };
const IP: Room = Room { size: 16, align: 1 };
const CIDR: Room = Room { size: 17, align: 1 };

impl Layouts {
    /// Of a schema without flaw. Linear in it.
    pub fn new(schema: &Schema) -> Layouts {
        let mut layouts = Layouts {
            rooms: vec![None; schema.types.len()],
            records: vec![None; schema.records.len()],
            enums: vec![None; schema.enums.len()],
        };
        for i in 0..schema.types.len() {
            layouts.lay(schema, TypeId(i as u32));
        }
        layouts
    }

    /// How much room a type takes.
    pub fn room(&self, ty: TypeId) -> Room {
        self.rooms[ty.0 as usize].unwrap_or(BYTE)
    }

    /// The struct of a record that a type is.
    pub fn record(&self, record: u32) -> &Struct {
        self.records[record as usize]
            .as_ref()
            .unwrap_or_else(|| tollgate_ir::bug!("record {record} is no type of the schema"))
    }

    /// The type of an enum that a type is.
    pub fn tagged(&self, index: u32) -> &Tagged {
        self.enums[index as usize]
            .as_ref()
            .unwrap_or_else(|| tollgate_ir::bug!("enum {index} is no type of the schema"))
    }

    /// Where the value of a `T?` begins.
    pub fn of_optional(&self, of: TypeId) -> usize {
        self.room(of).align
    }

    /// The pair of key and value that a map has. Allocates nothing.
    pub fn pair(&self, key: TypeId, value: TypeId) -> Pair {
        let (key, value) = (self.room(key), self.room(value));
        let begin = key.size.next_multiple_of(value.align);
        let align = key.align.max(value.align);
        let room = Room {
            size: (begin + value.size).next_multiple_of(align),
            align,
        };
        Pair { value: begin, room }
    }

    fn lay(&mut self, schema: &Schema, ty: TypeId) -> Room {
        if let Some(room) = self.rooms[ty.0 as usize] {
            return room;
        }
        let room = match schema.get(ty) {
            Type::Bool => BYTE,
            Type::Int { .. }
            | Type::Float
            | Type::Duration { .. }
            | Type::Instant
            | Type::Date
            | Type::Percent { .. }
            | Type::Money { .. } => NUMBER,
            Type::Str { .. }
            | Type::Path
            | Type::Host
            | Type::HeaderName
            | Type::Zone
            | Type::Key
            | Type::Bytes { .. }
            | Type::Rate
            | Type::Values { .. } => TEXT,
            Type::Ip => IP,
            Type::Cidr => CIDR,
            Type::Opt(of) => {
                let of = self.lay(schema, *of);
                laid([BYTE, of]).room
            }
            Type::List { of, .. } | Type::Set { of, .. } => {
                self.lay(schema, *of);
                TEXT
            }
            Type::Map { key, value, .. } => {
                self.lay(schema, *key);
                self.lay(schema, *value);
                TEXT
            }
            Type::Record(record) => {
                let laid = self.fields(schema, &schema.records[*record as usize].fields);
                let room = laid.room;
                self.records[*record as usize] = Some(laid);
                room
            }
            Type::Enum(index) => {
                let tagged = self.variants(schema, *index);
                let room = tagged.room;
                self.enums[*index as usize] = Some(tagged);
                room
            }
        };
        self.rooms[ty.0 as usize] = Some(room);
        room
    }

    fn fields(&mut self, schema: &Schema, fields: &[Field]) -> Struct {
        laid(fields.iter().map(|field| self.lay(schema, field.ty)))
    }

    fn variants(&mut self, schema: &Schema, index: u32) -> Tagged {
        let variants = &schema.enums[index as usize].variants;
        let variants: Vec<Option<Struct>> = variants
            .iter()
            .map(|v| (!v.fields.is_empty()).then(|| self.fields(schema, &v.fields)))
            .collect();
        let rooms = || variants.iter().flatten().map(|v| v.room);
        let Some(align) = rooms().map(|room| room.align).max() else {
            return Tagged {
                variants,
                payload: 0,
                room: TAG,
            };
        };
        let size = rooms().map(|room| room.size).max().unwrap_or(0);
        let union = Room {
            size: size.next_multiple_of(align),
            align,
        };
        let whole = laid([TAG, union]);
        Tagged {
            payload: whole.offsets[1],
            room: whole.room,
            variants,
        }
    }
}

/// A struct of fields that take so much room.
fn laid(fields: impl IntoIterator<Item = Room>) -> Struct {
    let (mut end, mut align) = (0usize, 1);
    let mut offsets = Vec::new();
    for field in fields {
        let begin = end.next_multiple_of(field.align);
        offsets.push(begin);
        end = begin + field.size;
        align = align.max(field.align);
    }
    Struct {
        offsets,
        room: Room {
            // A struct without fields is a byte, for C has none.
            size: end.next_multiple_of(align).max(1),
            align,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tollgate_runtime::schema::{Boundary, Enum, Record, Variant};

    use super::*;

    #[repr(C)]
    struct Client {
        ip: [u8; 16],
        secure: bool,
        port: i64,
        agent: (*const u8, usize),
        network: [u8; 17],
        present: bool,
    }

    fn field(name: &str, ty: TypeId) -> Field {
        Field {
            name: Arc::from(name),
            ty,
            default: None,
        }
    }

    /// What Rust says of `repr(C)` is what C does.
    #[test]
    fn a_record_is_laid_out_as_c_does() {
        let mut schema = Schema::default();
        let (ip, bool, cidr) = (
            schema.add(Type::Ip),
            schema.add(Type::Bool),
            schema.add(Type::Cidr),
        );
        let (path, int) = (
            schema.add(Type::Path),
            schema.add(Type::Int { lo: 0, hi: 1 }),
        );
        let fields = [
            ("ip", ip),
            ("secure", bool),
            ("port", int),
            ("agent", path),
            ("network", cidr),
            ("present", bool),
        ];
        schema.records.push(Record {
            name: "Client".into(),
            fields: fields.map(|(name, ty)| field(name, ty)).into(),
            boundary: Boundary::default(),
        });
        let client = schema.add(Type::Record(0));
        let layouts = Layouts::new(&schema);
        let expected = [
            std::mem::offset_of!(Client, ip),
            std::mem::offset_of!(Client, secure),
            std::mem::offset_of!(Client, port),
            std::mem::offset_of!(Client, agent),
            std::mem::offset_of!(Client, network),
            std::mem::offset_of!(Client, present),
        ];
        assert_eq!(layouts.record(0).offsets, expected);
        let room = layouts.room(client);
        assert_eq!(
            (room.size, room.align),
            (size_of::<Client>(), align_of::<Client>())
        );
    }

    #[test]
    fn an_enum_is_a_number_until_a_variant_has_fields() {
        let mut schema = Schema::default();
        let bool = schema.add(Type::Bool);
        let int = schema.add(Type::Int { lo: 0, hi: 1 });
        let variant = |name: &str, fields: Vec<Field>| Variant {
            name: name.into(),
            fields,
        };
        let plain = vec![variant("a", vec![]), variant("b", vec![])];
        let rich = vec![
            variant("a", vec![]),
            variant("b", vec![field("x", bool)]),
            variant("c", vec![field("x", bool), field("y", int)]),
        ];
        for variants in [plain, rich] {
            schema.enums.push(Enum {
                name: "E".into(),
                tag: None,
                variants,
            });
        }
        let (plain, rich) = (schema.add(Type::Enum(0)), schema.add(Type::Enum(1)));
        let layouts = Layouts::new(&schema);
        let pair = layouts.pair(bool, rich);
        assert_eq!((pair.value, pair.room), (8, Room { size: 32, align: 8 }));
        assert_eq!(layouts.pair(rich, bool).room, pair.room);
        assert_eq!(layouts.room(plain), Room { size: 4, align: 4 });
        assert_eq!(layouts.room(rich), Room { size: 24, align: 8 });
        assert_eq!(layouts.tagged(1).payload, 8);
        assert_eq!(layouts.tagged(1).variants[0], None);
    }
}
