//! How busy the proxy's own threads are.

use std::time::{Duration, Instant};

use tokio::runtime::RuntimeMetrics;

/// 100%, as percentages are counted.
const WHOLE: u128 = 1_000_000_000;

/// How long the workers of a runtime were busy, from one look to the next.
#[derive(Debug)]
pub(crate) struct Workers {
    metrics: RuntimeMetrics,
    busy: Duration,
    looked: Instant,
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
        let share = (busy.saturating_sub(before).as_nanos() * WHOLE).checked_div(could);
        share.unwrap_or(0).min(WHOLE) as i64
    }
}
