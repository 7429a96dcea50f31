//! Properties of the ledger, under commands in any order.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{
    Applied, Bundle, Command, Cutover, Epoch, Event, HISTORY_LIMIT, Intent, Ledger, LedgerParts,
    Manifest, Registration, Rejection, Retirement, Strictness, Takeover, TookOver, Verdict,
    VersionRecord, WorkerHistory, WorkerManifest, WorkerName,
};

use crate::fixtures::{at, cases, decision_by, deployed, id, told, worker};

/// Commands are given at this time or up to a minute later.
const NOW: i64 = 1_000_000;

/// When all of them are past.
const END: i64 = NOW + 60_000;

/// A number and a deploy time. The numbers are few, so that bundles meet and come again; the
/// deploy times are fewer, so that they tie.
fn any_release() -> impl Strategy<Value = (u32, i64)> {
    (0_u32..10).prop_map(|number| (number, i64::from(number * 7 % 4)))
}

fn any_intent() -> impl Strategy<Value = Intent> {
    any::<bool>().prop_map(|back| if back { Intent::Rollback } else { Intent::Deploy })
}

fn register(worker: WorkerName, (number, millis): (u32, i64), intent: Intent) -> Command {
    let deploy_time = deployed(millis);
    Command::Register(Registration { worker, bundle: id(number), deploy_time, intent })
}

/// A command that may be wrong in every way there is, and its time.
fn any_command() -> impl Strategy<Value = (Command, i64)> {
    let skewed = prop::sample::select(vec![0_i64, 0, 0, 0, 0, 0, 0, 1, 300_000, 2_000_000]);
    let name = prop::sample::select(vec!["op-auth", "op-auth", "op-token"]);
    (name, any_release(), skewed, any_intent(), 0_i64..60_000).prop_map(
        |(name, (number, millis), skew, intent, later)| {
            let worker = name.parse().expect("a name");
            (register(worker, (number, millis + skew), intent), NOW + later)
        },
    )
}

fn apply(ledger: &Ledger, release: (u32, i64), intent: Intent) -> Result<Applied, Rejection> {
    ledger.apply(&register(worker(), release, intent), at(NOW))
}

fn precedence((number, millis): (u32, i64)) -> (i64, u32) {
    (millis, number)
}

fn is_served(bundle: Bundle, manifest: &Manifest) -> bool {
    decision_by(bundle, manifest).verdict == Verdict::Serve
}

fn guard(record: &VersionRecord) -> Bundle {
    Bundle { id: record.bundle, deploy_time: Some(record.deploy_time) }
}

/// What serves a Worker.
fn current(history: &WorkerHistory) -> VersionRecord {
    history.current(at(END)).expect("a takeover").record
}

/// What does not any more.
fn retired(history: &WorkerHistory) -> Vec<VersionRecord> {
    history.retired(at(END)).iter().map(|retired| retired.record).collect()
}

/// A history of nearly or exactly as many takeovers as are kept, of bundles numbered from 1,000 on
/// and deployed in any order; with the ledger that holds it.
fn long_history() -> impl Strategy<Value = (WorkerHistory, Ledger)> {
    let times = prop::collection::vec(0_i64..1_000, HISTORY_LIMIT - 3..=HISTORY_LIMIT);
    times.prop_map(|times| {
        let takeover = |(number, millis): (u32, i64)| Takeover {
            record: VersionRecord {
                bundle: id(number),
                deploy_time: deployed(millis),
                registered_at: at(NOW),
            },
            cutover: Cutover::at(at(NOW)),
            strictness: Strictness::Relaxed,
            retirement: Retirement::Superseded,
            epoch: Epoch::new(u64::from(number) - 999),
        };
        let takeovers = (1_000..).zip(times).map(takeover).collect();
        let history = WorkerHistory::new(takeovers, None).expect("a history");
        let parts = LedgerParts {
            epoch: Epoch::new(200),
            decided_at: Some(at(NOW)),
            workers: [(worker(), history.clone())].into(),
            ..LedgerParts::default()
        };
        (history, Ledger::from(parts))
    })
}

/// Commands for a long history: new bundles, and bundles that it has.
fn late_commands() -> impl Strategy<Value = Vec<((u32, i64), Intent)>> {
    let release = (0_u32..20, 0_i64..1_200);
    prop::collection::vec((release, any_intent()), 1..12)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn deploys_in_any_order_and_number_leave_the_newest_current(
        releases in prop::collection::vec(any_release(), 1..10),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut shuffled = releases.clone();
        shuffled.extend(order.iter().map(|index| releases[index.index(releases.len())]));
        shuffled.rotate_left(releases.len() / 2);
        let ledger = shuffled.iter().fold(Ledger::default(), |ledger, &release| {
            apply(&ledger, release, Intent::Deploy).map_or(ledger, |applied| applied.ledger)
        });
        let newest = *releases.iter().max_by_key(|&&release| precedence(release)).expect("one");
        let alone = apply(&Ledger::default(), newest, Intent::Deploy)?.ledger;
        let current = |ledger: &Ledger| current(&ledger.workers()[&worker()]);
        prop_assert_eq!(current(&ledger), current(&alone));
    }

    #[test]
    fn a_new_bundle_is_never_refused_before_its_registration(
        commands in prop::collection::vec(any_command(), 0..20),
        ahead in 1_i64..1_000_000,
    ) {
        let mut ledger = Ledger::default();
        for (command, now) in commands {
            ledger = ledger.apply(&command, at(now)).map_or(ledger, |applied| applied.ledger);
            for (worker, history) in ledger.workers() {
                let registered = current(history).deploy_time.as_timestamp().as_unix_millis();
                let deploy_time = Some(deployed(registered + ahead));
                let new = Bundle { id: id(999), deploy_time };
                prop_assert!(is_served(new, &told(&ledger, worker, now)));
            }
        }
    }

    #[test]
    fn of_all_bundles_ever_registered_only_the_current_one_is_served(
        commands in prop::collection::vec(any_command(), 1..30),
    ) {
        let mut ledger = Ledger::default();
        for (command, now) in commands {
            ledger = ledger.apply(&command, at(now)).map_or(ledger, |applied| applied.ledger);
        }
        for (worker, history) in ledger.workers() {
            let manifest = told(&ledger, worker, END);
            prop_assert!(is_served(guard(&current(history)), &manifest));
            for retired in retired(history) {
                prop_assert!(!is_served(guard(&retired), &manifest));
                let undated = Bundle { deploy_time: None, ..guard(&retired) };
                prop_assert!(!is_served(undated, &manifest));
            }
        }
    }

    #[test]
    fn the_epoch_counts_changes_and_nothing_else(
        commands in prop::collection::vec(any_command(), 1..30),
    ) {
        let mut ledger = Ledger::default();
        for (command, now) in commands {
            let Ok(applied) = ledger.apply(&command, at(now)) else { continue };
            if applied.events.is_empty() {
                prop_assert_eq!(&applied.ledger, &ledger);
            } else {
                prop_assert_eq!(applied.ledger.epoch().get(), ledger.epoch().get() + 1);
                prop_assert!(applied.ledger.workers() != ledger.workers());
            }
            ledger = applied.ledger;
        }
    }

    #[test]
    fn what_is_accepted_is_current_and_accepted_again_without_a_change(
        commands in prop::collection::vec(any_command(), 1..30),
    ) {
        let mut ledger = Ledger::default();
        for (command, now) in commands {
            let Ok(applied) = ledger.apply(&command, at(now)) else { continue };
            ledger = applied.ledger;
            let Command::Register(wish) = &command else { unreachable!("only registrations") };
            prop_assert_eq!(current(&ledger.workers()[&wish.worker]).bundle, wish.bundle);
            let again = ledger.apply(&command, at(now + 1))?;
            prop_assert!(again.events.is_empty());
            prop_assert_eq!(&again.ledger, &ledger);
        }
    }

    #[test]
    fn events_lead_where_the_command_led(
        commands in prop::collection::vec(any_command(), 1..30),
    ) {
        let mut ledger = Ledger::default();
        let mut log = Vec::new();
        for (command, now) in commands {
            if let Ok(applied) = ledger.apply(&command, at(now)) {
                prop_assert_eq!(&ledger.replay(&applied.events, applied.at), &applied.ledger);
                log.push((applied.events, applied.at));
                ledger = applied.ledger;
            }
        }
        let replayed = log
            .iter()
            .fold(Ledger::default(), |ledger, (events, at)| ledger.replay(events, *at));
        prop_assert_eq!(&replayed, &ledger);
        let parts = LedgerParts {
            epoch: ledger.epoch(),
            decided_at: ledger.decided_at(),
            lease: ledger.lease(),
            workers: ledger.workers().clone(),
            releases: ledger.releases().to_vec(),
        };
        prop_assert_eq!(&Ledger::from(parts), &ledger);
    }

    #[test]
    fn a_history_never_exceeds_its_limit_and_names_every_bundle_once(
        (_, start) in long_history(),
        commands in late_commands(),
    ) {
        let mut ledger = start;
        for (release, intent) in commands {
            let Ok(applied) = apply(&ledger, release, intent) else { continue };
            ledger = applied.ledger;
            let history = &ledger.workers()[&worker()];
            prop_assert!(history.takeovers().len() <= HISTORY_LIMIT);
            let retired = retired(history);
            let bundles = retired.iter().map(|record| record.bundle);
            let bundles: BTreeSet<_> = bundles.chain([current(history).bundle]).collect();
            prop_assert_eq!(bundles.len(), retired.len() + 1);
        }
    }

    #[test]
    fn forgetting_changes_no_decision_about_a_bundle_that_was_retired(
        (history, start) in long_history(),
        commands in late_commands(),
        undated in any::<bool>(),
    ) {
        let mut ledger = start;
        // All bundles there ever were, as a ledger that forgets nothing would keep them.
        let mut ever = retired(&history);
        ever.push(current(&history));
        for (release, intent) in commands {
            let Ok(applied) = apply(&ledger, release, intent) else { continue };
            ledger = applied.ledger;
            let current = current(&ledger.workers()[&worker()]);
            ever.retain(|record| record.bundle != current.bundle);
            let retired = ever.iter().map(|record| record.bundle).collect();
            let worker_manifest =
                WorkerManifest::of_one(current.bundle, current.deploy_time, retired);
            let all = Manifest { worker: Some(worker_manifest), ..Manifest::default() };
            let kept = told(&ledger, &worker(), NOW);
            for record in &ever {
                let deploy_time = (!undated).then_some(record.deploy_time);
                let bundle = Bundle { id: record.bundle, deploy_time };
                prop_assert_eq!(is_served(bundle, &kept), is_served(bundle, &all));
            }
            ever.push(current);
        }
    }

    #[test]
    fn only_the_first_takeover_is_forgotten_and_only_for_want_of_room(
        (_, start) in long_history(),
        commands in late_commands(),
    ) {
        let mut ledger = start;
        for (release, intent) in commands {
            let Ok(applied) = apply(&ledger, release, intent) else { continue };
            let before = ledger.workers()[&worker()].clone();
            let after = &applied.ledger.workers()[&worker()];
            for event in &applied.events {
                let Event::TookOver(TookOver { forgets, .. }) = event else { continue };
                let is_full = before.takeovers().len() == HISTORY_LIMIT;
                prop_assert_eq!(forgets.is_some(), is_full);
                let Some(forgotten) = *forgets else { continue };
                let first = before.takeovers()[0];
                prop_assert_eq!(forgotten, first.epoch);
                prop_assert_eq!(after.takeovers().len(), HISTORY_LIMIT);
                prop_assert!(after.forgotten() >= Some(first.record.deploy_time));
                prop_assert!(after.forgotten() >= before.forgotten());
            }
            ledger = applied.ledger;
        }
    }

    #[test]
    fn an_outcome_depends_on_nothing_but_the_ledger_the_command_and_the_time(
        commands in prop::collection::vec(any_command(), 1..20),
        (command, now) in any_command(),
    ) {
        let ledger = commands.iter().fold(Ledger::default(), |ledger, (command, now)| {
            ledger.apply(command, at(*now)).map_or(ledger, |applied| applied.ledger)
        });
        let once = ledger.apply(&command, at(now));
        let _ = ledger.apply(&register(worker(), (3, 0), Intent::Rollback), at(now));
        prop_assert_eq!(ledger.clone().apply(&command.clone(), at(now)), once);
    }
}
