//! Results as the XML that continuous integration reads: the format of JUnit's Ant task, as Jenkins, GitLab and GitHub's actions
//! take it.

use std::borrow::Cow;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{DRAWN, Suite, Timed, named};
use crate::commands::Result;

/// The document, one suite a file.
pub(super) fn document(suites: &[Suite]) -> Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = suites
        .iter()
        .map(Counts::of)
        .fold(Counts::default(), Counts::and);
    let root = writer
        .create_element("testsuites")
        .with_attributes(all.attributes());
    let mut failed = 0;
    let mut each = |writer: &mut Writer<_>, suite| write(writer, suite, &mut failed);
    root.write_inner_content(|writer| suites.iter().try_for_each(|suite| each(writer, suite)))?;
    let mut document = writer.into_inner();
    document.push(b'\n');
    Ok(document)
}

/// Writes a suite; `failed` counts failures over all.
fn write(writer: &mut Writer<Vec<u8>>, suite: &Suite, failed: &mut usize) -> std::io::Result<()> {
    let name = suite.file.display().to_string();
    let element = writer
        .create_element("testsuite")
        .with_attribute(("name", &*plain(&name)))
        .with_attributes(Counts::of(suite).attributes());
    element.write_inner_content(|writer| match &suite.tested {
        Ok(results) => results
            .iter()
            .try_for_each(|timed| case(writer, &name, timed, failed)),
        Err(report) => {
            let element = writer
                .create_element("testcase")
                .with_attributes([("name", "it compiles"), ("classname", &*plain(&name))]);
            element.write_inner_content(|writer| {
                let errors = report.errors();
                let message = format!("{errors} error{}", if errors == 1 { "" } else { "s" });
                let error = writer
                    .create_element("error")
                    .with_attributes([("message", &*message), ("type", "compile")]);
                let text = plain(&report.render(false));
                error.write_text_content(BytesText::new(&text)).map(drop)
            })?;
            Ok(())
        }
    })?;
    Ok(())
}

fn case(
    writer: &mut Writer<Vec<u8>>,
    suite: &str,
    timed: &Timed,
    failed: &mut usize,
) -> std::io::Result<()> {
    let result = &timed.result;
    let (name, class) = (plain(&named(result)), plain(suite));
    let (file, line, time) = (
        plain(&result.file),
        result.line.to_string(),
        seconds(timed.took),
    );
    let attributes = [
        ("name", &*name),
        ("classname", &*class),
        ("file", &*file),
        ("line", &*line),
        ("time", &*time),
    ];
    let element = writer
        .create_element("testcase")
        .with_attributes(attributes);
    if result.failures.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        for failure in &result.failures {
            let message = plain(&failure.message);
            *failed += 1;
            let mut text = match *failed <= DRAWN {
                true => failure.draw(false),
                false => format!("{}\n", failure.message),
            };
            if let Some(seed) = failure.seed {
                text.push_str(&format!(
                    "It does not hold for these values (seed {seed}):\n\n"
                ));
                failure
                    .given
                    .iter()
                    .for_each(|given| text.push_str(&format!("  {given}\n")));
            }
            let failure = writer
                .create_element("failure")
                .with_attributes([("message", &*message), ("type", "expect")]);
            failure.write_text_content(BytesText::new(&plain(&text)))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// What a suite counts.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    time: Duration,
}

impl Counts {
    fn of(suite: &Suite) -> Counts {
        match &suite.tested {
            Ok(results) => Counts {
                tests: results.len(),
                failures: results
                    .iter()
                    .filter(|t| !t.result.failures.is_empty())
                    .count(),
                errors: 0,
                time: results.iter().map(|t| t.took).sum(),
            },
            Err(_) => Counts {
                tests: 1,
                errors: 1,
                ..Counts::default()
            },
        }
    }

    fn and(self, other: Counts) -> Counts {
        Counts {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            time: self.time + other.time,
        }
    }

    fn attributes(&self) -> [(&'static str, Cow<'static, str>); 4] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("time", seconds(self.time)),
        ]
        .map(|(name, value)| (name, Cow::Owned(value)))
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// The text without characters that XML cannot hold, escaped or not (XML 1.0, §2.2).
fn plain(text: &str) -> String {
    let holds = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        c => !matches!(u32::from(c), 0..0x20 | 0xfffe | 0xffff),
    };
    text.chars()
        .map(|c| if holds(c) { c } else { '\u{fffd}' })
        .collect()
}
