//! Who serves what is admitted: workers, each with one request at a time, and a queue before them.

use std::collections::{HashSet, VecDeque};

/// Workers and their queue. Requests are numbers; times are microseconds since the simulation began, and never go back.
#[derive(Debug)]
pub(crate) struct Fleet {
    workers: u32,
    /// Workers that have a request.
    busy: u32,
    /// How many may wait.
    room: usize,
    /// First in, first out. Some have left since.
    queue: VecDeque<u64>,
    left: HashSet<u64>,
    /// Microseconds that workers were at work, up to `since`.
    worked: u128,
    since: u64,
}

/// What became of a request that was offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offered {
    /// A worker has it.
    Begun,
    /// It stands in the queue.
    Waits,
    /// The queue is full.
    NoRoom,
}

impl Fleet {
    pub(crate) fn new(workers: u32, room: u32) -> Fleet {
        Fleet {
            workers,
            busy: 0,
            room: room as usize,
            queue: VecDeque::new(),
            left: HashSet::new(),
            worked: 0,
            since: 0,
        }
    }

    pub(crate) fn offer(&mut self, request: u64, now: u64) -> Offered {
        if self.busy < self.workers {
            self.pass(now);
            self.busy += 1;
            return Offered::Begun;
        }
        if self.waiting() >= self.room {
            return Offered::NoRoom;
        }
        self.queue.push_back(request);
        Offered::Waits
    }

    /// A request that waits does no longer.
    pub(crate) fn leave(&mut self, request: u64) {
        self.left.insert(request);
        // So that the queue does not grow with those that have left.
        if self.left.len() > self.room {
            self.queue.retain(|waiting| !self.left.contains(waiting));
            self.left.clear();
        }
    }

    /// A worker has ended its request: the one that it begins, if one waits.
    pub(crate) fn ended(&mut self, now: u64) -> Option<u64> {
        while let Some(next) = self.queue.pop_front() {
            if !self.left.remove(&next) {
                return Some(next);
            }
        }
        self.pass(now);
        self.busy -= 1;
        None
    }

    /// The share of the time since it was asked last in which workers were at work, in billionths.
    pub(crate) fn share(&mut self, now: u64, since: u64) -> i64 {
        self.pass(now);
        let could = u128::from(now - since) * u128::from(self.workers);
        let worked = std::mem::take(&mut self.worked);
        // At most 1,000,000 workers and a window: this fits.
        (worked * 1_000_000_000).checked_div(could).unwrap_or(0) as i64
    }

    fn waiting(&self) -> usize {
        self.queue.len() - self.left.len()
    }

    fn pass(&mut self, now: u64) {
        self.worked += u128::from(now - self.since) * u128::from(self.busy);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_first_in_first_out_and_bounded() {
        let mut fleet = Fleet::new(1, 2);
        assert_eq!(fleet.offer(1, 0), Offered::Begun);
        assert_eq!(fleet.offer(2, 0), Offered::Waits);
        assert_eq!(fleet.offer(3, 0), Offered::Waits);
        assert_eq!(fleet.offer(4, 0), Offered::NoRoom);
        fleet.leave(2);
        assert_eq!(fleet.offer(5, 1), Offered::Waits);
        assert_eq!(fleet.offer(6, 1), Offered::NoRoom);
        assert_eq!(fleet.ended(10), Some(3));
        assert_eq!(fleet.ended(20), Some(5));
        assert_eq!(fleet.ended(30), None);
        assert_eq!(fleet.share(60, 0), 500_000_000);
        assert_eq!(fleet.offer(7, 60), Offered::Begun);
        assert_eq!(fleet.share(70, 60), 1_000_000_000);
    }

    #[test]
    fn those_who_left_take_no_room() {
        let mut fleet = Fleet::new(1, 3);
        assert_eq!(fleet.offer(0, 0), Offered::Begun);
        for request in 1..1_000 {
            assert_eq!(fleet.offer(request, request), Offered::Waits);
            fleet.leave(request);
            assert!(fleet.queue.len() <= 4, "{}", fleet.queue.len());
        }
        assert_eq!(fleet.ended(1_000), None);
    }
}
