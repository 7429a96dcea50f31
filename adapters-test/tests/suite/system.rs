//! A whole system: isolates of several Workers in several PoPs, and the manager that they ask.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use skewguard_domain::{
    Bundle, CachePolicy, Command, Decision, GuardConfig, Intent, Manifest, Mode, OnUnavailable,
    Pop, Reason, Staleness, Timestamp, Verdict, WorkerName,
};
use skewguard_ports::wire::{BriefingAnswer, SightingsBody, parse_sightings};
use skewguard_ports::{
    Changed, Clock, Guard, PopTier, Question, Timer, Told, Transport, TransportError,
};
use skewguard_test::{Executor, ManualClock, MemoryCache, Outcome, RecordingLog};

use crate::fixtures::{deployed, id, ms, register, secs, worker};
use crate::isolate::REQUEST;
use crate::world::{TestManager, World, change};

const fn serve(reason: Reason) -> Decision {
    Decision { reason, verdict: Verdict::Serve }
}

const fn refuse(reason: Reason) -> Decision {
    Decision { reason, verdict: Verdict::Refuse }
}

pub(crate) const ANNOUNCED: Decision = serve(Reason::Announced);
pub(crate) const BREAKER_OPEN: Decision = serve(Reason::BreakerOpen);
pub(crate) const HELD: Decision = refuse(Reason::Held);
pub(crate) const RETIRED: Decision = refuse(Reason::Stale(Staleness::Retired));

/// A machine's clock, which is ahead of the manager's, or behind it.
#[derive(Clone)]
pub(crate) struct SkewedClock {
    clock: ManualClock,
    ahead: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.clock.now().as_unix_millis() + self.ahead)
    }
}

#[async_trait]
impl Timer for SkewedClock {
    async fn sleep(&self, length: Duration) {
        self.clock.sleep(length).await;
    }
}

/// The way from a guard to the manager, which all goes as the JSON that is sent.
struct ManagerTransport {
    manager: Arc<TestManager>,
    is_up: Arc<AtomicBool>,
    clock: ManualClock,
    pop: Pop,
    /// How long the question takes, and the answer.
    takes: (Duration, Duration),
}

#[async_trait]
impl Transport for ManagerTransport {
    async fn manifest(
        &self,
        question: &Question,
        timeout: Duration,
    ) -> Result<Told, TransportError> {
        if self.takes.0 + self.takes.1 >= timeout {
            self.clock.sleep(timeout).await;
            return Err(TransportError::Timeout);
        }
        let malformed = TransportError::Malformed;
        let body = SightingsBody::new(self.pop, &question.sightings);
        let body = serde_json::to_vec(&body).map_err(|_| malformed)?;
        self.clock.sleep(self.takes.0).await;
        if !self.is_up.load(Ordering::Relaxed) {
            return Err(TransportError::Unreachable);
        }
        let (pop, sightings) = parse_sightings(&body).map_err(|_| malformed)?;
        let told = self.manager.brief(pop, &sightings).await;
        let (epoch, briefing) = told.map_err(|_| TransportError::Status(500))?;
        let text = serde_json::to_string(&BriefingAnswer::new(epoch, &briefing));
        let text = text.map_err(|_| malformed)?;
        self.clock.sleep(self.takes.1).await;
        let answer: BriefingAnswer = serde_json::from_str(&text).map_err(|_| malformed)?;
        Ok(Told { manifest: answer.manifest(&question.worker)?, text: Some(text) })
    }

    fn read(&self, text: &str, worker: &WorkerName) -> Option<Manifest> {
        let answer: BriefingAnswer = serde_json::from_str(text).ok()?;
        answer.manifest(worker).ok()
    }
}

/// Any way to the manager.
struct Way(Arc<dyn Transport>);

#[async_trait]
impl Transport for Way {
    async fn manifest(
        &self,
        question: &Question,
        timeout: Duration,
    ) -> Result<Told, TransportError> {
        self.0.manifest(question, timeout).await
    }

    fn read(&self, text: &str, worker: &WorkerName) -> Option<Manifest> {
        self.0.read(text, worker)
    }
}

/// Whom an isolate asks first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tier {
    /// The manager.
    Manager,
    /// The cache of its PoP.
    Pop,
}

/// Where an isolate is, and what it is told.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) pop: &'static str,
    /// How far its machine's clock is ahead of the manager's, in ms.
    pub(crate) ahead: i64,
    /// How long a question takes to the manager, and the answer back.
    pub(crate) takes: (Duration, Duration),
    pub(crate) tier: Tier,
    pub(crate) on_unavailable: OnUnavailable,
    pub(crate) stale_if_error: Duration,
}

/// Next to the manager.
pub(crate) const HERE: Place = Place {
    pop: "FRA",
    ahead: 0,
    takes: (Duration::ZERO, Duration::ZERO),
    tier: Tier::Manager,
    on_unavailable: OnUnavailable::Open,
    stale_if_error: secs(60),
};

pub(crate) struct System {
    pub(crate) world: World,
    pub(crate) manager: Arc<TestManager>,
    is_up: Arc<AtomicBool>,
    /// By PoP.
    caches: BTreeMap<&'static str, MemoryCache>,
    guards: Vec<Arc<Guard<Way, SkewedClock, RecordingLog>>>,
    executor: Executor,
}

impl System {
    /// A system in which these bundles serve their Workers.
    pub(crate) fn new(serving: &[(&str, u8)]) -> Self {
        let world = World::default();
        let manager = Arc::new(world.manager());
        for (name, number) in serving {
            let wish = register(name, *number, Intent::Deploy);
            change(&manager, wish).expect("the first registration");
        }
        let is_up = Arc::new(AtomicBool::new(true));
        Self {
            world,
            manager,
            is_up,
            caches: BTreeMap::new(),
            guards: Vec::new(),
            executor: Executor::new(),
        }
    }

    /// Adds an isolate of a Worker that runs the bundle with this number. Its number.
    pub(crate) fn isolate(&mut self, name: &str, number: u8, place: &Place) -> usize {
        let clock = SkewedClock { clock: self.world.clock.clone(), ahead: place.ahead };
        let way: Arc<dyn Transport> = Arc::new(ManagerTransport {
            manager: Arc::clone(&self.manager),
            is_up: Arc::clone(&self.is_up),
            clock: self.world.clock.clone(),
            pop: place.pop.parse().expect("a PoP's name"),
            takes: place.takes,
        });
        let way = match place.tier {
            Tier::Manager => way,
            Tier::Pop => {
                let cache = self
                    .caches
                    .entry(place.pop)
                    .or_insert_with(|| MemoryCache::new(self.world.clock.clone()));
                Arc::new(PopTier::new(Way(way), cache.clone(), clock.clone()))
            }
        };
        let policy = CachePolicy::builder().stale_if_error(place.stale_if_error).build();
        let config = GuardConfig {
            bundle: Ok(Bundle { id: id(number), deploy_time: Some(deployed(number)) }),
            exempt: Vec::new(),
            mode: Mode::Enforce,
            on_unavailable: place.on_unavailable,
            policy: policy.expect("a policy"),
        };
        let seed = self.guards.len() as u64;
        let ports = (Way(way), clock, self.world.log.clone());
        self.guards.push(Guard::new(worker(name), config, seed, ports));
        self.guards.len() - 1
    }

    /// Changes what the manager knows.
    pub(crate) fn change(&self, command: Command) -> Changed {
        change(&self.manager, command).expect("a legal change")
    }

    /// The manager goes away, or comes back.
    pub(crate) fn manager_is_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// A request comes in at one isolate. It gets nowhere before the system runs.
    pub(crate) fn send(&self, guard: usize) -> Outcome<Decision> {
        let guard = Arc::clone(&self.guards[guard]);
        let background = self.executor.background();
        self.executor.spawn(async move { guard.check(REQUEST, &background).await })
    }

    /// Time goes by, one millisecond after the other.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.executor.run();
        for _ in 0..time.as_millis() {
            self.world.clock.advance(ms(1));
            self.executor.run();
        }
    }

    /// Everything that can happen at this instant happens.
    pub(crate) fn run(&mut self) {
        self.executor.run();
    }

    /// A request comes in at every isolate. What is decided, all at the same instant.
    pub(crate) fn decide(&mut self) -> Vec<Decision> {
        self.decide_within(Duration::ZERO)
    }

    /// A request comes in at every isolate. What is decided once this time has gone by.
    pub(crate) fn decide_within(&mut self, time: Duration) -> Vec<Decision> {
        let sent: Vec<_> = (0..self.guards.len()).map(|guard| self.send(guard)).collect();
        self.pass(time);
        let decided = sent.iter().map(|sent| sent.try_take().expect("a request that waits"));
        decided.collect()
    }

    /// Every isolate answers its first request.
    pub(crate) fn warm_up(&mut self) {
        self.decide_within(ms(250));
    }

    /// For `time`, a request comes in at every isolate `every` so often. `watch` is told how much
    /// time has gone by since the beginning, and what was decided.
    pub(crate) fn traffic(
        &mut self,
        time: Duration,
        every: Duration,
        mut watch: impl FnMut(Duration, &[Decision]),
    ) {
        let mut passed = Duration::ZERO;
        while passed < time {
            watch(passed, &self.decide());
            self.pass(every);
            passed += every;
        }
    }
}
