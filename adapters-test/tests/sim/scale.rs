//! The network of the size that Skewguard is made for: 330 PoPs, 10 Workers, 29,700 isolates.

use skewguard_domain::Style;
use skewguard_test::sim::{Capacity, Design, Measure, Outcome, Scenario, Size, Tracing};

fn release(design: Design, style: Style) -> Scenario {
    Scenario::of_release(1, Size::WORLD, design, style)
}

fn run_of(style: Style) -> Measure {
    let Outcome { broken, measure, .. } = release(Design::Skewguard, style).run(Tracing::Off);
    assert_eq!(broken, []);
    measure
}

#[test]
fn a_plain_release_refuses_nobody_by_mistake_and_asks_a_twentieth_of_the_baseline() {
    let plain = run_of(Style::Plain);
    // With all the capacity in the world: with one object it asks even more.
    let baseline = release(Design::Equality, Style::Plain).with_capacity(Capacity::Unlimited);
    let baseline = baseline.run(Tracing::Off).measure;
    let ((mean, peak), (baseline_mean, _)) = (plain.load(), baseline.load());
    assert!(peak < 300, "{peak} questions in the busiest second");
    assert!(mean * 20.0 <= baseline_mean, "{mean} against {baseline_mean}");
    assert_eq!(plain.refused_by_mistake, 0);
    assert_eq!(plain.refused_in_the_dark, 0);
    assert!(baseline.refused_by_mistake > 0);
    assert!(plain.longest_wait <= 250, "{} ms", plain.longest_wait);
    assert_eq!(plain.taken_over(), 10);
}

#[test]
fn a_strict_release_mixes_no_flow() {
    let strict = run_of(Style::Strict);
    assert_eq!(strict.mixed, 0);
    assert_eq!(strict.stale, 0);
    assert_eq!(strict.refused_by_mistake, 0);
    assert!(strict.crossed > 0, "flows that began before the cutover go on after it");
    let (_, peak) = strict.load();
    assert!(peak < 300, "{peak} questions in the busiest second");
    assert_eq!(strict.taken_over(), 10);
}

/// Without a word among the isolates of a PoP that one of them asks, this does not end.
#[test]
fn a_manager_that_was_gone_for_ten_seconds_is_not_swamped_when_it_is_back() {
    let outcome = release(Design::Skewguard, Style::Plain).with_outage(10).run(Tracing::Off);
    assert_eq!(outcome.broken, []);
    let questions = &outcome.measure.questions;
    let peak = questions[70..80].iter().max().expect("ten seconds");
    assert!(*peak < 1_000, "{peak} questions in a second");
    for (second, count) in questions.iter().enumerate().skip(90) {
        assert!(*count < 300, "{count} questions in second {second}");
    }
}
