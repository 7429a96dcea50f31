//! Questions on their way: from a guard by its PoP's copy to the manager, and back.

use std::rc::Rc;

use skewguard_domain::{
    Age, CopyInfo, Flight, Haste, Lookup, Manifest, Rejection, Sighting, Standing, Timestamp,
    Verdict, gather,
};

use super::agenda::Millis;
use super::build::{BuildId, reading};
use super::deployer::Errand;
use super::equality::PATIENCE;
use super::flow::{Certainty, Request};
use super::isolate::{Guard, millis};
use super::measure::Timing;
use super::network::{Made, Shared, Way};
use super::requesting::{Landing, Settled};
use super::world::{Addressee, Event, World};

/// A question to the manager.
pub(crate) struct Ask {
    pub(crate) caller: Caller,
    /// Where it comes from; deployers are next to the manager.
    pub(crate) pop: Option<usize>,
    pub(crate) answer: Option<Answer>,
}

/// Who asks.
pub(crate) enum Caller {
    Guard(Box<Question>),
    Equality { isolate: Addressee, request: Request },
    Deployer { deployer: usize, errand: Errand },
}

/// A guard's question.
pub(crate) struct Question {
    pub(crate) isolate: Addressee,
    pub(crate) flight: Flight,
    /// When it left the PoP's cache, by the clock of the machine there.
    asked_at: Timestamp,
    offset: Millis,
    /// What it reports itself.
    own: Sighting,
    /// And what its PoP has gathered with it.
    pub(crate) sightings: Vec<Sighting>,
    /// The copy that may do if this fails.
    copy: Option<Shared>,
    shares: Sharing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// The PoP keeps the answer.
    Kept,
    /// The manager has said not to.
    NoStore,
}

/// What the manager says.
pub(crate) enum Answer {
    Briefing(Rc<Made>),
    Registered(BuildId),
    Decided(Result<(), Rejection>),
    Sighted(bool),
}

impl World<'_> {
    /// Sends a question on its way, and sees to it that it ends.
    fn ask(&mut self, caller: Caller, pop: Option<usize>, patience: Millis) {
        self.asked += 1;
        let ask = self.asked;
        let way = match pop {
            Some(pop) => {
                let scenario = self.scenario;
                scenario.way_there(&self.places[pop], pop, self.now, &mut self.chance)
            }
            None => Way::Arrives(self.now + self.chance.i64(5..15)),
        };
        match way {
            Way::Arrives(at) => self.agenda.plan(at, Event::Asked { ask }),
            Way::Errs(at) => self.agenda.plan(at, Event::Answered { ask }),
            Way::Lost => {}
        }
        self.agenda.plan(self.now + patience, Event::GivenUp { ask });
        self.asks.insert(ask, Ask { caller, pop, answer: None });
    }

    pub(crate) fn asks_for_errand(&mut self, deployer: usize, errand: Errand) {
        self.ask(Caller::Deployer { deployer, errand }, None, 30_000);
    }

    pub(crate) fn asks_for_equality(&mut self, isolate: Addressee, request: Request) {
        let pop = self.isolates[isolate.index].pop;
        self.ask(Caller::Equality { isolate, request }, Some(pop), PATIENCE);
    }

    /// A flight comes by the PoP's cache.
    pub(crate) fn looks_up(&mut self, addressee: Addressee, flight: Flight) {
        let isolate = &self.isolates[addressee.index];
        if isolate.life != addressee.life {
            return;
        }
        let (pop, offset) = (isolate.pop, isolate.offset);
        let now = isolate.clock(self.now);
        let sighting = Sighting {
            worker: self.scenario.names[isolate.worker].clone(),
            bundle: self.builds().get(isolate.build).bundle,
            breaker: flight.breaker(),
            tally: flight.tally(),
            reports: 1,
        };
        if self.scenario.is_forgotten(pop, self.now, &mut self.chance) {
            let place = &mut self.places[pop];
            (place.copy, place.asking_since) = (None, None);
            place.gathered.clear();
        }
        let shares = if self.passes_copies() { Sharing::NoStore } else { Sharing::Kept };
        let limit = self.scenario.policy.max_age();
        let place = &mut self.places[pop];
        let copy = place.copy.clone().filter(|copy| {
            let worker = copy.made.briefing.workers.get(&sighting.worker);
            let standing =
                worker.map_or(Standing::Unregistered, |worker| worker.now.of(sighting.bundle));
            shares == Sharing::Kept && copy.info.may_know(standing, flight.began_at())
        });
        let asking_since = place.asking_since.filter(|_| shares == Sharing::Kept);
        let lookup = match &copy {
            Some(copy) => copy.info.look_up(asking_since, now, limit, flight.haste()),
            None => Lookup::without_copy(asking_since, now),
        };
        match (lookup, &copy) {
            (Lookup::Use(age), Some(copy)) => {
                gather(&mut place.gathered, &sighting);
                self.tells(addressee, flight, &copy.made, age, copy.offset);
                return;
            }
            (Lookup::Wait, _) => {
                let waited = now.since(flight.asked_at()).unwrap_or_default();
                let nap = flight.haste().nap(waited, self.scenario.policy.give_up_after());
                if let Some(nap) = nap {
                    let at = self.now + millis(nap);
                    self.agenda.plan(at, Event::LookUp { isolate: addressee, flight });
                    return;
                }
                if flight.haste() == Haste::Background {
                    self.lands(addressee, flight, None);
                    return;
                }
            }
            _ => {}
        }
        let mut sightings = Vec::new();
        if shares == Sharing::Kept {
            place.asking_since = Some(now);
            sightings.clone_from(&place.gathered);
        }
        gather(&mut sightings, &sighting);
        let question = Question {
            isolate: addressee,
            flight,
            asked_at: now,
            offset,
            own: sighting,
            sightings,
            copy,
            shares,
        };
        let since_asked = now.since(flight.asked_at()).unwrap_or_default();
        let patience = self.scenario.policy.give_up_after().saturating_sub(since_asked);
        let patience = millis(patience);
        self.ask(Caller::Guard(Box::new(question)), Some(pop), patience);
    }

    /// The answer, or an error, has come back.
    pub(crate) fn is_answered(&mut self, ask: u64) {
        let Some(Ask { caller, answer, .. }) = self.asks.remove(&ask) else { return };
        match (caller, answer) {
            (Caller::Guard(question), Some(Answer::Briefing(made))) => {
                self.brings_back(&question, &made);
            }
            (Caller::Guard(question), _) => self.comes_to_nothing(*question),
            (Caller::Equality { isolate, request }, answer) => {
                let registered = match answer {
                    Some(Answer::Registered(build)) => Some(build),
                    _ => None,
                };
                let asker = &mut self.isolates[isolate.index];
                if asker.life != isolate.life {
                    return;
                }
                if let (Guard::Equality(guard), Some(build)) = (&mut asker.guard, registered) {
                    guard.learns(build, self.now);
                }
                self.compares(isolate, request, registered);
            }
            (Caller::Deployer { deployer, errand }, answer) => {
                self.hears(deployer, errand, answer);
            }
        }
    }

    /// Nobody waits for the answer any longer.
    pub(crate) fn gives_up(&mut self, ask: u64) {
        if let Some(known) = self.asks.get_mut(&ask) {
            known.answer = None;
            self.is_answered(ask);
        }
    }

    fn brings_back(&mut self, question: &Question, made: &Rc<Made>) {
        let &Question { isolate, flight, asked_at, offset, .. } = question;
        if question.shares == Sharing::Kept {
            let info = CopyInfo {
                asked_at,
                answered_at: reading(self.now, offset),
                max_age: made.briefing.max_age,
                age_tolerance: made.briefing.age_tolerance,
            };
            let place = &mut self.places[self.isolates[isolate.index].pop];
            place.asking_since = None;
            place.copy = Some(Shared { info, made: Rc::clone(made), offset });
            place.gathered.clear();
        }
        self.tells(isolate, flight, made, Age::NONE, offset);
    }

    /// The copy of before will do, where there is one. What is sighted is still to be told then.
    fn comes_to_nothing(&mut self, question: Question) {
        let Question { isolate, flight, offset, own, copy, .. } = question;
        let now = reading(self.now, offset);
        let limit = self.scenario.policy.max_age();
        let still_good =
            copy.and_then(|copy| match copy.info.look_up(None, now, limit, Haste::Waiting) {
                Lookup::Use(age) | Lookup::AskOr(age) => Some((copy, age)),
                Lookup::Ask | Lookup::Wait => None,
            });
        match still_good {
            Some((copy, age)) => {
                let place = &mut self.places[self.isolates[isolate.index].pop];
                gather(&mut place.gathered, &own);
                self.tells(isolate, flight, &copy.made, age, copy.offset);
            }
            None => self.lands(isolate, flight, None),
        }
    }

    fn tells(
        &mut self,
        addressee: Addressee,
        flight: Flight,
        made: &Made,
        age: Age,
        stamped: Millis,
    ) {
        let isolate = &self.isolates[addressee.index];
        if isolate.life != addressee.life {
            return;
        }
        let policy = self.scenario.policy;
        let manifest = Manifest {
            max_age: Some(made.briefing.max_age),
            age,
            age_tolerance: made.briefing.age_tolerance,
            worker: made.briefing.workers.get(&self.scenario.names[isolate.worker]).cloned(),
        };
        let lease = policy.lease(manifest.max_age);
        let truth = (made.at, (isolate.offset - stamped).abs());
        let now = isolate.clock(self.now);
        let landing =
            Landing::new(manifest, lease, flight.asked_at(), now, truth, policy.stale_if_error());
        self.lands(addressee, flight, Some(landing));
    }

    /// A guard compares its bundle with the registered one, if it could learn of it.
    pub(crate) fn compares(
        &mut self,
        isolate: Addressee,
        request: Request,
        registered: Option<BuildId>,
    ) {
        let own = self.isolates[isolate.index].build;
        let is_refused = registered.is_some_and(|registered| registered != own);
        let settled = Settled {
            reason: None,
            verdict: if is_refused { Verdict::Refuse } else { Verdict::Serve },
            // To serve what is not known is all that this design has for a failing manager.
            certainty: Certainty::Known,
            timing: Timing::Any,
        };
        self.goes_its_way(isolate, request, &settled);
    }
}
