//! The ports of Skewguard, and the use cases that stand between them.
//!
//! *Driven* ports are traits that a platform implements: [`Storage`], [`Clock`], [`Timer`],
//! [`Transport`], [`PopCache`], [`Background`] and [`Log`]. Each method's `# Errors` section is a contract. The
//! *driving* side is two use cases: [`VersionManager`], which the Durable Object drives, and
//! [`Guard`], which a Worker drives for every request. The decisions themselves are made in
//! `skewguard-domain`; here is only what happens around them.
//!
//! The feature `mock` adds a mockall mock of every driven port.

#![forbid(unsafe_code)]

mod audit;
mod background;
mod clock;
mod guard;
mod log;
mod pop_tier;
mod storage;
mod transport;
mod version_manager;
pub mod wire;

pub use audit::{AuditEntry, AuditPage, Principal, UnknownPrincipal};
pub use background::{Background, Task};
pub use clock::{Clock, Timer};
pub use guard::Guard;
pub use log::{Level, Log, LogEntry};
pub use pop_tier::{Entry, PopCache, PopTier};
pub use storage::{Storage, StorageError};
pub use transport::{Question, Told, Transport, TransportError};
pub use version_manager::{ChangeError, Changed, Precondition, VersionManager};

#[cfg(feature = "mock")]
pub use {
    background::MockBackground, clock::MockClock, clock::MockTimer, log::MockLog,
    pop_tier::MockPopCache, storage::MockStorage, transport::MockTransport,
};
