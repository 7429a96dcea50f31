//! Two managers over one store, with changes of every kind that run into each other in every
//! order, while the store fails now and then.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{Command, Epoch, Intent, Ledger, MaxAge, Style};
use skewguard_ports::{AuditEntry, ChangeError, Changed, Precondition, Principal, VersionManager};
use skewguard_test::{Executor, ManualClock, RecordingLog};

use crate::fixtures::{abort, activate, announce, ms, promote, register, roll_back};
use crate::slow_storage::{Fate, SlowStorage, Turn};

/// A change, by which manager, and decided from which epoch.
#[derive(Clone, Debug)]
struct Wish {
    manager: usize,
    command: Command,
    from: Option<u64>,
}

fn command() -> impl Strategy<Value = Command> {
    let name = || prop_oneof![Just("op-auth"), Just("op-token")];
    let release = || prop_oneof![Just("one"), Just("two"), Just("three")];
    let style = prop_oneof![Just(Style::Plain), Just(Style::Strict), Just(Style::Canary)];
    let intent = prop_oneof![2 => Just(Intent::Deploy), 1 => Just(Intent::Rollback)];
    let lease = prop_oneof![Just(2_000), Just(5_000)];
    prop_oneof![
        3 => (name(), 1..8_u8, intent).prop_map(|(name, number, it)| register(name, number, it)),
        4 => (release(), style, vec((name(), 1..8_u8), 1..3))
            .prop_map(|(release, style, bundles)| announce(release, style, &bundles)),
        3 => release().prop_map(activate),
        2 => release().prop_map(promote),
        1 => release().prop_map(abort),
        2 => prop_oneof![release(), Just("@1"), Just("@2")].prop_map(roll_back),
        1 => lease.prop_map(|lease| Command::SetLease(MaxAge::new(ms(lease)).expect("a lease"))),
    ]
}

/// Waves of wishes, and how long it is to the next. Those of a wave run into each other.
fn waves() -> impl Strategy<Value = Vec<(Vec<Wish>, u64)>> {
    let wish = (0..2_usize, command(), option::weighted(0.3, 0..12_u64))
        .prop_map(|(manager, command, from)| Wish { manager, command, from });
    vec((vec(wish, 1..5), 0..9_000_u64), 1..8)
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let fate = prop_oneof![
        6 => Just(Fate::Good),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Unacknowledged),
    ];
    let turn = (any::<(u8, u8)>(), fate)
        .prop_map(|((before, after), fate)| Turn { others_first: (before % 4, after % 4), fate });
    vec(turn, 0..60)
}

/// What came of it all.
struct Aftermath {
    outcomes: Vec<(Wish, Result<Changed, ChangeError>)>,
    history: Vec<(Ledger, bool)>,
    trail: Vec<AuditEntry>,
    stored: Ledger,
}

fn run(waves: Vec<(Vec<Wish>, u64)>, turns: Vec<Turn>) -> Aftermath {
    let storage = SlowStorage::new(turns);
    let (clock, log) = (ManualClock::new(), RecordingLog::new());
    let manager = || Arc::new(VersionManager::new(storage.clone(), clock.clone(), log.clone()));
    let managers = [manager(), manager()];
    let mut executor = Executor::new();
    let mut outcomes = Vec::new();
    for (wave, pause) in waves {
        let running = wave.into_iter().map(|wish| {
            let manager = Arc::clone(&managers[wish.manager]);
            let precondition = match wish.from {
                None => Precondition::None,
                Some(epoch) => Precondition::Epochs(vec![Epoch::new(epoch)]),
            };
            executor.spawn(async move {
                let command = wish.command.clone();
                let changed = manager.change(command, &precondition, Principal::Current).await;
                (wish, changed)
            })
        });
        let running: Vec<_> = running.collect();
        executor.run();
        let done =
            running.iter().map(|outcome| outcome.try_take().expect("nothing waits for ever"));
        outcomes.extend(done);
        clock.advance(ms(pause));
    }
    let (history, trail) = (storage.history(), storage.trail());
    Aftermath { outcomes, history, trail, stored: storage.stored() }
}

impl Aftermath {
    /// The ledger as it was at `epoch`.
    fn ledger_at(&self, epoch: Epoch) -> Option<Ledger> {
        let first = (epoch == Epoch::default()).then(Ledger::default);
        let stored = || self.history.iter().map(|(ledger, _)| ledger.clone());
        first.or_else(|| stored().find(|ledger| ledger.epoch() == epoch))
    }

    fn acknowledged(&self) -> impl Iterator<Item = (&Wish, &Changed)> {
        self.outcomes.iter().filter_map(|(wish, outcome)| Some((wish, outcome.as_ref().ok()?)))
    }
}

/// The stable name of a command.
fn action(command: &Command) -> &'static str {
    match command {
        Command::Register(_) => "register",
        Command::SetLease(_) => "set_lease",
        Command::Announce(_) => "announce",
        Command::Activate { .. } => "activate",
        Command::Promote { .. } => "promote",
        Command::Abort { .. } => "abort",
        Command::RollBack { .. } => "roll_back",
    }
}

proptest! {
    #[test]
    fn what_was_acknowledged_holds_in_a_ledger_that_was_stored(waves in waves(), turns in turns()) {
        let aftermath = run(waves, turns);
        for (wish, changed) in aftermath.acknowledged() {
            let stored = aftermath.ledger_at(changed.ledger.epoch());
            prop_assert_eq!(stored.as_ref(), Some(&*changed.ledger));
            // It is the case already there.
            let again = changed.ledger.apply(&wish.command, changed.at);
            prop_assert_eq!(again.map(|applied| applied.events), Ok(Vec::new()));
        }
    }

    #[test]
    fn the_trail_has_an_entry_for_each_epoch_and_no_other(waves in waves(), turns in turns()) {
        let aftermath = run(waves, turns);
        let to: Vec<u64> = aftermath.trail.iter().map(|entry| entry.to.get()).collect();
        prop_assert_eq!(to, (1..=aftermath.stored.epoch().get()).collect::<Vec<_>>());
        for entry in &aftermath.trail {
            prop_assert_eq!(entry.from.get() + 1, entry.to.get());
            let then = aftermath.ledger_at(entry.to).and_then(|ledger| ledger.decided_at());
            prop_assert_eq!(then, Some(entry.at));
        }
    }

    #[test]
    fn what_the_store_said_it_had_written_was_acknowledged_and_is_in_the_trail(
        waves in waves(),
        turns in turns(),
    ) {
        let aftermath = run(waves, turns);
        for (ledger, told) in &aftermath.history {
            let entry = &aftermath.trail[usize::try_from(ledger.epoch().get())? - 1];
            let mut of_it = aftermath.acknowledged().filter(|(wish, changed)| {
                changed.ledger.epoch() == ledger.epoch() && action(&wish.command) == entry.action
            });
            prop_assert!(!told || of_it.next().is_some(), "{:?}", entry);
        }
    }

    #[test]
    fn nobody_is_told_of_an_epoch_that_was_allowed_or_has_never_been(
        waves in waves(),
        turns in turns(),
    ) {
        let aftermath = run(waves, turns);
        for (wish, outcome) in &aftermath.outcomes {
            if let Err(ChangeError::Outdated { current }) = outcome {
                prop_assert!(*current <= aftermath.stored.epoch());
                prop_assert!(wish.from.is_some_and(|from| from != current.get()));
            }
        }
    }

    #[test]
    fn of_those_who_decide_from_the_same_epoch_one_changes_something_at_most(
        rivals in vec((0..2_usize, command()), 2..8),
        turns in turns(),
    ) {
        let wish = |(manager, command)| Wish { manager, command, from: Some(0) };
        let rivals = rivals.into_iter().map(wish).collect();
        let aftermath = run(vec![(rivals, 0)], turns);
        prop_assert!(aftermath.stored.epoch() <= Epoch::new(1));
        // Whoever was told of success has made this change, or wished for the same.
        for (wish, changed) in aftermath.acknowledged() {
            let held = changed.ledger.apply(&wish.command, changed.at);
            prop_assert_eq!(held.map(|applied| applied.events), Ok(Vec::new()));
        }
    }
}
