//! The codes that clients rely on.

use std::collections::HashSet;

use serde_json::{Value, json};
use skewguard_domain::{Epoch, Rejection, ReleaseState, Retirement};
use skewguard_ports::wire::{ErrorAnswer, ErrorCode};
use skewguard_ports::{ChangeError, StorageError};

use crate::fixtures::{deployed, ms, release, worker};

/// Written out, because neither a code nor its status may ever change by accident.
const TABLE: [(ErrorCode, u16, &str); 30] = [
    (ErrorCode::InvalidWorkerName, 400, "invalid_worker_name"),
    (ErrorCode::InvalidJson, 400, "invalid_json"),
    (ErrorCode::MissingField, 400, "missing_field"),
    (ErrorCode::InvalidUuid, 400, "invalid_uuid"),
    (ErrorCode::InvalidDeployTime, 400, "invalid_deploy_time"),
    (ErrorCode::DeployTimeInFuture, 400, "deploy_time_in_future"),
    (ErrorCode::InvalidRollback, 400, "invalid_rollback"),
    (ErrorCode::InvalidReleaseId, 400, "invalid_release_id"),
    (ErrorCode::InvalidWorkers, 400, "invalid_workers"),
    (ErrorCode::InvalidStrict, 400, "invalid_strict"),
    (ErrorCode::InvalidShare, 400, "invalid_share"),
    (ErrorCode::InvalidAfter, 400, "invalid_after"),
    (ErrorCode::InvalidIfMatch, 400, "invalid_if_match"),
    (ErrorCode::InvalidPage, 400, "invalid_page"),
    (ErrorCode::Unauthorized, 401, "unauthorized"),
    (ErrorCode::NotFound, 404, "not_found"),
    (ErrorCode::UnknownWorker, 404, "unknown_worker"),
    (ErrorCode::UnknownRelease, 404, "unknown_release"),
    (ErrorCode::MethodNotAllowed, 405, "method_not_allowed"),
    (ErrorCode::OlderDeployTime, 409, "older_deploy_time"),
    (ErrorCode::RetiredBundle, 409, "retired_bundle"),
    (ErrorCode::DeployTimeMismatch, 409, "deploy_time_mismatch"),
    (ErrorCode::ReleaseExists, 409, "release_exists"),
    (ErrorCode::ReleaseOpen, 409, "release_open"),
    (ErrorCode::WrongStage, 409, "wrong_stage"),
    (ErrorCode::CutoverPending, 409, "cutover_pending"),
    (ErrorCode::EpochMismatch, 412, "epoch_mismatch"),
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
            | ErrorCode::InvalidReleaseId
            | ErrorCode::InvalidWorkers
            | ErrorCode::InvalidStrict
            | ErrorCode::InvalidShare
            | ErrorCode::InvalidAfter
            | ErrorCode::InvalidIfMatch
            | ErrorCode::InvalidPage
            | ErrorCode::Unauthorized
            | ErrorCode::NotFound
            | ErrorCode::UnknownWorker
            | ErrorCode::UnknownRelease
            | ErrorCode::MethodNotAllowed
            | ErrorCode::OlderDeployTime
            | ErrorCode::RetiredBundle
            | ErrorCode::DeployTimeMismatch
            | ErrorCode::ReleaseExists
            | ErrorCode::ReleaseOpen
            | ErrorCode::WrongStage
            | ErrorCode::CutoverPending
            | ErrorCode::EpochMismatch
            | ErrorCode::PayloadTooLarge
            | ErrorCode::UnsupportedMediaType
            | ErrorCode::InternalError => {}
        }
    }
}

/// A rejection because of this release, announced 1.5 s ago.
fn release_open(state: ReleaseState) -> Rejection {
    Rejection::ReleaseOpen { release: release("2026-03-01.1"), state, age: ms(1_500) }
}

fn wrong_stage() -> Rejection {
    let release = release("2026-03-01.1");
    Rejection::WrongStage { release, state: ReleaseState::Active, wish: "aborted" }
}

#[test]
fn every_rejection_has_the_code_of_its_name() {
    let release_exists = Rejection::ReleaseExists { release: release("2026-03-01.1") };
    let cutover_pending = Rejection::CutoverPending { worker: worker("op-auth") };
    let rejections = [
        (Rejection::DeployTimeInFuture, ErrorCode::DeployTimeInFuture),
        (Rejection::OlderDeployTime { current: deployed(1) }, ErrorCode::OlderDeployTime),
        (Rejection::Retired { retirement: Retirement::Superseded }, ErrorCode::RetiredBundle),
        (Rejection::Retired { retirement: Retirement::RolledBack }, ErrorCode::RetiredBundle),
        (Rejection::Retired { retirement: Retirement::Aborted }, ErrorCode::RetiredBundle),
        (Rejection::DeployTimeMismatch { recorded: deployed(1) }, ErrorCode::DeployTimeMismatch),
        (Rejection::ReservedReleaseId, ErrorCode::InvalidReleaseId),
        (Rejection::UnknownRelease, ErrorCode::UnknownRelease),
        (release_exists, ErrorCode::ReleaseExists),
        (release_open(ReleaseState::Announced), ErrorCode::ReleaseOpen),
        (wrong_stage(), ErrorCode::WrongStage),
        (cutover_pending, ErrorCode::CutoverPending),
    ];
    for (rejection, code) in rejections {
        assert_eq!(ErrorCode::from(&rejection), code);
        assert_eq!(ErrorCode::of_change(&rejection.clone().into()), code);
        // One of a release's Workers has the code of what is wrong with it.
        let worker = worker("op-auth");
        let of_worker = Rejection::OfWorker { worker, rejection: Box::new(rejection) };
        assert_eq!(ErrorCode::from(&of_worker), code);
    }
}

#[test]
fn a_change_that_was_overtaken_and_one_that_the_store_lost_have_codes_of_their_own() {
    let outdated = ChangeError::Outdated { current: Epoch::new(7) };
    assert_eq!(ErrorCode::of_change(&outdated), ErrorCode::EpochMismatch);
    for error in [StorageError::Conflict, StorageError::Unavailable("disk on fire".to_owned())] {
        assert_eq!(ErrorCode::of_change(&error.into()), ErrorCode::InternalError);
    }
}

fn value(answer: &ErrorAnswer<'_>) -> Value {
    serde_json::to_value(answer).expect("JSON")
}

#[test]
fn an_error_is_a_code_and_a_message_and_nothing_else() {
    let answer = ErrorAnswer::new(ErrorCode::UnknownWorker, "register it first");
    let json = serde_json::to_string(&answer).expect("JSON");
    assert_eq!(json, r#"{"error":"unknown_worker","message":"register it first"}"#);
}

#[test]
fn a_release_in_the_way_is_named_with_its_age() {
    let error = ChangeError::from(release_open(ReleaseState::Shared));
    let expected = json!({
        "error": "release_open",
        "message": "promote it",
        "release": "2026-03-01.1",
        "ageMs": 1_500,
    });
    assert_eq!(value(&ErrorAnswer::of_change(&error, "promote it")), expected);
}

#[test]
fn a_change_decided_from_another_epoch_is_told_the_one_to_decide_from() {
    let error = ChangeError::Outdated { current: Epoch::new(7) };
    let expected = json!({ "error": "epoch_mismatch", "message": "decide again", "epoch": 7 });
    assert_eq!(value(&ErrorAnswer::of_change(&error, "decide again")), expected);
    assert!(error.to_string().contains("If-Match: \"7\""), "{error}");
}

#[test]
fn every_other_change_that_does_not_hold_is_a_code_and_a_message() {
    let errors = [
        (wrong_stage().into(), "wrong_stage"),
        (Rejection::UnknownRelease.into(), "unknown_release"),
        (ChangeError::from(StorageError::Conflict), "internal_error"),
    ];
    for (error, code) in errors {
        let expected = json!({ "error": code, "message": "look" });
        assert_eq!(value(&ErrorAnswer::of_change(&error, "look")), expected);
    }
}

#[test]
fn a_release_that_is_open_says_how_to_bring_it_to_an_end() {
    for (state, way_out) in [
        (ReleaseState::Announced, "activate or abort it first"),
        (ReleaseState::Shared, "promote or abort it first"),
        (ReleaseState::CuttingOver, "wait for its cutover, or roll back"),
    ] {
        let message = release_open(state).to_string();
        assert!(message.contains("'2026-03-01.1', announced 1 s ago"), "{message}");
        assert!(message.ends_with(way_out), "{message}");
    }
}
