//! Commands about releases that contradict the ledger. A rejection changes nothing, and names what
//! stands in the way.

use skewguard_domain::{
    Bundle, Command, Intent, Registration, Rejection, ReleaseState, Retirement, Style,
};

use crate::fixtures::{deployed, id, ms};
use crate::manager::{
    Manager, START, abort, activate, announce, announcement, bring_back, named, numbered, promote,
    register, release_id, roll_back,
};

/// Bundle 1 of `a` and of `b` serve.
fn manager() -> Manager {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1), ("b", 1)]);
    manager
}

fn wrong_stage(release: &str, state: ReleaseState, wish: &'static str) -> Rejection {
    Rejection::WrongStage { release: release_id(release), state, wish }
}

fn of_worker(worker: &str, rejection: Rejection) -> Rejection {
    Rejection::OfWorker { worker: named(worker), rejection: Box::new(rejection) }
}

#[test]
fn nothing_can_be_done_with_an_unknown_release() {
    let manager = manager();
    for command in [activate("r2"), promote("r2"), abort("r2"), roll_back("r2")] {
        assert_eq!(manager.rejects(&command), Rejection::UnknownRelease);
    }
}

#[test]
fn no_release_is_announced_under_the_name_of_a_registration() {
    let command = announce("@7", Style::Plain, &[("a", 2)]);
    assert_eq!(manager().rejects(&command), Rejection::ReservedReleaseId);
}

#[test]
fn a_second_release_is_turned_away_and_told_of_the_open_one_and_its_age() {
    let mut manager = manager();
    let second = announce("r3", Style::Plain, &[("z", 3)]);
    let open = |state, age| Rejection::ReleaseOpen { release: release_id("r2"), state, age };
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    manager.passes(61_000);
    assert_eq!(manager.rejects(&second), open(ReleaseState::Announced, ms(61_000)));
    manager.does(&activate("r2"));
    assert_eq!(manager.rejects(&second), open(ReleaseState::Shared, ms(61_000)));
    manager.does(&promote("r2"));
    manager.passes(5_999);
    assert_eq!(manager.rejects(&second), open(ReleaseState::CuttingOver, ms(66_999)));
    manager.passes(1);
    manager.does(&second);
}

#[test]
fn the_message_about_an_open_release_says_how_to_get_on() {
    let open = |state| {
        let age = ms(61_999);
        Rejection::ReleaseOpen { release: release_id("r2"), state, age }.to_string()
    };
    let announced = "release 'r2', announced 61 s ago, is announced; activate or abort it first";
    assert_eq!(open(ReleaseState::Announced), announced);
    assert!(open(ReleaseState::Shared).ends_with("is shared; promote or abort it first"));
    let cutting_over = "is cutting_over; wait for its cutover, or roll back";
    assert!(open(ReleaseState::CuttingOver).ends_with(cutting_over));
}

#[test]
fn a_registration_waits_for_an_open_release_of_its_worker_only() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    for step in [None, Some(activate("r2")), Some(promote("r2"))] {
        if let Some(step) = step {
            manager.does(&step);
        }
        for command in [register("a", 3), register("a", 2), bring_back("a", 2)] {
            let rejection = manager.rejects(&command);
            let named = matches!(&rejection, Rejection::ReleaseOpen { release, .. }
                if *release == release_id("r2"));
            assert!(named, "{rejection:?}");
        }
        let other = manager.ledger.epoch().get() as u32 + 10;
        manager.does(&register("b", other));
    }
    manager.passes(6_000);
    manager.does(&register("a", 3));
}

#[test]
fn a_name_stands_for_one_release() {
    let mut manager = manager();
    let exists = Rejection::ReleaseExists { release: release_id("r2") };
    manager.does(&announce("r2", Style::Plain, &[("a", 2), ("b", 2)]));
    let others = [
        announce("r2", Style::Strict, &[("a", 2), ("b", 2)]),
        announce("r2", Style::Plain, &[("a", 2)]),
        announce("r2", Style::Plain, &[("a", 2), ("b", 2), ("c", 2)]),
        announce("r2", Style::Plain, &[("a", 2), ("c", 2)]),
        announce("r2", Style::Plain, &[("a", 2), ("b", 3)]),
    ];
    let mut other_time = announcement("r2", Style::Plain, &[("a", 2), ("b", 2)]);
    other_time.bundles.insert(named("a"), (id(2), deployed(2_001)));
    let others = others.into_iter().chain([Command::Announce(other_time)]);
    for other in others.clone() {
        assert_eq!(manager.rejects(&other), exists);
    }
    manager.does(&abort("r2"));
    for other in others {
        assert_eq!(manager.rejects(&other), exists);
    }
}

#[test]
fn an_aborted_release_is_neither_announced_nor_activated_nor_promoted_again() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    manager.does(&abort("r2"));
    let again = announce("r2", Style::Canary, &[("a", 2)]);
    let aborted = ReleaseState::Aborted;
    assert_eq!(manager.rejects(&again), wrong_stage("r2", aborted, "announced"));
    assert_eq!(manager.rejects(&activate("r2")), wrong_stage("r2", aborted, "activated"));
    assert_eq!(manager.rejects(&promote("r2")), wrong_stage("r2", aborted, "promoted"));
    assert_eq!(manager.rejects(&roll_back("r2")), wrong_stage("r2", aborted, "rolled back to"));
}

#[test]
fn what_was_not_activated_is_neither_promoted_nor_rolled_back_to() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    let announced = ReleaseState::Announced;
    assert_eq!(manager.rejects(&promote("r2")), wrong_stage("r2", announced, "promoted"));
    assert_eq!(manager.rejects(&roll_back("r2")), wrong_stage("r2", announced, "rolled back to"));
    manager.does(&activate("r2"));
    let shared = ReleaseState::Shared;
    assert_eq!(manager.rejects(&roll_back("r2")), wrong_stage("r2", shared, "rolled back to"));
}

#[test]
fn an_activated_release_cannot_be_aborted() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    manager.does(&activate("r2"));
    let rejection = manager.rejects(&abort("r2"));
    assert_eq!(rejection, wrong_stage("r2", ReleaseState::CuttingOver, "aborted"));
    let text = "release 'r2' is cutting_over, and cannot be aborted; \
                roll back to an earlier release";
    assert_eq!(rejection.to_string(), text);
    manager.passes(6_000);
    let rejection = manager.rejects(&abort("r2"));
    assert_eq!(rejection, wrong_stage("r2", ReleaseState::Active, "aborted"));
    manager.releases("r3", Style::Plain, &[("a", 3)]);
    let rejection = manager.rejects(&abort("r2"));
    assert_eq!(rejection, wrong_stage("r2", ReleaseState::Superseded, "aborted"));
}

#[test]
fn a_release_names_no_bundle_that_could_not_be_registered() {
    let mut manager = manager();
    manager.does(&register("b", 5));
    let rejection = manager.rejects(&announce("r2", Style::Plain, &[("a", 2), ("b", 4)]));
    let older = Rejection::OlderDeployTime { current: deployed(5_000) };
    assert_eq!(rejection, of_worker("b", older));
    assert!(rejection.to_string().starts_with("b: the bundle is not newer"), "{rejection}");

    let rejection = manager.rejects(&announce("r2", Style::Plain, &[("a", 2), ("b", 1)]));
    let retired = Rejection::Retired { retirement: Retirement::Superseded };
    assert_eq!(rejection, of_worker("b", retired));

    let future = u32::try_from(START / 1_000).expect("few") + 400;
    let rejection = manager.rejects(&announce("r2", Style::Plain, &[("a", future)]));
    assert_eq!(rejection, of_worker("a", Rejection::DeployTimeInFuture));

    let mut wish = announcement("r2", Style::Plain, &[("a", 1)]);
    wish.bundles.insert(named("a"), (id(1), deployed(1_001)));
    let mismatch = Rejection::DeployTimeMismatch { recorded: deployed(1_000) };
    assert_eq!(manager.rejects(&Command::Announce(wish)), of_worker("a", mismatch));
}

#[test]
fn an_aborted_bundle_comes_back_by_a_rollback_only() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    manager.does(&abort("r2"));
    let aborted = Rejection::Retired { retirement: Retirement::Aborted };
    assert_eq!(manager.rejects(&register("a", 2)), aborted);
    let again = announce("r3", Style::Plain, &[("a", 2)]);
    assert_eq!(manager.rejects(&again), of_worker("a", aborted));
    manager.does(&bring_back("a", 2));
    assert!(manager.is_served_by("a", 2));
}

#[test]
fn an_announced_bundle_has_one_deploy_time() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    manager.does(&abort("r2"));
    let Bundle { id, .. } = numbered(2);
    let other = Command::Register(Registration {
        worker: named("a"),
        bundle: id,
        deploy_time: deployed(2_001),
        intent: Intent::Rollback,
    });
    let mismatch = Rejection::DeployTimeMismatch { recorded: deployed(2_000) };
    assert_eq!(manager.rejects(&other), mismatch);
}

#[test]
fn a_rollback_waits_for_an_open_release_of_a_worker_that_it_concerns() {
    let mut manager = manager();
    manager.releases("r2", Style::Plain, &[("a", 2)]);
    manager.does(&announce("r3", Style::Canary, &[("b", 3)]));
    let why = manager.rejects(&roll_back("r1"));
    assert!(matches!(&why, Rejection::ReleaseOpen { state: ReleaseState::Announced, .. }));
    manager.does(&activate("r3"));
    let why = manager.rejects(&roll_back("r1"));
    assert!(matches!(&why, Rejection::ReleaseOpen { state: ReleaseState::Shared, .. }));
    manager.does(&abort("r3"));
    manager.does(&announce("r4", Style::Canary, &[("z", 4)]));
    manager.does(&roll_back("r1"));
}
