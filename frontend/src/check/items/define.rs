//! Types, constants, data and signatures.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, ExprKind, ItemKind, Literal, Tag, TypeKind};
use tollgate_grammar::source::Span;
use tollgate_runtime::pattern::Regex;
use tollgate_runtime::schema::Boundary;

use super::{Declared, Outline, parameters, ruleset, size};
use crate::check::{Body, Checker, Constant, Def, ModuleId, Place, Signature};
use crate::diagnostics::catalog::items;
use crate::hir::{Data, Enum, Field, Record, Refinement, Variant};
use crate::types::ty::Ty;

/// A record of which nothing is known but that it exists.
pub(super) fn empty_record(record: &ast::Record, module: Arc<str>) -> Record {
    Record {
        name: record.name.text.as_str().into(),
        module,
        span: record.name.span,
        fields: Vec::new(),
        boundary: Boundary::default(),
    }
}

/// An enum of which nothing is known but that it exists.
pub(super) fn empty_enum(found: &ast::Enum, module: Arc<str>) -> Enum {
    Enum {
        name: found.name.text.as_str().into(),
        module,
        span: found.name.span,
        tag: found.tag.as_ref().map(|tag| (&*tag.value).into()),
        variants: Vec::new(),
    }
}

/// Data of which nothing is known but that it exists.
pub(super) fn empty_data(data: &ast::Data) -> Data {
    Data {
        name: data.name.text.as_str().into(),
        span: data.name.span,
        ty: Ty::Error,
    }
}

/// Defines one type or constant; everything it mentions is defined.
pub(super) fn type_or_constant(
    checker: &mut Checker<'_>,
    outline: &Outline,
    file: &ast::File,
    item: usize,
) {
    let module = outline.module;
    match (&file.items[item].kind, outline.items[item]) {
        (ItemKind::Type(decl), _) => type_decl(checker, module, decl),
        (ItemKind::Const(decl), _) => constant(checker, module, decl),
        (ItemKind::Record(record), Declared::Record(id)) => {
            let defined = fields(checker, module, &record.fields);
            checker.program.records[id].fields = defined;
            size::record(checker, module, &record.name, id);
        }
        (ItemKind::Enum(decl), Declared::Enum(id)) => {
            let defined = variants(checker, module, decl);
            checker.program.enums[id].variants = defined;
            size::enumeration(checker, module, &decl.name, id);
        }
        _ => {}
    }
}

/// Defines the types of data and the signatures of everything that can be called.
pub(super) fn signatures(checker: &mut Checker<'_>, outline: &Outline, file: &ast::File) {
    let module = outline.module;
    for (item, declared) in file.items.iter().zip(&outline.items) {
        match (&item.kind, *declared) {
            (ItemKind::Data(data), Declared::Data(id)) => {
                let ty = checker.resolve_type(module, &data.ty);
                checker.program.data[id].ty = ty;
            }
            (ItemKind::Function(f), Declared::Fn(id)) => {
                let signature = Signature {
                    params: parameters(checker, module, &f.params),
                    result: checker.resolve_type(module, &f.result),
                    span: f.name.span,
                };
                checker.fn_signatures.insert(id, signature);
            }
            (ItemKind::RuleSet(set), Declared::RuleSet(id)) => {
                let params = parameters(checker, module, &set.params);
                let result = ruleset::result(checker, module, set);
                let span = set.name.span;
                let signature = Signature {
                    params,
                    result,
                    span,
                };
                checker.ruleset_signatures.insert(id, signature);
            }
            (ItemKind::Guard(guard), Declared::RuleSet(id)) => {
                let signature = Signature {
                    params: parameters(checker, module, &guard.params),
                    result: checker.verdict.map_or(Ty::Error, Ty::Enum),
                    span: guard.name.span,
                };
                checker.ruleset_signatures.insert(id, signature);
            }
            (ItemKind::Table(table), Declared::RuleSet(id)) => {
                let params = parameters(checker, module, &table.params);
                let result = super::table::result(checker, module, table);
                let span = table.name.span;
                let signature = Signature {
                    params,
                    result,
                    span,
                };
                checker.ruleset_signatures.insert(id, signature);
            }
            (ItemKind::Pipeline(pipeline), Declared::Pipeline(id)) => {
                let signature = Signature {
                    params: parameters(checker, module, &pipeline.params),
                    result: checker.resolve_type(module, &pipeline.result),
                    span: pipeline.name.span,
                };
                checker.pipeline_signatures.insert(id, signature);
            }
            _ => {}
        }
    }
}

/// `type X = …`: a name for a type, or a refined text.
fn type_decl(checker: &mut Checker<'_>, module: ModuleId, decl: &ast::TypeDecl) {
    let def = match &decl.ty.kind {
        TypeKind::Matching(parts) => refinement(checker, module, decl, &parts.0, &parts.1),
        _ => match checker.resolve_type(module, &decl.ty) {
            Ty::Error => Def::Error,
            ty => Def::Alias(ty),
        },
    };
    // A circle was reported, and has made this an error for good.
    checker.redefine(module, &decl.name, def);
}

fn refinement(
    checker: &mut Checker<'_>,
    module: ModuleId,
    decl: &ast::TypeDecl,
    base: &ast::Type,
    pattern: &ast::Expr,
) -> Def {
    let max = match checker.resolve_type(module, base) {
        Ty::Error => return Def::Error,
        Ty::Str { max, refined: None } => max,
        other => {
            let shown = other.show(&checker.program).to_string();
            let found = items::bad_refinement_base(shown).at(base.span, "not plain text");
            checker.sink.emit(found);
            return Def::Error;
        }
    };
    let tagged = match &pattern.kind {
        ExprKind::Error => return Def::Error,
        ExprKind::Literal(Literal::Tagged(tagged)) if tagged.tag == Tag::Regex => tagged,
        _ => {
            let found = items::refinement_needs_regex()
                .at(pattern.span, "not a regular expression")
                .help("write `re\"…\"`");
            checker.sink.emit(found);
            return Def::Error;
        }
    };
    match Regex::parse(&tagged.content) {
        Ok(regex) => {
            let id = checker.program.refinements.push(Refinement {
                name: decl.name.text.as_str().into(),
                span: decl.name.span,
                max,
                regex: Arc::new(regex),
            });
            Def::Refinement(id)
        }
        Err(error) => {
            // The engine draws the pattern again; its last line says what is wrong.
            let last = error.message.lines().last().unwrap_or_default();
            let reason = last.trim_start_matches("error: ");
            let found = items::bad_refinement(reason).at(tagged.content_span, "this one");
            checker.sink.emit(found);
            Def::Error
        }
    }
}

fn constant(checker: &mut Checker<'_>, module: ModuleId, decl: &ast::Const) {
    let expected = decl.ty.as_ref().map(|ty| checker.resolve_type(module, ty));
    let mut body = Body::new(checker, module, Place::Value);
    let def = match body.constant(&decl.value, expected.as_ref()) {
        Some((ty, value)) if !ty.is_error() => {
            // Of a number its value is known, which is more than its declared type says.
            let ty = expected.filter(|e| e.interval().is_none()).unwrap_or(ty);
            Def::Const(Arc::new(Constant { ty, value }))
        }
        _ => Def::Error,
    };
    checker.redefine(module, &decl.name, def);
}

fn fields(checker: &mut Checker<'_>, module: ModuleId, fields: &[ast::Field]) -> Vec<Field> {
    let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
    let mut defined = Vec::with_capacity(fields.len());
    for field in fields {
        if let Some(first) = seen.insert(&field.name.text, field.name.span) {
            let found = items::duplicate_field(&field.name)
                .at(field.name.span, "a second one of this name")
                .at(first, "the first");
            checker.sink.emit(found);
            continue;
        }
        let ty = checker.resolve_type(module, &field.ty);
        let default = field.default.as_ref().and_then(|e| {
            let mut body = Body::new(checker, module, Place::Value);
            Some(body.constant(e, Some(&ty))?.1)
        });
        defined.push(Field {
            name: field.name.text.as_str().into(),
            span: field.name.span,
            ty,
            default,
        });
    }
    defined
}

fn variants(checker: &mut Checker<'_>, module: ModuleId, decl: &ast::Enum) -> Vec<Variant> {
    let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
    let mut defined = Vec::with_capacity(decl.variants.len());
    for variant in &decl.variants {
        if let Some(first) = seen.insert(&variant.name.text, variant.name.span) {
            let found = items::duplicate_variant(&variant.name)
                .at(variant.name.span, "a second one of this name")
                .at(first, "the first");
            checker.sink.emit(found);
            continue;
        }
        let fields = fields(checker, module, &variant.fields);
        // In JSON the tag and the fields stand side by side.
        if let Some(tag) = &decl.tag
            && let Some(clash) = fields.iter().find(|f| *f.name == *tag.value)
        {
            let found = items::tag_is_field(&tag.value)
                .at(clash.span, "this field")
                .at(tag.span, "the tag");
            checker.sink.emit(found);
        }
        defined.push(Variant {
            name: variant.name.text.as_str().into(),
            span: variant.name.span,
            fields,
        });
    }
    defined
}
