//! Names of releases and PoPs and delays of cutovers, as they are read at the edge.

use core::fmt::Debug;
use core::time::Duration;

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use skewguard_domain::{
    BundleId, Delay, Epoch, ParsePopError, ParseReleaseIdError, Pop, ReleaseId,
};

use crate::fixtures::{any_id, cases, ms};

const UUID: &str = "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10";

fn shown(value: impl Debug) -> String {
    format!("{value:?}")
}

#[test]
fn a_name_of_1_to_63_legal_characters_names_a_release() {
    let longest = "x".repeat(63);
    for text in ["r", "0", "2026-03-01.2", "v1_2-rc.3", "a-", "1.", &longest] {
        let id: ReleaseId = text.parse().expect("a release's id");
        assert_eq!(id.as_str(), text);
        assert_eq!(id.to_string(), text);
        assert!(!id.is_registration());
    }
}

#[test]
fn an_empty_overlong_or_outlandish_name_names_no_release() {
    let overlong = "x".repeat(64);
    let texts =
        ["", &overlong, "-a", ".a", "_a", "A", "rA", "a b", "a/b", "é", "a\\n", "a@1", "a,b"];
    for text in texts {
        assert_eq!(text.parse::<ReleaseId>(), Err(ParseReleaseIdError), "{text:?}");
    }
    assert_eq!("a\n".parse::<ReleaseId>(), Err(ParseReleaseIdError));
}

#[test]
fn no_release_is_called_by_a_uuid() {
    // Its name is shown in full, and a bundle's id is not.
    for text in [UUID, &UUID.replace('-', "")] {
        assert_eq!(text.parse::<ReleaseId>(), Err(ParseReleaseIdError), "{text:?}");
    }
    assert!(format!("r-{UUID}").parse::<ReleaseId>().is_ok(), "that is more than a UUID");
}

#[test]
fn a_registration_is_called_by_its_epoch_in_one_way_only() {
    for (text, number) in [("@0", 0), ("@7", 7), ("@18446744073709551615", u64::MAX)] {
        let id: ReleaseId = text.parse().expect("a registration's id");
        assert_eq!(id, ReleaseId::of_registration(Epoch::new(number)));
        assert_eq!(id.to_string(), text);
        assert!(id.is_registration());
    }
    for text in ["@", "@07", "@+7", "@-7", "@7 ", "@seven", "@@7", "@18446744073709551616"] {
        assert_eq!(text.parse::<ReleaseId>(), Err(ParseReleaseIdError), "{text:?}");
    }
}

#[test]
fn a_pop_is_named_by_1_to_8_capitals_and_digits() {
    for text in ["A", "FRA", "FRA2", "01234567", "UNKNOWN"] {
        let pop: Pop = text.parse().expect("a PoP");
        assert_eq!(pop.as_str(), text);
        assert_eq!(pop.to_string(), text);
        assert_eq!(shown(pop), format!("Pop({text})"));
    }
    for text in ["", "012345678", "fra", "FR-", "FR ", "É", "FRA\0", "\0", "F\0A"] {
        assert_eq!(text.parse::<Pop>(), Err(ParsePopError), "{text:?}");
    }
}

#[test]
fn an_unknown_pop_has_a_name_like_any_other() {
    assert_eq!("UNKNOWN".parse(), Ok(Pop::UNKNOWN));
    assert_eq!(Pop::UNKNOWN.as_str(), "UNKNOWN");
}

#[test]
fn a_delay_is_up_to_1_h_long() {
    for length in [Duration::ZERO, ms(1), Duration::from_secs(3_600)] {
        assert_eq!(Delay::new(length).map(Delay::get), Some(length));
    }
    for length in [Duration::from_secs(3_600) + Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(Delay::new(length), None);
    }
    assert_eq!(Delay::new(Duration::ZERO), Some(Delay::NONE));
}

#[test]
fn errors_say_what_is_right_in_lower_case() {
    for text in [ParseReleaseIdError.to_string(), ParsePopError.to_string()] {
        assert!(text.starts_with("a "), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}

/// Any text, and texts that are nearly right, which random ones hardly ever are.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9._@-]{0,66}",
        "@[+0-9]{0,21}",
        "[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
        "[A-Z0-9a\0]{0,10}",
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_names_a_release_is_what_is_documented(text in any_text()) {
        let legal = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        let announced = (1..=63).contains(&text.len()) && begins && text.bytes().all(legal);
        let registered = text.strip_prefix('@').is_some_and(|epoch| {
            epoch.parse::<u64>().is_ok() && epoch.bytes().all(|byte| byte.is_ascii_digit())
                && (epoch == "0" || !epoch.starts_with('0'))
        });
        let expected = (announced || registered) && text.parse::<BundleId>().is_err();
        prop_assert_eq!(text.parse::<ReleaseId>().is_ok(), expected);
    }

    #[test]
    fn a_releases_name_is_read_back_from_what_is_shown(text in "[a-z0-9][a-z0-9._-]{0,30}") {
        let id: ReleaseId = text.parse()?;
        prop_assert_eq!(id.as_str(), &text);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_registrations_name_is_read_back_from_what_is_shown(number in any::<u64>()) {
        let id = ReleaseId::of_registration(Epoch::new(number));
        prop_assert!(id.is_registration());
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_bundles_id_is_never_a_releases_name(id in any_id()) {
        prop_assert!(id.reveal().parse::<ReleaseId>().is_err());
        prop_assert!(id.reveal().replace('-', "").parse::<ReleaseId>().is_err());
    }

    #[test]
    fn whatever_names_a_pop_is_what_is_documented(text in any_text()) {
        let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let expected = (1..=8).contains(&text.len()) && text.bytes().all(legal);
        prop_assert_eq!(text.parse::<Pop>().is_ok(), expected);
    }

    #[test]
    fn a_pop_is_read_back_from_what_is_shown_and_sorted_as_its_text(
        one in "[A-Z0-9]{1,8}",
        other in "[A-Z0-9]{1,8}",
    ) {
        let pop: Pop = one.parse()?;
        prop_assert_eq!(pop.as_str(), &one);
        prop_assert_eq!(pop.to_string().parse(), Ok(pop));
        prop_assert_eq!(pop.cmp(&other.parse()?), one.cmp(&other));
    }

    #[test]
    fn a_delay_is_what_it_was_made_of(nanos in 0_u64..7_200_000_000_000) {
        let length = Duration::from_nanos(nanos);
        let within = length <= Delay::LONGEST;
        prop_assert_eq!(Delay::new(length).map(Delay::get), within.then_some(length));
    }
}
