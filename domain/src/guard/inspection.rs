//! What the model checker has to see and to set in a guard; nothing of it is in a Worker.

use core::hash::{Hash, Hasher};

use super::GuardCore;
use crate::{Tally, Timestamp};

impl GuardCore {
    /// Draws all jitter from `seed` from now on.
    pub fn reseed(&mut self, seed: u64) {
        self.rng.seed(seed);
    }

    /// What it has done and nobody has heard of yet, as far as it knows.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let told = self.manager.flight.into_iter().chain(self.unheard);
        told.fold(self.tally, |tally, flight| tally.plus(flight.tally))
    }

    /// When the first request came. It decides which copies the guard may go by.
    #[must_use]
    pub fn began_at(&self) -> Option<Timestamp> {
        self.began_at
    }

    /// Tells `hasher` all else that decides what the guard does from `now` on, by its clock.
    ///
    /// What it only counts is left out, and what time has overtaken. So is the number of failures
    /// in a row, on which only the length of pauses depends; and the last reading of the clock,
    /// because in the model readings are equal or a tick apart.
    pub fn fingerprint(&self, now: Timestamp, hasher: &mut impl Hasher) {
        let held = self.belief.as_ref().filter(|belief| belief.holds(now, belief.useless_at));
        let held = held.map(|belief| {
            let ends = (belief.refresh_at, belief.expires_at, belief.useless_at);
            (&belief.outlook, belief.age, belief.flight.asked_at, belief.answered_at, ends)
        });
        let flight = self.manager.flight.map(|flight| (flight.asked_at, flight.breaker));
        let trouble = self.manager.trouble.map(|trouble| trouble.ask_again_at);
        (held, flight, trouble).hash(hasher);
    }
}
