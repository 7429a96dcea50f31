//! P4 and P6: what the ledger keeps, and what it never lets serve again.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{
    Event, Ledger, LedgerParts, ReleaseState, Retirement, Stage, TookOver, Verdict, WorkerHistory,
};

use crate::fixtures::{at, cases, decision_by, id, told};
use crate::manager::numbered;
use crate::promises::{ALL, World, moves};

/// A ledger as it comes back from storage.
fn stored(ledger: &Ledger) -> Ledger {
    let histories = ledger.workers().iter().map(|(worker, history)| {
        let kept = WorkerHistory::new(history.takeovers().to_vec(), history.forgotten());
        (worker.clone(), kept.expect("a history in order"))
    });
    Ledger::from(LedgerParts {
        epoch: ledger.epoch(),
        decided_at: ledger.decided_at(),
        lease: ledger.lease(),
        workers: histories.collect(),
        releases: ledger.releases().to_vec(),
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn p4_what_was_rolled_back_or_aborted_is_refused_although_it_is_newer(moves in moves(ALL)) {
        let mut world = World::new();
        for wish in &moves {
            world.makes(wish);
            let ledger = world.ledger().clone();
            for worker in world.workers() {
                let Some(history) = ledger.workers().get(&worker) else { continue };
                let manifest = told(&ledger, &worker, world.now);
                let Some(current) = history.current(at(world.now)) else { continue };
                let to_come = |bundle| {
                    let is_pending = |takeover: &&skewguard_domain::Takeover| {
                        takeover.cutover.is_pending(at(world.now))
                    };
                    let mut pending = history.takeovers().iter().filter(is_pending);
                    let open = ledger.releases().iter().filter(|release| {
                        matches!(release.stage, Stage::Announced | Stage::Shared { .. })
                    });
                    let mut named = open.filter_map(|release| release.bundles.get(&worker));
                    pending.any(|takeover| takeover.record.bundle == bundle)
                        || named.any(|record| record.bundle == bundle)
                };
                for number in world.numbers() {
                    let retired = history.retired(at(world.now));
                    let rolled_back = retired.iter().any(|retired| {
                        retired.record.bundle == id(number)
                            && retired.retirement == Retirement::RolledBack
                    });
                    let aborted = ledger.releases().iter().any(|release| {
                        ledger.state_of(release, at(world.now)) == ReleaseState::Aborted
                            && release.bundles.get(&worker).is_some_and(|r| r.bundle == id(number))
                    });
                    let is_current = current.record.bundle == id(number);
                    if (rolled_back || aborted) && !is_current && !to_come(id(number)) {
                        let decision = decision_by(numbered(number), &manifest);
                        prop_assert_eq!(decision.verdict, Verdict::Refuse, "{}", number);
                    }
                }
            }
        }
    }

    #[test]
    fn p6_what_was_acknowledged_is_what_its_events_say_and_what_comes_back_from_storage(
        moves in moves(ALL),
    ) {
        let mut world = World::new();
        let mut replayed = Ledger::default();
        let mut audit = Vec::new();
        for wish in &moves {
            let before = world.ledger().clone();
            let Some((command, applied)) = world.makes(wish) else {
                prop_assert_eq!(world.ledger(), &before, "a rejection changed something");
                continue;
            };
            if applied.events.is_empty() {
                prop_assert_eq!(&applied.ledger, &before);
                continue;
            }
            // Epochs and times only go forward.
            prop_assert_eq!(applied.ledger.epoch().get(), before.epoch().get() + 1);
            prop_assert_eq!(applied.ledger.decided_at(), Some(applied.at));
            prop_assert!(before.decided_at() <= Some(applied.at));
            // The events of this change alone, and of all changes, lead here.
            prop_assert_eq!(&before.replay(&applied.events, applied.at), &applied.ledger);
            replayed = replayed.replay(&applied.events, applied.at);
            prop_assert_eq!(&replayed, &applied.ledger);
            prop_assert_eq!(&stored(&applied.ledger), &applied.ledger);
            // To be told twice changes nothing.
            let again = applied.ledger.apply(&command, at(world.now))?;
            prop_assert_eq!(&again.events, &Vec::new(), "{:?}", command);
            prop_assert_eq!(&again.ledger, &applied.ledger);
            audit.push((applied.events, applied.at));
        }
        let whole = audit.iter().fold(Ledger::default(), |ledger, (events, at)| {
            ledger.replay(events, *at)
        });
        prop_assert_eq!(&whole, world.ledger());
    }

    #[test]
    fn p6_a_command_depends_on_the_ledger_and_the_time_alone(moves in moves(ALL)) {
        let mut world = World::new();
        for wish in &moves {
            let mut copy = world.clone();
            if let Some((_, ledger)) = copy.past.last_mut() {
                *ledger = stored(ledger);
            }
            let ours = world.makes(wish);
            let theirs = copy.makes(wish);
            prop_assert_eq!(ours.map(|(_, applied)| applied), theirs.map(|(_, applied)| applied));
        }
    }

    #[test]
    fn p6_all_workers_of_a_release_take_over_in_the_same_instant(moves in moves(ALL)) {
        let mut world = World::new();
        for wish in &moves {
            let Some((_, applied)) = world.makes(wish) else { continue };
            let cutovers = applied.events.iter().filter_map(|event| match event {
                Event::TookOver(TookOver { takeover, .. }) => Some(takeover.cutover),
                Event::Staged { stage: Stage::Activated { cutover, .. }, .. } => Some(*cutover),
                Event::Announced { release, .. } => match release.stage {
                    Stage::Activated { cutover, .. } => Some(cutover),
                    _ => None,
                },
                _ => None,
            });
            let cutovers: Vec<_> = cutovers.collect();
            prop_assert!(cutovers.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}
