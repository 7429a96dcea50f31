//! A store, and the managers over it.

use futures::executor::block_on;
use skewguard_domain::{Command, Ledger, Registration};
use skewguard_ports::{ChangeError, Changed, Clock, Precondition, Principal, VersionManager};
use skewguard_test::{ManualClock, MemoryStorage, RecordingLog, StorageFault};

pub(crate) type TestManager = VersionManager<MemoryStorage, ManualClock, RecordingLog>;

/// A store, and what the managers over it share.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: MemoryStorage,
    pub(crate) clock: ManualClock,
    pub(crate) log: RecordingLog,
}

impl World {
    /// A manager that has not looked into the store yet.
    pub(crate) fn manager(&self) -> TestManager {
        VersionManager::new(self.store.clone(), self.clock.clone(), self.log.clone())
    }

    /// The next commit finds that somebody else has registered this in the meantime.
    pub(crate) fn overtaken_by(&self, other: Registration) -> StorageFault {
        let applied = Ledger::default().apply(&Command::Register(other), self.clock.now());
        StorageFault::Overtaken(Box::new(applied.expect("the first of its Worker")))
    }
}

/// Changes the ledger, by whom it usually is and whatever its epoch.
pub(crate) fn change(manager: &TestManager, command: Command) -> Result<Changed, ChangeError> {
    block_on(manager.change(command, &Precondition::None, Principal::Current))
}
