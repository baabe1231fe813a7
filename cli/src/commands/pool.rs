//! Deciding about JSON lines on all cores, with the output in the order of the input and in constant memory.
//!
//! There is no thread for reading and none for writing: a worker takes the lock of the input, reads a block of whole lines, gives
//! the lock back, decides, and hands its output in. Whoever hands in the output whose turn it is writes it, with all
//! that waits behind it. A worker reads no further block while too much waits, so memory is bounded by the number of workers.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tollgate::{Program, Session, States};

use super::lines::{Block, Blocks};

/// Why everything stops.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// What became of a block.
#[derive(Default)]
pub(crate) struct Done {
    /// One line for each of its lines that is not blank.
    pub(crate) out: String,
    pub(crate) counts: Counts,
    /// The first refusals, as shown to people; at most [`SHOWN`].
    pub(crate) refusals: Vec<String>,
    /// Why nothing more is decided.
    pub(crate) fault: Option<Fault>,
}

/// What was read and what became of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) decided: u64,
    pub(crate) refused: u64,
    /// Keys that no field has the name of.
    pub(crate) ignored: u64,
    /// Time spent deciding, of all workers together, without reading and writing.
    pub(crate) deciding: Duration,
}

/// Refusals that are kept for showing; the rest are counted.
pub(crate) const SHOWN: usize = 10;

/// What is told of a block when it has been written.
pub(crate) struct Written<'w> {
    /// Bytes of the input that it came from.
    pub(crate) read: u64,
    pub(crate) refusals: &'w [String],
}

struct Shared<R, W, T> {
    input: Mutex<Blocks<R>>,
    state: Mutex<State<W, T>>,
    /// Something was written, or everything stops.
    room: Condvar,
    /// The last worker has ended, or everything stops.
    end: Condvar,
    jobs: usize,
}

struct State<W, T> {
    /// Which block is written next.
    next: u64,
    /// Decided blocks whose turn has not come.
    waiting: BTreeMap<u64, (Block, Done)>,
    /// Memory to be used again.
    spare: Vec<(Block, Done)>,
    /// Where output goes, unless a worker is writing just now.
    output: Option<W>,
    tell: T,
    counts: Counts,
    shown: usize,
    workers: usize,
    /// Whether nothing more is decided, and why.
    stopped: bool,
    fault: Option<Fault>,
}

/// Decides about all lines of `input`: each worker with a session of its own, by `decide`, which turns a block into [`Done`].
/// `tell` is called for every block, in order.
///
/// A worker that waits for input when everything stops (the reader of the output has gone) is left behind, so a process
/// that is about to end does not wait for it.
pub(crate) fn run<R, W, T, D>(
    program: &Program,
    states: &States,
    input: R,
    output: W,
    jobs: usize,
    tell: T,
    decide: D,
) -> Result<Counts, Fault>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
    T: FnMut(&Written<'_>) + Send + 'static,
    D: Fn(&mut Session<'_>, &Block, &mut Done) + Clone + Send + 'static,
{
    let shared = Arc::new(Shared {
        input: Mutex::new(Blocks::new(input)),
        state: Mutex::new(State {
            next: 0,
            waiting: BTreeMap::new(),
            spare: Vec::new(),
            output: Some(output),
            tell,
            counts: Counts::default(),
            shown: 0,
            workers: jobs,
            fault: None,
            stopped: false,
        }),
        room: Condvar::new(),
        end: Condvar::new(),
        jobs,
    });
    for _ in 0..jobs {
        let (shared, program, decide) = (shared.clone(), program.clone(), decide.clone());
        let states = states.clone();
        thread::Builder::new()
            .name("decide".into())
            .spawn(move || {
                // The states are this program's, so there is no other case.
                let session = program.session_with(&states);
                let mut session = session.unwrap_or_else(|_| program.session());
                shared.work(&mut |block, done| decide(&mut session, block, done));
                shared.lock().workers -= 1;
                shared.end.notify_all();
            })
            .map_err(|e| format!("cannot start a thread: {e}"))?;
    }
    let mut state = shared.lock();
    while state.workers > 0 && !state.stopped {
        state = wait(&shared.end, state);
    }
    if let Some(fault) = state.fault.take() {
        return Err(fault);
    }
    if let Some(output) = &mut state.output {
        output.flush()?;
    }
    Ok(state.counts)
}

impl<R: Read, W: Write, T: FnMut(&Written<'_>)> Shared<R, W, T> {
    /// Reads, decides and hands in until there is nothing more.
    fn work(&self, decide: &mut dyn FnMut(&Block, &mut Done)) {
        while let Some((mut block, mut done)) = self.room() {
            done.out.clear();
            done.refusals.clear();
            done.counts = Counts::default();
            let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
            match input.next(&mut block) {
                Ok(false) => return,
                Ok(true) => {
                    drop(input);
                    let began = Instant::now();
                    decide(&block, &mut done);
                    done.counts.deciding = began.elapsed();
                }
                Err(error) => {
                    drop(input);
                    done.fault = Some(format!("cannot read on: {error}").into());
                }
            }
            self.hand_in(block, done);
        }
    }

    /// Waits until little enough waits to be written; `None` when everything stops.
    fn room(&self) -> Option<(Block, Done)> {
        let mut state = self.lock();
        while !state.stopped && state.waiting.len() >= 2 * self.jobs {
            state = wait(&self.room, state);
        }
        (!state.stopped).then(|| state.spare.pop().unwrap_or_default())
    }

    fn hand_in(&self, block: Block, done: Done) {
        let mut state = self.lock();
        state.waiting.insert(block.index, (block, done));
        // Whoever is writing looks for what has come in the meantime.
        while !state.stopped && state.output.is_some() {
            let next = state.next;
            let Some((block, mut done)) = state.waiting.remove(&next) else {
                return;
            };
            let Some(mut output) = state.output.take() else {
                return;
            };
            drop(state);
            let written = output.write_all(done.out.as_bytes());
            state = self.lock();
            state.output = Some(output);
            state.next += 1;
            let fault = written.err().map(Fault::from).or(done.fault.take());
            state.account(&block, &done);
            if fault.is_some() {
                state.fault = fault;
                state.stopped = true;
                self.end.notify_all();
            }
            state.spare.push((block, done));
            self.room.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<W, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W, T: FnMut(&Written<'_>)> State<W, T> {
    fn account(&mut self, block: &Block, done: &Done) {
        self.counts.decided += done.counts.decided;
        self.counts.refused += done.counts.refused;
        self.counts.ignored += done.counts.ignored;
        self.counts.deciding += done.counts.deciding;
        let refusals = &done.refusals[..done.refusals.len().min(SHOWN - self.shown)];
        self.shown += refusals.len();
        (self.tell)(&Written {
            read: block.read,
            refusals,
        });
    }
}

fn wait<'g, S>(condition: &Condvar, guard: MutexGuard<'g, S>) -> MutexGuard<'g, S> {
    condition
        .wait(guard)
        .unwrap_or_else(PoisonError::into_inner)
}
