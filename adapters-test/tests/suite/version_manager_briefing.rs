//! What a manager takes note of when guards ask, and what it tells them.

use futures::executor::block_on;
use serde_json::{Value, json};
use skewguard_domain::{Breaker, Briefing, EVIDENCE, Epoch, Intent, Pop, Sighting, Style, Tally};
use skewguard_ports::Clock;

use crate::fixtures::{activate, announce, current_is, id, ms, register, secs, sighting, worker};
use crate::world::{TestManager, World, change};

fn pop(name: &str) -> Pop {
    name.parse().expect("a PoP's name")
}

/// A world in which `op-auth` is served by its second bundle, and a manager over it.
fn served() -> (World, TestManager) {
    let world = World::default();
    let manager = world.manager();
    for number in [1, 2] {
        change(&manager, register("op-auth", number, Intent::Deploy)).expect("newer");
    }
    (world, manager)
}

fn brief(manager: &TestManager, name: &str, sightings: &[Sighting]) -> (Epoch, Briefing) {
    block_on(manager.brief(pop(name), sightings)).expect("a briefing")
}

/// Reports of the retired bundle from this PoP, as many.
fn refused(manager: &TestManager, name: &str, times: usize) -> Breaker {
    let sightings = vec![sighting("op-auth", 1, 1); times];
    let (_, briefing) = brief(manager, name, &sightings);
    briefing.workers[&worker("op-auth")].breaker
}

/// Whether the breaker is told to be open in this PoP.
fn told(manager: &TestManager, name: &str) -> Breaker {
    refused(manager, name, 0)
}

fn turns(world: &World) -> Vec<Value> {
    let entries = world.log.entries().into_iter();
    entries.filter(|entry| entry["event"] == "breaker_turned").collect()
}

fn turned(name: &str, breaker: &str) -> Value {
    json!({ "event": "breaker_turned", "worker": "op-auth", "pop": name, "breaker": breaker })
}

#[test]
fn a_briefing_is_what_the_ledger_says_with_its_epoch() {
    let (world, manager) = served();
    let (epoch, briefing) = brief(&manager, "FRA", &[]);
    assert_eq!(epoch, Epoch::new(2));
    assert_eq!(briefing.workers[&worker("op-auth")], current_is(2).worker.expect("a Worker"));
    change(&manager, announce("next", Style::Strict, &[("op-auth", 3)])).expect("a release");
    change(&manager, activate("next")).expect("an activation");
    world.clock.advance(secs(1));
    let (epoch, briefing) = brief(&manager, "FRA", &[]);
    let ledger = world.store.stored();
    assert_eq!(epoch, ledger.epoch());
    assert_eq!(briefing, ledger.briefing(world.clock.now(), |_| Breaker::Closed));
    let told = &briefing.workers[&worker("op-auth")];
    assert_eq!((told.now.held.clone(), told.then[0].after), (vec![id(3)], ms(5_000)));
}

#[test]
fn what_was_sighted_is_in_the_census_with_its_pop_and_its_time() {
    let (world, manager) = served();
    let gathered = Sighting {
        tally: Tally { refused: 4, failed_open: 2, breaker_open: 1 },
        reports: 3,
        ..sighting("op-auth", 1, 0)
    };
    brief(&manager, "FRA", &[gathered.clone(), sighting("op-token", 9, 0)]);
    let first = world.clock.now();
    world.clock.advance(secs(4));
    brief(&manager, "CDG", &[sighting("op-auth", 2, 0)]);
    brief(&manager, "FRA", &[gathered]);
    let census = manager.census();
    let places: Vec<_> = census.places(&worker("op-auth")).collect();
    let pops: Vec<_> = places.iter().map(|(pop, _)| pop.as_str()).collect();
    assert_eq!(pops, ["CDG", "FRA"]);
    let seen = places[1].1.bundles()[0];
    assert_eq!((seen.bundle, seen.first, seen.last), (id(1), first, first.after(secs(4))));
    assert_eq!((seen.sightings, seen.tally.refused), (6, 8));
    assert_eq!((seen.tally.failed_open, seen.tally.breaker_open), (4, 2));
    assert!(census.places(&worker("op-token")).count() == 1);
    assert_eq!(census.started_at(), first);
}

#[test]
fn a_pop_without_a_bundle_that_serves_is_told_that_its_breaker_is_open_and_no_other_is() {
    let (world, manager) = served();
    world.clock.advance(EVIDENCE - ms(1));
    assert_eq!(refused(&manager, "FRA", 5), Breaker::Closed);
    world.clock.advance(ms(1));
    assert_eq!(refused(&manager, "FRA", 1), Breaker::Open);
    assert_eq!(told(&manager, "FRA"), Breaker::Open);
    assert_eq!(told(&manager, "CDG"), Breaker::Closed);
    assert_eq!(refused(&manager, "CDG", 4), Breaker::Closed);
    assert_eq!(told(&manager, "CDG"), Breaker::Closed);
    assert_eq!(turns(&world), [turned("FRA", "open")]);
}

#[test]
fn a_breaker_that_turns_is_logged_once_for_each_turn() {
    let (world, manager) = served();
    for round in 1..=3 {
        world.clock.advance(EVIDENCE);
        for _ in 0..20 {
            refused(&manager, "FRA", 1);
            refused(&manager, "CDG", 1);
            world.clock.advance(ms(100));
        }
        assert_eq!(turns(&world).len(), 2 + 4 * (round - 1));
        for _ in 0..3 {
            brief(&manager, "FRA", &[sighting("op-auth", 2, 0)]);
        }
        assert_eq!(told(&manager, "FRA"), Breaker::Closed);
        assert_eq!(turns(&world).last(), Some(&turned("FRA", "closed")));
        // In the other PoP it has been open all the time.
        assert_eq!(told(&manager, "CDG"), Breaker::Open);
        brief(&manager, "CDG", &[sighting("op-auth", 2, 0)]);
        world.clock.advance(secs(1));
    }
    let opened = turns(&world).iter().filter(|turn| turn["breaker"] == "open").count();
    assert_eq!((opened, turns(&world).len()), (6, 12));
}

#[test]
fn a_new_bundle_that_takes_over_closes_a_breaker() {
    let (world, manager) = served();
    world.clock.advance(EVIDENCE);
    assert_eq!(refused(&manager, "FRA", 5), Breaker::Open);
    change(&manager, register("op-auth", 3, Intent::Deploy)).expect("newer");
    assert_eq!(told(&manager, "FRA"), Breaker::Closed);
    assert_eq!(refused(&manager, "FRA", 1), Breaker::Closed);
    assert_eq!(turns(&world), [turned("FRA", "open"), turned("FRA", "closed")]);
}

#[test]
fn a_rollback_made_behind_the_managers_back_heals_within_bounded_time() {
    let (world, manager) = served();
    brief(&manager, "FRA", &[sighting("op-auth", 2, 0)]);
    let mut healed = None;
    for passed in 0..60 {
        world.clock.advance(secs(1));
        if refused(&manager, "FRA", 1) == Breaker::Open {
            healed.get_or_insert(passed + 1);
        }
    }
    assert_eq!(healed, Some(30));
}

#[test]
fn a_manager_that_was_restarted_keeps_a_breaker_open_that_its_guards_take_for_open() {
    let (world, manager) = served();
    world.clock.advance(EVIDENCE);
    assert_eq!(refused(&manager, "FRA", 5), Breaker::Open);
    drop(manager);
    let manager = world.manager();
    assert_eq!(told(&manager, "FRA"), Breaker::Closed);
    let open = Sighting { breaker: Breaker::Open, ..sighting("op-auth", 1, 0) };
    let (_, briefing) = brief(&manager, "FRA", &[open]);
    assert_eq!(briefing.workers[&worker("op-auth")].breaker, Breaker::Open);
}

#[test]
fn sightings_of_workers_that_nobody_knows_are_noted_and_told_of_nobody() {
    let (_, manager) = served();
    let (_, briefing) = brief(&manager, "FRA", &[sighting("op-code", 1, 0)]);
    let told: Vec<_> = briefing.workers.keys().map(ToString::to_string).collect();
    assert_eq!(told, ["op-auth"]);
    assert_eq!(manager.census().places(&worker("op-code")).count(), 1);
}
