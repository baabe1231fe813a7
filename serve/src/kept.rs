//! The requests that came last, kept with what was decided about them, so that the decision can be explained.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tollgate::{Answers, Decision, Explanation, Program, Which};
use tollgate_load::Load;

use crate::contract::{Arrived, Asked, explain};
use crate::settings::Settings;

/// Bytes of a decision's value that are kept, to compare with what is explained.
const VALUE: usize = 4096;

/// The requests that came last, at most `keep` of the settings: those that the program decided that decides now, or the one before it, so
/// that no more than two programs are held.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Requests>);

#[derive(Default)]
struct Requests {
    last: VecDeque<Arc<Decided>>,
    /// The number of the newest program that decided about one.
    newest: u64,
}

/// A request, and the decision about it.
pub(crate) struct Decided {
    arrived: Arrived,
    load: Load,
    /// The body's bytes, where they are too many to be kept.
    left_out: Option<usize>,
    program: Program,
    version: u64,
    answers: Answers,
    by: String,
    /// As JSON, its beginning.
    value: String,
}

/// Why a decision is not explained: a status and a sentence.
pub(crate) type Unexplained = (u16, String);

impl Kept {
    /// Keeps a request, if the settings say so.
    pub(crate) fn keep(&self, settings: &Settings, decided: impl FnOnce() -> Decided) {
        if settings.keep == 0 {
            return;
        }
        let decided = Arc::new(decided());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Requests { last, newest } = &mut *kept;
        if decided.version > *newest {
            *newest = decided.version;
            last.retain(|of| of.version + 1 >= decided.version);
        }
        if decided.version + 1 < *newest {
            return;
        }
        if last.len() >= settings.keep {
            last.pop_front();
        }
        last.push_back(decided);
    }

    /// The request of an id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Decided>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last
            .iter()
            .rev()
            .find(|of| of.arrived.id == id)
            .cloned()
    }
}

impl Decided {
    /// What was decided about a request, by a program and its number. Copies all that is kept, so that it holds no buffer of a connection.
    pub(crate) fn new(
        asked: Asked<'_>,
        (program, version): (&Program, u64),
        decision: &Decision<'_>,
    ) -> Decided {
        let Asked { arrived, load, .. } = asked;
        let (body, left_out) = match &arrived.body {
            Some(body) if body.len() > asked.settings.limits.kept_body_bytes => {
                (None, Some(body.len()))
            }
            body => (body.as_deref().map(Bytes::copy_from_slice), None),
        };
        let mut by = String::new();
        decision.write_by(&mut by);
        Decided {
            arrived: arrived.copy(body),
            load,
            left_out,
            program: program.clone(),
            version,
            answers: decision.answers(),
            by,
            value: beginning(decision.value_json()),
        }
    }

    /// Why it was decided so: by the program that decided, on what it was told, with what states answered then. No state is asked.
    ///
    /// # Errors
    /// When its body was not kept, the program has no such rule, or what is explained is not what was decided.
    pub(crate) fn explain(
        &self,
        settings: &Settings,
        which: Which<'_>,
    ) -> Result<Explanation, Unexplained> {
        if let Some(bytes) = self.left_out {
            let most = settings.limits.kept_body_bytes;
            return Err((
                404,
                format!(
                    "the rules read its body, of {bytes} bytes, and bodies of more than {most} are not kept (`limits.kept_body_bytes`)"
                ),
            ));
        }
        let asked = Asked {
            arrived: &self.arrived,
            settings,
            load: self.load,
            answers: &self.answers,
        };
        let why = explain(&self.program, asked, which).map_err(|e| (400, e.to_string()))?;
        let (by, value) = (why.by.join(","), beginning(why.value.clone()));
        if by != self.by || value != self.value {
            return Err((
                500,
                format!(
                    "a bug: `{}` decided {}, and explained is that `{by}` decides {value}",
                    self.by, self.value
                ),
            ));
        }
        Ok(why)
    }
}

fn beginning(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(VALUE));
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tollgate::{Call, Engine};
    use tollgate_load::Meter;

    use super::*;
    use crate::accept::Peer;

    const RULES: &str = "
        use std.http.{Request, Route}
        ruleset edge(req: Request) -> Route hit first {
          rule no when req.path matches p\"/no\" then respond(403)
          otherwise respond(204)
        }";

    fn settings(more: &str) -> Settings {
        let text = "rules = \"x\"\nentry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\n";
        Settings::parse(&format!("{text}{more}")).unwrap()
    }

    fn arrived(id: &str, path: &str) -> Arrived {
        let (parts, ()) = Request::get(path).body(()).unwrap().into_parts();
        let peer = Peer {
            address: ([127, 0, 0, 1], 80).into(),
            tls: false,
        };
        Arrived::new(id.into(), peer, "a.example".into(), parts, 0).unwrap()
    }

    /// A request for one path, kept with the decision about another.
    fn decided(id: &str, (path, other): (&str, &str), version: u64) -> Decided {
        let program = Engine::new().compile_source("x.rules", RULES).unwrap();
        let mut session = program.session();
        let facts = format!(
            r#"{{"method": "GET", "host": "a.example", "path": "{other}", "client": {{"ip": "127.0.0.1"}}}}"#
        );
        let call = Call { id, time: 0 };
        let decision = session.decide_json("edge", facts.as_bytes(), &call);
        let asked = Asked {
            arrived: &arrived(id, path),
            settings: &settings(""),
            load: Meter::new(1).load(),
            answers: &Answers::default(),
        };
        Decided::new(asked, (&program, version), &decision.unwrap())
    }

    #[test]
    fn what_is_explained_is_what_was_decided() {
        let of = settings("");
        let same = decided("1", ("/no", "/no"), 1);
        assert_eq!(same.explain(&of, Which::Deciding).unwrap().by, ["no"]);
        let other = decided("2", ("/no", "/yes"), 1);
        let (status, why) = other.explain(&of, Which::Deciding).unwrap_err();
        assert_eq!(status, 500);
        let said = r#"a bug: `otherwise` decided {"respond":{"status":204,"body":"","retry_after":"0s"}}, and explained is that `no` decides"#;
        assert!(why.starts_with(said), "{why}");
    }

    #[test]
    fn no_more_than_two_programs_are_held() {
        let (kept, of) = (Kept::default(), settings("keep = 3"));
        let there = |id: &str| kept.find(id).is_some();
        let keep = |id: &str, version| kept.keep(&of, || decided(id, ("/", "/"), version));
        keep("a", 1);
        keep("b", 2);
        assert!(there("a") && there("b"));
        keep("c", 3);
        assert!(!there("a") && there("b") && there("c"));
        // One that took long, by a program that is gone.
        keep("d", 1);
        assert!(!there("d"));
        keep("e", 3);
        keep("f", 2);
        assert!(!there("b") && there("c") && there("e") && there("f"));
        Kept::default().keep(&settings(""), || unreachable!("nothing is kept"));
    }
}
