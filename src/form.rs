//! Forms: which facts a host gives, found by their paths once.

use tollgate_runtime::Arena;
use tollgate_runtime::facts::{self, Input};
use tollgate_runtime::http::{self, RawRequest};
use tollgate_runtime::schema::Type;

use crate::entry::{AsEntry, Entry, EntryInfo};
use crate::error::Error;
use crate::program::Program;
use crate::session::Args;

/// Which facts a host gives for decisions of an entry: found by their paths once, so that deciding searches no names.
/// See [`Program::form`] and [`Program::request_form`].
///
/// Good for the program it came from and its clones.
#[derive(Debug)]
pub struct Form {
    pub(crate) entry: Entry,
    fields: facts::Form,
    /// Which of [`http::FIELDS`] the entry's request has; their values come first. Empty for a form without request.
    request: Vec<usize>,
}

impl Program {
    /// A form for facts that a host gives value by value: [`Session::decide_form`](crate::Session::decide_form) takes a value for each
    /// path.
    ///
    /// A path goes through records: `client.ip`. With one parameter it begins in that, and the empty path is the parameter itself; with
    /// several it begins with the parameter's name.
    ///
    /// # Errors
    /// When there is no such entry or field, or a path is given twice, also in part.
    ///
    /// ```
    /// use tollgate::{Call, Engine, Input};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     record Load { cpu: Percent, queue: Int in 0 .. 1_000 = 0 }
    ///     ruleset busy(load: Load, limit: Percent) -> Bool hit first {
    ///       rule hot when load.cpu > limit then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let form = program.form("busy", &["load.cpu", "limit"])?;
    /// let mut session = program.session();
    /// let facts = [Some(Input::Str("85%")), Some(Input::Str("80%"))];
    /// let decision = session.decide_form(&form, &facts, &Call { id: "1", time: 0 })?;
    /// assert_eq!(decision.to_json(), r#"{"value":true,"by":"hot"}"#);
    /// assert!(program.form("busy", &["load.cpus"]).is_err());
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn form(&self, entry: impl AsEntry, paths: &[&str]) -> Result<Form, Error> {
        self.make_form(self.handle(entry.find(self)?), Vec::new(), paths)
    }

    /// As [`Program::form`], for an entry whose first parameter is a `std.http.Request` or another record with some of its fields: these
    /// come from the [`RawRequest`] that [`Session::decide_request`](crate::Session::decide_request) takes, and `paths` are what the host
    /// gives beside (`api_key`, or fields of other parameters).
    ///
    /// # Errors
    /// As [`Program::form`], and when the first parameter is no record with a field of a request.
    ///
    /// ```
    /// use tollgate::{Engine, Input, RawRequest};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     use std.http.{Request}
    ///     ruleset service(req: Request) -> String hit first {
    ///       rule pay on POST p"/pay/**" when req.api_key.present then "payments"
    ///       otherwise "shop"
    ///     }
    /// "#)?;
    /// let form = program.request_form("service", &["api_key"])?;
    /// let request = RawRequest {
    ///     id: "r1",
    ///     time: 0,
    ///     method: "POST",
    ///     target: "/pay/7?now=1",
    ///     authority: None,
    ///     headers: &[("Host", "shop.example")],
    ///     peer: ([192, 0, 2, 7], 4711).into(),
    ///     tls: true,
    ///     trusted_proxies: 0,
    /// };
    /// let mut session = program.session();
    /// let decision = session.decide_request(&form, &request, &[Some(Input::Str("k1"))])?;
    /// assert_eq!(decision.value().as_str(), Some("payments"));
    /// let decision = session.decide_request(&form, &request, &[None])?;
    /// assert_eq!(decision.value().as_str(), Some("shop"));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn request_form(&self, entry: impl AsEntry, paths: &[&str]) -> Result<Form, Error> {
        let entry = self.handle(entry.find(self)?);
        let info = self.info(entry)?;
        let schema = &self.module().schema;
        let fields = match info.params.first().map(|p| schema.get(p.ty)) {
            Some(Type::Record(index)) => &schema.records[*index as usize].fields[..],
            _ => &[],
        };
        let has = |name: &str| fields.iter().any(|f| &*f.name == name);
        let request: Vec<usize> = (0..http::FIELDS.len())
            .filter(|i| has(http::FIELDS[*i]))
            .collect();
        if request.is_empty() {
            return Err(Error::other(format!(
                "`{}` takes no request: its first parameter is no record with a field of std.http.Request",
                info.name
            )));
        }
        let prefix = match &info.params[..] {
            [first, _, ..] => format!("{}.", first.name),
            _ => String::new(),
        };
        let of_request = |i: &usize| format!("{prefix}{}", http::FIELDS[*i]);
        let of_request: Vec<String> = request.iter().map(of_request).collect();
        let mut all: Vec<&str> = of_request.iter().map(String::as_str).collect();
        all.extend(paths);
        self.make_form(entry, request, &all)
    }

    fn make_form(&self, entry: Entry, request: Vec<usize>, paths: &[&str]) -> Result<Form, Error> {
        let info = self.info(entry)?;
        let fields = facts::Form::new(&self.module().schema, &info.params, paths);
        let fields = fields.map_err(|e| Error::other(format!("`{}`: {e}", info.name)))?;
        Ok(Form {
            entry,
            fields,
            request,
        })
    }
}

impl Form {
    /// How many values it takes beside a request: as many as paths were given.
    pub fn len(&self) -> usize {
        self.fields.paths() - self.request.len()
    }

    /// Whether it takes no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it takes a request.
    pub fn takes_request(&self) -> bool {
        !self.request.is_empty()
    }

    /// The entry that it is for.
    pub fn entry(&self) -> Entry {
        self.entry
    }

    /// The arguments of a decision.
    pub(crate) fn args<'a>(
        &self,
        program: &Program,
        entry: &EntryInfo,
        request: Option<&RawRequest<'_>>,
        values: &[Option<Input<'_>>],
        arena: &'a Arena,
    ) -> Result<Args<'a>, Error> {
        if values.len() != self.len() {
            return Err(Error::other(format!(
                "the form takes {} values, and {} are given",
                self.len(),
                values.len()
            )));
        }
        match request {
            None if self.takes_request() => {
                Err(Error::other("the form takes a request, and is given none"))
            }
            None => self.fill(program, entry, values, arena),
            Some(_) if !self.takes_request() => {
                Err(Error::other("the form takes no request, and is given one"))
            }
            Some(request) => {
                let fields = http::fields(request, arena).map_err(Error::refused)?;
                let mut all = arena.vec::<Option<Input<'_>>>();
                all.extend(self.request.iter().map(|i| Some(fields[*i].1)));
                all.extend_from_slice(values);
                self.fill(program, entry, &all, arena)
            }
        }
    }

    fn fill<'a>(
        &self,
        program: &Program,
        entry: &EntryInfo,
        values: &[Option<Input<'_>>],
        arena: &'a Arena,
    ) -> Result<Args<'a>, Error> {
        let schema = &program.module().schema;
        let filled = self.fields.fill(schema, &entry.params, values, arena);
        let filled = filled.map_err(Error::refused)?;
        Ok((filled.words, filled.ignored))
    }
}

#[cfg(all(test, feature = "compiler"))]
mod tests {
    use super::*;
    use crate::{Call, Engine};

    const RULES: &str = r#"
        use std.http.{Request}
        record Load { cpu: Percent, queue: Int = 3 }
        ruleset admit(req: Request, load: Load) -> Int hit first {
          rule busy when load.cpu > 80% and req.path matches p"/a/**" then load.queue
          otherwise 0
        }
        ruleset busy(load: Load) -> Bool hit first { otherwise load.cpu > 80% }
    "#;
    const CALL: Call<'static> = Call { id: "1", time: 0 };

    #[test]
    fn a_request_and_values_decide_as_json_does() {
        let program = Engine::new().compile_source("x.rules", RULES).unwrap();
        let form = program.request_form("admit", &["load.cpu"]).unwrap();
        let headers = [("host", "a.example"), ("x-a", "1"), ("X-A", "2")];
        let request = RawRequest {
            id: "r1",
            time: 5,
            method: "GET",
            target: "/a/b?c=d",
            authority: None,
            headers: &headers,
            peer: ([10, 0, 0, 1], 80).into(),
            tls: true,
            trusted_proxies: 0,
        };
        let mut session = program.session();
        let cpu = [Some(Input::Str("90%"))];
        let decided = session
            .decide_request(&form, &request, &cpu)
            .unwrap()
            .to_json();
        assert_eq!(decided, r#"{"value":3,"by":"busy"}"#);
        let json = br#"{"req": {"id": "r1", "time": "1970-01-01T00:00:00.000005Z", "method": "GET", "host": "a.example", "path": "/a/b",
            "query": {"c": ["d"]}, "headers": {"host": ["a.example"], "x-a": ["1", "2"]}, "client": {"ip": "10.0.0.1", "port": 80, "tls": true}},
            "load": {"cpu": "90%"}}"#;
        let facts = session.decide_json("admit", json, &CALL).unwrap();
        assert_eq!(facts.to_json(), decided);
    }

    #[test]
    fn what_does_not_fit_a_form_is_refused() {
        let program = Engine::new().compile_source("x.rules", RULES).unwrap();
        let refused = |made: Result<Form, Error>, expect: &str| {
            assert_eq!(made.unwrap_err().to_string(), expect)
        };
        refused(
            program.form("busy", &["cpus"]),
            "`busy`: Load has no field `cpus`; it has cpu, queue",
        );
        refused(
            program.request_form("busy", &[]),
            "`busy` takes no request: its first parameter is no record with a field of std.http.Request",
        );
        refused(
            program.request_form("admit", &["req.client.ip"]),
            "`admit`: `req.client.ip` is given twice, or in part and as a whole",
        );
        assert!(program.form("bussy", &[]).is_err());
        let form = program.form("busy", &["cpu"]).unwrap();
        let mut session = program.session();
        let mut fails = |form: &Form, values: &[Option<Input<'_>>], expect: &str| {
            let refused = session.decide_form(form, values, &CALL).unwrap_err();
            assert_eq!(refused.to_string(), expect)
        };
        fails(&form, &[], "the form takes 1 values, and 0 are given");
        fails(&form, &[None], "cpu: it is required and missing");
        let requests = program.request_form("admit", &[]).unwrap();
        fails(
            &requests,
            &[],
            "the form takes a request, and is given none",
        );
        let other = Engine::new().compile_source("x.rules", RULES).unwrap();
        let foreign = other.form("busy", &["cpu"]).unwrap();
        let cpu = [Some(Input::Str("90%"))];
        fails(
            &foreign,
            &cpu,
            "the entry belongs to another program; ask this program instead",
        );
        let again = program
            .clone()
            .session()
            .decide_form(&form, &cpu, &CALL)
            .map(|d| d.to_json());
        assert_eq!(again.unwrap(), r#"{"value":true,"by":"otherwise"}"#);
    }
}
