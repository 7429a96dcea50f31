//! What was acknowledged is there after `kill -9`, and the store opens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use skewguard_lab::{CodeFormat, Lab, Manager, ManagerSetup, Outgoing, Release};

/// How often the manager is killed.
const KILLS: u32 = 20;

/// How long registrations stream in before a kill: between these, a little longer every time, so
/// that the kills hit different moments.
const STREAM: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(11));

#[test]
fn no_acknowledged_registration_is_lost_by_kill_9() {
    let lab = Lab::new().expect("a lab");
    let mut manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let mut acknowledged: Vec<Release> = Vec::new();
    let mut seconds_ago = 1_000_000;
    for round in 0..KILLS {
        let url = format!("{}/api/internal/version/op-auth", manager.public_url());
        let (dead, flowing) = (AtomicBool::new(false), AtomicBool::new(false));
        let (before, mut tried) = (acknowledged.len(), Vec::new());
        thread::scope(|scope| {
            let stream = scope.spawn(|| {
                let (mut tried, mut acknowledged) = (Vec::new(), Vec::new());
                while !dead.load(Ordering::Relaxed) {
                    seconds_ago -= 1;
                    let release = Release::new(CodeFormat::One, seconds_ago);
                    let outgoing =
                        Outgoing::new().token(lab.secret()).json(&release.registration());
                    let answer = lab.client().send("POST", &url, outgoing);
                    if answer.is_ok_and(|answer| answer.status == 200) {
                        acknowledged.push(release.clone());
                        flowing.store(true, Ordering::Relaxed);
                    }
                    tried.push(release);
                }
                (tried, acknowledged)
            });
            // The stream has to flow before it is cut.
            let started = Instant::now();
            while !flowing.load(Ordering::Relaxed) {
                assert!(started.elapsed() < Duration::from_secs(30), "nothing is registered");
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(STREAM.0 + STREAM.1 * round);
            manager.kill();
            dead.store(true, Ordering::Relaxed);
            let (all, good) = stream.join().expect("a stream");
            tried = all;
            acknowledged.extend(good);
        });
        assert!(acknowledged.len() > before, "round {round} acknowledged nothing");
        manager.start_again().expect("a manager whose store opens");
        assert_stored(&lab, &manager, &acknowledged, &tried);
    }
    println!("{} acknowledged registrations over {KILLS} kills", acknowledged.len());
}

/// The current bundle is the last acknowledged one, or a later one whose acknowledgement was lost
/// with the process; and the history has the others, as far back as it goes.
fn assert_stored(lab: &Lab, manager: &Manager<'_>, acknowledged: &[Release], tried: &[Release]) {
    let current = manager.version("op-auth").expect("an answer").json();
    let last = acknowledged.last().expect("an acknowledged one");
    let later = tried.iter().skip_while(|release| release.bundle != last.bundle);
    let allowed: Vec<_> = later.map(|release| release.bundle.reveal()).collect();
    let uuid = current["uuid"].as_str().unwrap_or_default().to_owned();
    assert!(allowed.contains(&uuid), "the last acknowledged registration is lost");

    let url = format!("{}/api/internal/version-manager/status", manager.public_url());
    let outgoing = Outgoing::new().token(lab.secret());
    let status = lab.client().send("GET", &url, outgoing).expect("an answer").json();
    let worker = &status["workers"]["op-auth"];
    let retired = worker["retired"].as_array().expect("a history");
    let known = |release: &Release| {
        let short = serde_json::Value::from(release.bundle.to_string());
        worker["current"]["bundle"] == short || retired.iter().any(|entry| entry["bundle"] == short)
    };
    // One place is the current one's, and each kill may have stored one that was not acknowledged.
    let remembered = 100 - 1 - KILLS as usize;
    for release in acknowledged.iter().rev().take(remembered) {
        assert!(known(release), "an acknowledged registration is missing in the history");
    }
}
