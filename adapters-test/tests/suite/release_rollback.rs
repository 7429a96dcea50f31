//! The way back to an earlier release, in whole isolates.

use skewguard_domain::{Style, Verdict};

use crate::fixtures::{activate, announce, ms, roll_back, secs};
use crate::isolate::{CURRENT, OLDER};
use crate::system::{HERE, RETIRED, System};

const WORKERS: [&str; 2] = ["op-auth", "op-token"];

/// A system in which a second release has taken over from a first, with an isolate of each bundle.
fn released_twice() -> System {
    let mut system = System::new(&[]);
    for (name, number) in [("first", 1), ("second", 2)] {
        let bundles = WORKERS.map(|worker| (worker, number));
        system.change(announce(name, Style::Plain, &bundles));
        system.change(activate(name));
        system.pass(secs(7));
    }
    for name in WORKERS {
        for number in [1, 2] {
            system.isolate(name, number, &HERE);
        }
    }
    system.warm_up();
    system.traffic(secs(6), ms(50), |_, decisions| {
        assert_eq!(decisions, [OLDER, CURRENT, OLDER, CURRENT]);
    });
    system
}

#[test]
fn at_a_rollback_the_older_bundle_serves_again_in_all_workers_at_the_same_instant() {
    let mut system = released_twice();
    system.change(roll_back("first"));
    system.traffic(secs(12), ms(1), |passed, decisions| {
        for pair in decisions.chunks(2) {
            if passed < secs(6) {
                assert_eq!(pair[1], CURRENT, "after {passed:?}");
            } else {
                assert_eq!(*pair, [CURRENT, RETIRED], "after {passed:?}");
            }
        }
    });
}

#[test]
fn a_cutover_that_is_on_its_way_is_not_withdrawn_but_undone_by_a_later_one() {
    let mut system = System::new(&[("op-auth", 1)]);
    system.change(announce("next", Style::Plain, &[("op-auth", 2)]));
    for number in [1, 2] {
        system.isolate("op-auth", number, &HERE);
    }
    system.warm_up();
    system.change(activate("next"));
    system.traffic(secs(2), ms(10), |_, _| {});
    system.change(roll_back("@1"));
    system.traffic(secs(12), ms(1), |passed, decisions| {
        if (secs(4)..secs(6)).contains(&passed) {
            assert_eq!(decisions[1], CURRENT, "after {passed:?}");
            assert_ne!(decisions[0], CURRENT, "after {passed:?}");
        } else if passed >= secs(6) {
            assert_eq!(decisions, [CURRENT, RETIRED], "after {passed:?}");
        }
    });
}

#[test]
fn a_release_after_a_rollback_takes_over_as_any_other() {
    let mut system = released_twice();
    system.change(roll_back("first"));
    system.traffic(secs(10), ms(50), |_, _| {});
    system.change(announce("third", Style::Plain, &[("op-auth", 3)]));
    let third = system.isolate("op-auth", 3, &HERE);
    system.warm_up();
    system.change(activate("third"));
    system.traffic(secs(9), ms(10), |passed, decisions| {
        assert_eq!(decisions[third].verdict, Verdict::Serve);
        let refused = decisions[0].verdict == Verdict::Refuse;
        assert_eq!(refused, passed >= secs(6), "after {passed:?}");
        // The other Worker has no part in it.
        assert_eq!(decisions[2..4], [CURRENT, RETIRED]);
    });
}
