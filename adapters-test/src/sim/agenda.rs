//! What is to happen, in its order.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

/// True time: milliseconds since the run began. No clock of the network shows it.
pub(crate) type Millis = i64;

/// Events by the time at which they happen; of those at the same time, the one that was planned
/// first comes first.
pub(crate) struct Agenda<E> {
    planned: BinaryHeap<Planned<E>>,
    count: u64,
}

struct Planned<E> {
    at: Millis,
    number: u64,
    event: E,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self { planned: BinaryHeap::new(), count: 0 }
    }

    pub(crate) fn plan(&mut self, at: Millis, event: E) {
        self.count += 1;
        self.planned.push(Planned { at, number: self.count, event });
    }

    pub(crate) fn next(&mut self) -> Option<(Millis, E)> {
        self.planned.pop().map(|planned| (planned.at, planned.event))
    }
}

impl<E> Planned<E> {
    fn rank(&self) -> (Millis, u64) {
        (self.at, self.number)
    }
}

// The heap gives the greatest first, so the earliest has to be the greatest.
impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Planned<E> {}
