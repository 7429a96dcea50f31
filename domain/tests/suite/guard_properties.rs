//! Properties of the guard, under requests, answers, failures, lost flights and time in any
//! interleaving, with a clock that may be set back.
//!
//! [`Drive`] carries the guard through it and keeps books of its own: which flights are in the
//! air, what was answered, and when the manager failed.

use core::time::Duration;

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use skewguard_domain::{
    Age, BackOff, CachePolicy, Decision, Flight, GuardCore, Jitter, Manifest, MaxAge, Reason, Step,
    Timestamp, Wake, decide,
};

use crate::fixtures::{
    OWN, OWN_DEPLOYED, REQUEST, at, bundle, cases, config, manifest, ms, own_is_current,
    own_is_older, situation,
};

/// One thing that happens to a guard.
#[derive(Clone, Debug)]
enum Happening {
    Passes(i64),
    IsSetBack(i64),
    Request,
    Wakes(Index),
    Answers(Index, Box<Manifest>),
    Fails(Index),
}

/// Five manifests whose decisions differ, with leases of the manager's or without, fresh or copied.
fn any_manifest() -> impl Strategy<Value = Manifest> {
    let ahead = manifest(2, OWN_DEPLOYED - 1, &[]);
    let retired = manifest(2, OWN_DEPLOYED - 1, &[OWN]);
    let unregistered = Manifest::default();
    let all = vec![own_is_current(), own_is_older(), ahead, retired, unregistered];
    let lease = prop::option::weighted(0.3, any_max_age());
    (prop::sample::select(all), lease, any_age()).prop_map(|(manifest, max_age, age)| Manifest {
        max_age,
        age,
        ..manifest
    })
}

/// None, or that of a copy.
fn any_age() -> impl Strategy<Value = Age> {
    let copied = (0_u64..6_000, 0_u64..1_000)
        .prop_map(|(least, more)| Age { at_least: ms(least), at_most: ms(least + more) });
    prop_oneof![2 => Just(Age::NONE), 1 => copied]
}

fn any_max_age() -> impl Strategy<Value = MaxAge> {
    (100_u64..8_000).prop_map(|millis| MaxAge::new(ms(millis)).expect("a lease"))
}

fn any_policy() -> impl Strategy<Value = CachePolicy> {
    let back_off = (1_u64..2_000, 1_u64..20);
    (any_max_age(), 1_u64..1_000, 0_u64..20_000, 1_u8..=99, back_off).prop_map(
        |(max_age, timeout, stale, percent, (first, factor))| {
            CachePolicy::builder()
                .max_age(max_age)
                .timeout(ms(timeout).min(max_age.get() - ms(1)))
                .stale_if_error(ms(stale))
                .refresh_ahead_percent(percent)
                .back_off(ms(first), ms(first * factor))
                .build()
                .expect("a policy")
        },
    )
}

/// Answers and failures come twice as often as anything else, so that flights seldom pile up.
fn happenings(set_back: bool) -> impl Strategy<Value = Vec<Happening>> {
    let passes = prop_oneof![3 => 0_i64..300, 2 => 0_i64..3_000, 1 => 0_i64..40_000];
    let set_back = if set_back { 1 } else { 0 };
    let happening = prop_oneof![
        set_back => prop_oneof![0_i64..100, 0_i64..6_000].prop_map(Happening::IsSetBack),
        4 => passes.prop_map(Happening::Passes),
        6 => Just(Happening::Request),
        1 => any::<Index>().prop_map(Happening::Wakes),
        2 => (any::<Index>(), any_manifest()).prop_map(|(i, m)| Happening::Answers(i, Box::new(m))),
        2 => any::<Index>().prop_map(Happening::Fails),
    ];
    prop::collection::vec(happening, 1..60)
}

/// Either copies or leases of the manager's. With both, a copy can outlive what was made later.
fn alike(happening: &Happening, copied: bool) -> Happening {
    let Happening::Answers(index, manifest) = happening.clone() else { return happening.clone() };
    let alike = if copied {
        Manifest { max_age: None, ..*manifest }
    } else {
        Manifest { age: Age::NONE, ..*manifest }
    };
    Happening::Answers(index, Box::new(alike))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    InTheAir,
    /// Overdue, or asked in what is the future by now. It may still come back.
    Lost,
    Back,
}

#[derive(Clone, Debug)]
struct Booked {
    flight: Flight,
    asked_at: Timestamp,
    fate: Fate,
}

/// A manifest that came back within its lease.
#[derive(Clone, Debug)]
struct Answer {
    asked_at: Timestamp,
    /// The earliest instant at which it may have been made.
    made_at: Timestamp,
    manifest: Manifest,
}

/// What the guard did about what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Step(Step),
    Wake(Wake),
}

#[derive(Clone, Debug)]
struct Drive {
    core: GuardCore,
    policy: CachePolicy,
    /// What the clock shows.
    clock: Timestamp,
    /// What the guard takes it for.
    now: Timestamp,
    flights: Vec<Booked>,
    answers: Vec<Answer>,
    /// When the flight failed that was just seen to be lost.
    lost_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    flights_since_failure: u32,
    did: Vec<Did>,
}

impl Drive {
    fn new(policy: CachePolicy, seed: u64) -> Self {
        Self {
            core: GuardCore::new(config(policy), seed),
            policy,
            clock: at(1_000_000),
            now: at(0),
            flights: Vec::new(),
            answers: Vec::new(),
            lost_at: None,
            failed_at: None,
            flights_since_failure: 0,
            did: Vec::new(),
        }
    }

    fn run(&mut self, happenings: &[Happening]) -> Result<(), TestCaseError> {
        happenings.iter().try_for_each(|happening| self.go_through(happening))
    }

    /// A reading up to 50 ms behind the latest one is as good as that.
    fn read_the_clock(&mut self) {
        let apart = self.now.since(self.clock);
        if apart.is_none_or(|apart| apart > ms(50)) {
            self.now = self.clock;
        }
    }

    fn go_through(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        let failures = self.core.failures();
        match happening {
            Happening::Passes(by) => self.clock = at(self.clock.as_unix_millis() + by),
            Happening::IsSetBack(by) => self.clock = at(self.clock.as_unix_millis() - by),
            Happening::Request => {
                self.read_the_clock();
                self.mark_lost();
                let step = self.core.on_request(REQUEST, self.clock);
                self.note_failures(failures);
                self.check_step(step)?;
                self.did.push(Did::Step(step));
            }
            Happening::Wakes(index) => {
                let Some(booked) = self.pick(index) else { return Ok(()) };
                self.read_the_clock();
                self.mark_lost();
                let wake = self.core.on_wake(booked.flight, self.clock);
                self.note_failures(failures);
                self.check_wake(booked.flight, wake)?;
                self.did.push(Did::Wake(wake));
            }
            Happening::Answers(index, manifest) => {
                let Some(Booked { flight, asked_at, .. }) = self.land(index) else { return Ok(()) };
                self.read_the_clock();
                let made_at = asked_at.before(manifest.age.at_most);
                let answer = Answer { asked_at, made_at, manifest: Manifest::clone(manifest) };
                if self.is_fresh(&answer) {
                    self.answers.push(answer);
                }
                self.core.on_manifest(flight, self.clock, manifest);
                self.note_failures(failures);
            }
            Happening::Fails(index) => {
                let Some(Booked { flight, .. }) = self.land(index) else { return Ok(()) };
                self.read_the_clock();
                self.core.on_failure(flight, self.clock);
                self.note_failures(failures);
            }
        }
        Ok(())
    }

    fn pick(&self, index: &Index) -> Option<Booked> {
        (!self.flights.is_empty()).then(|| index.get(&self.flights).clone())
    }

    /// Brings a flight back, whether it was lost or not; once.
    fn land(&mut self, index: &Index) -> Option<Booked> {
        let mut out: Vec<_> = self.flights.iter_mut().filter(|b| b.fate != Fate::Back).collect();
        if out.is_empty() {
            return None;
        }
        let chosen = index.index(out.len());
        out[chosen].fate = Fate::Back;
        Some(out[chosen].clone())
    }

    /// Flights of which the guard can see now that they are lost.
    fn mark_lost(&mut self) {
        for booked in &mut self.flights {
            let counts = booked.asked_at <= self.now && self.now < booked.flight.deadline();
            if booked.fate == Fate::InTheAir && !counts {
                booked.fate = Fate::Lost;
                self.lost_at = Some(self.now.min(booked.flight.deadline()));
            }
        }
    }

    fn note_failures(&mut self, before: u32) {
        let failures = self.core.failures();
        let lost_at = self.lost_at.take();
        if failures > before {
            self.failed_at = lost_at.or(Some(self.now));
        }
        if failures != before {
            self.flights_since_failure = 0;
        }
    }

    fn check_step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Decided(decision) => {
                // A request is only left without a manifest by a manager that fails.
                let failing = self.core.failures() > 0;
                prop_assert!(failing || decision.reason != Reason::Unavailable);
                self.check_decision(decision)
            }
            Step::Refresh(decision, flight) => {
                self.check_decision(decision)?;
                self.check_take_off(flight)
            }
            Step::Fetch(flight) => {
                prop_assert_eq!(self.core.failures(), 0, "a request waits while the manager fails");
                self.check_take_off(flight)
            }
            Step::Wait(flight) => {
                prop_assert_eq!(self.core.failures(), 0, "a request waits while the manager fails");
                prop_assert!(self.now < flight.deadline());
                let mut aloft = self.flights.iter().filter(|b| b.fate == Fate::InTheAir);
                prop_assert!(aloft.any(|booked| booked.flight == flight), "waits for nothing");
                Ok(())
            }
        }
    }

    fn check_take_off(&mut self, flight: Flight) -> Result<(), TestCaseError> {
        prop_assert_eq!(flight.deadline(), self.now.after(self.policy.timeout()));
        for other in &self.flights {
            prop_assert!(other.fate != Fate::InTheAir, "a second flight next to {:?}", other);
            prop_assert!(other.flight != flight);
        }
        self.flights.push(Booked { flight, asked_at: self.now, fate: Fate::InTheAir });
        let failures = self.core.failures();
        if failures > 0 {
            self.flights_since_failure += 1;
            prop_assert_eq!(self.flights_since_failure, 1, "a second flight in one pause");
            let pause = shortest_pause(self.policy.back_off(), failures);
            let rested = self.failed_at.and_then(|failed_at| self.now.since(failed_at));
            prop_assert!(rested.is_some_and(|rested| rested + ms(1) > pause), "{:?}", rested);
        }
        Ok(())
    }

    fn check_wake(&self, flight: Flight, wake: Wake) -> Result<(), TestCaseError> {
        match wake {
            Wake::Decided(decision) => self.check_decision(decision),
            Wake::Wait(longest) => {
                prop_assert!(!longest.is_zero() && longest <= self.policy.timeout());
                prop_assert!(self.now.after(longest) <= flight.deadline());
                Ok(())
            }
        }
    }

    fn age(&self, answer: &Answer) -> Option<Duration> {
        let asked = self.now.since(answer.asked_at);
        asked.and_then(|_| self.now.since(answer.made_at))
    }

    fn is_fresh(&self, answer: &Answer) -> bool {
        let lease = self.policy.lease(answer.manifest.max_age);
        self.age(answer).is_some_and(|age| age < lease)
    }

    /// Whether a manifest may decide now: within its lease, and while the manager fails,
    /// `stale-if-error` longer.
    fn may_decide(&self, answer: &Answer) -> bool {
        let lease = self.policy.lease(answer.manifest.max_age);
        let worth = lease + self.policy.stale_if_error();
        let failing = self.core.failures() > 0;
        self.is_fresh(answer) || failing && self.age(answer).is_some_and(|age| age < worth)
    }

    fn check_decision(&self, decision: Decision) -> Result<(), TestCaseError> {
        let founded = decision == decision_by(None)
            || self.answers.iter().any(|answer| {
                self.may_decide(answer) && decision == decision_by(Some(&answer.manifest))
            });
        prop_assert!(founded, "{:?} has nothing to go by at {:?}", decision, self.now);
        Ok(())
    }
}

fn decision_by(manifest: Option<&Manifest>) -> Decision {
    decide(&situation(bundle(OWN, OWN_DEPLOYED), manifest))
}

fn shortest_pause(back_off: BackOff, failures: u32) -> Duration {
    back_off.pause(failures, Jitter::from_random(0))
}

proptest! {
    #![proptest_config(cases())]

    /// At most one flight is in the air; no decision is made by a manifest older than its lease
    /// unless the manager fails; nobody waits while it fails, nor longer than until the deadline
    /// at any time; and there is one flight for each pause.
    #[test]
    fn p8_no_manifest_older_than_a_lease_decides_unless_the_manager_fails(
        policy in any_policy(),
        seed in any::<u64>(),
        happenings in happenings(true),
    ) {
        Drive::new(policy, seed).run(&happenings)?;
    }

    #[test]
    fn by_a_clock_that_only_goes_forward_the_manifest_made_last_decides(
        policy in any_policy(),
        seed in any::<u64>(),
        happenings in happenings(false),
        copied in any::<bool>(),
    ) {
        let mut drive = Drive::new(policy, seed);
        for happening in &happenings {
            let happening = &alike(happening, copied);
            let done = drive.did.len();
            drive.go_through(happening)?;
            let decision = match drive.did.get(done) {
                Some(Did::Step(Step::Decided(decision) | Step::Refresh(decision, _))) => decision,
                Some(Did::Wake(Wake::Decided(decision))) => decision,
                _ => continue,
            };
            if decision.reason == Reason::Unavailable {
                continue;
            }
            let believable = drive.answers.iter().filter(|answer| drive.may_decide(answer));
            let latest = believable.clone().map(|answer| answer.made_at).max();
            let mut latest = believable.filter(|answer| Some(answer.made_at) == latest);
            prop_assert!(latest.any(|answer| *decision == decision_by(Some(&answer.manifest))));
        }
    }

    #[test]
    fn a_copy_of_a_guard_does_the_same(
        policy in any_policy(),
        seed in any::<u64>(),
        past in happenings(true),
        future in happenings(true),
        other in happenings(true),
    ) {
        let mut original = Drive::new(policy, seed);
        original.run(&past)?;
        let mut copy = original.clone();
        original.run(&future)?;
        // What happens to another guard in between is no part of it.
        Drive::new(policy, seed).run(&other)?;
        copy.run(&future)?;
        prop_assert_eq!(original.did, copy.did);
        prop_assert_eq!(original.core.failures(), copy.core.failures());
    }
}
