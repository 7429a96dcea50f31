//! Where the manager keeps its ledger.

use async_trait::async_trait;
use skewguard_domain::{Applied, Epoch, Ledger};

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

    /// Writes the events of `change`, and the epoch of its ledger: all of it, or nothing.
    ///
    /// When this returns `Ok`, the change MUST survive the death of the process.
    ///
    /// # Errors
    /// MUST return [`StorageError::Conflict`], and change nothing, when the stored epoch is not
    /// `from`. MUST return [`StorageError::Unavailable`] when nothing could be written.
    async fn commit(&self, from: Epoch, change: &Applied) -> Result<(), StorageError>;
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
