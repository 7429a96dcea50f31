//! Properties of what is read at the edge: no text does harm, and what is shown can be read back.

use core::fmt::Debug;

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use skewguard_domain::{
    Breaker, Bundle, BundleId, Command, DeployTime, ExemptPath, Intent, Ledger, Registration,
    WorkerName,
};

use crate::fixtures::{any_id, at, cases, deployed, worker};

/// Any text, and texts that are nearly right, which random ones hardly ever are.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9-]{0,70}",
        "[{]?(urn:uuid:)?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-G]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}[}]?",
        "[0-9]{4}-[0-1][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.][0-9]{0,12})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?",
        "/?[a-z*?#/é]{0,12}[*]{0,2}",
    ]
}

/// All deploy times there are, from the beginning of the year 0 to the end of the year 9999.
fn any_deploy_time() -> impl Strategy<Value = DeployTime> {
    (-62_167_219_200_000_i64..=253_402_300_799_999).prop_map(deployed)
}

/// Whether `text` shows more of `id` than its first 8 characters: the end of the whole, or how it
/// goes on after the 8th, with and without hyphens.
fn tells(text: &str, id: BundleId) -> bool {
    let whole = id.reveal();
    let simple = whole.replace('-', "");
    let text = text.to_lowercase();
    text.contains(&whole[..10]) || text.contains(&simple[..9]) || text.contains(&whole[24..])
}

fn debug(value: impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_text_makes_a_parser_panic(text in any_text()) {
        let _ = text.parse::<WorkerName>();
        let _ = text.parse::<BundleId>();
        let _ = text.parse::<DeployTime>();
        if let Ok(pattern) = text.parse::<ExemptPath>() {
            let _ = pattern.covers(&text);
        }
    }

    #[test]
    fn whatever_names_a_worker_is_a_dns_label_or_nearly(text in any_text()) {
        let legal = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let expected = (1..=63).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(legal);
        prop_assert_eq!(text.parse::<WorkerName>().is_ok(), expected);
    }

    #[test]
    fn a_workers_name_is_read_back_from_what_is_shown(text in "[a-z0-9][a-z0-9-]{0,62}") {
        let name: WorkerName = text.parse()?;
        prop_assert_eq!(name.as_str(), &text);
        prop_assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[test]
    fn a_bundle_id_is_read_back_from_what_is_revealed_in_either_case(id in any_id()) {
        let whole = id.reveal();
        prop_assert_eq!(whole.len(), 36);
        prop_assert_eq!(whole.to_uppercase().parse(), Ok(id));
        prop_assert_eq!(whole.parse(), Ok(id));
    }

    #[test]
    fn ids_are_in_the_order_of_their_texts(one in any_id(), other in any_id()) {
        // Storage that sorts texts agrees with the core on which of two bundles is the newer.
        prop_assert_eq!(one.cmp(&other), one.reveal().cmp(&other.reveal()));
    }

    #[test]
    fn nothing_shown_tells_more_than_8_characters_of_an_id(
        id in any_id(),
        other in any_id(),
        deploy_time in any_deploy_time(),
    ) {
        prop_assert_eq!(id.to_string(), &id.reveal()[..8]);
        prop_assert!(!tells(&debug(id), id));
        let bundle = Bundle { id, deploy_time: Some(deploy_time) };
        prop_assert!(!tells(&debug(bundle), id));
        let command = |bundle, intent| {
            Command::Register(Registration { worker: worker(), bundle, deploy_time, intent })
        };
        prop_assert!(!tells(&debug(command(id, Intent::Deploy)), id));
        let now = deploy_time.as_timestamp();
        let first = Ledger::default().apply(&command(id, Intent::Deploy), now)?;
        let second = first.ledger.apply(&command(other, Intent::Rollback), now)?;
        prop_assert!(!tells(&debug(&first), id));
        prop_assert!(!tells(&debug(&second), id) && !tells(&debug(&second), other));
        let briefing = second.ledger.briefing(now, |_| Breaker::Closed);
        prop_assert!(!tells(&debug(&briefing), id) && !tells(&debug(&briefing), other));
    }

    #[test]
    fn a_rejection_tells_no_id(id in any_id(), other in any_id()) {
        let command = |bundle, millis| {
            let deploy_time = deployed(millis);
            let intent = Intent::Deploy;
            Command::Register(Registration { worker: worker(), bundle, deploy_time, intent })
        };
        let ledger = Ledger::default().apply(&command(id, 1_000), at(1_000))?.ledger;
        for (bundle, millis) in [(id, 999), (other, 999), (other, 1_000_000)] {
            if let Err(rejection) = ledger.apply(&command(bundle, millis), at(1_000)) {
                let text = format!("{rejection} {rejection:?}");
                prop_assert!(!text.contains(&id.to_string()), "{}", text);
                prop_assert!(!text.contains(&other.to_string()), "{}", text);
            }
        }
    }

    #[test]
    fn a_deploy_time_is_read_back_from_what_is_shown(time in any_deploy_time()) {
        prop_assert_eq!(time.to_string().parse(), Ok(time));
        prop_assert_eq!(DeployTime::try_from(time.as_timestamp()), Ok(time));
    }

    #[test]
    fn deploy_times_are_in_the_order_of_their_moments(
        one in any_deploy_time(),
        other in any_deploy_time(),
    ) {
        prop_assert_eq!(one.cmp(&other), one.as_timestamp().cmp(&other.as_timestamp()));
    }

    #[test]
    fn a_pattern_covers_what_is_below_it_and_an_exact_path_itself(
        path in "/([a-z]{1,8}/){0,3}",
        below in "[a-z/]{0,12}",
        elsewhere in prop::sample::select(vec!["", "x", "other/"]),
    ) {
        let pattern: ExemptPath = format!("{path}*").parse()?;
        let child = format!("{path}{below}");
        prop_assert!(pattern.covers(&child));
        // A path that does not begin with a slash is below nothing.
        let outside = format!("{elsewhere}{}", &child[1..]);
        prop_assert!(!pattern.covers(&outside) || outside.starts_with('/'));
        let exact: ExemptPath = path.parse()?;
        prop_assert_eq!(exact.covers(&child), below.is_empty());
    }
}
