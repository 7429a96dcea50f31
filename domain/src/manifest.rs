//! What a guard reads from the manager: which bundles of a Worker serve, and what changes when.
//!
//! A manifest never says at which time of day something happens, but in how many milliseconds. So
//! it does not matter what the guards' clocks show. What a guard does not know is how long ago the
//! manifest was made: somewhere between its question and the answer. It therefore looks at all
//! instants that it may be ([`Age`]), and serves only what serves at every one of them. A bundle
//! that is to stop then stops no later than the manager meant, and one that is to start starts no
//! earlier. See `ARCHITECTURE.md`, "A cutover without synchronised clocks".

use core::time::Duration;

use crate::mutant::{Mutant, planted};
use crate::{Bundle, BundleId, DeployTime, MaxAge};

/// How long ago something was, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Age {
    /// It was no later than this long ago.
    pub at_least: Duration,
    /// It was no earlier than this long ago.
    pub at_most: Duration,
}

impl Age {
    /// Just now.
    pub const NONE: Self = Self { at_least: Duration::ZERO, at_most: Duration::ZERO };

    /// This age, and what has passed since.
    #[must_use]
    pub fn plus(self, since: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_add(since.at_least),
            at_most: self.at_most.saturating_add(since.at_most),
        }
    }

    /// This age, known no better than to within `tolerance`.
    #[must_use]
    pub fn give_or_take(self, tolerance: Duration) -> Self {
        Self {
            at_least: self.at_least.saturating_sub(tolerance),
            at_most: self.at_most.saturating_add(tolerance),
        }
    }
}

/// What the manager says of one Worker, and for how long it may be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Manifest {
    /// The manager's limit on the lease. A guard's own setting can only shorten it; a manager
    /// that names none leaves it to the guard.
    pub max_age: Option<MaxAge>,
    /// How old it was already when it was handed out, as a copy is.
    pub age: Age,
    /// How exactly the age of a copy has to be taken: this much more and less.
    pub age_tolerance: Duration,
    /// What is known of the Worker; `None` if it was never registered.
    pub worker: Option<WorkerManifest>,
}

/// Which bundles of a Worker serve, and how that is going to change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkerManifest {
    /// What is the case now.
    pub now: Standings,
    /// What will be, step by step.
    pub then: Vec<ManifestStep>,
    /// Whether the Worker's breaker is open in the PoP that asked.
    pub breaker: Breaker,
}

/// What is the case after a while.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ManifestStep {
    /// How long after the manifest was made.
    pub after: Duration,
    /// What is the case from then on.
    pub standings: Standings,
}

/// How the bundles of a Worker stand. One that is in none of the lists is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Standings {
    /// Those that serve: one, or two while a canary shares the traffic, or none between the
    /// beginning and the end of a strict cutover.
    pub serving: Vec<BundleId>,
    /// Those of a release that is on its way, and may serve already.
    pub announced: Vec<BundleId>,
    /// Those of a strict release that is on its way, and may not serve yet.
    pub held: Vec<BundleId>,
    /// Those that were retired, as far as they are no older than `newest`. The others need no
    /// naming: an older bundle is refused whether it is known or not.
    pub retired: Vec<BundleId>,
    /// An unknown bundle from before this time is a leftover, and one from after it a deploy on
    /// its way. `None` if nothing has ever taken over.
    pub newest: Option<DeployTime>,
}

/// Whether a PoP has to make do with what it has, because nothing that serves is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Breaker {
    /// What is to be refused is refused.
    #[default]
    Closed,
    /// Everything serves.
    Open,
}

impl Breaker {
    /// The stable name by which it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

/// How one bundle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nothing is known of its Worker that it could be measured against.
    Unregistered,
    /// It serves.
    Serving,
    /// Its release is on its way.
    Announced,
    /// Its release is on its way, and strict.
    Held,
    /// It was superseded, rolled back or aborted.
    Retired,
    /// It is unknown, and no older than what serves.
    Ahead,
    /// It is unknown, and older than what serves.
    Older,
    /// It is unknown, and carries no deploy time that could say otherwise.
    Undated,
}

impl Standing {
    /// Whether such a bundle may serve.
    #[must_use]
    pub const fn serves(self) -> bool {
        match self {
            Self::Unregistered | Self::Serving | Self::Announced | Self::Ahead => true,
            Self::Held | Self::Retired | Self::Older | Self::Undated => false,
        }
    }
}

impl Standings {
    /// How `bundle` stands.
    #[must_use]
    pub fn of(&self, bundle: Bundle) -> Standing {
        if self.serving.contains(&bundle.id) {
            return Standing::Serving;
        }
        if self.announced.contains(&bundle.id) {
            return Standing::Announced;
        }
        if self.held.contains(&bundle.id) {
            return Standing::Held;
        }
        if self.retired.contains(&bundle.id) {
            return Standing::Retired;
        }
        match (self.newest, bundle.deploy_time) {
            (None, _) => Standing::Unregistered,
            // A tie serves: two deploys may share a millisecond, or a tool's second, and nothing
            // says that this one was replaced.
            (Some(newest), Some(deployed))
                if deployed >= newest && !planted(Mutant::NothingIsAhead) =>
            {
                Standing::Ahead
            }
            (Some(_), Some(_)) => Standing::Older,
            (Some(_), None) => Standing::Undated,
        }
    }
}

impl Manifest {
    /// How `bundle` stood when it was made.
    #[must_use]
    pub fn standing(&self, bundle: Bundle) -> Standing {
        self.worker.as_ref().map_or(Standing::Unregistered, |worker| worker.now.of(bundle))
    }
}

impl WorkerManifest {
    /// What a manager says that names one bundle alone.
    #[must_use]
    pub fn of_one(current: BundleId, deploy_time: DeployTime, retired: Vec<BundleId>) -> Self {
        let serving = vec![current];
        let now = Standings { serving, retired, newest: Some(deploy_time), ..Standings::default() };
        Self { now, then: Vec::new(), breaker: Breaker::Closed }
    }

    /// What it says of one bundle.
    #[must_use]
    pub fn outlook(&self, bundle: Bundle) -> Outlook {
        let now = self.now.of(bundle);
        let mut then: Vec<(Duration, Standing)> = Vec::new();
        for step in &self.then {
            let standing = step.standings.of(bundle);
            if standing != then.last().map_or(now, |(_, last)| *last) {
                then.push((step.after, standing));
            }
        }
        Outlook { now, then, breaker: self.breaker }
    }
}

/// How one bundle stands, and is going to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outlook {
    now: Standing,
    then: Vec<(Duration, Standing)>,
    breaker: Breaker,
}

impl Outlook {
    /// Of a bundle whose Worker the manager does not know.
    pub const UNREGISTERED: Self =
        Self { now: Standing::Unregistered, then: Vec::new(), breaker: Breaker::Closed };

    /// How the bundle stands if the manifest was made `age` ago. Where it stands differently at
    /// the instants that this may be, the last one counts at which it may not serve.
    #[must_use]
    pub fn after(&self, age: Age) -> Standing {
        let mut stands = self.now;
        for &(after, standing) in &self.then {
            // A step that has come for certain leaves nothing of the one before.
            if after <= age.at_least
                || (after <= age.at_most && (stands.serves() || !standing.serves()))
            {
                stands = standing;
            }
        }
        stands
    }

    /// Whether the Worker's breaker is open in this PoP.
    #[must_use]
    pub fn breaker(&self) -> Breaker {
        self.breaker
    }
}
