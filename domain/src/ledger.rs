//! What the manager knows, and how it changes.
//!
//! The ledger is a value. [`Ledger::apply`] takes a command and answers with the next ledger and
//! the events that lead there, or with a [`Rejection`] and no change. Storage keeps what the
//! events say; [`Ledger::replay`] takes them back.

use std::collections::BTreeMap;

use core::cmp::Ordering;
use core::time::Duration;

use crate::{
    BundleId, DeployTime, Manifest, MaxAge, Timestamp, VersionRecord, WorkerManifest, WorkerName,
};

/// How many bundles of a Worker are kept, the current one among them.
pub const HISTORY_LIMIT: usize = 100;

/// How far in the manager's future a deploy time may lie.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// A counter that every change of the ledger increments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number; 0 before the first change.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A wish to change the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a bundle the one that serves.
    Register(Registration),
}

/// "This bundle of this Worker is to serve."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The Worker.
    pub worker: WorkerName,
    /// Its bundle.
    pub bundle: BundleId,
    /// When the bundle was deployed.
    pub deploy_time: DeployTime,
    /// Whether it may be older than what it replaces.
    pub intent: Intent,
}

/// What a registration is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A step forward: the bundle has to be newer than the current one.
    Deploy,
    /// A step back, or back to a bundle that was retired: any bundle will do.
    Rollback,
}

/// What has happened. Storage writes all events of a change at once, with its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A bundle took over.
    TookOver {
        /// The Worker.
        worker: WorkerName,
        /// The bundle that serves from now on.
        record: VersionRecord,
        /// What became of the one that served before, if there was one.
        retires: Option<Retired>,
        /// The bundle that history has no room for any more.
        forgets: Option<BundleId>,
    },
}

/// Why a bundle does not serve any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retirement {
    /// A newer bundle took over.
    Superseded,
    /// An older bundle took over.
    RolledBack,
}

impl Retirement {
    /// The stable name by which it is sent and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// A bundle that does not serve any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// What was known of it when it served.
    pub record: VersionRecord,
    /// Why it does not.
    pub retirement: Retirement,
    /// Since when, by the manager's clock.
    pub since: Timestamp,
}

/// The bundles of one Worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerHistory {
    current: VersionRecord,
    retired: Vec<Retired>,
}

impl WorkerHistory {
    /// The history with these bundles, as storage kept it; `retired` in the order of retirement.
    #[must_use]
    pub fn new(current: VersionRecord, retired: Vec<Retired>) -> Self {
        Self { current, retired }
    }

    /// The bundle that serves.
    #[must_use]
    pub fn current(&self) -> &VersionRecord {
        &self.current
    }

    /// The others, last retired last.
    #[must_use]
    pub fn retired(&self) -> &[Retired] {
        &self.retired
    }

    fn find_retired(&self, bundle: BundleId) -> Option<&Retired> {
        self.retired.iter().find(|retired| retired.record.bundle == bundle)
    }

    fn manifest(&self) -> WorkerManifest {
        let current = &self.current;
        let outdates = |retired: &&Retired| retired.record.deploy_time >= current.deploy_time;
        WorkerManifest {
            current: current.bundle,
            deploy_time: current.deploy_time,
            retired: self.retired.iter().filter(outdates).map(|r| r.record.bundle).collect(),
        }
    }

    /// The bundle to forget once `incoming` serves and the current one is retired. The oldest by
    /// deploy time goes: guards refuse it for its age, known or not. Where, after a rollback, all
    /// that is kept is newer than `incoming`, its guards take it for a new bundle from then on.
    fn superfluous(&self, incoming: BundleId) -> Option<BundleId> {
        let stays = |record: &&VersionRecord| record.bundle != incoming;
        let retired = || self.retired.iter().map(|retired| &retired.record).filter(stays);
        if retired().count() + 2 <= HISTORY_LIMIT {
            return None;
        }
        retired().min_by_key(|record| record.precedence()).map(|record| record.bundle)
    }
}

/// All that the manager has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    epoch: Epoch,
    workers: BTreeMap<WorkerName, WorkerHistory>,
}

/// An accepted command: the next ledger, and what storage has to write to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The ledger from now on.
    pub ledger: Ledger,
    /// What has happened; empty if the command asked for what was the case already.
    pub events: Vec<Event>,
}

impl Ledger {
    /// The ledger as storage kept it.
    #[must_use]
    pub fn new(epoch: Epoch, workers: BTreeMap<WorkerName, WorkerHistory>) -> Self {
        Self { epoch, workers }
    }

    /// How many changes there have been.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Every Worker and its bundles, by name.
    #[must_use]
    pub fn workers(&self) -> &BTreeMap<WorkerName, WorkerHistory> {
        &self.workers
    }

    /// What a guard of `worker` is told.
    #[must_use]
    pub fn manifest(&self, worker: &WorkerName) -> Manifest {
        Manifest {
            max_age: Some(MaxAge::DEFAULT),
            worker: self.workers.get(worker).map(WorkerHistory::manifest),
        }
    }

    /// What follows from `command` at `now`, by the manager's clock.
    ///
    /// # Errors
    /// A [`Rejection`] if the command contradicts the ledger. Nothing has changed then.
    pub fn apply(&self, command: &Command, now: Timestamp) -> Result<Applied, Rejection> {
        let events = match command {
            Command::Register(registration) => self.register(registration, now)?,
        };
        Ok(Applied { ledger: self.replay(&events), events })
    }

    /// The ledger after one change, made of `events`. No events are no change.
    #[must_use]
    pub fn replay(&self, events: &[Event]) -> Self {
        let mut next = self.clone();
        for event in events {
            next.record(event);
        }
        if !events.is_empty() {
            next.epoch = self.epoch.next();
        }
        next
    }

    fn register(&self, wish: &Registration, now: Timestamp) -> Result<Vec<Event>, Rejection> {
        let history = self.workers.get(&wish.worker);
        let known = history.and_then(|history| {
            let retired = history.find_retired(wish.bundle).map(|retired| &retired.record);
            retired.or(Some(history.current()).filter(|current| current.bundle == wish.bundle))
        });
        if let Some(known) = known
            && known.deploy_time != wish.deploy_time
        {
            return Err(Rejection::DeployTimeMismatch { recorded: known.deploy_time });
        }
        // What was accepted once stays so, should the manager's clock be set back.
        if known.is_none() && wish.deploy_time.as_timestamp() > now.after(MAX_CLOCK_SKEW) {
            return Err(Rejection::DeployTimeInFuture);
        }
        let record = VersionRecord {
            bundle: wish.bundle,
            deploy_time: wish.deploy_time,
            registered_at: known.map_or(now, |known| known.registered_at),
        };
        let Some(history) = history else {
            return Ok(vec![Event::TookOver {
                worker: wish.worker.clone(),
                record,
                retires: None,
                forgets: None,
            }]);
        };
        let current = *history.current();
        let newer = match record.precedence().cmp(&current.precedence()) {
            Ordering::Equal => return Ok(Vec::new()),
            order => order.is_gt(),
        };
        if wish.intent == Intent::Deploy {
            if let Some(retired) = history.find_retired(wish.bundle) {
                return Err(Rejection::Retired { retirement: retired.retirement });
            }
            if !newer {
                return Err(Rejection::OlderDeployTime { current: current.deploy_time });
            }
        }
        let retirement = if newer { Retirement::Superseded } else { Retirement::RolledBack };
        Ok(vec![Event::TookOver {
            worker: wish.worker.clone(),
            record,
            retires: Some(Retired { record: current, retirement, since: now }),
            forgets: history.superfluous(wish.bundle),
        }])
    }

    fn record(&mut self, event: &Event) {
        match event {
            Event::TookOver { worker, record, retires, forgets } => {
                let before = self.workers.remove(worker);
                let mut retired = before.map_or_else(Vec::new, |history| history.retired);
                retired.retain(|old| {
                    old.record.bundle != record.bundle && Some(old.record.bundle) != *forgets
                });
                retired.extend(*retires);
                self.workers.insert(worker.clone(), WorkerHistory { current: *record, retired });
            }
        }
    }
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The deploy time lies more than [`MAX_CLOCK_SKEW`] ahead.
    #[error("the deploy time lies more than 5 minutes in the future; check the deployer's clock")]
    DeployTimeInFuture,
    /// The bundle is not newer than the current one, and the command does not say `rollback`.
    #[error(
        "the bundle is not newer than the current one, deployed at {current}; \
         deploy anew, or send \"rollback\": true to go back on purpose"
    )]
    OlderDeployTime {
        /// When the current bundle was deployed.
        current: DeployTime,
    },
    /// The bundle was retired, and the command does not say `rollback`: as a late repetition of
    /// an earlier registration would not.
    #[error(
        "the bundle was {} before; deploy anew, or send \"rollback\": true to bring it back",
        match retirement { Retirement::Superseded => "superseded", Retirement::RolledBack => "rolled back" }
    )]
    Retired {
        /// How it was retired.
        retirement: Retirement,
    },
    /// The bundle is known with another deploy time.
    #[error("the bundle is known with another deploy time, {recorded}; use that, or a new UUID")]
    DeployTimeMismatch {
        /// The one that is known.
        recorded: DeployTime,
    },
}
