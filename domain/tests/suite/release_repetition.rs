//! Commands that are given again: at once, or long after. What is the case already changes nothing.

use skewguard_domain::{Command, ReleaseState, Strictness, Style};

use crate::manager::{
    Manager, abort, activate, activate_in, announce, bring_back, promote, register, release_id,
    roll_back, set_lease,
};

#[test]
fn every_command_may_be_repeated_at_once() {
    let mut manager = Manager::new();
    let r3 = announce("r3", Style::Canary, &[("a", 3), ("c", 3)]);
    let commands = [
        register("a", 1),
        set_lease(2_000),
        announce("r2", Style::Strict, &[("a", 2), ("b", 2)]),
        activate("r2"),
        roll_back("@1"),
        roll_back("r2"),
        set_lease(5_000),
    ];
    for command in &commands {
        manager.does(command);
        manager.has_done(command);
        manager.passes(1);
        manager.has_done(command);
    }
    manager.passes(60_000);
    for command in [&r3, &activate("r3"), &promote("r3")] {
        manager.does(command);
        manager.has_done(command);
    }
    manager.passes(60_000);
    for command in [announce("r4", Style::Strict, &[("a", 4)]), abort("r4"), bring_back("a", 2)] {
        manager.does(&command);
        manager.has_done(&command.clone());
    }
}

#[test]
fn a_repetition_with_another_delay_leaves_the_cutover_where_it_is() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    manager.does(&activate("r2"));
    manager.has_done(&activate_in("r2", 60_000));
    manager.has_done(&activate_in("r2", 0));
}

#[test]
fn a_late_announcement_of_a_release_in_any_stage_changes_nothing() {
    let mut manager = Manager::new();
    let first = announce("r2", Style::Canary, &[("a", 2)]);
    manager.does(&register("a", 1));
    for command in [first.clone(), activate("r2"), promote("r2")] {
        manager.does(&command);
        manager.has_done(&first);
    }
    manager.passes(6_000);
    manager.has_done(&first);
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    manager.has_done(&first);
}

#[test]
fn a_late_activation_or_promotion_does_not_bring_a_release_back() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1)]);
    manager.releases("r2", Style::Canary, &[("a", 2)]);
    manager.does(&roll_back("r1"));
    manager.passes(10_000);
    for command in [activate("r2"), promote("r2"), activate("r1")] {
        manager.has_done(&command);
    }
    assert_eq!(manager.state("r2"), ReleaseState::RolledBack);
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    for command in [activate("r1"), activate("r2"), promote("r2")] {
        manager.has_done(&command);
    }
    assert!(manager.is_served_by("a", 3));
}

#[test]
fn a_canary_is_activated_once_and_a_late_activation_does_not_undo_its_promotion() {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    manager.does(&activate("r2"));
    manager.passes(5);
    manager.has_done(&activate("r2"));
    manager.does(&promote("r2"));
    manager.has_done(&activate("r2"));
    assert_eq!(manager.state("r2"), ReleaseState::CuttingOver);
}

#[test]
fn a_rollback_to_what_serves_changes_nothing_however_strict() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1), ("b", 1)]);
    manager.releases("r2", Style::Plain, &[("c", 2)]);
    for strictness in [Strictness::Relaxed, Strictness::Strict] {
        for release in ["r1", "r2"] {
            let release = release_id(release);
            manager.has_done(&Command::RollBack { release, after: None, strictness });
        }
    }
}

#[test]
fn a_plain_release_may_be_promoted_by_who_knows_no_better() {
    // A script that activates and promotes works for releases of every style.
    let mut manager = Manager::new();
    manager.does(&announce("r1", Style::Plain, &[("a", 1)]));
    manager.does(&activate("r1"));
    manager.has_done(&promote("r1"));
}
