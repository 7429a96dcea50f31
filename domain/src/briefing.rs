//! What guards are told: the ledger, seen from one instant.

use std::collections::BTreeMap;

use core::time::Duration;

use crate::mutant::{Mutant, planted};
use crate::{
    BAND, Breaker, BundleId, DeployTime, Ledger, ManifestStep, MaxAge, Stage, Standings,
    Strictness, Style, Timestamp, VersionRecord, WorkerHistory, WorkerManifest, WorkerName,
};

/// What all guards of one PoP are told at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Briefing {
    /// For how long it may be believed.
    pub max_age: MaxAge,
    /// How exactly the age of a copy has to be taken: a [`BAND`] while a strict cutover is on its
    /// way, since a PoP's machines share copies and not clocks.
    pub age_tolerance: Duration,
    /// What is known of each Worker.
    pub workers: BTreeMap<WorkerName, WorkerManifest>,
}

impl Ledger {
    /// What guards are told at `now`. `breaker` says of each Worker whether its breaker is open
    /// where the question came from.
    #[must_use]
    pub fn briefing(
        &self,
        now: Timestamp,
        mut breaker: impl FnMut(&WorkerName) -> Breaker,
    ) -> Briefing {
        let now = self.steady(now);
        let named = self.releases().iter().flat_map(|release| release.bundles.keys());
        let mut workers = BTreeMap::new();
        for worker in self.workers().keys().chain(named) {
            if !workers.contains_key(worker)
                && let Some(manifest) = self.worker_manifest(worker, now, breaker(worker))
            {
                workers.insert(worker.clone(), manifest);
            }
        }
        Briefing { max_age: self.lease().max_age, age_tolerance: self.age_tolerance(now), workers }
    }

    /// What guards of `worker` are told at `now`; `None` if nothing is known that they could be
    /// measured against.
    #[must_use]
    pub fn worker_manifest(
        &self,
        worker: &WorkerName,
        now: Timestamp,
        breaker: Breaker,
    ) -> Option<WorkerManifest> {
        let now = self.steady(now);
        let takeovers = self.workers().get(worker).map(WorkerHistory::takeovers);
        let mut instants: Vec<_> = takeovers
            .unwrap_or_default()
            .iter()
            .flat_map(|takeover| [takeover.cutover.stop_at, takeover.cutover.start_at])
            .filter(|instant| *instant > now)
            .collect();
        instants.sort_unstable();
        instants.dedup();
        let then = instants.into_iter().map(|instant| ManifestStep {
            after: instant.since(now).unwrap_or_default(),
            standings: self.standings(worker, instant),
        });
        let manifest =
            WorkerManifest { now: self.standings(worker, now), then: then.collect(), breaker };
        let tells_nothing = manifest.now == Standings::default() && manifest.then.is_empty();
        (!tells_nothing).then_some(manifest)
    }

    /// How the bundles of `worker` stand at `instant`, as far as it was decided by now.
    #[must_use]
    pub fn standings(&self, worker: &WorkerName, instant: Timestamp) -> Standings {
        let mut lists = Lists::default();
        let mut newest: Option<DeployTime> = None;
        if let Some(history) = self.workers().get(worker) {
            let begun = history.begun(instant);
            let to_come = &history.takeovers()[begun.len()..];
            if let Some((latest, before)) = begun.split_last() {
                // What is forgotten is refused by its age alone, and so its own millisecond counts.
                let forgotten = history.forgotten().map(DeployTime::next);
                newest = Some(latest.record.deploy_time).max(forgotten);
                if latest.cutover.is_pending(instant) {
                    // In the band: the old has stopped, and the new has not started.
                    lists.held.push(latest.record);
                } else {
                    lists.serving.push(latest.record);
                }
                lists.retired.extend(before.iter().map(|takeover| takeover.record));
            }
            for takeover in to_come {
                match takeover.strictness {
                    Strictness::Relaxed => lists.announced.push(takeover.record),
                    Strictness::Strict => lists.held.push(takeover.record),
                }
            }
        }
        for release in self.releases() {
            let Some(record) = release.bundles.get(worker) else { continue };
            match (release.stage, release.style) {
                (Stage::Announced, Style::Strict) => lists.held.push(*record),
                (Stage::Announced, Style::Plain | Style::Canary) => lists.announced.push(*record),
                (Stage::Shared { .. }, _) => {
                    lists.serving.push(*record);
                    // Where nothing has ever taken over, a canary shares with what is unknown.
                    newest = newest.map(|newest| newest.max(record.deploy_time));
                }
                (Stage::Aborted { .. }, _) => lists.retired.push(*record),
                (Stage::Activated { .. }, _) => {}
            }
        }
        lists.sorted_out(newest)
    }

    /// Since when `worker` has been served by what serves it at `now`. Somebody has decided then
    /// that it runs.
    #[must_use]
    pub fn serving_since(&self, worker: &WorkerName, now: Timestamp) -> Option<Timestamp> {
        let now = self.steady(now);
        let current = self.workers().get(worker).and_then(|history| history.current(now));
        let shared = self.releases().iter().filter_map(|release| match release.stage {
            Stage::Shared { since } if release.bundles.contains_key(worker) => Some(since),
            _ => None,
        });
        current.map(|takeover| takeover.cutover.start_at).into_iter().chain(shared).max()
    }

    fn age_tolerance(&self, now: Timestamp) -> Duration {
        let open = self
            .releases()
            .iter()
            .any(|release| release.style == Style::Strict && release.is_open(now));
        let coming = self
            .workers()
            .values()
            .flat_map(WorkerHistory::takeovers)
            .any(|next| next.strictness == Strictness::Strict && next.cutover.is_pending(now));
        if open || coming { BAND } else { Duration::ZERO }
    }
}

/// The bundles of a Worker, each list as it was come by. A bundle may be in several.
#[derive(Default)]
struct Lists {
    serving: Vec<VersionRecord>,
    announced: Vec<VersionRecord>,
    held: Vec<VersionRecord>,
    retired: Vec<VersionRecord>,
}

impl Lists {
    /// Each bundle where it counts: the first list that has it. What is retired is named only
    /// where its age would not tell.
    fn sorted_out(mut self, newest: Option<DeployTime>) -> Standings {
        self.retired.retain(|record| newest.is_some_and(|newest| record.deploy_time >= newest));
        if planted(Mutant::ForgetsRollbacks) {
            self.retired.clear();
        }
        let mut placed = Vec::new();
        let mut place = |records: Vec<VersionRecord>| -> Vec<BundleId> {
            let mut here = Vec::new();
            for VersionRecord { bundle, .. } in records {
                if !placed.contains(&bundle) {
                    placed.push(bundle);
                    here.push(bundle);
                }
            }
            here
        };
        Standings {
            serving: place(self.serving),
            announced: place(self.announced),
            held: place(self.held),
            retired: place(self.retired),
            newest,
        }
    }
}
