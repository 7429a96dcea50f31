//! What is done behind the manager's back: a PoP goes back to an old release, and nobody says so.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skewguard_lab::CodeFormat::{One, Two};
use skewguard_lab::{Deployer, Lab, Manager, ManagerSetup, Pop, PopSetup, Release, Style};

/// How long a PoP may refuse at the most: 30 s, a lease of 5 s, and as much again for a busy
/// machine.
const LIMIT: Duration = Duration::from_secs(70);

fn start<'a>(lab: &'a Lab, manager: &Manager<'_>, release: &Release, name: &str) -> Pop<'a> {
    Pop::start(lab, manager, release, &PopSetup::default().named(name)).expect("a PoP")
}

/// Asks both Workers until they answer like this, and says how long that took.
fn until(pop: &Pop<'_>, refuses: bool) -> Duration {
    let started = Instant::now();
    loop {
        let answers = [pop.authorize(), pop.redeem("none")];
        let refused = answers.map(|answer| answer.expect("an answer").status == 503);
        if refused == [refuses; 2] {
            return started.elapsed();
        }
        assert!(started.elapsed() < LIMIT, "{} still answers otherwise", pop.name());
        thread::sleep(Duration::from_millis(200));
    }
}

fn breaker(deployer: &Deployer, worker: &str, pop: &str) -> Value {
    deployer.status().expect("a status")["workers"][worker]["pops"][pop]["breaker"].clone()
}

#[test]
fn p5_a_rollback_behind_the_managers_back_heals_and_is_fenced_again() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let deployer = Deployer::new(&lab, &manager.doors()[0]);
    let (first, second) = (Release::new(One, 60), Release::new(Two, 10));
    for (id, release) in [("r1", &first), ("r2", &second)] {
        deployer.announce_both(id, release, Style::Plain).expect("an answer");
        deployer.change(id, "activate", &json!({ "after": 0 })).expect("an answer");
    }
    let fra = start(&lab, &manager, &second, "FRA");
    // The dashboard takes SIN back to release 1, and only SIN.
    let sin = start(&lab, &manager, &first, "SIN");
    until(&sin, true);
    let dark = until(&sin, false);
    println!("SIN refused for {:.1} s", dark.as_secs_f32());
    assert!(dark > Duration::from_secs(20), "the fence stood: {dark:?}");
    assert_eq!(fra.authorize().expect("an answer").status, 200);
    for worker in ["op-auth", "op-token"] {
        assert_eq!(breaker(&deployer, worker, "SIN"), "open");
        assert_ne!(breaker(&deployer, worker, "FRA"), "open");
    }
    assert!(lab.transcript().events("breaker_turned").len() >= 2, "the log says so");

    // Release 2 comes back to SIN. Its first report closes the breaker.
    let back = start(&lab, &manager, &second, "SIN");
    until(&back, false);
    let fenced = until(&sin, true);
    println!("SIN's old bundle was fenced again after {:.1} s", fenced.as_secs_f32());
    for worker in ["op-auth", "op-token"] {
        assert_eq!(breaker(&deployer, worker, "SIN"), "closed");
    }
    assert_eq!(back.authorize().expect("an answer").status, 200);
}
