//! What a guard reads from the manager.

use crate::{BundleId, DeployTime, MaxAge};

/// What the manager says of one Worker, and for how long it may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The manager's limit on the lease. A guard's own setting can only shorten it; a manager
    /// that names none leaves it to the guard.
    pub max_age: Option<MaxAge>,
    /// What is known of the Worker; `None` if it was never registered.
    pub worker: Option<WorkerManifest>,
}

/// Which bundles of a Worker serve, and which do not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerManifest {
    /// The bundle that serves.
    pub current: BundleId,
    /// When that was deployed.
    pub deploy_time: DeployTime,
    /// Retired bundles that were deployed no earlier than the current one. The others need no
    /// naming: an older bundle is refused whether it is known or not.
    pub retired: Vec<BundleId>,
}
