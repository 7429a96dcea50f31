//! The manager: a store with an audit trail, a clock that may jump, and a census.

use core::cell::RefCell;
use core::hash::{Hash, Hasher};
use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::sync::Arc;

use skewguard_domain::{
    Applied, Breaker, Briefing, Census, Epoch, Event, Ledger, Mutant, Sighting, Timestamp, planted,
};

use crate::kept::Kept;
use crate::names::{NAMES, reading};
use crate::oracle::{Period, periods};
use crate::scene::{Scene, Watch};

/// What the manager has stored.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) ledger: Kept<Ledger>,
    /// Every change that was acknowledged, the last at the end.
    pub(crate) trail: Kept<Vec<Entry>>,
    /// Follows from the ledger.
    pub(crate) periods: Arc<Vec<Period>>,
}

/// One line of the audit trail.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) from: Epoch,
    pub(crate) to: Epoch,
    pub(crate) events: Vec<Event>,
    pub(crate) at: Timestamp,
}

impl Store {
    pub(crate) fn new(ledger: Ledger) -> Self {
        let periods = Arc::new(periods(&ledger));
        Self { ledger: Kept::new(ledger), trail: Kept::told_by(Vec::new(), 0), periods }
    }

    /// Stores a change that was decided from the state at `base`; whether it did.
    pub(crate) fn store(&mut self, base: Epoch, change: Applied) -> Result<(), Conflict> {
        if base != self.ledger.epoch() && !planted(Mutant::LastWriterWins) {
            return Err(Conflict);
        }
        let Applied { ledger, events, at } = change;
        let mut trail = self.trail.clone().to_vec();
        trail.push(Entry { from: base, to: ledger.epoch(), events, at });
        let identity = (self.trail.digest(), format!("{:?}", trail.last()));
        self.trail = Kept::told_by(trail, identity);
        self.periods = Arc::new(periods(&ledger));
        self.ledger = Kept::new(ledger);
        Ok(())
    }

    /// Whether the trail, begun at `beginning`, has every change, and they lead to the ledger.
    pub(crate) fn is_whole(&self, beginning: &Ledger) -> bool {
        let mut told = beginning.clone();
        for entry in self.trail.iter() {
            if entry.from != told.epoch() {
                return false;
            }
            told = told.replay(&entry.events, entry.at);
            if entry.to != told.epoch() {
                return false;
            }
        }
        told == *self.ledger
    }
}

/// Another change has come in between.
#[derive(Debug)]
pub(crate) struct Conflict;

/// The manager.
#[derive(Clone)]
pub(crate) struct Manager {
    pub(crate) store: Store,
    pub(crate) health: Health,
    /// How far the clock of its machine is ahead, in ms.
    pub(crate) ahead: i64,
    pub(crate) census: Option<Kept<Census>>,
    /// When all has expired that was handed out so far.
    pub(crate) handed_until: i64,
    /// Earlier ledgers that a guard may still know.
    pub(crate) versions: Vec<Version>,
}

/// Whether the manager answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Health {
    Up,
    Down,
}

/// A ledger that was replaced.
#[derive(Clone, Hash)]
pub(crate) struct Version {
    pub(crate) ledger: Kept<Ledger>,
    /// When all has expired that was handed out while it was current.
    pub(crate) until: i64,
}

/// What the manager told somebody.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) briefing: Kept<Briefing>,
    pub(crate) made: i64,
}

impl Answer {
    /// When its lease ends.
    pub(crate) fn until(&self) -> i64 {
        let lease = self.briefing.max_age.get().as_millis();
        self.made + i64::try_from(lease).expect("a lease of at most an hour")
    }
}

impl Hash for Answer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.briefing.digest(), self.made).hash(state);
    }
}

impl Manager {
    /// What its clock shows.
    pub(crate) fn clock(&self, now: i64) -> Timestamp {
        reading(now, self.ahead)
    }

    /// Takes note of a sighting, and answers the question that came with it.
    pub(crate) fn answer(&mut self, sighting: &Sighting, pop: usize, now: i64) -> Answer {
        let clock = self.clock(now);
        let mut breakers = [Breaker::Closed; 2];
        if let Some(census) = &self.census {
            let mut census = Census::clone(census);
            census.observe(&self.store.ledger, NAMES.pops[pop], sighting, clock);
            breakers = self.breakers(&census, pop, clock);
            self.census = Some(keep(census));
        }
        let answer = Answer { briefing: self.briefing(clock, breakers), made: now };
        self.handed_until = self.handed_until.max(answer.until());
        answer
    }

    /// The breakers of all Workers in a PoP.
    fn breakers(&self, census: &Census, pop: usize, clock: Timestamp) -> [Breaker; 2] {
        [0, 1].map(|worker| {
            let worker = &NAMES.workers[worker];
            census.breaker(&self.store.ledger, worker, NAMES.pops[pop], clock)
        })
    }

    /// What the ledger says at an instant. Many states ask for the same.
    fn briefing(&self, clock: Timestamp, breakers: [Breaker; 2]) -> Kept<Briefing> {
        type Known = HashMap<(u64, Timestamp, [Breaker; 2]), Kept<Briefing>>;
        thread_local! { static KNOWN: RefCell<Known> = RefCell::default(); }
        const ROOM: usize = 50_000;
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= ROOM {
                known.clear();
            }
            let question = (self.store.ledger.digest(), clock, breakers);
            let answer = known.entry(question).or_insert_with(|| {
                let breaker = |worker: &_| breakers[usize::from(*worker == NAMES.workers[1])];
                Kept::new(self.store.ledger.briefing(clock, breaker))
            });
            answer.clone()
        })
    }

    /// Stores a change, and remembers what guards may still know instead.
    pub(crate) fn change(&mut self, base: Epoch, change: Applied) -> Result<(), Conflict> {
        let before = self.store.ledger.clone();
        self.store.store(base, change)?;
        self.versions.push(Version { ledger: before, until: self.handed_until });
        Ok(())
    }

    /// The process ends, and another begins.
    pub(crate) fn restart(&mut self, scene: &Scene, now: i64) {
        let census = || keep(Census::new(self.clock(now)));
        self.census = (scene.watch == Watch::Census).then(census);
    }
}

/// A census, told from others by what it decides.
pub(crate) fn keep(census: Census) -> Kept<Census> {
    let mut hasher = DefaultHasher::new();
    census.fingerprint(&mut hasher);
    Kept::told_by(census, hasher.finish())
}
