//! What the actions of the grammar call: names, literals, nodes, and the reports of what did not fit.

use crate::Limits;
use crate::ast::*;
use crate::error::{LimitKind, SyntaxError, SyntaxErrorKind};
use crate::layout::Layout;
use crate::lexer::Lexed;
use crate::literal::{self, NumeralError};
use crate::source::{FileId, Span};
use crate::token::{Token, TokenClass, TokenKind, nearest};
use lalrpop_util::{ErrorRecovery, ParseError};
use rustc_hash::FxHashMap;
use std::cell::Cell;

/// A recovery costs far more than a token, so a file that needs this many is not read to its end.
const MOST_RECOVERIES: usize = 10 * crate::MOST_ERRORS;

pub(crate) type Recovery = ErrorRecovery<u32, TokenKind, ()>;

/// What stands at the outermost level of a file.
pub(crate) enum Entry {
    Item(Item),
    Edition(Edition),
    Module(Path),
}

/// What stands among rules.
pub(crate) enum RuleEntry {
    Rule(RuleItem),
    Otherwise(Otherwise),
}

/// What stands among the rows of a table.
pub(crate) enum RowEntry {
    Row(Row),
    Otherwise(Otherwise),
    Error(Span),
}

/// A rule's name, why and clauses.
pub(crate) type RuleParts = (Name, Option<Text>, Vec<Clause>);

/// The state of one parse.
pub(crate) struct Builder<'text> {
    file: FileId,
    text: &'text str,
    limits: &'text Limits,
    /// Tells the token stream to end: there are enough errors.
    stop: &'text Cell<bool>,
    errors: Vec<SyntaxError>,
    symbols: FxHashMap<&'text str, Symbol>,
    docs: Vec<(u32, Span)>,
    segments: Vec<u32>,
    /// The segments in which something unexpected has been reported already, in ascending order but for
    /// the last few.
    damaged: Vec<(u32, u32)>,
    last_segment: Option<usize>,
    /// How often LALRPOP has recovered, reported or not.
    recoveries: usize,
    rules: u64,
    edition: Option<Edition>,
    module: Option<Path>,
    items: Vec<Item>,
}

impl<'text> Builder<'text> {
    pub(crate) fn new(
        file: FileId,
        text: &'text str,
        limits: &'text Limits,
        stop: &'text Cell<bool>,
        lexed: &mut Lexed,
        layout: &mut Layout,
    ) -> Builder<'text> {
        let mut errors = std::mem::take(&mut lexed.errors);
        errors.append(&mut layout.errors);
        let mut damaged = std::mem::take(&mut lexed.damage);
        damaged.append(&mut layout.damage);
        damaged.sort_unstable();
        stop.set(errors.len() > crate::MOST_ERRORS);
        Builder {
            file,
            text,
            limits,
            stop,
            errors,
            symbols: FxHashMap::default(),
            docs: std::mem::take(&mut lexed.docs),
            segments: std::mem::take(&mut layout.segments),
            damaged,
            last_segment: None,
            recoveries: 0,
            rules: 0,
            edition: None,
            module: None,
            items: Vec::new(),
        }
    }

    /// The finished tree and the mistakes in source order.
    pub(crate) fn finish(mut self, comments: Vec<Span>) -> (File, Vec<SyntaxError>) {
        self.errors.sort_by_key(|error| error.span.start);
        self.errors
            .dedup_by(|next, first| next.span == first.span && next.kind == first.kind);
        if self.errors.len() > crate::MOST_ERRORS || self.recoveries > MOST_RECOVERIES {
            self.errors.truncate(crate::MOST_ERRORS);
            let last = self
                .errors
                .last()
                .map_or(Span::new(self.file, 0, 0), |error| error.span);
            let message = format!(
                "there are more mistakes; the first {} are shown",
                self.errors.len()
            );
            self.errors.push(SyntaxError::new(
                SyntaxErrorKind::TooManyErrors,
                last,
                message,
            ));
        }
        let file = File {
            edition: self.edition,
            module: self.module,
            items: self.items,
            comments,
            span: Span::new(self.file, 0, self.text.len() as u32),
        };
        (file, self.errors)
    }

    // ------------------------------------------------------------------------------ mistakes

    fn report(&mut self, error: SyntaxError) {
        self.errors.push(error);
        if self.errors.len() > crate::MOST_ERRORS {
            self.stop.set(true);
        }
    }

    /// Reports what LALRPOP has skipped, unless it follows from something reported already. Returns
    /// what was skipped.
    pub(crate) fn recovered(&mut self, recovery: Recovery) -> Span {
        let first = recovery.dropped_tokens.first();
        let last = recovery.dropped_tokens.last();
        let (start, end) = match (&recovery.error, first, last) {
            (_, Some(first), Some(last)) => (first.0, last.2),
            (ParseError::UnrecognizedToken { token, .. }, ..) => (token.0, token.0),
            _ => (self.text.len() as u32, self.text.len() as u32),
        };
        self.unexpected(&recovery.error);
        Span::new(self.file, start, end)
    }

    pub(crate) fn unexpected(&mut self, error: &ParseError<u32, TokenKind, ()>) {
        let (token, expected) = match error {
            ParseError::UnrecognizedToken {
                token: (start, kind, end),
                expected,
            } => (
                Some(Token {
                    kind: *kind,
                    start: *start,
                    end: *end,
                }),
                expected,
            ),
            ParseError::UnrecognizedEof { expected, .. } => (None, expected),
            ParseError::ExtraToken { .. }
            | ParseError::InvalidToken { .. }
            | ParseError::User { .. } => return,
        };
        let end = self.text.trim_end().len() as u32;
        let span = token.map_or(Span::new(self.file, end, end), |token| {
            token.span(self.file)
        });
        self.recoveries += 1;
        if self.recoveries > MOST_RECOVERIES {
            self.stop.set(true);
        }
        let segment = self.segments.partition_point(|&start| start < span.start);
        let repeated = self.last_segment.replace(segment) == Some(segment);
        let is_bad = token.is_some_and(|token| token.kind == TokenKind::Bad);
        if repeated || is_bad || self.stop.get() || self.is_damaged(segment, span.start) {
            return;
        }
        let found = token.map(|token| &self.text[token.start as usize..token.end as usize]);
        let error = SyntaxError::unexpected(expected, token.map(|token| token.kind), found, span);
        self.report(error);
    }

    /// Whether nothing more is to be said about a segment.
    fn is_settled(&self, segment: usize, offset: u32) -> bool {
        self.stop.get() || self.last_segment == Some(segment) || self.is_damaged(segment, offset)
    }

    /// Whether the lexer or the layout reported something around or before the offset in its segment.
    fn is_damaged(&self, segment: usize, offset: u32) -> bool {
        let start = segment
            .checked_sub(1)
            .map_or(0, |index| self.segments[index]);
        self.damaged
            .iter()
            .any(|&(from, to)| from <= offset && (start < to || offset <= to))
    }

    fn malformed(&mut self, span: Span, error: NumeralError) {
        let text: Box<str> = self.text[span.range()].into();
        let report = match error {
            NumeralError::TooLarge => SyntaxError::new(
                SyntaxErrorKind::NumberTooLarge { text: text.clone() },
                span,
                format!("`{text}` is larger than can be kept"),
            )
            .help("a number has at most 64 bits and 18 places behind the point"),
            NumeralError::Malformed { why, instead } => {
                let error = SyntaxError::new(
                    SyntaxErrorKind::BadNumber { text: text.clone() },
                    span,
                    format!("`{text}` is no number, duration or size"),
                );
                match instead {
                    Some(instead) => {
                        error.replace(format!("write `{instead}`: {why}"), span, instead)
                    }
                    None => error.help(why),
                }
            }
        };
        self.report(report);
    }

    pub(crate) fn broken(&mut self, start: u32, end: u32, recovery: Recovery) -> Expr {
        self.recovered(recovery);
        Expr::error(self.span(start, end))
    }

    pub(crate) fn broken_clause(&mut self, recovery: Recovery) -> ClauseKind {
        self.recovered(recovery);
        ClauseKind::Error
    }

    pub(crate) fn broken_type(&mut self, recovery: Recovery) -> Type {
        Type {
            span: self.recovered(recovery),
            kind: TypeKind::Error,
        }
    }

    pub(crate) fn broken_pattern_args(
        &mut self,
        start: u32,
        end: u32,
        recovery: Recovery,
    ) -> Vec<PatternArg> {
        self.recovered(recovery);
        let pattern = Pattern {
            span: self.span(start, end),
            kind: PatternKind::Error,
        };
        vec![PatternArg {
            name: None,
            pattern,
        }]
    }

    /// A parameter of which at least the name can be kept, so that its uses are not reported too.
    pub(crate) fn broken_param(
        &mut self,
        start: u32,
        name: Option<Name>,
        recovery: Recovery,
    ) -> Param {
        let dropped = recovery
            .dropped_tokens
            .iter()
            .find(|token| token.1 == TokenKind::Name)
            .copied();
        let span = self.recovered(recovery);
        let name = match (name, dropped) {
            (Some(name), _) => name,
            (None, Some((start, _, end))) => self.name(start, end),
            (None, None) => Name {
                text: Symbol::from("_"),
                span,
            },
        };
        let span = Span::new(self.file, start, span.end.max(start));
        Param {
            span,
            name,
            ty: Type {
                span,
                kind: TypeKind::Error,
            },
        }
    }

    // ------------------------------------------------------------------------- names and texts

    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        // What is empty begins with the token behind it and ends with the one before.
        Span::new(self.file, start, end.max(start))
    }

    fn slice(&self, start: u32, end: u32) -> &'text str {
        &self.text[start as usize..end as usize]
    }

    pub(crate) fn name(&mut self, start: u32, end: u32) -> Name {
        let text = self.slice(start, end);
        let text = self
            .symbols
            .entry(text)
            .or_insert_with(|| Symbol::from(text))
            .clone();
        Name {
            text,
            span: self.span(start, end),
        }
    }

    /// A declared name, which will be used as it stands and so may not be a keyword.
    pub(crate) fn declared(&mut self, start: u32, end: u32) -> Name {
        let name = self.name(start, end);
        let always = |kind: TokenKind, class| {
            use TokenKind as T;
            kind.is_keyword()
                && class != TokenClass::Name
                && !matches!(
                    kind,
                    T::Any | T::All | T::Only | T::No | T::Count | T::Sum | T::Deny
                )
        };
        let reserved = crate::token::FIXED
            .iter()
            .any(|&(kind, spelling, class, _)| name.text == spelling && always(kind, class));
        if reserved {
            let word: Box<str> = (&*name.text).into();
            self.report(
                SyntaxError::new(
                    SyntaxErrorKind::ReservedName { word },
                    name.span,
                    format!("`{name}` is a keyword and cannot be a name here"),
                )
                .help("a keyword is a name only behind `.` and before `:`; choose another name"),
            );
        }
        name
    }

    pub(crate) fn text_value(&mut self, start: u32, end: u32) -> Box<str> {
        let token = self.slice(start, end);
        let inner = &token[1..];
        let single = token.starts_with('\'');
        let inner = inner
            .strip_suffix(if single { '\'' } else { '"' })
            .unwrap_or(inner.trim_end());
        let (value, wrong) = literal::unescape(inner);
        for range in wrong {
            let escape = &inner[range.clone()];
            let at = start + 1 + range.start as u32;
            let span = self.span(at, at + escape.len() as u32);
            self.report(
                SyntaxError::new(
                    SyntaxErrorKind::BadEscape { escape: escape.into() },
                    span,
                    format!("there is no escape `{escape}`"),
                )
                .help("the escapes are `\\\"` `\\\\` `\\n` `\\r` `\\t` and `\\u{…}`; a backslash is written `\\\\`"),
            );
        }
        value.into()
    }

    pub(crate) fn text_node(&mut self, start: u32, end: u32) -> Text {
        Text {
            value: self.text_value(start, end),
            span: self.span(start, end),
        }
    }

    pub(crate) fn docs(&self, start: u32) -> Docs {
        let index = self
            .docs
            .binary_search_by_key(&start, |&(token, _)| token)
            .ok()?;
        let span = self.docs[index].1;
        let lines = self.text[span.range()].lines().map(|line| {
            let line = line.trim().trim_start_matches('#');
            line.strip_prefix(' ').unwrap_or(line).trim_end()
        });
        let text = lines.collect::<Vec<_>>().join("\n").into();
        Some(Box::new(Doc { text, span }))
    }

    // -------------------------------------------------------------------------------- literals

    pub(crate) fn number(&mut self, start: u32, end: u32) -> Option<Literal> {
        match literal::numeral(self.slice(start, end)) {
            Ok(literal) => Some(literal),
            Err(error) => {
                self.malformed(self.span(start, end), error);
                None
            }
        }
    }

    pub(crate) fn integer(&mut self, start: u32, end: u32) -> Option<i64> {
        match self.number(start, end) {
            Some(Literal::Int(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn rate(
        &mut self,
        start: u32,
        end: u32,
        interval_start: u32,
        interval_end: u32,
    ) -> Option<Literal> {
        let amount = self.number(start, end)?;
        let interval = self.number(interval_start, interval_end)?;
        match literal::rate(amount, interval) {
            Ok(rate) => Some(rate),
            Err(error) => {
                self.malformed(self.span(start, interval_end), error);
                None
            }
        }
    }

    pub(crate) fn negative(&mut self, start: u32, number: Option<Literal>) -> Option<Literal> {
        let number = number?;
        let negated = literal::negated(&number);
        if negated.is_none() {
            let error = NumeralError::Malformed {
                why: "a size or a rate has no minus sign",
                instead: None,
            };
            self.malformed(self.span(start, start + 1), error);
        }
        negated
    }

    pub(crate) fn tagged(&mut self, start: u32, end: u32) -> Option<Literal> {
        let token = self.slice(start, end);
        let quote = token.find('"')?;
        let word = &token[..quote];
        let tag_end = start + quote as u32;
        let tag_span = self.span(start, tag_end);
        let Some(tag) = Tag::from_symbol(word) else {
            let similar = nearest(word, ["glob", "re", "ip", "tz"]).and_then(Tag::from_symbol);
            let error = SyntaxError::new(
                SyntaxErrorKind::UnknownTag {
                    tag: word.into(),
                    similar,
                },
                tag_span,
                format!("there is no tag `{word}`"),
            );
            self.report(match similar {
                Some(tag) => {
                    error.replace(format!("write `{}`", tag.symbol()), tag_span, tag.symbol())
                }
                None => error.help("the tags are `p`, `glob`, `re`, `ip`, `t` and `tz`"),
            });
            return None;
        };
        let inner = &token[quote + 1..];
        let content = inner.strip_suffix('"').unwrap_or(inner.trim_end());
        let content_span = self.span(tag_end + 1, tag_end + 1 + content.len() as u32);
        Some(Literal::Tagged(Box::new(Tagged {
            tag,
            tag_span,
            content: content.into(),
            content_span,
        })))
    }

    // ----------------------------------------------------------------------------- expressions

    /// An expression, unless it is higher than the limit.
    pub(crate) fn expr(&mut self, start: u32, end: u32, kind: ExprKind) -> Expr {
        let expr = Expr::new(self.span(start, end), kind);
        if u64::from(expr.height()) <= self.limits.nesting {
            return expr;
        }
        let segment = self.segments.partition_point(|&at| at < end);
        let repeated = self.last_segment.replace(segment) == Some(segment);
        if !repeated && !self.is_damaged(segment, end) {
            let error = SyntaxError::limit(LimitKind::Nesting, self.limits.nesting, expr.span)
                .help("name parts of it with `let`, or move them into a function");
            self.report(error);
        }
        Expr::error(expr.span)
    }

    pub(crate) fn literal(&mut self, start: u32, end: u32, literal: Option<Literal>) -> Expr {
        self.expr(
            start,
            end,
            literal.map_or(ExprKind::Error, ExprKind::Literal),
        )
    }

    pub(crate) fn range(&mut self, range: Range) -> Expr {
        self.expr(
            range.span.start,
            range.span.end,
            ExprKind::Range(Box::new(range)),
        )
    }

    pub(crate) fn binary(
        &mut self,
        left: Expr,
        op: BinaryOp,
        op_start: u32,
        op_end: u32,
        right: Expr,
    ) -> Expr {
        let (start, end) = (left.span.start, right.span.end);
        let op_span = self.span(op_start, op_end);
        self.expr(
            start,
            end,
            ExprKind::Binary(Box::new(Binary {
                op,
                op_span,
                left,
                right,
            })),
        )
    }

    pub(crate) fn minus(&mut self, start: u32, end: u32, operand: Expr) -> Expr {
        let negated = match &operand.kind {
            ExprKind::Literal(number) => literal::negated(number),
            _ => None,
        };
        match negated {
            Some(number) => self.expr(start, end, ExprKind::Literal(number)),
            None => self.expr(start, end, ExprKind::Unary(UnaryOp::Neg, Box::new(operand))),
        }
    }

    pub(crate) fn answer(
        &mut self,
        start: u32,
        value: Expr,
        sign: u32,
        absent: Expr,
        end: u32,
    ) -> Expr {
        let absent = match &absent.kind {
            ExprKind::Name(name) if *name == "skip" => Absent::Skip,
            ExprKind::Name(name) if *name == "deny" => Absent::Deny,
            _ => Absent::Value(absent),
        };
        let answer_span = self.span(sign, end);
        self.expr(
            start,
            end,
            ExprKind::Answer(Box::new(Answer {
                value,
                absent,
                answer_span,
            })),
        )
    }

    pub(crate) fn call(
        &mut self,
        start: u32,
        end: u32,
        receiver: Option<Expr>,
        name: Name,
        args: Vec<Arg>,
    ) -> Expr {
        self.expr(
            start,
            end,
            ExprKind::Call(Box::new(Call {
                receiver,
                name,
                args,
            })),
        )
    }

    pub(crate) fn parenthesised(&mut self, start: u32, end: u32, mut inner: Expr) -> Expr {
        inner.span = self.span(start, end);
        inner
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one for each part of the production"
    )]
    pub(crate) fn quantifier(
        &mut self,
        start: u32,
        end: u32,
        kind: QuantifierKind,
        binder: Name,
        collection: Expr,
        filter: Option<Expr>,
        value: Option<Expr>,
    ) -> Expr {
        let quantifier = Quantifier {
            kind,
            binder,
            collection,
            filter,
            value,
        };
        self.expr(start, end, ExprKind::Quantifier(Box::new(quantifier)))
    }

    // ----------------------------------------------------------------------------------- items

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

    fn misplaced(&mut self, what: &'static str, span: Span, message: String) {
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
    fn soft_keyword(&mut self, word: &Name, meant: &[&'static str]) -> bool {
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

    fn expected_after(&mut self, span: Span, expected: &str, help: &str) {
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

    // ------------------------------------------------------------------------------- rule sets

    pub(crate) fn rule(&mut self, start: u32, end: u32, (name, why, clauses): RuleParts) -> Rule {
        let span = self.span(start, end);
        self.count_rule(span);
        Rule {
            docs: self.docs(start),
            span,
            name,
            why,
            clauses,
        }
    }

    /// Checks that a rule says what comes out; `next` is where the token behind it starts.
    pub(crate) fn with_outcome(&mut self, rule: Rule, next: u32) -> Rule {
        let settled =
            |clause: &Clause| matches!(clause.kind, ClauseKind::Then(_) | ClauseKind::Error);
        if !rule.clauses.iter().any(settled) {
            self.without_outcome(&rule.name, rule.span, next);
        }
        rule
    }

    pub(crate) fn row(&mut self, start: u32, end: u32, cells: Vec<Pattern>, value: Expr) -> Row {
        let span = self.span(start, end);
        self.count_rule(span);
        Row {
            docs: self.docs(start),
            span,
            cells,
            value,
        }
    }

    /// Reports a rule without `then`, unless a word near it was reported.
    fn without_outcome(&mut self, name: &Name, span: Span, next: u32) {
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
    fn count_rule(&mut self, span: Span) {
        self.rules += 1;
        if self.rules == self.limits.rules + 1 {
            self.report(SyntaxError::limit(
                LimitKind::Rules,
                self.limits.rules,
                span,
            ));
            self.stop.set(true);
        }
    }

    fn split(
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

    fn keep_otherwise(&mut self, kept: &mut Option<Otherwise>, next: Otherwise) {
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

    fn not_last(&mut self, otherwise: Span, rule: Span) {
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
    ) -> Group {
        let (rules, _) = self.split(entries, "group");
        Group {
            docs: self.docs(start),
            span: self.span(start, end),
            condition,
            rules,
        }
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
                    rows.push(row);
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
        (stages, then, end): (Vec<Option<Stage>>, Option<Expr>, u32),
    ) -> ItemKind {
        let incomplete = stages.iter().any(Option::is_none);
        let stages = stages.into_iter().flatten().collect();
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
    fn missing(&mut self, expected: &str, end: u32) -> Expr {
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
