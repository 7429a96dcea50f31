//! The state of a scene.

use core::hash::{Hash, Hasher};
use core::time::Duration;
use std::hash::DefaultHasher;
use std::sync::Arc;

use skewguard_domain::{
    Applied, BAND, Census, CopyInfo, Epoch, Flight, GuardConfig, GuardCore, Ledger, Mode, Timestamp,
};

use crate::kept::Kept;
use crate::manager::{Answer, Health, Manager, Store, keep};
use crate::monitor::Monitor;
use crate::names::{ReleaseNo, bundle, reading};
use crate::scene::{Isolate, Scene, Tier, Troubles, Watch};

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    /// The deployers', the manager's and chance's.
    World,
    /// An isolate's.
    Isolate(usize),
}

/// Everything, at one instant. What goes on within a tick takes turns: first the world, then one
/// isolate after the other.
#[derive(Clone)]
pub(crate) struct World {
    /// The time, in ms since the beginning.
    pub(crate) now: i64,
    pub(crate) turn: Turn,
    pub(crate) manager: Manager,
    pub(crate) deployers: [Deployer; 2],
    /// Uploads to come, as bits.
    pub(crate) uploads: u32,
    pub(crate) guards: Vec<Arc<Guard>>,
    pub(crate) pops: [PointOfPresence; 2],
    /// What may still go wrong.
    pub(crate) troubles: Troubles,
    pub(crate) monitor: Monitor,
    /// For how long after a lease a manifest may still decide, in ms.
    stale_if_error: i64,
    /// For how long after a guard with a new bundle began it matters when it did, in ms.
    newness: i64,
}

/// Who wants something of the manager.
#[derive(Clone)]
pub(crate) struct Deployer {
    /// Wishes to come, as bits.
    pub(crate) wishes: u32,
    /// A change that is decided and not stored yet.
    pub(crate) in_hand: Option<Kept<InHand>>,
}

pub(crate) struct InHand {
    pub(crate) wish: usize,
    pub(crate) base: Epoch,
    pub(crate) change: Applied,
}

/// What the machines of a PoP share.
#[derive(Clone, Default)]
pub(crate) struct PointOfPresence {
    pub(crate) copy: Option<Copy>,
    pub(crate) asking_since: Option<Timestamp>,
}

#[derive(Clone, Hash)]
pub(crate) struct Copy {
    pub(crate) info: CopyInfo,
    pub(crate) answer: Answer,
}

/// An isolate with its guard.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) place: Isolate,
    pub(crate) release: ReleaseNo,
    pub(crate) core: GuardCore,
    /// Questions on their way, and answers.
    pub(crate) in_flight: Vec<InFlight>,
    pub(crate) waiting: Option<Waiting>,
    /// Until when the freshest manifest that it was handed may be believed.
    pub(crate) leased_until: i64,
    /// How uncertain the guard is about when a manifest was made that it may go by, in ms.
    pub(crate) spread: i64,
}

#[derive(Clone)]
pub(crate) struct InFlight {
    pub(crate) flight: Flight,
    pub(crate) asked: i64,
    /// What the manager answered, if the question has reached it.
    pub(crate) answer: Option<Answer>,
}

/// A request that waits for an answer.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) flight: Flight,
    pub(crate) since: i64,
}

impl World {
    /// How `scene` begins, where the manager's clock is `ahead`.
    pub(crate) fn new(scene: &Scene, beginning: &Ledger, ahead: i64) -> Self {
        let census = || keep(Census::new(reading(0, ahead)));
        let manager = Manager {
            store: Store::new(beginning.clone()),
            health: Health::Up,
            ahead,
            census: (scene.watch == Watch::Census).then(census),
            handed_until: 0,
            versions: Vec::new(),
        };
        let all = |number: usize| (1_u32 << number) - 1;
        let deployers = scene.wishes.each_ref();
        let guards = scene.isolates.iter();
        Self {
            now: 0,
            turn: Turn::World,
            manager,
            deployers: deployers
                .map(|wishes| Deployer { wishes: all(wishes.len()), in_hand: None }),
            uploads: all(scene.uploads.len()),
            guards: guards
                .map(|place| Arc::new(Guard::new(scene, *place, place.release)))
                .collect(),
            pops: Default::default(),
            troubles: scene.troubles,
            monitor: Monitor::new(scene),
            stale_if_error: millis(scene.policy.stale_if_error()),
            newness: match scene.tier {
                Tier::Manager => 0,
                // No copy that will do then can be from before.
                Tier::Copies { .. } => millis(scene.policy.lease(None)) + millis(BAND),
            },
        }
    }

    /// All turns are over: time goes on. What nobody can notice any more is dropped, where the
    /// clocks of a PoP are `skew` ms apart.
    pub(crate) fn tick(&mut self, scene: &Scene, skew: i64) {
        self.turn = Turn::World;
        self.now += scene.tick;
        let now = self.now;
        let over = now - self.stale_if_error - skew;
        self.manager.versions.retain(|version| version.until > over);
        let is_lost = |flying: &InFlight| now - flying.asked > scene.longest_flight();
        for guard in &mut self.guards {
            if guard.in_flight.iter().any(is_lost) {
                Arc::make_mut(guard).in_flight.retain(|flying| !is_lost(flying));
            }
        }
        for (number, pop) in self.pops.iter_mut().enumerate() {
            if pop.copy.as_ref().is_some_and(|copy| copy.answer.until() + skew <= now) {
                pop.copy = None;
            }
            let all = scene.isolates.iter().filter(|isolate| isolate.pop == number);
            let earliest = all.map(|isolate| isolate.ahead).min().unwrap_or_default();
            let asking = skewguard_domain::ASKING;
            if pop.asking_since.is_some_and(|since| since.after(asking) <= reading(now, earliest)) {
                pop.asking_since = None;
            }
        }
    }

    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Guard {
    /// A cold guard in an isolate that runs a bundle of `release`.
    pub(crate) fn new(scene: &Scene, place: Isolate, release: ReleaseNo) -> Self {
        let config = GuardConfig {
            bundle: Ok(bundle(place.worker, release)),
            exempt: Vec::new(),
            mode: Mode::Enforce,
            on_unavailable: scene.on_unavailable,
            policy: scene.policy,
        };
        Self {
            place,
            release,
            core: GuardCore::new(config, JITTER),
            in_flight: Vec::new(),
            waiting: None,
            leased_until: 0,
            spread: 0,
        }
    }

    /// What its clock shows.
    pub(crate) fn clock(&self, now: i64) -> Timestamp {
        reading(now, self.place.ahead)
    }

    /// Lets the next jitter be the same in every state.
    pub(crate) fn settle(&mut self) {
        self.core.reseed(JITTER);
    }
}

/// The seed of all jitter.
const JITTER: u64 = 0;

/// `length` in ms.
pub(crate) fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).expect("a length of at most a day")
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let now = self.now;
        let Manager { store, health, ahead, census, handed_until, versions } = &self.manager;
        (now, self.turn, &store.ledger, &store.trail, health, ahead, census).hash(state);
        ((*handed_until).max(now), versions, self.uploads, self.troubles).hash(state);
        for deployer in &self.deployers {
            (deployer.wishes, &deployer.in_hand).hash(state);
        }
        for pop in &self.pops {
            (&pop.copy, pop.asking_since).hash(state);
        }
        for guard in &self.guards {
            guard.release.hash(state);
            guard.core.fingerprint(guard.clock(now), state);
            // What was there at the beginning is known to every copy.
            let is_news = guard.release != guard.place.release;
            let is_new =
                |began_at: &Timestamp| is_news && guard.clock(now - self.newness) < *began_at;
            guard.core.began_at().filter(is_new).hash(state);
            guard.in_flight.len().hash(state);
            for flying in &guard.in_flight {
                (flying.asked, &flying.answer).hash(state);
            }
            guard.waiting.map(|waiting| waiting.since).hash(state);
            let is_of_use = guard.leased_until + self.stale_if_error > now;
            is_of_use.then_some((guard.leased_until, guard.spread)).hash(state);
        }
        self.monitor.hash(state);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}
