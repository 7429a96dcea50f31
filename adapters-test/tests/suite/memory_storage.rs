//! The store in memory keeps the contract of its port, whatever is injected.

use futures::executor::block_on;
use skewguard_domain::{Applied, Command, Epoch, Intent, Ledger};
use skewguard_ports::{Clock, Storage, StorageError};
use skewguard_test::{ManualClock, MemoryStorage, StorageFault};

use crate::fixtures::registration;

/// The first registration of a Worker.
fn first(number: u8) -> Applied {
    let command = Command::Register(registration("op-auth", number, Intent::Deploy));
    Ledger::default().apply(&command, ManualClock::new().now()).expect("the first of its Worker")
}

#[test]
fn a_commit_from_another_epoch_is_a_conflict_and_changes_nothing_whatever_else_goes_wrong() {
    let injected = [None, Some(StorageFault::WrittenButUnavailable)];
    for fault in injected {
        let store = MemoryStorage::new();
        block_on(store.commit(Epoch::default(), &first(1))).expect("the first commit");
        store.inject(fault.clone());
        let outcome = block_on(store.commit(Epoch::default(), &first(2)));
        assert_eq!(outcome, Err(StorageError::Conflict), "{fault:?}");
        assert_eq!(store.stored(), first(1).ledger, "{fault:?}");
    }
}
