//! The scenes. Each has what one part of the rule is about, and is checked to its end.

use core::time::Duration;

use skewguard_domain::{CachePolicy, Intent, OnUnavailable, Strictness, Style};

use crate::fence::Aim;
use crate::promises::Sight;
use crate::scene::{
    Handling, Isolate, Scene, Tier, Troubles, Upload, UploadOrder, Watch, When, Wish, lease,
};

/// How far a scene goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// As far as takes seconds.
    Standard,
    /// As far as takes minutes.
    Deep,
}

impl Depth {
    /// `standard`, or `deep`.
    fn pick<T>(self, standard: T, deep: T) -> T {
        match self {
            Self::Standard => standard,
            Self::Deep => deep,
        }
    }
}

/// Two Workers in two PoPs, each with clocks of their own.
const EVERYWHERE: [Isolate; 4] = [
    Isolate { worker: 0, pop: 0, release: 1, ahead: 3_600_000 },
    Isolate { worker: 1, pop: 0, release: 1, ahead: -420_000 },
    Isolate { worker: 0, pop: 1, release: 1, ahead: 0 },
    Isolate { worker: 1, pop: 1, release: 1, ahead: 13_000 },
];

fn policy(
    max_age: u64,
    refresh_ahead_percent: u8,
    timeout: u64,
    stale_if_error: u64,
) -> CachePolicy {
    let millis = Duration::from_millis;
    CachePolicy::builder()
        .max_age(lease(max_age))
        .refresh_ahead_percent(refresh_ahead_percent)
        .timeout(millis(timeout))
        .stale_if_error(millis(stale_if_error))
        .back_off(millis(400), millis(400))
        .build()
        .expect("a policy within its ranges")
}

/// A scene in which nothing happens.
fn quiet(name: &'static str) -> Scene {
    Scene {
        name,
        tick: 500,
        ticks: 7,
        before: vec![
            Wish::SetLease(1_000),
            Wish::Announce(1, Style::Plain),
            Wish::Activate(1, When::Now),
        ],
        isolates: EVERYWHERE.to_vec(),
        wishes: [Vec::new(), Vec::new()],
        handling: Handling::AtOnce,
        uploads: Vec::new(),
        upload_order: UploadOrder::Any,
        troubles: Troubles::default(),
        machines: vec![0],
        tier: Tier::Manager,
        watch: Watch::Nobody,
        policy: policy(2_000, 80, 250, 0),
        on_unavailable: OnUnavailable::Open,
        aims: Vec::new(),
        shows: Vec::new(),
        at_least: 0,
    }
}

fn upload(isolate: usize, release: usize) -> Upload {
    Upload { isolate, release }
}

/// Two Workers in one PoP, and one of them in another.
const TWO_AND_ONE: [Isolate; 3] = [EVERYWHERE[0], EVERYWHERE[1], EVERYWHERE[2]];

/// A plain release, while somebody else wants another, or the one before.
pub(crate) fn two_deployers(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![Wish::Announce(2, Style::Plain), Wish::Activate(2, When::InTime)],
            vec![
                Wish::Announce(3, Style::Plain),
                Wish::Activate(3, When::Now),
                Wish::RollBack(1, When::InTime, Strictness::Relaxed),
            ],
        ],
        handling: Handling::Overlapping,
        uploads: vec![upload(0, 2), upload(3, 3)],
        ticks: depth.pick(5, 7),
        at_least: 1_400_000,
        shows: vec![Sight::Rejected, Sight::Conflict, Sight::Older, Sight::Announced],
        ..quiet("two deployers")
    }
}

/// Bundles are uploaded and registered one by one, in any order, and one is taken back.
pub(crate) fn registrations(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![Wish::Register(0, 2, Intent::Deploy), Wish::Register(0, 1, Intent::Rollback)],
            vec![Wish::Register(1, 2, Intent::Deploy), Wish::Register(0, 3, Intent::Deploy)],
        ],
        uploads: vec![upload(0, 2), upload(1, 2), upload(2, 3)],
        isolates: TWO_AND_ONE.to_vec(),
        ticks: depth.pick(4, 5),
        troubles: Troubles { slow: 0, ..Troubles::default() },
        at_least: 500_000,
        shows: vec![Sight::Ahead, Sight::Older, Sight::Retired, Sight::Rejected],
        ..quiet("registrations")
    }
}

/// A canary, promoted or given up, and a rollback.
pub(crate) fn canary(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![
                Wish::Announce(2, Style::Canary),
                Wish::Activate(2, When::InTime),
                Wish::Promote(2, When::InTime),
            ],
            vec![Wish::Abort(2), Wish::RollBack(1, When::Now, Strictness::Relaxed)],
        ],
        uploads: vec![upload(0, 2), upload(1, 2)],
        isolates: TWO_AND_ONE.to_vec(),
        ticks: depth.pick(5, 6),
        troubles: Troubles { slow: 1, ..Troubles::default() },
        at_least: 500_000,
        shows: vec![Sight::Announced, Sight::Older, Sight::Retired],
        ..quiet("canary")
    }
}

/// A strict release everywhere, and nothing else.
pub(crate) fn strict_everywhere(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![Wish::Announce(2, Style::Strict), Wish::Activate(2, When::InTime)],
            vec![Wish::Abort(2), Wish::Activate(2, When::Now)],
        ],
        uploads: vec![upload(0, 2), upload(3, 2)],
        upload_order: UploadOrder::AnnouncedFirst,
        ticks: depth.pick(8, 9),
        aims: vec![Aim::StrictTakeover],
        at_least: 200_000,
        shows: vec![Sight::Held, Sight::Older],
        ..quiet("strict everywhere")
    }
}

/// A strict release, while all goes wrong that can: slow answers, moves, a change of mind.
pub(crate) fn strict(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![Wish::Announce(2, Style::Strict), Wish::Activate(2, When::InTime)],
            vec![Wish::RollBack(1, When::InTime, Strictness::Relaxed)],
        ],
        isolates: EVERYWHERE[1..3].to_vec(),
        uploads: vec![upload(0, 2)],
        upload_order: UploadOrder::AnnouncedFirst,
        ticks: depth.pick(7, 8),
        troubles: Troubles { slow: 1, moves: depth.pick(1, 2), ..Troubles::default() },
        machines: vec![0, 500],
        aims: vec![Aim::StrictTakeover],
        at_least: 1_000_000,
        shows: vec![Sight::Held, Sight::Older, Sight::LateAnswer],
        ..quiet("strict")
    }
}

/// A strict release, while leases get shorter and longer.
pub(crate) fn strict_with_other_leases(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![
                Wish::Announce(2, Style::Strict),
                Wish::Activate(2, When::InTime),
                Wish::Activate(2, When::Now),
            ],
            vec![Wish::SetLease(500), Wish::SetLease(1_500)],
        ],
        ticks: depth.pick(8, 9),
        troubles: Troubles { slow: 0, moves: depth.pick(0, 1), ..Troubles::default() },
        shows: vec![Sight::Held, Sight::Older],
        ..Scene { name: "strict, with other leases", ..strict(depth) }
    }
}

/// A strict release is taken back, and that is taken back.
pub(crate) fn strict_rollback(depth: Depth) -> Scene {
    Scene {
        before: after_release(1_000, Style::Strict),
        wishes: [
            vec![Wish::RollBack(1, When::InTime, Strictness::Relaxed)],
            vec![
                Wish::RollBack(2, When::Now, Strictness::Relaxed),
                Wish::RollBack(1, When::Now, Strictness::Relaxed),
            ],
        ],
        isolates: vec![
            Isolate { release: 2, ..EVERYWHERE[0] },
            Isolate { release: 2, ..EVERYWHERE[1] },
            Isolate { release: 1, ..EVERYWHERE[2] },
        ],
        uploads: vec![upload(0, 1)],
        ticks: depth.pick(8, 9),
        troubles: Troubles { slow: depth.pick(0, 1), moves: 1, ..Troubles::default() },
        machines: vec![0, 500],
        aims: vec![Aim::StrictTakeover, Aim::StrictTakeoverTwice],
        at_least: 1_000_000,
        shows: vec![Sight::Held, Sight::Retired],
        ..quiet("strict rollback")
    }
}

/// What happens behind the manager's back: a PoP that never gets the upload, or goes back to an
/// old bundle.
pub(crate) fn behind_the_back(depth: Depth) -> Scene {
    Scene {
        tick: 5_000,
        ticks: depth.pick(11, 12),
        before: after_release(10_000, Style::Plain),
        isolates: vec![EVERYWHERE[0], Isolate { release: 2, ahead: 5_000, ..EVERYWHERE[0] }],
        uploads: vec![upload(0, 2), upload(1, 1)],
        troubles: Troubles { slow: depth.pick(0, 1), restarts: 1, ..Troubles::default() },
        watch: Watch::Census,
        policy: policy(10_000, 1, 250, 10_000),
        aims: vec![Aim::BreakerOpens, Aim::BreakerOutlivesRestart],
        at_least: 120_000,
        shows: vec![Sight::BreakerOpen, Sight::Older],
        ..quiet("behind the back")
    }
}

/// A manager that fails in the middle of a release.
pub(crate) fn failing(depth: Depth) -> Scene {
    Scene {
        wishes: [vec![Wish::Announce(2, Style::Plain), Wish::Activate(2, When::Now)], vec![]],
        uploads: vec![upload(0, 2)],
        isolates: EVERYWHERE[..2].to_vec(),
        ticks: depth.pick(6, 7),
        troubles: Troubles { slow: 1, outages: depth.pick(1, 2), ..Troubles::default() },
        policy: policy(2_000, 1, 750, 1_000),
        at_least: 1_200_000,
        shows: vec![Sight::FailedOpen, Sight::StaleIfError, Sight::LateAnswer],
        ..quiet("failing")
    }
}

/// A manager that fails, where guards refuse what they cannot ask about.
pub(crate) fn failing_closed(depth: Depth) -> Scene {
    Scene {
        on_unavailable: OnUnavailable::Closed,
        shows: vec![Sight::RefusedUnasked, Sight::StaleIfError],
        ..Scene { name: "failing, closed", ..failing(depth) }
    }
}

/// Isolates of a PoP share a copy of what the manager said, and not their clocks.
fn copies() -> Scene {
    Scene {
        isolates: vec![
            Isolate { ahead: 3_600_000, ..EVERYWHERE[0] },
            Isolate { ahead: 3_600_500, ..EVERYWHERE[1] },
            EVERYWHERE[2],
        ],
        policy: policy(1_000, 1, 250, 0),
        tier: Tier::Copies { skew: 500 },
        ..quiet("copies")
    }
}

/// A plain release by copies.
pub(crate) fn plain_by_copies(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![Wish::Announce(2, Style::Plain), Wish::Activate(2, When::InTime)],
            vec![Wish::RollBack(1, When::Now, Strictness::Relaxed)],
        ],
        uploads: vec![upload(0, 2)],
        ticks: depth.pick(5, 6),
        troubles: Troubles { slow: depth.pick(0, 1), outages: 1, ..Troubles::default() },
        at_least: 200_000,
        shows: vec![Sight::CopyUsed, Sight::OldCopyUsed, Sight::Older],
        ..Scene { name: "plain, by copies", ..copies() }
    }
}

/// A strict release by copies.
pub(crate) fn strict_by_copies(depth: Depth) -> Scene {
    Scene {
        wishes: [
            vec![Wish::Announce(2, Style::Strict), Wish::Activate(2, When::InTime)],
            vec![Wish::Activate(2, When::Now)],
        ],
        uploads: vec![upload(0, 2)],
        upload_order: UploadOrder::AnnouncedFirst,
        ticks: depth.pick(7, 8),
        troubles: Troubles { slow: 1, ..Troubles::default() },
        aims: vec![Aim::StrictTakeover],
        at_least: 700_000,
        shows: vec![Sight::CopyUsed, Sight::Held, Sight::Older],
        ..Scene { name: "strict, by copies", ..copies() }
    }
}

/// What was decided before, where the second release is current already.
fn after_release(lease: u64, style: Style) -> Vec<Wish> {
    vec![
        Wish::SetLease(lease),
        Wish::Announce(1, Style::Plain),
        Wish::Activate(1, When::Now),
        Wish::Announce(2, style),
        Wish::Activate(2, When::InTime),
    ]
}
