//! Which token opens what.

use std::thread;
use std::time::Duration;

use serde_json::json;
use skewguard_lab::{Answer, CodeFormat, Deployer, Lab, Manager, ManagerSetup, Outgoing, Release};

/// What a registration and the status answer to a token.
fn knock(lab: &Lab, door: &str, token: &str) -> [Answer; 2] {
    let outgoing = Outgoing::new().token(token);
    let registration = Release::new(CodeFormat::One, 10).registration();
    let requests = [
        ("POST", "/version/op-auth", outgoing.clone().json(&registration)),
        ("GET", "/version-manager/status", outgoing),
    ];
    requests.map(|(method, path, outgoing)| {
        lab.client().send(method, &format!("{door}{path}"), outgoing).expect("an answer")
    })
}

#[test]
fn each_token_opens_what_it_is_for_and_nothing_else() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let (half, _) = lab.secret().split_at(lab.secret().len() / 2);
    let longer = format!("{}0", lab.secret());
    // What registrations and the status answer. The last token is what a deploy sends whose
    // secret was never set.
    let tokens = [
        (lab.secret(), [200, 200]),
        (lab.previous_secret(), [200, 200]),
        (lab.read_secret(), [401, 200]),
        (lab.signing_key(), [401, 401]),
        (half, [401, 401]),
        (&longer, [401, 401]),
        ("", [401, 401]),
    ];
    for (index, (token, expected)) in tokens.into_iter().enumerate() {
        for door in manager.doors() {
            let answers = knock(&lab, &door, token).map(|answer| answer.status);
            assert_eq!(answers, expected, "token {index} at {door}");
        }
    }
    let logged = || lab.transcript().events("registered");
    // Logs take a moment longer than answers.
    for _ in 0..200 {
        if logged().len() < 4 {
            thread::sleep(Duration::from_millis(25));
        }
    }
    let by: Vec<_> = logged().iter().map(|entry| entry["token"].clone()).collect();
    assert_eq!(by, ["current", "current", "previous", "previous"], "the log names the token");
}

#[test]
fn of_releases_the_read_secret_shows_everything_and_changes_nothing() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let release = Release::new(CodeFormat::One, 10);
    let workers = [("op-auth", &release)];
    let reads = ["/releases", "/releases/r1", "/releases/r1/convergence", "/audit"];
    let reads = reads.iter().chain(&["/version-manager/status"]);
    let commands = ["activate", "promote", "abort", "rollback"];
    for (index, door) in manager.doors().iter().enumerate() {
        let with = |token| Deployer::with_token(&lab, door, token);
        let write = [with(lab.secret()), with(lab.previous_secret())];
        let answer = write[index].announce("r1", &workers).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        for (deployer, status) in
            write.iter().map(|deployer| (deployer, 200)).chain([(&with(lab.read_secret()), 401)])
        {
            for path in reads.clone() {
                assert_eq!(deployer.get(path).expect("an answer").status, 200, "{path}");
            }
            let answer = deployer.announce("r1", &workers).expect("an answer");
            assert_eq!(answer.status, status, "{}", answer.body);
        }
        let nobody = lab.signing_key();
        for token in [lab.read_secret(), nobody, ""] {
            let deployer = with(token);
            // Who may not change a release does not learn whether it is there.
            for id in ["r1", "unknown", "Not-A-Name"] {
                for command in commands {
                    let answer = deployer.command(id, command).expect("an answer");
                    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
                    assert!(answer.header("WWW-Authenticate").is_some());
                }
            }
        }
        for token in [nobody, ""] {
            for path in reads.clone() {
                let answer = with(token).get(path).expect("an answer");
                assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
                assert!(answer.header("WWW-Authenticate").is_some());
            }
        }
    }
    let reader = Deployer::with_token(&lab, &manager.doors()[0], lab.read_secret());
    assert_eq!(reader.get("/releases").expect("an answer").json()["epoch"], 1);
}

#[test]
fn without_secrets_nobody_registers_and_nobody_sees_the_status() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::WithoutSecrets).expect("a manager");
    for token in [lab.secret(), lab.previous_secret(), lab.read_secret(), "", "undefined", "null"] {
        for door in manager.doors() {
            for answer in knock(&lab, &door, token) {
                assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
                assert!(answer.header("WWW-Authenticate").is_some());
            }
        }
    }
    let url = format!("{}/manifest", manager.object_url());
    let manifest = lab.client().get(&url).expect("an answer").json();
    let nothing = json!({ "epoch": 0, "maxAgeMs": 5000, "workers": {} });
    assert_eq!(manifest, nothing, "guards still get their answer");
}
