//! Properties of outlooks, on timelines of any shape.

use proptest::prelude::{Strategy, prop, prop_assert, prop_assert_eq, proptest};
use skewguard_domain::{Age, Breaker, Bundle, ManifestStep, Standing, Standings, WorkerManifest};

use crate::fixtures::{bundle, cases, deployed, id, ms};

/// No step comes later than this.
const LAST: u64 = 12;

/// The bundle that everything here is about.
fn own() -> Bundle {
    bundle(1, 100)
}

/// Standings by which the bundle stands in any of the ways there are.
fn any_standings() -> impl Strategy<Value = Standings> {
    let list = || prop::collection::vec((1_u32..3).prop_map(id), 0..2);
    let newest = prop::option::weighted(0.9, (99_i64..=101).prop_map(deployed));
    (list(), list(), list(), list(), newest).prop_map(
        |(serving, announced, held, retired, newest)| Standings {
            serving,
            announced,
            held,
            retired,
            newest,
        },
    )
}

/// A timeline with up to five steps, each at an instant of its own, as the ledger makes it.
fn any_manifest() -> impl Strategy<Value = WorkerManifest> {
    let steps = prop::collection::vec((0..=LAST, any_standings()), 0..6);
    (any_standings(), steps).prop_map(|(now, mut steps)| {
        steps.sort_by_key(|(after, _)| *after);
        steps.dedup_by_key(|(after, _)| *after);
        let step = |(after, standings)| ManifestStep { after: ms(after), standings };
        let then = steps.into_iter().map(step).collect();
        WorkerManifest { now, then, breaker: Breaker::Closed }
    })
}

fn any_age() -> impl Strategy<Value = Age> {
    (0..=LAST, 0..=LAST).prop_map(|(at_least, longer)| Age {
        at_least: ms(at_least),
        at_most: ms(at_least + longer),
    })
}

/// How the bundle stands exactly `millis` after the manifest was made, read step by step.
fn at(manifest: &WorkerManifest, millis: u64) -> Standing {
    let mut steps = manifest.then.iter().filter(|step| step.after <= ms(millis));
    steps.next_back().map_or(&manifest.now, |step| &step.standings).of(own())
}

/// All instants that the manifest may have been made ago.
fn instants(age: Age) -> impl Iterator<Item = u64> {
    let millis = |length: core::time::Duration| u64::try_from(length.as_millis()).expect("few");
    millis(age.at_least)..=millis(age.at_most)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn at_a_known_instant_an_outlook_says_what_the_manifest_does(
        manifest in any_manifest(),
        millis in 0..=LAST,
    ) {
        let age = Age { at_least: ms(millis), at_most: ms(millis) };
        prop_assert_eq!(manifest.outlook(own()).after(age), at(&manifest, millis));
    }

    #[test]
    fn a_bundle_is_served_only_if_it_serves_at_every_instant_that_it_may_be(
        manifest in any_manifest(),
        age in any_age(),
    ) {
        let stands = manifest.outlook(own()).after(age);
        let serves = instants(age).all(|millis| at(&manifest, millis).serves());
        prop_assert_eq!(stands.serves(), serves);
    }

    #[test]
    fn a_bundle_stands_as_it_does_at_one_of_the_instants_that_it_may_be(
        manifest in any_manifest(),
        age in any_age(),
    ) {
        let stands = manifest.outlook(own()).after(age);
        prop_assert!(instants(age).any(|millis| at(&manifest, millis) == stands));
    }

    #[test]
    fn to_know_the_age_less_well_never_makes_a_bundle_serve(
        manifest in any_manifest(),
        age in any_age(),
        tolerance in 0..=LAST,
    ) {
        let outlook = manifest.outlook(own());
        if outlook.after(age.give_or_take(ms(tolerance))).serves() {
            prop_assert!(outlook.after(age).serves());
        }
    }
}
