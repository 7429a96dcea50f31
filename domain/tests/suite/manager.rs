//! A manager to give commands to: a ledger and a clock. Bundle `n` of any Worker was deployed at
//! `n` seconds, and the clock starts at 1,000 s. The lease is the default one, 5 s: a cutover
//! comes after 6 s, and a strict one ends half a second later.

use skewguard_domain::{
    Announcement, Applied, Breaker, Bundle, Command, Cutover, Delay, Intent, Ledger, MaxAge,
    Registration, Rejection, Release, ReleaseId, ReleaseState, Standing, Standings, Strictness,
    Style, WorkerManifest, WorkerName,
};

use crate::fixtures::{at, believed, bundle, deployed, id, ms, told};

/// What the clock shows first.
pub(crate) const START: i64 = 1_000_000;

pub(crate) fn named(worker: &str) -> WorkerName {
    worker.parse().expect("a Worker's name")
}

pub(crate) fn release_id(release: &str) -> ReleaseId {
    release.parse().expect("a release's id")
}

/// Bundle `number` as it knows itself.
pub(crate) fn numbered(number: u32) -> Bundle {
    bundle(number, i64::from(number) * 1_000)
}

pub(crate) fn announcement(release: &str, style: Style, bundles: &[(&str, u32)]) -> Announcement {
    let bundles = bundles.iter().map(|&(worker, number)| {
        (named(worker), (id(number), deployed(i64::from(number) * 1_000)))
    });
    Announcement { id: release_id(release), style, bundles: bundles.collect() }
}

pub(crate) fn announce(release: &str, style: Style, bundles: &[(&str, u32)]) -> Command {
    Command::Announce(announcement(release, style, bundles))
}

pub(crate) fn activate(release: &str) -> Command {
    Command::Activate { release: release_id(release), after: None }
}

/// A delay of `millis`.
pub(crate) fn delay(millis: u64) -> Option<Delay> {
    Some(Delay::new(ms(millis)).expect("a delay"))
}

pub(crate) fn activate_in(release: &str, millis: u64) -> Command {
    Command::Activate { release: release_id(release), after: delay(millis) }
}

pub(crate) fn promote(release: &str) -> Command {
    Command::Promote { release: release_id(release), after: None }
}

pub(crate) fn abort(release: &str) -> Command {
    Command::Abort { release: release_id(release) }
}

pub(crate) fn roll_back(release: &str) -> Command {
    let strictness = Strictness::Relaxed;
    Command::RollBack { release: release_id(release), after: None, strictness }
}

fn registration(worker: &str, number: u32, intent: Intent) -> Command {
    Command::Register(Registration {
        worker: named(worker),
        bundle: id(number),
        deploy_time: deployed(i64::from(number) * 1_000),
        intent,
    })
}

pub(crate) fn register(worker: &str, number: u32) -> Command {
    registration(worker, number, Intent::Deploy)
}

/// Registers a bundle that may be older than what it replaces.
pub(crate) fn bring_back(worker: &str, number: u32) -> Command {
    registration(worker, number, Intent::Rollback)
}

pub(crate) fn set_lease(millis: u64) -> Command {
    Command::SetLease(MaxAge::new(ms(millis)).expect("a lease"))
}

#[derive(Clone, Debug)]
pub(crate) struct Manager {
    pub(crate) ledger: Ledger,
    pub(crate) millis: i64,
}

impl Manager {
    pub(crate) fn new() -> Self {
        Self { ledger: Ledger::default(), millis: START }
    }

    pub(crate) fn passes(&mut self, millis: i64) {
        self.millis += millis;
    }

    pub(crate) fn tries(&self, command: &Command) -> Result<Applied, Rejection> {
        self.ledger.apply(command, at(self.millis))
    }

    /// Does what it is told, which has to be a change.
    pub(crate) fn does(&mut self, command: &Command) -> Applied {
        let applied = self.tries(command).unwrap_or_else(|why| panic!("{command:?}: {why}"));
        assert!(!applied.events.is_empty(), "no change: {command:?}");
        self.ledger = applied.ledger.clone();
        applied
    }

    /// Does what it is told, where that is the case already.
    pub(crate) fn has_done(&self, command: &Command) {
        let applied = self.tries(command).unwrap_or_else(|why| panic!("{command:?}: {why}"));
        assert_eq!(applied.events, [], "a change: {command:?}");
        assert_eq!(applied.ledger, self.ledger);
    }

    pub(crate) fn rejects(&self, command: &Command) -> Rejection {
        self.tries(command).map(|applied| applied.events).expect_err("a rejection")
    }

    /// Brings a release all the way, and lets its cutover pass.
    pub(crate) fn releases(&mut self, release: &str, style: Style, bundles: &[(&str, u32)]) {
        self.does(&announce(release, style, bundles));
        self.does(&activate(release));
        if style == Style::Canary {
            self.does(&promote(release));
        }
        self.passes(10_000);
    }

    pub(crate) fn release(&self, release: &str) -> &Release {
        self.ledger.release(&release_id(release)).expect("a release")
    }

    pub(crate) fn state(&self, release: &str) -> ReleaseState {
        self.ledger.state_of(self.release(release), at(self.millis))
    }

    /// When the takeover of a Worker comes that was decided last.
    pub(crate) fn cutover(&self, worker: &str) -> Cutover {
        self.ledger.workers()[&named(worker)].latest().cutover
    }

    pub(crate) fn manifest(&self, worker: &str) -> Option<WorkerManifest> {
        self.ledger.worker_manifest(&named(worker), at(self.millis), Breaker::Closed)
    }

    pub(crate) fn standings(&self, worker: &str) -> Standings {
        self.manifest(worker).map(|manifest| manifest.now).unwrap_or_default()
    }

    /// How a bundle stands by a manifest that is made now.
    pub(crate) fn standing(&self, worker: &str, number: u32) -> Standing {
        believed(numbered(number), &told(&self.ledger, &named(worker), self.millis)).standing
    }

    /// Whether exactly this bundle serves, and no other does.
    pub(crate) fn is_served_by(&self, worker: &str, number: u32) -> bool {
        self.standings(worker).serving == [id(number)]
    }
}
