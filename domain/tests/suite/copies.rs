//! The copy that a PoP shares, and the sightings that it gathers.

use skewguard_domain::{
    ASKING, Age, BAND, Breaker, CopyInfo, GATHERED, Haste, Lookup, MaxAge, Sighting, Standing,
    Tally, gather,
};

use crate::fixtures::{at, ms};
use crate::manager::{named, numbered};

fn max_age(millis: u64) -> MaxAge {
    MaxAge::new(ms(millis)).expect("a lease")
}

fn age(at_least: u64, at_most: u64) -> Age {
    Age { at_least: ms(at_least), at_most: ms(at_most) }
}

/// Asked for at 10,000 and there at 10,200, with a lease of 5 s.
const COPY: CopyInfo = CopyInfo {
    asked_at: at(10_000),
    answered_at: at(10_200),
    max_age: MaxAge::DEFAULT,
    age_tolerance: ms(0),
};

fn look_up(millis: i64, haste: Haste) -> Lookup {
    COPY.look_up(None, at(millis), MaxAge::DEFAULT, haste)
}

#[test]
fn a_copy_is_as_old_as_its_question_at_most_and_as_its_answer_at_least() {
    assert_eq!(COPY.age(at(10_200)), Some(age(0, 200)));
    assert_eq!(COPY.age(at(12_000)), Some(age(1_800, 2_000)));
    assert_eq!(COPY.age(at(14_999)), Some(age(4_799, 4_999)));
}

#[test]
fn a_copy_that_has_outlived_its_lease_has_no_age() {
    assert_eq!(COPY.age(at(15_000)), None);
    let shorter = CopyInfo { max_age: max_age(1_000), ..COPY };
    assert!(shorter.age(at(10_999)).is_some());
    assert_eq!(shorter.age(at(11_000)), None);
}

#[test]
fn a_copy_of_a_machine_whose_clock_is_ahead_has_no_age() {
    assert_eq!(COPY.age(at(10_199)), None);
    assert_eq!(COPY.age(at(9_000)), None);
}

#[test]
fn a_tolerance_widens_the_age_on_both_sides() {
    let exact = CopyInfo { age_tolerance: BAND, ..COPY };
    assert_eq!(exact.age(at(10_300)), Some(age(0, 800)));
    assert_eq!(exact.age(at(12_000)), Some(age(1_300, 2_500)));
    // Its lease is over earlier then, for whoever looks it up.
    let lookup = |millis| exact.look_up(None, at(millis), MaxAge::DEFAULT, Haste::Waiting);
    assert_eq!(lookup(14_399), Lookup::Use(age(3_699, 4_899)));
    assert_eq!(lookup(14_499), Lookup::AskOr(age(3_799, 4_999)));
    assert_eq!(lookup(14_500), Lookup::Ask);
}

#[test]
fn who_waits_uses_a_copy_for_as_long_as_it_will_do() {
    for millis in [10_200, 12_499, 12_500, 14_899] {
        assert!(matches!(look_up(millis, Haste::Waiting), Lookup::Use(_)), "{millis}");
    }
    // By the time that it looks, less would be nothing.
    for millis in [14_900, 14_999] {
        assert!(matches!(look_up(millis, Haste::Waiting), Lookup::AskOr(_)), "{millis}");
    }
    assert_eq!(look_up(15_000, Haste::Waiting), Lookup::Ask);
    assert_eq!(look_up(10_100, Haste::Waiting), Lookup::Ask);
}

#[test]
fn who_does_not_wait_asks_once_half_of_the_lease_is_over() {
    assert_eq!(look_up(12_499, Haste::Background), Lookup::Use(age(2_299, 2_499)));
    assert_eq!(look_up(12_500, Haste::Background), Lookup::AskOr(age(2_300, 2_500)));
    assert_eq!(look_up(14_999, Haste::Background), Lookup::AskOr(age(4_799, 4_999)));
    assert_eq!(look_up(15_000, Haste::Background), Lookup::Ask);
}

#[test]
fn while_one_asks_the_others_go_on_with_the_old_copy() {
    assert_eq!(ASKING, ms(1_000));
    let lookup =
        |since, now| COPY.look_up(Some(at(since)), at(now), MaxAge::DEFAULT, Haste::Background);
    assert!(matches!(lookup(13_000, 13_000), Lookup::Use(_)));
    assert!(matches!(lookup(13_000, 13_999), Lookup::Use(_)));
    assert!(matches!(lookup(13_000, 14_000), Lookup::AskOr(_)), "whoever asks has gone");
    assert!(matches!(lookup(13_001, 13_000), Lookup::AskOr(_)), "nobody asks in the future");
    assert_eq!(lookup(14_900, 15_000), Lookup::Wait, "there is none that will do");
    assert_eq!(lookup(14_000, 15_000), Lookup::Ask, "whoever asks has gone");
}

#[test]
fn where_there_is_no_copy_one_asks_and_the_others_wait_for_a_second_at_most() {
    let without = |since: Option<i64>, now| Lookup::without_copy(since.map(at), at(now));
    assert_eq!(without(None, 13_000), Lookup::Ask);
    assert_eq!(without(Some(13_000), 13_999), Lookup::Wait);
    assert_eq!(without(Some(13_000), 14_000), Lookup::Ask);
    assert_eq!(without(Some(13_001), 13_000), Lookup::Ask);
}

#[test]
fn of_a_bundle_that_is_news_only_a_copy_speaks_that_is_younger_than_the_guard() {
    // The copy was asked for at 10 s. Clocks of machines agree to within a band.
    for standing in [Standing::Ahead, Standing::Unregistered] {
        assert!(COPY.may_know(standing, at(9_500)), "{standing:?}");
        assert!(!COPY.may_know(standing, at(9_501)), "{standing:?}");
        assert!(!COPY.may_know(standing, at(20_000)), "{standing:?}");
    }
    for standing in [
        Standing::Serving,
        Standing::Announced,
        Standing::Held,
        Standing::Retired,
        Standing::Older,
        Standing::Undated,
    ] {
        assert!(COPY.may_know(standing, at(20_000)), "{standing:?}");
    }
}

#[test]
fn a_guard_that_believes_nothing_for_long_has_its_own_limit() {
    let lookup = |millis, haste| COPY.look_up(None, at(millis), max_age(1_000), haste);
    assert!(matches!(lookup(10_899, Haste::Waiting), Lookup::Use(_)));
    assert!(matches!(lookup(10_999, Haste::Waiting), Lookup::AskOr(_)));
    assert_eq!(lookup(11_000, Haste::Waiting), Lookup::Ask);
    assert!(matches!(lookup(10_499, Haste::Background), Lookup::Use(_)));
    assert!(matches!(lookup(10_500, Haste::Background), Lookup::AskOr(_)));
    // A guard that would believe it for longer does not.
    let longer = COPY.look_up(None, at(15_000), max_age(60_000), Haste::Waiting);
    assert_eq!(longer, Lookup::Ask);
}

fn sighting(number: u32) -> Sighting {
    Sighting {
        worker: named("a"),
        bundle: numbered(number),
        breaker: Breaker::Closed,
        tally: Tally { refused: 1, ..Tally::default() },
        reports: 1,
    }
}

#[test]
fn sightings_of_the_same_bundle_are_gathered_into_one() {
    let mut gathered = Vec::new();
    gather(&mut gathered, &sighting(1));
    let open = Sighting { breaker: Breaker::Open, reports: 2, ..sighting(1) };
    gather(&mut gathered, &open);
    gather(&mut gathered, &sighting(2));
    gather(&mut gathered, &Sighting { worker: named("b"), ..sighting(1) });
    assert_eq!(gathered.len(), 3);
    let both = Sighting {
        breaker: Breaker::Open,
        tally: Tally { refused: 2, ..Tally::default() },
        reports: 3,
        ..sighting(1)
    };
    assert_eq!(gathered[0], both);
}

#[test]
fn the_latest_word_on_the_breaker_counts() {
    let mut gathered = vec![Sighting { breaker: Breaker::Open, ..sighting(1) }];
    gather(&mut gathered, &sighting(1));
    assert_eq!(gathered[0].breaker, Breaker::Closed);
}

#[test]
fn one_bundle_more_than_there_is_room_for_is_left_out() {
    assert_eq!(GATHERED, 200);
    let mut gathered = Vec::new();
    for number in 0..=200 {
        gather(&mut gathered, &sighting(number));
    }
    assert_eq!(gathered.len(), 200);
    assert!(!gathered.iter().any(|known| known.is_of_the_same(&sighting(200))));
    // What is there already is still added to.
    gather(&mut gathered, &sighting(199));
    assert_eq!(gathered[199].reports, 2);
}
