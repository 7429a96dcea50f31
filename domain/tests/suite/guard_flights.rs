//! Single-flight: who asks the manager, who waits, and what a flight that is late or lost does.
//!
//! The policy is the default one: a lease of 5 s, a timeout of 250 ms, `stale-if-error` of 60 s,
//! pauses of 1 s to 30 s.

use skewguard_domain::{CachePolicy, GuardCore, Manifest, MaxAge, Step, Wake};

use crate::fixtures::{
    CURRENT, OLDER, UNAVAILABLE, at, cold, fetch, ms, own_is_current, own_is_older, refresh,
    request, take_off, warm,
};

fn guard() -> GuardCore {
    cold(CachePolicy::default())
}

/// The same manifest with a lease of the manager's.
fn with_lease(millis: u64, manifest: Manifest) -> Manifest {
    Manifest { max_age: Some(MaxAge::new(ms(millis)).expect("a lease")), ..manifest }
}

#[test]
fn a_cold_guard_fetches_and_a_flight_ends_at_the_timeout() {
    let flight = fetch(&mut guard(), 1_000);
    assert_eq!(flight.deadline(), at(1_250));
}

#[test]
fn requests_that_come_during_a_flight_wait_for_it() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    for millis in [1_000, 1_001, 1_249] {
        assert_eq!(request(&mut guard, millis), Step::Wait(flight));
    }
}

#[test]
fn who_waits_does_so_until_the_deadline_at_the_longest() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    assert_eq!(guard.on_wake(flight, at(1_000)), Wake::Wait(ms(250)));
    assert_eq!(guard.on_wake(flight, at(1_100)), Wake::Wait(ms(150)));
    assert_eq!(guard.on_wake(flight, at(1_249)), Wake::Wait(ms(1)));
    assert_eq!(guard.on_wake(flight, at(1_250)), Wake::Decided(UNAVAILABLE));
}

#[test]
fn who_waits_is_decided_as_soon_as_the_manifest_is_there() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(1_100), &own_is_older());
    assert_eq!(guard.on_wake(flight, at(1_100)), Wake::Decided(OLDER));
    assert_eq!(request(&mut guard, 1_101), Step::Decided(OLDER));
}

#[test]
fn who_waits_is_decided_as_soon_as_the_flight_has_failed() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    guard.on_failure(flight, at(1_100));
    assert_eq!(guard.on_wake(flight, at(1_100)), Wake::Decided(UNAVAILABLE));
    assert_eq!(guard.failures(), 1);
}

#[test]
fn a_refresh_keeps_nobody_waiting() {
    let mut guard = warm(CachePolicy::default(), 1_000, &own_is_current());
    let flight = refresh(&mut guard, 5_600, CURRENT);
    assert_eq!(flight.deadline(), at(5_850));
    assert_eq!(request(&mut guard, 5_601), Step::Decided(CURRENT));
}

#[test]
fn requests_wait_for_a_refresh_once_the_lease_is_over() {
    let mut guard = warm(CachePolicy::default(), 1_000, &own_is_current());
    let flight = refresh(&mut guard, 5_900, CURRENT);
    assert_eq!(request(&mut guard, 5_999), Step::Decided(CURRENT));
    assert_eq!(request(&mut guard, 6_000), Step::Wait(flight));
    guard.on_manifest(flight, at(6_100), &own_is_older());
    assert_eq!(guard.on_wake(flight, at(6_100)), Wake::Decided(OLDER));
}

#[test]
fn a_lost_flight_has_failed_at_its_deadline() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    assert_eq!(request(&mut guard, 1_249), Step::Wait(flight));
    assert_eq!(guard.failures(), 0);
    assert_eq!(request(&mut guard, 1_250), Step::Decided(UNAVAILABLE));
    assert_eq!(guard.failures(), 1);
}

#[test]
fn a_lost_flight_fails_once() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    assert_eq!(guard.on_wake(flight, at(1_250)), Wake::Decided(UNAVAILABLE));
    guard.on_failure(flight, at(1_260));
    assert_eq!(guard.on_wake(flight, at(1_270)), Wake::Decided(UNAVAILABLE));
    assert_eq!(guard.failures(), 1);
}

#[test]
fn a_late_answer_still_teaches() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    assert_eq!(request(&mut guard, 1_250), Step::Decided(UNAVAILABLE));
    guard.on_manifest(flight, at(1_400), &own_is_older());
    assert_eq!(guard.failures(), 0);
    assert_eq!(request(&mut guard, 1_401), Step::Decided(OLDER));
}

#[test]
fn the_lease_of_a_late_answer_counts_from_the_question_too() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(5_900), &own_is_current());
    let next = refresh(&mut guard, 5_999, CURRENT);
    assert_eq!(request(&mut guard, 6_000), Step::Wait(next));
}

#[test]
fn a_late_answer_leaves_a_later_flight_in_the_air() {
    let mut guard = guard();
    let late = fetch(&mut guard, 1_000);
    guard.on_failure(late, at(1_250));
    let flight = refresh(&mut guard, 2_250, UNAVAILABLE);
    guard.on_manifest(late, at(2_300), &with_lease(1_350, own_is_current()));
    // The lease of the late answer is over, and the flight has 50 ms left.
    assert_eq!(request(&mut guard, 2_450), Step::Wait(flight));
    guard.on_manifest(flight, at(2_450), &own_is_older());
    assert_eq!(guard.on_wake(flight, at(2_450)), Wake::Decided(OLDER));
}

#[test]
fn a_late_answer_does_not_undo_what_a_later_question_has_taught() {
    let mut guard = guard();
    let late = fetch(&mut guard, 1_000);
    guard.on_failure(late, at(1_250));
    let flight = refresh(&mut guard, 2_250, UNAVAILABLE);
    guard.on_manifest(flight, at(2_300), &own_is_older());
    guard.on_manifest(late, at(2_400), &own_is_current());
    assert_eq!(request(&mut guard, 2_401), Step::Decided(OLDER));
}

#[test]
fn a_late_answer_does_not_undo_what_still_decides_after_its_lease() {
    let mut guard = guard();
    let late = fetch(&mut guard, 1_000);
    guard.on_failure(late, at(1_250));
    let flight = refresh(&mut guard, 2_250, UNAVAILABLE);
    guard.on_manifest(flight, at(2_250), &with_lease(100, own_is_older()));
    let failing = fetch(&mut guard, 2_400);
    guard.on_failure(failing, at(2_401));
    guard.on_manifest(late, at(2_402), &own_is_current());
    assert_eq!(request(&mut guard, 2_403), Step::Decided(OLDER));
}

#[test]
fn a_late_answer_is_welcome_once_what_is_known_has_lost_its_worth() {
    let policy = CachePolicy::builder().stale_if_error(ms(100)).build().expect("a policy");
    let mut guard = cold(policy);
    let late = fetch(&mut guard, 1_000);
    guard.on_failure(late, at(1_250));
    let flight = take_off(&mut guard, 2_250);
    guard.on_manifest(flight, at(2_250), &with_lease(100, own_is_older()));
    let mut early = guard.clone();
    early.on_manifest(late, at(2_449), &own_is_current());
    assert!(matches!(request(&mut early, 2_449), Step::Fetch(_)));
    guard.on_manifest(late, at(2_450), &own_is_current());
    assert_eq!(request(&mut guard, 2_450), Step::Decided(CURRENT));
}

#[test]
fn an_answer_older_than_its_lease_counts_as_a_failure() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(6_000), &own_is_current());
    assert_eq!(guard.failures(), 1);
    assert_eq!(guard.on_wake(flight, at(6_000)), Wake::Decided(UNAVAILABLE));
}

#[test]
fn an_answer_is_as_old_as_the_managers_lease_allows_too() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(1_100), &with_lease(100, own_is_current()));
    assert_eq!(guard.failures(), 1);
    assert_eq!(request(&mut guard, 1_100), Step::Decided(UNAVAILABLE));
}

#[test]
fn a_failure_of_an_earlier_flight_says_nothing_of_a_later_one() {
    let mut guard = guard();
    let early = fetch(&mut guard, 1_000);
    guard.on_failure(early, at(1_100));
    let flight = refresh(&mut guard, 2_100, UNAVAILABLE);
    guard.on_failure(early, at(2_101));
    assert_eq!(guard.failures(), 1);
    guard.on_manifest(flight, at(2_150), &own_is_current());
    guard.on_failure(early, at(2_151));
    guard.on_failure(flight, at(2_152));
    assert_eq!(guard.failures(), 0);
    assert_eq!(request(&mut guard, 2_153), Step::Decided(CURRENT));
}

#[test]
fn two_flights_of_the_same_millisecond_are_two() {
    let mut guard = guard();
    let lost = fetch(&mut guard, 1_000);
    // The clock is set back, and back once more, so that nothing is left of the lost flight.
    assert_eq!(request(&mut guard, 500), Step::Decided(UNAVAILABLE));
    let earlier = fetch(&mut guard, 400);
    guard.on_manifest(earlier, at(400), &with_lease(100, own_is_current()));
    let flight = fetch(&mut guard, 1_000);
    assert_ne!(flight, lost);
    guard.on_failure(lost, at(1_001));
    assert_eq!(guard.failures(), 0);
}

#[test]
fn an_answer_that_is_brought_back_twice_counts_once() {
    let mut guard = guard();
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(1_100), &own_is_older());
    guard.on_manifest(flight, at(1_101), &own_is_current());
    assert_eq!(request(&mut guard, 1_102), Step::Decided(OLDER));
}
