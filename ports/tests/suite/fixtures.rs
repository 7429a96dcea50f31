//! What several subjects share: bundles told apart by a number, and ledgers made of them.

use skewguard_domain::{
    BundleId, Command, DeployTime, Intent, Ledger, Registration, Timestamp, WorkerName,
};

/// What the manager's clock shows.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_millis(1_772_366_400_123);

/// The bundle with this number. Its UUID has letters, so that it can be written in either case.
pub(crate) fn id(number: u8) -> BundleId {
    format!("{number:02x}c0ffee-dead-4bee-8fab-facade{number:06x}").parse().expect("a UUID")
}

/// The bundle's deploy time: one with a greater number is newer. All are before [`NOW`].
pub(crate) fn deployed(number: u8) -> DeployTime {
    let moment = NOW.as_unix_millis() - 86_400_000 + 1_001 * i64::from(number);
    Timestamp::from_unix_millis(moment).try_into().expect("a year that RFC 3339 can write")
}

pub(crate) fn worker(name: &str) -> WorkerName {
    name.parse().expect("a name")
}

/// A registration of the bundle with this number.
pub(crate) fn registration(name: &str, number: u8, intent: Intent) -> Registration {
    Registration { worker: worker(name), bundle: id(number), deploy_time: deployed(number), intent }
}

pub(crate) fn deploy(name: &str, number: u8) -> Registration {
    registration(name, number, Intent::Deploy)
}

pub(crate) fn rollback(name: &str, number: u8) -> Registration {
    registration(name, number, Intent::Rollback)
}

/// The ledger after these registrations, one after the other.
pub(crate) fn ledger(registrations: impl IntoIterator<Item = Registration>) -> Ledger {
    registrations.into_iter().fold(Ledger::default(), |ledger, wish| {
        ledger.apply(&Command::Register(wish), NOW).expect("a legal registration").ledger
    })
}
