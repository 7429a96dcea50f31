//! The tier of a PoP: when its copy will do, how old it is then, and when the manager is asked.

use core::time::Duration;
use std::sync::Arc;

use skewguard_domain::{Age, Briefing, Haste, MaxAge, Timestamp};
use skewguard_ports::{Clock, PopTier, Question, Told, Transport, TransportError};
use skewguard_test::{Behaviour, Executor, FaultyTransport, ManualClock, MemoryCache, Outcome};

use crate::fixtures::{all_current_are, current_is, ms, secs, sighting, worker};

type Tier = PopTier<FaultyTransport, MemoryCache, ManualClock>;

/// The tier of one PoP, and what is around it.
struct Site {
    clock: ManualClock,
    manager: FaultyTransport,
    cache: MemoryCache,
    tier: Arc<Tier>,
    executor: Executor,
}

/// A manager that speaks of all Workers.
fn brief(number: u8, after: Duration) -> Behaviour {
    Behaviour::Brief(Box::new(all_current_are(number)), after)
}

fn failing(after: Duration) -> Behaviour {
    Behaviour::Fail(TransportError::Unreachable, after)
}

fn question(name: &str, haste: Haste) -> Question {
    Question {
        worker: worker(name),
        max_age: MaxAge::DEFAULT,
        haste,
        bundle: sighting(name, 1, 0).bundle,
        began_at: ManualClock::new().now(),
        sightings: vec![sighting(name, 1, 0)],
    }
}

fn age(at_least: u64, at_most: u64) -> Age {
    Age { at_least: ms(at_least), at_most: ms(at_most) }
}

impl Site {
    fn new(behaviour: Behaviour) -> Self {
        let clock = ManualClock::new();
        let cache = MemoryCache::new(clock.clone());
        let manager = FaultyTransport::new(clock.clone(), behaviour);
        let tier = PopTier::new(manager.clone(), cache.clone(), clock.clone());
        Self { clock, manager, cache, tier: Arc::new(tier), executor: Executor::new() }
    }

    /// A site with a copy of what the manager has just said.
    fn warm(number: u8) -> Self {
        let mut site = Self::new(brief(number, ms(0)));
        site.ask("op-auth", Haste::Waiting).expect("an answer");
        site
    }

    /// Asks in the background, or because a request waits.
    fn send(&self, question: Question) -> Outcome<Result<Told, TransportError>> {
        let tier = Arc::clone(&self.tier);
        self.executor.spawn(async move { tier.manifest(&question, ms(750)).await })
    }

    /// What comes of a question before any time goes by.
    fn ask_with(&mut self, question: Question) -> Result<Told, TransportError> {
        let outcome = self.send(question);
        self.executor.run();
        outcome.try_take().expect("an answer at once")
    }

    fn ask(&mut self, name: &str, haste: Haste) -> Result<Told, TransportError> {
        self.ask_with(question(name, haste))
    }

    /// How old the answer is that a guard of `op-auth` is given at once.
    fn age(&mut self, haste: Haste) -> Age {
        self.ask("op-auth", haste).expect("an answer").manifest.age
    }

    fn pass(&mut self, time: u64) {
        for _ in 0..time {
            self.executor.run();
            self.clock.advance(ms(1));
        }
        self.executor.run();
    }
}

#[test]
fn one_answer_serves_the_guards_of_all_workers() {
    let mut site = Site::warm(7);
    for name in ["op-auth", "op-token"] {
        let told = site.ask(name, Haste::Waiting).expect("an answer");
        assert_eq!(told.manifest, current_is(7));
    }
    assert_eq!(site.manager.asked(), 1);
}

#[test]
fn what_a_copy_does_not_know_is_asked_for_until_the_copy_is_younger_than_the_guard() {
    let mut site = Site::warm(7);
    for (later, asked) in [(0, 2), (500, 3), (0, 3)] {
        site.clock.advance(ms(later));
        let unknown = site.ask("op-code", Haste::Waiting).expect("an answer");
        assert_eq!(unknown.manifest.worker, None);
        assert_eq!(site.manager.asked(), asked);
    }
}

#[test]
fn a_copy_is_as_old_as_its_answer_which_was_made_between_the_question_and_its_coming() {
    let mut site = Site::new(brief(7, ms(100)));
    let first = site.send(question("op-auth", Haste::Waiting));
    site.pass(100);
    let first = first.try_take().and_then(Result::ok).expect("an answer");
    assert_eq!(first.manifest.age, Age::NONE);
    site.pass(2_000);
    let copy = site.ask("op-token", Haste::Waiting).expect("a copy");
    assert_eq!((copy.manifest.age, copy.text), (age(2_000, 2_100), None));
    assert_eq!(site.manager.asked(), 1);
}

#[test]
fn the_age_of_a_copy_is_known_no_better_than_the_manager_says() {
    let briefing = Briefing { age_tolerance: ms(500), ..all_current_are(7) };
    let mut site = Site::new(Behaviour::Brief(Box::new(briefing), ms(0)));
    assert_eq!(site.age(Haste::Waiting), Age::NONE);
    site.clock.advance(ms(300));
    assert_eq!(site.age(Haste::Waiting), age(0, 800));
    site.clock.advance(ms(1_700));
    assert_eq!(site.age(Haste::Waiting), age(1_500, 2_500));
    assert_eq!(site.manager.asked(), 1);
}

#[test]
fn in_the_background_a_copy_will_do_for_the_first_half_of_its_lease() {
    let mut site = Site::warm(7);
    site.clock.advance(ms(2_499));
    assert_eq!(site.age(Haste::Background), age(2_499, 2_499));
    assert_eq!(site.manager.asked(), 1);
    site.clock.advance(ms(1));
    assert_eq!(site.age(Haste::Background), Age::NONE);
    assert_eq!(site.manager.asked(), 2);
}

#[test]
fn a_waiting_request_takes_the_copy_until_the_last_moments_of_its_lease() {
    let mut site = Site::warm(7);
    site.manager.behave(Behaviour::Hang);
    site.clock.advance(ms(4_899));
    assert_eq!(site.age(Haste::Waiting), age(4_899, 4_899));
    site.clock.advance(ms(1));
    // It might have expired before the request looks.
    let late = site.send(question("op-auth", Haste::Waiting));
    site.executor.run();
    assert!(late.try_take().is_none());
    assert_eq!(site.manager.asked(), 2);
}

#[test]
fn a_waiting_request_takes_even_the_last_moments_of_a_copy_when_the_manager_fails() {
    let mut site = Site::warm(7);
    site.manager.behave(failing(ms(0)));
    site.clock.advance(ms(4_999));
    assert_eq!(site.age(Haste::Waiting), age(4_999, 4_999));
    assert_eq!(site.manager.asked(), 2);
}

#[test]
fn while_one_asks_the_others_use_the_copy() {
    let mut site = Site::warm(7);
    site.manager.behave(brief(8, ms(400)));
    site.clock.advance(secs(3));
    let first = site.send(question("op-auth", Haste::Background));
    site.pass(399);
    for name in ["op-auth", "op-token"] {
        let told = site.ask(name, Haste::Background).expect("a copy");
        assert_eq!(told.manifest.worker, current_is(7).worker);
    }
    assert_eq!(site.manager.asked(), 2);
    site.pass(1);
    let first = first.try_take().and_then(Result::ok).expect("an answer");
    assert_eq!(first.manifest.worker, current_is(8).worker);
    let told = site.ask("op-token", Haste::Background).expect("a copy");
    assert_eq!(told.manifest.worker, current_is(8).worker);
    assert_eq!(site.manager.asked(), 2);
}

#[test]
fn who_asks_and_brings_nothing_keeps_the_others_from_asking_for_a_second() {
    let mut site = Site::warm(7);
    site.manager.behave(Behaviour::Hang);
    site.clock.advance(ms(2_500));
    drop(site.send(question("op-auth", Haste::Background)));
    site.executor.run();
    site.clock.advance(ms(999));
    site.ask("op-auth", Haste::Background).expect("a copy");
    assert_eq!(site.manager.asked(), 2);
    site.manager.behave(brief(8, ms(0)));
    site.clock.advance(ms(1));
    assert_eq!(site.age(Haste::Background), Age::NONE);
    assert_eq!(site.manager.asked(), 3);
}

#[test]
fn when_the_manager_fails_the_copy_serves_until_its_lease_is_over_and_then_the_failure_counts() {
    let mut site = Site::warm(7);
    site.manager.behave(failing(ms(0)));
    for (later, expected) in [(3_000, age(3_000, 3_000)), (1_999, age(4_999, 4_999))] {
        site.clock.advance(ms(later));
        assert_eq!(site.age(Haste::Background), expected);
    }
    site.clock.advance(ms(1));
    for haste in [Haste::Background, Haste::Waiting] {
        assert_eq!(site.ask("op-auth", haste), Err(TransportError::Unreachable));
    }
}

#[test]
fn a_copy_that_outlives_its_lease_while_the_manager_fails_is_not_used() {
    let mut site = Site::warm(7);
    site.manager.behave(failing(ms(200)));
    site.clock.advance(ms(4_850));
    let question = site.send(question("op-auth", Haste::Background));
    site.pass(200);
    assert_eq!(question.try_take(), Some(Err(TransportError::Unreachable)));
}

#[test]
fn a_copy_that_serves_for_a_failure_is_as_old_as_it_is_after_that() {
    let mut site = Site::warm(7);
    site.manager.behave(failing(ms(200)));
    site.clock.advance(secs(3));
    let question = site.send(question("op-auth", Haste::Background));
    site.pass(200);
    let told = question.try_take().and_then(Result::ok).expect("a copy");
    assert_eq!(told.manifest.age, age(3_200, 3_200));
}

#[test]
fn an_answer_that_speaks_of_one_worker_is_not_kept() {
    let mut site = Site::new(Behaviour::Answer(Box::new(current_is(7)), ms(0)));
    for asked in 1..=3 {
        let told = site.ask("op-auth", Haste::Waiting).expect("an answer");
        assert_eq!((told.manifest, told.text), (current_is(7), None));
        assert_eq!(site.manager.asked(), asked);
    }
}

#[test]
fn a_guard_whose_own_lease_is_no_longer_than_the_copys_age_asks_itself() {
    let mut site = Site::warm(7);
    let impatient = Question {
        max_age: MaxAge::new(secs(1)).expect("a lease"),
        ..question("op-auth", Haste::Waiting)
    };
    site.clock.advance(ms(899));
    let told = site.ask_with(impatient.clone()).expect("a copy");
    assert_eq!((told.manifest.age, site.manager.asked()), (age(899, 899), 1));
    site.manager.behave(failing(ms(0)));
    site.clock.advance(ms(101));
    assert_eq!(site.ask_with(impatient.clone()), Err(TransportError::Unreachable));
    assert_eq!(site.age(Haste::Waiting), age(1_000, 1_000));
    site.manager.behave(brief(8, ms(0)));
    let told = site.ask_with(impatient).expect("an answer");
    assert_eq!((told.manifest.age, site.manager.asked()), (Age::NONE, 3));
}

#[test]
fn a_copy_has_the_managers_lease_where_that_is_the_shorter() {
    let max_age = MaxAge::new(secs(1)).expect("a lease");
    let briefing = Briefing { max_age, ..all_current_are(7) };
    let mut site = Site::new(Behaviour::Brief(Box::new(briefing), ms(0)));
    site.age(Haste::Waiting);
    site.clock.advance(ms(899));
    assert_eq!(site.age(Haste::Waiting), age(899, 899));
    assert_eq!(site.manager.asked(), 1);
    site.clock.advance(ms(101));
    assert_eq!(site.age(Haste::Waiting), Age::NONE);
    assert_eq!(site.manager.asked(), 2);
}

#[test]
fn a_copy_from_a_machine_whose_clock_is_ahead_is_not_used() {
    let mut site = Site::warm(7);
    let behind = ManualClock::new();
    let millis = site.clock.now().as_unix_millis();
    behind.set(Timestamp::from_unix_millis(millis - 1));
    let manager = FaultyTransport::new(behind.clone(), brief(8, ms(0)));
    let failing = FaultyTransport::new(behind.clone(), failing(ms(0)));
    let asks = |manager: &FaultyTransport| {
        let tier = PopTier::new(manager.clone(), site.cache.clone(), behind.clone());
        let question = question("op-auth", Haste::Waiting);
        site.executor.spawn(async move { tier.manifest(&question, ms(750)).await })
    };
    let (failed, answered) = (asks(&failing), asks(&manager));
    site.executor.run();
    assert_eq!(failed.try_take(), Some(Err(TransportError::Unreachable)));
    let answered = answered.try_take().and_then(Result::ok).expect("an answer");
    assert_eq!(answered.manifest, current_is(8));
}

#[test]
fn a_cache_that_has_lost_all_costs_a_question_and_nothing_else() {
    let mut site = Site::warm(7);
    site.cache.clear();
    assert_eq!(site.ask("op-auth", Haste::Waiting).map(|told| told.manifest), Ok(current_is(7)));
    assert_eq!(site.manager.asked(), 2);
}

#[test]
fn a_tier_over_a_tier_asks_only_where_neither_has_a_copy_and_adds_no_age() {
    let mut site = Site::new(brief(7, ms(0)));
    let inner = || PopTier::new(site.manager.clone(), site.cache.clone(), site.clock.clone());
    let outer = [(); 2].map(|()| {
        Arc::new(PopTier::new(inner(), MemoryCache::new(site.clock.clone()), site.clock.clone()))
    });
    let ask = |which: usize, executor: &mut Executor| {
        let tier = Arc::clone(&outer[which]);
        let question = question("op-auth", Haste::Waiting);
        let told = executor.spawn(async move { tier.manifest(&question, ms(750)).await });
        executor.run();
        told.try_take().and_then(Result::ok).expect("an answer").manifest.age
    };
    assert_eq!(ask(0, &mut site.executor), Age::NONE);
    site.clock.advance(secs(2));
    // The first has a copy of its own, and the second is given the inner one's.
    for which in [0, 1, 1] {
        assert_eq!(ask(which, &mut site.executor), age(2_000, 2_000));
    }
    assert_eq!(site.manager.asked(), 1);
    site.clock.advance(secs(3));
    assert_eq!(ask(1, &mut site.executor), Age::NONE);
    assert_eq!(ask(0, &mut site.executor), Age::NONE);
    assert_eq!(site.manager.asked(), 2);
}
