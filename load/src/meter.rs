//! Measuring the load.

use std::array;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::histogram::{BUCKETS, Histogram, bucket};
use crate::{Load, WHOLE};

/// How many windows are looked back on.
const WINDOWS: usize = 10;
/// How long a window lasts. The load looks back on ten of them.
pub const WINDOW: Duration = Duration::from_millis(500);
/// What `shed_from` of the load is where nobody wants anything shed: no priority is as high.
pub const NO_SHEDDING: i64 = 1_000_000;

/// Measures the load. Shared between threads; nothing waits.
#[derive(Debug)]
pub struct Meter {
    capacity: u32,
    in_flight: AtomicUsize,
    shed_from: AtomicI64,
    windows: [Window; WINDOWS],
    /// Which window is written.
    turn: AtomicUsize,
    workers: AtomicI64,
    errors: AtomicI64,
    /// Microseconds.
    p50: AtomicU64,
    p99: AtomicU64,
}

#[derive(Debug)]
struct Window {
    failed: AtomicU32,
    buckets: [AtomicU32; BUCKETS],
}

impl Meter {
    /// Nothing is in progress yet. `capacity` is how many requests in progress are 100% `busy`; 0 counts as 1.
    pub fn new(capacity: u32) -> Meter {
        Meter {
            capacity: capacity.max(1),
            in_flight: AtomicUsize::new(0),
            shed_from: AtomicI64::new(NO_SHEDDING),
            windows: array::from_fn(|_| Window {
                failed: AtomicU32::new(0),
                buckets: array::from_fn(|_| AtomicU32::new(0)),
            }),
            turn: AtomicUsize::new(0),
            workers: AtomicI64::new(0),
            errors: AtomicI64::new(0),
            p50: AtomicU64::new(0),
            p99: AtomicU64::new(0),
        }
    }

    /// The load now.
    pub fn load(&self) -> Load {
        let in_flight = self.in_flight.load(Ordering::Relaxed) as i64;
        let micros = |of: &AtomicU64| Duration::from_micros(of.load(Ordering::Relaxed));
        Load {
            in_flight,
            busy: (in_flight.saturating_mul(WHOLE) / i64::from(self.capacity)).min(WHOLE),
            workers: self.workers.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            p50: micros(&self.p50),
            p99: micros(&self.p99),
            shed_from: self.shed_from.load(Ordering::Relaxed),
        }
    }

    /// A request is in progress.
    pub fn began(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is no longer in progress.
    pub fn ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// From now on an operator wants those of this priority number and above shed; [`NO_SHEDDING`] for none.
    pub fn shed_from(&self, priority: i64) {
        self.shed_from.store(priority, Ordering::Relaxed);
    }

    /// A try ended: its response began, or there will be none.
    pub fn tried(&self, took: Duration, failed: bool) {
        let window = &self.windows[self.turn.load(Ordering::Relaxed) % WINDOWS];
        window.buckets[bucket(took)].fetch_add(1, Ordering::Relaxed);
        if failed {
            window.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A window ([`WINDOW`]) has ended, in which the workers were at work for such a share of the time, in billionths: says what all windows come
    /// to, and begins the next in the place of the oldest. Called from one place.
    pub fn turn(&self, workers: i64) {
        let mut took = Histogram::default();
        let mut failed = 0u64;
        for window in &self.windows {
            failed += u64::from(window.failed.load(Ordering::Relaxed));
            for (i, bucket) in window.buckets.iter().enumerate() {
                took.add_many(i, u64::from(bucket.load(Ordering::Relaxed)));
            }
        }
        let errors = (failed.min(took.total()) * WHOLE as u64).checked_div(took.total());
        self.errors
            .store(errors.unwrap_or(0) as i64, Ordering::Relaxed);
        for (percent, quantile) in [(50, &self.p50), (99, &self.p99)] {
            let time = took.quantile(percent).unwrap_or_default();
            quantile.store(time.as_micros() as u64, Ordering::Relaxed);
        }
        // The last five seconds, roughly: each window moves what is said a fifth of the way.
        let before = self.workers.load(Ordering::Relaxed);
        self.workers
            .store(before + (workers - before) / 5, Ordering::Relaxed);
        let next = self.turn.load(Ordering::Relaxed).wrapping_add(1);
        let window = &self.windows[next % WINDOWS];
        window.failed.store(0, Ordering::Relaxed);
        for bucket in &window.buckets {
            bucket.store(0, Ordering::Relaxed);
        }
        self.turn.store(next, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_forget() {
        let meter = Meter::new(10);
        for i in 0..100 {
            meter.tried(Duration::from_millis(if i < 98 { 10 } else { 500 }), i < 25);
        }
        meter.turn(0);
        let load = meter.load();
        assert_eq!(load.errors, WHOLE / 4);
        assert!((10..=12).contains(&load.p50.as_millis()), "{load:?}");
        assert!((500..=563).contains(&load.p99.as_millis()), "{load:?}");
        for _ in 0..WINDOWS {
            meter.turn(0);
        }
        assert_eq!((meter.load().errors, meter.load().p99), (0, Duration::ZERO));
    }

    #[test]
    fn busy_is_a_share_of_the_capacity() {
        let meter = Meter::new(4);
        let busy = |n: usize| {
            meter.in_flight.store(n, Ordering::Relaxed);
            meter.load().busy
        };
        assert_eq!(
            [busy(0), busy(1), busy(4), busy(9)],
            [0, WHOLE / 4, WHOLE, WHOLE]
        );
    }
}
