//! One step of the world: what an action does.

use std::sync::Arc;

use skewguard_domain::{Applied, Epoch};

use crate::actions::Action;
use crate::fence::Fence;
use crate::kept::Kept;
use crate::manager::Health;
use crate::notes::Notes;
use crate::promises::{Promise, Sight};
use crate::scene::Handling;
use crate::world::{Guard, InHand, Turn, World, millis};

impl Fence {
    /// The world after `action`; `None` if nothing came of it.
    pub(crate) fn step(&self, world: &World, action: Action, notes: &mut Notes) -> Option<World> {
        match world.turn {
            Turn::World => self.world_step(world, action, notes),
            Turn::Isolate(isolate) => {
                let mut next = world.clone();
                self.isolate_step(&mut next, isolate, action, notes)?;
                Some(next)
            }
        }
    }

    fn world_step(&self, world: &World, action: Action, notes: &mut Notes) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Decide { deployer, wish } => self.decide(&mut next, deployer, wish, notes)?,
            Action::Store { deployer } => {
                let in_hand = next.deployers[deployer].in_hand.take()?;
                let InHand { wish, base, ref change } = *in_hand;
                self.store(&mut next, deployer, wish, base, change.clone(), notes);
            }
            Action::Upload(number) => {
                let upload = self.scene.uploads[number];
                next.uploads &= !(1 << number);
                let guard = &mut next.guards[upload.isolate];
                if guard.release == upload.release {
                    return None;
                }
                *guard = Arc::new(Guard::new(&self.scene, guard.place, upload.release));
            }
            Action::Restart => {
                next.troubles.restarts -= 1;
                next.manager.restart(&self.scene, world.now);
                let lease = world.manager.store.ledger.lease().max_age;
                let lately = millis(lease.get()) + self.scene.longest_flight();
                next.monitor.restarted(world.now, lately);
                for deployer in &mut next.deployers {
                    deployer.in_hand = None;
                }
            }
            Action::Move(ahead) => {
                next.troubles.moves -= 1;
                next.manager.ahead = ahead;
            }
            Action::GoDown => {
                next.troubles.outages -= 1;
                next.manager.health = Health::Down;
            }
            Action::ComeUp => next.manager.health = Health::Up,
            Action::Go => next.turn = Turn::Isolate(0),
            Action::Arrive(_) | Action::Request(_) | Action::Rest => return None,
        }
        Some(next)
    }

    fn decide(
        &self,
        world: &mut World,
        deployer: usize,
        wish: usize,
        notes: &mut Notes,
    ) -> Option<()> {
        let ledger = world.manager.store.ledger.clone();
        let command = self.scene.wishes[deployer][wish].command();
        let change = match ledger.apply(&command, world.manager.clock(world.now)) {
            Ok(change) => change,
            Err(_) => {
                self.sights.note(Sight::Rejected);
                return None;
            }
        };
        if change.events.is_empty() {
            return None;
        }
        let base = ledger.epoch();
        match self.scene.handling {
            Handling::AtOnce => self.store(world, deployer, wish, base, change, notes),
            Handling::Overlapping => {
                let identity = (wish, base.get(), format!("{:?}", change.events));
                let in_hand = InHand { wish, base, change };
                world.deployers[deployer].in_hand = Some(Kept::told_by(in_hand, identity));
            }
        }
        Some(())
    }

    /// Stores a change and acknowledges it; or rejects it, and the deployer may try again.
    fn store(
        &self,
        world: &mut World,
        deployer: usize,
        wish: usize,
        base: Epoch,
        change: Applied,
        notes: &mut Notes,
    ) {
        if world.manager.change(base, change).is_err() {
            self.sights.note(Sight::Conflict);
            notes.say(|| "  rejected: another change has come in between".to_owned());
            return;
        }
        world.deployers[deployer].wishes &= !(1 << wish);
        let store = &world.manager.store;
        notes.say(|| format!("  acknowledged: epoch {}", store.ledger.epoch().get()));
        if !store.is_whole(&self.beginning) {
            self.breaks(world, Promise::NoLostChange, notes);
        }
    }
}
