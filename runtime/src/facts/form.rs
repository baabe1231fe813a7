//! Forms: the fields that a host gives, found by their paths once and filled in by number from then on.

use super::{Input, Refused, Source};
use crate::arena::Arena;
use crate::boundary::{Params, Place, Reader, Refusal, Step, boundary_of};
use crate::schema::{Boundary, Field, Schema, Type};
use crate::word::Word;

/// Most paths of one form.
pub const PATHS_MAX: usize = 1024;
/// Most names in one path.
pub const NAMES_MAX: usize = 32;

/// Which fields of its parameters a host gives: found by their paths once, so that filling it in searches no names.
///
/// A path goes through records: `client.ip`. With one parameter it begins in that, and the empty path is the parameter itself; with
/// several it begins with the parameter's name. A record of which nothing is given is absent as a whole.
///
/// ```
/// use tollgate_runtime::facts::{Form, Input};
/// use tollgate_runtime::schema::{Boundary, Field, Record, Schema, Type};
/// use tollgate_runtime::{Arena, Value, Word};
/// let mut schema = Schema::default();
/// let field = |name: &str, ty, default| Field { name: name.into(), ty, default };
/// let (host, port) = (schema.add(Type::Host), schema.add(Type::Int { lo: 0, hi: 65_535 }));
/// let fields = vec![field("host", host, None), field("port", port, Some(Value::Int(80)))];
/// schema.records.push(Record { name: "Peer".into(), fields, boundary: Boundary::default() });
/// let params = [field("peer", schema.add(Type::Record(0)), None)];
///
/// let form = Form::new(&schema, &params, &["host", "port"]).unwrap();
/// let arena = Arena::new();
/// let filled = form.fill(&schema, &params, &[Some("A.example".into()), None], &arena).unwrap();
/// assert_eq!(filled.words, [Word::Seq(&[Word::Str("a.example"), Word::Int(80)])]);
/// assert_eq!(Form::new(&schema, &params, &["hosst"]).unwrap_err(), "Peer has no field `hosst`; it has host, port");
/// ```
#[derive(Debug)]
pub struct Form {
    /// By parameter.
    params: Vec<Part>,
    paths: usize,
}

/// What is given of one value.
#[derive(Debug)]
enum Part {
    /// Nothing.
    Absent,
    /// All of it, by the value with this number.
    Whole(usize),
    /// It is a record: the indices of fields, and what is given of each.
    Fields(Vec<(usize, Part)>),
}

/// Values on their way into a form.
struct Filling<'r, 's, 'a> {
    reader: Reader<'s, 'a>,
    values: &'r [Option<Input<'r>>],
}

impl Form {
    /// Finds the paths; the values of [`Form::fill`] stand in the same order.
    ///
    /// # Errors
    /// A sentence, when there is no such field, a path is given twice or lies inside another one, or there are more than [`PATHS_MAX`]
    /// paths or [`NAMES_MAX`] names in one.
    pub fn new(schema: &Schema, params: &[Field], paths: &[&str]) -> Result<Form, String> {
        if paths.len() > PATHS_MAX {
            return Err(format!(
                "{} paths are given; the limit is {PATHS_MAX}",
                paths.len()
            ));
        }
        let mut form = Form {
            params: params.iter().map(|_| Part::Absent).collect(),
            paths: paths.len(),
        };
        for (number, path) in paths.iter().enumerate() {
            form.add(schema, params, path, number)?;
        }
        Ok(form)
    }

    /// How many values it takes.
    pub fn paths(&self) -> usize {
        self.paths
    }

    /// The parameters made of values, one a path; a value that is `None` is absent: its field gets the default.
    ///
    /// # Errors
    /// When a value breaks a rule of its type, or a required field is absent.
    ///
    /// # Panics
    /// When there are not as many values as paths; the caller compares with [`Form::paths`].
    pub fn fill<'a>(
        &self,
        schema: &Schema,
        params: &[Field],
        values: &[Option<Input<'_>>],
        arena: &'a Arena,
    ) -> Result<Params<'a>, Refusal> {
        assert_eq!(values.len(), self.paths, "a value for each path");
        let reader = Reader::new(schema, arena, true);
        let filling = Filling { reader, values };
        let limits = Boundary::default();
        let words = arena.slots(params.len());
        for ((word, param), part) in words.iter_mut().zip(params).zip(&self.params) {
            let named = Place::ROOT.then(Step::Field(&param.name));
            // The only parameter is the input itself and has no name outside.
            let place = match params.len() {
                1 => Place::ROOT,
                _ => named,
            };
            *word = filling
                .param(part, param, &place, &limits)
                .map_err(|Refused| filling.reader.refusal(String::new))?;
        }
        let ignored = filling.reader.ignored();
        Ok(Params { words, ignored })
    }

    fn add(
        &mut self,
        schema: &Schema,
        params: &[Field],
        path: &str,
        number: usize,
    ) -> Result<(), String> {
        let mut names: Vec<&str> = match path {
            "" => Vec::new(),
            path => path.split('.').collect(),
        };
        if names.len() > NAMES_MAX {
            return Err(format!(
                "a path has {} names; the limit is {NAMES_MAX}",
                names.len()
            ));
        }
        let param = match params {
            [_] => 0,
            several => {
                let first = if names.is_empty() {
                    ""
                } else {
                    names.remove(0)
                };
                position(several, first).ok_or_else(|| {
                    format!(
                        "there is no parameter `{first}`; there are {}",
                        list(several)
                    )
                })?
            }
        };
        let clash = || format!("`{path}` is given twice, or in part and as a whole");
        let mut ty = params[param].ty;
        let mut at = &mut self.params[param];
        for name in names {
            let record = match schema.get(ty) {
                Type::Opt(of) => schema.get(*of),
                ty => ty,
            };
            let &Type::Record(index) = record else {
                return Err(format!(
                    "`{path}` goes through what is no record: there is no `{name}` in it"
                ));
            };
            let record = &schema.records[index as usize];
            let Some(field) = position(&record.fields, name) else {
                let (of, has) = (&record.name, list(&record.fields));
                return Err(format!("{of} has no field `{name}`; it has {has}"));
            };
            ty = record.fields[field].ty;
            if let Part::Absent = at {
                *at = Part::Fields(Vec::new());
            }
            let Part::Fields(fields) = at else {
                return Err(clash());
            };
            let known = fields.iter().position(|(known, _)| *known == field);
            let known = known.unwrap_or_else(|| {
                fields.push((field, Part::Absent));
                fields.len() - 1
            });
            at = &mut fields[known].1;
        }
        let Part::Absent = at else {
            return Err(clash());
        };
        *at = Part::Whole(number);
        Ok(())
    }
}

impl<'s, 'a> Filling<'_, 's, 'a> {
    /// A parameter, which is there whatever is given of it.
    fn param(
        &self,
        part: &Part,
        param: &Field,
        place: &Place<'_>,
        limits: &'s Boundary,
    ) -> Result<Word<'a>, Refused> {
        if let Some(word) = self.part(part, param, place, limits)? {
            return Ok(word);
        }
        match self.reader.schema().get(param.ty) {
            // Of a record that is not mentioned every field may have a default.
            Type::Record(index) => self.record(*index, &[], place, limits).map(Word::Seq),
            _ => self.absent(param, place),
        }
    }

    /// What is given of a field; `None` when that is nothing.
    fn part(
        &self,
        part: &Part,
        field: &Field,
        place: &Place<'_>,
        limits: &'s Boundary,
    ) -> Result<Option<Word<'a>>, Refused> {
        match part {
            Part::Absent => Ok(None),
            Part::Whole(number) => match self.values[*number] {
                None => Ok(None),
                Some(Input::None) => match self.reader.absent(field, true) {
                    Some(word) => Ok(Some(word)),
                    None => self.missing(place),
                },
                Some(input) => self
                    .reader
                    .value(field.ty, place, limits, Source(input))
                    .map(Some),
            },
            Part::Fields(parts) => {
                if !parts.iter().any(|(_, part)| self.given(part)) {
                    return Ok(None);
                }
                let schema = self.reader.schema();
                let ty = match schema.get(field.ty) {
                    Type::Opt(of) => schema.get(*of),
                    ty => ty,
                };
                match ty {
                    Type::Record(index) => {
                        let words = self.record(*index, parts, place, limits)?;
                        Ok(Some(Word::Seq(words)))
                    }
                    // Paths go through records only.
                    _ => Ok(None),
                }
            }
        }
    }

    fn record(
        &self,
        index: u32,
        parts: &[(usize, Part)],
        place: &Place<'_>,
        limits: &'s Boundary,
    ) -> Result<&'a [Word<'a>], Refused> {
        let record = &self.reader.schema().records[index as usize];
        let limits = boundary_of(record, limits);
        let arena = self.reader.arena();
        let (words, seen) = (
            arena.slots(record.fields.len()),
            arena.zeroed(record.fields.len()),
        );
        for (index, part) in parts {
            let field = &record.fields[*index];
            let place = place.then(Step::Field(&field.name));
            if let Some(word) = self.part(part, field, &place, limits)? {
                (words[*index], seen[*index]) = (word, 1);
            }
        }
        for ((word, seen), field) in words.iter_mut().zip(seen).zip(&record.fields) {
            if *seen == 0 {
                *word = self.absent(field, &place.then(Step::Field(&field.name)))?;
            }
        }
        Ok(words)
    }

    fn absent(&self, field: &Field, place: &Place<'_>) -> Result<Word<'a>, Refused> {
        match self.reader.absent(field, false) {
            Some(word) => Ok(word),
            None => self.missing(place),
        }
    }

    fn missing<T>(&self, place: &Place<'_>) -> Result<T, Refused> {
        let reason = "it is required and missing".into();
        self.reader.refuse(place, String::new(), reason);
        Err(Refused)
    }

    fn given(&self, part: &Part) -> bool {
        match part {
            Part::Absent => false,
            Part::Whole(number) => self.values[*number].is_some(),
            Part::Fields(parts) => parts.iter().any(|(_, part)| self.given(part)),
        }
    }
}

fn position(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|f| &*f.name == name)
}

fn list(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|f| &*f.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::value::Value;

    /// `record Peer { ip: Ip, port: Int = 80 }`, `record Call { host: Host, peer: Peer, token: Token?, headers: Map }`.
    fn schema() -> (Schema, Vec<Field>) {
        let mut schema = Schema::default();
        let field = |name: &str, ty, default| Field {
            name: name.into(),
            ty,
            default,
        };
        let ip = schema.add(Type::Ip);
        let port = schema.add(Type::Int { lo: 0, hi: 65_535 });
        let host = schema.add(Type::Host);
        let name = schema.add(Type::HeaderName);
        let values = schema.add(Type::Values {
            max: 4,
            max_bytes: 64,
        });
        let headers = schema.add(Type::Map {
            key: name,
            value: values,
            max: 4,
        });
        let (peer, token, call) = (Type::Record(0), Type::Record(1), Type::Record(2));
        let peer = schema.add(peer);
        let token = schema.add(token);
        let token = schema.add(Type::Opt(token));
        let call = schema.add(call);
        let record = |name: &str, fields| crate::schema::Record {
            name: name.into(),
            fields,
            boundary: Boundary::default(),
        };
        schema.records = vec![
            record(
                "Peer",
                vec![
                    field("ip", ip, None),
                    field("port", port, Some(Value::Int(80))),
                ],
            ),
            record("Token", vec![field("level", port, None)]),
            record(
                "Call",
                vec![
                    field("host", host, None),
                    field("peer", peer, None),
                    field("token", token, None),
                    field("headers", headers, None),
                ],
            ),
        ];
        let params = vec![field("call", call, None), field("limit", port, None)];
        (schema, params)
    }

    const PATHS: [&str; 5] = [
        "limit",
        "call.peer.ip",
        "call.headers",
        "call.host",
        "call.token.level",
    ];

    fn words(values: &[Option<Input<'_>>]) -> Result<String, String> {
        let (schema, params) = schema();
        let form = Form::new(&schema, &params, &PATHS).unwrap();
        let arena = Arena::new();
        let filled = form
            .fill(&schema, &params, values, &arena)
            .map_err(|e| e.to_string())?;
        let mut out = String::new();
        json::encode_fields(&schema, &params, filled.words, &mut out);
        Ok(out)
    }

    #[test]
    fn a_form_says_what_json_says() {
        let (schema, params) = schema();
        let role = [Input::Str("sre")];
        let headers = [("X-Role", Input::List(&role))];
        let ip = Some(Input::from(std::net::Ipv4Addr::new(10, 0, 0, 1)));
        let headers = Some(Input::Map(&headers));
        let filled = words(&[Some(7.into()), ip, headers, Some("A.example".into()), None]);
        let text = br#"{"limit": 7, "call": {"host": "A.example", "peer": {"ip": "10.0.0.1"}, "headers": {"X-Role": ["sre"]}}}"#;
        let arena = Arena::new();
        let decoded = json::decode_params(&schema, &params, text, &arena).unwrap();
        let mut expected = String::new();
        json::encode_fields(&schema, &params, decoded.words, &mut expected);
        assert_eq!(filled.as_ref(), Ok(&expected));
        assert_eq!(
            expected,
            r#"{"call":{"host":"a.example","peer":{"ip":"10.0.0.1","port":80},"headers":{"x-role":["sre"]}},"limit":7}"#
        );
        let token = words(&[
            Some(7.into()),
            ip,
            headers,
            Some("a".into()),
            Some(3.into()),
        ]);
        assert!(token.unwrap().contains(r#""token":{"level":3}"#));
    }

    #[test]
    fn keys_that_no_field_has_are_counted() {
        let (schema, params) = schema();
        let form = Form::new(&schema, &params, &["call", "limit"]).unwrap();
        let peer = [("ip", Input::Str("::1")), ("mac", Input::Str("x"))];
        let call = [
            ("host", Input::Str("a")),
            ("peer", Input::Map(&peer)),
            ("headers", Input::Map(&[])),
        ];
        let values = [Some(Input::Map(&call)), Some(Input::Int(1))];
        let arena = Arena::new();
        let filled = form.fill(&schema, &params, &values, &arena).unwrap();
        assert_eq!(filled.ignored, 1);
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_path() {
        let host = Some(Input::Str("a"));
        let ip = Some(Input::Str("::1"));
        let headers = Some(Input::Map(&[]));
        let refused = |values: [Option<Input<'_>>; 5], expect: &str| {
            assert_eq!(words(&values).unwrap_err(), expect)
        };
        let limit = Some(Input::Int(1));
        refused(
            [None, ip, headers, host, None],
            "limit: it is required and missing",
        );
        refused(
            [limit, None, headers, host, None],
            "call.peer: it is required and missing",
        );
        refused(
            [limit, ip, None, host, None],
            "call.headers: it is required and missing",
        );
        refused(
            [limit, Some(Input::None), headers, host, None],
            "call.peer.ip: it is required and missing",
        );
        refused(
            [limit, ip, headers, host, Some(Input::Int(-1))],
            "call.token.level = -1: it must lie in 0 .. 65535",
        );
    }

    #[test]
    fn paths_are_found_or_refused_when_the_form_is_made() {
        let (schema, params) = schema();
        let refused = |paths: &[&str], expect: &str| {
            assert_eq!(Form::new(&schema, &params, paths).unwrap_err(), expect)
        };
        refused(
            &["limits"],
            "there is no parameter `limits`; there are call, limit",
        );
        refused(&[""], "there is no parameter ``; there are call, limit");
        refused(
            &["call.peer.ipp"],
            "Peer has no field `ipp`; it has ip, port",
        );
        refused(
            &["call.host.x"],
            "`call.host.x` goes through what is no record: there is no `x` in it",
        );
        let twice = |path| format!("`{path}` is given twice, or in part and as a whole");
        refused(&["limit", "limit"], &twice("limit"));
        refused(&["call.peer", "call.peer.ip"], &twice("call.peer.ip"));
        refused(&["call.peer.ip", "call.peer"], &twice("call.peer"));
        let long = "x.".repeat(NAMES_MAX);
        refused(&[&long], "a path has 33 names; the limit is 32");
        let many = vec!["limit"; PATHS_MAX + 1];
        refused(&many, "1025 paths are given; the limit is 1024");
    }
}
