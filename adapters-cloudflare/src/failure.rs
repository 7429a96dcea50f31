//! What goes wrong on the way to an answer.

use skewguard_domain::{ParseReleaseIdError, ParseWorkerNameError};
use skewguard_ports::wire::{ErrorCode, InvalidRelease};
use skewguard_ports::{ChangeError, StorageError};
use worker::{Response, Result};

use crate::respond;

/// What goes wrong on the way to an answer.
pub(crate) enum Failure {
    /// The client's doing, or a code that says it all.
    Code(ErrorCode),
    /// The client's doing, in detail.
    Detailed(ErrorCode, String),
    /// A change that does not hold.
    Change(ChangeError),
    /// The platform's.
    Platform(worker::Error),
}

impl Failure {
    /// The answer that tells it.
    ///
    /// # Errors
    /// The platform's own, which Workers turns into a 500 without detail.
    pub(crate) fn answer(self) -> Result<Response> {
        match self {
            Self::Code(code) => respond::plain_error(code),
            Self::Detailed(code, message) => respond::error(code, &message),
            Self::Change(error) => respond::change_error(&error),
            Self::Platform(error) => Err(error),
        }
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<ParseWorkerNameError> for Failure {
    fn from(error: ParseWorkerNameError) -> Self {
        Self::Detailed(ErrorCode::InvalidWorkerName, error.to_string())
    }
}

impl From<ParseReleaseIdError> for Failure {
    fn from(error: ParseReleaseIdError) -> Self {
        Self::Detailed(ErrorCode::InvalidReleaseId, error.to_string())
    }
}

impl From<InvalidRelease> for Failure {
    fn from(invalid: InvalidRelease) -> Self {
        Self::Detailed((&invalid).into(), invalid.to_string())
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        Self::Change(error)
    }
}

impl From<StorageError> for Failure {
    fn from(_: StorageError) -> Self {
        Self::Code(ErrorCode::InternalError)
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}
