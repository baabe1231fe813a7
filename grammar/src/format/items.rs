//! Declarations.

use super::columns::Line;
use super::lists::{Brackets, Overflow};
use super::writer::Writer;
use crate::ast::*;
use crate::token::TokenKind;

/// The blanks before each column of settings and fields: the name, what stands behind its colon.
const LABEL_GAPS: [u32; 2] = [0, 1];

impl Writer<'_> {
    /// Writes `edition 2026` or `module a.b`, if one of them comes next.
    pub(super) fn opening(&mut self) -> bool {
        match self.kind() {
            Some(TokenKind::Edition) => {
                self.token();
                self.spaced();
                true
            }
            Some(TokenKind::Module) => {
                self.token();
                self.blank();
                self.path();
                true
            }
            _ => false,
        }
    }

    /// Writes an item from its keyword on.
    pub(super) fn item(&mut self, item: &Item) {
        match &item.kind {
            ItemKind::Use(used) => {
                self.token();
                self.blank();
                self.path();
                self.token();
                self.list(Brackets::Tight, Overflow::Fill, &used.names, |w, _| {
                    w.token()
                });
            }
            ItemKind::Const(constant) => {
                self.token();
                self.blank();
                match &constant.ty {
                    Some(ty) => {
                        self.label();
                        self.ty(ty);
                    }
                    None => self.token(),
                }
                self.spaced();
                self.value_behind_sign(&constant.value);
            }
            ItemKind::Type(decl) => {
                self.token();
                self.spaced();
                self.spaced();
                self.blank();
                self.ty(&decl.ty);
            }
            ItemKind::Record(record) => {
                self.token();
                self.spaced();
                self.blank();
                self.labelled(&record.fields, |w, field| w.field_type(field));
            }
            ItemKind::Enum(decl) => self.enumeration(decl),
            ItemKind::Boundary(boundary) => {
                self.token();
                self.spaced();
                self.blank();
                self.settings(&boundary.settings);
            }
            ItemKind::Data(data) => {
                self.token();
                self.blank();
                self.label();
                self.ty(&data.ty);
            }
            ItemKind::Function(function) => {
                self.head(&function.params, Some(&function.result));
                self.spaced();
                self.value_behind_sign(&function.body);
            }
            ItemKind::RuleSet(set) => self.rule_set(set),
            ItemKind::Guard(guard) => self.guard(guard),
            ItemKind::Table(table) => self.table(table),
            ItemKind::Pipeline(pipeline) => self.pipeline(pipeline),
            ItemKind::State(state) => {
                self.token();
                self.blank();
                self.label();
                self.ty(&state.kind);
                if let Some(key) = &state.key {
                    self.spaced();
                    self.blank();
                    self.ty(key);
                }
                self.blank();
                self.settings(&state.settings);
            }
            ItemKind::Stream(stream) => {
                self.token();
                self.blank();
                self.label();
                self.ty(&stream.event);
                self.blank();
                self.settings(&stream.settings);
            }
            ItemKind::Test(test) => self.test(test),
            ItemKind::Prove(prove) => self.prove(prove),
            // Of a file without mistakes there is none.
            ItemKind::Error => {}
        }
    }

    /// Writes `{ name: value, … }`.
    pub(super) fn settings(&mut self, settings: &[Setting]) {
        self.labelled(settings, |w, setting| match &setting.value {
            SettingValue::Expr(value) => w.expr(value),
            SettingValue::Nested(settings) => w.settings(settings),
        });
    }

    /// Writes a block of names with something behind their colons, which `value` writes. It stands below each other where the
    /// author put several blanks before it once, and nowhere two on a line.
    fn labelled<T>(&mut self, elements: &[T], mut value: impl FnMut(&mut Self, &T)) {
        let mut runs: Vec<Vec<Line>> = Vec::new();
        let (mut wide, mut alone) = (false, true);
        self.list(Brackets::Block, Overflow::Lines, elements, |w, element| {
            alone &= w.is_fresh();
            if runs.is_empty() || w.is_apart() || w.has_comment() {
                runs.push(Vec::new());
            }
            w.comments_before();
            let mut line = Line::default();
            let begin = w.mark();
            w.blanks(0);
            w.tight(2);
            line.add(0, begin, w.mark());
            wide |= w.is_wide();
            let gap = w.mark();
            w.blank();
            // How wide the values are does not matter: nothing stands behind them.
            line.add(1, gap, gap + 1);
            if let Some(run) = runs.last_mut() {
                run.push(line);
            }
            value(w, element);
        });
        if wide && alone {
            for run in runs {
                self.align(&run, &LABEL_GAPS);
            }
        }
    }

    fn path(&mut self) {
        self.token();
        while self.at(TokenKind::Dot) && !self.is_before_names() {
            self.tight(2);
        }
    }

    fn field_type(&mut self, field: &Field) {
        self.ty(&field.ty);
        if let Some(default) = &field.default {
            self.spaced();
            self.value_behind_sign(default);
        }
    }

    fn enumeration(&mut self, decl: &Enum) {
        self.token();
        self.spaced();
        if decl.tag.is_some() {
            self.spaced();
            self.spaced();
        }
        self.blank();
        let all_short = decl
            .variants
            .iter()
            .all(|variant| variant.fields.is_empty());
        let overflow = match all_short {
            true => Overflow::Fill,
            false => Overflow::Lines,
        };
        self.list(Brackets::Block, overflow, &decl.variants, |w, variant| {
            w.token();
            if w.at(TokenKind::ParenOpen) {
                w.list(
                    Brackets::Tight,
                    Overflow::Lines,
                    &variant.fields,
                    |w, field| {
                        w.label();
                        w.field_type(field);
                    },
                );
            }
        });
    }
}
