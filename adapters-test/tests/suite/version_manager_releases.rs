//! Releases, as the manager stores them: from which epoch, when others come first, and when the
//! store fails.

use futures::executor::block_on;
use skewguard_domain::{Command, Epoch, Intent, Ledger, Rejection, ReleaseState, Style, Timestamp};
use skewguard_ports::wire::ErrorCode;
use skewguard_ports::{ChangeError, Changed, Clock, Precondition, Principal, StorageError};
use skewguard_test::{ManualClock, StorageFault};

use crate::fixtures::{
    abort, activate, announce, current, id, ms, promote, register, registration, release,
    roll_back, secs, worker,
};
use crate::world::{TestManager, World, change};

const NEXT: &str = "2026-03-01.1";

/// A plain release of two Workers.
fn next() -> Command {
    announce(NEXT, Style::Plain, &[("op-auth", 3), ("op-token", 3)])
}

fn canary() -> Command {
    announce(NEXT, Style::Canary, &[("op-auth", 3), ("op-token", 3)])
}

/// A change that may only be decided from one of these epochs.
fn change_from(
    manager: &TestManager,
    epochs: &[u64],
    command: Command,
) -> Result<Changed, ChangeError> {
    let epochs = epochs.iter().copied().map(Epoch::new).collect();
    block_on(manager.change(command, &Precondition::Epochs(epochs), Principal::Current))
}

fn outdated(current: u64) -> ChangeError {
    ChangeError::Outdated { current: Epoch::new(current) }
}

fn epoch(changed: Result<Changed, ChangeError>) -> Result<u64, ChangeError> {
    changed.map(|changed| changed.ledger.epoch().get())
}

fn state(ledger: &Ledger, name: &str, now: Timestamp) -> Option<ReleaseState> {
    let release = ledger.release(&release(name))?;
    Some(ledger.state_of(release, now))
}

/// A world in which both Workers are served by a bundle, and a manager over it.
fn served() -> (World, TestManager) {
    let world = World::default();
    let manager = world.manager();
    for name in ["op-auth", "op-token"] {
        change(&manager, register(name, 1, Intent::Deploy)).expect("the first registration");
    }
    (world, manager)
}

#[test]
fn each_step_of_a_release_is_stored_when_it_is_acknowledged() {
    let (world, manager) = served();
    let steps = [
        (canary(), ReleaseState::Announced),
        (activate(NEXT), ReleaseState::Shared),
        (promote(NEXT), ReleaseState::CuttingOver),
    ];
    for ((command, expected), epoch) in steps.into_iter().zip(3..) {
        let changed = change(&manager, command).expect("the next step");
        assert_eq!((changed.ledger.epoch().get(), changed.at), (epoch, world.clock.now()));
        let stored = world.store.stored();
        assert_eq!(*changed.ledger, stored);
        assert_eq!(state(&stored, NEXT, world.clock.now()), Some(expected));
        world.clock.advance(secs(1));
    }
    world.clock.advance(secs(5));
    assert_eq!(state(&world.store.stored(), NEXT, world.clock.now()), Some(ReleaseState::Active));
}

#[test]
fn a_later_life_of_the_manager_goes_on_with_the_release() {
    let (world, manager) = served();
    change(&manager, next()).expect("an announcement");
    drop(manager);
    let cutover = change(&world.manager(), activate(NEXT)).expect("an activation");
    drop(cutover);
    world.clock.advance(ms(6_000));
    let ledger = block_on(world.manager().ledger()).expect("a ledger");
    assert_eq!(state(&ledger, NEXT, world.clock.now()), Some(ReleaseState::Active));
    assert_eq!(ledger.epoch().get(), 4);
}

#[test]
fn a_change_from_another_epoch_than_it_was_decided_from_changes_nothing() {
    let (world, manager) = served();
    let before = world.store.stored();
    for epochs in [&[][..], &[0], &[1], &[3], &[0, 1, 3]] {
        assert_eq!(change_from(&manager, epochs, next()), Err(outdated(2)), "{epochs:?}");
    }
    assert_eq!((world.store.stored(), world.store.commits()), (before, 2));
    assert_eq!(epoch(change_from(&manager, &[7, 2], next())), Ok(3));
}

#[test]
fn a_change_that_is_outdated_is_told_so_before_it_is_told_what_it_contradicts() {
    let (_, manager) = served();
    assert_eq!(change_from(&manager, &[1], activate("unknown")), Err(outdated(2)));
    let unknown = Err(Rejection::UnknownRelease.into());
    assert_eq!(change_from(&manager, &[2], activate("unknown")), unknown);
}

#[test]
fn what_is_the_case_already_succeeds_whatever_the_precondition_says() {
    let (world, manager) = served();
    change_from(&manager, &[2], canary()).expect("an announcement");
    change_from(&manager, &[3], activate(NEXT)).expect("an activation");
    change_from(&manager, &[4], promote(NEXT)).expect("a promotion");
    let commits = world.store.commits();
    let repeated = [(2, canary()), (3, activate(NEXT)), (4, promote(NEXT))];
    for (from, command) in repeated {
        // The answer to the first was lost.
        let told = change_from(&manager, &[from], command).expect("it is so already");
        assert_eq!(told.ledger.epoch().get(), 5);
    }
    assert_eq!(
        epoch(change_from(&manager, &[], register("op-new", 1, Intent::Deploy))),
        Err(outdated(5))
    );
    assert_eq!(world.store.commits(), commits);
}

#[test]
fn an_abort_and_a_rollback_may_be_repeated_too() {
    let (world, manager) = served();
    change(&manager, next()).expect("an announcement");
    change_from(&manager, &[3], abort(NEXT)).expect("an abort");
    assert_eq!(epoch(change_from(&manager, &[3], abort(NEXT))), Ok(4));
    let bundles = [("op-auth", 4), ("op-token", 4)];
    change(&manager, announce("other", Style::Plain, &bundles)).expect("an announcement");
    change(&manager, activate("other")).expect("an activation");
    world.clock.advance(secs(10));
    change_from(&manager, &[6], roll_back("@2")).expect("a rollback");
    assert_eq!(epoch(change_from(&manager, &[6], roll_back("@2"))), Ok(7));
}

#[test]
fn a_change_that_was_overtaken_is_outdated_where_it_names_the_epoch_it_was_decided_from() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([world.overtaken_by(registration("op-code", 7, Intent::Deploy))]);
    assert_eq!(change_from(&manager, &[0], next()), Err(outdated(1)));
    assert_eq!(world.store.stored().releases().len(), 1);
    assert!(current(&world.store.stored(), "op-code").is_some());
    assert_eq!((world.store.commits(), world.store.loads()), (1, 2));
}

#[test]
fn a_change_that_was_overtaken_is_decided_anew_where_it_names_no_epoch() {
    let world = World::default();
    let manager = world.manager();
    world.store.inject([world.overtaken_by(registration("op-code", 7, Intent::Deploy))]);
    assert_eq!(epoch(change(&manager, next())), Ok(2));
    assert_eq!((world.store.commits(), world.store.loads()), (2, 2));
    world.store.inject([world.overtaken_by(registration("op-auth", 9, Intent::Deploy))]);
    let outcome = change(&manager, announce("newer", Style::Plain, &[("op-auth", 8)]));
    assert!(matches!(outcome, Err(ChangeError::Rejected(_))), "{outcome:?}");
    assert_eq!(state(&world.store.stored(), "newer", world.clock.now()), None);
}

#[test]
fn a_release_that_could_not_be_stored_is_not_acknowledged_and_not_told_to_guards() {
    let (world, manager) = served();
    for command in [canary(), activate(NEXT), promote(NEXT)] {
        let before = world.store.stored();
        world.store.inject([StorageFault::Unavailable]);
        let outcome = change(&manager, command.clone());
        assert!(matches!(outcome, Err(ChangeError::Storage(StorageError::Unavailable(_)))));
        assert_eq!(world.store.stored(), before);
        let pop = "FRA".parse().expect("a PoP's name");
        let (epoch, _) = block_on(manager.brief(pop, &[])).expect("a briefing");
        assert_eq!(epoch, before.epoch());
        change(&manager, command).expect("the store is well again");
    }
    assert_eq!(world.store.trail().len(), 5);
    assert_eq!(world.log.count("storage_failed"), 3);
}

#[test]
fn a_step_that_was_stored_but_not_acknowledged_can_be_asked_for_again() {
    let (world, manager) = served();
    for (command, epochs) in [(canary(), 2), (activate(NEXT), 3), (promote(NEXT), 4)] {
        world.store.inject([StorageFault::WrittenButUnavailable]);
        change_from(&manager, &[epochs], command.clone()).expect_err("nobody is told");
        // The epoch has moved on with the first attempt, and the wish is the case.
        let told = change_from(&manager, &[epochs], command).expect("it is so already");
        assert_eq!((told.ledger.epoch().get(), &*told.ledger), (epochs + 1, &world.store.stored()));
    }
    assert_eq!(world.store.trail().len(), 5);
}

#[test]
fn a_cutover_that_was_stored_but_not_acknowledged_stays_where_it_was() {
    let (world, manager) = served();
    change(&manager, next()).expect("an announcement");
    world.store.inject([StorageFault::WrittenButUnavailable]);
    change(&manager, activate(NEXT)).expect_err("nobody is told");
    let stored = world.store.stored();
    world.clock.advance(secs(3));
    let told = change(&manager, activate(NEXT)).expect("it is so already");
    assert_eq!(*told.ledger, stored);
    world.clock.advance(ms(2_999));
    assert_eq!(state(&stored, NEXT, world.clock.now()), Some(ReleaseState::CuttingOver));
    world.clock.advance(ms(1));
    assert_eq!(state(&stored, NEXT, world.clock.now()), Some(ReleaseState::Active));
}

#[test]
fn of_two_deployers_at_once_one_wins_and_the_other_is_told() {
    let rivals = [("2026-03-01.1", 3), ("2026-03-01.2", 4)];
    let wish = |(name, number)| announce(name, Style::Plain, &[("op-auth", number)]);
    for (first, second) in [(0, 1), (1, 0)] {
        let (world, manager) = served();
        let managers = [manager, world.manager()];
        // Both have looked before either decides.
        for manager in &managers {
            assert_eq!(block_on(manager.ledger()).expect("a ledger").epoch().get(), 2);
        }
        let won = change_from(&managers[first], &[2], wish(rivals[first]));
        assert_eq!(epoch(won), Ok(3));
        assert_eq!(change_from(&managers[second], &[2], wish(rivals[second])), Err(outdated(3)));
        // Without a precondition it is the open release that is in the way.
        let lost = change(&managers[second], wish(rivals[second])).expect_err("one is open");
        assert_eq!(ErrorCode::of_change(&lost), ErrorCode::ReleaseOpen);
        let stored = world.store.stored();
        assert!(stored.release(&release(rivals[first].0)).is_some());
        assert!(stored.release(&release(rivals[second].0)).is_none());
        assert_eq!(stored.epoch().get(), 3);
    }
}

#[test]
fn who_activates_what_another_has_just_aborted_is_told() {
    let (world, manager) = served();
    let other = world.manager();
    change(&manager, next()).expect("an announcement");
    block_on(other.ledger()).expect("a ledger");
    change(&manager, abort(NEXT)).expect("an abort");
    assert_eq!(change_from(&other, &[3], activate(NEXT)), Err(outdated(4)));
    let lost = change(&other, activate(NEXT)).expect_err("it was aborted");
    assert_eq!(ErrorCode::of_change(&lost), ErrorCode::WrongStage);
    assert_eq!(state(&world.store.stored(), NEXT, world.clock.now()), Some(ReleaseState::Aborted));
}

#[test]
fn a_release_is_logged_by_its_name_with_the_token_and_what_became_of_it() {
    let (world, manager) = served();
    change(&manager, next()).expect("an announcement");
    change_from(&manager, &[1], activate(NEXT)).expect_err("another epoch");
    block_on(manager.change(promote(NEXT), &Precondition::None, Principal::Previous))
        .expect_err("it was not activated");
    let entries = world.log.entries();
    let json = |event: &str, action: &str, key: &str, value: serde_json::Value, token: &str| {
        let mut entry = serde_json::json!({
            "event": event,
            "action": action,
            "release": NEXT,
            "token": token,
        });
        entry[key] = value;
        entry
    };
    assert_eq!(
        entries[2..],
        [
            json("changed", "announce", "epoch", 3.into(), "current"),
            json("change_rejected", "activate", "code", "epoch_mismatch".into(), "current"),
            json("change_rejected", "promote", "code", "wrong_stage".into(), "previous"),
        ]
    );
    let text = serde_json::to_string(&entries).expect("JSON");
    assert!(!text.contains(&id(3).reveal()));
}

#[test]
fn a_clock_that_was_set_back_makes_no_cutover_earlier_than_the_one_before() {
    let (world, manager) = served();
    change(&manager, next()).expect("an announcement");
    change(&manager, activate(NEXT)).expect("an activation");
    let decided = world.clock.now();
    world.clock.set(Timestamp::from_unix_millis(decided.as_unix_millis() - 3_600_000));
    let changed = change(&manager, roll_back("@2")).expect("a rollback");
    assert_eq!(changed.at, decided);
    let history = &changed.ledger.workers()[&worker("op-token")];
    assert_eq!(history.latest().cutover.start_at, decided.after(secs(6)));
    assert_eq!(ManualClock::new().now(), decided);
}
