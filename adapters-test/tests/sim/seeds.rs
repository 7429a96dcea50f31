//! A thousand small networks, with deployers and faults at random.

use core::ops::Range;

use skewguard_test::sim::{Scenario, Tracing};

fn keep_every_promise(seeds: Range<u64>) {
    for seed in seeds {
        let outcome = Scenario::at_random(seed).run(Tracing::Off);
        if let Some(broken) = outcome.broken.first() {
            panic!(
                "{}\nsee: cargo run -p skewguard-test --bin skewguard-sim -- replay {seed}",
                broken.how
            );
        }
    }
}

#[test]
fn a_thousand_seeds_with_faults_keep_every_promise_1_of_4() {
    keep_every_promise(0..250);
}

#[test]
fn a_thousand_seeds_with_faults_keep_every_promise_2_of_4() {
    keep_every_promise(250..500);
}

#[test]
fn a_thousand_seeds_with_faults_keep_every_promise_3_of_4() {
    keep_every_promise(500..750);
}

#[test]
fn a_thousand_seeds_with_faults_keep_every_promise_4_of_4() {
    keep_every_promise(750..1_000);
}
