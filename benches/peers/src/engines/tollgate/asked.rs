//! A host's requests as a gateway's author hands them to Tollgate: a struct a workload, matched against the rules once.

use std::net::{IpAddr, Ipv4Addr};

use tollgate::{Bound, Call, Decision, Entry, Error, Facts, Program, Session};
use tollgate_workloads::{Value, Workload};

use crate::peer::Source;

/// What the requests of a workload are bound as.
pub(super) enum Asked {
    Gateway(Bound<Gateway>),
    Single(Bound<Single>),
    Campaign(Bound<Campaign>),
    Shed(Bound<Shed>),
    Github(Bound<Github>),
}

#[derive(Facts)]
pub(super) struct Gateway {
    host: &'static str,
    path: &'static str,
    method: &'static str,
    env: Option<&'static str>,
    client: IpAddr,
}

#[derive(Facts)]
pub(super) struct Single {
    method: &'static str,
    path: &'static str,
    plan: Option<&'static str>,
    client: IpAddr,
    bytes: i64,
    agent: &'static str,
    signed: bool,
    host: &'static str,
}

#[derive(Facts)]
pub(super) struct Campaign {
    event: &'static str,
    amount: i64,
    city: &'static str,
    hour: i64,
    tier: &'static str,
}

#[derive(Facts)]
pub(super) struct Shed {
    method: &'static str,
    path: &'static str,
    tier: &'static str,
    known: bool,
    retries: i64,
    bytes: i64,
    age: i64,
    load: i64,
}

#[derive(Facts)]
pub(super) struct Github {
    method: &'static str,
    path: &'static str,
}

impl Asked {
    /// Nothing for a workload that is none of a host's.
    pub(super) fn new(
        workload: &Workload,
        program: &Program,
        entry: Entry,
    ) -> Result<Option<Asked>, Error> {
        Ok(Some(match workload.family {
            "gateway" => Asked::Gateway(program.bind(entry)?),
            "single" => Asked::Single(program.bind(entry)?),
            "campaign" | "campaign-even" => Asked::Campaign(program.bind(entry)?),
            "shed" => Asked::Shed(program.bind(entry)?),
            "github" => Asked::Github(program.bind(entry)?),
            _ => return Ok(None),
        }))
    }

    /// Decides about a request, and does something with the decision.
    pub(super) fn decide(
        &self,
        session: &mut Session<'_>,
        from: &'static dyn Source,
        call: &Call<'_>,
        done: impl FnOnce(&Decision<'_>),
    ) {
        let text = |field| from.get(field).text();
        let int = |field| from.get(field).int();
        let truth = |field| *from.get(field) == Value::Bool(true);
        match self {
            Asked::Gateway(bound) => {
                let asked = Gateway {
                    host: text(0),
                    path: text(1),
                    method: text(2),
                    env: header(from.get(3)),
                    client: address(from.get(4)),
                };
                done(
                    &session
                        .decide_bound(bound, &asked, call)
                        .expect("it decides"),
                );
            }
            Asked::Single(bound) => {
                let asked = Single {
                    method: text(0),
                    path: text(1),
                    plan: header(from.get(2)),
                    client: address(from.get(3)),
                    bytes: int(4),
                    agent: text(5),
                    signed: truth(6),
                    host: text(7),
                };
                done(
                    &session
                        .decide_bound(bound, &asked, call)
                        .expect("it decides"),
                );
            }
            Asked::Campaign(bound) => {
                let asked = Campaign {
                    event: text(0),
                    amount: int(1),
                    city: text(2),
                    hour: int(3),
                    tier: text(4),
                };
                done(
                    &session
                        .decide_bound(bound, &asked, call)
                        .expect("it decides"),
                );
            }
            Asked::Shed(bound) => {
                let asked = Shed {
                    method: text(0),
                    path: text(1),
                    tier: text(2),
                    known: truth(3),
                    retries: int(4),
                    bytes: int(5),
                    age: int(6),
                    load: int(7),
                };
                done(
                    &session
                        .decide_bound(bound, &asked, call)
                        .expect("it decides"),
                );
            }
            Asked::Github(bound) => {
                let asked = Github {
                    method: text(0),
                    path: text(1),
                };
                done(
                    &session
                        .decide_bound(bound, &asked, call)
                        .expect("it decides"),
                );
            }
        }
    }
}

fn header(value: &'static Value) -> Option<&'static str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// What is no address is none that a rule asks for.
fn address(value: &Value) -> IpAddr {
    match value {
        Value::Ip(ip) => IpAddr::V4(*ip),
        _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}
