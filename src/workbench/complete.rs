//! What could stand at a place of an unfinished line: names in scope, and behind a dot what the type has.

use std::collections::BTreeSet;

use tollgate_frontend::hir::{Field, Program, Step};
use tollgate_frontend::types::ty::Ty;
use tollgate_grammar::ast::ItemKind;
use tollgate_grammar::source::FileId;
use tollgate_grammar::token::keywords;

use super::{Text, Workbench, item_name};
use crate::error::Error;
use crate::pipeline;

impl Workbench {
    /// What could stand where the word at `at` of `line` begins: the place, and all that begins as the word does.
    ///
    /// Behind a dot these are the fields of a record, the variants of an enum, and the functions of the program that take a value of
    /// the type first; nothing, where what stands before the dot has no type yet. Elsewhere they are all names in scope, and the
    /// words of the language.
    ///
    /// ```
    /// use tollgate::{Engine, Workbench};
    /// let mut bench = Workbench::new(Engine::new());
    /// bench.enter("record Load { cpu: Percent, queue: Int, quota: Int }")?;
    /// bench.enter("let load = Load(cpu: 10%)")?;
    /// assert_eq!(bench.complete("1 + load.qu", 11), (9, vec!["queue".to_owned(), "quota".to_owned()]));
    /// assert_eq!(bench.complete("loa", 3), (0, vec!["load".to_owned()]));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn complete(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        let start = before.trim_end_matches(is_word).len();
        let (head, word) = before.split_at(start);
        let names = match head.strip_suffix('.') {
            Some(head) => self.behind_dot(receiver(head)),
            None => self.names(),
        };
        let fitting = names.into_iter().filter(|name| name.starts_with(word));
        (start, fitting.collect())
    }

    /// Every name that may begin an expression or a declaration.
    fn names(&self) -> BTreeSet<String> {
        let library = tollgate_stdlib::library();
        let prelude = library.modules.iter().filter(|module| module.prelude);
        let natives =
            (library.natives.iter()).filter(|n| prelude.clone().any(|m| m.name == n.module));
        let names_of_natives: Vec<String> = natives.map(|native| native.name.to_owned()).collect();
        let sources = prelude.map(|module| module.source);
        let own = self.file.iter().chain(&self.typed).map(|text| &*text.text);
        let mut names: BTreeSet<String> = sources.chain(own).flat_map(declared).collect();
        names.extend(self.bindings.iter().map(|(name, _)| name.clone()));
        names.extend(names_of_natives);
        names.extend(keywords().map(str::to_owned));
        names
    }

    fn behind_dot(&self, receiver: &str) -> BTreeSet<String> {
        let program = &self.program;
        if let Some(found) = program.enums.values().find(|e| *e.name == *receiver) {
            return found.variants.iter().map(|v| v.name.to_string()).collect();
        }
        self.type_of(receiver)
            .map_or(BTreeSet::new(), |(program, ty)| members(&program, &ty))
    }

    fn type_of(&self, text: &str) -> Option<(Program, Ty)> {
        let text = Text {
            name: "<completed>".into(),
            text: text.to_owned(),
        };
        let program = self.with_question(Some(&text), |main, asked, loader| {
            let (program, report) = pipeline::check_question(main, asked, loader);
            program.ok_or(Error::rules(report))
        });
        let program = program.ok()?;
        let shown = program.tests.first()?.steps.iter().rev();
        let ty = shown.into_iter().find_map(|step| match step {
            Step::Show(value) => Some(value.ty.clone()),
            _ => None,
        })?;
        Some((program, ty))
    }
}

/// The fields of a type, and the functions that take it first.
fn members(program: &Program, ty: &Ty) -> BTreeSet<String> {
    let (inner, mut names) = match ty {
        Ty::Opt(inner) => (&**inner, BTreeSet::from(["present".to_owned()])),
        _ => (ty, BTreeSet::new()),
    };
    let field = |field: &Field| field.name.to_string();
    if let Ty::Record(id) = inner {
        names.extend(program.records[*id].fields.iter().map(field));
    }
    if let Ty::Values { .. } = inner {
        names.extend(["present", "single"].map(str::to_owned));
    }
    let takes = |param: &Ty| match (param, ty) {
        (Ty::Record(a), Ty::Record(b)) => a == b,
        (Ty::Enum(a), Ty::Enum(b)) => a == b,
        (Ty::Record(_) | Ty::Enum(_), _) => false,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    let functions = program.fns.values().filter(|function| {
        let first = function.params.first();
        first.is_some_and(|first| takes(&function.locals[*first].ty))
    });
    names.extend(functions.map(|function| function.name.to_string()));
    names
}

/// The names that a text declares or imports, those of variants too.
fn declared(text: &str) -> Vec<String> {
    let parse = tollgate_grammar::parse(FileId(0), text);
    let mut names = Vec::new();
    for item in &parse.ast.items {
        names.extend(item_name(item));
        match &item.kind {
            ItemKind::Use(import) => names.extend(import.names.iter().map(|n| n.text.to_string())),
            ItemKind::Enum(item) => {
                names.extend(item.variants.iter().map(|v| v.name.text.to_string()));
            }
            _ => {}
        }
    }
    names
}

/// What a dot at the end of the text would select from: names, calls and indices, back to what cannot belong to them.
fn receiver(text: &str) -> &str {
    let mut depth = 0_u32;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' | ']' => depth += 1,
            '(' | '[' if depth > 0 => depth -= 1,
            _ if depth > 0 || is_word(c) || c == '.' => {}
            _ => break,
        }
        start = at;
    }
    &text[start..]
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
