//! Traffic of the lab: it is counted as it was, and ends when it should.

use std::time::{Duration, Instant};

use skewguard_lab::CodeFormat::{One, Two};
use skewguard_lab::{Counts, Lab, Manager, ManagerSetup, Pop, PopSetup, Record, Release, Traffic};

/// Two PoPs with two releases, of which none was registered: both serve.
fn skewed(lab: &Lab) -> [Pop<'_>; 2] {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    [One, Two].map(|format| {
        let setup = PopSetup::default();
        Pop::start(lab, &manager, &Release::new(format, 10), &setup).expect("a PoP")
    })
}

fn second(traffic: &Traffic) -> (Counts, Record) {
    let (counts, record) = traffic.start(Duration::from_secs(1)).finish();
    assert!(counts.flows > 20 && counts.failed == 0, "{counts:?}");
    assert_eq!(record.steps().len() as u64, counts.served);
    (counts, record)
}

#[test]
fn flows_across_releases_that_serve_side_by_side_are_mixed() {
    let lab = Lab::new().expect("a lab");
    let [old, new] = skewed(&lab);
    let (counts, record) = second(&Traffic::through(&[&old, &new]));
    assert!(counts.mixed > 0 && counts.crossed == 0, "{counts:?}");
    assert_eq!(counts.passed + counts.mixed, counts.flows);
    assert!(!record.overlap().is_empty());
}

#[test]
fn with_affinity_no_flow_is_mixed_although_two_releases_serve() {
    let lab = Lab::new().expect("a lab");
    let [old, new] = skewed(&lab);
    let (counts, record) = second(&Traffic::through(&[&old, &new]).with_affinity());
    assert_eq!((counts.mixed, counts.crossed, counts.passed), (0, 0, counts.flows));
    assert!(!record.overlap().is_empty());
}

#[test]
fn with_affinity_a_flow_stays_where_its_retry_was_served() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let (old, new) = (Release::new(One, 20), Release::new(Two, 10));
    manager.register("op-auth", &new).expect("an answer");
    let [old, new] = [old, new]
        .map(|release| Pop::start(&lab, &manager, &release, &PopSetup::default()).expect("a PoP"));
    // The old release of `op-token` serves, since that Worker was never registered.
    let (counts, _) = second(&Traffic::through(&[&old, &new]).with_affinity());
    assert!(counts.refused > 0 && counts.retried > 0, "{counts:?}");
    assert_eq!((counts.mixed, counts.passed), (0, counts.flows));
}

#[test]
fn traffic_in_the_background_ends_when_it_is_stopped() {
    let lab = Lab::new().expect("a lab");
    let [old, _] = skewed(&lab);
    let started = Instant::now();
    let running = Traffic::through(&[&old]).start(Duration::from_secs(60));
    std::thread::sleep(Duration::from_millis(500));
    let (counts, record) = running.stop();
    assert!(started.elapsed() < Duration::from_secs(20), "it went on");
    assert!(counts.passed > 0 && counts.passed == counts.flows, "{counts:?}");
    assert_eq!(record.steps().len() as u64, 2 * counts.flows);
}

#[test]
fn traffic_in_the_background_ends_when_it_is_dropped() {
    let lab = Lab::new().expect("a lab");
    let [old, _] = skewed(&lab);
    let started = Instant::now();
    drop(Traffic::through(&[&old]).start(Duration::from_secs(60)));
    assert!(started.elapsed() < Duration::from_secs(20), "it went on");
    let lines = lab.transcript().lines().len();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(lab.transcript().lines().len(), lines, "somebody still asks");
}
