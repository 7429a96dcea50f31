//! One step of an isolate: requests, questions and answers, and the PoP's copy between them.

use std::sync::Arc;

use skewguard_domain::{
    Age, CopyInfo, Flight, Lookup, Manifest, RequestLine, Sighting, Standing, Step, Tally, Wake,
};

use crate::actions::{Action, Fate};
use crate::fence::Fence;
use crate::manager::{Answer, Health};
use crate::monitor::Seen;
use crate::names::{NAMES, bundle};
use crate::notes::Notes;
use crate::promises::{Promise, Sight};
use crate::scene::Tier;
use crate::world::{Copy, Guard, InFlight, Turn, Waiting, World, millis};

/// What all requests of the model are.
const REQUEST: RequestLine<'_> = RequestLine { method: "GET", path: "/" };

/// How far a question has come.
enum Asked {
    /// The PoP's copy answers it.
    Copy(Copy, Age),
    /// The manager has to, or the copy if that fails.
    Manager(Option<(Copy, Age)>),
}

impl Fence {
    pub(crate) fn isolate_step(
        &self,
        world: &mut World,
        isolate: usize,
        action: Action,
        notes: &mut Notes,
    ) -> Option<()> {
        match action {
            Action::Arrive(place) => self.arrive(world, isolate, place, notes),
            Action::Request(fate) => {
                self.request(world, isolate, fate, notes)?;
                self.end_turn(world, isolate, notes);
                Some(())
            }
            Action::Rest => {
                self.end_turn(world, isolate, notes);
                Some(())
            }
            _ => None,
        }
    }

    fn request(
        &self,
        world: &mut World,
        isolate: usize,
        fate: Fate,
        notes: &mut Notes,
    ) -> Option<()> {
        let now = world.now;
        let guard = Arc::make_mut(&mut world.guards[isolate]);
        let clock = guard.clock(now);
        let before = guard.core.tally().failed_open;
        let step = guard.core.on_request(REQUEST, clock);
        guard.settle();
        let (decision, flight) = match step {
            Step::Decided(decision) => (Some(decision), None),
            Step::Refresh(decision, flight) => (Some(decision), Some(flight)),
            Step::Fetch(flight) | Step::Wait(flight) => {
                guard.waiting = Some(Waiting { flight, since: now });
                (None, matches!(step, Step::Fetch(_)).then_some(flight))
            }
        };
        let failed_open = guard.core.tally().failed_open > before;
        if let Some(decision) = decision {
            let seen = Seen { decision, at: now, failed_open };
            self.decided(world, isolate, seen, notes);
        }
        match flight {
            Some(flight) => self.ask(world, isolate, flight, fate, notes),
            // What becomes of a question makes no difference where there is none.
            None => (fate == Fate::Prompt).then_some(()),
        }
    }

    fn ask(
        &self,
        world: &mut World,
        isolate: usize,
        flight: Flight,
        fate: Fate,
        notes: &mut Notes,
    ) -> Option<()> {
        let fallback = match self.look_up(world, isolate, flight) {
            Asked::Copy(copy, age) => {
                self.sights.note(Sight::CopyUsed);
                notes
                    .say(|| format!("  a copy of {} ms ago answers", world.now - copy.answer.made));
                self.hand(world, isolate, flight, &copy.answer, age);
                return (fate == Fate::Prompt).then_some(());
            }
            Asked::Manager(fallback) => fallback,
        };
        let is_up = world.manager.health == Health::Up;
        match fate {
            Fate::Prompt if is_up => {
                let answer = self.answer(world, isolate, flight);
                self.receive(world, isolate, flight, &answer, notes);
            }
            Fate::Prompt => match fallback {
                Some((copy, age)) => {
                    self.sights.note(Sight::OldCopyUsed);
                    self.hand(world, isolate, flight, &copy.answer, age);
                }
                None => {
                    notes.say(|| "  the manager fails".to_owned());
                    let guard = Arc::make_mut(&mut world.guards[isolate]);
                    guard.core.on_failure(flight, guard.clock(world.now));
                    guard.settle();
                }
            },
            Fate::SlowAnswer if !is_up => return None,
            Fate::SlowQuestion | Fate::SlowAnswer => {
                world.troubles.slow -= 1;
                let has_reached = fate == Fate::SlowAnswer;
                let answer = has_reached.then(|| self.answer(world, isolate, flight));
                let guard = Arc::make_mut(&mut world.guards[isolate]);
                guard.in_flight.push(InFlight { flight, asked: world.now, answer });
            }
        }
        Some(())
    }

    /// What the PoP's copy has to say to a question.
    fn look_up(&self, world: &mut World, isolate: usize, flight: Flight) -> Asked {
        if self.scene.tier == Tier::Manager {
            return Asked::Manager(None);
        }
        let guard = &world.guards[isolate];
        let clock = guard.clock(world.now);
        let pop = &mut world.pops[guard.place.pop];
        let limit = self.limit;
        let bundle = bundle(guard.place.worker, guard.release);
        let worker = &NAMES.workers[guard.place.worker];
        let known = pop.copy.as_ref().filter(|copy| {
            let told = copy.answer.briefing.workers.get(worker);
            let standing = told.map_or(Standing::Unregistered, |told| told.now.of(bundle));
            copy.info.may_know(standing, flight.began_at())
        });
        let looked_up = known.map(|copy| {
            let lookup = copy.info.look_up(pop.asking_since, clock, limit, flight.haste());
            (copy.clone(), lookup)
        });
        let fallback = match looked_up {
            Some((copy, Lookup::Use(age))) => return Asked::Copy(copy, age),
            Some((copy, Lookup::AskOr(age))) => Some((copy, age)),
            Some((_, Lookup::Ask | Lookup::Wait)) | None => None,
        };
        pop.asking_since = Some(clock);
        Asked::Manager(fallback)
    }

    /// The question reaches the manager, and with it the sighting.
    fn answer(&self, world: &mut World, isolate: usize, flight: Flight) -> Answer {
        let guard = &world.guards[isolate];
        let place = &guard.place;
        let sighting = Sighting {
            worker: NAMES.workers[place.worker].clone(),
            bundle: bundle(place.worker, guard.release),
            breaker: flight.breaker(),
            // What guards count decides nothing.
            tally: Tally::default(),
            reports: 1,
        };
        let answer = world.manager.answer(&sighting, place.pop, world.now);
        world.monitor.sighted(&world.manager, guard, world.now);
        answer
    }

    fn arrive(
        &self,
        world: &mut World,
        isolate: usize,
        place: usize,
        notes: &mut Notes,
    ) -> Option<()> {
        let guard = Arc::make_mut(&mut world.guards[isolate]);
        let InFlight { flight, asked, answer } = guard.in_flight.get(place)?.clone();
        if asked == world.now || (answer.is_none() && world.manager.health == Health::Down) {
            return None;
        }
        guard.in_flight.remove(place);
        if guard.clock(world.now) >= flight.deadline() {
            self.sights.note(Sight::LateAnswer);
        }
        let answer = answer.unwrap_or_else(|| self.answer(world, isolate, flight));
        self.receive(world, isolate, flight, &answer, notes);
        Some(())
    }

    /// The manager's answer reaches the isolate, which leaves a copy to its PoP.
    fn receive(
        &self,
        world: &mut World,
        isolate: usize,
        flight: Flight,
        answer: &Answer,
        notes: &mut Notes,
    ) {
        notes.say(|| format!("  the manager has answered {} ms ago", world.now - answer.made));
        let guard = &world.guards[isolate];
        if self.scene.tier != Tier::Manager {
            let info = CopyInfo {
                asked_at: flight.asked_at(),
                answered_at: guard.clock(world.now),
                max_age: answer.briefing.max_age,
                age_tolerance: answer.briefing.age_tolerance,
            };
            let pop = &mut world.pops[guard.place.pop];
            pop.copy = Some(Copy { info, answer: answer.clone() });
            pop.asking_since = None;
        }
        self.hand(world, isolate, flight, answer, Age::NONE);
    }

    /// The guard is handed an answer that is as old as `age` says.
    fn hand(&self, world: &mut World, isolate: usize, flight: Flight, answer: &Answer, age: Age) {
        let now = world.now;
        let guard = Arc::make_mut(&mut world.guards[isolate]);
        let worker = &NAMES.workers[guard.place.worker];
        let manifest = Manifest {
            max_age: Some(answer.briefing.max_age),
            age,
            age_tolerance: answer.briefing.age_tolerance,
            worker: answer.briefing.workers.get(worker).cloned(),
        };
        let clock = guard.clock(now);
        guard.core.on_manifest(flight, clock, &manifest);
        guard.settle();
        let on_the_way = clock.since(flight.asked_at()).unwrap_or_default();
        let spread = millis(on_the_way + age.at_most.saturating_sub(age.at_least));
        let is_first = guard.leased_until <= now;
        guard.spread = if is_first { spread } else { guard.spread.max(spread) };
        guard.leased_until = guard.leased_until.max(answer.until());
    }

    /// Wakes a request that waits, if there is anything to tell it, and lets the next isolate
    /// have its turn.
    fn end_turn(&self, world: &mut World, isolate: usize, notes: &mut Notes) {
        if let Some(waiting) = world.guards[isolate].waiting {
            let deadline = waiting.since + millis(self.scene.policy.timeout());
            let is_over = deadline < world.now + self.scene.tick;
            if !self.wake(world, isolate, waiting, world.now, notes)
                && is_over
                && !self.wake(world, isolate, waiting, deadline, notes)
            {
                self.breaks(world, Promise::FailOpen, notes);
            }
        }
        if isolate + 1 < world.guards.len() {
            world.turn = Turn::Isolate(isolate + 1);
        } else {
            world.tick(&self.scene, self.skew());
        }
    }

    /// Whether the request that waits was decided.
    fn wake(
        &self,
        world: &mut World,
        isolate: usize,
        waiting: Waiting,
        at: i64,
        notes: &mut Notes,
    ) -> bool {
        let guard: &mut Guard = Arc::make_mut(&mut world.guards[isolate]);
        let before = guard.core.tally().failed_open;
        match guard.core.on_wake(waiting.flight, guard.clock(at)) {
            Wake::Decided(decision) => {
                guard.settle();
                guard.waiting = None;
                let failed_open = guard.core.tally().failed_open > before;
                self.decided(world, isolate, Seen { decision, at, failed_open }, notes);
                true
            }
            Wake::Wait(left) => {
                let longest = millis(self.scene.policy.timeout());
                if at + millis(left) > waiting.since + longest {
                    self.breaks(world, Promise::FailOpen, notes);
                }
                false
            }
        }
    }
}
