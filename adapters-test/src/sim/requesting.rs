//! Requests: how they come, what their guards do, and what becomes of their flows.

use skewguard_domain::{Decision, Flight, Reason, RequestLine, Step, Timestamp, Verdict, Wake};

use super::agenda::Millis;
use super::build::true_time;
use super::flow::{Certainty, Flow, Request, Served};
use super::isolate::{Fence, Freshness, Guard, Held, Waiting, millis, next_look};
use super::measure::{Counted, Timing};
use super::promises::Judged;
use super::world::{Addressee, Event, World};

/// Every request is the same to the guards.
const LINE: RequestLine<'static> = RequestLine { method: "GET", path: "/authorize" };

/// A share of the flows goes on in another PoP, in percent.
const TRAVELLERS: u8 = 20;

impl World<'_> {
    /// A flow begins, and the next one of the PoP is planned.
    pub(crate) fn arrives(&mut self, pop: usize) {
        let size = self.scenario.size;
        let isolates = u32::try_from(size.workers * size.isolates).expect("few isolates");
        // Each flow has two requests.
        let rate = self.scenario.rate * f64::from(isolates) / 2.0;
        #[expect(clippy::cast_possible_truncation, reason = "a short pause")]
        let gap = (-(1.0 - self.traffic.f64()).ln() * 1_000.0 / rate) as Millis;
        self.agenda.plan(self.now + gap, Event::Arrival { pop });
        let worker = self.traffic.usize(..size.workers);
        let travels = self.traffic.u8(0..100) < TRAVELLERS;
        let elsewhere = self.traffic.usize(..size.pops);
        let pause = self.traffic.i64(100..2_000);
        let pops = [pop, if travels { elsewhere } else { pop }];
        let workers = [worker, (worker + 1) % size.workers];
        let flow = Flow { pops, workers, pause, first: None };
        self.requested(Request { flow, arrived: self.now });
    }

    /// A request reaches one of the isolates of its Worker.
    pub(crate) fn requested(&mut self, request: Request) {
        let size = self.scenario.size;
        let step = request.step();
        let (pop, worker) = (request.flow.pops[step], request.flow.workers[step]);
        let which = self.traffic.usize(..size.isolates);
        let index = (pop * size.workers + worker) * size.isolates + which;
        self.renew(index);
        let isolate = &mut self.isolates[index];
        let (life, now) = (isolate.life, isolate.clock(self.now));
        let addressee = Addressee { index, life };
        match &mut isolate.guard {
            Guard::Equality(guard) => match guard.registered(self.now) {
                Some(registered) => self.compares(addressee, request, Some(registered)),
                None => self.asks_for_equality(addressee, request),
            },
            Guard::Skewguard(fence) => match fence.asked_for(LINE, now) {
                Step::Decided(decision) => self.decided(addressee, request, decision),
                Step::Refresh(decision, flight) => {
                    self.takes_off(addressee, flight);
                    self.decided(addressee, request, decision);
                }
                Step::Fetch(flight) => {
                    self.takes_off(addressee, flight);
                    self.waits(addressee, request, flight);
                }
                Step::Wait(flight) => self.waits(addressee, request, flight),
            },
        }
    }

    /// Puts a new isolate in the place of one that has ended. One in which requests wait stays.
    fn renew(&mut self, index: usize) {
        let isolate = &self.isolates[index];
        let is_idle = match &isolate.guard {
            Guard::Skewguard(fence) => fence.waiting.is_empty(),
            Guard::Equality(_) => true,
        };
        if self.now >= isolate.ends_at && is_idle {
            let (pop, worker, life) = (isolate.pop, isolate.worker, isolate.life + 1);
            self.isolates[index] = self.isolate(pop, worker, life);
        }
    }

    fn takes_off(&mut self, isolate: Addressee, flight: Flight) {
        // The PoP's cache is not far.
        let at = self.now + self.chance.i64(1..=2);
        self.agenda.plan(at, Event::LookUp { isolate, flight });
    }

    fn waits(&mut self, isolate: Addressee, request: Request, flight: Flight) {
        let offset = self.isolates[isolate.index].offset;
        let deadline = true_time(flight.deadline(), offset);
        let Some(fence) = self.fence(isolate) else { return };
        fence.waited += 1;
        let number = fence.waited;
        fence.waiting.push(Waiting { number, request, flight });
        self.agenda.plan(deadline, Event::Look { isolate, waiting: number });
    }

    /// A request that waits wakes up.
    pub(crate) fn looks(&mut self, isolate: Addressee, waiting: u32) {
        let now = self.isolates[isolate.index].clock(self.now);
        let Some(fence) = self.fence(isolate) else { return };
        let Some(place) = fence.waiting.iter().position(|other| other.number == waiting) else {
            return;
        };
        let flight = fence.waiting[place].flight;
        fence.notices(now);
        if let Wake::Decided(decision) = fence.core.on_wake(flight, now) {
            let waiting = fence.waiting.remove(place);
            self.decided(isolate, waiting.request, decision);
        }
    }

    /// A flight has landed, well or badly: who waits for it will see that when it looks.
    pub(crate) fn lands(&mut self, isolate: Addressee, flight: Flight, told: Option<Landing>) {
        let (at, now) = (self.now, self.isolates[isolate.index].clock(self.now));
        let Some(fence) = self.fence(isolate) else { return };
        match told {
            Some(Landing { manifest, held }) => {
                fence.core.on_manifest(flight, now, &manifest);
                fence.learns(flight, held, now);
            }
            None => {
                fence.core.on_failure(flight, now);
                fence.under_way.take_if(|other| *other == flight);
            }
        }
        let waiting = fence.waiting.iter().filter(|waiting| waiting.flight == flight);
        let looks: Vec<_> = waiting
            .map(|waiting| (waiting.number, next_look(waiting.request.arrived, at)))
            .collect();
        for (waiting, at) in looks {
            self.agenda.plan(at, Event::Look { isolate, waiting });
        }
    }

    fn fence(&mut self, isolate: Addressee) -> Option<&mut Fence> {
        let found = &mut self.isolates[isolate.index];
        match &mut found.guard {
            Guard::Skewguard(fence) if found.life == isolate.life => Some(fence),
            _ => None,
        }
    }

    /// A guard has decided.
    fn decided(&mut self, addressee: Addressee, request: Request, decision: Decision) {
        let isolate = &mut self.isolates[addressee.index];
        let (pop, worker, build) = (isolate.pop, isolate.worker, isolate.build);
        let now = isolate.clock(self.now);
        let Guard::Skewguard(fence) = &mut isolate.guard else { return };
        let (belief, failures) = (fence.belief(now), fence.core.failures());
        let told = name(decision.reason);
        let changed = core::mem::replace(&mut fence.told, told) != told;
        let clock = self.manager.clock(self.now);
        self.truth.advance(&self.scenario.builds, self.now, clock, self.manager.offset);
        let judged = Judged {
            now: self.now,
            pop,
            worker,
            build,
            decision,
            belief,
            failures,
            waited: self.now - request.arrived,
            timeout: millis(self.scenario.policy.timeout()),
            on_unavailable: self.on_unavailable(worker),
            clock,
            offset: self.manager.offset,
        };
        let is_kept = self.promises.check(&judged, &self.truth);
        let may_serve = self.truth.phase(build).stands.may_serve();
        let timing = if is_kept && may_serve { Timing::Around } else { Timing::Any };
        if changed {
            let index = addressee.index;
            self.trace.note(self.now, || {
                format!("P{pop} isolate {index}, build {} of worker-{worker}: {told}", build.0)
            });
        }
        let is_fresh = belief.is_some_and(|(_, freshness)| freshness == Freshness::Fresh);
        let knows = is_fresh && !matches!(told, "breaker open" | "unavailable");
        let certainty = if knows { Certainty::Known } else { Certainty::Open };
        let settled =
            Settled { reason: Some(decision.reason), verdict: decision.verdict, certainty, timing };
        self.goes_its_way(addressee, request, &settled);
    }

    /// What becomes of a request, and of its flow.
    pub(crate) fn goes_its_way(
        &mut self,
        addressee: Addressee,
        mut request: Request,
        settled: &Settled,
    ) {
        let &Settled { reason, verdict, certainty, timing } = settled;
        let isolate = &self.isolates[addressee.index];
        let (pop, worker) = (isolate.pop, isolate.worker);
        let generation = self.builds().get(isolate.build).generation;
        let newest = self.builds().get(self.places[pop].deployed[worker].main).generation;
        self.measure.decided(&Counted {
            now: self.now,
            worker,
            generation,
            reason,
            verdict,
            certainty,
            waited: self.now - request.arrived,
            has_newer: newest > generation,
            timing,
        });
        if verdict == Verdict::Refuse {
            return;
        }
        let served = Served { at: self.now, generation, certainty };
        match request.flow.first {
            Some(first) => self.measure.completed(&first, worker, &served),
            None => {
                request.flow.first = Some(served);
                request.arrived = self.now + request.flow.pause;
                self.agenda.plan(request.arrived, Event::Continues(request));
            }
        }
    }
}

/// What a guard has decided, and how sure it was.
pub(crate) struct Settled {
    pub(crate) reason: Option<Reason>,
    pub(crate) verdict: Verdict,
    pub(crate) certainty: Certainty,
    pub(crate) timing: Timing,
}

/// What a flight brings back.
pub(crate) struct Landing {
    pub(crate) manifest: skewguard_domain::Manifest,
    pub(crate) held: Held,
}

fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Unchecked(_) => "unchecked",
        Reason::Exempt => "exempt",
        Reason::Unavailable => "unavailable",
        Reason::Unregistered => "unregistered",
        Reason::Current => "current",
        Reason::BreakerOpen => "breaker open",
        Reason::Announced => "announced",
        Reason::Held => "held, refused",
        Reason::Ahead => "ahead",
        Reason::Stale(_) => "stale, refused",
    }
}

impl Landing {
    /// The guard is told what was made, which was so old by the PoP's copy.
    pub(crate) fn new(
        manifest: skewguard_domain::Manifest,
        lease: core::time::Duration,
        asked_at: Timestamp,
        now: Timestamp,
        (made_at, skew): (Millis, Millis),
        stale_if_error: core::time::Duration,
    ) -> Self {
        let age = manifest.age;
        let taken_for = asked_at.before(age.at_most);
        let expires_at = taken_for.after(lease);
        let since_asked = now.since(asked_at).unwrap_or_default();
        let known_to = (since_asked + age.at_most).saturating_sub(age.at_least);
        let held = Held {
            made_at,
            taken_for,
            expires_at,
            useless_at: expires_at.after(stale_if_error),
            known_to: millis(known_to),
            skew,
        };
        Self { manifest, held }
    }
}
