//! Bodies of requests that change a release, good and bad.

use proptest::collection::{hash_map, vec};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use skewguard_domain::{Announcement, Delay, Strictness, Style};
use skewguard_ports::wire::{
    ErrorCode, InvalidRelease, parse_abort, parse_announcement, parse_cutover, parse_rollback,
};

use crate::fixtures::{announcement, deployed, id, ms};

const TIME: &str = "2026-03-01T12:00:00Z";

/// The bundle with this number, as an announcement names it.
fn bundle(number: u8) -> Value {
    json!({ "uuid": id(number).reveal(), "deployTime": deployed(number).to_string() })
}

fn good() -> Value {
    json!({ "id": "2026-03-01.1", "workers": { "op-auth": bundle(1), "op-token": bundle(2) } })
}

/// A good announcement, with one field set to something else.
fn with(field: &str, value: Value) -> Value {
    let mut body = good();
    body[field] = value;
    body
}

/// A good announcement, with this for the bundle of `op-auth`.
fn of(bundle: &Value) -> Value {
    with("workers", json!({ "op-auth": bundle }))
}

fn parse(body: &Value) -> Result<Announcement, InvalidRelease> {
    parse_announcement(body.to_string().as_bytes())
}

/// The code that a body is answered with.
fn code(body: &Value) -> ErrorCode {
    match parse(body) {
        Ok(_) => panic!("an announcement: {body}"),
        Err(invalid) => (&invalid).into(),
    }
}

fn code_of_cutover(body: &[u8]) -> ErrorCode {
    (&parse_cutover(body).expect_err("not a cutover")).into()
}

fn code_of_rollback(body: &[u8]) -> ErrorCode {
    (&parse_rollback(body).expect_err("not a rollback")).into()
}

/// What is neither a text, nor a boolean, nor an object.
fn other_types() -> [Value; 4] {
    [Value::Null, json!(1), json!(1.5), json!([bundle(1)])]
}

#[test]
fn an_announcement_names_a_release_and_the_bundle_of_each_of_its_workers() {
    let expected = announcement("2026-03-01.1", Style::Plain, &[("op-auth", 1), ("op-token", 2)]);
    assert_eq!(parse(&good()), Ok(expected));
}

#[test]
fn an_announcement_says_how_it_is_to_take_over() {
    let style = |flags: &[(&str, bool)]| {
        let mut body = good();
        flags.iter().for_each(|(flag, value)| body[*flag] = json!(value));
        parse(&body).map(|announcement| announcement.style)
    };
    assert_eq!(style(&[("strict", true)]), Ok(Style::Strict));
    assert_eq!(style(&[("strict", true), ("share", false)]), Ok(Style::Strict));
    assert_eq!(style(&[("share", true)]), Ok(Style::Canary));
    assert_eq!(style(&[("strict", false), ("share", false)]), Ok(Style::Plain));
    assert_eq!(style(&[("strict", true), ("share", true)]), Err(InvalidRelease::StrictShare));
    assert_eq!(code(&json!({ "strict": true, "share": true })), ErrorCode::MissingField);
}

#[test]
fn fields_of_an_announcement_that_are_unknown_are_ignored() {
    let mut body = with("after", json!("soon"));
    body["workers"]["op-auth"]["rollback"] = json!(7);
    assert_eq!(parse(&body), parse(&good()));
}

#[test]
fn a_release_has_up_to_a_hundred_workers_and_at_least_one() {
    let workers = |count: u8| {
        let named = (0..count).map(|number| (format!("op-{number}"), bundle(number)));
        with("workers", Value::Object(named.collect()))
    };
    assert_eq!(code(&workers(0)), ErrorCode::InvalidWorkers);
    for count in [1, 100] {
        assert_eq!(parse(&workers(count)).map(|it| it.bundles.len()), Ok(count.into()));
    }
    assert_eq!(code(&workers(101)), ErrorCode::InvalidWorkers);
}

#[test]
fn an_announcement_without_an_id_or_without_workers_has_a_field_missing() {
    for field in ["id", "workers"] {
        let mut body = good();
        body.as_object_mut().expect("an object").remove(field);
        assert_eq!(parse(&body), Err(InvalidRelease::Missing(field)));
        assert_eq!(code(&body), ErrorCode::MissingField);
    }
}

#[test]
fn an_id_that_is_none_is_invalid() {
    let (long, uuid) = ("a".repeat(64), id(1).reveal());
    let texts = ["", " ", "-1", ".1", "Release", "a/b", "a b", "é", "@", "@x", "@01", &long, &uuid];
    let texts = texts.map(Value::from);
    for name in texts.into_iter().chain(other_types()).chain([json!(true), json!({})]) {
        let body = with("id", name);
        assert_eq!(code(&body), ErrorCode::InvalidReleaseId, "{body}");
    }
    assert!(parse(&with("id", json!("a".repeat(63)))).is_ok());
}

#[test]
fn workers_that_are_no_object_are_invalid() {
    for workers in other_types().into_iter().chain([json!("op-auth"), json!(true)]) {
        let body = with("workers", workers);
        assert_eq!(code(&body), ErrorCode::InvalidWorkers, "{body}");
    }
}

#[test]
fn a_name_that_is_no_workers_is_invalid() {
    for name in ["", "Op-Auth", "-op", "op auth", "op/auth", "op_auth", &"o".repeat(64)] {
        let body = with("workers", json!({ name: bundle(1) }));
        assert_eq!(code(&body), ErrorCode::InvalidWorkerName, "{body}");
    }
}

#[test]
fn what_is_wrong_with_a_bundle_is_said_with_its_worker() {
    let (uuid, time) = (id(1).reveal(), json!(TIME));
    let cases = [
        (json!({}), ErrorCode::MissingField),
        (json!("text"), ErrorCode::MissingField),
        (Value::Null, ErrorCode::MissingField),
        (json!({ "uuid": uuid }), ErrorCode::MissingField),
        (json!({ "deployTime": time }), ErrorCode::MissingField),
        (json!({ "uuid": "?", "deployTime": time }), ErrorCode::InvalidUuid),
        (json!({ "uuid": [uuid], "deployTime": time }), ErrorCode::InvalidUuid),
        (json!({ "uuid": null, "deployTime": time }), ErrorCode::InvalidUuid),
        (json!({ "uuid": uuid, "deployTime": "?" }), ErrorCode::InvalidDeployTime),
        (json!({ "uuid": uuid, "deployTime": 7 }), ErrorCode::InvalidDeployTime),
        (json!({ "uuid": uuid, "deployTime": null }), ErrorCode::InvalidDeployTime),
    ];
    for (bundle, expected) in cases {
        let body = of(&bundle);
        assert_eq!(code(&body), expected, "{body}");
        let message = parse(&body).expect_err("not a bundle").to_string();
        assert!(message.starts_with("op-auth: "), "{message}");
    }
}

#[test]
fn a_flag_that_is_no_boolean_is_invalid() {
    for (flag, expected) in
        [("strict", ErrorCode::InvalidStrict), ("share", ErrorCode::InvalidShare)]
    {
        for value in other_types().into_iter().chain([json!("true"), json!({})]) {
            let body = with(flag, value);
            assert_eq!(code(&body), expected, "{body}");
        }
    }
    let both = json!({ "id": "a", "workers": { "op": bundle(1) }, "strict": true, "share": true });
    assert_eq!(code(&both), ErrorCode::InvalidShare);
}

#[test]
fn of_several_bad_fields_the_first_is_named_in_the_order_of_the_documentation() {
    let mut body = json!({ "strict": 1, "share": 1 });
    assert_eq!(code(&body), ErrorCode::MissingField);
    body["id"] = json!("?");
    assert_eq!(code(&body), ErrorCode::InvalidReleaseId);
    body["workers"] = json!("?");
    assert_eq!(code(&body), ErrorCode::InvalidReleaseId);
    body["id"] = json!("next");
    assert_eq!(code(&body), ErrorCode::InvalidWorkers);
    body["workers"] = json!({ "Op": 1, "a": 1 });
    assert_eq!(code(&body), ErrorCode::InvalidWorkerName);
    body["workers"] = json!({ "a": { "deployTime": "?" }, "b": { "uuid": "?" } });
    assert_eq!(code(&body), ErrorCode::MissingField);
    body["workers"] = json!({ "a": { "uuid": "?", "deployTime": "?" } });
    assert_eq!(code(&body), ErrorCode::InvalidUuid);
    body["workers"] = json!({ "a": { "uuid": id(1).reveal(), "deployTime": "?" } });
    assert_eq!(code(&body), ErrorCode::InvalidDeployTime);
    body["workers"] = json!({ "a": bundle(1) });
    assert_eq!(code(&body), ErrorCode::InvalidStrict);
    body["strict"] = json!(true);
    assert_eq!(code(&body), ErrorCode::InvalidShare);
    body["share"] = json!(false);
    assert!(parse(&body).is_ok());
}

#[test]
fn an_activation_without_a_body_and_one_without_a_delay_leave_it_to_the_manager() {
    for body in ["", "{}", r#"{"strict":7}"#] {
        assert_eq!(parse_cutover(body.as_bytes()), Ok(None), "{body}");
    }
}

#[test]
fn an_abort_has_nothing_to_say_but_what_it_has_is_an_object() {
    for body in ["", "{}", r#"{"after":-1}"#] {
        assert_eq!(parse_abort(body.as_bytes()), Ok(()), "{body}");
    }
    for body in [" ", "[]", "null", "{"] {
        assert_eq!(parse_abort(body.as_bytes()), Err(InvalidRelease::NotAnObject), "{body}");
    }
}

#[test]
fn a_delay_is_a_whole_number_of_milliseconds_up_to_an_hour() {
    for (millis, length) in [(0, ms(0)), (1, ms(1)), (3_600_000, Delay::LONGEST)] {
        let body = json!({ "after": millis }).to_string();
        assert_eq!(parse_cutover(body.as_bytes()), Ok(Delay::new(length)));
        let expected = (Delay::new(length), Strictness::Relaxed);
        assert_eq!(parse_rollback(body.as_bytes()), Ok(expected));
    }
    let numbers = [json!(-1), json!(3_600_001), json!(u64::MAX), json!(1.5), json!(1.0)];
    let others = [Value::Null, json!("5"), json!(true), json!([5]), json!({})];
    for after in numbers.into_iter().chain(others) {
        let body = json!({ "after": after }).to_string();
        assert_eq!(code_of_cutover(body.as_bytes()), ErrorCode::InvalidAfter, "{body}");
        assert_eq!(code_of_rollback(body.as_bytes()), ErrorCode::InvalidAfter, "{body}");
    }
}

#[test]
fn a_rollback_says_with_true_that_it_is_strict() {
    for body in ["", "{}", r#"{"strict":false}"#, r#"{"share":7}"#] {
        assert_eq!(parse_rollback(body.as_bytes()), Ok((None, Strictness::Relaxed)), "{body}");
    }
    let strict = parse_rollback(br#"{"strict":true,"after":0}"#);
    assert_eq!(strict, Ok((Some(Delay::NONE), Strictness::Strict)));
    for strict in other_types().into_iter().chain([json!("true"), json!({})]) {
        let body = json!({ "strict": strict }).to_string();
        assert_eq!(code_of_rollback(body.as_bytes()), ErrorCode::InvalidStrict, "{body}");
    }
}

#[test]
fn a_body_that_is_no_json_object_is_invalid() {
    for body in [" ", "null", "true", "7", "\"text\"", "[]", "{", "{}{}", "after=5", "\u{feff}{}"] {
        let invalid = parse_announcement(body.as_bytes()).expect_err("not an announcement");
        assert_eq!(ErrorCode::from(&invalid), ErrorCode::InvalidJson, "{body}");
        assert_eq!(code_of_cutover(body.as_bytes()), ErrorCode::InvalidJson, "{body}");
        assert_eq!(code_of_rollback(body.as_bytes()), ErrorCode::InvalidJson, "{body}");
    }
    assert_eq!(parse_announcement(b""), Err(InvalidRelease::NotAnObject));
}

#[test]
fn every_message_says_what_to_send() {
    let bad_bundle = |bundle: Value| parse(&of(&bundle)).expect_err("not a bundle");
    let messages = [
        (InvalidRelease::NotAnObject, "JSON object"),
        (InvalidRelease::Missing("id"), "\"id\""),
        (parse(&with("id", json!("?"))).expect_err("not an id"), "\"id\": a release's id has"),
        (InvalidRelease::Workers, "1 to 100 Workers"),
        (parse(&with("workers", json!({ "Op": 1 }))).expect_err("not a name"), "\"Op\""),
        (bad_bundle(json!({})), "op-auth: send the field \"uuid\""),
        (bad_bundle(json!({ "uuid": "?" })), "op-auth: \"uuid\": "),
        (InvalidRelease::Strict, "\"strict\" to true or false"),
        (InvalidRelease::Share, "\"share\" to true or false"),
        (InvalidRelease::StrictShare, "leave out \"strict\" or \"share\""),
        (InvalidRelease::After, "0 to 3600000"),
    ];
    for (invalid, part) in messages {
        let message = invalid.to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_worker_with_a_name_of_any_length_is_answered_shortly() {
    let body = with("workers", json!({ "Ö".repeat(60_000): bundle(1) }));
    let message = parse(&body).expect_err("not a name").to_string();
    assert!(message.len() < 400, "{} characters", message.len());
}

/// Any JSON, with the fields of these bodies among its own.
fn any_json() -> BoxedStrategy<Value> {
    let field = prop_oneof![
        Just("id".to_owned()),
        Just("workers".to_owned()),
        Just("op-auth".to_owned()),
        Just("uuid".to_owned()),
        Just("deployTime".to_owned()),
        Just("strict".to_owned()),
        Just("share".to_owned()),
        Just("after".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("next")),
        Just(json!(id(1).reveal())),
        Just(json!(TIME)),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map(field.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
    .boxed()
}

proptest! {
    #[test]
    fn no_json_whatsoever_is_worse_than_invalid(body in any_json()) {
        let body = body.to_string();
        if let Ok(announcement) = parse_announcement(body.as_bytes()) {
            prop_assert!((1..=Announcement::MAX_WORKERS).contains(&announcement.bundles.len()));
        }
        if let Ok(Some(delay)) = parse_cutover(body.as_bytes()) {
            prop_assert!(delay.get() <= Delay::LONGEST);
        }
        let rollback = parse_rollback(body.as_bytes()).map(|(after, _)| after);
        prop_assert!(rollback.is_err() || rollback == parse_cutover(body.as_bytes()));
    }

    #[test]
    fn no_bytes_whatsoever_are_worse_than_invalid(body in any::<Vec<u8>>()) {
        prop_assert!(parse_announcement(&body).is_err());
        prop_assert_eq!(parse_cutover(&body).is_ok(), body.is_empty());
        prop_assert_eq!(parse_rollback(&body).is_ok(), body.is_empty());
    }
}
