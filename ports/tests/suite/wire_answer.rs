//! What people and whole PoPs are told.

use serde_json::{Value, json};
use skewguard_domain::Ledger;
use skewguard_ports::Registered;
use skewguard_ports::wire::{ManifestAnswer, RegisteredAnswer, StatusAnswer, VersionAnswer};

use crate::fixtures::{NOW, deploy, deployed, id, ledger, rollback, worker};

fn some_ledger() -> Ledger {
    ledger([
        deploy("op-auth", 1),
        deploy("op-auth", 2),
        deploy("op-auth", 3),
        rollback("op-auth", 2),
        deploy("op-token", 4),
    ])
}

fn value(answer: impl serde::Serialize) -> Value {
    serde_json::to_value(answer).expect("JSON")
}

/// A bundle as people may see it.
fn shown(number: u8) -> Value {
    json!({
        "bundle": &id(number).reveal()[..8],
        "deployTime": deployed(number).to_string(),
        "registeredAt": NOW.to_string(),
    })
}

#[test]
fn the_status_shows_every_worker_with_its_bundles_last_retired_first() {
    let retired = |number, retirement: &str| {
        let mut bundle = shown(number);
        bundle["retirement"] = json!(retirement);
        bundle["retiredAt"] = json!(NOW.to_string());
        bundle
    };
    let expected = json!({
        "epoch": 5,
        "manager": { "bundle": &id(9).reveal()[..8], "version": env!("CARGO_PKG_VERSION") },
        "workers": {
            "op-auth": {
                "current": shown(2),
                "retired": [retired(3, "rolled_back"), retired(1, "superseded")],
            },
            "op-token": { "current": shown(4), "retired": [] },
        },
    });
    assert_eq!(value(StatusAnswer::of(&some_ledger(), Some(id(9)))), expected);
}

#[test]
fn the_status_of_a_manager_without_a_bundle_and_without_workers_is_a_status() {
    let expected = json!({
        "epoch": 0,
        "manager": { "version": env!("CARGO_PKG_VERSION") },
        "workers": {},
    });
    assert_eq!(value(StatusAnswer::of(&Ledger::default(), None)), expected);
}

#[test]
fn a_registration_is_answered_with_what_serves_now() {
    let ledger = some_ledger();
    let record = *ledger.workers()[&worker("op-token")].current();
    let registered = Registered { record, epoch: ledger.epoch() };
    let mut expected = shown(4);
    expected["worker"] = json!("op-token");
    expected["epoch"] = json!(5);
    assert_eq!(value(RegisteredAnswer::new(&worker("op-token"), &registered)), expected);
}

#[test]
fn the_manifest_of_all_workers_has_for_each_what_it_would_be_told_alone() {
    let ledger = some_ledger();
    let answer = value(ManifestAnswer::of(&ledger));
    assert_eq!(answer["epoch"], 5);
    let workers = answer["workers"].as_object().expect("an object");
    assert_eq!(workers.keys().collect::<Vec<_>>(), ["op-auth", "op-token"]);
    for (name, told) in workers {
        let alone = VersionAnswer::of(&ledger, &worker(name)).expect("the Worker is known");
        assert_eq!(*told, value(alone));
    }
    assert_eq!(workers["op-auth"]["retired"], json!([id(3).reveal()]));
}

#[test]
fn the_manifest_of_no_workers_is_a_manifest() {
    let expected = json!({ "epoch": 0, "workers": {} });
    assert_eq!(value(ManifestAnswer::of(&Ledger::default())), expected);
}
