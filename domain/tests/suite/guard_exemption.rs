//! Requests that a guard lets pass without a thought for the manager.

use skewguard_domain::{
    CachePolicy, ExemptPath, GuardConfig, GuardCore, OnUnavailable, Reason, RequestLine, Step,
    Unchecked, Verdict,
};

use crate::fixtures::{at, config, own_is_older, warm};

/// A guard that would refuse every request but an exempt one: it knows nothing and fails closed.
fn strict(exempt: &[&str]) -> GuardCore {
    let exempt = exempt.iter().map(|path| path.parse().expect("a pattern")).collect();
    let on_unavailable = OnUnavailable::Closed;
    GuardCore::new(GuardConfig { exempt, on_unavailable, ..config(CachePolicy::default()) }, 0)
}

fn is_exempt(guard: &mut GuardCore, method: &str, path: &str) -> bool {
    match guard.on_request(RequestLine { method, path }, at(1_000)) {
        Step::Decided(decision) => {
            assert_eq!(decision.reason, Reason::Exempt);
            assert_eq!(decision.verdict, Verdict::Serve);
            true
        }
        Step::Fetch(_) | Step::Wait(_) => false,
        other => panic!("a cold guard decided: {other:?}"),
    }
}

#[test]
fn row_2_a_request_with_the_method_options_is_exempt_wherever_it_goes() {
    let mut guard = strict(&[]);
    assert!(is_exempt(&mut guard, "OPTIONS", "/authorize"));
    assert!(is_exempt(&mut guard, "OPTIONS", "*"));
}

#[test]
fn row_2_a_request_to_an_exempt_path_is_exempt_whatever_its_method() {
    let mut guard = strict(&["/health", "/assets/*"]);
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        assert!(is_exempt(&mut guard, method, "/health"));
        assert!(is_exempt(&mut guard, method, "/assets/app.js"));
    }
}

#[test]
fn any_other_request_is_checked() {
    let mut guard = strict(&["/health", "/assets/*"]);
    for method in ["GET", "HEAD", "POST", "options", "OPTION", ""] {
        for path in ["/", "/authorize", "/healthz", "/assets"] {
            assert!(!is_exempt(&mut guard, method, path), "{method} {path}");
        }
    }
}

#[test]
fn an_exempt_request_starts_no_flight_and_waits_for_none() {
    let mut guard = strict(&["/health"]);
    assert!(is_exempt(&mut guard, "GET", "/health"));
    let step = guard.on_request(RequestLine { method: "GET", path: "/" }, at(1_000));
    assert!(matches!(step, Step::Fetch(_)), "{step:?}");
    assert!(is_exempt(&mut guard, "GET", "/health"));
}

#[test]
fn an_exempt_request_is_served_by_a_stale_bundle() {
    let mut guard = warm(CachePolicy::default(), 1_000, &own_is_older());
    let request = RequestLine { method: "OPTIONS", path: "/authorize" };
    let Step::Decided(decision) = guard.on_request(request, at(1_001)) else {
        panic!("no decision");
    };
    assert_eq!((decision.reason, decision.verdict), (Reason::Exempt, Verdict::Serve));
}

#[test]
fn a_guard_with_nothing_to_check_never_asks() {
    for why in [
        Unchecked::Disabled,
        Unchecked::NoBundleId,
        Unchecked::InvalidBundleId,
        Unchecked::NoBinding,
    ] {
        let exempt: Vec<ExemptPath> = vec!["/health".parse().expect("a pattern")];
        let config = GuardConfig { bundle: Err(why), exempt, ..config(CachePolicy::default()) };
        let mut guard = GuardCore::new(config, 0);
        for path in ["/authorize", "/health"] {
            for millis in [1_000, 1_000_000] {
                let step = guard.on_request(RequestLine { method: "GET", path }, at(millis));
                let Step::Decided(decision) = step else { panic!("a flight: {step:?}") };
                assert_eq!(decision.reason, Reason::Unchecked(why));
                assert_eq!(decision.verdict, Verdict::Serve);
            }
        }
    }
}

#[test]
fn a_guard_keeps_what_it_was_told() {
    let guard = strict(&["/health"]);
    assert_eq!(guard.config().exempt, ["/health".parse().expect("a pattern")]);
    assert_eq!(guard.config().on_unavailable, OnUnavailable::Closed);
    assert_eq!(guard.config().policy, CachePolicy::default());
}
