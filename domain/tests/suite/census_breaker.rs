//! The breaker: after 30 s without evidence of a bundle that serves, and 5 sightings that were
//! refused, a PoP serves what it has.

use skewguard_domain::{Breaker, Census, ENOUGH, EVIDENCE, Place, Pop, Sighting, Style, Tally};

use crate::fixtures::{at, ms};
use crate::manager::{Manager, activate, announce, named, numbered, promote, register, roll_back};

/// A manager, and what it was told of the PoP `FRA`.
#[derive(Clone)]
struct Watch {
    manager: Manager,
    census: Census,
}

fn pop(name: &str) -> Pop {
    name.parse().expect("a PoP")
}

fn sighting(worker: &str, number: u32) -> Sighting {
    Sighting {
        worker: named(worker),
        bundle: numbered(number),
        breaker: Breaker::Closed,
        tally: Tally::default(),
        reports: 1,
    }
}

impl Watch {
    /// Bundle 2 of `a` has taken over from bundle 1, and a census begins in the same millisecond.
    fn new() -> Self {
        let mut manager = Manager::new();
        manager.does(&register("a", 1));
        manager.does(&register("a", 2));
        let census = Census::new(at(manager.millis));
        Self { manager, census }
    }

    fn observes(&mut self, sighting: &Sighting) {
        let now = at(self.manager.millis);
        self.census.observe(&self.manager.ledger, pop("FRA"), sighting, now);
    }

    fn sees(&mut self, number: u32, times: u32) {
        for _ in 0..times {
            self.observes(&sighting("a", number));
        }
    }

    fn breaker_in(&self, place: &str) -> Breaker {
        let now = at(self.manager.millis);
        self.census.breaker(&self.manager.ledger, &named("a"), pop(place), now)
    }

    fn is_open(&self) -> bool {
        self.breaker_in("FRA") == Breaker::Open
    }

    fn place(&self) -> Place {
        self.census.places(&named("a")).next().expect("a place").1.clone()
    }

    /// The manager starts anew, and remembers what it has decided.
    fn restarts(&mut self) {
        self.census = Census::new(at(self.manager.millis));
    }

    /// Half a minute without evidence, and enough sightings that are refused.
    fn opens(&mut self) {
        self.sees(1, 4);
        self.manager.passes(30_000);
        self.sees(1, 1);
        assert!(self.is_open());
    }
}

#[test]
fn a_breaker_is_closed_where_nothing_was_sighted() {
    let watch = Watch::new();
    assert!(!watch.is_open());
    assert_eq!(watch.census.places(&named("a")).count(), 0);
}

#[test]
fn a_breaker_opens_after_30_s_and_5_sightings_and_not_before() {
    assert_eq!((EVIDENCE, ENOUGH), (ms(30_000), 5));
    let mut watch = Watch::new();
    watch.sees(1, 5);
    watch.manager.passes(29_999);
    assert!(!watch.is_open(), "too early");
    watch.manager.passes(1);
    assert!(watch.is_open(), "whether or not anybody has reported since");

    let mut watch = Watch::new();
    watch.manager.passes(29_999);
    watch.sees(1, 4);
    watch.manager.passes(100_000);
    assert!(!watch.is_open(), "too few");
    watch.sees(1, 1);
    assert!(watch.is_open());
    assert_eq!(watch.place().open_since(), Some(at(watch.manager.millis)));
}

#[test]
fn a_sighting_of_a_bundle_that_serves_is_evidence_for_30_s() {
    let mut watch = Watch::new();
    watch.sees(1, 10);
    watch.manager.passes(20_000);
    watch.sees(2, 1);
    watch.sees(1, 4);
    watch.manager.passes(29_999);
    watch.sees(1, 1);
    assert!(!watch.is_open());
    watch.manager.passes(1);
    assert!(watch.is_open());
}

#[test]
fn sightings_of_before_the_evidence_do_not_count() {
    let mut watch = Watch::new();
    watch.sees(1, 100);
    watch.sees(2, 1);
    watch.sees(1, 4);
    watch.manager.passes(60_000);
    assert!(!watch.is_open());
}

#[test]
fn a_takeover_is_evidence_too_and_closes_the_breaker() {
    let mut watch = Watch::new();
    watch.opens();
    watch.manager.does(&register("a", 3));
    assert!(!watch.is_open());
    watch.sees(1, 5);
    watch.sees(2, 5);
    watch.manager.passes(29_999);
    watch.sees(1, 1);
    assert!(!watch.is_open());
    watch.manager.passes(1);
    assert!(watch.is_open());
}

#[test]
fn a_cutover_that_is_to_come_is_evidence_only_when_it_has_come() {
    let mut watch = Watch::new();
    watch.opens();
    watch.manager.does(&announce("r3", Style::Plain, &[("a", 3)]));
    watch.manager.does(&activate("r3"));
    assert!(watch.is_open());
    watch.manager.passes(5_999);
    assert!(watch.is_open());
    watch.manager.passes(1);
    assert!(!watch.is_open());
}

#[test]
fn a_canary_that_begins_to_share_is_evidence() {
    let mut watch = Watch::new();
    watch.opens();
    watch.manager.does(&announce("r3", Style::Canary, &[("a", 3)]));
    assert!(watch.is_open());
    watch.manager.does(&activate("r3"));
    assert!(!watch.is_open());
    watch.sees(1, 5);
    watch.manager.passes(30_000);
    assert!(watch.is_open());
    watch.sees(3, 1);
    assert!(!watch.is_open());
    watch.manager.does(&promote("r3"));
    assert!(!watch.is_open());
}

#[test]
fn the_beginning_of_the_census_is_evidence() {
    let mut watch = Watch::new();
    watch.manager.passes(3_600_000);
    watch.restarts();
    assert_eq!(watch.census.started_at(), at(watch.manager.millis));
    watch.sees(1, 5);
    watch.manager.passes(29_999);
    watch.sees(1, 1);
    assert!(!watch.is_open());
    watch.manager.passes(1);
    assert!(watch.is_open());
}

#[test]
fn the_first_sighting_of_a_bundle_that_serves_closes_the_breaker() {
    let mut watch = Watch::new();
    watch.opens();
    watch.sees(2, 1);
    assert!(!watch.is_open());
    assert_eq!(watch.place().open_since(), None);
    watch.sees(1, 100);
    assert!(!watch.is_open());
    watch.manager.passes(30_000);
    assert!(watch.is_open());
}

#[test]
fn an_open_breaker_stays_open_while_nothing_better_is_there() {
    let mut watch = Watch::new();
    watch.opens();
    let since = watch.place().open_since();
    for _ in 0..100 {
        watch.manager.passes(60_000);
        assert!(watch.is_open());
        watch.sees(1, 1);
        assert!(watch.is_open());
    }
    assert_eq!(watch.place().open_since(), since);
}

#[test]
fn what_serves_without_being_current_is_neither_evidence_nor_refused() {
    let mut watch = Watch::new();
    watch.manager.does(&announce("r4", Style::Plain, &[("a", 4)]));
    // Bundle 3 is unknown and ahead, and bundle 4 is announced.
    watch.sees(5, 100);
    watch.sees(4, 100);
    watch.manager.passes(60_000);
    assert!(!watch.is_open());
    watch.sees(1, 4);
    watch.sees(4, 1);
    assert!(!watch.is_open());
    watch.sees(1, 1);
    assert!(watch.is_open(), "an announced bundle did not close it");
}

#[test]
fn a_held_bundle_is_refused() {
    let mut watch = Watch::new();
    watch.manager.does(&announce("r3", Style::Strict, &[("a", 3)]));
    watch.sees(3, 5);
    watch.manager.passes(30_000);
    assert!(watch.is_open());
}

#[test]
fn a_rolled_back_bundle_that_is_all_there_is_opens_the_breaker() {
    // Somebody went back to bundle 1 in a registration that is wrong.
    let mut watch = Watch::new();
    watch.manager.does(&roll_back("@1"));
    watch.manager.passes(6_000);
    watch.sees(2, 5);
    assert!(!watch.is_open());
    watch.manager.passes(30_000);
    assert!(watch.is_open());
    watch.sees(1, 1);
    assert!(!watch.is_open());
}

#[test]
fn pops_and_workers_have_breakers_of_their_own() {
    let mut watch = Watch::new();
    watch.manager.does(&register("b", 2));
    watch.opens();
    assert_eq!(watch.breaker_in("AMS"), Breaker::Closed);
    let now = at(watch.manager.millis);
    watch.census.observe(&watch.manager.ledger, pop("AMS"), &sighting("a", 2), now);
    watch.observes(&sighting("b", 2));
    assert!(watch.is_open(), "evidence of another PoP or Worker closed it");
    let b = watch.census.breaker(&watch.manager.ledger, &named("b"), pop("FRA"), now);
    assert_eq!(b, Breaker::Closed);
}

#[test]
fn one_sighting_may_stand_for_many_reports() {
    let mut watch = Watch::new();
    watch.observes(&Sighting { reports: 5, ..sighting("a", 1) });
    watch.manager.passes(30_000);
    assert!(watch.is_open());
    let mut watch = Watch::new();
    watch.observes(&Sighting { reports: 4, ..sighting("a", 1) });
    watch.manager.passes(30_000);
    assert!(!watch.is_open());
    watch.observes(&Sighting { reports: u32::MAX, ..sighting("a", 1) });
    watch.observes(&Sighting { reports: u32::MAX, ..sighting("a", 1) });
    assert!(watch.is_open());
}

#[test]
fn after_a_restart_guards_that_served_by_an_open_breaker_keep_it_open() {
    let mut watch = Watch::new();
    watch.opens();
    watch.restarts();
    assert!(!watch.is_open());
    watch.sees(1, 1);
    assert!(!watch.is_open(), "a guard that knows nothing of it opened it");
    watch.observes(&Sighting { breaker: Breaker::Open, ..sighting("a", 1) });
    assert!(watch.is_open());
    watch.manager.passes(100);
    watch.sees(2, 1);
    assert!(!watch.is_open());
}

#[test]
fn who_still_takes_a_breaker_for_open_does_not_open_it_again() {
    // It was closed by evidence, and guards learn of that with their next manifest only.
    let open = Sighting { breaker: Breaker::Open, ..sighting("a", 1) };
    let mut watch = Watch::new();
    watch.opens();
    watch.sees(2, 1);
    watch.observes(&open);
    assert!(!watch.is_open());
    // The same if it was closed since the restart, by evidence or by a takeover.
    let mut seen = Watch::new();
    seen.manager.passes(100);
    seen.sees(2, 1);
    seen.observes(&open);
    assert!(!seen.is_open());
    let mut taken_over = Watch::new();
    taken_over.manager.passes(100);
    taken_over.manager.does(&register("a", 3));
    taken_over.observes(&open);
    assert!(!taken_over.is_open());
}

#[test]
fn a_bundle_that_serves_opens_nothing_whatever_its_guard_believes() {
    let mut watch = Watch::new();
    watch.observes(&Sighting { breaker: Breaker::Open, ..sighting("a", 2) });
    assert!(!watch.is_open());
    watch.restarts();
    watch.observes(&Sighting { breaker: Breaker::Open, ..sighting("a", 5) });
    assert!(!watch.is_open());
}

#[test]
fn an_unregistered_worker_has_no_breaker_to_open() {
    let mut watch = Watch { manager: Manager::new(), census: Census::new(at(0)) };
    watch.sees(1, 100);
    watch.manager.passes(60_000);
    watch.sees(1, 100);
    assert!(!watch.is_open());
}

#[test]
fn a_clock_set_back_opens_no_breaker() {
    let mut watch = Watch::new();
    watch.manager.passes(1_000);
    watch.sees(2, 1);
    watch.sees(1, 100);
    watch.manager.passes(-600_000);
    watch.sees(1, 100);
    assert!(!watch.is_open());
}
