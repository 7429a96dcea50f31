//! A store in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skewguard_domain::{Applied, Ledger};
use skewguard_ports::{AuditEntry, AuditPage, Storage, StorageError};

/// Keeps a ledger and its audit trail. Clones share it, as the lives of a manager share their store.
#[derive(Clone, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    audit: Vec<AuditEntry>,
    faults: Vec<StorageFault>,
    commits: usize,
    loads: usize,
}

/// What is to go wrong with a commit.
#[derive(Clone, Debug)]
pub enum StorageFault {
    /// Nothing is written.
    Unavailable,
    /// The change is written, and the manager is told that it was not.
    WrittenButUnavailable,
    /// Somebody else's change comes first.
    Overtaken(Box<Applied>),
}

impl MemoryStorage {
    /// A store that was never written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next commits fail, one by one in this order.
    pub fn inject(&self, faults: impl IntoIterator<Item = StorageFault>) {
        self.state().faults.extend(faults);
    }

    /// What is stored.
    #[must_use]
    pub fn stored(&self) -> Ledger {
        self.state().ledger.clone()
    }

    /// The audit trail, first change first.
    #[must_use]
    pub fn trail(&self) -> Vec<AuditEntry> {
        self.state().audit.clone()
    }

    /// How many commits were tried.
    #[must_use]
    pub fn commits(&self) -> usize {
        self.state().commits
    }

    /// How often the ledger was read.
    #[must_use]
    pub fn loads(&self) -> usize {
        self.state().loads
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn load(&self) -> Result<Ledger, StorageError> {
        let mut state = self.state();
        state.loads += 1;
        Ok(state.ledger.clone())
    }

    /// Replays the events, rather than taking the ledger that comes with them: what storage makes
    /// of them is part of what is tested.
    async fn commit(&self, change: &Applied, entry: &AuditEntry) -> Result<(), StorageError> {
        let mut state = self.state();
        state.commits += 1;
        let fault = (!state.faults.is_empty()).then(|| state.faults.remove(0));
        let unavailable = Err(StorageError::Unavailable("injected".to_owned()));
        if let Some(StorageFault::Overtaken(other)) = &fault {
            state.ledger = state.ledger.replay(&other.events, other.at);
        }
        if matches!(fault, Some(StorageFault::Unavailable)) {
            return unavailable;
        }
        if state.ledger.epoch() != entry.from {
            return Err(StorageError::Conflict);
        }
        state.ledger = state.ledger.replay(&change.events, change.at);
        state.audit.push(entry.clone());
        if matches!(fault, Some(StorageFault::WrittenButUnavailable)) {
            return unavailable;
        }
        Ok(())
    }

    async fn audit(&self, page: AuditPage) -> Result<Vec<AuditEntry>, StorageError> {
        let state = self.state();
        let earlier = state.audit.iter().rev();
        let earlier = earlier.filter(|entry| page.before.is_none_or(|before| entry.to < before));
        Ok(earlier.take(page.limit as usize).cloned().collect())
    }
}
