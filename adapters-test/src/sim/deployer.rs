//! Deployers: they carry out their plan step by step, and repeat what was not answered.

use std::collections::VecDeque;

use skewguard_domain::{Command, Delay, MaxAge, Registration, Rejection, ReleaseId};

use super::agenda::Millis;
use super::asking::Answer;
use super::build::BuildId;
use super::managing::duration;
use super::scenario::{Action, Restart};
use super::world::{Event, World};

/// How long an upload takes its deployer, in ms; it begins to reach PoPs after the first second.
const UPLOAD: core::ops::Range<Millis> = 3_000..6_000;

/// How long it takes to put traffic on what was uploaded before, in ms.
const SHIFT: core::ops::Range<Millis> = 200..500;

/// How often a command is repeated that was not answered.
const REPETITIONS: u32 = 40;

/// A deployer, and what is left of its plan.
pub(crate) struct Deployer {
    steps: VecDeque<Action>,
    repetitions: u32,
    /// Since when it waits for a release to be sighted.
    awaits_since: Option<Millis>,
}

/// What a deployer wants of the manager.
#[derive(Clone)]
pub(crate) enum Errand {
    Change(Command),
    /// Has every PoP shown this release?
    Look {
        release: usize,
    },
}

impl Deployer {
    pub(crate) fn new(steps: Vec<Action>) -> Self {
        Self { steps: steps.into(), repetitions: 0, awaits_since: None }
    }
}

impl World<'_> {
    /// A deployer takes its next step.
    pub(crate) fn goes_on(&mut self, deployer: usize) {
        let Some(step) = self.deployers[deployer].steps.front().cloned() else { return };
        match step {
            Action::Pause { length } => self.waits_for(deployer, length),
            Action::Restart { takes, offset } => {
                self.restarts(Restart { at: self.now, takes, offset });
                self.waits_for(deployer, 0);
            }
            Action::Upload { release, worker, share } => {
                let takes = self.chance.i64(UPLOAD);
                self.uploads(self.build_of(release, worker), share, self.now + 1_000);
                self.waits_for(deployer, takes);
            }
            Action::Shift { release, worker } => {
                let takes = self.chance.i64(SHIFT);
                self.uploads(self.build_of(release, worker), 100, self.now + takes);
                self.waits_for(deployer, takes);
            }
            Action::AwaitSighted { release, at_most } => {
                let now = self.now;
                let since = *self.deployers[deployer].awaits_since.get_or_insert(now);
                if now - since >= at_most {
                    self.deployers[deployer].awaits_since = None;
                    self.waits_for(deployer, 0);
                } else {
                    self.asks_for_errand(deployer, Errand::Look { release });
                }
            }
            step => {
                let command = self.command(&step);
                self.asks_for_errand(deployer, Errand::Change(command));
            }
        }
    }

    /// The manager has answered a deployer, or not.
    pub(crate) fn hears(&mut self, deployer: usize, errand: Errand, answer: Option<Answer>) {
        match (errand, answer) {
            (Errand::Look { .. }, Some(Answer::Sighted(true))) => {
                self.deployers[deployer].awaits_since = None;
                self.waits_for(deployer, 0);
            }
            (Errand::Look { .. }, _) => {
                self.agenda.plan(self.now + 1_000, Event::GoesOn { deployer });
            }
            (Errand::Change(_), Some(Answer::Decided(Ok(())))) => {
                self.deployers[deployer].repetitions = 0;
                self.waits_for(deployer, 0);
            }
            (Errand::Change(_), Some(Answer::Decided(Err(rejection)))) => {
                self.is_rejected(deployer, &rejection);
            }
            (Errand::Change(_), _) => {
                let known = &mut self.deployers[deployer];
                known.repetitions += 1;
                if known.repetitions < REPETITIONS {
                    self.agenda.plan(self.now + 1_000, Event::GoesOn { deployer });
                }
            }
        }
    }

    /// A deployer that is rejected leaves everything as it is.
    fn is_rejected(&mut self, deployer: usize, rejection: &Rejection) {
        self.trace.note(self.now, || format!("(deployer {deployer}) gives up: {rejection}"));
        self.deployers[deployer].steps.clear();
    }

    fn waits_for(&mut self, deployer: usize, length: Millis) {
        self.deployers[deployer].steps.pop_front();
        self.agenda.plan(self.now + length, Event::GoesOn { deployer });
    }

    fn command(&self, step: &Action) -> Command {
        let delay = |after: Option<Millis>| after.and_then(|after| Delay::new(duration(after)));
        let id = |release: usize| -> ReleaseId { self.release_id(release) };
        match *step {
            Action::Announce { release } => self.announcement(release),
            Action::Activate { release, after } => {
                Command::Activate { release: id(release), after: delay(after) }
            }
            Action::Promote { release, after } => {
                Command::Promote { release: id(release), after: delay(after) }
            }
            Action::Abort { release } => Command::Abort { release: id(release) },
            Action::RollBack { release, after, strictness } => {
                Command::RollBack { release: id(release), after: delay(after), strictness }
            }
            Action::Register { release, worker, intent } => {
                let build = self.builds().get(self.build_of(release, worker));
                Command::Register(Registration {
                    worker: self.scenario.names[worker].clone(),
                    bundle: build.bundle.id,
                    deploy_time: build.deploy_time,
                    intent,
                })
            }
            Action::SetLease { length } => {
                Command::SetLease(MaxAge::new(duration(length)).expect("a lease"))
            }
            Action::Restart { .. }
            | Action::Upload { .. }
            | Action::Shift { .. }
            | Action::AwaitSighted { .. }
            | Action::Pause { .. } => unreachable!("the manager has nothing to do with it"),
        }
    }

    fn build_of(&self, release: usize, worker: usize) -> BuildId {
        let builds = &self.scenario.releases[release].builds;
        let of_worker = builds.iter().find(|(named, _)| *named == worker);
        of_worker.expect("a deployer uploads Workers of its release").1
    }

    /// An upload begins to reach PoPs: most within seconds, some much later.
    fn uploads(&mut self, build: BuildId, share: u8, from: Millis) {
        self.uploads += 1;
        let upload = self.uploads;
        self.trace.note(from, || format!("(deployer) uploads build {} for {share} %", build.0));
        for pop in 0..self.places.len() {
            // A PoP that is slow is slow for every Worker.
            let slowness = fastrand::Rng::with_seed(self.scenario.seed ^ pop as u64).f64();
            let delay = match slowness {
                slow if slow < 0.7 => self.chance.i64(500..8_000),
                slow if slow < 0.96 => self.chance.i64(5_000..25_000),
                _ => self.chance.i64(30_000..100_000),
            };
            if !self.scenario.is_unreached(pop, from) {
                self.agenda.plan(from + delay, Event::Uploaded { pop, build, share, upload });
            }
        }
    }

    /// New isolates of a PoP get the upload. Most of the others end within seconds.
    pub(crate) fn is_uploaded(&mut self, pop: usize, build: BuildId, share: u8, upload: usize) {
        let worker = self.builds().get(build).worker;
        if !self.places[pop].deployed[worker].take(build, share, upload) {
            return;
        }
        self.trace.note(self.now, || format!("P{pop} has build {} of worker-{worker}", build.0));
        let size = self.scenario.size;
        let first = (pop * size.workers + worker) * size.isolates;
        for index in first..first + size.isolates {
            if self.chance.u8(0..100) < 93 {
                let soon = self.now + self.chance.i64(0..5_000);
                let ends_at = &mut self.isolates[index].ends_at;
                *ends_at = soon.min(*ends_at);
            }
        }
    }
}
