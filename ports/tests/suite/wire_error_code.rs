//! The codes that clients rely on.

use std::collections::HashSet;

use skewguard_domain::{Rejection, Retirement};
use skewguard_ports::wire::{ErrorAnswer, ErrorCode};

use crate::fixtures::deployed;

/// Written out, because neither a code nor its status may ever change by accident.
const TABLE: [(ErrorCode, u16, &str); 17] = [
    (ErrorCode::InvalidWorkerName, 400, "invalid_worker_name"),
    (ErrorCode::InvalidJson, 400, "invalid_json"),
    (ErrorCode::MissingField, 400, "missing_field"),
    (ErrorCode::InvalidUuid, 400, "invalid_uuid"),
    (ErrorCode::InvalidDeployTime, 400, "invalid_deploy_time"),
    (ErrorCode::DeployTimeInFuture, 400, "deploy_time_in_future"),
    (ErrorCode::InvalidRollback, 400, "invalid_rollback"),
    (ErrorCode::Unauthorized, 401, "unauthorized"),
    (ErrorCode::NotFound, 404, "not_found"),
    (ErrorCode::UnknownWorker, 404, "unknown_worker"),
    (ErrorCode::MethodNotAllowed, 405, "method_not_allowed"),
    (ErrorCode::OlderDeployTime, 409, "older_deploy_time"),
    (ErrorCode::RetiredBundle, 409, "retired_bundle"),
    (ErrorCode::DeployTimeMismatch, 409, "deploy_time_mismatch"),
    (ErrorCode::PayloadTooLarge, 413, "payload_too_large"),
    (ErrorCode::UnsupportedMediaType, 415, "unsupported_media_type"),
    (ErrorCode::InternalError, 500, "internal_error"),
];

#[test]
fn every_code_keeps_its_text_and_its_status() {
    for (code, status, text) in TABLE {
        assert_eq!((code.status(), code.as_str()), (status, text));
    }
}

#[test]
fn no_two_codes_have_the_same_text() {
    let texts: HashSet<&str> = TABLE.iter().map(|(code, ..)| code.as_str()).collect();
    let codes: HashSet<ErrorCode> = TABLE.iter().map(|(code, ..)| *code).collect();
    assert_eq!((texts.len(), codes.len()), (TABLE.len(), TABLE.len()));
}

#[test]
fn the_table_has_every_code() {
    for (code, ..) in TABLE {
        // A new code does not compile here until it is in the table too.
        match code {
            ErrorCode::InvalidWorkerName
            | ErrorCode::InvalidJson
            | ErrorCode::MissingField
            | ErrorCode::InvalidUuid
            | ErrorCode::InvalidDeployTime
            | ErrorCode::DeployTimeInFuture
            | ErrorCode::InvalidRollback
            | ErrorCode::Unauthorized
            | ErrorCode::NotFound
            | ErrorCode::UnknownWorker
            | ErrorCode::MethodNotAllowed
            | ErrorCode::OlderDeployTime
            | ErrorCode::RetiredBundle
            | ErrorCode::DeployTimeMismatch
            | ErrorCode::PayloadTooLarge
            | ErrorCode::UnsupportedMediaType
            | ErrorCode::InternalError => {}
        }
    }
}

#[test]
fn every_rejection_has_the_code_of_its_name() {
    let rejections = [
        (Rejection::DeployTimeInFuture, ErrorCode::DeployTimeInFuture),
        (Rejection::OlderDeployTime { current: deployed(1) }, ErrorCode::OlderDeployTime),
        (Rejection::Retired { retirement: Retirement::Superseded }, ErrorCode::RetiredBundle),
        (Rejection::Retired { retirement: Retirement::RolledBack }, ErrorCode::RetiredBundle),
        (Rejection::DeployTimeMismatch { recorded: deployed(1) }, ErrorCode::DeployTimeMismatch),
    ];
    for (rejection, code) in rejections {
        assert_eq!(ErrorCode::from(rejection), code);
    }
}

#[test]
fn an_error_is_a_code_and_a_message_and_nothing_else() {
    let answer = ErrorAnswer::new(ErrorCode::UnknownWorker, "register it first");
    let json = serde_json::to_string(&answer).expect("JSON");
    assert_eq!(json, r#"{"error":"unknown_worker","message":"register it first"}"#);
}
