//! The audit trail: every change is in it, nothing else is, and nothing of it is lost.

use serde_json::{Value, json};
use skewguard_domain::DeployTime;
use skewguard_lab::{
    Answer, CodeFormat, Database, Deployer, Lab, Manager, ManagerSetup, Release, announcement,
};

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

fn accepted(answer: Result<Answer, String>) -> Value {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// The trail from its last entry to its first, in pages of `limit`.
fn trail(deployer: &Deployer, limit: usize) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = accepted(deployer.get(&format!("/audit?limit={limit}{next}")));
        let entries = page["entries"].as_array().expect("entries");
        all.extend(entries.iter().cloned());
        assert!(entries.len() <= limit);
        match page.get("next") {
            Some(before) => {
                assert_eq!(entries.len(), limit, "there is more behind a full page only");
                next = format!("&before={before}");
            }
            None => return all,
        }
    }
}

/// A manager that has got `count` registrations.
fn registered<'a>(lab: &'a Lab, count: u32) -> Manager<'a> {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    for index in 0..count {
        accepted(manager.register("op-auth", &release(1000 - index)));
    }
    manager
}

#[test]
fn every_change_is_in_the_trail_with_who_what_and_when() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let [outside, inside] = manager.doors();
    let current = Deployer::new(&lab, &outside);
    let previous = Deployer::with_token(&lab, &inside, lab.previous_secret());
    let [first, second, canary, plain, aborted] = [50, 40, 30, 20, 10].map(release);
    let mut shared = announcement("canary", &[("op-auth", &canary)]);
    shared["share"] = true.into();
    let started = release(0).deploy_time;
    accepted(manager.register("op-auth", &first));
    accepted(manager.register("op-auth", &second));
    accepted(manager.roll_back("op-auth", &first));
    accepted(previous.post("/releases", &shared));
    accepted(current.command("canary", "activate"));
    accepted(previous.command_after("canary", "promote", 0));
    accepted(current.announce("aborted", &[("op-token", &aborted)]));
    accepted(previous.command("aborted", "abort"));
    accepted(previous.announce("plain", &[("op-auth", &plain), ("op-token", &plain)]));
    accepted(current.command("plain", "activate"));
    accepted(previous.post("/releases/canary/rollback", &json!({ "strict": true })));
    accepted(current.command_after("plain", "rollback", 60_000));

    let [a, b, c, p, x] =
        [&first, &second, &canary, &plain, &aborted].map(|release| release.bundle.to_string());
    let expected = [
        ("current", "register", "@1", format!("op-auth {a}")),
        ("current", "register", "@2", format!("op-auth {b}")),
        ("current", "register", "@3", format!("op-auth {a}, rollback")),
        ("previous", "announce", "canary", format!("canary: op-auth {c}")),
        ("current", "activate", "canary", String::new()),
        ("previous", "promote", "canary", "after 0 ms".to_owned()),
        ("current", "announce", "aborted", format!("plain: op-token {x}")),
        ("previous", "abort", "aborted", String::new()),
        ("previous", "announce", "plain", format!("plain: op-auth {p}, op-token {p}")),
        ("current", "activate", "plain", String::new()),
        ("previous", "roll_back", "canary", "strict".to_owned()),
        ("current", "roll_back", "plain", "after 60000 ms".to_owned()),
    ];
    let entries = trail(&current, 200);
    assert_eq!(trail(&previous, 1), entries, "both doors show the same");
    assert_eq!(entries.len(), expected.len());
    let mut earlier = started;
    let in_order = entries.iter().rev().zip(expected).enumerate();
    for (from, (entry, (token, action, release, detail))) in in_order {
        let expected = json!({
            "at": entry["at"], "token": token, "action": action, "release": release,
            "detail": detail, "from": from, "to": from + 1,
        });
        assert_eq!(*entry, expected);
        let at: DeployTime = entry["at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
        assert!(earlier <= at, "{entry}");
        earlier = at;
    }
    assert!(earlier <= release(0).deploy_time);
}

#[test]
fn what_changes_nothing_is_not_in_the_trail() {
    let lab = Lab::new().expect("a lab");
    let manager = registered(&lab, 1);
    let deployers = manager.doors().map(|door| Deployer::new(&lab, &door));
    let [plain, other] = [20, 10].map(release);
    let workers = [("op-auth", &plain)];
    accepted(deployers[0].announce("plain", &workers));
    accepted(deployers[0].command_after("plain", "activate", 0));
    let before = trail(&deployers[0], 200);
    for deployer in &deployers {
        // What was the case already.
        accepted(deployer.announce("plain", &workers));
        accepted(deployer.command("plain", "activate"));
        accepted(deployer.command("plain", "rollback"));
        accepted(deployer.post("/version/op-auth", &plain.registration()));
        // What was rejected, came too late, was not understood, or was not allowed.
        let read = Deployer::with_token(&lab, &manager.doors()[0], lab.read_secret());
        for (answer, status) in [
            (deployer.command("plain", "abort"), 409),
            (deployer.announce("other", &workers[..0]), 400),
            (deployer.if_match("\"1\"").announce("other", &[("op-auth", &other)]), 412),
            (deployer.post("/version/op-auth", &release(60).registration()), 409),
            (deployer.command("unknown", "activate"), 404),
            (read.command("plain", "activate"), 401),
        ] {
            let answer = answer.expect("an answer");
            assert_eq!(answer.status, status, "{}", answer.body);
        }
    }
    assert_eq!(trail(&deployers[1], 200), before);
    assert_eq!(before.len(), 3);
}

#[test]
fn the_trail_is_read_page_by_page_to_its_first_entry() {
    let lab = Lab::new().expect("a lab");
    let manager = registered(&lab, 60);
    for door in manager.doors() {
        let deployer = Deployer::with_token(&lab, &door, lab.read_secret());
        let all = trail(&deployer, 200);
        let epochs: Vec<_> = all.iter().filter_map(|entry| entry["to"].as_u64()).collect();
        assert_eq!(epochs, (1..=60).rev().collect::<Vec<_>>());
        for limit in [1, 7, 59, 60, 61] {
            assert_eq!(trail(&deployer, limit), all, "in pages of {limit}");
        }
        let page = |query: &str| {
            let page = accepted(deployer.get(&format!("/audit{query}")));
            (page["entries"].as_array().expect("entries").clone(), page.get("next").cloned())
        };
        assert_eq!(page(""), (all[..50].to_vec(), Some(json!(11))), "50 are a page by default");
        assert_eq!(page("?before=3"), (all[58..].to_vec(), None));
        assert_eq!(page("?limit=2&before=3"), (all[58..].to_vec(), None), "nothing is behind it");
        assert_eq!(page("?limit=1&before=3"), (all[58..59].to_vec(), Some(json!(2))));
        for empty in ["?before=1", "?before=0"] {
            assert_eq!(page(empty), (vec![], None));
        }
        for everything in ["?limit=200&before=61", "?limit=200&before=18446744073709551615"] {
            assert_eq!(page(everything), (all.clone(), None));
        }
    }
}

#[test]
fn the_trail_survives_restarts_and_nothing_in_the_database_can_change_it() {
    let lab = Lab::new().expect("a lab");
    let mut manager = registered(&lab, 3);
    let deployer = |manager: &Manager<'_>| Deployer::new(&lab, &manager.doors()[0]);
    let before = trail(&deployer(&manager), 200);
    manager.kill();
    {
        let database = Database::open(&lab, &manager.storage()).expect("a database");
        let stored = || database.run("SELECT * FROM audit ORDER BY epoch").expect("the trail");
        let rows = stored();
        assert_eq!(rows.as_array().map(Vec::len), Some(3));
        for statement in [
            "UPDATE audit SET token = 'previous'",
            "UPDATE audit SET epoch = 9 WHERE epoch = 3",
            "DELETE FROM audit",
            "DELETE FROM audit WHERE epoch = 3",
            "REPLACE INTO audit SELECT epoch, from_epoch, 0, token, action, release, detail FROM audit",
            "INSERT INTO audit SELECT 3, 2, 0, token, action, release, detail FROM audit LIMIT 1
             ON CONFLICT DO UPDATE SET at_ms = 0",
            "INSERT INTO audit SELECT 0, 0, at_ms, token, action, release, detail FROM audit LIMIT 1",
        ] {
            let refused = database.run(statement).expect_err(statement);
            assert!(refused.contains("the audit trail is append-only"), "{statement}: {refused}");
            assert_eq!(stored(), rows, "{statement}");
        }
    }
    manager.start_again().expect("a manager");
    assert_eq!(trail(&deployer(&manager), 200), before);
    accepted(manager.register("op-auth", &release(0)));
    assert_eq!(trail(&deployer(&manager), 200)[1..], before, "it goes on");
}
