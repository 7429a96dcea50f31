//! How many releases are kept.

use skewguard_domain::{Applied, Event, RELEASE_LIMIT, Rejection, ReleaseId, Standing, Style};

use crate::manager::{
    Manager, abort, activate, announce, bring_back, named, register, release_id, roll_back,
};

/// A manager with as many releases as are kept, all of them registrations of `a`.
fn full() -> Manager {
    let mut manager = Manager::new();
    for number in 1..=u32::try_from(RELEASE_LIMIT).expect("few") {
        manager.does(&register("a", number));
    }
    manager
}

fn forgets(applied: &Applied) -> Option<&str> {
    applied.events.iter().find_map(|event| match event {
        Event::Announced { forgets, .. } => forgets.as_ref().map(ReleaseId::as_str),
        _ => None,
    })
}

#[test]
fn two_hundred_releases_are_kept() {
    assert_eq!(RELEASE_LIMIT, 200);
    let mut manager = full();
    assert_eq!(manager.ledger.releases().len(), 200);
    let applied = manager.does(&register("a", 201));
    assert_eq!(forgets(&applied), Some("@1"));
    assert_eq!(manager.ledger.releases().len(), 200);
    assert_eq!(manager.ledger.release(&release_id("@1")), None);
    assert_eq!(manager.rejects(&roll_back("@1")), Rejection::UnknownRelease);
    assert_eq!(manager.ledger.replay(&[], applied.at), manager.ledger);
}

#[test]
fn an_open_release_is_not_forgotten() {
    let mut manager = Manager::new();
    manager.does(&announce("r1", Style::Canary, &[("b", 1)]));
    for number in 1..200 {
        manager.does(&register("a", number));
    }
    let applied = manager.does(&register("a", 200));
    assert_eq!(forgets(&applied), Some("@2"));
    manager.does(&activate("r1"));
    assert_eq!(forgets(&manager.does(&register("a", 201))), Some("@3"));
    manager.does(&abort("r1"));
    assert_eq!(forgets(&manager.does(&register("a", 202))), Some("r1"));
}

#[test]
fn a_release_that_serves_is_kept_as_long_as_there_is_another_one_to_forget() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("b", 1)]);
    for number in 1..=200 {
        manager.does(&register("a", number));
    }
    assert!(manager.ledger.release(&release_id("r1")).is_some());
    manager.does(&register("b", 2));
    assert_eq!(forgets(&manager.does(&register("a", 201))), Some("r1"));
    manager.does(&bring_back("b", 1));
    assert!(manager.is_served_by("b", 1));
}

/// A manager with as many releases as are kept, each of a Worker of its own, and all serving.
fn full_of_workers() -> Manager {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("b", 1)]);
    for number in 1..=199 {
        manager.does(&register(&format!("a{number}"), 1));
    }
    manager
}

#[test]
fn what_serves_goes_on_serving_when_its_release_is_forgotten() {
    let mut manager = full_of_workers();
    assert_eq!(forgets(&manager.does(&register("c", 1))), Some("r1"));
    assert!(manager.is_served_by("b", 1));
    assert_eq!(manager.standing("b", 0), Standing::Older);
    let history = manager.ledger.workers()[&named("b")].clone();
    manager.does(&register("b", 2));
    manager.does(&bring_back("b", 1));
    assert_eq!(manager.ledger.workers()[&named("b")].takeovers()[0], history.takeovers()[0]);
}

#[test]
fn a_forgotten_name_can_be_given_again() {
    let mut manager = full_of_workers();
    manager.does(&register("c", 1));
    manager.does(&announce("r1", Style::Strict, &[("b", 2)]));
}
