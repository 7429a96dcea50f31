//! How a guard asks the manager.
//!
//! There is one port, and tiers are decorators over it: [`PopTier`](crate::PopTier) answers from
//! the copy that a PoP shares, and asks the [`Transport`] behind it where that will not do.

use core::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use skewguard_domain::{Bundle, Haste, Manifest, MaxAge, Sighting, Timestamp, WorkerName};

/// What a guard wants to know, and what it has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The guarded Worker.
    pub worker: WorkerName,
    /// The longest that the guard believes anything.
    pub max_age: MaxAge,
    /// How soon the answer is needed.
    pub haste: Haste,
    /// The guard's own bundle.
    pub bundle: Bundle,
    /// When the guard began, by its clock.
    pub began_at: Timestamp,
    /// What was sighted: the guard's own bundle, and those that its PoP has gathered. Whoever
    /// answers has taken them.
    pub sightings: Vec<Sighting>,
}

/// What the manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it says of the Worker in question.
    pub manifest: Manifest,
    /// All that it says, as it came, to be kept as a copy; none where it speaks of one Worker.
    pub text: Option<String>,
}

/// A way to the manager.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Transport: Send + Sync {
    /// What the manager says of a Worker. A Worker that the manager does not know is an answer,
    /// not an error.
    ///
    /// # Errors
    /// MUST return [`TransportError::Timeout`] once `timeout` has passed, wherever the answer
    /// stands then, be it in the middle of its body, and MUST give up the request.
    /// MUST return one of the others when no answer came, or one that makes no sense.
    async fn manifest(
        &self,
        question: &Question,
        timeout: Duration,
    ) -> Result<Told, TransportError>;

    /// What the text of an answer says of `worker`; `None` if it makes no sense. It MUST be the
    /// same as what a guard of that Worker would have been told in its place.
    fn read(&self, text: &str, worker: &WorkerName) -> Option<Manifest>;
}

/// Why there is no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TransportError {
    /// The answer was not there, whole, in time.
    #[error("no answer in time")]
    Timeout,
    /// The manager could not be reached.
    #[error("the manager could not be reached")]
    Unreachable,
    /// The manager answered with an HTTP status that is neither 200 nor 404.
    #[error("the manager answered with status {0}")]
    Status(u16),
    /// The manager's answer could not be read: it makes no sense, or broke off half way.
    #[error("the manager's answer makes no sense, or broke off")]
    Malformed,
}
