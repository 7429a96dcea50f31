//! What a census remembers, and what it forgets.

use skewguard_domain::{
    BUNDLES, Breaker, BundleId, Census, Ledger, MEMORY, PLACES, Pop, Seen, Sighting, Tally,
    WorkerName,
};

use crate::fixtures::{at, id, ms};
use crate::manager::{named, numbered};

fn pop(name: &str) -> Pop {
    name.parse().expect("a PoP")
}

fn sighting(worker: &str, number: u32) -> Sighting {
    Sighting {
        worker: named(worker),
        bundle: numbered(number),
        breaker: Breaker::Closed,
        tally: Tally { refused: 1, failed_open: 2, breaker_open: 3 },
        reports: 1,
    }
}

fn observe(census: &mut Census, place: &str, sighting: &Sighting, millis: i64) {
    census.observe(&Ledger::default(), pop(place), sighting, at(millis));
}

fn bundles(census: &Census, worker: &str, place: &str) -> Vec<BundleId> {
    let worker = named(worker);
    let place = census.places(&worker).find(|(name, _)| *name == pop(place)).expect("a place").1;
    place.bundles().iter().map(|seen| seen.bundle).collect()
}

fn places(census: &Census, worker: &WorkerName) -> usize {
    census.places(worker).count()
}

/// A census with as many places as there is room for: of `worker`, in PoPs 0 to 49,999, each
/// sighted in the millisecond of its number.
fn full(worker: &str) -> Census {
    let mut census = Census::new(at(0));
    for number in 0..PLACES {
        let millis = i64::try_from(number).expect("few");
        observe(&mut census, &number.to_string(), &sighting(worker, 1), millis);
    }
    census
}

#[test]
fn sightings_of_a_bundle_are_counted_and_dated() {
    let mut census = Census::new(at(0));
    observe(&mut census, "FRA", &sighting("a", 1), 1_000);
    observe(&mut census, "FRA", &Sighting { reports: 3, ..sighting("a", 1) }, 2_000);
    let seen = Seen {
        bundle: id(1),
        first: at(1_000),
        last: at(2_000),
        sightings: 4,
        tally: Tally { refused: 2, failed_open: 4, breaker_open: 6 },
    };
    let (name, place) = census.places(&named("a")).next().expect("a place");
    assert_eq!(name, pop("FRA"));
    assert_eq!(place.bundles(), [seen]);
    assert_eq!(place.open_since(), None);
}

#[test]
fn workers_and_pops_are_kept_apart_and_in_order() {
    let mut census = Census::new(at(0));
    for (worker, place) in [("b", "FRA"), ("a", "FRA"), ("a", "AMS")] {
        observe(&mut census, place, &sighting(worker, 1), 1_000);
    }
    assert_eq!(census.workers().collect::<Vec<_>>(), [&named("a"), &named("b")]);
    let pops: Vec<_> = census.places(&named("a")).map(|(pop, _)| pop).collect();
    assert_eq!(pops, [pop("AMS"), pop("FRA")]);
    assert_eq!(places(&census, &named("c")), 0);
}

#[test]
fn of_a_ninth_bundle_in_a_place_the_one_that_was_silent_longest_goes() {
    assert_eq!(BUNDLES, 8);
    let mut census = Census::new(at(0));
    for number in 1..=8 {
        observe(&mut census, "FRA", &sighting("a", number), i64::from(number));
    }
    observe(&mut census, "FRA", &sighting("a", 1), 9);
    observe(&mut census, "FRA", &sighting("a", 9), 10);
    let kept = [1, 3, 4, 5, 6, 7, 8, 9].map(id);
    assert_eq!(bundles(&census, "a", "FRA"), kept);
}

#[test]
fn as_many_places_are_kept_as_there_is_room_for() {
    assert_eq!(PLACES, 50_000);
    let mut census = full("a");
    assert_eq!(places(&census, &named("a")), PLACES);
    // A place that is known needs no room.
    observe(&mut census, "0", &sighting("a", 2), 50_000);
    assert_eq!(places(&census, &named("a")), PLACES);
    // Of a new one's room, the place that was silent longest makes way.
    observe(&mut census, "NEW", &sighting("b", 1), 50_001);
    assert_eq!(places(&census, &named("a")), PLACES - 1);
    assert_eq!(places(&census, &named("b")), 1);
    let first = census.places(&named("a")).map(|(pop, _)| pop).find(|place| *place == pop("1"));
    assert_eq!(first, None);
    assert_eq!(bundles(&census, "a", "0"), [id(1), id(2)]);
}

#[test]
fn what_was_silent_for_10_minutes_makes_way_first_and_all_at_once() {
    assert_eq!(MEMORY, ms(600_000));
    let mut census = full("a");
    let late = 600_000 + i64::try_from(PLACES).expect("few") - 11;
    observe(&mut census, "NEW", &sighting("b", 1), late);
    // Those of the last ten milliseconds were silent for less.
    assert_eq!(places(&census, &named("a")), 10);
    assert_eq!(places(&census, &named("b")), 1);
}

#[test]
fn a_worker_without_places_is_forgotten() {
    let mut census = full("a");
    observe(&mut census, "NEW", &sighting("b", 1), 10_000_000);
    assert_eq!(census.workers().collect::<Vec<_>>(), [&named("b")]);
}

#[test]
fn nothing_is_forgotten_while_there_is_room() {
    let mut census = Census::new(at(0));
    observe(&mut census, "FRA", &sighting("a", 1), 0);
    observe(&mut census, "AMS", &sighting("a", 1), 1_000_000_000);
    assert_eq!(places(&census, &named("a")), 2);
}

#[test]
fn tallies_do_not_overflow() {
    let most = Tally { refused: u32::MAX, failed_open: u32::MAX, breaker_open: u32::MAX };
    assert_eq!(most.plus(most), most);
    assert_eq!(most.plus(Tally::default()), most);
    let one = Tally { refused: 1, failed_open: 2, breaker_open: 3 };
    assert_eq!(one.plus(one), Tally { refused: 2, failed_open: 4, breaker_open: 6 });
}
