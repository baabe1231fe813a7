//! What happened over time, in a bounded number of bins.

use std::time::Duration;

use tollgate_load::{Histogram, Load, WINDOW};

/// The most bins; with more, each two become one of twice the width.
const MOST: usize = 240;

/// What happened, bin by bin.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    classes: usize,
    /// Microseconds of a bin.
    pub(crate) width: u64,
    pub(crate) bins: Vec<Bin>,
}

/// What happened in one stretch of time.
#[derive(Clone, Debug)]
pub(crate) struct Bin {
    /// By class.
    pub(crate) admitted: Vec<u64>,
    pub(crate) shed: Vec<u64>,
    /// Admitted, and without a response: timed out, or no room.
    pub(crate) failed: Vec<u64>,
    /// How long admitted requests took that finished.
    pub(crate) took: Histogram,
    /// Sums of what was measured at the end of each window, in billionths, and how many windows there were.
    busy: i64,
    workers: i64,
    errors: i64,
    windows: i64,
}

/// A line of the load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line {
    Busy,
    Workers,
    Errors,
}

impl Series {
    pub(crate) fn new(classes: usize) -> Series {
        Series {
            classes,
            width: WINDOW.as_micros() as u64,
            bins: Vec::new(),
        }
    }

    /// The bin of a time.
    pub(crate) fn at(&mut self, now: u64) -> &mut Bin {
        while now / self.width >= MOST as u64 {
            self.halve();
        }
        let at = (now / self.width) as usize;
        while self.bins.len() <= at {
            self.bins.push(Bin::new(self.classes));
        }
        &mut self.bins[at]
    }

    /// When it ends.
    pub(crate) fn span(&self) -> Duration {
        Duration::from_micros(self.width * self.bins.len() as u64)
    }

    fn halve(&mut self) {
        self.width *= 2;
        let mut halves = std::mem::take(&mut self.bins).into_iter();
        while let Some(mut bin) = halves.next() {
            if let Some(next) = halves.next() {
                bin.merge(&next);
            }
            self.bins.push(bin);
        }
    }
}

impl Bin {
    fn new(classes: usize) -> Bin {
        Bin {
            admitted: vec![0; classes],
            shed: vec![0; classes],
            failed: vec![0; classes],
            took: Histogram::default(),
            busy: 0,
            workers: 0,
            errors: 0,
            windows: 0,
        }
    }

    pub(crate) fn measured(&mut self, load: &Load) {
        self.busy += load.busy;
        self.workers += load.workers;
        self.errors += load.errors;
        self.windows += 1;
    }

    /// A line of the load, as a share; `None` where no window ended.
    pub(crate) fn share(&self, line: Line) -> Option<f64> {
        let sum = match line {
            Line::Busy => self.busy,
            Line::Workers => self.workers,
            Line::Errors => self.errors,
        };
        (self.windows > 0).then(|| sum as f64 / self.windows as f64 / 1e9)
    }

    fn merge(&mut self, other: &Bin) {
        let sums = [
            (&mut self.admitted, &other.admitted),
            (&mut self.shed, &other.shed),
            (&mut self.failed, &other.failed),
        ];
        for (into, from) in sums {
            for (into, from) in into.iter_mut().zip(from) {
                *into += from;
            }
        }
        self.took.merge(&other.took);
        self.busy += other.busy;
        self.workers += other.workers;
        self.errors += other.errors;
        self.windows += other.windows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_become_wider_and_lose_nothing() {
        let mut series = Series::new(2);
        for second in 0..100_000 {
            series.at(second * 1_000_000).admitted[1] += 1;
            assert!(series.bins.len() <= MOST);
        }
        let all: u64 = series.bins.iter().map(|bin| bin.admitted[1]).sum();
        assert_eq!((all, series.width), (100_000, 512_000_000));
        assert_eq!(series.bins[7].admitted, [0, 512]);
    }
}
