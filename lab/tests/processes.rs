//! Whatever is started ends with whoever started it, however that ends.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How many running processes have `word` among their arguments.
fn running(word: &str) -> usize {
    let processes = Command::new("ps").args(["-A", "-o", "args="]).output().expect("ps");
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    processes.lines().filter(|arguments| arguments.contains(word)).count()
}

#[test]
fn killed_or_interrupted_the_demonstration_leaves_no_process_behind() {
    for signal in ["-KILL", "-TERM", "-INT"] {
        // The processes' configurations are in a temporary folder, which tells them from others.
        let folder = tempfile::tempdir().expect("a folder");
        let word = folder.path().display().to_string();
        let mut demo = Command::new(env!("CARGO_BIN_EXE_skewguard-demo"))
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demonstration");
        let output = BufReader::new(demo.stdout.take().expect("its output"));
        let told = output.lines().map_while(Result::ok).any(|line| line.contains("(b)"));
        assert!(told, "it gets to its second part");
        assert!(running(&word) >= 3, "three workerd processes run");

        let id = demo.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill");
        assert!(sent.success());
        demo.wait().expect("its end");
        let ended = Instant::now();
        while running(&word) > 0 {
            assert!(ended.elapsed() < Duration::from_secs(30), "{signal}: something still runs");
            thread::sleep(Duration::from_millis(50));
        }
    }
}
