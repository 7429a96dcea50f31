//! The lease: how long a guard decides by one manifest, and when it asks for the next.

use std::collections::BTreeSet;

use skewguard_domain::{CachePolicy, GuardCore, Manifest, MaxAge, Step};

use crate::fixtures::{
    CURRENT, OLDER, at, cold, config, fetch, first_flight, manifest, ms, own_is_current,
    own_is_older, request, take_off, warm,
};

fn max_age(millis: u64) -> MaxAge {
    MaxAge::new(ms(millis)).expect("a lease")
}

/// The first millisecond at which a guard that asked at 0 does not decide by its manifest alone.
fn end_of_lease(policy: CachePolicy, given: Option<MaxAge>) -> i64 {
    let guard = warm(policy, 0, &Manifest { max_age: given, ..own_is_current() });
    let waits = |&millis: &i64| matches!(request(&mut guard.clone(), millis), Step::Fetch(_));
    (0..20_000).find(waits).expect("an end")
}

#[test]
fn a_warm_guard_decides_without_a_flight() {
    let mut guard = warm(CachePolicy::default(), 1_000, &own_is_current());
    for millis in [1_000, 1_001, 3_000, 4_999] {
        assert_eq!(request(&mut guard, millis), Step::Decided(CURRENT));
    }
    let mut guard = warm(CachePolicy::default(), 1_000, &own_is_older());
    assert_eq!(request(&mut guard, 1_000), Step::Decided(OLDER));
}

#[test]
fn a_refresh_starts_between_80_and_90_percent_of_the_lease_and_not_in_step() {
    let mut starts = BTreeSet::new();
    for seed in 0..100 {
        let mut guard = GuardCore::new(config(CachePolicy::default()), seed);
        let flight = fetch(&mut guard, 0);
        guard.on_manifest(flight, at(0), &own_is_current());
        let start = first_flight(&guard, 0..5_000).expect("a refresh");
        assert!((4_000..4_500).contains(&start), "{start}");
        starts.insert(start);
    }
    assert!(starts.len() > 50, "isolates act in step: {starts:?}");
}

#[test]
fn a_refresh_starts_exactly_once() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_current());
    assert!(matches!(request(&mut guard, 4_700), Step::Refresh(CURRENT, _)));
    for millis in 4_700..4_950 {
        assert_eq!(request(&mut guard, millis), Step::Decided(CURRENT));
    }
}

#[test]
fn a_refreshed_guard_goes_on_with_the_new_manifest_for_a_whole_lease() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_current());
    let flight = take_off(&mut guard, 4_700);
    guard.on_manifest(flight, at(4_800), &own_is_older());
    assert_eq!(request(&mut guard, 4_800), Step::Decided(OLDER));
    assert_eq!(request(&mut guard, 8_699), Step::Decided(OLDER));
    assert!(matches!(request(&mut guard.clone(), 9_699), Step::Refresh(OLDER, _)));
    assert!(matches!(request(&mut guard, 9_700), Step::Fetch(_)));
}

#[test]
fn an_idle_guard_fetches_once_the_lease_is_over_and_others_wait() {
    let mut guard = warm(CachePolicy::default(), 1_000, &own_is_current());
    let flight = fetch(&mut guard, 6_000);
    assert_eq!(request(&mut guard, 6_001), Step::Wait(flight));
}

#[test]
fn the_lease_counts_from_the_question_and_not_from_the_answer() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(1_200), &own_is_current());
    assert!(matches!(request(&mut guard.clone(), 5_999), Step::Refresh(CURRENT, _)));
    assert!(matches!(request(&mut guard, 6_000), Step::Fetch(_)));
}

#[test]
fn the_refresh_counts_from_the_question_too() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(1_249), &own_is_current());
    let start = first_flight(&guard, 1_249..6_000).expect("a refresh");
    assert!((5_000..5_500).contains(&start), "{start}");
}

#[test]
fn a_managers_lease_shortens_the_guards_own_and_never_lengthens_it() {
    let policy = CachePolicy::default();
    assert_eq!(end_of_lease(policy, None), 5_000);
    assert_eq!(end_of_lease(policy, Some(max_age(1_000))), 1_000);
    assert_eq!(end_of_lease(policy, Some(max_age(5_000))), 5_000);
    assert_eq!(end_of_lease(policy, Some(max_age(10_000))), 5_000);
    let own = CachePolicy::builder().max_age(max_age(2_000)).build().expect("a policy");
    assert_eq!(end_of_lease(own, None), 2_000);
    assert_eq!(end_of_lease(own, Some(MaxAge::DEFAULT)), 2_000);
}

#[test]
fn a_refresh_follows_the_shortened_lease() {
    let given = Manifest { max_age: Some(max_age(1_000)), ..own_is_current() };
    let guard = warm(CachePolicy::default(), 0, &given);
    let start = first_flight(&guard, 0..5_000).expect("a refresh");
    assert!((800..900).contains(&start), "{start}");
}

#[test]
fn each_manifest_has_its_own_lease() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 0);
    let given = Manifest { max_age: Some(max_age(1_000)), ..manifest(1, 50_000, &[]) };
    guard.on_manifest(flight, at(0), &given);
    let flight = fetch(&mut guard, 1_000);
    guard.on_manifest(flight, at(1_000), &own_is_current());
    assert_eq!(request(&mut guard, 4_999), Step::Decided(CURRENT));
}
