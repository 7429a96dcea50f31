//! What a guarded Worker answers, row by row of the table in `ARCHITECTURE.md`, on real workerd.

use skewguard_lab::{
    Answer, CodeFormat, Fault, Lab, Manager, ManagerSetup, Outgoing, Pop, PopSetup, Release,
};

/// What a test needs: a manager that knows a release of `op-auth`, and a PoP with one.
struct Stage<'a> {
    manager: Manager<'a>,
    pop: Pop<'a>,
}

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

fn stage<'a>(lab: &'a Lab, registered: &Release, runs: &Release, setup: &PopSetup) -> Stage<'a> {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    let answer = manager.register("op-auth", registered).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let pop = Pop::start(lab, &manager, runs, setup).expect("a PoP");
    Stage { manager, pop }
}

/// A PoP with an old bundle and `setup`, where a newer one is registered.
fn old_bundle<'a>(lab: &'a Lab, setup: &PopSetup) -> Stage<'a> {
    stage(lab, &release(10), &release(20), setup)
}

fn authorize(pop: &Pop<'_>) -> Answer {
    pop.authorize().expect("an answer")
}

/// The reason of the only decision that was logged.
fn reason(lab: &Lab) -> String {
    let turns = lab.transcript().events("guard_turned");
    assert_eq!(turns.len(), 1, "{turns:?}");
    turns[0]["reason"].as_str().unwrap_or_default().to_owned()
}

/// Logs take a moment longer than answers.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("never came true: {what}");
}

fn expect_reason(lab: &Lab, expected: &str) {
    eventually("a decision is logged", || !lab.transcript().events("guard_turned").is_empty());
    assert_eq!(reason(lab), expected);
}

#[test]
fn row_1_without_a_uuid_nothing_is_checked() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default().var("CODE_VERSION_UUID", ""));
    assert_eq!(authorize(&stage.pop).status, 200);
    assert_eq!(stage.pop.link().stats().expect("statistics").asked, 0);
    expect_reason(&lab, "unchecked_no_bundle_id");
}

#[test]
fn row_1_with_something_that_is_no_uuid_nothing_is_checked() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default().var("CODE_VERSION_UUID", "v1.2.3"));
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "unchecked_invalid_bundle_id");
    assert_eq!(lab.transcript().events("setting_ignored")[0]["setting"], "CODE_VERSION_UUID");
}

#[test]
fn row_1_with_checking_switched_off_nothing_is_checked() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default().var("VERSION_CHECK_ENABLED", "false"));
    assert_eq!(authorize(&stage.pop).status, 200);
    assert_eq!(stage.pop.link().stats().expect("statistics").asked, 0);
    expect_reason(&lab, "unchecked_disabled");
}

#[test]
fn row_1_a_switch_that_is_no_text_switches_all_the_same() {
    let lab = Lab::new().expect("a lab");
    let setup = PopSetup::default().json_var("VERSION_CHECK_ENABLED", "false");
    let stage = old_bundle(&lab, &setup);
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "unchecked_disabled");
}

#[test]
fn a_setting_of_another_type_is_read_or_logged_and_never_ignored_in_silence() {
    let lab = Lab::new().expect("a lab");
    let setup = PopSetup::default()
        .json_var("VERSION_CHECK_TIMEOUT_MS", "500")
        .json_var("VERSION_CHECK_MODE", "{\"observe\":true}")
        .json_var("VERSION_CHECK_MAX_AGE_MS", "[]");
    let stage = old_bundle(&lab, &setup);
    assert_eq!(authorize(&stage.pop).status, 503);
    eventually("two settings are logged", || lab.transcript().events("setting_ignored").len() == 2);
}

#[test]
fn row_1_without_a_binding_nothing_is_checked_and_the_log_says_so() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup { unbound: true, ..PopSetup::default() });
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "unchecked_no_binding");
    assert_eq!(lab.transcript().events("guard_turned")[0]["level"], "warn");
}

#[test]
fn row_2_an_exempt_path_is_served_by_an_old_bundle_and_others_are_not() {
    let lab = Lab::new().expect("a lab");
    let stage =
        old_bundle(&lab, &PopSetup::default().var("VERSION_CHECK_EXEMPT", "/health, /assets/*"));
    let health = format!("{}/health", stage.pop.url("op-auth"));
    assert_eq!(lab.client().get(&health).expect("an answer").status, 200);
    assert_eq!(stage.pop.link().stats().expect("statistics").asked, 0);
    assert_eq!(authorize(&stage.pop).status, 503);
}

#[test]
fn row_2_options_is_never_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default());
    let url = format!("{}/authorize", stage.pop.url("op-auth"));
    let answer = lab.client().send("OPTIONS", &url, Outgoing::new()).expect("an answer");
    assert_eq!(answer.status, 404, "the demo Worker's own answer");
    assert_eq!(authorize(&stage.pop).status, 503);
}

#[test]
fn row_3_without_a_manager_an_unknown_bundle_is_served() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default());
    stage.pop.link().inject(Fault::Gone).expect("a link");
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "unavailable");
}

#[test]
fn row_3_without_a_manager_a_closed_worker_refuses_until_it_is_back() {
    let lab = Lab::new().expect("a lab");
    let setup = PopSetup::default().var("VERSION_CHECK_ON_UNAVAILABLE", "closed");
    let both = release(10);
    let stage = stage(&lab, &both, &both, &setup);
    stage.pop.link().inject(Fault::Gone).expect("a link");
    assert_eq!(authorize(&stage.pop).status, 503);
    stage.pop.link().inject(Fault::None).expect("a link");
    eventually("it serves again", || authorize(&stage.pop).status == 200);
}

#[test]
fn row_4_a_worker_that_was_never_registered_is_served() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let pop = Pop::start(&lab, &manager, &release(10), &PopSetup::default()).expect("a PoP");
    assert_eq!(authorize(&pop).status, 200);
    expect_reason(&lab, "unregistered");
}

#[test]
fn row_5_the_current_bundle_is_served() {
    let lab = Lab::new().expect("a lab");
    let current = release(10);
    let stage = stage(&lab, &current, &current, &PopSetup::default());
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "current");
}

#[test]
fn row_5_upper_case_or_lower_case_it_is_the_same_bundle() {
    let lab = Lab::new().expect("a lab");
    let current = release(10);
    let upper = current.bundle.reveal().to_uppercase();
    let setup = PopSetup::default().var("CODE_VERSION_UUID", &upper);
    let stage = stage(&lab, &current, &current, &setup);
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "current");
}

#[test]
fn row_8_a_rolled_back_bundle_is_refused_although_it_is_the_newest() {
    let lab = Lab::new().expect("a lab");
    let (good, bad) = (release(20), release(10));
    let stage = stage(&lab, &good, &bad, &PopSetup::default());
    for answer in
        [stage.manager.register("op-auth", &bad), stage.manager.roll_back("op-auth", &good)]
    {
        assert_eq!(answer.expect("an answer").status, 200);
    }
    assert_eq!(authorize(&stage.pop).status, 503);
    expect_reason(&lab, "stale_retired");
    let old = Pop::start(&lab, &stage.manager, &good, &PopSetup::default()).expect("a PoP");
    assert_eq!(authorize(&old).status, 200);
}

#[test]
fn row_9_a_new_bundle_is_never_refused_before_its_registration() {
    let lab = Lab::new().expect("a lab");
    let stage = stage(&lab, &release(20), &release(10), &PopSetup::default());
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "ahead");
}

#[test]
fn row_10_an_older_bundle_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default());
    assert_eq!(authorize(&stage.pop).status, 503);
    expect_reason(&lab, "stale_older");
}

#[test]
fn row_10_an_unknown_bundle_without_a_deploy_time_is_refused() {
    let lab = Lab::new().expect("a lab");
    let setup = PopSetup::default().var("DEPLOY_TIME_UTC", "");
    let stage = stage(&lab, &release(20), &release(10), &setup);
    assert_eq!(authorize(&stage.pop).status, 503);
    expect_reason(&lab, "stale_undated");
}

#[test]
fn in_observe_mode_an_old_bundle_is_reported_and_served() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default().var("VERSION_CHECK_MODE", "observe"));
    assert_eq!(authorize(&stage.pop).status, 200);
    expect_reason(&lab, "stale_older");
    let turn = &lab.transcript().events("guard_turned")[0];
    assert_eq!((&turn["decision"], &turn["mode"]), (&"refuse".into(), &"observe".into()));
}

#[test]
fn a_refusal_tells_when_to_come_again_and_nothing_else() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default());
    let answer = authorize(&stage.pop);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json(), serde_json::json!({ "error": "service_unavailable" }));
    assert_eq!(answer.header("Retry-After"), Some("5"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(answer.header("Refresh"), None);
}

#[test]
fn a_page_heals_by_itself_and_only_a_page() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default());
    let url = format!("{}/authorize", stage.pop.url("op-auth"));
    let refresh = |method: &str, mode: &str| {
        let outgoing = Outgoing::new().header("Sec-Fetch-Mode", mode);
        let answer = lab.client().send(method, &url, outgoing).expect("an answer");
        assert_eq!(answer.status, 503);
        answer.header("Refresh").map(str::to_owned)
    };
    assert_eq!(refresh("GET", "navigate").as_deref(), Some("5"));
    assert_eq!(refresh("GET", "cors"), None);
    assert_eq!(refresh("POST", "navigate"), None);
}

#[test]
fn a_manager_that_answers_with_three_fields_alone_is_understood() {
    let lab = Lab::new().expect("a lab");
    let stage = old_bundle(&lab, &PopSetup::default());
    stage.pop.link().inject(Fault::Bare).expect("a link");
    assert_eq!(authorize(&stage.pop).status, 503);
    expect_reason(&lab, "stale_older");
}

#[test]
fn a_setting_that_cannot_be_read_is_logged_and_stops_nothing() {
    let lab = Lab::new().expect("a lab");
    let setup = PopSetup::default()
        .var("VERSION_CHECK_MODE", "on")
        .var("VERSION_CHECK_TIMEOUT_MS", "a while")
        .var("DEPLOY_TIME_UTC", "yesterday");
    let current = release(10);
    let stage = stage(&lab, &current, &current, &setup);
    assert_eq!(authorize(&stage.pop).status, 200);
    eventually("three settings are logged", || {
        lab.transcript().events("setting_ignored").len() == 3
    });
}
