//! A release that shares the traffic, in whole isolates; and one that is given up.

use skewguard_domain::{Style, Verdict};

use crate::fixtures::{abort, activate, announce, ms, promote, secs};
use crate::isolate::{CURRENT, OLDER};
use crate::system::{ANNOUNCED, HERE, RETIRED, System};

/// A system of one Worker whose second bundle is announced, with an isolate of each.
fn announced(style: Style) -> System {
    let mut system = System::new(&[("op-auth", 1)]);
    system.change(announce("next", style, &[("op-auth", 2)]));
    for number in [1, 2] {
        system.isolate("op-auth", number, &HERE);
    }
    system.warm_up();
    system.traffic(secs(6), ms(50), |_, decisions| assert_eq!(decisions, [CURRENT, ANNOUNCED]));
    system
}

#[test]
fn a_canary_shares_the_traffic_until_it_is_promoted_and_then_all_guards_turn_at_once() {
    let mut system = announced(Style::Canary);
    system.change(activate("next"));
    system.traffic(secs(60), ms(50), |passed, decisions| {
        assert!(decisions.iter().all(|decision| decision.verdict == Verdict::Serve));
        if passed >= secs(5) {
            assert_eq!(decisions, [CURRENT, CURRENT]);
        }
    });
    system.change(promote("next"));
    system.traffic(secs(9), ms(1), |passed, decisions| {
        if passed < secs(6) {
            assert_eq!(decisions[0], CURRENT, "after {passed:?}");
            assert_eq!(decisions[1].verdict, Verdict::Serve, "after {passed:?}");
        } else {
            assert_eq!(decisions, [OLDER, CURRENT], "after {passed:?}");
        }
    });
}

#[test]
fn a_canary_that_is_given_up_is_refused_after_a_lease_and_the_old_bundle_never() {
    let mut system = announced(Style::Canary);
    system.change(activate("next"));
    system.traffic(secs(6), ms(50), |_, _| {});
    system.change(abort("next"));
    system.traffic(secs(20), ms(10), |passed, decisions| {
        assert_eq!(decisions[0], CURRENT);
        assert!(decisions[1] == RETIRED || passed < secs(5), "after {passed:?}");
    });
}

#[test]
fn a_release_that_is_given_up_before_it_took_over_costs_the_old_bundle_nothing() {
    let mut system = announced(Style::Plain);
    system.change(abort("next"));
    system.traffic(secs(20), ms(10), |passed, decisions| {
        assert_eq!(decisions[0], CURRENT);
        assert!(decisions[1] == RETIRED || passed < secs(5), "after {passed:?}");
    });
    // The next one is not held up by it.
    system.change(announce("newer", Style::Plain, &[("op-auth", 3)]));
    system.isolate("op-auth", 3, &HERE);
    system.warm_up();
    system.change(activate("newer"));
    system.traffic(secs(9), ms(10), |passed, decisions| {
        let expected =
            if passed < secs(6) { [CURRENT, RETIRED, ANNOUNCED] } else { [OLDER, OLDER, CURRENT] };
        assert_eq!(decisions, expected, "after {passed:?}");
    });
}
