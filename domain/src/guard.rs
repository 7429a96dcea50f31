//! The guard, *sans-IO*: what to do about a request, and about the manager's answers.
//!
//! The guard never calls anything. It hands out a [`Step`] for every request; a [`Flight`] in it
//! is one question to the manager, to be carried out by the caller, who brings back what came of
//! it. All times are readings of one clock, the guard's own.
//!
//! What a manifest says holds for all instants at which it may have been made: see
//! [`Outlook::after`](crate::Outlook::after).
//!
//! Three promises are kept here:
//!
//! - *Single-flight*: there is at most one flight at a time.
//! - *Nobody waits for a manager that fails*: after a failure, flights are made in the
//!   background, one for each back-off period.
//! - *A lost flight does no harm*: a flight that nobody brought back by its deadline has failed.

#[cfg(feature = "mutants")]
mod inspection;

use core::time::Duration;

use fastrand::Rng;

use crate::mutant::{Mutant, planted};
use crate::{
    Age, Believed, Breaker, Bundle, CachePolicy, Decision, ExemptPath, Exemption, Haste, Jitter,
    Manifest, Mode, OnUnavailable, Outlook, Reason, Situation, Tally, Timestamp, Unchecked,
    Verdict, decide,
};

/// How far apart two requests of one isolate may read the clock at the same moment.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(50);

/// What a guard is told once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GuardConfig {
    /// The guard's own bundle, or why there is nothing to check.
    pub bundle: Result<Bundle, Unchecked>,
    /// Paths that are always served.
    pub exempt: Vec<ExemptPath>,
    /// Whether decisions are acted on.
    pub mode: Mode,
    /// What to do when no manifest can be believed.
    pub on_unavailable: OnUnavailable,
    /// For how long what is believed.
    pub policy: CachePolicy,
}

/// The part of a request that a guard looks at.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
}

/// One question to the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    number: u64,
    asked_at: Timestamp,
    deadline: Timestamp,
    began_at: Timestamp,
    haste: Haste,
    breaker: Breaker,
    tally: Tally,
}

impl Flight {
    /// When the question was asked.
    #[must_use]
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// When the guard began.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// Whether a request waits for it.
    #[must_use]
    pub fn haste(&self) -> Haste {
        self.haste
    }

    /// Whether the guard took its breaker for open when it asked, by a manifest within its lease.
    #[must_use]
    pub fn breaker(&self) -> Breaker {
        self.breaker
    }

    /// What the guard has done since it reported last.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// When it counts as failed if nothing came of it.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }
}

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Act on the decision.
    Decided(Decision),
    /// Act on the decision, and carry out the flight behind the request's back.
    Refresh(Decision, Flight),
    /// Carry out the flight, and [wait](GuardCore::on_wake) for it.
    Fetch(Flight),
    /// [Wait](GuardCore::on_wake) for a flight that another request has started.
    Wait(Flight),
}

/// What to do about a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Act on the decision.
    Decided(Decision),
    /// Go on waiting, but no longer than this.
    Wait(Duration),
}

/// The state of one Worker's guard in one isolate.
#[derive(Clone, Debug)]
pub struct GuardCore {
    config: GuardConfig,
    rng: Rng,
    belief: Option<Belief>,
    manager: Manager,
    flights: u64,
    /// When the first request came, unless the clock was set back behind that.
    began_at: Option<Timestamp>,
    /// What was done since the last flight took off.
    tally: Tally,
    /// The last flight, if it failed: as far as is known, nobody has heard of its tally.
    unheard: Option<Flight>,
    /// The latest reading of the clock, unless that was set back since.
    latest: Option<Timestamp>,
}

/// What a manifest says, and the instants at which it loses its worth.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Belief {
    outlook: Outlook,
    /// How old it was when it was handed out.
    age: Age,
    /// The question that it answers, and when the answer was there.
    flight: Flight,
    answered_at: Timestamp,
    refresh_at: Timestamp,
    expires_at: Timestamp,
    useless_at: Timestamp,
}

impl Belief {
    /// A clock that was set back behind the question cannot measure the lease any more.
    fn holds(&self, now: Timestamp, until: Timestamp) -> bool {
        self.flight.asked_at <= now && now < until
    }

    /// The earliest instant, by the guard's clock, at which the manager may have made it.
    fn made_at(&self) -> Timestamp {
        self.flight.asked_at.before(self.age.at_most)
    }

    /// When to ask again if that is due already, and a newer copy is probably on its way.
    fn soon(&self, now: Timestamp) -> Timestamp {
        now.after(self.expires_at.since(now).unwrap_or_default() / 4)
    }

    /// What it says of `now`.
    fn at(&self, now: Timestamp) -> Believed {
        let late = planted(Mutant::StopsLate);
        let since = if late { self.answered_at } else { self.flight.asked_at };
        let since = Age {
            at_least: now.since(self.answered_at).unwrap_or_default(),
            at_most: now.since(since).unwrap_or_default(),
        };
        Believed {
            standing: self.outlook.after(self.age.plus(since)),
            breaker: self.outlook.breaker(),
        }
    }
}

/// What is known of the manager's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Manager {
    flight: Option<Flight>,
    trouble: Option<Trouble>,
}

/// Failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Trouble {
    failures: u32,
    since: Timestamp,
    ask_again_at: Timestamp,
}

impl GuardCore {
    /// A guard that knows nothing yet. `seed` feeds its jitter: any number, another one in every
    /// isolate.
    #[must_use]
    pub fn new(config: GuardConfig, seed: u64) -> Self {
        Self {
            config,
            rng: Rng::with_seed(seed),
            belief: None,
            manager: Manager { flight: None, trouble: None },
            flights: 0,
            began_at: None,
            tally: Tally::default(),
            unheard: None,
            latest: None,
        }
    }

    /// What the guard was told.
    #[must_use]
    pub fn config(&self) -> &GuardConfig {
        &self.config
    }

    /// Failures of the manager in a row, 0 if its last answer was good.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.manager.trouble.map_or(0, |trouble| trouble.failures)
    }

    /// What to do about a request that arrives at `now`.
    pub fn on_request(&mut self, request: RequestLine<'_>, now: Timestamp) -> Step {
        let exemption = self.exemption(request);
        if self.config.bundle.is_err() || exemption == Exemption::Exempt {
            return Step::Decided(self.decide(exemption, None));
        }
        let now = self.steady(now);
        self.notice_time(now);
        let fresh = self.belief.as_ref().filter(|belief| belief.holds(now, belief.expires_at));
        let needed = fresh.is_none_or(|belief| now >= belief.refresh_at);
        let asking = self.manager.flight;
        // Nobody waits for a manager that fails, unless the alternative is to refuse out of
        // ignorance.
        let may_wait = fresh.is_none() && (self.manager.trouble.is_none() || self.is_blind(now));
        match asking {
            Some(flight) if may_wait => Step::Wait(flight),
            None if may_wait && self.may_ask(now) => {
                Step::Fetch(self.take_off(now, Haste::Waiting))
            }
            None if needed && self.may_ask(now) => {
                let decision = self.decide_at(now);
                Step::Refresh(decision, self.take_off(now, Haste::Background))
            }
            _ => Step::Decided(self.decide_at(now)),
        }
    }

    /// What to do about a request that waits for `flight`.
    pub fn on_wake(&mut self, flight: Flight, now: Timestamp) -> Wake {
        let now = self.steady(now);
        self.notice_time(now);
        if self.manager.flight == Some(flight) {
            Wake::Wait(flight.deadline.since(now).unwrap_or_default())
        } else {
            Wake::Decided(self.decide_at(now))
        }
    }

    /// The flight came back with a manifest, whole at `now`.
    ///
    /// One that comes back after its deadline still teaches something, unless what is known was
    /// made later: by an answer that overtook it, or because this one is a copy.
    pub fn on_manifest(&mut self, flight: Flight, now: Timestamp, manifest: &Manifest) {
        let now = self.steady(now);
        self.learn(flight, now, manifest);
        // Who has answered has heard, however late the answer was and whatever it is worth.
        self.unheard = self.unheard.filter(|unheard| *unheard != flight);
    }

    fn learn(&mut self, flight: Flight, now: Timestamp, manifest: &Manifest) {
        let Ok(bundle) = self.config.bundle else { return };
        let lease = self.config.policy.lease(manifest.max_age);
        let jitter = self.jitter();
        let refresh_after = self.config.policy.refresh_after(lease, jitter);
        let outlook = manifest.worker.as_ref();
        let mut belief = Belief {
            outlook: outlook.map_or(Outlook::UNREGISTERED, |known| known.outlook(bundle)),
            age: manifest.age,
            flight,
            answered_at: now,
            refresh_at: now,
            expires_at: now,
            useless_at: now,
        };
        // The lease counts from when the manifest may have been made.
        belief.expires_at = belief.made_at().after(lease);
        belief.refresh_at = belief.made_at().after(refresh_after);
        belief.useless_at = belief.expires_at.after(self.config.policy.stale_if_error());
        if !belief.holds(now, belief.expires_at) {
            self.fail(flight, now);
            return;
        }
        if belief.refresh_at <= now {
            belief.refresh_at = belief.soon(now);
        }
        let is_under_way = self.manager.flight == Some(flight);
        let of = |belief: &Belief| (belief.made_at(), belief.flight.number);
        // What has expired still decides while the manager fails, and it does not if this was asked
        // for just now. A copy can be older and yet outlive it, if leases were made shorter.
        let counts = |held: &Belief| {
            held.holds(now, if is_under_way { held.expires_at } else { held.useless_at })
        };
        match &mut self.belief {
            Some(held) if of(held) >= of(&belief) && counts(held) => {
                if !is_under_way {
                    return;
                }
                // A copy that is older than what is known.
                held.refresh_at = held.refresh_at.max(held.soon(now));
            }
            known => *known = Some(belief),
        }
        self.manager.trouble = None;
        if is_under_way {
            self.manager.flight = None;
        }
    }

    /// The flight came to nothing: a timeout, an error, an answer that makes no sense.
    pub fn on_failure(&mut self, flight: Flight, now: Timestamp) {
        let now = self.steady(now);
        self.fail(flight, now);
    }

    fn fail(&mut self, flight: Flight, now: Timestamp) {
        if self.manager.flight != Some(flight) {
            return;
        }
        self.unheard = Some(flight);
        let failures = self.failures().saturating_add(1);
        let pause = self.config.policy.back_off().pause(failures, self.jitter());
        self.manager = Manager {
            flight: None,
            trouble: Some(Trouble { failures, since: now, ask_again_at: now.after(pause) }),
        };
    }

    /// Draws the consequences of time gone by, or of a clock set back.
    fn notice_time(&mut self, now: Timestamp) {
        if self.began_at.is_none_or(|began_at| now < began_at) {
            self.began_at = Some(now);
        }
        if let Some(flight) = self.manager.flight {
            if now < flight.asked_at {
                self.fail(flight, now);
            } else if now >= flight.deadline {
                // It failed then, however long ago that is.
                self.fail(flight, flight.deadline);
            }
        }
        if self.belief.as_ref().is_some_and(|belief| now < belief.flight.asked_at) {
            self.belief = None;
        }
        // Failures of long ago say nothing of the manager's health: such a guard is as good as
        // cold, and waits for its first answer as a cold one does.
        if let Some(trouble) = self.manager.trouble
            && self.manager.flight.is_none()
        {
            let policy = &self.config.policy;
            let remembered = policy.stale_if_error().max(policy.back_off().longest());
            let forgotten = now >= trouble.ask_again_at.after(remembered) || now < trouble.since;
            if forgotten {
                self.manager.trouble = None;
            }
        }
    }

    /// Whether all that is left is to refuse.
    fn is_blind(&self, now: Timestamp) -> bool {
        self.config.on_unavailable == OnUnavailable::Closed
            && self.belief.as_ref().is_none_or(|belief| !belief.holds(now, belief.useless_at))
    }

    /// Two requests of one isolate may read the clock a little apart, as their threads do; that
    /// is not a clock that was set back. The later reading counts: it never lengthens a lease.
    fn steady(&mut self, now: Timestamp) -> Timestamp {
        let apart = self.latest.and_then(|latest| latest.since(now));
        if apart.is_none_or(|apart| apart > CLOCK_TOLERANCE) {
            self.latest = Some(now);
        }
        self.latest.unwrap_or(now)
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.manager.trouble.is_none_or(|trouble| now >= trouble.ask_again_at)
    }

    fn take_off(&mut self, now: Timestamp, haste: Haste) -> Flight {
        self.flights += 1;
        let unheard = self.unheard.take().map(|flight| flight.tally).unwrap_or_default();
        // What was told longer ago than a lease may have been closed since: a manager that has
        // restarted must not take it up again.
        let fresh = self.belief.as_ref().filter(|belief| belief.holds(now, belief.expires_at));
        let flight = Flight {
            number: self.flights,
            asked_at: now,
            deadline: now.after(self.config.policy.timeout()),
            began_at: self.began_at.unwrap_or(now),
            haste,
            breaker: fresh.map(|belief| belief.outlook.breaker()).unwrap_or_default(),
            tally: core::mem::take(&mut self.tally).plus(unheard),
        };
        self.manager.flight = Some(flight);
        flight
    }

    /// By a fresh manifest, and while the manager fails, by one that `stale-if-error` allows.
    fn decide_at(&mut self, now: Timestamp) -> Decision {
        let failing = self.manager.trouble.is_some();
        let held = self.belief.as_ref().filter(|belief| {
            belief.holds(now, if failing { belief.useless_at } else { belief.expires_at })
        });
        let is_fresh = held.is_some_and(|belief| now < belief.expires_at);
        let believed = held.map(|belief| belief.at(now));
        let decision = self.decide(Exemption::Checked, believed);
        let would_refuse = believed.is_some_and(|believed| !believed.standing.serves());
        let count = |holds: bool| u32::from(holds);
        let serves = decision.verdict == Verdict::Serve;
        self.tally = self.tally.plus(Tally {
            refused: count(!serves),
            failed_open: count(serves && !is_fresh),
            breaker_open: count(decision.reason == Reason::BreakerOpen && would_refuse),
        });
        decision
    }

    fn decide(&self, exemption: Exemption, believed: Option<Believed>) -> Decision {
        decide(&Situation {
            checked: self.config.bundle.map(|_| ()),
            exemption,
            believed,
            on_unavailable: self.config.on_unavailable,
        })
    }

    fn exemption(&self, request: RequestLine<'_>) -> Exemption {
        let exempt = request.method == "OPTIONS"
            || self.config.exempt.iter().any(|pattern| pattern.covers(request.path));
        if exempt { Exemption::Exempt } else { Exemption::Checked }
    }

    fn jitter(&mut self) -> Jitter {
        Jitter::from_random(self.rng.u16(..))
    }
}
