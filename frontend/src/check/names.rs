//! What a name stands for.

use tollgate_grammar::ast::Name;
use tollgate_grammar::source::Span;

use super::{Checker, Def, Entry, ModuleId};
use crate::diagnostics::{Diagnostic, catalog};

impl Checker<'_> {
    /// What `name` stands for in a module: its own items and what it imports, then the prelude. Parameters and
    /// bindings come before both and are the body's affair.
    pub(crate) fn lookup(&self, module: ModuleId, name: &str) -> Option<&Entry> {
        let own = self.modules[module.0 as usize].scope.get(name);
        let entry = own.or_else(|| self.prelude.get(name))?;
        entry.used.set(true);
        Some(entry)
    }

    /// What `name` stands for inside the module called `owner`, whether or not it was imported: how a method call finds
    /// the functions that were written beside its receiver's type.
    pub(crate) fn lookup_in(&self, owner: &str, name: &str) -> Option<&Entry> {
        let module = self.modules.iter().find(|m| &*m.name == owner)?;
        module.scope.get(name).filter(|entry| !entry.imported)
    }

    /// Gives a name of a module its meaning, or reports that it has one already.
    pub(super) fn declare(&mut self, module: ModuleId, name: &Name, def: Def) {
        let scope = &mut self.modules[module.0 as usize].scope;
        if let Some(first) = scope.get(&*name.text) {
            let imported = first.imported;
            let mut found = catalog::names::duplicate_name(name).at(name.span, "declared again");
            if let Some(span) = first.span {
                let how = if imported { "imported" } else { "declared" };
                found = found.at(span, format!("first {how} here"));
            }
            // What both mean is not known, so that nobody complains about the uses.
            if let Some(entry) = scope.get_mut(&*name.text)
                && imported
            {
                entry.def = def;
                entry.used.set(true);
            }
            self.sink.emit(found);
            return;
        }
        scope.insert(name.text.clone(), Entry::new(def, Some(name.span)));
    }

    /// Changes what a declared name stands for, once it is known better.
    pub(super) fn redefine(&mut self, module: ModuleId, name: &Name, def: Def) {
        let scope = &mut self.modules[module.0 as usize].scope;
        // A second declaration of the name has been reported; it must not replace the first.
        if let Some(entry) = scope.get_mut(&*name.text)
            && entry.span == Some(name.span)
        {
            entry.def = def;
        }
    }

    /// Whether the declaration at `name` is the one that counts: not the second of its name.
    pub(super) fn owns(&self, module: ModuleId, name: &Name) -> bool {
        let scope = &self.modules[module.0 as usize].scope;
        scope
            .get(&*name.text)
            .is_some_and(|e| e.span == Some(name.span))
    }

    /// The text of a place.
    pub(super) fn text(&self, span: Span) -> &str {
        self.sources.slice(span)
    }
}

/// Adds "did you mean" with its edit, when there is something to mean.
pub(super) fn did_you_mean(found: Diagnostic, span: Span, meant: Option<&str>) -> Diagnostic {
    match meant {
        Some(meant) => found.suggest(format!("did you mean `{meant}`?"), span, meant),
        None => found,
    }
}

impl Entry {
    /// An entry that nobody has used yet.
    pub(super) fn new(def: Def, span: Option<Span>) -> Entry {
        Entry {
            def,
            span,
            imported: false,
            used: std::cell::Cell::new(false),
        }
    }
}

impl Def {
    /// What it is, with its article, for messages.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Def::Record(_) => "a record",
            Def::Enum(_) => "an enum",
            Def::Alias(_) | Def::Refinement(_) => "a type",
            Def::Const(_) => "a constant",
            Def::Data(_) => "data from the host",
            Def::Fn(_) => "a function",
            Def::RuleSet(_) => "a rule set",
            Def::Pipeline(_) => "a pipeline",
            Def::State(_) => "a state",
            Def::Stream(_) => "a stream",
            Def::Native(_) => "a function of the library",
            Def::Error => "something that was not understood",
        }
    }

    /// Whether it can stand where a type is expected.
    pub(crate) fn is_type(&self) -> bool {
        matches!(
            self,
            Def::Record(_) | Def::Enum(_) | Def::Alias(_) | Def::Refinement(_)
        )
    }
}
