//! A run repeats itself exactly.

use skewguard_test::sim::{Comparison, Scenario, Size, Tracing, svg};

#[test]
fn the_same_seed_tells_the_same_story_byte_for_byte() {
    for seed in 0..20 {
        let run = || Scenario::at_random(seed).run(Tracing::On);
        let (first, second) = (run(), run());
        assert!(!first.trace.is_empty());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn other_seeds_tell_other_stories() {
    let stories: Vec<_> =
        (0..20).map(|seed| Scenario::at_random(seed).run(Tracing::On).trace).collect();
    for (place, story) in stories.iter().enumerate() {
        assert!(!stories[..place].contains(story), "seed {place}");
    }
}

#[test]
fn telling_what_happens_does_not_change_it() {
    for seed in 0..20 {
        let scenario = Scenario::at_random(seed);
        assert_eq!(scenario.run(Tracing::On).measure, scenario.run(Tracing::Off).measure);
    }
}

#[test]
fn the_same_comparison_has_the_same_table_and_chart() {
    let size = Size { pops: 8, workers: 2, isolates: 3 };
    let (first, second) = (Comparison::of(3, size), Comparison::of(3, size));
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(svg(&first), svg(&second));
}
