//! How a release comes to serve, or does not.

use skewguard_domain::{
    Cutover, Epoch, Event, ReleaseState, Retirement, Stage, Standing, Strictness, Style, TookOver,
};

use crate::fixtures::{at, id};
use crate::manager::{
    Manager, START, abort, activate, activate_in, announce, named, promote, register, release_id,
};

/// Bundle 1 of `a` and of `b` serve.
fn manager() -> Manager {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager.does(&register("b", 1));
    manager
}

#[test]
fn an_announced_release_is_known_and_changes_nothing_for_those_that_serve() {
    let mut manager = manager();
    let applied = manager.does(&announce("r2", Style::Plain, &[("a", 2), ("b", 2)]));
    assert_eq!(manager.ledger.epoch().get(), 3);
    let release = manager.release("r2").clone();
    assert_eq!(release.id, release_id("r2"));
    assert_eq!(release.style, Style::Plain);
    assert_eq!(release.announced_at, at(START));
    assert_eq!(release.stage, Stage::Announced);
    assert_eq!(release.bundles[&named("a")].bundle, id(2));
    assert_eq!(release.bundles[&named("a")].registered_at, at(START));
    assert_eq!(applied.events, [Event::Announced { release, forgets: None }]);
    assert_eq!(manager.state("r2"), ReleaseState::Announced);
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("b", 1));
}

#[test]
fn an_activated_release_takes_over_in_all_its_workers_at_once() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2), ("b", 2), ("c", 2)]));
    let applied = manager.does(&activate("r2"));
    let cutover = Cutover::at(at(START + 6_000));
    let stage = Stage::Activated { cutover, epoch: Epoch::new(4) };
    assert_eq!(applied.events[0], Event::Staged { release: release_id("r2"), stage });
    let takeovers = applied.events[1..].iter().map(|event| match event {
        Event::TookOver(TookOver { worker, takeover, forgets: None }) => {
            assert_eq!(takeover.cutover, cutover);
            assert_eq!(takeover.strictness, Strictness::Relaxed);
            assert_eq!(takeover.retirement, Retirement::Superseded);
            assert_eq!(takeover.epoch, Epoch::new(4));
            assert_eq!(takeover.record.bundle, id(2));
            worker.as_str()
        }
        other => panic!("no takeover: {other:?}"),
    });
    assert_eq!(takeovers.collect::<Vec<_>>(), ["a", "b", "c"]);

    manager.passes(5_999);
    assert_eq!(manager.state("r2"), ReleaseState::CuttingOver);
    assert!(manager.is_served_by("a", 1) && manager.is_served_by("b", 1));
    assert_eq!(manager.standings("c").serving, []);
    manager.passes(1);
    assert_eq!(manager.state("r2"), ReleaseState::Active);
    for worker in ["a", "b", "c"] {
        assert!(manager.is_served_by(worker, 2));
    }
    assert_eq!(manager.state("@1"), ReleaseState::Superseded);
    assert_eq!(manager.state("@2"), ReleaseState::Superseded);
}

#[test]
fn a_strict_release_has_a_band_in_which_nothing_serves() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Strict, &[("a", 2), ("b", 2)]));
    assert_eq!(manager.standing("a", 2), Standing::Held);
    manager.does(&activate("r2"));
    for worker in ["a", "b"] {
        let cutover = Cutover { stop_at: at(START + 6_000), start_at: at(START + 6_500) };
        assert_eq!(manager.cutover(worker), cutover);
        let latest = manager.ledger.workers()[&named(worker)].latest();
        assert_eq!(latest.strictness, Strictness::Strict);
    }
    manager.passes(5_999);
    assert_eq!(manager.standing("a", 1), Standing::Serving);
    assert_eq!(manager.standing("a", 2), Standing::Held);
    manager.passes(1);
    assert_eq!(manager.state("r2"), ReleaseState::CuttingOver);
    assert_eq!(manager.standings("a").serving, []);
    assert_eq!(manager.standing("a", 1), Standing::Older);
    assert_eq!(manager.standing("a", 2), Standing::Held);
    manager.passes(499);
    assert_eq!(manager.standing("a", 2), Standing::Held);
    manager.passes(1);
    assert_eq!(manager.state("r2"), ReleaseState::Active);
    assert!(manager.is_served_by("a", 2) && manager.is_served_by("b", 2));
}

#[test]
fn a_canary_shares_the_traffic_until_it_is_promoted() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    assert_eq!(manager.standing("a", 2), Standing::Announced);
    manager.passes(5);
    let applied = manager.does(&activate("r2"));
    let stage = Stage::Shared { since: at(START + 5) };
    assert_eq!(applied.events, [Event::Staged { release: release_id("r2"), stage }]);
    assert_eq!(manager.state("r2"), ReleaseState::Shared);
    manager.passes(3_600_000);
    assert_eq!(manager.standing("a", 1), Standing::Serving);
    assert_eq!(manager.standing("a", 2), Standing::Serving);
    manager.does(&promote("r2"));
    assert_eq!(manager.state("r2"), ReleaseState::CuttingOver);
    assert_eq!(manager.standing("a", 1), Standing::Serving);
    assert_eq!(manager.standing("a", 2), Standing::Announced);
    manager.passes(6_000);
    assert_eq!(manager.state("r2"), ReleaseState::Active);
    assert_eq!(manager.standing("a", 1), Standing::Older);
    assert_eq!(manager.standing("a", 2), Standing::Serving);
}

#[test]
fn an_aborted_release_leaves_those_that_serve_and_is_refused() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2), ("b", 2)]));
    manager.passes(5);
    let applied = manager.does(&abort("r2"));
    let stage = Stage::Aborted { at: at(START + 5) };
    assert_eq!(applied.events, [Event::Staged { release: release_id("r2"), stage }]);
    assert_eq!(manager.state("r2"), ReleaseState::Aborted);
    for worker in ["a", "b"] {
        assert!(manager.is_served_by(worker, 1));
        assert_eq!(manager.standing(worker, 2), Standing::Retired);
    }
}

#[test]
fn an_aborted_canary_stops_sharing_the_traffic() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    manager.does(&activate("r2"));
    manager.does(&abort("r2"));
    assert_eq!(manager.state("r2"), ReleaseState::Aborted);
    assert!(manager.is_served_by("a", 1));
    assert_eq!(manager.standing("a", 2), Standing::Retired);
}

#[test]
fn a_release_may_follow_one_that_was_aborted() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Strict, &[("a", 2)]));
    manager.does(&abort("r2"));
    manager.releases("r3", Style::Strict, &[("a", 3)]);
    assert_eq!(manager.state("r3"), ReleaseState::Active);
    assert_eq!(manager.standing("a", 2), Standing::Older);
}

#[test]
fn a_worker_that_did_not_change_keeps_its_bundle_and_its_takeover() {
    let mut manager = manager();
    let before = manager.ledger.workers()[&named("b")].clone();
    manager.releases("r2", Style::Strict, &[("a", 2), ("b", 1)]);
    assert_eq!(manager.ledger.workers()[&named("b")], before);
    assert!(manager.is_served_by("a", 2) && manager.is_served_by("b", 1));
    assert_eq!(manager.state("r2"), ReleaseState::Active);
}

#[test]
fn a_worker_that_did_not_change_serves_all_along() {
    for style in [Style::Plain, Style::Strict, Style::Canary] {
        let mut manager = manager();
        manager.does(&announce("r2", style, &[("a", 2), ("b", 1)]));
        assert_eq!(manager.standing("b", 1), Standing::Serving, "{style:?}");
        manager.does(&activate("r2"));
        for _ in 0..14 {
            assert_eq!(manager.standing("b", 1), Standing::Serving, "{style:?}");
            manager.passes(500);
        }
    }
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2), ("b", 1)]));
    manager.does(&abort("r2"));
    assert_eq!(manager.standing("b", 1), Standing::Serving);
}

#[test]
fn a_release_stays_active_while_one_of_its_workers_is_served_by_it() {
    let mut manager = Manager::new();
    manager.releases("r1", Style::Plain, &[("a", 1), ("b", 1)]);
    manager.releases("r2", Style::Plain, &[("a", 2)]);
    assert_eq!(manager.state("r1"), ReleaseState::Active);
    manager.releases("r3", Style::Plain, &[("b", 3)]);
    assert_eq!(manager.state("r1"), ReleaseState::Superseded);
    assert_eq!(manager.state("r2"), ReleaseState::Active);
}

#[test]
fn a_release_may_be_activated_at_a_time_of_ones_choice() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    manager.does(&activate_in("r2", 60_000));
    assert_eq!(manager.cutover("a"), Cutover::at(at(START + 60_000)));
    manager.passes(59_999);
    assert!(manager.is_served_by("a", 1));
    manager.passes(1);
    assert!(manager.is_served_by("a", 2));
}

#[test]
fn states_and_styles_have_names_that_clients_and_storage_rely_on() {
    let states = [
        (ReleaseState::Announced, "announced"),
        (ReleaseState::Shared, "shared"),
        (ReleaseState::CuttingOver, "cutting_over"),
        (ReleaseState::Active, "active"),
        (ReleaseState::Superseded, "superseded"),
        (ReleaseState::RolledBack, "rolled_back"),
        (ReleaseState::Aborted, "aborted"),
    ];
    for (state, name) in states {
        assert_eq!(state.as_str(), name);
    }
    let styles = [(Style::Plain, "plain"), (Style::Strict, "strict"), (Style::Canary, "canary")];
    for (style, name) in styles {
        assert_eq!(style.as_str(), name);
    }
    assert_eq!(Style::default(), Style::Plain);
}
