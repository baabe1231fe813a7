//! The 1,223 operations of GitHub's REST API: the rules and the requests of the example.

use crate::traffic::Profile;
use crate::{Field, Kind, Policy, Request, Rule, Segment, Test, Value, Workload, field};

const RULES: &str = include_str!("../../../examples/github/github.rules");
const REQUESTS: &str = include_str!("../../../examples/github/requests.jsonl");

/// First match on method and path, one request for each operation. The rules are read from the example, whose form is known.
pub fn github() -> Workload {
    Workload {
        family: "github",
        profile: Profile::Zipf,
        fields: fields(),
        rules: rules(),
        policy: Policy::First,
        requests: REQUESTS.lines().map(request).collect(),
    }
}

fn fields() -> Vec<Field> {
    vec![field("method", Kind::Method), field("path", Kind::Path)]
}

fn rules() -> Vec<Rule> {
    let lines: Vec<&str> = RULES.lines().map(str::trim).collect();
    let heads = lines.iter().enumerate();
    let heads = heads.filter_map(|(i, line)| Some((i, line.strip_prefix("on ")?)));
    let rule = |(i, head): (usize, &str)| {
        let (method, rest) = head.split_once(" p\"").expect("a method and a path");
        let pattern = rest.strip_suffix('"').expect("the pattern ends the line");
        let conditions = lines[i + 1..].iter().map_while(|l| l.strip_prefix("when "));
        let expressions: Vec<(&str, &str)> = conditions.map(condition).collect();
        let segments = pattern[1..].split('/').filter(|text| !text.is_empty());
        Rule::of([
            (0, Test::Is(method.into())),
            (
                1,
                Test::Segments(segments.map(|text| segment(text, &expressions)).collect()),
            ),
        ])
    };
    heads.map(rule).collect()
}

/// `basehead matches re".+\.\.\..+"`: the capture, and the text between.
fn condition(text: &str) -> (&str, &str) {
    let (name, rest) = text.split_once(" matches re\".+").expect("an expression");
    let between = rest
        .strip_suffix(".+\"")
        .expect("a text between two others");
    (name, between)
}

fn segment(text: &str, expressions: &[(&str, &str)]) -> Segment {
    let Some(capture) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
        return Segment::Literal(text.into());
    };
    if capture.ends_with(": **") {
        return Segment::Rest;
    }
    match expressions.iter().find(|(name, _)| *name == capture) {
        Some((_, between)) => Segment::Around(between.replace('\\', "")),
        None => Segment::Any,
    }
}

fn request(line: &str) -> Request {
    let text = |key: &str| {
        let (_, rest) = line.split_once(&format!("\"{key}\":\"")).expect("a key");
        let (value, _) = rest.split_once('"').expect("a text");
        Value::Text(value.into())
    };
    Request(vec![text("method"), text("path")])
}
