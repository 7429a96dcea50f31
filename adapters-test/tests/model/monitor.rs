//! Watches what is served and refused, and notes which promise that breaks.
//!
//! A guard may know any ledger that was current while what it goes by was handed out. What it
//! decides has to follow from one of these by the rule, as the oracle has it. From when on all
//! guards must know of a change, the model knows from what was handed out, by a clock that is
//! right.

use core::time::Duration;

use skewguard_domain::{
    Breaker, Bundle, Decision, ENOUGH, EVIDENCE, OnUnavailable, Reason, Staleness, Verdict,
};

use crate::fence::Fence;
use crate::manager::Manager;
use crate::names::{WorkerNo, bundle, reading};
use crate::notes::Notes;
use crate::oracle::{current, is_current, may_serve};
use crate::promises::{Promise, Sight};
use crate::scene::{Scene, Tier, Watch};
use crate::world::{Guard, World, millis};

/// What the promises need to know of the past.
#[derive(Clone, Hash)]
pub(crate) struct Monitor {
    /// Promises that were broken, as bits.
    pub(crate) broken: u8,
    /// The last period in which anything has served.
    pub(crate) period: usize,
    /// By Worker and PoP, where there is a census.
    darkness: Vec<[Darkness; 2]>,
}

/// What reached the manager of a Worker in a PoP.
#[derive(Clone, Default, Hash)]
struct Darkness {
    /// Since when nothing that serves was sighted.
    since: i64,
    /// How many sightings were refused meanwhile, up to [`ENOUGH`].
    refused: u32,
    /// When there were enough.
    enough_at: i64,
    /// When something that serves was sighted last.
    lit_at: Option<i64>,
}

/// A decision, as the monitor sees it.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) decision: Decision,
    /// When it was made.
    pub(crate) at: i64,
    /// Whether the guard has counted it as failing open.
    pub(crate) failed_open: bool,
}

impl Monitor {
    pub(crate) fn new(scene: &Scene) -> Self {
        let places = if scene.watch == Watch::Census { 2 } else { 0 };
        Self { broken: 0, period: 0, darkness: vec![Default::default(); places] }
    }

    /// A sighting has reached the manager.
    pub(crate) fn sighted(&mut self, manager: &Manager, guard: &Guard, now: i64) {
        let place = &guard.place;
        let bundle = bundle(place.worker, guard.release);
        let Some(pops) = self.darkness.get_mut(place.worker) else { return };
        let darkness = &mut pops[place.pop];
        darkness.begin(manager, place.worker, now);
        let clock = manager.clock(now);
        let enough = darkness.refused + 1 >= ENOUGH;
        if is_current(&manager.store.ledger, place.worker, bundle, clock) {
            *darkness = Darkness { since: now, lit_at: Some(now), ..Darkness::default() };
        } else if !may_serve(&manager.store.ledger, place.worker, bundle, clock)
            && darkness.refused < ENOUGH
        {
            darkness.refused += 1;
            darkness.enough_at = if enough { now } else { 0 };
        }
    }

    /// The manager has started anew, and remembers no sightings. If one has closed a breaker less
    /// than `lately` ms ago, a question may be on its way from a guard that took it for open
    /// rightly, and brings the new one to open it again.
    pub(crate) fn restarted(&mut self, now: i64, lately: i64) {
        for darkness in self.darkness.iter_mut().flatten() {
            let lit_at = darkness.lit_at.filter(|lit_at| now - lit_at >= lately);
            *darkness = Darkness { since: now, lit_at, ..Darkness::default() };
        }
    }
}

impl Darkness {
    /// A takeover is evidence as well: whoever decided it has seen the bundle run.
    fn begin(&mut self, manager: &Manager, worker: WorkerNo, now: i64) {
        let takeover = current(&manager.store.ledger, worker, manager.clock(now));
        let started = takeover.map(|takeover| takeover.cutover.start_at);
        let elapsed = started.and_then(|started| manager.clock(now).since(started));
        let started = elapsed.map(|elapsed| now - millis(elapsed.min(Duration::from_secs(3_600))));
        if started.is_some_and(|started| started > self.since) {
            self.since = started.unwrap_or_default();
            self.refused = 0;
        }
    }
}

impl Fence {
    /// A guard has decided about a request.
    pub(crate) fn decided(&self, world: &mut World, guard: usize, seen: Seen, notes: &mut Notes) {
        let Seen { decision, at, failed_open } = seen;
        let guard = world.guards[guard].clone();
        self.count(seen);
        notes.say(|| {
            let verdict = if decision.verdict == Verdict::Serve { "served" } else { "refused" };
            let how = if failed_open { ", failing open" } else { "" };
            format!("  {} {verdict}: {:?}{how}", guard.name(), decision.reason)
        });
        let mut broken = Vec::new();
        match (decision.verdict, decision.reason) {
            (verdict, Reason::Unavailable) => {
                let due = match self.scene.on_unavailable {
                    OnUnavailable::Open => Verdict::Serve,
                    OnUnavailable::Closed => Verdict::Refuse,
                };
                broken.extend((verdict != due).then_some(Promise::FailOpen));
            }
            (Verdict::Serve, Reason::BreakerOpen) => {
                broken.extend(self.is_lit(world, &guard, at).then_some(Promise::NeverDark));
            }
            (Verdict::Serve, _) if failed_open => {}
            (Verdict::Serve, _) => {
                if !self.is_explained(world, &guard, seen) {
                    broken.push(self.fence_of(world, &guard));
                }
                broken.extend(self.follows(world, &guard).is_err().then_some(Promise::NoMix));
            }
            (Verdict::Refuse, _) => {
                let explained = self.is_explained(world, &guard, seen);
                broken.extend((!explained).then_some(Promise::NoSelfMadeOutage));
                broken.extend(self.is_dark(world, &guard, at).then_some(Promise::NeverDark));
            }
        }
        let is_failing = guard.core.failures() > 0;
        let is_leased = at < guard.leased_until + self.skew();
        if decision.reason != Reason::Unavailable && !is_failing && !is_leased {
            broken.push(Promise::TiersDoNotAddUp);
        }
        let is_closed = self.scene.on_unavailable == OnUnavailable::Closed;
        let stale_if_error = millis(self.scene.policy.stale_if_error());
        let believes = guard.leased_until > 0 && at < guard.leased_until + stale_if_error;
        if is_closed && decision.verdict == Verdict::Serve && !believes {
            broken.push(Promise::FailOpen);
        }
        for promise in broken {
            self.breaks(world, promise, notes);
        }
    }

    /// Notes that a promise is broken, if it is one of those that are watched.
    pub(crate) fn breaks(&self, world: &mut World, promise: Promise, notes: &mut Notes) {
        if self.watched & promise.bit() != 0 {
            world.monitor.broken |= promise.bit();
            notes.say(|| format!("  BROKEN: {}", promise.name()));
        }
    }

    /// How far a copy's age may be wrong, where the manager does not say that it matters.
    pub(crate) fn skew(&self) -> i64 {
        match self.scene.tier {
            Tier::Manager => 0,
            Tier::Copies { skew } => skew,
        }
    }

    /// Whether the rule has it so, by one of the ledgers that the guard may know, at one of the
    /// instants that it may be by the manager's clock.
    fn is_explained(&self, world: &World, guard: &Guard, seen: Seen) -> bool {
        let worker = guard.place.worker;
        let bundle = bundle(worker, guard.release);
        let serves = seen.decision.verdict == Verdict::Serve;
        let is_failing = guard.core.failures() > 0;
        let grace = if is_failing { millis(self.scene.policy.stale_if_error()) } else { 0 };
        // To stop early is allowed as far as the guard cannot know better.
        let doubt = self.skew() + if serves { 0 } else { guard.spread };
        let manager = &world.manager;
        let earlier = manager.versions.iter().rev();
        let earlier = earlier.filter(|version| version.until + self.skew() + grace > seen.at);
        let ledgers = earlier.map(|version| &version.ledger);
        let mut ledgers = core::iter::once(&manager.store.ledger).chain(ledgers);
        ledgers.any(|ledger| {
            self.scene.machines.iter().any(|ahead| {
                let mut instants = (-doubt..=doubt).step_by(self.grain());
                instants.any(|doubt| {
                    let instant = reading(seen.at + doubt, *ahead);
                    may_serve(ledger, worker, bundle, instant) == serves
                })
            })
        })
    }

    /// All that happens does so at multiples of this, in ms.
    fn grain(&self) -> usize {
        usize::try_from(self.scene.tick).expect("a tick of at least 1 ms")
    }

    /// Which promise is broken by what should not serve.
    fn fence_of(&self, world: &World, guard: &Guard) -> Promise {
        let worker = guard.place.worker;
        let clock = world.manager.clock(world.now);
        let current = current(&world.manager.store.ledger, worker, clock);
        let is_newest = |bundle: Bundle| {
            current.is_some_and(|current| bundle.deploy_time > Some(current.record.deploy_time))
        };
        if is_newest(bundle(worker, guard.release)) {
            Promise::ARollbackIsACutover
        } else {
            Promise::TheFenceHolds
        }
    }

    /// Goes on to the period in which the guard's bundle may serve; there has to be one that is
    /// not over.
    fn follows(&self, world: &mut World, guard: &Guard) -> Result<(), Mixed> {
        let periods = &world.manager.store.periods;
        let is_of = |period: usize| periods[period][guard.place.worker] & (1 << guard.release) != 0;
        let here = world.monitor.period;
        match (here..periods.len()).find(|period| is_of(*period)) {
            Some(period) => {
                world.monitor.period = period;
                Ok(())
            }
            // A bundle that no takeover names yet is none of the old.
            None if !(0..here).any(is_of) => Ok(()),
            None => Err(Mixed),
        }
    }

    /// Whether the guard's place was dark for so long that the breaker must be known to be open.
    fn is_dark(&self, world: &World, guard: &Guard, at: i64) -> bool {
        let place = &guard.place;
        let Some(pops) = world.monitor.darkness.get(place.worker) else { return false };
        let mut darkness = pops[place.pop].clone();
        darkness.begin(&world.manager, place.worker, at);
        let due = darkness.enough_at.max(darkness.since + millis(EVIDENCE));
        let lease = millis(world.manager.store.ledger.lease().max_age.get());
        let is_failing = guard.core.failures() > 0;
        !is_failing && darkness.refused >= ENOUGH && at >= due + lease
    }

    /// Whether something that serves was sighted in the guard's place a lease ago or more, and
    /// within the time that it takes the breaker to open.
    fn is_lit(&self, world: &World, guard: &Guard, at: i64) -> bool {
        let place = &guard.place;
        let Some(pops) = world.monitor.darkness.get(place.worker) else { return true };
        let lease = millis(world.manager.store.ledger.lease().max_age.get());
        let is_failing = guard.core.failures() > 0;
        let lit_at = pops[place.pop].lit_at;
        let is_lit = |lit_at| at - lit_at >= lease && at - lit_at < millis(EVIDENCE);
        !is_failing && lit_at.is_some_and(is_lit)
    }

    fn count(&self, seen: Seen) {
        let sight = match (seen.decision.reason, seen.decision.verdict) {
            (Reason::Unavailable, Verdict::Refuse) => Sight::RefusedUnasked,
            (Reason::Unavailable, Verdict::Serve) => Sight::FailedOpen,
            (Reason::Current, _) => Sight::Current,
            (Reason::Announced, _) => Sight::Announced,
            (Reason::Ahead, _) => Sight::Ahead,
            (Reason::Held, _) => Sight::Held,
            (Reason::Stale(Staleness::Retired), _) => Sight::Retired,
            (Reason::Stale(_), _) => Sight::Older,
            (Reason::BreakerOpen, _) => Sight::BreakerOpen,
            (Reason::Unchecked(_) | Reason::Exempt | Reason::Unregistered, _) => return,
        };
        self.sights.note(sight);
        if sight != Sight::FailedOpen && seen.failed_open {
            self.sights.note(Sight::StaleIfError);
        }
    }
}

/// Old and new have served side by side.
struct Mixed;

/// Whether any breaker is open at this instant.
pub(crate) fn is_any_breaker_open(world: &World) -> bool {
    let Some(census) = &world.manager.census else { return false };
    let ledger = &world.manager.store.ledger;
    let clock = world.manager.clock(world.now);
    let mut places = ledger.workers().keys().flat_map(|worker| {
        census.places(worker).map(move |(pop, _)| census.breaker(ledger, worker, pop, clock))
    });
    places.any(|breaker| breaker == Breaker::Open)
}
