//! The lease that the manager's settings ask for.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use skewguard_domain::DeployTime;
use skewguard_lab::{
    Answer, CodeFormat, Deployer, Lab, Manager, ManagerSetup, Outgoing, Release, announcement,
};

const SETTING: &str = "VERSION_MANAGER_MAX_AGE_MS";

/// How much longer than a lease a cutover is announced ahead, in ms.
const MARGIN: i64 = 1000;

fn accepted(answer: Result<Answer, String>) -> Value {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn deployer(lab: &Lab, manager: &Manager<'_>) -> Deployer {
    Deployer::new(lab, &manager.doors()[0])
}

fn manifest(lab: &Lab, manager: &Manager<'_>) -> Value {
    let url = format!("{}/manifest", manager.object_url());
    accepted(lab.client().send("GET", &url, Outgoing::new().private()))
}

fn millis(moment: &Value) -> i64 {
    let moment: Option<DeployTime> = moment.as_str().and_then(|text| text.parse().ok());
    moment.expect("an RFC 3339 date and time").as_timestamp().as_unix_millis()
}

#[test]
fn a_lease_of_another_length_is_told_to_all_and_is_in_the_trail_once() {
    let lab = Lab::new().expect("a lab");
    let mut manager = Manager::start_with(&lab, ManagerSetup::Complete, &[(SETTING, " 7000 ")])
        .expect("a manager");
    let mut expected = Vec::new();
    for (lease, token) in [(7000, "settings"), (7000, ""), (100, "settings"), (5000, "settings")] {
        if !expected.is_empty() {
            manager.start_again_with(&[(SETTING, &lease.to_string())]).expect("a manager");
        }
        let told = manifest(&lab, &manager);
        assert_eq!(told["maxAgeMs"], lease, "before anything else was asked");
        assert_eq!(accepted(manager.status())["maxAgeMs"], lease);
        let trail = accepted(deployer(&lab, &manager).get("/audit"));
        if !token.is_empty() {
            let epoch = expected.len();
            expected.insert(
                0,
                json!({
                    "at": trail["entries"][0]["at"], "token": token, "action": "set_lease",
                    "detail": format!("{lease} ms"), "from": epoch, "to": epoch + 1,
                }),
            );
        }
        assert_eq!(trail, json!({ "entries": expected }));
        assert_eq!(told["epoch"], expected.len());
    }
}

#[test]
fn a_lease_that_cannot_be_read_is_the_default_and_the_log_says_so() {
    let lab = Lab::new().expect("a lab");
    let ignored = || lab.transcript().events("setting_ignored");
    for (count, value) in ["", "soon", "99", "3600001", "-7000", "7000.5"].iter().enumerate() {
        let vars = [(SETTING, *value)];
        let manager = Manager::start_with(&lab, ManagerSetup::Complete, &vars).expect("a manager");
        let nothing = json!({ "epoch": 0, "maxAgeMs": 5000, "workers": {} });
        assert_eq!(manifest(&lab, &manager), nothing, "{value}");
        // Logs take a moment longer than answers.
        for _ in 0..200 {
            if ignored().len() <= count {
                thread::sleep(Duration::from_millis(25));
            }
        }
        assert_eq!(ignored().len(), count + 1, "{value}");
        assert_eq!(ignored()[count]["setting"], SETTING);
    }
}

#[test]
fn after_the_lease_was_made_shorter_cutovers_wait_for_the_longer_one() {
    let lab = Lab::new().expect("a lab");
    let vars = [(SETTING, "60000")];
    let mut manager = Manager::start_with(&lab, ManagerSetup::Complete, &vars).expect("a manager");
    let [first, second] = [20, 10].map(|ago| Release::new(CodeFormat::One, ago));
    accepted(manager.register("op-auth", &first));
    manager.start_again_with(&[(SETTING, "1000")]).expect("a manager");
    let deployer = deployer(&lab, &manager);
    let shortened = &accepted(deployer.get("/audit"))["entries"][0];
    assert_eq!(shortened["detail"], "1000 ms");
    let all_expired = millis(&shortened["at"]) + 60_000;

    let mut strict = announcement("r1", &[("op-auth", &second)]);
    strict["strict"] = true.into();
    accepted(deployer.post("/releases", &strict));
    // Guards that were told of the longer lease may go by it until then, however soon the old is
    // to stop.
    let activated = accepted(deployer.command_after("r1", "activate", 0));
    assert!(millis(&activated["cutover"]["startsAt"]) >= all_expired + MARGIN, "{activated}");
    let back = accepted(deployer.command("@2", "rollback"));
    assert!(millis(&back["cutover"]["stopsAt"]) >= all_expired + MARGIN, "{back}");
}
