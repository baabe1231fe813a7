//! When and how often a request is tried again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::settings::RetrySettings;

/// Thousandths of a retry.
const RETRY: i64 = 1_000;

/// What retries may cost: a share of the requests, and a few at once. When everything fails, load grows by that share and not by the number of
/// tries (Google SRE Book, ch. 21, "Deciding to Retry"; Finagle's `RetryBudget`).
///
/// ```
/// use tollgate_serve::retry::Budget;
/// use tollgate_serve::RetrySettings;
/// let budget = Budget::new(&RetrySettings { percent: 20, burst: 1, ..RetrySettings::default() });
/// assert!(budget.take() && !budget.take());
/// for _ in 0..5 { budget.add(); }
/// assert!(budget.take() && !budget.take());
/// ```
#[derive(Debug)]
pub struct Budget {
    left: AtomicI64,
    most: i64,
    each: i64,
}

impl Budget {
    /// A budget that is full.
    pub fn new(settings: &RetrySettings) -> Budget {
        let most = i64::from(settings.burst) * RETRY;
        Budget {
            left: AtomicI64::new(most),
            most,
            each: i64::from(settings.percent.min(100)) * RETRY / 100,
        }
    }

    /// A request came in.
    pub fn add(&self) {
        // Nothing to write where it is full, which is nearly always.
        if self.left.load(Ordering::Relaxed) < self.most {
            let more = |left: i64| Some((left + self.each).min(self.most));
            let _ = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// Whether one may be tried again; if so it is taken.
    pub fn take(&self) -> bool {
        let less = |left: i64| (left >= RETRY).then_some(left - RETRY);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

/// How long to wait before retry `n`, the first being 0: anything up to `base` doubled `n` times, at most `cap` ("full jitter", Brooker, AWS
/// Architecture Blog 2015). `random` lies in 0 ..< 1.
pub fn wait(settings: &RetrySettings, n: u32, random: f64) -> Duration {
    let most = settings
        .base
        .saturating_mul(1 << n.min(16))
        .min(settings.cap);
    most.mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_spread() {
        let settings = RetrySettings {
            base: Duration::from_millis(10),
            cap: Duration::from_millis(35),
            ..RetrySettings::default()
        };
        let ms = |n, random| wait(&settings, n, random).as_millis();
        assert_eq!(
            [ms(0, 1.0), ms(1, 1.0), ms(2, 1.0), ms(40, 1.0)],
            [10, 20, 35, 35]
        );
        assert_eq!([ms(1, 0.0), ms(1, 0.5)], [0, 10]);
    }

    #[test]
    fn when_all_fails_load_grows_by_the_share() {
        let budget = Budget::new(&RetrySettings {
            percent: 20,
            burst: 10,
            ..RetrySettings::default()
        });
        let mut retries = 0;
        for _ in 0..10_000 {
            budget.add();
            retries += u32::from(budget.take());
        }
        assert!((2_000..=2_010).contains(&retries), "{retries}");
    }
}
