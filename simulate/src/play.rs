//! The simulation: one event after the other.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use fastrand::Rng;
use tollgate::{Call, Counts, Program, Session, States};
use tollgate_load::{Meter, NO_SHEDDING, WINDOW};

use crate::Error;
use crate::arrivals::{Arrival, Source, Traffic, bursts, rng, trace};
use crate::facts::Taken;
use crate::fleet::{Fleet, Offered};
use crate::report::{Peak, Report, Told};
use crate::rows::Rows;
use crate::scenario::{MAX_CLASSES, MAX_TIME, Scenario};
use crate::series::Series;

/// The most clients that wait to ask again.
const MAX_CLIENTS: usize = 1_000_000;
/// Requests between two reports of progress.
const STRIDE: u64 = 4_096;
/// When a simulation begins that nobody gave a time.
const START: &str = "2026-01-01T00:00:00Z";
/// Microseconds of a window.
const TURN: u64 = WINDOW.as_micros() as u64;
/// After so many windows without a request nothing changes any more about what is measured.
const QUIET: u64 = 100;

/// Plays traffic against the entry of a scenario; `tell` hears of progress, of lines that are not played and of requests that are refused.
///
/// # Errors
/// When the scenario cannot be played or does not fit the rules; the error says what to change.
pub fn simulate(
    program: &Program,
    scenario: &Scenario,
    traffic: Traffic<'_>,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Report, Error> {
    scenario.check()?;
    let entry = entry(program, scenario)?;
    let taken = Taken::new(program, entry, scenario)?;
    let rows = Rows::new(program, entry, &taken, scenario)?;
    let states = states(program)?;
    let mut play = Play {
        scenario,
        entry,
        taken: &taken,
        session: program.session_with(&states)?,
        states: &states,
        counts: program.counts(),
        meter: Meter::new(scenario.capacity()),
        fleet: Fleet::new(scenario.fleet.workers, scenario.queue()),
        rng: rng(scenario.seed, u64::MAX),
        start: start(scenario)?,
        next_turn: TURN,
        quiet_turns: 0,
        injected: 0,
        events: BinaryHeap::new(),
        order: 0,
        requests: HashMap::new(),
        next_id: 1,
        clients: 0,
        json: String::new(),
        rows,
        answers: BTreeMap::new(),
        peak: Peak::default(),
        series: Series::new(MAX_CLASSES),
        bad_lines: 0,
        tell,
    };
    match traffic {
        Traffic::Bursts if scenario.bursts.is_empty() => {
            return Err(Error::new(
                "nothing arrives: give a trace, or bursts such as 0s+1m@100",
            ));
        }
        Traffic::Bursts => play.run(&mut bursts(scenario, &taken))?,
        Traffic::Trace(input) => play.run(&mut trace(scenario, &taken, input))?,
    }
    Ok(play.report())
}

/// A simulation under way.
struct Play<'p> {
    scenario: &'p Scenario,
    entry: &'p str,
    taken: &'p Taken,
    session: Session<'p>,
    states: &'p States,
    counts: Counts,
    meter: Meter,
    fleet: Fleet,
    /// For what clients do.
    rng: Rng,
    /// The instant at which it begins, in microseconds since 1970.
    start: Option<i64>,
    /// When the load is measured next.
    next_turn: u64,
    /// How many windows have ended since there was a request.
    quiet_turns: u64,
    /// How many changes of `shed_from` have been.
    injected: usize,
    events: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// Those that were admitted and are waiting or being served.
    requests: HashMap<u64, Request>,
    next_id: u64,
    /// Clients that wait to ask again.
    clients: usize,
    json: String,
    rows: Rows,
    answers: BTreeMap<String, u64>,
    peak: Peak,
    series: Series,
    bad_lines: u64,
    tell: &'p mut dyn FnMut(Told<'_>),
}

/// A request that was admitted.
struct Request {
    client: Client,
    began: u64,
    /// Whether a worker has it.
    served: bool,
    /// Whether its client still waits.
    wanted: bool,
}

/// Who asks.
struct Client {
    arrival: Arrival,
    /// How often it has asked before.
    retry: u32,
    /// Where it is counted.
    row: usize,
}

/// What happens at a time; of equal times what ends a request first, then in the order in which it became due.
struct Due {
    at: u64,
    order: u64,
    event: Event,
}

enum Event {
    /// A worker ends a request.
    Ended(u64),
    /// A client has waited long enough.
    Timeout(u64),
    /// A client asks again.
    Again(Client),
}

/// What the rules answered.
enum Answer {
    Admitted,
    /// With the time after which the client may ask again, in microseconds.
    Shed(u64),
    /// The facts break a rule of the schema.
    Refused,
}

impl Play<'_> {
    /// Plays everything, until nothing is left to happen.
    fn run(&mut self, source: &mut dyn Source) -> Result<(), Error> {
        let mut next = self.arrival(source)?;
        loop {
            let due = self.events.peek().map(|Reverse(due)| due.at);
            match (&next, due) {
                (None, None) => return Ok(()),
                // What ends at the time of an arrival has ended.
                (Some(arrival), due) if due.is_none_or(|due| arrival.at < due) => {
                    let at = arrival.at;
                    self.pass(at);
                    if let Some(arrival) = std::mem::replace(&mut next, self.arrival(source)?) {
                        let client = Client {
                            row: arrival.class,
                            arrival,
                            retry: 0,
                        };
                        self.asks(at, client)?;
                    }
                }
                _ => {
                    if let Some(Reverse(Due { at, event, .. })) = self.events.pop() {
                        self.pass(at);
                        self.happens(at, event)?;
                    }
                }
            }
        }
    }

    fn arrival(&mut self, source: &mut dyn Source) -> Result<Option<Arrival>, Error> {
        while let Some(next) = source.next() {
            match next {
                Ok(arrival) => {
                    if self.start.is_none() {
                        self.start = Some(source.start().map_or_else(default_start, Ok)?);
                    }
                    return Ok(Some(arrival));
                }
                Err(bad) if bad.line == 0 => return Err(Error::new(bad.reason)),
                Err(bad) => {
                    self.bad_lines += 1;
                    (self.tell)(Told::Line {
                        line: bad.line,
                        reason: &bad.reason,
                    });
                }
            }
        }
        Ok(None)
    }

    /// Time passes: what is measured and what operators do up to `now`, that included.
    fn pass(&mut self, now: u64) {
        loop {
            let injected = self.scenario.shed_from.get(self.injected);
            match injected {
                Some(injected) if injected.at.0 <= now.min(self.next_turn) => {
                    let priority = injected.priority.unwrap_or(NO_SHEDDING);
                    self.meter.shed_from(priority);
                    self.injected += 1;
                }
                _ if self.next_turn > now => return,
                _ => {
                    let until = injected.map_or(now, |injected| now.min(injected.at.0));
                    self.quiet_turns += 1;
                    self.turn();
                    if !self.requests.is_empty() {
                        self.quiet_turns = 0;
                    } else if self.quiet_turns > QUIET {
                        self.skip(until);
                    }
                }
            }
        }
    }

    /// Nothing is in progress until then, and what is measured stays as it is: a quiet year costs no more than a minute.
    fn skip(&mut self, until: u64) {
        let windows = until.saturating_sub(self.next_turn) / TURN;
        let end = self.next_turn + windows * TURN;
        let load = self.meter.load();
        while self.next_turn < end {
            self.series.at(self.next_turn - 1).measured(&load);
            let bin = self.series.width.div_ceil(TURN) * TURN;
            self.next_turn = (self.next_turn + bin).min(end);
        }
    }

    fn turn(&mut self) {
        let now = self.next_turn;
        let workers = self.fleet.share(now, now - TURN);
        self.meter.turn(workers);
        let load = self.meter.load();
        self.peak.see(&load);
        // The window that ends belongs to the bin in which it lay.
        self.series.at(now - 1).measured(&load);
        self.next_turn += TURN;
    }

    fn happens(&mut self, now: u64, event: Event) -> Result<(), Error> {
        match event {
            Event::Again(client) => {
                self.clients -= 1;
                self.asks(now, client)
            }
            Event::Ended(id) => {
                if let Some(request) = self.requests.remove(&id) {
                    if request.wanted {
                        self.finished(now, id, &request);
                    }
                    if let Some(next) = self.fleet.ended(now) {
                        self.begins(now, next);
                    }
                }
                Ok(())
            }
            Event::Timeout(id) => match self.requests.get_mut(&id) {
                Some(request) if request.wanted => {
                    request.wanted = false;
                    let waits = !request.served;
                    let client = Client {
                        arrival: request.client.arrival.clone(),
                        ..request.client
                    };
                    if waits && self.scenario.fleet.cancel {
                        self.fleet.leave(id);
                        self.requests.remove(&id);
                    }
                    self.rows.reports[client.row].timed_out += 1;
                    self.failed(
                        now,
                        id,
                        self.scenario.fleet.timeout.unwrap_or_default().0,
                        client,
                    )
                }
                _ => Ok(()),
            },
        }
    }

    /// A client asks: the rules decide.
    fn asks(&mut self, now: u64, client: Client) -> Result<(), Error> {
        let id = self.next_id;
        self.next_id += 1;
        self.quiet_turns = 0;
        if id.is_multiple_of(STRIDE) {
            (self.tell)(Told::Progress {
                requests: id,
                passed: Duration::from_micros(now),
            });
        }
        let answer = self.decide(now, id, &client.arrival)?;
        let row = self.rows.row(client.arrival.class, &self.json);
        let client = Client { row, ..client };
        let class = &mut self.rows.reports[row];
        class.requests += u64::from(client.retry == 0);
        class.arrived += 1;
        let bin = self.series.at(now);
        match answer {
            Answer::Refused => class.refused += 1,
            Answer::Shed(after) => {
                class.shed += 1;
                // It may hold slots of limits that let it in before another one did not.
                self.states.finish(&id.to_string());
                bin.shed[row] += 1;
                return self.may_ask_again(now, after, client);
            }
            Answer::Admitted => {
                class.admitted += 1;
                bin.admitted[row] += 1;
                return self.admitted(now, id, client);
            }
        }
        Ok(())
    }

    fn admitted(&mut self, now: u64, id: u64, client: Client) -> Result<(), Error> {
        self.meter.began();
        let offered = self.fleet.offer(id, now);
        if offered == Offered::NoRoom {
            self.rows.reports[client.row].no_room += 1;
            return self.failed(now, id, 0, client);
        }
        let request = Request {
            client,
            began: now,
            served: false,
            wanted: true,
        };
        self.requests.insert(id, request);
        if offered == Offered::Begun {
            self.begins(now, id);
        }
        if let Some(timeout) = self.scenario.fleet.timeout {
            self.due(now + timeout.0, Event::Timeout(id));
        }
        Ok(())
    }

    /// A worker begins a request.
    fn begins(&mut self, now: u64, id: u64) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.served = true;
            let ends = now + request.client.arrival.service;
            self.due(ends, Event::Ended(id));
        }
    }

    fn finished(&mut self, now: u64, id: u64, request: &Request) {
        let took = Duration::from_micros(now - request.began);
        let class = &mut self.rows.reports[request.client.row];
        class.finished += 1;
        class.took.add(took);
        self.series.at(now).took.add(took);
        self.over(id, took, false);
    }

    /// A request has failed that was admitted, after so many microseconds.
    fn failed(&mut self, now: u64, id: u64, took: u64, client: Client) -> Result<(), Error> {
        self.series.at(now).failed[client.row] += 1;
        self.over(id, Duration::from_micros(took), true);
        self.may_ask_again(now, 0, client)
    }

    /// A request is no longer in progress, as far as a proxy knows: its slots are free again.
    fn over(&mut self, id: u64, took: Duration, failed: bool) {
        self.meter.tried(took, failed);
        self.meter.ended();
        self.states.finish(&id.to_string());
    }

    fn may_ask_again(&mut self, now: u64, after: u64, client: Client) -> Result<(), Error> {
        let retry = &self.scenario.retry;
        if client.retry >= retry.retries {
            return Ok(());
        }
        if self.clients >= MAX_CLIENTS {
            return Err(Error::new(format!(
                "more than {MAX_CLIENTS} clients wait to ask again: have fewer retries, or a smaller `cap`"
            )));
        }
        let doubled = retry.base.0.saturating_mul(1 << client.retry.min(40));
        let wait = self.rng.u64(0..=doubled.min(retry.cap.0));
        self.clients += 1;
        let again = Client {
            retry: client.retry + 1,
            ..client
        };
        self.due(now + after + wait, Event::Again(again));
        Ok(())
    }

    fn due(&mut self, at: u64, event: Event) {
        let order = self.order;
        self.order += 1;
        self.events.push(Reverse(Due { at, order, event }));
    }

    fn decide(&mut self, now: u64, id: u64, arrival: &Arrival) -> Result<Answer, Error> {
        let id = id.to_string();
        let time = self.start.unwrap_or_default() + now as i64;
        self.json.clear();
        let load = self.meter.load();
        self.peak.see(&load);
        let of = (&*id, time);
        let Arrival { class, filled, .. } = arrival;
        self.taken.write(&mut self.json, *class, filled, of, &load);
        let call = Call { id: &id, time };
        let decided = self
            .session
            .decide_json(self.entry, self.json.as_bytes(), &call);
        let decision = match decided {
            Ok(decision) => decision,
            Err(error) if error.refusal().is_some() => {
                (self.tell)(Told::Refused {
                    class: of_class(self.scenario, *class),
                    reason: &error,
                });
                return Ok(Answer::Refused);
            }
            Err(error) => return Err(error.into()),
        };
        self.counts.count(&decision);
        let value = decision.value();
        let answer = match (value.variant(), value.as_bool()) {
            (Some(variant), _) => variant,
            (None, Some(true)) => "true",
            (None, Some(false)) => "false",
            _ => {
                return Err(Error::new(format!(
                    "`{}` answers {}: a simulation needs an entry that answers with a variant of an enum, or true or false",
                    self.entry,
                    decision.value_json()
                )));
            }
        };
        match self.answers.get_mut(answer) {
            Some(n) => *n += 1,
            None => drop(self.answers.insert(answer.to_owned(), 1)),
        }
        if self.scenario.admitted.iter().any(|a| a == answer) {
            return Ok(Answer::Admitted);
        }
        let after = value.field("retry_after").and_then(|after| after.as_int());
        let after = u64::try_from(after.unwrap_or(0)).unwrap_or(0);
        Ok(Answer::Shed(after.min(MAX_TIME)))
    }

    fn report(self) -> Report {
        let admitted: u64 = self.rows.reports.iter().map(|row| row.admitted).sum();
        let mut notes = Vec::new();
        if self.taken.load.is_none() {
            notes.push(format!(
                "`{}` is not told the load. To shed by it, declare a record with some of {} and take it as a parameter: \
                 `record Load {{ busy: Percent, p99: Duration }}`",
                self.entry,
                tollgate_load::Load::names().collect::<Vec<_>>().join(", ")
            ));
        }
        if admitted == 0 && !self.answers.is_empty() {
            let answers: Vec<&str> = self.answers.keys().map(|answer| &**answer).collect();
            notes.push(format!(
                "nothing was admitted: the answers were {}. If one of them lets a request in, name it in the scenario: `admitted = [\"…\"]`",
                answers.join(", ")
            ));
        }
        let rules = self.counts.rules_counted();
        Report {
            entry: self.entry.to_owned(),
            seed: self.scenario.seed,
            workers: self.scenario.fleet.workers,
            by: self.scenario.by.clone(),
            classes: self.rows.reports,
            rules: rules.filter(|(_, n)| *n > 0).collect(),
            answers: self.answers.into_iter().collect(),
            peak: self.peak,
            bad_lines: self.bad_lines,
            notes,
            shed_from: self.scenario.shed_from.clone(),
            series: self.series,
        }
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Due) -> Ordering {
        let rank = |due: &Due| (due.at, !matches!(due.event, Event::Ended(_)), due.order);
        rank(self).cmp(&rank(other))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

/// What a class is called.
fn of_class(scenario: &Scenario, class: usize) -> &str {
    let class = scenario.classes.get(class);
    class.map_or("all", |class| &class.name)
}

/// The entry that is played: the one of the scenario, or the only one there is.
fn entry<'p>(program: &'p Program, scenario: &'p Scenario) -> Result<&'p str, Error> {
    if let Some(entry) = &scenario.entry {
        program.entry(entry)?;
        return Ok(entry);
    }
    let entries: Vec<&str> = program.entries().collect();
    match &entries[..] {
        [only] => Ok(only),
        [] => Err(Error::new(
            "the program has nothing that decides: no rule set, guard, table or pipeline",
        )),
        _ => Err(Error::new(format!(
            "say which entry admits or sheds; there are {}",
            entries.join(", ")
        ))),
    }
}

/// Somewhere to keep the program's states: in this process, with a virtual clock, since stores measure by the time of decisions.
fn states(program: &Program) -> Result<States, Error> {
    let mut declarations = program.declarations().iter();
    if let Some(state) = declarations.find(|state| &*state.store != "local") {
        return Err(Error::new(format!(
            "the state `{}` is kept in the store `{}`; a simulation keeps states in its own process: say `store: local` to try the rules",
            state.name, state.store
        )));
    }
    Ok(program.states(&[])?)
}

fn start(scenario: &Scenario) -> Result<Option<i64>, Error> {
    let start = scenario.start.as_deref();
    Ok(start.map(tollgate::parse_time).transpose()?)
}

fn default_start() -> Result<i64, Error> {
    Ok(tollgate::parse_time(START)?)
}
