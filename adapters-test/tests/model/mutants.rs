//! A rule is switched off, and the checker has to find out.

use skewguard_domain::Mutant;

use crate::check::breaks;
use crate::promises::Promise;
use crate::scenes;

#[test]
fn it_is_found_when_nothing_is_ahead() {
    breaks(Some(Mutant::NothingIsAhead), scenes::registrations, Promise::NoSelfMadeOutage);
}

#[test]
fn it_is_found_when_guards_stop_late() {
    breaks(Some(Mutant::StopsLate), scenes::strict, Promise::TheFenceHolds);
}

#[test]
fn it_is_found_when_guards_that_stop_late_mix() {
    breaks(Some(Mutant::StopsLate), scenes::strict, Promise::NoMix);
}

#[test]
fn it_is_found_when_the_new_starts_at_once() {
    breaks(Some(Mutant::StartsAtOnce), scenes::strict, Promise::NoMix);
}

#[test]
fn it_is_found_when_rollbacks_are_forgotten() {
    breaks(Some(Mutant::ForgetsRollbacks), scenes::strict_rollback, Promise::ARollbackIsACutover);
}

#[test]
fn it_is_found_when_the_breaker_is_stuck() {
    breaks(Some(Mutant::BreakerStuck), scenes::behind_the_back, Promise::NeverDark);
}

#[test]
fn it_is_found_when_the_last_writer_wins() {
    breaks(Some(Mutant::LastWriterWins), scenes::two_deployers, Promise::NoLostChange);
}

#[test]
fn it_is_found_when_who_cannot_ask_refuses() {
    breaks(Some(Mutant::RefusesUnasked), scenes::failing, Promise::FailOpen);
}

#[test]
fn it_is_found_when_copies_are_taken_for_new() {
    breaks(Some(Mutant::CopiesAreNew), scenes::plain_by_copies, Promise::TiersDoNotAddUp);
}

/// To a copy from before a strict release was announced, its bundle is unknown, and ahead.
#[test]
fn it_is_found_when_old_copies_are_believed_about_new_bundles() {
    breaks(Some(Mutant::CopiesKnowAll), scenes::strict_by_copies, Promise::NoMix);
}
