//! A strict release in whole isolates: no request is served by a new bundle before the last was
//! served by an old one.

use core::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, proptest};
use skewguard_domain::{BAND, Command, Decision, Delay, OnUnavailable, Strictness, Style, Verdict};
use skewguard_test::Outcome;

use crate::fixtures::{activate, announce, ms, release, roll_back, secs};
use crate::isolate::{CURRENT, OLDER};
use crate::system::{HELD, HERE, Place, RETIRED, System, Tier};

const WORKERS: [&str; 2] = ["op-auth", "op-token"];

/// A system in which the second bundles are announced, strictly.
fn announced() -> System {
    let system = System::new(&[("op-auth", 1), ("op-token", 1)]);
    system.change(announce("next", Style::Strict, &[("op-auth", 2), ("op-token", 2)]));
    system
}

#[test]
fn a_new_bundle_is_held_and_at_the_cutover_there_is_a_band_in_which_nothing_serves() {
    let mut system = announced();
    for ahead in [-3_600_000, 0, 60_000] {
        for name in WORKERS {
            system.isolate(name, 1, &Place { ahead, ..HERE });
            system.isolate(name, 2, &Place { ahead, ..HERE });
        }
    }
    system.warm_up();
    system.traffic(secs(6), ms(90), |_, decisions| {
        for pair in decisions.chunks(2) {
            assert_eq!(*pair, [CURRENT, HELD]);
        }
    });
    system.change(activate("next"));
    let (stop, start) = (secs(6), secs(6) + BAND);
    system.traffic(secs(9), ms(1), |passed, decisions| {
        let expected = if passed < stop {
            [CURRENT, HELD]
        } else if passed < start {
            [OLDER, HELD]
        } else {
            [OLDER, CURRENT]
        };
        for pair in decisions.chunks(2) {
            assert_eq!(*pair, expected, "after {passed:?}");
        }
    });
}

#[test]
fn a_rollback_of_a_strict_release_is_strict_too() {
    let mut system = announced();
    system.isolate("op-auth", 1, &HERE);
    system.isolate("op-auth", 2, &HERE);
    system.change(activate("next"));
    system.warm_up();
    system.traffic(secs(10), ms(90), |_, _| {});
    system.change(roll_back("@2"));
    let (stop, start) = (secs(6), secs(6) + BAND);
    // The one of the Worker that the release has in common with the registration.
    system.change(roll_back("@1"));
    system.traffic(secs(9), ms(1), |passed, decisions| {
        let refused = |decision: &Decision| decision.verdict == Verdict::Refuse;
        if passed < stop {
            assert!(decisions[1] == CURRENT && refused(&decisions[0]), "after {passed:?}");
        } else if passed < start {
            assert!(decisions.iter().all(refused), "after {passed:?}: {decisions:?}");
        } else {
            assert_eq!(decisions, [CURRENT, RETIRED], "after {passed:?}");
        }
    });
}

/// An isolate, and when its first request comes.
#[derive(Clone, Debug)]
struct Life {
    name: &'static str,
    number: u8,
    begins: u64,
    every: u64,
    ahead: i64,
    takes: (u64, u64),
    shares: bool,
}

fn life() -> impl Strategy<Value = Life> {
    let name = prop_oneof![Just(WORKERS[0]), Just(WORKERS[1])];
    // The clocks of a PoP's machines agree to within the band.
    let band = i64::try_from(BAND.as_millis()).unwrap_or_default();
    // Some are so far from the manager that every answer is late, and teaches something all the
    // same. Those give nothing away while they are in doubt.
    let slow = || prop_oneof![3 => 0..60_u64, 1 => 300..700_u64];
    let takes = (slow(), slow());
    (name, 1..=2_u8, 0..14_000_u64, 20..3_000_u64, 0..=band, takes, any::<bool>()).prop_map(
        |(name, number, begins, every, ahead, takes, shares)| Life {
            name,
            number,
            begins,
            every,
            ahead,
            takes,
            shares,
        },
    )
}

/// Which bundles served, each with the instant at which that was decided.
fn served(
    system: &mut System,
    lives: &[Life],
    (changed_at, change): (u64, Command),
    time: Duration,
) -> Vec<(u64, u8)> {
    let isolates: Vec<_> = lives
        .iter()
        .map(|life| {
            let patience = match life.takes.0 + life.takes.1 {
                0..200 => HERE,
                _ => {
                    Place { on_unavailable: OnUnavailable::Closed, stale_if_error: secs(0), ..HERE }
                }
            };
            let place = Place {
                ahead: life.ahead,
                takes: (ms(life.takes.0), ms(life.takes.1)),
                tier: if life.shares { Tier::Pop } else { Tier::Manager },
                ..patience
            };
            system.isolate(life.name, life.number, &place)
        })
        .collect();
    let mut served = Vec::new();
    let mut waiting: Vec<(u8, Outcome<Decision>)> = Vec::new();
    for now in (0..u64::try_from(time.as_millis()).unwrap_or_default()).step_by(10) {
        if (now..now + 10).contains(&changed_at) {
            system.change(change.clone());
        }
        for (life, isolate) in lives.iter().zip(&isolates) {
            let is_due = now >= life.begins && (now - life.begins) % life.every < 10;
            if is_due {
                waiting.push((life.number, system.send(*isolate)));
            }
        }
        system.run();
        waiting.retain(|(number, outcome)| match outcome.try_take() {
            None => true,
            Some(decision) => {
                if decision.verdict == Verdict::Serve {
                    served.push((now, *number));
                }
                false
            }
        });
        system.pass(ms(10));
    }
    served
}

proptest! {
    #[test]
    fn once_any_request_was_served_by_the_new_release_none_is_served_by_the_old_one(
        lives in vec(life(), 2..10),
        activated in 0..6_000_u64,
        after in option::of(0..8_000_u64),
    ) {
        let mut system = announced();
        let after = after.map(|after| Delay::new(ms(after)).expect("less than an hour"));
        let command = Command::Activate { release: release("next"), after };
        let served = served(&mut system, &lives, (activated, command), secs(22));
        let first = served.iter().find(|(_, number)| *number == 2).map(|(at, _)| *at);
        let late = served.iter().rev().find(|(_, number)| *number == 1).map(|(at, _)| *at);
        prop_assert!(first.is_none() || late < first, "{:?} {:?}", first, late);
    }

    #[test]
    fn the_same_holds_for_a_strict_rollback(
        lives in vec(life(), 2..10),
        rolled_back in 0..6_000_u64,
        after in option::of(0..8_000_u64),
    ) {
        let mut system = announced();
        let at_once = Some(Delay::NONE);
        system.change(Command::Activate { release: release("next"), after: at_once });
        system.pass(secs(7));
        let after = after.map(|after| Delay::new(ms(after)).expect("less than an hour"));
        let back = Command::RollBack {
            release: release("@1"),
            after,
            strictness: Strictness::Strict,
        };
        let lives: Vec<_> =
            lives.into_iter().map(|life| Life { name: "op-auth", ..life }).collect();
        let served = served(&mut system, &lives, (rolled_back, back), secs(22));
        let first = served.iter().find(|(_, number)| *number == 1).map(|(at, _)| *at);
        let late = served.iter().rev().find(|(_, number)| *number == 2).map(|(at, _)| *at);
        prop_assert!(first.is_none() || late < first, "{:?} {:?}", first, late);
    }
}
