//! What guards are told before, in and after cutovers.

use skewguard_domain::{
    BAND, Breaker, Bundle, BundleId, Command, ManifestStep, Standing, Standings, Strictness, Style,
    WorkerManifest,
};

use crate::fixtures::{at, bundle, deployed, id, ms};
use crate::manager::{
    Manager, START, abort, activate, announce, bring_back, named, promote, register, release_id,
    roll_back,
};

/// Bundle 1 of `a` serves.
fn manager() -> Manager {
    let mut manager = Manager::new();
    manager.does(&register("a", 1));
    manager
}

fn ids(numbers: &[u32]) -> Vec<BundleId> {
    numbers.iter().map(|&number| id(number)).collect()
}

/// What a manifest says while `serving` serve, of which `newest` is the newest.
fn serving(serving: &[u32], newest: u32) -> Standings {
    let newest = Some(deployed(i64::from(newest) * 1_000));
    Standings { serving: ids(serving), newest, ..Standings::default() }
}

fn manifest(now: Standings, then: &[(u64, Standings)]) -> Option<WorkerManifest> {
    let step = |(after, standings): &(u64, Standings)| ManifestStep {
        after: ms(*after),
        standings: standings.clone(),
    };
    let then = then.iter().map(step).collect();
    Some(WorkerManifest { now, then, breaker: Breaker::Closed })
}

#[test]
fn a_plain_release_is_announced_until_its_cutover() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    let announced = Standings { announced: ids(&[2]), ..serving(&[1], 1) };
    assert_eq!(manager.manifest("a"), manifest(announced.clone(), &[]));
    manager.does(&activate("r2"));
    let after = serving(&[2], 2);
    assert_eq!(manager.manifest("a"), manifest(announced.clone(), &[(6_000, after.clone())]));
    manager.passes(5_999);
    assert_eq!(manager.manifest("a"), manifest(announced, &[(1, after.clone())]));
    manager.passes(1);
    assert_eq!(manager.manifest("a"), manifest(after, &[]));
}

#[test]
fn a_strict_release_is_held_until_its_band_is_over() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Strict, &[("a", 2)]));
    let before = Standings { held: ids(&[2]), ..serving(&[1], 1) };
    assert_eq!(manager.manifest("a"), manifest(before.clone(), &[]));
    manager.does(&activate("r2"));
    let band = Standings { held: ids(&[2]), ..serving(&[], 2) };
    let after = serving(&[2], 2);
    let then = [(6_000, band.clone()), (6_500, after.clone())];
    assert_eq!(manager.manifest("a"), manifest(before, &then));
    manager.passes(6_000);
    assert_eq!(manager.manifest("a"), manifest(band.clone(), &[(500, after.clone())]));
    manager.passes(499);
    assert_eq!(manager.manifest("a"), manifest(band, &[(1, after.clone())]));
    manager.passes(1);
    assert_eq!(manager.manifest("a"), manifest(after, &[]));
}

#[test]
fn a_canary_serves_next_to_what_was_there_until_it_takes_over() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    manager.does(&activate("r2"));
    assert_eq!(manager.manifest("a"), manifest(serving(&[1, 2], 2), &[]));
    manager.does(&promote("r2"));
    let before = Standings { announced: ids(&[2]), ..serving(&[1], 1) };
    assert_eq!(manager.manifest("a"), manifest(before, &[(6_000, serving(&[2], 2))]));
}

#[test]
fn an_unknown_bundle_older_than_the_canary_is_a_leftover() {
    let mut manager = manager();
    manager.does(&announce("r3", Style::Canary, &[("a", 3)]));
    assert_eq!(manager.standing("a", 2), Standing::Ahead);
    manager.does(&activate("r3"));
    assert_eq!(manager.standing("a", 2), Standing::Older);
    assert_eq!(manager.standing("a", 4), Standing::Ahead);
}

#[test]
fn a_canary_of_a_worker_that_was_never_registered_shares_with_what_is_there() {
    // Nothing has taken over from what is there.
    let mut manager = Manager::new();
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    manager.does(&activate("r2"));
    assert_eq!(manager.standing("a", 2), Standing::Serving);
    assert_eq!(manager.standing("a", 1), Standing::Unregistered);
    manager.does(&promote("r2"));
    assert!(manager.standing("a", 1).serves());
    manager.passes(6_000);
    assert_eq!(manager.standing("a", 1), Standing::Older);
}

#[test]
fn a_rollback_names_what_it_takes_back() {
    let mut manager = manager();
    manager.does(&register("a", 2));
    manager.does(&roll_back("@1"));
    let before = Standings { announced: ids(&[1]), ..serving(&[2], 2) };
    let after = Standings { retired: ids(&[2]), ..serving(&[1], 1) };
    assert_eq!(manager.manifest("a"), manifest(before, &[(6_000, after.clone())]));
    manager.passes(6_000);
    assert_eq!(manager.manifest("a"), manifest(after, &[]));
}

#[test]
fn a_strict_rollback_holds_what_it_goes_back_to() {
    let mut manager = manager();
    manager.does(&register("a", 2));
    let strictness = Strictness::Strict;
    manager.does(&Command::RollBack { release: release_id("@1"), after: None, strictness });
    let before = Standings { held: ids(&[1]), ..serving(&[2], 2) };
    let band = Standings { held: ids(&[1]), retired: ids(&[2]), ..serving(&[], 1) };
    let after = Standings { retired: ids(&[2]), ..serving(&[1], 1) };
    let then = [(6_000, band), (6_500, after)];
    assert_eq!(manager.manifest("a"), manifest(before, &then));
}

#[test]
fn several_cutovers_are_told_in_their_order() {
    let mut manager = manager();
    manager.does(&announce("r2", Style::Plain, &[("a", 2)]));
    manager.does(&activate("r2"));
    manager.passes(1_000);
    manager.does(&roll_back("@1"));
    let now = Standings { announced: ids(&[2]), ..serving(&[1], 1) };
    let between = Standings { announced: ids(&[1]), ..serving(&[2], 2) };
    let end = Standings { retired: ids(&[2]), ..serving(&[1], 1) };
    assert_eq!(manager.manifest("a"), manifest(now, &[(5_000, between), (6_000, end)]));
}

#[test]
fn what_was_retired_is_named_only_if_it_is_no_older_than_what_serves() {
    let mut manager = manager();
    for number in [2, 3, 4] {
        manager.does(&register("a", number));
    }
    assert_eq!(manager.standings("a"), serving(&[4], 4));
    manager.does(&bring_back("a", 2));
    let retired = Standings { retired: ids(&[3, 4]), ..serving(&[2], 2) };
    assert_eq!(manager.standings("a"), retired);
    assert_eq!(manager.standing("a", 1), Standing::Older);
    manager.does(&announce("r5", Style::Plain, &[("a", 5)]));
    manager.does(&abort("r5"));
    assert_eq!(manager.standings("a").retired, ids(&[3, 4, 5]));
    manager.does(&register("a", 6));
    assert_eq!(manager.standings("a"), serving(&[6], 6));
}

#[test]
fn a_worker_that_nobody_named_is_not_in_a_briefing() {
    let briefing = manager().ledger.briefing(at(START), |_| Breaker::Closed);
    assert_eq!(briefing.workers.keys().collect::<Vec<_>>(), [&named("a")]);
    assert_eq!(Manager::new().manifest("a"), None);
    assert_eq!(Manager::new().standing("a", 1), Standing::Unregistered);
}

#[test]
fn the_first_release_of_a_worker_refuses_nobody_before_its_cutover() {
    for style in [Style::Plain, Style::Strict, Style::Canary] {
        let mut manager = Manager::new();
        manager.does(&announce("r2", style, &[("a", 2)]));
        assert_eq!(manager.standing("a", 1), Standing::Unregistered);
        assert_eq!(manager.standing("a", 3), Standing::Unregistered);
        assert_eq!(manager.standing("a", 2).serves(), style != Style::Strict);
        manager.does(&activate("r2"));
        if style == Style::Canary {
            manager.does(&promote("r2"));
        }
        manager.passes(5_999);
        assert_eq!(manager.standing("a", 1), Standing::Unregistered);
        manager.passes(1);
        assert_eq!(manager.standing("a", 1), Standing::Older);
        assert_eq!(manager.standing("a", 3), Standing::Ahead);
    }
}

#[test]
fn an_aborted_first_release_leaves_the_worker_unregistered() {
    for style in [Style::Plain, Style::Strict, Style::Canary] {
        let mut manager = Manager::new();
        manager.does(&announce("r2", style, &[("a", 2)]));
        if style == Style::Canary {
            manager.does(&activate("r2"));
        }
        manager.does(&abort("r2"));
        assert_eq!(manager.manifest("a"), None);
        for number in [1, 2, 3] {
            assert_eq!(manager.standing("a", number), Standing::Unregistered);
        }
    }
}

#[test]
fn a_bundle_without_a_deploy_time_is_known_by_its_id_alone() {
    let mut manager = manager();
    manager.does(&register("a", 2));
    let standings = manager.standings("a");
    let undated = |number| standings.of(Bundle { id: id(number), deploy_time: None });
    assert_eq!(undated(2), Standing::Serving);
    assert_eq!(undated(1), Standing::Undated);
    assert_eq!(undated(3), Standing::Undated);
    assert_eq!(standings.of(bundle(3, 2_000)), Standing::Ahead, "a tie serves");
}

#[test]
fn a_copys_age_is_taken_exactly_only_while_a_strict_cutover_is_on_its_way() {
    let tolerance = |manager: &Manager| {
        manager.ledger.briefing(at(manager.millis), |_| Breaker::Closed).age_tolerance
    };
    for style in [Style::Plain, Style::Canary] {
        let mut manager = manager();
        manager.does(&announce("r2", style, &[("a", 2)]));
        assert_eq!(tolerance(&manager), ms(0));
        manager.does(&activate("r2"));
        assert_eq!(tolerance(&manager), ms(0));
    }
    let mut manager = manager();
    assert_eq!(tolerance(&manager), ms(0));
    manager.does(&announce("r2", Style::Strict, &[("a", 2)]));
    assert_eq!(tolerance(&manager), BAND);
    let mut aborted = manager.clone();
    aborted.does(&abort("r2"));
    assert_eq!(tolerance(&aborted), ms(0));
    manager.does(&activate("r2"));
    manager.passes(6_499);
    assert_eq!(tolerance(&manager), BAND);
    manager.passes(1);
    assert_eq!(tolerance(&manager), ms(0));
    // A rollback of a strict release is strict, although the release it goes to is not.
    manager.does(&roll_back("@1"));
    assert_eq!(tolerance(&manager), BAND);
    manager.passes(6_500);
    assert_eq!(tolerance(&manager), ms(0));
}

#[test]
fn each_worker_is_told_of_its_own_breaker() {
    let mut manager = manager();
    manager.does(&register("b", 1));
    let open = |worker: &_| if *worker == named("b") { Breaker::Open } else { Breaker::Closed };
    let briefing = manager.ledger.briefing(at(START), open);
    assert_eq!(briefing.workers[&named("a")].breaker, Breaker::Closed);
    assert_eq!(briefing.workers[&named("b")].breaker, Breaker::Open);
}

#[test]
fn a_worker_is_served_since_its_takeover_or_since_its_canary_shares() {
    let mut manager = manager();
    let since = |manager: &Manager| manager.ledger.serving_since(&named("a"), at(manager.millis));
    assert_eq!(Manager::new().ledger.serving_since(&named("a"), at(START)), None);
    assert_eq!(since(&manager), Some(at(START)));
    manager.passes(1_000);
    manager.does(&announce("r2", Style::Canary, &[("a", 2)]));
    assert_eq!(since(&manager), Some(at(START)));
    manager.passes(1_000);
    manager.does(&activate("r2"));
    assert_eq!(since(&manager), Some(at(START + 2_000)));
    manager.does(&promote("r2"));
    assert_eq!(since(&manager), Some(at(START)));
    manager.passes(6_000);
    assert_eq!(since(&manager), Some(at(START + 8_000)));
    manager.does(&announce("r3", Style::Strict, &[("a", 3)]));
    manager.does(&activate("r3"));
    manager.passes(6_000);
    // In the band: somebody has decided that it will be there.
    assert_eq!(since(&manager), Some(at(START + 14_500)));
}

#[test]
fn the_order_of_strictness_is_that_of_caution() {
    assert!(Strictness::Strict > Strictness::Relaxed);
    assert_eq!(Strictness::default(), Strictness::Relaxed);
    assert_eq!(Style::Plain.strictness(), Strictness::Relaxed);
    assert_eq!(Style::Canary.strictness(), Strictness::Relaxed);
    assert_eq!(Style::Strict.strictness(), Strictness::Strict);
}
