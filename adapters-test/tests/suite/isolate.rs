//! One isolate of a Worker with a guard: requests come in, time goes by, the manager behaves.

use core::time::Duration;
use std::sync::Arc;

use serde_json::Value;
use skewguard_domain::{
    Bundle, CachePolicy, Decision, GuardConfig, Mode, OnUnavailable, Reason, RequestLine,
    Staleness, Verdict,
};
use skewguard_ports::{Background, Guard};
use skewguard_test::{
    Behaviour, Executor, FaultyTransport, ManualClock, Outcome, RecordingLog, Spawner,
};

use crate::fixtures::{current_is, deployed, id, ms, worker};

/// The number of the bundle that the isolate runs.
pub(crate) const OWN: u8 = 1;

/// The number of one that is newer.
pub(crate) const NEWER: u8 = 2;

/// A request that is neither exempt nor unusual.
pub(crate) const REQUEST: RequestLine<'static> = RequestLine { method: "GET", path: "/authorize" };

pub(crate) const CURRENT: Decision = Decision { reason: Reason::Current, verdict: Verdict::Serve };
pub(crate) const OLDER: Decision =
    Decision { reason: Reason::Stale(Staleness::Older), verdict: Verdict::Refuse };
pub(crate) const UNAVAILABLE: Decision =
    Decision { reason: Reason::Unavailable, verdict: Verdict::Serve };

pub(crate) type TestGuard = Guard<FaultyTransport, ManualClock, RecordingLog>;

pub(crate) struct Isolate {
    pub(crate) clock: ManualClock,
    pub(crate) manager: FaultyTransport,
    pub(crate) log: RecordingLog,
    pub(crate) guard: Arc<TestGuard>,
    pub(crate) executor: Executor,
}

/// A manager by which the isolate's own bundle serves.
pub(crate) fn own_is_current(after: Duration) -> Behaviour {
    Behaviour::Answer(Box::new(current_is(OWN)), after)
}

/// A manager by which the isolate's own bundle was replaced.
pub(crate) fn own_is_older(after: Duration) -> Behaviour {
    Behaviour::Answer(Box::new(current_is(NEWER)), after)
}

/// What the guard is told where a test wants nothing else: the defaults.
pub(crate) fn config() -> GuardConfig {
    GuardConfig {
        bundle: Ok(Bundle { id: id(OWN), deploy_time: Some(deployed(OWN)) }),
        exempt: Vec::new(),
        mode: Mode::Enforce,
        on_unavailable: OnUnavailable::Open,
        policy: CachePolicy::default(),
    }
}

impl Isolate {
    /// A cold isolate, before its first request.
    pub(crate) fn cold(behaviour: Behaviour) -> Self {
        Self::configured(config(), behaviour)
    }

    pub(crate) fn configured(config: GuardConfig, behaviour: Behaviour) -> Self {
        let clock = ManualClock::new();
        let manager = FaultyTransport::new(clock.clone(), behaviour);
        let log = RecordingLog::new();
        let ports = (manager.clone(), clock.clone(), log.clone());
        let guard = Guard::new(worker("op-auth"), config, 7, ports);
        Self { clock, manager, log, guard, executor: Executor::new() }
    }

    /// An isolate whose first request was answered by a prompt manager; no time has gone by.
    pub(crate) fn warm(behaviour: Behaviour) -> Self {
        let mut isolate = Self::cold(behaviour);
        let first = isolate.send();
        isolate.pass(ms(1));
        first.try_take().expect("a prompt manager answers within a nap");
        isolate
    }

    /// A request comes in. It gets nowhere before the isolate [runs](Self::pass).
    pub(crate) fn send(&self) -> Outcome<Decision> {
        self.send_with(self.background())
    }

    /// A request comes in, whose background work is `background`'s.
    pub(crate) fn send_with(&self, background: impl Background + 'static) -> Outcome<Decision> {
        let guard = Arc::clone(&self.guard);
        self.executor.spawn(async move { guard.check(REQUEST, &background).await })
    }

    pub(crate) fn background(&self) -> Spawner {
        self.executor.background()
    }

    /// A request comes in, and is decided before any time goes by, or `None`.
    pub(crate) fn at_once(&mut self) -> Option<Decision> {
        let outcome = self.send();
        self.executor.run();
        outcome.try_take()
    }

    /// Time goes by, one millisecond after the other.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.executor.run();
        for _ in 0..time.as_millis() {
            self.clock.advance(ms(1));
            self.executor.run();
        }
    }

    /// A request comes in. What it is decided to, and how long that took, to the millisecond.
    pub(crate) fn decide(&mut self) -> (Decision, Duration) {
        let outcome = self.send();
        self.executor.run();
        for waited in 0..10_000 {
            if let Some(decision) = outcome.try_take() {
                return (decision, ms(waited));
            }
            self.pass(ms(1));
        }
        panic!("a request was not decided within 10 s");
    }

    /// For `time`, a request comes in `every` so often. None may wait. `watch` is told how much
    /// time has gone by, how often the manager has been asked since the isolate was born, and
    /// what was decided.
    pub(crate) fn traffic(
        &mut self,
        time: Duration,
        every: Duration,
        mut watch: impl FnMut(Duration, usize, Decision),
    ) {
        let mut passed = Duration::ZERO;
        while passed < time {
            self.clock.advance(every);
            passed += every;
            self.executor.run();
            let decision = self.at_once();
            let decision = decision.unwrap_or_else(|| panic!("a request waits after {passed:?}"));
            watch(passed, self.manager.asked(), decision);
        }
    }

    /// The log's entries of one event.
    pub(crate) fn entries(&self, event: &str) -> Vec<Value> {
        self.log.entries().into_iter().filter(|entry| entry["event"] == event).collect()
    }
}
