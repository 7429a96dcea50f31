//! What can happen, and what it is called.

use crate::fence::Fence;
use crate::manager::Health;
use crate::names::{NAMES, ReleaseNo, release_id};
use crate::scene::{Handling, UploadOrder};
use crate::world::{Guard, Turn, World};

/// Something that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The manager handles a deployer's wish, as far as to decide it.
    Decide { deployer: usize, wish: usize },
    /// It stores what it has decided for a deployer.
    Store { deployer: usize },
    /// An isolate is replaced.
    Upload(usize),
    /// The manager's process ends, and another begins.
    Restart,
    /// The manager goes on on another machine, whose clock is so far ahead, in ms.
    Move(i64),
    /// The manager stops answering.
    GoDown,
    /// It answers again.
    ComeUp,
    /// Nothing more happens in the world in this tick.
    Go,
    /// A question of the isolate reaches the manager, or its answer the isolate.
    Arrive(usize),
    /// A request reaches the isolate, and so fares a question that follows from it.
    Request(Fate),
    /// Nothing more happens in the isolate in this tick.
    Rest,
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered at once, or fails at once where the manager is down.
    Prompt,
    /// It takes its time to get there.
    SlowQuestion,
    /// It is answered at once, and the answer takes its time.
    SlowAnswer,
}

impl Fence {
    pub(crate) fn possible(&self, world: &World, actions: &mut Vec<Action>) {
        if world.now >= self.scene.ticks * self.scene.tick || world.monitor.broken != 0 {
            return;
        }
        match world.turn {
            Turn::World => {
                self.changes(world, actions);
                self.uploads(world, actions);
                self.troubles(world, actions);
                actions.push(Action::Go);
            }
            Turn::Isolate(isolate) => {
                let guard = &world.guards[isolate];
                actions.extend((0..guard.in_flight.len()).map(Action::Arrive));
                if guard.waiting.is_none() {
                    actions.push(Action::Request(Fate::Prompt));
                    if world.troubles.slow > 0 {
                        actions.push(Action::Request(Fate::SlowQuestion));
                        actions.push(Action::Request(Fate::SlowAnswer));
                    }
                }
                actions.push(Action::Rest);
            }
        }
    }

    fn changes(&self, world: &World, actions: &mut Vec<Action>) {
        if world.manager.health == Health::Down {
            return;
        }
        for (deployer, wants) in world.deployers.iter().enumerate() {
            if wants.in_hand.is_some() {
                actions.push(Action::Store { deployer });
                continue;
            }
            let wishes = 0..self.scene.wishes[deployer].len();
            let wishes = wishes.filter(|wish| wants.wishes & (1 << wish) != 0);
            actions.extend(wishes.map(|wish| Action::Decide { deployer, wish }));
        }
    }

    fn uploads(&self, world: &World, actions: &mut Vec<Action>) {
        for (number, upload) in self.scene.uploads.iter().enumerate() {
            let is_to_come = world.uploads & (1 << number) != 0;
            if is_to_come && self.may_upload(world, upload.release) {
                actions.push(Action::Upload(number));
            }
        }
    }

    fn may_upload(&self, world: &World, release: ReleaseNo) -> bool {
        let release = world.manager.store.ledger.release(release_id(release));
        match self.scene.upload_order {
            UploadOrder::Any => true,
            UploadOrder::AnnouncedFirst => release.is_some(),
        }
    }

    fn troubles(&self, world: &World, actions: &mut Vec<Action>) {
        if world.troubles.restarts > 0 {
            actions.push(Action::Restart);
        }
        if world.troubles.moves > 0 {
            let others = self.scene.machines.iter().filter(|ahead| **ahead != world.manager.ahead);
            actions.extend(others.map(|ahead| Action::Move(*ahead)));
        }
        match world.manager.health {
            Health::Up if world.troubles.outages > 0 => actions.push(Action::GoDown),
            Health::Up => {}
            Health::Down => actions.push(Action::ComeUp),
        }
    }

    /// What an action is called, where it happens.
    pub(crate) fn describe(&self, world: &World, action: Action) -> String {
        let isolate = || match world.turn {
            Turn::Isolate(isolate) => world.guards[isolate].name(),
            Turn::World => "the world".to_owned(),
        };
        match action {
            Action::Decide { deployer, wish } => {
                let wish = self.scene.wishes[deployer][wish];
                let stored = match self.scene.handling {
                    Handling::AtOnce => "",
                    Handling::Overlapping => ", which is decided and not stored yet",
                };
                format!("deployer {}: {wish}{stored}", deployer + 1)
            }
            Action::Store { deployer } => {
                format!("deployer {}: the decided change is stored", deployer + 1)
            }
            Action::Upload(number) => {
                let upload = self.scene.uploads[number];
                let guard = &world.guards[upload.isolate];
                format!("{} is replaced by a cold isolate with r{}", guard.name(), upload.release)
            }
            Action::Restart => "the manager restarts".to_owned(),
            Action::Move(ahead) => format!("the manager moves; its clock is {ahead} ms ahead"),
            Action::GoDown => "the manager stops answering".to_owned(),
            Action::ComeUp => "the manager answers again".to_owned(),
            Action::Go => "time for requests".to_owned(),
            Action::Arrive(_) => format!("{}: a slow question or answer arrives", isolate()),
            Action::Request(fate) => {
                let fate = match fate {
                    Fate::Prompt => "",
                    Fate::SlowQuestion => "; its question is slow to arrive",
                    Fate::SlowAnswer => "; its question is answered, slowly",
                };
                format!("{}: a request{fate}", isolate())
            }
            Action::Rest => format!("{}: rests", isolate()),
        }
    }
}

impl Guard {
    /// Its Worker, PoP and release.
    pub(crate) fn name(&self) -> String {
        let worker = &NAMES.workers[self.place.worker];
        format!("{worker} in {} (r{})", NAMES.pops[self.place.pop], self.release)
    }
}
