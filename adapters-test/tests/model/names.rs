//! Who and what there is in every scene: Workers, PoPs, releases and their bundles.

use std::sync::LazyLock;

use skewguard_domain::{Bundle, BundleId, Pop, ReleaseId, Timestamp, WorkerName};

/// When a scene begins, by a clock that is right: ms since the Unix epoch.
const BEGINNING: i64 = 1_772_366_400_000;

/// One of the Workers, by its number.
pub(crate) type WorkerNo = usize;

/// One of the releases, by its number: 1 is the first, and each has a bundle for every Worker.
pub(crate) type ReleaseNo = usize;

/// How many releases there are.
pub(crate) const RELEASES: usize = 3;

/// What everything is called.
pub(crate) struct Names {
    pub(crate) workers: [WorkerName; 2],
    pub(crate) pops: [Pop; 2],
    releases: [ReleaseId; RELEASES],
    bundles: [[Bundle; RELEASES]; 2],
}

/// What everything is called.
pub(crate) static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    workers: ["op-auth", "op-token"].map(|name| name.parse().expect("a Worker's name")),
    pops: ["FRA", "AMS"].map(|name| name.parse().expect("a PoP's name")),
    releases: ["r1", "r2", "r3"].map(|name| name.parse().expect("a release's id")),
    bundles: [0, 1].map(|worker| [1, 2, 3].map(|release| new_bundle(worker, release))),
});

fn new_bundle(worker: u8, release: u8) -> Bundle {
    let id = BundleId::from_random_bytes([0x10 * (worker + 0xa) + release; 16]);
    let deployed = Timestamp::from_unix_millis(BEGINNING - 60_000 * i64::from(10 - release));
    Bundle { id, deploy_time: deployed.try_into().ok() }
}

/// The name of a release.
pub(crate) fn release_id(release: ReleaseNo) -> &'static ReleaseId {
    &NAMES.releases[release - 1]
}

/// A Worker's bundle in a release.
pub(crate) fn bundle(worker: WorkerNo, release: ReleaseNo) -> Bundle {
    NAMES.bundles[worker][release - 1]
}

/// The release that a Worker's bundle belongs to.
pub(crate) fn release_of(worker: WorkerNo, id: BundleId) -> ReleaseNo {
    let place = NAMES.bundles[worker].iter().position(|bundle| bundle.id == id);
    place.expect("all bundles belong to a release") + 1
}

/// What a clock shows that is `ahead` ms ahead, `now` ms after the beginning.
pub(crate) fn reading(now: i64, ahead: i64) -> Timestamp {
    Timestamp::from_unix_millis(BEGINNING + now + ahead)
}
