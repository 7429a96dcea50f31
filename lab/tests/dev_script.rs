//! `scripts/dev.sh`: the wrangler configurations as they are, under `wrangler dev`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use skewguard_lab::{Answer, CodeFormat, Lab, Outgoing, Release};

/// How long the three Workers may take to build and to start.
const START_LIMIT: Duration = Duration::from_secs(240);

/// How long they may take to end.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Three free ports in a row.
fn free_ports() -> u16 {
    for base in (20_000..60_000).step_by(7) {
        let base = base + u16::try_from(std::process::id() % 7).expect("below 7");
        let held: Vec<_> = (base..base + 3)
            .map_while(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .collect();
        if held.len() == 3 {
            return base;
        }
    }
    panic!("no three free ports in a row");
}

/// Interrupts the script when the test is over, however it ends.
struct Script(Child);

impl Script {
    fn interrupt(&mut self) -> bool {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        let interrupted = Instant::now();
        while interrupted.elapsed() < END_LIMIT {
            if self.0.try_wait().expect("a child").is_some() {
                return sent.is_ok_and(|status| status.success());
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if !self.interrupt() {
            let _ = self.0.kill();
        }
    }
}

fn until(what: &str, limit: Duration, ask: impl Fn() -> Option<Answer>) -> Answer {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < limit, "never: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn three_workers_run_under_wrangler_and_end_with_the_script() {
    let lab = Lab::new().expect("a lab");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let state = tempfile::tempdir().expect("a folder");
    let port = free_ports();
    let child = Command::new("bash")
        .arg(root.join("scripts/dev.sh"))
        .env("SKEWGUARD_PORT", port.to_string())
        .env("SKEWGUARD_STATE", state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash");
    let mut script = Script(child);

    let at = |offset: u16| format!("http://127.0.0.1:{}", port + offset);
    let get = |url: &str| lab.client().get(url).ok().filter(|answer| answer.status == 200);
    let code = until("op-auth answers", START_LIMIT, || get(&format!("{}/authorize", at(1))));
    let code = code.json()["code"].as_str().expect("a code").to_owned();
    let redeem = || {
        let form = Outgoing::new()
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("code={code}"));
        let answer = lab.client().send("POST", &format!("{}/token", at(2)), form).ok();
        answer.filter(|answer| answer.status == 200)
    };
    until("op-token redeems what op-auth has signed", START_LIMIT, redeem);

    let vars = std::fs::read_to_string(root.join(".dev.vars")).expect("development secrets");
    let token = vars.split('"').nth(1).expect("a secret");
    lab.transcript().guard_secret(token);
    let url = format!("{}/api/internal/version/op-auth", at(0));
    let release = Release::new(CodeFormat::One, 10);
    let register = || {
        let outgoing = Outgoing::new().token(token).json(&release.registration());
        lab.client().send("POST", &url, outgoing).ok().filter(|answer| answer.status == 200)
    };
    let registered = until("the manager registers", START_LIMIT, register);
    assert_eq!(registered.json()["bundle"], release.bundle.to_string());

    assert!(script.interrupt(), "the script ends when it is interrupted");
    for offset in 0..3 {
        let freed = Instant::now();
        while TcpListener::bind(("127.0.0.1", port + offset)).is_err() {
            assert!(freed.elapsed() < END_LIMIT, "something still listens on +{offset}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}
