//! Each rule, switched off alone, breaks the promise that it is there for.

use skewguard_domain::{Mutant, plant};
use skewguard_test::sim::{Promise, Scenario, Store, Tracing};

/// The first seeds, of which one has to notice.
const SEEDS: u64 = 2_000;

fn breaks(mutant: Mutant, promises: &[Promise]) {
    plant(Some(mutant));
    let store = match mutant {
        Mutant::LastWriterWins => Store::LastWriterWins,
        _ => Store::ComparesEpochs,
    };
    let found = (0..SEEDS).find_map(|seed| {
        let outcome = Scenario::at_random(seed).with_store(store).run(Tracing::Off);
        let broken = outcome.broken.into_iter().find(|broken| promises.contains(&broken.promise));
        broken.map(|broken| (seed, broken.how))
    });
    plant(None);
    match found {
        Some((seed, how)) => println!("{mutant:?} shows in seed {seed}: {how}"),
        None => panic!("{mutant:?} breaks none of {promises:?} in the first {SEEDS} seeds"),
    }
}

#[test]
fn a_guard_that_takes_nothing_for_ahead_breaks_p1() {
    breaks(Mutant::NothingIsAhead, &[Promise::OnlyTheReplacedAreRefused]);
}

#[test]
fn a_stop_that_counts_from_the_answer_breaks_p2() {
    breaks(Mutant::StopsLate, &[Promise::TheReplacedStop, Promise::StrictReleasesDoNotMix]);
}

#[test]
fn a_strict_release_that_starts_at_once_breaks_p3() {
    breaks(Mutant::StartsAtOnce, &[Promise::StrictReleasesDoNotMix]);
}

#[test]
fn a_rollback_that_is_not_remembered_breaks_p4() {
    breaks(Mutant::ForgetsRollbacks, &[Promise::TheRolledBackStop]);
}

#[test]
fn a_breaker_that_never_opens_breaks_p5() {
    breaks(Mutant::BreakerStuck, &[Promise::NeverDark]);
}

#[test]
fn a_store_where_the_last_writer_wins_breaks_p6() {
    breaks(Mutant::LastWriterWins, &[Promise::NothingIsLost]);
}

#[test]
fn a_guard_that_refuses_when_it_cannot_ask_breaks_p7() {
    breaks(Mutant::RefusesUnasked, &[Promise::NobodyHangs]);
}

#[test]
fn a_copy_that_is_taken_for_new_breaks_p8() {
    breaks(Mutant::CopiesAreNew, &[Promise::LeasesEnd]);
}

#[test]
fn a_copy_that_vouches_for_what_it_cannot_know_breaks_p3() {
    breaks(Mutant::CopiesKnowAll, &[Promise::StrictReleasesDoNotMix]);
}
