//! Where code comes from, for debuggers and profilers: which line of which rule file a function is, and the code where a rule has decided.

use inkwell::context::Context;
use inkwell::debug_info::{
    AsDIScope, DICompileUnit, DIFile, DIFlags, DIFlagsConstants, DILocation, DISubprogram,
    DISubroutineType, DWARFEmissionKind, DWARFSourceLanguage, DebugInfoBuilder,
};
use inkwell::module::{FlagBehavior, Module};
use inkwell::values::FunctionValue;
use tollgate_backend_api::Lines;
use tollgate_ir::entities::{FuncId, SiteId};

/// Says it of the functions of a module.
pub(crate) struct Debug<'m, 'c> {
    llvm: &'c Context,
    builder: DebugInfoBuilder<'c>,
    unit: DICompileUnit<'c>,
    files: Vec<DIFile<'c>>,
    /// Nothing is said of parameters and results.
    ty: DISubroutineType<'c>,
    lines: &'m Lines,
}

impl<'m, 'c> Debug<'m, 'c> {
    pub(crate) fn new(llvm: &'c Context, code: &Module<'c>, lines: &'m Lines) -> Debug<'m, 'c> {
        let version = llvm
            .i32_type()
            .const_int(inkwell::debug_info::debug_metadata_version().into(), false);
        code.add_basic_value_flag("Debug Info Version", FlagBehavior::Warning, version);
        let folder = std::env::current_dir().unwrap_or_default();
        let folder = folder.to_string_lossy();
        let (builder, unit) = code.create_debug_info_builder(
            true,
            // Debuggers know no language of rules; of what they know, this says least.
            DWARFSourceLanguage::C99,
            lines.main(),
            &folder,
            concat!("tollgate ", env!("CARGO_PKG_VERSION")),
            true,
            "",
            0,
            "",
            DWARFEmissionKind::Full,
            0,
            false,
            false,
            "",
            "",
        );
        let files: Vec<DIFile<'c>> = lines
            .files
            .iter()
            .map(|name| builder.create_file(name, &folder))
            .collect();
        let ty = builder.create_subroutine_type(unit.get_file(), None, &[], DIFlags::PUBLIC);
        Debug {
            llvm,
            builder,
            unit,
            files,
            ty,
            lines,
        }
    }

    /// Says where a function of the code comes from, if that is known of the function that it is made of.
    pub(crate) fn function(
        &self,
        id: FuncId,
        function: FunctionValue<'c>,
    ) -> Option<DISubprogram<'c>> {
        let line = self.lines.of_func(id)?;
        let name = function.get_name().to_string_lossy();
        let said = self.builder.create_function(
            self.unit.as_debug_info_scope(),
            &name,
            None,
            *self.files.get(line.file as usize)?,
            line.line,
            self.ty,
            true,
            true,
            line.line,
            DIFlags::PUBLIC,
            true,
        );
        function.set_subprogram(said);
        Some(said)
    }

    /// The place of code: that of a site, or that of the function.
    pub(crate) fn place(
        &self,
        id: FuncId,
        scope: DISubprogram<'c>,
        site: Option<SiteId>,
    ) -> Option<DILocation<'c>> {
        let own = self.lines.of_func(id)?;
        let line = site
            .and_then(|site| self.lines.of_site(site))
            .unwrap_or(own);
        let mut within = scope.as_debug_info_scope();
        if line.file != own.file {
            // A rule of another file that was put into the function.
            let file = *self.files.get(line.file as usize)?;
            let block = self
                .builder
                .create_lexical_block(within, file, line.line, 0);
            within = block.as_debug_info_scope();
        }
        let place = self
            .builder
            .create_debug_location(self.llvm, line.line, 0, within, None);
        Some(place)
    }

    /// Nothing more is said.
    pub(crate) fn finish(&self) {
        self.builder.finalize();
    }
}
