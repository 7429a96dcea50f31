//! Every Worker's bundles, and where they run.

use std::collections::BTreeSet;

use serde::Serialize;
use skewguard_domain::{
    Breaker, BundleId, Census, Ledger, Place, Pop, Retired, Timestamp, WorkerName,
};

use super::answer::{BundleAnswer, millis};
use super::named::Named;
use super::release_answer::ReleaseAnswer;

/// Every Worker's bundles, and where they run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusAnswer {
    epoch: u64,
    max_age_ms: u64,
    manager: ManagerAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_release: Option<ReleaseAnswer>,
    workers: Named<WorkerAnswer>,
}

/// The manager's own bundle: a busy Durable Object can go on with its old code for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ManagerAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
    version: &'static str,
    /// Since when sightings are counted.
    started_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct WorkerAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<BundleAnswer>,
    /// Last retired first.
    retired: Vec<RetiredAnswer>,
    /// By PoP.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pops: Named<PlaceAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RetiredAnswer {
    #[serde(flatten)]
    bundle: BundleAnswer,
    retirement: &'static str,
    retired_at: String,
}

/// What is known of a Worker in a PoP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlaceAnswer {
    breaker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_since: Option<String>,
    bundles: Vec<SeenAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenAnswer {
    bundle: String,
    first_seen: String,
    last_seen: String,
    silent_ms: u64,
    sightings: u64,
    refused: u32,
    failed_open: u32,
    breaker_open: u32,
}

impl StatusAnswer {
    /// The status at `now`, told by a manager that runs as `bundle`.
    #[must_use]
    pub fn of(ledger: &Ledger, census: &Census, bundle: Option<BundleId>, now: Timestamp) -> Self {
        let mut names = BTreeSet::new();
        names.extend(ledger.workers().keys().chain(census.workers()));
        let workers = names
            .into_iter()
            .map(|name| (name.to_string(), WorkerAnswer::of(name, ledger, census, now)));
        Self {
            epoch: ledger.epoch().get(),
            max_age_ms: millis(ledger.lease().max_age.get()),
            manager: ManagerAnswer {
                bundle: bundle.map(|bundle| bundle.to_string()),
                version: env!("CARGO_PKG_VERSION"),
                started_at: census.started_at().to_string(),
            },
            open_release: ledger
                .open_release(now)
                .map(|release| ReleaseAnswer::new(release, ledger, now)),
            workers: workers.collect(),
        }
    }
}

impl WorkerAnswer {
    fn of(worker: &WorkerName, ledger: &Ledger, census: &Census, now: Timestamp) -> Self {
        let history = ledger.workers().get(worker);
        let steady = ledger.steady(now);
        let retired = history.map(|history| history.retired(steady)).unwrap_or_default();
        let current = history.and_then(|history| history.current(steady));
        let pops = census.places(worker).map(|(pop, place)| {
            let breaker = census.breaker(ledger, worker, pop, now);
            (Pop::to_string(&pop), PlaceAnswer::of(place, breaker, now))
        });
        Self {
            current: current.map(|takeover| BundleAnswer::from(&takeover.record)),
            retired: retired.iter().rev().map(RetiredAnswer::from).collect(),
            pops: pops.collect(),
        }
    }
}

impl From<&Retired> for RetiredAnswer {
    fn from(retired: &Retired) -> Self {
        Self {
            bundle: BundleAnswer::from(&retired.record),
            retirement: retired.retirement.as_str(),
            retired_at: retired.since.to_string(),
        }
    }
}

impl PlaceAnswer {
    fn of(place: &Place, breaker: Breaker, now: Timestamp) -> Self {
        let bundles = place.bundles().iter().map(|seen| SeenAnswer {
            bundle: seen.bundle.to_string(),
            first_seen: seen.first.to_string(),
            last_seen: seen.last.to_string(),
            silent_ms: millis(now.since(seen.last).unwrap_or_default()),
            sightings: seen.sightings,
            refused: seen.tally.refused,
            failed_open: seen.tally.failed_open,
            breaker_open: seen.tally.breaker_open,
        });
        Self {
            breaker: breaker.as_str(),
            open_since: place.open_since().map(|since| since.to_string()),
            bundles: bundles.collect(),
        }
    }
}
