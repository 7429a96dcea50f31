//! A plain release, from its announcement to its cutover, in whole isolates.

use skewguard_domain::{Command, Decision, Delay, Style, Verdict};

use crate::fixtures::{activate, announce, ms, release, secs};
use crate::isolate::{CURRENT, OLDER};
use crate::system::{ANNOUNCED, HERE, Place, System, Tier};

const WORKERS: [&str; 2] = ["op-auth", "op-token"];

/// A system of two Workers in which their second bundles are announced, with an isolate of each
/// bundle in each of these places. The old ones have even numbers.
fn announced(places: &[Place]) -> System {
    let mut system = System::new(&[("op-auth", 1), ("op-token", 1)]);
    system.change(announce("next", Style::Plain, &[("op-auth", 2), ("op-token", 2)]));
    for place in places {
        for name in WORKERS {
            system.isolate(name, 1, place);
            system.isolate(name, 2, place);
        }
    }
    system
}

fn olds(decisions: &[Decision]) -> impl Iterator<Item = &Decision> {
    decisions.iter().step_by(2)
}

fn news(decisions: &[Decision]) -> impl Iterator<Item = &Decision> {
    decisions.iter().skip(1).step_by(2)
}

fn all<'a>(mut decisions: impl Iterator<Item = &'a Decision>, expected: Decision) -> bool {
    decisions.all(|decision| *decision == expected)
}

#[test]
fn both_bundles_serve_until_the_cutover_and_all_guards_turn_at_the_same_instant() {
    let [slow, right, fast] = [-3_600_000, 0, 7_000].map(|ahead| Place { ahead, ..HERE });
    let cached = Place { pop: "CDG", tier: Tier::Pop, ..HERE };
    let mut system = announced(&[slow, right, fast, cached]);
    system.warm_up();
    system.traffic(secs(7), ms(90), |_, decisions| {
        assert!(all(olds(decisions), CURRENT) && all(news(decisions), ANNOUNCED));
    });
    let changed = system.change(activate("next"));
    // A lease, so that every guard knows of it, and the margin.
    let cutover = secs(6);
    let release = changed.ledger.release(&release("next")).expect("a release");
    assert!(release.is_open(system.now().after(cutover - ms(1))));
    assert!(!release.is_open(system.now().after(cutover)));
    system.traffic(secs(12), ms(1), |passed, decisions| {
        let expected = if passed < cutover { (CURRENT, ANNOUNCED) } else { (OLDER, CURRENT) };
        assert!(all(olds(decisions), expected.0), "{passed:?}: {decisions:?}");
        assert!(all(news(decisions), expected.1), "{passed:?}: {decisions:?}");
    });
}

#[test]
fn a_guard_stops_an_old_bundle_at_the_cutover_or_earlier_by_the_way_of_its_question() {
    let ways = [(0, 90), (30, 0), (60, 60), (100, 20)];
    let places =
        ways.map(|(there, back)| Place { takes: (ms(there), ms(back)), ahead: 500, ..HERE });
    let mut system = announced(&places);
    system.warm_up();
    system.change(activate("next"));
    let mut stopped = [None; 16];
    system.traffic(secs(8), ms(1), |passed, decisions| {
        for (decision, stopped) in decisions.iter().zip(&mut stopped) {
            if decision.verdict == Verdict::Refuse {
                stopped.get_or_insert(passed);
            } else {
                assert_eq!(*stopped, None, "it serves again after {passed:?}");
            }
        }
    });
    for (place, (there, _)) in ways.into_iter().enumerate() {
        for worker in 0..2 {
            let old = 4 * place + 2 * worker;
            assert_eq!(stopped[old], Some(secs(6) - ms(there)), "the way there takes {there} ms");
            assert_eq!(stopped[old + 1], None);
        }
    }
}

#[test]
fn an_isolate_that_starts_after_the_activation_turns_with_the_others() {
    let mut system = announced(&[]);
    system.change(activate("next"));
    let activated = system.now();
    for _ in 0..5 {
        system.isolate("op-auth", 1, &HERE);
        system.isolate("op-auth", 2, &HERE);
        system.warm_up();
        system.pass(ms(950));
    }
    assert_eq!(system.now(), activated.after(secs(6)));
    let decisions = system.decide();
    assert!(all(olds(&decisions), OLDER) && all(news(&decisions), CURRENT));
}

#[test]
fn a_release_that_is_to_take_over_at_once_has_done_so_everywhere_after_a_lease() {
    let cached = Place { tier: Tier::Pop, takes: (ms(20), ms(20)), ..HERE };
    let mut system = announced(&[HERE, cached]);
    system.warm_up();
    system.traffic(secs(6), ms(50), |_, _| {});
    let at_once = Command::Activate { release: release("next"), after: Some(Delay::NONE) };
    system.change(at_once);
    system.traffic(secs(10), ms(10), |passed, decisions| {
        // A new bundle is never refused.
        assert!(news(decisions).all(|decision| decision.verdict == Verdict::Serve));
        if passed >= secs(5) {
            assert!(all(olds(decisions), OLDER) && all(news(decisions), CURRENT), "{passed:?}");
        }
    });
}

#[test]
fn an_isolate_that_nobody_announced_serves_while_it_is_ahead() {
    let mut system = System::new(&[("op-auth", 1)]);
    system.isolate("op-auth", 1, &HERE);
    system.isolate("op-auth", 2, &HERE);
    system.warm_up();
    system.traffic(secs(20), ms(100), |_, decisions| {
        assert_eq!(decisions[0], CURRENT);
        assert_eq!(decisions[1].verdict, Verdict::Serve);
    });
}
