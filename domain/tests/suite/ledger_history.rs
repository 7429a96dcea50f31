//! How much of a Worker's past is kept, and how it is taken back from storage.

use skewguard_domain::{
    Applied, BundleId, Command, Cutover, Epoch, Event, HISTORY_LIMIT, Intent, Ledger, LedgerParts,
    Reason, Registration, Rejection, Staleness, TookOver, WorkerHistory,
};

use crate::fixtures::{at, bundle, decision_by, deployed, id, told, worker};

/// When all of this is over.
const END: i64 = 1_000_000;

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

fn current(ledger: &Ledger) -> BundleId {
    history(ledger).current(at(END)).expect("a takeover").record.bundle
}

fn retired(ledger: &Ledger) -> Vec<BundleId> {
    history(ledger).retired(at(END)).iter().map(|retired| retired.record.bundle).collect()
}

/// The takeover that is dropped, by its epoch.
fn forgets(applied: &Applied) -> Option<u64> {
    let [Event::TookOver(TookOver { forgets, .. }), Event::Announced { .. }] = &applied.events[..]
    else {
        panic!("not one takeover: {:?}", applied.events)
    };
    forgets.map(Epoch::get)
}

/// Bundle 50 is rolled back, and 100 takeovers by bundles 1 and 2 follow.
fn forgotten_and_newer() -> Ledger {
    let start = register(&Ledger::default(), 50, Intent::Deploy).ledger;
    (0..100_u32)
        .fold(start, |ledger, turn| register(&ledger, 1 + turn % 2, Intent::Rollback).ledger)
}

#[test]
fn a_hundred_takeovers_are_kept() {
    assert_eq!(HISTORY_LIMIT, 100);
    let before = deploys(1..=99);
    let applied = register(&before, 100, Intent::Deploy);
    assert_eq!(forgets(&applied), None);
    assert_eq!(history(&applied.ledger).takeovers().len(), 100);
    assert_eq!(history(&applied.ledger).forgotten(), None);
    assert_eq!(retired(&applied.ledger).len(), 99);
}

#[test]
fn the_hundred_and_first_takeover_makes_the_oldest_forgotten() {
    let before = deploys(1..=100);
    let applied = register(&before, 101, Intent::Deploy);
    assert_eq!(forgets(&applied), Some(1));
    assert_eq!(history(&applied.ledger).takeovers().len(), 100);
    assert_eq!(history(&applied.ledger).forgotten(), Some(deployed(1_000)));
    let retired = retired(&applied.ledger);
    assert_eq!(retired.len(), 99);
    assert_eq!(retired[0], id(2));
    assert_eq!(retired[98], id(100));
}

#[test]
fn the_oldest_takeover_is_forgotten_and_not_the_oldest_bundle() {
    // Bundle 1 was brought back and retired anew: it is the oldest bundle, and the last retired.
    let ledger = deploys(1..=99);
    let ledger = register(&ledger, 1, Intent::Rollback).ledger;
    let applied = register(&ledger, 100, Intent::Deploy);
    assert_eq!(forgets(&applied), Some(1));
    assert_eq!(retired(&applied.ledger)[98], id(1));
    let applied = register(&applied.ledger, 101, Intent::Deploy);
    assert_eq!(forgets(&applied), Some(2));
    assert_eq!(retired(&applied.ledger)[97], id(1));
}

#[test]
fn going_back_to_a_kept_bundle_is_a_takeover_too() {
    let before = deploys(1..=100);
    let applied = register(&before, 1, Intent::Rollback);
    assert_eq!(forgets(&applied), Some(1));
    assert_eq!(current(&applied.ledger), id(1));
    let retired = retired(&applied.ledger);
    assert_eq!(retired.len(), 99);
    assert_eq!(retired[98], id(100));
}

#[test]
fn a_forgotten_bundle_can_be_registered_anew_as_a_rollback() {
    let ledger = deploys(1..=101);
    let applied = register(&ledger, 1, Intent::Rollback);
    assert_eq!(forgets(&applied), Some(2));
    assert_eq!(current(&applied.ledger), id(1));
}

#[test]
fn the_latest_of_all_deploy_times_is_kept_of_what_is_forgotten() {
    let ledger = forgotten_and_newer();
    assert_eq!(history(&ledger).forgotten(), Some(deployed(50_000)));
    let ledger = register(&ledger, 1, Intent::Rollback).ledger;
    assert_eq!(history(&ledger).forgotten(), Some(deployed(50_000)));
}

#[test]
fn what_is_forgotten_is_still_refused_after_a_rollback_behind_it() {
    let ledger = forgotten_and_newer();
    assert_eq!(current(&ledger), id(2));
    assert_eq!(history(&ledger).find(id(50)), None);
    let manifest = told(&ledger, &worker(), END);
    let decision = |number, millis| decision_by(bundle(number, millis), &manifest).reason;
    assert_eq!(decision(50, 50_000), Reason::Stale(Staleness::Older));
    assert_eq!(decision(1, 1_000), Reason::Stale(Staleness::Older));
    assert_eq!(decision(2, 2_000), Reason::Current);
    assert_eq!(decision(51, 50_001), Reason::Ahead);
}

#[test]
fn a_late_repetition_of_a_forgotten_registration_is_turned_away() {
    let ledger = LedgerParts { releases: Vec::new(), ..parts(&forgotten_and_newer()) };
    let command = Command::Register(Registration {
        worker: worker(),
        bundle: id(50),
        deploy_time: deployed(50_000),
        intent: Intent::Deploy,
    });
    let rejection = Ledger::from(ledger).apply(&command, at(END)).expect_err("a forgotten bundle");
    assert_eq!(rejection, Rejection::OlderDeployTime { current: deployed(50_000) });
}

#[test]
fn replaying_no_events_is_no_change() {
    let ledger = deploys(1..=3);
    assert_eq!(ledger.replay(&[], at(END)), ledger);
}

#[test]
fn events_of_one_change_are_one_epoch() {
    let first = register(&Ledger::default(), 1, Intent::Deploy);
    let second = register(&first.ledger, 2, Intent::Deploy);
    let both = [first.events, second.events].concat();
    let replayed = Ledger::default().replay(&both, at(5_000));
    assert_eq!(replayed.epoch(), Epoch::new(1));
    assert_eq!(replayed.decided_at(), Some(at(5_000)));
    assert_eq!(replayed.workers(), second.ledger.workers());
    assert_eq!(replayed.releases(), second.ledger.releases());
}

/// What storage would keep of a ledger.
fn parts(ledger: &Ledger) -> LedgerParts {
    let histories = ledger.workers().iter().map(|(worker, history)| {
        let kept = WorkerHistory::new(history.takeovers().to_vec(), history.forgotten());
        (worker.clone(), kept.expect("a history"))
    });
    LedgerParts {
        epoch: ledger.epoch(),
        decided_at: ledger.decided_at(),
        lease: ledger.lease(),
        workers: histories.collect(),
        releases: ledger.releases().to_vec(),
    }
}

#[test]
fn a_ledger_is_taken_back_from_what_storage_kept() {
    let ledger = register(&deploys(1..=3), 1, Intent::Rollback).ledger;
    assert_eq!(Ledger::from(parts(&ledger)), ledger);
    let ledger = register(&deploys(1..=101), 1, Intent::Rollback).ledger;
    assert_eq!(Ledger::from(parts(&ledger)), ledger);
}

#[test]
fn a_history_has_takeovers_and_they_are_in_their_order() {
    assert_eq!(WorkerHistory::new(Vec::new(), Some(deployed(1))), None);
    let ledger = deploys(1..=2);
    let [first, second] = history(&ledger).takeovers() else { panic!("not two takeovers") };
    assert!(WorkerHistory::new(vec![*first, *second], None).is_some());
    assert_eq!(WorkerHistory::new(vec![*second, *first], None), None);
    let mut twice = *second;
    twice.epoch = first.epoch;
    assert_eq!(WorkerHistory::new(vec![*first, twice], None), None);
}

#[test]
fn no_takeover_of_a_history_begins_before_the_one_before_it_has_ended() {
    let ledger = deploys(1..=2);
    let [first, second] = history(&ledger).takeovers() else { panic!("not two takeovers") };
    let (mut first, mut second) = (*first, *second);
    first.cutover = Cutover { stop_at: at(10), start_at: at(20) };
    second.cutover = Cutover { stop_at: at(20), start_at: at(30) };
    assert!(WorkerHistory::new(vec![first, second], None).is_some());
    second.cutover.stop_at = at(19);
    assert_eq!(WorkerHistory::new(vec![first, second], None), None);
}
