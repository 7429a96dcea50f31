//! What people are told of releases: how far one has come, and whether it is everywhere.

use serde_json::{Value, json};
use skewguard_domain::{
    Breaker, Bundle, Census, Command, Convergence, Delay, Ledger, Sighting, Strictness, Style,
    Tally, Timestamp,
};
use skewguard_ports::wire::{ConvergenceAnswer, ReleaseAnswer, ReleasesAnswer};

use crate::fixtures::{
    NOW, activate, activate_at_once, after, announce, deploy, deployed, id, ledger, ms, release,
    worker,
};

const BUNDLES: [(&str, u8); 2] = [("op-auth", 2), ("op-token", 3)];

/// A ledger in which `op-auth` is served, and a release of two Workers is announced.
fn announced(style: Style) -> Ledger {
    after(&ledger([deploy("op-auth", 1)]), [announce("next", style, &BUNDLES)])
}

fn value(answer: impl serde::Serialize) -> Value {
    serde_json::to_value(answer).expect("JSON")
}

/// What is told of the release `next`.
fn told(ledger: &Ledger, now: Timestamp) -> Value {
    let release = ledger.release(&release("next")).expect("a release");
    value(ReleaseAnswer::new(release, ledger, now))
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
fn an_announced_release_has_no_cutover() {
    let expected = json!({
        "id": "next",
        "state": "announced",
        "strict": false,
        "share": false,
        "announcedAt": NOW.to_string(),
        "ageMs": 1_500,
        "workers": { "op-auth": shown(2), "op-token": shown(3) },
        "epoch": 2,
    });
    assert_eq!(told(&announced(Style::Plain), NOW.after(ms(1_500))), expected);
}

#[test]
fn a_strict_cutover_is_told_from_its_beginning_to_its_end() {
    let ledger = after(&announced(Style::Strict), [activate("next")]);
    let at = |later| told(&ledger, NOW.after(ms(later)));
    let cutover = |left: u64| {
        json!({
            "stopsAt": NOW.after(ms(6_000)).to_string(),
            "startsAt": NOW.after(ms(6_500)).to_string(),
            "completeInMs": left,
        })
    };
    for (later, state, left) in [
        (0, "cutting_over", 6_500),
        (6_499, "cutting_over", 1),
        (6_500, "active", 0),
        (9_000, "active", 0),
    ] {
        let told = at(later);
        assert_eq!((&told["state"], &told["cutover"]), (&json!(state), &cutover(left)));
        assert_eq!((&told["strict"], &told["share"]), (&json!(true), &json!(false)));
    }
}

#[test]
fn a_canary_shares_without_a_cutover_until_it_is_promoted() {
    let shared = after(&announced(Style::Canary), [activate("next")]);
    let answer = told(&shared, NOW);
    assert_eq!((&answer["state"], &answer["share"]), (&json!("shared"), &json!(true)));
    assert_eq!(answer.get("cutover"), None);
    let promote = Command::Promote { release: release("next"), after: None };
    let answer = told(&after(&shared, [promote]), NOW);
    assert_eq!(answer["state"], "cutting_over");
    assert_eq!(answer["cutover"]["completeInMs"], 6_000);
}

#[test]
fn what_has_become_of_a_release_is_told_by_its_name() {
    let aborted = after(&announced(Style::Plain), [Command::Abort { release: release("next") }]);
    assert_eq!(told(&aborted, NOW)["state"], "aborted");
    assert_eq!(told(&aborted, NOW).get("cutover"), None);
    let active = after(&announced(Style::Plain), [activate_at_once("next")]);
    assert_eq!(told(&active, NOW)["state"], "active");
    let newer = [("op-auth", 4), ("op-token", 5)];
    let superseded =
        after(&active, [announce("newer", Style::Plain, &newer), activate_at_once("newer")]);
    assert_eq!(told(&superseded, NOW)["state"], "superseded");
    let roll_back = Command::RollBack {
        release: release("next"),
        after: Some(Delay::NONE),
        strictness: Strictness::Relaxed,
    };
    let rolled_back = after(&superseded, [roll_back]);
    assert_eq!(told(&rolled_back, NOW)["state"], "active");
    let newer = rolled_back.release(&release("newer")).expect("a release");
    let newer = value(ReleaseAnswer::new(newer, &rolled_back, NOW));
    assert_eq!(newer["state"], "rolled_back");
}

#[test]
fn all_releases_are_told_last_announced_first_registrations_among_them() {
    let ledger = announced(Style::Plain);
    let answer = value(ReleasesAnswer::of(&ledger, NOW));
    assert_eq!(answer["epoch"], 2);
    let releases = answer["releases"].as_array().expect("a list");
    assert_eq!(releases.len(), 2);
    assert_eq!(releases[0], told(&ledger, NOW));
    assert_eq!((&releases[1]["id"], &releases[1]["state"]), (&json!("@1"), &json!("active")));
    let none = value(ReleasesAnswer::of(&Ledger::default(), NOW));
    assert_eq!(none, json!({ "epoch": 0, "releases": [] }));
}

fn sight(census: &mut Census, ledger: &Ledger, (name, number, pop): (&str, u8, &str), at: u64) {
    let sighting = Sighting {
        worker: worker(name),
        bundle: Bundle { id: id(number), deploy_time: Some(deployed(number)) },
        breaker: Breaker::Closed,
        tally: Tally::default(),
        reports: 1,
    };
    let pop = pop.parse().expect("a PoP's name");
    census.observe(ledger, pop, &sighting, NOW.after(ms(at)));
}

fn convergence(ledger: &Ledger, census: &Census, now: Timestamp) -> Value {
    let release = ledger.release(&release("next")).expect("a release");
    let convergence = Convergence::of(release, ledger, census, now);
    value(ConvergenceAnswer::new(release, &convergence, now))
}

#[test]
fn the_evidence_is_told_of_each_worker_in_each_pop_and_counted() {
    let ledger = after(&announced(Style::Plain), [activate_at_once("next")]);
    let mut census = Census::new(NOW);
    for (sighting, at) in [
        (("op-auth", 2, "CDG"), 100),
        (("op-auth", 1, "FRA"), 40_000),
        (("op-auth", 2, "FRA"), 41_000),
        (("op-auth", 1, "LHR"), 42_000),
        (("op-token", 3, "FRA"), 43_000),
    ] {
        sight(&mut census, &ledger, sighting, at);
    }
    let old = &id(1).reveal()[..8];
    let expected = json!({
        "release": "next",
        "state": "active",
        "converged": false,
        "windowMs": 20_000,
        "places": { "turned": 1, "turning": 1, "behind": 1, "silent": 1 },
        "workers": {
            "op-auth": {
                "CDG": { "progress": "silent", "breaker": "closed", "releaseSeenMs": 43_900 },
                "FRA": {
                    "progress": "turning",
                    "breaker": "closed",
                    "releaseSeenMs": 3_000,
                    "othersSeenMs": { old: 4_000 },
                },
                "LHR": {
                    "progress": "behind",
                    "breaker": "closed",
                    "othersSeenMs": { old: 2_000 },
                },
            },
            "op-token": {
                "FRA": { "progress": "turned", "breaker": "closed", "releaseSeenMs": 1_000 },
            },
        },
    });
    assert_eq!(convergence(&ledger, &census, NOW.after(ms(44_000))), expected);
}

#[test]
fn a_release_that_is_all_that_is_sighted_of_its_workers_has_converged() {
    let ledger = after(&announced(Style::Plain), [activate_at_once("next")]);
    let mut census = Census::new(NOW);
    sight(&mut census, &ledger, ("op-auth", 2, "FRA"), 100);
    let half = convergence(&ledger, &census, NOW.after(ms(200)));
    assert_eq!((&half["converged"], &half["workers"]["op-token"]), (&json!(false), &json!({})));
    sight(&mut census, &ledger, ("op-token", 3, "FRA"), 150);
    let whole = convergence(&ledger, &census, NOW.after(ms(200)));
    assert_eq!(whole["converged"], json!(true));
    assert_eq!(whole["places"], json!({ "turned": 2, "turning": 0, "behind": 0, "silent": 0 }));
}

#[test]
fn a_breaker_that_is_open_is_told_with_the_evidence() {
    let ledger = after(&announced(Style::Plain), [activate_at_once("next")]);
    let mut census = Census::new(NOW);
    for at in [29_000, 29_100, 29_200, 29_300, 29_400] {
        sight(&mut census, &ledger, ("op-auth", 1, "FRA"), at);
    }
    let breaker = |now| {
        convergence(&ledger, &census, NOW.after(ms(now)))["workers"]["op-auth"]["FRA"]["breaker"]
            .clone()
    };
    assert_eq!((breaker(29_999), breaker(30_000)), (json!("closed"), json!("open")));
}
