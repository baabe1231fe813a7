//! What the benchmarks measure with: the CPU time of the thread, which other programs do not add to.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds that this thread has worked.
pub(crate) fn now() -> f64 {
    read(ClockId::ThreadCPUTime)
}

fn read(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Calls once and tells how many nanoseconds the threads of this process worked meanwhile, and what came out.
pub(crate) fn took<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let began = read(ClockId::ProcessCPUTime);
    let out = work();
    (read(ClockId::ProcessCPUTime) - began, out)
}

/// The median; of none, nothing.
pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A time for people, three digits of it: `56.3 ns`, `1.23 µs`.
pub(crate) fn shown(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match value {
        v if v < 10.0 => format!("{v:.2} {unit}"),
        v if v < 100.0 => format!("{v:.1} {unit}"),
        v => format!("{v:.0} {unit}"),
    }
}
