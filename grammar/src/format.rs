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
    let file = &parse.ast;
    let mut writer = Writer::new(text, &tokens, &file.comments);
    let mut out = Output::default();
    let mut items = file.items.iter();
    let mut last_was_block = false;
    loop {
        let (apart, joins_docs) = (writer.is_apart(), writer.docs_go_on());
        writer.comments_before();
        let comments = render(text, &writer.take());
        let is_item = match writer.opening() {
            true => true,
            false => items.next().is_some_and(|item| {
                writer.item(item);
                true
            }),
        };
        writer.trailing();
        let item = render(text, &writer.take());
        // What takes several lines and ends with a brace stands apart.
        let is_block = item.text.contains("\n}");
        out.append(
            comments,
            apart || ((is_block || last_was_block) && is_item && !joins_docs),
        );
        if !is_item {
            break;
        }
        out.append(item, false);
        last_was_block = is_block;
    }
    Ok(out.finish())
}
