//! Guards that carry out a cutover: when the old bundle stops and the new one starts.
//!
//! The manifest is made at some instant between the question and the answer, which the guard does
//! not know. The lease is 5 s.

use skewguard_domain::{
    Age, Breaker, CachePolicy, Decision, Flight, GuardCore, Manifest, ManifestStep, Reason,
    Staleness, Standings, Step, Verdict, WorkerManifest,
};

use crate::fixtures::{
    CURRENT, OLDER, OWN, OWN_DEPLOYED, at, cold, deployed, fetch, id, ms, request,
};

const HELD: Decision = Decision { reason: Reason::Held, verdict: Verdict::Refuse };
const OTHER: u32 = 2;

/// Bundle `old` stops after 1,000 ms, and `new` starts after 1,500 ms.
fn strict(old: (u32, i64), new: (u32, i64)) -> Manifest {
    let serving = |(number, millis): (u32, i64)| Standings {
        serving: vec![id(number)],
        newest: Some(deployed(millis)),
        ..Standings::default()
    };
    let held = vec![id(new.0)];
    let band = Standings { held: held.clone(), serving: Vec::new(), ..serving(new) };
    let then = [(1_000, band), (1_500, serving(new))];
    let then = then.map(|(after, standings)| ManifestStep { after: ms(after), standings });
    let worker = WorkerManifest {
        now: Standings { held, ..serving(old) },
        then: then.into(),
        breaker: Breaker::Closed,
    };
    Manifest { worker: Some(worker), ..Manifest::default() }
}

/// The guard's own bundle is the one that stops.
fn own_stops() -> Manifest {
    strict((OWN, OWN_DEPLOYED), (OTHER, OWN_DEPLOYED + 1))
}

/// The guard's own bundle is the one that starts.
fn own_starts() -> Manifest {
    strict((OTHER, OWN_DEPLOYED - 1), (OWN, OWN_DEPLOYED))
}

/// A guard that asked at 10,000 and had its answer at 10,200.
fn told(manifest: &Manifest) -> GuardCore {
    let mut guard = cold(CachePolicy::default());
    let flight: Flight = fetch(&mut guard, 10_000);
    guard.on_manifest(flight, at(10_200), manifest);
    guard
}

fn decision(guard: &GuardCore, millis: i64) -> Decision {
    match request(&mut guard.clone(), millis) {
        Step::Decided(decision) | Step::Refresh(decision, _) => decision,
        other => panic!("no decision at {millis}: {other:?}"),
    }
}

#[test]
fn stopping_counts_from_the_question() {
    let guard = told(&own_stops());
    assert_eq!(decision(&guard, 10_999), CURRENT);
    assert_eq!(decision(&guard, 11_000), OLDER);
    assert_eq!(decision(&guard, 14_999), OLDER);
}

#[test]
fn starting_counts_from_the_answer() {
    let guard = told(&own_starts());
    assert_eq!(decision(&guard, 10_200), HELD);
    assert_eq!(decision(&guard, 11_699), HELD);
    assert_eq!(decision(&guard, 11_700), CURRENT);
}

#[test]
fn the_age_of_a_copy_is_added_on_the_side_of_caution() {
    let age = Age { at_least: ms(100), at_most: ms(400) };
    let guard = told(&Manifest { age, ..own_stops() });
    assert_eq!(decision(&guard, 10_599), CURRENT);
    assert_eq!(decision(&guard, 10_600), OLDER);
    let guard = told(&Manifest { age, ..own_starts() });
    assert_eq!(decision(&guard, 11_599), HELD);
    assert_eq!(decision(&guard, 11_600), CURRENT);
}

#[test]
fn a_cutover_is_carried_out_although_the_manager_fails() {
    let mut guard = told(&own_stops());
    let flight = match request(&mut guard, 14_900) {
        Step::Refresh(OLDER, flight) => flight,
        other => panic!("no refresh: {other:?}"),
    };
    guard.on_failure(flight, at(14_900));
    assert_eq!(decision(&guard, 60_000), OLDER);

    let mut guard = told(&own_starts());
    let flight = match request(&mut guard, 14_900) {
        Step::Refresh(CURRENT, flight) => flight,
        other => panic!("no refresh: {other:?}"),
    };
    guard.on_failure(flight, at(14_900));
    assert_eq!(decision(&guard, 60_000), CURRENT);
}

#[test]
fn a_change_of_mind_reaches_a_guard_with_its_next_manifest() {
    let mut guard = told(&own_stops());
    let flight = match request(&mut guard, 14_900) {
        Step::Refresh(OLDER, flight) => flight,
        other => panic!("no refresh: {other:?}"),
    };
    let rolled_back = strict((OTHER, OWN_DEPLOYED + 1), (OWN, OWN_DEPLOYED));
    guard.on_manifest(flight, at(14_900), &rolled_back);
    assert_eq!(decision(&guard, 14_900), HELD);
    assert_eq!(decision(&guard, 16_399), HELD);
    assert_eq!(decision(&guard, 16_400), CURRENT);
}

#[test]
fn a_superseded_bundle_is_stale_by_its_age_from_its_stop_on() {
    let stale = Reason::Stale(Staleness::Older);
    assert_eq!(decision(&told(&own_stops()), 11_000).reason, stale);
}
