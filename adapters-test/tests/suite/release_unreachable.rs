//! A release while the manager can't be reached, in whole isolates.

use skewguard_domain::{Decision, OnUnavailable, Reason, Style, Verdict};

use crate::fixtures::{activate, announce, ms, secs};
use crate::isolate::{CURRENT, OLDER, UNAVAILABLE};
use crate::system::{HELD, HERE, Place, System};

const CLOSED: Place = Place { on_unavailable: OnUnavailable::Closed, ..HERE };

const REFUSED: Decision = Decision { reason: Reason::Unavailable, verdict: Verdict::Refuse };

/// A strict release on its way, with an isolate of each bundle that fails open, and one of each
/// that fails closed.
fn on_its_way() -> System {
    let mut system = System::new(&[("op-auth", 1)]);
    system.change(announce("next", Style::Strict, &[("op-auth", 2)]));
    for place in [HERE, CLOSED] {
        for number in [1, 2] {
            system.isolate("op-auth", number, &place);
        }
    }
    system.warm_up();
    system.traffic(secs(6), ms(50), |_, _| {});
    system
}

#[test]
fn a_cutover_that_guards_know_of_comes_although_the_manager_has_gone() {
    let mut system = on_its_way();
    system.change(activate("next"));
    system.traffic(secs(5), ms(10), |_, decisions| {
        assert_eq!(decisions, [CURRENT, HELD, CURRENT, HELD]);
    });
    system.manager_is_up(false);
    system.traffic(secs(40), ms(10), |passed, decisions| {
        let expected = if passed < secs(1) {
            [CURRENT, HELD]
        } else if passed < ms(1_500) {
            [OLDER, HELD]
        } else {
            [OLDER, CURRENT]
        };
        assert_eq!(decisions, [expected, expected].concat(), "after {passed:?}");
    });
}

#[test]
fn when_nothing_can_be_believed_any_more_each_does_as_its_worker_chose() {
    let mut system = on_its_way();
    system.manager_is_up(false);
    let known = [CURRENT, HELD, CURRENT, HELD];
    for passed in 0..800 {
        // Who fails closed asks before it refuses, and so it may wait for a nap.
        let decisions = system.decide_within(ms(1));
        // What was believed last is at most a lease old, and decides for a minute after that.
        if passed < 600 {
            assert_eq!(decisions, known, "after {passed} × 100 ms");
        } else if passed >= 650 {
            let expected = [UNAVAILABLE, UNAVAILABLE, REFUSED, REFUSED];
            assert_eq!(decisions, expected, "after {passed} × 100 ms");
        }
        system.pass(ms(99));
    }
    system.manager_is_up(true);
    for passed in 0..600 {
        let decisions = system.decide_within(ms(1));
        // The longest pause of the back-off is 30 s.
        assert!(decisions == known || passed < 310, "after {passed} × 100 ms");
        system.pass(ms(99));
    }
}

#[test]
fn only_a_guard_that_fails_closed_and_trusts_no_expired_manifest_keeps_a_cutover_unheard_of() {
    let mut system = System::new(&[("op-auth", 1)]);
    let strictest = Place { stale_if_error: secs(0), ..CLOSED };
    for place in [HERE, CLOSED, strictest] {
        system.isolate("op-auth", 1, &place);
    }
    system.warm_up();
    system.traffic(secs(6), ms(50), |_, _| {});
    system.manager_is_up(false);
    system.change(announce("next", Style::Strict, &[("op-auth", 2)]));
    system.change(activate("next"));
    for passed in 0..300 {
        let decisions = system.decide_within(ms(1));
        // They go on by what they were told last, which knows of no cutover.
        assert_eq!(decisions[..2], [CURRENT, CURRENT], "after {passed} × 100 ms");
        assert!(passed < 50 || decisions[2] == REFUSED, "after {passed} × 100 ms");
        system.pass(ms(99));
    }
}

#[test]
fn a_cold_isolate_without_a_manager_does_as_its_worker_chose() {
    let mut system = System::new(&[("op-auth", 1)]);
    system.manager_is_up(false);
    for place in [HERE, CLOSED] {
        system.isolate("op-auth", 1, &place);
    }
    let sent = [0, 1].map(|isolate| system.send(isolate));
    system.pass(ms(250));
    assert_eq!(sent.map(|sent| sent.try_take()), [Some(UNAVAILABLE), Some(REFUSED)]);
}
