//! Where nothing that serves was sighted of late, told independently of the census.

use super::agenda::Millis;
use super::build::BuildId;
use super::promises::PATIENCE;
use super::truth::{Stands, Truth};

/// Every Worker in every PoP.
pub(crate) struct Darkness {
    places: Vec<Watched>,
    pops: usize,
    /// Since when the manager remembers.
    life_began: Millis,
}

#[derive(Clone, Copy)]
struct Watched {
    /// When a bundle that serves was reported last.
    serving_seen: Millis,
    /// Reports of bundles that are refused, since when they are counted, and when there were
    /// enough.
    refused: u32,
    counted_since: Millis,
    enough_at: Option<Millis>,
}

impl Darkness {
    pub(crate) fn new(workers: usize, pops: usize) -> Self {
        let unseen =
            Watched { serving_seen: -1_000_000, refused: 0, counted_since: 0, enough_at: None };
        Self { places: vec![unseen; workers * pops], pops, life_began: 0 }
    }

    /// A manager that begins a new life has forgotten every report.
    pub(crate) fn manager_began(&mut self, now: Millis) {
        self.life_began = now;
        for place in &mut self.places {
            (place.refused, place.enough_at) = (0, None);
        }
    }

    /// A report has reached the manager.
    pub(crate) fn reported(
        &mut self,
        (worker, pop): (usize, usize),
        build: BuildId,
        reports: u32,
        now: Millis,
        truth: &Truth,
    ) {
        let evidence = self.evidence(worker, pop, truth);
        let place = &mut self.places[worker * self.pops + pop];
        if place.counted_since < evidence {
            *place = Watched { refused: 0, counted_since: evidence, enough_at: None, ..*place };
        }
        let stands = truth.phase(build).stands;
        if stands == Stands::Serving {
            *place = Watched { serving_seen: now, refused: 0, counted_since: now, enough_at: None };
        } else if !stands.may_serve() {
            place.refused = place.refused.saturating_add(reports);
            if place.refused >= PATIENCE.1 {
                place.enough_at.get_or_insert(now);
            }
        }
    }

    /// Since when the breaker should be open, if it should.
    pub(crate) fn due_at(&self, worker: usize, pop: usize, truth: &Truth) -> Option<Millis> {
        let evidence = self.evidence(worker, pop, truth);
        let place = &self.places[worker * self.pops + pop];
        let enough_at = place.enough_at.filter(|_| place.counted_since >= evidence)?;
        Some(enough_at.max(evidence + PATIENCE.0))
    }

    /// Since when the breaker should be closed, if it should. What it was in an earlier life of
    /// the manager is hearsay, and holds until something that serves is seen.
    pub(crate) fn lit_since(&self, worker: usize, pop: usize, truth: &Truth) -> Option<Millis> {
        let evidence = self.evidence(worker, pop, truth);
        let is_hearsay = self.life_began > 0 && evidence == self.life_began;
        (!is_hearsay && self.due_at(worker, pop, truth).is_none()).then_some(evidence)
    }

    fn evidence(&self, worker: usize, pop: usize, truth: &Truth) -> Millis {
        let place = &self.places[worker * self.pops + pop];
        place.serving_seen.max(truth.serving_since(worker)).max(self.life_began)
    }
}
