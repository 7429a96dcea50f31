//! What a run is about: the network, who deploys what, and what goes wrong.

use core::ops::Range;

use fastrand::Rng;
use skewguard_domain::{CachePolicy, Intent, Strictness, Style, WorkerName};

use super::agenda::Millis;
use super::build::{BuildId, Builds, worker_name};

/// When the release begins of [`Scenario::of_release`], in ms.
pub(crate) const DEPLOY: Millis = 30_000;

/// Everything that a run depends on.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) seed: u64,
    pub(crate) design: Design,
    pub(crate) size: Size,
    pub(crate) length: Millis,
    /// From when on it is counted what happens. Before, everything starts cold.
    pub(crate) counted_from: Millis,
    /// How many requests a second each isolate gets.
    pub(crate) rate: f64,
    /// How many ms the machines of one PoP are apart at most.
    pub(crate) skew: Millis,
    /// How long an isolate lives on average.
    pub(crate) life: Millis,
    pub(crate) policy: CachePolicy,
    /// The Workers that would rather refuse than serve without knowing.
    pub(crate) closed: Vec<usize>,
    pub(crate) copies: Copies,
    pub(crate) store: Store,
    pub(crate) capacity: Capacity,
    pub(crate) builds: Builds,
    pub(crate) names: Vec<WorkerName>,
    /// The first is there from the beginning.
    pub(crate) releases: Vec<ReleasePlan>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) restarts: Vec<Restart>,
}

/// What guards the Workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// Skewguard.
    Skewguard,
    /// One UUID for each Worker, compared for equality.
    Equality,
}

/// Whether the isolates of a PoP share the manager's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// Always.
    Shared,
    /// Except while a strict release is open.
    OffWhileStrict,
}

/// What the manager's storage does with a change that was decided from an older epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// It writes nothing, so that the change is decided anew.
    ComparesEpochs,
    /// It writes it over what is there.
    LastWriterWins,
}

/// How many questions the manager can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// As many as one Durable Object: about 1,000 a second.
    OneObject,
    /// As many as there are. There is no such object.
    Unlimited,
}

/// How large the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Points of presence.
    pub pops: usize,
    /// Workers that belong together.
    pub workers: usize,
    /// Isolates of each Worker in each PoP.
    pub isolates: usize,
}

impl Size {
    /// 330 PoPs with 90 isolates each, of 10 Workers.
    pub const WORLD: Self = Self { pops: 330, workers: 10, isolates: 9 };
}

/// A release, as its deployer means it.
#[derive(Clone, Debug)]
pub(crate) struct ReleasePlan {
    pub(crate) style: Style,
    /// The build of each Worker that it has.
    pub(crate) builds: Vec<(usize, BuildId)>,
}

/// What one deployer does, one step after the other.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) starts_at: Millis,
    pub(crate) steps: Vec<Action>,
}

/// One step. Releases go by their place in the scenario.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Announce {
        release: usize,
    },
    /// Brings one build to the PoPs, where it gets this share of the new isolates, in percent.
    Upload {
        release: usize,
        worker: usize,
        share: u8,
    },
    /// Puts the traffic on a build that was uploaded without any.
    Shift {
        release: usize,
        worker: usize,
    },
    /// Waits until every PoP that was sighted has shown the release.
    AwaitSighted {
        release: usize,
        at_most: Millis,
    },
    Activate {
        release: usize,
        after: Option<Millis>,
    },
    Promote {
        release: usize,
        after: Option<Millis>,
    },
    Abort {
        release: usize,
    },
    RollBack {
        release: usize,
        after: Option<Millis>,
        strictness: Strictness,
    },
    Register {
        release: usize,
        worker: usize,
        intent: Intent,
    },
    SetLease {
        length: Millis,
    },
    Pause {
        length: Millis,
    },
    /// The manager moves, by chance just now.
    Restart {
        takes: Millis,
        offset: Millis,
    },
}

/// Something goes wrong between PoPs and the manager for a while.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) during: Range<Millis>,
    /// The PoPs with these numbers.
    pub(crate) pops: Range<usize>,
    pub(crate) trouble: Trouble,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// Questions are never answered.
    Hangs,
    /// Questions are answered with an error.
    Errs,
    /// This share of the answers gets lost.
    LosesAnswers(f64),
    /// Each way takes up to so many ms longer.
    Slow(Millis),
    /// The PoP's cache drops this share of what it is asked for.
    Forgets(f64),
    /// Uploads do not reach it.
    Unreached,
}

/// The manager moves to another machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    pub(crate) at: Millis,
    pub(crate) takes: Millis,
    /// How far the other machine's clock is ahead, in ms.
    pub(crate) offset: Millis,
}

impl Scenario {
    /// This scenario with another store.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// This scenario with a manager that can answer so many questions.
    #[must_use]
    pub fn with_capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// This scenario with or without copies.
    #[must_use]
    pub fn with_copies(mut self, copies: Copies) -> Self {
        self.copies = copies;
        self
    }

    /// This scenario, where the manager answers nobody from the 60th second on, for so many.
    #[must_use]
    pub fn with_outage(mut self, seconds: u32) -> Self {
        let during = 60_000..60_000 + 1_000 * Millis::from(seconds);
        self.faults.push(Fault { during, pops: 0..self.size.pops, trouble: Trouble::Hangs });
        self
    }

    /// A release of all Workers around the world, without faults but for uploads that take their
    /// time.
    #[must_use]
    pub fn of_release(seed: u64, size: Size, design: Design, style: Style) -> Self {
        let mut scenario = Self::quiet(seed, size, design);
        let next = scenario.release(style, 0..size.workers, DEPLOY);
        let upload = |worker| Action::Upload { release: next, worker, share: 100 };
        let workers = 0..size.workers;
        let mut steps = Vec::new();
        match (design, style) {
            (Design::Equality, _) => {
                for worker in workers {
                    steps.push(upload(worker));
                    let intent = Intent::Deploy;
                    steps.push(Action::Register { release: next, worker, intent });
                }
            }
            (Design::Skewguard, Style::Strict) => {
                steps.push(Action::Announce { release: next });
                // The uploads, without traffic.
                let length = 4_500 * Millis::try_from(size.workers).expect("few Workers");
                steps.push(Action::Pause { length });
                steps.extend(workers.map(|worker| Action::Shift { release: next, worker }));
                steps.push(Action::Activate { release: next, after: None });
            }
            (Design::Skewguard, Style::Plain | Style::Canary) => {
                steps.push(Action::Announce { release: next });
                steps.extend(workers.map(upload));
                steps.push(Action::AwaitSighted { release: next, at_most: 120_000 });
                steps.push(Action::Activate { release: next, after: None });
            }
        }
        scenario.plans.push(Plan { starts_at: DEPLOY, steps });
        scenario
    }

    /// A network in which nothing is deployed and nothing goes wrong.
    pub(crate) fn quiet(seed: u64, size: Size, design: Design) -> Self {
        let mut scenario = Self {
            seed,
            design,
            size,
            length: 260_000,
            counted_from: 20_000,
            rate: 0.5,
            skew: 100,
            life: 90_000,
            policy: CachePolicy::default(),
            closed: Vec::new(),
            copies: Copies::Shared,
            store: Store::ComparesEpochs,
            capacity: Capacity::OneObject,
            builds: Builds::default(),
            names: (0..size.workers).map(worker_name).collect(),
            releases: Vec::new(),
            plans: Vec::new(),
            faults: Vec::new(),
            restarts: Vec::new(),
        };
        scenario.release(Style::Plain, 0..size.workers, -120_000);
        scenario
    }

    /// Whether the manager ever moves.
    pub(crate) fn has_restarts(&self) -> bool {
        let steps = self.plans.iter().flat_map(|plan| &plan.steps);
        let moves = |step: &Action| matches!(step, Action::Restart { .. });
        !self.restarts.is_empty() || steps.into_iter().any(moves)
    }

    /// Adds a release of these Workers, built at that time, and says which it is.
    pub(crate) fn release(
        &mut self,
        style: Style,
        workers: impl IntoIterator<Item = usize>,
        built_at: Millis,
    ) -> usize {
        let generation = self.releases.len();
        let mut rng = Rng::with_seed(self.seed ^ (0xB01D_0000 + generation as u64));
        let builds = workers.into_iter().map(|worker| {
            let deployed = built_at + rng.i64(0..20);
            (worker, self.builds.make(worker, generation, deployed, &mut rng))
        });
        let builds = builds.collect();
        self.releases.push(ReleasePlan { style, builds });
        generation
    }
}
