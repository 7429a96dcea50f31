//! What a guard logs, and what it does not.

use core::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use skewguard_domain::{Manifest, WorkerName};
use skewguard_ports::{Guard, Question, Timer, Told, Transport, TransportError};
use skewguard_test::{Behaviour, Executor, ManualClock, RecordingLog};

use crate::fixtures::{assert_only_8_characters_are_told, id, ms, secs, worker};
use crate::isolate::{
    Isolate, NEWER, OWN, REQUEST, UNAVAILABLE, config, own_is_current, own_is_older,
};

/// A hanging manager, whose timeout is noticed a little late, as timers are.
struct Late(ManualClock);

#[async_trait]
impl Transport for Late {
    async fn manifest(&self, _: &Question, limit: Duration) -> Result<Told, TransportError> {
        self.0.sleep(limit + ms(3)).await;
        Err(TransportError::Timeout)
    }

    fn read(&self, _: &str, _: &WorkerName) -> Option<Manifest> {
        None
    }
}

/// One field of every entry.
fn all(entries: &[Value], field: &str) -> Vec<Value> {
    entries.iter().map(|entry| entry[field].clone()).collect()
}

#[test]
fn a_turn_is_logged_once_for_each_change_and_not_for_each_request() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    isolate.traffic(secs(20), ms(10), |_, _, _| ());
    isolate.manager.behave(own_is_older(ms(10)));
    isolate.traffic(secs(20), ms(10), |_, _, _| ());
    isolate.manager.behave(own_is_current(ms(10)));
    isolate.traffic(secs(20), ms(10), |_, _, _| ());
    let turns = isolate.entries("guard_turned");
    assert_eq!(all(&turns, "reason"), ["current", "stale_older", "current"]);
    assert_eq!(all(&turns, "decision"), ["serve", "refuse", "serve"]);
    assert_eq!(
        turns[1],
        json!({
            "event": "guard_turned",
            "worker": "op-auth",
            "bundle": &id(OWN).reveal()[..8],
            "reason": "stale_older",
            "decision": "refuse",
            "mode": "enforce",
        })
    );
}

#[test]
fn a_hundred_requests_that_waited_together_turn_the_guard_once() {
    let mut isolate = Isolate::cold(own_is_older(ms(40)));
    let requests: Vec<_> = (0..100).map(|_| isolate.send()).collect();
    isolate.pass(ms(48));
    assert!(requests.into_iter().all(|request| request.try_take().is_some()));
    assert_eq!(isolate.log.count("guard_turned"), 1);
}

#[test]
fn every_flight_that_fails_is_logged_once_with_the_growing_number_of_failures() {
    let errors = [
        (TransportError::Unreachable, json!("unreachable")),
        (TransportError::Status(503), json!({ "status": 503 })),
        (TransportError::Malformed, json!("malformed")),
        (TransportError::Timeout, json!("timeout")),
    ];
    for (error, told) in errors {
        let mut isolate = Isolate::cold(Behaviour::Fail(error, ms(20)));
        isolate.decide();
        isolate.traffic(secs(200), ms(20), |_, _, _| ());
        // The last flight may still be under way.
        isolate.pass(ms(20));
        let failed = isolate.entries("manager_failed");
        assert!(failed.len() > 7);
        assert_eq!(failed.len(), isolate.manager.asked());
        let counted: Vec<Value> = (1..=failed.len()).map(Value::from).collect();
        assert_eq!(all(&failed, "failures"), counted);
        assert!(all(&failed, "error").iter().all(|logged| *logged == told));
    }
}

#[test]
fn a_timeout_that_a_waiting_request_notices_first_is_logged_once() {
    let (clock, log) = (ManualClock::new(), RecordingLog::new());
    let ports = (Late(clock.clone()), clock.clone(), log.clone());
    let guard = Guard::new(worker("op-auth"), config(), 7, ports);
    let mut executor = Executor::new();
    let background = executor.background();
    let request = executor.spawn(async move { guard.check(REQUEST, &background).await });
    for _ in 0..=250 {
        executor.run();
        clock.advance(ms(1));
    }
    assert_eq!(request.try_take(), Some(UNAVAILABLE));
    // What the transport reports later is the same failure.
    for _ in 0..1_000 {
        executor.run();
        clock.advance(ms(1));
    }
    let entries = log.entries();
    let failed = entries.iter().find(|entry| entry["event"] == "manager_failed");
    assert_eq!(failed.map(|entry| &entry["failures"]), Some(&json!(1)));
    assert_eq!(log.count("manager_failed"), 1);
}

#[test]
fn a_recovery_is_logged_once_with_the_failures_that_it_ends_and_counting_begins_anew() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    for _ in 0..3 {
        isolate.manager.behave(Behaviour::Hang);
        isolate.traffic(secs(40), ms(20), |_, _, _| ());
        isolate.manager.behave(own_is_current(ms(20)));
        isolate.traffic(secs(60), ms(20), |_, _, _| ());
    }
    let entries = isolate.log.entries().into_iter();
    let (mut failures, mut recoveries) = (0, 0);
    for entry in entries {
        if entry["event"] == "manager_failed" {
            failures += 1;
            assert_eq!(entry["failures"], failures);
        } else if entry["event"] == "manager_recovered" {
            assert_eq!(
                entry,
                json!({
                    "event": "manager_recovered",
                    "worker": "op-auth",
                    "failures": failures,
                })
            );
            failures = 0;
            recoveries += 1;
        }
    }
    assert_eq!((recoveries, failures), (3, 0));
}

#[test]
fn a_healthy_guard_logs_its_first_request_and_then_nothing() {
    let mut isolate = Isolate::cold(own_is_current(ms(12)));
    let (_, waited) = isolate.decide();
    isolate.traffic(secs(300), ms(20), |_, _, _| ());
    let entries = isolate.log.entries();
    assert_eq!(all(&entries, "event"), ["request_waited", "guard_turned"]);
    assert_eq!(
        u128::from(entries[0]["waited_ms"].as_u64().unwrap_or_default()),
        waited.as_millis()
    );
}

#[test]
fn no_entry_tells_more_than_8_characters_of_a_uuid() {
    let mut isolate = Isolate::warm(own_is_current(ms(0)));
    for behaviour in [
        own_is_older(ms(10)),
        Behaviour::Hang,
        Behaviour::Fail(TransportError::Malformed, ms(10)),
        own_is_current(ms(10)),
    ] {
        isolate.manager.behave(behaviour);
        isolate.traffic(secs(100), ms(50), |_, _, _| ());
    }
    let entries = isolate.log.entries();
    for event in ["guard_turned", "request_waited", "manager_failed", "manager_recovered"] {
        assert!(isolate.log.count(event) > 0, "nothing was logged of {event}");
    }
    assert_only_8_characters_are_told(&entries, &[id(OWN)]);
    let newer = id(NEWER).reveal();
    assert!(!entries.iter().any(|entry| entry.to_string().contains(&newer[..8])));
}
