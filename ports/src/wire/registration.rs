//! The body of a registration.

use skewguard_domain::{
    Intent, ParseBundleIdError, ParseDeployTimeError, Registration, WorkerName,
};

use super::ErrorCode;
use super::fields::{Fields, flag};

/// Reads the body of a registration of `worker`: `{ uuid, deployTime, rollback? }`.
///
/// # Errors
/// The [`InvalidRegistration`] of the first field, in that order, that is not as it has to be.
pub fn parse_registration(
    worker: WorkerName,
    body: &[u8],
) -> Result<Registration, InvalidRegistration> {
    let fields: Fields =
        serde_json::from_slice(body).map_err(|_| InvalidRegistration::NotAnObject)?;
    let bundle = text(&fields, "uuid", InvalidRegistration::Uuid(ParseBundleIdError))?;
    let bundle = bundle.parse().map_err(InvalidRegistration::Uuid)?;
    let deploy_time =
        text(&fields, "deployTime", InvalidRegistration::DeployTime(ParseDeployTimeError))?;
    Ok(Registration {
        worker,
        bundle,
        deploy_time: deploy_time.parse().map_err(InvalidRegistration::DeployTime)?,
        intent: match flag(&fields, "rollback").ok_or(InvalidRegistration::Rollback)? {
            false => Intent::Deploy,
            true => Intent::Rollback,
        },
    })
}

fn text<'a>(
    fields: &'a Fields,
    name: &'static str,
    not_text: InvalidRegistration,
) -> Result<&'a str, InvalidRegistration> {
    match fields.get(name) {
        None => Err(InvalidRegistration::Missing(name)),
        Some(value) => value.as_str().ok_or(not_text),
    }
}

/// Why a body is not a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRegistration {
    /// It is not JSON, or not an object.
    #[error("send a JSON object with \"uuid\" and \"deployTime\"")]
    NotAnObject,
    /// A field is missing.
    #[error("send the field \"{0}\", which is missing")]
    Missing(&'static str),
    /// `uuid` is something else.
    #[error("\"uuid\": {0}")]
    Uuid(ParseBundleIdError),
    /// `deployTime` is something else.
    #[error("\"deployTime\": {0}")]
    DeployTime(ParseDeployTimeError),
    /// `rollback` is something else.
    #[error("set \"rollback\" to true or false, or leave it out")]
    Rollback,
}

impl From<InvalidRegistration> for ErrorCode {
    fn from(invalid: InvalidRegistration) -> Self {
        match invalid {
            InvalidRegistration::NotAnObject => Self::InvalidJson,
            InvalidRegistration::Missing(_) => Self::MissingField,
            InvalidRegistration::Uuid(_) => Self::InvalidUuid,
            InvalidRegistration::DeployTime(_) => Self::InvalidDeployTime,
            InvalidRegistration::Rollback => Self::InvalidRollback,
        }
    }
}
