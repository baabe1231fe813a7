//! The canonical layout of a file.
//!
//! ```text
//! text ── parse ──▶ tree, tokens, comments ── writer ──▶ document (doc.rs) ── render ──▶ text
//! ```
//!
//! The tree says how things belong together, the tokens how they were spelled and what stands between them. What is written
//! is every token and every comment, in order; only commas come and go with the ends of lines, and a second pair of
//! parentheses around the same thing goes.
//!
//! Three things are the author's, as in gofmt: where lines end between parts that may stand on several lines, where an empty
//! line stands, and whether neighbouring one-line rules, stages or settings have columns (two blanks ask for them). All else
//! is settled here.

use crate::source::FileId;
use crate::{Limits, SyntaxError};

mod columns;
mod doc;
mod expressions;
mod items;
mod lists;
mod rules;
mod tests;
mod writer;

use doc::{Output, render};
use writer::Writer;

/// The columns of a line. A rule with a path, a reason and an outcome takes about a hundred; beyond 120, two files no longer fit
/// side by side on a screen.
pub const WIDTH: u32 = 120;

/// The text of one file in its canonical layout.
///
/// Formatting twice is formatting once, the tree stays the same, and no comment is lost. O(length of the text).
///
/// ```
/// use tollgate_grammar::format;
/// let ugly = "const limit=2*base  # of the old plan\nrecord Tenant{region:Region,shard:Int in 0..3=0}";
/// let neat = "const limit = 2 * base  # of the old plan\nrecord Tenant { region: Region, shard: Int in 0 .. 3 = 0 }\n";
/// assert_eq!(format(ugly).as_deref(), Ok(neat));
/// assert_eq!(format(neat).as_deref(), Ok(neat));
/// ```
///
/// # Errors
/// The mistakes of a text that does not parse: it is not known what its author meant.
pub fn format(text: &str) -> Result<String, Vec<SyntaxError>> {
    let (parse, tokens) = crate::read(FileId(0), text, &Limits::default());
    if !parse.errors.is_empty() {
        return Err(parse.errors);
    }
    let mut writer = Writer::new(text, &tokens, &parse.ast.comments);
    let mut items = parse.ast.items.iter();
    let mut out = Output::default();
    let mut last = Part::Nothing;
    loop {
        let apart = writer.is_apart();
        let joined = writer.docs_go_on();
        writer.comments_before();
        let comments = render(text, &writer.take());
        let mut part = match (writer.opening(), items.as_slice()) {
            (true, _) => Part::Opening,
            (false, []) => Part::Nothing,
            (false, [_, ..]) => Part::Line,
        };
        if part == Part::Line
            && let Some(item) = items.next()
        {
            writer.item(item);
        }
        writer.trailing();
        let written = render(text, &writer.take());
        if ["\n}", "\n]", "\n)"]
            .iter()
            .any(|end| written.text.contains(end))
        {
            part = Part::Block;
        }
        let stands_apart = match (last, part) {
            (_, Part::Nothing | Part::Opening) => false,
            (Part::Opening | Part::Block, _) | (_, Part::Block) => true,
            (Part::Nothing | Part::Line, Part::Line) => false,
        };
        out.append(comments, apart || (stands_apart && !joined));
        out.append(written, false);
        if part == Part::Nothing {
            return Ok(out.finish());
        }
        last = part;
    }
}

/// What stands at the outermost level, as far as it wants empty lines around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The beginning or the end of the file.
    Nothing,
    /// `edition` or `module`: what follows them stands apart.
    Opening,
    /// An item with a closing bracket at the beginning of a line: it stands apart.
    Block,
    /// Another item.
    Line,
}
