//! The model: a scene, its states, and the promises that are to hold in all of them.

use std::sync::Arc;

use skewguard_domain::{Ledger, MaxAge};
use stateright::{Model, Property};

use crate::actions::Action;
use crate::monitor::is_any_breaker_open;
use crate::names::reading;
use crate::notes::Notes;
use crate::promises::{Promise, Sights};
use crate::scene::{Scene, lease};
use crate::world::World;

/// A scene, ready to be checked.
#[derive(Clone)]
pub(crate) struct Fence {
    pub(crate) scene: Arc<Scene>,
    /// What was decided before the scene begins.
    pub(crate) beginning: Ledger,
    /// For how long guards of the scene believe a copy at most.
    pub(crate) limit: MaxAge,
    pub(crate) sights: Arc<Sights>,
    /// The promises that are watched, as bits.
    pub(crate) watched: u8,
}

impl Fence {
    pub(crate) fn new(scene: Scene) -> Self {
        let mut beginning = Ledger::default();
        // A minute lies between one decision and the next.
        for (number, wish) in scene.before.iter().enumerate() {
            let ago = 60_000 * (scene.before.len() - number);
            let at = reading(-i64::try_from(ago).expect("a few minutes"), 0);
            let applied = beginning.apply(&wish.command(), at);
            beginning = applied.expect("what was decided before is in order").ledger;
        }
        let limit = lease(u64::try_from(scene.policy.lease(None).as_millis()).expect("a lease"));
        Self { scene: Arc::new(scene), beginning, limit, sights: Arc::default(), watched: u8::MAX }
    }
}

impl Model for Fence {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let machines = self.scene.machines.iter();
        machines.map(|ahead| World::new(&self.scene, &self.beginning, *ahead)).collect()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.possible(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        self.step(world, action, &mut Notes::none())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            kept::<0>(),
            kept::<1>(),
            kept::<2>(),
            kept::<3>(),
            kept::<4>(),
            kept::<5>(),
            kept::<6>(),
            kept::<7>(),
        ];
        properties.extend(self.scene.aims.iter().map(|aim| aim.property()));
        properties
    }
}

fn kept<const NUMBER: usize>() -> Property<Fence> {
    let promise = Promise::ALL[NUMBER];
    Property::always(promise.name(), |_, world: &World| {
        world.monitor.broken & Promise::ALL[NUMBER].bit() == 0
    })
}

/// Something that has to be possible in a scene, lest its promises are kept for want of occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// A strict release has served.
    StrictTakeover,
    /// So has what took over from it strictly.
    StrictTakeoverTwice,
    /// A breaker is open.
    BreakerOpens,
    /// A manager that has restarted a moment ago has an open breaker.
    BreakerOutlivesRestart,
}

impl Aim {
    pub(crate) fn property(self) -> Property<Fence> {
        match self {
            Self::StrictTakeover => {
                Property::sometimes("a strict release has served", |_, world: &World| {
                    world.monitor.period >= 1
                })
            }
            Self::StrictTakeoverTwice => {
                Property::sometimes("a second strict takeover has served", |_, world: &World| {
                    world.monitor.period >= 2
                })
            }
            Self::BreakerOpens => Property::sometimes("a breaker is open", |_, world: &World| {
                is_any_breaker_open(world)
            }),
            Self::BreakerOutlivesRestart => {
                Property::sometimes("a breaker outlives a restart", |_, world: &World| {
                    let census = world.manager.census.as_ref();
                    let clock = world.manager.clock(world.now);
                    let age = census.and_then(|census| clock.since(census.started_at()));
                    let is_young = age.is_some_and(|age| age < skewguard_domain::EVIDENCE);
                    let has_restarted = world.now > 0 && world.troubles.restarts == 0;
                    is_young && has_restarted && is_any_breaker_open(world)
                })
            }
        }
    }
}
