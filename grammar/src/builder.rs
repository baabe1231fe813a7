//! What the actions of the grammar call: names, literals, nodes, and the reports of what did not fit.

use crate::Limits;
use crate::ast::*;
use crate::error::{LimitKind, SyntaxError, SyntaxErrorKind};
use crate::feed::Control;
use crate::layout::Layout;
use crate::lexer::Lexed;
use crate::literal::{self, NumeralError};
use crate::source::{FileId, Span};
use crate::token::{Token, TokenClass, TokenKind, nearest};
use lalrpop_util::{ErrorRecovery, ParseError};
use rustc_hash::FxHashMap;

mod expressions;
mod items;
mod leaves;
mod mistakes;

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
    Row(Box<Row>),
    Otherwise(Otherwise),
    Error(Span),
}

/// The stages of a pipeline, its `then`, and where its `}` stands.
pub(crate) type PipelineParts = (Vec<Option<Box<Stage>>>, Option<Expr>, u32);

/// A list with the element behind its last comma, if there is one.
pub(crate) fn completed<T>(mut list: Vec<T>, last: Option<T>) -> Vec<T> {
    list.reserve_exact(usize::from(last.is_some()));
    list.extend(last);
    list
}

/// What the parser moved in boxes, side by side.
pub(crate) fn unboxed<T>(list: Vec<Box<T>>) -> Vec<T> {
    list.into_iter().map(|boxed| *boxed).collect()
}

/// The state of one parse.
pub(crate) struct Builder<'text> {
    file: FileId,
    text: &'text str,
    limits: &'text Limits,
    /// Tells the token stream to end when there are enough errors.
    control: &'text Control,
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
        control: &'text Control,
        lexed: &mut Lexed,
        layout: &mut Layout,
    ) -> Builder<'text> {
        let mut errors = std::mem::take(&mut lexed.errors);
        errors.append(&mut layout.errors);
        let mut damaged = std::mem::take(&mut lexed.damage);
        damaged.append(&mut layout.damage);
        damaged.sort_unstable();
        control.stop.set(errors.len() > crate::MOST_ERRORS);
        Builder {
            file,
            text,
            limits,
            control,
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
        if self.errors.len() > crate::MOST_ERRORS
            || self.recoveries > MOST_RECOVERIES
            || self.control.gave_up.get()
        {
            self.errors.truncate(crate::MOST_ERRORS);
            let last = self
                .errors
                .last()
                .map_or(Span::new(self.file, 0, 0), |error| error.span);
            let message = "there are too many mistakes to go on";
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
}
