//! A PoP that has nothing better serves what it has, in whole isolates.

use core::time::Duration;

use skewguard_domain::{Intent, Verdict};

use crate::fixtures::{ms, register, secs};
use crate::isolate::{CURRENT, OLDER};
use crate::system::{BREAKER_OPEN, HERE, Place, System};

fn in_pop(pop: &'static str) -> Place {
    Place { pop, ..HERE }
}

#[test]
fn a_pop_that_never_got_the_new_bundle_is_dark_for_bounded_time_and_the_others_are_fenced() {
    let mut system = System::new(&[("op-auth", 1)]);
    // Nothing new ever comes to the first; the second has both.
    for _ in 0..5 {
        system.isolate("op-auth", 1, &in_pop("FRA"));
    }
    let fenced = system.isolate("op-auth", 1, &in_pop("CDG"));
    let new = system.isolate("op-auth", 2, &in_pop("CDG"));
    system.warm_up();
    system.change(register("op-auth", 2, Intent::Deploy));
    let (mut dark, mut healed) = (Duration::ZERO, None);
    system.traffic(secs(120), ms(100), |passed, decisions| {
        let (in_fra, in_cdg) = decisions.split_at(fenced);
        if in_fra.iter().any(|decision| decision.verdict == Verdict::Refuse) {
            dark += ms(100);
        }
        if in_fra.iter().all(|decision| *decision == BREAKER_OPEN) {
            healed.get_or_insert(passed);
        }
        if passed >= secs(5) {
            assert_eq!(in_cdg, [OLDER, CURRENT], "after {passed:?}");
        }
    });
    // Half a minute without evidence, and two leases: to ask, and to be told.
    assert!(healed.is_some_and(|after| after <= secs(40)), "healed after {healed:?}");
    assert!(dark <= secs(40), "dark for {dark:?}");
    assert_eq!(system.world.log.count("breaker_turned"), 1);
    assert_eq!(new, 6);

    // The first isolate of the new bundle ends it.
    system.isolate("op-auth", 2, &in_pop("FRA"));
    system.warm_up();
    system.traffic(secs(20), ms(100), |passed, decisions| {
        assert_eq!(decisions[7], CURRENT);
        if passed >= secs(5) {
            assert!(decisions[..fenced].iter().all(|decision| *decision == OLDER), "{passed:?}");
        }
    });
    assert_eq!(system.world.log.count("breaker_turned"), 2);
}

#[test]
fn a_rollback_in_a_dashboard_heals_by_itself() {
    let mut system = System::new(&[("op-auth", 1)]);
    system.change(register("op-auth", 2, Intent::Deploy));
    // The isolates of the second bundle are gone, and those of the first are back.
    for _ in 0..3 {
        system.isolate("op-auth", 1, &HERE);
    }
    system.warm_up();
    system.traffic(secs(90), ms(100), |passed, decisions| {
        if passed >= secs(40) {
            assert!(decisions.iter().all(|decision| *decision == BREAKER_OPEN), "{passed:?}");
        }
    });
}
