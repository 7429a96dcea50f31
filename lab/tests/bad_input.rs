//! What the manager must not take: every request here is refused with a stable code, outside and
//! inside; the answer tells nothing of what was sent, and nothing changes.

use std::time::Duration;

use serde_json::{Value, json};
use skewguard_domain::DeployTime;
use skewguard_lab::{Answer, CodeFormat, Lab, Manager, ManagerSetup, Outgoing, Release};

/// Stands in whatever a client may write freely; no answer may have it.
const CANARY: &str = "canary";

/// The path of a registration, and a good body for it.
const PATH: &str = "/version/op-auth";
const UUID: &str = "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10";
const DEPLOY_TIME: &str = "2020-03-01T12:00:00Z";

/// A lab with a manager that knows a good registration.
struct Stage<'a> {
    lab: &'a Lab,
    manager: Manager<'a>,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab) -> Self {
        let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
        let stage = Self { lab, manager };
        assert_eq!(stage.post(&good()).status, 200);
        stage
    }

    fn post(&self, body: &Value) -> Answer {
        let outgoing = Outgoing::new().token(self.lab.secret()).json(body);
        self.send("POST", &format!("{}{PATH}", self.manager.doors()[0]), outgoing)
    }

    fn send(&self, method: &str, url: &str, outgoing: Outgoing) -> Answer {
        self.lab.client().send(method, url, outgoing).expect("an answer")
    }

    fn status(&self) -> Value {
        let answer = self.manager.status().expect("an answer");
        assert_eq!(answer.status, 200, "the manager still answers");
        answer.json()
    }

    /// Sends a request to both doors, and expects `status` and `code` from both.
    fn refuses(&self, method: &str, path: &str, outgoing: &Outgoing, status: u16, code: &str) {
        for door in self.manager.doors() {
            self.refuses_at(&door, method, path, outgoing, status, code);
        }
    }

    fn refuses_at(
        &self,
        door: &str,
        method: &str,
        path: &str,
        outgoing: &Outgoing,
        status: u16,
        code: &str,
    ) -> Answer {
        let outgoing = outgoing.clone().header("X-Note", CANARY);
        let answer = self.send(method, &format!("{door}{path}?{CANARY}"), outgoing);
        let what = format!("{method} {door}{path} -> {} {}", answer.status, answer.body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
        let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(!message.is_empty(), "{what}");
        assert!(!answer.body.to_lowercase().contains(CANARY), "{what}");
        assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{what}");
        assert_eq!(answer.header("WWW-Authenticate").is_some(), status == 401, "{what}");
        assert_eq!(answer.header("Allow").is_some(), status == 405, "{what}");
        answer
    }

    /// Expects that `requests` change nothing.
    fn unchanged_by(&self, requests: impl FnOnce()) {
        let before = self.status();
        requests();
        assert_eq!(self.status(), before);
    }
}

fn good() -> Value {
    json!({ "uuid": UUID, "deployTime": DEPLOY_TIME })
}

/// A good registration with another value in a field.
fn with(field: &str, value: Value) -> String {
    let mut body = good();
    body[field] = value;
    body.to_string()
}

fn without(field: &str) -> String {
    let mut body = good();
    body.as_object_mut().expect("an object").remove(field);
    body.to_string()
}

/// A registration of a bundle that the manager does not know.
fn unknown(deploy_time: &str, rollback: bool) -> String {
    let uuid = Release::new(CodeFormat::One, 0).bundle.reveal();
    json!({ "uuid": uuid, "deployTime": deploy_time, "rollback": rollback }).to_string()
}

fn in_the_future(seconds: u64) -> String {
    let now = Release::new(CodeFormat::One, 0).deploy_time.as_timestamp();
    let ahead = DeployTime::try_from(now.after(Duration::from_secs(seconds)));
    ahead.expect("a deploy time").to_string()
}

#[test]
fn without_the_right_token_nothing_opens() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let secret = lab.secret();
    let headers = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {CANARY}-of-more-than-32-characters-000000")),
        Some(format!("Bearer {}", secret.to_uppercase())),
        Some(format!("Bearer {secret}{secret}")),
        Some(format!("Bearer {secret}, Bearer {secret}")),
        Some(format!("Basic {secret}")),
        Some(format!("Token {secret}")),
        Some(format!("Bearer:{secret}")),
        Some(secret.to_owned()),
    ];
    stage.unchanged_by(|| {
        for header in headers {
            let outgoing = match header {
                None => Outgoing::new(),
                Some(value) => Outgoing::new().header("Authorization", &value),
            };
            let newer = json!({ "uuid": UUID, "deployTime": in_the_future(0) });
            stage.refuses("POST", PATH, &outgoing.clone().json(&newer), 401, "unauthorized");
            stage.refuses("GET", "/version-manager/status", &outgoing, 401, "unauthorized");
            // Who may not register does not learn what would be wrong with it.
            let worse = outgoing.body(vec![b'['; 100_000]);
            stage.refuses("POST", "/version/_", &worse, 401, "unauthorized");
        }
    });
}

#[test]
fn a_body_that_is_no_registration_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let nested = format!("{{\"uuid\":{}", "[".repeat(30_000));
    let (uuid, time) = ("invalid_uuid", "invalid_deploy_time");
    let cases: &[(String, &str)] = &[
        (String::new(), "invalid_json"),
        (CANARY.to_owned(), "invalid_json"),
        (format!("uuid={UUID}&deployTime={DEPLOY_TIME}"), "invalid_json"),
        (good().to_string().replace('}', ""), "invalid_json"),
        (format!("{} {CANARY}", good()), "invalid_json"),
        (format!("\u{feff}{}", good()), "invalid_json"),
        (json!([good()]).to_string(), "invalid_json"),
        (json!(CANARY).to_string(), "invalid_json"),
        ("null".to_owned(), "invalid_json"),
        ("7".to_owned(), "invalid_json"),
        (nested, "invalid_json"),
        ("{}".to_owned(), "missing_field"),
        (without("uuid"), "missing_field"),
        (without("deployTime"), "missing_field"),
        (json!({ "UUID": UUID, "deploy_time": DEPLOY_TIME }).to_string(), "missing_field"),
        (with("uuid", json!([UUID])), uuid),
        (with("uuid", json!([])), uuid),
        (with("uuid", json!({ CANARY: UUID })), uuid),
        (with("uuid", json!(1)), uuid),
        (with("uuid", Value::Null), uuid),
        (with("uuid", json!("")), uuid),
        (with("uuid", json!(CANARY)), uuid),
        (with("uuid", json!("v1.2.3")), uuid),
        (with("uuid", json!(UUID[..35])), uuid),
        (with("uuid", json!(format!("{UUID}0"))), uuid),
        (with("uuid", json!(format!(" {UUID}"))), uuid),
        (with("uuid", json!(format!("{UUID}\n"))), uuid),
        (with("uuid", json!(format!("{UUID}\0"))), uuid),
        (with("uuid", json!(UUID.replace('6', "g"))), uuid),
        (with("uuid", json!(UUID.replace('6', "６"))), uuid),
        (with("deployTime", Value::Null), time),
        (with("deployTime", json!(1_583_064_000_000_u64)), time),
        (with("deployTime", json!([DEPLOY_TIME])), time),
        (with("deployTime", json!("1583064000000")), time),
        (with("deployTime", json!("")), time),
        (with("deployTime", json!(CANARY)), time),
        (with("deployTime", json!("2020-03-01")), time),
        (with("deployTime", json!("2020-03-01T12:00:00")), time),
        (with("deployTime", json!("2020-03-01T12:00Z")), time),
        (with("deployTime", json!("2020-03-01T12:00:00+0200")), time),
        (with("deployTime", json!("2020-03-01T24:00:00Z")), time),
        (with("deployTime", json!("2020-03-01T12:60:00Z")), time),
        (with("deployTime", json!("2026-02-30T12:00:00Z")), time),
        (with("deployTime", json!("2021-02-29T12:00:00Z")), time),
        (with("deployTime", json!("2020-13-01T12:00:00Z")), time),
        (with("deployTime", json!("+02020-03-01T12:00:00Z")), time),
        // In UTC, these are years that RFC 3339 cannot write.
        (with("deployTime", json!("9999-12-31T23:59:59-00:01")), time),
        (with("deployTime", json!("0000-01-01T00:00:00+00:01")), time),
        (with("deployTime", json!(format!("{DEPLOY_TIME} "))), time),
        (unknown(&in_the_future(6 * 60), false), "deploy_time_in_future"),
        (unknown("2999-01-01T00:00:00Z", false), "deploy_time_in_future"),
        (unknown("9999-12-31T23:59:59Z", true), "deploy_time_in_future"),
        (with("rollback", json!("true")), "invalid_rollback"),
        (with("rollback", json!(1)), "invalid_rollback"),
        (with("rollback", json!([true])), "invalid_rollback"),
        (with("rollback", json!({ CANARY: true })), "invalid_rollback"),
        (with("rollback", Value::Null), "invalid_rollback"),
    ];
    let sent = || {
        let token = Outgoing::new().token(lab.secret());
        token.header("Content-Type", "application/json; charset=utf-8")
    };
    stage.unchanged_by(|| {
        for (body, code) in cases {
            stage.refuses("POST", PATH, &sent().body(body.as_str()), 400, code);
            stage.refuses("POST", PATH, &sent().body(body.as_str()).chunked(), 400, code);
        }
        let not_text = [b"{\"uuid\":\"\xff\xfe".as_slice(), b"\0", &[0xc3; 100]];
        for body in not_text {
            stage.refuses("POST", PATH, &sent().body(body), 400, "invalid_json");
        }
        stage.refuses("POST", PATH, &sent(), 400, "invalid_json");
    });
}

#[test]
fn a_body_that_does_not_say_that_it_is_json_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let types = [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=canary",
        "application/jsonp",
        "application/json-patch+json",
        "application/problem+json",
        "text/plain; application/json",
        "canary/json",
    ];
    stage.unchanged_by(|| {
        let body = || Outgoing::new().token(lab.secret()).body(good().to_string());
        stage.refuses("POST", PATH, &body(), 415, "unsupported_media_type");
        for name in types {
            let outgoing = body().header("Content-Type", name);
            stage.refuses("POST", PATH, &outgoing, 415, "unsupported_media_type");
        }
        for name in ["application/json", "Application/JSON;charset=utf-8"] {
            for door in stage.manager.doors() {
                let outgoing = body().header("Content-Type", name);
                assert_eq!(stage.send("POST", &format!("{door}{PATH}"), outgoing).status, 200);
            }
        }
    });
}

#[test]
fn what_cannot_name_a_worker_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let longest = "a".repeat(63);
    let too_long = "a".repeat(64);
    let names = [
        "",
        "-",
        "-op-auth",
        "Op-auth",
        "CANARY",
        "op-auth,op-token",
        "canary!",
        "op%2Dauth",
        "op%20auth",
        "op-auth%00",
        "..%2fop-auth",
        "%C3%B6p-auth",
        "op-auth'--",
        &too_long,
    ];
    let outgoing = Outgoing::new().token(lab.secret()).json(&good());
    stage.unchanged_by(|| {
        for name in names {
            let path = format!("/version/{name}");
            stage.refuses("POST", &path, &outgoing, 400, "invalid_worker_name");
            let object = stage.manager.object_url();
            let read = Outgoing::new();
            stage.refuses_at(&object, "GET", &path, &read, 400, "invalid_worker_name");
        }
        let answer = stage.manager.version(&longest).expect("an answer");
        assert_eq!(answer.code(), "unknown_worker", "63 characters are a name");
    });
}

#[test]
fn a_path_that_leads_nowhere_is_not_found() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let outgoing = Outgoing::new().token(lab.secret()).json(&good());
    let paths = [
        "/",
        "/canary",
        "/version",
        "/versions/op-auth",
        "/Version/op-auth",
        "/version/op-auth/",
        "/version/op-auth/canary",
        "//version/op-auth",
        "/version//op-auth",
        "/version-manager",
        "/version-manager/",
        "/version-manager/status/",
        "/version-manager/canary",
        "/api/internal/version/op-auth",
        "/.env",
    ];
    // These only begin like the public ones.
    let siblings = ["s", "-canary", "@canary", ":0", "[", "%2f", "/%2e%2e/internals"];
    stage.unchanged_by(|| {
        for path in paths {
            for method in ["GET", "POST", "DELETE"] {
                stage.refuses(method, path, &outgoing, 404, "not_found");
            }
        }
        for sibling in siblings {
            let door = format!("{}{sibling}", stage.manager.doors()[0]);
            stage.refuses_at(&door, "POST", PATH, &outgoing, 404, "not_found");
            for path in [PATH, "/version-manager/status", "/manifest"] {
                let token = Outgoing::new().token(lab.secret());
                stage.refuses_at(&door, "GET", path, &token, 404, "not_found");
            }
        }
    });
}

#[test]
fn a_method_that_a_path_does_not_know_is_told_which_ones_it_does() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let status = "/version-manager/status";
    // The methods allowed outside and inside; none where there is nothing outside.
    let cases = [
        (PATH, ["PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"], Some("POST"), "GET, POST"),
        (status, ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"], Some("GET"), "GET"),
        ("/manifest", ["PUT", "DELETE", "PATCH", "SEARCH", "PURGE"], None, "GET, POST"),
    ];
    let outgoing = Outgoing::new().token(lab.secret()).json(&good());
    let refuses = |door: &str, method: &str, path: &str, allow: Option<&str>| {
        let (status, code) = match allow {
            Some(_) => (405, "method_not_allowed"),
            None => (404, "not_found"),
        };
        let answer = stage.refuses_at(door, method, path, &outgoing, status, code);
        assert_eq!(answer.header("Allow"), allow);
    };
    let [outside, inside] = stage.manager.doors();
    stage.unchanged_by(|| {
        for (path, methods, allowed_outside, allowed_inside) in cases {
            for method in methods {
                refuses(&outside, method, path, allowed_outside);
                refuses(&inside, method, path, Some(allowed_inside));
            }
        }
        refuses(&outside, "GET", PATH, Some("POST"));
    });
}

#[test]
fn what_contradicts_the_ledger_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [first, current, rolled_back] = [30, 20, 10].map(|ago| Release::new(CodeFormat::One, ago));
    for release in [&first, &current, &rolled_back] {
        assert_eq!(stage.post(&release.registration()).status, 200);
    }
    assert_eq!(stage.manager.roll_back("op-auth", &current).expect("an answer").status, 200);
    let redated = |release: &Release, rollback: bool| {
        let uuid = release.bundle.reveal();
        json!({ "uuid": uuid, "deployTime": in_the_future(0), "rollback": rollback })
    };
    let cases = [
        (Release::new(CodeFormat::One, 25).registration(), "older_deploy_time"),
        (Release::new(CodeFormat::One, 100_000).registration(), "older_deploy_time"),
        (first.registration(), "retired_bundle"),
        (rolled_back.registration(), "retired_bundle"),
        (redated(&current, false), "deploy_time_mismatch"),
        (redated(&current, true), "deploy_time_mismatch"),
        (redated(&rolled_back, true), "deploy_time_mismatch"),
        (redated(&first, false), "deploy_time_mismatch"),
    ];
    stage.unchanged_by(|| {
        for (body, code) in cases {
            let outgoing = Outgoing::new().token(lab.secret()).json(&body);
            stage.refuses("POST", PATH, &outgoing, 409, code);
        }
    });
}
