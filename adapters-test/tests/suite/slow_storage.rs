//! A store that lets others come in between.

use core::future::poll_fn;
use core::task::Poll;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use skewguard_domain::{Applied, Ledger};
use skewguard_ports::{AuditEntry, AuditPage, Storage, StorageError};
use skewguard_test::MemoryStorage;

/// How one call of the store goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// How often others come in between, before it does its work and after that.
    pub(crate) others_first: (u8, u8),
    pub(crate) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does as it is told.
    Good,
    /// It does nothing, and says so.
    Refused,
    /// It does as it is told, and says that it could not.
    Unacknowledged,
}

/// Nobody comes in between, and all is well.
pub(crate) const PROMPT: Turn = Turn { others_first: (0, 0), fate: Fate::Good };

/// A store that takes its time, so that others come in between.
#[derive(Clone)]
pub(crate) struct SlowStorage {
    store: MemoryStorage,
    turns: Arc<Mutex<VecDeque<Turn>>>,
    history: Arc<Mutex<Vec<(Ledger, bool)>>>,
}

impl SlowStorage {
    /// A store whose calls go like this, one after the other, and all later ones well.
    pub(crate) fn new(turns: Vec<Turn>) -> Self {
        Self {
            store: MemoryStorage::new(),
            turns: Arc::new(Mutex::new(turns.into())),
            history: Arc::default(),
        }
    }

    /// What is stored.
    pub(crate) fn stored(&self) -> Ledger {
        self.store.stored()
    }

    /// The audit trail, first change first.
    pub(crate) fn trail(&self) -> Vec<AuditEntry> {
        self.store.trail()
    }

    /// What was stored, epoch by epoch, and whether its writer was told.
    pub(crate) fn history(&self) -> Vec<(Ledger, bool)> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn turn(&self) -> Turn {
        let next = self.turns.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or(PROMPT)
    }
}

/// Lets everybody else who is ready go first, so many times.
async fn step_back(times: u8) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Storage for SlowStorage {
    async fn load(&self) -> Result<Ledger, StorageError> {
        let Turn { others_first: (before, after), .. } = self.turn();
        step_back(before).await;
        let ledger = self.store.load().await;
        step_back(after).await;
        ledger
    }

    async fn commit(&self, change: &Applied, entry: &AuditEntry) -> Result<(), StorageError> {
        let Turn { others_first: (before, after), fate } = self.turn();
        step_back(before).await;
        let lost = StorageError::Unavailable("injected".to_owned());
        if fate == Fate::Refused {
            return Err(lost);
        }
        self.store.commit(change, entry).await?;
        let told = fate == Fate::Good;
        let now = (self.store.stored(), told);
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(now);
        step_back(after).await;
        if told { Ok(()) } else { Err(lost) }
    }

    async fn audit(&self, page: AuditPage) -> Result<Vec<AuditEntry>, StorageError> {
        self.store.audit(page).await
    }
}
