//! Clocks that are set back, or stand at the ends of their range.

use skewguard_domain::{CachePolicy, Step, Wake};

use crate::fixtures::{
    CURRENT, OLDER, UNAVAILABLE, at, cold, fetch, own_is_current, own_is_older, request, warm,
};

#[test]
fn a_clock_set_back_behind_the_question_ends_the_lease() {
    let guard = warm(CachePolicy::default(), 10_000, &own_is_current());
    assert_eq!(request(&mut guard.clone(), 10_000), Step::Decided(CURRENT));
    assert!(matches!(request(&mut guard.clone(), 9_949), Step::Fetch(_)));
}

#[test]
fn two_requests_that_read_the_clock_a_little_apart_are_no_clock_set_back() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 10_000);
    assert_eq!(request(&mut guard, 9_950), Step::Wait(flight));
    assert!(matches!(guard.on_wake(flight, at(9_950)), Wake::Wait(_)));
    guard.on_manifest(flight, at(9_950), &own_is_current());
    assert_eq!(request(&mut guard, 9_950), Step::Decided(CURRENT));
    assert_eq!(guard.failures(), 0);
}

#[test]
fn readings_a_little_apart_do_not_lengthen_a_lease() {
    let mut guard = warm(CachePolicy::default(), 10_000, &own_is_current());
    assert!(matches!(request(&mut guard, 15_000), Step::Fetch(_)));
    assert!(matches!(request(&mut guard, 14_990), Step::Wait(_)), "the lease is over for all");
}

#[test]
fn a_clock_set_back_within_the_lease_does_no_harm() {
    let mut guard = warm(CachePolicy::default(), 10_000, &own_is_current());
    assert_eq!(request(&mut guard, 13_000), Step::Decided(CURRENT));
    assert_eq!(request(&mut guard, 11_000), Step::Decided(CURRENT));
}

#[test]
fn a_flight_is_lost_when_the_clock_is_set_back_behind_its_question() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 10_000);
    assert_eq!(request(&mut guard.clone(), 10_000), Step::Wait(flight));
    assert_eq!(request(&mut guard, 9_949), Step::Decided(UNAVAILABLE));
    assert_eq!(guard.failures(), 1);
}

#[test]
fn who_waits_is_let_go_when_the_clock_is_set_back() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 10_000);
    assert_eq!(guard.on_wake(flight, at(9_949)), Wake::Decided(UNAVAILABLE));
}

#[test]
fn an_answer_that_comes_before_its_question_counts_as_a_failure() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 10_000);
    guard.on_manifest(flight, at(9_949), &own_is_current());
    assert_eq!(guard.failures(), 1);
    assert_eq!(request(&mut guard, 9_949), Step::Decided(UNAVAILABLE));
}

#[test]
fn a_failure_is_forgotten_when_the_clock_is_set_back_behind_it() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 10_000);
    guard.on_failure(flight, at(10_100));
    assert_eq!(request(&mut guard, 10_100), Step::Decided(UNAVAILABLE));
    fetch(&mut guard, 10_049);
    assert_eq!(guard.failures(), 0);
}

#[test]
fn stale_if_error_does_not_outlast_a_clock_set_back_behind_the_question() {
    let mut guard = warm(CachePolicy::default(), 10_000, &own_is_older());
    let flight = fetch(&mut guard, 15_000);
    guard.on_failure(flight, at(9_000));
    // Nothing measures the age of the manifest any more, so nothing tells its worth.
    assert_eq!(request(&mut guard, 9_000), Step::Decided(UNAVAILABLE));
    assert_eq!(request(&mut guard, 9_400), Step::Decided(UNAVAILABLE));
}

#[test]
fn an_answer_replaces_one_that_a_clock_set_back_has_made_useless() {
    let mut guard = warm(CachePolicy::default(), 10_000, &own_is_current());
    let flight = fetch(&mut guard, 5_000);
    guard.on_manifest(flight, at(5_100), &own_is_older());
    assert_eq!(request(&mut guard, 5_101), Step::Decided(OLDER));
    assert_eq!(request(&mut guard, 8_999), Step::Decided(OLDER));
}

#[test]
fn a_guard_works_at_the_beginning_of_its_clocks_range() {
    let mut guard = warm(CachePolicy::default(), i64::MIN, &own_is_current());
    assert_eq!(request(&mut guard, i64::MIN), Step::Decided(CURRENT));
    assert_eq!(request(&mut guard, i64::MIN + 3_999), Step::Decided(CURRENT));
}

#[test]
fn a_guard_at_the_end_of_its_clocks_range_keeps_nobody_waiting() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, i64::MAX);
    assert_eq!(guard.on_wake(flight, at(i64::MAX)), Wake::Decided(UNAVAILABLE));
    guard.on_manifest(flight, at(i64::MAX), &own_is_older());
    assert_eq!(guard.on_wake(flight, at(i64::MAX)), Wake::Decided(UNAVAILABLE));
}

#[test]
fn a_manifest_does_not_come_back_to_life_with_the_clock() {
    let mut guard = warm(CachePolicy::default(), 10_000, &own_is_current());
    let flight = fetch(&mut guard, 9_900);
    guard.on_failure(flight, at(9_950));
    assert_eq!(request(&mut guard, 10_000), Step::Decided(UNAVAILABLE));
}

#[test]
fn the_latest_question_answered_decides_whatever_the_clock_said_when_it_was_asked() {
    let mut guard = warm(CachePolicy::default(), 10_000, &own_is_current());
    let flight = fetch(&mut guard, 9_900);
    guard.on_manifest(flight, at(10_100), &own_is_older());
    assert_eq!(request(&mut guard, 10_100), Step::Decided(OLDER));
}
