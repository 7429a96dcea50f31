//! What the manager must not take for an announcement: every one here is refused with a stable
//! code, outside and inside; the answer tells nothing of what was sent, and nothing changes.

use serde_json::{Value, json};
use skewguard_lab::{
    CodeFormat, Deployer, Lab, Manager, ManagerSetup, Outgoing, Release, announcement,
};

/// Stands in whatever a client may write freely; no answer may have it.
const CANARY: &str = "canary";

const UUID: &str = "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10";
const DEPLOY_TIME: &str = "2020-03-01T12:00:00Z";

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

    fn deployer(&self) -> Deployer {
        Deployer::new(self.lab, &self.manager.doors()[0])
    }

    /// Announces at both doors, and expects `status` and `code` from both.
    fn refuses(&self, body: &str, status: u16, code: &str) {
        for door in self.manager.doors() {
            let outgoing = Outgoing::new().token(self.lab.secret()).body(body);
            let outgoing = outgoing.header("Content-Type", "application/json");
            let answer = self.lab.client().send("POST", &format!("{door}/releases"), outgoing);
            let answer = answer.expect("an answer");
            let what = format!("{body:.200} -> {} {}", answer.status, answer.body);
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
            let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
            assert!(!message.is_empty(), "{what}");
            assert!(!answer.body.to_lowercase().contains(CANARY), "{what}");
            assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{what}");
        }
    }

    /// Expects that `requests` change nothing, and leave nothing in the audit trail.
    fn unchanged_by(&self, requests: impl FnOnce()) {
        let get = |path| {
            let answer = self.deployer().get(path).expect("an answer");
            assert_eq!(answer.status, 200, "the manager still answers");
            answer.json()
        };
        let before = [get("/version-manager/status"), get("/audit")];
        requests();
        assert_eq!([get("/version-manager/status"), get("/audit")], before);
    }
}

/// A good announcement.
fn good() -> Value {
    json!({
        "id": "next",
        "workers": { "op-token": { "uuid": UUID, "deployTime": DEPLOY_TIME } },
    })
}

/// A good announcement with another value in a field.
fn with(field: &str, value: Value) -> String {
    let mut body = good();
    body[field] = value;
    body.to_string()
}

/// A good announcement with another value in a field of its bundle.
fn with_bundle(field: &str, value: Value) -> String {
    let mut body = good();
    body["workers"]["op-token"][field] = value;
    body.to_string()
}

/// A good announcement with another bundle, and a second one.
fn with_worker(name: &str, bundle: Value) -> String {
    let mut body = good();
    body["workers"][name] = bundle;
    body.to_string()
}

fn without(field: &str) -> String {
    let mut body = good();
    body.as_object_mut().expect("an object").remove(field);
    body.to_string()
}

/// An announcement of what there cannot be.
fn strict_and_shared() -> String {
    let mut body = good();
    body["strict"] = true.into();
    body["share"] = true.into();
    body.to_string()
}

/// A good announcement of so many Workers.
fn of_workers(count: usize) -> String {
    let bundle = &good()["workers"]["op-token"];
    let workers = (0..count).map(|index| (format!("w{index}"), bundle.clone()));
    with("workers", workers.collect::<serde_json::Map<_, _>>().into())
}

#[test]
fn a_body_that_announces_nothing_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let (id, workers, name) = ("invalid_release_id", "invalid_workers", "invalid_worker_name");
    let bundle = good()["workers"]["op-token"].clone();
    let simple = UUID.replace('-', "");
    let cases: &[(String, &str)] = &[
        (String::new(), "invalid_json"),
        (CANARY.to_owned(), "invalid_json"),
        (good().to_string().replace('}', ""), "invalid_json"),
        (format!("{} {CANARY}", good()), "invalid_json"),
        (json!([good()]).to_string(), "invalid_json"),
        ("null".to_owned(), "invalid_json"),
        (format!("{{\"id\":{}", "[".repeat(30_000)), "invalid_json"),
        ("{}".to_owned(), "missing_field"),
        (without("id"), "missing_field"),
        (without("workers"), "missing_field"),
        (with("id", Value::Null), id),
        (with("id", json!(7)), id),
        (with("id", json!(["next"])), id),
        (with("id", json!({ CANARY: "next" })), id),
        (with("id", json!("")), id),
        (with("id", json!("CANARY")), id),
        (with("id", json!("-next")), id),
        (with("id", json!(".next")), id),
        (with("id", json!("canary/next")), id),
        (with("id", json!("canary next")), id),
        (with("id", json!("next\n")), id),
        (with("id", json!("next\0")), id),
        (with("id", json!("ñext")), id),
        (with("id", json!("__proto__")), id),
        (with("id", json!("a".repeat(64))), id),
        // Names are shown in full, so none may be a UUID, however it is written.
        (with("id", json!(UUID)), id),
        (with("id", json!(simple)), id),
        (with("id", json!(UUID.to_uppercase())), id),
        // Those that begin with `@` are for registrations.
        (with("id", json!("@1")), id),
        (with("id", json!("@18446744073709551615")), id),
        (with("id", json!("@01")), id),
        (with("id", json!("@canary")), id),
        (with("id", json!("@")), id),
        (with("workers", Value::Null), workers),
        (with("workers", json!({})), workers),
        (with("workers", json!([bundle])), workers),
        (with("workers", json!([["op-token", bundle]])), workers),
        (with("workers", json!("op-token")), workers),
        (of_workers(101), workers),
        (with_worker("", bundle.clone()), name),
        (with_worker("Op-Token", bundle.clone()), name),
        (with_worker("-op", bundle.clone()), name),
        (with_worker("op token", bundle.clone()), name),
        (with_worker("__proto__", bundle.clone()), name),
        (with_worker(&"a".repeat(64), bundle.clone()), name),
        (with_worker(&UUID.to_uppercase(), bundle), name),
        (with_worker("op-b", json!({})), "missing_field"),
        (with_worker("op-b", json!({ "uuid": UUID })), "missing_field"),
        (with_worker("op-b", Value::Null), "missing_field"),
        (with_worker("op-b", json!(UUID)), "missing_field"),
        (with_worker("op-b", json!([UUID, DEPLOY_TIME])), "missing_field"),
        (with_bundle("uuid", json!([UUID])), "invalid_uuid"),
        (with_bundle("uuid", json!(1)), "invalid_uuid"),
        (with_bundle("uuid", Value::Null), "invalid_uuid"),
        (with_bundle("uuid", json!(CANARY)), "invalid_uuid"),
        (with_bundle("uuid", json!(UUID[..35])), "invalid_uuid"),
        (with_bundle("deployTime", json!(1_583_064_000_000_u64)), "invalid_deploy_time"),
        (with_bundle("deployTime", json!("2020-03-01")), "invalid_deploy_time"),
        (with_bundle("deployTime", json!(CANARY)), "invalid_deploy_time"),
        (with_bundle("deployTime", Value::Null), "invalid_deploy_time"),
        (with("strict", json!("true")), "invalid_strict"),
        (with("strict", json!(1)), "invalid_strict"),
        (with("strict", Value::Null), "invalid_strict"),
        (with("share", json!("false")), "invalid_share"),
        (with("share", json!([])), "invalid_share"),
        (with("share", Value::Null), "invalid_share"),
        // What takes over strictly shares with nothing.
        (strict_and_shared(), "invalid_share"),
    ];
    stage.unchanged_by(|| {
        for (body, code) in cases {
            stage.refuses(body, 400, code);
        }
    });
    let most = serde_json::from_str(&of_workers(100)).expect("JSON");
    let answer = stage.deployer().post("/releases", &most).expect("an answer");
    assert_eq!(answer.status, 200, "100 Workers may be in a release");
}

#[test]
fn a_release_whose_bundles_contradict_the_ledger_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, current] = [30, 20].map(|ago| Release::new(CodeFormat::One, ago));
    let deployer = stage.deployer();
    let other = [("op-auth", &old)];
    assert_eq!(deployer.announce("aborted", &other).expect("an answer").status, 200);
    assert_eq!(deployer.command("aborted", "abort").expect("an answer").status, 200);
    for release in [&old, &current] {
        let answer = stage.manager.register("op-token", release).expect("an answer");
        assert_eq!(answer.status, 200);
    }
    let older = Release::new(CodeFormat::One, 25);
    let redated = Release { deploy_time: older.deploy_time, ..current.clone() };
    let ahead =
        with_bundle("deployTime", json!("2999-01-01T00:00:00Z")).replace("op-token", "op-b");
    let of = |release: &Release| announcement("next", &[("op-token", release)]).to_string();
    let cases = [
        (of(&old), 409, "retired_bundle"),
        (of(&older), 409, "older_deploy_time"),
        (of(&redated), 409, "deploy_time_mismatch"),
        (ahead, 400, "deploy_time_in_future"),
        (announcement("aborted", &[("op-auth", &current)]).to_string(), 409, "release_exists"),
    ];
    stage.unchanged_by(|| {
        for (body, status, code) in cases {
            stage.refuses(&body, status, code);
        }
    });
}
