//! What the manager answers.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skewguard_domain::{
    BundleId, Ledger, Manifest, MaxAge, VersionRecord, WorkerHistory, WorkerManifest, WorkerName,
};

use super::ErrorCode;
use crate::{Registered, TransportError};

/// An error: `{ "error": "<stable_code>", "message": "<what to do>" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorAnswer<'a> {
    /// The code.
    pub error: &'static str,
    /// What to do about it. Never holds a secret or a whole UUID.
    pub message: &'a str,
}

impl<'a> ErrorAnswer<'a> {
    /// The error of `code`.
    #[must_use]
    pub fn new(code: ErrorCode, message: &'a str) -> Self {
        Self { error: code.as_str(), message }
    }
}

/// What a guard asks for: the current bundle of one Worker. The one answer, with
/// [`ManifestAnswer`], that holds whole UUIDs.
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
    /// The answer for `worker`, or `None` if the ledger does not know it.
    #[must_use]
    pub fn of(ledger: &Ledger, worker: &WorkerName) -> Option<Self> {
        let record = ledger.workers().get(worker)?.current();
        let manifest = ledger.manifest(worker);
        let known = manifest.worker?;
        Some(Self {
            uuid: record.bundle.reveal(),
            deploy_time: record.deploy_time.to_string(),
            registered_at: record.registered_at.to_string(),
            max_age_ms: manifest.max_age.map(millis),
            retired: known.retired.into_iter().map(BundleId::reveal).collect(),
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
            worker: Some(WorkerManifest {
                current: answer.uuid.parse().map_err(|_| malformed)?,
                deploy_time: answer.deploy_time.parse().map_err(|_| malformed)?,
                retired: retired.collect::<Result<_, _>>()?,
            }),
        })
    }
}

/// All Workers in one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestAnswer {
    epoch: u64,
    workers: BTreeMap<String, VersionAnswer>,
}

impl ManifestAnswer {
    /// The answer for all that the ledger knows.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        let answers = ledger.workers().keys().filter_map(|worker| {
            VersionAnswer::of(ledger, worker).map(|answer| (worker.to_string(), answer))
        });
        Self { epoch: ledger.epoch().get(), workers: answers.collect() }
    }
}

/// A bundle as people may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BundleAnswer {
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
    #[must_use]
    pub fn new(worker: &WorkerName, registered: &Registered) -> Self {
        Self {
            worker: worker.to_string(),
            current: BundleAnswer::from(&registered.record),
            epoch: registered.epoch.get(),
        }
    }
}

/// Every Worker's bundles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusAnswer {
    epoch: u64,
    manager: ManagerAnswer,
    workers: BTreeMap<String, WorkerAnswer>,
}

/// The manager's own bundle: a busy Durable Object can go on with its old code for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ManagerAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct WorkerAnswer {
    current: BundleAnswer,
    /// Last retired first.
    retired: Vec<RetiredAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RetiredAnswer {
    #[serde(flatten)]
    bundle: BundleAnswer,
    retirement: &'static str,
    retired_at: String,
}

impl StatusAnswer {
    /// The status of all that the ledger knows, told by a manager that runs as `bundle`.
    #[must_use]
    pub fn of(ledger: &Ledger, bundle: Option<BundleId>) -> Self {
        let workers = ledger.workers().iter();
        Self {
            epoch: ledger.epoch().get(),
            manager: ManagerAnswer {
                bundle: bundle.map(|bundle| bundle.to_string()),
                version: env!("CARGO_PKG_VERSION"),
            },
            workers: workers.map(|(name, history)| (name.to_string(), history.into())).collect(),
        }
    }
}

impl From<&WorkerHistory> for WorkerAnswer {
    fn from(history: &WorkerHistory) -> Self {
        let retired = history.retired().iter().rev().map(|retired| RetiredAnswer {
            bundle: BundleAnswer::from(&retired.record),
            retirement: retired.retirement.as_str(),
            retired_at: retired.since.to_string(),
        });
        Self { current: BundleAnswer::from(history.current()), retired: retired.collect() }
    }
}

fn millis(age: MaxAge) -> u64 {
    u64::try_from(age.get().as_millis()).unwrap_or(u64::MAX)
}
