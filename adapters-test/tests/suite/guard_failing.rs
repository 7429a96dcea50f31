//! A guard whose manager fails or hangs.

use core::time::Duration;

use skewguard_domain::{Decision, Timestamp, Verdict};
use skewguard_ports::{Clock, TransportError};
use skewguard_test::Behaviour;

use crate::fixtures::{ms, secs};
use crate::isolate::{CURRENT, Isolate, OLDER, UNAVAILABLE, own_is_current, own_is_older};

/// Every way to fail, each after a while, and to hang.
fn failures() -> [Behaviour; 5] {
    [
        Behaviour::Fail(TransportError::Unreachable, ms(5)),
        Behaviour::Fail(TransportError::Status(500), ms(0)),
        Behaviour::Fail(TransportError::Malformed, ms(60)),
        Behaviour::Fail(TransportError::Timeout, ms(249)),
        Behaviour::Hang,
    ]
}

/// The pause that follows on this many failures at most, and half of which is the least.
fn longest_pause(failures: u32) -> Duration {
    (secs(1) * 2_u32.pow((failures - 1).min(5))).min(secs(30))
}

#[test]
fn a_hanging_manager_holds_up_the_cold_request_for_the_timeout_and_no_request_after_it() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    let (decision, waited) = isolate.decide();
    assert_eq!(decision, UNAVAILABLE);
    assert!(waited <= ms(250 + 8));
    isolate.traffic(secs(300), ms(10), |_, _, decision| assert_eq!(decision, UNAVAILABLE));
    assert_eq!(isolate.log.count("request_waited"), 1);
}

#[test]
fn a_hanging_manager_is_asked_once_in_each_back_off_period_and_the_periods_grow() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    isolate.decide();
    // The first flight has just failed: from here, each gap is a pause and the next flight.
    let (mut failures, mut since, mut known) = (1, Duration::ZERO, 1);
    isolate.traffic(secs(300), ms(10), |passed, asked, _| {
        if asked == known {
            return;
        }
        assert_eq!(asked, known + 1, "two questions within {:?}", ms(10));
        let pause = passed - since;
        let longest = longest_pause(failures);
        let rounded = ms(10);
        assert!(
            (longest / 2..=longest + rounded).contains(&pause),
            "a pause of {pause:?} after {failures} failures"
        );
        known = asked;
        failures += 1;
        since = passed + ms(250);
    });
    assert!(failures > 10, "{failures} failures in 5 minutes");
}

#[test]
fn a_stale_bundle_stays_refused_for_stale_if_error_after_the_lease_and_then_serves() {
    for failure in failures() {
        let mut isolate = Isolate::cold(own_is_older(ms(0)));
        let first = isolate.send();
        isolate.executor.run();
        assert!(first.try_take().is_none(), "a cold request looks for its answer after a nap");
        isolate.manager.behave(failure.clone());
        isolate.traffic(secs(90), ms(20), |passed, _, decision| {
            // The answer was asked for when the isolate was born: 5 s lease, 60 s of grace.
            let expected = if passed < secs(65) { OLDER } else { UNAVAILABLE };
            assert_eq!(decision, expected, "after {passed:?} of {failure:?}");
        });
    }
}

#[test]
fn a_current_bundle_is_served_whatever_becomes_of_the_manager() {
    for failure in failures() {
        let mut isolate = Isolate::warm(own_is_current(ms(0)));
        isolate.manager.behave(failure.clone());
        isolate.traffic(secs(120), ms(20), |passed, _, decision| {
            assert_eq!(decision.verdict, Verdict::Serve, "after {passed:?} of {failure:?}");
        });
    }
}

#[test]
fn a_stale_bundle_stays_refused_when_the_manager_fails_only_once_in_a_while() {
    let mut isolate = Isolate::warm(own_is_older(ms(0)));
    for _ in 0..10 {
        isolate.manager.behave(Behaviour::Hang);
        isolate.traffic(secs(20), ms(20), |_, _, decision| assert_eq!(decision, OLDER));
        isolate.manager.behave(own_is_older(ms(20)));
        isolate.traffic(secs(40), ms(20), |_, _, decision| assert_eq!(decision, OLDER));
    }
    assert_eq!(isolate.log.count("manager_recovered"), 10);
}

#[test]
fn recovery_is_noticed_within_the_longest_pause_and_nobody_waits_for_it() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    isolate.decide();
    isolate.traffic(secs(300), ms(50), |_, _, decision| assert_eq!(decision, UNAVAILABLE));
    isolate.manager.behave(own_is_older(ms(20)));
    let mut decisions: Vec<(Duration, Decision)> = Vec::new();
    isolate.traffic(secs(60), ms(50), |passed, _, decision| decisions.push((passed, decision)));
    let refused = decisions.iter().position(|(_, decision)| *decision == OLDER);
    let refused = refused.expect("the manager is heard again");
    assert!(decisions[refused].0 <= secs(30) + ms(300));
    assert!(decisions[refused..].iter().all(|(_, decision)| *decision == OLDER));
}

#[test]
fn after_a_long_silence_a_guard_waits_for_its_manager_again_as_a_cold_one_does() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    isolate.decide();
    isolate.manager.behave(own_is_older(ms(30)));
    isolate.clock.advance(secs(120));
    let (decision, waited) = isolate.decide();
    assert_eq!(decision, OLDER);
    assert!((ms(30)..=ms(38)).contains(&waited));
}

#[test]
fn a_guard_whose_clock_is_set_back_asks_anew_and_goes_on() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    isolate.traffic(secs(20), ms(50), |_, _, decision| assert_eq!(decision, CURRENT));
    isolate.manager.behave(own_is_older(ms(10)));
    let hour_ago = isolate.clock.now().as_unix_millis() - 3_600_000;
    isolate.clock.set(Timestamp::from_unix_millis(hour_ago));
    let (decision, _) = isolate.decide();
    assert_eq!(decision, OLDER);
    isolate.traffic(secs(20), ms(50), |_, _, decision| assert_eq!(decision, OLDER));
}
