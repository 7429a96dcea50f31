//! "Is my deploy everywhere yet?" What the census says of a release.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    Breaker, BundleId, Census, Ledger, Place, Pop, Release, ReleaseState, Timestamp, WorkerName,
};

/// For how long a sighting counts as being of now: some leases, so that a guard whose report was
/// lost, or that has little traffic, is not taken for gone.
pub const RECENT: Duration = Duration::from_secs(20);

/// Where a release has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convergence {
    /// What has become of the release.
    pub state: ReleaseState,
    /// Whether it is everywhere where anything was sighted of late, and somewhere for each Worker.
    pub converged: bool,
    /// The evidence, by Worker and PoP.
    pub workers: BTreeMap<WorkerName, BTreeMap<Pop, PlaceEvidence>>,
}

/// What was sighted in one PoP of late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceEvidence {
    /// What follows.
    pub progress: Progress,
    /// When the release's bundle was sighted last.
    pub release_seen: Option<Timestamp>,
    /// Other bundles of late, and when each was sighted last.
    pub others: Vec<(BundleId, Timestamp)>,
    /// Whether the breaker is open.
    pub breaker: Breaker,
}

/// How far a PoP has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Only the release's bundle is sighted.
    Turned,
    /// Others are sighted as well.
    Turning,
    /// Only others are sighted.
    Behind,
    /// Nothing was sighted of late, so nothing is known.
    Silent,
}

impl Progress {
    /// The stable name by which it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Turned => "turned",
            Self::Turning => "turning",
            Self::Behind => "behind",
            Self::Silent => "silent",
        }
    }
}

impl Convergence {
    /// How far `release` has come at `now`.
    #[must_use]
    pub fn of(release: &Release, ledger: &Ledger, census: &Census, now: Timestamp) -> Self {
        let state = ledger.state_of(release, now);
        let mut workers = BTreeMap::new();
        for (worker, record) in &release.bundles {
            let mut pops = BTreeMap::new();
            for (pop, place) in census.places(worker) {
                let breaker = census.breaker(ledger, worker, pop, now);
                pops.insert(pop, PlaceEvidence::of(place, record.bundle, breaker, now));
            }
            workers.insert(worker.clone(), pops);
        }
        let is_everywhere = |pops: &BTreeMap<Pop, PlaceEvidence>| {
            let of = |progress| pops.values().filter(move |place| place.progress == progress);
            of(Progress::Turned).count() > 0
                && of(Progress::Turning).count() == 0
                && of(Progress::Behind).count() == 0
        };
        let converged = state == ReleaseState::Active && workers.values().all(is_everywhere);
        Self { state, converged, workers }
    }
}

impl PlaceEvidence {
    fn of(place: &Place, bundle: BundleId, breaker: Breaker, now: Timestamp) -> Self {
        let recent = |last: Timestamp| now.since(last).is_none_or(|silent| silent < RECENT);
        let own = place.bundles().iter().find(|seen| seen.bundle == bundle);
        let others = place.bundles().iter();
        let others = others.filter(|seen| seen.bundle != bundle && recent(seen.last));
        let others: Vec<_> = others.map(|seen| (seen.bundle, seen.last)).collect();
        let progress = match (own.is_some_and(|own| recent(own.last)), others.len()) {
            (true, 0) => Progress::Turned,
            (true, _) => Progress::Turning,
            (false, 0) => Progress::Silent,
            (false, _) => Progress::Behind,
        };
        Self { progress, release_seen: own.map(|own| own.last), others, breaker }
    }
}
