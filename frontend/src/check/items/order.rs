//! In which order types and constants are understood: each behind what it mentions.
//!
//! Types mention types, and constants as bounds; constants mention types and other constants; the defaults of fields
//! mention constants. All of them together must be free of circles: a type in a circle would have no end, a constant in
//! one no value.

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{
    self, Absent, Expr, ExprKind, Field, ItemKind, Literal, Name, Pattern, PatternKind, Type,
    TypeKind,
};

use super::{Outline, define};
use crate::check::{Checker, Def};
use crate::diagnostics::catalog::items;

/// Defines the types and constants of a module.
pub(super) fn define_types(checker: &mut Checker<'_>, outline: &Outline, file: &ast::File) {
    let order = Order::new(checker, outline, file).run();
    for item in order {
        define::type_or_constant(checker, outline, file, item);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

struct Order<'o, 'c, 'a> {
    checker: &'c mut Checker<'a>,
    outline: &'o Outline,
    file: &'o ast::File,
    /// Items that can be mentioned, by name.
    nodes: FxHashMap<&'o str, usize>,
    states: Vec<State>,
    /// Items of a circle: reported, and mentioned by nobody any more.
    broken: Vec<bool>,
    order: Vec<usize>,
}

impl<'o, 'c, 'a> Order<'o, 'c, 'a> {
    fn new(
        checker: &'c mut Checker<'a>,
        outline: &'o Outline,
        file: &'o ast::File,
    ) -> Order<'o, 'c, 'a> {
        let nodes = file.items.iter().enumerate().filter_map(|(i, item)| {
            let name = name_of(&item.kind)?;
            checker
                .owns(outline.module, name)
                .then_some((&*name.text, i))
        });
        let nodes = nodes.collect();
        Order {
            checker,
            outline,
            file,
            nodes,
            states: vec![State::New; file.items.len()],
            broken: vec![false; file.items.len()],
            order: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<usize> {
        for start in 0..self.file.items.len() {
            if self.states[start] == State::New && name_of(&self.file.items[start].kind).is_some() {
                self.visit(start);
            }
        }
        let broken = self.broken;
        self.order.retain(|item| !broken[*item]);
        self.order
    }

    /// Depth first, with a stack of its own: a chain of constants may be as long as the file.
    fn visit(&mut self, start: usize) {
        let mut stack = vec![(start, self.mentioned(start))];
        self.states[start] = State::Open;
        while let Some((item, mentioned)) = stack.last_mut() {
            let Some(next) = mentioned.pop() else {
                self.states[*item] = State::Done;
                self.order.push(*item);
                stack.pop();
                continue;
            };
            match self.states[next] {
                State::New => {
                    self.states[next] = State::Open;
                    let mentioned = self.mentioned(next);
                    stack.push((next, mentioned));
                }
                State::Open if !self.broken[next] => {
                    let path: Vec<usize> = stack.iter().map(|(item, _)| *item).collect();
                    let from = path.iter().position(|item| *item == next).unwrap_or(0);
                    self.report(&path[from..]);
                }
                State::Open | State::Done => {}
            }
        }
    }

    /// The items an item mentions, the last one first.
    fn mentioned(&self, item: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut see = |mention: Mention<'_>| {
            let (name, constant) = match mention {
                Mention::Type(name) => (name, false),
                Mention::Value(name) => (name, true),
            };
            if let Some(node) = self.nodes.get(name)
                && constant == matches!(self.file.items[*node].kind, ItemKind::Const(_))
            {
                found.push(*node);
            }
        };
        match &self.file.items[item].kind {
            ItemKind::Type(decl) => in_type(&decl.ty, &mut see),
            ItemKind::Const(decl) => {
                if let Some(ty) = &decl.ty {
                    in_type(ty, &mut see);
                }
                in_expr(&decl.value, &mut see);
            }
            ItemKind::Record(record) => in_fields(&record.fields, &mut see),
            ItemKind::Enum(decl) => {
                for variant in &decl.variants {
                    in_fields(&variant.fields, &mut see);
                }
            }
            _ => {}
        }
        found.reverse();
        found
    }

    fn report(&mut self, circle: &[usize]) {
        let names: Vec<&Name> = circle
            .iter()
            .filter_map(|i| name_of(&self.file.items[*i].kind))
            .collect();
        let Some(first) = names.first() else { return };
        let is_const = |i: &usize| matches!(self.file.items[*i].kind, ItemKind::Const(_));
        let mut found = if circle.iter().any(is_const) {
            items::constant_cycle(first)
        } else {
            items::recursive_type(first)
        };
        for (i, name) in names.iter().enumerate() {
            let next = names[(i + 1) % names.len()];
            let what = if next.span == name.span {
                "itself".into()
            } else {
                format!("`{next}`")
            };
            found = found.at(name.span, format!("`{name}` needs {what}"));
        }
        if !circle.iter().any(is_const) {
            found = found.note("values are finite: a list of parts, or a name to look up, can stand for deeper structure");
        }
        self.checker.sink.emit(found);
        for (i, name) in circle.iter().zip(names) {
            self.broken[*i] = true;
            self.checker.redefine(self.outline.module, name, Def::Error);
        }
    }
}

/// The name of an item that has a place in the order.
fn name_of(kind: &ItemKind) -> Option<&Name> {
    match kind {
        ItemKind::Type(decl) => Some(&decl.name),
        ItemKind::Const(decl) => Some(&decl.name),
        ItemKind::Record(record) => Some(&record.name),
        ItemKind::Enum(decl) => Some(&decl.name),
        _ => None,
    }
}

/// A name that an item needs to be understood.
enum Mention<'n> {
    /// Where a type or constructor stands.
    Type(&'n str),
    /// Where a value stands.
    Value(&'n str),
}

fn in_fields(fields: &[Field], see: &mut dyn FnMut(Mention<'_>)) {
    for field in fields {
        in_type(&field.ty, see);
        if let Some(default) = &field.default {
            in_expr(default, see);
        }
    }
}

fn in_type(ty: &Type, see: &mut dyn FnMut(Mention<'_>)) {
    match &ty.kind {
        TypeKind::Error => {}
        TypeKind::Named(named) => {
            see(Mention::Type(&named.name.text));
            for arg in &named.args {
                in_type(arg, see);
            }
            if let Some(bound) = &named.bound {
                in_expr(bound, see);
            }
        }
        TypeKind::Optional(of) => in_type(of, see),
        TypeKind::List(of) | TypeKind::Set(of) => {
            in_type(&of.element, see);
            if let Some(bound) = &of.bound {
                in_expr(bound, see);
            }
        }
        TypeKind::InRange(parts) => {
            in_type(&parts.0, see);
            in_expr(&parts.1.low, see);
            in_expr(&parts.1.high, see);
        }
        TypeKind::Matching(parts) => in_type(&parts.0, see),
    }
}

fn in_expr(e: &Expr, see: &mut dyn FnMut(Mention<'_>)) {
    match &e.kind {
        ExprKind::Literal(lit) => in_literal(lit, see),
        ExprKind::None | ExprKind::Error => {}
        ExprKind::Name(name) => see(Mention::Value(name)),
        ExprKind::Field(access) => {
            if let ExprKind::Name(name) = &access.base.kind {
                see(Mention::Type(name));
            }
            in_expr(&access.base, see);
        }
        ExprKind::Index(index) => {
            in_expr(&index.base, see);
            in_expr(&index.index, see);
        }
        ExprKind::Call(call) => {
            see(Mention::Type(&call.name.text));
            for part in call
                .receiver
                .iter()
                .chain(call.args.iter().map(|a| &a.value))
            {
                in_expr(part, see);
            }
        }
        ExprKind::Unary(_, operand) => in_expr(operand, see),
        ExprKind::Binary(binary) => {
            in_expr(&binary.left, see);
            in_expr(&binary.right, see);
        }
        ExprKind::And(parts)
        | ExprKind::Or(parts)
        | ExprKind::List(parts)
        | ExprKind::Set(parts) => {
            parts.iter().for_each(|part| in_expr(part, see));
        }
        ExprKind::Is(is) => {
            in_expr(&is.value, see);
            in_pattern(&is.pattern, see);
        }
        ExprKind::Answer(answer) => {
            in_expr(&answer.value, see);
            if let Absent::Value(value) = &answer.absent {
                in_expr(value, see);
            }
        }
        ExprKind::If(parts) => {
            in_expr(&parts.condition, see);
            in_expr(&parts.then, see);
            in_expr(&parts.otherwise, see);
        }
        ExprKind::Match(parts) => {
            in_expr(&parts.subject, see);
            for arm in &parts.arms {
                in_pattern(&arm.pattern, see);
                in_expr(&arm.value, see);
            }
        }
        ExprKind::Let(parts) => in_expr(&parts.value, see),
        ExprKind::Quantifier(parts) => {
            in_expr(&parts.collection, see);
            for part in parts.filter.iter().chain(&parts.value) {
                in_expr(part, see);
            }
        }
        ExprKind::Range(range) => {
            in_expr(&range.low, see);
            in_expr(&range.high, see);
        }
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                in_expr(key, see);
                in_expr(value, see);
            }
        }
    }
}

/// A path template may name types and constants: `p"/v2/{cart: CartId}"`.
fn in_literal(lit: &Literal, see: &mut dyn FnMut(Mention<'_>)) {
    let Literal::Tagged(tagged) = lit else { return };
    if tagged.tag != ast::Tag::Path {
        return;
    }
    for part in tagged.content.split('{').skip(1) {
        let inside = part.split('}').next().unwrap_or_default();
        for word in inside.split(':').map(str::trim) {
            see(Mention::Type(word));
            see(Mention::Value(word));
        }
    }
}

fn in_pattern(pattern: &Pattern, see: &mut dyn FnMut(Mention<'_>)) {
    match &pattern.kind {
        PatternKind::Wildcard | PatternKind::None | PatternKind::Value(_) | PatternKind::Error => {}
        PatternKind::Name(name) => see(Mention::Value(name)),
        PatternKind::Variant(variant) => {
            if let Some(qualifier) = &variant.qualifier {
                see(Mention::Type(&qualifier.text));
            }
            for arg in variant.args.iter().flatten() {
                in_pattern(&arg.pattern, see);
            }
        }
        PatternKind::Range(range) => {
            in_expr(&range.low, see);
            in_expr(&range.high, see);
        }
        PatternKind::Compare(_, e) => in_expr(e, see),
        PatternKind::Set(parts) | PatternKind::List(parts) => {
            parts.iter().for_each(|part| in_pattern(part, see));
        }
    }
}
