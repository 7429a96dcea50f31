//! What is read at the edge, and what is turned away there.

use skewguard_domain::{
    BundleId, DeployTime, ExemptPath, ParseBundleIdError, ParseDeployTimeError,
    ParseExemptPathError, ParseWorkerNameError, WorkerName,
};

use crate::fixtures::{at, deployed};

const UUID: &str = "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10";

#[test]
fn a_name_of_1_to_63_legal_characters_names_a_worker() {
    for text in ["a", "0", "op-auth", "0-a", "a-", "az09-", &"x".repeat(63)] {
        let name: WorkerName = text.parse().expect("a name");
        assert_eq!(name.as_str(), text);
        assert_eq!(name.to_string(), text);
    }
}

#[test]
fn an_empty_overlong_or_outlandish_name_names_no_worker() {
    let overlong = "x".repeat(64);
    for text in ["", &overlong, "-", "-a", "A", "op_auth", "op.auth", "a/b", "é", "a b", "a\n"] {
        assert_eq!(text.parse::<WorkerName>(), Err(ParseWorkerNameError), "{text:?}");
    }
}

#[test]
fn a_bundle_id_is_the_same_in_upper_case() {
    let lower: BundleId = UUID.parse().expect("a UUID");
    let upper: BundleId = UUID.to_uppercase().parse().expect("a UUID");
    assert_eq!(lower, upper);
    assert_eq!(upper.reveal(), UUID);
}

#[test]
fn what_is_not_a_uuid_is_no_bundle_id() {
    let braced_twice = format!("{{{{{UUID}}}}}");
    for text in ["", "latest", "[object Object]", &UUID[1..], &braced_twice, &format!(" {UUID}")] {
        assert_eq!(text.parse::<BundleId>(), Err(ParseBundleIdError), "{text:?}");
    }
}

#[test]
fn two_uuids_are_no_bundle_id() {
    // What an array with two elements looks like once JavaScript has made a text of it.
    assert_eq!(format!("{UUID},{UUID}").parse::<BundleId>(), Err(ParseBundleIdError));
}

#[test]
fn a_bundle_id_shows_its_first_8_characters_and_reveals_the_whole() {
    let id: BundleId = UUID.parse().expect("a UUID");
    assert_eq!(id.to_string(), "6f1c1d5e");
    assert_eq!(format!("{id:?}"), "BundleId(6f1c1d5e…)");
    assert_eq!(id.reveal(), UUID);
}

#[test]
fn a_bundle_id_shows_leading_zeros() {
    let id: BundleId = "0000000a-3b0a-4c57-9a43-0d1f5a7a2b10".parse().expect("a UUID");
    assert_eq!(id.to_string(), "0000000a");
}

#[test]
fn an_id_made_of_random_bytes_is_a_version_4_uuid() {
    let id = BundleId::from_random_bytes([0xff; 16]);
    assert_eq!(id.reveal(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_ne!(id, BundleId::from_random_bytes([0; 16]));
}

#[test]
fn a_deploy_time_is_read_in_any_offset_and_kept_in_utc() {
    for text in ["2026-03-01T12:00:00Z", "2026-03-01T14:00:00+02:00", "2026-03-01T04:30:00-07:30"] {
        let time: DeployTime = text.parse().expect("a deploy time");
        assert_eq!(time.as_timestamp(), at(1_772_366_400_000));
        assert_eq!(time.to_string(), "2026-03-01T12:00:00Z");
    }
}

#[test]
fn what_is_finer_than_a_millisecond_is_cut_off() {
    let time: DeployTime = "2026-03-01T12:00:00.1239Z".parse().expect("a deploy time");
    assert_eq!(time, deployed(1_772_366_400_123));
    // Before 1970 the count is negative, and cutting off still means the earlier millisecond.
    let time: DeployTime = "1969-12-31T23:59:59.9991Z".parse().expect("a deploy time");
    assert_eq!(time, deployed(-1));
}

#[test]
fn a_deploy_time_lies_in_the_years_0_to_9999_of_utc() {
    for text in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"] {
        let time: DeployTime = text.parse().expect("a deploy time");
        assert_eq!(time.to_string(), text);
    }
    for text in ["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
        assert_eq!(text.parse::<DeployTime>(), Err(ParseDeployTimeError), "{text}");
    }
}

#[test]
fn a_stored_reading_is_a_deploy_time_in_the_same_years_only() {
    for millis in [-62_167_219_200_000, 0, 253_402_300_799_999] {
        let time = DeployTime::try_from(at(millis)).expect("a deploy time");
        assert_eq!(time.as_timestamp(), at(millis));
    }
    for millis in [i64::MIN, -62_167_219_200_001, 253_402_300_800_000, i64::MAX] {
        assert_eq!(DeployTime::try_from(at(millis)), Err(ParseDeployTimeError));
    }
}

#[test]
fn what_is_not_rfc_3339_is_no_deploy_time() {
    for text in ["", "2026-03-01", "1772366400000", "2026-03-01T12:00:00", "2026-02-30T12:00:00Z"] {
        assert_eq!(text.parse::<DeployTime>(), Err(ParseDeployTimeError), "{text:?}");
    }
}

#[test]
fn an_exact_path_covers_itself_only() {
    let path: ExemptPath = "/health".parse().expect("a pattern");
    assert!(path.covers("/health"));
    for other in ["/", "/healt", "/health/", "/health/deep", "/healthz", "/Health"] {
        assert!(!path.covers(other), "{other}");
    }
}

#[test]
fn a_pattern_covers_all_that_is_below_it_and_not_itself() {
    let assets: ExemptPath = "/assets/*".parse().expect("a pattern");
    for below in ["/assets/", "/assets/app.js", "/assets/deep/er"] {
        assert!(assets.covers(below), "{below}");
    }
    for other in ["/", "/assets", "/assetsx", "/other/assets/app.js"] {
        assert!(!assets.covers(other), "{other}");
    }
    let all: ExemptPath = "/*".parse().expect("a pattern");
    assert!(all.covers("/") && all.covers("/authorize"));
}

#[test]
fn what_would_cover_nothing_or_something_unexpected_is_no_pattern() {
    for text in ["", "*", "health", "assets/*", "/a*", "/a/*/b", "/*/*", "/a?b", "/a#b", "/a?/*"] {
        assert_eq!(text.parse::<ExemptPath>(), Err(ParseExemptPathError), "{text:?}");
    }
}
