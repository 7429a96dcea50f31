//! Changes of mind while a cutover is to come. It is carried out whatever the manager thinks by
//! then, so what follows gets a cutover of its own, never an earlier one.

use skewguard_domain::{
    Command, Cutover, PENDING_LIMIT, Rejection, ReleaseState, Standing, Strictness, Style,
};

use crate::fixtures::{at, id};
use crate::manager::{
    Manager, START, activate, activate_in, announce, bring_back, delay, named, register,
    release_id, roll_back,
};

/// `r1` serves `a`, and `r2` is to take over at `START + 16,000`.
fn pending(style: Style) -> Manager {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.does(&announce("r2", style, &[("a", 2)]));
    manager.does(&activate("r2"));
    manager
}

#[test]
fn a_change_of_mind_comes_a_lease_and_a_margin_after_it_was_decided() {
    let mut manager = pending(Style::Plain);
    manager.passes(2_000);
    manager.does(&roll_back("r1"));
    assert_eq!(manager.cutover("a"), Cutover::at(at(START + 18_000)));
    assert_eq!(manager.state("r1"), ReleaseState::CuttingOver);
    assert_eq!(manager.state("r2"), ReleaseState::CuttingOver);
}

#[test]
fn bundles_of_releases_that_are_not_strict_serve_all_through_a_change_of_mind() {
    let mut manager = pending(Style::Plain);
    manager.passes(2_000);
    manager.does(&roll_back("r1"));
    for _ in 0..40 {
        assert!(manager.standing("a", 1).serves());
        let over = manager.millis >= START + 18_000;
        assert_eq!(manager.standing("a", 2).serves(), !over);
        manager.passes(250);
    }
    assert!(manager.is_served_by("a", 1));
    assert_eq!(manager.state("r2"), ReleaseState::RolledBack);
}

#[test]
fn a_change_of_mind_is_never_carried_out_before_what_it_takes_back() {
    for (style, end) in [(Style::Plain, 60_000), (Style::Strict, 60_500)] {
        let mut manager = Manager::new();
        manager.releases("r1", Style::Plain, &[("a", 1)]);
        manager.does(&announce("r2", style, &[("a", 2)]));
        manager.does(&activate_in("r2", 60_000));
        let strictness = Strictness::Relaxed;
        for after in [None, delay(0), delay(1_000)] {
            let mut manager = manager.clone();
            let release = release_id("r1");
            manager.does(&Command::RollBack { release, after, strictness });
            assert_eq!(manager.cutover("a").stop_at, at(START + 10_000 + end));
        }
    }
}

#[test]
fn a_change_of_mind_about_a_strict_release_lets_nothing_serve_twice_at_once() {
    let mut manager = pending(Style::Strict);
    manager.passes(2_000);
    manager.does(&roll_back("r1"));
    let cutover = Cutover { stop_at: at(START + 18_000), start_at: at(START + 18_500) };
    assert_eq!(manager.cutover("a"), cutover);
    let serving = |manager: &Manager| manager.standings("a").serving;
    manager.passes(3_999);
    assert_eq!(serving(&manager), [id(1)]);
    manager.passes(1);
    assert_eq!(serving(&manager), []);
    assert_eq!(manager.standing("a", 1), Standing::Held);
    manager.passes(500);
    assert_eq!(serving(&manager), [id(2)]);
    assert_eq!(manager.standing("a", 1), Standing::Held);
    manager.passes(1_500);
    assert_eq!(serving(&manager), []);
    assert_eq!(manager.standing("a", 2), Standing::Retired);
    manager.passes(500);
    assert_eq!(serving(&manager), [id(1)]);
}

#[test]
fn one_may_change_ones_mind_again_and_again_up_to_a_limit() {
    let mut manager = pending(Style::Plain);
    let mut latest = manager.cutover("a").start_at;
    for turn in 1..PENDING_LIMIT {
        manager.passes(10);
        manager.does(&roll_back(if turn % 2 == 1 { "r1" } else { "r2" }));
        let next = manager.cutover("a").start_at;
        assert!(next >= latest);
        latest = next;
    }
    // The fourth cutover that is to come brings back `r1`, so a fifth would bring back `r2`.
    assert_eq!(PENDING_LIMIT, 4);
    manager.has_done(&roll_back("r1"));
    let rejection = Rejection::CutoverPending { worker: named("a") };
    assert_eq!(manager.rejects(&roll_back("r2")), rejection);
    manager.passes(6_000 - 30);
    manager.does(&roll_back("r2"));
}

#[test]
fn a_worker_that_is_drawn_along_is_not_registered_before_its_cutover() {
    // `b` is no Worker of `r1`, and goes back because `r2` names both.
    let mut manager = Manager::new();
    manager.does(&register("b", 1));
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("r2", Style::Plain, &[("a", 2), ("b", 2)]);
    manager.does(&roll_back("r1"));
    let pending = Rejection::CutoverPending { worker: named("b") };
    assert_eq!(manager.rejects(&register("b", 3)), pending);
    assert_eq!(manager.rejects(&bring_back("b", 1)), pending);
    manager.passes(6_000);
    assert!(manager.is_served_by("b", 1));
    manager.does(&register("b", 3));
}

#[test]
fn no_release_is_announced_while_a_rollback_is_to_come() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("r2", Style::Plain, &[("a", 2)]);
    manager.does(&roll_back("r1"));
    let why = manager.rejects(&announce("r3", Style::Plain, &[("z", 3)]));
    assert!(matches!(&why, Rejection::ReleaseOpen { release, .. } if *release == release_id("r1")));
    manager.passes(6_000);
    manager.does(&announce("r3", Style::Plain, &[("z", 3)]));
}
