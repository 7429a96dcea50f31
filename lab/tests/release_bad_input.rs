//! What the routes of releases must not take: every request here is refused with a stable code,
//! outside and inside; the answer tells nothing of what was sent, and nothing changes.

use serde_json::{Value, json};
use skewguard_lab::{Answer, CodeFormat, Deployer, Lab, Manager, ManagerSetup, Outgoing, Release};

/// Stands in whatever a client may write freely; no answer may have it.
const CANARY: &str = "canary";

const UUID: &str = "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10";
const DEPLOY_TIME: &str = "2020-03-01T12:00:00Z";

/// The most that a body may have, in bytes.
const LIMIT: usize = 64 * 1024;

/// The commands of a release that is there, open, and not yet activated.
const COMMANDS: [&str; 4] = [
    "/releases/open/activate",
    "/releases/open/promote",
    "/releases/open/abort",
    "/releases/open/rollback",
];

/// A lab with a manager that knows an open release of `op-auth`.
struct Stage<'a> {
    lab: &'a Lab,
    manager: Manager<'a>,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab) -> Self {
        let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
        let stage = Self { lab, manager };
        let open = Release::new(CodeFormat::One, 10);
        let answer = stage.deployer().announce("open", &[("op-auth", &open)]);
        assert_eq!(answer.expect("an answer").status, 200);
        stage
    }

    fn deployer(&self) -> Deployer {
        Deployer::new(self.lab, &self.manager.doors()[0])
    }

    fn token(&self) -> Outgoing {
        Outgoing::new().token(self.lab.secret())
    }

    fn send(&self, method: &str, url: &str, outgoing: &Outgoing) -> Answer {
        self.lab.client().send(method, url, outgoing.clone()).expect("an answer")
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
        let answer = self.send(method, &format!("{door}{path}"), &outgoing);
        let what = format!("{method} {door}{path} -> {} {}", answer.status, answer.body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}");
        assert!(answer.json()["message"].as_str().is_some_and(|text| !text.is_empty()), "{what}");
        let told = answer.body.to_lowercase();
        assert!(!told.contains(CANARY) && !told.contains(UUID), "{what}");
        assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{what}");
        assert_eq!(answer.header("WWW-Authenticate").is_some(), status == 401, "{what}");
        assert_eq!(answer.header("Allow").is_some(), status == 405, "{what}");
        answer
    }

    /// Expects that `requests` change nothing, and leave nothing in the audit trail.
    fn unchanged_by(&self, requests: impl FnOnce()) {
        let known = || {
            let get = |path| self.deployer().get(path).expect("an answer").json();
            let mut releases = get("/releases");
            for release in releases["releases"].as_array_mut().expect("releases") {
                release["ageMs"] = Value::Null;
            }
            let audit = get("/audit");
            assert!(audit["entries"].is_array(), "{audit}");
            (releases, audit)
        };
        let before = known();
        requests();
        assert_eq!(known(), before);
    }
}

/// A good announcement.
fn good() -> Value {
    json!({
        "id": "next",
        "workers": { "op-token": { "uuid": UUID, "deployTime": DEPLOY_TIME } },
    })
}

#[test]
fn a_body_that_says_nothing_of_a_cutover_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [activate, promote, abort, rollback] = COMMANDS;
    stage.unchanged_by(|| {
        let refuses = |path: &str, body: &str, code: &str| {
            let outgoing = stage.token().header("Content-Type", "application/json").body(body);
            stage.refuses("POST", path, &outgoing, 400, code);
            stage.refuses("POST", path, &outgoing.chunked(), 400, code);
        };
        for body in [CANARY, "[]", "null", "7", "\"after\"", "{\"after\":0", "{} {}", " "] {
            for path in [activate, promote, abort, rollback] {
                refuses(path, body, "invalid_json");
            }
        }
        for after in [
            "-1",
            "3600001",
            "0.5",
            "1e3",
            "\"0\"",
            "null",
            "[0]",
            "{}",
            "true",
            "18446744073709551616",
        ] {
            for path in [activate, promote, rollback] {
                refuses(path, &format!("{{\"after\":{after}}}"), "invalid_after");
            }
        }
        // Of two, the last one counts.
        refuses(activate, "{\"after\":0,\"after\":-1}", "invalid_after");
        for strict in ["1", "\"true\"", "null", "[]"] {
            refuses(rollback, &format!("{{\"strict\":{strict}}}"), "invalid_strict");
        }
    });
}

#[test]
fn a_body_that_is_too_long_or_does_not_say_that_it_is_json_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let mut padded = good().to_string();
    padded.push_str(&" ".repeat(LIMIT + 1 - padded.len()));
    let too_long = " ".repeat(LIMIT + 1);
    stage.unchanged_by(|| {
        let all = || COMMANDS.into_iter().map(|path| (path, &too_long));
        for (path, body) in std::iter::once(("/releases", &padded)).chain(all()) {
            let body = stage.token().header("Content-Type", "application/json").body(body.as_str());
            for outgoing in [body.clone(), body.chunked()] {
                stage.refuses("POST", path, &outgoing, 413, "payload_too_large");
            }
        }
        for path in std::iter::once("/releases").chain(COMMANDS) {
            let body = || stage.token().body(good().to_string());
            for name in
                ["", "text/plain", "application/jsonp", "multipart/form-data; boundary=canary"]
            {
                let outgoing = body().header("Content-Type", name);
                stage.refuses("POST", path, &outgoing, 415, "unsupported_media_type");
            }
            stage.refuses("POST", path, &body(), 415, "unsupported_media_type");
        }
        // An announcement cannot be left out.
        stage.refuses("POST", "/releases", &stage.token(), 415, "unsupported_media_type");
    });
}

#[test]
fn what_cannot_name_a_release_or_names_none_is_told_apart() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let too_long = "a".repeat(64);
    let no_ids = [
        "",
        "-open",
        "Open",
        "CANARY",
        "op%65n",
        "open%20",
        "open%00",
        "%40",
        "@",
        "@01",
        "@x",
        "__proto__",
        "open,canary",
        "%C3%B6pen",
        "..%2fopen",
        "'--",
        UUID,
        &too_long,
    ];
    let unknown =
        ["canary", "constructor", "tostring", "@1", "@18446744073709551615", &too_long[1..]];
    stage.unchanged_by(|| {
        for (ids, status, code) in
            [(&no_ids[..], 400, "invalid_release_id"), (&unknown, 404, "unknown_release")]
        {
            for id in ids {
                // The transcript has URLs too, and this one is the test's own doing.
                let token = || if *id == UUID { stage.token().private() } else { stage.token() };
                for path in ["", "/convergence"] {
                    let path = format!("/releases/{id}{path}");
                    stage.refuses("GET", &path, &token(), status, code);
                }
                for command in ["activate", "promote", "abort", "rollback"] {
                    let path = format!("/releases/{id}/{command}");
                    stage.refuses("POST", &path, &token(), status, code);
                }
            }
        }
    });
}

#[test]
fn a_path_that_leads_nowhere_and_a_method_that_a_path_does_not_know_are_told() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let nowhere = [
        "/release",
        "/Releases",
        "/rele%61ses",
        "//releases",
        "/releases/open/",
        "/releases/open/explode",
        "/releases/open/Activate",
        "/releases/open/activat%65",
        "/releases/open/activate/",
        "/releases/open/activate/now",
        "/releases//open/activate",
        "/audit/",
        "/audit/1",
        "/audit%3f",
    ];
    let known = [
        ("/releases", "GET, POST"),
        ("/releases/open", "GET"),
        ("/releases/open/convergence", "GET"),
        ("/audit", "GET"),
        (COMMANDS[0], "POST"),
        (COMMANDS[1], "POST"),
        (COMMANDS[2], "POST"),
        (COMMANDS[3], "POST"),
    ];
    stage.unchanged_by(|| {
        for path in nowhere {
            for method in ["GET", "POST"] {
                stage.refuses(method, path, &stage.token(), 404, "not_found");
            }
        }
        for (path, allowed) in known {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"] {
                if allowed.split(", ").any(|allowed| allowed == method) {
                    continue;
                }
                for door in stage.manager.doors() {
                    let outgoing = stage.token().json(&good());
                    let answer =
                        stage.refuses_at(&door, method, path, &outgoing, 405, "method_not_allowed");
                    assert_eq!(answer.header("Allow"), Some(allowed), "{method} {path}");
                }
            }
        }
    });
}

#[test]
fn a_page_of_the_trail_that_is_out_of_range_is_refused() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    stage.unchanged_by(|| {
        for query in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=",
            "limit=canary",
            "limit=1.0",
            "limit=%31",
            "before=",
            "before=-1",
            "before=canary",
            "before=%221%22",
            "limit=1&limit=0",
            "before=18446744073709551616",
            "before=1&limit=0",
        ] {
            stage.refuses("GET", &format!("/audit?{query}"), &stage.token(), 400, "invalid_page");
        }
    });
}

#[test]
fn what_a_request_has_beside_what_counts_is_ignored() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let doors = stage.manager.doors();
    let ok = |method: &str, door: &str, path: &str, outgoing: &Outgoing| {
        let answer = stage.send(method, &format!("{door}{path}"), outgoing);
        assert_eq!(answer.status, 200, "{method} {door}{path}: {}", answer.body);
        answer.json()
    };
    // A body where none belongs, a query where none belongs, and a condition on what only asks.
    let outgoing = stage.token().json(&good()).header("If-Match", CANARY);
    for path in
        ["/releases", "/releases/open?canary", "/releases/open/convergence", "/audit?canary=1"]
    {
        for door in &doors {
            ok("GET", door, path, &outgoing);
        }
    }
    ok("POST", &doors[0], COMMANDS[2], &stage.token().header("Content-Type", "text/plain"));
    // Fields of later versions, at every level; and of one that is there twice, the last counts.
    let newer = format!(
        "{{\"id\":\"CANARY\",\"canary\":[1],\"workers\":{{\"constructor\":{{\"uuid\":7,\"uuid\":\
         \"{UUID}\",\"deployTime\":\"{DEPLOY_TIME}\",\"canary\":null}}}},\"id\":\"constructor\"}}"
    );
    let outgoing = stage.token().header("Content-Type", "Application/JSON; charset=utf-8");
    let told = ok("POST", &doors[1], "/releases", &outgoing.clone().body(newer));
    assert_eq!((&told["id"], &told["epoch"]), (&json!("constructor"), &json!(3)));
    let path = "/releases/constructor/activate?after=1";
    let told = ok("POST", &doors[0], path, &outgoing.body("{\"canary\":{},\"after\":0}"));
    assert_eq!(told["state"], "active");
    let url = format!("{}/manifest", stage.manager.object_url());
    let manifest = stage.send("GET", &url, &Outgoing::new().private()).json();
    assert_eq!(manifest["workers"]["constructor"]["serving"], json!([UUID]));
}
