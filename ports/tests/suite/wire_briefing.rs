//! What guards are told of all Workers at once, written by one side and read by the other.

use core::time::Duration;
use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert_eq, proptest};
use serde_json::{Value, json};
use skewguard_domain::{
    Age, Breaker, Briefing, BundleId, Command, DeployTime, Epoch, Intent, Ledger, Manifest,
    ManifestStep, MaxAge, Standings, Strictness, Style, Timestamp, WorkerManifest, WorkerName,
};
use skewguard_ports::TransportError;
use skewguard_ports::wire::{BriefingAnswer, VersionAnswer};

use crate::fixtures::{
    NOW, activate, after, announce, deploy, deployed, id, ledger, ms, registration, release,
    rollback, worker,
};

const WORKERS: [&str; 3] = ["op-auth", "op-code", "op-token"];

fn value(answer: impl serde::Serialize) -> Value {
    serde_json::to_value(answer).expect("JSON")
}

/// What a PoP is told by `ledger` where no breaker is open.
fn briefing(ledger: &Ledger) -> Briefing {
    ledger.briefing(NOW, |_| Breaker::Closed)
}

/// What a guard of `name` reads, once the answer has gone over the wire.
fn sent(briefing: &Briefing, name: &str) -> Result<Manifest, TransportError> {
    let text = serde_json::to_string(&BriefingAnswer::new(Epoch::new(7), briefing)).expect("JSON");
    let answer: BriefingAnswer = serde_json::from_str(&text).expect("an answer");
    answer.manifest(&worker(name))
}

/// What a guard of `op-auth` reads in an answer.
fn read(answer: Value) -> Result<Manifest, TransportError> {
    let answer: BriefingAnswer =
        serde_json::from_value(answer).map_err(|_| TransportError::Malformed)?;
    answer.manifest(&worker("op-auth"))
}

/// The least that an answer about `op-auth` consists of.
fn least() -> Value {
    json!({ "maxAgeMs": 5_000, "workers": { "op-auth": { "serving": [id(1).reveal()] } } })
}

/// The least, with this instead of what it says of `op-auth`.
fn of_worker(told: Value) -> Value {
    let mut answer = least();
    answer["workers"]["op-auth"] = told;
    answer
}

#[test]
fn the_briefing_names_for_each_worker_the_bundle_that_it_would_be_told_alone() {
    let ledger = ledger([
        deploy("op-auth", 1),
        deploy("op-auth", 2),
        deploy("op-auth", 3),
        rollback("op-auth", 2),
        deploy("op-token", 4),
    ]);
    let answer = value(BriefingAnswer::new(ledger.epoch(), &briefing(&ledger)));
    assert_eq!(answer["epoch"], 5);
    let workers = answer["workers"].as_object().expect("an object");
    assert_eq!(workers.keys().collect::<Vec<_>>(), ["op-auth", "op-token"]);
    for (name, told) in workers {
        let alone = VersionAnswer::of(&ledger, &worker(name), NOW).expect("the Worker is known");
        assert_eq!(told["serving"], json!([alone.uuid]));
        assert_eq!(told["newest"], json!(alone.deploy_time));
        let manifest = sent(&briefing(&ledger), name);
        assert_eq!(manifest, Manifest::try_from(alone));
    }
    assert_eq!(workers["op-auth"]["retired"], json!([id(3).reveal()]));
}

#[test]
fn the_briefing_of_no_workers_is_a_briefing() {
    let ledger = Ledger::default();
    let expected = json!({ "epoch": 0, "maxAgeMs": 5_000, "workers": {} });
    assert_eq!(value(BriefingAnswer::new(ledger.epoch(), &briefing(&ledger))), expected);
    let manifest = sent(&briefing(&ledger), "op-auth").expect("a manifest");
    assert_eq!((manifest.worker, manifest.max_age), (None, Some(MaxAge::DEFAULT)));
}

#[test]
fn the_briefing_before_a_strict_cutover_tells_all_that_is_going_to_happen() {
    let before = ledger([deploy("op-auth", 1), deploy("op-auth", 2), deploy("op-token", 4)]);
    let commands = [
        Command::Register(rollback("op-auth", 1)),
        announce("next", Style::Strict, &[("op-auth", 3), ("op-code", 5)]),
        activate("next"),
    ];
    let ledger = after(&before, commands);
    let uuid = |number| id(number).reveal();
    let told = ledger.briefing(NOW, |name| match name.as_str() {
        "op-token" => Breaker::Open,
        _ => Breaker::Closed,
    });
    let expected = json!({
        "epoch": 6,
        "maxAgeMs": 5_000,
        "ageToleranceMs": 500,
        "workers": {
            "op-auth": {
                "serving": [uuid(1)],
                "held": [uuid(3)],
                "retired": [uuid(2)],
                "newest": deployed(1).to_string(),
                "then": [
                    {
                        "afterMs": 6_000,
                        "serving": [],
                        "held": [uuid(3)],
                        "newest": deployed(3).to_string(),
                    },
                    {
                        "afterMs": 6_500,
                        "serving": [uuid(3)],
                        "newest": deployed(3).to_string(),
                    },
                ],
            },
            "op-code": {
                "serving": [],
                "held": [uuid(5)],
                "then": [
                    {
                        "afterMs": 6_000,
                        "serving": [],
                        "held": [uuid(5)],
                        "newest": deployed(5).to_string(),
                    },
                    {
                        "afterMs": 6_500,
                        "serving": [uuid(5)],
                        "newest": deployed(5).to_string(),
                    },
                ],
            },
            "op-token": {
                "serving": [uuid(4)],
                "newest": deployed(4).to_string(),
                "breaker": "open",
            },
        },
    });
    assert_eq!(value(BriefingAnswer::new(ledger.epoch(), &told)), expected);
}

#[test]
fn the_briefing_names_what_is_announced() {
    let ledger = after(
        &ledger([deploy("op-auth", 1)]),
        [announce("next", Style::Plain, &[("op-auth", 2), ("op-code", 3)])],
    );
    let answer = value(BriefingAnswer::new(ledger.epoch(), &briefing(&ledger)));
    assert_eq!(answer["workers"]["op-auth"]["announced"], json!([id(2).reveal()]));
    assert_eq!(
        answer["workers"]["op-code"],
        json!({ "serving": [], "announced": [id(3).reveal()] })
    );
}

#[test]
fn the_least_answer_is_understood() {
    let manifest = read(least()).expect("a manifest");
    let now = Standings { serving: vec![id(1)], ..Standings::default() };
    let known = WorkerManifest { now, then: Vec::new(), breaker: Breaker::Closed };
    assert_eq!(manifest.worker, Some(known));
    assert_eq!((manifest.age, manifest.age_tolerance), (Age::NONE, Duration::ZERO));
}

#[test]
fn fields_that_are_unknown_are_ignored_wherever_they_are() {
    let mut answer = least();
    answer["region"] = json!(["weur"]);
    answer["workers"]["op-auth"]["weight"] = json!({ "percent": 5 });
    answer["workers"]["op-auth"]["then"] = json!([{ "afterMs": 5, "because": null }]);
    answer["workers"]["op-new"] = json!({ "state": "unheard of" });
    let mut expected = read(least()).expect("a manifest");
    let known = expected.worker.as_mut().expect("the Worker is known");
    known.then = vec![ManifestStep { after: ms(5), standings: Standings::default() }];
    assert_eq!(read(answer), Ok(expected));
}

#[test]
fn a_breaker_in_a_state_that_is_unheard_of_is_closed() {
    let breaker = |state| {
        let told = json!({ "serving": [id(1).reveal()], "breaker": state });
        read(of_worker(told)).ok().and_then(|read| read.worker).map(|known| known.breaker)
    };
    assert_eq!(breaker("open"), Some(Breaker::Open));
    assert_eq!(breaker("closed"), Some(Breaker::Closed));
    assert_eq!(breaker("half_open"), Some(Breaker::Closed));
}

#[test]
fn what_another_worker_is_told_does_not_have_to_make_sense() {
    let mut answer = least();
    answer["workers"]["op-token"] = json!({ "serving": ["text"], "newest": "yesterday" });
    answer["workers"]["Op Code"] = json!({});
    assert_eq!(read(answer), read(least()));
}

#[test]
fn an_answer_that_decides_by_what_makes_no_sense_is_malformed() {
    let uuid = id(1).reveal();
    for told in [
        Value::Null,
        json!([]),
        json!("text"),
        json!({ "serving": uuid }),
        json!({ "serving": null }),
        json!({ "serving": [7] }),
        json!({ "serving": [""] }),
        json!({ "serving": [&uuid[..8]] }),
        json!({ "announced": [uuid, "?"] }),
        json!({ "held": [null] }),
        json!({ "retired": {} }),
        json!({ "retired": [[uuid]] }),
        json!({ "newest": "yesterday" }),
        json!({ "newest": 1_772_366_400 }),
        json!({ "breaker": true }),
        json!({ "then": {} }),
        json!({ "then": [{}] }),
        json!({ "then": [{ "afterMs": -1 }] }),
        json!({ "then": [{ "afterMs": "5" }] }),
        json!({ "then": [{ "afterMs": 5, "serving": ["?"] }] }),
        json!({ "then": [{ "afterMs": 5, "newest": "?" }] }),
    ] {
        let answer = of_worker(told);
        assert_eq!(read(answer.clone()), Err(TransportError::Malformed), "{answer}");
    }
}

#[test]
fn a_lease_that_is_missing_or_out_of_range_is_malformed() {
    for millis in [Value::Null, json!(0), json!(99), json!(3_600_001), json!(u64::MAX), json!(-1)] {
        let mut answer = least();
        answer["maxAgeMs"] = millis;
        assert_eq!(read(answer.clone()), Err(TransportError::Malformed), "{answer}");
    }
    for millis in [100, 5_000, 3_600_000] {
        let mut answer = least();
        answer["maxAgeMs"] = json!(millis);
        let manifest = read(answer).expect("a manifest");
        assert_eq!(manifest.max_age.map(|age| age.get().as_millis()), Some(millis));
    }
}

#[test]
fn what_is_no_object_with_workers_is_malformed() {
    let no_workers = json!({ "maxAgeMs": 5_000 });
    let no_object = json!({ "maxAgeMs": 5_000, "workers": [] });
    for answer in [Value::Null, json!([]), json!("text"), json!({}), no_workers, no_object] {
        assert_eq!(read(answer), Err(TransportError::Malformed));
    }
}

fn bundles() -> impl Strategy<Value = Vec<BundleId>> {
    vec(any::<[u8; 16]>().prop_map(BundleId::from_random_bytes), 0..4)
}

/// From the year 0000 to 9999, to the millisecond.
fn deploy_times() -> impl Strategy<Value = DeployTime> {
    (-62_167_219_200_000_i64..=253_402_300_799_999)
        .prop_map(|millis| Timestamp::from_unix_millis(millis).try_into().expect("a legal year"))
}

fn standings() -> impl Strategy<Value = Standings> {
    (bundles(), bundles(), bundles(), bundles(), option::of(deploy_times())).prop_map(
        |(serving, announced, held, retired, newest)| Standings {
            serving,
            announced,
            held,
            retired,
            newest,
        },
    )
}

fn breakers() -> impl Strategy<Value = Breaker> {
    prop_oneof![Just(Breaker::Open), Just(Breaker::Closed)]
}

fn worker_manifests() -> impl Strategy<Value = WorkerManifest> {
    let step = (any::<u64>(), standings())
        .prop_map(|(after, standings)| ManifestStep { after: ms(after), standings });
    (standings(), vec(step, 0..3), breakers()).prop_map(|(now, then, breaker)| WorkerManifest {
        now,
        then,
        breaker,
    })
}

fn briefings() -> impl Strategy<Value = Briefing> {
    let names = (0..WORKERS.len()).prop_map(|index| worker(WORKERS[index]));
    (100..=3_600_000_u64, any::<u64>(), btree_map(names, worker_manifests(), 0..3)).prop_map(
        |(max_age, tolerance, workers): (_, _, BTreeMap<WorkerName, _>)| Briefing {
            max_age: MaxAge::new(ms(max_age)).expect("a lease"),
            age_tolerance: ms(tolerance),
            workers,
        },
    )
}

/// Commands of which some are rejected, as in life.
fn commands() -> impl Strategy<Value = Vec<(Command, u64)>> {
    let name = || (0..WORKERS.len()).prop_map(|index| WORKERS[index]);
    let release_name = || (0..4_u8).prop_map(|number| format!("release-{number}"));
    let intent = prop_oneof![Just(Intent::Deploy), Just(Intent::Rollback)];
    let style = prop_oneof![Just(Style::Plain), Just(Style::Strict), Just(Style::Canary)];
    let command = prop_oneof![
        2 => (name(), 1..20_u8, intent)
            .prop_map(|(name, number, intent)| {
                Command::Register(registration(name, number, intent))
            }),
        3 => (release_name(), style, vec((name(), 1..20_u8), 1..3))
            .prop_map(|(release, style, bundles)| announce(&release, style, &bundles)),
        3 => release_name().prop_map(|release| activate(&release)),
        1 => release_name()
            .prop_map(|name| Command::Promote { release: release(&name), after: None }),
        1 => release_name().prop_map(|name| Command::Abort { release: release(&name) }),
        1 => release_name().prop_map(|name| Command::RollBack {
            release: release(&name),
            after: None,
            strictness: Strictness::Relaxed,
        }),
    ];
    vec((command, 0..8_000_u64), 0..30)
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_meant(briefing in briefings()) {
        for name in WORKERS {
            let expected = Manifest {
                max_age: Some(briefing.max_age),
                age: Age::NONE,
                age_tolerance: briefing.age_tolerance,
                worker: briefing.workers.get(&worker(name)).cloned(),
            };
            prop_assert_eq!(sent(&briefing, name), Ok(expected));
        }
    }

    #[test]
    fn whatever_has_happened_guards_read_what_the_ledger_says_of_their_worker(
        commands in commands(),
        breaker in breakers(),
    ) {
        let (mut ledger, mut now) = (Ledger::default(), NOW);
        for (command, pause) in commands {
            ledger = ledger.apply(&command, now).map_or(ledger, |applied| applied.ledger);
            now = now.after(ms(pause));
            let briefing = ledger.briefing(now, |_| breaker);
            for name in WORKERS {
                let known = ledger.worker_manifest(&worker(name), now, breaker);
                let read = sent(&briefing, name);
                prop_assert_eq!(read.map(|manifest| manifest.worker), Ok(known));
            }
        }
    }
}
