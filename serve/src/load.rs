//! What the proxy measures about itself and its upstreams, as rules see it.

use std::array;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::RuntimeMetrics;
use tollgate::Facts;

/// 100%, as percentages are counted.
const WHOLE: i64 = 1_000_000_000;
/// How many windows are looked back on.
const WINDOWS: usize = 10;
/// How long a window lasts.
pub(crate) const WINDOW: Duration = Duration::from_millis(500);
/// Eight buckets for each doubling, so that a quantile is at most an eighth too high.
const BUCKETS: usize = 8 * 38;
/// Nothing is shed for the sake of a test: no priority is as high.
pub(crate) const NO_SHEDDING: i64 = 1_000_000;

/// The load, as rules are given it: a parameter behind the request, whose record has those of these fields that the rules read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Facts)]
pub struct Load {
    /// Requests in progress, this one not counted.
    pub in_flight: i64,
    /// Their share of the `capacity` of the settings, in billionths, at most 100%.
    pub busy: i64,
    /// The share of the last five seconds in which the worker threads were at work, in billionths.
    pub workers: i64,
    /// The share of failures among the tries at upstreams of the last five seconds, in billionths: no response, or 500 and above.
    pub errors: i64,
    /// The time until a response began once the request was sent, of those same tries: the median.
    pub p50: Duration,
    /// Of a hundred tries all but one took no longer.
    pub p99: Duration,
    /// The least priority number that is to be shed, as the admin endpoint was told; 1,000,000 where it was told nothing.
    pub shed_from: i64,
}

/// Measures the load. Shared; nothing waits.
#[derive(Debug)]
pub(crate) struct Meter {
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

/// How long the workers of a runtime were busy, from one look to the next.
#[derive(Debug)]
pub(crate) struct Workers {
    metrics: RuntimeMetrics,
    busy: Duration,
    looked: Instant,
}

impl Meter {
    pub(crate) fn new(capacity: u32) -> Meter {
        Meter {
            capacity,
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
    pub(crate) fn load(&self) -> Load {
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

    pub(crate) fn began(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn shed_from(&self, priority: i64) {
        self.shed_from.store(priority, Ordering::Relaxed);
    }

    /// A try at an upstream ended: its response began, or there will be none.
    pub(crate) fn tried(&self, took: Duration, failed: bool) {
        let window = &self.windows[self.turn.load(Ordering::Relaxed) % WINDOWS];
        window.buckets[bucket(took)].fetch_add(1, Ordering::Relaxed);
        if failed {
            window.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A window has ended: says what all of them come to, and begins the next in the place of the oldest. Called from one place.
    pub(crate) fn turn(&self, workers: i64) {
        let mut buckets = [0u64; BUCKETS];
        let mut failed = 0u64;
        for window in &self.windows {
            failed += u64::from(window.failed.load(Ordering::Relaxed));
            for (sum, bucket) in buckets.iter_mut().zip(&window.buckets) {
                *sum += u64::from(bucket.load(Ordering::Relaxed));
            }
        }
        let total: u64 = buckets.iter().sum();
        let errors = (failed.min(total) * WHOLE as u64).checked_div(total);
        self.errors
            .store(errors.unwrap_or(0) as i64, Ordering::Relaxed);
        self.p50
            .store(quantile(&buckets, total, 50), Ordering::Relaxed);
        self.p99
            .store(quantile(&buckets, total, 99), Ordering::Relaxed);
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

impl Workers {
    pub(crate) fn new(metrics: RuntimeMetrics) -> Workers {
        Workers {
            metrics,
            busy: Duration::ZERO,
            looked: Instant::now(),
        }
    }

    /// The share of the time since the last look in which they were at work, in billionths.
    pub(crate) fn share(&mut self) -> i64 {
        let workers = self.metrics.num_workers();
        let busy: Duration = (0..workers)
            .map(|i| self.metrics.worker_total_busy_duration(i))
            .sum();
        let (now, before) = (Instant::now(), self.busy);
        let could = (now - self.looked).as_nanos() * workers as u128;
        (self.busy, self.looked) = (busy, now);
        let share = (busy.saturating_sub(before).as_nanos() * WHOLE as u128).checked_div(could);
        share.unwrap_or(0).min(WHOLE as u128) as i64
    }
}

/// The bucket of a length of time: by its highest bit and the three behind.
fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if micros < 8 {
        return micros as usize;
    }
    let high = 63 - micros.leading_zeros() as usize;
    let within = (micros >> (high - 3)) as usize & 7;
    ((high - 2) * 8 + within).min(BUCKETS - 1)
}

/// The most microseconds that fall into a bucket.
fn most(bucket: usize) -> u64 {
    if bucket < 8 {
        return bucket as u64;
    }
    let high = bucket / 8 + 2;
    let next = (bucket % 8 + 9) as u64;
    (next << (high - 3)) - 1
}

fn quantile(buckets: &[u64; BUCKETS], total: u64, percent: u64) -> u64 {
    let wanted = (total * percent).div_ceil(100);
    let mut seen = 0;
    let found = buckets.iter().position(|n| {
        seen += n;
        seen >= wanted
    });
    match total {
        0 => 0,
        _ => found.map_or(0, most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_it_says() {
        for micros in (0..100_000).chain([1 << 30, (1 << 40) - 1]) {
            let bucket = bucket(Duration::from_micros(micros));
            let least = if bucket == 0 { 0 } else { most(bucket - 1) + 1 };
            assert!(
                (least..=most(bucket)).contains(&micros),
                "{micros} in {bucket}"
            );
            assert!(most(bucket) <= micros + micros / 8, "{micros}");
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

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
