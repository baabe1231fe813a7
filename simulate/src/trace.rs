//! Traces: CSV with a line of names first, or JSON lines, read line by line.

use std::collections::HashMap;
use std::io::{self, BufRead};

use csv_core::ReadRecordResult;
use serde_json::{Map, Value};

use crate::arrivals::{Arrival, BadLine, Columns, Drawer, Next, SECOND, Source, column_text};
use crate::scenario::Scenario;

/// Bytes of the longest line that is read.
const LINE_MAX: usize = 64 * 1024;
/// The most columns.
const COLUMNS_MAX: usize = 256;
/// The longest that a trace may last, in microseconds: 366 days.
const LONGEST: f64 = 366.0 * 86_400.0 * SECOND;

/// The arrivals of a trace, and the lines that are none.
pub(crate) struct Trace<'s> {
    scenario: &'s Scenario,
    drawer: Drawer<'s>,
    lines: Lines<'s>,
    /// What the columns of a CSV are called; none of JSON lines.
    header: Option<Header>,
    /// The time of the first line in microseconds, and whether it is an instant.
    first: Option<(f64, bool)>,
    /// When the arrival before was.
    last: u64,
    /// Behind an error there is nothing.
    ended: bool,
}

enum Header {
    Csv(HashMap<String, usize>),
    Json,
}

/// The lines of an input, each of a bounded length.
struct Lines<'s> {
    input: Box<dyn BufRead + 's>,
    line: Vec<u8>,
    number: u64,
}

/// The columns of a line.
enum Row<'r> {
    Csv(&'r HashMap<String, usize>, Vec<String>),
    Json(Map<String, Value>),
}

impl<'s> Trace<'s> {
    pub(crate) fn new(
        scenario: &'s Scenario,
        drawer: Drawer<'s>,
        input: Box<dyn BufRead + 's>,
    ) -> Trace<'s> {
        Trace {
            scenario,
            drawer,
            lines: Lines {
                input,
                line: Vec::new(),
                number: 0,
            },
            header: None,
            first: None,
            last: 0,
            ended: false,
        }
    }

    /// The arrival of the line that was read; `None` for one that says nothing.
    fn arrival(&mut self) -> Result<Option<Arrival>, String> {
        let text = std::str::from_utf8(&self.lines.line).map_err(|_| "it is no UTF-8")?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(None);
        }
        let Some(header) = &self.header else {
            if text.starts_with('{') {
                self.header = Some(Header::Json);
                return self.arrival();
            }
            let names = csv(text)?;
            let names = names.into_iter().enumerate();
            let names = names.map(|(i, name)| (name.trim().to_owned(), i));
            self.header = Some(Header::Csv(names.collect()));
            return Ok(None);
        };
        let row = match header {
            Header::Csv(names) => {
                let fields = csv(text)?;
                if fields.len() != names.len() {
                    return Err(format!(
                        "it has {} columns, the first line {}",
                        fields.len(),
                        names.len()
                    ));
                }
                Row::Csv(names, fields)
            }
            Header::Json => {
                let row = serde_json::from_str(text);
                Row::Json(row.map_err(|error| format!("it is no JSON object: {error}"))?)
            }
        };
        let settings = &self.scenario.trace;
        let (time, instant) = time(&column_text(&row, &settings.time)?)?;
        let (first, kind) = *self.first.get_or_insert((time, instant));
        if kind != instant {
            return Err("its time is written otherwise than that of the first line".into());
        }
        let passed = (time - first) / settings.speed;
        let at = passed as u64;
        if passed < 0.0 || at < self.last {
            return Err("its time is before that of the line above: sort the trace by time".into());
        }
        if passed > LONGEST {
            return Err("it is more than 366 days behind the first line".into());
        }
        let class = match &settings.class {
            Some(name) => {
                let class = self.scenario.class(&column_text(&row, name)?);
                Some(class.map_err(|error| error.to_string())?)
            }
            None => None,
        };
        let key = settings.key.as_ref();
        let key = key.map(|name| column_text(&row, name)).transpose()?;
        let arrival = self.drawer.arrival(at, class, key, &row)?;
        self.last = at;
        Ok(Some(arrival))
    }
}

impl Source for Trace<'_> {
    fn next(&mut self) -> Option<Next> {
        while !self.ended {
            let read = self.lines.read();
            let found = match read {
                Ok(None) => return None,
                Ok(Some(true)) => self.arrival(),
                Ok(Some(false)) => Err(format!("it is longer than {} KiB", LINE_MAX / 1024)),
                Err(error) => {
                    self.ended = true;
                    Err(format!("cannot read on: {error}"))
                }
            };
            match found {
                Ok(None) => {}
                Ok(Some(arrival)) => return Some(Ok(arrival)),
                Err(reason) => {
                    let line = self.lines.number;
                    // Without names nothing can be read.
                    self.ended |= self.header.is_none();
                    return Some(Err(BadLine { line, reason }));
                }
            }
        }
        None
    }

    fn start(&self) -> Option<i64> {
        let (first, instant) = self.first?;
        instant.then_some(first as i64)
    }
}

impl Lines<'_> {
    /// Reads a line; whether it was read whole, and nothing at the end.
    fn read(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut some, mut whole) = (false, true);
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.number += 1;
                    return Err(error);
                }
            };
            if bytes.is_empty() {
                break;
            }
            some = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            whole &= self.line.len() + part.len() <= LINE_MAX;
            if whole {
                self.line.extend_from_slice(part);
            }
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.number += u64::from(some);
        Ok(some.then_some(whole))
    }
}

impl Columns for Row<'_> {
    fn text(&self, name: &str) -> Option<String> {
        match self {
            Row::Csv(names, fields) => fields.get(*names.get(name)?).cloned(),
            Row::Json(fields) => match fields.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
                scalar => Some(scalar.to_string()),
            },
        }
    }
}

/// The columns of a line of CSV (RFC 4180); none goes over several lines.
fn csv(line: &str) -> Result<Vec<String>, String> {
    let mut reader = csv_core::Reader::new();
    let mut out = vec![0; line.len() + 1];
    let mut ends = vec![0; COLUMNS_MAX];
    // The reader says only at the end of its input that there is no more: the line has one.
    let mut input = line.as_bytes().to_vec();
    input.push(b'\n');
    let (result, _, _, count) = reader.read_record(&input, &mut out, &mut ends);
    match result {
        ReadRecordResult::Record => {}
        ReadRecordResult::OutputEndsFull => {
            return Err(format!("it has more than {COLUMNS_MAX} columns"));
        }
        _ => return Err("a quote is not closed".into()),
    }
    let mut from = 0;
    let fields = ends[..count].iter().map(|end| {
        let field = &out[std::mem::replace(&mut from, *end)..*end];
        String::from_utf8_lossy(field).into_owned()
    });
    Ok(fields.collect())
}

/// A time in microseconds, and whether it is an instant, counted from 1970.
fn time(text: &str) -> Result<(f64, bool), String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return match seconds.is_finite() {
            true => Ok((seconds * SECOND, false)),
            false => Err(format!("`{text}` is no time")),
        };
    }
    // As databases write it: a blank instead of `T`, and UTC left out.
    let mut instant = text.replacen(' ', "T", 1);
    if let Some((whole, fraction)) = instant.split_once('.') {
        let digits = fraction.chars().take_while(char::is_ascii_digit).count();
        let kept = &fraction[..digits.min(6)];
        instant = format!("{whole}.{kept}{}", &fraction[digits..]);
    }
    let parsed = tollgate::parse_time(&instant);
    let parsed = parsed.or_else(|_| tollgate::parse_time(&format!("{instant}Z")));
    let micros = parsed.map_err(|_| {
        format!("`{text}` is no time: write seconds, or an instant such as 2026-11-01T00:00:00Z")
    })?;
    Ok((micros as f64, true))
}

#[cfg(test)]
mod tests {
    use tollgate::Engine;

    use super::*;
    use crate::facts::Taken;

    fn play(settings: &str, trace: &[u8]) -> Vec<Result<(u64, usize, u64), String>> {
        let rules = "ruleset yes(n: Int) -> Bool hit first { otherwise true }";
        let program = Engine::new().compile_source("x.rules", rules).unwrap();
        let scenario = Scenario::parse(&format!("facts.n = 1\n{settings}")).unwrap();
        let taken = Taken::new(&program, "yes", &scenario).unwrap();
        let mut trace = crate::arrivals::trace(&scenario, &taken, Box::new(trace));
        let told = std::iter::from_fn(|| trace.next()).map(|next| match next {
            Ok(arrival) => Ok((arrival.at, arrival.class, arrival.service)),
            Err(bad) => Err(format!("{}: {}", bad.line, bad.reason)),
        });
        told.collect()
    }

    const SETTINGS: &str = r#"
        service = { law = "columns", base = "1ms", per = { tokens = "2us" } }
        class = [{ name = "a" }, { name = "b" }]
        trace = { time = "at", class = "kind", speed = 2.0 }
    "#;

    #[test]
    fn csv_is_read_line_by_line() {
        let trace = "at,kind,tokens\n2023-11-16 18:17:03.9799600,b,100\n\n2023-11-16 18:17:04.9799600,\"a\",0\n";
        let played = play(SETTINGS, trace.as_bytes());
        assert_eq!(played, [Ok((0, 1, 1_200)), Ok((500_000, 0, 1_000))]);
    }

    #[test]
    fn json_lines_are_too() {
        let trace = "{\"at\": 5, \"kind\": \"a\", \"tokens\": 3}\n{\"at\": \"5.5\", \"kind\": \"b\", \"tokens\": \"4\"}";
        let played = play(SETTINGS, trace.as_bytes());
        assert_eq!(played, [Ok((0, 0, 1_006)), Ok((250_000, 1, 1_008))]);
    }

    #[test]
    fn bad_lines_are_told_and_the_others_played() {
        let long = format!("9,a,{}", "1".repeat(LINE_MAX));
        let many = "9,".repeat(COLUMNS_MAX + 1);
        let lines = [
            "at,kind,tokens",
            "5,a,1",
            "6,a",
            "6,c,1",
            "6,a,x",
            "6,a,-1",
            "4,a,1",
            "2026-01-01T00:00Z,a,1",
            "noon,a,1",
            "inf,a,1",
            "6,\"a,1",
            &long,
            &many,
            "99999999999,a,1",
            "7,b,1",
        ];
        let mut trace = lines.join("\n").into_bytes();
        trace.extend(b"\n8,\xff,1\n");
        let played = play(SETTINGS, &trace);
        let told: Vec<String> = { played.iter() }
            .map(|p| match p {
                Ok((at, ..)) => at.to_string(),
                Err(reason) => reason.clone(),
            })
            .collect();
        assert_eq!(
            told,
            [
                "0",
                "3: it has 2 columns, the first line 3",
                "4: there is no class `c`; there are a, b",
                "5: `tokens` is `x`, which is no number of at least 0",
                "6: `tokens` is `-1`, which is no number of at least 0",
                "7: its time is before that of the line above: sort the trace by time",
                "8: its time is written otherwise than that of the first line",
                "9: `noon` is no time: write seconds, or an instant such as 2026-11-01T00:00:00Z",
                "10: `inf` is no time",
                "11: a quote is not closed",
                "12: it is longer than 64 KiB",
                "13: it has more than 256 columns",
                "14: it is more than 366 days behind the first line",
                "1000000",
                "16: it is no UTF-8",
            ]
        );
    }

    #[test]
    fn a_trace_without_the_columns_says_so() {
        let played = play("", b"when\n5\n");
        assert_eq!(
            played,
            [Err(
                "2: it has no `time`, which the scenario asks for".into()
            )]
        );
    }
}
