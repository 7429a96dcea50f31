//! What a manifest says of one bundle at an instant that is known to within a window.
//!
//! All instants are in milliseconds after the manifest was made.

use skewguard_domain::{
    Age, Breaker, Bundle, ManifestStep, Outlook, Standing, Standings, WorkerManifest,
};

use crate::fixtures::{bundle, deployed, id, ms};

/// The age between `at_least` and `at_most`.
fn age(at_least: u64, at_most: u64) -> Age {
    Age { at_least: ms(at_least), at_most: ms(at_most) }
}

fn serving(number: u32) -> Standings {
    let newest = Some(deployed(i64::from(number) * 100));
    Standings { serving: vec![id(number)], newest, ..Standings::default() }
}

/// Nothing serves, and these are held.
fn held(numbers: &[u32], newest: i64) -> Standings {
    let held = numbers.iter().map(|&number| id(number)).collect();
    Standings { held, newest: Some(deployed(newest)), ..Standings::default() }
}

fn outlook(now: Standings, then: &[(u64, Standings)], bundle: Bundle) -> Outlook {
    let step = |(after, standings): &(u64, Standings)| ManifestStep {
        after: ms(*after),
        standings: standings.clone(),
    };
    let then = then.iter().map(step).collect();
    WorkerManifest { now, then, breaker: Breaker::Closed }.outlook(bundle)
}

/// Bundle 1 stops at 1,000, and bundle 2 starts at 1,500.
fn strict(bundle: Bundle) -> Outlook {
    let now = Standings { held: vec![id(2)], ..serving(1) };
    outlook(now, &[(1_000, held(&[2], 200)), (1_500, serving(2))], bundle)
}

#[test]
fn without_steps_nothing_ever_changes() {
    let outlook = outlook(serving(1), &[], bundle(1, 100));
    for age in [Age::NONE, age(0, 10_000), age(10_000, 10_000)] {
        assert_eq!(outlook.after(age), Standing::Serving);
    }
}

#[test]
fn a_step_counts_from_its_own_millisecond_on() {
    let old = strict(bundle(1, 100));
    assert_eq!(old.after(age(999, 999)), Standing::Serving);
    assert_eq!(old.after(age(1_000, 1_000)), Standing::Older);
    let new = strict(bundle(2, 200));
    assert_eq!(new.after(age(1_499, 1_499)), Standing::Held);
    assert_eq!(new.after(age(1_500, 1_500)), Standing::Serving);
}

#[test]
fn what_is_to_stop_has_stopped_as_soon_as_it_may_be_time() {
    let old = strict(bundle(1, 100));
    assert_eq!(old.after(age(0, 999)), Standing::Serving);
    assert_eq!(old.after(age(0, 1_000)), Standing::Older);
    assert_eq!(old.after(age(999, 1_001)), Standing::Older);
    assert_eq!(old.after(age(5_000, 6_000)), Standing::Older);
}

#[test]
fn what_is_to_start_has_started_only_when_it_must_be_time() {
    let new = strict(bundle(2, 200));
    assert_eq!(new.after(age(0, 9_000)), Standing::Held);
    assert_eq!(new.after(age(1_499, 1_501)), Standing::Held);
    assert_eq!(new.after(age(1_500, 9_000)), Standing::Serving);
}

#[test]
fn a_gap_within_the_window_counts_as_much_as_its_ends() {
    // Bundle 1 stops at 1,000 and is back at 2,000.
    let then = [(1_000, serving(2)), (2_000, Standings { newest: None, ..serving(1) })];
    let outlook = outlook(serving(1), &then, bundle(1, 100));
    assert_eq!(outlook.after(age(500, 2_500)), Standing::Older);
    assert_eq!(outlook.after(age(500, 999)), Standing::Serving);
    assert_eq!(outlook.after(age(1_500, 2_500)), Standing::Older);
    assert_eq!(outlook.after(age(2_000, 2_500)), Standing::Serving);
}

#[test]
fn of_two_ways_not_to_serve_the_later_one_counts() {
    // Bundle 2 is held until it is rolled back.
    let now = Standings { held: vec![id(2)], ..serving(1) };
    let then = [(1_000, Standings { retired: vec![id(2)], ..serving(1) })];
    let outlook = outlook(now, &then, bundle(2, 200));
    assert_eq!(outlook.after(age(0, 999)), Standing::Held);
    assert_eq!(outlook.after(age(0, 1_000)), Standing::Retired);
}

#[test]
fn of_two_ways_to_serve_the_later_one_counts() {
    let now = Standings { announced: vec![id(2)], ..serving(1) };
    let outlook = outlook(now, &[(1_000, serving(2))], bundle(2, 200));
    assert_eq!(outlook.after(age(0, 999)), Standing::Announced);
    assert_eq!(outlook.after(age(0, 1_000)), Standing::Serving);
    assert_eq!(outlook.after(age(1_000, 1_000)), Standing::Serving);
}

#[test]
fn steps_of_other_bundles_change_nothing() {
    let then = [(1_000, Standings { announced: vec![id(3)], ..serving(1) })];
    assert_eq!(
        outlook(serving(1), &then, bundle(1, 100)),
        outlook(serving(1), &[], bundle(1, 100))
    );
}

#[test]
fn an_outlook_keeps_the_breaker_of_its_worker() {
    for breaker in [Breaker::Open, Breaker::Closed] {
        let manifest = WorkerManifest { now: serving(1), then: Vec::new(), breaker };
        assert_eq!(manifest.outlook(bundle(1, 100)).breaker(), breaker);
    }
    assert_eq!(Outlook::UNREGISTERED.breaker(), Breaker::Closed);
    assert_eq!(Outlook::UNREGISTERED.after(age(0, 9_000)), Standing::Unregistered);
}

#[test]
fn ages_add_up_and_are_known_no_better_than_their_parts() {
    assert_eq!(age(100, 300).plus(age(10, 20)), age(110, 320));
    assert_eq!(age(100, 300).give_or_take(ms(50)), age(50, 350));
    assert_eq!(age(100, 300).give_or_take(ms(500)), age(0, 800));
    assert_eq!(Age::NONE.plus(age(1, 2)), age(1, 2));
}
