//! Deciding about one request: by one program from its head to its response, and without holding a thread while a store is waited for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tollgate::state::{Failure, Outcome};
use tollgate::{Answers, Error, HostStores, Live, Pending, Program, Session, Stores, Version};

use crate::contract::{Attempted, Rules};
use crate::settings::StoreSettings;

/// The stores that the rules keep states in: how many operations may be under way at once, and how long one waits for its turn.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    by_store: BTreeMap<String, Turn>,
}

#[derive(Debug)]
struct Turn {
    free: Arc<Semaphore>,
    wait: Duration,
}

/// What decides about a request.
pub(crate) struct Decider {
    version: Arc<Version<Rules>>,
    turns: Arc<Turns>,
    slots: Option<Arc<Slots>>,
}

/// The slots that a request holds. Whoever may take one has a part of this, and the last one that is dropped gives them back.
pub(crate) struct Slots {
    version: Arc<Version<Rules>>,
    request: String,
}

impl Turns {
    pub(crate) fn new(settings: &BTreeMap<String, StoreSettings>) -> Turns {
        let turn = |of: &StoreSettings| Turn {
            free: Arc::new(Semaphore::new(of.connections)),
            wait: of.timeout,
        };
        let by_store = settings.iter().map(|(name, of)| (store(name), turn(of)));
        Turns {
            by_store: by_store.collect(),
        }
    }
}

/// The stores of the settings, by their addresses.
///
/// # Errors
/// When an address is none.
pub(crate) fn stores(settings: &BTreeMap<String, StoreSettings>) -> Result<Stores, Error> {
    let mut stores = Stores::new();
    for (name, of) in settings {
        let StoreSettings {
            url,
            timeout,
            connections,
        } = of;
        let (sign, timeout) = (
            if url.contains('?') { '&' } else { '?' },
            timeout.as_micros(),
        );
        let address = format!("{url}{sign}timeout={timeout}us&idle={connections}");
        stores.add(&store(name), &address)?;
    }
    Ok(stores)
}

/// Opens the stores that a program wants.
///
/// # Errors
/// When the settings lack one, or it cannot hold what a state asks for.
pub(crate) fn open(stores: &Stores, program: &Program) -> Result<HostStores, Error> {
    if let Some(state) = stores.missing(program.declarations()) {
        let why = match state.store.starts_with("redis.") {
            true => format!("the settings have no `[{}]`", state.store),
            false => "the settings can have stores called `redis.NAME`".into(),
        };
        return Err(Error::other(format!(
            "state `{}` is kept in the store `{}`: {why}",
            state.name, state.store
        )));
    }
    let opened = stores.open(program.declarations())?.into_iter();
    Ok(opened
        .map(|(name, store)| (name.to_owned(), store))
        .collect())
}

/// What rules call a store of the settings.
fn store(name: &str) -> String {
    format!("redis.{name}")
}

impl Decider {
    /// Whatever decides now, for a request of this id.
    pub(crate) fn new(live: &Live<Rules>, turns: &Arc<Turns>, request: &str) -> Decider {
        let version = live.now();
        let slots = version.bound().holds().then(|| {
            Arc::new(Slots {
                version: version.clone(),
                request: request.to_owned(),
            })
        });
        Decider {
            version,
            turns: turns.clone(),
            slots,
        }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.number()
    }

    /// The program that decides, and its number.
    pub(crate) fn program(&self) -> (&Program, u64) {
        (self.version.program(), self.version.number())
    }

    /// A part of the slots that the request may come to hold.
    pub(crate) fn slots(&self) -> Option<Arc<Slots>> {
        self.slots.clone()
    }

    pub(crate) fn rules(&self) -> &Rules {
        self.version.bound()
    }

    /// Asks the rules, once and again until all that they ask of states is answered.
    pub(crate) async fn decide<R>(
        &self,
        mut attempt: impl FnMut(&mut Session<'_>, &Rules, &Answers) -> Result<Attempted<R>, Error>,
    ) -> Result<R, Error> {
        let mut answers = Answers::default();
        loop {
            let attempt =
                |session: &mut Session<'_>, rules: &Rules| attempt(session, rules, &answers);
            match self.version.with(attempt)? {
                Attempted::Decided(decided) => return Ok(decided),
                Attempted::Pending(pending) => answers = self.perform(pending).await,
            }
        }
    }

    /// Performs an operation on a thread that may wait. Where its store is asked as much as it may be, for as long as it may take to answer,
    /// it counts as down: a slow store makes nobody wait for more than twice its timeout, each time that it is asked.
    async fn perform(&self, pending: Box<Pending>) -> Answers {
        let down = |pending: Box<Pending>| pending.answered(Outcome::Failed(Failure::Down));
        let state = pending.operation().state as usize;
        let declared = self.version.program().declarations().get(state);
        let Some(turn) = declared.and_then(|state| self.turns.by_store.get(&state.store)) else {
            return down(pending);
        };
        let Ok(Ok(permit)) = timeout(turn.wait, turn.free.clone().acquire_owned()).await else {
            return down(pending);
        };
        let (states, slots) = (self.version.states().clone(), self.slots.clone());
        let again = pending.clone();
        let performed = spawn_blocking(move || {
            let answers = states.perform(*pending);
            // A client may have left meanwhile; then what was taken is given back here.
            drop((permit, slots));
            answers
        });
        performed.await.unwrap_or_else(|_| down(again))
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let states = self.version.states();
        let elsewhere = self.version.bound().holds_elsewhere();
        match Handle::try_current() {
            Ok(runtime) if elsewhere => {
                let (states, request) = (states.clone(), std::mem::take(&mut self.request));
                // Where this comes to nothing, because the proxy is ending, the leases end.
                drop(runtime.spawn_blocking(move || states.finish(&request)));
            }
            _ => states.finish(&self.request),
        }
    }
}
