//! Releases from their announcement to their end, through both doors.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skewguard_domain::DeployTime;
use skewguard_lab::{
    Answer, CodeFormat, Deployer, Lab, Manager, ManagerSetup, Outgoing, Release, announcement,
};

/// How far ahead a cutover is where nothing else is asked for: a lease and a second, in ms.
const AHEAD: i64 = 6000;

/// How far a strict cutover keeps old and new apart, in ms.
const BAND: i64 = 500;

/// A lab with a manager that knows nothing.
struct Stage<'a> {
    lab: &'a Lab,
    manager: Manager<'a>,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab) -> Self {
        let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
        Self { lab, manager }
    }

    /// A deployer outside, and one inside.
    fn deployers(&self) -> [Deployer; 2] {
        self.manager.doors().map(|door| Deployer::new(self.lab, &door))
    }

    /// What both doors say of a release, which is the same.
    fn shown(&self, id: &str) -> Value {
        let answers = self.deployers().map(|deployer| {
            let shown = timeless(accepted(deployer.get(&format!("/releases/{id}"))));
            let listed = accepted(deployer.get("/releases"));
            let listed = listed["releases"].as_array().expect("releases").clone();
            let listed = listed.into_iter().find(|release| release["id"] == id);
            assert_eq!(timeless(listed.expect("it is listed")), shown);
            shown
        });
        assert_eq!(answers[0], answers[1]);
        answers[0].clone()
    }

    fn state(&self, id: &str) -> String {
        self.shown(id)["state"].as_str().expect("a state").to_owned()
    }

    /// What guards of a Worker are told.
    fn told(&self, worker: &str) -> Value {
        let url = format!("{}/manifest", self.manager.object_url());
        let answer = self.lab.client().send("GET", &url, Outgoing::new().private());
        answer.expect("an answer").json()["workers"][worker].clone()
    }

    /// The first 8 characters of the bundle that serves each of these Workers.
    fn serving<const N: usize>(&self, workers: [&str; N]) -> [String; N] {
        let status = accepted(self.manager.status());
        workers.map(|worker| {
            let current = &status["workers"][worker]["current"]["bundle"];
            current.as_str().unwrap_or_default().to_owned()
        })
    }
}

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

/// What is answered where something holds; its epoch is its `ETag`.
fn accepted(answer: Result<Answer, String>) -> Value {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(answer.header("ETag"), Some(format!("\"{}\"", body["epoch"]).as_str()));
    body
}

fn refused(answer: Result<Answer, String>, code: &str) -> Value {
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (409, code), "{}", answer.body);
    answer.json()
}

/// An answer without what another moment changes.
fn timeless(mut release: Value) -> Value {
    release.as_object_mut().expect("a release").remove("ageMs").expect("an age");
    if let Some(cutover) = release.get_mut("cutover") {
        cutover.as_object_mut().expect("a cutover").remove("completeInMs").expect("a time");
    }
    release
}

/// The names of a JSON object's fields.
fn fields(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn millis(moment: &Value) -> i64 {
    let text = moment.as_str().expect("a text");
    let moment = text.parse::<DeployTime>().expect("an RFC 3339 date and time");
    moment.as_timestamp().as_unix_millis()
}

/// When the old stops and the new starts, after the change that was answered so: in ms.
fn cutover(answer: &Value) -> [i64; 2] {
    let cutover = &answer["cutover"];
    let decided = millis(&cutover["startsAt"]) - cutover["completeInMs"].as_i64().expect("ms");
    ["stopsAt", "startsAt"].map(|name| millis(&cutover[name]) - decided)
}

#[test]
fn a_release_of_two_workers_is_announced_activated_and_6_seconds_later_active() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [outside, inside] = stage.deployers();
    let [auth, token] = [20, 10].map(release);
    let workers = [("op-auth", &auth), ("op-token", &token)];
    let announced = accepted(outside.announce("2026-03.1", &workers));
    let expected = json!({
        "id": "2026-03.1",
        "state": "announced",
        "strict": false,
        "share": false,
        "announcedAt": announced["announcedAt"],
        "ageMs": 0,
        "workers": {
            "op-auth": {
                "bundle": auth.bundle.to_string(),
                "deployTime": auth.deploy_time.to_string(),
                "registeredAt": announced["announcedAt"],
            },
            "op-token": {
                "bundle": token.bundle.to_string(),
                "deployTime": token.deploy_time.to_string(),
                "registeredAt": announced["announcedAt"],
            },
        },
        "epoch": 1,
    });
    assert_eq!(announced, expected);
    assert_eq!(stage.shown("2026-03.1"), timeless(announced));
    assert_eq!(
        stage.told("op-auth"),
        json!({ "announced": [auth.bundle.reveal()], "serving": [] })
    );
    assert_eq!(stage.serving(["op-auth", "op-token"]), ["", ""]);

    let activated = accepted(inside.command("2026-03.1", "activate"));
    assert_eq!((&activated["state"], &activated["epoch"]), (&json!("cutting_over"), &json!(2)));
    assert_eq!(fields(&activated["cutover"]), ["completeInMs", "startsAt", "stopsAt"]);
    assert_eq!(cutover(&activated), [AHEAD, AHEAD]);
    let cutting_over = stage.shown("2026-03.1");
    assert_eq!(cutting_over, timeless(activated.clone()));
    assert_eq!(accepted(stage.manager.status())["openRelease"]["id"], "2026-03.1");

    let started = Instant::now();
    while stage.state("2026-03.1") == "cutting_over" {
        assert!(started.elapsed() < Duration::from_secs(30), "it never comes");
        thread::sleep(Duration::from_millis(100));
    }
    let active = accepted(outside.get("/releases/2026-03.1"));
    assert_eq!(active["cutover"]["completeInMs"], 0);
    let mut expected = cutting_over;
    expected["state"] = json!("active");
    assert_eq!(timeless(active), expected, "nothing was decided meanwhile");
    let serving = [&auth, &token].map(|release| release.bundle.to_string());
    assert_eq!(stage.serving(["op-auth", "op-token"]), serving);
    assert_eq!(accepted(stage.manager.status()).get("openRelease"), None);
}

#[test]
fn a_cutover_comes_after_as_many_ms_as_it_was_asked_to() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let deployers = stage.deployers();
    for (index, deployer) in deployers.iter().enumerate() {
        let id = ["at-once", "at-once-inside"][index];
        accepted(deployer.announce(id, &[("op-auth", &release(10))]));
        let activated = accepted(deployer.command_after(id, "activate", 0));
        assert_eq!((activated["state"].as_str(), cutover(&activated)), (Some("active"), [0, 0]));
    }
    let (hour, [outside, inside]) = (3_600_000, deployers);
    accepted(outside.announce("in-an-hour", &[("op-auth", &release(5))]));
    let activated = accepted(outside.command_after("in-an-hour", "activate", hour));
    assert_eq!(activated["state"], "cutting_over");
    assert_eq!(cutover(&activated), [i64::from(hour); 2]);
    // What follows on a cutover to come waits for it.
    let back = accepted(inside.command_after("at-once", "rollback", 0));
    assert_eq!(back["cutover"]["startsAt"], activated["cutover"]["startsAt"]);
}

#[test]
fn in_a_strict_release_the_new_starts_when_the_old_has_stopped_everywhere() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [outside, inside] = stage.deployers();
    let [first, second] = [20, 10].map(release);
    accepted(stage.manager.register("op-auth", &first));
    let mut strict = announcement("strict", &[("op-auth", &second)]);
    strict["strict"] = true.into();
    let announced = accepted(inside.post("/releases", &strict));
    assert_eq!((&announced["strict"], &announced["share"]), (&json!(true), &json!(false)));
    assert_eq!(stage.told("op-auth")["held"], json!([second.bundle.reveal()]));
    // However soon the old is to stop, manifests that name it count for a lease.
    let activated = accepted(outside.command_after("strict", "activate", 0));
    assert_eq!(cutover(&activated), [0, AHEAD + BAND]);
    assert_eq!(stage.told("op-auth")["serving"], json!([]), "nothing serves in the band");
    assert_eq!(stage.told("op-auth")["held"], json!([second.bundle.reveal()]));
    // To take it back comes after it, and is as strict as it was.
    let back = accepted(inside.command_after("@1", "rollback", 0));
    assert!(millis(&back["cutover"]["stopsAt"]) >= millis(&activated["cutover"]["startsAt"]));
    let [stops, starts] = cutover(&back);
    assert!(starts - stops >= BAND, "{back}");
}

#[test]
fn a_canary_shares_the_traffic_until_it_is_promoted() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let mut current = release(100);
    accepted(stage.manager.register("op-auth", &current));
    for (index, deployer) in stage.deployers().iter().enumerate() {
        let (id, canary) = (["canary", "canary-2"][index], release(10));
        let mut body = announcement(id, &[("op-auth", &canary)]);
        body["share"] = true.into();
        let announced = accepted(deployer.post("/releases", &body));
        assert_eq!((&announced["share"], &announced["strict"]), (&json!(true), &json!(false)));
        let shared = accepted(deployer.command(id, "activate"));
        assert_eq!((&shared["state"], shared.get("cutover")), (&json!("shared"), None));
        assert_eq!(stage.state(id), "shared");
        let both = [&current, &canary].map(|release| release.bundle.reveal());
        assert_eq!(stage.told("op-auth")["serving"], json!(both));
        assert_eq!(stage.serving(["op-auth"]), [current.bundle.to_string()]);
        let promoted = accepted(deployer.command_after(id, "promote", 0));
        assert_eq!((promoted["state"].as_str(), cutover(&promoted)), (Some("active"), [0, 0]));
        assert_eq!(stage.told("op-auth")["serving"], json!([canary.bundle.reveal()]));
        current = canary;
    }
}

#[test]
fn an_aborted_release_leaves_what_there_was_and_its_bundles_do_not_come_back() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let current = release(100);
    accepted(stage.manager.register("op-auth", &current));
    for (index, deployer) in stage.deployers().iter().enumerate() {
        for (share, id) in
            [(false, ["plain", "plain-2"][index]), (true, ["canary", "canary-2"][index])]
        {
            let bundle = release(10);
            let mut body = announcement(id, &[("op-auth", &bundle)]);
            body["share"] = share.into();
            accepted(deployer.post("/releases", &body));
            if share {
                accepted(deployer.command(id, "activate"));
            }
            let aborted = accepted(deployer.command(id, "abort"));
            assert_eq!((&aborted["state"], aborted.get("cutover")), (&json!("aborted"), None));
            assert_eq!(stage.state(id), "aborted");
            let told = stage.told("op-auth");
            assert_eq!(told["serving"], json!([current.bundle.reveal()]));
            let retired = told["retired"].as_array().expect("retired bundles").clone();
            assert!(retired.contains(&json!(bundle.bundle.reveal())));
            let again = deployer.announce("again", &[("op-auth", &bundle)]);
            let message = refused(again, "retired_bundle")["message"].clone();
            assert!(
                message.as_str().is_some_and(|text| text.starts_with("op-auth: ")),
                "{message}"
            );
            refused(stage.manager.register("op-auth", &bundle), "retired_bundle");
        }
    }
}

#[test]
fn while_a_release_is_open_another_is_told_which_and_since_when() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let deployers = stage.deployers();
    accepted(deployers[0].announce("first", &[("op-auth", &release(20))]));
    thread::sleep(Duration::from_millis(1100));
    let is_refused = |state: &str| {
        for deployer in &deployers {
            let told =
                refused(deployer.announce("second", &[("op-b", &release(10))]), "release_open");
            assert_eq!(fields(&told), ["ageMs", "error", "message", "release"]);
            assert_eq!(told["release"], "first");
            let age = told["ageMs"].as_u64().expect("an age");
            let message = told["message"].as_str().expect("a message");
            assert!(age >= 1100, "{age}");
            let named = format!("release 'first', announced {} s ago, is {state}; ", age / 1000);
            assert!(message.starts_with(&named), "{message}");
        }
        // Nor can a Worker of it be registered on the side; but others can.
        let told = refused(stage.manager.register("op-auth", &release(0)), "release_open");
        assert_eq!(told["release"], "first");
        accepted(stage.manager.register("op-token", &release(0)));
    };
    is_refused("announced");
    accepted(deployers[1].command("first", "activate"));
    is_refused("cutting_over");
}

#[test]
fn a_rollback_takes_all_workers_back_at_once_and_forward_again() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [outside, inside] = stage.deployers();
    let workers = ["op-auth", "op-token"];
    let releases = [[40, 30], [20, 10]].map(|ages| ages.map(release));
    for (id, [auth, token]) in ["r1", "r2"].iter().zip(&releases) {
        accepted(outside.announce(id, &[(workers[0], auth), (workers[1], token)]));
        accepted(inside.command_after(id, "activate", 0));
    }
    let bundles = releases.map(|bundles| bundles.map(|release| release.bundle));
    let serves = |index: usize| {
        assert_eq!(stage.serving(workers), bundles[index].map(|bundle| bundle.to_string()));
    };
    serves(1);
    assert_eq!([stage.state("r1"), stage.state("r2")], ["superseded", "active"]);

    let back = accepted(inside.command_after("r1", "rollback", 0));
    assert_eq!((back["id"].as_str(), back["state"].as_str()), (Some("r1"), Some("active")));
    assert_eq!((&back["epoch"], cutover(&back)), (&json!(5), [0, 0]), "one change for both");
    serves(0);
    assert_eq!([stage.state("r1"), stage.state("r2")], ["active", "rolled_back"]);
    for (worker, bundle) in workers.iter().zip(bundles[1]) {
        assert_eq!(stage.told(worker)["retired"], json!([bundle.reveal()]));
    }

    let forward = accepted(outside.post("/releases/r2/rollback", &json!({ "after": 0 })));
    assert_eq!((forward["state"].as_str(), &forward["epoch"]), (Some("active"), &json!(6)));
    serves(1);
    assert_eq!([stage.state("r1"), stage.state("r2")], ["superseded", "active"]);
    // By default guards are told before it comes, and strictly if that is asked for.
    assert_eq!(cutover(&accepted(inside.command("r1", "rollback"))), [AHEAD, AHEAD]);
    let strictly = accepted(outside.post("/releases/r2/rollback", &json!({ "strict": true })));
    let [stops, starts] = cutover(&strictly);
    assert_eq!(starts - stops, BAND);
}

#[test]
fn a_registration_is_a_release_that_is_named_by_its_epoch() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, new] = [20, 10].map(release);
    for release in [&old, &new] {
        accepted(stage.manager.register("op-auth", release));
    }
    let listed = accepted(stage.deployers()[0].get("/releases"));
    let ids: Vec<_> = listed["releases"].as_array().expect("releases").iter().collect();
    assert_eq!(ids.iter().map(|one| &one["id"]).collect::<Vec<_>>(), ["@2", "@1"], "last first");
    let shown = stage.shown("@2");
    assert_eq!((&shown["state"], &shown["share"]), (&json!("active"), &json!(false)));
    assert_eq!(shown["workers"]["op-auth"]["bundle"], new.bundle.to_string());
    assert_eq!(shown["cutover"]["startsAt"], shown["announcedAt"]);
    assert_eq!(stage.state("@1"), "superseded");
    let back = accepted(stage.deployers()[1].command_after("@1", "rollback", 0));
    assert_eq!((&back["id"], &back["state"]), (&json!("@1"), &json!("active")));
    assert_eq!(stage.serving(["op-auth"]), [old.bundle.to_string()]);
    assert_eq!(stage.state("@2"), "rolled_back");
    // The next registration is named by its own epoch.
    assert_eq!(accepted(stage.manager.register("op-auth", &release(5)))["epoch"], 4);
    assert_eq!(stage.state("@4"), "active");
}
