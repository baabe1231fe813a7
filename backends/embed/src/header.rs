//! The header that tells a C compiler what a program takes and gives.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use tollgate_runtime::schema::{Field, Schema, Type, TypeId};
use tollgate_runtime::{Arena, json};

use crate::contents::{Contents, EntryContents};
use crate::layout::{Layouts, Struct};

/// What every header begins with: the types and functions that no rules are needed for.
const COMMON: &str = include_str!("tollgate.h");

/// The header of a program. `source` is where its rules stand, for readers.
pub fn header(contents: &Contents, source: &str) -> String {
    let layouts = Layouts::new(&contents.schema);
    let mut header = Header {
        contents,
        schema: &contents.schema,
        layouts: &layouts,
        prefix: word(&contents.name),
        types: HashMap::new(),
        taken: HashSet::new(),
        known: HashMap::new(),
        out: String::new(),
    };
    header.write(&comment(source));
    header.out
}

/// The symbol that an object file of a program shows: the one that its header declares.
///
/// ```
/// assert_eq!(tollgate_embed::header::symbol("shop.gateway"), "shop_gateway_image");
/// ```
pub fn symbol(name: &str) -> String {
    format!("{}_image", word(name))
}

struct Header<'h> {
    contents: &'h Contents,
    schema: &'h Schema,
    layouts: &'h Layouts,
    /// What names begin with.
    prefix: String,
    /// What types that were declared are called.
    types: HashMap<TypeId, String>,
    /// Names that are in use.
    taken: HashSet<String>,
    /// Types without a name of their own, by how they are declared.
    known: HashMap<String, String>,
    out: String,
}

impl Header<'_> {
    fn write(&mut self, source: &str) {
        let (prefix, upper) = (self.prefix.clone(), self.prefix.to_uppercase());
        let version = &self.contents.version;
        let entries = &self.contents.entries;
        // What is called the same for every program is taken first, so that no type of the rules gets the name.
        for name in ["image", "program_load", "program_load_after"] {
            self.taken.insert(format!("{prefix}_{name}"));
        }
        for name in ["VERSION", "SCHEMA_HASH", "H"] {
            self.taken.insert(format!("{upper}_{name}"));
        }
        let named: Vec<(String, String)> = entries
            .iter()
            .map(|entry| {
                let name = word(&entry.name);
                let function = self.take(&format!("{prefix}_decide_{name}"));
                let number = self.take(&format!("{upper}_ENTRY_{}", name.to_uppercase()));
                (function, number)
            })
            .collect();
        self.line(format_args!("/* Made by tollgate {version} from {source}. Made again with every build: do not edit. */"));
        self.line(format_args!(
            "#ifndef {upper}_H\n#define {upper}_H\n\n{COMMON}"
        ));
        self.line(format_args!(
            "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n"
        ));
        self.line(format_args!("#define {upper}_VERSION \"{version}\""));
        let hash = self.contents.schema_hash();
        self.line(format_args!(
            "#define {upper}_SCHEMA_HASH UINT64_C(0x{hash:016x})\n"
        ));
        self.line(format_args!(
            "extern const tollgate_image {prefix}_image;\n"
        ));
        self.line(format_args!(
            "/* Makes the program; NULL, and tollgate_error() says why, where it and this header are of different versions. */\n\
             static inline tollgate_program *{prefix}_program_load(void)\n{{\n    \
             return tollgate_program_load(&{prefix}_image, {upper}_SCHEMA_HASH);\n}}\n"
        ));
        self.line(format_args!(
            "/* The same, to come after another program: states that both declare alike go on with what they hold. */\n\
             static inline tollgate_program *{prefix}_program_load_after(const tollgate_program *before)\n{{\n    \
             return tollgate_program_load_after(&{prefix}_image, {upper}_SCHEMA_HASH, before);\n}}\n"
        ));
        for (i, (entry, (function, number))) in entries.iter().zip(&named).enumerate() {
            self.entry(i, entry, function, number);
        }
        if !named.is_empty() {
            self.line(format_args!(
                "/* What can be decided, for tollgate_session_decide_json. */\nenum {{"
            ));
            for (i, (_, number)) in named.iter().enumerate() {
                self.line(format_args!("    {number} = {i},"));
            }
            self.line(format_args!("}};\n"));
        }
        self.line(format_args!(
            "#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {upper}_H */"
        ));
    }

    /// A function for an entry, and before it the types that it mentions.
    fn entry(&mut self, at: usize, entry: &EntryContents, function: &str, number: &str) {
        let params: Vec<(String, String, bool)> = entry
            .params
            .iter()
            .map(|(name, ty)| {
                let large = matches!(self.schema.get(*ty), Type::Record(_)) || self.is_rich(*ty);
                (field(name), self.c_type(*ty), large)
            })
            .collect();
        let result = self.c_type(entry.result);
        let own = |name: &str| match params.iter().any(|(param, ..)| param == name) {
            true => format!("{name}_of_tollgate"),
            false => name.to_owned(),
        };
        let (session, facts, value) = (own("session"), own("facts"), own("value"));
        let mut given = String::new();
        let mut pointers = Vec::new();
        for (name, ty, large) in &params {
            match large {
                true => given += &format!("const {ty} *{name}, "),
                false => given += &format!("{ty} {name}, "),
            }
            pointers.push(if *large {
                name.clone()
            } else {
                format!("&{name}")
            });
        }
        // C has no array of nothing.
        let pointers = match pointers.is_empty() {
            true => "NULL".to_owned(),
            false => pointers.join(", "),
        };
        self.line(format_args!(
            "/* Decides `{}`. What the value points at is good until the session decides again or ends. */\n\
             static inline tollgate_status {function}(tollgate_session *{session}, {given}{result} *{value})\n{{\n    \
             const void *const {facts}[] = {{ {pointers} }};\n    \
             return tollgate_session_decide({session}, {at} /* {number} */, {facts}, {value});\n}}\n",
            entry.name
        ));
    }

    fn is_rich(&self, ty: TypeId) -> bool {
        matches!(self.schema.get(ty), Type::Enum(index) if self.layouts.tagged(*index).payload > 0)
    }

    /// What C calls a type, which is declared before.
    fn c_type(&mut self, ty: TypeId) -> String {
        if let Some(name) = self.types.get(&ty) {
            return name.clone();
        }
        let name = match self.schema.get(ty).clone() {
            Type::Bool => "bool".into(),
            Type::Int { .. }
            | Type::Duration { .. }
            | Type::Instant
            | Type::Date
            | Type::Percent { .. }
            | Type::Money { .. } => "int64_t".into(),
            Type::Float => "double".into(),
            Type::Str { .. }
            | Type::Path
            | Type::Host
            | Type::HeaderName
            | Type::Zone
            | Type::Key => "tollgate_text".into(),
            Type::Bytes { .. } => "tollgate_bytes".into(),
            Type::Rate => "tollgate_rate".into(),
            Type::Ip => "tollgate_ip".into(),
            Type::Cidr => "tollgate_cidr".into(),
            Type::Values { .. } => "tollgate_texts".into(),
            Type::Opt(of) => {
                let of = self.c_type(of);
                let fields = format!("    bool present;\n    {of} value;\n");
                self.unnamed(&format!("optional_{}", self.plain(&of)), &fields)
            }
            Type::List { of, .. } | Type::Set { of, .. } => {
                let of = self.c_type(of);
                if of == "tollgate_text" {
                    "tollgate_texts".into()
                } else {
                    let fields = format!("    const {of} *ptr;\n    size_t len;\n");
                    self.unnamed(&format!("list_{}", self.plain(&of)), &fields)
                }
            }
            Type::Map { key, value, .. } => {
                let (key, value) = (self.c_type(key), self.c_type(value));
                let of = format!("{}_{}", self.plain(&key), self.plain(&value));
                let fields = format!("    {key} key;\n    {value} value;\n");
                let pair = self.unnamed(&format!("pair_{of}"), &fields);
                let fields = format!("    const {pair} *ptr;\n    size_t len;\n");
                self.unnamed(&format!("map_{of}"), &fields)
            }
            Type::Record(record) => self.record(record),
            Type::Enum(index) => self.choice(index),
        };
        self.types.insert(ty, name.clone());
        name
    }

    fn record(&mut self, record: u32) -> String {
        let declared = self.schema.records[record as usize].clone();
        let fields = self.fields(&declared.fields, "    ");
        let name = self.take(&format!("{}_{}", self.prefix, word(&declared.name)));
        let body = match fields.is_empty() {
            true => "    uint8_t nothing;\n".to_owned(),
            false => fields,
        };
        self.line(format_args!(
            "/* record {} */\ntypedef struct {name} {{\n{body}}} {name};",
            declared.name
        ));
        let laid = self.layouts.record(record).clone();
        self.assert_fields(&name, "", &declared.fields, &laid);
        self.assert_size(&name, laid.room.size);
        name
    }

    fn choice(&mut self, index: u32) -> String {
        let declared = self.schema.enums[index as usize].clone();
        let tagged = self.layouts.tagged(index).clone();
        let mut union = String::new();
        for variant in declared.variants.iter().filter(|v| !v.fields.is_empty()) {
            let fields = self.fields(&variant.fields, "            ");
            // Writing to a string cannot fail.
            let _ = write!(
                union,
                "        struct {{\n{fields}        }} {};\n",
                field(&variant.name)
            );
        }
        let name = self.take(&format!("{}_{}", self.prefix, word(&declared.name)));
        self.line(format_args!("/* enum {} */\nenum {{", declared.name));
        for (i, variant) in declared.variants.iter().enumerate() {
            let constant = format!(
                "{}_{}",
                name.to_uppercase(),
                word(&variant.name).to_uppercase()
            );
            let constant = self.take(&constant);
            self.line(format_args!("    {constant} = {i},"));
        }
        self.line(format_args!("}};"));
        if tagged.payload == 0 {
            self.line(format_args!("typedef uint32_t {name};\n"));
            return name;
        }
        self.line(format_args!(
            "typedef struct {name} {{\n    uint32_t tag;\n    union {{\n{union}    }} as;\n}} {name};"
        ));
        for (variant, laid) in declared.variants.iter().zip(&tagged.variants) {
            if let Some(laid) = laid {
                let mut laid = laid.clone();
                laid.offsets
                    .iter_mut()
                    .for_each(|offset| *offset += tagged.payload);
                let path = format!("as.{}.", field(&variant.name));
                self.assert_fields(&name, &path, &variant.fields, &laid);
            }
        }
        self.assert_size(&name, tagged.room.size);
        name
    }

    /// Fields of a struct, a line each, with what C's types do not say.
    fn fields(&mut self, fields: &[Field], indent: &str) -> String {
        let mut lines = String::new();
        for f in fields {
            let ty = self.c_type(f.ty);
            let mut said = self.said(f.ty);
            if let Some(default) = &f.default
                && self.is_text(f.ty)
            {
                let arena = Arena::new();
                let mut text = String::new();
                json::encode(self.schema, f.ty, default.word(&arena), &mut text);
                let told = format!("{said}; {text} where it is not given");
                said = comment(told.trim_start_matches("; "));
            }
            let said = match said.is_empty() {
                true => String::new(),
                false => format!(" /* {said} */"),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{indent}{ty} {};{said}", field(&f.name));
        }
        lines
    }

    fn is_text(&self, ty: TypeId) -> bool {
        matches!(
            self.schema.get(ty),
            Type::Str { .. } | Type::Path | Type::Host | Type::HeaderName | Type::Zone | Type::Key
        )
    }

    /// What a number counts, and what a text is.
    fn said(&self, ty: TypeId) -> String {
        match self.schema.get(ty) {
            Type::Int { lo, hi } => format!("{lo} .. {hi}"),
            Type::Duration { .. } => "microseconds".into(),
            Type::Instant => "microseconds since 1970".into(),
            Type::Date => "days since 1970-01-01".into(),
            Type::Percent { .. } => "billionths: 100% is 1000000000".into(),
            Type::Money { currency, .. } => {
                format!("{currency}, in units of 10^-{}", currency.decimals())
            }
            Type::Path => "a path".into(),
            Type::Host => "a host".into(),
            Type::HeaderName => "a header's name".into(),
            Type::Zone => "a time zone by its name".into(),
            Type::Key => "a key".into(),
            Type::Opt(of) => self.said(*of),
            _ => String::new(),
        }
    }

    /// A struct without a name in the rules: of one declaration there is one.
    fn unnamed(&mut self, name: &str, fields: &str) -> String {
        if let Some(name) = self.known.get(fields) {
            return name.clone();
        }
        let name = self.take(&format!("{}_{name}", self.prefix));
        self.line(format_args!(
            "typedef struct {name} {{\n{fields}}} {name};\n"
        ));
        self.known.insert(fields.to_owned(), name.clone());
        name
    }

    fn assert_fields(&mut self, name: &str, path: &str, fields: &[Field], laid: &Struct) {
        for (f, offset) in fields.iter().zip(&laid.offsets) {
            let f = field(&f.name);
            self.line(format_args!(
                "TOLLGATE_ASSERT(offsetof({name}, {path}{f}) == {offset});"
            ));
        }
    }

    fn assert_size(&mut self, name: &str, size: usize) {
        self.line(format_args!("TOLLGATE_ASSERT(sizeof({name}) == {size});\n"));
    }

    /// A type's name without what all names begin with.
    fn plain(&self, name: &str) -> String {
        let own = format!("{}_", self.prefix);
        let name = name
            .strip_prefix(&own)
            .or(name.strip_prefix("tollgate_"))
            .unwrap_or(name);
        name.strip_suffix("_t").unwrap_or(name).to_owned()
    }

    /// A name that is not in use: the one asked for, or that with a number behind it.
    fn take(&mut self, name: &str) -> String {
        let mut taken = name.to_owned();
        let mut n = 2;
        while !self.taken.insert(taken.clone()) {
            taken = format!("{name}_{n}");
            n += 1;
        }
        taken
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{line}");
    }
}

/// A name as C writes it: in lower case, its words joined by underscores.
fn word(name: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    match out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() {
        true => format!("_{out}"),
        false => out,
    }
}

/// Words by which C or C++, or a header that ours includes, mean something.
const RESERVED: &str = "\
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t \
    char32_t char8_t class co_await co_return co_yield compl concept const const_cast \
    consteval constexpr constinit continue decltype default delete do double dynamic_cast else \
    enum errno explicit export extern false float for friend goto if inline int linux long \
    mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected \
    public register reinterpret_cast requires restrict return short signed sizeof static \
    static_assert static_cast struct switch template this thread_local throw true try typedef \
    typeid typename typeof typeof_unqual union unix unsigned using virtual void volatile \
    wchar_t while xor xor_eq";

/// The name of a field or parameter: as it is, unless it is reserved. An underscore is put behind those, and behind what is one of them but for
/// underscores, so that `class` and `class_` stay two names.
fn field(name: &str) -> String {
    let plain = name.trim_end_matches('_');
    match RESERVED.split(' ').any(|word| word == plain) {
        true => format!("{name}_"),
        false => name.to_owned(),
    }
}

/// Text in a comment, which neither ends it nor seems to begin another.
fn comment(text: &str) -> String {
    text.replace("*/", "* /").replace("/*", "/ *")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_c() {
        assert_eq!(word("RateLimit"), "rate_limit");
        assert_eq!(word("shop.gateway"), "shop_gateway");
        assert_eq!(word("HTTP2x"), "http2x");
        assert_eq!(word("7up"), "_7up");
        assert_eq!(
            (field("class"), field("host")),
            ("class_".into(), "host".into())
        );
        assert_eq!(field("class_"), "class__");
        assert_eq!(field("xor_eq"), "xor_eq_");
        assert_eq!(field("host_"), "host_");
    }

    #[test]
    fn a_comment_ends_where_it_should() {
        assert_eq!(comment("a/*.rules, /*/ b*/"), "a/ *.rules, / * / b* /");
    }
}
