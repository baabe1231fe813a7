//! Declarations and rules.

use super::*;

impl<'text> Builder<'text> {
    pub(crate) fn item(&mut self, start: u32, end: u32, kind: ItemKind) -> Entry {
        Entry::Item(Item {
            docs: self.docs(start),
            span: self.span(start, end),
            kind,
        })
    }

    pub(crate) fn edition(&mut self, start: u32, year_start: u32, end: u32) -> Entry {
        let year = self.integer(year_start, end).unwrap_or_default();
        Entry::Edition(Edition {
            year,
            span: self.span(start, end),
        })
    }

    /// Takes an entry of the file; `edition` and `module` come first, once each.
    pub(crate) fn entry(&mut self, entry: Entry) {
        let (what, span, late, again) = match &entry {
            Entry::Item(_) => ("", Span::default(), false, false),
            Entry::Edition(edition) => (
                "`edition`",
                edition.span,
                self.module.is_some() || !self.items.is_empty(),
                self.edition.is_some(),
            ),
            Entry::Module(path) => (
                "`module`",
                path.span,
                !self.items.is_empty(),
                self.module.is_some(),
            ),
        };
        if again {
            self.misplaced(what, span, format!("{what} is said twice"));
            return;
        }
        if late {
            self.misplaced(
                what,
                span,
                format!("{what} stands at the start of the file"),
            );
        }
        match entry {
            Entry::Item(item) => self.items.push(item),
            Entry::Edition(edition) => self.edition = Some(edition),
            Entry::Module(path) => self.module = Some(path),
        }
    }

    pub(super) fn misplaced(&mut self, what: &'static str, span: Span, message: String) {
        let what = what.trim_matches('`');
        self.report(SyntaxError::new(
            SyntaxErrorKind::Misplaced { what },
            span,
            message,
        ));
    }

    pub(crate) fn enum_tag(&mut self, tag: Option<(Name, Text)>) -> Option<Text> {
        let (word, text) = tag?;
        self.soft_keyword(&word, &["tag"]);
        Some(text)
    }

    /// Checks a word that is a keyword only in its place.
    pub(super) fn soft_keyword(&mut self, word: &Name, meant: &[&'static str]) -> bool {
        if meant.iter().any(|meant| word.text == *meant) {
            return true;
        }
        let near = nearest(&word.text, meant.iter().copied()).or(if let [only] = meant {
            Some(*only)
        } else {
            None
        });
        self.report(
            match near.and_then(|near| meant.iter().find(|meant| **meant == near)) {
                Some(near) => SyntaxError::misspelt(&word.text, near, word.span),
                None => {
                    let expected: Vec<String> =
                        meant.iter().map(|meant| format!("`{meant}`")).collect();
                    let found = format!("`{word}`");
                    SyntaxError::new(
                        SyntaxErrorKind::Unexpected {
                            found: found.as_str().into(),
                            expected: expected.iter().map(|word| word.as_str().into()).collect(),
                        },
                        word.span,
                        format!("expected one of {}, found {found}", expected.join(", ")),
                    )
                }
            },
        );
        false
    }

    pub(crate) fn hit_policy(
        &mut self,
        start: u32,
        word: Name,
        by: Option<Expr>,
        end: u32,
    ) -> HitPolicy {
        const POLICIES: [&str; 6] = ["first", "unique", "any", "all", "best", "sum"];
        let span = self.span(start, end);
        let known = self.soft_keyword(&word, &POLICIES);
        let kind = match (word.text.as_str(), by) {
            _ if !known => HitPolicyKind::Error,
            ("best", Some(value)) => HitPolicyKind::BestBy(Box::new(value)),
            ("best", None) => {
                self.expected_after(
                    word.span,
                    "`by (…)`",
                    "say what is best: `hit best by (it.score)`",
                );
                HitPolicyKind::Error
            }
            (_, Some(value)) => {
                let message = format!("`{word}` has no `by`");
                self.report(SyntaxError::new(
                    SyntaxErrorKind::Misplaced { what: "by" },
                    value.span,
                    message,
                ));
                HitPolicyKind::Error
            }
            ("first", None) => HitPolicyKind::First,
            ("unique", None) => HitPolicyKind::Unique,
            ("any", None) => HitPolicyKind::Any,
            ("all", None) => HitPolicyKind::All,
            _ => HitPolicyKind::Sum,
        };
        HitPolicy { span, kind }
    }

    pub(super) fn expected_after(&mut self, span: Span, expected: &str, help: &str) {
        let rest = &self.text[span.end as usize..];
        let found = match rest.split_whitespace().next() {
            Some(word) => crate::error::shortened(word),
            None => "the end of the file".to_owned(),
        };
        let kind = SyntaxErrorKind::Unexpected {
            found: found.as_str().into(),
            expected: vec![expected.into()],
        };
        self.report(
            SyntaxError::new(kind, span, format!("expected {expected}, found {found}"))
                .label(format!("{expected} is missing behind this"))
                .help(help),
        );
    }

    pub(crate) fn shadow(&mut self, word: Name, until_word: Name, until: Expr) -> Shadow {
        self.soft_keyword(&word, &["shadow"]);
        self.soft_keyword(&until_word, &["until"]);
        Shadow { until }
    }

    /// A rule of which it is not known yet where it begins and ends.
    pub(crate) fn rule_parts(
        &mut self,
        name: Name,
        why: Option<Text>,
        clauses: Vec<Clause>,
    ) -> Box<Rule> {
        Box::new(Rule {
            docs: None,
            span: name.span,
            name,
            why,
            clauses,
        })
    }

    pub(crate) fn rule(&mut self, start: u32, end: u32, mut parts: Box<Rule>) -> Box<Rule> {
        let span = self.span(start, end);
        self.count_rule(span);
        parts.docs = self.docs(start);
        parts.span = span;
        parts
    }

    /// Checks that a rule says what comes out; `next` is where the token behind it starts.
    pub(crate) fn with_outcome(&mut self, rule: Box<Rule>, next: u32) -> Box<Rule> {
        let settled =
            |clause: &Clause| matches!(clause.kind, ClauseKind::Then(_) | ClauseKind::Error);
        if !rule.clauses.iter().any(settled) {
            self.without_outcome(&rule.name, rule.span, next);
        }
        rule
    }

    pub(crate) fn row(
        &mut self,
        start: u32,
        end: u32,
        cells: Vec<Pattern>,
        value: Expr,
    ) -> Box<Row> {
        let span = self.span(start, end);
        self.count_rule(span);
        Box::new(Row {
            docs: self.docs(start),
            span,
            cells,
            value,
        })
    }

    /// Reports a rule without `then`, unless a word near it was reported.
    pub(super) fn without_outcome(&mut self, name: &Name, span: Span, next: u32) {
        let segment = self.segments.partition_point(|&at| at < span.end);
        if self.is_settled(segment, span.end) {
            return;
        }
        let rest = self.text.get(next as usize..).unwrap_or_default();
        let found = match rest.split_whitespace().next() {
            Some(word) => crate::error::shortened(word),
            None => "the end of the file".to_owned(),
        };
        let kind = SyntaxErrorKind::Unexpected {
            found: found.as_str().into(),
            expected: vec!["`then`".into()],
        };
        self.report(
            SyntaxError::new(
                kind,
                span.after(),
                format!("expected `then`, found {found}"),
            )
            .label("the outcome is missing here")
            .related(name.span, "in this rule")
            .help("every rule says what comes out: `then value`"),
        );
    }

    /// Counts a rule or a row; beyond the limit nothing more is read.
    pub(super) fn count_rule(&mut self, span: Span) {
        self.rules += 1;
        if self.rules == self.limits.rules + 1 {
            self.report(SyntaxError::limit(
                LimitKind::Rules,
                self.limits.rules,
                span,
            ));
            self.control.stop.set(true);
        }
    }

    pub(super) fn split(
        &mut self,
        entries: Vec<RuleEntry>,
        inside: &'static str,
    ) -> (Vec<RuleItem>, Option<Otherwise>) {
        let mut rules = Vec::with_capacity(entries.len());
        let mut otherwise: Option<Otherwise> = None;
        for entry in entries {
            match entry {
                RuleEntry::Rule(rule) => {
                    let span = match &rule {
                        RuleItem::Rule(rule) => rule.span,
                        RuleItem::Group(group) => group.span,
                        RuleItem::Error(span) => *span,
                    };
                    if let (Some(otherwise), false) =
                        (&otherwise, matches!(rule, RuleItem::Error(_)))
                    {
                        self.not_last(otherwise.span, span);
                    }
                    rules.push(rule);
                }
                RuleEntry::Otherwise(next) if inside != "rule set" => {
                    let message = format!("a {inside} has no `otherwise`");
                    self.misplaced("`otherwise`", next.span, message);
                }
                RuleEntry::Otherwise(next) => self.keep_otherwise(&mut otherwise, next),
            }
        }
        (rules, otherwise)
    }

    pub(super) fn keep_otherwise(&mut self, kept: &mut Option<Otherwise>, next: Otherwise) {
        if kept.is_some() {
            self.misplaced(
                "`otherwise`",
                next.span,
                "`otherwise` is said twice".to_owned(),
            );
        } else {
            *kept = Some(next);
        }
    }

    pub(super) fn not_last(&mut self, otherwise: Span, rule: Span) {
        let what = "otherwise";
        let known = |error: &SyntaxError| {
            error.span == otherwise && matches!(error.kind, SyntaxErrorKind::Misplaced { .. })
        };
        if self.errors.iter().rev().take(2).any(known) {
            return;
        }
        self.report(
            SyntaxError::new(
                SyntaxErrorKind::Misplaced { what },
                otherwise,
                "`otherwise` stands behind all rules",
            )
            .related(rule, "this comes behind it"),
        );
    }

    pub(crate) fn rule_set(
        &mut self,
        name: Name,
        params: Vec<Param>,
        result: Type,
        stream: Option<Name>,
        policy: HitPolicy,
        (clauses, entries): (Vec<SetClause>, Vec<RuleEntry>),
    ) -> ItemKind {
        let (rules, otherwise) = self.split(entries, "rule set");
        ItemKind::RuleSet(Box::new(RuleSet {
            name,
            params,
            result,
            stream,
            policy,
            clauses,
            rules,
            otherwise,
        }))
    }

    pub(crate) fn group(
        &mut self,
        start: u32,
        end: u32,
        condition: Expr,
        entries: Vec<RuleEntry>,
    ) -> Box<Group> {
        let (rules, _) = self.split(entries, "group");
        Box::new(Group {
            docs: self.docs(start),
            span: self.span(start, end),
            condition,
            rules,
        })
    }

    pub(crate) fn guard(
        &mut self,
        name: Name,
        params: Vec<Param>,
        entries: Vec<RuleEntry>,
    ) -> ItemKind {
        let (rules, _) = self.split(entries, "guard");
        ItemKind::Guard(Box::new(Guard {
            name,
            params,
            rules,
        }))
    }

    pub(crate) fn table(
        &mut self,
        name: Name,
        params: Vec<Param>,
        result: Type,
        policy: HitPolicy,
        (clauses, entries): (Vec<SetClause>, Vec<RowEntry>),
    ) -> ItemKind {
        let mut rows = Vec::with_capacity(entries.len());
        let mut otherwise: Option<Otherwise> = None;
        for entry in entries {
            match entry {
                RowEntry::Row(row) => {
                    if let Some(otherwise) = &otherwise {
                        self.not_last(otherwise.span, row.span);
                    }
                    rows.push(*row);
                }
                RowEntry::Otherwise(next) => self.keep_otherwise(&mut otherwise, next),
                RowEntry::Error(span) => {
                    rows.push(Row {
                        docs: None,
                        span,
                        cells: Vec::new(),
                        value: Expr::error(span),
                    });
                }
            }
        }
        ItemKind::Table(Box::new(Table {
            name,
            params,
            result,
            policy,
            clauses,
            rows,
            otherwise,
        }))
    }

    pub(crate) fn pipeline(
        &mut self,
        name: Name,
        params: Vec<Param>,
        result: Type,
        (stages, then, end): PipelineParts,
    ) -> ItemKind {
        let incomplete = stages.iter().any(Option::is_none);
        let stages = unboxed(stages.into_iter().flatten().collect());
        let then = then.unwrap_or_else(|| self.missing("`then`", end));
        ItemKind::Pipeline(Box::new(Pipeline {
            name,
            params,
            result,
            stages,
            then,
            incomplete,
        }))
    }

    pub(crate) fn test(
        &mut self,
        title: Text,
        columns: Option<Vec<Param>>,
        forall: Option<Box<Forall>>,
        steps: Vec<Step>,
        rows: Vec<TestRow>,
    ) -> ItemKind {
        for row in &rows {
            self.count_rule(row.span);
        }
        ItemKind::Test(Box::new(Test {
            title,
            columns: columns.unwrap_or_default(),
            forall: forall.map(|forall| *forall),
            steps,
            rows,
        }))
    }

    /// `given req: Request = e`
    pub(crate) fn typed_given(&mut self, name: Name, ty: Type, value: Expr) -> Box<StepKind> {
        let place = Place {
            span: name.span,
            name,
            key: None,
        };
        let ty = Some(ty);
        Box::new(StepKind::Given { place, ty, value })
    }

    pub(crate) fn prove(
        &mut self,
        title: Text,
        forall: Vec<Param>,
        filter: Option<Expr>,
        holds: Option<Expr>,
        end: u32,
    ) -> ItemKind {
        let holds = holds.unwrap_or_else(|| self.missing("`holds`", end));
        ItemKind::Prove(Box::new(Prove {
            title,
            forall,
            filter,
            holds,
        }))
    }

    /// What stands for an expression that should have come before the `}` at `end`.
    pub(super) fn missing(&mut self, expected: &str, end: u32) -> Expr {
        let span = self.span(end, end);
        let segment = self.segments.partition_point(|&at| at < end);
        if !self.is_settled(segment, end) {
            let kind = SyntaxErrorKind::Unexpected {
                found: "`}`".into(),
                expected: vec![expected.into()],
            };
            let message = format!("expected {expected}, found `}}`");
            self.report(
                SyntaxError::new(kind, span, message).label(format!("expected {expected}")),
            );
        }
        Expr::error(span)
    }

    /// What stands before the first item and is none.
    pub(crate) fn broken_start(&mut self, recovery: Recovery) {
        let span = self.recovered(recovery);
        self.items.push(Item {
            docs: None,
            span,
            kind: ItemKind::Error,
        });
    }
}
