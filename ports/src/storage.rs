//! Where the manager keeps its ledger, and the trail of its changes.

use async_trait::async_trait;
use skewguard_domain::{Applied, Ledger};

use crate::{AuditEntry, AuditPage};

/// A store for one ledger.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Storage: Send + Sync {
    /// The ledger as it was committed last; an empty one if it never was.
    ///
    /// # Errors
    /// MUST return [`StorageError::Unavailable`] when the store can't be read, or holds what it
    /// could not have written; MUST NOT return part of a ledger.
    async fn load(&self) -> Result<Ledger, StorageError>;

    /// Writes the events of `change`, the epoch of its ledger, and the entry of the audit trail:
    /// all of it, or nothing.
    ///
    /// When this returns `Ok`, the change MUST survive the death of the process.
    ///
    /// # Errors
    /// MUST return [`StorageError::Conflict`], and change nothing, when the stored epoch is not
    /// the one that `entry` comes from. MUST return [`StorageError::Unavailable`] when nothing
    /// could be written.
    async fn commit(&self, change: &Applied, entry: &AuditEntry) -> Result<(), StorageError>;

    /// The audit trail, last change first: at most `page.limit` entries from before `page.before`.
    ///
    /// # Errors
    /// MUST return [`StorageError::Unavailable`] when the store can't be read.
    async fn audit(&self, page: AuditPage) -> Result<Vec<AuditEntry>, StorageError>;
}

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// Somebody else has changed the ledger in the meantime.
    #[error("the stored ledger has moved on to another epoch")]
    Conflict,
    /// The store can't be read or written. The detail is for logs, never for clients.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}
