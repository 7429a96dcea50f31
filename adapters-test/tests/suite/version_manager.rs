//! The manager over a store in memory: what is stored, and what it says of that.

use futures::executor::block_on;
use skewguard_domain::{Command, Intent, Ledger, Registration, Rejection, Retirement};
use skewguard_ports::{ChangeError, Changed, Clock, Precondition, Principal, StorageError};
use skewguard_test::StorageFault;

use crate::fixtures::{
    assert_only_8_characters_are_told, current, deployed, id, registration, secs, worker,
};
use crate::world::{TestManager, World, change};

fn register_by(
    manager: &TestManager,
    wish: Registration,
    by: Principal,
) -> Result<Changed, ChangeError> {
    block_on(manager.change(Command::Register(wish), &Precondition::None, by))
}

fn register(manager: &TestManager, wish: Registration) -> Result<Changed, ChangeError> {
    change(manager, Command::Register(wish))
}

fn deploy(manager: &TestManager, name: &str, number: u8) -> Result<Changed, ChangeError> {
    register(manager, registration(name, number, Intent::Deploy))
}

/// Whether the bundle with this number serves, in what is stored.
fn is_current(ledger: &Ledger, name: &str, number: u8) -> bool {
    current(ledger, name).is_some_and(|record| record.bundle == id(number))
}

#[test]
fn a_registration_is_in_the_store_and_in_the_ledger_when_it_is_acknowledged() {
    let world = World::default();
    let manager = world.manager();
    let changed = deploy(&manager, "op-auth", 1).expect("the first registration");
    let record = current(&changed.ledger, "op-auth").expect("it serves");
    assert_eq!((record.bundle, record.deploy_time), (id(1), deployed(1)));
    assert_eq!((record.registered_at, changed.at), (world.clock.now(), world.clock.now()));
    assert_eq!(changed.ledger.epoch().get(), 1);
    assert!(is_current(&world.store.stored(), "op-auth", 1));
    assert_eq!(*block_on(manager.ledger()).expect("a ledger"), world.store.stored());
}

#[test]
fn a_later_life_of_the_manager_knows_what_an_earlier_one_acknowledged() {
    let world = World::default();
    let manager = world.manager();
    for (name, number) in [("op-auth", 1), ("op-token", 2), ("op-auth", 3)] {
        deploy(&manager, name, number).expect("newer than what is there");
    }
    let before = block_on(manager.ledger()).expect("a ledger");
    drop(manager);
    assert_eq!(block_on(world.manager().ledger()).expect("a ledger"), before);
}

#[test]
fn a_repeated_registration_is_acknowledged_and_changes_nothing() {
    let world = World::default();
    let manager = world.manager();
    let first = deploy(&manager, "op-auth", 1).expect("the first registration");
    world.clock.advance(secs(10));
    for _ in 0..5 {
        let again = deploy(&manager, "op-auth", 1).expect("it is so already");
        assert_eq!(again.ledger, first.ledger);
    }
    let elsewhere = deploy(&world.manager(), "op-auth", 1).expect("it is so already");
    assert_eq!(elsewhere.ledger, first.ledger);
    assert_eq!(world.store.commits(), 1);
}

#[test]
fn the_store_is_read_once_however_often_the_ledger_is_asked_for() {
    let world = World::default();
    let manager = world.manager();
    for number in 1..=5 {
        block_on(manager.ledger()).expect("a ledger");
        deploy(&manager, "op-auth", number).expect("newer than what is there");
        block_on(manager.ledger()).expect("a ledger");
    }
    assert_eq!(world.store.loads(), 1);
}

#[test]
fn a_change_that_was_overtaken_is_made_on_top_of_the_other_one() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([world.overtaken_by(registration("op-token", 7, Intent::Deploy))]);
    let changed = deploy(&manager, "op-auth", 1).expect("the second attempt");
    assert_eq!(changed.ledger.epoch().get(), 2);
    let stored = world.store.stored();
    assert!(is_current(&stored, "op-auth", 1) && is_current(&stored, "op-token", 7));
    assert_eq!((world.store.commits(), world.store.loads()), (2, 2));
    assert_eq!(*block_on(manager.ledger()).expect("a ledger"), stored);
}

#[test]
fn a_change_that_was_overtaken_is_decided_anew_and_not_forced() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([world.overtaken_by(registration("op-auth", 7, Intent::Deploy))]);
    let rejection = Rejection::OlderDeployTime { current: deployed(7) };
    assert_eq!(deploy(&manager, "op-auth", 1), Err(rejection.into()));
    assert!(is_current(&world.store.stored(), "op-auth", 7));
    assert_eq!(world.store.stored().epoch().get(), 1);
}

#[test]
fn a_change_that_was_overtaken_by_the_same_one_is_acknowledged_without_another_commit() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([world.overtaken_by(registration("op-auth", 1, Intent::Deploy))]);
    let changed = deploy(&manager, "op-auth", 1).expect("it is so already");
    assert_eq!(changed.ledger.epoch().get(), 1);
    assert_eq!((world.store.commits(), world.store.stored().epoch().get()), (1, 1));
}

#[test]
fn a_change_is_tried_three_times_and_then_given_up_with_the_others_kept() {
    let others = ["op-a", "op-b", "op-c"];
    for overtaken in 0..=3 {
        let world = World::default();
        let manager = world.manager();
        let faults = others[..overtaken].iter();
        let faults = faults.map(|name| world.overtaken_by(registration(name, 7, Intent::Deploy)));
        world.store.inject(faults.collect::<Vec<_>>());
        let outcome = deploy(&manager, "op-auth", 1);
        let stored = world.store.stored();
        if overtaken < 3 {
            assert_eq!(outcome.map(|changed| changed.ledger.epoch()), Ok(stored.epoch()));
        } else {
            assert_eq!(outcome, Err(StorageError::Conflict.into()));
            assert_eq!(world.store.commits(), 3);
        }
        assert_eq!(is_current(&stored, "op-auth", 1), overtaken < 3);
        assert!(others[..overtaken].iter().all(|name| is_current(&stored, name, 7)));
    }
}

#[test]
fn two_managers_over_one_store_lose_no_change_of_each_other() {
    let world = World::default();
    let managers = [world.manager(), world.manager()];
    for round in 0..10 {
        for (manager, name) in managers.iter().zip(["op-auth", "op-token"]) {
            deploy(manager, name, round).expect("newer than what is there");
            deploy(manager, "op-code", round).expect("newer, or there already");
        }
    }
    let stored = world.store.stored();
    for name in ["op-auth", "op-token", "op-code"] {
        assert!(is_current(&stored, name, 9));
        assert_eq!(stored.workers()[&worker(name)].retired(world.clock.now()).len(), 9);
    }
    assert_eq!(stored.epoch().get(), 30);
}

#[test]
fn a_change_that_could_not_be_stored_is_not_acknowledged_and_not_told_to_guards() {
    let world = World::default();
    let manager = world.manager();
    deploy(&manager, "op-auth", 1).expect("the first registration");
    let before = world.store.stored();
    world.store.inject([StorageFault::Unavailable]);
    let outcome = deploy(&manager, "op-auth", 2);
    assert!(matches!(outcome, Err(ChangeError::Storage(StorageError::Unavailable(_)))));
    assert_eq!(world.store.stored(), before);
    assert_eq!(*block_on(manager.ledger()).expect("a ledger"), before);
    let failed = world.log.entries();
    assert_eq!(failed.last().map(|entry| &entry["event"]), Some(&"storage_failed".into()));
    assert_eq!(world.log.count("storage_failed"), 1);
}

#[test]
fn after_a_failed_commit_the_store_is_read_again() {
    for fault in [StorageFault::Unavailable, StorageFault::WrittenButUnavailable] {
        let world = World::default();
        let manager = world.manager();
        world.store.inject([fault.clone()]);
        deploy(&manager, "op-auth", 1).expect_err("the store fails");
        assert_eq!(world.store.loads(), 1);
        for _ in 0..3 {
            let ledger = block_on(manager.ledger()).expect("a ledger");
            assert_eq!(*ledger, world.store.stored(), "after {fault:?}");
        }
        assert_eq!(world.store.loads(), 2);
    }
}

#[test]
fn a_change_that_was_stored_but_not_acknowledged_can_be_asked_for_again() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([StorageFault::WrittenButUnavailable]);
    deploy(&manager, "op-auth", 1).expect_err("nobody knows that it was written");
    let changed = deploy(&manager, "op-auth", 1).expect("it is so already");
    assert_eq!(changed.ledger.epoch().get(), 1);
    assert_eq!((world.store.commits(), world.store.stored().epoch().get()), (1, 1));
}

#[test]
fn a_rollback_that_was_stored_but_not_acknowledged_can_be_asked_for_again() {
    let world = World::default();
    let manager = world.manager();
    for number in [1, 2] {
        deploy(&manager, "op-auth", number).expect("newer than what is there");
    }
    world.store.inject([StorageFault::WrittenButUnavailable]);
    let rollback = registration("op-auth", 1, Intent::Rollback);
    register(&manager, rollback.clone()).expect_err("nobody knows that it was written");
    let changed = register(&manager, rollback).expect("it is so already");
    assert!(is_current(&changed.ledger, "op-auth", 1));
    assert_eq!(changed.ledger.epoch().get(), 3);
}

#[test]
fn a_late_repetition_of_a_registration_does_not_undo_a_rollback() {
    let world = World::default();
    let manager = world.manager();
    for number in [1, 2] {
        deploy(&manager, "op-auth", number).expect("newer than what is there");
    }
    register(&manager, registration("op-auth", 1, Intent::Rollback)).expect("a rollback");
    let rejection = Rejection::Retired { retirement: Retirement::RolledBack };
    assert_eq!(deploy(&manager, "op-auth", 2), Err(rejection.into()));
    assert!(is_current(&world.store.stored(), "op-auth", 1));
}

#[test]
fn registrations_and_rejections_are_logged_with_the_name_of_the_token_and_no_whole_uuid() {
    let world = World::default();
    let manager = world.manager();
    deploy(&manager, "op-auth", 2).expect("the first registration");
    register_by(&manager, registration("op-auth", 1, Intent::Deploy), Principal::Previous)
        .expect_err("older than what is there");
    let entries = world.log.entries();
    assert_eq!(
        entries,
        [
            serde_json::json!({
                "event": "registered",
                "worker": "op-auth",
                "bundle": &id(2).reveal()[..8],
                "epoch": 1,
                "token": "current",
            }),
            serde_json::json!({
                "event": "registration_rejected",
                "worker": "op-auth",
                "bundle": &id(1).reveal()[..8],
                "code": "older_deploy_time",
                "token": "previous",
            }),
        ]
    );
    assert_only_8_characters_are_told(&entries, &[id(1), id(2)]);
}
