//! Why a command was refused.

use core::time::Duration;

use crate::{DeployTime, ReleaseId, ReleaseState, Retirement, WorkerName};

/// Why a command was refused. It contradicts the ledger, and nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The deploy time lies more than [`MAX_CLOCK_SKEW`](crate::MAX_CLOCK_SKEW) ahead.
    #[error("the deploy time lies more than 5 minutes in the future; check the deployer's clock")]
    DeployTimeInFuture,
    /// The bundle is not newer than the current one, and the command does not say `rollback`.
    #[error(
        "the bundle is not newer than the current one, deployed at {current}; \
         deploy anew, or send \"rollback\": true to go back on purpose"
    )]
    OlderDeployTime {
        /// When the current bundle was deployed; or one that was forgotten since, if later.
        current: DeployTime,
    },
    /// The bundle was retired, and the command does not say `rollback`: as a late repetition of
    /// an earlier registration would not.
    #[error(
        "the bundle was {} before; deploy anew, or send \"rollback\": true to bring it back",
        match retirement {
            Retirement::Superseded => "superseded",
            Retirement::RolledBack => "rolled back",
            Retirement::Aborted => "aborted",
        }
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
    /// One of a release's bundles can't be announced.
    #[error("{worker}: {rejection}")]
    OfWorker {
        /// Whose bundle.
        worker: WorkerName,
        /// Why not.
        rejection: Box<Rejection>,
    },
    /// The name is one that only registrations have.
    #[error("names that begin with '@' are given to registrations; choose another id")]
    ReservedReleaseId,
    /// No release is called so.
    #[error("there is no such release, or it is not remembered any more; list the releases")]
    UnknownRelease,
    /// Another release has this name.
    #[error("'{release}' names another release already; choose a new id")]
    ReleaseExists {
        /// The name.
        release: ReleaseId,
    },
    /// Another release has to be brought to an end first.
    #[error(
        "release '{release}', announced {} s ago, is {}; {}",
        age.as_secs(),
        state.as_str(),
        match state {
            ReleaseState::CuttingOver => "wait for its cutover, or roll back",
            ReleaseState::Shared => "promote or abort it first",
            _ => "activate or abort it first",
        }
    )]
    ReleaseOpen {
        /// Which.
        release: ReleaseId,
        /// How far it is.
        state: ReleaseState,
        /// How long ago it was announced.
        age: Duration,
    },
    /// The release has not come so far, or is past it.
    #[error(
        "release '{release}' is {}, and cannot be {wish}; {}",
        state.as_str(),
        match state {
            ReleaseState::Announced => "activate it first",
            ReleaseState::Shared => "promote or abort it first",
            ReleaseState::Aborted => "announce a new one",
            ReleaseState::CuttingOver | ReleaseState::Active => "roll back to an earlier release",
            ReleaseState::Superseded | ReleaseState::RolledBack => "roll back to it to bring it back",
        }
    )]
    WrongStage {
        /// Which.
        release: ReleaseId,
        /// How far it is.
        state: ReleaseState,
        /// What it was to be.
        wish: &'static str,
    },
    /// Too much is about to happen to the Worker already.
    #[error("cutovers of {worker} are still to come; wait for them")]
    CutoverPending {
        /// Which.
        worker: WorkerName,
    },
}
