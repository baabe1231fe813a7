//! Rule sets, guards, tables and pipelines.

use super::columns::{InColumns, Line, Run};
use super::doc::Flat;
use super::lists::{Brackets, Overflow};
use super::writer::Writer;
use crate::ast::*;

/// The blanks before each column of one-line rules: the name, the reason, the conditions, the outcomes.
const RULE_GAPS: [u32; 4] = [0, 2, 2, 2];
/// The blanks before each column of stages: the name, the value, the stop.
const STAGE_GAPS: [u32; 3] = [0, 1, 2];

impl Writer<'_> {
    /// Writes a rule set.
    pub(super) fn rule_set(&mut self, set: &RuleSet) {
        self.head(&set.params, Some(&set.result));
        if set.stream.is_some() {
            self.spaced();
            self.spaced();
        }
        self.policy(&set.policy);
        self.blank();
        let is_empty = set.clauses.is_empty() && set.rules.is_empty() && set.otherwise.is_none();
        self.block(is_empty, |w| {
            let mut entries = Entries::default();
            entries.clauses(w, &set.clauses);
            entries.rules(w, &set.rules);
            entries.otherwise(w, set.otherwise.as_ref());
        });
    }

    /// Writes a guard.
    pub(super) fn guard(&mut self, guard: &Guard) {
        self.head(&guard.params, None);
        self.blank();
        self.block(guard.rules.is_empty(), |w| {
            Entries::default().rules(w, &guard.rules);
        });
    }

    /// Writes a table.
    pub(super) fn table(&mut self, table: &Table) {
        self.head(&table.params, Some(&table.result));
        self.policy(&table.policy);
        self.blank();
        let is_empty =
            table.clauses.is_empty() && table.rows.is_empty() && table.otherwise.is_none();
        self.block(is_empty, |w| {
            w.break_groups();
            let mut entries = Entries::default();
            entries.clauses(w, &table.clauses);
            w.rows(&mut entries, &table.rows);
            entries.otherwise(w, table.otherwise.as_ref());
        });
    }

    /// Writes a pipeline.
    pub(super) fn pipeline(&mut self, pipeline: &Pipeline) {
        self.head(&pipeline.params, Some(&pipeline.result));
        self.blank();
        self.block(false, |w| {
            let mut entries = Entries::default();
            let mut run = Run::new(&STAGE_GAPS);
            for stage in &pipeline.stages {
                if entries.begun {
                    w.part_line();
                }
                entries.begun = true;
                run.next(w);
                w.comments_before();
                w.stage(stage, &mut run);
            }
            run.end(w);
            if entries.begun {
                w.part_line();
            }
            w.token();
            w.blank();
            w.expr(&pipeline.then);
        });
    }

    /// Writes `name(params) -> T` from the keyword on.
    pub(super) fn head(&mut self, params: &[Param], result: Option<&Type>) {
        self.token();
        self.spaced();
        self.list(Brackets::Tight, Overflow::Lines, params, |w, param| {
            w.param(param)
        });
        if let Some(result) = result {
            self.spaced();
            self.blank();
            self.ty(result);
        }
    }

    /// Writes `name: T`.
    pub(super) fn param(&mut self, param: &Param) {
        self.label();
        self.ty(&param.ty);
    }

    fn policy(&mut self, policy: &HitPolicy) {
        self.spaced();
        self.spaced();
        if let HitPolicyKind::BestBy(value) = &policy.kind {
            self.spaced();
            self.spaced();
            self.condition(value);
            self.token();
        }
    }

    fn set_clause(&mut self, clause: &SetClause) {
        match &clause.kind {
            SetClauseKind::Cost(_) => {
                self.token();
                self.spaced();
            }
            SetClauseKind::Active(active) => self.active(active),
            SetClauseKind::Shadow(shadow) => self.shadow(shadow),
        }
    }

    fn active(&mut self, active: &Active) {
        self.token();
        self.blank();
        self.range(&active.range);
        if let Some(zone) = &active.zone {
            self.spaced();
            self.blank();
            self.expr(zone);
        }
    }

    fn shadow(&mut self, shadow: &Shadow) {
        self.token();
        self.spaced();
        self.spaced();
        self.blank();
        self.expr(&shadow.until);
    }

    fn rule(&mut self, rule: &Rule, run: &mut Run) {
        let (mut line, mut wide) = (Line::default(), false);
        // Nothing stands before the first cell; its commands begin behind the group's.
        let begin = self.mark();
        self.group(|w| {
            w.token();
            w.spaced();
            line.add(0, begin, w.mark());
            w.indented(|w| {
                if rule.why.is_some() {
                    wide |= w.is_wide();
                    let gap = w.mark();
                    w.spaced();
                    line.add(1, gap, w.mark());
                }
                let outcomes = rule.clauses.iter().position(is_outcome);
                let outcomes = outcomes.unwrap_or(rule.clauses.len());
                let (conditions, outcomes) = rule.clauses.split_at(outcomes);
                for (column, clauses) in [(2, conditions), (3, outcomes)] {
                    let mut first = None;
                    for clause in clauses {
                        wide |= w.is_wide();
                        w.line(Flat::Blanks(1));
                        let gap = *first.get_or_insert(w.mark() - 1);
                        w.clause(clause);
                        line.add(column, gap, w.mark());
                    }
                }
            });
        });
        run.add(self, begin, line, wide);
    }

    fn clause(&mut self, clause: &Clause) {
        match &clause.kind {
            ClauseKind::Tags(settings) => {
                self.token();
                self.blank();
                self.settings(settings);
            }
            ClauseKind::On(on) => {
                self.token();
                self.blank();
                match &**on {
                    OnPattern::Pattern(pattern) => self.pattern(pattern),
                    OnPattern::Route { method, path } => {
                        self.pattern(method);
                        self.blank();
                        self.expr(path);
                    }
                }
            }
            ClauseKind::Active(active) => self.active(active),
            ClauseKind::Shadow(shadow) => self.shadow(shadow),
            ClauseKind::When(condition) => {
                self.token();
                self.blank();
                self.condition(condition);
            }
            ClauseKind::Once(place) | ClauseKind::Within(place) => {
                self.token();
                self.blank();
                self.place(place);
            }
            ClauseKind::Then(value) => {
                self.token();
                self.blank();
                self.expr(value);
            }
            // Of a file without mistakes there is none.
            ClauseKind::Error => {}
        }
    }

    /// Writes `name` or `name[key]`.
    pub(super) fn place(&mut self, place: &Place) {
        self.token();
        if let Some(key) = &place.key {
            self.token();
            self.expr(key);
            self.token();
        }
    }

    fn rule_group(&mut self, group: &Group) {
        self.group(|w| {
            w.token();
            w.spaced();
            w.blank();
            w.condition(&group.condition);
            w.blank();
            w.block(group.rules.is_empty(), |w| {
                Entries::default().rules(w, &group.rules);
            });
        });
    }

    fn stage(&mut self, stage: &Stage, run: &mut Run) {
        let (mut line, mut wide) = (Line::default(), false);
        let begin = self.mark();
        self.group(|w| {
            w.token();
            w.spaced();
            line.add(0, begin, w.mark());
            wide |= w.is_wide();
            let gap = w.mark();
            w.spaced();
            w.value_behind_sign(&stage.value);
            line.add(1, gap, w.mark());
            if let Some(stop) = &stage.stop {
                w.indented(|w| {
                    wide |= w.is_wide();
                    w.line(Flat::Blanks(1));
                    let gap = w.mark() - 1;
                    w.token();
                    w.blank();
                    w.arm(stop);
                    line.add(2, gap, w.mark());
                });
            }
        });
        run.add(self, begin, line, wide);
    }
}

impl InColumns for Row {
    fn cells(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize, w: &mut Writer<'_>) {
        w.pattern(&self.cells[index]);
    }

    fn has_value(&self) -> bool {
        true
    }

    fn value(&self, w: &mut Writer<'_>) {
        w.value_behind_sign(&self.value);
    }
}

/// What stands in the braces of a rule set, one below the other.
#[derive(Default)]
pub(super) struct Entries {
    /// Whether there is one already.
    begun: bool,
}

impl Entries {
    /// Ends the line behind the entry before.
    pub(super) fn next_part(&mut self, w: &mut Writer<'_>) {
        if self.begun {
            w.part_line();
        }
        self.begun = true;
    }

    /// The same before a rule, which `rule` writes: an empty line sets those that take several lines apart.
    fn next_rule(&mut self, w: &mut Writer<'_>, rule: impl FnOnce(&mut Writer<'_>)) {
        if self.begun {
            w.rule_line(rule);
        } else {
            self.begun = true;
            w.comments_before();
            rule(w);
        }
    }

    fn clauses(&mut self, w: &mut Writer<'_>, clauses: &[SetClause]) {
        for clause in clauses {
            self.next_part(w);
            w.comments_before();
            w.group(|w| w.set_clause(clause));
        }
    }

    fn rules(&mut self, w: &mut Writer<'_>, rules: &[RuleItem]) {
        let mut run = Run::new(&RULE_GAPS);
        for rule in rules {
            match rule {
                RuleItem::Rule(rule) => {
                    run.next(w);
                    self.next_rule(w, |w| w.rule(rule, &mut run));
                }
                RuleItem::Group(group) => {
                    run.end(w);
                    self.next_rule(w, |w| w.rule_group(group));
                }
                // Of a file without mistakes there is none.
                RuleItem::Error(_) => {}
            }
        }
        run.end(w);
    }

    fn otherwise(&mut self, w: &mut Writer<'_>, otherwise: Option<&Otherwise>) {
        if let Some(otherwise) = otherwise {
            self.next_rule(w, |w| {
                w.group(|w| {
                    w.token();
                    w.blank();
                    w.expr(&otherwise.value);
                });
            });
        }
    }
}

fn is_outcome(clause: &Clause) -> bool {
    matches!(clause.kind, ClauseKind::Then(_))
}
