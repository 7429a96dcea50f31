//! A manager that fails: what still decides, who asks it again and when, and that nobody waits.
//!
//! The policy is the default one: a lease of 5 s, a timeout of 250 ms, `stale-if-error` of 60 s,
//! pauses of 1 s to 30 s.

use skewguard_domain::{
    CachePolicy, Decision, GuardConfig, GuardCore, Manifest, OnUnavailable, Reason, Staleness,
    Step, Verdict,
};

use crate::fixtures::{
    CURRENT, OLDER, UNAVAILABLE, at, cold, config, fetch, first_flight, manifest, ms,
    own_is_current, own_is_older, refresh, request, take_off, warm,
};

/// A guard that was told `manifest` at 0, and whose manager fails since 6,000.
fn failing(policy: CachePolicy, manifest: &Manifest) -> GuardCore {
    let mut guard = warm(policy, 0, manifest);
    let flight = fetch(&mut guard, 6_000);
    guard.on_failure(flight, at(6_000));
    guard
}

/// What the guard decides at `millis`, while its manager fails; a flight that starts then fails
/// in the same millisecond.
fn decided(guard: &mut GuardCore, millis: i64) -> Decision {
    match request(guard, millis) {
        Step::Decided(decision) => decision,
        Step::Refresh(decision, flight) => {
            guard.on_failure(flight, at(millis));
            decision
        }
        waiting => panic!("a request waits for a failing manager at {millis}: {waiting:?}"),
    }
}

/// Under traffic every 100 ms, the last manifest decides until 65,000 and no longer.
fn decides_until_stale_if_error_is_over(manifest: &Manifest, expected: Decision) {
    let mut guard = failing(CachePolicy::default(), manifest);
    for millis in (6_000..65_000).step_by(100) {
        assert_eq!(decided(&mut guard, millis), expected, "at {millis}");
    }
    assert_eq!(decided(&mut guard, 64_999), expected);
    for millis in (65_000..100_000).step_by(100) {
        assert_eq!(decided(&mut guard, millis), UNAVAILABLE, "at {millis}");
    }
}

#[test]
fn a_current_bundle_goes_on_serving_while_the_manager_fails() {
    decides_until_stale_if_error_is_over(&own_is_current(), CURRENT);
}

#[test]
fn an_older_bundle_stays_refused_while_the_manager_fails() {
    decides_until_stale_if_error_is_over(&own_is_older(), OLDER);
}

#[test]
fn a_retired_bundle_stays_refused_while_the_manager_fails() {
    let rolled_back = manifest(2, 10, &[1]);
    let reason = Reason::Stale(Staleness::Retired);
    let retired = Decision { reason, verdict: Verdict::Refuse };
    decides_until_stale_if_error_is_over(&rolled_back, retired);
}

#[test]
fn without_stale_if_error_nothing_decides_after_the_lease() {
    let policy = CachePolicy::builder().stale_if_error(ms(0)).build().expect("a policy");
    let mut guard = warm(policy, 0, &own_is_older());
    let flight = take_off(&mut guard, 4_900);
    guard.on_failure(flight, at(4_900));
    assert_eq!(request(&mut guard, 4_999), Step::Decided(OLDER));
    assert_eq!(request(&mut guard, 5_000), Step::Decided(UNAVAILABLE));
}

#[test]
fn a_manifest_decides_after_its_lease_only_while_the_manager_fails() {
    let mut guard = failing(CachePolicy::default(), &own_is_older());
    assert_eq!(request(&mut guard, 6_001), Step::Decided(OLDER));
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    assert!(matches!(request(&mut guard, 6_001), Step::Fetch(_)));
}

#[test]
fn a_worker_that_fails_closed_refuses_once_nothing_can_be_believed() {
    let closed = OnUnavailable::Closed;
    let config = GuardConfig { on_unavailable: closed, ..config(CachePolicy::default()) };
    let mut guard = GuardCore::new(config, 0);
    let flight = fetch(&mut guard, 0);
    guard.on_failure(flight, at(0));
    let refused = Decision { reason: Reason::Unavailable, verdict: Verdict::Refuse };
    assert_eq!(request(&mut guard, 1), Step::Decided(refused));
}

#[test]
fn a_cold_guard_does_not_wait_for_a_manager_that_failed() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 0);
    guard.on_failure(flight, at(100));
    assert_eq!(request(&mut guard, 100), Step::Decided(UNAVAILABLE));
    assert_eq!(request(&mut guard, 599), Step::Decided(UNAVAILABLE));
    let flight = refresh(&mut guard, 1_100, UNAVAILABLE);
    // Others do not wait for that flight either.
    assert_eq!(request(&mut guard, 1_101), Step::Decided(UNAVAILABLE));
    guard.on_manifest(flight, at(1_200), &own_is_older());
    assert_eq!(request(&mut guard, 1_201), Step::Decided(OLDER));
}

#[test]
fn a_refresh_that_fails_leaves_the_rest_of_the_lease() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_current());
    let flight = refresh(&mut guard, 4_500, CURRENT);
    guard.on_failure(flight, at(4_500));
    assert_eq!(guard.failures(), 1);
    assert_eq!(request(&mut guard, 4_600), Step::Decided(CURRENT));
    assert_eq!(request(&mut guard, 4_999), Step::Decided(CURRENT));
    refresh(&mut guard, 5_500, CURRENT);
}

#[test]
fn every_failure_doubles_the_pause_up_to_the_longest() {
    // Each pause lies between half and the whole of these.
    let wholes = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
    for seed in 0..50 {
        let mut guard = GuardCore::new(config(CachePolicy::default()), seed);
        let flight = fetch(&mut guard, 0);
        guard.on_failure(flight, at(0));
        let mut failed_at = 0;
        for (failures, whole) in (1..).zip(wholes) {
            assert_eq!(guard.failures(), failures);
            let next = first_flight(&guard, failed_at..failed_at + whole + 1).expect("a flight");
            assert!(next - failed_at >= whole / 2, "{failures} failures: {failed_at} to {next}");
            assert!(next - failed_at < whole, "{failures} failures: {failed_at} to {next}");
            let flight = refresh(&mut guard, next, UNAVAILABLE);
            guard.on_failure(flight, at(next + 100));
            failed_at = next + 100;
        }
    }
}

#[test]
fn guards_do_not_ask_a_failing_manager_in_step() {
    let pauses = (0..100).map(|seed| {
        let mut guard = GuardCore::new(config(CachePolicy::default()), seed);
        let flight = fetch(&mut guard, 0);
        guard.on_failure(flight, at(0));
        first_flight(&guard, 0..1_000).expect("a flight")
    });
    let different: std::collections::BTreeSet<_> = pauses.collect();
    assert!(different.len() > 50, "{different:?}");
}

#[test]
fn there_is_one_flight_for_each_pause() {
    let mut guard = failing(CachePolicy::default(), &own_is_older());
    let flight = refresh(&mut guard, 7_000, OLDER);
    for millis in 7_000..7_250 {
        assert_eq!(request(&mut guard, millis), Step::Decided(OLDER));
    }
    guard.on_failure(flight, at(7_249));
    for millis in 7_250..8_249 {
        assert_eq!(request(&mut guard, millis), Step::Decided(OLDER));
    }
}

#[test]
fn a_good_answer_ends_all_trouble() {
    let mut guard = failing(CachePolicy::default(), &own_is_older());
    let flight = refresh(&mut guard, 7_000, OLDER);
    guard.on_failure(flight, at(7_000));
    let flight = refresh(&mut guard, 9_000, OLDER);
    assert_eq!(guard.failures(), 2);
    guard.on_manifest(flight, at(9_100), &own_is_current());
    assert_eq!(guard.failures(), 0);
    // The next failure is the first of its row.
    let flight = fetch(&mut guard, 14_000);
    guard.on_failure(flight, at(14_000));
    assert_eq!(guard.failures(), 1);
    assert!(first_flight(&guard, 14_000..15_000).is_some());
}

#[test]
fn a_guard_that_was_idle_for_long_after_a_failure_is_as_good_as_cold() {
    // The pause ends between 6,500 and 7,000, and the failure counts for 60 s more.
    let guard = failing(CachePolicy::default(), &own_is_older());
    let mut soon = guard.clone();
    assert!(matches!(request(&mut soon, 66_499), Step::Refresh(UNAVAILABLE, _)));
    assert_eq!(soon.failures(), 1);
    let mut late = guard;
    let flight = fetch(&mut late, 67_000);
    assert_eq!(late.failures(), 0);
    assert_eq!(request(&mut late, 67_001), Step::Wait(flight));
}

#[test]
fn a_failure_is_forgotten_when_stale_if_error_is_over_after_its_pause() {
    let guard = failing(CachePolicy::default(), &own_is_older());
    let pause_ends = first_flight(&guard, 6_000..7_000).expect("a flight");
    let waits = |millis| matches!(request(&mut guard.clone(), millis), Step::Fetch(_));
    assert!(!waits(pause_ends + 59_999));
    assert!(waits(pause_ends + 60_000));
}

#[test]
fn nobody_waits_for_a_failing_manager_even_without_stale_if_error() {
    let policy = CachePolicy::builder().stale_if_error(ms(0)).build().expect("a policy");
    let mut guard = failing(policy, &own_is_older());
    for millis in (6_000..60_000).step_by(100) {
        assert_eq!(decided(&mut guard, millis), UNAVAILABLE);
    }
    assert!(guard.failures() > 4, "the pauses do not grow: {}", guard.failures());
}

#[test]
fn a_failure_is_not_forgotten_while_the_next_flight_is_in_the_air() {
    let policy = CachePolicy::builder().stale_if_error(ms(10)).back_off(ms(10), ms(10));
    let mut guard = failing(policy.build().expect("a policy"), &own_is_older());
    take_off(&mut guard, 6_010);
    assert_eq!(request(&mut guard, 6_200), Step::Decided(UNAVAILABLE));
}

#[test]
fn a_guard_whose_last_flight_was_lost_long_ago_is_as_good_as_cold() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    refresh(&mut guard, 4_900, OLDER);
    fetch(&mut guard, 3_600_000);
}

/// A guard that fails closed, and knew of `manifest` from 0 on, if of anything.
fn failing_closed(known: Option<Manifest>) -> GuardCore {
    let closed = OnUnavailable::Closed;
    let config = GuardConfig { on_unavailable: closed, ..config(CachePolicy::default()) };
    let mut guard = GuardCore::new(config, 7);
    if let Some(known) = known {
        let flight = fetch(&mut guard, 0);
        guard.on_manifest(flight, at(0), &known);
    }
    let flight = fetch(&mut guard, 6_000);
    guard.on_failure(flight, at(6_000));
    guard
}

#[test]
fn a_closed_guard_that_knows_nothing_asks_before_it_refuses() {
    let mut guard = failing_closed(None);
    let too_early = request(&mut guard, 6_001);
    assert!(matches!(too_early, Step::Decided(Decision { verdict: Verdict::Refuse, .. })));
    let flight = fetch(&mut guard, 7_500);
    assert_eq!(request(&mut guard, 7_501), Step::Wait(flight));
    guard.on_manifest(flight, at(7_510), &own_is_current());
    assert_eq!(request(&mut guard, 7_510), Step::Decided(CURRENT));
}

#[test]
fn a_closed_guard_that_still_knows_something_makes_nobody_wait() {
    let mut guard = failing_closed(Some(own_is_current()));
    refresh(&mut guard, 7_500, CURRENT);
    assert_eq!(request(&mut guard, 7_501), Step::Decided(CURRENT));
}
