//! Where which bundle runs, as guards report it; and the breaker that follows from it.
//!
//! To refuse helps only if a retry can reach something better. The census watches each Worker in
//! each PoP for that. As long as bundles that serve are sighted there, or were within
//! [`EVIDENCE`], the fence stands. If there is none for so long, and at least [`ENOUGH`] sightings
//! were of bundles that are refused, then the PoP has nothing better: the breaker opens, and it
//! serves what it has. The first sighting of a bundle that serves closes it.
//!
//! The census is what the manager remembers, and not what it has decided: it is not stored. After
//! a restart guards that served by an open breaker say so, and it stays open.

#[cfg(feature = "mutants")]
mod inspection;

use core::time::Duration;
use std::collections::BTreeMap;

use crate::mutant::{Mutant, planted};
use crate::{Breaker, Bundle, BundleId, Ledger, Pop, Standing, Timestamp, WorkerName};

/// For how long the last sighting of a bundle that serves speaks against opening the breaker.
pub const EVIDENCE: Duration = Duration::from_secs(30);

/// How many sightings of refused bundles the breaker needs to open.
pub const ENOUGH: u32 = 5;

/// For how long a sighting is remembered for certain. A place that was silent for longer goes when
/// there is no room for another, and not before: its breaker may still be needed.
pub const MEMORY: Duration = Duration::from_secs(10 * 60);

/// How many places, each a Worker in a PoP, are remembered. The one that was silent longest goes.
pub const PLACES: usize = 50_000;

/// How many bundles are remembered in a place. The one that was silent longest goes.
pub const BUNDLES: usize = 8;

/// What a guard has done since it reported last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Requests that were refused, or would have been, in observe mode.
    pub refused: u32,
    /// Requests that were served although nothing fresh was known, because the manager failed.
    pub failed_open: u32,
    /// Requests of a bundle that is to be refused, served because the breaker was open.
    pub breaker_open: u32,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            refused: self.refused.saturating_add(other.refused),
            failed_open: self.failed_open.saturating_add(other.failed_open),
            breaker_open: self.breaker_open.saturating_add(other.breaker_open),
        }
    }
}

/// A guard's report: this bundle runs here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sighting {
    /// The guarded Worker.
    pub worker: WorkerName,
    /// The bundle.
    pub bundle: Bundle,
    /// Whether the guard takes the breaker of its Worker for open.
    pub breaker: Breaker,
    /// What it has done since its last report.
    pub tally: Tally,
    /// For how many reports it stands: more than one, where a PoP gathered them.
    pub reports: u32,
}

impl Sighting {
    /// Whether it is of the same bundle of the same Worker.
    #[must_use]
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        self.worker == other.worker && self.bundle.id == other.bundle.id
    }

    /// Adds `other`, a later one of the same.
    pub fn absorb(&mut self, other: &Self) {
        self.breaker = other.breaker;
        self.tally = self.tally.plus(other.tally);
        self.reports = self.reports.saturating_add(other.reports);
    }
}

/// A bundle, as it was sighted in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Which.
    pub bundle: BundleId,
    /// When it was sighted first.
    pub first: Timestamp,
    /// When it was sighted last.
    pub last: Timestamp,
    /// How often.
    pub sightings: u64,
    /// What its guards have done meanwhile.
    pub tally: Tally,
}

/// What is known of a Worker in a PoP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    bundles: Vec<Seen>,
    /// When a bundle that serves was sighted last.
    evidence_at: Option<Timestamp>,
    /// Sightings of refused bundles, and since which evidence they are counted.
    refused: u32,
    refused_since: Timestamp,
    open_since: Option<Timestamp>,
}

impl Place {
    /// The bundles that were sighted, in the order in which they were first.
    #[must_use]
    pub fn bundles(&self) -> &[Seen] {
        &self.bundles
    }

    /// Since when the breaker is open, if it is.
    #[must_use]
    pub fn open_since(&self) -> Option<Timestamp> {
        self.open_since
    }

    /// Whether the breaker is to open, where nothing that serves was sighted since then.
    fn is_due(&self, since: Timestamp, now: Timestamp) -> bool {
        let is_dark = now.since(since).is_some_and(|silence| silence >= EVIDENCE);
        is_dark && self.refused >= ENOUGH && !planted(Mutant::BreakerStuck)
    }

    /// When anything was sighted last.
    fn last(&self) -> Option<Timestamp> {
        self.bundles.iter().map(|seen| seen.last).max()
    }

    fn note(&mut self, sighting: &Sighting, now: Timestamp) {
        let bundle = sighting.bundle.id;
        let reports = u64::from(sighting.reports);
        match self.bundles.iter_mut().find(|seen| seen.bundle == bundle) {
            Some(seen) => {
                seen.last = now;
                seen.sightings = seen.sightings.saturating_add(reports);
                seen.tally = seen.tally.plus(sighting.tally);
            }
            None => {
                if self.bundles.len() >= BUNDLES {
                    let silent = self.bundles.iter().enumerate().min_by_key(|(_, seen)| seen.last);
                    if let Some((place, _)) = silent {
                        self.bundles.remove(place);
                    }
                }
                let tally = sighting.tally;
                self.bundles.push(Seen {
                    bundle,
                    first: now,
                    last: now,
                    sightings: reports,
                    tally,
                });
            }
        }
    }
}

/// All sightings of late, as many as there is room for: see [`MEMORY`] and [`PLACES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Census {
    started_at: Timestamp,
    places: BTreeMap<WorkerName, BTreeMap<Pop, Place>>,
}

impl Census {
    /// The census of a manager that started at `now` and has seen nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { started_at: now, places: BTreeMap::new() }
    }

    /// Since when it is kept.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// What is known of each PoP in which `worker` was sighted.
    pub fn places(&self, worker: &WorkerName) -> impl Iterator<Item = (Pop, &Place)> {
        self.places.get(worker).into_iter().flatten().map(|(pop, place)| (*pop, place))
    }

    /// Since when the breaker of `worker` is open in `pop`, as of the last sighting there.
    #[must_use]
    pub fn open_since(&self, worker: &WorkerName, pop: Pop) -> Option<Timestamp> {
        self.places.get(worker)?.get(&pop)?.open_since
    }

    /// Every Worker that was sighted.
    pub fn workers(&self) -> impl Iterator<Item = &WorkerName> {
        self.places.keys()
    }

    /// Takes note of a sighting in `pop` at `now`, and of what follows from it for the breaker.
    pub fn observe(&mut self, ledger: &Ledger, pop: Pop, sighting: &Sighting, now: Timestamp) {
        let standing = ledger.standings(&sighting.worker, ledger.steady(now)).of(sighting.bundle);
        let since = self.evidence(ledger, &sighting.worker, pop, now);
        let is_new = !self.places.get(&sighting.worker).is_some_and(|pops| pops.contains_key(&pop));
        if is_new {
            self.make_room(now);
        }
        let place = self.places.entry(sighting.worker.clone()).or_default();
        let place = place.entry(pop).or_insert_with(|| Place {
            bundles: Vec::new(),
            evidence_at: None,
            refused: 0,
            refused_since: since,
            open_since: None,
        });
        place.note(sighting, now);
        if place.refused_since < since {
            place.refused = 0;
            place.refused_since = since;
            place.open_since = None;
        }
        if standing == Standing::Serving {
            place.evidence_at = Some(now);
            place.refused = 0;
            place.refused_since = now;
            place.open_since = None;
        } else if !standing.serves() {
            place.refused = place.refused.saturating_add(sighting.reports);
            // Another life of this manager opened it, and nothing has closed it since.
            let adopted = sighting.breaker == Breaker::Open
                && place.evidence_at.is_none()
                && since <= self.started_at;
            if adopted || place.is_due(since, now) {
                place.open_since.get_or_insert(now);
            }
        }
    }

    /// Whether the breaker of `worker` is open in `pop` at `now`.
    #[must_use]
    pub fn breaker(
        &self,
        ledger: &Ledger,
        worker: &WorkerName,
        pop: Pop,
        now: Timestamp,
    ) -> Breaker {
        let Some(place) = self.places.get(worker).and_then(|pops| pops.get(&pop)) else {
            return Breaker::Closed;
        };
        let since = self.evidence(ledger, worker, pop, now);
        let counts = place.refused_since >= since;
        if counts && (place.open_since.is_some() || place.is_due(since, now)) {
            Breaker::Open
        } else {
            Breaker::Closed
        }
    }

    /// Since when there is no evidence of a bundle that serves: the last sighting of one, its
    /// takeover (whoever decided that has seen it run), or the beginning of this census.
    fn evidence(
        &self,
        ledger: &Ledger,
        worker: &WorkerName,
        pop: Pop,
        now: Timestamp,
    ) -> Timestamp {
        let place = self.places.get(worker).and_then(|pops| pops.get(&pop));
        let sighted = place.and_then(|place| place.evidence_at);
        let taken_over = ledger.serving_since(worker, now);
        sighted.into_iter().chain(taken_over).fold(self.started_at, Timestamp::max)
    }

    /// Forgets who was silent for long; and if that is not enough, who was silent longest.
    fn make_room(&mut self, now: Timestamp) {
        let count = |places: &BTreeMap<_, BTreeMap<Pop, Place>>| -> usize {
            places.values().map(BTreeMap::len).sum()
        };
        if count(&self.places) < PLACES {
            return;
        }
        for pops in self.places.values_mut() {
            pops.retain(|_, place| {
                place.last().and_then(|last| now.since(last)).is_none_or(|silent| silent < MEMORY)
            });
        }
        if count(&self.places) >= PLACES {
            let all = self.places.iter().flat_map(|(worker, pops)| {
                pops.iter().map(move |(pop, place)| (place.last(), worker.clone(), *pop))
            });
            if let Some((_, worker, pop)) = all.min()
                && let Some(pops) = self.places.get_mut(&worker)
            {
                pops.remove(&pop);
            }
        }
        self.places.retain(|_, pops| !pops.is_empty());
    }
}
