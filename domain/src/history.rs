//! What has served a Worker, and what is to: its takeovers, one after the other.

use crate::{
    BundleId, Cutover, DeployTime, Epoch, Strictness, Timestamp, VersionRecord, WorkerName,
};

/// How many takeovers of a Worker are kept.
pub const HISTORY_LIMIT: usize = 100;

/// How many cutovers of a Worker may be to come at the same time: a release, and the changes of
/// mind that follow it within a lease.
pub const PENDING_LIMIT: usize = 4;

/// Why a bundle does not serve any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retirement {
    /// A newer bundle took over.
    Superseded,
    /// An older bundle took over.
    RolledBack,
    /// Its release was given up.
    Aborted,
}

impl Retirement {
    /// The stable name by which it is sent and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled_back",
            Self::Aborted => "aborted",
        }
    }
}

/// A bundle takes over its Worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Takeover {
    /// The bundle that serves from then on.
    pub record: VersionRecord,
    /// When, by the manager's clock.
    pub cutover: Cutover,
    /// Whether it may serve together with the one before.
    pub strictness: Strictness,
    /// What becomes of the one before, if there is one.
    pub retirement: Retirement,
    /// The epoch in which it was decided.
    pub epoch: Epoch,
}

/// A bundle that does not serve any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retired {
    /// What was known of it when it served.
    pub record: VersionRecord,
    /// Why it does not.
    pub retirement: Retirement,
    /// Since when, by the manager's clock.
    pub since: Timestamp,
}

/// The takeovers of one Worker, in their order; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkerHistory {
    takeovers: Vec<Takeover>,
    forgotten: Option<DeployTime>,
}

impl WorkerHistory {
    /// The history with these takeovers, as storage kept them; `None` if there are none, or if one
    /// begins before the one before it has ended. `forgotten` is the latest deploy time of all
    /// bundles that were dropped from it.
    #[must_use]
    pub fn new(takeovers: Vec<Takeover>, forgotten: Option<DeployTime>) -> Option<Self> {
        let in_order = takeovers.windows(2).all(|pair| {
            pair[0].epoch < pair[1].epoch && pair[0].cutover.start_at <= pair[1].cutover.stop_at
        });
        (in_order && !takeovers.is_empty()).then_some(Self { takeovers, forgotten })
    }

    /// All takeovers that are remembered, the one to come last at the end.
    #[must_use]
    pub fn takeovers(&self) -> &[Takeover] {
        &self.takeovers
    }

    /// The latest deploy time of all bundles that are not remembered any more.
    #[must_use]
    pub fn forgotten(&self) -> Option<DeployTime> {
        self.forgotten
    }

    /// The takeover that was decided last, be it past or to come.
    #[must_use]
    pub fn latest(&self) -> &Takeover {
        self.takeovers.last().expect("a history has at least one takeover")
    }

    /// The takeover that counts at `now`: the last one whose cutover has begun.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> Option<&Takeover> {
        self.begun(now).last()
    }

    /// What does not serve any more at `now`, last retired last.
    #[must_use]
    pub fn retired(&self, now: Timestamp) -> Vec<Retired> {
        let begun = self.begun(now);
        let Some(current) = begun.last() else { return Vec::new() };
        let left = begun.iter().zip(begun.iter().skip(1)).enumerate();
        let left = left.filter(|(place, (old, _))| {
            // Of a bundle that served twice, the last time counts.
            let again = begun.iter().skip(place + 1);
            old.record.bundle != current.record.bundle
                && again.into_iter().all(|later| later.record.bundle != old.record.bundle)
        });
        left.map(|(_, (old, new))| Retired {
            record: old.record,
            retirement: new.retirement,
            since: new.cutover.stop_at,
        })
        .collect()
    }

    /// What is known of a bundle that serves, has served or is to.
    #[must_use]
    pub fn find(&self, bundle: BundleId) -> Option<&VersionRecord> {
        self.takeovers.iter().map(|takeover| &takeover.record).find(|known| known.bundle == bundle)
    }

    /// What served, or was to, after the change that led to `epoch`.
    pub(crate) fn as_of(&self, epoch: Epoch) -> Option<&Takeover> {
        self.takeovers.iter().rev().find(|takeover| takeover.epoch <= epoch)
    }

    /// How many cutovers are to come at `now`.
    pub(crate) fn pending(&self, now: Timestamp) -> usize {
        self.takeovers.iter().filter(|takeover| takeover.cutover.is_pending(now)).count()
    }

    /// The takeovers whose cutover has begun at `now`: those are in the front.
    pub(crate) fn begun(&self, now: Timestamp) -> &[Takeover] {
        let begun = self.takeovers.iter().take_while(|takeover| takeover.cutover.stop_at <= now);
        &self.takeovers[..begun.count()]
    }

    /// Adds a takeover, and drops the oldest where there is no room.
    pub(crate) fn push(&mut self, takeover: Takeover) {
        if self.takeovers.len() >= HISTORY_LIMIT {
            let dropped = self.takeovers.remove(0).record.deploy_time;
            self.forgotten = self.forgotten.max(Some(dropped));
        }
        self.takeovers.push(takeover);
    }

    pub(crate) fn begin(takeover: Takeover) -> Self {
        Self { takeovers: vec![takeover], forgotten: None }
    }
}

/// What storage has to know of a takeover that was added: whether the oldest one went for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TookOver {
    /// The Worker.
    pub worker: WorkerName,
    /// What serves it from then on.
    pub takeover: Takeover,
    /// The oldest takeover, if it is not remembered any more, by its epoch.
    pub forgets: Option<Epoch>,
}
