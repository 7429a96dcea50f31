//! No answer that people see tells a whole UUID.

use proptest::prelude::any;
use proptest::{prop_assert, proptest};
use serde::Serialize;
use serde_json::json;
use skewguard_domain::{BundleId, Command, Intent, Ledger, Registration, Rejection};
use skewguard_ports::wire::{
    ErrorAnswer, ErrorCode, RegisteredAnswer, StatusAnswer, parse_registration,
};
use skewguard_ports::{LogEntry, Principal, Registered};

use crate::fixtures::{NOW, deployed, worker};

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

fn apply(ledger: &Ledger, command: &Command) -> Ledger {
    ledger.apply(command, NOW).expect("a legal registration").ledger
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
            let status = StatusAnswer::of(&ledger, Some(managers));
            let record = *ledger.workers()[&worker("op-auth")].current();
            let registered = Registered { record, epoch: ledger.epoch() };
            let answer = RegisteredAnswer::new(&worker("op-auth"), &registered);
            let debugged = format!("{ledger:?}{answer:?}{status:?}");
            for bundle in bundles {
                prop_assert!(!tells(&status, bundle));
                prop_assert!(!tells(&answer, bundle));
                prop_assert!(!tells(&debugged, bundle));
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
            let rejection: Rejection = ledger.apply(&command, NOW).expect_err("a contradiction");
            let (code, message) = (ErrorCode::from(rejection), rejection.to_string());
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
}
