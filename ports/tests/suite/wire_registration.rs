//! Bodies of registrations, good and bad.

use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use skewguard_domain::{BundleId, Intent, Registration};
use skewguard_ports::wire::{ErrorCode, InvalidRegistration, parse_registration};

use crate::fixtures::{deployed, id, worker};

const TIME: &str = "2026-03-01T12:00:00Z";

fn parse_bytes(body: &[u8]) -> Result<Registration, InvalidRegistration> {
    parse_registration(worker("op-auth"), body)
}

fn parse(body: &Value) -> Result<Registration, InvalidRegistration> {
    parse_bytes(body.to_string().as_bytes())
}

/// The code that a body is answered with.
fn code(body: &Value) -> ErrorCode {
    match parse(body) {
        Ok(_) => panic!("a registration: {body}"),
        Err(invalid) => invalid.into(),
    }
}

fn code_of_bytes(body: &[u8]) -> ErrorCode {
    parse_bytes(body).expect_err("not a registration").into()
}

/// What is neither a text nor a boolean.
fn other_types() -> [Value; 5] {
    [Value::Null, json!(1), json!(1.5), json!([id(1).reveal()]), json!({ "uuid": id(1).reveal() })]
}

#[test]
fn a_body_with_a_uuid_and_a_deploy_time_is_a_deploy() {
    let body = json!({ "uuid": id(1).reveal(), "deployTime": deployed(1).to_string() });
    let expected = Registration {
        worker: worker("op-auth"),
        bundle: id(1),
        deploy_time: deployed(1),
        intent: Intent::Deploy,
    };
    assert_eq!(parse(&body), Ok(expected));
}

#[test]
fn a_body_says_with_true_that_it_is_a_rollback() {
    for (rollback, intent) in [(true, Intent::Rollback), (false, Intent::Deploy)] {
        let body = json!({ "uuid": id(1).reveal(), "deployTime": TIME, "rollback": rollback });
        assert_eq!(parse(&body).map(|parsed| parsed.intent), Ok(intent));
    }
}

#[test]
fn a_uuid_in_upper_case_is_the_same_as_in_lower_case() {
    let body = |uuid: String| json!({ "uuid": uuid, "deployTime": TIME });
    let (lower, upper) = (id(1).reveal(), id(1).reveal().to_uppercase());
    assert_ne!(lower, upper);
    assert_eq!(parse(&body(upper)), parse(&body(lower)));
}

#[test]
fn a_deploy_time_with_another_offset_is_the_same_moment() {
    let body = |time: &str| json!({ "uuid": id(1).reveal(), "deployTime": time });
    assert_eq!(parse(&body("2026-03-01T14:30:00+02:30")), parse(&body(TIME)));
    assert_eq!(parse(&body("2026-03-01T12:00:00.000Z")), parse(&body(TIME)));
}

#[test]
fn unknown_fields_are_ignored() {
    let body = json!({
        "uuid": id(1).reveal(),
        "deployTime": TIME,
        "release": { "deeply": ["nested", null] },
        "UUID": 7,
        "__proto__": {},
    });
    assert_eq!(parse(&body).map(|parsed| parsed.bundle), Ok(id(1)));
}

#[test]
fn a_uuid_that_is_not_a_text_is_invalid() {
    for uuid in other_types().into_iter().chain([json!(true)]) {
        let body = json!({ "uuid": uuid, "deployTime": TIME });
        assert_eq!(code(&body), ErrorCode::InvalidUuid, "{body}");
    }
}

#[test]
fn a_text_that_is_not_a_uuid_is_invalid() {
    let (whole, short) = (id(1).reveal(), &id(1).reveal()[..35]);
    for uuid in [
        "",
        " ",
        "undefined",
        "01c0ffee",
        short,
        &format!("{whole}0"),
        &format!(" {whole}"),
        &format!("{whole}\n"),
        &format!("{whole},{whole}"),
        &whole.replace('c', "g"),
        &whole.replace('-', "_"),
        &whole.replace('c', "с"),
    ] {
        let body = json!({ "uuid": uuid, "deployTime": TIME });
        assert_eq!(code(&body), ErrorCode::InvalidUuid, "{body}");
    }
}

#[test]
fn a_deploy_time_that_is_not_a_text_is_invalid() {
    for time in other_types().into_iter().chain([json!(true)]) {
        let body = json!({ "uuid": id(1).reveal(), "deployTime": time });
        assert_eq!(code(&body), ErrorCode::InvalidDeployTime, "{body}");
    }
}

#[test]
fn a_text_that_is_not_a_moment_is_invalid() {
    for time in [
        "",
        "now",
        "1772366400000",
        "2026-03-01",
        "2026-02-30T12:00:00Z",
        "2025-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+25:00",
        "2026-03-01T12:00:00 Z",
        "2026-03-01T12:00:00Z ",
        "26-03-01T12:00:00Z",
        "Sun, 01 Mar 2026 12:00:00 GMT",
    ] {
        let body = json!({ "uuid": id(1).reveal(), "deployTime": time });
        assert_eq!(code(&body), ErrorCode::InvalidDeployTime, "{body}");
    }
}

#[test]
fn a_field_that_is_missing_is_named() {
    let cases = [
        (json!({}), "uuid"),
        (json!({ "deployTime": TIME }), "uuid"),
        (json!({ "uuid": id(1).reveal() }), "deployTime"),
        (json!({ "Uuid": id(1).reveal(), "deployTime": TIME }), "uuid"),
        (json!({ "uuid": id(1).reveal(), "deploy_time": TIME }), "deployTime"),
    ];
    for (body, field) in cases {
        assert_eq!(parse(&body), Err(InvalidRegistration::Missing(field)), "{body}");
        assert_eq!(code(&body), ErrorCode::MissingField);
    }
}

#[test]
fn of_several_bad_fields_the_first_is_named() {
    let (bad_time, bad_rollback) = (ErrorCode::InvalidDeployTime, ErrorCode::InvalidRollback);
    let cases = [
        (json!({ "uuid": "?", "rollback": 1 }), ErrorCode::InvalidUuid),
        (json!({ "uuid": "?", "deployTime": "?", "rollback": 1 }), ErrorCode::InvalidUuid),
        (json!({ "uuid": id(1).reveal(), "deployTime": "?", "rollback": 1 }), bad_time),
        (json!({ "uuid": id(1).reveal(), "deployTime": TIME, "rollback": 1 }), bad_rollback),
    ];
    for (body, expected) in cases {
        assert_eq!(code(&body), expected, "{body}");
    }
}

#[test]
fn a_rollback_that_is_not_a_boolean_is_invalid() {
    for rollback in other_types().into_iter().chain([json!("true"), json!(""), json!(0)]) {
        let body = json!({ "uuid": id(1).reveal(), "deployTime": TIME, "rollback": rollback });
        assert_eq!(code(&body), ErrorCode::InvalidRollback, "{body}");
    }
}

#[test]
fn a_body_that_is_no_json_object_is_invalid() {
    let good = json!({ "uuid": id(1).reveal(), "deployTime": TIME }).to_string();
    for body in [
        "",
        " ",
        "null",
        "true",
        "7",
        "\"text\"",
        "[]",
        "{",
        "{}{}",
        "{'uuid': 1}",
        "uuid=1&deployTime=2",
        &format!("[{good}]"),
        &good[..good.len() - 1],
        &format!("{good},"),
        &format!("{good}{good}"),
        &format!("\u{feff}{good}"),
    ] {
        assert_eq!(code_of_bytes(body.as_bytes()), ErrorCode::InvalidJson, "{body}");
    }
}

#[test]
fn a_body_that_is_not_utf_8_is_invalid() {
    let good = json!({ "uuid": id(1).reveal(), "deployTime": TIME, "note": "?" }).to_string();
    let broken: Vec<u8> = good.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
    assert!(parse_bytes(good.as_bytes()).is_ok());
    for body in [&broken[..], b"\xff\xfe", b"{\"uuid\":\"\xc3\x28\"}", b"\0"] {
        assert_eq!(code_of_bytes(body), ErrorCode::InvalidJson);
    }
}

#[test]
fn a_body_of_64_kib_of_brackets_is_invalid_and_overflows_nothing() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = 64 * 1024 / open.len();
        let opened = open.repeat(depth);
        let closed = format!("{{\"uuid\":{}1{}}}", open.repeat(10_000), close.repeat(10_000));
        for body in [opened, closed] {
            assert_eq!(code_of_bytes(body.as_bytes()), ErrorCode::InvalidJson);
        }
    }
}

proptest! {
    #[test]
    fn no_body_whatsoever_is_worse_than_invalid(body in any::<Vec<u8>>()) {
        prop_assert!(parse_bytes(&body).is_err());
    }

    #[test]
    fn no_text_in_a_field_is_worse_than_invalid(uuid in any::<String>(), time in any::<String>()) {
        let body = json!({ "uuid": uuid, "deployTime": TIME });
        prop_assert_eq!(code(&body), ErrorCode::InvalidUuid);
        let body = json!({ "uuid": id(1).reveal(), "deployTime": time });
        prop_assert_eq!(code(&body), ErrorCode::InvalidDeployTime);
    }

    #[test]
    fn every_uuid_is_read_as_the_bundle_that_it_is(bytes in any::<[u8; 16]>()) {
        let bundle = BundleId::from_random_bytes(bytes);
        let body = json!({ "uuid": bundle.reveal(), "deployTime": TIME });
        prop_assert_eq!(parse(&body).map(|parsed| parsed.bundle), Ok(bundle));
    }
}
