//! What the manager knows, and how it changes.
//!
//! The ledger is a value. [`Ledger::apply`] takes a command and answers with the next ledger and
//! the events that lead there, or with a [`Rejection`] and no change. Storage keeps what the
//! events say; [`Ledger::replay`] takes them back.
//!
//! Nothing has to happen at a cutover: it was decided and stored before, and what is the case at an
//! instant follows from the ledger and the instant.

mod commands;

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    Announcement, BundleId, Delay, DeployTime, MaxAge, Rejection, Release, ReleaseId, ReleaseState,
    Retirement, Stage, Strictness, Takeover, Timestamp, TookOver, WorkerHistory, WorkerName,
};

/// How far in the manager's future a deploy time may lie.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// How many releases are kept.
pub const RELEASE_LIMIT: usize = 200;

/// A counter that every change of the ledger increments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A wish to change the ledger. Each may be repeated: what is the case already changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a bundle the one that serves, at once: a release of one Worker.
    Register(Registration),
    /// Gives leases of this length from now on.
    SetLease(MaxAge),
    /// Makes a release known before it is uploaded.
    Announce(Announcement),
    /// Lets a release take over; a canary begins to share the traffic.
    Activate {
        /// Which.
        release: ReleaseId,
        /// How long from now. By default long enough for every guard to know of it before.
        after: Option<Delay>,
    },
    /// Lets a canary take over.
    Promote {
        /// Which.
        release: ReleaseId,
        /// As for [`Command::Activate`].
        after: Option<Delay>,
    },
    /// Gives up a release that has not taken over.
    Abort {
        /// Which.
        release: ReleaseId,
    },
    /// Makes an earlier release serve again, and retires the newer ones that have to do with it.
    RollBack {
        /// The one to go back to.
        release: ReleaseId,
        /// As for [`Command::Activate`].
        after: Option<Delay>,
        /// How strict the cutover has to be at least. It is strict anyway if one of those is that
        /// are taken back.
        strictness: Strictness,
    },
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
    /// A bundle takes over its Worker.
    TookOver(TookOver),
    /// A release is known from now on.
    Announced {
        /// It.
        release: Release,
        /// The release that there is no room for any more.
        forgets: Option<ReleaseId>,
    },
    /// A release has come further.
    Staged {
        /// Which.
        release: ReleaseId,
        /// How far.
        stage: Stage,
    },
    /// Leases are of another length from now on.
    LeaseSet(LeaseTerms),
}

/// How long guards may believe a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseTerms {
    /// What is given.
    pub max_age: MaxAge,
    /// Until when longer leases count that were given before, by the manager's clock.
    pub longer_until: Option<Timestamp>,
}

impl Default for LeaseTerms {
    fn default() -> Self {
        Self { max_age: MaxAge::DEFAULT, longer_until: None }
    }
}

impl LeaseTerms {
    /// When everything has expired that was handed out until `now`.
    fn all_expired_at(&self, now: Timestamp) -> Timestamp {
        let given = now.after(self.max_age.get());
        self.longer_until.map_or(given, |longer| longer.max(given))
    }
}

/// All that the manager has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    pub(crate) epoch: Epoch,
    pub(crate) decided_at: Option<Timestamp>,
    pub(crate) lease: LeaseTerms,
    pub(crate) workers: BTreeMap<WorkerName, WorkerHistory>,
    pub(crate) releases: Vec<Release>,
}

/// A ledger in parts, as storage keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerParts {
    /// How many changes there have been.
    pub epoch: Epoch,
    /// When the last one was made.
    pub decided_at: Option<Timestamp>,
    /// The leases that are given.
    pub lease: LeaseTerms,
    /// Every Worker that is served, or is to be, by a known bundle.
    pub workers: BTreeMap<WorkerName, WorkerHistory>,
    /// The releases, first announced first.
    pub releases: Vec<Release>,
}

impl From<LedgerParts> for Ledger {
    fn from(parts: LedgerParts) -> Self {
        let LedgerParts { epoch, decided_at, lease, workers, releases } = parts;
        Self { epoch, decided_at, lease, workers, releases }
    }
}

/// An accepted command: the next ledger, and what storage has to write to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The ledger from now on.
    pub ledger: Ledger,
    /// What has happened; empty if the command asked for what was the case already.
    pub events: Vec<Event>,
    /// When it was decided, by the manager's clock, as far as that runs forward.
    pub at: Timestamp,
}

impl Ledger {
    /// How many changes there have been.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When the last change was made, by the manager's clock.
    #[must_use]
    pub fn decided_at(&self) -> Option<Timestamp> {
        self.decided_at
    }

    /// The leases that are given.
    #[must_use]
    pub fn lease(&self) -> LeaseTerms {
        self.lease
    }

    /// Every Worker that is served, or is to be, and its takeovers, by name.
    #[must_use]
    pub fn workers(&self) -> &BTreeMap<WorkerName, WorkerHistory> {
        &self.workers
    }

    /// All releases, first announced first.
    #[must_use]
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The release that is called so.
    #[must_use]
    pub fn release(&self, id: &ReleaseId) -> Option<&Release> {
        self.releases.iter().find(|release| release.id == *id)
    }

    /// The release that is still to be brought to an end at `now`, if there is one.
    #[must_use]
    pub fn open_release(&self, now: Timestamp) -> Option<&Release> {
        let now = self.steady(now);
        self.releases.iter().find(|release| release.is_open(now))
    }

    /// A clock that runs behind what was decided already was set back. What is past stays past.
    #[must_use]
    pub fn steady(&self, now: Timestamp) -> Timestamp {
        self.decided_at.map_or(now, |decided| decided.max(now))
    }

    /// What has become of a release.
    #[must_use]
    pub fn state_of(&self, release: &Release, now: Timestamp) -> ReleaseState {
        let now = self.steady(now);
        let cutover = match release.stage {
            Stage::Announced => return ReleaseState::Announced,
            Stage::Shared { .. } => return ReleaseState::Shared,
            Stage::Aborted { .. } => return ReleaseState::Aborted,
            Stage::Activated { cutover, .. } => cutover,
        };
        if cutover.is_pending(now) {
            return ReleaseState::CuttingOver;
        }
        let mut left = Retirement::Superseded;
        for (worker, record) in &release.bundles {
            let Some(history) = self.workers.get(worker) else { continue };
            let served = |takeover: &Takeover| takeover.record.bundle == record.bundle;
            if history.current(now).is_some_and(served) {
                return ReleaseState::Active;
            }
            let retired = history.retired(now);
            let retired = retired.iter().find(|retired| retired.record.bundle == record.bundle);
            if retired.is_some_and(|retired| retired.retirement == Retirement::RolledBack) {
                left = Retirement::RolledBack;
            }
        }
        match left {
            Retirement::RolledBack => ReleaseState::RolledBack,
            Retirement::Superseded | Retirement::Aborted => ReleaseState::Superseded,
        }
    }

    /// What follows from `command` at `now`, by the manager's clock.
    ///
    /// # Errors
    /// A [`Rejection`] if the command contradicts the ledger. Nothing has changed then.
    pub fn apply(&self, command: &Command, now: Timestamp) -> Result<Applied, Rejection> {
        let at = self.steady(now);
        let events = match command {
            // Whether a deploy time lies in the future is for the clock itself to say.
            Command::Register(registration) => self.register(registration, now, at)?,
            Command::SetLease(max_age) => self.set_lease(*max_age, at),
            Command::Announce(announcement) => self.announce(announcement, now, at)?,
            Command::Activate { release, after } => self.activate(release, *after, at)?,
            Command::Promote { release, after } => self.promote(release, *after, at)?,
            Command::Abort { release } => self.abort(release, at)?,
            Command::RollBack { release, after, strictness } => {
                self.roll_back(release, *after, *strictness, at)?
            }
        };
        Ok(Applied { ledger: self.replay(&events, at), events, at })
    }

    /// The ledger after one change, made of `events` and decided `at`. No events are no change.
    #[must_use]
    pub fn replay(&self, events: &[Event], at: Timestamp) -> Self {
        let mut next = self.clone();
        for event in events {
            next.record(event);
        }
        if !events.is_empty() {
            next.epoch = self.epoch.next();
            next.decided_at = Some(at);
        }
        next
    }

    fn record(&mut self, event: &Event) {
        match event {
            Event::TookOver(TookOver { worker, takeover, .. }) => {
                match self.workers.get_mut(worker) {
                    Some(history) => history.push(*takeover),
                    None => {
                        self.workers.insert(worker.clone(), WorkerHistory::begin(*takeover));
                    }
                }
            }
            Event::Announced { release, forgets } => {
                self.releases.retain(|known| Some(&known.id) != forgets.as_ref());
                self.releases.push(release.clone());
            }
            Event::Staged { release, stage } => {
                if let Some(known) = self.releases.iter_mut().find(|known| known.id == *release) {
                    known.stage = *stage;
                }
            }
            Event::LeaseSet(lease) => self.lease = *lease,
        }
    }
}
