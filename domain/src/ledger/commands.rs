//! What follows from each command.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use super::{
    Epoch, Event, Intent, LeaseTerms, Ledger, MAX_CLOCK_SKEW, RELEASE_LIMIT, Registration,
};
use crate::mutant::{Mutant, planted};
use crate::{
    Announcement, BAND, BundleId, Cutover, Delay, DeployTime, HISTORY_LIMIT, MARGIN, MaxAge,
    PENDING_LIMIT, Rejection, Release, ReleaseId, ReleaseState, Retirement, Stage, Strictness,
    Style, Takeover, Timestamp, TookOver, VersionRecord, WorkerHistory, WorkerName,
};

impl Ledger {
    pub(super) fn register(
        &self,
        wish: &Registration,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let worker = &wish.worker;
        let record = self.recognise(worker, wish.bundle, wish.deploy_time, now, at)?;
        let history = self.workers.get(worker);
        let mut retirement = Retirement::Superseded;
        if let Some(history) = history {
            let latest = history.latest();
            let order = record.precedence().cmp(&latest.record.precedence());
            if order == Ordering::Equal && !latest.cutover.is_pending(at) {
                return Ok(Vec::new());
            }
            if order == Ordering::Less {
                retirement = Retirement::RolledBack;
            }
        }
        let open = self
            .releases
            .iter()
            .find(|release| release.is_open(at) && release.bundles.contains_key(worker));
        if let Some(open) = open {
            return Err(self.open_rejection(open, at));
        }
        if history.is_some_and(|history| history.latest().cutover.is_pending(at)) {
            return Err(Rejection::CutoverPending { worker: worker.clone() });
        }
        if wish.intent == Intent::Deploy {
            self.must_be_new(worker, &record, at)?;
        }
        let cutover = Cutover::at(at);
        let takeover = Takeover {
            record,
            cutover,
            strictness: Strictness::Relaxed,
            retirement,
            epoch: self.epoch.next(),
        };
        let mut bundles = BTreeMap::new();
        bundles.insert(worker.clone(), record);
        let release = Release {
            id: ReleaseId::of_registration(self.epoch.next()),
            style: Style::Plain,
            announced_at: at,
            bundles,
            stage: Stage::Activated { cutover, epoch: self.epoch.next() },
        };
        Ok(vec![self.takes_over(worker, takeover), self.announced(release, at)])
    }

    pub(super) fn set_lease(&self, max_age: MaxAge, at: Timestamp) -> Vec<Event> {
        if max_age == self.lease.max_age {
            return Vec::new();
        }
        // When it gets shorter, the longer one counts for what was handed out under it.
        let longer_until = Some(self.lease.all_expired_at(at));
        vec![Event::LeaseSet(LeaseTerms { max_age, longer_until })]
    }

    pub(super) fn announce(
        &self,
        wish: &Announcement,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        if wish.id.is_registration() {
            return Err(Rejection::ReservedReleaseId);
        }
        if let Some(known) = self.release(&wish.id) {
            return match known.stage {
                _ if !known.is_the_same_as(wish) => {
                    Err(Rejection::ReleaseExists { release: wish.id.clone() })
                }
                Stage::Aborted { .. } => Err(self.wrong_stage(known, "announced", at)),
                _ => Ok(Vec::new()),
            };
        }
        if let Some(open) = self.open_release(at) {
            return Err(self.open_rejection(open, at));
        }
        let mut bundles = BTreeMap::new();
        for (worker, (bundle, deploy_time)) in &wish.bundles {
            let checked = || {
                let record = self.recognise(worker, *bundle, *deploy_time, now, at)?;
                let latest = self.workers.get(worker).map(WorkerHistory::latest);
                // A Worker that did not change keeps its bundle.
                if latest.is_none_or(|latest| latest.record.bundle != record.bundle) {
                    self.must_be_new(worker, &record, at)?;
                }
                Ok(record)
            };
            let record = checked().map_err(|rejection: Rejection| Rejection::OfWorker {
                worker: worker.clone(),
                rejection: Box::new(rejection),
            })?;
            bundles.insert(worker.clone(), record);
        }
        let release = Release {
            id: wish.id.clone(),
            style: wish.style,
            announced_at: at,
            bundles,
            stage: Stage::Announced,
        };
        Ok(vec![self.announced(release, at)])
    }

    pub(super) fn activate(
        &self,
        id: &ReleaseId,
        after: Option<Delay>,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let release = self.known(id)?;
        match (release.stage, release.style) {
            (Stage::Activated { .. } | Stage::Shared { .. }, _) => Ok(Vec::new()),
            (Stage::Announced, Style::Canary) => Ok(vec![staged(id, Stage::Shared { since: at })]),
            (Stage::Announced, Style::Plain | Style::Strict) => self.cut_over(release, after, at),
            (Stage::Aborted { .. }, _) => Err(self.wrong_stage(release, "activated", at)),
        }
    }

    pub(super) fn promote(
        &self,
        id: &ReleaseId,
        after: Option<Delay>,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let release = self.known(id)?;
        match release.stage {
            Stage::Activated { .. } => Ok(Vec::new()),
            Stage::Shared { .. } => self.cut_over(release, after, at),
            Stage::Announced | Stage::Aborted { .. } => {
                Err(self.wrong_stage(release, "promoted", at))
            }
        }
    }

    pub(super) fn abort(&self, id: &ReleaseId, at: Timestamp) -> Result<Vec<Event>, Rejection> {
        let release = self.known(id)?;
        match release.stage {
            Stage::Aborted { .. } => Ok(Vec::new()),
            Stage::Announced | Stage::Shared { .. } => Ok(vec![staged(id, Stage::Aborted { at })]),
            // Guards will carry it out whatever the manager changes its mind to.
            Stage::Activated { .. } => Err(self.wrong_stage(release, "aborted", at)),
        }
    }

    /// Lets `release` take over in all its Workers at once.
    fn cut_over(
        &self,
        release: &Release,
        after: Option<Delay>,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let changes = release.bundles.iter().map(|(worker, record)| (worker, *record));
        let changes: Vec<_> = changes.collect();
        let strictness = release.style.strictness();
        self.take_over(&release.id, &changes, strictness, after, at)
    }

    pub(super) fn roll_back(
        &self,
        id: &ReleaseId,
        after: Option<Delay>,
        strictness: Strictness,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let target = self.known(id)?;
        let Stage::Activated { epoch, .. } = target.stage else {
            return Err(self.wrong_stage(target, "rolled back to", at));
        };
        let concerned = self.concerned(target, epoch);
        let in_the_way = self.releases.iter().find(|release| {
            matches!(release.stage, Stage::Announced | Stage::Shared { .. })
                && release.bundles.keys().any(|worker| concerned.contains(&worker))
        });
        if let Some(open) = in_the_way {
            return Err(self.open_rejection(open, at));
        }
        let mut strictness = strictness;
        let mut changes = Vec::new();
        for worker in concerned {
            let Some(history) = self.workers.get(worker) else { continue };
            let then = history.as_of(epoch).map(|takeover| takeover.record);
            // Where its takeover is forgotten, the release still knows its own bundle.
            let then = match then.or_else(|| target.bundles.get(worker).copied()) {
                Some(then) => then,
                None if history.forgotten().is_some() => return Err(Rejection::UnknownRelease),
                // A Worker that had nothing at that time goes on with what it has.
                None => continue,
            };
            changes.push((worker, then));
            let undone = history.takeovers().iter().filter(|takeover| takeover.epoch > epoch);
            strictness = undone.map(|takeover| takeover.strictness).fold(strictness, Ord::max);
        }
        let unchanged = |(worker, record): &(&WorkerName, VersionRecord)| {
            let latest = self.workers.get(*worker).map(WorkerHistory::latest);
            latest.is_some_and(|latest| latest.record.bundle == record.bundle)
        };
        if changes.iter().all(unchanged) {
            return Ok(Vec::new());
        }
        self.take_over(id, &changes, strictness, after, at)
    }

    /// The Workers of `target`, and those of every newer release that has a Worker in common with
    /// it, directly or through others.
    fn concerned<'a>(&'a self, target: &'a Release, epoch: Epoch) -> Vec<&'a WorkerName> {
        let mut concerned: Vec<_> = target.bundles.keys().collect();
        let newer = |release: &&Release| match release.stage {
            Stage::Activated { epoch: activated, .. } => activated > epoch,
            _ => false,
        };
        loop {
            let before = concerned.len();
            for release in self.releases.iter().filter(newer) {
                if release.bundles.keys().any(|worker| concerned.contains(&worker)) {
                    let others = release.bundles.keys();
                    let others: Vec<_> =
                        others.filter(|worker| !concerned.contains(worker)).collect();
                    concerned.extend(others);
                }
            }
            if concerned.len() == before {
                return concerned;
            }
        }
    }

    fn take_over(
        &self,
        id: &ReleaseId,
        changes: &[(&WorkerName, VersionRecord)],
        strictness: Strictness,
        after: Option<Delay>,
        at: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let known = || changes.iter().filter_map(|(worker, _)| self.workers.get_key_value(*worker));
        if let Some((worker, _)) = known().find(|(_, known)| known.pending(at) >= PENDING_LIMIT) {
            return Err(Rejection::CutoverPending { worker: worker.clone() });
        }
        let before = known().map(|(_, history)| history.latest().cutover.start_at).max();
        let cutover = self.cutover(strictness, after, before, at);
        let epoch = self.epoch.next();
        let mut events = vec![staged(id, Stage::Activated { cutover, epoch })];
        for &(worker, record) in changes {
            let latest = self.workers.get(worker).map(WorkerHistory::latest);
            if latest.is_some_and(|latest| latest.record.bundle == record.bundle) {
                continue;
            }
            let older =
                latest.is_some_and(|latest| record.precedence() < latest.record.precedence());
            let retirement = if older { Retirement::RolledBack } else { Retirement::Superseded };
            let takeover = Takeover { record, cutover, strictness, retirement, epoch };
            events.push(self.takes_over(worker, takeover));
        }
        Ok(events)
    }

    /// When a takeover comes that is decided `at`: never before the one decided `before` it.
    ///
    /// The old stops when it was wished for. In a strict takeover the new starts only when every
    /// manifest has expired that was handed out before the decision, however soon the old is to
    /// stop: who still decides by one of those takes the old for current.
    fn cutover(
        &self,
        strictness: Strictness,
        after: Option<Delay>,
        before: Option<Timestamp>,
        at: Timestamp,
    ) -> Cutover {
        let known_to_all = self.lease.all_expired_at(at).after(MARGIN);
        let wished = after.map_or(known_to_all, |delay| at.after(delay.get()));
        let stop_at = before.map_or(wished, |before| before.max(wished));
        match strictness {
            Strictness::Relaxed => Cutover::at(stop_at),
            Strictness::Strict if planted(Mutant::StartsAtOnce) => Cutover::at(stop_at),
            Strictness::Strict => {
                Cutover { stop_at, start_at: stop_at.max(known_to_all).after(BAND) }
            }
        }
    }

    /// What is to be kept of a bundle: what is known of it already, if it is.
    fn recognise(
        &self,
        worker: &WorkerName,
        bundle: BundleId,
        deploy_time: DeployTime,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<VersionRecord, Rejection> {
        let served = self.workers.get(worker).and_then(|history| history.find(bundle));
        let named = self.releases.iter().filter_map(|release| release.bundles.get(worker));
        let known = served.or_else(|| named.into_iter().find(|named| named.bundle == bundle));
        match known {
            Some(known) if known.deploy_time != deploy_time => {
                Err(Rejection::DeployTimeMismatch { recorded: known.deploy_time })
            }
            // What was accepted once stays so, should the manager's clock be set back.
            Some(known) => Ok(*known),
            None if deploy_time.as_timestamp() > now.after(MAX_CLOCK_SKEW) => {
                Err(Rejection::DeployTimeInFuture)
            }
            None => Ok(VersionRecord { bundle, deploy_time, registered_at: at }),
        }
    }

    /// Fails if the bundle was retired, or is older than the one that was decided on last.
    fn must_be_new(
        &self,
        worker: &WorkerName,
        record: &VersionRecord,
        at: Timestamp,
    ) -> Result<(), Rejection> {
        if let Some(retirement) = self.retirement_of(worker, record.bundle, at) {
            return Err(Rejection::Retired { retirement });
        }
        let Some(history) = self.workers.get(worker) else { return Ok(()) };
        let latest = history.latest().record;
        if record.precedence() <= latest.precedence() {
            return Err(Rejection::OlderDeployTime { current: latest.deploy_time });
        }
        match history.forgotten() {
            // It may have been retired, and nobody remembers.
            Some(forgotten) if record.deploy_time <= forgotten => {
                Err(Rejection::OlderDeployTime { current: forgotten })
            }
            _ => Ok(()),
        }
    }

    fn retirement_of(
        &self,
        worker: &WorkerName,
        bundle: BundleId,
        at: Timestamp,
    ) -> Option<Retirement> {
        let aborted = self.releases.iter().any(|release| {
            matches!(release.stage, Stage::Aborted { .. })
                && release.bundles.get(worker).is_some_and(|record| record.bundle == bundle)
        });
        let history = self.workers.get(worker);
        let retired = history.and_then(|history| {
            let retired = history.retired(at);
            retired.iter().find(|retired| retired.record.bundle == bundle).map(|r| r.retirement)
        });
        retired.or(aborted.then_some(Retirement::Aborted))
    }

    fn known(&self, id: &ReleaseId) -> Result<&Release, Rejection> {
        self.release(id).ok_or(Rejection::UnknownRelease)
    }

    fn wrong_stage(&self, release: &Release, wish: &'static str, at: Timestamp) -> Rejection {
        let state = self.state_of(release, at);
        Rejection::WrongStage { release: release.id.clone(), state, wish }
    }

    fn open_rejection(&self, open: &Release, at: Timestamp) -> Rejection {
        Rejection::ReleaseOpen {
            release: open.id.clone(),
            state: self.state_of(open, at),
            age: at.since(open.announced_at).unwrap_or_default(),
        }
    }

    fn takes_over(&self, worker: &WorkerName, takeover: Takeover) -> Event {
        let history = self.workers.get(worker).map(WorkerHistory::takeovers).unwrap_or_default();
        let full = history.len() >= HISTORY_LIMIT;
        let forgets = history.first().filter(|_| full).map(|oldest| oldest.epoch);
        Event::TookOver(TookOver { worker: worker.clone(), takeover, forgets })
    }

    fn announced(&self, release: Release, at: Timestamp) -> Event {
        let full = self.releases.len() >= RELEASE_LIMIT;
        let closed = || self.releases.iter().filter(|known| full && !known.is_open(at));
        // What serves is kept as long as there is anything else to forget.
        let is_past = |known: &&Release| self.state_of(known, at) != ReleaseState::Active;
        let oldest = closed().find(is_past).or_else(|| closed().next());
        Event::Announced { release, forgets: oldest.map(|release| release.id.clone()) }
    }
}

fn staged(release: &ReleaseId, stage: Stage) -> Event {
    Event::Staged { release: release.clone(), stage }
}
