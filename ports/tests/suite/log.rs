//! The lines of the structured log.

use serde_json::{Value, json};
use skewguard_domain::{Breaker, Epoch};
use skewguard_ports::{Level, LogEntry, Principal};

use crate::fixtures::{id, worker};

fn line(entry: &LogEntry<'_>) -> (Level, Value) {
    (entry.level(), serde_json::to_value(entry).expect("JSON"))
}

#[test]
fn a_registration_is_told_with_its_bundle_and_its_epoch() {
    let entry = LogEntry::Registered {
        worker: &worker("op-auth"),
        bundle: id(1),
        epoch: Epoch::new(3),
        token: Principal::Previous,
    };
    let expected = json!({
        "event": "registered",
        "worker": "op-auth",
        "bundle": &id(1).reveal()[..8],
        "epoch": 3,
        "token": "previous",
    });
    assert_eq!(line(&entry), (Level::Info, expected));
}

#[test]
fn a_change_is_told_with_its_release_where_it_has_one() {
    let changed = LogEntry::Changed {
        action: "activate",
        release: Some("2026-03-01.1"),
        epoch: Epoch::new(7),
        token: Principal::Current,
    };
    let expected = json!({
        "event": "changed",
        "action": "activate",
        "release": "2026-03-01.1",
        "epoch": 7,
        "token": "current",
    });
    assert_eq!(line(&changed), (Level::Info, expected));
    let leases = LogEntry::Changed {
        action: "set_lease",
        release: None,
        epoch: Epoch::new(8),
        token: Principal::Settings,
    };
    let expected =
        json!({ "event": "changed", "action": "set_lease", "epoch": 8, "token": "settings" });
    assert_eq!(line(&leases), (Level::Info, expected));
}

#[test]
fn a_change_that_does_not_hold_is_a_warning() {
    let rejected = LogEntry::ChangeRejected {
        action: "promote",
        release: Some("2026-03-01.1"),
        code: "wrong_stage",
        token: Principal::Current,
    };
    let expected = json!({
        "event": "change_rejected",
        "action": "promote",
        "release": "2026-03-01.1",
        "code": "wrong_stage",
        "token": "current",
    });
    assert_eq!(line(&rejected), (Level::Warn, expected));
}

#[test]
fn a_breaker_that_opens_is_a_warning_and_one_that_closes_is_not() {
    let turned = |breaker| {
        let pop = "FRA".parse().expect("a PoP's name");
        line(&LogEntry::BreakerTurned { worker: &worker("op-auth"), pop, breaker })
    };
    let expected = |state| json!({ "event": "breaker_turned", "worker": "op-auth", "pop": "FRA", "breaker": state });
    assert_eq!(turned(Breaker::Open), (Level::Warn, expected("open")));
    assert_eq!(turned(Breaker::Closed), (Level::Info, expected("closed")));
}

#[test]
fn a_failure_of_the_platform_is_an_error() {
    let gateway = LogEntry::GatewayFailed { detail: "connection lost" };
    let expected = json!({ "event": "gateway_failed", "detail": "connection lost" });
    assert_eq!(line(&gateway), (Level::Error, expected));
    let storage = LogEntry::StorageFailed { detail: "disk on fire" };
    let expected = json!({ "event": "storage_failed", "detail": "disk on fire" });
    assert_eq!(line(&storage), (Level::Error, expected));
}

#[test]
fn a_principal_is_read_by_the_name_by_which_it_is_told_and_by_no_other() {
    for principal in [Principal::Current, Principal::Previous, Principal::Read, Principal::Settings]
    {
        assert_eq!(principal.as_str().parse(), Ok(principal));
        assert_eq!(serde_json::to_value(principal).expect("JSON"), principal.as_str());
    }
    for name in ["", "Current", "current ", "admin"] {
        assert!(name.parse::<Principal>().is_err(), "{name}");
    }
}
