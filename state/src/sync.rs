//! The lock that the local store is made of. It stands in a file of its own because `tests/interleavings.rs` compiles
//! the store a second time with another one, to try every order in which threads may come.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use spin::relax::RelaxStrategy;

/// A mutual exclusion that a panic elsewhere does not end: nothing is left half done, as no operation panics.
///
/// It is held for some dozens of nanoseconds, at most while a thousand keys are moved, and for less than the system takes to put a thread to
/// sleep. So it is opened by an ordinary write, behind which a processor goes on while it waits for memory; a lock that has to find out
/// whether somebody sleeps is opened by an exchange, behind which it does not.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(spin::mutex::SpinMutex<T, Wait>);

pub(crate) type MutexGuard<'m, T> = spin::mutex::SpinMutexGuard<'m, T>;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(spin::mutex::SpinMutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// Nothing if another thread has it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }
}

/// What a thread does that finds the lock held: looks again a few times, for as long as an operation takes, and then lets others work, of
/// whom one has it and may not be running. Giving way lets only threads of its own priority work, so it sleeps for a moment now and then.
#[derive(Debug)]
pub(crate) struct Wait;

/// How often a thread gives way before it sleeps.
const YIELDS: u32 = 64;
const SLEEP: Duration = Duration::from_micros(50);

thread_local! {
    /// How often this thread has found a lock held.
    static WAITED: Cell<u32> = const { Cell::new(0) };
}

impl RelaxStrategy for Wait {
    #[cold]
    fn relax() {
        for _ in 0..4 {
            std::hint::spin_loop();
        }
        let waited = WAITED.get().wrapping_add(1);
        WAITED.set(waited);
        match waited % YIELDS {
            0 => thread::sleep(SLEEP),
            _ => thread::yield_now(),
        }
    }
}
