//! An isolate: one bundle, its guard, and the requests that wait in it.

use core::time::Duration;

use skewguard_domain::{Flight, GuardCore, RequestLine, Step, Timestamp};

use super::agenda::Millis;
use super::build::{BuildId, reading};
use super::equality::EqualityGuard;
use super::flow::Request;

/// One isolate of a Worker, as it is now. When it ends, another takes its place.
pub(crate) struct Isolate {
    pub(crate) pop: usize,
    pub(crate) worker: usize,
    pub(crate) build: BuildId,
    /// How many were in its place before. What is on its way to one of those is lost.
    pub(crate) life: u32,
    /// How far its clock is ahead.
    pub(crate) offset: Millis,
    pub(crate) ends_at: Millis,
    pub(crate) guard: Guard,
}

pub(crate) enum Guard {
    Skewguard(Box<Fence>),
    Equality(EqualityGuard),
}

/// A guard of Skewguard's, and what the simulator knows about it.
pub(crate) struct Fence {
    pub(crate) core: GuardCore,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) waited: u32,
    pub(crate) held: Option<Held>,
    /// The flight that has neither landed nor been given up.
    pub(crate) under_way: Option<Flight>,
    /// The last decision that was told.
    pub(crate) told: &'static str,
}

/// A request that waits for a flight.
pub(crate) struct Waiting {
    pub(crate) number: u32,
    pub(crate) request: Request,
    pub(crate) flight: Flight,
}

/// What the guard should believe, as far as it is seen from outside; with the truth about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// When it was made, in truth.
    pub(crate) made_at: Millis,
    /// The earliest that it can have been made, by the guard's clock.
    pub(crate) taken_for: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) useless_at: Timestamp,
    /// How exactly the guard knows when it was made.
    pub(crate) known_to: Millis,
    /// How far the guard's clock is from the one by which the copy was stamped.
    pub(crate) skew: Millis,
}

impl Isolate {
    pub(crate) fn clock(&self, now: Millis) -> Timestamp {
        reading(now, self.offset)
    }
}

impl Fence {
    /// What the guard does about a request.
    pub(crate) fn asked_for(&mut self, line: RequestLine<'_>, now: Timestamp) -> Step {
        self.notices(now);
        let step = self.core.on_request(line, now);
        if let Step::Refresh(_, flight) | Step::Fetch(flight) = step {
            self.under_way = Some(flight);
        }
        step
    }

    /// A request has come: a flight that is late has failed.
    pub(crate) fn notices(&mut self, now: Timestamp) {
        self.under_way = self.under_way.filter(|flight| now < flight.deadline());
    }

    /// Takes note of what the guard was told, by the same rule by which it should.
    pub(crate) fn learns(&mut self, flight: Flight, told: Held, now: Timestamp) {
        let is_under_way = self.under_way.take_if(|other| *other == flight).is_some();
        if now >= told.expires_at {
            return;
        }
        let keeps = self.held.is_some_and(|held| {
            let counts_until = if is_under_way { held.expires_at } else { held.useless_at };
            held.taken_for > told.taken_for && now < counts_until
        });
        if !keeps {
            self.held = Some(told);
        }
    }

    /// What it should decide by at `now`, and whether that is fresh.
    pub(crate) fn belief(&self, now: Timestamp) -> Option<(Held, Freshness)> {
        let held = self.held.filter(|held| now < held.useless_at)?;
        let is_fresh = now < held.expires_at;
        Some((held, if is_fresh { Freshness::Fresh } else { Freshness::StaleIfError }))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    StaleIfError,
}

/// When a request that arrived at `arrived` looks next whether its flight has landed: after 1, 2,
/// 4 and then every 8 ms.
pub(crate) fn next_look(arrived: Millis, now: Millis) -> Millis {
    let (mut look, mut pause) = (arrived + 1, 2);
    while look < now {
        look += pause;
        pause = (pause * 2).min(8);
    }
    look
}

pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).expect("a short time")
}
