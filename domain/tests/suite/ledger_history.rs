//! How much of a Worker's past is kept, and how it is taken back from storage.

use std::collections::BTreeMap;

use skewguard_domain::{
    Applied, Command, Epoch, Event, HISTORY_LIMIT, Intent, Ledger, Registration, WorkerHistory,
};

use crate::fixtures::{at, deployed, id, worker};

/// Registers the bundle with `number`, deployed at `number` seconds.
fn register(ledger: &Ledger, number: u32, intent: Intent) -> Applied {
    let millis = i64::from(number) * 1_000;
    let command = Command::Register(Registration {
        worker: worker(),
        bundle: id(number),
        deploy_time: deployed(millis),
        intent,
    });
    ledger.apply(&command, at(millis)).expect("a registration")
}

/// The bundles of `numbers`, deployed in this order.
fn deploys(numbers: core::ops::RangeInclusive<u32>) -> Ledger {
    numbers
        .fold(Ledger::default(), |ledger, number| register(&ledger, number, Intent::Deploy).ledger)
}

fn history(ledger: &Ledger) -> &WorkerHistory {
    &ledger.workers()[&worker()]
}

fn forgotten(applied: &Applied) -> Option<u32> {
    let [Event::TookOver { forgets, .. }] = &applied.events[..] else {
        panic!("not one event: {:?}", applied.events)
    };
    forgets.map(|bundle| u32::from_str_radix(&bundle.to_string(), 16).expect("a number"))
}

#[test]
fn a_hundred_bundles_are_kept() {
    assert_eq!(HISTORY_LIMIT, 100);
    let before = deploys(1..=99);
    let applied = register(&before, 100, Intent::Deploy);
    assert_eq!(forgotten(&applied), None);
    assert_eq!(history(&applied.ledger).retired().len(), 99);
}

#[test]
fn the_hundred_and_first_bundle_makes_the_oldest_forgotten() {
    let before = deploys(1..=100);
    let applied = register(&before, 101, Intent::Deploy);
    assert_eq!(forgotten(&applied), Some(1));
    let retired = history(&applied.ledger).retired();
    assert_eq!(retired.len(), 99);
    assert_eq!(retired[0].record.bundle, id(2));
    assert_eq!(retired[98].record.bundle, id(100));
}

#[test]
fn the_oldest_by_deploy_time_is_forgotten_and_not_the_first_retired() {
    // Bundle 1 was brought back and retired anew: it is the last one retired, and the oldest.
    let ledger = deploys(1..=99);
    let ledger = register(&ledger, 1, Intent::Rollback).ledger;
    let ledger = register(&ledger, 100, Intent::Deploy).ledger;
    assert_eq!(history(&ledger).retired()[98].record.bundle, id(1));
    assert_eq!(forgotten(&register(&ledger, 101, Intent::Deploy)), Some(1));
}

#[test]
fn going_back_to_a_kept_bundle_makes_room_for_itself() {
    let before = deploys(1..=100);
    let applied = register(&before, 1, Intent::Rollback);
    assert_eq!(forgotten(&applied), None);
    let history = history(&applied.ledger);
    assert_eq!(history.current().bundle, id(1));
    assert_eq!(history.retired().len(), 99);
    assert_eq!(history.retired()[98].record.bundle, id(100));
}

#[test]
fn a_forgotten_bundle_can_be_registered_anew_as_a_rollback() {
    let ledger = deploys(1..=101);
    let applied = register(&ledger, 1, Intent::Rollback);
    assert_eq!(forgotten(&applied), Some(2));
    assert_eq!(history(&applied.ledger).current().bundle, id(1));
}

#[test]
fn replaying_no_events_is_no_change() {
    let ledger = deploys(1..=3);
    assert_eq!(ledger.replay(&[]), ledger);
}

#[test]
fn events_of_one_change_are_one_epoch() {
    let first = register(&Ledger::default(), 1, Intent::Deploy);
    let second = register(&first.ledger, 2, Intent::Deploy);
    let both = [first.events, second.events].concat();
    let replayed = Ledger::default().replay(&both);
    assert_eq!(replayed.epoch(), Epoch::new(1));
    assert_eq!(replayed.workers(), second.ledger.workers());
}

#[test]
fn a_ledger_is_taken_back_from_what_storage_kept() {
    let ledger = register(&deploys(1..=3), 1, Intent::Rollback).ledger;
    let kept = history(&ledger);
    let history = WorkerHistory::new(*kept.current(), kept.retired().to_vec());
    let workers = BTreeMap::from([(worker(), history)]);
    assert_eq!(Ledger::new(Epoch::new(4), workers), ledger);
}
