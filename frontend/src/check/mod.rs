//! From the tree to its meaning: names, types, intervals, and the rules of the language.
//!
//! The work goes in three steps over all modules of a program: *declare* every item's name, *define* types, constants and
//! signatures, then *check* bodies. Items are in `items/`, what stands inside bodies in `body/`.

mod body;
mod items;
mod modules;
mod names;
mod question;
mod suggest;

use std::cell::Cell;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast;
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_runtime::{Native, Value};

use crate::diagnostics::{Severity, Sink};
use crate::hir::{
    self, DataId, EnumId, FnId, LocalId, Locals, PipelineId, Program, RecordId, RefinementId,
    RuleSetId, StateId, StreamId,
};
use crate::library::{Library, Loader};
use crate::types::ty::{Ty, TypeNames};
use crate::{Checked, Limits, Question};

/// An index into [`Checker::modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ModuleId(pub(crate) u32);

/// What a name in a module's scope stands for.
#[derive(Clone, Debug)]
pub(crate) enum Def {
    /// A record, also its constructor.
    Record(RecordId),
    /// An enum; its variants are found through the expected type or as `Enum.variant`.
    Enum(EnumId),
    /// `type X = Int in 0 .. 100`, `type Names = [String ..8]`: a name for a type.
    Alias(Ty),
    /// `type X = String matching …`: also the conversion `X(s)`, which gives an `X?`.
    Refinement(RefinementId),
    /// A constant.
    Const(Arc<Constant>),
    /// Data from the host.
    Data(DataId),
    /// A function.
    Fn(FnId),
    /// A rule set, guard or table.
    RuleSet(RuleSetId),
    /// A pipeline.
    Pipeline(PipelineId),
    /// A state.
    State(StateId),
    /// A stream.
    Stream(StreamId),
    /// A native of the library.
    Native(&'static Native),
    /// Something that was reported, or that is refused as "not yet": nobody complains about its uses.
    Error,
}

/// A constant with its value.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    /// Its type, as narrow as its value.
    pub(crate) ty: Ty,
    /// Its value.
    pub(crate) value: Value,
}

/// A name in scope and where it was declared.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What it stands for.
    pub(crate) def: Def,
    /// Where; absent for natives. For an imported name the place in its `use`.
    pub(crate) span: Option<Span>,
    /// Whether a `use` brought it.
    pub(crate) imported: bool,
    /// Whether it was ever looked up; an import that was not is worth a warning.
    pub(crate) used: Cell<bool>,
}

/// One module of the program.
#[derive(Debug)]
pub(crate) struct Module {
    /// `edge.gateway`
    pub(crate) name: Arc<str>,
    /// Its tree.
    pub(crate) ast: Arc<ast::File>,
    /// Its own items and what its `use` lines brought; the prelude is looked up behind it.
    pub(crate) scope: FxHashMap<ast::Symbol, Entry>,
    /// Whether it belongs to the library.
    pub(crate) library: bool,
    /// Whether an item or stage of it was not understood: a name that is missing may be the one it declares, and nobody
    /// complains.
    pub(crate) incomplete: bool,
    /// How many calls of `jitter` have been met in it.
    pub(crate) jitters: u32,
}

/// Parameters and result of something that can be called.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    /// Names (usable as labels) and types of the parameters.
    pub(crate) params: Vec<(Arc<str>, Ty)>,
    /// The result.
    pub(crate) result: Ty,
    /// Where the name is declared.
    pub(crate) span: Span,
}

/// Everything that is known while a program is checked.
pub(crate) struct Checker<'a> {
    /// What has been understood so far. Bodies are filled in last; signatures are known before.
    pub(crate) program: Program,
    /// What has been found.
    pub(crate) sink: Sink,
    /// The library.
    pub(crate) library: &'a Library,
    /// The texts.
    pub(crate) sources: &'a mut SourceMap,
    /// All modules loaded, the main one first.
    pub(crate) modules: Vec<Module>,
    /// Names in scope everywhere: prelude modules and their natives.
    pub(crate) prelude: FxHashMap<ast::Symbol, Entry>,
    /// Signatures of functions.
    pub(crate) fn_signatures: FxHashMap<FnId, Signature>,
    /// How large the records and enums are that are defined.
    pub(crate) sizes: items::Sizes,
    /// Signatures of rule sets, guards and tables.
    pub(crate) ruleset_signatures: FxHashMap<RuleSetId, Signature>,
    /// Signatures of pipelines.
    pub(crate) pipeline_signatures: FxHashMap<PipelineId, Signature>,
    /// What streams feed, and what is known of limits.
    pub(crate) states: items::States,
    /// The enum that guards give, `Verdict`: `pass`, `deny(why: String)`. Declared by `std.core`.
    pub(crate) verdict: Option<EnumId>,
}

/// Checks the program that begins in `main`, and what is asked about it; see [`crate::check`] and [`crate::check_question`].
pub(crate) fn program(
    main: (&str, &str),
    question: Option<&Question<'_>>,
    loader: &mut dyn Loader,
    library: &Library,
    sources: &mut SourceMap,
    limits: &Limits,
) -> Checked {
    let mut checker = Checker {
        program: Program::default(),
        sink: Sink::default(),
        library,
        sources,
        modules: Vec::new(),
        prelude: FxHashMap::default(),
        fn_signatures: FxHashMap::default(),
        sizes: items::Sizes::default(),
        ruleset_signatures: FxHashMap::default(),
        pipeline_signatures: FxHashMap::default(),
        states: items::States::default(),
        verdict: None,
    };
    checker.declare_builtins();
    let texts = question.map(|question| question.texts);
    let loading = modules::load(&mut checker, main, texts, loader, limits);
    let mut outlines = Vec::with_capacity(loading.order.len());
    for &module in &loading.order {
        modules::import(&mut checker, module, &loading.uses[module.0 as usize]);
        outlines.push(items::define(&mut checker, module));
        checker.add_to_prelude(module);
    }
    items::bodies(&mut checker, &outlines);
    match question {
        Some(question) => question::check(&mut checker, question),
        None if !checker.sink.has_errors() => modules::report_unused(&mut checker),
        None => {}
    }
    checker.drop_consequences();
    let diagnostics = checker.sink.finish();
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    Checked {
        program: (!failed).then_some(checker.program),
        diagnostics,
    }
}

impl Checker<'_> {
    /// The natives of the prelude, and the enum that guards give.
    fn declare_builtins(&mut self) {
        // Those of a module that is imported come in with it.
        let modules = self.library.modules;
        let imported = |n: &Native| modules.iter().any(|m| !m.prelude && m.name == n.module);
        for native in self.library.natives.iter().filter(|n| !imported(n)) {
            let entry = Entry::new(Def::Native(native), None);
            self.prelude.insert(native.name.into(), entry);
        }
        let why = hir::Field {
            name: "why".into(),
            span: Span::default(),
            ty: Ty::string(),
            default: None,
        };
        let variant = |name: &str, fields| hir::Variant {
            name: name.into(),
            span: Span::default(),
            fields,
        };
        let verdict = self.program.enums.push(hir::Enum {
            name: "Verdict".into(),
            module: "std.core".into(),
            span: Span::default(),
            tag: None,
            variants: vec![variant("pass", Vec::new()), variant("deny", vec![why])],
        });
        self.verdict = Some(verdict);
        let entry = Entry::new(Def::Enum(verdict), None);
        self.prelude.insert("Verdict".into(), entry);
    }

    /// Forgets complaints about names in files of which a declaration was not understood.
    fn drop_consequences(&mut self) {
        let incomplete = self.modules.iter().filter(|m| m.incomplete);
        let files: Vec<_> = incomplete.map(|m| m.ast.span.file).collect();
        if !files.is_empty() {
            self.sink.retain(|d| {
                let about_name = matches!(d.slug, "unknown-name" | "unknown-type");
                !about_name || d.span().is_none_or(|span| !files.contains(&span.file))
            });
        }
    }

    /// Puts the names of a prelude module in scope everywhere.
    fn add_to_prelude(&mut self, module: ModuleId) {
        let module = &self.modules[module.0 as usize];
        let is_prelude = |m: &&crate::library::LibraryModule| m.prelude && *m.name == *module.name;
        if module.library && self.library.modules.iter().any(|m| is_prelude(&m)) {
            let own = module.scope.iter().filter(|(_, entry)| !entry.imported);
            for (name, entry) in own {
                self.prelude.insert(name.clone(), entry.clone());
            }
        }
    }
}

impl TypeNames for Program {
    fn record(&self, id: RecordId) -> &str {
        &self.records[id].name
    }
    fn enumeration(&self, id: EnumId) -> &str {
        &self.enums[id].name
    }
    fn refinement(&self, id: RefinementId) -> &str {
        &self.refinements[id].name
    }
}

/// Where an expression stands, as far as that decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The body of a function, an outcome, a stage: no `skip`, no `deny`.
    Value,
    /// The condition of a rule: `?? skip` on the spine.
    Rule,
    /// The condition of a denial: `?? skip` and `?? deny` on the spine; every absence must be answered.
    Denial,
    /// A group's condition: `?? skip` on the spine, no `?? deny`.
    Group,
    /// A `given` or `expect` of a test: omitted record fields get the simplest value of their type.
    Test,
}

/// The scope of one owner's body: its locals and the names that are visible now.
pub(crate) struct Body<'c, 'a> {
    /// Everything else.
    pub(crate) checker: &'c mut Checker<'a>,
    /// The module whose names are visible.
    pub(crate) module: ModuleId,
    /// All parameters and bindings so far.
    pub(crate) locals: Locals,
    /// The visible ones, inner last.
    pub(crate) visible: Vec<(ast::Symbol, LocalId)>,
    /// What comparisons to the left have proved: the narrower type of a local, or of a field path of one
    /// (`s.cpu`), inner last. Truncated together with `visible` when a scope ends.
    pub(crate) narrowed: Vec<(Narrowed, Ty)>,
    /// The rule set and, in words, the rule whose condition may ask states here.
    pub(crate) asking: Option<(RuleSetId, Arc<str>)>,
    /// Where the expression stands.
    pub(crate) place: Place,
    /// Whether `?? skip` and `?? deny` may stand there.
    pub(crate) answers: body::Answers,
    /// Whether it stands in a group whose condition was said never to hold: comparisons that are decided follow from that.
    pub(crate) unreached: bool,
}

/// What a narrowing is about: a local and the fields selected from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Narrowed {
    /// The local.
    pub(crate) local: LocalId,
    /// Field indices, outer first.
    pub(crate) fields: Vec<u32>,
}

impl<'c, 'a> Body<'c, 'a> {
    /// A body with nothing in scope but the module.
    pub(crate) fn new(
        checker: &'c mut Checker<'a>,
        module: ModuleId,
        place: Place,
    ) -> Body<'c, 'a> {
        Body {
            checker,
            module,
            locals: Locals::new(),
            visible: Vec::new(),
            narrowed: Vec::new(),
            asking: None,
            place,
            answers: body::Answers::No("in a value"),
            unreached: false,
        }
    }

    /// Adds a local and makes it visible.
    pub(crate) fn bind(&mut self, name: &ast::Name, ty: Ty) -> LocalId {
        let local = self.locals.push(hir::Local {
            name: name.text.as_str().into(),
            span: name.span,
            ty,
        });
        self.visible.push((name.text.clone(), local));
        local
    }

    /// Marks the current scope, for [`Body::leave`].
    pub(crate) fn enter(&self) -> (usize, usize) {
        (self.visible.len(), self.narrowed.len())
    }

    /// Ends the scope that began at `mark`.
    pub(crate) fn leave(&mut self, mark: (usize, usize)) {
        self.visible.truncate(mark.0);
        self.narrowed.truncate(mark.1);
    }
}
