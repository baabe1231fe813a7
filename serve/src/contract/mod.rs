//! What the rules are told and what they may answer: the contract between a rule file and the proxy, checked before a program decides.

mod request;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use http::header::HeaderMap;
use tollgate::state::Kind;
use tollgate::typed::Args;
use tollgate::{
    Answers, Attempt, Bound, Counts, Decision, Error, Explanation, Outcome, Outcomes, Pending,
    Program, Session, Which,
};

pub(crate) use self::request::Arrived;
use self::request::{Body, Request, Responded};
use crate::settings::Settings;
use tollgate_load::Load;

/// Counters of decisions, so that threads do not wait for each other.
const SHARDS: usize = 16;

/// What becomes of a request: the answer of the settings' `entry`. The rules may have fewer variants, and leave out fields
/// that are optional here; `std.http.Route` fits. Times of the rules may be less than none, which counts as none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Outcome)]
pub enum Answer<'d> {
    /// It goes to a cluster.
    #[outcome(name = "forward")]
    Forward {
        /// The cluster, by its name in the settings.
        service: &'d str,
        /// The time until its response has to begin, all tries together, in microseconds.
        timeout: Option<i64>,
        /// Tries that may follow the first.
        retries: Option<u32>,
        /// The path the upstream is asked for, instead of the request's own.
        path: Option<&'d str>,
        /// What hashing policies go by, instead of the client's address.
        key: Option<&'d str>,
    },
    /// It is asked for elsewhere.
    #[outcome(name = "redirect")]
    Redirect {
        /// Where.
        location: &'d str,
        /// 308 where the rules do not say.
        status: Option<u16>,
    },
    /// The proxy answers.
    #[outcome(name = "respond")]
    Respond {
        /// The status.
        status: u16,
        /// A text.
        body: Option<&'d str>,
        /// What `Retry-After` says, in microseconds, which become whole seconds, rounded up; nothing where there is no time to wait.
        retry_after: Option<i64>,
    },
}

/// How a field of a message is edited: an element of what `edits` and `response_edits` of the settings give.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Outcome)]
pub enum Edit<'d> {
    /// It has this value and no other.
    #[outcome(name = "set")]
    Set {
        /// The field.
        name: &'d str,
        /// Its value.
        value: &'d str,
    },
    /// It has this value besides what it had.
    #[outcome(name = "add")]
    Add {
        /// The field.
        name: &'d str,
        /// The value.
        value: &'d str,
    },
    /// It is taken out.
    #[outcome(name = "remove")]
    Remove {
        /// The field.
        name: &'d str,
    },
}

/// What a program decides about requests, bound to the proxy's types.
pub(crate) struct Rules {
    decide: Decide,
    /// Whether some rule can read the body.
    reads_body: bool,
    /// Whether slots may be held until a request has ended.
    holds: bool,
    /// Whether some of them are slots in a store that has to be waited for.
    holds_elsewhere: bool,
    answers: Outcomes<Answer<'static>>,
    edits: Option<Editing<Request<'static>>>,
    response_edits: Option<Editing<(Request<'static>, Responded<'static>)>>,
    counts: Vec<Mutex<Counts>>,
}

enum Decide {
    Alone(Bound<Request<'static>>),
    WithLoad(Bound<(Request<'static>, Load)>),
    WithBody(Bound<(Request<'static>, Body<'static>)>),
    WithBoth(Bound<(Request<'static>, Load, Body<'static>)>),
}

/// What an entry takes besides a request, by the number and names of its parameters.
#[derive(Clone, Copy)]
enum Takes {
    Nothing,
    Load,
    Body,
    Both,
}

struct Editing<A> {
    bound: Bound<A>,
    outcomes: Outcomes<Vec<Edit<'static>>>,
}

/// What came of asking the rules once.
pub(crate) enum Attempted<R> {
    /// They have decided.
    Decided(R),
    /// A store has to be waited for.
    Pending(Box<Pending>),
}

/// What all decisions about a request have in common.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) arrived: &'r Arrived,
    pub(crate) settings: &'r Settings,
    pub(crate) load: Load,
    /// What states have answered so far.
    pub(crate) answers: &'r Answers,
}

/// Why a program decides about a request as it does, with what states answered.
///
/// # Errors
/// When the request is refused, or as `Program::explain_answered`.
pub(crate) fn explain(
    program: &Program,
    asked: Asked<'_>,
    which: Which<'_>,
) -> Result<Explanation, Error> {
    let Asked { arrived, load, .. } = asked;
    let entry = &*asked.settings.entry;
    let request = arrived.facts(asked.settings);
    let body = Body(arrived.body.as_deref());
    let facts = match Takes::of(program, entry)? {
        Takes::Nothing => program.facts_of(entry, &request),
        Takes::Load => program.facts_of(entry, &(request, load)),
        Takes::Body => program.facts_of(entry, &(request, body)),
        Takes::Both => program.facts_of(entry, &(request, load, body)),
    };
    program.explain_answered(entry, &facts?, &arrived.call(), asked.answers, which)
}

impl Takes {
    fn of(program: &Program, entry: &str) -> Result<Takes, Error> {
        Ok(match program.parameters(entry)?[..] {
            [_, _, _] => Takes::Both,
            [_, "body"] => Takes::Body,
            [_, _] => Takes::Load,
            _ => Takes::Nothing,
        })
    }
}

impl Rules {
    /// Binds a program.
    ///
    /// # Errors
    /// When an entry is missing, takes something else, or can give what the proxy has no place for; the error names it.
    pub(crate) fn bind(program: &Program, settings: &Settings) -> Result<Rules, Error> {
        let entry = &*settings.entry;
        let decide = match Takes::of(program, entry)? {
            Takes::Both => Decide::WithBoth(program.bind(entry)?),
            Takes::Body => Decide::WithBody(program.bind(entry)?),
            Takes::Load => Decide::WithLoad(program.bind(entry)?),
            Takes::Nothing => Decide::Alone(program.bind(entry)?),
        };
        let body = match decide {
            Decide::WithBody(_) => program.parameters(entry)?.get(1).copied(),
            Decide::WithBoth(_) => program.parameters(entry)?.get(2).copied(),
            Decide::Alone(_) | Decide::WithLoad(_) => None,
        };
        let read = program.fields(entry)?;
        let states = program.declarations();
        let holds = |kind: &Kind| matches!(kind, Kind::Concurrency { .. } | Kind::Reserve { .. });
        let edits = settings.edits.as_deref();
        let response_edits = settings.response_edits.as_deref();
        Ok(Rules {
            reads_body: body.is_some_and(|body| read.iter().any(|read| read.parameter == body)),
            holds: states.iter().any(|state| holds(&state.kind)),
            holds_elsewhere: states
                .iter()
                .any(|state| holds(&state.kind) && state.store != "local"),
            decide,
            answers: program.outcomes(entry)?,
            edits: edits
                .map(|entry| Editing::new(program, entry))
                .transpose()?,
            response_edits: response_edits
                .map(|entry| Editing::new(program, entry))
                .transpose()?,
            counts: (0..SHARDS).map(|_| Mutex::new(program.counts())).collect(),
        })
    }

    /// Decides about a request: `then` is given the answer and the decision.
    ///
    /// # Errors
    /// When the request is refused at the boundary.
    pub(crate) fn decide<R>(
        &self,
        session: &mut Session<'_>,
        asked: Asked<'_>,
        then: impl FnOnce(Answer<'_>, &Decision<'_>) -> R,
    ) -> Result<Attempted<R>, Error> {
        let Asked { arrived, load, .. } = asked;
        let request = arrived.facts(asked.settings);
        let body = Body(arrived.body.as_deref());
        let all = (request, load, body);
        let (call, answers) = (arrived.call(), asked.answers);
        let (alone, with_load, with_body);
        let attempt = match &self.decide {
            Decide::Alone(bound) => {
                alone = all.0;
                session.attempt_bound(bound, &alone, &call, answers)
            }
            Decide::WithLoad(bound) => {
                with_load = (all.0, all.1);
                session.attempt_bound(bound, &with_load, &call, answers)
            }
            Decide::WithBody(bound) => {
                with_body = (all.0, all.2);
                session.attempt_bound(bound, &with_body, &call, answers)
            }
            Decide::WithBoth(bound) => session.attempt_bound(bound, &all, &call, answers),
        };
        self.decided(attempt?, |decision| {
            Ok(then(self.answers.of(decision)?, decision))
        })
    }

    /// Whether the body has to be there before the rules are asked.
    pub(crate) fn reads_body(&self) -> bool {
        self.reads_body
    }

    /// Whether decisions may hold slots.
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// Whether a store has to be waited for to give slots back.
    pub(crate) fn holds_elsewhere(&self) -> bool {
        self.holds_elsewhere
    }

    /// How the request is edited, if such an entry is named.
    ///
    /// # Errors
    /// As [`Rules::decide`].
    pub(crate) fn edits<R>(
        &self,
        session: &mut Session<'_>,
        asked: Asked<'_>,
        then: impl FnOnce(Vec<Edit<'_>>, &Decision<'_>) -> R,
    ) -> Result<Attempted<Option<R>>, Error> {
        let Some(edits) = &self.edits else {
            return Ok(Attempted::Decided(None));
        };
        let facts = asked.arrived.facts(asked.settings);
        let call = asked.arrived.call();
        let attempt = session.attempt_bound(&edits.bound, &facts, &call, asked.answers)?;
        self.decided(attempt, |decision| {
            Ok(Some(then(edits.outcomes.of(decision)?, decision)))
        })
    }

    /// Whether responses are edited, so that the request has to be remembered.
    pub(crate) fn edits_responses(&self) -> bool {
        self.response_edits.is_some()
    }

    /// How the response is edited, if such an entry is named.
    ///
    /// # Errors
    /// As [`Rules::decide`].
    pub(crate) fn response_edits<R>(
        &self,
        session: &mut Session<'_>,
        asked: Asked<'_>,
        (status, headers): (u16, &HeaderMap),
        then: impl FnOnce(Vec<Edit<'_>>, &Decision<'_>) -> R,
    ) -> Result<Attempted<Option<R>>, Error> {
        let Some(edits) = &self.response_edits else {
            return Ok(Attempted::Decided(None));
        };
        let request = asked.arrived.facts(asked.settings);
        let facts = (request, Responded::new(status, headers));
        let call = asked.arrived.call();
        let attempt = session.attempt_bound(&edits.bound, &facts, &call, asked.answers)?;
        self.decided(attempt, |decision| {
            Ok(Some(then(edits.outcomes.of(decision)?, decision)))
        })
    }

    fn decided<R>(
        &self,
        attempt: Attempt<'_>,
        then: impl FnOnce(&Decision<'_>) -> Result<R, Error>,
    ) -> Result<Attempted<R>, Error> {
        match attempt {
            Attempt::Decided(decision) => {
                self.count(&decision);
                then(&decision).map(Attempted::Decided)
            }
            Attempt::Pending(pending) => Ok(Attempted::Pending(pending)),
        }
    }

    fn count(&self, decision: &Decision<'_>) {
        let counts = self.counts[shard()].lock();
        counts
            .unwrap_or_else(PoisonError::into_inner)
            .count(decision);
    }

    /// How often each rule decided, since this program decides.
    pub(crate) fn counts(&self) -> Option<Counts> {
        let each = self.counts.iter();
        let mut each = each.map(|counts| counts.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all = each.next()?.clone();
        for counts in each {
            all.add(&counts);
        }
        Some(all)
    }
}

impl<A: Args> Editing<A> {
    fn new(program: &Program, entry: &str) -> Result<Editing<A>, Error> {
        Ok(Editing {
            bound: program.bind(entry)?,
            outcomes: program.outcomes(entry)?,
        })
    }
}

/// The counters of this thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let shard = SHARD
        .get()
        .unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    SHARD.set(Some(shard));
    shard
}

#[cfg(test)]
mod tests {
    use tollgate::Engine;

    use super::*;

    fn settings() -> Settings {
        let text = "rules = \"x\"\nentry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\nedits = \"edits\"";
        Settings::parse(text).unwrap()
    }

    fn bound(rules: &str) -> Result<Rules, String> {
        let program = Engine::new()
            .compile_source("x.rules", rules)
            .map_err(|e| e.to_string())?;
        Rules::bind(&program, &settings()).map_err(|e| e.to_string())
    }

    const EDITS: &str = "
        use std.http.{Request, Route}
        enum Edit { set(name: HeaderName, value: String) }
        ruleset edits(req: Request) -> [Edit] hit all { rule mark when req.path matches p\"/**\" then set(\"x-a\", \"1\") }
    ";

    #[test]
    fn the_routes_of_the_library_fit() {
        let rules =
            "ruleset edge(req: Request) -> Route hit first { otherwise forward(service: \"a\") }";
        assert!(bound(&format!("{EDITS}{rules}")).is_ok());
    }

    /// The proxy verifies no tokens, so there is none, and a guard's `?? deny` denies.
    #[test]
    fn what_the_proxy_does_not_know_is_absent() {
        let rules = "ruleset edge(req: Request) -> Route hit first {
            rule who when req.token is none then respond(401)
            otherwise respond(204)
        }";
        assert!(bound(&format!("{EDITS}{rules}")).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |rules: &str| bound(&format!("{EDITS}{rules}")).err().unwrap_or_default();
        let has = |rules: &str, part: &str| {
            let error = error(rules);
            assert!(error.contains(part), "{error}");
        };
        has("", "no entry `edge`");
        has(
            "ruleset edge(req: Request) -> Int hit first { otherwise 1 }",
            "`edge` cannot give this: the rules give",
        );
        has(
            "enum R { drop } ruleset edge(req: Request) -> R hit first { otherwise drop }",
            "the rules can give `drop`, and `Answer` has no such variant",
        );
        has(
            "enum R { forward(service: String, colour: Int) }
             ruleset edge(req: Request) -> R hit first { otherwise forward(\"a\", 1) }",
            "`forward.colour`: the rules give it, and `forward` has no such field",
        );
        has(
            "enum R { forward(timeout: Duration in 0s .. 5s) }
             ruleset edge(req: Request) -> R hit first { otherwise forward(1s) }",
            "`forward.service`: `forward` of the rules has no such field",
        );
        has(
            "record Load { cpu: Percent }
             ruleset edge(req: Request, load: Load) -> Route hit first {
               rule hot when load.cpu > 80% then respond(503)
               otherwise respond(204)
             }",
            "`cpu`",
        );
    }
}
