//! What a guard reports with its questions: what it has done since it was heard last.
//!
//! The policy is the default one: a lease of 5 s, a timeout of 250 ms, `stale-if-error` of 60 s.

use skewguard_domain::{
    Breaker, CachePolicy, ExemptPath, GuardConfig, GuardCore, Haste, Manifest, Mode, OnUnavailable,
    Reason, RequestLine, Standings, Step, Tally, WorkerManifest,
};

use crate::fixtures::{
    OLDER, OWN, OWN_DEPLOYED, UNAVAILABLE, at, cold, config, deployed, fetch, id, manifest,
    own_is_current, own_is_older, refresh, request, take_off, warm,
};

const NOTHING: Tally = Tally { refused: 0, failed_open: 0, breaker_open: 0 };

fn refused(refused: u32) -> Tally {
    Tally { refused, ..NOTHING }
}

fn failed_open(failed_open: u32) -> Tally {
    Tally { failed_open, ..NOTHING }
}

/// The same manifest from a PoP whose breaker is open.
fn broken(mut manifest: Manifest) -> Manifest {
    manifest.worker.as_mut().expect("a known Worker").breaker = Breaker::Open;
    manifest
}

/// Sends requests that are decided without a flight.
fn requests(guard: &mut GuardCore, times: u32, millis: i64) {
    for _ in 0..times {
        assert!(matches!(request(guard, millis), Step::Decided(_)));
    }
}

#[test]
fn a_guard_has_nothing_to_report_at_first_or_while_all_is_well() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_current());
    assert_eq!(fetch(&mut cold(CachePolicy::default()), 0).tally(), NOTHING);
    requests(&mut guard, 10, 1_000);
    assert_eq!(take_off(&mut guard, 4_900).tally(), NOTHING);
}

#[test]
fn refused_requests_are_counted_up_to_the_one_that_asks() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    requests(&mut guard, 3, 1_000);
    assert_eq!(refresh(&mut guard, 4_900, OLDER).tally(), refused(4));
}

#[test]
fn what_was_reported_is_not_reported_again() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    requests(&mut guard, 3, 1_000);
    let flight = take_off(&mut guard, 4_900);
    requests(&mut guard, 2, 4_901);
    guard.on_manifest(flight, at(4_950), &own_is_older());
    requests(&mut guard, 1, 4_951);
    assert_eq!(take_off(&mut guard, 9_600).tally(), refused(4));
}

#[test]
fn what_nobody_has_heard_of_is_reported_again() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    requests(&mut guard, 3, 1_000);
    let flight = take_off(&mut guard, 4_900);
    requests(&mut guard, 2, 4_901);
    guard.on_failure(flight, at(4_950));
    let flight = take_off(&mut guard, 5_950);
    let stale = Tally { refused: 7, ..NOTHING };
    assert_eq!(flight.tally(), stale);
    // Once more, and by a flight that was lost.
    assert_eq!(take_off(&mut guard, 8_200).tally(), refused(8));
}

#[test]
fn a_failure_that_is_told_twice_returns_nothing_twice() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    let flight = take_off(&mut guard, 4_900);
    guard.on_failure(flight, at(4_950));
    guard.on_failure(flight, at(4_960));
    assert_eq!(take_off(&mut guard, 5_960).tally(), refused(2));
}

#[test]
fn what_a_late_answer_shows_to_have_been_heard_is_not_reported_again() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    let flight = take_off(&mut guard, 4_900);
    // The flight is lost, and its answer comes all the same.
    requests(&mut guard, 1, 5_150);
    guard.on_manifest(flight, at(5_300), &own_is_older());
    assert_eq!(take_off(&mut guard, 9_800).tally(), refused(2));
}

#[test]
fn what_an_answer_without_worth_shows_to_have_been_heard_is_not_reported_again() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    let flight = take_off(&mut guard, 4_900);
    let mut old = own_is_older();
    old.age.at_most = core::time::Duration::from_secs(5);
    guard.on_manifest(flight, at(4_910), &old);
    assert_eq!(guard.failures(), 1);
    assert_eq!(take_off(&mut guard, 5_910).tally(), refused(1));
}

#[test]
fn requests_that_were_served_without_knowing_better_are_counted() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 0);
    guard.on_failure(flight, at(100));
    guard.on_wake(flight, at(100));
    requests(&mut guard, 2, 101);
    assert_eq!(refresh(&mut guard, 1_100, UNAVAILABLE).tally(), failed_open(4));
}

#[test]
fn requests_that_were_served_by_what_has_expired_are_counted() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_current());
    let flight = take_off(&mut guard, 4_900);
    guard.on_failure(flight, at(4_900));
    requests(&mut guard, 1, 4_999);
    requests(&mut guard, 2, 5_000);
    assert_eq!(take_off(&mut guard, 5_900).tally(), failed_open(3));
}

#[test]
fn requests_that_were_refused_by_what_has_expired_are_refused() {
    let mut guard = warm(CachePolicy::default(), 0, &own_is_older());
    let flight = take_off(&mut guard, 4_900);
    guard.on_failure(flight, at(4_900));
    requests(&mut guard, 2, 5_000);
    assert_eq!(take_off(&mut guard, 5_900).tally(), refused(4));
}

#[test]
fn a_closed_guard_that_knows_nothing_refuses() {
    let on_unavailable = OnUnavailable::Closed;
    let mut guard =
        GuardCore::new(GuardConfig { on_unavailable, ..config(CachePolicy::default()) }, 7);
    let flight = fetch(&mut guard, 0);
    guard.on_failure(flight, at(100));
    requests(&mut guard, 2, 101);
    assert_eq!(fetch(&mut guard, 1_100).tally(), refused(2));
}

#[test]
fn requests_that_only_an_open_breaker_has_served_are_counted() {
    let mut guard = warm(CachePolicy::default(), 0, &broken(own_is_older()));
    requests(&mut guard, 3, 1_000);
    let Step::Refresh(decision, flight) = request(&mut guard, 4_900) else { panic!("no refresh") };
    assert_eq!(decision.reason, Reason::BreakerOpen);
    assert_eq!(flight.tally(), Tally { breaker_open: 4, ..NOTHING });
}

#[test]
fn requests_that_need_no_open_breaker_are_not_counted() {
    let announced = Standings {
        serving: vec![id(2)],
        announced: vec![id(OWN)],
        newest: Some(deployed(OWN_DEPLOYED - 1)),
        ..Standings::default()
    };
    let announced = WorkerManifest { now: announced, then: Vec::new(), breaker: Breaker::Open };
    let announced = Manifest { worker: Some(announced), ..Manifest::default() };
    let ahead = broken(manifest(2, OWN_DEPLOYED - 1, &[]));
    for manifest in [broken(own_is_current()), announced, ahead] {
        let mut guard = warm(CachePolicy::default(), 0, &manifest);
        requests(&mut guard, 3, 1_000);
        assert_eq!(take_off(&mut guard, 4_900).tally(), NOTHING);
    }
}

#[test]
fn a_guard_that_observes_counts_what_it_would_have_refused() {
    let mode = Mode::Observe;
    let mut guard = GuardCore::new(GuardConfig { mode, ..config(CachePolicy::default()) }, 7);
    let flight = fetch(&mut guard, 0);
    guard.on_manifest(flight, at(0), &own_is_older());
    requests(&mut guard, 3, 1_000);
    assert_eq!(take_off(&mut guard, 4_900).tally(), refused(4));
}

#[test]
fn exempt_requests_are_not_counted() {
    let exempt: Vec<ExemptPath> = vec!["/health".parse().expect("a pattern")];
    let mut guard = GuardCore::new(GuardConfig { exempt, ..config(CachePolicy::default()) }, 7);
    let flight = fetch(&mut guard, 0);
    guard.on_failure(flight, at(100));
    guard.on_request(RequestLine { method: "GET", path: "/health" }, at(200));
    guard.on_request(RequestLine { method: "OPTIONS", path: "/" }, at(200));
    assert_eq!(take_off(&mut guard, 1_100).tally(), failed_open(1));
}

#[test]
fn each_request_that_waited_is_counted_once() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 0);
    for _ in 0..3 {
        assert_eq!(request(&mut guard, 10), Step::Wait(flight));
    }
    guard.on_manifest(flight, at(100), &own_is_older());
    for _ in 0..4 {
        guard.on_wake(flight, at(100));
    }
    assert_eq!(refresh(&mut guard, 4_900, OLDER).tally(), refused(5));
}

#[test]
fn a_flight_says_whether_a_request_waits_for_it() {
    let mut guard = cold(CachePolicy::default());
    let flight = fetch(&mut guard, 0);
    assert_eq!(flight.haste(), Haste::Waiting);
    guard.on_failure(flight, at(100));
    assert_eq!(take_off(&mut guard, 1_100).haste(), Haste::Background);
    let mut guard = warm(CachePolicy::default(), 0, &own_is_current());
    assert_eq!(take_off(&mut guard.clone(), 4_900).haste(), Haste::Background);
    let flight = fetch(&mut guard, 5_000);
    assert_eq!(flight.haste(), Haste::Waiting);
    assert_eq!(flight.asked_at(), at(5_000));
}

#[test]
fn a_flight_says_whether_the_guard_takes_its_breaker_for_open() {
    assert_eq!(fetch(&mut cold(CachePolicy::default()), 0).breaker(), Breaker::Closed);
    let mut guard = warm(CachePolicy::default(), 0, &broken(own_is_older()));
    assert_eq!(take_off(&mut guard.clone(), 4_900).breaker(), Breaker::Open);
    // What has expired may have been closed since.
    assert_eq!(take_off(&mut guard.clone(), 4_999).breaker(), Breaker::Open);
    assert_eq!(take_off(&mut guard.clone(), 5_000).breaker(), Breaker::Closed);
    let flight = take_off(&mut guard, 4_900);
    guard.on_manifest(flight, at(4_900), &own_is_older());
    assert_eq!(take_off(&mut guard, 9_700).breaker(), Breaker::Closed);
}
