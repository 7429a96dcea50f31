//! The bodies of requests that change a release.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::Value;
use skewguard_domain::{
    Announcement, BundleId, Delay, DeployTime, ParseBundleIdError, ParseDeployTimeError,
    ParseReleaseIdError, ParseWorkerNameError, Strictness, Style, WorkerName,
};

use super::ErrorCode;
use super::fields::{Fields, flag};

/// Reads the body of an announcement: `{ id, workers: { <name>: { uuid, deployTime } }, strict?,
/// share? }`.
///
/// # Errors
/// The [`InvalidRelease`] of the first field, in that order, that is not as it has to be.
pub fn parse_announcement(body: &[u8]) -> Result<Announcement, InvalidRelease> {
    let fields: Fields = serde_json::from_slice(body).map_err(|_| InvalidRelease::NotAnObject)?;
    let id = fields.get("id").ok_or(InvalidRelease::Missing("id"))?;
    let id = id.as_str().ok_or(InvalidRelease::Id(ParseReleaseIdError))?;
    let id = id.parse().map_err(InvalidRelease::Id)?;
    let workers = fields.get("workers").ok_or(InvalidRelease::Missing("workers"))?;
    let workers = workers.as_object().ok_or(InvalidRelease::Workers)?;
    if workers.is_empty() || workers.len() > Announcement::MAX_WORKERS {
        return Err(InvalidRelease::Workers);
    }
    let mut bundles = BTreeMap::new();
    for named in workers {
        let (worker, bundle) = parse_bundle(named)?;
        bundles.insert(worker, bundle);
    }
    let strict = flag(&fields, "strict").ok_or(InvalidRelease::Strict)?;
    let share = flag(&fields, "share").ok_or(InvalidRelease::Share)?;
    let style = match (strict, share) {
        (false, false) => Style::Plain,
        (true, false) => Style::Strict,
        (false, true) => Style::Canary,
        (true, true) => return Err(InvalidRelease::StrictShare),
    };
    Ok(Announcement { id, style, bundles })
}

fn parse_bundle(
    (name, bundle): (&String, &Value),
) -> Result<(WorkerName, (BundleId, DeployTime)), InvalidRelease> {
    let worker: WorkerName = name
        .parse()
        .map_err(|error| InvalidRelease::Worker(name.chars().take(8).collect(), error))?;
    let wrong = |problem| InvalidRelease::Bundle(worker.to_string(), problem);
    let text = |field, not_text| match bundle.get(field) {
        None => Err(wrong(InvalidBundle::Missing(field))),
        Some(value) => value.as_str().ok_or(wrong(not_text)),
    };
    let uuid = text("uuid", InvalidBundle::Uuid(ParseBundleIdError))?;
    let uuid = uuid.parse().map_err(|error| wrong(InvalidBundle::Uuid(error)))?;
    let time = text("deployTime", InvalidBundle::DeployTime(ParseDeployTimeError))?;
    let time = time.parse().map_err(|error| wrong(InvalidBundle::DeployTime(error)))?;
    Ok((worker, (uuid, time)))
}

/// Reads the body of an activation or a promotion: `{ after? }`, or none at all.
///
/// # Errors
/// The [`InvalidRelease`] of what is not as it has to be.
pub fn parse_cutover(body: &[u8]) -> Result<Option<Delay>, InvalidRelease> {
    after(&optional(body)?)
}

/// Reads the body of what has no more to say: `{}`, or none at all.
///
/// # Errors
/// The [`InvalidRelease`] of what is no object.
pub fn parse_abort(body: &[u8]) -> Result<(), InvalidRelease> {
    optional(body).map(drop)
}

/// Reads the body of a rollback: `{ after?, strict? }`, or none at all.
///
/// # Errors
/// The [`InvalidRelease`] of what is not as it has to be.
pub fn parse_rollback(body: &[u8]) -> Result<(Option<Delay>, Strictness), InvalidRelease> {
    let fields = optional(body)?;
    let strictness = match flag(&fields, "strict").ok_or(InvalidRelease::Strict)? {
        false => Strictness::Relaxed,
        true => Strictness::Strict,
    };
    Ok((after(&fields)?, strictness))
}

fn optional(body: &[u8]) -> Result<Fields, InvalidRelease> {
    if body.is_empty() {
        return Ok(Fields::new());
    }
    serde_json::from_slice(body).map_err(|_| InvalidRelease::NotAnObject)
}

fn after(fields: &Fields) -> Result<Option<Delay>, InvalidRelease> {
    let Some(after) = fields.get("after") else { return Ok(None) };
    let millis = after.as_u64().map(Duration::from_millis);
    millis.and_then(Delay::new).map(Some).ok_or(InvalidRelease::After)
}

/// Why a body does not change a release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRelease {
    /// It is not JSON, or not an object.
    #[error("send a JSON object")]
    NotAnObject,
    /// A field is missing.
    #[error("send the field \"{0}\", which is missing")]
    Missing(&'static str),
    /// `id` is something else.
    #[error("\"id\": {0}")]
    Id(ParseReleaseIdError),
    /// `workers` is something else.
    #[error("\"workers\" is an object of 1 to 100 Workers, each with \"uuid\" and \"deployTime\"")]
    Workers,
    /// A name, of which these are the first 8 characters, is not a Worker's. It may be a UUID.
    #[error("\"workers\": {0:?}: {1}")]
    Worker(String, ParseWorkerNameError),
    /// Something is wrong with a Worker's bundle.
    #[error("{0}: {1}")]
    Bundle(String, InvalidBundle),
    /// `strict` is something else.
    #[error("set \"strict\" to true or false, or leave it out")]
    Strict,
    /// `share` is something else.
    #[error("set \"share\" to true or false, or leave it out")]
    Share,
    /// Both are `true`.
    #[error("a strict release shares the traffic with nothing; leave out \"strict\" or \"share\"")]
    StrictShare,
    /// `after` is something else.
    #[error("\"after\" is a whole number of milliseconds, 0 to 3600000")]
    After,
}

/// Why something is not a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    /// A field is missing.
    #[error("send the field \"{0}\", which is missing")]
    Missing(&'static str),
    /// `uuid` is something else.
    #[error("\"uuid\": {0}")]
    Uuid(ParseBundleIdError),
    /// `deployTime` is something else.
    #[error("\"deployTime\": {0}")]
    DeployTime(ParseDeployTimeError),
}

impl From<&InvalidRelease> for ErrorCode {
    fn from(invalid: &InvalidRelease) -> Self {
        match invalid {
            InvalidRelease::NotAnObject => Self::InvalidJson,
            InvalidRelease::Missing(_) | InvalidRelease::Bundle(_, InvalidBundle::Missing(_)) => {
                Self::MissingField
            }
            InvalidRelease::Id(_) => Self::InvalidReleaseId,
            InvalidRelease::Workers => Self::InvalidWorkers,
            InvalidRelease::Worker(..) => Self::InvalidWorkerName,
            InvalidRelease::Bundle(_, InvalidBundle::Uuid(_)) => Self::InvalidUuid,
            InvalidRelease::Bundle(_, InvalidBundle::DeployTime(_)) => Self::InvalidDeployTime,
            InvalidRelease::Strict => Self::InvalidStrict,
            InvalidRelease::Share | InvalidRelease::StrictShare => Self::InvalidShare,
            InvalidRelease::After => Self::InvalidAfter,
        }
    }
}
