//! The store in memory keeps the contract of its port, whatever is injected.

use futures::executor::block_on;
use skewguard_domain::{Applied, Epoch, Intent, Ledger};
use skewguard_ports::{AuditEntry, AuditPage, Clock, Principal, Storage, StorageError};
use skewguard_test::{ManualClock, MemoryStorage, StorageFault};

use crate::fixtures::register;

/// The first registration of a Worker.
fn first(number: u8) -> Applied {
    let command = register("op-auth", number, Intent::Deploy);
    Ledger::default().apply(&command, ManualClock::new().now()).expect("the first of its Worker")
}

/// The entry of the change from one epoch to the next.
fn entry(from: u64) -> AuditEntry {
    AuditEntry {
        at: ManualClock::new().now(),
        by: Principal::Current,
        action: "register".to_owned(),
        release: None,
        detail: "op-auth".to_owned(),
        from: Epoch::new(from),
        to: Epoch::new(from + 1),
    }
}

#[test]
fn a_commit_from_another_epoch_is_a_conflict_and_changes_nothing_whatever_else_goes_wrong() {
    let injected = [None, Some(StorageFault::WrittenButUnavailable)];
    for fault in injected {
        let store = MemoryStorage::new();
        block_on(store.commit(&first(1), &entry(0))).expect("the first commit");
        store.inject(fault.clone());
        let outcome = block_on(store.commit(&first(2), &entry(0)));
        assert_eq!(outcome, Err(StorageError::Conflict), "{fault:?}");
        assert_eq!(store.stored(), first(1).ledger, "{fault:?}");
        assert_eq!(store.trail(), [entry(0)], "{fault:?}");
    }
}

#[test]
fn a_commit_writes_the_change_and_its_entry_or_neither() {
    let store = MemoryStorage::new();
    store.inject([StorageFault::Unavailable, StorageFault::WrittenButUnavailable]);
    block_on(store.commit(&first(1), &entry(0))).expect_err("nothing can be written");
    assert_eq!((store.stored(), store.trail()), (Ledger::default(), Vec::new()));
    block_on(store.commit(&first(1), &entry(0))).expect_err("nobody is told that it was written");
    assert_eq!((store.stored(), store.trail()), (first(1).ledger, vec![entry(0)]));
}

#[test]
fn the_trail_is_read_page_by_page_from_its_end() {
    let store = MemoryStorage::new();
    for from in 0..7 {
        block_on(store.commit(&first(1), &entry(from))).expect("the next commit");
    }
    let page = |before: Option<u64>, limit| {
        let page = AuditPage { before: before.map(Epoch::new), limit };
        let entries = block_on(store.audit(page)).expect("a page");
        entries.iter().map(|entry| entry.to.get()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3), [7, 6, 5]);
    assert_eq!(page(Some(5), 3), [4, 3, 2]);
    assert_eq!(page(Some(2), 3), [1]);
    assert_eq!(page(Some(1), 3), [0_u64; 0]);
    assert_eq!(page(Some(100), 200), [7, 6, 5, 4, 3, 2, 1]);
}
