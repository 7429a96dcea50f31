//! What was acknowledged of a release is there after `kill -9`, in the ledger and in the audit
//! trail; and what has to be asked for again, because the answer was lost, is done once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use skewguard_lab::{Answer, CodeFormat, Deployer, Lab, Manager, ManagerSetup, Release};

/// How often the manager is killed.
const KILLS: usize = 8;

/// How many commands are acknowledged before a kill, at least: a few more every time, so that the
/// kills hit different ones.
const COMMANDS: (usize, usize) = (7, 4);

/// How long after that the kill comes: a little longer every time, so that it hits different
/// moments of a command.
const LATER: Duration = Duration::from_micros(700);

/// How many releases there are to be deployed: more than there is time for.
const RELEASES: u32 = 2000;

/// How many of them the manager remembers.
const REMEMBERED: usize = 200;

const WORKERS: [&str; 2] = ["op-auth", "op-token"];

/// Everything that a deployer does, one after the other: each release is announced and activated,
/// and every other one is taken back.
struct Plan {
    releases: Vec<[Release; 2]>,
    commands: Vec<(&'static str, usize)>,
}

impl Plan {
    fn new(count: u32) -> Self {
        let ages = (0..count).map(|index| 100_000 - index);
        let releases = ages.map(|ago| [(); 2].map(|()| Release::new(CodeFormat::One, ago)));
        let mut commands = Vec::new();
        for index in 0..count as usize {
            commands.extend([("announce", index), ("activate", index)]);
            if index % 2 == 1 {
                commands.push(("roll_back", index - 1));
            }
        }
        Self { releases: releases.collect(), commands }
    }

    fn carry_out(&self, deployer: &Deployer, command: usize) -> Result<Answer, String> {
        let (action, index) = self.commands[command];
        let id = format!("r{index}");
        let [auth, token] = &self.releases[index];
        match action {
            "announce" => deployer.announce(&id, &[(WORKERS[0], auth), (WORKERS[1], token)]),
            "activate" => deployer.command_after(&id, "activate", 0),
            _ => deployer.command_after(&id, "rollback", 0),
        }
    }
}

#[test]
fn no_acknowledged_command_is_lost_by_kill_9_and_none_is_carried_out_twice() {
    let lab = Lab::new().expect("a lab");
    let mut manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let plan = Plan::new(RELEASES);
    let mut done = 0;
    for (round, later) in (0..KILLS).zip(0..) {
        let deployer = Deployer::new(&lab, &manager.doors()[round % 2]);
        let acknowledged = AtomicUsize::new(done);
        let enough = done + COMMANDS.0 + COMMANDS.1 * round;
        thread::scope(|scope| {
            scope.spawn(|| {
                // It begins with the command whose answer was lost, and ends with the next one.
                while let Ok(answer) =
                    plan.carry_out(&deployer, acknowledged.load(Ordering::Relaxed))
                {
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            });
            let started = Instant::now();
            while acknowledged.load(Ordering::Relaxed) < enough {
                assert!(started.elapsed() < Duration::from_secs(60), "nothing is acknowledged");
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(LATER * later);
            manager.kill();
        });
        done = acknowledged.into_inner();
        manager.start_again().expect("a manager whose store opens");
        assert_stored(&Deployer::new(&lab, &manager.doors()[0]), &plan, done);
    }
    println!("{done} acknowledged commands over {KILLS} kills");
}

/// The trail has every acknowledged command once and in order, and perhaps the one whose
/// acknowledgement was lost with the process; and the ledger is what it says.
fn assert_stored(deployer: &Deployer, plan: &Plan, done: usize) {
    let get = |path: &str| deployer.get(path).expect("an answer").json();
    let (mut entries, mut before) = (Vec::new(), String::new());
    loop {
        let page = get(&format!("/audit?limit=200{before}"));
        entries.extend(page["entries"].as_array().expect("entries").iter().cloned());
        match page.get("next") {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    entries.reverse();
    assert!(entries.len() == done || entries.len() == done + 1, "{} of {done}", entries.len());
    let stored = &plan.commands[..entries.len()];
    for (index, (entry, (action, release))) in entries.iter().zip(stored).enumerate() {
        assert_eq!(entry["to"], index + 1);
        assert_eq!(
            (&entry["action"], &entry["release"]),
            (&(*action).into(), &format!("r{release}").into())
        );
    }

    let status = get("/version-manager/status");
    let listed = get("/releases");
    assert_eq!(
        (&status["epoch"], &listed["epoch"]),
        (&entries.len().into(), &entries.len().into())
    );
    let announced = stored.iter().filter(|(action, _)| *action == "announce").count();
    assert_eq!(listed["releases"].as_array().map(Vec::len), Some(announced.min(REMEMBERED)));
    let took_over = stored.iter().rev().find(|(action, _)| *action != "announce");
    let (_, serving) = took_over.expect("a command that changes what serves");
    for (worker, release) in WORKERS.iter().zip(&plan.releases[*serving]) {
        let current = &status["workers"][worker]["current"]["bundle"];
        assert_eq!(*current, Value::from(release.bundle.to_string()));
    }
    let states = listed["releases"].as_array().expect("releases").iter();
    let active: Vec<_> = states.filter(|release| release["state"] == "active").collect();
    assert_eq!(active.len(), 1);
    assert_eq!(active[0]["id"], format!("r{serving}"));
}
