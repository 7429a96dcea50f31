//! No answer that people see tells a whole UUID.

use core::fmt::Debug;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, proptest};
use serde::Serialize;
use serde_json::json;
use skewguard_domain::{
    Announcement, Breaker, Bundle, BundleId, Census, Command, Convergence, Intent, Ledger, Pop,
    Registration, Sighting, Strictness, Style, Tally, Timestamp,
};
use skewguard_ports::wire::{
    ConvergenceAnswer, ErrorAnswer, ErrorCode, RegisteredAnswer, ReleaseAnswer, ReleasesAnswer,
    StatusAnswer, parse_announcement, parse_cutover, parse_registration, parse_rollback,
    parse_sightings,
};
use skewguard_ports::{ChangeError, Changed, LogEntry, Principal};

use crate::fixtures::{NOW, activate, deployed, ms, release, worker};

/// Whether the JSON of `answer` holds more of the UUID than its first 8 characters.
fn tells(answer: impl Serialize, bundle: BundleId) -> bool {
    let text = serde_json::to_string(&answer).expect("JSON").to_lowercase();
    let whole = bundle.reveal();
    text.contains(&whole[..10]) || text.contains(&whole[9..]) || text.contains(&whole[14..])
}

fn wish(bundle: BundleId, number: u8, intent: Intent) -> Command {
    let deploy_time = deployed(number);
    Command::Register(Registration { worker: worker("op-auth"), bundle, deploy_time, intent })
}

/// The announcement of a release of `op-auth` and `op-token`.
fn announce(name: &str, style: Style, number: u8, bundles: [BundleId; 2]) -> Command {
    let workers = ["op-auth", "op-token"].map(worker);
    let bundles = bundles.map(|bundle| (bundle, deployed(number)));
    let bundles: BTreeMap<_, _> = workers.into_iter().zip(bundles).collect();
    Command::Announce(Announcement { id: release(name), style, bundles })
}

fn apply(ledger: &Ledger, command: &Command) -> Ledger {
    ledger.apply(command, NOW).expect("a legal command").ledger
}

fn styles() -> impl Strategy<Value = Style> {
    prop_oneof![Just(Style::Plain), Just(Style::Strict), Just(Style::Canary)]
}

/// An answer as its reader sees it, and as a panic would show it.
fn both(answer: &(impl Serialize + Debug)) -> String {
    format!("{}{answer:?}", serde_json::to_string(answer).expect("JSON"))
}

/// Every answer about a ledger.
fn answers(ledger: &Ledger, census: &Census, managers: BundleId, now: Timestamp) -> Vec<String> {
    let mut answers = vec![
        both(&StatusAnswer::of(ledger, census, Some(managers), now)),
        both(&ReleasesAnswer::of(ledger, now)),
        format!("{ledger:?}{census:?}"),
    ];
    for release in ledger.releases() {
        let convergence = Convergence::of(release, ledger, census, now);
        answers.push(both(&ReleaseAnswer::new(release, ledger, now)));
        answers.push(both(&ConvergenceAnswer::new(release, &convergence, now)));
    }
    for name in ledger.workers().keys() {
        let changed = Changed { ledger: Arc::new(ledger.clone()), at: now };
        answers.push(both(&RegisteredAnswer::new(name, &changed)));
    }
    answers
}

/// What is known once each of these bundles was sighted in some PoP.
fn sighted(ledger: &Ledger, bundles: &[BundleId]) -> Census {
    let mut census = Census::new(NOW);
    for bundle in bundles {
        let sighting = Sighting {
            worker: worker("op-auth"),
            bundle: Bundle { id: *bundle, deploy_time: None },
            breaker: Breaker::Open,
            tally: Tally { refused: 1, failed_open: 1, breaker_open: 1 },
            reports: 1,
        };
        census.observe(ledger, Pop::UNKNOWN, &sighting, NOW);
    }
    census
}

proptest! {
    #[test]
    fn neither_a_status_nor_a_registrations_answer_tells_a_whole_uuid(
        bytes in any::<[[u8; 16]; 3]>(),
    ) {
        let bundles = bytes.map(BundleId::from_random_bytes);
        let [first, second, managers] = bundles;
        let ledger = apply(&Ledger::default(), &wish(first, 1, Intent::Deploy));
        let ledger = apply(&ledger, &wish(second, 2, Intent::Deploy));
        let back = apply(&ledger, &wish(first, 1, Intent::Rollback));
        for ledger in [ledger, back] {
            let census = sighted(&ledger, &bundles);
            let status = StatusAnswer::of(&ledger, &census, Some(managers), NOW);
            let changed = Changed { ledger: Arc::new(ledger.clone()), at: NOW };
            let answer = RegisteredAnswer::new(&worker("op-auth"), &changed);
            let debugged = format!("{ledger:?}{answer:?}{status:?}");
            for bundle in bundles {
                prop_assert!(!tells(&status, bundle));
                prop_assert!(!tells(&answer, bundle));
                prop_assert!(!tells(&debugged, bundle));
            }
        }
    }

    #[test]
    fn no_answer_about_a_release_tells_a_whole_uuid_however_far_it_has_come(
        bytes in any::<[[u8; 16]; 5]>(),
        style in styles(),
    ) {
        let bundles = bytes.map(BundleId::from_random_bytes);
        let [old, auth, token, unknown, managers] = bundles;
        let registered = apply(&Ledger::default(), &wish(old, 1, Intent::Deploy));
        let announced = apply(&registered, &announce("next", style, 2, [auth, token]));
        let aborted = apply(&announced, &Command::Abort { release: release("next") });
        let activated = apply(&announced, &activate("next"));
        let promote = Command::Promote { release: release("next"), after: None };
        let promoted = apply(&activated, &promote);
        let back = Command::RollBack {
            release: release("@1"),
            after: None,
            strictness: Strictness::Strict,
        };
        let rolled_back = apply(&promoted, &back);
        for ledger in [registered, announced, aborted, activated, promoted, rolled_back] {
            let census = sighted(&ledger, &[old, auth, unknown]);
            // Before, in, and after every cutover.
            for later in [0, 6_000, 6_250, 10_000, 30_000] {
                let answers = answers(&ledger, &census, managers, NOW.after(ms(later)));
                for bundle in bundles {
                    prop_assert!(!tells(&answers, bundle));
                }
            }
        }
    }

    #[test]
    fn no_rejection_tells_a_whole_uuid(bytes in any::<[[u8; 16]; 2]>()) {
        let bundles = bytes.map(BundleId::from_random_bytes);
        let [first, second] = bundles;
        let ledger = apply(&Ledger::default(), &wish(first, 1, Intent::Deploy));
        let ledger = apply(&ledger, &wish(second, 2, Intent::Deploy));
        for command in [
            wish(first, 1, Intent::Deploy),
            wish(second, 3, Intent::Deploy),
            wish(first, 3, Intent::Rollback),
        ] {
            let rejection = ledger.apply(&command, NOW).expect_err("a contradiction");
            let (code, message) = (ErrorCode::from(&rejection), rejection.to_string());
            for bundle in bundles {
                prop_assert!(!tells(ErrorAnswer::new(code, &message), bundle));
                let name = worker("op-auth");
                let entry = LogEntry::RegistrationRejected {
                    worker: &name,
                    bundle,
                    code: code.as_str(),
                    token: Principal::Current,
                };
                prop_assert!(!tells(&entry, bundle));
            }
        }
    }

    #[test]
    fn no_rejection_of_a_release_tells_a_whole_uuid(
        bytes in any::<[[u8; 16]; 3]>(),
        style in styles(),
    ) {
        let bundles = bytes.map(BundleId::from_random_bytes);
        let [old, auth, token] = bundles;
        let registered = apply(&Ledger::default(), &wish(old, 2, Intent::Deploy));
        let announced = apply(&registered, &announce("next", style, 3, [auth, token]));
        let aborted = apply(&announced, &Command::Abort { release: release("next") });
        let contradictions = [
            (&registered, announce("next", style, 1, [auth, token])),
            (&registered, announce("next", style, 3, [old, token])),
            (&registered, announce("@7", style, 3, [auth, token])),
            (&registered, activate("next")),
            (&announced, announce("next", style, 4, [token, auth])),
            (&announced, announce("other", style, 3, [auth, token])),
            (&announced, wish(auth, 3, Intent::Deploy)),
            (&aborted, announce("other", style, 3, [auth, token])),
            (&aborted, activate("next")),
        ];
        for (ledger, command) in contradictions {
            let error = ChangeError::from(ledger.apply(&command, NOW).expect_err("a contradiction"));
            let (message, debugged) = (error.to_string(), format!("{error:?}"));
            for bundle in bundles {
                prop_assert!(!tells(ErrorAnswer::of_change(&error, &message), bundle));
                prop_assert!(!tells(&debugged, bundle));
            }
        }
    }

    #[test]
    fn no_invalid_body_is_answered_with_what_was_in_it(bytes in any::<[u8; 16]>()) {
        let bundle = BundleId::from_random_bytes(bytes);
        let uuid = bundle.reveal();
        for body in [
            json!(uuid),
            json!([uuid]),
            json!({ "uuid": [uuid], "deployTime": uuid }),
            json!({ "uuid": format!("{uuid}0"), "deployTime": uuid }),
            json!({ "uuid": uuid }),
            json!({ "uuid": uuid, "deployTime": uuid }),
            json!({ "uuid": uuid, "deployTime": "2026-03-01T12:00:00Z", "rollback": uuid }),
        ] {
            let invalid = parse_registration(worker("op-auth"), body.to_string().as_bytes())
                .expect_err("not a registration");
            let message = invalid.to_string();
            prop_assert!(!tells(ErrorAnswer::new(invalid.into(), &message), bundle));
        }
    }

    #[test]
    fn no_invalid_body_about_a_release_is_answered_with_a_uuid_that_was_in_it(
        bytes in any::<[u8; 16]>(),
    ) {
        let bundle = BundleId::from_random_bytes(bytes);
        let uuid = bundle.reveal();
        let (named, braced) = (format!("Bundle-{uuid}"), format!("{{{uuid}}}"));
        let time = "2026-03-01T12:00:00Z";
        let good = json!({ "uuid": uuid, "deployTime": time });
        for body in [
            json!(uuid),
            json!({ "id": uuid, "workers": { "op-auth": good } }),
            json!({ "id": "next", "workers": uuid }),
            json!({ "id": "next", "workers": { "op-auth": uuid } }),
            json!({ "id": "next", "workers": { "op-auth": { "uuid": uuid } } }),
            json!({ "id": "next", "workers": { "op-auth": { "uuid": [uuid] } } }),
            json!({ "id": "next", "workers": { "op-auth": { "uuid": uuid, "deployTime": uuid } } }),
            json!({ "id": "next", "workers": { named: good } }),
            json!({ "id": "next", "workers": { braced: good } }),
            json!({ "id": "next", "workers": { format!(" {uuid}"): good } }),
            json!({ "id": "next", "workers": { "op-auth": good }, "strict": uuid }),
            json!({ "id": "next", "workers": { "op-auth": good }, "share": uuid }),
        ] {
            let body = body.to_string();
            let invalid = parse_announcement(body.as_bytes()).expect_err("not an announcement");
            let message = invalid.to_string();
            prop_assert!(!tells(ErrorAnswer::new((&invalid).into(), &message), bundle), "{message}");
        }
        for body in [json!(uuid), json!({ "after": uuid }), json!({ "strict": uuid })] {
            let body = body.to_string();
            let rollback = parse_rollback(body.as_bytes()).expect_err("not a rollback").to_string();
            prop_assert!(!tells(rollback, bundle));
            if let Err(invalid) = parse_cutover(body.as_bytes()) {
                prop_assert!(!tells(invalid.to_string(), bundle));
            }
        }
        let invalid = parse_sightings(json!([uuid]).to_string().as_bytes()).expect_err("a list");
        prop_assert!(!tells(invalid.to_string(), bundle));
    }
}
