//! The use case that the Durable Object drives: which bundles are current, and change that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use skewguard_domain::{
    Applied, Command, Epoch, Ledger, Registration, Rejection, VersionRecord, WorkerName,
};

use crate::{Clock, Log, LogEntry, Storage, StorageError, wire};

/// How often a change is tried, the first time included, while others come first.
const ATTEMPTS: u32 = 3;

/// The manager of all Workers of a system.
///
/// Of one store, one manager is alive at a time, as Durable Objects have it. Should there be two
/// for a moment, no change of either is lost: the store refuses what was decided from an outdated
/// ledger. Only an answer that changes nothing may then be as old as the manager's last look.
pub struct VersionManager<S, C, L> {
    storage: S,
    clock: C,
    log: L,
    cache: Mutex<Cache>,
}

/// The ledger as this instance last saw it stored. A commit from a stale one conflicts.
#[derive(Default)]
struct Cache {
    ledger: Option<Arc<Ledger>>,
    /// How many commits were tried: a ledger that was read before the last of them may be stale.
    commits: u64,
}

/// Who asks: by which of the manager's secrets, never by the token itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// By `VERSION_MANAGER_SECRET`.
    Current,
    /// By `VERSION_MANAGER_SECRET_PREVIOUS`.
    Previous,
    /// By `VERSION_MANAGER_READ_SECRET`.
    Read,
}

/// A registration that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The bundle that serves now.
    pub record: VersionRecord,
    /// The ledger's epoch.
    pub epoch: Epoch,
}

/// A registration that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// It contradicts the ledger.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store failed. Nothing has changed, or what has is the same as what was asked for: to
    /// ask again is safe.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl<S: Storage, C: Clock, L: Log> VersionManager<S, C, L> {
    /// A manager over what `storage` holds.
    pub fn new(storage: S, clock: C, log: L) -> Self {
        Self { storage, clock, log, cache: Mutex::default() }
    }

    /// The ledger.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it has to be read from the store, and can't be.
    pub async fn ledger(&self) -> Result<Arc<Ledger>, StorageError> {
        self.known().await.inspect_err(|error| self.complain(error))
    }

    async fn known(&self) -> Result<Arc<Ledger>, StorageError> {
        let commits = {
            let cache = self.cache();
            if let Some(ledger) = &cache.ledger {
                return Ok(Arc::clone(ledger));
            }
            cache.commits
        };
        let ledger = Arc::new(self.storage.load().await?);
        let mut cache = self.cache();
        if cache.commits == commits {
            cache.ledger = Some(Arc::clone(&ledger));
        }
        Ok(ledger)
    }

    /// Makes a bundle the current one of its Worker. To repeat a registration changes nothing.
    ///
    /// # Errors
    /// [`RegisterError::Rejected`] when it contradicts the ledger; [`RegisterError::Storage`] when
    /// it could not be stored, or met with too many others.
    pub async fn register(
        &self,
        registration: Registration,
        by: Principal,
    ) -> Result<Registered, RegisterError> {
        let (worker, bundle) = (registration.worker.clone(), registration.bundle);
        let outcome = self.try_register(Command::Register(registration), &worker).await;
        match &outcome {
            Ok(Registered { epoch, .. }) => self.log.record(&LogEntry::Registered {
                worker: &worker,
                bundle,
                epoch: *epoch,
                token: by,
            }),
            Err(RegisterError::Rejected(rejection)) => {
                self.log.record(&LogEntry::RegistrationRejected {
                    worker: &worker,
                    bundle,
                    code: wire::ErrorCode::from(*rejection).as_str(),
                    token: by,
                });
            }
            Err(RegisterError::Storage(error)) => self.complain(error),
        }
        outcome
    }

    async fn try_register(
        &self,
        command: Command,
        worker: &WorkerName,
    ) -> Result<Registered, RegisterError> {
        let mut attempts = ATTEMPTS;
        loop {
            let ledger = self.known().await?;
            let applied = ledger.apply(&command, self.clock.now())?;
            if !applied.events.is_empty() {
                attempts -= 1;
                match self.commit(ledger.epoch(), &applied).await {
                    Err(StorageError::Conflict) if attempts > 0 => continue,
                    outcome => outcome?,
                }
            }
            let history = applied.ledger.workers().get(worker);
            let record = *history.expect("a registration that holds names its Worker").current();
            return Ok(Registered { record, epoch: applied.ledger.epoch() });
        }
    }

    async fn commit(&self, from: Epoch, change: &Applied) -> Result<(), StorageError> {
        let outcome = self.storage.commit(from, change).await;
        let mut cache = self.cache();
        cache.commits += 1;
        let next = outcome.is_ok().then(|| Arc::new(change.ledger.clone()));
        // After a failure what is stored is not known any more: the next one has to look.
        // Others may have been acknowledged first that were stored after this one.
        cache.ledger = match (cache.ledger.take(), next) {
            (Some(held), Some(next)) if held.epoch() > next.epoch() => Some(held),
            (held, next) => held.and(next),
        };
        outcome
    }

    fn complain(&self, error: &StorageError) {
        self.log.record(&LogEntry::StorageFailed { detail: &error.to_string() });
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
