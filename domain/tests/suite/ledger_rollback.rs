//! Registrations that go back, and back to what was retired.

use skewguard_domain::{
    Applied, Command, Decision, Intent, Ledger, Reason, Registration, Rejection, Retired,
    Retirement, Staleness, Standings, Verdict, VersionRecord,
};

use crate::fixtures::{at, bundle, decision_by, deployed, id, told, worker};

/// When all of this is over.
const END: i64 = 60_000;

/// The bundle with `number` was deployed at `number` seconds, and is registered a second later.
fn register(ledger: &Ledger, number: u32, intent: Intent) -> Result<Applied, Rejection> {
    let deploy_time = i64::from(number) * 1_000;
    let command = Command::Register(Registration {
        worker: worker(),
        bundle: id(number),
        deploy_time: deployed(deploy_time),
        intent,
    });
    ledger.apply(&command, at(deploy_time + 1_000))
}

/// The bundles 1 to 3, deployed in this order.
fn three_deploys() -> Ledger {
    (1..=3).fold(Ledger::default(), |ledger, number| {
        register(&ledger, number, Intent::Deploy).expect("a newer bundle").ledger
    })
}

fn rolled_back_to(ledger: &Ledger, number: u32) -> Ledger {
    register(ledger, number, Intent::Rollback).expect("a rollback").ledger
}

/// What the guard of a bundle decides by this ledger.
fn decision(ledger: &Ledger, number: u32) -> Decision {
    decision_by(bundle(number, i64::from(number) * 1_000), &told(ledger, &worker(), END))
}

/// What serves.
fn current(ledger: &Ledger) -> VersionRecord {
    ledger.workers()[&worker()].current(at(END)).expect("a takeover").record
}

/// What does not any more.
fn retired(ledger: &Ledger) -> Vec<Retired> {
    ledger.workers()[&worker()].retired(at(END))
}

/// What guards are told.
fn standings(ledger: &Ledger) -> Standings {
    told(ledger, &worker(), END).worker.expect("a known Worker").now
}

#[test]
fn a_rollback_makes_a_retired_bundle_current_again() {
    let ledger = rolled_back_to(&three_deploys(), 1);
    assert_eq!(current(&ledger).bundle, id(1));
    assert_eq!(ledger.epoch().get(), 4);
    // It has left the retired ones, and keeps when it was registered first.
    let retired: Vec<_> = retired(&ledger).iter().map(|retired| retired.record.bundle).collect();
    assert_eq!(retired, [id(2), id(3)]);
    assert_eq!(current(&ledger).registered_at, at(2_000));
}

#[test]
fn what_a_rollback_replaces_is_rolled_back_and_not_superseded() {
    let ledger = rolled_back_to(&three_deploys(), 1);
    let retired = retired(&ledger);
    assert_eq!(retired[0].retirement, Retirement::Superseded);
    assert_eq!(retired[1].retirement, Retirement::RolledBack);
}

#[test]
fn a_rollback_to_a_bundle_that_was_never_registered_is_a_registration_like_any_other() {
    let ledger = (2..=3).fold(Ledger::default(), |ledger, number| {
        register(&ledger, number, Intent::Deploy).expect("a newer bundle").ledger
    });
    let ledger = rolled_back_to(&ledger, 1);
    assert_eq!(current(&ledger).bundle, id(1));
    // The clock shows 2,000 then, but was at 4,000 already.
    assert_eq!(current(&ledger).registered_at, at(4_000));
    assert_eq!(retired(&ledger).len(), 2);
}

#[test]
fn a_rolled_back_bundle_is_named_although_it_is_newer_and_is_refused() {
    let ledger = rolled_back_to(&three_deploys(), 1);
    assert_eq!(standings(&ledger).retired, [id(2), id(3)]);
    for number in [2, 3] {
        let decision = decision(&ledger, number);
        assert_eq!(decision.reason, Reason::Stale(Staleness::Retired));
        assert_eq!(decision.verdict, Verdict::Refuse);
    }
    assert_eq!(decision(&ledger, 1).reason, Reason::Current);
}

#[test]
fn a_rollback_names_no_bundle_that_is_older_than_what_it_goes_back_to() {
    let ledger = rolled_back_to(&three_deploys(), 2);
    assert_eq!(standings(&ledger).retired, [id(3)]);
    assert_eq!(decision(&ledger, 1).reason, Reason::Stale(Staleness::Older));
}

#[test]
fn a_deploy_after_a_rollback_serves_before_it_is_registered_and_after() {
    let ledger = rolled_back_to(&three_deploys(), 1);
    assert_eq!(decision(&ledger, 4).reason, Reason::Ahead);
    let ledger = register(&ledger, 4, Intent::Deploy).expect("a newer bundle").ledger;
    assert_eq!(decision(&ledger, 4).reason, Reason::Current);
    for number in [1, 2, 3] {
        assert_eq!(decision(&ledger, number).reason, Reason::Stale(Staleness::Older));
    }
}

#[test]
fn a_retired_bundle_comes_back_by_a_rollback_only() {
    let ledger = rolled_back_to(&three_deploys(), 1);
    let why = |number| register(&ledger, number, Intent::Deploy).expect_err("a retired bundle");
    assert_eq!(why(2), Rejection::Retired { retirement: Retirement::Superseded });
    assert_eq!(why(3), Rejection::Retired { retirement: Retirement::RolledBack });
    assert_eq!(decision(&rolled_back_to(&ledger, 3), 3).reason, Reason::Current);
}

#[test]
fn going_forward_to_a_retired_bundle_supersedes_what_it_replaces() {
    let ledger = rolled_back_to(&rolled_back_to(&three_deploys(), 1), 3);
    let retired = retired(&ledger);
    assert_eq!(retired[1].record.bundle, id(1));
    assert_eq!(retired[1].retirement, Retirement::Superseded);
}

#[test]
fn a_rollback_to_the_current_bundle_changes_nothing() {
    let before = three_deploys();
    let applied = register(&before, 3, Intent::Rollback).expect("what is the case");
    assert!(applied.events.is_empty());
    assert_eq!(applied.ledger, before);
}

#[test]
fn a_rollback_keeps_the_recorded_deploy_time() {
    let ledger = three_deploys();
    let command = Command::Register(Registration {
        worker: worker(),
        bundle: id(1),
        deploy_time: deployed(1_001),
        intent: Intent::Rollback,
    });
    let rejection = ledger.apply(&command, at(9_000)).expect_err("another deploy time");
    assert_eq!(rejection, Rejection::DeployTimeMismatch { recorded: deployed(1_000) });
}

#[test]
fn back_and_forth_leaves_every_bundle_known_once() {
    let mut ledger = three_deploys();
    for number in [1, 3, 2, 1, 2, 3] {
        ledger = rolled_back_to(&ledger, number);
    }
    assert_eq!(current(&ledger).bundle, id(3));
    let mut retired: Vec<_> = retired(&ledger).iter().map(|old| old.record.bundle).collect();
    retired.sort();
    assert_eq!(retired, [id(1), id(2)]);
}

#[test]
fn a_retirement_has_a_name_that_storage_and_clients_rely_on() {
    assert_eq!(Retirement::Superseded.as_str(), "superseded");
    assert_eq!(Retirement::RolledBack.as_str(), "rolled_back");
    assert_eq!(Retirement::Aborted.as_str(), "aborted");
}
