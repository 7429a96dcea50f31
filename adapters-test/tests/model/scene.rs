//! What a scene is made of: what runs where, who wants what, and what goes wrong.

use core::fmt;
use core::time::Duration;

use skewguard_domain::{
    Announcement, CachePolicy, Command, Delay, Intent, MaxAge, OnUnavailable, Registration,
    Strictness, Style,
};

use crate::fence::Aim;
use crate::names::{NAMES, ReleaseNo, WorkerNo, bundle, release_id};
use crate::promises::Sight;

/// One bounded world. All that is in it may happen in any order and at any of its ticks.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// The step of time, in ms.
    pub(crate) tick: i64,
    /// How many of them there are.
    pub(crate) ticks: i64,
    /// What was decided long before.
    pub(crate) before: Vec<Wish>,
    pub(crate) isolates: Vec<Isolate>,
    /// What the two deployers want. Each wish comes true at most once.
    pub(crate) wishes: [Vec<Wish>; 2],
    pub(crate) handling: Handling,
    /// New isolates that take the place of old ones, each at most once.
    pub(crate) uploads: Vec<Upload>,
    pub(crate) upload_order: UploadOrder,
    pub(crate) troubles: Troubles,
    /// How far ahead the clocks are of the machines between which the manager moves, in ms.
    pub(crate) machines: Vec<i64>,
    pub(crate) tier: Tier,
    pub(crate) watch: Watch,
    pub(crate) policy: CachePolicy,
    pub(crate) on_unavailable: OnUnavailable,
    /// What has to be possible.
    pub(crate) aims: Vec<Aim>,
    /// What has to happen.
    pub(crate) shows: Vec<Sight>,
    /// How many states it has at least.
    pub(crate) at_least: usize,
}

impl Scene {
    /// How long a question and its answer take at most before nobody expects them any more, in ms.
    pub(crate) fn longest_flight(&self) -> i64 {
        2 * self.tick
    }
}

/// A place for an isolate of a Worker in a PoP.
#[derive(Clone, Copy)]
pub(crate) struct Isolate {
    pub(crate) worker: WorkerNo,
    pub(crate) pop: usize,
    /// Whose bundle it runs at the beginning.
    pub(crate) release: ReleaseNo,
    /// How far its clock is ahead, in ms.
    pub(crate) ahead: i64,
}

/// An isolate is replaced by a cold one, with the bundle that has reached its PoP.
#[derive(Clone, Copy)]
pub(crate) struct Upload {
    pub(crate) isolate: usize,
    pub(crate) release: ReleaseNo,
}

/// When uploads may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadOrder {
    /// At any time, whatever the manager knows.
    Any,
    /// Once the release was announced.
    AnnouncedFirst,
}

/// How the manager handles a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    /// At once.
    AtOnce,
    /// It is decided from what is stored, and stored later; others may come in between.
    Overlapping,
}

/// What guards ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// The manager.
    Manager,
    /// Their PoP's copy, and then the manager. `skew` is how far the clocks of a PoP's machines
    /// are apart, in ms.
    Copies { skew: i64 },
}

/// Whether the manager keeps a census.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    Nobody,
    Census,
}

/// How much may go wrong in all.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Troubles {
    /// Questions and answers that take a tick or more, or for ever.
    pub(crate) slow: u8,
    /// Moves of the manager to another machine, with another clock.
    pub(crate) moves: u8,
    /// Restarts of the manager, which cost it its census.
    pub(crate) restarts: u8,
    /// Spells in which the manager answers nothing.
    pub(crate) outages: u8,
}

/// What a deployer wants of the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Register(WorkerNo, ReleaseNo, Intent),
    SetLease(u64),
    Announce(ReleaseNo, Style),
    Activate(ReleaseNo, When),
    Promote(ReleaseNo, When),
    Abort(ReleaseNo),
    RollBack(ReleaseNo, When, Strictness),
}

/// When a release is to take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// When every guard knows of it.
    InTime,
    /// At once.
    Now,
}

impl When {
    fn delay(self) -> Option<Delay> {
        match self {
            Self::InTime => None,
            Self::Now => Some(Delay::NONE),
        }
    }
}

impl Wish {
    /// The command that says so.
    pub(crate) fn command(self) -> Command {
        let deploy_time = |worker, release| {
            bundle(worker, release).deploy_time.expect("all bundles have a deploy time")
        };
        match self {
            Self::Register(worker, release, intent) => Command::Register(Registration {
                worker: NAMES.workers[worker].clone(),
                bundle: bundle(worker, release).id,
                deploy_time: deploy_time(worker, release),
                intent,
            }),
            Self::SetLease(millis) => Command::SetLease(lease(millis)),
            Self::Announce(release, style) => {
                let bundles = NAMES.workers.iter().enumerate().map(|(number, worker)| {
                    let id = bundle(number, release).id;
                    (worker.clone(), (id, deploy_time(number, release)))
                });
                let id = release_id(release).clone();
                Command::Announce(Announcement { id, style, bundles: bundles.collect() })
            }
            Self::Activate(release, when) => {
                Command::Activate { release: release_id(release).clone(), after: when.delay() }
            }
            Self::Promote(release, when) => {
                Command::Promote { release: release_id(release).clone(), after: when.delay() }
            }
            Self::Abort(release) => Command::Abort { release: release_id(release).clone() },
            Self::RollBack(release, when, strictness) => Command::RollBack {
                release: release_id(release).clone(),
                after: when.delay(),
                strictness,
            },
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |when: &When| match when {
            When::InTime => "in time for all to know",
            When::Now => "now",
        };
        match self {
            Self::Register(worker, release, intent) => {
                write!(f, "register r{release} of {}", NAMES.workers[*worker])?;
                f.write_str(if *intent == Intent::Rollback { " as a rollback" } else { "" })
            }
            Self::SetLease(millis) => write!(f, "give leases of {millis} ms"),
            Self::Announce(release, style) => write!(f, "announce r{release} ({})", style.as_str()),
            Self::Activate(release, after) => write!(f, "activate r{release} {}", when(after)),
            Self::Promote(release, after) => write!(f, "promote r{release} {}", when(after)),
            Self::Abort(release) => write!(f, "abort r{release}"),
            Self::RollBack(release, after, Strictness::Relaxed) => {
                write!(f, "roll back to r{release} {}", when(after))
            }
            Self::RollBack(release, after, Strictness::Strict) => {
                write!(f, "roll back strictly to r{release} {}", when(after))
            }
        }
    }
}

/// A lease of `millis` ms.
pub(crate) fn lease(millis: u64) -> MaxAge {
    MaxAge::new(Duration::from_millis(millis)).expect("a lease within its range")
}
