//! # What this is
//!
//! Text to tree: the lexer, the grammar and the syntax tree of the Tollgate language.
//!
//! # What goes in and comes out
//!
//! [`parse`] takes the text of one file and returns a [`Parse`]: a tree ([`ast::File`]) and the
//! mistakes ([`SyntaxError`]). On the way the text is
//!
//! ```text
//! text ── lexer (logos) ──▶ raw tokens ── layout ──▶ tokens, brackets paired ── LALRPOP ──▶ tree
//! ```
//!
//! # Invariants
//!
//! * Parsing never fails, panics, or recurses deeper than [`Limits::nesting`]: it always returns a tree.
//!   What was not understood is an `Error` node there, and has been reported.
//! * A tree without errors holds no `Error` node. Each mistake is reported once, and none of its consequences.
//! * Every span lies in its file and on character boundaries.
//! * Time and memory grow linearly with the text.
//!
//! # Where to start reading
//!
//! [`ast`] for what there is, `tollgate.lalrpop` for how it is written, [`token`] for the words.
//! (The grammar stands in `src` and not beside it, because LALRPOP's conventions then need no path.)
//! `layout.rs` is the pass between lexer and grammar and has most of what makes errors readable.
//! `feed.rs` bounds what a text that is no program can cost.
//!
//! # What it must not know
//!
//! Types, names, values, files on disk; any other crate of ours.

#![forbid(unsafe_code)]

pub mod ast;
pub mod ast_print;
mod builder;
pub mod error;
mod feed;
mod format;
mod layout;
mod lexer;
pub mod literal;
pub mod prompt;
pub mod source;
pub mod token;

#[allow(clippy::all, clippy::pedantic, unused, missing_docs, unreachable_pub)]
mod grammar {
    lalrpop_util::lalrpop_mod!(pub(crate) tollgate);
    pub(crate) use tollgate::FileParser;
}

pub use error::{Help, LimitKind, SyntaxError, SyntaxErrorKind};
pub use format::{WIDTH, format};
pub use source::{FileId, Position, SourceMap, Span};

/// How many mistakes are reported for one file before a last one says that there are more.
pub const MOST_ERRORS: usize = 100;

/// How much one file may hold. Each limit that is passed is one [`SyntaxErrorKind::Limit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text; more than 4 GiB cannot be allowed.
    pub source_bytes: u64,
    /// Tokens, comments not counted.
    pub tokens: u64,
    /// Brackets within brackets, and operations within operations.
    pub nesting: u64,
    /// Rules and rows.
    pub rules: u64,
    /// Bytes of one text, name or number.
    pub text_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            source_bytes: 64 << 20,
            tokens: 20_000_000,
            nesting: 256,
            rules: 1_000_000,
            text_bytes: 64 << 10,
        }
    }
}

/// What comes out of one file.
#[derive(Clone, Debug)]
pub struct Parse {
    /// The tree, as far as the text was understood.
    pub ast: ast::File,
    /// The mistakes, in source order; at most [`MOST_ERRORS`] and one that says there are more.
    pub errors: Vec<SyntaxError>,
}

/// Parses one file under the default [`Limits`].
///
/// ```
/// use tollgate_grammar::{FileId, parse};
/// let parse = parse(FileId(0), "fn double(a: Int) -> Int = a * ");
/// assert_eq!(parse.errors[0].message, "expected an expression, found the end of the file");
/// assert_eq!(parse.ast.items.len(), 1);
/// ```
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parse {
    parse_within(file, text, &Limits::default())
}

/// Parses one file. O(length of the text).
#[must_use]
pub fn parse_within(file: FileId, text: &str, limits: &Limits) -> Parse {
    read(file, text, limits).0
}

/// Parses one file, and keeps the tokens.
fn read(file: FileId, text: &str, limits: &Limits) -> (Parse, Vec<token::Token>) {
    read_as(file, text, limits, |_| {})
}

/// Parses one file, of which `adapt` changes the tokens first.
fn read_as(
    file: FileId,
    text: &str,
    limits: &Limits,
    adapt: impl FnOnce(&mut Vec<token::Token>),
) -> (Parse, Vec<token::Token>) {
    let most = limits.source_bytes.min(u64::from(u32::MAX));
    if text.len() as u64 > most {
        let start = Span::new(file, 0, 0);
        let error = SyntaxError::limit(LimitKind::SourceBytes, most, start)
            .label(format!("{} bytes", text.len()));
        let ast = ast::File {
            edition: None,
            module: None,
            items: Vec::new(),
            comments: Vec::new(),
            span: start,
        };
        let errors = vec![error];
        return (Parse { ast, errors }, Vec::new());
    }
    let control = feed::Control::default();
    let mut lexed = lexer::lex(file, text, limits);
    adapt(&mut lexed.tokens);
    let mut layout = layout::arrange(file, text, &mut lexed, limits);
    let mut builder = builder::Builder::new(file, text, limits, &control, &mut lexed, &mut layout);
    let tokens = feed::Feed::new(&layout.tokens, &control);
    if let Err(error) = grammar::FileParser::new().parse(&mut builder, tokens) {
        builder.unexpected(&error);
    }
    let (ast, errors) = builder.finish(lexed.comments);
    (Parse { ast, errors }, layout.tokens)
}

/// The tokens of a file as the grammar sees them, under the default [`Limits`]; for showing and highlighting.
#[must_use]
pub fn tokens(file: FileId, text: &str) -> Vec<token::Token> {
    let limits = Limits::default();
    if text.len() as u64 > limits.source_bytes {
        return Vec::new();
    }
    let mut lexed = lexer::lex(file, text, &limits);
    layout::arrange(file, text, &mut lexed, &limits).tokens
}
