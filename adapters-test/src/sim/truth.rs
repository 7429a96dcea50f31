//! What is the case, told once more and independently of the manager's code: which bundles may
//! serve, since when, and since when everybody can know.

use std::collections::BTreeMap;

use skewguard_domain::{
    Event, ReleaseId, Retirement, Stage, Strictness, Style, Takeover, Timestamp,
};

use super::agenda::Millis;
use super::build::{BuildId, Builds, true_time};

/// How a bundle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    Serving,
    OnItsWay,
    Held,
    Superseded,
    RolledBack,
    Aborted,
    Older,
}

impl Stands {
    pub(crate) fn may_serve(self) -> bool {
        matches!(self, Self::Serving | Self::OnItsWay)
    }
}

/// Since when a bundle stands as it does, as far as serving goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    pub(crate) stands: Stands,
    pub(crate) since: Millis,
    /// When every lease has run out that was given before that was decided.
    pub(crate) known_from: Millis,
}

/// The history of a run's Workers, by the manager's clock.
pub(crate) struct Truth {
    workers: Vec<Vec<Turn>>,
    releases: BTreeMap<ReleaseId, Known>,
    phases: Vec<Phase>,
    serving_since: Vec<Millis>,
    next_change: Option<Timestamp>,
    leases: Vec<(Millis, Millis)>,
    longest_believed: Millis,
}

/// A takeover, and when it was decided in truth.
struct Turn {
    build: BuildId,
    takeover: Takeover,
    known_from: Millis,
}

struct Known {
    style: Style,
    stage: Stage,
    builds: Vec<BuildId>,
}

impl Truth {
    /// Before anything was decided. Guards believe nothing for longer than `longest_believed`.
    pub(crate) fn new(workers: usize, builds: &Builds, longest_believed: Millis) -> Self {
        let unknown = Phase { stands: Stands::OnItsWay, since: -1_000_000, known_from: -1_000_000 };
        Self {
            workers: (0..workers).map(|_| Vec::new()).collect(),
            releases: BTreeMap::new(),
            phases: builds.ids().map(|_| unknown).collect(),
            serving_since: vec![-1_000_000; workers],
            next_change: None,
            leases: vec![(-1_000_000, 5_000)],
            longest_believed,
        }
    }

    pub(crate) fn phase(&self, build: BuildId) -> &Phase {
        &self.phases[build.index()]
    }

    /// Since when the Worker is served by what serves it.
    pub(crate) fn serving_since(&self, worker: usize) -> Millis {
        self.serving_since[worker]
    }

    /// What was decided last for a Worker to be served by.
    pub(crate) fn latest(&self, worker: usize) -> Option<BuildId> {
        self.workers[worker].last().map(|turn| turn.build)
    }

    /// When a bundle starts that is held, if that is decided.
    pub(crate) fn next_start(&self, worker: usize, build: BuildId) -> Option<Timestamp> {
        let turns = self.workers[worker].iter().filter(|turn| turn.build == build);
        turns.map(|turn| turn.takeover.cutover.start_at).max()
    }

    /// When the next takeover of a Worker begins that is to come, by the manager's clock.
    pub(crate) fn next_stop(&self, worker: usize, clock: Timestamp) -> Option<Timestamp> {
        let stops = self.workers[worker].iter().map(|turn| turn.takeover.cutover.stop_at);
        stops.filter(|stop| *stop > clock).min()
    }

    /// The lease of what was made at `made_at`.
    pub(crate) fn lease(&self, made_at: Millis) -> Millis {
        let given = self.leases.iter().rfind(|(from, _)| *from <= made_at);
        given.map_or(0, |(_, lease)| (*lease).min(self.longest_believed))
    }

    /// When every lease has run out that was given until `now`.
    fn all_expired_at(&self, now: Millis) -> Millis {
        let given_until = self.leases.iter().skip(1).map(|(from, _)| *from);
        let given_until = given_until.chain([now]);
        let leases = self.leases.iter().map(|(_, lease)| (*lease).min(self.longest_believed));
        given_until.zip(leases).map(|(until, lease)| until + lease).max().unwrap_or(now)
    }

    /// Takes note of a change that was stored at `now`.
    pub(crate) fn record(
        &mut self,
        events: &[Event],
        builds: &Builds,
        now: Millis,
        clock: Timestamp,
        offset: Millis,
    ) {
        self.advance(builds, now, clock, offset);
        let known_from = self.all_expired_at(now);
        for event in events {
            match event {
                Event::TookOver(took_over) => {
                    let takeover = took_over.takeover;
                    let build = builds.find(takeover.record.bundle);
                    let worker = builds.get(build).worker;
                    self.workers[worker].push(Turn { build, takeover, known_from });
                }
                Event::Announced { release, .. } => {
                    let named = release.bundles.values();
                    let known = Known {
                        style: release.style,
                        stage: release.stage,
                        builds: named.map(|record| builds.find(record.bundle)).collect(),
                    };
                    self.releases.insert(release.id.clone(), known);
                }
                Event::Staged { release, stage } => {
                    if let Some(known) = self.releases.get_mut(release) {
                        known.stage = *stage;
                    }
                }
                Event::LeaseSet(terms) => {
                    let length = i64::try_from(terms.max_age.get().as_millis()).unwrap_or(i64::MAX);
                    self.leases.push((now, length));
                }
            }
        }
        self.settle(builds, now, clock, offset, Cause::Decided(known_from));
    }

    /// Takes note of cutovers that have come.
    pub(crate) fn advance(
        &mut self,
        builds: &Builds,
        now: Millis,
        clock: Timestamp,
        offset: Millis,
    ) {
        if let Some(next) = self.next_change.filter(|next| *next <= clock) {
            self.settle(builds, now, clock, offset, Cause::Cutover(next));
        }
    }

    /// Takes note of a clock that was set.
    pub(crate) fn jump(&mut self, builds: &Builds, now: Millis, clock: Timestamp, offset: Millis) {
        let known_from = self.all_expired_at(now);
        self.settle(builds, now, clock, offset, Cause::Decided(known_from));
    }

    fn settle(
        &mut self,
        builds: &Builds,
        now: Millis,
        clock: Timestamp,
        offset: Millis,
        cause: Cause,
    ) {
        for build in builds.ids() {
            let worker = builds.get(build).worker;
            let stands = self.stands(build, builds, clock);
            let phase = self.phases[build.index()];
            let changes = match cause {
                Cause::Decided(_) => phase.stands.may_serve() != stands.may_serve(),
                // Who knows only of this cutover may take it for something else than who knows
                // of another that comes at the same time.
                Cause::Cutover(before) => self.has_cutover(worker, before, clock),
            };
            if !changes {
                self.phases[build.index()].stands = stands;
                continue;
            }
            let (since, known_from) = match cause {
                Cause::Decided(known_from) => (now, known_from),
                Cause::Cutover(_) => {
                    self.cutover_behind(worker, clock, offset).unwrap_or((now, now))
                }
            };
            self.phases[build.index()] = Phase { stands, since, known_from };
        }
        for worker in 0..self.workers.len() {
            let current = self.begun(worker, clock).last();
            let current = current.map(|turn| true_time(turn.takeover.cutover.start_at, offset));
            let shared = self.releases.values().filter_map(|known| match known.stage {
                Stage::Shared { since } if known.has(worker, builds) => {
                    Some(true_time(since, offset))
                }
                _ => None,
            });
            let since = current.into_iter().chain(shared).max();
            self.serving_since[worker] = since.unwrap_or(-1_000_000);
        }
        let instants = self.workers.iter().flatten();
        let instants = instants.map(|turn| turn.takeover.cutover);
        let instants = instants.flat_map(|cutover| [cutover.stop_at, cutover.start_at]);
        self.next_change = instants.filter(|instant| *instant > clock).min();
    }

    /// The stop or start that has come last, and when every guard knew of all that was decided.
    fn cutover_behind(
        &self,
        worker: usize,
        clock: Timestamp,
        offset: Millis,
    ) -> Option<(Millis, Millis)> {
        let cutovers = self.workers[worker].iter().map(|turn| turn.takeover.cutover);
        let come = cutovers.flat_map(|cutover| [cutover.stop_at, cutover.start_at]);
        let last = come.filter(|instant| *instant <= clock).max()?;
        let known_from = self.workers[worker].iter().map(|turn| turn.known_from).max()?;
        Some((true_time(last, offset), known_from))
    }

    fn has_cutover(&self, worker: usize, from: Timestamp, until: Timestamp) -> bool {
        let cutovers = self.workers[worker].iter().map(|turn| turn.takeover.cutover);
        let mut instants = cutovers.flat_map(|cutover| [cutover.stop_at, cutover.start_at]);
        instants.any(|instant| from <= instant && instant <= until)
    }

    fn begun(&self, worker: usize, clock: Timestamp) -> impl DoubleEndedIterator<Item = &Turn> {
        self.workers[worker].iter().filter(move |turn| turn.takeover.cutover.stop_at <= clock)
    }

    fn stands(&self, build: BuildId, builds: &Builds, clock: Timestamp) -> Stands {
        let worker = builds.get(build).worker;
        let current = self.begun(worker, clock).last();
        let of_it = |wanted: fn(&Known) -> bool| {
            self.releases.values().any(|known| known.builds.contains(&build) && wanted(known))
        };
        if of_it(|known| matches!(known.stage, Stage::Shared { .. })) {
            return Stands::Serving;
        }
        let is_current = current.is_some_and(|turn| turn.build == build);
        if is_current && current.is_some_and(|turn| turn.takeover.cutover.start_at <= clock) {
            return Stands::Serving;
        }
        let to_come = self.workers[worker].iter();
        let to_come = to_come.filter(|turn| turn.takeover.cutover.stop_at > clock);
        let mut to_come = to_come.filter(|turn| turn.build == build).peekable();
        let awaits_strictly = to_come.peek().is_some();
        if to_come.any(|turn| turn.takeover.strictness == Strictness::Relaxed) {
            return Stands::OnItsWay;
        }
        let announced = |known: &Known| known.stage == Stage::Announced;
        if of_it(|known| known.stage == Stage::Announced && known.style != Style::Strict) {
            return Stands::OnItsWay;
        }
        if is_current || awaits_strictly || of_it(announced) {
            return Stands::Held;
        }
        let pairs = self.begun(worker, clock).zip(self.begun(worker, clock).skip(1));
        let left = pairs.filter(|(old, _)| old.build == build).last();
        match left.map(|(_, new)| new.takeover.retirement) {
            Some(Retirement::RolledBack) => return Stands::RolledBack,
            Some(Retirement::Superseded | Retirement::Aborted) => return Stands::Superseded,
            None => {}
        }
        if of_it(|known| matches!(known.stage, Stage::Aborted { .. })) {
            return Stands::Aborted;
        }
        let shared = self.releases.values();
        let shared = shared.filter(|known| matches!(known.stage, Stage::Shared { .. }));
        let shared = shared.flat_map(|known| known.builds.iter().copied());
        let newest = current.map(|turn| turn.build).into_iter().chain(shared);
        let newest = newest.filter(|other| builds.get(*other).worker == worker);
        let newest = newest.map(|other| builds.get(other).deploy_time).max();
        match newest {
            Some(newest) if builds.get(build).deploy_time < newest => Stands::Older,
            _ => Stands::OnItsWay,
        }
    }
}

impl Known {
    fn has(&self, worker: usize, builds: &Builds) -> bool {
        self.builds.iter().any(|build| builds.get(*build).worker == worker)
    }
}

/// Why bundles stand differently from before.
#[derive(Clone, Copy)]
enum Cause {
    /// Somebody has decided so, and this is from when on everybody knows.
    Decided(Millis),
    /// It was decided before that this was to be so from then on, or a little later.
    Cutover(Timestamp),
}
