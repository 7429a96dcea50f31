//! Commands in any order, for the properties that are named after the promises of the system.
//!
//! A move is turned into a command only when its turn comes, so that most commands make sense.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::sample::Index;
use skewguard_domain::{
    Applied, Command, Delay, Intent, Ledger, MaxAge, Registration, ReleaseId, Strictness, Style,
    WorkerName,
};

use crate::fixtures::{at, deployed, id, ms};
use crate::manager::{START, announce, named, release_id};

/// The Workers of these properties.
pub(crate) const WORKERS: [&str; 3] = ["a", "b", "c"];

/// Something that somebody wants of the manager.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    Passes(i64),
    /// Of a new bundle, or of one that there was before.
    Registers(Index, Option<Index>, Intent),
    /// New bundles of these Workers.
    Announces(Style, [bool; 3]),
    Activates(Option<Index>, Option<Delay>),
    Promotes(Option<Index>, Option<Delay>),
    Aborts(Option<Index>),
    RollsBack(Index, Option<Delay>, Strictness),
    SetsLease(MaxAge),
}

/// Which moves there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kinds {
    /// Whether releases and rollbacks may be strict.
    pub(crate) strict: u32,
    /// Whether anything may be decided that guards do not learn of before it comes.
    pub(crate) sudden: u32,
}

pub(crate) const ALL: Kinds = Kinds { strict: 1, sudden: 1 };

pub(crate) fn moves(kinds: Kinds) -> impl Strategy<Value = Vec<Move>> {
    let Kinds { strict, sudden } = kinds;
    let which = || prop::option::weighted(0.2, any::<Index>());
    let delay = move || {
        let delay =
            prop_oneof![Just(0_u64), 0_u64..8_000].prop_map(|millis| Delay::new(ms(millis)));
        prop_oneof![3 => Just(None), sudden => delay]
    };
    let style = prop_oneof![
        2 => Just(Style::Plain),
        2 => Just(Style::Canary),
        2 * strict => Just(Style::Strict),
    ];
    let strictness = prop_oneof![
        2 => Just(Strictness::Relaxed),
        strict => Just(Strictness::Strict),
    ];
    let intent = prop_oneof![Just(Intent::Deploy), Just(Intent::Rollback)];
    let lease = (100_u64..8_000).prop_map(|millis| MaxAge::new(ms(millis)).expect("a lease"));
    let some = any::<[bool; 3]>().prop_filter("no Worker", |all| all.contains(&true));
    let registers = (any::<Index>(), prop::option::weighted(0.4, any::<Index>()), intent);
    let one = prop_oneof![
        5 => prop_oneof![0_i64..500, 0_i64..8_000].prop_map(Move::Passes),
        2 * sudden => registers.prop_map(|(worker, old, intent)| {
            Move::Registers(worker, old, intent)
        }),
        4 => (style, some).prop_map(|(style, workers)| Move::Announces(style, workers)),
        4 => (which(), delay()).prop_map(|(which, delay)| Move::Activates(which, delay)),
        2 => (which(), delay()).prop_map(|(which, delay)| Move::Promotes(which, delay)),
        sudden => which().prop_map(Move::Aborts),
        3 => (any::<Index>(), delay(), strictness).prop_map(|(which, delay, strictness)| {
            Move::RollsBack(which, delay, strictness)
        }),
        1 => lease.prop_map(Move::SetsLease),
    ];
    prop::collection::vec(one, 1..40)
}

/// A ledger and what has become of it, with the time of each change.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: i64,
    /// Every ledger there was, and since when, by a clock that only goes forward.
    pub(crate) past: Vec<(i64, Ledger)>,
    /// Bundles from 1 up to this one were named. Bundle `n` was deployed at `n` seconds.
    pub(crate) newest: u32,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { now: START, past: vec![(START, Ledger::default())], newest: 0 }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.past.last().expect("a ledger").1
    }

    /// The ledger as it was at `millis`.
    pub(crate) fn ledger_at(&self, millis: i64) -> &Ledger {
        let past = self.past.iter().rev().find(|(since, _)| *since <= millis);
        past.map_or(&self.past[0].1, |(_, ledger)| ledger)
    }

    fn next(&mut self) -> u32 {
        self.newest += 1;
        self.newest
    }

    fn release(&self, which: Option<Index>) -> ReleaseId {
        let releases = self.ledger().releases();
        let chosen = match which {
            Some(which) if !releases.is_empty() => Some(which.get(releases)),
            _ => releases.last(),
        };
        chosen.map_or_else(|| release_id("none"), |release| release.id.clone())
    }

    /// The command that a move stands for by now; `None` if it only lets time pass.
    fn command(&mut self, wish: &Move) -> Option<Command> {
        let command = match wish {
            Move::Passes(millis) => {
                self.now += millis;
                return None;
            }
            Move::Registers(worker, old, intent) => {
                let number = match old {
                    Some(old) if self.newest > 0 => {
                        1 + u32::try_from(old.index(self.newest as usize)).expect("few")
                    }
                    _ => self.next(),
                };
                Command::Register(Registration {
                    worker: named(WORKERS[worker.index(WORKERS.len())]),
                    bundle: id(number),
                    deploy_time: deployed(i64::from(number) * 1_000),
                    intent: *intent,
                })
            }
            Move::Announces(style, workers) => {
                let number = self.next();
                let named = WORKERS.iter().zip(workers).filter(|(_, is_named)| **is_named);
                let bundles: Vec<_> = named.map(|(worker, _)| (*worker, number)).collect();
                announce(&format!("r{number}"), *style, &bundles)
            }
            Move::Activates(which, after) => {
                Command::Activate { release: self.release(*which), after: *after }
            }
            Move::Promotes(which, after) => {
                Command::Promote { release: self.release(*which), after: *after }
            }
            Move::Aborts(which) => Command::Abort { release: self.release(*which) },
            Move::RollsBack(which, after, strictness) => Command::RollBack {
                release: self.release(Some(*which)),
                after: *after,
                strictness: *strictness,
            },
            Move::SetsLease(max_age) => Command::SetLease(*max_age),
        };
        Some(command)
    }

    /// Makes a move, and tells what came of it if it was accepted.
    pub(crate) fn makes(&mut self, wish: &Move) -> Option<(Command, Applied)> {
        let command = self.command(wish)?;
        let applied = self.ledger().apply(&command, at(self.now)).ok()?;
        if !applied.events.is_empty() {
            self.past.push((self.now, applied.ledger.clone()));
        }
        Some((command, applied))
    }

    pub(crate) fn workers(&self) -> Vec<WorkerName> {
        WORKERS.map(named).into()
    }

    /// The numbers of all bundles that were named, and of one that nobody has named yet.
    pub(crate) fn numbers(&self) -> core::ops::RangeInclusive<u32> {
        1..=self.newest + 1
    }
}
