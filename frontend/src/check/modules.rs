//! Modules: which files make a program, and in which order they are understood.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tollgate_grammar::ast::{self, ItemKind};
use tollgate_grammar::parse_within;
use tollgate_grammar::source::Span;

use super::names::did_you_mean;
use super::suggest::closest;
use super::{Checker, Def, Entry, Module, ModuleId};
use crate::Limits;
use crate::diagnostics::catalog::{limits, names};
use crate::library::{Loaded, Loader};

/// The one edition there is.
const EDITION: i64 = 2026;

/// What the loading of modules found, besides [`Checker::modules`].
pub(super) struct Loading {
    /// All modules, each behind those it uses; the prelude first.
    pub(super) order: Vec<ModuleId>,
    /// Of each module, what its `use` items name, in source order. Absent where it was reported.
    pub(super) uses: Vec<Vec<Option<ModuleId>>>,
}

/// Loads the main file and, from there, every module that is used.
pub(super) fn load(
    checker: &mut Checker<'_>,
    main: (&str, &str),
    texts: Option<&[(&str, &str)]>,
    loader: &mut dyn Loader,
    limits: &Limits,
) -> Loading {
    let mut loading = ModuleLoader {
        checker,
        loader,
        limits,
        known: FxHashMap::default(),
        uses: Vec::new(),
        refused: FxHashSet::default(),
        full: false,
    };
    loading.main(main, texts);
    loading.prelude();
    // The list grows while it is walked.
    let mut at = 0;
    while at < loading.checker.modules.len() {
        loading.follow(ModuleId(at as u32));
        at += 1;
    }
    let mut uses = loading.uses;
    let order = sort(checker, &mut uses);
    Loading { order, uses }
}

/// Gives a module the names that its `use` items bring. The modules they come from are understood already.
pub(super) fn import(checker: &mut Checker<'_>, module: ModuleId, uses: &[Option<ModuleId>]) {
    let file = Arc::clone(&checker.modules[module.0 as usize].ast);
    let items = file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Use(found) => Some(found),
        _ => None,
    });
    for (item, target) in items.zip(uses) {
        for name in &item.names {
            let def = match target {
                None => Def::Error,
                Some(target) => imported(checker, *target, item, name),
            };
            let entry = Entry {
                imported: true,
                ..Entry::new(def, Some(name.span))
            };
            let scope = &mut checker.modules[module.0 as usize].scope;
            match scope.get(&*name.text).map(|first| first.span) {
                None => {
                    scope.insert(name.text.clone(), entry);
                }
                Some(first) => {
                    let mut found = names::duplicate_name(name).at(name.span, "imported again");
                    if let Some(first) = first {
                        found = found.at(first, "first imported here");
                    }
                    checker.sink.emit(found);
                }
            }
        }
    }
}

/// Warns of imports that nothing used.
pub(super) fn report_unused(checker: &mut Checker<'_>) {
    let mut found = Vec::new();
    for module in checker.modules.iter().filter(|m| !m.library) {
        for item in &module.ast.items {
            let ItemKind::Use(import) = &item.kind else {
                continue;
            };
            let unused = |name: &ast::Name| {
                module
                    .scope
                    .get(&*name.text)
                    .is_some_and(|e| e.imported && !e.used.get() && e.span == Some(name.span))
            };
            for (i, name) in import.names.iter().enumerate().filter(|(_, n)| unused(n)) {
                // The comma goes with the name it belongs to.
                let place = match (i, import.names.get(i + 1)) {
                    (0, None) => item.span,
                    (0, Some(next)) => name.span.to(next.span.before()),
                    _ => import.names[i - 1].span.after().to(name.span),
                };
                found.push(
                    names::unused_use(name)
                        .at(name.span, "nothing here uses it")
                        .fix("leave it out", place, ""),
                );
            }
        }
    }
    for diagnostic in found {
        checker.sink.emit(diagnostic);
    }
}

fn imported(checker: &mut Checker<'_>, target: ModuleId, item: &ast::Use, name: &ast::Name) -> Def {
    let module = &checker.modules[target.0 as usize];
    match module.scope.get(&*name.text) {
        Some(entry) if !entry.imported => return entry.def.clone(),
        found => {
            let own = module.scope.iter().filter(|(_, e)| !e.imported);
            let meant = closest(&name.text, own.map(|(n, _)| n.as_str())).map(str::to_owned);
            let mut diagnostic = names::not_in_module(&item.module, name)
                .at(name.span, format!("not declared in `{}`", module.name));
            if found.is_some() {
                diagnostic = diagnostic.note(format!(
                    "`{}` imports this name itself; import it from where it is declared",
                    module.name
                ));
            }
            let diagnostic = did_you_mean(diagnostic, name.span, meant.as_deref());
            checker.sink.emit(diagnostic);
        }
    }
    Def::Error
}

struct ModuleLoader<'l, 'c, 'a> {
    checker: &'c mut Checker<'a>,
    loader: &'l mut dyn Loader,
    limits: &'l Limits,
    known: FxHashMap<String, ModuleId>,
    uses: Vec<Vec<Option<ModuleId>>>,
    /// Modules that were looked for in vain, so that each is looked for, and reported, once.
    refused: FxHashSet<String>,
    /// Whether it was said that there are too many.
    full: bool,
}

impl ModuleLoader<'_, '_, '_> {
    fn main(&mut self, (file, text): (&str, &str), texts: Option<&[(&str, &str)]>) {
        let mut ast = self.parse(file, text);
        for (file, text) in texts.into_iter().flatten() {
            ast.items.extend(self.parse(file, text).items);
        }
        if texts.is_none() && ast.items.is_empty() && self.checker.sink.error_count() == 0 {
            let place = ast.module.as_ref().map_or(ast.span, |module| module.span);
            let found = names::empty_file()
                .at(place, "no rule set, function or type")
                .help("a file begins with `edition 2026`, `module name`, and what it declares");
            self.checker.sink.emit(found);
        }
        let name = ast
            .module
            .as_ref()
            .map_or("main".into(), ToString::to_string);
        let library = self.checker.library.modules;
        if let Some(path) = &ast.module
            && library.iter().any(|m| m.name == name)
        {
            let found = names::library_module(&name).at(path.span, "the name is taken");
            self.checker.sink.emit(found);
        }
        self.add(name, ast, false);
    }

    fn prelude(&mut self) {
        for module in self.checker.library.modules.iter().filter(|m| m.prelude) {
            let ast = self.parse(module.file, module.source);
            self.add(module.name.into(), ast, true);
        }
    }

    fn parse(&mut self, file: &str, text: &str) -> ast::File {
        let id = self.checker.sources.add(file, text);
        let parse = parse_within(id, text, &self.limits.syntax);
        for error in parse.errors {
            self.checker.sink.emit(error.into());
        }
        if let Some(edition) = &parse.ast.edition
            && edition.year != EDITION
        {
            let found = names::unknown_edition(edition.year)
                .at(edition.span, "not an edition")
                .fix(
                    "there is one edition",
                    edition.span,
                    format!("edition {EDITION}"),
                );
            self.checker.sink.emit(found);
        }
        parse.ast
    }

    fn add(&mut self, name: String, ast: ast::File, library: bool) -> ModuleId {
        let id = ModuleId(self.checker.modules.len() as u32);
        self.checker.modules.push(Module {
            name: name.as_str().into(),
            ast: Arc::new(ast),
            scope: FxHashMap::default(),
            library,
            incomplete: false,
            jitters: 0,
        });
        self.known.insert(name, id);
        self.uses.push(Vec::new());
        id
    }

    /// Loads what a module uses.
    fn follow(&mut self, module: ModuleId) {
        let file = Arc::clone(&self.checker.modules[module.0 as usize].ast);
        let mut uses = Vec::new();
        for item in &file.items {
            if let ItemKind::Use(import) = &item.kind {
                let name = import.module.to_string();
                uses.push(self.find(&name, import.module.span));
            }
        }
        self.uses[module.0 as usize] = uses;
    }

    fn find(&mut self, name: &str, place: Span) -> Option<ModuleId> {
        if let Some(id) = self.known.get(name) {
            return Some(*id);
        }
        if self.refused.contains(name) {
            return None;
        }
        let found = self.load(name, place);
        if found.is_none() {
            self.refused.insert(name.to_owned());
        }
        found
    }

    fn load(&mut self, name: &str, place: Span) -> Option<ModuleId> {
        let library = self.checker.library;
        if let Some(module) = library.modules.iter().find(|m| m.name == name) {
            let ast = self.parse(module.file, module.source);
            let id = self.add(name.into(), ast, true);
            let natives = library.natives.iter().filter(|n| n.module == name);
            let scope = &mut self.checker.modules[id.0 as usize].scope;
            scope.extend(natives.map(|n| (n.name.into(), Entry::new(Def::Native(n), None))));
            return Some(id);
        }
        let most = self.limits.modules;
        if self.checker.modules.len() >= most as usize {
            if !std::mem::replace(&mut self.full, true) {
                let found = limits::too_many_modules(most).at(place, "one too many");
                self.checker.sink.emit(found);
            }
            return None;
        }
        match self.loader.load(name) {
            Loaded::Source { file, text } => {
                let ast = self.parse(&file, &text);
                let declared = ast
                    .module
                    .as_ref()
                    .map(|path| (path.to_string(), path.span));
                if let Some((other, line)) = declared.filter(|(other, _)| other != name) {
                    let found = names::wrong_module(&file, &other)
                        .at(place, format!("looked for `{name}`"))
                        .at(line, "the file says otherwise");
                    self.checker.sink.emit(found);
                    return None;
                }
                Some(self.add(name.into(), ast, false))
            }
            Loaded::Missing { known } => {
                let all = known.iter().map(String::as_str);
                let meant = closest(name, all.chain(library.modules.iter().map(|m| m.name)));
                let found = names::unknown_module(name)
                    .at(place, "no file and no part of the library declares it")
                    .note(format!(
                        "a module is a file in the folder of the main file that says `module {name}`"
                    ));
                self.checker.sink.emit(did_you_mean(found, place, meant));
                None
            }
            Loaded::Unreadable { file, reason } => {
                let found = names::unreadable_module(file, reason).at(place, "needed here");
                self.checker.sink.emit(found);
                None
            }
        }
    }
}

/// Orders the modules so that each stands behind those it uses, the prelude first. A `use` that closes a circle is
/// reported and taken out.
fn sort(checker: &mut Checker<'_>, uses: &mut [Vec<Option<ModuleId>>]) -> Vec<ModuleId> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; uses.len()];
    let mut order = Vec::with_capacity(uses.len());
    // The prelude stands right behind the main module.
    let starts = (1..uses.len()).chain([0]);
    for start in starts {
        // Modules on the way down, each with the number of the `use` it looks at.
        let mut stack: Vec<(usize, usize)> = Vec::new();
        if states[start] == State::New {
            states[start] = State::Open;
            stack.push((start, 0));
        }
        while let Some(&mut (module, ref mut at)) = stack.last_mut() {
            let Some(target) = uses[module].get(*at).copied() else {
                states[module] = State::Done;
                order.push(ModuleId(module as u32));
                stack.pop();
                continue;
            };
            *at += 1;
            let Some(target) = target.map(|t| t.0 as usize) else {
                continue;
            };
            match states[target] {
                State::Done => {}
                State::New => {
                    states[target] = State::Open;
                    stack.push((target, 0));
                }
                State::Open => {
                    let from = stack.iter().position(|(m, _)| *m == target).unwrap_or(0);
                    report_circle(checker, &stack[from..]);
                    if let Some((module, at)) = stack.last() {
                        uses[*module][at - 1] = None;
                    }
                }
            }
        }
    }
    order
}

/// `circle` holds modules, each with one more than the number of the `use` that leads to the next.
fn report_circle(checker: &mut Checker<'_>, circle: &[(usize, usize)]) {
    let steps: Vec<(Span, String)> = circle
        .iter()
        .filter_map(|&(module, at)| {
            let module = &checker.modules[module];
            let uses = module.ast.items.iter().filter_map(|item| match &item.kind {
                ItemKind::Use(import) => Some(import),
                _ => None,
            });
            let import = uses.clone().nth(at - 1)?;
            let text = format!("`{}` uses `{}`", module.name, import.module);
            Some((import.module.span, text))
        })
        .collect();
    let first = &checker.modules[circle[0].0].name;
    let mut found = names::module_cycle(first);
    // The `use` that closes the circle comes first: it is the one taken out.
    for (span, text) in steps.iter().rev().take(1).chain(&steps[..steps.len() - 1]) {
        found = found.at(*span, text.clone());
    }
    let found = found.help("move what both need into a module of its own");
    checker.sink.emit(found);
}
