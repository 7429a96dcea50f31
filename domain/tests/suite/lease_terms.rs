//! The lease that the manager gives, and the cutovers that wait for it.

use skewguard_domain::{Cutover, Event, LeaseTerms, MaxAge, Style};

use crate::fixtures::{at, ms};
use crate::manager::{
    Manager, START, activate, activate_in, announce, register, roll_back, set_lease,
};

fn max_age(millis: u64) -> MaxAge {
    MaxAge::new(ms(millis)).expect("a lease")
}

/// Bundle 1 of `a` serves, and bundle 2 is announced.
fn manager(style: Style) -> Manager {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.does(&announce("r2", style, &[("a", 2)]));
    manager
}

/// When the release takes over, in milliseconds after it was activated.
fn cutover_of(manager: &Manager) -> (i64, i64) {
    let mut manager = manager.clone();
    manager.does(&activate("r2"));
    let Cutover { stop_at, start_at } = manager.cutover("a");
    (stop_at.as_unix_millis() - manager.millis, start_at.as_unix_millis() - manager.millis)
}

#[test]
fn a_lease_is_5_s_unless_it_is_set() {
    let mut manager = Manager::new();
    assert_eq!(manager.ledger.lease(), LeaseTerms::default());
    assert_eq!(manager.ledger.lease().max_age, MaxAge::DEFAULT);
    manager.has_done(&set_lease(5_000));
    let applied = manager.does(&set_lease(60_000));
    let terms = LeaseTerms { max_age: max_age(60_000), longer_until: Some(at(START + 5_000)) };
    assert_eq!(applied.events, [Event::LeaseSet(terms)]);
    assert_eq!(manager.ledger.lease(), terms);
    assert_eq!(manager.ledger.epoch().get(), 1);
}

#[test]
fn guards_are_told_the_lease_that_is_given() {
    let mut manager = Manager::new();
    let told = |manager: &Manager| {
        manager.ledger.briefing(at(manager.millis), |_| Default::default()).max_age
    };
    assert_eq!(told(&manager), MaxAge::DEFAULT);
    manager.does(&set_lease(2_000));
    assert_eq!(told(&manager), max_age(2_000));
}

#[test]
fn a_cutover_comes_a_lease_and_a_second_after_its_command() {
    assert_eq!(cutover_of(&manager(Style::Plain)), (6_000, 6_000));
    assert_eq!(cutover_of(&manager(Style::Strict)), (6_000, 6_500));
    let mut longer = manager(Style::Plain);
    longer.does(&set_lease(60_000));
    assert_eq!(cutover_of(&longer), (61_000, 61_000));
}

#[test]
fn a_cutover_waits_for_the_longer_lease_that_was_given_before() {
    let mut manager = manager(Style::Strict);
    manager.does(&set_lease(60_000));
    manager.passes(1_000);
    manager.does(&set_lease(1_000));
    assert_eq!(cutover_of(&manager), (61_000, 61_500));
    manager.passes(30_000);
    assert_eq!(cutover_of(&manager), (31_000, 31_500));
    manager.passes(28_999);
    assert_eq!(cutover_of(&manager), (2_001, 2_501));
    manager.passes(1);
    assert_eq!(cutover_of(&manager), (2_000, 2_500));
    manager.passes(1_000);
    assert_eq!(cutover_of(&manager), (2_000, 2_500));
}

#[test]
fn the_longest_of_several_leases_counts_until_it_has_expired() {
    let mut manager = manager(Style::Plain);
    manager.does(&set_lease(60_000));
    manager.passes(1_000);
    for millis in [30_000, 1_000, 2_000, 100] {
        manager.does(&set_lease(millis));
        assert_eq!(manager.ledger.lease().longer_until, Some(at(START + 61_000)));
    }
    assert_eq!(cutover_of(&manager), (61_000, 61_000));
    manager.passes(59_000);
    // The lease of 100 ms is the one that is given; that of 60 s has a second left.
    assert_eq!(cutover_of(&manager), (2_000, 2_000));
    // One that was given in between counts as well, if it lasts longer.
    manager.does(&set_lease(10_000));
    manager.passes(500);
    manager.does(&set_lease(100));
    assert_eq!(manager.ledger.lease().longer_until, Some(at(START + 70_500)));
}

#[test]
fn a_plain_release_may_take_over_at_once() {
    let mut manager = manager(Style::Plain);
    manager.does(&activate_in("r2", 0));
    assert_eq!(manager.cutover("a"), Cutover::at(at(START)));
    assert!(manager.is_served_by("a", 2));
}

#[test]
fn a_strict_release_that_takes_over_at_once_still_starts_when_all_know() {
    for after in [0, 1, 3_000, 6_000] {
        let mut manager = manager(Style::Strict);
        let since = i64::try_from(after).expect("few");
        manager.does(&activate_in("r2", after));
        let cutover = Cutover { stop_at: at(START + since), start_at: at(START + 6_500) };
        assert_eq!(manager.cutover("a"), cutover);
    }
    let mut manager = manager(Style::Strict);
    manager.does(&activate_in("r2", 10_000));
    let cutover = Cutover { stop_at: at(START + 10_000), start_at: at(START + 10_500) };
    assert_eq!(manager.cutover("a"), cutover);
}

#[test]
fn a_strict_release_at_once_waits_for_the_longer_lease_too() {
    let mut manager = manager(Style::Strict);
    manager.does(&set_lease(60_000));
    manager.does(&set_lease(1_000));
    manager.does(&activate_in("r2", 0));
    let cutover = Cutover { stop_at: at(START), start_at: at(START + 61_500) };
    assert_eq!(manager.cutover("a"), cutover);
}

#[test]
fn a_rollback_waits_for_the_longer_lease_too() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("r2", Style::Plain, &[("a", 2)]);
    manager.does(&set_lease(60_000));
    manager.does(&set_lease(1_000));
    manager.does(&roll_back("r1"));
    assert_eq!(manager.cutover("a"), Cutover::at(at(manager.millis + 61_000)));
}

#[test]
fn a_cutover_that_was_decided_stays_where_it_is_when_the_lease_changes() {
    for millis in [100, 3_600_000] {
        let mut manager = manager(Style::Strict);
        manager.does(&activate("r2"));
        let before = manager.cutover("a");
        manager.does(&set_lease(millis));
        assert_eq!(manager.cutover("a"), before);
    }
}
