//! What stands beside the machine code in an object file, and in an artifact: the program as text, from which the runtime makes everything but
//! the code.

use serde::{Deserialize, Serialize};
use tollgate_ir::Legalized;
use tollgate_ir::module::{Decides, Entry, Module, Target};
use tollgate_ir::text::{parse, print_module};
use tollgate_ir::trace::Shape;
use tollgate_ir::verify::legal;
use tollgate_runtime::Native;
use tollgate_runtime::fnv::Fnv;
use tollgate_runtime::schema::{Schema, Type, TypeId};

/// The contents of an object file, as JSON.
///
/// The IR stands in it as its own text, functions and all: constants, patterns, natives and indexes come from it, and whoever is handed an
/// object can read what was compiled. What that text leaves out, the schema of the boundary, stands beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// What the program is called: what names in C begin with.
    pub name: String,
    /// The version of the compiler.
    pub version: String,
    /// How values look from outside.
    pub schema: Schema,
    /// What can be called, in the order of the module.
    pub entries: Vec<EntryContents>,
    /// The data that the host gives: the schema of each, in the order of the module.
    pub data: Vec<Option<TypeId>>,
    /// The text of the IR.
    pub ir: String,
}

/// An entry seen from outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryContents {
    /// Its name in the source.
    pub name: String,
    /// Names and types of the parameters.
    pub params: Vec<(String, TypeId)>,
    /// The type of the decision's value.
    pub result: TypeId,
    /// How many rules can decide.
    #[serde(with = "Written")]
    pub shape: Shape,
    /// The fields of the first parameter that are the decision's id and time, where a stream says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<(u32, u32)>,
}

/// A [`Shape`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Shape")]
enum Written {
    One,
    Many,
    Stages,
}

impl Contents {
    /// The contents for a program. There is a shape for each entry. Of states they have the names, and where they are asked: how they are kept
    /// is said beside ([`kept`](crate::kept)).
    pub fn new(name: &str, module: &Legalized, shapes: &[Shape]) -> Contents {
        let entry = |(entry, shape): (&Entry, &Shape)| EntryContents {
            name: entry.name.to_string(),
            params: entry
                .params
                .iter()
                .map(|(n, ty)| (n.to_string(), *ty))
                .collect(),
            result: entry.result,
            shape: *shape,
            inputs: entry.decides.inputs,
        };
        Contents {
            name: name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schema: module.schema.clone(),
            entries: module.entries.iter().zip(shapes).map(entry).collect(),
            data: module.data.values().map(|data| data.schema).collect(),
            ir: print_module(module),
        }
    }

    /// As bytes. Linear.
    ///
    /// # Errors
    /// Where the contents could not be read again: values that nest deeper than the reader of JSON goes.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let bytes = serde_json::to_vec(self).map_err(|e| e.to_string())?;
        // The only part of which JSON could ask too much is what nests.
        let schema = serde_json::to_vec(&self.schema).map_err(|e| e.to_string())?;
        serde_json::from_slice::<Schema>(&schema).map_err(|e| {
            format!("a default of the schema cannot be kept in an object file: {e}")
        })?;
        Ok(bytes)
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are no contents.
    pub fn read(bytes: &[u8]) -> Result<Contents, String> {
        let contents: Contents = serde_json::from_slice(bytes)
            .map_err(|e| format!("the contents cannot be read: {e}"))?;
        match contents.flaw() {
            Some(flaw) => Err(format!("the schema is damaged: {flaw}")),
            None => Ok(contents),
        }
    }

    /// What is wrong with the schema, or mentions a type that is not in it.
    fn flaw(&self) -> Option<String> {
        let of_entry = |entry: &EntryContents| {
            let params = entry.params.iter().map(|(_, ty)| *ty);
            params.chain([entry.result]).collect::<Vec<_>>()
        };
        let of_data = self.data.iter().flatten().copied();
        let mut mentioned = self.entries.iter().flat_map(of_entry).chain(of_data);
        self.schema.flaw().or_else(|| {
            let TypeId(unknown) = mentioned.find(|ty| ty.0 as usize >= self.schema.types.len())?;
            Some(format!(
                "an entry or data mentions type {unknown}, which does not exist"
            ))
        })
    }

    /// Whether fields of an entry's first parameter can be a decision's id and time.
    fn are_inputs(&self, entry: &EntryContents, id: u32, time: u32) -> bool {
        let Some((_, first)) = entry.params.first() else {
            return false;
        };
        let Type::Record(record) = self.schema.get(*first) else {
            return false;
        };
        let fields = &self.schema.records[*record as usize].fields;
        let ty = |at: u32| fields.get(at as usize).map(|f| self.schema.get(f.ty));
        matches!(ty(id), Some(Type::Str { .. })) && matches!(ty(time), Some(Type::Instant))
    }

    /// The program, verified, with the natives that its text may name. Linear in the text.
    ///
    /// # Errors
    /// When the text is no legal program or names a native that there is not.
    pub fn module(&self, natives: &[&'static Native]) -> Result<Legalized, String> {
        let parsed =
            parse(&self.ir, natives).map_err(|e| format!("the program is damaged: {e}"))?;
        let mut module: Module = parsed.module;
        let names = module.entries.iter().map(|entry| &*entry.name);
        let entries = names.eq(self.entries.iter().map(|entry| &*entry.name));
        if !entries || module.data.len() != self.data.len() {
            return Err(
                "the program is damaged: its entries or data are not those of its schema".into(),
            );
        }
        for (entry, from) in module.entries.iter_mut().zip(&self.entries) {
            let param = |(name, ty): &(String, TypeId)| (name.as_str().into(), *ty);
            entry.params = from.params.iter().map(param).collect();
            entry.result = from.result;
            let of_event = |(id, time)| self.are_inputs(from, id, time);
            if !from.inputs.is_none_or(of_event) {
                return Err(format!(
                    "the program is damaged: the event of `{}` has no such id and time",
                    from.name
                ));
            }
            entry.decides = Decides {
                inputs: from.inputs,
                ..entry.decides
            };
        }
        for (data, from) in module.data.values_mut().zip(&self.data) {
            data.schema = *from;
        }
        module.schema = self.schema.clone();
        let module = legal(module).map_err(|errors| {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            format!("the program is damaged: {first}")
        })?;
        // Text alone describes no parameters, so the verifier lets that be.
        let described = |entry: &&Entry| match entry.target {
            Target::Func(func) => entry.params.len() == module.funcs[func].params().len(),
            Target::Rules(_) => false,
        };
        match module.entries.iter().find(|entry| !described(entry)) {
            Some(entry) => Err(format!(
                "the program is damaged: the parameters of `{}` are not described",
                entry.name
            )),
            None => Ok(module),
        }
    }

    /// A number for everything that C sees of the program: types, entries, the names of data. Programs of one hash can take each
    /// other's place without compiling C again.
    ///
    /// ```
    /// use tollgate_embed::Contents;
    /// let contents = |name: &str| Contents {
    ///     name: name.into(), version: "1".into(), schema: Default::default(), entries: vec![], data: vec![], ir: String::new(),
    /// };
    /// assert_eq!(contents("a").schema_hash(), contents("a").schema_hash());
    /// assert_ne!(contents("a").schema_hash(), contents("b").schema_hash());
    /// ```
    pub fn schema_hash(&self) -> u64 {
        let seen = (&self.name, &self.schema, &self.entries, &self.data);
        // What is in memory can be written; should it not be, it is told from everything that can.
        let text = serde_json::to_vec(&seen).unwrap_or_default();
        Fnv::new().bytes(&text).get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IR: &str = "
data limits: int
func f(int) -> bool {
block0(v0: int):
    v1 = data limits
    v2 = icmp lt, v0, v1
    return v2
}
entry f = f
";

    fn contents() -> Contents {
        let mut schema = Schema::default();
        schema.add(Type::Bool);
        schema.add(Type::Int { lo: 0, hi: 9 });
        Contents {
            name: "f".into(),
            version: "1".into(),
            schema,
            entries: vec![EntryContents {
                name: "f".into(),
                params: vec![("n".into(), TypeId(1))],
                result: TypeId(0),
                shape: Shape::One,
                inputs: None,
            }],
            data: vec![Some(TypeId(1))],
            ir: IR.into(),
        }
    }

    /// What is said of changed contents, where they are read and where the program is made of them.
    fn refused(change: impl FnOnce(&mut Contents)) -> String {
        let mut contents = contents();
        change(&mut contents);
        let read = Contents::read(&contents.bytes().unwrap());
        let module = read.and_then(|contents| contents.module(&[]));
        module.err().unwrap_or_default()
    }

    #[test]
    fn contents_are_read_back_and_made_a_program() {
        assert_eq!(refused(|_| ()), "");
    }

    /// Whoever writes the checksum can write any number.
    #[test]
    fn a_type_that_the_schema_has_not_is_refused() {
        let why = "the schema is damaged: an entry or data mentions type 2, which does not exist";
        assert_eq!(refused(|c| c.entries[0].params[0].1 = TypeId(2)), why);
        assert_eq!(refused(|c| c.entries[0].result = TypeId(2)), why);
        assert_eq!(refused(|c| c.data[0] = Some(TypeId(2))), why);
    }

    /// Facts are asked for the fields by their numbers.
    #[test]
    fn an_id_and_a_time_are_those_of_an_event() {
        let why = "the program is damaged: the event of `f` has no such id and time";
        assert_eq!(refused(|c| c.entries[0].inputs = Some((0, 1))), why);
    }

    #[test]
    fn entries_and_data_are_those_of_the_program() {
        let why = "the program is damaged: its entries or data are not those of its schema";
        assert_eq!(refused(|c| c.entries.clear()), why);
        assert_eq!(refused(|c| c.data.push(None)), why);
        assert_eq!(refused(|c| c.entries[0].name = "g".into()), why);
        let more = refused(|c| c.entries[0].params.push(("m".into(), TypeId(1))));
        assert!(more.contains("2 parameters are described, not 1"), "{more}");
        let none = refused(|c| c.entries[0].params.clear());
        assert!(
            none.contains("the parameters of `f` are not described"),
            "{none}"
        );
    }
}
