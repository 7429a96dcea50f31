//! What several subjects share: bundles told apart by a number, moments, manifests, and a guard
//! to send requests to.

use core::time::Duration;

use proptest::prelude::{ProptestConfig, Strategy, any};
use skewguard_domain::{
    Age, Believed, Breaker, Bundle, BundleId, CachePolicy, Decision, DeployTime, Exemption, Flight,
    GuardConfig, GuardCore, Ledger, Manifest, Mode, OnUnavailable, Outlook, Reason, RequestLine,
    Situation, Staleness, Step, Timestamp, Verdict, WorkerManifest, WorkerName, decide,
};

/// How many cases a property is tried on.
const CASES: u32 = 10_000;

/// The configuration of every property: [`CASES`], or fewer where `PROPTEST_CASES` says so.
pub(crate) fn cases() -> ProptestConfig {
    let wished = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(wished.map_or(CASES, |wished: u32| wished.min(CASES)))
}

/// The bundle with this number; ids are in the order of their numbers.
pub(crate) fn id(number: u32) -> BundleId {
    format!("{number:08x}-0000-4000-8000-{number:012x}").parse().expect("a UUID")
}

/// Any version 4 UUID.
pub(crate) fn any_id() -> impl Strategy<Value = BundleId> {
    any::<[u8; 16]>().prop_map(BundleId::from_random_bytes)
}

/// The reading of a clock, in milliseconds.
pub(crate) const fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// A deploy time, in milliseconds.
pub(crate) fn deployed(millis: i64) -> DeployTime {
    at(millis).try_into().expect("a year that RFC 3339 can write")
}

/// A bundle that knows its deploy time.
pub(crate) fn bundle(number: u32, millis: i64) -> Bundle {
    Bundle { id: id(number), deploy_time: Some(deployed(millis)) }
}

/// Milliseconds as a duration.
pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn worker() -> WorkerName {
    "op-auth".parse().expect("a name")
}

/// What a manager says that gives no lease of its own.
pub(crate) fn manifest(current: u32, millis: i64, retired: &[u32]) -> Manifest {
    let retired = retired.iter().map(|&number| id(number)).collect();
    let deploy_time = deployed(millis);
    let worker = Some(WorkerManifest::of_one(id(current), deploy_time, retired));
    Manifest { worker, ..Manifest::default() }
}

/// What a guard of `worker` is told at `millis` by a manager whose breakers are closed.
pub(crate) fn told(ledger: &Ledger, worker: &WorkerName, millis: i64) -> Manifest {
    let mut briefing = ledger.briefing(at(millis), |_| Breaker::Closed);
    Manifest {
        max_age: Some(briefing.max_age),
        age: Age::NONE,
        age_tolerance: briefing.age_tolerance,
        worker: briefing.workers.remove(worker),
    }
}

/// What a manifest that was made just now says of a bundle.
pub(crate) fn believed(bundle: Bundle, manifest: &Manifest) -> Believed {
    let known = manifest.worker.as_ref();
    let outlook = known.map_or(Outlook::UNREGISTERED, |known| known.outlook(bundle));
    Believed { standing: outlook.after(Age::NONE), breaker: outlook.breaker() }
}

/// An ordinary request to a bundle whose guard has this manifest, and fails open.
pub(crate) fn situation(bundle: Bundle, manifest: Option<&Manifest>) -> Situation {
    Situation {
        checked: Ok(()),
        exemption: Exemption::Checked,
        believed: manifest.map(|manifest| believed(bundle, manifest)),
        on_unavailable: OnUnavailable::Open,
    }
}

/// What becomes of a request to a bundle whose guard was told `manifest` just now.
pub(crate) fn decision_by(bundle: Bundle, manifest: &Manifest) -> Decision {
    decide(&situation(bundle, Some(manifest)))
}

/// The guard's own bundle in the tests of the guard.
pub(crate) const OWN: u32 = 1;

/// When [`OWN`] was deployed.
pub(crate) const OWN_DEPLOYED: i64 = 50_000;

/// A manifest by which the guard's own bundle serves.
pub(crate) fn own_is_current() -> Manifest {
    manifest(OWN, OWN_DEPLOYED, &[])
}

/// A manifest by which something newer has taken over.
pub(crate) fn own_is_older() -> Manifest {
    manifest(2, OWN_DEPLOYED + 1, &[])
}

pub(crate) const CURRENT: Decision = Decision { reason: Reason::Current, verdict: Verdict::Serve };
pub(crate) const OLDER: Decision =
    Decision { reason: Reason::Stale(Staleness::Older), verdict: Verdict::Refuse };
pub(crate) const UNAVAILABLE: Decision =
    Decision { reason: Reason::Unavailable, verdict: Verdict::Serve };

/// A request that is neither exempt nor unusual.
pub(crate) const REQUEST: RequestLine<'static> = RequestLine { method: "GET", path: "/authorize" };

/// What a guard of the bundle [`OWN`] is told.
pub(crate) fn config(policy: CachePolicy) -> GuardConfig {
    GuardConfig {
        bundle: Ok(bundle(OWN, OWN_DEPLOYED)),
        exempt: Vec::new(),
        mode: Mode::Enforce,
        on_unavailable: OnUnavailable::Open,
        policy,
    }
}

/// A guard that knows nothing yet.
pub(crate) fn cold(policy: CachePolicy) -> GuardCore {
    GuardCore::new(config(policy), 7)
}

/// A guard that asked at `millis` and was told `manifest` in the same millisecond.
pub(crate) fn warm(policy: CachePolicy, millis: i64, manifest: &Manifest) -> GuardCore {
    let mut guard = cold(policy);
    let flight = fetch(&mut guard, millis);
    guard.on_manifest(flight, at(millis), manifest);
    guard
}

/// Sends a request.
pub(crate) fn request(guard: &mut GuardCore, millis: i64) -> Step {
    guard.on_request(REQUEST, at(millis))
}

/// Sends a request that has to fetch.
pub(crate) fn fetch(guard: &mut GuardCore, millis: i64) -> Flight {
    match request(guard, millis) {
        Step::Fetch(flight) => flight,
        other => panic!("no fetch at {millis}: {other:?}"),
    }
}

/// Sends a request that has to be decided as `expected` and to start a flight.
pub(crate) fn refresh(guard: &mut GuardCore, millis: i64, expected: Decision) -> Flight {
    match request(guard, millis) {
        Step::Refresh(decision, flight) if decision == expected => flight,
        other => panic!("no refresh with {expected:?} at {millis}: {other:?}"),
    }
}

/// Sends a request that has to start a flight, in whichever way.
pub(crate) fn take_off(guard: &mut GuardCore, millis: i64) -> Flight {
    match request(guard, millis) {
        Step::Fetch(flight) | Step::Refresh(_, flight) => flight,
        other => panic!("no flight at {millis}: {other:?}"),
    }
}

/// The first millisecond of `range` at which a request starts a flight, tried on copies of the
/// guard.
pub(crate) fn first_flight(guard: &GuardCore, range: core::ops::Range<i64>) -> Option<i64> {
    range.into_iter().find(|&millis| {
        let step = request(&mut guard.clone(), millis);
        matches!(step, Step::Fetch(_) | Step::Refresh(..))
    })
}
