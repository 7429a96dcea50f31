//! P5 and P7: how long a PoP stays dark, and what guards do that know nothing.

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use skewguard_domain::{
    Breaker, CachePolicy, Census, ENOUGH, EVIDENCE, GuardConfig, GuardCore, Manifest,
    OnUnavailable, Pop, Reason, Sighting, Standing, Step, Tally, Verdict, Wake,
};

use crate::fixtures::{
    OWN, OWN_DEPLOYED, REQUEST, at, bundle, cases, config, decision_by, ms, own_is_current,
    own_is_older,
};
use crate::manager::{Manager, named, numbered, register};

/// What happens in one PoP.
#[derive(Clone, Debug)]
enum Happening {
    Passes(i64),
    /// A bundle is sighted, and so many guards report it.
    Sighted(u32, u32),
    /// The next bundle takes over.
    Registers,
    Restarts,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let passes = prop_oneof![0_i64..2_000, 0_i64..40_000];
    let happening = prop_oneof![
        4 => passes.prop_map(Happening::Passes),
        6 => (1_u32..6, 1_u32..3).prop_map(|(number, reports)| Happening::Sighted(number, reports)),
        1 => Just(Happening::Registers),
        1 => Just(Happening::Restarts),
    ];
    prop::collection::vec(happening, 1..80)
}

/// What a guard goes through whose manager only fails.
#[derive(Clone, Debug)]
enum Trial {
    Passes(i64),
    Request,
    Fails,
}

fn trials() -> impl Strategy<Value = Vec<Trial>> {
    let trial = prop_oneof![
        3 => prop_oneof![0_i64..300, 0_i64..3_000, 0_i64..50_000].prop_map(Trial::Passes),
        4 => Just(Trial::Request),
        2 => Just(Trial::Fails),
    ];
    prop::collection::vec(trial, 1..60)
}

fn guard(on_unavailable: OnUnavailable, seed: u64) -> GuardCore {
    GuardCore::new(GuardConfig { on_unavailable, ..config(CachePolicy::default()) }, seed)
}

fn any_choice() -> impl Strategy<Value = OnUnavailable> {
    prop_oneof![Just(OnUnavailable::Open), Just(OnUnavailable::Closed)]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn p5_a_breaker_is_open_exactly_while_enough_was_refused_and_nothing_better_is_known(
        happenings in happenings(),
    ) {
        let (pop, worker): (Pop, _) = ("FRA".parse()?, named("a"));
        let mut manager = Manager::new();
        let mut newest = 2;
        manager.does(&register("a", newest));
        let mut census = Census::new(at(manager.millis));
        let (mut evidence, mut refused) = (manager.millis, 0);
        for happening in &happenings {
            match *happening {
                Happening::Passes(millis) => manager.passes(millis),
                Happening::Registers => {
                    manager.passes(1);
                    newest += 1;
                    manager.does(&register("a", newest));
                    (evidence, refused) = (manager.millis, 0);
                }
                Happening::Restarts => {
                    census = Census::new(at(manager.millis));
                    (evidence, refused) = (manager.millis, 0);
                }
                Happening::Sighted(number, reports) => {
                    let sighting = Sighting {
                        worker: worker.clone(),
                        bundle: numbered(number),
                        breaker: Breaker::Closed,
                        tally: Tally::default(),
                        reports,
                    };
                    census.observe(&manager.ledger, pop, &sighting, at(manager.millis));
                    match manager.standing("a", number) {
                        Standing::Serving => (evidence, refused) = (manager.millis, 0),
                        standing if standing.serves() => {}
                        _ => refused += reports,
                    }
                }
            }
            let silence = at(manager.millis).since(at(evidence));
            let is_dark = refused >= ENOUGH && silence >= Some(EVIDENCE);
            let expected = if is_dark { Breaker::Open } else { Breaker::Closed };
            let breaker = census.breaker(&manager.ledger, &worker, pop, at(manager.millis));
            prop_assert_eq!(breaker, expected);
            // Whatever is there serves then.
            if breaker == Breaker::Open {
                let now = at(manager.millis);
                let told = manager.ledger.worker_manifest(&worker, now, breaker);
                let manifest = Manifest { worker: told, ..Manifest::default() };
                for number in 1..=newest + 1 {
                    let decision = decision_by(numbered(number), &manifest);
                    prop_assert_eq!(decision.verdict, Verdict::Serve);
                }
            }
        }
    }

    #[test]
    fn p7_a_guard_that_never_hears_anything_does_what_its_worker_chose(
        on_unavailable in any_choice(),
        seed in any::<u64>(),
        trials in trials(),
    ) {
        let mut guard = guard(on_unavailable, seed);
        let expected = match on_unavailable {
            OnUnavailable::Open => Verdict::Serve,
            OnUnavailable::Closed => Verdict::Refuse,
        };
        let (mut now, mut flights, mut waiting) = (0, Vec::new(), Vec::new());
        for trial in &trials {
            let mut decided = Vec::new();
            match trial {
                Trial::Passes(millis) => now += millis,
                Trial::Request => match guard.on_request(REQUEST, at(now)) {
                    Step::Decided(decision) => decided.push(decision),
                    Step::Refresh(decision, flight) => {
                        decided.push(decision);
                        flights.push(flight);
                    }
                    Step::Fetch(flight) => {
                        flights.push(flight);
                        waiting.push(flight);
                    }
                    Step::Wait(flight) => waiting.push(flight),
                },
                Trial::Fails => {
                    for flight in flights.drain(..) {
                        guard.on_failure(flight, at(now));
                    }
                }
            }
            waiting.retain(|flight| match guard.on_wake(*flight, at(now)) {
                Wake::Decided(decision) => {
                    decided.push(decision);
                    false
                }
                // Nobody waits longer than the timeout.
                Wake::Wait(longest) => {
                    assert!(longest <= ms(250));
                    true
                }
            });
            for decision in decided {
                prop_assert_eq!(decision.reason, Reason::Unavailable);
                prop_assert_eq!(decision.verdict, expected);
            }
        }
    }

    #[test]
    fn p7_what_was_known_when_the_manager_failed_decides_for_a_minute_both_ways(
        on_unavailable in any_choice(),
        current in any::<bool>(),
        seed in any::<u64>(),
        times in prop::collection::vec(5_000_i64..90_000, 1..30),
    ) {
        let known = if current { own_is_current() } else { own_is_older() };
        let expected = decision_by(bundle(OWN, OWN_DEPLOYED), &known);
        let mut guard = guard(on_unavailable, seed);
        let Step::Fetch(flight) = guard.on_request(REQUEST, at(0)) else {
            unreachable!("a cold guard asks")
        };
        guard.on_manifest(flight, at(0), &known);
        let mut times = times.clone();
        times.sort_unstable();
        for now in times {
            let decision = match guard.on_request(REQUEST, at(now)) {
                Step::Decided(decision) => decision,
                Step::Refresh(decision, flight) => {
                    guard.on_failure(flight, at(now));
                    decision
                }
                Step::Fetch(flight) => {
                    guard.on_failure(flight, at(now));
                    match guard.on_wake(flight, at(now)) {
                        Wake::Decided(decision) => decision,
                        Wake::Wait(_) => unreachable!("the flight has failed"),
                    }
                }
                Step::Wait(_) => unreachable!("no flight is in the air"),
            };
            if now < 65_000 {
                prop_assert_eq!(decision, expected);
            } else {
                prop_assert_eq!(decision.reason, Reason::Unavailable);
                let is_served = decision.verdict == Verdict::Serve;
                prop_assert_eq!(is_served, on_unavailable == OnUnavailable::Open);
            }
            prop_assert!(guard.failures() > 0);
        }
    }
}
