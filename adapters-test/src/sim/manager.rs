//! The manager: one Durable Object with a queue, a store and a census.

use fastrand::Rng;
use skewguard_domain::{
    Applied, Breaker, Briefing, Census, Command, Epoch, Event, Ledger, Pop, Rejection, Sighting,
    Timestamp,
};

use super::agenda::Millis;
use super::build::reading;
use super::scenario::{Capacity, Store};

/// How long it takes the object to answer one request, in ms: about 1,000 requests/s.
pub(crate) const SERVICE: Millis = 1;

/// A request that would have to queue for longer is turned away.
pub(crate) const LONGEST_QUEUE: Millis = 10_000;

/// Where less room is left than this, in ms, some requests are turned away already.
const NEARLY_FULL: Millis = 500;

/// How often a change is decided anew that another one came before.
pub(crate) const TRIES: u32 = 3;

/// A change that was stored, as the audit trail has it.
pub(crate) struct Audited {
    pub(crate) epoch: Epoch,
    pub(crate) at: Timestamp,
    pub(crate) events: Vec<Event>,
}

/// The object in its present life, and what it has stored in all of them.
pub(crate) struct Manager {
    pub(crate) ledger: Ledger,
    pub(crate) audit: Vec<Audited>,
    store: Store,
    capacity: Capacity,
    pub(crate) census: Census,
    pub(crate) life: u32,
    /// How far its clock is ahead.
    pub(crate) offset: Millis,
    /// Until when the next life has not begun.
    pub(crate) down_until: Millis,
    busy_until: Millis,
}

impl Manager {
    pub(crate) fn new(store: Store, capacity: Capacity) -> Self {
        Self {
            ledger: Ledger::default(),
            audit: Vec::new(),
            store,
            capacity,
            census: Census::new(reading(0, 0)),
            life: 0,
            offset: 0,
            down_until: 0,
            busy_until: 0,
        }
    }

    pub(crate) fn clock(&self, now: Millis) -> Timestamp {
        reading(now, self.offset)
    }

    /// When a request that arrives at `now` is served; `None` if it is turned away. Where the queue
    /// is nearly full, it is chance who gets in.
    pub(crate) fn queue(&mut self, now: Millis, chance: &mut Rng) -> Option<Millis> {
        let room = LONGEST_QUEUE - (self.busy_until - now);
        if now < self.down_until || room < chance.i64(0..NEARLY_FULL) {
            return None;
        }
        if self.capacity == Capacity::Unlimited {
            return Some(now + SERVICE);
        }
        self.busy_until = self.busy_until.max(now) + SERVICE;
        Some(self.busy_until)
    }

    /// Ends this life. The next one remembers what was stored.
    pub(crate) fn restart(&mut self, now: Millis, takes: Millis, offset: Millis) {
        self.life += 1;
        self.offset = offset;
        self.down_until = now + takes;
        self.busy_until = self.down_until;
        self.census = Census::new(self.clock(self.down_until));
    }

    /// Hears where what runs, and tells guards in `pop` what is the case.
    pub(crate) fn brief(&mut self, pop: Pop, sightings: &[Sighting], now: Millis) -> Briefing {
        let clock = self.clock(now);
        for sighting in sightings {
            self.census.observe(&self.ledger, pop, sighting, clock);
        }
        self.ledger.briefing(clock, |worker| -> Breaker {
            self.census.breaker(&self.ledger, worker, pop, clock)
        })
    }

    pub(crate) fn decide(&self, command: &Command, now: Millis) -> Result<Applied, Rejection> {
        self.ledger.apply(command, self.clock(now))
    }

    /// Stores a change that was decided from `from`; says whether it did.
    pub(crate) fn commit(&mut self, from: Epoch, change: &Applied) -> bool {
        match self.store {
            Store::ComparesEpochs if self.ledger.epoch() != from => return false,
            Store::ComparesEpochs => {
                self.ledger = self.ledger.replay(&change.events, change.at);
            }
            Store::LastWriterWins => self.ledger = change.ledger.clone(),
        }
        if !change.events.is_empty() {
            let (epoch, at) = (change.ledger.epoch(), change.at);
            self.audit.push(Audited { epoch, at, events: change.events.clone() });
        }
        true
    }
}
