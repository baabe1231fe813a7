//! Diagnostics for people: drawn on the source. The one file that knows ariadne.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::Range;

use ariadne::{Cache, Color, Config, IndexType, Label, Report, ReportKind, Source};
use tollgate_grammar::source::{FileId, SourceMap, Span};

use super::{Diagnostic, Label as Said, Severity};

/// Bytes of a line from which on it is not drawn: it would fill the screen and hide what is said.
const LINE_MAX: u32 = 2_000;

/// What a place in a [`Picture`] is marked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it was to be.
    Good,
    /// What decided against it.
    Bad,
    /// Neither.
    Plain,
}

/// Something about a program that is no diagnostic, to be drawn on its source.
#[derive(Clone, Debug)]
pub struct Picture {
    /// One line.
    pub headline: String,
    /// What it is about.
    pub place: Span,
    /// Places and what is to be said about them.
    pub labels: Vec<(Tone, Said)>,
    /// What else is known.
    pub notes: Vec<String>,
}

/// Renders diagnostics of one program; keeps what it learned of the texts from one to the next.
#[derive(Debug)]
pub struct Renderer<'s> {
    sources: Texts<'s>,
    colour: bool,
}

impl<'s> Renderer<'s> {
    /// A renderer for places in these texts, with the colours of a terminal or without.
    pub fn new(sources: &'s SourceMap, colour: bool) -> Renderer<'s> {
        Renderer {
            sources: Texts {
                map: sources,
                known: BTreeMap::new(),
            },
            colour,
        }
    }

    /// The diagnostic as text that ends in a line break. Linear in what it shows, once a file has been seen.
    pub fn render(&mut self, diagnostic: &Diagnostic) -> String {
        let mut out = Vec::new();
        let labels = &diagnostic.labels;
        let drawable = !labels.is_empty() && labels.iter().all(|l| self.is_drawable(l.span));
        if !drawable || self.draw(diagnostic, &mut out).is_err() {
            return self.plain(diagnostic);
        }
        let mut rendered = self.headline(diagnostic);
        body(&out, &mut rendered);
        rendered
    }

    /// The picture as text that ends in a line break, its headline first.
    pub fn picture(&mut self, picture: &Picture) -> String {
        let mut rendered = match self.colour {
            true => format!("\x1b[1m{}\x1b[0m\n", picture.headline),
            false => format!("{}\n", picture.headline),
        };
        let colour = |tone: &Tone| match tone {
            Tone::Good => Color::Green,
            Tone::Bad => Color::Red,
            Tone::Plain => Color::Blue,
        };
        let labels = picture.labels.iter();
        let labels: Vec<_> = labels.map(|(tone, l)| (colour(tone), l)).collect();
        let drawable = !labels.is_empty() && labels.iter().all(|(_, l)| self.is_drawable(l.span));
        let mut out = Vec::new();
        let drawn = drawable
            && self
                .report(picture.place, labels, &picture.notes, Vec::new(), &mut out)
                .is_ok();
        if drawn {
            body(&out, &mut rendered);
            return rendered;
        }
        let map = self.sources.map;
        for (_, label) in &picture.labels {
            let (file, at) = (map.file(label.span.file).name(), map.position(label.span));
            // Writing to a string cannot fail.
            let _ = writeln!(rendered, "  {file}:{at}: {}", label.text);
        }
        for note in &picture.notes {
            let _ = writeln!(rendered, "  {note}");
        }
        rendered
    }

    fn draw(&mut self, diagnostic: &Diagnostic, out: &mut Vec<u8>) -> std::io::Result<()> {
        let labels = diagnostic.labels.iter().enumerate().map(|(i, label)| {
            let colour = match (i, diagnostic.severity) {
                (0, Severity::Error) => Color::Red,
                (0, Severity::Warning) => Color::Yellow,
                _ => Color::Blue,
            };
            (colour, label)
        });
        let helps = diagnostic.help.iter().map(|h| self.help(h)).collect();
        let main = diagnostic.labels[0].span;
        self.report(main, labels.collect(), &diagnostic.notes, helps, out)
    }

    fn report(
        &mut self,
        main: Span,
        mut labels: Vec<(Color, &Said)>,
        notes: &[String],
        helps: Vec<String>,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let config = Config::default()
            .with_color(self.colour)
            .with_index_type(IndexType::Byte);
        let mut report = Report::build(ReportKind::Error, place(main)).with_config(config);
        // In the order of the source: labels that go back and forth would show the same lines again and again.
        labels.sort_by_key(|(_, l)| (l.span.file != main.file, l.span.file.0, l.span.start));
        for (colour, label) in labels {
            let mut drawn = Label::new(place(label.span)).with_color(colour);
            if !label.text.is_empty() {
                drawn = drawn.with_message(&label.text);
            }
            report = report.with_label(drawn);
        }
        report.with_notes(notes);
        report.with_helps(helps);
        report.finish().write(&mut self.sources, out)
    }

    /// `error[unknown-name]: unknown name`
    fn headline(&self, diagnostic: &Diagnostic) -> String {
        let (severity, slug) = (diagnostic.severity, diagnostic.slug);
        let message = &diagnostic.message;
        if !self.colour {
            return format!("{}[{slug}]: {message}\n", severity.name());
        }
        let code = match severity {
            Severity::Error => 31,
            Severity::Warning => 33,
            Severity::Note => 34,
        };
        format!(
            "\x1b[1;{code}m{}[{slug}]\x1b[0;1m: {message}\x1b[0m\n",
            severity.name()
        )
    }

    /// Without the source: for lines that are too long, and for what has no place.
    fn plain(&self, diagnostic: &Diagnostic) -> String {
        let mut out = self.headline(diagnostic);
        let map = self.sources.map;
        let mut line = |text: fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {text}");
        };
        for label in &diagnostic.labels {
            let (file, at) = (map.file(label.span.file).name(), map.position(label.span));
            line(format_args!("{file}:{at}: {}", label.text));
        }
        for note in &diagnostic.notes {
            line(format_args!("note: {note}"));
        }
        for help in &diagnostic.help {
            line(format_args!("help: {}", self.help(help)));
        }
        out
    }

    /// A piece of advice, with what to write where it is one replacement.
    fn help(&self, help: &super::Help) -> String {
        match &help.edits[..] {
            // What the words say already is not said again.
            [(_, text)]
                if !text.trim().is_empty()
                    && !text.contains('\n')
                    && !help.text.contains(text.trim()) =>
            {
                format!("{}: `{}`", help.text, text.trim())
            }
            _ => help.text.clone(),
        }
    }

    fn is_drawable(&self, span: Span) -> bool {
        let file = self.sources.map.file(span.file);
        let short = |offset| file.line(file.position(offset).line).len() <= LINE_MAX as usize;
        short(span.start) && short(span.end)
    }
}

/// One diagnostic as text; for several of one program a [`Renderer`] is faster.
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap, colour: bool) -> String {
    Renderer::new(sources, colour).render(diagnostic)
}

/// What ariadne drew, without its headline, which puts the slug before the severity, and without trailing blanks, which would
/// make snapshots and diffs of this text a nuisance.
fn body(drawn: &[u8], out: &mut String) {
    let text = String::from_utf8_lossy(drawn);
    for line in text.trim_end().lines().skip(1) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn place(span: Span) -> (FileId, Range<usize>) {
    (span.file, span.range())
}

/// The texts of a program, as ariadne wants them.
#[derive(Debug)]
struct Texts<'s> {
    map: &'s SourceMap,
    known: BTreeMap<u32, Source<&'s str>>,
}

impl<'s> Cache<FileId> for Texts<'s> {
    type Storage = &'s str;

    fn fetch(&mut self, id: &FileId) -> Result<&Source<&'s str>, impl fmt::Debug> {
        let text = self.map.file(*id).text();
        let source = self.known.entry(id.0);
        Ok::<_, ()>(source.or_insert_with(|| Source::from(&**text)))
    }

    fn display<'a>(&self, id: &'a FileId) -> Option<impl fmt::Display + 'a> {
        Some(self.map.file(*id).name().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::catalog::names::unknown_name;

    fn sample(text: &str) -> (SourceMap, Span) {
        let mut sources = SourceMap::new();
        let file = sources.add("a.rules", text);
        let start = text.find("tenent").unwrap() as u32;
        (sources, Span::new(file, start, start + 6))
    }

    #[test]
    fn a_diagnostic_is_drawn_on_its_source() {
        let (sources, span) = sample("fn f(tenant: Int) -> Int =\n  tenent + 1\n");
        let diagnostic = unknown_name("tenent")
            .at(span, "not found in this scope")
            .suggest("there is", span, "tenant");
        let text = render(&diagnostic, &sources, false);
        let expected = "\
error[unknown-name]: unknown name `tenent`
   ╭─[ a.rules:2:3 ]
   │
 2 │   tenent + 1
   │   ───┬──
   │      ╰──── not found in this scope
   │
   │ Help: there is: `tenant`
───╯
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_line_without_end_is_not_drawn() {
        let (sources, span) = sample(&format!("tenent {}", "x".repeat(10_000)));
        let text = render(&unknown_name("tenent").at(span, "here"), &sources, false);
        assert_eq!(
            text,
            "error[unknown-name]: unknown name `tenent`\n  a.rules:1:1: here\n"
        );
    }
}
