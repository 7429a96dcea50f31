//! What the rule says, in the model's own words: who may serve at an instant, given what was
//! decided. It shares no line with what guards are told.

use skewguard_domain::{Bundle, Ledger, Stage, Strictness, Style, Takeover, Timestamp};

use crate::names::{NAMES, RELEASES, WorkerNo, release_of};

/// Whether `bundle` may serve at `instant`, if guards know of all that `ledger` holds.
pub(crate) fn may_serve(
    ledger: &Ledger,
    worker: WorkerNo,
    bundle: Bundle,
    instant: Timestamp,
) -> bool {
    if is_current(ledger, worker, bundle, instant) {
        return true;
    }
    let takeovers = takeovers(ledger, worker);
    let stage_of = |stages: &dyn Fn(Stage, Style) -> bool| {
        let named = ledger.releases().iter().filter(|release| {
            let record = release.bundles.get(&NAMES.workers[worker]);
            record.is_some_and(|record| record.bundle == bundle.id)
        });
        named.into_iter().any(|release| stages(release.stage, release.style))
    };
    let to_come = |strictness| {
        let own = takeovers.iter().filter(|takeover| takeover.record.bundle == bundle.id);
        own.into_iter()
            .any(|takeover| takeover.cutover.stop_at > instant && takeover.strictness == strictness)
    };
    // On its way, and no strict release says that it has to wait.
    if to_come(Strictness::Relaxed)
        || stage_of(&|stage, style| stage == Stage::Announced && style != Style::Strict)
    {
        return true;
    }
    let is_held = to_come(Strictness::Strict)
        || stage_of(&|stage, style| stage == Stage::Announced && style == Style::Strict);
    let has_served = takeovers.iter().any(|takeover| takeover.record.bundle == bundle.id);
    let was_aborted = stage_of(&|stage, _| matches!(stage, Stage::Aborted { .. }));
    if is_held || has_served || was_aborted {
        return false;
    }
    // Nobody knows it: it may serve if it is newer than all that serves.
    let begun = takeovers.iter().rev().find(|takeover| takeover.cutover.stop_at <= instant);
    let shared = ledger.releases().iter().filter_map(|release| match release.stage {
        Stage::Shared { .. } => release.bundles.get(&NAMES.workers[worker]),
        _ => None,
    });
    let mut serving = begun.map(|takeover| &takeover.record).into_iter().chain(shared);
    serving.all(|record| bundle.deploy_time.is_some_and(|time| time >= record.deploy_time))
}

/// Whether `bundle` is one of those that serve at `instant`, be it alone or as a canary.
pub(crate) fn is_current(
    ledger: &Ledger,
    worker: WorkerNo,
    bundle: Bundle,
    instant: Timestamp,
) -> bool {
    let shares = ledger.releases().iter().any(|release| {
        let record = release.bundles.get(&NAMES.workers[worker]);
        matches!(release.stage, Stage::Shared { .. })
            && record.is_some_and(|record| record.bundle == bundle.id)
    });
    let current = current(ledger, worker, instant);
    shares || current.is_some_and(|takeover| takeover.record.bundle == bundle.id)
}

/// The takeover of what serves alone at `instant`: none in the band of a strict cutover.
pub(crate) fn current(ledger: &Ledger, worker: WorkerNo, instant: Timestamp) -> Option<&Takeover> {
    let takeovers = takeovers(ledger, worker);
    let begun = takeovers.iter().rev().find(|takeover| takeover.cutover.stop_at <= instant);
    begun.filter(|takeover| takeover.cutover.start_at <= instant)
}

fn takeovers(ledger: &Ledger, worker: WorkerNo) -> &[Takeover] {
    ledger.workers().get(&NAMES.workers[worker]).map_or(&[], |history| history.takeovers())
}

/// Releases of each Worker that may serve side by side, as bits.
pub(crate) type Period = [u8; 2];

/// The times between strict takeovers, in the order in which they were decided. What serves in a
/// later one does so only when nothing of an earlier one serves any more.
pub(crate) fn periods(ledger: &Ledger) -> Vec<Period> {
    let mut decided: Vec<(&Takeover, WorkerNo)> = (0..NAMES.workers.len())
        .flat_map(|worker| takeovers(ledger, worker).iter().map(move |one| (one, worker)))
        .collect();
    decided.sort_by_key(|(takeover, _)| takeover.epoch);
    let mut latest = [0; 2];
    let mut periods: Vec<Period> = vec![[0; 2]];
    for change in decided.chunk_by(|(one, _), (next, _)| one.epoch == next.epoch) {
        for (takeover, worker) in change {
            latest[*worker] = bit(*worker, takeover);
        }
        let is_strict = change.iter().any(|(one, _)| one.strictness == Strictness::Strict);
        match periods.last_mut() {
            Some(last) if !is_strict => {
                for (_, worker) in change {
                    last[*worker] |= latest[*worker];
                }
            }
            _ => periods.push(latest),
        }
    }
    periods
}

fn bit(worker: WorkerNo, takeover: &Takeover) -> u8 {
    const { assert!(RELEASES < 8) };
    1 << release_of(worker, takeover.record.bundle)
}
