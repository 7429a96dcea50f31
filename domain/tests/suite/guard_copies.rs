//! Manifests that are copies: how long they are believed, and which of two counts.
//!
//! The policy is the default one: a lease of 5 s, and `stale-if-error` of 60 s.

use skewguard_domain::{Age, CachePolicy, Decision, GuardCore, Manifest, MaxAge, Step, Wake};

use crate::fixtures::{
    CURRENT, OLDER, at, cold, fetch, first_flight, ms, own_is_current, own_is_older, refresh,
    request, warm,
};

/// A copy that was made between `at_least` and `at_most` ago.
fn aged(at_least: u64, at_most: u64, manifest: Manifest) -> Manifest {
    Manifest { age: Age { at_least: ms(at_least), at_most: ms(at_most) }, ..manifest }
}

fn with_lease(millis: u64, manifest: Manifest) -> Manifest {
    Manifest { max_age: Some(MaxAge::new(ms(millis)).expect("a lease")), ..manifest }
}

/// A guard that asked at 10,000, and was handed a copy in the same millisecond.
fn handed(manifest: &Manifest) -> GuardCore {
    warm(CachePolicy::default(), 10_000, manifest)
}

#[test]
fn a_copy_is_believed_for_the_rest_of_its_lease() {
    let guard = handed(&aged(1_000, 1_500, own_is_current()));
    let waits = |millis| matches!(request(&mut guard.clone(), millis), Step::Fetch(_));
    assert!(!waits(13_499));
    assert!(waits(13_500));
}

#[test]
fn a_copy_is_refreshed_by_the_age_that_it_has() {
    let guard = handed(&aged(1_000, 1_500, own_is_current()));
    let start = first_flight(&guard, 10_000..20_000).expect("a refresh");
    assert!((12_500..13_000).contains(&start), "{start}");
}

#[test]
fn what_still_decides_after_its_lease_does_so_no_longer_for_being_a_copy() {
    let mut guard = handed(&aged(1_000, 1_500, own_is_older()));
    let flight = fetch(&mut guard, 13_500);
    guard.on_failure(flight, at(13_500));
    let decided = |millis| match request(&mut guard.clone(), millis) {
        Step::Decided(decision) | Step::Refresh(decision, _) => decision,
        other => panic!("no decision: {other:?}"),
    };
    assert_eq!(decided(73_499), OLDER);
    assert_ne!(decided(73_500), OLDER);
}

#[test]
fn a_copy_that_has_outlived_its_lease_is_as_good_as_none() {
    for age in [5_000, 5_001, 60_000] {
        let mut guard = cold(CachePolicy::default());
        let flight = fetch(&mut guard, 10_000);
        guard.on_manifest(flight, at(10_000), &aged(0, age, own_is_older()));
        assert_eq!(guard.failures(), 1);
        assert!(
            matches!(request(&mut guard, 10_001), Step::Decided(decision) if decision != OLDER)
        );
    }
}

#[test]
fn a_copy_that_was_made_later_than_what_is_known_replaces_it() {
    let mut guard = handed(&own_is_current());
    let flight = refresh(&mut guard, 14_900, CURRENT);
    guard.on_manifest(flight, at(14_910), &aged(4_000, 4_899, own_is_older()));
    assert_eq!(request(&mut guard, 14_911), Step::Decided(OLDER));
}

#[test]
fn a_copy_that_was_made_earlier_than_what_is_known_is_ignored() {
    let mut guard = handed(&own_is_current());
    let flight = refresh(&mut guard, 14_600, CURRENT);
    guard.on_manifest(flight, at(14_610), &aged(4_000, 4_601, own_is_older()));
    assert_eq!(request(&mut guard, 14_611), Step::Decided(CURRENT));
    assert_eq!(guard.failures(), 0);
}

#[test]
fn which_was_made_later_is_judged_by_the_earliest_that_either_may_be() {
    // Between 9,000 and 10,000 is not later than 9,500.
    let mut guard = handed(&aged(500, 500, own_is_current()));
    let flight = refresh(&mut guard, 14_000, CURRENT);
    guard.on_manifest(flight, at(14_000), &aged(4_000, 4_501, own_is_older()));
    assert_eq!(request(&mut guard, 14_001), Step::Decided(CURRENT));
}

#[test]
fn a_guard_that_is_handed_older_copies_does_not_ask_with_every_request() {
    let mut guard = handed(&own_is_current());
    let mut flights = 0;
    for millis in 14_600..15_000 {
        match request(&mut guard, millis) {
            Step::Decided(decision) => assert_eq!(decision, CURRENT),
            Step::Refresh(decision, flight) => {
                assert_eq!(decision, CURRENT);
                let age = u64::try_from(millis - 9_999).expect("an age");
                guard.on_manifest(flight, at(millis), &aged(age, age, own_is_older()));
                flights += 1;
            }
            other => panic!("{other:?} at {millis}"),
        }
    }
    // Each time a quarter of what is left of the lease has to pass.
    assert!((2..=24).contains(&flights), "{flights}");
}

#[test]
fn a_guard_that_is_handed_the_same_copy_again_does_not_ask_with_every_request() {
    // Another guard of the PoP is asking for a new one meanwhile.
    let mut guard = handed(&own_is_current());
    let mut flights = 0;
    for millis in 14_600..15_000 {
        match request(&mut guard, millis) {
            Step::Decided(decision) => assert_eq!(decision, CURRENT),
            Step::Refresh(decision, flight) => {
                assert_eq!(decision, CURRENT);
                let age = u64::try_from(millis - 10_000).expect("an age");
                guard.on_manifest(flight, at(millis), &aged(age, age, own_is_current()));
                flights += 1;
            }
            other => panic!("{other:?} at {millis}"),
        }
    }
    assert!((2..=24).contains(&flights), "{flights}");
}

#[test]
fn a_guard_that_was_handed_an_older_copy_asks_again_before_its_lease_is_over() {
    let mut guard = handed(&own_is_current());
    let flight = refresh(&mut guard, 14_600, CURRENT);
    guard.on_manifest(flight, at(14_600), &aged(4_601, 4_601, own_is_older()));
    assert_eq!(first_flight(&guard, 14_600..15_000), Some(14_700));
}

#[test]
fn an_older_copy_within_its_lease_is_better_than_what_has_expired() {
    // The lease was made shorter, and the copy is of before.
    let mut guard = handed(&with_lease(1_000, own_is_older()));
    let flight = fetch(&mut guard, 11_000);
    guard.on_manifest(flight, at(11_000), &aged(2_000, 2_000, own_is_current()));
    assert_eq!(guard.failures(), 0);
    assert_eq!(guard.on_wake(flight, at(11_000)), Wake::Decided(CURRENT));
    assert_eq!(request(&mut guard, 11_001), Step::Decided(CURRENT));
    assert!(matches!(request(&mut guard, 14_000), Step::Fetch(_)));
}

#[test]
fn a_copy_is_welcome_once_what_is_known_has_lost_its_worth() {
    let policy = CachePolicy::builder().stale_if_error(ms(0)).build().expect("a policy");
    let mut guard = warm(policy, 10_000, &with_lease(1_000, own_is_older()));
    let flight = fetch(&mut guard, 11_000);
    guard.on_manifest(flight, at(11_000), &aged(2_000, 2_000, own_is_current()));
    assert_eq!(request(&mut guard, 11_001), Step::Decided(CURRENT));
}

#[test]
fn a_copy_that_is_ignored_ends_all_trouble_as_any_good_answer_does() {
    let mut guard = handed(&own_is_current());
    let flight = refresh(&mut guard, 14_500, CURRENT);
    guard.on_failure(flight, at(14_500));
    let mut late = guard.clone();
    late.on_manifest(flight, at(14_600), &aged(4_501, 4_501, own_is_older()));
    assert_eq!(late.failures(), 1, "nobody waits for it any more");
    let flight = refresh(&mut guard, 15_500, CURRENT);
    guard.on_manifest(flight, at(15_510), &aged(1_000, 1_000, own_is_older()));
    assert_eq!(guard.failures(), 0);
    let older: Decision = OLDER;
    assert_eq!(request(&mut guard, 15_511), Step::Decided(older));
}
