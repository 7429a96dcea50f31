//! What guards report, and what people are told of it: where which bundle runs, whether a release
//! is everywhere, and where there is nothing better than what is refused.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use skewguard_domain::DeployTime;
use skewguard_lab::{
    CodeFormat, Deployer, Lab, Manager, ManagerSetup, Outgoing, Pop, PopSetup, Release,
};

/// For how long nothing that serves has to be sighted before the breaker opens.
const EVIDENCE: Duration = Duration::from_secs(30);

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
        Deployer::new(self.lab, &self.manager.doors()[1])
    }

    fn register(&self, worker: &str, release: &Release) {
        let answer = self.manager.register(worker, release).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Reports as a guard does, and returns what that is told.
    fn report(&self, body: &Value) -> Value {
        let url = format!("{}/manifest", self.manager.object_url());
        let outgoing = Outgoing::new().private().body(body.to_string());
        let answer = self.lab.client().send("POST", &url, outgoing).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Reports one bundle so often.
    fn sight(&self, pop: &str, worker: &str, release: &Release, reports: u32) -> Value {
        let mut sighting = sighting(worker, release);
        sighting["reports"] = reports.into();
        self.report(&json!({ "pop": pop, "sightings": [sighting] }))
    }

    fn status(&self) -> Value {
        let answer = self.manager.status().expect("an answer");
        assert_eq!(answer.status, 200);
        answer.json()
    }

    /// What the status says of a Worker in a PoP.
    fn place(&self, worker: &str, pop: &str) -> Value {
        self.status()["workers"][worker]["pops"][pop].clone()
    }

    fn convergence(&self, release: &str) -> Value {
        let answer = self.deployer().get(&format!("/releases/{release}/convergence"));
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let epoch = self.status()["epoch"].clone();
        assert_eq!(answer.header("ETag"), Some(format!("\"{epoch}\"").as_str()));
        answer.json()
    }
}

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

/// What a guard that has only just begun says of itself.
fn sighting(worker: &str, release: &Release) -> Value {
    let deployed = release.deploy_time.as_timestamp().as_unix_millis();
    json!({ "worker": worker, "uuid": release.bundle.reveal(), "deployTimeMs": deployed })
}

fn moment(value: &Value) -> DeployTime {
    value.as_str().and_then(|text| text.parse().ok()).expect("an RFC 3339 date and time")
}

/// Logs take a moment longer than answers.
fn logged(lab: &Lab, event: &str, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        if lab.transcript().events(event).len() >= count {
            break;
        }
        thread::sleep(Duration::from_millis(25));
    }
    lab.transcript().events(event)
}

#[test]
fn the_status_tells_what_was_sighted_by_worker_and_pop() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, new] = [20, 10].map(release);
    stage.register("op-auth", &new);
    let started = moment(&stage.status()["manager"]["startedAt"]);
    assert!(started <= release(0).deploy_time);
    assert_eq!(stage.status()["workers"]["op-auth"].get("pops"), None);

    let mut busy = sighting("op-auth", &old);
    for (name, count) in [("refused", 3), ("failedOpen", 2), ("breakerOpen", 1), ("reports", 4)] {
        busy[name] = count.into();
    }
    let sightings = [busy, sighting("op-auth", &new), sighting("op-unknown", &old)];
    let told = stage.report(&json!({ "pop": "FRA", "sightings": sightings }));
    assert_eq!(told["workers"]["op-auth"]["serving"], json!([new.bundle.reveal()]));
    thread::sleep(Duration::from_millis(20));
    stage.report(&json!({ "pop": "FRA", "sightings": sightings }));
    stage.sight("SJC", "op-auth", &new, 1);

    let place = stage.place("op-auth", "FRA");
    assert_eq!((&place["breaker"], place.get("openSince")), (&json!("closed"), None));
    let bundles = place["bundles"].as_array().expect("bundles");
    let expected = [(&old, 8, [6, 4, 2]), (&new, 2, [0, 0, 0])];
    assert_eq!(bundles.len(), expected.len(), "first sighted first");
    for (seen, (release, sightings, [refused, failed_open, breaker_open])) in
        bundles.iter().zip(expected)
    {
        let expected = json!({
            "bundle": release.bundle.to_string(),
            "firstSeen": seen["firstSeen"],
            "lastSeen": seen["lastSeen"],
            "silentMs": seen["silentMs"],
            "sightings": sightings,
            "refused": refused,
            "failedOpen": failed_open,
            "breakerOpen": breaker_open,
        });
        assert_eq!(*seen, expected);
        let [first, last] = ["firstSeen", "lastSeen"].map(|name| moment(&seen[name]));
        assert!(started <= first && first < last && last <= self::release(0).deploy_time);
    }
    assert_eq!(stage.place("op-auth", "SJC")["bundles"][0]["sightings"], 1);
    // A Worker that was never registered is shown where it runs, and is refused nowhere.
    let unknown = &stage.status()["workers"]["op-unknown"];
    assert_eq!((unknown.get("current"), &unknown["retired"]), (None, &json!([])));
    assert_eq!(unknown["pops"]["FRA"]["bundles"][0]["sightings"], 2);
}

#[test]
fn what_cannot_be_read_of_a_report_keeps_nobody_from_the_answer() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let current = release(10);
    stage.register("op-auth", &current);
    let wrong = |field: &str, value: Value| {
        let mut sighting = sighting("op-auth", &current);
        sighting[field] = value;
        sighting
    };
    let mut without = sighting("op-auth", &current);
    without.as_object_mut().expect("an object").remove("uuid");
    let unreadable = json!([
        7,
        null,
        [],
        {},
        "op-auth",
        without,
        wrong("worker", json!("OP")),
        wrong("worker", json!(["op-auth"])),
        wrong("uuid", json!("6f1c1d5e")),
        wrong("uuid", Value::Null),
        wrong("refused", json!(-1)),
        wrong("refused", json!("1")),
        wrong("failedOpen", json!(0.5)),
        wrong("breakerOpen", json!(4_294_967_296_u64)),
        wrong("reports", Value::Null),
    ]);
    let told = stage.report(&json!({ "pop": "FRA", "sightings": unreadable }));
    assert_eq!(told["workers"]["op-auth"]["serving"], json!([current.bundle.reveal()]));
    assert_eq!(stage.status()["workers"]["op-auth"].get("pops"), None);
    // A deploy time or a breaker of another kind is as good as none, and so is a PoP's name.
    let odd = [
        wrong("deployTimeMs", json!("now")),
        wrong("breaker", json!("ajar")),
        wrong("reports", json!(0)),
        wrong("colour", json!({})),
    ];
    for pop in [json!("fra"), json!(7), Value::Null, json!("TOOLONGNAME")] {
        stage.report(&json!({ "pop": pop, "sightings": odd }));
    }
    assert_eq!(stage.place("op-auth", "UNKNOWN")["bundles"][0]["sightings"], 16);
    // A question without a report is one all the same, and what is no object is none.
    assert_eq!(stage.report(&json!({}))["epoch"], 1);
    let url = format!("{}/manifest", stage.manager.object_url());
    let big = format!("{{\"pop\":\"FRA\"{}", " ".repeat(64 * 1024));
    for (body, status, code) in [
        (String::new(), 400, "invalid_json"),
        ("[]".to_owned(), 400, "invalid_json"),
        ("{\"sightings\":{}}".to_owned(), 400, "invalid_json"),
        ("{\"sightings\":null}".to_owned(), 400, "invalid_json"),
        (big, 413, "payload_too_large"),
    ] {
        let outgoing = Outgoing::new().private().body(body);
        let answer = lab.client().send("POST", &url, outgoing).expect("an answer");
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
    let outside = format!("{}/manifest", stage.manager.doors()[0]);
    let outgoing = Outgoing::new().token(lab.secret()).json(&json!({}));
    let answer = lab.client().send("POST", &outside, outgoing).expect("an answer");
    assert_eq!(answer.status, 404, "nobody reports from outside");
}

#[test]
fn whether_a_release_is_everywhere_is_told_with_the_evidence() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, new] = [20, 10].map(release);
    for worker in ["op-auth", "op-token"] {
        stage.register(worker, &old);
        stage.sight("FRA", worker, &old, 1);
    }
    let deployer = stage.deployer();
    let workers = [("op-auth", &new), ("op-token", &new)];
    let accepted = |answer: Result<skewguard_lab::Answer, String>| {
        assert_eq!(answer.expect("an answer").status, 200);
    };
    accepted(deployer.announce("r1", &workers));
    let told = stage.convergence("r1");
    let places = |turned: u32, turning: u32, behind: u32, silent: u32| json!({ "turned": turned, "turning": turning, "behind": behind, "silent": silent });
    assert_eq!((&told["release"], &told["windowMs"]), (&json!("r1"), &json!(20_000)));
    assert_eq!((&told["state"], &told["converged"]), (&json!("announced"), &json!(false)));
    assert_eq!(told["places"], places(0, 0, 2, 0));
    let behind = &told["workers"]["op-auth"]["FRA"];
    let ago = &behind["othersSeenMs"][old.bundle.to_string()];
    assert!(ago.is_u64(), "{behind}");
    let expected = json!({
        "progress": "behind",
        "breaker": "closed",
        "othersSeenMs": { old.bundle.to_string(): ago },
    });
    assert_eq!(*behind, expected);

    accepted(deployer.command_after("r1", "activate", 0));
    stage.sight("FRA", "op-auth", &new, 1);
    stage.sight("SJC", "op-auth", &new, 1);
    let told = stage.convergence("r1");
    assert_eq!((&told["state"], &told["converged"]), (&json!("active"), &json!(false)));
    assert_eq!(told["places"], places(1, 1, 1, 0));
    let turning = &told["workers"]["op-auth"]["FRA"];
    assert_eq!(turning["progress"], "turning");
    assert!(turning["releaseSeenMs"].is_u64() && turning["othersSeenMs"].is_object());
    let turned = &told["workers"]["op-auth"]["SJC"];
    assert_eq!((&turned["progress"], turned.get("othersSeenMs")), (&json!("turned"), None));
    assert_eq!(told["workers"]["op-token"]["FRA"]["progress"], "behind");
    assert_eq!(stage.convergence("@2")["state"], "superseded");

    // A release of which every Worker is sighted, and nothing else of late, is everywhere.
    let other = release(5);
    accepted(deployer.announce("r2", &[("op-other", &other)]));
    accepted(deployer.command_after("r2", "activate", 0));
    let told = stage.convergence("r2");
    assert_eq!(told["converged"], false, "nothing was sighted, and so nothing is known");
    assert_eq!((&told["places"], &told["workers"]["op-other"]), (&places(0, 0, 0, 0), &json!({})));
    stage.sight("FRA", "op-other", &other, 1);
    let told = stage.convergence("r2");
    assert_eq!((&told["converged"], &told["places"]), (&json!(true), &places(1, 0, 0, 0)));
}

#[test]
fn the_breaker_opens_after_30_seconds_where_nothing_better_is_and_closes_at_once() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, new] = [20, 10].map(release);
    stage.register("op-auth", &new);
    let breaker = |told: &Value| told["workers"]["op-auth"].get("breaker").cloned();
    // DARK has nothing but the old, FEW has hardly anything, LIT has both.
    assert_eq!(breaker(&stage.sight("DARK", "op-auth", &old, 5)), None);
    assert_eq!(breaker(&stage.sight("FEW", "op-auth", &old, 3)), None);
    assert_eq!(breaker(&stage.sight("LIT", "op-auth", &old, 50)), None);
    assert_eq!(stage.place("op-auth", "DARK")["breaker"], "closed");
    // Somewhere something always asks; a manager that nobody needs is unloaded after 10 s, and
    // begins anew.
    for _ in 0..=EVIDENCE.as_secs() {
        thread::sleep(Duration::from_secs(1));
        stage.report(&json!({}));
    }

    assert_eq!(breaker(&stage.sight("LIT", "op-auth", &new, 1)), None);
    assert_eq!(breaker(&stage.sight("LIT", "op-auth", &old, 50)), None);
    assert_eq!(breaker(&stage.sight("FEW", "op-auth", &old, 1)), None, "four are not enough");
    assert_eq!(stage.place("op-auth", "DARK").get("openSince"), None);
    let convergence = stage.convergence("@1");
    let dark = &convergence["workers"]["op-auth"]["DARK"];
    assert_eq!((&dark["progress"], &dark["breaker"]), (&json!("silent"), &json!("open")));
    for _ in 0..2 {
        assert_eq!(breaker(&stage.sight("DARK", "op-auth", &old, 1)), Some(json!("open")));
    }
    for (pop, expected) in [("DARK", "open"), ("FEW", "closed"), ("LIT", "closed")] {
        let place = stage.place("op-auth", pop);
        assert_eq!(place["breaker"], expected, "{pop}");
        assert_eq!(place.get("openSince").is_some(), expected == "open", "{pop}");
    }
    let turned = |breaker: &str| {
        json!({
            "source": "skewguard", "level": if breaker == "open" { "warn" } else { "info" },
            "event": "breaker_turned", "worker": "op-auth", "pop": "DARK", "breaker": breaker,
        })
    };
    assert_eq!(logged(&lab, "breaker_turned", 1), [turned("open")]);
    // What serves closes it, in that very answer.
    for _ in 0..2 {
        assert_eq!(breaker(&stage.sight("DARK", "op-auth", &new, 1)), None);
    }
    assert_eq!(breaker(&stage.sight("DARK", "op-auth", &old, 50)), None);
    assert_eq!(stage.place("op-auth", "DARK")["breaker"], "closed");
    assert_eq!(logged(&lab, "breaker_turned", 2), [turned("open"), turned("closed")]);
}

#[test]
fn guards_report_the_bundle_that_they_run_in() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let [old, new] = [20, 10].map(release);
    stage.register("op-auth", &new);
    for (name, release) in [("FRA", &new), ("SJC", &old)] {
        let setup = PopSetup::default().named(name);
        let pop = Pop::start(&lab, &stage.manager, release, &setup).expect("a PoP");
        pop.authorize().expect("an answer");
        // A guard does not wait for ever until its report has come.
        let mut places = (0..200).map(|_| {
            thread::sleep(Duration::from_millis(25));
            stage.place("op-auth", name)
        });
        let place = places.find(|place| !place.is_null()).expect("it is sighted");
        assert_eq!(place["bundles"][0]["bundle"], release.bundle.to_string(), "{place}");
    }
    let places = stage.convergence("@1")["places"].clone();
    assert_eq!((&places["turned"], &places["behind"]), (&json!(1), &json!(1)));
}
