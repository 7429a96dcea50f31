//! Requests to one manager that run into each other while its store takes its time.

use std::sync::Arc;

use futures::executor::block_on;
use skewguard_domain::{Intent, Ledger};
use skewguard_ports::{Precondition, Principal, VersionManager};
use skewguard_test::{Executor, ManualClock, RecordingLog};

use crate::fixtures::register;
use crate::slow_storage::{PROMPT, SlowStorage, Turn};

/// It does its work at once, and tells of it when everybody else is done.
const LATE: Turn = Turn { others_first: (0, 200), ..PROMPT };

type SlowManager = VersionManager<SlowStorage, ManualClock, RecordingLog>;

fn manager(turns: Vec<Turn>) -> (SlowStorage, Arc<SlowManager>) {
    let storage = SlowStorage::new(turns);
    let manager = VersionManager::new(storage.clone(), ManualClock::new(), RecordingLog::new());
    (storage, Arc::new(manager))
}

fn deploy(executor: &Executor, manager: &Arc<SlowManager>, number: u8) {
    let manager = Arc::clone(manager);
    let wish = register("op-auth", number, Intent::Deploy);
    executor
        .spawn(async move { manager.change(wish, &Precondition::None, Principal::Current).await });
}

#[test]
fn what_was_read_before_a_change_is_not_remembered_after_it() {
    let mut executor = Executor::new();
    // The reader's load, and the writer's load and commit.
    let (storage, manager) = manager(vec![LATE, PROMPT, PROMPT]);
    let reader = Arc::clone(&manager);
    let read = executor.spawn(async move { reader.ledger().await });
    deploy(&executor, &manager, 1);
    executor.run();
    let read = read.try_take().and_then(Result::ok).expect("a ledger");
    assert_eq!(*read, Ledger::default());
    assert_eq!(storage.stored().epoch().get(), 1);
    assert_eq!(*block_on(manager.ledger()).expect("a ledger"), storage.stored());
}

#[test]
fn requests_that_come_while_the_ledger_is_loaded_are_all_answered_from_the_store() {
    let mut executor = Executor::new();
    let (storage, manager) = manager(vec![LATE; 10]);
    let readers = (0..10).map(|_| Arc::clone(&manager));
    let reads: Vec<_> =
        readers.map(|manager| executor.spawn(async move { manager.ledger().await })).collect();
    executor.run();
    for read in reads {
        let ledger = read.try_take().and_then(Result::ok);
        assert_eq!(ledger.as_deref(), Some(&storage.stored()));
    }
}

#[test]
fn an_acknowledgement_that_comes_late_takes_no_later_change_back() {
    let mut executor = Executor::new();
    // The first load, the first commit, and what follows of it: a conflict, a load, a commit.
    let (storage, manager) = manager(vec![PROMPT, LATE, PROMPT, PROMPT, PROMPT]);
    block_on(manager.ledger()).expect("a ledger");
    deploy(&executor, &manager, 1);
    deploy(&executor, &manager, 2);
    executor.run();
    assert_eq!(storage.stored().epoch().get(), 2);
    assert_eq!(*block_on(manager.ledger()).expect("a ledger"), storage.stored());
}
