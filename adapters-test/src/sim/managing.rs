//! What the manager does: it answers questions, stores changes, and moves house.

use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use skewguard_domain::{
    Announcement, Applied, BAND, Command, Convergence, Epoch, Event as LedgerEvent, Ledger,
    Release, ReleaseId, Stage, Strictness,
};

use super::asking::{Answer, Ask, Caller};
use super::build::{BuildId, true_time};
use super::deployer::Errand;
use super::manager::TRIES;
use super::network::Made;
use super::promises::Promise;
use super::scenario::{Design, Restart};
use super::strict::StrictTakeover;
use super::world::{Event, World};

/// A change that was decided, and is to be stored.
pub(crate) struct Change {
    ask: u64,
    life: u32,
    from: Epoch,
    applied: Applied,
    command: Command,
    tries: u32,
}

impl World<'_> {
    /// A question has reached the object.
    pub(crate) fn is_asked(&mut self, ask: u64) {
        self.measure.asked(self.now);
        match self.manager.queue(self.now, &mut self.chance) {
            Some(at) => self.agenda.plan(at, Event::Served { ask, life: self.manager.life }),
            None => self.answers(ask, None),
        }
    }

    /// The object has come to a question.
    pub(crate) fn serves(&mut self, ask: u64, life: u32) {
        if life != self.manager.life {
            self.answers(ask, None);
            return;
        }
        let Some(Ask { caller, pop, .. }) = self.asks.get(&ask) else { return };
        let answer = match caller {
            Caller::Guard(question) => {
                let clock = self.manager.clock(self.now);
                self.truth.advance(&self.scenario.builds, self.now, clock, self.manager.offset);
                let pop = pop.expect("guards are in PoPs");
                for sighting in &question.sightings {
                    let build = self.scenario.builds.find(sighting.bundle.id);
                    let worker = self.scenario.builds.get(build).worker;
                    let reports = sighting.reports;
                    let darkness = &mut self.promises.darkness;
                    darkness.reported((worker, pop), build, reports, self.now, &self.truth);
                }
                let name = self.places[pop].name;
                let briefing = self.manager.brief(name, &question.sightings, self.now);
                Answer::Briefing(Rc::new(Made { briefing, at: self.now }))
            }
            Caller::Equality { isolate, .. } => {
                Answer::Registered(self.registered[self.isolates[isolate.index].worker])
            }
            Caller::Deployer { errand: Errand::Look { release }, .. } => {
                Answer::Sighted(self.is_sighted_everywhere(*release))
            }
            Caller::Deployer { errand: Errand::Change(command), .. } => {
                let command = command.clone();
                self.takes_command(ask, command, 1);
                return;
            }
        };
        self.answers(ask, Some(answer));
    }

    fn answers(&mut self, ask: u64, answer: Option<Answer>) {
        let Some(known) = self.asks.get_mut(&ask) else { return };
        known.answer = answer;
        let at = match known.pop {
            Some(pop) => {
                let place = &self.places[pop];
                self.scenario.way_back(place, pop, self.now, &mut self.chance)
            }
            None => Some(self.now + self.chance.i64(5..15)),
        };
        if let Some(at) = at {
            self.agenda.plan(at, Event::Answered { ask });
        }
    }

    fn takes_command(&mut self, ask: u64, command: Command, tries: u32) {
        if self.scenario.design == Design::Equality {
            if let Command::Register(wish) = &command {
                let build = self.builds().find(wish.bundle);
                let worker = self.builds().get(build).worker;
                self.registered[worker] = build;
                self.measure.takes_over(worker, self.now);
            }
            self.answers(ask, Some(Answer::Decided(Ok(()))));
            return;
        }
        match self.manager.decide(&command, self.now) {
            Ok(applied) => {
                let (life, from) = (self.manager.life, self.manager.ledger.epoch());
                let change = Box::new(Change { ask, life, from, applied, command, tries });
                // While storage writes, the object may take the next request.
                let at = self.now + self.chance.i64(3..25);
                self.agenda.plan(at, Event::Stored { change });
            }
            Err(rejection) => {
                self.trace.note(self.now, || format!("(manager) rejects: {rejection}"));
                self.answers(ask, Some(Answer::Decided(Err(rejection))));
            }
        }
    }

    /// A change arrives in storage.
    pub(crate) fn stores(&mut self, change: Change) {
        let Change { ask, life, from, applied, command, tries } = change;
        if life != self.manager.life {
            self.answers(ask, None);
        } else if self.store(from, &applied) {
            self.trace.note(self.now, || {
                format!("(manager) epoch {}: {command:?}", applied.ledger.epoch().get())
            });
            self.answers(ask, Some(Answer::Decided(Ok(()))));
        } else if tries < TRIES {
            self.trace.note(self.now, || "(manager) another change came first".to_owned());
            self.takes_command(ask, command, tries + 1);
        } else {
            self.answers(ask, None);
        }
    }

    /// Stores a change, if none came before; and takes note of what follows from it.
    pub(crate) fn store(&mut self, from: Epoch, applied: &Applied) -> bool {
        let before = self.manager.ledger.clone();
        if !self.manager.commit(from, applied) {
            return false;
        }
        let (now, clock, offset) = (self.now, self.manager.clock(self.now), self.manager.offset);
        for event in &applied.events {
            self.watches(&before, event);
        }
        self.truth.record(&applied.events, &self.scenario.builds, now, clock, offset);
        true
    }

    /// Strict takeovers are watched from when they are announced.
    fn watches(&mut self, before: &Ledger, event: &LedgerEvent) {
        let clock = self.manager.clock(self.now);
        match event {
            LedgerEvent::Announced { release, .. } if release.stage == Stage::Announced => {
                self.watches_release(release);
            }
            LedgerEvent::Staged { release, stage: Stage::Aborted { .. } } => {
                let builds = self.builds_of(before, release);
                self.promises.strict.end(&builds, clock);
            }
            LedgerEvent::TookOver(took_over) => {
                let takeover = took_over.takeover;
                let build = self.builds().find(takeover.record.bundle);
                let worker = self.builds().get(build).worker;
                if self.builds().get(build).generation > 0 {
                    let at = true_time(takeover.cutover.stop_at, self.manager.offset);
                    self.measure.takes_over(worker, at);
                }
                let announced = before.releases().iter().any(|release| {
                    release.stage == Stage::Announced
                        && release.bundles.values().any(|r| r.bundle == takeover.record.bundle)
                });
                // A release that was announced is watched already.
                if announced && takeover.strictness == Strictness::Strict {
                    return;
                }
                let latest: Vec<_> = self.truth.latest(worker).into_iter().collect();
                let cutover = takeover.cutover;
                let both: Vec<_> = latest.iter().copied().chain([build]).collect();
                self.promises.strict.end(&both, cutover.stop_at);
                if takeover.strictness == Strictness::Strict {
                    let (new, old) = (vec![build], latest);
                    let from = cutover.start_at.before(BAND / 2);
                    let watched = StrictTakeover { new, old, from, until: None, new_served: None };
                    self.promises.strict.watch(watched);
                }
            }
            _ => {}
        }
    }

    fn watches_release(&mut self, release: &Release) {
        if release.style.strictness() != Strictness::Strict {
            return;
        }
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for record in release.bundles.values() {
            let build = self.builds().find(record.bundle);
            let latest = self.truth.latest(self.builds().get(build).worker);
            if latest != Some(build) {
                new.push(build);
                old.extend(latest);
            }
        }
        let from = self.manager.clock(self.now);
        let watched = StrictTakeover { new, old, from, until: None, new_served: None };
        self.promises.strict.watch(watched);
    }

    fn builds_of(&self, ledger: &Ledger, release: &ReleaseId) -> Vec<BuildId> {
        let release = ledger.release(release);
        let records = release.into_iter().flat_map(|release| release.bundles.values());
        records.map(|record| self.builds().find(record.bundle)).collect()
    }

    /// The next life of the object begins.
    pub(crate) fn restarts(&mut self, restart: Restart) {
        let Restart { takes, offset, .. } = restart;
        self.manager.restart(self.now, takes, offset);
        self.promises.darkness.manager_began(self.now + takes);
        let clock = self.manager.clock(self.now);
        self.truth.jump(&self.scenario.builds, self.now, clock, offset);
        self.trace.note(self.now, || {
            format!("(fault) the manager restarts, for {takes} ms; its clock is {offset} ms ahead")
        });
    }

    fn is_sighted_everywhere(&self, release: usize) -> bool {
        let clock = self.manager.clock(self.now);
        let (ledger, census) = (&self.manager.ledger, &self.manager.census);
        let id = self.release_id(release);
        let Some(release) = ledger.release(&id) else { return false };
        let convergence = Convergence::of(release, ledger, census, clock);
        let mut places = convergence.workers.values().flat_map(BTreeMap::values);
        places.all(|place| place.release_seen.is_some())
    }

    pub(crate) fn release_id(&self, release: usize) -> ReleaseId {
        format!("release-{release}").parse().expect("a release's name")
    }

    pub(crate) fn announcement(&self, release: usize) -> Command {
        let plan = &self.scenario.releases[release];
        let bundles = plan.builds.iter().map(|(worker, build)| {
            let build = self.builds().get(*build);
            (self.scenario.names[*worker].clone(), (build.bundle.id, build.deploy_time))
        });
        Command::Announce(Announcement {
            id: self.release_id(release),
            style: plan.style,
            bundles: bundles.collect(),
        })
    }

    /// The ledger is what the audit trail says, and every change has an epoch of its own.
    pub(crate) fn check_nothing_is_lost(&mut self) {
        let mut told = Ledger::default();
        for audited in &self.manager.audit {
            told = told.replay(&audited.events, audited.at);
            if told.epoch() != audited.epoch {
                let epoch = audited.epoch.get();
                self.promises.breaks(Promise::NothingIsLost, self.now, || {
                    format!("two changes led to epoch {epoch}, and both were acknowledged")
                });
                return;
            }
        }
        if told != self.manager.ledger {
            self.promises.breaks(Promise::NothingIsLost, self.now, || {
                "the ledger is not what the audit trail says".to_owned()
            });
        }
    }
}

/// A length of time in ms, as the domain has it.
pub(crate) fn duration(millis: super::agenda::Millis) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}
