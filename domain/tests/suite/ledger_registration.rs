//! Registrations that go forward: what they change, and what is turned away.

use skewguard_domain::{
    Age, Applied, Breaker, Command, Cutover, Epoch, Event, Intent, Ledger, MAX_CLOCK_SKEW,
    Manifest, MaxAge, Registration, Rejection, Release, ReleaseId, ReleaseState, Retired,
    Retirement, Stage, Strictness, Style, Takeover, TookOver, VersionRecord, WorkerManifest,
    WorkerName,
};

use crate::fixtures::{at, deployed, id, ms, told, worker};

/// When everything here is registered, unless a test says otherwise.
const NOW: i64 = 1_000_000;

fn deploy(number: u32, millis: i64) -> Command {
    deploy_to(worker(), number, millis)
}

fn deploy_to(worker: WorkerName, number: u32, millis: i64) -> Command {
    Command::Register(Registration {
        worker,
        bundle: id(number),
        deploy_time: deployed(millis),
        intent: Intent::Deploy,
    })
}

fn apply(ledger: &Ledger, command: &Command) -> Result<Applied, Rejection> {
    ledger.apply(command, at(NOW))
}

/// The ledger after these bundles were deployed, one after the other.
fn after(deploys: &[(u32, i64)]) -> Ledger {
    deploys.iter().fold(Ledger::default(), |ledger, &(number, millis)| {
        apply(&ledger, &deploy(number, millis)).expect("a newer bundle").ledger
    })
}

/// What serves `worker` once everything here is registered.
fn current(ledger: &Ledger, worker: &WorkerName) -> VersionRecord {
    ledger.workers()[worker].current(at(NOW + 1_000)).expect("a takeover").record
}

#[test]
fn an_empty_ledger_knows_no_worker_and_is_at_epoch_0() {
    let ledger = Ledger::default();
    assert_eq!(ledger.epoch().get(), 0);
    assert!(ledger.workers().is_empty());
    assert!(ledger.releases().is_empty());
    let unknown = Manifest { max_age: Some(MaxAge::DEFAULT), ..Manifest::default() };
    assert_eq!(told(&ledger, &worker(), NOW), unknown);
}

#[test]
fn the_first_registration_of_a_worker_makes_its_bundle_current() {
    let applied = apply(&Ledger::default(), &deploy(1, 100)).expect("the first bundle");
    let record =
        VersionRecord { bundle: id(1), deploy_time: deployed(100), registered_at: at(NOW) };
    let takeover = Takeover {
        record,
        cutover: Cutover::at(at(NOW)),
        strictness: Strictness::Relaxed,
        retirement: Retirement::Superseded,
        epoch: Epoch::new(1),
    };
    let took_over = Event::TookOver(TookOver { worker: worker(), takeover, forgets: None });
    assert_eq!(applied.events[0], took_over);
    assert_eq!(applied.at, at(NOW));
    assert_eq!(applied.ledger.epoch(), Epoch::new(1));
    let history = &applied.ledger.workers()[&worker()];
    assert_eq!(history.current(at(NOW)), Some(&takeover));
    assert!(history.retired(at(NOW)).is_empty());
}

#[test]
fn a_registration_is_a_release_of_one_worker_that_is_called_by_its_epoch() {
    let before = after(&[(1, 100)]);
    let applied = apply(&before, &deploy(2, 200)).expect("a newer bundle");
    let id: ReleaseId = "@2".parse().expect("the name of a registration");
    let release = Release {
        id: id.clone(),
        style: Style::Plain,
        announced_at: at(NOW),
        bundles: [(worker(), current(&applied.ledger, &worker()))].into(),
        stage: Stage::Activated { cutover: Cutover::at(at(NOW)), epoch: Epoch::new(2) },
    };
    let announced = Event::Announced { release: release.clone(), forgets: None };
    assert_eq!(applied.events[1..], [announced]);
    assert_eq!(applied.ledger.release(&id), Some(&release));
    assert_eq!(applied.ledger.state_of(&release, at(NOW)), ReleaseState::Active);
    let first = &applied.ledger.releases()[0];
    assert_eq!(first.id, ReleaseId::of_registration(Epoch::new(1)));
    assert_eq!(applied.ledger.state_of(first, at(NOW)), ReleaseState::Superseded);
}

#[test]
fn the_first_registration_may_as_well_be_a_rollback() {
    let command = Command::Register(Registration {
        worker: worker(),
        bundle: id(1),
        deploy_time: deployed(100),
        intent: Intent::Rollback,
    });
    let applied = apply(&Ledger::default(), &command).expect("the first bundle");
    assert_eq!(applied, apply(&Ledger::default(), &deploy(1, 100)).expect("the first bundle"));
}

#[test]
fn a_newer_bundle_takes_over_and_supersedes_the_current_one() {
    let before = after(&[(1, 100)]);
    let applied = before.apply(&deploy(2, 200), at(NOW + 5)).expect("a newer bundle");
    let superseded = Retired {
        record: current(&before, &worker()),
        retirement: Retirement::Superseded,
        since: at(NOW + 5),
    };
    assert_eq!(current(&applied.ledger, &worker()).bundle, id(2));
    assert_eq!(current(&applied.ledger, &worker()).registered_at, at(NOW + 5));
    let history = &applied.ledger.workers()[&worker()];
    assert_eq!(history.retired(at(NOW + 5)), [superseded]);
    assert!(history.retired(at(NOW + 4)).is_empty());
    assert_eq!(applied.ledger.epoch().get(), 2);
}

#[test]
fn a_manifest_names_the_current_bundle_and_gives_the_default_lease() {
    let ledger = after(&[(1, 100), (2, 200)]);
    let manifest = told(&ledger, &worker(), NOW);
    assert_eq!(manifest.max_age, Some(MaxAge::DEFAULT));
    assert_eq!(manifest.age, Age::NONE);
    assert_eq!(manifest.age_tolerance, ms(0));
    // The superseded bundle is older, so it needs no naming.
    let known = WorkerManifest::of_one(id(2), deployed(200), Vec::new());
    assert_eq!(manifest.worker, Some(known.clone()));
    assert_eq!(ledger.worker_manifest(&worker(), at(NOW), Breaker::Closed), Some(known));
}

#[test]
fn a_repeated_registration_changes_nothing() {
    let before = after(&[(1, 100), (2, 200)]);
    let applied = before.apply(&deploy(2, 200), at(NOW + 60_000)).expect("what is the case");
    assert!(applied.events.is_empty());
    assert_eq!(applied.ledger, before);
    assert_eq!(applied.ledger.epoch().get(), 2);
    assert_eq!(applied.at, at(NOW + 60_000));
    assert_eq!(current(&applied.ledger, &worker()).registered_at, at(NOW));
}

#[test]
fn an_older_bundle_is_turned_away_and_told_what_is_current() {
    let ledger = after(&[(1, 100)]);
    let rejection = apply(&ledger, &deploy(2, 99)).expect_err("an older bundle");
    assert_eq!(rejection, Rejection::OlderDeployTime { current: deployed(100) });
}

#[test]
fn of_two_bundles_of_the_same_millisecond_the_greater_id_is_the_newer() {
    let ledger = after(&[(2, 100)]);
    let rejection = apply(&ledger, &deploy(1, 100)).expect_err("the smaller id");
    assert_eq!(rejection, Rejection::OlderDeployTime { current: deployed(100) });
    let ledger = apply(&ledger, &deploy(3, 100)).expect("the greater id").ledger;
    assert_eq!(current(&ledger, &worker()).bundle, id(3));
}

#[test]
fn a_bundle_superseded_by_one_of_the_same_millisecond_is_named_as_retired() {
    // Its guard could not tell by the deploy time that it was replaced.
    let ledger = after(&[(1, 99), (2, 100), (3, 100)]);
    let known = told(&ledger, &worker(), NOW).worker.expect("a known Worker");
    assert_eq!(known.now.retired, [id(2)]);
}

#[test]
fn a_late_repetition_of_an_earlier_registration_is_turned_away() {
    let ledger = after(&[(1, 100), (2, 200)]);
    let rejection = apply(&ledger, &deploy(1, 100)).expect_err("a superseded bundle");
    assert_eq!(rejection, Rejection::Retired { retirement: Retirement::Superseded });
}

#[test]
fn a_known_bundle_has_one_deploy_time() {
    let ledger = after(&[(1, 100), (2, 200)]);
    for (number, recorded) in [(1, 100), (2, 200)] {
        for other in [99, 150, 300] {
            let rejection = apply(&ledger, &deploy(number, other)).expect_err("another time");
            let recorded = deployed(recorded);
            assert_eq!(rejection, Rejection::DeployTimeMismatch { recorded });
        }
    }
}

#[test]
fn a_deploy_time_may_lie_exactly_5_minutes_ahead_and_no_further() {
    assert_eq!(MAX_CLOCK_SKEW, ms(300_000));
    let ledger = Ledger::default();
    assert!(apply(&ledger, &deploy(1, NOW + 300_000)).is_ok());
    let rejection = apply(&ledger, &deploy(1, NOW + 300_001)).expect_err("the future");
    assert_eq!(rejection, Rejection::DeployTimeInFuture);
}

#[test]
fn a_deploy_time_that_lies_too_far_ahead_is_turned_away_on_a_rollback_too() {
    let command = Command::Register(Registration {
        worker: worker(),
        bundle: id(1),
        deploy_time: deployed(NOW + 300_001),
        intent: Intent::Rollback,
    });
    assert_eq!(apply(&Ledger::default(), &command), Err(Rejection::DeployTimeInFuture));
}

#[test]
fn workers_do_not_touch_each_other() {
    let other: WorkerName = "op-token".parse().expect("a name");
    let before = after(&[(1, 100), (2, 200)]);
    let ledger = apply(&before, &deploy_to(other.clone(), 1, 50)).expect("another Worker").ledger;
    assert_eq!(ledger.epoch().get(), 3);
    assert_eq!(ledger.workers()[&worker()], before.workers()[&worker()]);
    assert_eq!(told(&ledger, &worker(), NOW), told(&before, &worker(), NOW));
    assert_eq!(current(&ledger, &other).bundle, id(1));
    assert_eq!(ledger.workers().len(), 2);
}

#[test]
fn a_rejection_says_what_to_do_as_a_lower_case_fragment() {
    let current = deployed(1_772_366_400_000);
    let superseded = Rejection::Retired { retirement: Retirement::Superseded };
    let rolled_back = Rejection::Retired { retirement: Retirement::RolledBack };
    let rejections = [
        (Rejection::DeployTimeInFuture, "5 minutes"),
        (Rejection::OlderDeployTime { current }, "2026-03-01T12:00:00Z"),
        (Rejection::DeployTimeMismatch { recorded: current }, "2026-03-01T12:00:00Z"),
        (superseded, "was superseded before"),
        (rolled_back, "was rolled back before"),
        (Rejection::Retired { retirement: Retirement::Aborted }, "was aborted before"),
        (Rejection::ReservedReleaseId, "choose another id"),
        (Rejection::UnknownRelease, "list the releases"),
        (Rejection::CutoverPending { worker: worker() }, "cutovers of op-auth"),
    ];
    for (rejection, part) in rejections {
        let text = rejection.to_string();
        assert!(text.contains(part), "{text}");
        assert!(text.starts_with(|first: char| first.is_ascii_lowercase()), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}
