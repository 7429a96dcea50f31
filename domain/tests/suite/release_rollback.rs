//! Rollbacks to a release: which Workers go back, how, and what becomes of what they leave.

use skewguard_domain::{
    Command, Cutover, Epoch, HISTORY_LIMIT, Rejection, ReleaseState, Retirement, Stage, Standing,
    Strictness, Style,
};

use crate::fixtures::at;
use crate::manager::{
    Manager, START, activate, announce, bring_back, delay, named, register, release_id, roll_back,
};

/// `r1` and `r2` of `a` and `b`, one after the other, 10 s each.
fn manager() -> Manager {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1), ("b", 1)]);
    manager.releases("r2", Style::Plain, &[("a", 2), ("b", 2)]);
    manager
}

fn strictly(release: &str) -> Command {
    Command::RollBack { release: release_id(release), after: None, strictness: Strictness::Strict }
}

/// Rolls back, and lets the cutover pass.
fn goes_back(manager: &mut Manager, release: &str) {
    manager.does(&roll_back(release));
    manager.passes(10_000);
}

#[test]
fn a_rollback_has_a_cutover_of_its_own_a_lease_and_a_margin_ahead() {
    let mut manager = manager();
    manager.does(&roll_back("r1"));
    let cutover = Cutover::at(at(manager.millis + 6_000));
    let stage = Stage::Activated { cutover, epoch: Epoch::new(5) };
    assert_eq!(manager.release("r1").stage, stage);
    assert_eq!(manager.state("r1"), ReleaseState::CuttingOver);
    assert_eq!(manager.state("r2"), ReleaseState::Active);
    for worker in ["a", "b"] {
        assert_eq!(manager.cutover(worker), cutover);
        assert_eq!(manager.standing(worker, 1), Standing::Announced);
        assert_eq!(manager.standing(worker, 2), Standing::Serving);
    }
    manager.passes(6_000);
    assert_eq!(manager.state("r1"), ReleaseState::Active);
    assert_eq!(manager.state("r2"), ReleaseState::RolledBack);
    for worker in ["a", "b"] {
        assert_eq!(manager.standing(worker, 1), Standing::Serving);
        assert_eq!(manager.standing(worker, 2), Standing::Retired);
        let retired = manager.ledger.workers()[&named(worker)].retired(at(manager.millis));
        assert_eq!(retired.last().expect("one").retirement, Retirement::RolledBack);
    }
}

#[test]
fn a_rollback_takes_all_releases_back_that_came_between() {
    let mut manager = manager();
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    manager.releases("r4", Style::Plain, &[("a", 4), ("b", 4)]);
    goes_back(&mut manager, "r1");
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("b", 1));
    for number in [2, 3, 4] {
        assert_eq!(manager.standing("a", number), Standing::Retired);
    }
    assert_eq!(manager.standing("b", 4), Standing::Retired);
    assert_eq!(manager.state("r4"), ReleaseState::RolledBack);
    assert_eq!(manager.state("r2"), ReleaseState::Superseded);
}

#[test]
fn a_worker_goes_back_to_what_it_had_when_the_release_was_active() {
    // `c` has to do with `r1` only because `r3` names it together with `a`.
    let mut manager = Manager::new();
    manager.releases("c1", Style::Plain, &[("c", 1)]);
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("c2", Style::Plain, &[("c", 2)]);
    manager.releases("r3", Style::Plain, &[("a", 3), ("c", 3)]);
    goes_back(&mut manager, "r1");
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("c", 1));
    assert_eq!(manager.state("c1"), ReleaseState::Active);
    assert_eq!(manager.state("c2"), ReleaseState::Superseded);
    assert_eq!(manager.state("r3"), ReleaseState::RolledBack);
}

#[test]
fn workers_are_connected_through_other_workers_too() {
    let mut manager = Manager::new();
    for (release, worker) in [("b1", "b"), ("c1", "c"), ("a1", "a")] {
        manager.releases(release, Style::Plain, &[(worker, 1)]);
    }
    // From `a` to `b` by `r3`, and from there to `c` by `r2`, which came before it.
    manager.releases("r2", Style::Plain, &[("b", 2), ("c", 2)]);
    manager.releases("r3", Style::Plain, &[("a", 3), ("b", 3)]);
    goes_back(&mut manager, "a1");
    for worker in ["a", "b", "c"] {
        assert!(manager.is_served_by(worker, 1), "{worker}");
    }
}

#[test]
fn workers_of_other_teams_are_left_alone() {
    let mut manager = manager();
    manager.releases("z2", Style::Plain, &[("z", 2), ("y", 2)]);
    manager.does(&register("z", 3));
    let before: Vec<_> =
        ["y", "z"].map(|worker| manager.ledger.workers()[&named(worker)].clone()).into();
    goes_back(&mut manager, "r1");
    let after: Vec<_> =
        ["y", "z"].map(|worker| manager.ledger.workers()[&named(worker)].clone()).into();
    assert_eq!(after, before);
    assert_eq!(manager.state("z2"), ReleaseState::Active);
}

#[test]
fn older_releases_of_a_worker_do_not_connect() {
    // `b` left `a` behind long before `r3`.
    let mut manager = manager();
    manager.releases("b3", Style::Plain, &[("b", 3)]);
    manager.releases("a4", Style::Plain, &[("a", 4)]);
    manager.releases("b5", Style::Plain, &[("b", 5)]);
    goes_back(&mut manager, "b3");
    assert!(manager.is_served_by("a", 4) && manager.is_served_by("b", 3));
}

#[test]
fn a_worker_that_had_nothing_before_keeps_what_it_has() {
    let mut manager = manager();
    manager.releases("r3", Style::Plain, &[("a", 3), ("new", 3)]);
    goes_back(&mut manager, "r2");
    assert!(manager.is_served_by("a", 2) && manager.is_served_by("b", 2));
    assert!(manager.is_served_by("new", 3));
    assert_eq!(manager.state("r3"), ReleaseState::Active);
}

#[test]
fn a_release_that_was_rolled_back_can_be_rolled_back_to() {
    let mut manager = manager();
    goes_back(&mut manager, "r1");
    goes_back(&mut manager, "r2");
    assert!(manager.is_served_by("a", 2) && manager.is_served_by("b", 2));
    assert_eq!(manager.state("r2"), ReleaseState::Active);
    // Going forward supersedes.
    assert_eq!(manager.state("r1"), ReleaseState::Superseded);
    goes_back(&mut manager, "r1");
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("b", 1));
}

#[test]
fn what_was_rolled_back_together_comes_back_as_it_was() {
    let mut manager = manager();
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    goes_back(&mut manager, "r1");
    // `r2` was active in both Workers before `r3` came.
    goes_back(&mut manager, "r2");
    assert!(manager.is_served_by("a", 2) && manager.is_served_by("b", 2));
    goes_back(&mut manager, "r3");
    assert!(manager.is_served_by("a", 3) && manager.is_served_by("b", 2));
}

#[test]
fn a_deploy_after_a_rollback_is_newer_than_what_was_rolled_back() {
    let mut manager = manager();
    goes_back(&mut manager, "r1");
    assert_eq!(manager.standing("a", 3), Standing::Ahead);
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    assert!(manager.is_served_by("a", 3));
    assert_eq!(manager.standing("a", 2), Standing::Older);
    // A rollback to `r1` is now one that leaves out `r2`, and goes to what was active before.
    goes_back(&mut manager, "r1");
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("b", 1));
}

#[test]
fn a_rollback_is_as_strict_as_what_it_takes_back() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("r2", Style::Strict, &[("a", 2)]);
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    let mut relaxed = manager.clone();
    relaxed.does(&roll_back("r2"));
    assert_eq!(relaxed.cutover("a"), Cutover::at(at(relaxed.millis + 6_000)));
    manager.does(&roll_back("r1"));
    let stop_at = at(manager.millis + 6_000);
    let start_at = at(manager.millis + 6_500);
    assert_eq!(manager.cutover("a"), Cutover { stop_at, start_at });
    assert_eq!(manager.standing("a", 1), Standing::Held);
    manager.passes(10_000);
    // The way forward takes a strict takeover back again.
    manager.does(&roll_back("r3"));
    assert_eq!(manager.ledger.workers()[&named("a")].latest().strictness, Strictness::Strict);
}

#[test]
fn a_rollback_is_strict_where_that_was_wished_for() {
    let mut manager = manager();
    manager.does(&strictly("r1"));
    for worker in ["a", "b"] {
        let latest = *manager.ledger.workers()[&named(worker)].latest();
        assert_eq!(latest.strictness, Strictness::Strict);
        assert_eq!(latest.cutover.stop_at, at(manager.millis + 6_000));
        assert_eq!(latest.cutover.start_at, at(manager.millis + 6_500));
        assert_eq!(manager.standing(worker, 1), Standing::Held);
    }
}

#[test]
fn a_registration_can_be_rolled_back_to_and_taken_back() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.does(&register("a", 2));
    goes_back(&mut manager, "@1");
    assert!(manager.is_served_by("a", 1));
    assert_eq!(manager.state("@2"), ReleaseState::RolledBack);
    manager.does(&bring_back("a", 2));
    assert!(manager.is_served_by("a", 2));
    assert_eq!(manager.state("@1"), ReleaseState::Superseded);
}

#[test]
fn a_rollback_may_come_at_a_time_of_ones_choice() {
    let mut manager = manager();
    let strictness = Strictness::Relaxed;
    let now = Command::RollBack { release: release_id("r1"), after: delay(0), strictness };
    manager.does(&now);
    assert_eq!(manager.cutover("a"), Cutover::at(at(manager.millis)));
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("b", 1));
    assert_eq!(manager.standing("a", 2), Standing::Retired);
}

#[test]
fn a_rollback_reaches_back_behind_what_is_remembered_of_takeovers() {
    let mut manager = Manager::new();
    for number in 1..=u32::try_from(HISTORY_LIMIT).expect("few") + 1 {
        manager.does(&register("a", number));
        manager.passes(1_000);
    }
    goes_back(&mut manager, "@1");
    assert!(manager.is_served_by("a", 1));
    assert_eq!(manager.state("@1"), ReleaseState::Active);
}

#[test]
fn a_rollback_is_turned_away_if_nobody_remembers_what_another_worker_had() {
    let mut manager = manager();
    manager.releases("c1", Style::Plain, &[("c", 1)]);
    manager.releases("ac2", Style::Plain, &[("a", 3), ("c", 3)]);
    for number in 4..=u32::try_from(HISTORY_LIMIT).expect("few") + 4 {
        manager.does(&register("c", number));
        manager.passes(1_000);
    }
    let before = manager.ledger.clone();
    assert_eq!(manager.rejects(&roll_back("r2")), Rejection::UnknownRelease);
    assert_eq!(manager.ledger, before);
}

#[test]
fn a_rollback_does_not_wait_for_the_cutover_that_it_takes_back() {
    let mut manager = manager();
    manager.does(&announce("r3", Style::Plain, &[("a", 3)]));
    manager.does(&activate("r3"));
    manager.passes(1_000);
    manager.does(&roll_back("r2"));
    assert_eq!(manager.cutover("a"), Cutover::at(at(START + 20_000 + 1_000 + 6_000)));
}
