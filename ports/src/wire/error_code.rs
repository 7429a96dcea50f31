//! The stable codes of errors.

use skewguard_domain::Rejection;

use crate::ChangeError;

/// What went wrong, as clients may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 400: the name in the path is not a Worker's.
    InvalidWorkerName,
    /// 400: the body is not a JSON object.
    InvalidJson,
    /// 400: a field is missing.
    MissingField,
    /// 400: `uuid` is not a UUID.
    InvalidUuid,
    /// 400: `deployTime` is not an RFC 3339 date and time.
    InvalidDeployTime,
    /// 400: `deployTime` is more than 5 minutes in the future.
    DeployTimeInFuture,
    /// 400: `rollback` is not a boolean.
    InvalidRollback,
    /// 400: the release's id is none, or is reserved.
    InvalidReleaseId,
    /// 400: `workers` is not an object of Workers.
    InvalidWorkers,
    /// 400: `strict` is not a boolean.
    InvalidStrict,
    /// 400: `share` is not a boolean, or the release is strict.
    InvalidShare,
    /// 400: `after` is not a number of ms up to an hour.
    InvalidAfter,
    /// 400: `If-Match` names no epochs.
    InvalidIfMatch,
    /// 400: `before` or `limit` of a page is out of range.
    InvalidPage,
    /// 401: no token, a wrong one, or one that may not do this.
    Unauthorized,
    /// 404: there is nothing at this path.
    NotFound,
    /// 404: the Worker was never registered.
    UnknownWorker,
    /// 404: no release is called so.
    UnknownRelease,
    /// 405: the path does not know the method.
    MethodNotAllowed,
    /// 409: the bundle is not newer than the current one.
    OlderDeployTime,
    /// 409: the bundle was retired.
    RetiredBundle,
    /// 409: the bundle is known with another deploy time.
    DeployTimeMismatch,
    /// 409: another release has this id.
    ReleaseExists,
    /// 409: another release is to be brought to an end first.
    ReleaseOpen,
    /// 409: the release has not come so far, or is past it.
    WrongStage,
    /// 409: too many cutovers of a Worker are to come.
    CutoverPending,
    /// 412: the ledger is at another epoch.
    EpochMismatch,
    /// 413: the body is over 64 KiB.
    PayloadTooLarge,
    /// 415: the body is not `application/json`.
    UnsupportedMediaType,
    /// 500: the fault is the manager's.
    InternalError,
}

impl ErrorCode {
    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidWorkerName => "invalid_worker_name",
            Self::InvalidJson => "invalid_json",
            Self::MissingField => "missing_field",
            Self::InvalidUuid => "invalid_uuid",
            Self::InvalidDeployTime => "invalid_deploy_time",
            Self::DeployTimeInFuture => "deploy_time_in_future",
            Self::InvalidRollback => "invalid_rollback",
            Self::InvalidReleaseId => "invalid_release_id",
            Self::InvalidWorkers => "invalid_workers",
            Self::InvalidStrict => "invalid_strict",
            Self::InvalidShare => "invalid_share",
            Self::InvalidAfter => "invalid_after",
            Self::InvalidIfMatch => "invalid_if_match",
            Self::InvalidPage => "invalid_page",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::UnknownWorker => "unknown_worker",
            Self::UnknownRelease => "unknown_release",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::OlderDeployTime => "older_deploy_time",
            Self::RetiredBundle => "retired_bundle",
            Self::DeployTimeMismatch => "deploy_time_mismatch",
            Self::ReleaseExists => "release_exists",
            Self::ReleaseOpen => "release_open",
            Self::WrongStage => "wrong_stage",
            Self::CutoverPending => "cutover_pending",
            Self::EpochMismatch => "epoch_mismatch",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::InternalError => "internal_error",
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidWorkerName
            | Self::InvalidJson
            | Self::MissingField
            | Self::InvalidUuid
            | Self::InvalidDeployTime
            | Self::DeployTimeInFuture
            | Self::InvalidRollback
            | Self::InvalidReleaseId
            | Self::InvalidWorkers
            | Self::InvalidStrict
            | Self::InvalidShare
            | Self::InvalidAfter
            | Self::InvalidIfMatch
            | Self::InvalidPage => 400,
            Self::Unauthorized => 401,
            Self::NotFound | Self::UnknownWorker | Self::UnknownRelease => 404,
            Self::MethodNotAllowed => 405,
            Self::OlderDeployTime
            | Self::RetiredBundle
            | Self::DeployTimeMismatch
            | Self::ReleaseExists
            | Self::ReleaseOpen
            | Self::WrongStage
            | Self::CutoverPending => 409,
            Self::EpochMismatch => 412,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InternalError => 500,
        }
    }
}

impl ErrorCode {
    /// The code of a change that does not hold.
    #[must_use]
    pub fn of_change(error: &ChangeError) -> Self {
        match error {
            ChangeError::Rejected(rejection) => rejection.into(),
            ChangeError::Outdated { .. } => Self::EpochMismatch,
            ChangeError::Storage(_) => Self::InternalError,
        }
    }
}

impl From<&Rejection> for ErrorCode {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::DeployTimeInFuture => Self::DeployTimeInFuture,
            Rejection::OlderDeployTime { .. } => Self::OlderDeployTime,
            Rejection::Retired { .. } => Self::RetiredBundle,
            Rejection::DeployTimeMismatch { .. } => Self::DeployTimeMismatch,
            Rejection::OfWorker { rejection, .. } => rejection.as_ref().into(),
            Rejection::ReservedReleaseId => Self::InvalidReleaseId,
            Rejection::UnknownRelease => Self::UnknownRelease,
            Rejection::ReleaseExists { .. } => Self::ReleaseExists,
            Rejection::ReleaseOpen { .. } => Self::ReleaseOpen,
            Rejection::WrongStage { .. } => Self::WrongStage,
            Rejection::CutoverPending { .. } => Self::CutoverPending,
        }
    }
}
