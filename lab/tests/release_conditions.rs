//! Changes that are asked for twice, too late, or by two at once.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use skewguard_lab::{
    Answer, CodeFormat, Deployer, Lab, Manager, ManagerSetup, Release, announcement,
};

/// How often two deployers race.
const ROUNDS: u32 = 10;

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

fn deployers(lab: &Lab, manager: &Manager<'_>) -> [Deployer; 2] {
    manager.doors().map(|door| Deployer::new(lab, &door))
}

/// What is answered where something holds; its epoch is its `ETag`.
fn accepted(answer: Result<Answer, String>) -> Value {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(answer.header("ETag"), Some(format!("\"{}\"", body["epoch"]).as_str()));
    body
}

/// Expects that a change came too late for the epoch that it was decided from.
fn outdated(answer: Result<Answer, String>, current: u64) {
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (412, "epoch_mismatch"));
    assert_eq!(answer.json()["epoch"], current);
    assert_eq!(answer.header("ETag"), Some(format!("\"{current}\"").as_str()));
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains(&format!("'If-Match: \"{current}\"'")), "{message}");
}

/// An answer without what another moment changes.
fn timeless(mut release: Value) -> Value {
    release["ageMs"] = Value::Null;
    release["cutover"]["completeInMs"] = Value::Null;
    release
}

#[test]
fn a_change_holds_only_from_an_epoch_that_if_match_names() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    for deployer in deployers(&lab, &manager) {
        let epoch = || accepted(deployer.get("/releases"))["epoch"].as_u64().expect("an epoch");
        let started = epoch();
        let id = format!("r{started}");
        let [announced, registered] = [20, 10].map(release);
        let workers = [("op-auth", &announced)];
        for wrong in [started + 1, started + 100, u64::MAX] {
            outdated(deployer.if_match(&format!("\"{wrong}\"")).announce(&id, &workers), started);
        }
        let list = format!("\"999\" , \"{started}\",\"998\"");
        assert_eq!(
            accepted(deployer.if_match(&list).announce(&id, &workers))["epoch"],
            started + 1
        );
        for command in ["activate", "abort"] {
            let late = deployer.if_match(&format!("\"{started}\", \"999\""));
            outdated(late.command(&id, command), started + 1);
        }
        let now = deployer.if_match(&format!("\"{}\"", started + 1));
        assert_eq!(accepted(now.command_after(&id, "activate", 0))["epoch"], started + 2);
        let register =
            |deployer: &Deployer| deployer.post("/version/op-auth", &registered.registration());
        outdated(register(&now), started + 2);
        assert_eq!(accepted(register(&deployer.if_match(" * ")))["epoch"], started + 3);
        outdated(now.command_after(&id, "rollback", 0), started + 3);
        let now = deployer.if_match(&format!("\"{}\"", started + 3));
        assert_eq!(accepted(now.command_after(&id, "rollback", 0))["epoch"], started + 4);
        assert_eq!(epoch(), started + 4, "who came too late has changed nothing");
    }
}

#[test]
fn what_is_no_list_of_epochs_is_no_condition() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let bundle = release(10);
    for deployer in deployers(&lab, &manager) {
        for tags in
            ["0", "\"\"", "W/\"0\"", "\"0\",", "\"0\" \"1\"", "\"-0\"", "\"+0\"", "\"00\"", "*, *"]
        {
            let deployer = deployer.if_match(tags);
            for answer in [
                deployer.announce("r1", &[("op-auth", &bundle)]),
                deployer.command("r1", "activate"),
                deployer.command("r1", "promote"),
                deployer.command("r1", "abort"),
                deployer.command("r1", "rollback"),
                deployer.post("/version/op-auth", &bundle.registration()),
            ] {
                let answer = answer.expect("an answer");
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (400, "invalid_if_match"),
                    "{tags}"
                );
            }
            // Nothing is decided by what only asks.
            assert_eq!(accepted(deployer.get("/releases"))["epoch"], 0);
        }
    }
}

#[test]
fn a_command_that_is_repeated_is_answered_as_before_and_changes_nothing() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let doors = deployers(&lab, &manager);
    let [base, plain, canary, aborted] = [40, 30, 20, 10].map(release);
    let mut shared = announcement("canary", &[("op-auth", &canary)]);
    shared["share"] = true.into();
    let at_once = json!({ "after": 0 });
    let commands = [
        ("/releases", announcement("base", &[("op-auth", &base)])),
        ("/releases/base/activate", at_once.clone()),
        ("/releases", announcement("plain", &[("op-auth", &plain)])),
        ("/releases/plain/activate", at_once.clone()),
        ("/releases", shared),
        ("/releases/canary/activate", json!({})),
        ("/releases/canary/promote", at_once.clone()),
        ("/releases/plain/rollback", at_once),
        ("/releases", announcement("aborted", &[("op-auth", &aborted)])),
        ("/releases/aborted/abort", json!({})),
    ];
    for (index, (path, body)) in commands.iter().enumerate() {
        let decided_from = format!("\"{index}\"");
        let first = accepted(doors[index % 2].if_match(&decided_from).post(path, body));
        assert_eq!(first["epoch"], index + 1);
        for deployer in &doors {
            // A repetition is safe whatever it was decided from: the first answer may be lost.
            for deployer in [deployer, &deployer.if_match(&decided_from)] {
                let repeated = accepted(deployer.post(path, body));
                assert_eq!(timeless(repeated), timeless(first.clone()), "{path}");
            }
        }
    }
    // A Worker more, or another style, is another release.
    for (share, workers) in [(true, 1), (false, 2)] {
        let both = [("op-auth", &plain), ("op-token", &plain)];
        let mut other = announcement("plain", &both[..workers]);
        other["share"] = share.into();
        let answer = doors[0].post("/releases", &other).expect("an answer");
        assert_eq!((answer.status, answer.code().as_str()), (409, "release_exists"));
    }
}

#[test]
fn what_comes_at_the_wrong_stage_is_refused_and_told_what_to_do() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let doors = deployers(&lab, &manager);
    let is_refused = |id: &str, commands: &[&str], then: &str| {
        for deployer in &doors {
            for command in commands {
                let answer = deployer.command(id, command).expect("an answer");
                assert_eq!((answer.status, answer.code().as_str()), (409, "wrong_stage"), "{id}");
                let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
                assert!(message.starts_with(&format!("release '{id}' is ")), "{message}");
                assert!(message.ends_with(then), "{message}");
            }
        }
    };
    let [plain, canary] = [20, 10].map(release);
    accepted(doors[0].announce("plain", &[("op-auth", &plain)]));
    is_refused("plain", &["promote", "rollback"], "; activate it first");
    accepted(doors[0].command_after("plain", "activate", 0));
    is_refused("plain", &["abort"], "; roll back to an earlier release");
    let mut shared = announcement("canary", &[("op-auth", &canary)]);
    shared["share"] = true.into();
    accepted(doors[0].post("/releases", &shared));
    accepted(doors[0].command("canary", "activate"));
    is_refused("canary", &["rollback"], "; promote or abort it first");
    let in_the_way = doors[1].command("plain", "rollback").expect("an answer");
    assert_eq!((in_the_way.status, in_the_way.code().as_str()), (409, "release_open"));
    assert_eq!(in_the_way.json()["release"], "canary");
    accepted(doors[0].command("canary", "abort"));
    is_refused("canary", &["activate", "promote", "rollback"], "; announce a new one");
    let again = doors[1].post("/releases", &shared).expect("an answer");
    assert_eq!((again.status, again.code().as_str()), (409, "wrong_stage"));
    assert_eq!(accepted(doors[1].get("/releases"))["epoch"], 5, "none has changed anything");
}

/// Both at the same moment.
fn at_once<T: Send>(one: impl FnOnce() -> T + Send, other: impl FnOnce() -> T + Send) -> [T; 2] {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            start.wait();
            one()
        });
        start.wait();
        let other = other();
        [one.join().expect("an answer"), other]
    })
}

/// Who has won: the other one was told `status` and `code`.
fn winner(answers: [Result<Answer, String>; 2], status: u16, code: &str) -> usize {
    let answers = answers.map(|answer| answer.expect("an answer"));
    let winner = usize::from(answers[0].status != 200);
    assert_eq!(answers[winner].status, 200, "{answers:?}");
    let loser = &answers[1 - winner];
    assert_eq!((loser.status, loser.code().as_str()), (status, code), "{answers:?}");
    winner
}

#[test]
fn of_two_deployers_at_once_one_wins_and_the_other_changes_nothing() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let [west, east] = deployers(&lab, &manager);
    let mut epoch = 0;
    for round in 0..ROUNDS {
        let ids = ["west", "east"].map(|name| format!("{name}-{round}"));
        let bundles = [(); 2].map(|()| release(100 - round));
        let workers = [[("op-auth", &bundles[0])], [("op-auth", &bundles[1])]];
        // Every other round they say what they have decided from.
        let (at, with_tag) = (format!("\"{epoch}\""), round % 2 == 0);
        let deployers = [&west, &east]
            .map(|deployer| if with_tag { deployer.if_match(&at) } else { deployer.clone() });
        let answers = at_once(
            || deployers[0].announce(&ids[0], &workers[0]),
            || deployers[1].announce(&ids[1], &workers[1]),
        );
        let (status, code) = if with_tag { (412, "epoch_mismatch") } else { (409, "release_open") };
        let won = winner(answers, status, code);
        // The same two cannot agree on what becomes of it.
        let at = format!("\"{}\"", epoch + 1);
        let answers = at_once(
            || west.if_match(&at).command_after(&ids[won], "activate", 0),
            || east.if_match(&at).command(&ids[won], "abort"),
        );
        winner(answers, 412, "epoch_mismatch");
        epoch += 2;
        let listed = accepted(west.get("/releases"));
        assert_eq!(
            (&listed["epoch"], &listed["releases"][0]["id"]),
            (&json!(epoch), &json!(ids[won]))
        );
        assert_eq!(listed["releases"].as_array().map(Vec::len), Some(round as usize + 1));
    }
    let trail = east.get("/audit?limit=200").expect("an answer").json();
    assert_eq!(trail["entries"].as_array().map(Vec::len), Some(2 * ROUNDS as usize));
}
