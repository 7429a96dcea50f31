//! What the manager answers.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use skewguard_domain::{
    Age, BundleId, Ledger, Manifest, MaxAge, Rejection, Timestamp, VersionRecord, WorkerManifest,
    WorkerName,
};

use super::ErrorCode;
use crate::{AuditEntry, ChangeError, Changed, TransportError};

/// An error: `{ "error": "<stable_code>", "message": "<what to do>" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorAnswer<'a> {
    /// The code.
    pub error: &'static str,
    /// What to do about it. Never holds a secret or a whole UUID.
    pub message: &'a str,
    /// The release that is in the way, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<&'a str>,
    /// How long ago that was announced, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// The epoch that a change has to be decided from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

impl<'a> ErrorAnswer<'a> {
    /// The error of `code`.
    #[must_use]
    pub fn new(code: ErrorCode, message: &'a str) -> Self {
        Self { error: code.as_str(), message, release: None, age_ms: None, epoch: None }
    }

    /// The error of a change that does not hold, and what a program may want to know of it.
    #[must_use]
    pub fn of_change(error: &'a ChangeError, message: &'a str) -> Self {
        let answer = Self::new(ErrorCode::of_change(error), message);
        match error {
            ChangeError::Outdated { current } => Self { epoch: Some(current.get()), ..answer },
            ChangeError::Rejected(Rejection::ReleaseOpen { release, age, .. }) => {
                Self { release: Some(release.as_str()), age_ms: Some(millis(*age)), ..answer }
            }
            ChangeError::Rejected(_) | ChangeError::Storage(_) => answer,
        }
    }
}

/// The current bundle of one Worker. The one answer, with
/// [`BriefingAnswer`](super::BriefingAnswer), that holds whole UUIDs.
///
/// A manager that is not Skewguard's may answer with the first three fields alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionAnswer {
    /// The bundle that serves: its whole UUID.
    pub uuid: String,
    /// When that was deployed, RFC 3339.
    pub deploy_time: String,
    /// When it was registered, RFC 3339. No decision depends on it.
    #[serde(default)]
    pub registered_at: String,
    /// The lease, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_ms: Option<u64>,
    /// Retired bundles that are not older than the current one: their whole UUIDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
}

impl VersionAnswer {
    /// The answer for `worker` at `now`, or `None` if nothing has served it yet.
    #[must_use]
    pub fn of(ledger: &Ledger, worker: &WorkerName, now: Timestamp) -> Option<Self> {
        let now = ledger.steady(now);
        let record = ledger.workers().get(worker)?.current(now)?.record;
        let retired = ledger.standings(worker, now).retired;
        Some(Self {
            uuid: record.bundle.reveal(),
            deploy_time: record.deploy_time.to_string(),
            registered_at: record.registered_at.to_string(),
            max_age_ms: Some(millis(ledger.lease().max_age.get())),
            retired: retired.into_iter().map(BundleId::reveal).collect(),
        })
    }
}

impl TryFrom<VersionAnswer> for Manifest {
    type Error = TransportError;

    /// Fails with [`TransportError::Malformed`] if a field that decides holds something it can't.
    fn try_from(answer: VersionAnswer) -> Result<Self, Self::Error> {
        let malformed = TransportError::Malformed;
        let max_age = answer.max_age_ms.map(|ms| MaxAge::new(Duration::from_millis(ms)));
        let retired = answer.retired.iter().map(|uuid| uuid.parse().map_err(|_| malformed));
        Ok(Self {
            max_age: max_age.transpose().map_err(|_| malformed)?,
            age: Age::NONE,
            age_tolerance: Duration::ZERO,
            worker: Some(WorkerManifest::of_one(
                answer.uuid.parse().map_err(|_| malformed)?,
                answer.deploy_time.parse().map_err(|_| malformed)?,
                retired.collect::<Result<_, _>>()?,
            )),
        })
    }
}

/// A bundle as people may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleAnswer {
    /// The first 8 characters of its UUID.
    bundle: String,
    deploy_time: String,
    registered_at: String,
}

impl From<&VersionRecord> for BundleAnswer {
    fn from(record: &VersionRecord) -> Self {
        Self {
            bundle: record.bundle.to_string(),
            deploy_time: record.deploy_time.to_string(),
            registered_at: record.registered_at.to_string(),
        }
    }
}

/// What a registration is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisteredAnswer {
    worker: String,
    #[serde(flatten)]
    current: BundleAnswer,
    epoch: u64,
}

impl RegisteredAnswer {
    /// The answer to a registration of `worker`.
    ///
    /// # Panics
    /// If the ledger does not know the Worker, which a registration makes known.
    #[must_use]
    pub fn new(worker: &WorkerName, changed: &Changed) -> Self {
        let history = changed.ledger.workers().get(worker);
        let latest = history.expect("a registration that holds names its Worker").latest();
        Self {
            worker: worker.to_string(),
            current: BundleAnswer::from(&latest.record),
            epoch: changed.ledger.epoch().get(),
        }
    }
}

/// A page of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditAnswer {
    entries: Vec<AuditLine>,
    /// What to ask for as `before` to read on; there is nothing more without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct AuditLine {
    at: String,
    token: &'static str,
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    detail: String,
    from: u64,
    to: u64,
}

impl AuditAnswer {
    /// The page with these entries, of which there were to be at most `limit`.
    #[must_use]
    pub fn new(entries: Vec<AuditEntry>, limit: u32) -> Self {
        let is_full = u32::try_from(entries.len()).is_ok_and(|count| count >= limit);
        let last = entries.last().filter(|_| is_full).map(|entry| entry.to.get());
        let lines = entries.into_iter().map(|entry| AuditLine {
            at: entry.at.to_string(),
            token: entry.by.as_str(),
            action: entry.action,
            release: entry.release,
            detail: entry.detail,
            from: entry.from.get(),
            to: entry.to.get(),
        });
        // Behind the first change there is nothing.
        Self { entries: lines.collect(), next: last.filter(|to| *to > 1) }
    }
}

pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
