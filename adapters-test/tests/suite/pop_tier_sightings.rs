//! What the guards of a PoP have sighted reaches the manager, each report once.

use core::time::Duration;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::{prop_assert_eq, proptest};
use skewguard_domain::{Breaker, GATHERED, Haste, MaxAge, Sighting, Tally, Timestamp};
use skewguard_ports::{PopTier, Question, Told, Transport, TransportError};
use skewguard_test::{Behaviour, Executor, FaultyTransport, ManualClock, MemoryCache};

use crate::fixtures::{all_current_are, current_is, gathered, ms, secs, sighting};

struct Site<T> {
    clock: ManualClock,
    manager: FaultyTransport,
    cache: MemoryCache,
    tier: Arc<T>,
    executor: Executor,
}

type Tier = PopTier<FaultyTransport, MemoryCache, ManualClock>;

fn brief() -> Behaviour {
    Behaviour::Brief(Box::new(all_current_are(1)), ms(0))
}

fn failing() -> Behaviour {
    Behaviour::Fail(TransportError::Unreachable, ms(0))
}

/// A site whose manager is well.
fn site() -> Site<Tier> {
    let clock = ManualClock::new();
    let cache = MemoryCache::new(clock.clone());
    let manager = FaultyTransport::new(clock.clone(), brief());
    let tier = PopTier::new(manager.clone(), cache.clone(), clock.clone());
    Site { clock, manager, cache, tier: Arc::new(tier), executor: Executor::new() }
}

impl<T: Transport + 'static> Site<T> {
    /// A guard asks, and tells what it has sighted.
    fn tell(&mut self, sighting: Sighting, haste: Haste) -> Result<Told, TransportError> {
        let tier = Arc::clone(&self.tier);
        let worker = sighting.worker.clone();
        let question = Question {
            worker,
            max_age: MaxAge::DEFAULT,
            haste,
            bundle: sighting.bundle,
            began_at: Timestamp::from_unix_millis(0),
            sightings: vec![sighting],
        };
        let told = self.executor.spawn(async move { tier.manifest(&question, ms(750)).await });
        self.executor.run();
        told.try_take().expect("an answer at once")
    }

    /// What the manager was told with the last question.
    fn told_last(&self) -> Vec<Sighting> {
        self.manager.questions().pop().expect("a question").sightings
    }

    fn gathered(&self) -> Vec<Sighting> {
        gathered(&self.cache)
    }
}

/// So many reports of the same, which tell of so many refusals.
fn reports(name: &str, number: u8, refused: u32, reports: u32) -> Sighting {
    Sighting { reports, ..sighting(name, number, refused) }
}

#[test]
fn everyone_gathers_and_who_asks_hands_in_all_of_it_once() {
    let mut site = site();
    site.tell(sighting("op-auth", 1, 1), Haste::Waiting).expect("an answer");
    assert_eq!(site.told_last(), [sighting("op-auth", 1, 1)]);
    assert_eq!(site.gathered(), []);
    for (name, number, refused) in
        [("op-auth", 1, 2), ("op-auth", 2, 3), ("op-token", 1, 4), ("op-auth", 1, 5)]
    {
        site.tell(sighting(name, number, refused), Haste::Waiting).expect("a copy");
    }
    site.clock.advance(secs(3));
    site.tell(sighting("op-auth", 1, 6), Haste::Background).expect("an answer");
    assert_eq!(site.manager.asked(), 2);
    let all = [
        reports("op-auth", 1, 2 + 5 + 6, 3),
        reports("op-auth", 2, 3, 1),
        reports("op-token", 1, 4, 1),
    ];
    assert_eq!(site.told_last(), all);
    assert_eq!(site.gathered(), []);
    site.clock.advance(secs(3));
    site.tell(sighting("op-auth", 1, 7), Haste::Background).expect("an answer");
    assert_eq!(site.told_last(), [sighting("op-auth", 1, 7)]);
}

#[test]
fn what_a_guard_took_its_breaker_for_last_is_what_counts() {
    let mut site = site();
    site.tell(sighting("op-auth", 1, 0), Haste::Waiting).expect("an answer");
    let open = Sighting { breaker: Breaker::Open, ..sighting("op-auth", 1, 0) };
    site.tell(open.clone(), Haste::Waiting).expect("a copy");
    site.tell(sighting("op-auth", 1, 0), Haste::Waiting).expect("a copy");
    assert_eq!(site.gathered()[0].breaker, Breaker::Closed);
    site.tell(open, Haste::Waiting).expect("a copy");
    assert_eq!(site.gathered()[0].breaker, Breaker::Open);
}

#[test]
fn what_was_gathered_stays_when_the_question_fails() {
    let mut site = site();
    site.tell(sighting("op-auth", 1, 0), Haste::Waiting).expect("an answer");
    site.tell(sighting("op-auth", 1, 1), Haste::Waiting).expect("a copy");
    site.manager.behave(failing());
    site.clock.advance(secs(3));
    // The copy serves for it, and so it does not tell again what it has told.
    site.tell(sighting("op-auth", 1, 2), Haste::Background).expect("a copy");
    assert_eq!(site.gathered(), [reports("op-auth", 1, 3, 2)]);
    site.clock.advance(secs(2));
    // It is told of the failure, and tells again when it asks again.
    site.tell(sighting("op-auth", 1, 4), Haste::Background).expect_err("no copy");
    assert_eq!(site.gathered(), [reports("op-auth", 1, 3, 2)]);
    site.manager.behave(brief());
    site.tell(sighting("op-auth", 1, 4), Haste::Background).expect("an answer");
    assert_eq!(site.told_last(), [reports("op-auth", 1, 7, 3)]);
    assert_eq!(site.gathered(), []);
}

#[test]
fn what_was_handed_in_to_a_manager_that_speaks_of_one_worker_is_not_handed_in_again() {
    let mut site = site();
    site.tell(sighting("op-auth", 1, 0), Haste::Waiting).expect("an answer");
    site.tell(sighting("op-auth", 1, 1), Haste::Waiting).expect("a copy");
    site.manager.behave(Behaviour::Answer(Box::new(current_is(1)), ms(0)));
    site.clock.advance(secs(6));
    site.tell(sighting("op-auth", 1, 2), Haste::Background).expect("an answer");
    assert_eq!(site.told_last(), [reports("op-auth", 1, 3, 2)]);
    site.tell(sighting("op-auth", 1, 4), Haste::Background).expect("an answer");
    assert_eq!(site.told_last(), [reports("op-auth", 1, 4, 1)]);
}

#[test]
fn the_sightings_of_more_bundles_than_there_is_room_for_are_left_to_their_guards() {
    let mut site = site();
    site.tell(sighting("op-auth", 0, 0), Haste::Waiting).expect("an answer");
    for number in 0..=255 {
        for name in ["op-auth", "op-token"] {
            site.tell(sighting(name, number, 0), Haste::Waiting).expect("a copy");
        }
    }
    assert_eq!(site.gathered().len(), GATHERED);
}

/// How the manager does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    SpeaksOfOne,
    Fails,
}

/// One report, a while after the one before.
#[derive(Clone, Debug)]
struct Report {
    pause: Duration,
    sighting: Sighting,
    haste: Haste,
    health: Health,
}

fn report() -> impl Strategy<Value = Report> {
    let health = prop_oneof![
        4 => Just(Health::Well),
        2 => Just(Health::Fails),
        1 => Just(Health::SpeaksOfOne),
    ];
    let haste = prop_oneof![Just(Haste::Waiting), Just(Haste::Background)];
    let name = prop_oneof![Just("op-auth"), Just("op-token")];
    (0..2_500_u64, (name, 1..4_u8, [0..5_u32, 0..5, 0..5]), haste, health).prop_map(
        |(pause, (name, number, [refused, failed_open, breaker_open]), haste, health)| {
            let tally = Tally { refused, failed_open, breaker_open };
            let sighting = Sighting { tally, ..sighting(name, number, 0) };
            Report { pause: ms(pause), sighting, haste, health }
        },
    )
}

/// All reports together: how many, and what they tell.
fn sum(sightings: &[Sighting]) -> (u32, Tally) {
    sightings.iter().fold((0, Tally::default()), |(reports, tally), sighting| {
        (reports + sighting.reports, tally.plus(sighting.tally))
    })
}

/// Tells all reports. What the guards were rid of, and what has reached the manager or lies in one
/// of the caches.
fn told_and_kept<T: Transport + 'static>(
    site: &mut Site<T>,
    caches: &[MemoryCache],
    reports: Vec<Report>,
) -> [(u32, Tally); 2] {
    let (mut told, mut kept) = (Vec::new(), Vec::new());
    for Report { pause, sighting, haste, health } in reports {
        site.clock.advance(pause);
        site.manager.behave(match health {
            Health::Well => brief(),
            Health::SpeaksOfOne => Behaviour::Answer(Box::new(current_is(1)), ms(0)),
            Health::Fails => failing(),
        });
        let asked = site.manager.asked();
        if site.tell(sighting.clone(), haste).is_ok() {
            told.push(sighting);
        }
        if site.manager.asked() > asked && health != Health::Fails {
            kept.extend(site.told_last());
        }
    }
    for cache in caches {
        kept.extend(gathered(cache));
    }
    [sum(&told), sum(&kept)]
}

proptest! {
    #[test]
    fn no_report_is_lost_or_doubled_when_nothing_races(reports in vec(report(), 0..60)) {
        let mut site = site();
        let caches = [site.cache.clone()];
        let [told, kept] = told_and_kept(&mut site, &caches, reports);
        prop_assert_eq!(told, kept);
    }

    #[test]
    fn no_report_is_lost_or_doubled_between_a_tier_and_the_tier_below_it(
        reports in vec(report(), 0..60),
    ) {
        let Site { clock, manager, cache, tier: inner, executor } = site();
        let inner = Arc::into_inner(inner).expect("nobody else has it");
        let own = MemoryCache::new(clock.clone());
        let tier = Arc::new(PopTier::new(inner, own.clone(), clock.clone()));
        let caches = [cache.clone(), own];
        let mut site = Site { clock, manager, cache, tier, executor };
        let [told, kept] = told_and_kept(&mut site, &caches, reports);
        prop_assert_eq!(told, kept);
    }
}
