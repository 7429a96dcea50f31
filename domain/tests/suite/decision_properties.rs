//! Properties of decisions: what they depend on, and whom they never refuse.

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use skewguard_domain::{
    Breaker, Bundle, Exemption, Manifest, Mode, OnUnavailable, Reason, Situation, Staleness,
    Standings, Unchecked, Verdict, WorkerManifest, decide,
};

use crate::fixtures::{any_id, believed, cases, deployed, id};

/// Few enough numbers and milliseconds that bundles meet each other and tie.
fn any_bundle() -> impl Strategy<Value = Bundle> {
    (0_u32..5, prop::option::of(0_i64..5))
        .prop_map(|(number, millis)| Bundle { id: id(number), deploy_time: millis.map(deployed) })
}

fn any_manifest() -> impl Strategy<Value = Manifest> {
    let numbers = || prop::collection::vec(0_u32..5, 0..3);
    let newest = prop::option::weighted(0.9, 0_i64..5);
    let worker = (numbers(), numbers(), numbers(), numbers(), newest, any::<bool>()).prop_map(
        |(serving, announced, held, retired, newest, broken)| {
            let ids = |numbers: Vec<u32>| numbers.into_iter().map(id).collect();
            let now = Standings {
                serving: ids(serving),
                announced: ids(announced),
                held: ids(held),
                retired: ids(retired),
                newest: newest.map(deployed),
            };
            let breaker = if broken { Breaker::Open } else { Breaker::Closed };
            WorkerManifest { now, then: Vec::new(), breaker }
        },
    );
    prop::option::of(worker).prop_map(|worker| Manifest { worker, ..Manifest::default() })
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
    fn situation(&self) -> Situation {
        let known = self.bundle.ok().zip(self.manifest.as_ref());
        Situation {
            checked: self.bundle.map(|_| ()),
            exemption: self.exemption,
            believed: known.map(|(bundle, manifest)| believed(bundle, manifest)),
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
    fn only_a_stale_or_held_bundle_and_a_guard_that_fails_closed_refuse(case in any_case()) {
        let decision = decide(&case.situation());
        let expected = match decision.reason {
            Reason::Stale(_) | Reason::Held => Verdict::Refuse,
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
            let Standings { serving, announced, held, retired, newest } = &known.now;
            prop_assert!(![serving, announced, held].iter().any(|ids| ids.contains(&bundle.id)));
            let replaced = match staleness {
                Staleness::Retired => retired.contains(&bundle.id),
                Staleness::Older => bundle.deploy_time < *newest,
                Staleness::Undated => bundle.deploy_time.is_none() && newest.is_some(),
            };
            prop_assert!(replaced);
            prop_assert_eq!(known.breaker, Breaker::Closed);
        }
    }

    #[test]
    fn an_unknown_bundle_deployed_no_earlier_than_the_current_one_is_never_refused(
        unknown in any_id(),
        manifest in any_manifest(),
        later in 0_i64..1_000,
    ) {
        let newest = manifest.worker.as_ref().and_then(|known| known.now.newest);
        let newest = newest.unwrap_or(deployed(0));
        let deploy_time = deployed(newest.as_timestamp().as_unix_millis() + later);
        let case = Case {
            bundle: Ok(Bundle { id: unknown, deploy_time: Some(deploy_time) }),
            exemption: Exemption::Checked,
            manifest: Some(manifest),
            on_unavailable: OnUnavailable::Closed,
        };
        prop_assert_eq!(decide(&case.situation()).verdict, Verdict::Serve);
    }
}
