//! What is answered about releases.

use std::collections::BTreeMap;

use serde::Serialize;
use skewguard_domain::{
    Convergence, Cutover, Ledger, PlaceEvidence, Progress, Release, Stage, Style, Timestamp,
};

use super::answer::{BundleAnswer, millis};
use super::named::Named;

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseAnswer {
    id: String,
    state: &'static str,
    strict: bool,
    share: bool,
    announced_at: String,
    age_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cutover: Option<CutoverAnswer>,
    workers: Named<BundleAnswer>,
    epoch: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct CutoverAnswer {
    /// When the old bundles stop.
    stops_at: String,
    /// When the new ones start.
    starts_at: String,
    /// How long until then, in ms; 0 if it is past.
    complete_in_ms: u64,
}

impl CutoverAnswer {
    fn new(cutover: Cutover, now: Timestamp) -> Self {
        Self {
            stops_at: cutover.stop_at.to_string(),
            starts_at: cutover.start_at.to_string(),
            complete_in_ms: millis(cutover.start_at.since(now).unwrap_or_default()),
        }
    }
}

impl ReleaseAnswer {
    /// What is known of `release` at `now`.
    #[must_use]
    pub fn new(release: &Release, ledger: &Ledger, now: Timestamp) -> Self {
        let now = ledger.steady(now);
        let workers = release.bundles.iter();
        Self {
            id: release.id.to_string(),
            state: ledger.state_of(release, now).as_str(),
            strict: release.style == Style::Strict,
            share: release.style == Style::Canary,
            announced_at: release.announced_at.to_string(),
            age_ms: millis(now.since(release.announced_at).unwrap_or_default()),
            cutover: match release.stage {
                Stage::Activated { cutover, .. } => Some(CutoverAnswer::new(cutover, now)),
                Stage::Announced | Stage::Shared { .. } | Stage::Aborted { .. } => None,
            },
            workers: workers.map(|(worker, record)| (worker.to_string(), record.into())).collect(),
            epoch: ledger.epoch().get(),
        }
    }
}

/// All releases that are remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasesAnswer {
    epoch: u64,
    /// Last announced first.
    releases: Vec<ReleaseAnswer>,
}

impl ReleasesAnswer {
    /// All that the ledger knows at `now`.
    #[must_use]
    pub fn of(ledger: &Ledger, now: Timestamp) -> Self {
        let releases = ledger.releases().iter().rev();
        let releases = releases.map(|release| ReleaseAnswer::new(release, ledger, now));
        Self { epoch: ledger.epoch().get(), releases: releases.collect() }
    }
}

/// Whether a release is everywhere, and the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvergenceAnswer {
    release: String,
    state: &'static str,
    converged: bool,
    /// For how long a sighting counts as being of now, in ms.
    window_ms: u64,
    /// Of all PoPs and Workers: how many there are in each state.
    places: PlacesAnswer,
    workers: Named<Named<EvidenceAnswer>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct PlacesAnswer {
    turned: usize,
    turning: usize,
    behind: usize,
    silent: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct EvidenceAnswer {
    progress: &'static str,
    breaker: &'static str,
    /// How long ago the release's bundle was sighted, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_seen_ms: Option<u64>,
    /// The others, and how long ago each was sighted, in ms.
    #[serde(skip_serializing_if = "Named::is_empty")]
    others_seen_ms: Named<u64>,
}

impl ConvergenceAnswer {
    /// What `convergence` says of `release` at `now`.
    #[must_use]
    pub fn new(release: &Release, convergence: &Convergence, now: Timestamp) -> Self {
        let mut places = PlacesAnswer::default();
        for place in convergence.workers.values().flat_map(BTreeMap::values) {
            match place.progress {
                Progress::Turned => places.turned += 1,
                Progress::Turning => places.turning += 1,
                Progress::Behind => places.behind += 1,
                Progress::Silent => places.silent += 1,
            }
        }
        let workers = convergence.workers.iter().map(|(worker, pops)| {
            let pops = pops.iter().map(|(pop, place)| (pop.to_string(), evidence(place, now)));
            (worker.to_string(), pops.collect())
        });
        Self {
            release: release.id.to_string(),
            state: convergence.state.as_str(),
            converged: convergence.converged,
            window_ms: millis(skewguard_domain::RECENT),
            places,
            workers: workers.collect(),
        }
    }
}

fn evidence(place: &PlaceEvidence, now: Timestamp) -> EvidenceAnswer {
    let ago = |seen: Timestamp| millis(now.since(seen).unwrap_or_default());
    let others = place.others.iter().map(|(bundle, seen)| (bundle.to_string(), ago(*seen)));
    EvidenceAnswer {
        progress: place.progress.as_str(),
        breaker: place.breaker.as_str(),
        release_seen_ms: place.release_seen.map(ago),
        others_seen_ms: others.collect(),
    }
}
