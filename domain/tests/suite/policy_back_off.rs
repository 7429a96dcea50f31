//! Jitter, and the pauses that a failing manager is given.

use core::time::Duration;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{BackOff, CachePolicy, Jitter};

use crate::fixtures::{cases, ms};

const NONE: Jitter = Jitter::from_random(0);
const MOST: Jitter = Jitter::from_random(1_023);

fn back_off(first: Duration, longest: Duration) -> BackOff {
    CachePolicy::builder().back_off(first, longest).build().expect("a policy").back_off()
}

#[test]
fn jitter_is_none_of_a_span_up_to_nearly_the_whole() {
    assert_eq!(NONE.of(ms(1_024)), Duration::ZERO);
    assert_eq!(Jitter::from_random(1).of(ms(1_024)), ms(1));
    assert_eq!(Jitter::from_random(512).of(ms(1_024)), ms(512));
    assert_eq!(MOST.of(ms(1_024)), ms(1_023));
}

#[test]
fn every_fraction_is_as_likely_as_another() {
    let mut times_drawn = [0_u32; 1_024];
    for random in 0..=u16::MAX {
        let drawn = Jitter::from_random(random).of(ms(1_024)).as_millis();
        times_drawn[usize::try_from(drawn).expect("a fraction")] += 1;
    }
    assert_eq!(times_drawn, [64; 1_024]);
}

#[test]
fn the_first_pause_is_between_half_and_the_whole_of_the_first_figure() {
    let back_off = back_off(ms(1_024), ms(60_000));
    assert_eq!(back_off.pause(1, NONE), ms(512));
    assert_eq!(back_off.pause(1, Jitter::from_random(512)), ms(768));
    assert!(back_off.pause(1, MOST) < ms(1_024));
    assert!(back_off.pause(1, MOST) > ms(1_023));
}

#[test]
fn every_failure_doubles_the_pause_until_the_longest() {
    let back_off = back_off(ms(100), ms(1_500));
    let halves = [50, 100, 200, 400, 750, 750];
    for (failures, half) in (1..).zip(halves) {
        assert_eq!(back_off.pause(failures, NONE), ms(half), "after {failures} failures");
    }
}

#[test]
fn doubling_goes_on_for_as_long_as_it_can_be_counted() {
    // 31 doublings of 1 ms are longer than an hour, so the longest pause is always reached.
    let back_off = back_off(ms(1), Duration::from_secs(3_600));
    assert_eq!(back_off.pause(21, NONE) * 2, ms(1 << 20));
    for failures in [23, 31, 32, 33, 34, 64, 65, u32::MAX] {
        assert_eq!(back_off.pause(failures, NONE) * 2, Duration::from_secs(3_600));
    }
}

#[test]
fn a_pause_without_a_failure_is_that_of_the_first() {
    let back_off = back_off(ms(100), ms(1_500));
    assert_eq!(back_off.pause(0, NONE), back_off.pause(1, NONE));
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn jitter_is_less_than_the_whole_of_any_span(random in any::<u16>(), nanos in 1_u64..) {
        let span = Duration::from_nanos(nanos);
        prop_assert!(Jitter::from_random(random).of(span) < span);
    }

    #[test]
    fn a_pause_lies_between_half_and_the_whole_of_its_step_and_never_beyond_the_longest(
        first in 1_u64..10_000,
        factor in 1_u64..100,
        failures in any::<u32>(),
        random in any::<u16>(),
    ) {
        let longest = first * factor;
        let back_off = back_off(ms(first), ms(longest));
        let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        let step = ms(first.saturating_mul(doubled).min(longest));
        let pause = back_off.pause(failures, Jitter::from_random(random));
        prop_assert!(step / 2 <= pause && pause < step);
        prop_assert_eq!(back_off.pause(failures, NONE), step / 2);
    }
}
