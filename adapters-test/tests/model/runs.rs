//! The standard check, and with `SKEWGUARD_MODEL=deep` the deep one.

use crate::check::holds;
use crate::scene::Scene;
use crate::scenes::{self, Depth};

#[test]
fn two_deployers_at_once_lose_no_change_and_cause_no_outage() {
    holds(scenes::two_deployers);
}

#[test]
fn bundles_may_be_uploaded_and_registered_in_any_order() {
    holds(scenes::registrations);
}

#[test]
fn a_canary_shares_until_it_is_promoted_or_given_up() {
    holds(scenes::canary);
}

#[test]
fn a_strict_release_never_mixes_anywhere() {
    holds(scenes::strict_everywhere);
}

#[test]
fn a_strict_release_never_mixes_whatever_goes_wrong() {
    holds(scenes::strict);
}

#[test]
fn a_strict_release_never_mixes_when_leases_change() {
    holds(scenes::strict_with_other_leases);
}

#[test]
fn a_rollback_is_a_cutover() {
    holds(scenes::strict_rollback);
}

#[test]
fn no_place_is_dark_for_long() {
    holds(scenes::behind_the_back);
}

#[test]
fn a_failing_manager_costs_no_request() {
    holds(scenes::failing);
}

#[test]
fn a_closed_guard_serves_nothing_that_it_cannot_ask_about() {
    holds(scenes::failing_closed);
}

#[test]
fn copies_add_nothing_to_a_lease() {
    holds(scenes::plain_by_copies);
}

#[test]
fn a_strict_release_never_mixes_by_copies() {
    holds(scenes::strict_by_copies);
}

#[test]
fn all_scenes_together_have_a_million_states() {
    let scenes: [fn(Depth) -> Scene; 12] = [
        scenes::two_deployers,
        scenes::registrations,
        scenes::canary,
        scenes::strict_everywhere,
        scenes::strict,
        scenes::strict_with_other_leases,
        scenes::strict_rollback,
        scenes::behind_the_back,
        scenes::failing,
        scenes::failing_closed,
        scenes::plain_by_copies,
        scenes::strict_by_copies,
    ];
    // Each scene has at least so many; its own test asserts that.
    let states: usize = scenes.iter().map(|scene| scene(Depth::Standard).at_least).sum();
    assert!(states >= 1_000_000, "{states}");
}
