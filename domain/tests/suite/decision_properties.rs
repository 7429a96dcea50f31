//! Properties of decisions: what they depend on, and whom they never refuse.

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use skewguard_domain::{
    Bundle, Exemption, Manifest, Mode, OnUnavailable, Reason, Situation, Staleness, Unchecked,
    Verdict, WorkerManifest, decide,
};

use crate::fixtures::{any_id, cases, deployed, id};

/// Few enough numbers and milliseconds that bundles meet each other and tie.
fn any_bundle() -> impl Strategy<Value = Bundle> {
    (0_u32..5, prop::option::of(0_i64..5))
        .prop_map(|(number, millis)| Bundle { id: id(number), deploy_time: millis.map(deployed) })
}

fn any_manifest() -> impl Strategy<Value = Manifest> {
    let worker = (0_u32..5, 0_i64..5, prop::collection::vec(0_u32..5, 0..4)).prop_map(
        |(current, millis, retired)| WorkerManifest {
            current: id(current),
            deploy_time: deployed(millis),
            retired: retired.into_iter().map(id).collect(),
        },
    );
    prop::option::of(worker).prop_map(|worker| Manifest { max_age: None, worker })
}

/// A situation that owns its manifest.
#[derive(Clone, Debug)]
struct Case {
    bundle: Result<Bundle, Unchecked>,
    exemption: Exemption,
    manifest: Option<Manifest>,
    on_unavailable: OnUnavailable,
}

impl Case {
    fn situation(&self) -> Situation<'_> {
        Situation {
            bundle: self.bundle,
            exemption: self.exemption,
            manifest: self.manifest.as_ref(),
            on_unavailable: self.on_unavailable,
        }
    }
}

fn any_case() -> impl Strategy<Value = Case> {
    let unchecked = prop_oneof![
        Just(Unchecked::Disabled),
        Just(Unchecked::NoBundleId),
        Just(Unchecked::InvalidBundleId),
        Just(Unchecked::NoBinding),
    ];
    let bundle = prop_oneof![4 => any_bundle().prop_map(Ok), 1 => unchecked.prop_map(Err)];
    let manifest = prop::option::weighted(0.8, any_manifest());
    (bundle, prop::bool::weighted(0.2), manifest, any::<bool>()).prop_map(
        |(bundle, exempt, manifest, closed)| Case {
            bundle,
            exemption: if exempt { Exemption::Exempt } else { Exemption::Checked },
            manifest,
            on_unavailable: if closed { OnUnavailable::Closed } else { OnUnavailable::Open },
        },
    )
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_decision_depends_on_nothing_but_its_situation(
        situations in prop::collection::vec(any_case(), 1..12),
    ) {
        let forwards: Vec<_> = situations.iter().map(|case| decide(&case.situation())).collect();
        // Copies, the other way round: neither what was decided before nor where it lies counts.
        let copies: Vec<_> = situations.iter().rev().cloned().collect();
        let mut backwards: Vec<_> = copies.iter().map(|case| decide(&case.situation())).collect();
        backwards.reverse();
        prop_assert_eq!(forwards, backwards);
    }

    #[test]
    fn only_a_stale_bundle_and_a_guard_that_fails_closed_refuse(case in any_case()) {
        let decision = decide(&case.situation());
        let expected = match decision.reason {
            Reason::Stale(_) => Verdict::Refuse,
            Reason::Unavailable if case.on_unavailable == OnUnavailable::Closed => Verdict::Refuse,
            _ => Verdict::Serve,
        };
        prop_assert_eq!(decision.verdict, expected);
        prop_assert_eq!(decision.verdict_in(Mode::Enforce), decision.verdict);
        prop_assert_eq!(decision.verdict_in(Mode::Observe), Verdict::Serve);
    }

    #[test]
    fn a_bundle_is_stale_only_by_a_manifest_that_has_another_to_serve(case in any_case()) {
        let decision = decide(&case.situation());
        if let Reason::Stale(staleness) = decision.reason {
            let bundle = case.bundle.expect("nothing to check is never stale");
            let known = case.manifest.and_then(|manifest| manifest.worker);
            let known = known.expect("an unknown Worker is never stale");
            prop_assert!(bundle.id != known.current);
            let replaced = match staleness {
                Staleness::Retired => known.retired.contains(&bundle.id),
                Staleness::Older => bundle.deploy_time < Some(known.deploy_time),
                Staleness::Undated => bundle.deploy_time.is_none(),
            };
            prop_assert!(replaced);
        }
    }

    #[test]
    fn an_unknown_bundle_deployed_no_earlier_than_the_current_one_is_never_refused(
        unknown in any_id(),
        manifest in any_manifest(),
        later in 0_i64..1_000,
    ) {
        let current = manifest.worker.as_ref().map_or(deployed(0), |known| known.deploy_time);
        let deploy_time = deployed(current.as_timestamp().as_unix_millis() + later);
        let case = Case {
            bundle: Ok(Bundle { id: unknown, deploy_time: Some(deploy_time) }),
            exemption: Exemption::Checked,
            manifest: Some(manifest),
            on_unavailable: OnUnavailable::Closed,
        };
        prop_assert_eq!(decide(&case.situation()).verdict, Verdict::Serve);
    }
}
