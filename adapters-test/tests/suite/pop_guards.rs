//! Many guards in one PoP, behind the tier that they share.

use core::time::Duration;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{CachePolicy, Decision, GuardConfig, MaxAge, Timestamp, Verdict};
use skewguard_ports::{Clock, Guard, PopTier, TransportError};
use skewguard_test::{
    Behaviour, Executor, FaultyTransport, ManualClock, MemoryCache, Outcome, RecordingLog,
};

use crate::fixtures::{all_current_are, gathered, ms, secs, worker};
use crate::isolate::{CURRENT, NEWER, OLDER, OWN, REQUEST, UNAVAILABLE, config};

type Tier = PopTier<FaultyTransport, MemoryCache, ManualClock>;
type PopGuard = Guard<Tier, ManualClock, RecordingLog>;

/// The guards of one PoP. Those with even numbers are `op-auth`'s, the others `op-token`'s.
struct Site {
    clock: ManualClock,
    manager: FaultyTransport,
    cache: MemoryCache,
    log: RecordingLog,
    guards: Vec<Arc<PopGuard>>,
    executor: Executor,
}

/// A manager by which the bundle with this number serves.
fn brief(number: u8, after: Duration) -> Behaviour {
    Behaviour::Brief(Box::new(all_current_are(number)), after)
}

impl Site {
    fn new(guards: u64, config: &GuardConfig, behaviour: Behaviour) -> Self {
        let (clock, log) = (ManualClock::new(), RecordingLog::new());
        let cache = MemoryCache::new(clock.clone());
        let manager = FaultyTransport::new(clock.clone(), behaviour);
        let mut site =
            Self { clock, manager, cache, log, guards: Vec::new(), executor: Executor::new() };
        for number in 0..guards {
            let name = if number % 2 == 0 { "op-auth" } else { "op-token" };
            let tier = PopTier::new(site.manager.clone(), site.cache.clone(), site.clock.clone());
            let ports = (tier, site.clock.clone(), site.log.clone());
            site.guards.push(Guard::new(worker(name), config.clone(), number, ports));
        }
        site
    }

    fn send(&self, guard: usize) -> Outcome<Decision> {
        let guard = Arc::clone(&self.guards[guard]);
        let background = self.executor.background();
        self.executor.spawn(async move { guard.check(REQUEST, &background).await })
    }

    /// What is decided before any time goes by, if anything.
    fn at_once(&mut self, guard: usize) -> Option<Decision> {
        let decision = self.send(guard);
        self.executor.run();
        decision.try_take()
    }

    fn pass(&mut self, time: Duration) {
        self.executor.run();
        for _ in 0..time.as_millis() {
            self.clock.advance(ms(1));
            self.executor.run();
        }
    }

    /// A request of each guard, which waits for no more than a nap.
    fn everyone(&mut self) -> Vec<Decision> {
        let requests: Vec<_> = (0..self.guards.len()).map(|guard| self.send(guard)).collect();
        self.pass(ms(1));
        requests.iter().map(|request| request.try_take().expect("a decision")).collect()
    }
}

#[test]
fn a_pop_asks_about_once_or_twice_a_lease_however_many_guards_it_has() {
    let leases = 60;
    for guards in [1, 40] {
        let mut site = Site::new(guards, &config(), brief(OWN, ms(0)));
        site.everyone();
        site.manager.behave(brief(OWN, ms(30)));
        for _ in 0..leases * 5_000 / 50 {
            for guard in 0..site.guards.len() {
                assert_eq!(site.at_once(guard), Some(CURRENT));
            }
            site.clock.advance(ms(50));
        }
        let asked = site.manager.asked();
        assert!(
            (60..=120).contains(&asked),
            "{guards} guards asked {asked} times in {leases} leases"
        );
    }
}

#[test]
fn a_cold_guard_in_a_warm_pop_waits_for_nobody_but_the_cache() {
    let mut site = Site::new(20, &config(), brief(OWN, ms(0)));
    site.at_once(0);
    site.pass(ms(1));
    site.manager.behave(Behaviour::Hang);
    site.pass(secs(4));
    let decisions = site.everyone();
    assert!(decisions.iter().all(|decision| *decision == CURRENT));
    // The first, which is not cold, may have begun to renew its lease.
    assert!(site.manager.asked() <= 2);
}

#[test]
fn a_guard_that_is_handed_a_copy_of_two_seconds_believes_it_for_three() {
    let config = GuardConfig {
        policy: CachePolicy::builder().stale_if_error(secs(0)).build().expect("a policy"),
        ..config()
    };
    let mut site = Site::new(2, &config, brief(OWN, ms(0)));
    site.at_once(0);
    site.pass(secs(2));
    assert_eq!(site.send(1).try_take(), None);
    site.pass(ms(1));
    assert_eq!((site.at_once(1), site.manager.asked()), (Some(CURRENT), 1));
    // Nothing more can be learnt, from the manager or from the cache.
    site.manager.behave(Behaviour::Hang);
    site.cache.clear();
    site.pass(ms(2_998));
    assert_eq!(site.at_once(1), Some(CURRENT));
    site.pass(ms(1));
    let late = site.at_once(1);
    assert!(late.is_none_or(|decision| decision == UNAVAILABLE), "{late:?}");
}

#[test]
fn a_cold_guard_is_never_left_with_a_copy_that_expires_before_it_looks() {
    for age in 4_850..5_050 {
        let mut site = Site::new(2, &config(), brief(OWN, ms(0)));
        site.at_once(0);
        site.pass(ms(age));
        let cold = site.send(1);
        // As long as the longest nap.
        site.executor.run();
        site.clock.advance(ms(8));
        site.executor.run();
        assert_eq!(cold.try_take(), Some(CURRENT), "of a copy of {age} ms");
    }
}

#[test]
fn a_turn_reaches_all_guards_of_a_pop_within_a_lease_whoever_has_asked() {
    let mut site = Site::new(30, &config(), brief(OWN, ms(0)));
    // They have begun at different times.
    for guard in 0..30 {
        site.send(guard);
        site.pass(ms(100));
    }
    site.manager.behave(brief(NEWER, ms(20)));
    for passed in 0..100 {
        for guard in 0..30 {
            let decision = site.at_once(guard).expect("nobody waits");
            assert!(passed < 50 || decision == OLDER, "guard {guard} after {passed} × 100 ms");
        }
        site.pass(ms(100));
    }
}

#[test]
fn all_refusals_of_a_pop_are_told_to_the_manager_once() {
    let mut site = Site::new(10, &config(), brief(NEWER, ms(0)));
    let (mut refused, mut in_vain) = (0, 0..0);
    for round in 0..400 {
        // In between the manager fails for a while.
        match round {
            100 => {
                in_vain.start = site.manager.asked();
                site.manager.behave(Behaviour::Fail(TransportError::Unreachable, ms(0)));
            }
            200 => {
                in_vain.end = site.manager.asked();
                site.manager.behave(brief(NEWER, ms(0)));
            }
            _ => {}
        }
        let decisions = site.everyone();
        refused += decisions.iter().filter(|decision| decision.verdict == Verdict::Refuse).count();
        site.pass(ms(99));
    }
    assert!(!in_vain.is_empty());
    // After a pause everyone asks, and tells of what was before.
    site.pass(secs(6));
    assert_eq!(site.everyone(), [OLDER; 10]);
    let questions = site.manager.questions().into_iter().enumerate();
    let heard = questions.filter(|(number, _)| !in_vain.contains(number));
    let heard: Vec<_> = heard.flat_map(|(_, question)| question.sightings).collect();
    let told: u32 = heard.iter().chain(&gathered(&site.cache)).map(|seen| seen.tally.refused).sum();
    assert_eq!(usize::try_from(told).ok(), Some(refused));
}

/// A request, a while after the one before. The manager may change its mind or its health first.
#[derive(Clone, Debug)]
struct Event {
    pause: u64,
    guard: usize,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    None,
    Serves(u8),
    Takes(u64),
    Fails,
    Hangs,
    Forgets,
}

fn event() -> impl Strategy<Value = Event> {
    let change = prop_oneof![
        8 => Just(Change::None),
        2 => prop_oneof![Just(OWN), Just(NEWER)].prop_map(Change::Serves),
        3 => (0..400_u64).prop_map(Change::Takes),
        1 => Just(Change::Fails),
        1 => Just(Change::Hangs),
        1 => Just(Change::Forgets),
    ];
    (0..2_000_u64, 0..6_usize, change).prop_map(|(pause, guard, change)| Event {
        pause,
        guard,
        change,
    })
}

/// What the manager said when.
struct Truth(Vec<(Timestamp, u8)>);

impl Truth {
    /// Whether the bundle with this number served at some instant of the `lease` before `now`.
    fn was(&self, number: u8, lease: Duration, now: Timestamp) -> bool {
        let ends = self.0.iter().skip(1).map(|(since, _)| *since).chain([now.after(ms(1))]);
        let mut spans = self.0.iter().zip(ends);
        spans.any(|((_, told), end)| *told == number && end > now.before(lease).after(ms(1)))
    }
}

proptest! {
    #[test]
    fn no_guard_decides_by_anything_older_than_its_lease_however_it_came(
        events in vec(event(), 1..40),
        own_lease in prop_oneof![Just(secs(1)), Just(secs(5))],
    ) {
        let policy = CachePolicy::builder()
            .max_age(MaxAge::new(own_lease).expect("a lease"))
            .stale_if_error(secs(0))
            .build()
            .expect("a policy");
        let mut site = Site::new(6, &GuardConfig { policy, ..config() }, brief(OWN, ms(0)));
        let (mut serves, mut takes) = (OWN, 0);
        let mut truth = Truth(vec![(site.clock.now(), serves)]);
        let mut waiting: Vec<Outcome<Decision>> = Vec::new();
        for Event { pause, guard, change } in events {
            match change {
                Change::None => {}
                Change::Serves(number) => {
                    serves = number;
                    truth.0.push((site.clock.now(), serves));
                    site.manager.behave(brief(serves, ms(takes)));
                }
                Change::Takes(time) => {
                    takes = time;
                    site.manager.behave(brief(serves, ms(takes)));
                }
                Change::Fails => {
                    let unreachable = TransportError::Unreachable;
                    site.manager.behave(Behaviour::Fail(unreachable, ms(takes)));
                }
                Change::Hangs => site.manager.behave(Behaviour::Hang),
                Change::Forgets => site.cache.clear(),
            }
            waiting.push(site.send(guard));
            for _ in 0..=pause / 10 {
                site.executor.run();
                let now = site.clock.now();
                let decisions: Vec<_> = waiting.iter().filter_map(Outcome::try_take).collect();
                for decision in decisions {
                    let told = match decision {
                        CURRENT => OWN,
                        OLDER => NEWER,
                        other => {
                            prop_assert_eq!(other, UNAVAILABLE);
                            continue;
                        }
                    };
                    prop_assert!(truth.was(told, own_lease, now), "{:?} at {}", decision, now);
                }
                site.clock.advance(ms(10));
            }
        }
    }
}
