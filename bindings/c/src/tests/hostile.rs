//! Hostile arguments: null, wrong sizes, texts that are not UTF-8, handles of another kind, kinds of value that there are not, values inside each
//! other without end; seeded, so that what fails can be repeated. Nothing may crash, and every failure must say something.

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

// By its path, for who mounts this file elsewhere finds it there.
#[path = "arguments.rs"]
mod arguments;

use self::arguments::{Arguments, Random};
use crate::border::Status;
use crate::decision::*;
use crate::entry::*;
use crate::error::*;
use crate::program::*;
use crate::session::*;
use crate::states::*;
use crate::value::*;

const RULES: &CStr = c"
    use std.http.{Request}
    record Load { cpu: Percent, tags: {String ..4} = {}, by: Map<String, Int ..4> = {} }
    enum Answer { go(service: String, wait: Duration, tags: {String ..4}), halt }
    ruleset admit(load: Load) -> Answer hit first {
      rule busy when load.cpu > 80% then halt
      otherwise go(\"a\", wait: 3s, tags: load.tags)
    }
    state calls: TokenBucket by Ip { rate: 1 per 1h, burst: 3, max_keys: 1, on_failure: allow }
    state desks: Concurrency { max: 1, lease: 1h, on_failure: deny }
    ruleset route(req: Request) -> Answer hit first {
      rule often when not calls[req.client.ip].take().granted then go(\"b\", wait: 1s, tags: {})
      rule free when desks.enter() then go(\"c\", wait: 1s, tags: {})
      otherwise halt
    }
";

/// Fails with what is not told.
unsafe fn told(status: Status, error: *mut Error) {
    // SAFETY: the error is what the call has written.
    unsafe {
        assert_eq!(status == Status::Ok, error.is_null(), "{status:?}");
        if !error.is_null() {
            assert_eq!(tollgate_error_status(error), status);
            let message = CStr::from_ptr(tollgate_error_message(error))
                .to_str()
                .unwrap();
            assert!(!message.is_empty());
            assert_ne!(status, Status::Bug, "{message}");
            let json = CStr::from_ptr(tollgate_error_json(error)).to_str().unwrap();
            assert!(json.starts_with('{'), "{json}");
            tollgate_error_free(error);
        }
    }
}

/// `TOLLGATE_SEED` begins elsewhere, `TOLLGATE_CALLS` makes it longer.
#[test]
fn no_argument_crashes() {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let (seed, calls) = (
        number("TOLLGATE_SEED").unwrap_or(1),
        number("TOLLGATE_CALLS").unwrap_or(20_000),
    );
    for backend in tollgate::backends() {
        let done = Subject::new(backend.name).hostile_calls(&[], seed, calls);
        // Every kind of end was reached, or the arguments are not what they should be.
        let bug = done
            .iter()
            .enumerate()
            .find(|(status, n)| (**n == 0) != (*status == Status::Bug as usize));
        assert_eq!(bug, None, "{done:?}");
    }
}

/// What calls are about. It is compiled once, which takes longer than thousands of calls.
pub(crate) struct Subject {
    program: *mut Program,
    admit: *mut Entry,
    route: *mut Entry,
    artifact: Vec<u8>,
}

impl Subject {
    pub(crate) fn new(backend: &str) -> Subject {
        let rules = RULES.to_str().unwrap();
        let compiled = tollgate::Engine::new().compile_source("x.rules", rules);
        let artifact = compiled.unwrap().artifact().unwrap();
        let backend = CString::new(backend).unwrap();
        let (mut program, mut error) = (null_mut(), null_mut());
        let (mut admit, mut route) = (null_mut(), null_mut());
        let paths = [c"cpu".as_ptr(), c"tags".as_ptr(), c"by".as_ptr()];
        // SAFETY: every pointer is valid for what its size says.
        unsafe {
            let source = tollgate_text_of(RULES.as_ptr());
            let status = tollgate_program_compile(
                c"x.rules".as_ptr(),
                source,
                backend.as_ptr(),
                &mut program,
                &mut error,
            );
            told(status, error);
            let status = tollgate_entry_new(
                program,
                c"admit".as_ptr(),
                paths.as_ptr(),
                3,
                &mut admit,
                &mut error,
            );
            told(status, error);
            let status = tollgate_entry_of_requests(
                program,
                c"route".as_ptr(),
                null(),
                0,
                &mut route,
                &mut error,
            );
            told(status, error);
        }
        Subject {
            program,
            admit,
            route,
            artifact,
        }
    }

    /// Calls with arguments as the choices say, `given` first, then those of the seed; how often each status came of it. A fuzz target calls it too.
    pub(crate) fn hostile_calls(&self, given: &[u8], seed: u64, calls: u64) -> [usize; 6] {
        let Subject {
            program,
            admit,
            route,
            ..
        } = *self;
        // SAFETY: every pointer is null, or valid for what its size says, or a handle that lives until the end.
        unsafe {
            let (mut session, mut error) = (null_mut(), null_mut());
            told(
                tollgate_session_new(program, &mut session, &mut error),
                error,
            );

            let mut given = Arguments {
                random: Random::new(given, seed),
                artifact: self.artifact.clone(),
                handles: vec![
                    null_mut(),
                    program.cast(),
                    admit.cast(),
                    route.cast(),
                    session.cast(),
                ],
                values: Vec::new(),
                kept: Vec::new(),
            };
            let mut done = [0; 6];
            for _ in 0..calls {
                // Values point to those before them, which point to those before; not too deep, for that doubles each time.
                let values: Vec<Value> = (0..3).map(|_| given.value()).collect();
                let last = std::mem::replace(&mut given.values, values.clone());
                given.kept.push(last);
                if given.random.below(4) == 0 {
                    let last = std::mem::take(&mut given.values);
                    given.kept.push(last);
                }
                let values = given.random.one_of(&[values.as_ptr(), null()]);
                let mut error = null_mut();
                let errors: *mut *mut Error =
                    given
                        .random
                        .one_of(&[&raw mut error, &raw mut error, null_mut()]);
                let mut decision = null();
                let decisions: *mut *const Decision =
                    given
                        .random
                        .one_of(&[&raw mut decision, &raw mut decision, null_mut()]);
                let call = CallInputs {
                    id: given.text(),
                    time: given.random.next() as i64,
                };
                let call = given.random.one_of(&[&raw const call, null()]);
                let session = given.handle(session);
                let right = given.random.one_of(&[admit, route]);
                let entry = given.handle(right);
                let status = match given.random.below(14) {
                    0 => {
                        let mut made = null_mut();
                        let status = tollgate_program_compile(
                            given.string(),
                            given.text(),
                            given.string(),
                            &mut made,
                            errors,
                        );
                        tollgate_program_release(made);
                        status
                    }
                    1 => {
                        let mut made = null_mut();
                        let of = given.handle(program);
                        let status = tollgate_program_with_data(
                            of,
                            given.string(),
                            given.text(),
                            &mut made,
                            errors,
                        );
                        tollgate_program_release(made);
                        status
                    }
                    2 => {
                        let mut made = null_mut();
                        let of = given.handle(program);
                        let paths = [given.string(), given.string()];
                        let paths = given.random.one_of(&[paths.as_ptr(), null()]);
                        let make = given.random.one_of(&[0, 1]);
                        let make = if make == 0 {
                            tollgate_entry_new
                        } else {
                            tollgate_entry_of_requests
                        };
                        let count = given.random.below(3);
                        let status = make(of, given.string(), paths, count, &mut made, errors);
                        tollgate_entry_free(made);
                        status
                    }
                    3 => {
                        let mut made = null_mut();
                        let status = tollgate_session_new(given.handle(program), &mut made, errors);
                        tollgate_session_free(made);
                        status
                    }
                    4 => {
                        tollgate_decide_json(session, entry, given.text(), call, decisions, errors)
                    }
                    5 => {
                        let header = Header {
                            name: given.text(),
                            value: given.text(),
                        };
                        let headers = given.random.one_of(&[&raw const header, null()]);
                        let request = Request {
                            id: given.text(),
                            time: given.random.next() as i64,
                            method: given.text(),
                            target: given.text(),
                            authority: given.text(),
                            headers,
                            header_count: given.random.below(2),
                            peer_ip: given.text(),
                            peer_port: 1,
                            trusted_proxies: given.random.below(3) as u16,
                            tls: -1,
                        };
                        let request =
                            given
                                .random
                                .one_of(&[&raw const request, &raw const request, null()]);
                        let count = given.random.below(4);
                        tollgate_decide_request(
                            session, entry, request, values, count, decisions, errors,
                        )
                    }
                    6..10 => of_programs(&mut given, program, errors),
                    _ => {
                        let count = given.random.below(4);
                        tollgate_decide(session, entry, values, count, call, decisions, errors)
                    }
                };
                done[status as usize] += 1;
                if !errors.is_null() {
                    told(status, error);
                }
                let decision = given.handle(decision.cast_mut()).cast_const();
                read(&mut given, decision);
            }
            tollgate_session_free(session);
            done
        }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // SAFETY: the handles are those that `new` made, and nobody has them any more.
        unsafe {
            tollgate_entry_free(self.admit);
            tollgate_entry_free(self.route);
            tollgate_program_release(self.program);
        }
    }
}

/// A call that makes a program of a program or an artifact, or asks one for its states.
unsafe fn of_programs(
    given: &mut Arguments,
    program: *mut Program,
    errors: *mut *mut Error,
) -> Status {
    let mut made = null_mut();
    let of = given.handle(program);
    // SAFETY: as in the test.
    let status = unsafe {
        match given.random.below(7) {
            0 => {
                let address = given.string();
                let addresses = [c"redis://127.0.0.1:1/".as_ptr(), address];
                let address = given.random.one_of(&addresses);
                tollgate_program_with_store(of, given.string(), address, &mut made, errors)
            }
            1 => tollgate_program_after(of, given.handle(program), &mut made, errors),
            2 => tollgate_program_load(given.artifact(), given.string(), &mut made, errors),
            3 => {
                let keys = [given.text(), given.text()];
                let keys = given.random.one_of(&[keys.as_ptr(), null()]);
                let count = given.random.below(3);
                let artifact = given.artifact();
                tollgate_program_load_signed(artifact, keys, count, null(), &mut made, errors)
            }
            4 => tollgate_program_open(given.string(), given.string(), &mut made, errors),
            5 => tollgate_program_finish(of, given.text(), errors),
            _ => {
                let mut text = Text::of(c"");
                let mut to = || given.random.one_of(&[&raw mut text, null_mut()]);
                let (name, store) = (to(), to());
                let number = given.random.below(4);
                let there = tollgate_program_state(of, number, name, store);
                assert!(there == 0 || number < 2);
                tollgate_session_new(of, null_mut(), errors)
            }
        }
    };
    // SAFETY: null, or what the call has made.
    unsafe { tollgate_program_release(made) };
    status
}

/// Every way to read a decision, which may be none.
unsafe fn read(given: &mut Arguments, decision: *const Decision) {
    let texts = |text: Text| {
        // SAFETY: a text of the library ends with a NUL that its size does not count.
        let bytes = unsafe { CStr::from_ptr(text.bytes) }.to_bytes();
        assert_eq!(bytes.len(), text.size);
    };
    // SAFETY: as in the test.
    unsafe {
        texts(tollgate_decision_json(decision));
        texts(tollgate_decision_trace(decision));
        texts(tollgate_decision_rule(decision, given.random.below(3)));
        texts(tollgate_decision_variant(decision, given.string()));
        let count = tollgate_decision_rule_count(decision);
        assert!(count < 3);
        let mut text = tollgate_text_of(c"".as_ptr());
        let to = given.random.one_of(&[&raw mut text, null_mut()]);
        let number = given.random.below(4);
        tollgate_decision_text(decision, given.string(), to);
        tollgate_decision_field(decision, given.string(), number, to);
        tollgate_decision_item(decision, given.string(), number, to);
        tollgate_decision_failure(decision, number, to, &mut tollgate_text_of(c"".as_ptr()));
        texts(text);
        let (mut integer, mut boolean, mut real) = (0, 0, 0.0);
        tollgate_decision_int(decision, given.string(), &mut integer);
        tollgate_decision_bool(decision, given.string(), &mut boolean);
        tollgate_decision_float(decision, given.string(), &mut real);
        tollgate_decision_int(decision, given.string(), null_mut());
    }
}

#[test]
fn values_inside_each_other_have_an_end() {
    let arena = tollgate::Arena::new();
    let mut value = tollgate_value_of_int(1);
    let mut kept = Vec::new();
    for depth in 0..40 {
        // SAFETY: a list of one value that lives until the end.
        let read = unsafe { inputs(&value, 1, &arena) };
        assert_eq!(read.is_ok(), depth <= 32, "{depth}");
        kept.push(Box::new(value));
        value = tollgate_value_of_list(&**kept.last().unwrap(), 1);
    }
}

#[test]
fn values_that_share_what_they_point_to_are_counted() {
    let arena = tollgate::Arena::new();
    let mut lists = vec![Box::new([tollgate_value_of_int(1); 2])];
    for _ in 0..24 {
        let last = lists.last().unwrap().as_ptr();
        lists.push(Box::new([tollgate_value_of_list(last, 2); 2]));
    }
    // SAFETY: all lists live until the end.
    let refused = unsafe { inputs(lists.last().unwrap().as_ptr(), 2, &arena) }.unwrap_err();
    assert_eq!(refused.status, Status::Misuse);
}

/// Facts come from clients: a gateway answers 400 for them, and looks for no mistake of its own.
#[test]
fn facts_that_are_not_utf8_are_refused_and_no_misuse() {
    let arena = tollgate::Arena::new();
    // SAFETY: C strings, and an array of one value.
    let status = |value: Value| match unsafe { inputs(&value, 1, &arena) } {
        Ok(_) => Status::Ok,
        Err(failure) => failure.status,
    };
    let text = |bytes: &CStr| {
        // SAFETY: a C string; it lives as long as the program.
        unsafe { tollgate_text_of(bytes.as_ptr()) }
    };
    let (good, wrong) = (text(c"\u{e9}"), text(c"\xe9"));
    assert_eq!(status(tollgate_value_of_text(good)), Status::Ok);
    assert_eq!(status(tollgate_value_of_text(wrong)), Status::Refused);
    let value = tollgate_value_of_int(1);
    assert_eq!(status(tollgate_value_of_map(&good, &value, 1)), Status::Ok);
    assert_eq!(
        status(tollgate_value_of_map(&wrong, &value, 1)),
        Status::Refused
    );
}

#[test]
fn a_session_is_refused_to_a_second_thread() {
    // What a second thread would find while the first decides.
    // SAFETY: all handles are live.
    unsafe {
        let (mut program, mut error, mut session, mut entry) =
            (null_mut(), null_mut(), null_mut(), null_mut());
        let source = tollgate_text_of(RULES.as_ptr());
        told(
            tollgate_program_compile(c"x".as_ptr(), source, null(), &mut program, &mut error),
            error,
        );
        told(
            tollgate_entry_new(
                program,
                c"admit".as_ptr(),
                null(),
                0,
                &mut entry,
                &mut error,
            ),
            error,
        );
        told(
            tollgate_session_new(program, &mut session, &mut error),
            error,
        );
        let json = tollgate_text_of(c"{\"cpu\": \"90%\"}".as_ptr());
        let mut decision = null();
        let busy = in_use(session).unwrap();
        let status = tollgate_decide_json(session, entry, json, null(), &mut decision, &mut error);
        assert_eq!(status, Status::Misuse);
        assert!(decision.is_null());
        told(status, error);
        drop(busy);
        let status = tollgate_decide_json(session, entry, json, null(), &mut decision, &mut error);
        told(status, error);
        let json = CStr::from_ptr(tollgate_decision_json(decision).bytes);
        assert_eq!(json, c"{\"value\":\"halt\",\"by\":\"busy\"}");
        tollgate_session_free(session);
        tollgate_entry_free(entry);
        tollgate_program_release(program);
    }
}

#[test]
fn a_panic_does_not_cross() {
    let mut error = null_mut();
    // SAFETY: where the error goes is valid.
    unsafe {
        let status = crate::border::guard(&mut error, || panic!("on purpose"));
        assert_eq!(status, Status::Bug);
        let message = CStr::from_ptr(tollgate_error_message(error));
        assert_eq!(message, c"this is a bug in tollgate: on purpose");
        tollgate_error_free(error);
    }
    assert_eq!(crate::border::caught_or(7, || panic!("on purpose")), 7);
}
