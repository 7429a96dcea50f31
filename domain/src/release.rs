//! Releases: bundles of one or more Workers that belong together and take over together.
//!
//! ```text
//! announced ──activate──▶ active            (at its cutover, in all its Workers at once)
//!     │  └────activate──▶ shared ──promote──▶ active          (a canary)
//!     └────────abort────▶ aborted ◀──abort── shared
//! ```
//!
//! What a release is called once it was activated (active, superseded, rolled back) follows from
//! what its Workers are served by, and is not stored: see [`Ledger::state_of`](crate::Ledger).

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::collections::BTreeMap;

use crate::{BundleId, DeployTime, Epoch, Timestamp, VersionRecord, WorkerName};

/// How far a strict cutover keeps the old and the new apart: the old has stopped at its beginning,
/// the new starts at its end. So far may the clocks that measure it disagree.
pub const BAND: Duration = Duration::from_millis(500);

/// How much longer than a lease a cutover is announced ahead, by default. No shorter than
/// [`BAND`], since a copy's age is known no better than that.
pub const MARGIN: Duration = Duration::from_secs(1);

/// What a release is called: 1 to 63 characters of `a-z`, `0-9`, `.`, `_` and `-`, beginning with a
/// letter or digit, and not a UUID, because names are shown in full. A registration of one bundle
/// is a release too, and is called `@` and its epoch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// The longest name, in characters.
    pub const MAX_LEN: usize = 63;

    /// The name of the registration that led to `epoch`.
    #[must_use]
    pub fn of_registration(epoch: Epoch) -> Self {
        Self(format!("@{}", epoch.get()))
    }

    /// Whether this names a registration; no announced release may be called so.
    #[must_use]
    pub fn is_registration(&self) -> bool {
        self.0.starts_with('@')
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReleaseId {
    type Err = ParseReleaseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let well_formed = match text.strip_prefix('@') {
            Some(epoch) => epoch.parse::<u64>().is_ok_and(|number| number.to_string() == epoch),
            None => {
                text.len() <= Self::MAX_LEN
                    && text.starts_with(|first: char| first.is_ascii_alphanumeric())
                    && text.as_bytes().iter().all(legal)
            }
        };
        if well_formed && text.parse::<BundleId>().is_err() {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseReleaseIdError)
        }
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot name a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a release's id has 1 to 63 characters of a-z, 0-9, '.', '_' and '-', begins with a letter or \
     digit, and is no UUID"
)]
pub struct ParseReleaseIdError;

/// How a release takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// Its bundles serve as soon as they are there; the old ones stop at the cutover.
    #[default]
    Plain,
    /// No request is served by a new bundle before the last was served by an old one. Its bundles
    /// are held until the cutover.
    Strict,
    /// Once activated it shares the traffic with what was there, until it is promoted.
    Canary,
}

impl Style {
    /// The stable name by which it is sent and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Strict => "strict",
            Self::Canary => "canary",
        }
    }

    /// How strict the cutover of such a release is.
    #[must_use]
    pub const fn strictness(self) -> Strictness {
        match self {
            Self::Plain | Self::Canary => Strictness::Relaxed,
            Self::Strict => Strictness::Strict,
        }
    }
}

/// Whether old and new may serve at the same time around a cutover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strictness {
    /// They may.
    #[default]
    Relaxed,
    /// They may not.
    Strict,
}

/// When a bundle takes over from another, by the manager's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cutover {
    /// From when on the old one does not serve.
    pub stop_at: Timestamp,
    /// From when on the new one serves; in a strict release at least a [`BAND`] later.
    pub start_at: Timestamp,
}

impl Cutover {
    /// A cutover without a band.
    #[must_use]
    pub const fn at(instant: Timestamp) -> Self {
        Self { stop_at: instant, start_at: instant }
    }

    /// Whether it is still to come at `now`, or under way.
    #[must_use]
    pub fn is_pending(&self, now: Timestamp) -> bool {
        now < self.start_at
    }
}

/// How long after its command a cutover is to come: up to 1 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delay(Duration);

impl Delay {
    /// The longest delay.
    pub const LONGEST: Duration = Duration::from_secs(60 * 60);
    /// At once.
    pub const NONE: Self = Self(Duration::ZERO);

    /// A delay of `length`; `None` if that is over an hour.
    #[must_use]
    pub fn new(length: Duration) -> Option<Self> {
        (length <= Self::LONGEST).then_some(Self(length))
    }

    /// Its length.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// A release that is about to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What it is called. To repeat an announcement under the same name is safe.
    pub id: ReleaseId,
    /// How it is to take over.
    pub style: Style,
    /// The bundle of each of its Workers.
    pub bundles: BTreeMap<WorkerName, (BundleId, DeployTime)>,
}

impl Announcement {
    /// How many Workers a release can have.
    pub const MAX_WORKERS: usize = 100;
}

/// How far a release has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The manager knows its bundles. Nothing has changed for those that serve.
    Announced,
    /// It shares the traffic.
    Shared {
        /// Since when.
        since: Timestamp,
    },
    /// It takes over, or has.
    Activated {
        /// When.
        cutover: Cutover,
        /// The epoch in which that was decided last. Releases are newer or older by it.
        epoch: Epoch,
    },
    /// It was given up before it took over.
    Aborted {
        /// When.
        at: Timestamp,
    },
}

/// A release as the manager keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Release {
    /// What it is called.
    pub id: ReleaseId,
    /// How it takes over.
    pub style: Style,
    /// When it was announced.
    pub announced_at: Timestamp,
    /// The bundle of each of its Workers.
    pub bundles: BTreeMap<WorkerName, VersionRecord>,
    /// How far it has come.
    pub stage: Stage,
}

impl Release {
    /// Whether it still has to be brought to an end at `now`: announced, shared, or with a cutover
    /// to come.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        match self.stage {
            Stage::Announced | Stage::Shared { .. } => true,
            Stage::Activated { cutover, .. } => cutover.is_pending(now),
            Stage::Aborted { .. } => false,
        }
    }

    /// Whether it names what `announcement` does.
    pub(crate) fn is_the_same_as(&self, announcement: &Announcement) -> bool {
        let announced = announcement.bundles.iter();
        let known = |(worker, (bundle, deploy_time)): (&WorkerName, &(BundleId, DeployTime))| {
            self.bundles.get(worker).is_some_and(|record| {
                record.bundle == *bundle && record.deploy_time == *deploy_time
            })
        };
        self.style == announcement.style
            && self.bundles.len() == announcement.bundles.len()
            && announced.into_iter().all(known)
    }
}

/// What has become of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleaseState {
    /// Its bundles are known, and being uploaded.
    Announced,
    /// It shares the traffic, as a canary.
    Shared,
    /// It was activated, and its cutover is to come.
    CuttingOver,
    /// At least one Worker is served by it.
    Active,
    /// Newer releases have taken over from it.
    Superseded,
    /// An earlier release has taken over from it.
    RolledBack,
    /// It was given up.
    Aborted,
}

impl ReleaseState {
    /// The stable name by which it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Shared => "shared",
            Self::CuttingOver => "cutting_over",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled_back",
            Self::Aborted => "aborted",
        }
    }
}
