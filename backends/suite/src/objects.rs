//! Object files: that they stand alone, say where their code comes from, and decide as the interpreter does once they are linked.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use gimli::{EndianSlice, LittleEndian, SectionId};
use libloading::Library;
use object::{
    Architecture, File, Object, ObjectSection, ObjectSymbol, RelocationKind, RelocationTarget,
    Symbol,
};
use tollgate_backend_api::{Backend, Line, Lines, ObjectSpec};
use tollgate_ir::Legalized;
use tollgate_ir::entities::{FuncId, IndexVec, InstId, SiteId};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::Func;
use tollgate_native_abi::object::{ABI, Image, place};

use crate::{Rng, agree};

/// The one symbol of the objects that are made here.
const SYMBOL: &str = "suite_image";
const FILES: [&str; 2] = ["main.rules", "other.rules"];

/// The machines that objects are made for.
const TARGETS: [(&str, Architecture); 2] = [
    ("x86_64-unknown-linux-gnu", Architecture::X86_64),
    ("aarch64-unknown-linux-gnu", Architecture::Aarch64),
];

/// Makes objects of a module for every machine, and holds them to what `tollgate_native_abi::object` says: one symbol, none of another file, an
/// image, and a line for each function and each mark.
///
/// # Panics
/// When it is not so.
pub fn stand_alone(backend: &dyn Backend, module: &Legalized) {
    let lines = lines(module);
    for (target, architecture) in TARGETS {
        let spec = spec(&lines, Some(target), None);
        let bytes = backend
            .object(module, &spec)
            .unwrap_or_else(|e| panic!("{target}: {e}"));
        let file = File::parse(&*bytes).unwrap_or_else(|e| panic!("{target}: {e}"));
        assert_eq!(file.architecture(), architecture);
        let named = |s: &Symbol<'_, '_>| s.name().is_ok_and(|name| !name.is_empty());
        let seen = file.symbols().filter(|s| s.is_undefined() || s.is_global());
        let seen: Vec<&str> = seen.filter(named).filter_map(|s| s.name().ok()).collect();
        assert_eq!(seen, [SYMBOL], "{target}");
        image(&file, module);
        let found = linked(&file);
        let functions: BTreeMap<&str, u64> = file
            .symbols()
            .filter_map(|s| Some((s.name().ok()?, s.address())))
            .collect();
        for (id, func) in module.funcs.iter() {
            let own = format!("{}.entry", func.name);
            let at = functions.get(&*own).or(functions.get(&*func.name));
            let at = at.unwrap_or_else(|| panic!("{target}: `{}` has no symbol", func.name));
            // Where nothing comes before a mark, code may begin with the mark's place.
            let sites = marked(func).into_iter().map(|site| lines.of_site(site));
            let wanted = [lines.of_func(id)].into_iter().chain(sites).flatten();
            let place = found.get(at).map(|places| &places[0]);
            let told =
                place.is_some_and(|place| wanted.map(|line| shown(&line)).any(|w| w == *place));
            assert!(told, "{target}: `{}` stands at {place:?}", func.name);
        }
        let sites = module.funcs.values().flat_map(marked);
        for line in sites.filter_map(|site| lines.of_site(site)) {
            let told = found.values().flatten().any(|place| *place == shown(&line));
            assert!(told, "{target}: no code stands at {}", shown(&line));
        }
    }
    let refused = |target, cpu| {
        let made = backend.object(module, &spec(&lines, target, cpu));
        made.map(drop).unwrap_err().to_string()
    };
    let said = refused(Some("riscv64gc-unknown-linux-gnu"), None);
    assert!(said.contains("aarch64"), "{said}");
    let said = refused(Some("pdp11"), None);
    assert!(said.contains("aarch64-unknown-linux-gnu"), "{said}");
}

/// Links the object of a module into this process, for any machine of the kind and for this very one, and compares it with the interpreter.
/// Says that it was left out where there is no linker.
///
/// # Panics
/// When it differs.
pub fn decide(backend: &dyn Backend, module: &Legalized, folder: &Path) {
    let linker = env::var("CC").unwrap_or("cc".into());
    if Command::new(&linker).arg("--version").output().is_err() {
        println!("left out: there is no `{linker}` to link with");
        return;
    }
    for cpu in [None, Some("native")] {
        let lines = lines(module);
        let bytes = backend.object(module, &spec(&lines, None, cpu));
        let bytes = bytes.unwrap_or_else(|e| panic!("{cpu:?}: {e}"));
        let name = format!("{}-{}-{}", backend.name(), cpu.unwrap_or("any"), id());
        let at = |extension: &str| folder.join(&name).with_extension(extension);
        let (object, shared) = (at("o"), at("so"));
        std::fs::write(&object, bytes).unwrap_or_else(|e| panic!("{}: {e}", object.display()));
        link(&linker, &object, &shared);
        // SAFETY: the library runs nothing when it is loaded; it is never closed, so what it shows stays; it was made of this module.
        let program = unsafe {
            let library = Library::new(&shared).unwrap_or_else(|e| panic!("{e}"));
            let library = Box::leak(Box::new(library));
            let image = library.get::<*const Image>(SYMBOL.as_bytes());
            let image = &**image.unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(image.contents().map_err(|e| e.to_string()), Ok(CONTENTS));
            image.program(module).unwrap_or_else(|e| panic!("{e}"))
        };
        agree(module, &[&program], 100, &mut Rng(1));
    }
}

/// What stands beside the code here; nobody reads it.
const CONTENTS: &[u8] = b"contents";

fn spec<'o>(lines: &'o Lines, target: Option<&'o str>, cpu: Option<&'o str>) -> ObjectSpec<'o> {
    ObjectSpec {
        symbol: SYMBOL,
        target,
        cpu,
        contents: CONTENTS,
        lines,
        profile: None,
    }
}

/// A line of its own for each function, in one file, and for each site, in another.
fn lines(module: &Legalized) -> Lines {
    let at = |file, number: usize| {
        let line = 10 + number as u32;
        Some(Line { file, line })
    };
    let funcs: IndexVec<FuncId, _> = (0..module.funcs.len()).map(|i| at(0, i)).collect();
    let sites: IndexVec<SiteId, _> = (0..module.sites.len()).map(|i| at(1, i)).collect();
    Lines {
        files: FILES.map(Into::into).into(),
        funcs,
        sites,
    }
}

fn shown(line: &Line) -> String {
    format!("{}:{}", FILES[line.file as usize], line.line)
}

/// The sites that the code of a function marks; an index marks others.
fn marked(func: &Func) -> Vec<SiteId> {
    let ids = func.blocks.values().flat_map(|block| &block.insts);
    let site = |id: &InstId| match func.insts[*id].inst {
        Inst::Mark { site } => Some(site),
        _ => None,
    };
    ids.filter_map(site).collect()
}

/// The image says what it should, and has its two addresses filled in by the linker.
fn image(file: &File<'_>, module: &Legalized) {
    let symbol = file
        .symbols()
        .find(|s| s.is_global() && s.name() == Ok(SYMBOL));
    let symbol = symbol.unwrap_or_else(|| panic!("there is no image"));
    let section = symbol
        .section_index()
        .and_then(|i| file.section_by_index(i).ok());
    let section = section.unwrap_or_else(|| panic!("the image stands nowhere"));
    let data = section.data().unwrap_or_default();
    let begin = (symbol.address() - section.address()) as usize;
    let number = |at: usize| {
        let bytes = data
            .get(begin + at..)
            .and_then(|rest| rest.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    assert_eq!(number(place::ABI), ABI);
    assert_eq!(number(place::CONTENTS_LEN), CONTENTS.len() as u64);
    assert_eq!(number(place::ENTRIES_LEN), module.funcs.len() as u64);
    let within = |at: &u64| (begin..begin + place::SIZE).contains(&(*at as usize));
    let filled = section.relocations().map(|(at, _)| at).filter(within);
    let filled: Vec<usize> = filled.map(|at| at as usize - begin).collect();
    assert_eq!(filled, [place::CONTENTS, place::ENTRIES]);
}

/// The line table of an object: what begins where, as if its code began at address 0.
fn linked(file: &File<'_>) -> BTreeMap<u64, Vec<String>> {
    let section = |id: SectionId| -> Result<Vec<u8>, gimli::Error> {
        Ok(file
            .section_by_name(id.name())
            .map_or(Vec::new(), |s| relocated(file, &s)))
    };
    let sections = gimli::DwarfSections::load(section).unwrap_or_else(|e| panic!("{e}"));
    let dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, LittleEndian));
    let mut found = BTreeMap::new();
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        let unit = dwarf.unit(header).unwrap_or_else(|e| panic!("{e}"));
        let Some(program) = unit.line_program.clone() else {
            continue;
        };
        let mut rows = program.rows();
        while let Some((header, row)) = rows.next_row().unwrap_or_else(|e| panic!("{e}")) {
            if row.end_sequence() {
                continue;
            }
            let name = row
                .file(header)
                .map(|file| dwarf.attr_string(&unit, file.path_name()));
            let name = name.unwrap_or_else(|| panic!("a row has no file"));
            let name = name
                .unwrap_or_else(|e| panic!("{e}"))
                .to_string_lossy()
                .into_owned();
            let line = row.line().map_or(0, |line| line.get());
            let places: &mut Vec<String> = found.entry(row.address()).or_default();
            places.push(format!("{name}:{line}"));
        }
    }
    assert!(!found.is_empty(), "there is no line table");
    found
}

/// The bytes of a section with the addresses filled in that a linker would fill in, had every section the address 0.
fn relocated(file: &File<'_>, section: &object::Section<'_, '_>) -> Vec<u8> {
    let mut bytes = section.uncompressed_data().unwrap_or_default().into_owned();
    for (at, relocation) in section.relocations() {
        assert_eq!(
            relocation.kind(),
            RelocationKind::Absolute,
            "in {:?}",
            section.name()
        );
        let RelocationTarget::Symbol(symbol) = relocation.target() else {
            panic!("a relocation is about no symbol");
        };
        let symbol = file.symbol_by_index(symbol).map_or(0, |s| s.address());
        let value = symbol.wrapping_add_signed(relocation.addend());
        let (at, width) = (at as usize, usize::from(relocation.size() / 8));
        bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
    }
    bytes
}

fn link(linker: &str, object: &Path, shared: &PathBuf) {
    let mut command = Command::new(linker);
    command.args([
        "-shared",
        "-Wl,--fatal-warnings",
        "-Wl,-z,text",
        "-Wl,-z,defs",
        "-o",
    ]);
    let output = command.arg(shared).arg(object).output();
    let output = output.unwrap_or_else(|e| panic!("{linker}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
