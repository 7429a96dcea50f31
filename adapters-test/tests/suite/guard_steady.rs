//! A guard under steady traffic, with a manager that answers.

use skewguard_domain::{Manifest, MaxAge, Reason, Staleness};
use skewguard_test::Behaviour;

use crate::fixtures::{current_is, id, ms, secs};
use crate::isolate::{
    CURRENT, Isolate, NEWER, OLDER, OWN, UNAVAILABLE, own_is_current, own_is_older,
};

#[test]
fn under_steady_traffic_only_the_first_request_ever_waits() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    isolate.manager.behave(own_is_current(ms(120)));
    isolate.traffic(secs(600), ms(20), |_, _, decision| assert_eq!(decision, CURRENT));
    assert_eq!(isolate.log.count("request_waited"), 1);
}

#[test]
fn the_manager_is_asked_about_once_a_lease_however_many_requests_come() {
    let (leases, lease) = (120, secs(5));
    for every in [ms(1), ms(50)] {
        let mut isolate = Isolate::warm(own_is_current(ms(0)));
        isolate.traffic(lease * leases, every, |_, _, _| ());
        // Between 80 and 90 % of a lease it is renewed: so there are up to a quarter more
        // questions than leases.
        let asked = isolate.manager.asked();
        assert!((120..=150).contains(&asked), "asked {asked} times in {leases} leases");
    }
}

#[test]
fn a_replaced_bundle_is_refused_no_later_than_a_lease_after_its_replacement() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    isolate.traffic(secs(7), ms(10), |_, _, decision| assert_eq!(decision, CURRENT));
    isolate.manager.behave(own_is_older(ms(100)));
    isolate.traffic(secs(20), ms(10), |passed, _, decision| {
        if passed >= secs(5) {
            assert_eq!(decision, OLDER, "after {passed:?}");
        }
    });
}

#[test]
fn a_rolled_back_to_bundle_is_served_again_no_later_than_a_lease_after_the_rollback() {
    let mut isolate = Isolate::warm(own_is_older(ms(0)));
    isolate.traffic(secs(7), ms(10), |_, _, decision| assert_eq!(decision, OLDER));
    isolate.manager.behave(own_is_current(ms(100)));
    isolate.traffic(secs(20), ms(10), |passed, _, decision| {
        if passed >= secs(5) {
            assert_eq!(decision, CURRENT, "after {passed:?}");
        }
    });
}

#[test]
fn a_worker_that_was_never_registered_is_served_without_a_question_for_each_request() {
    let mut isolate = Isolate::warm(Behaviour::Answer(Box::default(), ms(0)));
    isolate.traffic(secs(50), ms(10), |_, _, decision| {
        assert_eq!(decision.reason, Reason::Unregistered);
    });
    assert!(isolate.manager.asked() <= 13);
    assert_eq!(isolate.log.count("manager_failed"), 0);
}

#[test]
fn a_bundle_that_the_manager_has_not_heard_of_yet_is_served() {
    let mut isolate = Isolate::warm(Behaviour::Answer(Box::new(current_is(OWN - 1)), ms(0)));
    isolate.traffic(secs(20), ms(10), |_, _, decision| {
        assert_eq!(decision.reason, Reason::Ahead);
    });
}

#[test]
fn a_retired_bundle_is_refused_although_it_is_the_newer() {
    let mut manifest = current_is(OWN - 1);
    let known = manifest.worker.as_mut().expect("the Worker is known");
    known.now.retired = vec![id(NEWER), id(OWN)];
    let mut isolate = Isolate::cold(Behaviour::Answer(Box::new(manifest), ms(5)));
    let (decision, _) = isolate.decide();
    assert_eq!(decision.reason, Reason::Stale(Staleness::Retired));
}

#[test]
fn an_answer_that_takes_longer_than_its_own_lease_is_a_failure() {
    let short = MaxAge::new(ms(100)).expect("a lease");
    let manifest = Box::new(Manifest { max_age: Some(short), ..current_is(NEWER) });
    let mut isolate = Isolate::cold(Behaviour::Answer(manifest.clone(), ms(100)));
    let (decision, waited) = isolate.decide();
    assert_eq!(decision, UNAVAILABLE);
    assert!(waited <= ms(108));
    let failed = isolate.entries("manager_failed");
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["error"], &failed[0]["failures"]), (&"timeout".into(), &1.into()));

    // The back-off is that of any other failure, and so is the recovery.
    isolate.manager.behave(Behaviour::Answer(manifest, ms(0)));
    isolate.traffic(ms(490), ms(10), |_, asked, _| assert_eq!(asked, 1));
    isolate.traffic(ms(600), ms(10), |_, _, _| ());
    assert_eq!(isolate.at_once(), Some(OLDER));
    assert_eq!(isolate.log.count("manager_recovered"), 1);
}

#[test]
fn the_managers_shorter_lease_is_kept() {
    let lease = MaxAge::new(ms(500)).expect("a lease");
    let mut manifest = Box::new(Manifest { max_age: Some(lease), ..current_is(OWN) });
    let mut isolate = Isolate::warm(Behaviour::Answer(manifest.clone(), ms(0)));
    isolate.traffic(secs(10), ms(10), |_, _, _| ());
    let asked = isolate.manager.asked();
    assert!((20..=26).contains(&asked), "asked {asked} times in 20 leases");
    manifest.worker = current_is(NEWER).worker;
    isolate.manager.behave(Behaviour::Answer(manifest, ms(20)));
    isolate.traffic(secs(2), ms(10), |passed, _, decision| {
        if passed >= ms(500) {
            assert_eq!(decision, OLDER, "after {passed:?}");
        }
    });
}
