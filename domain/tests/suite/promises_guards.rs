//! P1 and P2: whom guards refuse, and whom they do not serve any more, when they are told what the
//! ledger says and are free to believe it for a lease.

use proptest::prelude::{Strategy, any, prop, prop_assert, proptest};
use proptest::sample::Index;
use skewguard_domain::{
    Bundle, CachePolicy, Decision, GuardConfig, GuardCore, Ledger, Stage, Step, Verdict, WorkerName,
};

use crate::fixtures::{REQUEST, at, cases, config, told};
use crate::manager::{START, numbered};
use crate::promises::{Kinds, WORKERS, World, moves};

/// A guard that asks once, and a request to it.
#[derive(Clone, Debug)]
struct Probe {
    worker: Index,
    bundle: Index,
    made: Index,
    /// How long the question and the answer take.
    way: (i64, i64),
    /// How long after the answer the request comes.
    later: Index,
    /// What the guard's clock shows more than the manager's.
    ahead: i64,
}

fn probes() -> impl Strategy<Value = Vec<Probe>> {
    let probe = (
        any::<Index>(),
        any::<Index>(),
        any::<Index>(),
        (0_i64..125, 0_i64..125),
        any::<Index>(),
        -1_000_000_000_i64..1_000_000_000,
    )
        .prop_map(|(worker, bundle, made, way, later, ahead)| Probe {
            worker,
            bundle,
            made,
            way,
            later,
            ahead,
        });
    prop::collection::vec(probe, 1..16)
}

/// A request as it was decided.
struct Judged {
    worker: WorkerName,
    bundle: Bundle,
    /// When the manifest was made, and the request decided.
    made: i64,
    now: i64,
    decision: Decision,
}

/// What comes of a probe; nothing, if its lease is too short for the way there and back.
fn judged(world: &World, probe: &Probe) -> Option<Judged> {
    let worker = world.workers()[probe.worker.index(WORKERS.len())].clone();
    let numbers = world.numbers();
    let number = *numbers.start() + u32::try_from(probe.bundle.index(numbers.count())).ok()?;
    let bundle = numbered(number);
    let span = usize::try_from(world.now - START + 8_000).ok()?;
    let made = START + i64::try_from(probe.made.index(span)).ok()?;
    let (asked, answered) = (made - probe.way.0, made + probe.way.1);
    let manifest = told(world.ledger_at(made), &worker, made);
    let policy = CachePolicy::default();
    let lease = i64::try_from(policy.lease(manifest.max_age).as_millis()).ok()?;
    let left = usize::try_from(asked + lease - answered).ok().filter(|left| *left > 0)?;
    let now = answered + i64::try_from(probe.later.index(left)).ok()?;

    let mut guard = GuardCore::new(GuardConfig { bundle: Ok(bundle), ..config(policy) }, 7);
    let shown = |millis| at(millis + probe.ahead);
    let Step::Fetch(flight) = guard.on_request(REQUEST, shown(asked)) else { return None };
    guard.on_manifest(flight, shown(answered), &manifest);
    match guard.on_request(REQUEST, shown(now)) {
        Step::Decided(decision) | Step::Refresh(decision, _) => {
            Some(Judged { worker, bundle, made, now, decision })
        }
        Step::Fetch(_) | Step::Wait(_) => None,
    }
}

/// Whether a ledger without strict releases gives no reason to refuse a bundle at an instant: that
/// is, nothing newer has taken over from it.
fn is_wanted(ledger: &Ledger, worker: &WorkerName, bundle: Bundle, instant: i64) -> bool {
    let open = ledger
        .releases()
        .iter()
        .filter(|release| matches!(release.stage, Stage::Announced | Stage::Shared { .. }));
    let open: Vec<_> = open.filter_map(|release| release.bundles.get(worker)).collect();
    let announced = open.iter().any(|record| record.bundle == bundle.id);
    let Some(history) = ledger.workers().get(worker) else { return true };
    let takeovers = history.takeovers();
    let begun = takeovers.iter().rposition(|takeover| takeover.cutover.stop_at <= at(instant));
    let Some(begun) = begun else { return true };
    let current_or_to_come =
        takeovers[begun..].iter().any(|takeover| takeover.record.bundle == bundle.id);
    let is_known = history.find(bundle.id).is_some()
        || ledger.releases().iter().any(|release| {
            release.bundles.get(worker).is_some_and(|record| record.bundle == bundle.id)
        });
    let shared =
        ledger.releases().iter().filter(|release| matches!(release.stage, Stage::Shared { .. }));
    let shared = shared.filter_map(|release| release.bundles.get(worker));
    let serving = shared.chain([&takeovers[begun].record]);
    let newest = serving.map(|record| record.deploy_time).max();
    announced || current_or_to_come || (!is_known && bundle.deploy_time >= newest)
}

/// Whether the ledger has heard of the bundle.
fn is_known(ledger: &Ledger, worker: &WorkerName, bundle: Bundle) -> bool {
    ledger
        .releases()
        .iter()
        .any(|release| release.bundles.get(worker).is_some_and(|record| record.bundle == bundle.id))
}

proptest! {
    #![proptest_config(cases())]

    /// The exceptions are a guard that stops a little early, by as much as the question may have
    /// taken, and one of an unknown bundle that starts a little late, as long as the answer took: a
    /// rollback may make it ahead.
    #[test]
    fn p1_nobody_is_refused_from_whom_nothing_newer_has_taken_over(
        moves in moves(Kinds { strict: 0, sudden: 1 }),
        probes in probes(),
    ) {
        let mut world = World::new();
        for wish in &moves {
            world.makes(wish);
        }
        for probe in &probes {
            let Some(judged) = judged(&world, probe) else { continue };
            let Judged { worker, bundle, made, now, decision } = judged;
            let ledger = world.ledger_at(made);
            let late = if is_known(ledger, &worker, bundle) { 0 } else { probe.way.1 };
            let mut instants = now - late..=now + probe.way.0;
            if instants.all(|instant| is_wanted(ledger, &worker, bundle, instant)) {
                prop_assert!(
                    decision.verdict == Verdict::Serve,
                    "{:?} of {} at {}, told at {}: {:?}", bundle, worker, now, made, decision
                );
            }
        }
    }

    /// Cutovers that were decided in good time are carried out by all guards whose lease is alive,
    /// however old their manifests are.
    #[test]
    fn p2_what_was_replaced_is_served_by_no_guard_whose_lease_is_alive(
        moves in moves(Kinds { strict: 1, sudden: 0 }),
        probes in probes(),
    ) {
        let mut world = World::new();
        for wish in &moves {
            world.makes(wish);
        }
        for probe in &probes {
            let Some(judged) = judged(&world, probe) else { continue };
            let Judged { worker, bundle, made, now, decision } = judged;
            if decision.verdict == Verdict::Serve
                && is_known(world.ledger_at(made), &worker, bundle)
            {
                let by_now = world.ledger_at(now).standings(&worker, at(now)).of(bundle);
                prop_assert!(
                    by_now.serves(),
                    "{:?} of {} at {}, told at {}: {:?}", bundle, worker, now, made, by_now
                );
            }
        }
    }
}
