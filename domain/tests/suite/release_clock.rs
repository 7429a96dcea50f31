//! A manager whose clock was set back: what is past stays past, and what was decided stays decided.

use skewguard_domain::{Cutover, Rejection, ReleaseState, Stage, Standing, Style};

use crate::fixtures::at;
use crate::manager::{
    Manager, START, abort, activate, announce, named, register, roll_back, set_lease,
};

/// Sets the clock ten minutes back.
fn set_back(manager: &mut Manager) {
    manager.passes(-600_000);
}

#[test]
fn the_time_of_a_decision_never_goes_back() {
    let mut manager = Manager::new();
    assert_eq!(manager.ledger.steady(at(5)), at(5), "nothing was decided yet");
    manager.does(&register("a", 1));
    set_back(&mut manager);
    let applied = manager.does(&register("a", 2));
    assert_eq!(applied.at, at(START));
    assert_eq!(manager.ledger.decided_at(), Some(at(START)));
    assert_eq!(manager.ledger.steady(at(START - 1)), at(START));
    assert_eq!(manager.ledger.steady(at(START + 1)), at(START + 1));
}

#[test]
fn what_serves_still_serves_after_the_clock_was_set_back() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.does(&register("a", 2));
    set_back(&mut manager);
    assert!(manager.is_served_by("a", 2));
    assert_eq!(manager.standing("a", 1), Standing::Older);
    assert_eq!(manager.state("@2"), ReleaseState::Active);
}

#[test]
fn a_cutover_counts_from_the_last_decision_if_the_clock_is_behind_it() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.passes(1_000);
    manager.does(&announce("r2", Style::Strict, &[("a", 2)]));
    set_back(&mut manager);
    manager.does(&activate("r2"));
    let cutover = Cutover { stop_at: at(START + 7_000), start_at: at(START + 7_500) };
    assert_eq!(manager.cutover("a"), cutover);
    assert_eq!(manager.state("r2"), ReleaseState::CuttingOver);
}

#[test]
fn every_stage_is_reached_no_earlier_than_the_last_decision() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    set_back(&mut manager);
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    assert_eq!(manager.release("r2").announced_at, at(START));
    manager.does(&activate("r2"));
    assert_eq!(manager.release("r2").stage, Stage::Shared { since: at(START) });
    manager.does(&abort("r2"));
    assert_eq!(manager.release("r2").stage, Stage::Aborted { at: at(START) });
    manager.does(&set_lease(1_000));
    assert_eq!(manager.ledger.lease().longer_until, Some(at(START + 5_000)));
}

#[test]
fn takeovers_stay_in_their_order_whatever_the_clock_does() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("r2", Style::Plain, &[("a", 2)]);
    set_back(&mut manager);
    manager.does(&roll_back("r1"));
    let takeovers = manager.ledger.workers()[&named("a")].takeovers().to_vec();
    let history = skewguard_domain::WorkerHistory::new(takeovers, None);
    assert_eq!(history.as_ref(), Some(&manager.ledger.workers()[&named("a")]));
}

#[test]
fn whether_a_deploy_time_lies_in_the_future_is_for_the_clock_itself_to_say() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    // Bundle 900 was deployed 100 s before the last decision, and is 5 minutes ahead by now.
    manager.passes(-400_001);
    assert_eq!(manager.rejects(&register("a", 900)), Rejection::DeployTimeInFuture);
    manager.passes(1);
    manager.does(&register("a", 900));
    // What was accepted once stays so.
    set_back(&mut manager);
    manager.has_done(&register("a", 900));
}
