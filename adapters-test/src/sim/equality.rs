//! The design that this one replaces: one UUID for each Worker, compared for equality.
//!
//! Each isolate keeps what it was told for 5 s. Every request that comes after that asks, however
//! many ask already. Failures are served, and not remembered. Nothing tells a bundle that is on
//! its way from one that was left behind.

use super::agenda::Millis;
use super::build::BuildId;

/// For how long an isolate keeps an answer.
pub(crate) const KEPT: Millis = 5_000;

/// How long a request waits for an answer: there is a limit only in the platform.
pub(crate) const PATIENCE: Millis = 10_000;

/// The guard of one isolate.
#[derive(Default)]
pub(crate) struct EqualityGuard {
    known: Option<(BuildId, Millis)>,
}

impl EqualityGuard {
    /// The bundle that is registered, if it is known at `now`.
    pub(crate) fn registered(&self, now: Millis) -> Option<BuildId> {
        self.known.filter(|(_, until)| now < *until).map(|(build, _)| build)
    }

    pub(crate) fn learns(&mut self, build: BuildId, now: Millis) {
        self.known = Some((build, now + KEPT));
    }
}
