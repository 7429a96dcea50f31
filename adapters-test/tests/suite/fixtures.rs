//! What several subjects share: bundles told apart by a number, manifests, registrations, and a
//! look for UUIDs where none may be.

use core::time::Duration;

use futures::executor::block_on;
use serde_json::Value;
use skewguard_domain::{
    Announcement, Breaker, Briefing, Bundle, BundleId, Command, DeployTime, Haste, Intent, Ledger,
    Manifest, MaxAge, Registration, ReleaseId, Sighting, Strictness, Style, Tally, Timestamp,
    VersionRecord, WorkerManifest, WorkerName,
};
use skewguard_ports::{Clock, PopTier, Question, Transport, TransportError};
use skewguard_test::{Behaviour, FaultyTransport, ManualClock, MemoryCache};

/// The day before the one that a manual clock begins with, in milliseconds.
const YESTERDAY: i64 = 1_772_280_000_000;

/// The bundle with this number. No two bytes of its UUID are the same, so that any part of it can
/// be told from what else stands in a log.
pub(crate) fn id(number: u8) -> BundleId {
    let mut byte = number.wrapping_mul(37);
    BundleId::from_random_bytes([(); 16].map(|()| {
        byte = byte.wrapping_add(23);
        byte
    }))
}

/// The bundle's deploy time: one with a greater number is newer.
pub(crate) fn deployed(number: u8) -> DeployTime {
    let moment = Timestamp::from_unix_millis(YESTERDAY + 60_000 * i64::from(number));
    moment.try_into().expect("a year that RFC 3339 can write")
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn worker(name: &str) -> WorkerName {
    name.parse().expect("a name")
}

/// What a manager says by which the bundle with this number serves.
pub(crate) fn current_is(number: u8) -> Manifest {
    let known = WorkerManifest::of_one(id(number), deployed(number), Vec::new());
    let max_age = Some(MaxAge::DEFAULT);
    Manifest { max_age, worker: Some(known), ..Manifest::default() }
}

/// What a manager says by which the bundle with this number serves both of its Workers.
pub(crate) fn all_current_are(number: u8) -> Briefing {
    let workers = ["op-auth", "op-token"].map(|name| {
        let known = WorkerManifest::of_one(id(number), deployed(number), Vec::new());
        (worker(name), known)
    });
    Briefing {
        max_age: MaxAge::DEFAULT,
        age_tolerance: Duration::ZERO,
        workers: workers.into_iter().collect(),
    }
}

/// The report of a guard of the bundle with this number, which has refused so many requests.
pub(crate) fn sighting(name: &str, number: u8, refused: u32) -> Sighting {
    Sighting {
        worker: worker(name),
        bundle: Bundle { id: id(number), deploy_time: Some(deployed(number)) },
        breaker: Breaker::Closed,
        tally: Tally { refused, ..Tally::default() },
        reports: 1,
    }
}

/// What the guards of a PoP have sighted and not handed in yet: what one would have to tell whose
/// clock is so far ahead that it can use nothing of what the others left.
pub(crate) fn gathered(cache: &MemoryCache) -> Vec<Sighting> {
    let clock = ManualClock::new();
    clock.advance(secs(86_400));
    let failing = Behaviour::Fail(TransportError::Unreachable, ms(0));
    let manager = FaultyTransport::new(clock.clone(), failing);
    let tier = PopTier::new(manager.clone(), cache.clone(), clock.clone());
    let question = Question {
        worker: worker("op-auth"),
        max_age: MaxAge::DEFAULT,
        haste: Haste::Background,
        bundle: Bundle { id: id(1), deploy_time: None },
        began_at: clock.now(),
        sightings: Vec::new(),
    };
    block_on(tier.manifest(&question, ms(750))).expect_err("the manager fails");
    manager.questions().pop().expect("a question").sightings
}

/// A registration of the bundle with this number.
pub(crate) fn registration(name: &str, number: u8, intent: Intent) -> Registration {
    Registration { worker: worker(name), bundle: id(number), deploy_time: deployed(number), intent }
}

/// The command that registers it.
pub(crate) fn register(name: &str, number: u8, intent: Intent) -> Command {
    Command::Register(registration(name, number, intent))
}

pub(crate) fn release(name: &str) -> ReleaseId {
    name.parse().expect("a release's id")
}

/// The announcement of a release of these Workers' bundles.
pub(crate) fn announce(name: &str, style: Style, bundles: &[(&str, u8)]) -> Command {
    let bundles = bundles.iter().map(|(name, number)| (*name, *number));
    let bundles = bundles.map(|(name, number)| (worker(name), (id(number), deployed(number))));
    Command::Announce(Announcement { id: release(name), style, bundles: bundles.collect() })
}

/// The activation of a release, with the cutover that is given where nothing is said.
pub(crate) fn activate(name: &str) -> Command {
    Command::Activate { release: release(name), after: None }
}

pub(crate) fn promote(name: &str) -> Command {
    Command::Promote { release: release(name), after: None }
}

pub(crate) fn abort(name: &str) -> Command {
    Command::Abort { release: release(name) }
}

/// The way back to a release, no stricter than what is taken back.
pub(crate) fn roll_back(name: &str) -> Command {
    let strictness = Strictness::Relaxed;
    Command::RollBack { release: release(name), after: None, strictness }
}

/// What serves a Worker since the ledger's last change.
pub(crate) fn current(ledger: &Ledger, name: &str) -> Option<VersionRecord> {
    let history = ledger.workers().get(&worker(name))?;
    Some(history.current(ledger.decided_at()?)?.record)
}

/// Fails if the entries tell more than the first 8 characters of a bundle's UUID, with hyphens or
/// without; or if they don't even tell those, since then there was nothing to be found out.
pub(crate) fn assert_only_8_characters_are_told(entries: &[Value], bundles: &[BundleId]) {
    let text = serde_json::to_string(entries).expect("entries are JSON").to_lowercase();
    for bundle in bundles {
        let whole = bundle.reveal();
        assert!(text.contains(&whole[..8]), "the log does not tell {bundle} at all: {text}");
        for spelling in [whole.clone(), whole.replace('-', "")] {
            for start in 0..=spelling.len() - 9 {
                let part = &spelling[start..start + 9];
                assert!(!text.contains(part), "the log tells {part} of {bundle}: {text}");
            }
        }
    }
}
