//! The use case that the Durable Object drives: what is current, where it runs, and change that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skewguard_domain::{
    Applied, Breaker, Briefing, Census, Command, Delay, Epoch, Intent, Ledger, MaxAge, Pop,
    Registration, Rejection, ReleaseId, Sighting, Strictness, Timestamp,
};

use crate::{AuditEntry, AuditPage, Clock, Log, LogEntry, Principal, Storage, StorageError, wire};

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
    census: Mutex<Census>,
}

/// The ledger as this instance last saw it stored. A commit from a stale one conflicts.
#[derive(Default)]
struct Cache {
    ledger: Option<Arc<Ledger>>,
    /// How many commits were tried: a ledger that was read before the last of them may be stale.
    commits: u64,
}

/// From which state of the ledger a change may be decided: `If-Match` (RFC 9110, section 13.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// From any.
    #[default]
    None,
    /// From one of these epochs.
    Epochs(Vec<Epoch>),
}

impl Precondition {
    fn allows(&self, epoch: Epoch) -> bool {
        match self {
            Self::None => true,
            Self::Epochs(epochs) => epochs.contains(&epoch),
        }
    }
}

/// A change that holds, or something that was the case already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The ledger that it holds in.
    pub ledger: Arc<Ledger>,
    /// When that was, by the manager's clock.
    pub at: Timestamp,
}

/// A change that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It contradicts the ledger.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The ledger has moved on since it was decided.
    #[error(
        "the epoch is {} by now; look at what has changed, and decide again with 'If-Match: \"{}\"'",
        current.get(),
        current.get()
    )]
    Outdated {
        /// The epoch that it would have to be decided from.
        current: Epoch,
    },
    /// The store failed. Nothing has changed, or what has is the same as what was asked for: to
    /// ask again is safe.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl<S: Storage, C: Clock, L: Log> VersionManager<S, C, L> {
    /// A manager over what `storage` holds. What it knows of where bundles run begins anew.
    pub fn new(storage: S, clock: C, log: L) -> Self {
        let census = Mutex::new(Census::new(clock.now()));
        Self { storage, clock, log, cache: Mutex::default(), census }
    }

    /// What the manager's clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The ledger.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it has to be read from the store, and can't be.
    pub async fn ledger(&self) -> Result<Arc<Ledger>, StorageError> {
        self.known().await.inspect_err(|error| self.complain(error))
    }

    /// A page of the audit trail.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it can't be read.
    pub async fn audit(&self, page: AuditPage) -> Result<Vec<AuditEntry>, StorageError> {
        self.storage.audit(page).await.inspect_err(|error| self.complain(error))
    }

    /// What is known of where bundles run.
    pub fn census(&self) -> MutexGuard<'_, Census> {
        self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what was sighted in `pop`, and tells what guards there are to know.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the ledger has to be read from the store, and can't be.
    pub async fn brief(
        &self,
        pop: Pop,
        sightings: &[Sighting],
    ) -> Result<(Epoch, Briefing), StorageError> {
        let ledger = self.ledger().await?;
        let now = self.clock.now();
        let mut census = self.census();
        for sighting in sightings {
            let worker = &sighting.worker;
            let before = census.open_since(worker, pop);
            census.observe(&ledger, pop, sighting, now);
            let breaker = match (before, census.open_since(worker, pop)) {
                (None, Some(_)) => Breaker::Open,
                (Some(_), None) => Breaker::Closed,
                _ => continue,
            };
            self.log.record(&LogEntry::BreakerTurned { worker, pop, breaker });
        }
        let briefing = ledger.briefing(now, |worker| census.breaker(&ledger, worker, pop, now));
        Ok((ledger.epoch(), briefing))
    }

    /// Gives leases of this length from now on, and knows that longer ones were given.
    ///
    /// # Errors
    /// [`StorageError`] when that could not be stored.
    pub async fn give_leases(&self, max_age: MaxAge) -> Result<(), StorageError> {
        if self.known().await?.lease().max_age == max_age {
            return Ok(());
        }
        let command = Command::SetLease(max_age);
        match self.change(command, &Precondition::None, Principal::Settings).await {
            Err(ChangeError::Storage(error)) => Err(error),
            // Leases contradict nothing.
            _ => Ok(()),
        }
    }

    /// Changes the ledger. To ask for what is the case already changes nothing, and succeeds.
    ///
    /// # Errors
    /// [`ChangeError::Outdated`] when the ledger is not in a state that `precondition` allows;
    /// [`ChangeError::Rejected`] when the change contradicts the ledger;
    /// [`ChangeError::Storage`] when it could not be stored, or met with too many others.
    pub async fn change(
        &self,
        command: Command,
        precondition: &Precondition,
        by: Principal,
    ) -> Result<Changed, ChangeError> {
        let outcome = self.try_change(&command, precondition, by).await;
        let entry = match (&outcome, &command) {
            (Err(ChangeError::Storage(error)), _) => {
                self.complain(error);
                return outcome;
            }
            (Ok(Changed { ledger, .. }), Command::Register(wish)) => LogEntry::Registered {
                worker: &wish.worker,
                bundle: wish.bundle,
                epoch: ledger.epoch(),
                token: by,
            },
            (Err(error), Command::Register(wish)) => LogEntry::RegistrationRejected {
                worker: &wish.worker,
                bundle: wish.bundle,
                code: wire::ErrorCode::of_change(error).as_str(),
                token: by,
            },
            (Ok(Changed { ledger, .. }), _) => LogEntry::Changed {
                action: action(&command),
                release: release(&command).map(ReleaseId::as_str),
                epoch: ledger.epoch(),
                token: by,
            },
            (Err(error), _) => LogEntry::ChangeRejected {
                action: action(&command),
                release: release(&command).map(ReleaseId::as_str),
                code: wire::ErrorCode::of_change(error).as_str(),
                token: by,
            },
        };
        self.log.record(&entry);
        outcome
    }

    async fn try_change(
        &self,
        command: &Command,
        precondition: &Precondition,
        by: Principal,
    ) -> Result<Changed, ChangeError> {
        let mut attempts = ATTEMPTS;
        loop {
            let ledger = self.known().await?;
            let outcome = ledger.apply(command, self.clock.now());
            // What is the case already may be asked for again, whatever has changed since: the
            // first answer may have been lost.
            if let Ok(Applied { events, at, .. }) = &outcome
                && events.is_empty()
            {
                return Ok(Changed { at: *at, ledger });
            }
            if !precondition.allows(ledger.epoch()) {
                return Err(ChangeError::Outdated { current: ledger.epoch() });
            }
            let applied = outcome?;
            let entry = audit_entry(command, by, ledger.epoch(), &applied);
            attempts -= 1;
            match self.commit(&applied, &entry).await {
                Err(StorageError::Conflict) if attempts > 0 => {}
                Err(error) => return Err(error.into()),
                Ok(ledger) => return Ok(Changed { ledger, at: applied.at }),
            }
        }
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

    async fn commit(
        &self,
        change: &Applied,
        entry: &AuditEntry,
    ) -> Result<Arc<Ledger>, StorageError> {
        let outcome = self.storage.commit(change, entry).await;
        let next = Arc::new(change.ledger.clone());
        let mut cache = self.cache();
        cache.commits += 1;
        // After a failure what is stored is not known any more: the next one has to look.
        // Others may have been acknowledged first that were stored after this one.
        cache.ledger = match (cache.ledger.take(), outcome.is_ok()) {
            (Some(held), true) if held.epoch() > next.epoch() => Some(held),
            (held, true) => held.map(|_| Arc::clone(&next)),
            (_, false) => None,
        };
        outcome.map(|()| next)
    }

    fn complain(&self, error: &StorageError) {
        self.log.record(&LogEntry::StorageFailed { detail: &error.to_string() });
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stable name of a command.
fn action(command: &Command) -> &'static str {
    match command {
        Command::Register(_) => "register",
        Command::SetLease(_) => "set_lease",
        Command::Announce(_) => "announce",
        Command::Activate { .. } => "activate",
        Command::Promote { .. } => "promote",
        Command::Abort { .. } => "abort",
        Command::RollBack { .. } => "roll_back",
    }
}

/// The release that a command names.
fn release(command: &Command) -> Option<&ReleaseId> {
    match command {
        Command::Register(_) | Command::SetLease(_) => None,
        Command::Announce(announcement) => Some(&announcement.id),
        Command::Activate { release, .. }
        | Command::Promote { release, .. }
        | Command::Abort { release }
        | Command::RollBack { release, .. } => Some(release),
    }
}

fn audit_entry(command: &Command, by: Principal, from: Epoch, change: &Applied) -> AuditEntry {
    let to = change.ledger.epoch();
    let release = match command {
        Command::Register(_) => Some(ReleaseId::of_registration(to).to_string()),
        _ => release(command).map(ToString::to_string),
    };
    let action = action(command).to_owned();
    AuditEntry { at: change.at, by, action, release, detail: detail(command), from, to }
}

/// What the name of a command and its release do not tell.
fn detail(command: &Command) -> String {
    let after = |delay: &Option<Delay>| {
        delay.map_or_else(String::new, |delay| format!("after {} ms", delay.get().as_millis()))
    };
    match command {
        Command::Register(Registration { worker, bundle, intent, .. }) => match intent {
            Intent::Deploy => format!("{worker} {bundle}"),
            Intent::Rollback => format!("{worker} {bundle}, rollback"),
        },
        Command::SetLease(max_age) => format!("{} ms", max_age.get().as_millis()),
        Command::Announce(wish) => {
            let bundles = wish.bundles.iter().map(|(worker, (id, _))| format!("{worker} {id}"));
            let bundles: Vec<_> = bundles.collect();
            format!("{}: {}", wish.style.as_str(), bundles.join(", "))
        }
        Command::Activate { after: delay, .. } | Command::Promote { after: delay, .. } => {
            after(delay)
        }
        Command::Abort { .. } => String::new(),
        Command::RollBack { after: delay, strictness, .. } => match strictness {
            Strictness::Relaxed => after(delay),
            Strictness::Strict => format!("strict {}", after(delay)).trim_end().to_owned(),
        },
    }
}
