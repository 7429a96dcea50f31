//! What guards report along with their question, written by one side and read by the other.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert_eq, proptest};
use serde_json::{Value, json};
use skewguard_domain::{Breaker, Bundle, BundleId, DeployTime, Pop, Sighting, Tally, Timestamp};
use skewguard_ports::wire::{ErrorCode, InvalidSightings, SightingsBody, parse_sightings};

use crate::fixtures::{deployed, id, worker};

fn parse(body: &Value) -> Result<(Pop, Vec<Sighting>), InvalidSightings> {
    parse_sightings(body.to_string().as_bytes())
}

fn pop(name: &str) -> Pop {
    name.parse().expect("a PoP's name")
}

/// The report of a guard that has nothing else to tell.
fn plain(number: u8) -> Sighting {
    Sighting {
        worker: worker("op-auth"),
        bundle: Bundle { id: id(number), deploy_time: None },
        breaker: Breaker::Closed,
        tally: Tally::default(),
        reports: 1,
    }
}

/// The least that such a report consists of.
fn least(number: u8) -> Value {
    json!({ "worker": "op-auth", "uuid": id(number).reveal() })
}

/// The least report, with one field set to something else.
fn with(field: &str, value: Value) -> Value {
    let mut report = least(1);
    report[field] = value;
    report
}

#[test]
fn a_report_has_these_fields_and_no_others() {
    let gathered = Sighting {
        bundle: Bundle { id: id(1), deploy_time: Some(deployed(1)) },
        breaker: Breaker::Open,
        tally: Tally { refused: 1, failed_open: 2, breaker_open: 3 },
        reports: 4,
        ..plain(1)
    };
    let expected = json!({
        "pop": "FRA",
        "sightings": [
            {
                "worker": "op-auth",
                "uuid": id(1).reveal(),
                "deployTimeMs": deployed(1).as_timestamp().as_unix_millis(),
                "breaker": "open",
                "refused": 1,
                "failedOpen": 2,
                "breakerOpen": 3,
                "reports": 4,
            },
            {
                "worker": "op-auth",
                "uuid": id(2).reveal(),
                "refused": 0,
                "failedOpen": 0,
                "breakerOpen": 0,
                "reports": 1,
            },
        ],
    });
    let body = SightingsBody::new(pop("FRA"), &[gathered, plain(2)]);
    assert_eq!(serde_json::to_value(body).expect("JSON"), expected);
}

#[test]
fn a_report_of_a_worker_and_a_bundle_alone_is_one_report() {
    let body = json!({ "pop": "FRA", "sightings": [least(1)] });
    assert_eq!(parse(&body), Ok((pop("FRA"), vec![plain(1)])));
}

#[test]
fn a_pop_that_is_missing_or_has_no_name_is_unknown() {
    for body in [
        json!({}),
        json!({ "pop": null }),
        json!({ "pop": "" }),
        json!({ "pop": "fra" }),
        json!({ "pop": "FRANKFURT" }),
        json!({ "pop": "FRA\n" }),
        json!({ "pop": 7 }),
        json!({ "pop": ["FRA"] }),
    ] {
        assert_eq!(parse(&body), Ok((Pop::UNKNOWN, Vec::new())), "{body}");
    }
}

#[test]
fn a_report_that_cannot_be_read_is_left_out_and_the_others_are_read() {
    let uuid = id(1).reveal();
    for unreadable in [
        Value::Null,
        json!([]),
        json!("text"),
        json!({}),
        json!({ "worker": "op-auth" }),
        json!({ "uuid": uuid }),
        with("worker", json!("Op Auth")),
        with("worker", json!(7)),
        with("uuid", json!(&uuid[..8])),
        with("uuid", json!([uuid])),
        with("refused", json!(-1)),
        with("refused", json!(u64::MAX)),
        with("failedOpen", json!("many")),
        with("breakerOpen", Value::Null),
        with("reports", json!(1.5)),
    ] {
        let body = json!({ "pop": "FRA", "sightings": [least(2), unreadable, least(3)] });
        assert_eq!(parse(&body), Ok((pop("FRA"), vec![plain(2), plain(3)])), "{body}");
    }
}

#[test]
fn what_a_report_says_that_is_unheard_of_does_not_keep_it_from_being_read() {
    for unheard_of in [
        with("deployTimeMs", json!("yesterday")),
        with("deployTimeMs", Value::Null),
        with("deployTimeMs", json!(1.5)),
        with("deployTimeMs", json!(i64::MAX)),
        with("breaker", json!(true)),
        with("breaker", json!("half_open")),
        with("breaker", Value::Null),
        with("reports", json!(0)),
        with("mood", json!(["calm"])),
    ] {
        let body = json!({ "pop": "FRA", "sightings": [unheard_of], "weather": 7 });
        assert_eq!(parse(&body), Ok((pop("FRA"), vec![plain(1)])), "{body}");
    }
}

#[test]
fn a_body_that_tells_of_no_sightings_is_invalid() {
    for body in [
        "",
        "null",
        "[7]",
        "[\"FRA\"]",
        "\"text\"",
        "{",
        r#"{"sightings":{}}"#,
        r#"{"sightings":null}"#,
    ] {
        assert_eq!(parse_sightings(body.as_bytes()), Err(InvalidSightings), "{body}");
    }
    assert_eq!(ErrorCode::from(InvalidSightings), ErrorCode::InvalidJson);
}

fn sightings() -> impl Strategy<Value = Sighting> {
    let time = (0..=253_402_300_799_999_i64).prop_map(|millis| -> DeployTime {
        Timestamp::from_unix_millis(millis).try_into().expect("a legal year")
    });
    let tally = any::<[u32; 3]>().prop_map(|[refused, failed_open, breaker_open]| Tally {
        refused,
        failed_open,
        breaker_open,
    });
    let breaker = prop_oneof![Just(Breaker::Open), Just(Breaker::Closed)];
    let name = prop_oneof![Just("op-auth"), Just("op-token")];
    (name, any::<[u8; 16]>(), option::of(time), breaker, tally, 1..=u32::MAX).prop_map(
        |(name, bytes, deploy_time, breaker, tally, reports)| Sighting {
            worker: worker(name),
            bundle: Bundle { id: BundleId::from_random_bytes(bytes), deploy_time },
            breaker,
            tally,
            reports,
        },
    )
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_sighted(sightings in vec(sightings(), 0..5), code in "[A-Z0-9]{1,8}") {
        let body = SightingsBody::new(pop(&code), &sightings);
        let text = serde_json::to_vec(&body).expect("JSON");
        prop_assert_eq!(parse_sightings(&text), Ok((pop(&code), sightings)));
    }

    #[test]
    fn no_bytes_whatsoever_are_worse_than_invalid(body in any::<Vec<u8>>()) {
        prop_assert_eq!(parse_sightings(&body), Err(InvalidSightings));
    }
}
