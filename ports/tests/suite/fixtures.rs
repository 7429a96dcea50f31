//! What several subjects share: bundles told apart by a number, and ledgers made of them.

use core::time::Duration;

use skewguard_domain::{
    Announcement, BundleId, Command, Delay, DeployTime, Intent, Ledger, Registration, ReleaseId,
    Style, Timestamp, VersionRecord, WorkerName,
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
    after(&Ledger::default(), registrations.into_iter().map(Command::Register))
}

/// The ledger after these commands, one after the other, all of them [`NOW`].
pub(crate) fn after(ledger: &Ledger, commands: impl IntoIterator<Item = Command>) -> Ledger {
    commands.into_iter().fold(ledger.clone(), |ledger, command| {
        ledger.apply(&command, NOW).expect("a legal command").ledger
    })
}

/// What serves a Worker [`NOW`].
pub(crate) fn current(ledger: &Ledger, name: &str) -> VersionRecord {
    let history = &ledger.workers()[&worker(name)];
    history.current(NOW).expect("a Worker that is served").record
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn release(name: &str) -> ReleaseId {
    name.parse().expect("a release's id")
}

/// The announcement of a release of these Workers' bundles.
pub(crate) fn announcement(name: &str, style: Style, bundles: &[(&str, u8)]) -> Announcement {
    let bundles = bundles.iter().map(|(name, number)| (*name, *number));
    let bundles = bundles.map(|(name, number)| (worker(name), (id(number), deployed(number))));
    Announcement { id: release(name), style, bundles: bundles.collect() }
}

pub(crate) fn announce(name: &str, style: Style, bundles: &[(&str, u8)]) -> Command {
    Command::Announce(announcement(name, style, bundles))
}

/// The activation of a release, with the cutover that is given where nothing is said.
pub(crate) fn activate(name: &str) -> Command {
    Command::Activate { release: release(name), after: None }
}

/// The activation of a release that takes over at once.
pub(crate) fn activate_at_once(name: &str) -> Command {
    Command::Activate { release: release(name), after: Some(Delay::NONE) }
}
