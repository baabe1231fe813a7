//! Lengths of time, counted in buckets.

use std::time::Duration;

/// Eight buckets for each doubling, so that a quantile is at most an eighth too high.
pub(crate) const BUCKETS: usize = 8 * 38;

/// How many lengths of time fell into each of 304 buckets, so that a quantile is at most an eighth too high, up to about twelve days; longer
/// ones count as that. 2.4 KiB, however many there are.
///
/// ```
/// use std::time::Duration;
/// use tollgate_load::Histogram;
/// let mut took = Histogram::default();
/// (1..=100).for_each(|ms| took.add(Duration::from_millis(ms)));
/// let p99 = took.quantile(99).unwrap().as_millis();
/// assert!((99..=111).contains(&p99), "{p99}");
/// assert_eq!(Histogram::default().quantile(50), None);
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            buckets: Box::new([0; BUCKETS]),
            total: 0,
        }
    }
}

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, took: Duration) {
        self.add_many(bucket(took), 1);
    }

    /// Counts all that another one has counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, n) in other.buckets.iter().enumerate() {
            self.add_many(bucket, *n);
        }
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The least length of time that so many percent did not exceed, at most an eighth too high; `None` where nothing was counted.
    pub fn quantile(&self, percent: u64) -> Option<Duration> {
        let wanted = (u128::from(self.total) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        let found = self.buckets.iter().position(|n| {
            seen += u128::from(*n);
            seen >= wanted
        });
        let micros = found.filter(|_| self.total > 0).map(most)?;
        Some(Duration::from_micros(micros))
    }

    pub(crate) fn add_many(&mut self, bucket: usize, n: u64) {
        self.buckets[bucket] += n;
        self.total += n;
    }
}

/// The bucket of a length of time: by its highest bit and the three behind.
pub(crate) fn bucket(took: Duration) -> usize {
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
}
