//! Mending a file: the edits of its diagnostics that apply by themselves, made until there is none.

use std::collections::BTreeMap;
use std::path::Path;

use tollgate_frontend::diagnostics::{Applies, Diagnostic, Help};
use tollgate_frontend::library::{Loader, NoModules};
use tollgate_grammar::source::{FileId, Span};

use crate::engine::Engine;
use crate::error::Error;
use crate::loader::{Folder, read_main};
use crate::pipeline::Main;
use crate::report::Report;

/// Most times that a file is read again after edits: what one edit brings to light the next round mends. They are counted anew
/// while the file has more mistakes than are told at once.
const ROUNDS: usize = 16;
/// Bytes that are read in all before rounds are no longer counted anew.
const READ_MAX: usize = 256 << 20;
/// Most checks of one round, of which there are several where edits make matters worse together.
const CHECKS: usize = 64;

/// A file, and what it is once mended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fixed {
    /// What was there.
    pub source: String,
    /// The same with the edits made.
    pub text: String,
    /// How many pieces of advice were followed.
    pub applied: usize,
    /// What the compiler says now.
    pub report: Report,
}

impl Fixed {
    /// Whether something was mended.
    pub fn is_changed(&self) -> bool {
        self.source != self.text
    }
}

impl Engine {
    /// A file with the advice followed that needs nobody's choice: where what was written has one meaning, and the edit says that.
    /// A file is read, not written, and only its own diagnostics count, not those of modules that it uses.
    ///
    /// Of edits that overlap one is made, and the file is checked again, until there is none or after 16 rounds; a file with more
    /// mistakes than are told at once has more, until 256 MiB were read. Edits after which there would be more errors than
    /// before are not made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn fix_file(&self, path: &Path) -> Result<Fixed, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        // A new folder each time: nothing is remembered of a file that has changed.
        let check = |text: &str| self.check_main(&name, text, &mut Folder::of(path));
        Ok(fixed(text, check))
    }

    /// As [`Engine::fix_file`], of a program of one file.
    ///
    /// ```
    /// use tollgate::Engine;
    /// let fixed = Engine::new().fix_source("x.rules", r#"
    ///     ruleset small(n: Int, m: Int?) -> Bool hit first {
    ///       rule yes when n < 10 && m == none then true;
    ///       otherwise false
    ///     }
    /// "#);
    /// assert!(fixed.text.contains("rule yes when n < 10 and m is none then true\n"));
    /// assert_eq!((fixed.applied, fixed.report.errors()), (3, 0));
    /// ```
    pub fn fix_source(&self, name: &str, text: &str) -> Fixed {
        fixed(text.to_owned(), |text| {
            self.check_main(name, text, &mut NoModules)
        })
    }

    fn check_main(&self, name: &str, text: &str, loader: &mut dyn Loader) -> Report {
        self.report_of(&Main { name, text }, loader)
    }
}

fn fixed(source: String, check: impl Fn(&str) -> Report) -> Fixed {
    let mut text = source.clone();
    let mut report = check(&text);
    let mut applied = 0;
    let (mut rounds, mut read) = (ROUNDS, 0);
    while rounds > 0 {
        let wanted = selected(report.diagnostics());
        if wanted.is_empty() {
            break;
        }
        rounds -= 1;
        read += text.len();
        if read < READ_MAX && report.slugs().contains(&"too-many-errors") {
            rounds = ROUNDS;
        }
        let mut round = Round {
            text: &text,
            most: report.errors(),
            check: &check,
            checks: CHECKS,
            made: Vec::new(),
            result: None,
        };
        round.make(&wanted);
        let made = round.made.len();
        let Some((next, said)) = round.result else {
            break;
        };
        applied += made;
        (text, report) = (next, said);
    }
    Fixed {
        source,
        text,
        applied,
        report,
    }
}

/// Advice on the main file that applies by itself and does not overlap, one piece a diagnostic.
fn selected(diagnostics: &[Diagnostic]) -> Vec<Help> {
    // Where each edit that was selected begins, and where it ends.
    let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
    let mut selected = Vec::new();
    for diagnostic in diagnostics {
        let helps = diagnostic.help.iter();
        let mut certain = helps.filter(|h| h.applies == Applies::ByItself && !h.edits.is_empty());
        // The main file is the first of a program.
        let free = |(span, _): &(Span, String)| span.file == FileId(0) && is_free(&taken, *span);
        if let Some(help) = certain.next()
            && help.edits.iter().all(free)
        {
            taken.extend(help.edits.iter().map(|(span, _)| (span.start, span.end)));
            selected.push(help.clone());
        }
    }
    selected
}

/// Whether an edit disturbs none of those that are there, which do not overlap; of two insertions at one place nothing says which comes
/// first.
fn is_free(taken: &BTreeMap<u32, u32>, span: Span) -> bool {
    let before = taken.range(..=span.start).next_back();
    let behind = taken.range(span.start..).next();
    before.is_none_or(|(start, end)| *start != span.start && *end <= span.start)
        && behind.is_none_or(|(start, _)| *start >= span.end)
}

/// One pass over a text.
struct Round<'r, C> {
    text: &'r str,
    /// Errors that there may be.
    most: usize,
    check: &'r C,
    /// Checks that are left.
    checks: usize,
    made: Vec<Help>,
    /// The text with what was made, and what is said about it.
    result: Option<(String, Report)>,
}

impl<C: Fn(&str) -> Report> Round<'_, C> {
    /// Follows all of some advice together, or, if that makes matters worse, the halves of it.
    fn make(&mut self, advice: &[Help]) {
        if advice.is_empty() || self.checks == 0 {
            return;
        }
        self.checks -= 1;
        let text = edited(self.text, self.made.iter().chain(advice));
        let report = (self.check)(&text);
        if report.errors() <= self.most {
            self.made.extend_from_slice(advice);
            self.result = Some((text, report));
        } else if advice.len() > 1 {
            let (first, second) = advice.split_at(advice.len() / 2);
            self.make(first);
            self.make(second);
        }
    }
}

fn edited<'h>(text: &str, advice: impl Iterator<Item = &'h Help>) -> String {
    let mut edits: Vec<&(Span, String)> = advice.flat_map(|help| &help.edits).collect();
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, new) in edits {
        let range = span.range();
        out.push_str(&text[at..range.start]);
        out.push_str(new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "edition 2026\nmodule m\n";

    fn fix(text: &str) -> Fixed {
        Engine::new().fix_source("m.rules", &format!("{HEAD}{text}"))
    }

    #[test]
    fn a_choice_is_left_to_the_author() {
        let rules = "record R { a: Int? }\nruleset f(r: R) -> Bool hit first {\n  rule x when r.a > 5 then true\n  otherwise false\n}\n";
        let fixed = fix(rules);
        assert!(!fixed.is_changed());
        assert_eq!(fixed.report.slugs(), ["missing-answer"]);
    }

    #[test]
    fn what_was_hidden_is_mended_in_the_next_round() {
        // The warning comes once there is no error.
        let rules = "ruleset f(a: Int) -> Bool hit first {\n  rule x when a > 5 then true;\n  rule y when a <= 5 then false\n  otherwise false\n}\n";
        let fixed = fix(rules);
        assert!(!fixed.text.contains("otherwise"), "{}", fixed.text);
        assert_eq!((fixed.applied, fixed.report.errors()), (2, 0));
    }

    /// Of many mistakes a hundred are told at once.
    #[test]
    fn many_mistakes_are_mended_as_well() {
        let line = |n: u32| format!("fn f{n}(a: Bool) -> Bool = a && a;\n");
        let rules: String = (0..1_000).map(line).collect();
        let fixed = Engine::new().fix_source("m.rules", &rules);
        assert_eq!(fixed.text, rules.replace("&&", "and").replace(';', ""));
        assert_eq!((fixed.applied, fixed.report.errors()), (2_000, 0));
    }

    #[test]
    fn neighbours_that_touch_are_mended_one_after_the_other() {
        let rules = "use std.http.{Method, Request, Client}\nfn f(c: Client) -> Client = c\n";
        let fixed = fix(rules);
        assert!(
            fixed.text.contains("use std.http.{Client}"),
            "{}",
            fixed.text
        );
    }

    /// Edits that mend and edits that break, told apart by halving.
    #[test]
    fn what_makes_matters_worse_is_not_made() {
        // A checker that calls every `b` an error, whose edits put one in place of every `x`.
        let check = |text: &str| {
            let source = text.replace('b', "&&");
            Engine::new().check_source("m.rules", &source)
        };
        let report = check("fn f(p: Bool) -> Bool = p");
        assert_eq!(report.errors(), 0);
        let at = |start: u32| Span::new(FileId(0), start, start + 1);
        let help = |start: u32, new: &str| Help {
            text: String::new(),
            edits: vec![(at(start), new.into())],
            applies: Applies::ByItself,
        };
        let text = "fn f(p: Bool) -> Bool = p";
        let mut round = Round {
            text,
            most: 0,
            check: &check,
            checks: CHECKS,
            made: Vec::new(),
            result: None,
        };
        round.make(&[
            help(3, "g"),
            help(2, "b"),
            help(4, " ("),
            help(25 - 1, "(p)"),
        ]);
        let (text, _) = round.result.expect("three of them mend");
        assert_eq!(
            (&*text, round.made.len()),
            ("fn g (p: Bool) -> Bool = (p)", 3)
        );
    }
}
