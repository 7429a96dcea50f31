//! The decision table of `ARCHITECTURE.md`, row by row, and that the first row that matches wins.

use skewguard_domain::{
    Breaker, Bundle, Decision, Exemption, Manifest, Mode, OnUnavailable, Reason, Situation,
    Staleness, Standings, Unchecked, Verdict, WorkerManifest, decide,
};

use crate::fixtures::{believed, bundle, deployed, id, manifest, situation};

const ALL_UNCHECKED: [Unchecked; 4] =
    [Unchecked::Disabled, Unchecked::NoBundleId, Unchecked::InvalidBundleId, Unchecked::NoBinding];

/// A situation in which nothing but row 1 would serve.
fn unchecked(why: Unchecked) -> Situation {
    Situation {
        checked: Err(why),
        exemption: Exemption::Checked,
        believed: None,
        on_unavailable: OnUnavailable::Closed,
    }
}

const NOTHING: Standings = Standings {
    serving: Vec::new(),
    announced: Vec::new(),
    held: Vec::new(),
    retired: Vec::new(),
    newest: None,
};

fn known(now: Standings, breaker: Breaker) -> Manifest {
    let worker = WorkerManifest { now, then: Vec::new(), breaker };
    Manifest { worker: Some(worker), ..Manifest::default() }
}

fn serve(reason: Reason) -> Decision {
    Decision { reason, verdict: Verdict::Serve }
}

fn refuse(reason: Reason) -> Decision {
    Decision { reason, verdict: Verdict::Refuse }
}

#[test]
fn row_1_a_guard_that_is_switched_off_serves() {
    let decision = decide(&unchecked(Unchecked::Disabled));
    assert_eq!(decision, serve(Reason::Unchecked(Unchecked::Disabled)));
}

#[test]
fn row_1_a_bundle_without_an_id_serves() {
    let decision = decide(&unchecked(Unchecked::NoBundleId));
    assert_eq!(decision, serve(Reason::Unchecked(Unchecked::NoBundleId)));
}

#[test]
fn row_1_a_bundle_with_an_invalid_id_serves() {
    let decision = decide(&unchecked(Unchecked::InvalidBundleId));
    assert_eq!(decision, serve(Reason::Unchecked(Unchecked::InvalidBundleId)));
}

#[test]
fn row_1_a_worker_without_a_binding_serves() {
    let decision = decide(&unchecked(Unchecked::NoBinding));
    assert_eq!(decision, serve(Reason::Unchecked(Unchecked::NoBinding)));
}

#[test]
fn row_2_an_exempt_request_is_served_by_a_retired_bundle() {
    let manifest = manifest(2, 200, &[1]);
    let situation =
        Situation { exemption: Exemption::Exempt, ..situation(bundle(1, 100), Some(&manifest)) };
    assert_eq!(decide(&situation), serve(Reason::Exempt));
}

#[test]
fn row_3_a_worker_that_fails_open_serves_without_a_manifest() {
    let situation = situation(bundle(1, 100), None);
    assert_eq!(decide(&situation), serve(Reason::Unavailable));
}

#[test]
fn row_3_a_worker_that_fails_closed_refuses_without_a_manifest() {
    let situation =
        Situation { on_unavailable: OnUnavailable::Closed, ..situation(bundle(1, 100), None) };
    assert_eq!(decide(&situation), refuse(Reason::Unavailable));
}

#[test]
fn row_4_a_worker_that_was_never_registered_serves() {
    let manifest = Manifest::default();
    let situation = situation(bundle(1, 100), Some(&manifest));
    assert_eq!(decide(&situation), serve(Reason::Unregistered));
}

#[test]
fn row_5_the_current_bundle_serves() {
    let manifest = manifest(1, 100, &[]);
    let situation = situation(bundle(1, 100), Some(&manifest));
    assert_eq!(decide(&situation), serve(Reason::Current));
}

#[test]
fn row_5_both_bundles_that_share_the_traffic_serve() {
    let standings =
        Standings { serving: vec![id(1), id(2)], newest: Some(deployed(200)), ..NOTHING };
    for sharing in [bundle(1, 100), bundle(2, 200)] {
        let situation = situation(sharing, Some(&known(standings.clone(), Breaker::Closed)));
        assert_eq!(decide(&situation), serve(Reason::Current));
    }
}

#[test]
fn row_6_an_open_breaker_serves_whatever_would_be_refused() {
    let standings = Standings {
        serving: vec![id(9)],
        held: vec![id(3)],
        retired: vec![id(4)],
        newest: Some(deployed(100)),
        ..NOTHING
    };
    let manifest = known(standings, Breaker::Open);
    let undated = Bundle { id: id(6), deploy_time: None };
    for refused in [bundle(3, 300), bundle(4, 400), bundle(5, 99), undated] {
        let situation = situation(refused, Some(&manifest));
        assert_eq!(decide(&situation), serve(Reason::BreakerOpen));
    }
}

#[test]
fn row_6_an_open_breaker_comes_before_being_announced_or_ahead() {
    let standings = Standings {
        serving: vec![id(9)],
        announced: vec![id(2)],
        newest: Some(deployed(100)),
        ..NOTHING
    };
    let manifest = known(standings, Breaker::Open);
    for number in [2, 3] {
        let situation = situation(bundle(number, 200), Some(&manifest));
        assert_eq!(decide(&situation), serve(Reason::BreakerOpen));
    }
}

#[test]
fn row_6_an_open_breaker_comes_after_being_current_or_unregistered() {
    let current = Standings { serving: vec![id(1)], newest: Some(deployed(100)), ..NOTHING };
    let current = situation(bundle(1, 100), Some(&known(current, Breaker::Open)));
    assert_eq!(decide(&current), serve(Reason::Current));
    let held = Standings { held: vec![id(2)], ..NOTHING };
    let unregistered = situation(bundle(1, 100), Some(&known(held, Breaker::Open)));
    assert_eq!(decide(&unregistered), serve(Reason::Unregistered));
}

#[test]
fn row_7_an_announced_bundle_serves_and_a_held_one_is_refused() {
    let standings = Standings {
        serving: vec![id(1)],
        announced: vec![id(2)],
        held: vec![id(3)],
        newest: Some(deployed(100)),
        ..NOTHING
    };
    let manifest = known(standings, Breaker::Closed);
    let announced = situation(bundle(2, 200), Some(&manifest));
    assert_eq!(decide(&announced), serve(Reason::Announced));
    let held = situation(bundle(3, 300), Some(&manifest));
    assert_eq!(decide(&held), refuse(Reason::Held));
}

#[test]
fn row_7_being_announced_or_held_comes_before_being_retired_or_older() {
    let standings = Standings {
        serving: vec![id(1)],
        announced: vec![id(2)],
        held: vec![id(3)],
        retired: vec![id(2), id(3)],
        newest: Some(deployed(100)),
    };
    let manifest = known(standings, Breaker::Closed);
    for deploy_time in [None, Some(deployed(99)), Some(deployed(101))] {
        let announced = situation(Bundle { id: id(2), deploy_time }, Some(&manifest));
        assert_eq!(decide(&announced), serve(Reason::Announced));
        let held = situation(Bundle { id: id(3), deploy_time }, Some(&manifest));
        assert_eq!(decide(&held), refuse(Reason::Held));
    }
}

#[test]
fn row_8_a_retired_bundle_is_refused() {
    let manifest = manifest(1, 100, &[3, 2]);
    for retired in [bundle(2, 200), bundle(3, 300)] {
        let situation = situation(retired, Some(&manifest));
        assert_eq!(decide(&situation), refuse(Reason::Stale(Staleness::Retired)));
    }
}

#[test]
fn row_9_an_unknown_bundle_deployed_later_is_ahead_and_serves() {
    let manifest = manifest(1, 100, &[]);
    let situation = situation(bundle(2, 101), Some(&manifest));
    assert_eq!(decide(&situation), serve(Reason::Ahead));
}

#[test]
fn row_9_an_unknown_bundle_deployed_in_the_same_millisecond_serves() {
    // Whichever of the two ids is the greater: nothing says that this one was replaced.
    let manifest = manifest(2, 100, &[]);
    for number in [1, 3] {
        let situation = situation(bundle(number, 100), Some(&manifest));
        assert_eq!(decide(&situation), serve(Reason::Ahead));
    }
}

#[test]
fn row_10_an_unknown_bundle_deployed_earlier_is_refused() {
    let manifest = manifest(2, 100, &[]);
    let situation = situation(bundle(1, 99), Some(&manifest));
    assert_eq!(decide(&situation), refuse(Reason::Stale(Staleness::Older)));
}

#[test]
fn row_10_an_unknown_bundle_without_a_deploy_time_is_refused() {
    let manifest = manifest(2, 100, &[]);
    let undated = Bundle { id: id(1), deploy_time: None };
    let situation = situation(undated, Some(&manifest));
    assert_eq!(decide(&situation), refuse(Reason::Stale(Staleness::Undated)));
}

#[test]
fn nothing_to_check_comes_before_every_other_row() {
    let known = manifest(2, 200, &[1]);
    let unregistered = Manifest::default();
    for why in ALL_UNCHECKED {
        for exemption in [Exemption::Exempt, Exemption::Checked] {
            for manifest in [None, Some(&known), Some(&unregistered)] {
                let believed = manifest.map(|manifest| believed(bundle(1, 100), manifest));
                let situation = Situation { exemption, believed, ..unchecked(why) };
                assert_eq!(decide(&situation), serve(Reason::Unchecked(why)));
            }
        }
    }
}

#[test]
fn an_exemption_comes_before_what_the_manager_says_or_fails_to_say() {
    let stale = manifest(2, 200, &[1]);
    let current = manifest(1, 100, &[]);
    let unregistered = Manifest::default();
    for manifest in [None, Some(&stale), Some(&current), Some(&unregistered)] {
        for on_unavailable in [OnUnavailable::Open, OnUnavailable::Closed] {
            let situation = Situation {
                exemption: Exemption::Exempt,
                on_unavailable,
                ..situation(bundle(1, 100), manifest)
            };
            assert_eq!(decide(&situation), serve(Reason::Exempt));
        }
    }
}

#[test]
fn failing_closed_refuses_nothing_that_a_manifest_decides() {
    let closed = |bundle, manifest| Situation {
        on_unavailable: OnUnavailable::Closed,
        ..situation(bundle, Some(manifest))
    };
    let unregistered = Manifest::default();
    assert_eq!(decide(&closed(bundle(1, 100), &unregistered)), serve(Reason::Unregistered));
    let known = manifest(1, 100, &[]);
    assert_eq!(decide(&closed(bundle(1, 100), &known)), serve(Reason::Current));
    assert_eq!(decide(&closed(bundle(2, 101), &known)), serve(Reason::Ahead));
}

#[test]
fn being_current_comes_before_being_retired() {
    // No ledger makes such a manifest; if one came, refusing would leave nobody to serve.
    let manifest = manifest(1, 100, &[1]);
    let situation = situation(bundle(1, 100), Some(&manifest));
    assert_eq!(decide(&situation), serve(Reason::Current));
}

#[test]
fn being_current_comes_before_every_comparison_of_deploy_times() {
    let manifest = manifest(1, 100, &[]);
    for deploy_time in [None, Some(deployed(99)), Some(deployed(101))] {
        let situation = situation(Bundle { id: id(1), deploy_time }, Some(&manifest));
        assert_eq!(decide(&situation), serve(Reason::Current));
    }
}

#[test]
fn being_retired_comes_before_every_comparison_of_deploy_times() {
    let manifest = manifest(2, 100, &[1]);
    for deploy_time in [None, Some(deployed(99)), Some(deployed(100)), Some(deployed(101))] {
        let situation = situation(Bundle { id: id(1), deploy_time }, Some(&manifest));
        assert_eq!(decide(&situation), refuse(Reason::Stale(Staleness::Retired)));
    }
}

#[test]
fn a_guard_that_observes_serves_what_it_would_refuse_and_keeps_the_reason() {
    let manifest = manifest(2, 200, &[3]);
    let undated = Bundle { id: id(4), deploy_time: None };
    let closed =
        Situation { on_unavailable: OnUnavailable::Closed, ..situation(bundle(1, 100), None) };
    let refused = [
        closed,
        situation(bundle(3, 300), Some(&manifest)),
        situation(bundle(1, 100), Some(&manifest)),
        situation(undated, Some(&manifest)),
    ];
    for situation in refused {
        let decision = decide(&situation);
        assert_eq!(decision.verdict, Verdict::Refuse);
        assert_eq!(decision.verdict_in(Mode::Observe), Verdict::Serve);
        assert_eq!(decision.verdict_in(Mode::Enforce), Verdict::Refuse);
    }
}

#[test]
fn a_guard_that_enforces_serves_what_is_to_be_served() {
    let manifest = manifest(1, 100, &[]);
    let decision = decide(&situation(bundle(1, 100), Some(&manifest)));
    assert_eq!(decision.verdict_in(Mode::Enforce), Verdict::Serve);
    assert_eq!(decision.verdict_in(Mode::Observe), Verdict::Serve);
}

#[test]
fn a_guard_enforces_and_fails_open_unless_it_is_told_otherwise() {
    assert_eq!(Mode::default(), Mode::Enforce);
    assert_eq!(OnUnavailable::default(), OnUnavailable::Open);
}
