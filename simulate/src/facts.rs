//! What rules are told of a request: its facts as JSON, with places that are filled for each.

use std::fmt::Write;

use serde_json::{Map, Value};
use tollgate::Program;
use tollgate_load::{Load, Measure};

use crate::Error;
use crate::scenario::Scenario;

/// What the entry takes, and where it comes from.
pub(crate) struct Taken {
    /// By class.
    templates: Vec<Template>,
    /// What rules call the measures of the load, by the order of [`Load::measures`]; a measure may have several names.
    names: Vec<(String, usize)>,
    /// The parameter that is the load, if the rules take it at all.
    pub(crate) load: Option<String>,
}

/// The parameters of the entry as JSON, in pieces.
struct Template {
    pieces: Vec<Piece>,
    slots: Vec<Slot>,
}

#[derive(Debug)]
enum Piece {
    /// As it stands.
    Text(String),
    /// What fills a slot.
    Slot(usize),
    Id,
    Time,
    Load,
}

/// What a place in the facts of a class is filled with.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Slot {
    /// The key of the request.
    Key,
    /// A column of the trace, in a text.
    Text(String),
    /// A column of the trace, as a whole number.
    Int(String),
}

impl Taken {
    /// # Errors
    /// When a parameter has no facts and is no load, or the load is asked for what nobody measures.
    pub(crate) fn new(program: &Program, entry: &str, scenario: &Scenario) -> Result<Taken, Error> {
        let parameters = program.parameters(entry)?;
        let classes: Vec<(&str, Map<String, Value>)> = match &scenario.classes[..] {
            [] => vec![("all", scenario.facts.clone())],
            classes => {
                let facts = classes.iter().map(|class| {
                    let mut facts = scenario.facts.clone();
                    merge(&mut facts, &class.facts);
                    (&*class.name, facts)
                });
                facts.collect()
            }
        };
        let given = classes.iter().flat_map(|(_, facts)| facts.keys());
        for name in given {
            if !parameters.contains(&&**name) {
                return Err(Error::new(format!(
                    "there are facts for `{name}`, which `{entry}` does not take; it takes {}",
                    parameters.join(", ")
                )));
            }
        }
        let nowhere = |parameter: &&&str| !classes.iter().any(|(_, f)| f.contains_key(**parameter));
        let without: Vec<&&str> = parameters.iter().filter(nowhere).collect();
        let load = match &without[..] {
            [] => None,
            [load] => Some(**load),
            [_, second, ..] => return Err(no_facts(entry, second)),
        };
        let names = match load {
            Some(load) => names(program, entry, load, scenario)?,
            None => Vec::new(),
        };
        let mut templates = Vec::new();
        for (class, facts) in &classes {
            templates.push(Template::new(entry, class, &parameters, facts, load)?);
        }
        Ok(Taken {
            templates,
            names,
            load: load.map(str::to_owned),
        })
    }

    /// What has to be known of a request of the class, besides its time.
    pub(crate) fn slots(&self, class: usize) -> &[Slot] {
        &self.templates[class].slots
    }

    /// Writes what the entry takes. `filled` is JSON for each slot: the inside of a text, or a number.
    pub(crate) fn write(
        &self,
        out: &mut String,
        class: usize,
        filled: &[String],
        (id, time): (&str, i64),
        load: &Load,
    ) {
        for piece in &self.templates[class].pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => out.push_str(&filled[*slot]),
                Piece::Id => out.push_str(id),
                Piece::Time => out.push_str(&tollgate::time_text(time)),
                Piece::Load => self.write_load(out, load),
            }
        }
    }

    fn write_load(&self, out: &mut String, load: &Load) {
        let measures: Vec<Measure> = load.measures().map(|(_, value)| value).collect();
        out.push('{');
        for (i, (name, measure)) in self.names.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = match measures[*measure] {
                count @ Measure::Count(_) => write!(out, "{comma}{}:{count}", quoted(name)),
                other => write!(out, "{comma}{}:\"{other}\"", quoted(name)),
            };
        }
        out.push('}');
    }
}

impl Template {
    fn new(
        entry: &str,
        class: &str,
        parameters: &[&str],
        facts: &Map<String, Value>,
        load: Option<&str>,
    ) -> Result<Template, Error> {
        let mut template = Template {
            pieces: Vec::new(),
            slots: Vec::new(),
        };
        let several = parameters.len() > 1;
        for (i, parameter) in parameters.iter().enumerate() {
            if several {
                let before = if i == 0 { '{' } else { ',' };
                template.text(&format!("{before}{}:", quoted(parameter)));
            }
            match facts.get(*parameter) {
                None if load == Some(parameter) => template.pieces.push(Piece::Load),
                None => return Err(no_facts(entry, parameter)),
                Some(Value::Object(fields)) if i == 0 => template.first(fields, class),
                Some(value) => template.value(value, class),
            }
        }
        if several {
            template.text("}");
        }
        Ok(template)
    }

    /// The first parameter has the decision's id and time, if it is a record; one that has no such fields ignores them.
    fn first(&mut self, fields: &Map<String, Value>, class: &str) {
        let mut comma = "{";
        for (name, piece) in [("id", Piece::Id), ("time", Piece::Time)] {
            if !fields.contains_key(name) {
                self.text(&format!("{comma}\"{name}\":\""));
                self.pieces.push(piece);
                self.text("\"");
                comma = ",";
            }
        }
        self.fields(fields, comma, class);
    }

    fn fields(&mut self, fields: &Map<String, Value>, mut comma: &str, class: &str) {
        for (name, value) in fields {
            self.text(&format!("{comma}{}:", quoted(name)));
            self.value(value, class);
            comma = ",";
        }
        self.text(if comma == "{" { "{}" } else { "}" });
    }

    fn value(&mut self, value: &Value, class: &str) {
        match value {
            Value::Object(fields) => self.fields(fields, "{", class),
            Value::Array(items) => {
                self.text("[");
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.text(",");
                    }
                    self.value(item, class);
                }
                self.text("]");
            }
            Value::String(text) => self.string(text, class),
            other => self.text(&other.to_string()),
        }
    }

    fn string(&mut self, text: &str, class: &str) {
        let number = text
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix(":int}"))
            .filter(|name| is_name(name));
        if let Some(name) = number {
            return self.slot(Slot::Int(name.to_owned()));
        }
        self.text("\"");
        let mut rest = text;
        while let Some((before, name, after)) = place(rest) {
            self.text(&inside(before));
            match name {
                "key" => self.slot(Slot::Key),
                "class" => self.text(&inside(class)),
                column => self.slot(Slot::Text(column.to_owned())),
            }
            rest = after;
        }
        self.text(&inside(rest));
        self.text("\"");
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn slot(&mut self, slot: Slot) {
        let known = self.slots.iter().position(|s| *s == slot);
        let at = known.unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        self.pieces.push(Piece::Slot(at));
    }
}

/// The inside of a JSON text.
pub(crate) fn inside(text: &str) -> String {
    let quoted = quoted(text);
    quoted[1..quoted.len() - 1].to_owned()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The first place in a text that is filled: what stands before it, its name, what stands behind.
fn place(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{') {
        let open = from + open;
        let name = &text[open + 1..];
        let close = name.find('}')?;
        if is_name(&name[..close]) {
            return Some((&text[..open], &name[..close], &name[close + 1..]));
        }
        from = open + 1;
    }
    None
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// What the rules call the measures; an error where they ask the load for what nobody measures.
fn names(
    program: &Program,
    entry: &str,
    load: &str,
    scenario: &Scenario,
) -> Result<Vec<(String, usize)>, Error> {
    let measured: Vec<&str> = Load::names().collect();
    let mut names: Vec<(String, usize)> = Vec::new();
    for (name, measure) in &scenario.load {
        let Some(at) = measured.iter().position(|m| m == measure) else {
            return Err(Error::new(format!(
                "`{name}` of the load is to be `{measure}`, which is not measured; there are {}",
                measured.join(", ")
            )));
        };
        names.push((name.clone(), at));
    }
    for (at, name) in measured.iter().enumerate() {
        if !scenario.load.contains_key(*name) {
            names.push(((*name).to_owned(), at));
        }
    }
    for read in program.fields(entry)? {
        match &read.field {
            _ if read.parameter != load => {}
            None => return Err(no_facts(entry, load)),
            Some(field) if names.iter().any(|(name, _)| name == field) => {}
            Some(field) => {
                return Err(Error::new(format!(
                    "`{entry}` asks for `{field}` of `{load}`, which is not measured; there are {}. Say in the scenario which one it is \
                     (`load.{field} = \"busy\"`), or what the facts of `{load}` are (`[facts.{load}]`), if it is no load",
                    measured.join(", ")
                )));
            }
        }
    }
    Ok(names)
}

fn no_facts(entry: &str, parameter: &str) -> Error {
    let measured: Vec<&str> = Load::names().collect();
    Error::new(format!(
        "`{entry}` takes `{parameter}`, of which the scenario says nothing: add `[facts.{parameter}]`, for all requests or under a class. (Of one \
         parameter it may say nothing: the load, a record of {}.)",
        measured.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use tollgate::Engine;
    use tollgate_load::Meter;

    use super::*;

    const RULES: &str = "
        record Request { id: String, time: Instant, user: String, tokens: Int }
        record Load { cpu: Percent, busy: Percent }
        ruleset shed(req: Request, load: Load) -> Bool hit first {
          rule hot when load.cpu > 50% and load.busy > 50% and req.tokens > 7 and req.user == \"a\" then false
          otherwise true
        }
        ruleset alone(load: Load) -> Bool hit first { otherwise load.busy > 5% }
        ruleset single(req: Request) -> Bool hit first { otherwise req.tokens > 5 }
    ";

    fn taken(entry: &str, scenario: &str) -> Result<Taken, String> {
        let program = Engine::new().compile_source("x.rules", RULES).unwrap();
        let scenario = Scenario::parse(scenario).unwrap();
        Taken::new(&program, entry, &scenario).map_err(|e| e.to_string())
    }

    #[test]
    fn places_are_filled() {
        let scenario = r#"
            load.cpu = "workers"
            facts.req = { user = "{key}/{class}/{name}", tokens = "{n:int}", note = "{1} {", list = [1, "x"] }
            class = [{ name = "a\"b", facts.req.more = true }]
        "#;
        let taken = taken("shed", scenario).unwrap();
        let slots = [Slot::Key, Slot::Text("name".into()), Slot::Int("n".into())];
        let mut found = taken.slots(0).to_vec();
        found.sort_by_key(|slot| slots.iter().position(|s| s == slot));
        assert_eq!(found, slots);
        let fill = |slot: &Slot| match slot {
            Slot::Key => "k1".to_owned(),
            Slot::Text(name) => inside(&format!("\"{name}\"")),
            Slot::Int(_) => "9".to_owned(),
        };
        let filled: Vec<String> = taken.slots(0).iter().map(fill).collect();
        let mut out = String::new();
        let load = Meter::new(1).load();
        taken.write(&mut out, 0, &filled, ("7", 1_000_000), &load);
        let written: Value = serde_json::from_str(&out).unwrap();
        let req = serde_json::json!({
            "id": "7", "time": "1970-01-01T00:00:01Z", "user": "k1/a\"b/\"name\"", "tokens": 9, "note": "{1} {", "list": [1, "x"], "more": true,
        });
        assert_eq!(written["req"], req);
        assert_eq!(written["load"]["cpu"], "0%");
        assert_eq!(written["load"]["shed_from"], 1_000_000);
    }

    #[test]
    fn an_only_parameter_stands_alone() {
        let load = Meter::new(1).load();
        let mut out = String::new();
        taken("alone", "")
            .unwrap()
            .write(&mut out, 0, &[], ("1", 0), &load);
        assert!(out.starts_with("{\"in_flight\":0,\"busy\":\"0%\""), "{out}");
        out.clear();
        let only = taken("single", "facts.req = { id = \"x\", tokens = 7 }").unwrap();
        only.write(&mut out, 0, &[], ("1", 0), &load);
        assert_eq!(
            out,
            r#"{"time":"1970-01-01T00:00:00Z","id":"x","tokens":7}"#
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let says = |entry: &str, scenario: &str, part: &str| {
            let error = taken(entry, scenario).err().unwrap();
            assert!(error.contains(part), "{error}");
        };
        says(
            "shed",
            "",
            "takes `load`, of which the scenario says nothing",
        );
        says(
            "shed",
            "facts.req = {}",
            "asks for `cpu` of `load`, which is not measured",
        );
        says(
            "shed",
            "facts.req = {}\nload.cpu = \"heat\"",
            "`heat`, which is not measured",
        );
        says("shed", "facts.request = {}", "facts for `request`");
        says("single", "", "asks for `tokens` of `req`");
        says("none", "", "no entry `none`");
    }
}
