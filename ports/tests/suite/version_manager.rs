//! What the manager asks of its ports, and in which order.

use futures::executor::block_on;
use mockall::Sequence;
use mockall::predicate::eq;
use skewguard_domain::{
    Breaker, Bundle, Command, Epoch, Ledger, Pop, Registration, Rejection, Sighting, Tally,
};
use skewguard_ports::{
    AuditPage, ChangeError, Changed, Level, Log, LogEntry, MockClock, MockLog, MockStorage,
    Precondition, Principal, Storage, StorageError, VersionManager,
};

use crate::fixtures::{NOW, current, deploy, deployed, id, ledger, rollback, worker};

const DEPLOYER: Principal = Principal::Current;

fn clock() -> MockClock {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(NOW);
    clock
}

/// A log of which nothing is expected.
fn any_log() -> MockLog {
    let mut log = MockLog::new();
    log.expect_record().return_const(());
    log
}

fn unavailable() -> StorageError {
    StorageError::Unavailable("disk on fire".to_owned())
}

fn register<S: Storage, L: Log>(
    manager: &VersionManager<S, MockClock, L>,
    wish: Registration,
    by: Principal,
) -> Result<Changed, ChangeError> {
    block_on(manager.change(Command::Register(wish), &Precondition::None, by))
}

#[test]
fn the_ledger_is_loaded_once() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).returning(|| Ok(ledger([deploy("op-auth", 1)])));
    let manager = VersionManager::new(storage, clock(), any_log());
    for _ in 0..5 {
        let ledger_now = block_on(manager.ledger()).expect("a ledger");
        assert_eq!(*ledger_now, ledger([deploy("op-auth", 1)]));
    }
}

#[test]
fn nothing_is_loaded_before_somebody_asks() {
    VersionManager::new(MockStorage::new(), clock(), MockLog::new());
}

#[test]
fn a_ledger_that_cannot_be_loaded_is_an_error_that_is_logged_and_not_remembered() {
    let mut order = Sequence::new();
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).in_sequence(&mut order).returning(|| Err(unavailable()));
    storage.expect_load().times(1).in_sequence(&mut order).returning(|| Ok(Ledger::default()));
    let mut log = MockLog::new();
    log.expect_record()
        .withf(|entry| {
            entry.level() == Level::Error
                && matches!(entry, LogEntry::StorageFailed { detail }
                    if detail.contains("disk on fire"))
        })
        .times(1)
        .return_const(());
    let manager = VersionManager::new(storage, clock(), log);
    assert_eq!(block_on(manager.ledger()).map(|_| ()), Err(unavailable()));
    assert!(block_on(manager.ledger()).is_ok());
}

#[test]
fn a_registration_is_committed_from_the_epoch_that_was_loaded_with_the_clocks_time() {
    let mut storage = MockStorage::new();
    storage.expect_load().returning(|| Ok(ledger([deploy("op-auth", 1), deploy("op-token", 2)])));
    storage
        .expect_commit()
        .withf(|change, entry| {
            let record = current(&change.ledger, "op-auth");
            entry.from == Epoch::new(2)
                && entry.to == Epoch::new(3)
                && change.ledger.epoch() == Epoch::new(3)
                && change.events.len() == 2
                && record.bundle == id(3)
                && record.registered_at == NOW
                && (change.at, entry.at) == (NOW, NOW)
        })
        .times(1)
        .returning(|_, _| Ok(()));
    let manager = VersionManager::new(storage, clock(), any_log());
    let changed = register(&manager, deploy("op-auth", 3), DEPLOYER).expect("newer");
    let record = current(&changed.ledger, "op-auth");
    assert_eq!((record.bundle, changed.ledger.epoch().get()), (id(3), 3));
    assert_eq!((record.deploy_time, record.registered_at), (deployed(3), NOW));
    assert_eq!(changed.at, NOW);
}

#[test]
fn the_next_change_is_committed_from_the_epoch_of_the_last_without_another_load() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).returning(|| Ok(Ledger::default()));
    let mut order = Sequence::new();
    for epoch in 0..3 {
        storage
            .expect_commit()
            .withf(move |_, entry| entry.from == Epoch::new(epoch))
            .times(1)
            .in_sequence(&mut order)
            .returning(|_, _| Ok(()));
    }
    let manager = VersionManager::new(storage, clock(), any_log());
    for number in 1..=3 {
        register(&manager, deploy("op-auth", number), DEPLOYER).expect("newer");
    }
    assert_eq!(block_on(manager.ledger()).expect("a ledger").epoch().get(), 3);
}

#[test]
fn a_repeated_registration_commits_nothing() {
    let mut storage = MockStorage::new();
    storage.expect_load().returning(|| Ok(ledger([deploy("op-auth", 1)])));
    storage.expect_commit().never();
    let manager = VersionManager::new(storage, clock(), any_log());
    let changed = register(&manager, deploy("op-auth", 1), DEPLOYER).expect("repeated");
    let record = current(&changed.ledger, "op-auth");
    assert_eq!((record.bundle, changed.ledger.epoch().get()), (id(1), 1));
}

#[test]
fn a_conflict_is_answered_with_another_load_and_a_commit_from_there() {
    let mut order = Sequence::new();
    let mut storage = MockStorage::new();
    let load = |storage: &mut MockStorage, order: &mut Sequence, found: Ledger| {
        storage.expect_load().times(1).in_sequence(order).return_once(move || Ok(found));
    };
    load(&mut storage, &mut order, Ledger::default());
    storage
        .expect_commit()
        .withf(|_, entry| entry.from == Epoch::default())
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Err(StorageError::Conflict));
    load(&mut storage, &mut order, ledger([deploy("op-token", 7), deploy("op-token", 8)]));
    storage
        .expect_commit()
        .withf(|change, entry| {
            entry.from == Epoch::new(2)
                && entry.to == Epoch::new(3)
                && change.ledger.workers().len() == 2
        })
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Ok(()));
    let manager = VersionManager::new(storage, clock(), any_log());
    let changed = register(&manager, deploy("op-auth", 1), DEPLOYER);
    assert_eq!(changed.map(|changed| changed.ledger.epoch()), Ok(Epoch::new(3)));
}

#[test]
fn after_three_conflicts_a_registration_fails_and_is_safe_to_repeat() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(3).returning(|| Ok(Ledger::default()));
    storage.expect_commit().times(3).returning(|_, _| Err(StorageError::Conflict));
    let manager = VersionManager::new(storage, clock(), any_log());
    let outcome = register(&manager, deploy("op-auth", 1), DEPLOYER);
    assert_eq!(outcome, Err(StorageError::Conflict.into()));
}

#[test]
fn a_store_that_is_unavailable_is_not_asked_twice() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).returning(|| Ok(Ledger::default()));
    storage.expect_commit().times(1).returning(|_, _| Err(unavailable()));
    let manager = VersionManager::new(storage, clock(), any_log());
    let outcome = register(&manager, deploy("op-auth", 1), DEPLOYER);
    assert_eq!(outcome, Err(unavailable().into()));
}

#[test]
fn without_a_ledger_nothing_is_committed_and_the_failure_is_logged_once() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).returning(|| Err(unavailable()));
    storage.expect_commit().never();
    let mut log = MockLog::new();
    log.expect_record().withf(|entry| entry.level() == Level::Error).times(1).return_const(());
    let manager = VersionManager::new(storage, clock(), log);
    let outcome = register(&manager, deploy("op-auth", 1), DEPLOYER);
    assert_eq!(outcome, Err(unavailable().into()));
}

#[test]
fn a_rejection_commits_nothing_and_is_logged_with_its_code_and_the_tokens_name() {
    let cases = [
        (deploy("op-auth", 1), "older_deploy_time"),
        (deploy("op-auth", 4), "retired_bundle"),
        (deploy("op-auth", 200), "deploy_time_in_future"),
        (rollback("op-auth", 201), "deploy_time_mismatch"),
    ];
    for (mut wish, expected) in cases {
        if expected == "deploy_time_in_future" {
            wish.deploy_time = "2026-03-02T12:00:00Z".parse().expect("a time after the clock's");
        } else if expected == "deploy_time_mismatch" {
            wish.bundle = id(3);
        }
        let bundle = wish.bundle;
        let mut storage = MockStorage::new();
        let history = [deploy("op-auth", 3), deploy("op-auth", 4), rollback("op-auth", 3)];
        storage.expect_load().return_once(|| Ok(ledger(history)));
        storage.expect_commit().never();
        let mut log = MockLog::new();
        log.expect_record()
            .withf(move |entry| {
                let name = worker("op-auth");
                entry.level() == Level::Warn
                    && *entry
                        == LogEntry::RegistrationRejected {
                            worker: &name,
                            bundle,
                            code: expected,
                            token: Principal::Previous,
                        }
            })
            .times(1)
            .return_const(());
        let manager = VersionManager::new(storage, clock(), log);
        let outcome = register(&manager, wish, Principal::Previous);
        assert!(matches!(outcome, Err(ChangeError::Rejected(_))), "{expected}: {outcome:?}");
    }
}

#[test]
fn a_registration_is_logged_once_it_is_stored_and_not_before() {
    let mut order = Sequence::new();
    let mut storage = MockStorage::new();
    storage.expect_load().returning(|| Ok(Ledger::default()));
    storage.expect_commit().times(1).in_sequence(&mut order).returning(|_, _| Ok(()));
    let mut log = MockLog::new();
    log.expect_record()
        .withf(|entry| {
            let name = worker("op-auth");
            let epoch = Epoch::new(1);
            entry.level() == Level::Info
                && *entry
                    == LogEntry::Registered {
                        worker: &name,
                        bundle: id(1),
                        epoch,
                        token: Principal::Current,
                    }
        })
        .times(1)
        .in_sequence(&mut order)
        .return_const(());
    let manager = VersionManager::new(storage, clock(), log);
    register(&manager, deploy("op-auth", 1), DEPLOYER).expect("the first registration");
}

#[test]
fn without_a_ledger_guards_are_told_nothing_and_their_sightings_are_not_noted() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).returning(|| Err(unavailable()));
    let mut log = MockLog::new();
    log.expect_record().withf(|entry| entry.level() == Level::Error).times(1).return_const(());
    let manager = VersionManager::new(storage, clock(), log);
    let sighting = Sighting {
        worker: worker("op-auth"),
        bundle: Bundle { id: id(1), deploy_time: None },
        breaker: Breaker::Closed,
        tally: Tally::default(),
        reports: 1,
    };
    let told = block_on(manager.brief(Pop::UNKNOWN, &[sighting]));
    assert_eq!(told, Err(unavailable()));
    assert_eq!(manager.census().workers().count(), 0);
}

#[test]
fn a_trail_that_cannot_be_read_is_an_error_that_is_logged() {
    let mut storage = MockStorage::new();
    let page = AuditPage { before: Some(Epoch::new(7)), limit: 50 };
    storage.expect_audit().with(eq(page)).times(1).returning(|_| Err(unavailable()));
    let mut log = MockLog::new();
    log.expect_record().withf(|entry| entry.level() == Level::Error).times(1).return_const(());
    let manager = VersionManager::new(storage, clock(), log);
    assert_eq!(block_on(manager.audit(page)), Err(unavailable()));
}

#[test]
fn a_change_that_is_outdated_commits_nothing_and_is_logged_as_such() {
    let mut storage = MockStorage::new();
    storage.expect_load().times(1).returning(|| Ok(ledger([deploy("op-auth", 1)])));
    storage.expect_commit().never();
    let mut log = MockLog::new();
    log.expect_record()
        .withf(|entry| {
            matches!(entry, LogEntry::RegistrationRejected { code: "epoch_mismatch", .. })
                && entry.level() == Level::Warn
        })
        .times(1)
        .return_const(());
    let manager = VersionManager::new(storage, clock(), log);
    let precondition = Precondition::Epochs(vec![Epoch::new(0), Epoch::new(2)]);
    let wish = Command::Register(deploy("op-auth", 2));
    let outcome = block_on(manager.change(wish, &precondition, DEPLOYER));
    assert_eq!(outcome, Err(ChangeError::Outdated { current: Epoch::new(1) }));
}

#[test]
fn an_error_says_what_its_cause_says() {
    let rejection = Rejection::OlderDeployTime { current: deployed(1) };
    assert_eq!(ChangeError::from(rejection.clone()).to_string(), rejection.to_string());
    assert_eq!(ChangeError::from(unavailable()).to_string(), unavailable().to_string());
}
