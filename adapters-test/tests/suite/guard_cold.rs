//! A guard that knows nothing yet, or nothing that is still worth anything.

use skewguard_domain::{
    CachePolicy, GuardConfig, Mode, OnUnavailable, Reason, RequestLine, Verdict,
};
use skewguard_ports::TransportError;
use skewguard_test::Behaviour;

use crate::fixtures::{ms, secs};
use crate::isolate::{CURRENT, Isolate, OLDER, UNAVAILABLE, config, own_is_current, own_is_older};

/// The longest nap of a request that waits: so much later it may see that the answer is there.
const NAP: u64 = 8;

#[test]
fn a_hundred_requests_at_once_on_a_cold_guard_ask_the_manager_once_and_are_all_decided() {
    for delay in [0, 1, 40, 249] {
        let mut isolate = Isolate::cold(own_is_current(ms(delay)));
        let requests: Vec<_> = (0..100).map(|_| isolate.send()).collect();
        isolate.pass(ms(delay + NAP));
        assert_eq!(isolate.manager.asked(), 1);
        for request in requests {
            assert_eq!(request.try_take(), Some(CURRENT), "the manager took {delay} ms");
        }
        let waits = isolate.entries("request_waited");
        assert_eq!(waits.len(), 100);
        assert!(waits.iter().all(|entry| entry["waited_ms"].as_u64() <= Some(delay + NAP)));
    }
}

#[test]
fn none_of_a_hundred_requests_waits_longer_than_the_timeout_for_a_manager_that_hangs() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    let requests: Vec<_> = (0..100).map(|_| isolate.send()).collect();
    isolate.pass(ms(250));
    for request in requests {
        assert_eq!(request.try_take(), Some(UNAVAILABLE));
    }
    assert_eq!(isolate.manager.asked(), 1);
}

#[test]
fn a_request_that_comes_while_another_waits_waits_only_for_what_is_left_of_the_timeout() {
    let mut isolate = Isolate::cold(Behaviour::Hang);
    let first = isolate.send();
    isolate.pass(ms(200));
    let (decision, waited) = isolate.decide();
    assert_eq!((decision, waited), (UNAVAILABLE, ms(50)));
    assert_eq!(first.try_take(), Some(UNAVAILABLE));
    assert_eq!(isolate.manager.asked(), 1);
}

#[test]
fn a_request_waits_for_as_long_as_the_manager_takes_and_no_more_than_a_nap_longer() {
    for delay in 0..250 {
        let mut isolate = Isolate::cold(own_is_older(ms(delay)));
        let (decision, waited) = isolate.decide();
        assert_eq!(decision, OLDER);
        assert!((ms(delay)..=ms(delay + NAP)).contains(&waited), "{waited:?} for {delay} ms");
        assert!(waited <= ms(250));
    }
}

#[test]
fn an_answer_after_the_timeout_is_not_waited_for() {
    let mut isolate = Isolate::cold(own_is_older(ms(251)));
    assert_eq!(isolate.decide(), (UNAVAILABLE, ms(250)));
}

#[test]
fn a_manager_that_fails_fast_is_not_waited_for_until_the_timeout() {
    let mut isolate = Isolate::cold(Behaviour::Fail(TransportError::Unreachable, ms(3)));
    let (decision, waited) = isolate.decide();
    assert_eq!(decision, UNAVAILABLE);
    assert!(waited <= ms(3 + NAP));
}

#[test]
fn the_timeout_is_the_policys() {
    let policy = CachePolicy::builder().timeout(ms(40)).build().expect("a policy");
    let mut isolate = Isolate::configured(GuardConfig { policy, ..config() }, own_is_older(ms(41)));
    assert_eq!(isolate.decide(), (UNAVAILABLE, ms(40)));
}

#[test]
fn only_the_first_request_after_a_pause_longer_than_the_lease_waits_again() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    isolate.manager.behave(own_is_older(ms(30)));
    isolate.clock.advance(secs(6));
    let (decision, waited) = isolate.decide();
    assert_eq!(decision, OLDER);
    assert!((ms(30)..=ms(30 + NAP)).contains(&waited));
    assert_eq!(isolate.at_once(), Some(OLDER));
    assert_eq!(isolate.manager.asked(), 2);
}

#[test]
fn a_worker_that_chose_closed_refuses_while_nothing_is_known() {
    let closed = GuardConfig { on_unavailable: OnUnavailable::Closed, ..config() };
    let mut isolate = Isolate::configured(closed, Behaviour::Hang);
    let (decision, _) = isolate.decide();
    assert_eq!((decision.reason, decision.verdict), (Reason::Unavailable, Verdict::Refuse));
    for _ in 0..200 {
        let (decision, waited) = isolate.decide();
        assert_eq!(decision.verdict, Verdict::Refuse);
        assert!(waited <= ms(258), "a request waited for {waited:?}");
        isolate.pass(ms(100));
    }
    assert!(isolate.manager.asked() < 12, "asked {} times", isolate.manager.asked());
    isolate.manager.behave(own_is_current(ms(5)));
    isolate.pass(secs(30));
    assert_eq!(isolate.decide().0, CURRENT);
}

#[test]
fn a_closed_worker_asks_before_it_refuses_out_of_ignorance() {
    let closed = GuardConfig { on_unavailable: OnUnavailable::Closed, ..config() };
    let failing = Behaviour::Fail(TransportError::Unreachable, ms(5));
    let mut isolate = Isolate::configured(closed, failing);
    assert_eq!(isolate.decide().0.verdict, Verdict::Refuse);
    isolate.manager.behave(own_is_current(ms(5)));
    isolate.pass(secs(20));
    // It failed once, and has long been healthy: that is found out before anybody is refused.
    assert_eq!(isolate.decide().0, CURRENT);
}

#[test]
fn in_observe_mode_a_stale_bundle_is_found_out_and_served() {
    let observing = GuardConfig { mode: Mode::Observe, ..config() };
    let mut isolate = Isolate::configured(observing, own_is_older(ms(5)));
    let (decision, _) = isolate.decide();
    assert_eq!(decision, OLDER);
    assert_eq!(decision.verdict_in(Mode::Observe), Verdict::Serve);
    let turns = isolate.entries("guard_turned");
    assert_eq!(turns.len(), 1);
    assert_eq!((&turns[0]["decision"], &turns[0]["mode"]), (&"refuse".into(), &"observe".into()));
}

#[test]
fn an_exempt_request_neither_waits_nor_asks_nor_turns_the_guard() {
    let exempt = vec!["/health".parse().expect("a path")];
    let mut isolate = Isolate::configured(GuardConfig { exempt, ..config() }, Behaviour::Hang);
    let background = isolate.background();
    for (method, path) in [("GET", "/health"), ("OPTIONS", "/token")] {
        let guard = isolate.guard.clone();
        let background = background.clone();
        let request = RequestLine { method, path };
        let outcome =
            isolate.executor.spawn(async move { guard.check(request, &background).await });
        isolate.executor.run();
        assert_eq!(outcome.try_take().map(|decision| decision.reason), Some(Reason::Exempt));
    }
    assert_eq!(isolate.manager.asked(), 0);
    assert!(isolate.log.entries().is_empty());
}
