//! The figures of a guard's cache: their defaults, their bounds, and what follows from them.

use core::time::Duration;

use skewguard_domain::{CachePolicy, CachePolicyBuilder, Jitter, MaxAge, PolicyError};

use crate::fixtures::ms;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn max_age(millis: u64) -> MaxAge {
    MaxAge::new(ms(millis)).expect("a lease")
}

fn built(builder: CachePolicyBuilder) -> CachePolicy {
    builder.build().expect("a policy")
}

#[test]
fn a_lease_is_100_ms_to_1_h_long() {
    for length in [ms(100), ms(101), Duration::from_secs(5), Duration::from_secs(3_600)] {
        assert_eq!(MaxAge::new(length).map(MaxAge::get), Ok(length));
    }
    for length in [Duration::ZERO, ms(99), Duration::from_secs(3_600) + ms(1), Duration::MAX] {
        assert_eq!(MaxAge::new(length), Err(PolicyError::MaxAge));
    }
}

#[test]
fn the_defaults_are_those_of_the_readme() {
    let policy = CachePolicy::default();
    assert_eq!(policy.lease(None), Duration::from_secs(5));
    assert_eq!(policy.timeout(), ms(250));
    assert_eq!(policy.stale_if_error(), Duration::from_secs(60));
    assert_eq!(policy.refresh_after(ms(5_000), Jitter::from_random(0)), ms(4_000));
    let whole = policy.back_off().pause(1, Jitter::from_random(0)) * 2;
    assert_eq!(whole, Duration::from_secs(1));
    let longest = policy.back_off().pause(u32::MAX, Jitter::from_random(0)) * 2;
    assert_eq!(longest, Duration::from_secs(30));
}

#[test]
fn a_builder_that_is_told_nothing_builds_the_defaults() {
    assert_eq!(CachePolicy::builder().build(), Ok(CachePolicy::default()));
}

#[test]
fn a_builder_builds_what_it_is_told() {
    let policy = built(
        CachePolicy::builder()
            .max_age(max_age(10_000))
            .refresh_ahead_percent(50)
            .timeout(ms(2_000))
            .stale_if_error(ms(30_000))
            .back_off(ms(10), ms(40)),
    );
    assert_eq!(policy.lease(None), ms(10_000));
    assert_eq!(policy.refresh_after(ms(10_000), Jitter::from_random(0)), ms(5_000));
    assert_eq!(policy.timeout(), ms(2_000));
    assert_eq!(policy.stale_if_error(), ms(30_000));
    assert_eq!(policy.back_off().pause(1, Jitter::from_random(0)), ms(5));
    assert_eq!(policy.back_off().pause(9, Jitter::from_random(0)), ms(20));
}

#[test]
fn a_policy_can_be_changed_figure_by_figure() {
    let slow = built(CachePolicy::builder().timeout(ms(2_000)).stale_if_error(ms(30_000)));
    assert_eq!(slow.to_builder().build(), Ok(slow));
    let slower = built(slow.to_builder().timeout(ms(3_000)));
    assert_eq!((slower.timeout(), slower.stale_if_error()), (ms(3_000), ms(30_000)));
}

#[test]
fn a_back_off_gives_back_its_figures() {
    let back_off = built(CachePolicy::builder().back_off(ms(10), ms(40))).back_off();
    assert_eq!((back_off.first(), back_off.longest()), (ms(10), ms(40)));
}

#[test]
fn a_refresh_starts_after_1_to_99_percent_of_the_lease() {
    for percent in [1, 50, 99] {
        let policy = built(CachePolicy::builder().refresh_ahead_percent(percent));
        let after = policy.refresh_after(ms(1_000), Jitter::from_random(0));
        assert_eq!(after, ms(10) * u32::from(percent));
    }
    for percent in [0, 100, 255] {
        let built = CachePolicy::builder().refresh_ahead_percent(percent).build();
        assert_eq!(built, Err(PolicyError::RefreshAhead));
    }
}

#[test]
fn a_timeout_is_1_ms_to_10_s_long() {
    let hour = CachePolicy::builder().max_age(max_age(3_600_000));
    for timeout in [ms(1), ms(2), ms(9_999), ms(10_000)] {
        assert_eq!(built(hour.timeout(timeout)).timeout(), timeout);
    }
    for timeout in [Duration::ZERO, Duration::from_micros(999), ms(10_001)] {
        assert_eq!(hour.timeout(timeout).build(), Err(PolicyError::Timeout));
    }
}

#[test]
fn a_timeout_is_shorter_than_the_lease() {
    let short = CachePolicy::builder().max_age(max_age(100));
    assert_eq!(built(short.timeout(ms(99))).timeout(), ms(99));
    for timeout in [ms(100), ms(101)] {
        assert_eq!(short.timeout(timeout).build(), Err(PolicyError::Timeout));
    }
}

#[test]
fn stale_if_error_is_at_most_a_day() {
    for stale in [Duration::ZERO, ms(1), DAY] {
        assert_eq!(built(CachePolicy::builder().stale_if_error(stale)).stale_if_error(), stale);
    }
    let built = CachePolicy::builder().stale_if_error(DAY + ms(1)).build();
    assert_eq!(built, Err(PolicyError::StaleIfError));
}

#[test]
fn a_back_off_begins_at_1_ms_or_more_and_ends_at_an_hour_or_less() {
    let hour = Duration::from_secs(3_600);
    for (first, longest) in [(ms(1), ms(1)), (ms(1), hour), (hour, hour), (ms(5), ms(6))] {
        assert!(CachePolicy::builder().back_off(first, longest).build().is_ok());
    }
    let out_of_range = [
        (Duration::ZERO, ms(1)),
        (Duration::from_micros(999), ms(1)),
        (ms(2), ms(1)),
        (ms(1), hour + ms(1)),
        (hour + ms(1), hour + ms(1)),
    ];
    for (first, longest) in out_of_range {
        let built = CachePolicy::builder().back_off(first, longest).build();
        assert_eq!(built, Err(PolicyError::BackOff), "{first:?}, {longest:?}");
    }
}

#[test]
fn the_error_is_that_of_the_first_figure_out_of_range() {
    let all = CachePolicy::builder()
        .refresh_ahead_percent(0)
        .timeout(Duration::ZERO)
        .stale_if_error(Duration::MAX)
        .back_off(Duration::ZERO, Duration::ZERO);
    assert_eq!(all.build(), Err(PolicyError::RefreshAhead));
    assert_eq!(all.refresh_ahead_percent(80).build(), Err(PolicyError::Timeout));
    let two = all.refresh_ahead_percent(80).timeout(ms(1));
    assert_eq!(two.build(), Err(PolicyError::StaleIfError));
    assert_eq!(two.stale_if_error(ms(1)).build(), Err(PolicyError::BackOff));
}

#[test]
fn errors_say_what_is_right_as_lower_case_fragments() {
    let errors = [
        PolicyError::MaxAge,
        PolicyError::RefreshAhead,
        PolicyError::Timeout,
        PolicyError::StaleIfError,
        PolicyError::BackOff,
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.starts_with(|first: char| first.is_ascii_lowercase()), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}

#[test]
fn a_managers_lease_can_only_shorten_the_guards_own() {
    let policy = built(CachePolicy::builder().max_age(max_age(2_000)));
    assert_eq!(policy.lease(None), ms(2_000));
    assert_eq!(policy.lease(Some(max_age(1_000))), ms(1_000));
    assert_eq!(policy.lease(Some(max_age(2_000))), ms(2_000));
    assert_eq!(policy.lease(Some(max_age(60_000))), ms(2_000));
}

#[test]
fn a_refresh_is_due_between_80_and_90_percent_of_the_lease() {
    let policy = CachePolicy::default();
    for random in 0..=u16::MAX {
        let after = policy.refresh_after(ms(5_000), Jitter::from_random(random));
        assert!((ms(4_000)..ms(4_500)).contains(&after), "{after:?}");
    }
    let latest = policy.refresh_after(ms(5_000), Jitter::from_random(1_023));
    assert!(latest > ms(4_499), "{latest:?}");
}

#[test]
fn a_question_is_given_up_between_the_timeout_and_the_next_question() {
    let policy = CachePolicy::builder().timeout(ms(250)).back_off(ms(1_000), ms(30_000));
    let policy = policy.build().expect("a policy");
    assert_eq!(policy.give_up_after(), ms(750));
    let soonest = policy.timeout() + policy.back_off().pause(1, Jitter::from_random(0));
    assert!(policy.give_up_after() <= soonest);
}
