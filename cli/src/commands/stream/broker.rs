//! A broker as a stream talks to it: how long it has to answer, and for how long it is asked again when it does not.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tollgate::Address;

use super::{Ending, Result};

/// How long a broker has to answer, and for how long it is tried again, where the address does not say.
const TIMEOUT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A broker.
pub(super) struct Broker {
    /// The address, without what is secret.
    pub(super) name: String,
    pub(super) timeout: Duration,
    pub(super) patience: Duration,
    ending: Ending,
}

/// Why a broker gave no answer.
pub(super) enum Failed {
    /// What passes by itself.
    Passing(String),
    /// What does not.
    Lasting(Box<dyn Error>),
}

impl Broker {
    /// The broker of an address, which may set `timeout` and `patience`.
    pub(super) fn of(address: &Address, ending: &Ending) -> Result<Broker> {
        Ok(Broker {
            name: address.to_string(),
            timeout: address.duration("timeout")?.unwrap_or(TIMEOUT),
            patience: address.duration("patience")?.unwrap_or(PATIENCE),
            ending: ending.clone(),
        })
    }

    /// The answer of a broker. What passes by itself is tried again for as long as patience lasts, and the stream is not asked to end; once in any
    /// case, for a signal interrupts what waits, and that is no failure.
    pub(super) fn ask<T>(
        &self,
        mut attempt: impl FnMut() -> std::result::Result<T, Failed>,
    ) -> Result<T> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match attempt() {
                Ok(answer) => {
                    if pause > FIRST_PAUSE {
                        self.answers_again();
                    }
                    return Ok(answer);
                }
                Err(Failed::Lasting(error)) => return Err(error),
                Err(Failed::Passing(why)) => why,
            };
            let again = pause > FIRST_PAUSE;
            if began.elapsed() >= self.patience || (again && self.is_ending()) {
                return Err(self.silent(&why));
            }
            if !again {
                self.is_waited_for(&why);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    pub(super) fn is_waited_for(&self, why: &str) {
        eprintln!("({} does not answer: {why}; trying again)", self.name);
    }

    pub(super) fn answers_again(&self) {
        eprintln!("({} answers again)", self.name);
    }

    /// The error of a broker that says no.
    pub(super) fn refused(&self, text: &str) -> Box<dyn Error> {
        format!("{} says: {text}", self.name).into()
    }

    /// The error of a broker that says nothing.
    pub(super) fn silent(&self, why: &str) -> Box<dyn Error> {
        format!(
            "{} does not answer: {why}; what the journal has is not lost, start again",
            self.name
        )
        .into()
    }
}

/// A setting that must be there.
pub(super) fn wanted<'a>(address: &'a Address, name: &str, what: &str) -> Result<&'a str> {
    let found = address.text(name);
    found.ok_or_else(|| format!("{address}: say {what}, ?{name}=…").into())
}
