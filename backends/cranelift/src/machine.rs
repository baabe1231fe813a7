//! The machine that code is made for.

use std::sync::OnceLock;

use cranelift_codegen::CodegenError;
use cranelift_codegen::isa::{self, Builder, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use cranelift_module::ModuleError;
use target_lexicon::{Architecture, BinaryFormat, Triple};
use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_native_abi::layout::WORD;

/// Settings that depend neither on the machine nor on where the code goes.
const SETTINGS: &[(&str, &str)] = &[
    ("use_colocated_libcalls", "false"),
    // A frame larger than a page touches each of its pages, so that the end of the stack is found.
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    // Nothing unwinds through compiled code.
    ("unwind_info", "false"),
    ("preserve_frame_pointers", "true"),
    // What we generate is checked where we test.
    (
        "enable_verifier",
        if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        },
    ),
];

/// How hard Cranelift tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Effort {
    /// Code as it comes, soon: no optimization, and registers are given out in one pass.
    None,
    /// The usual.
    #[default]
    Full,
}

impl Effort {
    fn settings(self) -> [(&'static str, &'static str); 2] {
        match self {
            Effort::None => [("opt_level", "none"), ("regalloc_algorithm", "single_pass")],
            Effort::Full => [
                ("opt_level", "speed"),
                ("regalloc_algorithm", "backtracking"),
            ],
        }
    }
}

/// Architectures that objects are made for: those that the tests look at.
const TARGETS: &str = "`x86_64` and `aarch64`, on Linux";

/// The machine this runs on, for code in memory: looked up once.
pub(crate) fn host(effort: Effort) -> Result<OwnedTargetIsa, CompileError> {
    type Host = OnceLock<Result<OwnedTargetIsa, String>>;
    static HOSTS: [Host; 2] = [Host::new(), Host::new()];
    let host = &HOSTS[effort as usize];
    host.get_or_init(|| {
        let host = cranelift_native::builder().map_err(str::to_owned)?;
        // Code in memory is found by its address, not by its distance.
        finish(host, effort, false)
    })
    .clone()
    .map_err(|e| {
        CompileError::new(format!(
            "Cranelift makes no code for this machine: {e}; run the program with `--backend vm`"
        ))
    })
}

/// A machine for code in a file: of a triple, or of this machine's kind; with a processor, or what every one of the kind has.
pub(crate) fn target(
    effort: Effort,
    triple: Option<&str>,
    cpu: Option<&str>,
) -> Result<OwnedTargetIsa, CompileError> {
    let native = cranelift_native::builder()
        .map_err(|e| CompileError::new(format!("Cranelift does not know this machine: {e}")))?;
    let this = native.triple().clone();
    let triple = match triple {
        Some(name) => name.parse::<Triple>().map_err(|e| {
            CompileError::new(format!(
                "`{name}` is no target ({e}); one is written as `aarch64-unknown-linux-gnu`"
            ))
        })?,
        None => this.clone(),
    };
    let mut builder = isa::lookup(triple.clone()).map_err(|e| {
        CompileError::new(format!(
            "Cranelift makes no code for `{triple}`: {e}; objects are made for {TARGETS}"
        ))
    })?;
    let elf = triple.binary_format == BinaryFormat::Elf;
    let supported = matches!(
        triple.architecture,
        Architecture::X86_64 | Architecture::Aarch64(_)
    );
    if !elf || !supported {
        return Err(CompileError::new(format!(
            "no objects are made for `{triple}`, but for {TARGETS}"
        )));
    }
    match cpu {
        None => {}
        Some("native") if triple.architecture == this.architecture => builder = native,
        Some("native") => {
            return Err(CompileError::new(format!(
                "`--cpu native` is the processor of this machine, which is not `{triple}`; name one"
            )));
        }
        Some(name) => builder.enable(name).map_err(|_| {
            CompileError::new(format!(
                "Cranelift knows no processor `{name}` of `{}`; of x86-64 it knows such as `x86-64-v3`, `skylake` and `znver3`, of aarch64 features such as \
                 `has_lse`",
                triple.architecture
            ))
        })?,
    }
    finish(builder, effort, true)
        .map_err(|e| CompileError::new(format!("Cranelift makes no code for `{triple}`: {e}")))
}

fn finish(
    builder: Builder,
    effort: Effort,
    position_independent: bool,
) -> Result<OwnedTargetIsa, String> {
    let mut settings = settings::builder();
    let is_pic = (
        "is_pic",
        if position_independent {
            "true"
        } else {
            "false"
        },
    );
    for (name, value) in SETTINGS.iter().chain(&effort.settings()).chain([&is_pic]) {
        let set = settings.set(name, value);
        set.unwrap_or_else(|e| tollgate_ir::bug!("Cranelift's setting `{name}`: {e}"));
    }
    let isa = builder.finish(Flags::new(settings));
    isa.map_err(|e| e.to_string())
}

/// Constants and data are reached by a distance of 31 bits.
pub(crate) fn fits(program: &Legalized) -> Result<(), CompileError> {
    let most = i32::MAX as usize / WORD;
    let longest = program.types.records.values().map(|r| r.fields.len()).max();
    let counts = [
        program.consts.len(),
        program.data.len(),
        longest.unwrap_or(0),
    ];
    match counts.iter().all(|count| *count < most) {
        true => Ok(()),
        false => Err(CompileError::new(format!(
            "the program has more than {most} constants, data, or fields of a record: more than native code can reach"
        ))),
    }
}

/// Why a function is not made: for want of room. That what we generate is wrong is our mistake.
pub(crate) fn cannot(name: &str, error: ModuleError) -> CompileError {
    if let ModuleError::Compilation(CodegenError::Verifier(errors)) = &error {
        tollgate_ir::bug!("Cranelift refuses `{name}`: {errors}");
    }
    CompileError::new(format!(
        "native code of `{name}` cannot be made: {error}; run the program with `--backend vm`"
    ))
}
