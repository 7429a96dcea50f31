//! Two managers over one store, with registrations that run into each other in every order.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{Epoch, Intent, Ledger, VersionRecord};
use skewguard_ports::{ChangeError, Precondition, Principal, VersionManager};
use skewguard_test::{Executor, ManualClock, RecordingLog};

use crate::fixtures::{current, register, worker};
use crate::slow_storage::{Fate, SlowStorage, Turn};

const WORKERS: [&str; 2] = ["op-auth", "op-token"];

/// One registration: by which manager, of which Worker's which bundle.
#[derive(Clone, Copy, Debug)]
struct Wish {
    manager: usize,
    worker: usize,
    bundle: u8,
    intent: Intent,
}

fn wish() -> impl Strategy<Value = Wish> {
    let intent = prop_oneof![2 => Just(Intent::Deploy), 1 => Just(Intent::Rollback)];
    (0..2_usize, 0..2_usize, 1..8_u8, intent).prop_map(|(manager, worker, bundle, intent)| Wish {
        manager,
        worker,
        bundle,
        intent,
    })
}

/// Waves of wishes: those of a wave run into each other.
fn waves() -> impl Strategy<Value = Vec<Vec<Wish>>> {
    vec(vec(wish(), 1..5), 1..6)
}

fn turns(fates: impl Strategy<Value = Fate>) -> impl Strategy<Value = Vec<Turn>> {
    let turn = (any::<(u8, u8)>(), fates)
        .prop_map(|((before, after), fate)| Turn { others_first: (before % 4, after % 4), fate });
    vec(turn, 0..60)
}

/// An acknowledged registration.
#[derive(Debug)]
struct Acknowledged {
    worker: &'static str,
    record: VersionRecord,
    epoch: Epoch,
}

/// What came of it all.
struct Aftermath {
    acknowledged: Vec<Acknowledged>,
    /// Registrations that failed because of the store.
    failed: usize,
    history: Vec<(Ledger, bool)>,
    stored: Ledger,
}

fn run(waves: Vec<Vec<Wish>>, turns: Vec<Turn>) -> Aftermath {
    let storage = SlowStorage::new(turns);
    let (clock, log) = (ManualClock::new(), RecordingLog::new());
    let manager = || Arc::new(VersionManager::new(storage.clone(), clock.clone(), log.clone()));
    let managers = [manager(), manager()];
    let mut executor = Executor::new();
    let mut acknowledged = Vec::new();
    let mut failed = 0;
    for wave in waves {
        let running: Vec<_> = wave
            .into_iter()
            .map(|wish| {
                let manager = Arc::clone(&managers[wish.manager]);
                let name = WORKERS[wish.worker];
                let wish = register(name, wish.bundle, wish.intent);
                executor.spawn(async move {
                    let by = Principal::Current;
                    (name, manager.change(wish, &Precondition::None, by).await)
                })
            })
            .collect();
        executor.run();
        for outcome in running {
            match outcome.try_take().expect("nothing waits for ever") {
                (name, Ok(changed)) => acknowledged.push(Acknowledged {
                    worker: name,
                    record: current(&changed.ledger, name).expect("it serves"),
                    epoch: changed.ledger.epoch(),
                }),
                (_, Err(ChangeError::Storage(_))) => failed += 1,
                (_, Err(ChangeError::Rejected(_))) => {}
                (_, Err(ChangeError::Outdated { .. })) => panic!("there is no precondition"),
            }
        }
    }
    Aftermath { acknowledged, failed, history: storage.history(), stored: storage.stored() }
}

/// The ledger as it was at `epoch`.
fn ledger_at(history: &[(Ledger, bool)], epoch: Epoch) -> Option<&Ledger> {
    history.iter().map(|(ledger, _)| ledger).find(|ledger| ledger.epoch() == epoch)
}

proptest! {
    #[test]
    fn every_change_is_one_epoch_and_is_acknowledged_with_it(
        waves in waves(),
        turns in turns(Just(Fate::Good)),
    ) {
        let Aftermath { acknowledged, history, stored, .. } = run(waves, turns);
        let epochs: Vec<u64> = history.iter().map(|(ledger, _)| ledger.epoch().get()).collect();
        prop_assert_eq!(&epochs, &(1..=stored.epoch().get()).collect::<Vec<_>>());
        for epoch in epochs {
            prop_assert!(acknowledged.iter().any(|told| told.epoch.get() == epoch));
        }
    }

    #[test]
    fn what_is_stored_as_current_is_what_was_acknowledged_last(
        waves in waves(),
        turns in turns(Just(Fate::Good)),
    ) {
        let Aftermath { acknowledged, stored, .. } = run(waves, turns);
        for name in WORKERS {
            let of_it = acknowledged.iter().filter(|told| told.worker == name);
            let newest = of_it.max_by_key(|told| told.epoch).map(|told| told.record);
            prop_assert_eq!(current(&stored, name), newest);
        }
    }

    #[test]
    fn an_acknowledged_registration_was_current_at_its_epoch_and_is_never_forgotten(
        waves in waves(),
        turns in turns(prop_oneof![
            6 => Just(Fate::Good),
            1 => Just(Fate::Refused),
            1 => Just(Fate::Unacknowledged),
        ]),
    ) {
        let Aftermath { acknowledged, history, stored, .. } = run(waves, turns);
        for told in acknowledged {
            let then = ledger_at(&history, told.epoch).and_then(|then| current(then, told.worker));
            prop_assert_eq!(then, Some(told.record));
            let retired = stored.workers()[&worker(told.worker)].retired(stored.decided_at().expect("a change"));
            let kept = retired.iter().any(|retired| retired.record == told.record);
            prop_assert!(kept || current(&stored, told.worker) == Some(told.record));
        }
    }

    #[test]
    fn nothing_is_stored_that_nobody_was_told_of_except_by_a_store_that_said_it_had_failed(
        waves in waves(),
        turns in turns(prop_oneof![
            2 => Just(Fate::Good),
            1 => Just(Fate::Refused),
            1 => Just(Fate::Unacknowledged),
        ]),
    ) {
        let Aftermath { acknowledged, failed, history, stored } = run(waves, turns);
        prop_assert_eq!(history.len() as u64, stored.epoch().get());
        let untold = history.iter().filter(|(_, told)| !told).count();
        prop_assert!(untold <= failed);
        for (ledger, _) in history.iter().filter(|(_, told)| *told) {
            prop_assert!(acknowledged.iter().any(|told| told.epoch == ledger.epoch()));
        }
    }
}
