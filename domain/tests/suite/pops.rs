//! A model of guards in PoPs: questions and answers take their time, machines have clocks of their
//! own, and those of one PoP share a copy. The manager never fails here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use skewguard_domain::{
    Age, Breaker, Briefing, Bundle, CachePolicy, CopyInfo, Decision, Flight, GuardConfig,
    GuardCore, Lookup, Manifest, MaxAge, Step, Timestamp, Wake, WorkerName,
};

use crate::fixtures::{REQUEST, at, config};
use crate::promises::World;

/// A guard, and what is going to happen to it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) worker: WorkerName,
    pub(crate) bundle: Bundle,
    pub(crate) pop: usize,
    /// What its machine's clock shows more than the manager's.
    pub(crate) ahead: i64,
    /// When requests come.
    pub(crate) requests: Vec<i64>,
    /// How long its questions and answers take, one after the other.
    pub(crate) ways: Vec<(i64, i64)>,
}

/// Whether PoPs share copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    Shared,
    Off,
}

/// A request that was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) at: i64,
    pub(crate) guard: usize,
    pub(crate) decision: Decision,
}

#[derive(Debug)]
enum Happening {
    Request,
    AtManager(Flight, i64),
    Answer(Flight, Box<Briefing>),
}

struct Guard {
    core: GuardCore,
    questions: usize,
    waiting: Vec<Flight>,
}

#[derive(Default)]
struct Pop {
    copy: Option<(CopyInfo, Briefing)>,
    asking_since: Option<Timestamp>,
}

/// What is to happen, and in which order: by its time, and then first come, first served.
#[derive(Default)]
struct Agenda {
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    happenings: Vec<Option<(usize, Happening)>>,
}

impl Agenda {
    fn add(&mut self, millis: i64, guard: usize, happening: Happening) {
        self.queue.push(Reverse((millis, self.happenings.len())));
        self.happenings.push(Some((guard, happening)));
    }

    fn next(&mut self) -> Option<(i64, usize, Happening)> {
        let Reverse((millis, place)) = self.queue.pop()?;
        let (guard, happening) = self.happenings[place].take()?;
        Some((millis, guard, happening))
    }
}

fn manifest(briefing: &Briefing, worker: &WorkerName, age: Age) -> Manifest {
    Manifest {
        max_age: Some(briefing.max_age),
        age,
        age_tolerance: briefing.age_tolerance,
        worker: briefing.workers.get(worker).cloned(),
    }
}

/// Runs all guards through their plans, and tells all decisions in the order of their times.
pub(crate) fn run(world: &World, plans: &[Plan], copies: Copies) -> Vec<Judged> {
    let policy = CachePolicy::default();
    let mut agenda = Agenda::default();
    let mut guards = Vec::new();
    let mut pops: Vec<Pop> = Vec::new();
    for (guard, plan) in plans.iter().enumerate() {
        let config = GuardConfig { bundle: Ok(plan.bundle), ..config(policy) };
        let seed = u64::try_from(guard).expect("few");
        let core = GuardCore::new(config, seed);
        guards.push(Guard { core, questions: 0, waiting: Vec::new() });
        pops.resize_with(pops.len().max(plan.pop + 1), Pop::default);
        for &millis in &plan.requests {
            agenda.add(millis, guard, Happening::Request);
        }
    }
    let mut judged = Vec::new();
    while let Some((millis, number, happening)) = agenda.next() {
        let plan = &plans[number];
        let guard = &mut guards[number];
        let pop = &mut pops[plan.pop];
        let shown = at(millis + plan.ahead);
        let mut judge = |decision| judged.push(Judged { at: millis, guard: number, decision });
        let flight = match happening {
            Happening::Request => match guard.core.on_request(REQUEST, shown) {
                Step::Decided(decision) => {
                    judge(decision);
                    None
                }
                Step::Refresh(decision, flight) => {
                    judge(decision);
                    Some(flight)
                }
                Step::Fetch(flight) => {
                    guard.waiting.push(flight);
                    Some(flight)
                }
                Step::Wait(flight) => {
                    guard.waiting.push(flight);
                    None
                }
            },
            Happening::AtManager(flight, back) => {
                let ledger = world.ledger_at(millis);
                let briefing = ledger.briefing(at(millis), |_| Breaker::Closed);
                agenda.add(millis + back, number, Happening::Answer(flight, Box::new(briefing)));
                None
            }
            Happening::Answer(flight, briefing) => {
                let info = CopyInfo {
                    asked_at: flight.asked_at(),
                    answered_at: shown,
                    max_age: briefing.max_age,
                    age_tolerance: briefing.age_tolerance,
                };
                let told = manifest(&briefing, &plan.worker, Age::NONE);
                guard.core.on_manifest(flight, shown, &told);
                pop.copy = Some((info, *briefing));
                pop.asking_since = None;
                None
            }
        };
        if let Some(flight) = flight {
            let copy = pop.copy.as_ref().filter(|_| copies == Copies::Shared);
            let lookup = copy.map(|(info, briefing)| {
                let since = pop.asking_since;
                (info.look_up(since, shown, MaxAge::DEFAULT, flight.haste()), briefing)
            });
            match lookup {
                Some((Lookup::Use(age), briefing)) => {
                    let told = manifest(briefing, &plan.worker, age);
                    guard.core.on_manifest(flight, shown, &told);
                }
                _ => {
                    let (there, back) = plan.ways[guard.questions % plan.ways.len()];
                    guard.questions += 1;
                    pop.asking_since = Some(shown);
                    agenda.add(millis + there, number, Happening::AtManager(flight, back));
                }
            }
        }
        let waiting = core::mem::take(&mut guard.waiting);
        for flight in waiting {
            match guard.core.on_wake(flight, shown) {
                Wake::Decided(decision) => judge(decision),
                Wake::Wait(_) => guard.waiting.push(flight),
            }
        }
    }
    judged
}
