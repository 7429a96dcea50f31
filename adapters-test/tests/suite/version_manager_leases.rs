//! The leases that a manager gives.

use futures::executor::block_on;
use skewguard_domain::{Intent, MaxAge, Style};
use skewguard_ports::{Clock, Principal, StorageError};
use skewguard_test::StorageFault;

use crate::fixtures::{activate, announce, ms, register, secs, worker};
use crate::world::{TestManager, World, change};

fn lease(length: u64) -> MaxAge {
    MaxAge::new(ms(length)).expect("a lease")
}

fn give(manager: &TestManager, length: u64) -> Result<(), StorageError> {
    block_on(manager.give_leases(lease(length)))
}

#[test]
fn a_lease_is_stored_before_it_is_given_and_known_to_every_later_life() {
    let world = World::default();
    give(&world.manager(), 2_000).expect("a change");
    assert_eq!(world.store.stored().lease().max_age, lease(2_000));
    let pop = "FRA".parse().expect("a PoP's name");
    let (epoch, briefing) = block_on(world.manager().brief(pop, &[])).expect("a briefing");
    assert_eq!((epoch.get(), briefing.max_age), (1, lease(2_000)));
}

#[test]
fn a_change_of_the_lease_is_in_the_trail_by_the_settings() {
    let world = World::default();
    give(&world.manager(), 2_000).expect("a change");
    let trail = world.store.trail();
    assert_eq!(trail.len(), 1);
    let entry = &trail[0];
    assert_eq!((entry.by, entry.action.as_str()), (Principal::Settings, "set_lease"));
    assert_eq!((&entry.release, entry.detail.as_str()), (&None, "2000 ms"));
    assert_eq!((entry.at, entry.from.get(), entry.to.get()), (world.clock.now(), 0, 1));
}

#[test]
fn a_lease_that_is_given_already_changes_nothing() {
    let world = World::default();
    let manager = world.manager();
    give(&manager, 5_000).expect("it is so already");
    assert_eq!((world.store.commits(), world.store.stored().epoch().get()), (0, 0));
    give(&manager, 2_000).expect("a change");
    world.clock.advance(secs(60));
    for _ in 0..3 {
        give(&manager, 2_000).expect("it is so already");
        give(&world.manager(), 2_000).expect("it is so already");
    }
    assert_eq!((world.store.commits(), world.store.trail().len()), (1, 1));
}

#[test]
fn a_lease_that_could_not_be_stored_is_not_given() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([StorageFault::Unavailable]);
    let failed = give(&manager, 2_000);
    assert!(matches!(failed, Err(StorageError::Unavailable(_))), "{failed:?}");
    assert_eq!(block_on(manager.ledger()).expect("a ledger").lease().max_age, MaxAge::DEFAULT);
    give(&manager, 2_000).expect("the store is well again");
    assert_eq!(world.store.stored().lease().max_age, lease(2_000));
}

#[test]
fn a_cutover_waits_for_the_longer_leases_that_were_given_before_also_after_a_restart() {
    let world = World::default();
    give(&world.manager(), 60_000).expect("a change");
    change(&world.manager(), register("op-auth", 1, Intent::Deploy)).expect("a registration");
    world.clock.advance(secs(10));
    give(&world.manager(), 1_000).expect("a change");
    let shortened = world.clock.now();
    world.clock.advance(secs(5));
    let manager = world.manager();
    change(&manager, announce("next", Style::Plain, &[("op-auth", 2)])).expect("an announcement");
    let changed = change(&manager, activate("next")).expect("an activation");
    let history = &changed.ledger.workers()[&worker("op-auth")];
    // What was handed out just before has expired by then, and the margin is over.
    assert_eq!(history.latest().cutover.start_at, shortened.after(secs(61)));
}
