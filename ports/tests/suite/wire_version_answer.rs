//! What a guard is told of its Worker, written by one side and read by the other.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::{prop_assert_eq, proptest};
use serde_json::{Value, json};
use skewguard_domain::{
    Age, Believed, Breaker, Bundle, Command, Decision, Exemption, Intent, Ledger, Manifest,
    OnUnavailable, Outlook, Reason, Situation, Staleness, Standings, decide,
};
use skewguard_ports::TransportError;
use skewguard_ports::wire::VersionAnswer;

use crate::fixtures::{NOW, deploy, deployed, id, ledger, registration, rollback, worker};

/// The answer as a guard of `op-auth` reads it, once it has gone over the wire.
fn sent(ledger: &Ledger) -> Manifest {
    let answer = VersionAnswer::of(ledger, &worker("op-auth"), NOW).expect("the Worker is known");
    let json = serde_json::to_string(&answer).expect("JSON");
    let answer: VersionAnswer = serde_json::from_str(&json).expect("an answer");
    answer.try_into().expect("a manifest")
}

/// Reads an answer from JSON, as a guard does.
fn read(answer: Value) -> Result<Manifest, TransportError> {
    let answer: VersionAnswer =
        serde_json::from_value(answer).map_err(|_| TransportError::Malformed)?;
    answer.try_into()
}

/// What the bundle with this number decides by `manifest`, with and without its deploy time.
fn decisions(manifest: &Manifest, number: u8) -> [Decision; 2] {
    [Some(deployed(number)), None].map(|deploy_time| {
        let bundle = Bundle { id: id(number), deploy_time };
        let known = manifest.worker.as_ref();
        let outlook = known.map_or(Outlook::UNREGISTERED, |known| known.outlook(bundle));
        let (standing, breaker) = (outlook.after(Age::NONE), outlook.breaker());
        decide(&Situation {
            checked: Ok(()),
            exemption: Exemption::Checked,
            believed: Some(Believed { standing, breaker }),
            on_unavailable: OnUnavailable::Open,
        })
    })
}

/// The three fields that every manager answers with.
fn three_fields() -> Value {
    json!({
        "uuid": id(1).reveal(),
        "deployTime": "2026-03-01T12:00:00Z",
        "registeredAt": "2026-03-01T12:00:05Z",
    })
}

/// The three fields, with one set to something else.
fn with(field: &str, value: Value) -> Value {
    let mut answer = three_fields();
    answer[field] = value;
    answer
}

fn without(field: &str) -> Value {
    let mut answer = three_fields();
    answer.as_object_mut().expect("an object").remove(field);
    answer
}

#[test]
fn an_answer_has_these_fields_and_no_others() {
    let ledger = ledger([deploy("op-auth", 1)]);
    let answer = VersionAnswer::of(&ledger, &worker("op-auth"), NOW).expect("the Worker is known");
    let expected = json!({
        "uuid": id(1).reveal(),
        "deployTime": deployed(1).to_string(),
        "registeredAt": NOW.to_string(),
        "maxAgeMs": 5_000,
    });
    assert_eq!(serde_json::to_value(answer).expect("JSON"), expected);
}

#[test]
fn an_answer_names_the_retired_bundles_that_are_newer_than_the_current_one() {
    let ledger = ledger([deploy("op-auth", 1), deploy("op-auth", 2), rollback("op-auth", 1)]);
    let answer = VersionAnswer::of(&ledger, &worker("op-auth"), NOW).expect("the Worker is known");
    assert_eq!(answer.retired, [id(2).reveal()]);
    let manifest = sent(&ledger);
    assert_eq!(decisions(&manifest, 1)[0].reason, Reason::Current);
    assert_eq!(decisions(&manifest, 2)[0].reason, Reason::Stale(Staleness::Retired));
    assert_eq!(decisions(&manifest, 3)[0].reason, Reason::Ahead);
}

#[test]
fn a_worker_that_was_never_registered_has_no_answer() {
    let ledger = ledger([deploy("op-token", 1)]);
    assert_eq!(VersionAnswer::of(&ledger, &worker("op-auth"), NOW), None);
}

#[test]
fn an_answer_with_three_fields_is_understood() {
    let manifest = read(three_fields()).expect("a manifest");
    let known = manifest.worker.expect("the Worker is known");
    let newest = "2026-03-01T12:00:00Z".parse().expect("a time");
    let expected = Standings { serving: vec![id(1)], newest: Some(newest), ..Standings::default() };
    assert_eq!((known.now, known.then, known.breaker), (expected, Vec::new(), Breaker::Closed));
    assert_eq!((manifest.max_age, manifest.age), (None, Age::NONE));
}

#[test]
fn an_answer_in_upper_case_or_with_another_offset_is_the_same() {
    let expected = read(three_fields());
    assert_eq!(read(with("uuid", json!(id(1).reveal().to_uppercase()))), expected);
    assert_eq!(read(with("deployTime", json!("2026-03-01T13:00:00+01:00"))), expected);
}

#[test]
fn fields_that_no_decision_depends_on_may_be_missing_unknown_or_unreadable() {
    let expected = read(three_fields());
    assert_eq!(read(without("registeredAt")), expected);
    assert_eq!(read(with("registeredAt", json!("yesterday"))), expected);
    assert_eq!(read(with("epoch", json!([1]))), expected);
    assert_eq!(read(with("maxAgeMs", Value::Null)), expected);
}

#[test]
fn an_answer_whose_bundle_or_deploy_time_makes_no_sense_is_malformed() {
    let uuid = id(1).reveal();
    for field in ["uuid", "deployTime"] {
        assert_eq!(read(without(field)), Err(TransportError::Malformed));
        for value in [Value::Null, json!(7), json!([uuid]), json!({}), json!(""), json!(&uuid[..8])]
        {
            let answer = with(field, value);
            assert_eq!(read(answer.clone()), Err(TransportError::Malformed), "{answer}");
        }
    }
}

#[test]
fn a_lease_that_is_out_of_range_is_malformed() {
    for millis in [json!(0), json!(99), json!(3_600_001), json!(u64::MAX), json!(-1), json!("5")] {
        let answer = with("maxAgeMs", millis);
        assert_eq!(read(answer.clone()), Err(TransportError::Malformed), "{answer}");
    }
    for millis in [100, 5_000, 3_600_000] {
        let manifest = read(with("maxAgeMs", json!(millis))).expect("a manifest");
        assert_eq!(manifest.max_age.map(|age| age.get().as_millis()), Some(millis));
    }
}

#[test]
fn rubbish_among_the_retired_bundles_is_malformed() {
    let good = id(2).reveal();
    for retired in
        [json!("text"), json!({}), json!([7]), json!([null]), json!([good, ""]), json!([[good]])]
    {
        let answer = with("retired", retired);
        assert_eq!(read(answer.clone()), Err(TransportError::Malformed), "{answer}");
    }
    let manifest = read(with("retired", json!([good]))).expect("a manifest");
    assert_eq!(manifest.worker.map(|known| known.now.retired), Some(vec![id(2)]));
}

#[test]
fn what_is_no_object_is_malformed() {
    for answer in [Value::Null, json!([]), json!("text"), json!({})] {
        assert_eq!(read(answer), Err(TransportError::Malformed));
    }
}

/// Registrations of which some are rejected, as in life.
fn ledgers() -> impl Strategy<Value = Ledger> {
    let wish = (1..20_u8, any::<bool>());
    vec(wish, 1..40).prop_map(|wishes| {
        let first = ledger([deploy("op-auth", 10)]);
        wishes.into_iter().fold(first, |ledger, (number, back)| {
            let intent = if back { Intent::Rollback } else { Intent::Deploy };
            let wish = Command::Register(registration("op-auth", number, intent));
            ledger.apply(&wish, NOW).map_or(ledger, |applied| applied.ledger)
        })
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_meant(ledger in ledgers()) {
        let meant = Manifest {
            max_age: Some(ledger.lease().max_age),
            worker: ledger.worker_manifest(&worker("op-auth"), NOW, Breaker::Closed),
            ..Manifest::default()
        };
        let read = sent(&ledger);
        prop_assert_eq!(&read, &meant);
        for number in 0..=20 {
            prop_assert_eq!(decisions(&read, number), decisions(&meant, number));
        }
    }
}
