//! What people are told: the status, and the answers to registrations and to questions about the
//! audit trail.

use std::sync::Arc;

use serde_json::{Value, json};
use skewguard_domain::{Breaker, Bundle, Census, Epoch, Ledger, Pop, Sighting, Style, Tally};
use skewguard_ports::wire::{AuditAnswer, RegisteredAnswer, StatusAnswer};
use skewguard_ports::{AuditEntry, Changed, Principal};

use crate::fixtures::{
    NOW, activate, after, announce, deploy, deployed, id, ledger, ms, rollback, worker,
};

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

fn sighting(name: &str, number: u8, tally: Tally, reports: u32) -> Sighting {
    let bundle = Bundle { id: id(number), deploy_time: Some(deployed(number)) };
    Sighting { worker: worker(name), bundle, breaker: Breaker::Closed, tally, reports }
}

fn pop(name: &str) -> Pop {
    name.parse().expect("a PoP's name")
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
        "maxAgeMs": 5_000,
        "manager": {
            "bundle": &id(9).reveal()[..8],
            "version": env!("CARGO_PKG_VERSION"),
            "startedAt": NOW.to_string(),
        },
        "workers": {
            "op-auth": {
                "current": shown(2),
                "retired": [retired(3, "rolled_back"), retired(1, "superseded")],
            },
            "op-token": { "current": shown(4), "retired": [] },
        },
    });
    let census = Census::new(NOW);
    assert_eq!(value(StatusAnswer::of(&some_ledger(), &census, Some(id(9)), NOW)), expected);
}

#[test]
fn the_status_of_a_manager_without_a_bundle_and_without_workers_is_a_status() {
    let expected = json!({
        "epoch": 0,
        "maxAgeMs": 5_000,
        "manager": { "version": env!("CARGO_PKG_VERSION"), "startedAt": NOW.to_string() },
        "workers": {},
    });
    let census = Census::new(NOW);
    assert_eq!(value(StatusAnswer::of(&Ledger::default(), &census, None, NOW)), expected);
}

#[test]
fn the_status_shows_what_was_sighted_where_and_whether_a_breaker_is_open_there() {
    let ledger = some_ledger();
    let mut census = Census::new(NOW);
    let refused = Tally { refused: 7, failed_open: 2, breaker_open: 1 };
    census.observe(&ledger, pop("FRA"), &sighting("op-token", 4, Tally::default(), 1), NOW);
    let later = NOW.after(ms(29_999));
    census.observe(&ledger, pop("CDG"), &sighting("op-auth", 3, refused, 4), later);
    let dark = NOW.after(ms(31_000));
    census.observe(&ledger, pop("CDG"), &sighting("op-auth", 3, refused, 1), dark);
    // Of a Worker that the ledger does not know.
    census.observe(&ledger, pop("FRA"), &sighting("op-code", 5, Tally::default(), 1), dark);
    let now = NOW.after(ms(33_500));
    let status = value(StatusAnswer::of(&ledger, &census, None, now));
    assert_eq!(
        status["workers"]["op-auth"]["pops"],
        json!({
            "CDG": {
                "breaker": "open",
                "openSince": dark.to_string(),
                "bundles": [{
                    "bundle": &id(3).reveal()[..8],
                    "firstSeen": later.to_string(),
                    "lastSeen": dark.to_string(),
                    "silentMs": 2_500,
                    "sightings": 5,
                    "refused": 14,
                    "failedOpen": 4,
                    "breakerOpen": 2,
                }],
            },
        })
    );
    let token = &status["workers"]["op-token"]["pops"]["FRA"];
    assert_eq!((&token["breaker"], token.get("openSince")), (&json!("closed"), None));
    assert_eq!(token["bundles"][0]["silentMs"], 33_500);
    let code = &status["workers"]["op-code"];
    assert_eq!((code.get("current"), &code["retired"]), (None, &json!([])));
    assert_eq!(code["pops"]["FRA"]["bundles"][0]["sightings"], 1);
}

#[test]
fn the_status_shows_the_release_that_is_open_until_its_cutover_and_what_serves_meanwhile() {
    let commands =
        [announce("2026-03-01.1", Style::Plain, &[("op-auth", 5)]), activate("2026-03-01.1")];
    let ledger = after(&some_ledger(), commands);
    let census = Census::new(NOW);
    let status = |now| value(StatusAnswer::of(&ledger, &census, None, now));
    // Of a lease and the margin, 6 s.
    let before = status(NOW.after(ms(5_999)));
    assert_eq!(before["openRelease"]["id"], "2026-03-01.1");
    assert_eq!(before["openRelease"]["state"], "cutting_over");
    assert_eq!(before["workers"]["op-auth"]["current"], shown(2));
    let turned = status(NOW.after(ms(6_000)));
    assert_eq!(turned.get("openRelease"), None);
    assert_eq!(turned["workers"]["op-auth"]["current"], shown(5));
    assert_eq!(
        turned["workers"]["op-auth"]["retired"][0]["retiredAt"],
        NOW.after(ms(6_000)).to_string()
    );
}

#[test]
fn a_registration_is_answered_with_what_serves_now() {
    let changed = Changed { ledger: Arc::new(some_ledger()), at: NOW };
    let mut expected = shown(4);
    expected["worker"] = json!("op-token");
    expected["epoch"] = json!(5);
    assert_eq!(value(RegisteredAnswer::new(&worker("op-token"), &changed)), expected);
}

/// The entry of the change that led to `to`.
fn entry(to: u64) -> AuditEntry {
    AuditEntry {
        at: NOW,
        by: Principal::Current,
        action: "activate".to_owned(),
        release: Some("2026-03-01.1".to_owned()),
        detail: "after 0 ms".to_owned(),
        from: Epoch::new(to - 1),
        to: Epoch::new(to),
    }
}

#[test]
fn the_trail_is_answered_line_by_line() {
    let settings = AuditEntry {
        by: Principal::Settings,
        action: "set_lease".to_owned(),
        release: None,
        detail: "2000 ms".to_owned(),
        ..entry(6)
    };
    let expected = json!({
        "entries": [
            {
                "at": NOW.to_string(),
                "token": "current",
                "action": "activate",
                "release": "2026-03-01.1",
                "detail": "after 0 ms",
                "from": 6,
                "to": 7,
            },
            {
                "at": NOW.to_string(),
                "token": "settings",
                "action": "set_lease",
                "detail": "2000 ms",
                "from": 5,
                "to": 6,
            },
        ],
    });
    assert_eq!(value(AuditAnswer::new(vec![entry(7), settings], 50)), expected);
}

#[test]
fn a_page_that_is_full_says_where_to_read_on_unless_the_first_change_is_on_it() {
    let next = |from: u64, to: u64, limit: u32| {
        let entries = (from..=to).rev().map(entry).collect();
        value(AuditAnswer::new(entries, limit)).get("next").cloned()
    };
    assert_eq!(next(5, 7, 3), Some(json!(5)));
    assert_eq!(next(2, 4, 3), Some(json!(2)));
    assert_eq!(next(1, 3, 3), None);
    assert_eq!(next(5, 7, 4), None);
    assert_eq!(next(1, 0, 3), None);
}
