//! The use case that a Worker drives for every request: is this bundle to answer it?

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skewguard_domain::{
    Decision, Flight, GuardConfig, GuardCore, Mode, Reason, RequestLine, Sighting, Step, Wake,
    WorkerName,
};

use crate::{Background, Clock, Log, LogEntry, Question, Timer, Transport, TransportError};

/// The first nap of a request that waits; every further one is twice as long, up to
/// [`LONGEST_NAP`].
const FIRST_NAP: Duration = Duration::from_millis(1);

/// The longest nap of a request that waits: what a late look at the answer can cost it.
const LONGEST_NAP: Duration = Duration::from_millis(8);

/// The guard of one Worker in one isolate.
///
/// It adds to the domain's [`GuardCore`] what that may not do: it carries out flights, waits, and
/// logs. A guard is shared by all requests of its isolate.
pub struct Guard<T, C, L> {
    worker: WorkerName,
    state: Mutex<State>,
    transport: T,
    clock: C,
    log: L,
}

struct State {
    core: GuardCore,
    last_reason: Option<Reason>,
}

impl<T, C, L> Guard<T, C, L>
where
    T: Transport + 'static,
    C: Clock + Timer + 'static,
    L: Log + 'static,
{
    /// A guard for `worker`. `seed` feeds the jitter: any number, another one in every isolate.
    pub fn new(
        worker: WorkerName,
        config: GuardConfig,
        seed: u64,
        (transport, clock, log): (T, C, L),
    ) -> Arc<Self> {
        let state = State { core: GuardCore::new(config, seed), last_reason: None };
        Arc::new(Self { worker, state: Mutex::new(state), transport, clock, log })
    }

    /// Decides about one request. Returns at once, unless the guard is cold or has been idle for
    /// longer than a lease; then it takes the manager's time, and at most the policy's timeout.
    pub async fn check(
        self: &Arc<Self>,
        request: RequestLine<'_>,
        background: &dyn Background,
    ) -> Decision {
        let now = self.clock.now();
        let step = self.watched(TransportError::Timeout, |core| core.on_request(request, now));
        let decision = match step {
            Step::Decided(decision) => decision,
            Step::Refresh(decision, flight) => {
                self.launch(flight, background);
                decision
            }
            Step::Fetch(flight) => {
                self.launch(flight, background);
                self.wait(flight).await
            }
            Step::Wait(flight) => self.wait(flight).await,
        };
        self.log_turn(decision);
        decision
    }

    /// Whether decisions are to be acted on, as the configuration says.
    pub fn mode(&self) -> Mode {
        self.state().core.config().mode
    }

    /// The flight runs behind the request's back even when the request waits for it: others may
    /// wait too, and its client may leave.
    fn launch(self: &Arc<Self>, flight: Flight, background: &dyn Background) {
        let guard = Arc::clone(self);
        background.run(Box::pin(async move { guard.fly(flight).await }));
    }

    async fn fly(&self, flight: Flight) {
        let Some((question, limit)) = self.question(flight) else { return };
        let outcome = self.transport.manifest(&question, limit).await;
        let now = self.clock.now();
        match outcome {
            Err(error) => self.watched(error, |core| core.on_failure(flight, now)),
            Ok(told) => {
                let failures = self.state().core.failures();
                // The only good answer that the core turns down is one that came too late.
                let late = TransportError::Timeout;
                self.watched(late, |core| core.on_manifest(flight, now, &told.manifest));
                if failures > 0 && self.state().core.failures() == 0 {
                    let worker = &self.worker;
                    self.log.record(&LogEntry::ManagerRecovered { worker, failures });
                }
            }
        }
    }

    /// What to ask, and for how long to listen.
    fn question(&self, flight: Flight) -> Option<(Question, Duration)> {
        let state = self.state();
        let config = state.core.config();
        let worker = self.worker.clone();
        // Where there is nothing to check, nothing is asked.
        let bundle = config.bundle.ok()?;
        let sighting = Sighting {
            worker: worker.clone(),
            bundle,
            breaker: flight.breaker(),
            tally: flight.tally(),
            reports: 1,
        };
        let question = Question {
            worker,
            max_age: config.policy.max_age(),
            haste: flight.haste(),
            bundle,
            began_at: flight.began_at(),
            sightings: vec![sighting],
        };
        Some((question, config.policy.give_up_after()))
    }

    /// Takes a step of the core, and logs a failure that is counted in it, which is of `kind`.
    fn watched<R>(&self, kind: TransportError, step: impl FnOnce(&mut GuardCore) -> R) -> R {
        let (before, result, failures) = {
            let core = &mut self.state().core;
            (core.failures(), step(core), core.failures())
        };
        if failures > before {
            let worker = &self.worker;
            self.log.record(&LogEntry::ManagerFailed { worker, error: kind, failures });
        }
        result
    }

    /// Looks again and again whether the flight has landed, rather than being woken when it has:
    /// on Workers, code that another request's I/O wakes runs in that request's context, and may
    /// not touch the I/O of its own.
    async fn wait(&self, flight: Flight) -> Decision {
        let arrived = self.clock.now();
        let mut nap = FIRST_NAP;
        loop {
            let now = self.clock.now();
            let wake = self.watched(TransportError::Timeout, |core| core.on_wake(flight, now));
            match wake {
                Wake::Wait(left) => {
                    self.clock.sleep(nap.min(left)).await;
                    nap = (nap * 2).min(LONGEST_NAP);
                }
                Wake::Decided(decision) => {
                    let waited = now.since(arrived).unwrap_or_default().as_millis();
                    self.log.record(&LogEntry::RequestWaited {
                        worker: &self.worker,
                        waited_ms: u64::try_from(waited).unwrap_or(u64::MAX),
                    });
                    return decision;
                }
            }
        }
    }

    fn log_turn(&self, decision: Decision) {
        let Decision { reason, verdict } = decision;
        let (bundle, mode) = {
            let mut state = self.state();
            if reason == Reason::Exempt || state.last_reason == Some(reason) {
                return;
            }
            state.last_reason = Some(reason);
            let config = state.core.config();
            (config.bundle.ok().map(|bundle| bundle.id), config.mode)
        };
        let worker = &self.worker;
        self.log.record(&LogEntry::GuardTurned { worker, bundle, reason, decision: verdict, mode });
    }

    /// A panic elsewhere must not turn into refusals here: the state is whole between any two
    /// steps, so a poisoned lock is as good as another.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
