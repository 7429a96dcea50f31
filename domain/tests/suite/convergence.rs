//! Whether a release is everywhere.

use skewguard_domain::{
    Breaker, Census, Convergence, PlaceEvidence, Pop, Progress, RECENT, ReleaseState, Sighting,
    Style, Tally,
};

use crate::fixtures::{at, id, ms};
use crate::manager::{
    Manager, activate, announce, named, numbered, promote, register, release_id, roll_back,
};

fn pop(name: &str) -> Pop {
    name.parse().expect("a PoP")
}

/// A manager and its census; `r2` is active in `a` and `b`.
struct Watch {
    manager: Manager,
    census: Census,
}

impl Watch {
    fn new() -> Self {
        let mut manager = Manager::new();
        manager.releases("r1", Style::Plain, &[("a", 1), ("b", 1)]);
        manager.releases("r2", Style::Plain, &[("a", 2), ("b", 2)]);
        let census = Census::new(at(manager.millis));
        Self { manager, census }
    }

    fn sees(&mut self, worker: &str, place: &str, number: u32) {
        let sighting = Sighting {
            worker: named(worker),
            bundle: numbered(number),
            breaker: Breaker::Closed,
            tally: Tally::default(),
            reports: 1,
        };
        let now = at(self.manager.millis);
        self.census.observe(&self.manager.ledger, pop(place), &sighting, now);
    }

    fn convergence(&self, release: &str) -> Convergence {
        let release = self.manager.ledger.release(&release_id(release)).expect("a release");
        Convergence::of(release, &self.manager.ledger, &self.census, at(self.manager.millis))
    }

    fn evidence(&self, worker: &str, place: &str) -> PlaceEvidence {
        self.convergence("r2").workers[&named(worker)][&pop(place)].clone()
    }

    fn is_converged(&self) -> bool {
        self.convergence("r2").converged
    }
}

#[test]
fn a_release_that_nobody_has_sighted_has_not_converged() {
    let watch = Watch::new();
    let convergence = watch.convergence("r2");
    assert_eq!(convergence.state, ReleaseState::Active);
    assert!(!convergence.converged);
    assert_eq!(convergence.workers.len(), 2);
    assert!(convergence.workers.values().all(std::collections::BTreeMap::is_empty));
}

#[test]
fn a_release_that_alone_is_sighted_somewhere_in_each_worker_has_converged() {
    let mut watch = Watch::new();
    watch.sees("a", "FRA", 2);
    assert!(!watch.is_converged(), "nobody has sighted it in `b`");
    watch.sees("b", "AMS", 2);
    assert!(watch.is_converged());
    let turned = PlaceEvidence {
        progress: Progress::Turned,
        release_seen: Some(at(watch.manager.millis)),
        others: Vec::new(),
        breaker: Breaker::Closed,
    };
    assert_eq!(watch.evidence("a", "FRA"), turned);
}

#[test]
fn a_pop_in_which_others_are_sighted_as_well_is_turning() {
    let mut watch = Watch::new();
    watch.sees("b", "FRA", 2);
    watch.sees("a", "FRA", 2);
    watch.sees("a", "FRA", 1);
    let evidence = watch.evidence("a", "FRA");
    assert_eq!(evidence.progress, Progress::Turning);
    assert_eq!(evidence.others, [(id(1), at(watch.manager.millis))]);
    assert!(!watch.is_converged());
    watch.manager.passes(19_999);
    for worker in ["a", "b"] {
        watch.sees(worker, "FRA", 2);
    }
    assert_eq!(watch.evidence("a", "FRA").progress, Progress::Turning);
    watch.manager.passes(1);
    assert_eq!(watch.evidence("a", "FRA").progress, Progress::Turned);
    assert!(watch.is_converged());
}

#[test]
fn a_pop_in_which_only_others_are_sighted_is_behind() {
    let mut watch = Watch::new();
    watch.sees("a", "FRA", 2);
    watch.sees("b", "FRA", 2);
    watch.sees("a", "AMS", 1);
    let evidence = watch.evidence("a", "AMS");
    assert_eq!(evidence.progress, Progress::Behind);
    assert_eq!(evidence.release_seen, None);
    assert!(!watch.is_converged());
    watch.sees("a", "AMS", 2);
    assert_eq!(watch.evidence("a", "AMS").progress, Progress::Turning);
}

#[test]
fn a_pop_that_has_gone_back_is_behind_and_tells_when_the_release_was_there() {
    let mut watch = Watch::new();
    watch.sees("a", "FRA", 2);
    let seen = at(watch.manager.millis);
    watch.manager.passes(20_000);
    watch.sees("a", "FRA", 1);
    let evidence = watch.evidence("a", "FRA");
    assert_eq!(evidence.progress, Progress::Behind);
    assert_eq!(evidence.release_seen, Some(seen));
}

#[test]
fn a_pop_in_which_nothing_was_sighted_of_late_is_silent_and_does_not_count() {
    assert_eq!(RECENT, ms(20_000));
    let mut watch = Watch::new();
    watch.sees("a", "FRA", 1);
    watch.manager.passes(20_000);
    assert_eq!(watch.evidence("a", "FRA").progress, Progress::Silent);
    watch.sees("a", "AMS", 2);
    watch.sees("b", "AMS", 2);
    assert!(watch.is_converged());
    watch.manager.passes(20_000);
    assert!(!watch.is_converged(), "all are silent");
}

#[test]
fn a_sighting_from_before_the_clock_was_set_back_is_of_late() {
    let mut watch = Watch::new();
    watch.sees("a", "FRA", 2);
    watch.sees("b", "FRA", 2);
    watch.manager.passes(-3_000);
    assert!(watch.is_converged());
}

#[test]
fn only_an_active_release_converges() {
    let mut watch = Watch::new();
    watch.manager.does(&announce("r3", Style::Canary, &[("a", 3)]));
    watch.sees("a", "FRA", 3);
    assert!(!watch.convergence("r3").converged);
    watch.manager.does(&activate("r3"));
    assert_eq!(watch.convergence("r3").state, ReleaseState::Shared);
    assert!(!watch.convergence("r3").converged);
    watch.manager.does(&promote("r3"));
    assert_eq!(watch.convergence("r3").state, ReleaseState::CuttingOver);
    assert!(!watch.convergence("r3").converged);
    watch.manager.passes(6_000);
    assert!(watch.convergence("r3").converged);
    watch.manager.does(&roll_back("r2"));
    watch.manager.passes(6_000);
    watch.sees("a", "FRA", 3);
    assert_eq!(watch.convergence("r3").state, ReleaseState::RolledBack);
    assert!(!watch.convergence("r3").converged);
}

#[test]
fn a_pop_whose_breaker_is_open_says_so() {
    let mut watch = Watch::new();
    watch.manager.does(&register("a", 3));
    for _ in 0..5 {
        watch.sees("a", "FRA", 1);
    }
    assert_eq!(watch.evidence("a", "FRA").breaker, Breaker::Closed);
    watch.manager.passes(30_000);
    assert_eq!(watch.evidence("a", "FRA").breaker, Breaker::Open);
}

#[test]
fn a_worker_that_did_not_change_converges_with_the_bundle_that_it_kept() {
    let mut watch = Watch::new();
    watch.manager.releases("r3", Style::Plain, &[("a", 3), ("b", 2)]);
    watch.sees("a", "FRA", 3);
    assert!(!watch.convergence("r3").converged);
    watch.sees("b", "FRA", 2);
    assert!(watch.convergence("r3").converged);
}

#[test]
fn progress_has_names_that_clients_rely_on() {
    let names = [
        (Progress::Turned, "turned"),
        (Progress::Turning, "turning"),
        (Progress::Behind, "behind"),
        (Progress::Silent, "silent"),
    ];
    for (progress, name) in names {
        assert_eq!(progress.as_str(), name);
    }
}
