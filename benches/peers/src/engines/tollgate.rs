//! Tollgate at the highest level: its virtual machine, and its native code.
//!
//! A decision's value is a word and its rules are marks; a host reads them through names or JSON. What is timed is the decision,
//! which has made both; their names are read when answers are compared. A host's requests are structs, bound once (`asked.rs`).

mod asked;

use std::hint::black_box;
use std::thread;

use tollgate::{Call, Decision, Engine as Compiler, Entry, Facts, Input, Program, Session};
use tollgate_workloads::{Field, Policy, Value, Workload};

use self::asked::Asked;
use crate::peer::{Engine, Kept, Peer, Source};

const CALL: Call<'_> = Call {
    id: "bench",
    time: 0,
};

struct Tollgate {
    session: Session<'static>,
    program: &'static Program,
    entry: Entry,
    asked: Option<Asked>,
    fields: &'static [Field],
    policy: Policy,
    wanted: bool,
}

/// The virtual machine.
pub fn vm(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    build(workload, "vm")
}

/// Native code through Cranelift.
pub fn cranelift(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    build(workload, "cranelift")
}

/// Native code through LLVM.
#[cfg(feature = "llvm")]
pub fn llvm(workload: &'static Workload) -> Result<Box<dyn Peer>, String> {
    build(workload, "llvm")
}

fn build(workload: &'static Workload, backend: &str) -> Result<Box<dyn Peer>, String> {
    let compiler = Compiler::new()
        .backend(backend)
        .map_err(|e| e.to_string())?;
    // Compiled by a thread of its own, to which glibc's allocator gives memory of its own. What compiling leaves free stays there, so
    // that the requests of every engine, which are made after it, lie behind one another.
    let compiling =
        thread::spawn(move || compiler.compile_source("workload.rules", &workload.source()));
    let program = compiling.join().map_err(|_| "compiling panics")?;
    // A program lives as long as its sessions; here that is as long as the process.
    let program: &'static Program = Box::leak(Box::new(program.map_err(|e| e.to_string())?));
    let entry = program.entry("decide").map_err(|e| e.to_string())?;
    let engine = Tollgate {
        session: program.session(),
        program,
        entry,
        asked: Asked::new(workload, program, entry).map_err(|e| e.to_string())?,
        fields: &workload.fields,
        policy: workload.policy,
        wanted: false,
    };
    Ok(Kept::boxed(engine, workload))
}

fn input(value: &Value) -> Input<'_> {
    match value {
        Value::Text(text) => Input::Str(text),
        Value::Ip(ip) => std::net::IpAddr::V4(*ip).into(),
        Value::Int(n) => Input::Int(*n),
        Value::Bool(b) => Input::Bool(*b),
        Value::Missing => Input::None,
    }
}

/// No request has more fields.
const MOST: usize = 16;

impl Engine for Tollgate {
    type Form = Facts;

    fn form(&self, from: &'static dyn Source) -> Facts {
        let facts: Vec<(&str, Input<'_>)> = self
            .fields
            .iter()
            .enumerate()
            .map(|(i, f)| (&*f.name, input(from.get(i))))
            .collect();
        let facts = self.program.facts(self.entry, &[Input::Map(&facts)]);
        facts.expect("the request is let in")
    }

    fn read_answers(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    fn decide(&mut self, form: &mut Facts, out: &mut Vec<u32>) {
        let decision = self
            .session
            .decide_facts(self.entry, form, &CALL)
            .expect("it decides");
        if self.wanted {
            read(self.policy, &decision, out);
        }
        black_box(&decision);
    }

    fn marshal(&mut self, from: &'static dyn Source, out: &mut Vec<u32>) {
        let (policy, wanted) = (self.policy, self.wanted);
        let mut done = |decision: &Decision<'_>| {
            if wanted {
                read(policy, decision, out);
            }
            black_box(decision);
        };
        if let Some(asked) = &self.asked {
            return asked.decide(&mut self.session, from, &CALL, done);
        }
        // What no host has as a type of its own is given field by field.
        let mut facts = [("", Input::None); MOST];
        for (i, field) in self.fields.iter().enumerate() {
            facts[i] = (&field.name, input(from.get(i)));
        }
        let facts = [Input::Map(&facts[..self.fields.len()])];
        let decision = self.session.decide(self.entry, &facts, &CALL);
        done(&decision.expect("it decides"));
    }
}

/// The numbers of the rules that decided, from their names.
fn read(policy: Policy, decision: &Decision<'_>, out: &mut Vec<u32>) {
    if let Policy::Shed { .. } = policy {
        out.extend((decision.value_json() == "true").then_some(0));
        return;
    }
    let numbers = decision
        .by()
        .filter_map(|name| name.strip_prefix('r')?.parse::<u32>().ok());
    out.extend(numbers);
    if let Policy::First = policy
        && let Some(rule) = out.first()
    {
        let value = format!("{{\"forward\":{{\"service\":{rule}}}}}");
        assert_eq!(
            decision.value_json(),
            value,
            "the value is not that of the rule"
        );
    }
}
