//! Every route of the manager, inside and outside: what it answers, and to whom.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use skewguard_domain::DeployTime;
use skewguard_lab::{Answer, CodeFormat, Lab, Manager, ManagerSetup, Outgoing, Release};

/// A UUID and its other spelling.
const UUID: [&str; 2] =
    ["6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10", "6F1C1D5E-3B0A-4C57-9A43-0D1F5A7A2B10"];

/// A moment of 2020 in three offsets, the first of them UTC.
const MOMENT: [&str; 3] =
    ["2020-03-01T12:00:00Z", "2020-03-01T14:00:00+02:00", "2020-03-01T03:30:00.000-08:30"];

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

    fn send(&self, method: &str, url: &str, outgoing: Outgoing) -> Answer {
        self.lab.client().send(method, url, outgoing).expect("an answer")
    }

    /// Registers at the public route, and expects that to succeed.
    fn register(&self, worker: &str, release: &Release) -> Value {
        accepted(&self.manager.register(worker, release).expect("an answer"))
    }

    /// What guards of all Workers are told.
    fn manifest(&self) -> Value {
        let url = format!("{}/manifest", self.manager.object_url());
        accepted(&self.send("GET", &url, Outgoing::new().private()))
    }

    /// What a guard of a Worker is told.
    fn version(&self, worker: &str) -> Value {
        accepted(&self.manager.version(worker).expect("an answer"))
    }

    fn status(&self) -> Value {
        accepted(&self.manager.status().expect("an answer"))
    }
}

fn accepted(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "code {}", answer.code());
    answer.json()
}

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

fn moment(value: &Value) -> DeployTime {
    value.as_str().expect("a text").parse().expect("an RFC 3339 date and time")
}

/// The names of a JSON object's fields.
fn fields(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn inside_a_guard_reads_the_current_bundle_of_its_worker_without_a_token() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let unknown = stage.manager.version("op-auth").expect("an answer");
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "unknown_worker"));

    let (before, current) = (release(0).deploy_time, release(10));
    stage.register("op-auth", &current);
    let version = stage.version("op-auth");
    assert_eq!(fields(&version), ["deployTime", "maxAgeMs", "registeredAt", "uuid"]);
    assert_eq!(version["uuid"], current.bundle.reveal());
    assert_eq!(moment(&version["deployTime"]), current.deploy_time);
    assert_eq!(version["maxAgeMs"], 5000);
    let registered_at = moment(&version["registeredAt"]);
    assert!(before <= registered_at && registered_at <= release(0).deploy_time);

    let other = stage.manager.version("op-token").expect("an answer");
    assert_eq!((other.status, other.code().as_str()), (404, "unknown_worker"));
}

#[test]
fn inside_the_manifest_has_what_every_guard_is_told() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let nothing = json!({ "epoch": 0, "maxAgeMs": 5000, "workers": {} });
    assert_eq!(stage.manifest(), nothing);
    for worker in ["op-token", "op-auth", "0"] {
        stage.register(worker, &release(10));
    }
    let manifest = stage.manifest();
    assert_eq!(manifest["epoch"], 3);
    assert_eq!(fields(&manifest["workers"]), ["0", "op-auth", "op-token"]);
    for worker in fields(&manifest["workers"]) {
        let version = stage.version(worker);
        let told = json!({ "serving": [version["uuid"]], "newest": version["deployTime"] });
        assert_eq!(manifest["workers"][worker], told);
    }
}

#[test]
fn at_both_doors_a_registration_is_answered_with_its_bundle_and_epoch() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    for (index, door) in stage.manager.doors().iter().enumerate() {
        let (worker, release) = (["op-auth", "op-token"][index], release(10));
        let outgoing = Outgoing::new().token(lab.secret()).json(&release.registration());
        let answer = stage.send("POST", &format!("{door}/version/{worker}"), outgoing);
        let expected = json!({
            "worker": worker,
            "bundle": release.bundle.reveal()[..8],
            "deployTime": release.deploy_time.to_string(),
            "registeredAt": stage.version(worker)["registeredAt"],
            "epoch": index + 1,
        });
        assert_eq!(accepted(&answer), expected);
    }
}

#[test]
fn at_both_doors_the_status_has_every_bundle_and_8_characters_of_its_uuid() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [first, second, third] = [30, 20, 10].map(release);
    for release in [&first, &second, &third] {
        stage.register("op-auth", release);
    }
    stage.manager.roll_back("op-auth", &first).expect("an answer");
    stage.register("op-token", &third);

    let status = stage.status();
    let url = format!("{}/version-manager/status", stage.manager.object_url());
    let inside = stage.send("GET", &url, Outgoing::new().token(lab.secret()));
    assert_eq!(accepted(&inside), status);
    assert_eq!(fields(&status), ["epoch", "manager", "maxAgeMs", "workers"]);
    assert_eq!(status["epoch"], 5);
    assert_eq!(fields(&status["workers"]), ["op-auth", "op-token"]);
    let auth = &status["workers"]["op-auth"];
    assert_eq!(fields(&auth["current"]), ["bundle", "deployTime", "registeredAt"]);
    assert_eq!(auth["current"]["bundle"], first.bundle.to_string());
    let retired = auth["retired"].as_array().expect("a history");
    assert_eq!(retired.len(), 2);
    let expected = [(&third, "rolled_back"), (&second, "superseded")];
    for (entry, (release, retirement)) in retired.iter().zip(expected) {
        assert_eq!(entry["bundle"], release.bundle.reveal()[..8]);
        assert_eq!(entry["retirement"], retirement);
        assert!(moment(&entry["registeredAt"]) <= moment(&entry["retiredAt"]));
    }
    assert_eq!(status["workers"]["op-token"]["retired"], json!([]));
}

#[test]
fn outside_there_is_no_way_to_read_a_version() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let current = release(10);
    stage.register("op-auth", &current);
    let paths = [
        ("/", 404),
        ("/manifest", 404),
        ("/version/op-auth", 404),
        ("/version-manager/status", 404),
        ("/api/internal", 404),
        ("/api/internal/", 404),
        ("/api/internal/manifest", 404),
        ("/api/internal/manifest/", 404),
        ("/api/internal//manifest", 404),
        ("/api/internal/%6danifest", 404),
        ("/api/internal/../manifest", 404),
        ("/api/internal/version-manager/../manifest", 404),
        ("/API/internal/version/op-auth", 404),
        ("/api/internal/version", 404),
        ("/api/internal/version/op-auth/", 404),
        ("/api/internal/version/op-auth", 405),
        ("/api/internal/version/op-auth?method=POST", 405),
        ("/api/internal/version/op-token", 405),
    ];
    // The lab looks for whole UUIDs in all of these answers when it ends.
    for (path, expected) in paths {
        for token in [None, Some(lab.secret()), Some(lab.read_secret())] {
            let outgoing = token.map_or_else(Outgoing::new, |token| Outgoing::new().token(token));
            let url = format!("{}{path}", stage.manager.public_url());
            let answer = stage.send("GET", &url, outgoing);
            assert_eq!(answer.status, expected, "{path}");
            assert!(!answer.body.contains(&current.bundle.to_string()), "{path}");
            let allow = (expected == 405).then_some("POST");
            assert_eq!(answer.header("Allow"), allow, "{path}");
        }
    }
}

#[test]
fn to_register_a_bundle_again_however_it_is_written_changes_nothing() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let body = |uuid: &str, moment: &str| json!({ "uuid": uuid, "deployTime": moment });
    let mut bodies = vec![body(UUID[0], MOMENT[0])];
    bodies.push(body(UUID[1], MOMENT[0]));
    bodies.extend(MOMENT.map(|moment| body(UUID[0], moment)));
    for rollback in [true, false] {
        let mut repetition = body(UUID[0], MOMENT[0]);
        repetition["rollback"] = rollback.into();
        bodies.push(repetition);
    }
    let mut newer = body(UUID[0], MOMENT[0]);
    newer["release"] = json!({ "from": ["a later version"], "of": null });
    bodies.push(newer);

    let (mut answers, mut statuses) = (Vec::new(), Vec::new());
    for body in &bodies {
        for door in stage.manager.doors() {
            let outgoing = Outgoing::new().token(lab.secret()).json(body);
            let answer = stage.send("POST", &format!("{door}/version/op-auth"), outgoing);
            answers.push(accepted(&answer));
            statuses.push(stage.status());
        }
    }
    assert_eq!(answers[0]["epoch"], 1);
    assert_eq!(answers[0]["bundle"], UUID[0][..8]);
    assert_eq!(answers[0]["deployTime"], MOMENT[0], "it is kept in UTC");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(statuses.iter().all(|status| *status == statuses[0]));
    assert_eq!(stage.version("op-auth")["uuid"], UUID[0]);
}

#[test]
fn a_newer_bundle_takes_over_and_an_older_one_only_as_a_rollback() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, middle, new] = [30, 20, 10].map(release);
    let serving = |expected: &Release| {
        assert_eq!(stage.version("op-auth")["uuid"], expected.bundle.reveal());
    };
    stage.register("op-auth", &middle);
    stage.register("op-auth", &new);
    serving(&new);
    let late = stage.manager.register("op-auth", &old).expect("an answer");
    assert_eq!((late.status, late.code().as_str()), (409, "older_deploy_time"));
    serving(&new);
    // One back to a bundle that served before, one to a bundle that never did.
    for target in [&middle, &old] {
        accepted(&stage.manager.roll_back("op-auth", target).expect("an answer"));
        serving(target);
    }
    stage.register("op-auth", &release(5));
}

#[test]
fn after_a_rollback_guards_are_told_which_newer_bundles_are_retired() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [good, bad, worse] = [30, 20, 10].map(release);
    for release in [&good, &bad, &worse] {
        stage.register("op-auth", release);
        // What is older than the current bundle needs no naming.
        assert_eq!(stage.version("op-auth").get("retired"), None);
    }
    let before = stage.version("op-auth")["registeredAt"].clone();
    accepted(&stage.manager.roll_back("op-auth", &good).expect("an answer"));
    let version = stage.version("op-auth");
    let retired = [&bad, &worse].map(|release| release.bundle.reveal());
    assert_eq!(version["retired"], json!(retired));
    let told = &stage.manifest()["workers"]["op-auth"];
    assert_eq!(told["serving"], json!([version["uuid"]]));
    assert_eq!(told["newest"], version["deployTime"]);
    assert_eq!(told["retired"], version["retired"]);
    assert!(moment(&version["registeredAt"]) <= moment(&before), "it is the first registration's");
    accepted(&stage.manager.roll_back("op-auth", &worse).expect("an answer"));
    assert_eq!(stage.version("op-auth").get("retired"), None);
}

#[test]
fn every_answer_is_json_that_nobody_may_keep() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    stage.register("op-auth", &release(20));
    let token = || Outgoing::new().token(lab.secret());
    let requests = [
        ("POST", "/version/op-auth", token().json(&release(10).registration())),
        ("POST", "/version/op-auth", token().json(&release(60).registration())),
        ("POST", "/version/op-auth", token().json(&json!([]))),
        ("POST", "/version/op-auth", token()),
        ("POST", "/version/op-auth", Outgoing::new()),
        ("GET", "/version-manager/status", token()),
        ("GET", "/version-manager/status", Outgoing::new()),
        ("PUT", "/version-manager/status", token()),
        ("GET", "/version/op-auth", Outgoing::new().private()),
        ("GET", "/version/op-token", Outgoing::new()),
        ("GET", "/manifest", Outgoing::new().private()),
        ("GET", "/", Outgoing::new()),
    ];
    for (method, path, outgoing) in requests {
        for door in stage.manager.doors() {
            let answer = stage.send(method, &format!("{door}{path}"), outgoing.clone());
            let what = format!("{method} {door}{path}: {}", answer.status);
            assert_eq!(answer.header("Content-Type"), Some("application/json"), "{what}");
            assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{what}");
            assert_eq!(answer.header("Access-Control-Allow-Origin"), None, "{what}");
            assert!(answer.json().is_object(), "{what}");
        }
    }
}

#[test]
fn what_is_registered_survives_a_restart() {
    let lab = Lab::new().expect("a lab");
    let mut stage = Stage::new(&lab);
    let [old, new] = [20, 10].map(release);
    for release in [&old, &new] {
        stage.register("op-auth", release);
        stage.register("op-token", release);
    }
    accepted(&stage.manager.roll_back("op-auth", &old).expect("an answer"));
    // When the manager started is the one thing that a restart does change.
    let seen = |stage: &Stage<'_>| {
        let mut status = stage.status();
        status["manager"]["startedAt"] = Value::Null;
        (stage.manifest(), status)
    };
    let before = seen(&stage);
    stage.manager.kill();
    stage.manager.start_again().expect("a manager");
    assert_eq!(seen(&stage), before);
    let answer = stage.register("op-auth", &release(5));
    assert_eq!(answer["epoch"], 6, "it counts on");
}

#[test]
fn of_110_bundles_the_100_newest_are_kept() {
    let lab = Lab::new().expect("a lab");
    let mut stage = Stage::new(&lab);
    let releases: Vec<_> = (0..110).map(|index| release(1000 - index)).collect();
    for release in &releases {
        stage.register("op-auth", release);
    }
    let kept = |status: &Value| {
        let worker = &status["workers"]["op-auth"];
        let retired = worker["retired"].as_array().expect("a history").iter();
        let bundles = std::iter::once(&worker["current"]).chain(retired);
        bundles.map(|entry| entry["bundle"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let newest: Vec<_> =
        releases.iter().rev().take(100).map(|release| release.bundle.to_string()).collect();
    let in_memory: Vec<String> = kept(&stage.status());
    assert_eq!(in_memory, newest);
    stage.manager.start_again().expect("a manager");
    let stored: Vec<String> = kept(&stage.status());
    assert_eq!(stored, newest);
}

#[test]
fn of_bundles_that_are_registered_at_once_the_newest_serves() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let releases: Vec<_> = (0..16).map(|index| release(100 - index)).collect();
    let answers: Vec<_> = thread::scope(|scope| {
        let post = |release| stage.manager.register("op-auth", release).expect("an answer");
        let threads: Vec<_> = releases.iter().map(|one| scope.spawn(move || post(one))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    for answer in &answers {
        let code = answer.code();
        assert!(matches!((answer.status, code.as_str()), (200, "") | (409, "older_deploy_time")));
    }
    assert_eq!(stage.version("op-auth")["uuid"], releases[15].bundle.reveal());
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(stage.status()["epoch"], accepted, "each change has an epoch of its own");
}

#[test]
fn a_deployer_whose_clock_is_4_minutes_ahead_can_deploy() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let ahead = release(0).deploy_time.as_timestamp().after(Duration::from_secs(4 * 60));
    let deploy_time = DeployTime::try_from(ahead).expect("a deploy time");
    stage.register("op-auth", &Release { deploy_time, ..release(0) });
    assert_eq!(moment(&stage.version("op-auth")["deployTime"]), deploy_time);
}
