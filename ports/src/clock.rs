//! Time: reading it, and waiting for it.

use core::time::Duration;

use async_trait::async_trait;
use skewguard_domain::Timestamp;

/// A wall clock.
///
/// It may be wrong, and it may stand still while code runs, as the clock of Workers does between
/// two pieces of I/O.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// What the clock shows.
    fn now(&self) -> Timestamp;
}

/// A timer.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Timer: Send + Sync {
    /// Returns after `length`, or a little later.
    async fn sleep(&self, length: Duration);
}
