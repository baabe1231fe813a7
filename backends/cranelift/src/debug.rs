//! Where code comes from, for debuggers and profilers: line tables in DWARF (version 5), which say of each function and of the code where a rule
//! has decided which line of which rule file it is.

use std::collections::HashMap;

use cranelift_object::ObjectProduct;
use gimli::write::{
    Address, AttributeValue, Dwarf, EndianVec, FileId, LineProgram, LineString, Range, RangeList,
    RelocateWriter, Relocation, RelocationTarget, Sections, Unit,
};
use gimli::{
    DW_AT_comp_dir, DW_AT_decl_file, DW_AT_decl_line, DW_AT_high_pc, DW_AT_language, DW_AT_low_pc,
    DW_AT_name, DW_AT_producer, DW_AT_ranges, DW_LANG_C99, DW_TAG_subprogram, Encoding, Format,
    LineEncoding, LittleEndian, SectionId,
};
use object::write::{self, SymbolId};
use object::{RelocationEncoding, RelocationFlags, RelocationKind, SectionKind};
use tollgate_backend_api::Lines;

use crate::object::Made;

const ENCODING: Encoding = Encoding {
    format: Format::Dwarf32,
    version: 5,
    address_size: 8,
};

/// A section being written, and what a linker has to fill in.
#[derive(Clone)]
struct Bytes {
    bytes: EndianVec<LittleEndian>,
    relocations: Vec<Relocation>,
}

/// Adds the line tables of some functions to an object. Linear.
pub(crate) fn describe(
    product: &mut ObjectProduct,
    lines: &Lines,
    made: &[Made],
) -> Result<(), String> {
    let known: Vec<&Made> = made.iter().filter(|made| !made.rows.is_empty()).collect();
    if known.is_empty() {
        return Ok(());
    }
    let symbols: Vec<SymbolId> = known
        .iter()
        .map(|m| product.function_symbol(m.number))
        .collect();
    let mut dwarf = Dwarf::new();
    let unit = unit(&mut dwarf, lines, &known);
    dwarf.units.add(unit);
    let empty = Bytes {
        bytes: EndianVec::new(LittleEndian),
        relocations: Vec::new(),
    };
    let mut sections = Sections::new(empty);
    dwarf.write(&mut sections).map_err(|e| e.to_string())?;
    add(&mut product.object, &sections, &symbols)
}

/// The unit of a program: its line table, and an entry for each function.
fn unit(dwarf: &mut Dwarf, lines: &Lines, known: &[&Made]) -> Unit {
    let main = lines.main().as_bytes();
    let text = |at: usize| lines.files.get(at).map_or("rules", |name| name).as_bytes();
    let folder = std::env::current_dir().unwrap_or_default();
    let folder = folder.to_string_lossy().into_owned().into_bytes();
    let string = |bytes: &[u8]| LineString::String(bytes.into());
    let mut table = LineProgram::new(
        ENCODING,
        LineEncoding::default(),
        string(&folder),
        None,
        string(main),
        None,
    );
    let here = table.default_directory();
    let mut files: HashMap<u32, FileId> = HashMap::new();
    let mut ranges = Vec::new();
    for (i, made) in known.iter().enumerate() {
        table.begin_sequence(Some(start(i)));
        for (at, line) in &made.rows {
            let file = *files
                .entry(line.file)
                .or_insert_with(|| table.add_file(string(text(line.file as usize)), here, None));
            let row = table.row();
            row.address_offset = u64::from(*at);
            row.file = file;
            row.line = u64::from(line.line);
            table.generate_row();
        }
        table.end_sequence(u64::from(made.bytes));
        ranges.push(Range::StartLength {
            begin: start(i),
            length: u64::from(made.bytes),
        });
    }
    let mut unit = Unit::new(ENCODING, table);
    let ranges = unit.ranges.add(RangeList(ranges));
    let mut string = |text: &[u8]| AttributeValue::StringRef(dwarf.strings.add(text));
    let producer = format!("tollgate {}", env!("CARGO_PKG_VERSION"));
    let root = unit.root();
    let about = [
        (DW_AT_producer, string(producer.as_bytes())),
        (DW_AT_name, string(main)),
        (DW_AT_comp_dir, string(&folder)),
        // Debuggers know no language of rules; of what they know, this says least.
        (DW_AT_language, AttributeValue::Language(DW_LANG_C99)),
        (DW_AT_low_pc, AttributeValue::Address(Address::Constant(0))),
        (DW_AT_ranges, AttributeValue::RangeListRef(ranges)),
    ];
    for (name, value) in about {
        unit.get_mut(root).set(name, value);
    }
    for (i, made) in known.iter().enumerate() {
        let line = made.rows[0].1;
        let function = unit.add(root, DW_TAG_subprogram);
        let mut about = vec![
            (DW_AT_name, string(made.name.as_bytes())),
            (DW_AT_low_pc, AttributeValue::Address(start(i))),
            (DW_AT_high_pc, AttributeValue::Udata(made.bytes.into())),
            (DW_AT_decl_line, AttributeValue::Udata(line.line.into())),
        ];
        if let Some(file) = files.get(&line.file) {
            about.push((DW_AT_decl_file, AttributeValue::FileIndex(Some(*file))));
        }
        for (name, value) in about {
            unit.get_mut(function).set(name, value);
        }
    }
    unit
}

/// Where the code of a function begins.
fn start(function: usize) -> Address {
    Address::Symbol {
        symbol: function,
        addend: 0,
    }
}

/// Puts sections into an object.
fn add(
    object: &mut write::Object<'_>,
    sections: &Sections<Bytes>,
    functions: &[SymbolId],
) -> Result<(), String> {
    let mut placed: HashMap<SectionId, write::SectionId> = HashMap::new();
    sections.for_each(|id, section| {
        if !section.bytes.slice().is_empty() {
            let kind = match id {
                SectionId::DebugStr | SectionId::DebugLineStr => SectionKind::DebugString,
                _ => SectionKind::Debug,
            };
            let at = object.add_section(Vec::new(), id.name().into(), kind);
            object.set_section_data(at, section.bytes.slice().to_vec(), 1);
            placed.insert(id, at);
        }
        Ok::<(), String>(())
    })?;
    sections.for_each(|id, section| {
        let Some(at) = placed.get(&id).copied() else {
            return Ok(());
        };
        for relocation in &section.relocations {
            let symbol = match relocation.target {
                RelocationTarget::Symbol(function) => functions[function],
                RelocationTarget::Section(other) => match placed.get(&other) {
                    Some(other) => object.section_symbol(*other),
                    None => continue,
                },
            };
            let flags = RelocationFlags::Generic {
                kind: RelocationKind::Absolute,
                encoding: RelocationEncoding::Generic,
                size: relocation.size * 8,
            };
            let relocation = write::Relocation {
                offset: relocation.offset as u64,
                symbol,
                addend: relocation.addend,
                flags,
            };
            object
                .add_relocation(at, relocation)
                .map_err(|e| e.to_string())?;
        }
        Ok(())
    })
}

impl RelocateWriter for Bytes {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}
