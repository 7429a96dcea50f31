//! A run: everything that there is, and what happens next.

use std::collections::HashMap;

use fastrand::Rng;
use skewguard_domain::{Command, Delay, Flight, GuardConfig, GuardCore, Mode, OnUnavailable};

use super::agenda::{Agenda, Millis};
use super::asking::Ask;
use super::build::{BuildId, Builds};
use super::darkness::Darkness;
use super::deployer::Deployer;
use super::equality::EqualityGuard;
use super::flow::Request;
use super::isolate::{Fence, Guard, Isolate, millis};
use super::manager::Manager;
use super::managing::Change;
use super::measure::Measure;
use super::network::{Place, places};
use super::promises::{Broken, Promises};
use super::scenario::{Copies, Design, Restart, Scenario};
use super::trace::{Trace, Tracing};
use super::truth::Truth;

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The promises that were broken; only the first few.
    pub broken: Vec<Broken>,
    /// What was counted.
    pub measure: Measure,
    /// What happened, line by line, where it was to be told.
    pub trace: Vec<String>,
}

/// Something that is to happen.
pub(crate) enum Event {
    /// A flow begins in a PoP.
    Arrival { pop: usize },
    /// The second request of a flow arrives.
    Continues(Request),
    /// A request that waits looks whether it may go on.
    Look { isolate: Addressee, waiting: u32 },
    /// A flight has reached the PoP's cache, or looks there again.
    LookUp { isolate: Addressee, flight: Flight },
    /// A question has reached the manager.
    Asked { ask: u64 },
    /// The manager has come to a question, if it still lives that life.
    Served { ask: u64, life: u32 },
    /// A change is to be stored.
    Stored { change: Box<Change> },
    /// An answer is there, or an error.
    Answered { ask: u64 },
    /// Nobody listens any more.
    GivenUp { ask: u64 },
    /// An upload has reached a PoP.
    Uploaded { pop: usize, build: BuildId, share: u8, upload: usize },
    /// A deployer goes on.
    GoesOn { deployer: usize },
    /// The manager moves.
    Restarts(Restart),
}

/// An isolate in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addressee {
    pub(crate) index: usize,
    pub(crate) life: u32,
}

pub(crate) struct World<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) now: Millis,
    /// Who comes when is the same for every design, whatever else is drawn.
    pub(crate) traffic: Rng,
    pub(crate) chance: Rng,
    pub(crate) places: Vec<Place>,
    pub(crate) isolates: Vec<Isolate>,
    pub(crate) manager: Manager,
    /// What is registered in the design that compares for equality.
    pub(crate) registered: Vec<BuildId>,
    pub(crate) asks: HashMap<u64, Ask>,
    pub(crate) asked: u64,
    pub(crate) uploads: usize,
    pub(crate) deployers: Vec<Deployer>,
    pub(crate) truth: Truth,
    pub(crate) promises: Promises,
    pub(crate) measure: Measure,
    pub(crate) trace: Trace,
}

impl Scenario {
    /// Runs it to its end.
    #[must_use]
    pub fn run(&self, tracing: Tracing) -> Outcome {
        let mut world = World::new(self, tracing);
        world.begin();
        while let Some((at, event)) = world.agenda.next() {
            if at > self.length {
                break;
            }
            world.now = at;
            world.happens(event);
        }
        world.end()
    }
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, tracing: Tracing) -> Self {
        let size = scenario.size;
        let strict = scenario.releases.last().is_some_and(|release| {
            release.style.strictness() == skewguard_domain::Strictness::Strict
        });
        let jumps = scenario.has_restarts();
        Self {
            scenario,
            agenda: Agenda::new(),
            now: 0,
            traffic: Rng::with_seed(scenario.seed ^ 0x7_2AFF),
            chance: Rng::with_seed(scenario.seed ^ 0xC_4A9C),
            places: places(scenario),
            isolates: Vec::with_capacity(size.pops * size.workers * size.isolates),
            manager: Manager::new(scenario.store, scenario.capacity),
            registered: scenario.releases[0].builds.iter().map(|(_, build)| *build).collect(),
            asks: HashMap::new(),
            asked: 0,
            uploads: 0,
            deployers: Vec::new(),
            truth: Truth::new(size.workers, &scenario.builds, millis(scenario.policy.lease(None))),
            promises: Promises::new(Darkness::new(size.workers, size.pops), jumps),
            measure: Measure::new(scenario.length, scenario.counted_from, size.workers, strict),
            trace: Trace::new(tracing),
        }
    }

    pub(crate) fn builds(&self) -> &'a Builds {
        &self.scenario.builds
    }

    fn begin(&mut self) {
        let size = self.scenario.size;
        self.begin_with_first_release();
        for pop in 0..size.pops {
            for worker in 0..size.workers {
                for _ in 0..size.isolates {
                    let isolate = self.isolate(pop, worker, 0);
                    self.isolates.push(isolate);
                }
            }
            let first = self.traffic.i64(0..15_000);
            self.agenda.plan(first, Event::Arrival { pop });
        }
        for plan in &self.scenario.plans {
            let deployer = self.deployers.len();
            self.deployers.push(Deployer::new(plan.steps.clone()));
            self.agenda.plan(plan.starts_at, Event::GoesOn { deployer });
        }
        for restart in &self.scenario.restarts {
            self.agenda.plan(restart.at, Event::Restarts(*restart));
        }
        for fault in &self.scenario.faults {
            let first = fault.during.start;
            self.trace.note(first, || format!("(fault) {fault:?}"));
        }
    }

    /// What is there from the beginning has been released two minutes ago.
    fn begin_with_first_release(&mut self) {
        self.now = -120_000;
        let after = Delay::new(core::time::Duration::ZERO);
        let release = self.release_id(0);
        for command in [self.announcement(0), Command::Activate { release, after }] {
            let from = self.manager.ledger.epoch();
            let applied = self.manager.decide(&command, self.now).expect("the first release");
            self.store(from, &applied);
        }
        self.now = 0;
    }

    /// A new isolate for a place in which `life` others were before.
    pub(crate) fn isolate(&mut self, pop: usize, worker: usize, life: u32) -> Isolate {
        let place = &self.places[pop];
        let build = place.deployed[worker].pick(&mut self.chance);
        let offset = place.machines[self.chance.usize(..place.machines.len())];
        let guard = match self.scenario.design {
            Design::Equality => Guard::Equality(EqualityGuard::default()),
            Design::Skewguard => {
                let config = GuardConfig {
                    bundle: Ok(self.builds().get(build).bundle),
                    exempt: Vec::new(),
                    mode: Mode::Enforce,
                    on_unavailable: self.on_unavailable(worker),
                    policy: self.scenario.policy,
                };
                Guard::Skewguard(Box::new(Fence {
                    core: GuardCore::new(config, self.chance.u64(..)),
                    waiting: Vec::new(),
                    waited: 0,
                    held: None,
                    under_way: None,
                    told: "",
                }))
            }
        };
        // Some live as long as the PoP lets them.
        let lives_on = self.chance.u8(0..10) == 0;
        let mean = self.scenario.life * if lives_on { 10 } else { 1 };
        #[expect(clippy::cast_possible_truncation, reason = "a short life")]
        #[expect(clippy::cast_precision_loss, reason = "a short life")]
        let lives = (-(1.0 - self.chance.f64()).ln() * mean as f64) as Millis;
        let ends_at = self.now + 1_000 + lives;
        Isolate { pop, worker, build, life, offset, ends_at, guard }
    }

    pub(crate) fn on_unavailable(&self, worker: usize) -> OnUnavailable {
        let is_closed = self.scenario.closed.contains(&worker);
        if is_closed { OnUnavailable::Closed } else { OnUnavailable::Open }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrival { pop } => self.arrives(pop),
            Event::Continues(request) => self.requested(request),
            Event::Look { isolate, waiting } => self.looks(isolate, waiting),
            Event::LookUp { isolate, flight } => self.looks_up(isolate, flight),
            Event::Asked { ask } => self.is_asked(ask),
            Event::Served { ask, life } => self.serves(ask, life),
            Event::Stored { change } => self.stores(*change),
            Event::Answered { ask } => self.is_answered(ask),
            Event::GivenUp { ask } => self.gives_up(ask),
            Event::Uploaded { pop, build, share, upload } => {
                self.is_uploaded(pop, build, share, upload);
            }
            Event::GoesOn { deployer } => self.goes_on(deployer),
            Event::Restarts(restart) => self.restarts(restart),
        }
    }

    /// Whether questions pass by the PoP's copy.
    pub(crate) fn passes_copies(&self) -> bool {
        let strict = || {
            let open = self.manager.ledger.open_release(self.manager.clock(self.now));
            open.is_some_and(|open| open.style == skewguard_domain::Style::Strict)
        };
        self.scenario.copies == Copies::OffWhileStrict && strict()
    }

    fn end(mut self) -> Outcome {
        self.check_nothing_is_lost();
        if self.promises.is_broken() {
            self.trace.note(self.now, || "promises were broken".to_owned());
        }
        Outcome { broken: self.promises.broken(), measure: self.measure, trace: self.trace.lines() }
    }
}
