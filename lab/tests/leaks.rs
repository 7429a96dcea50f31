//! The search for leaks, which every lab makes when it ends, finds what it is made for.

use skewguard_lab::{
    CodeFormat, Lab, Manager, ManagerSetup, Outgoing, Pop, PopSetup, Release, Traffic, Transcript,
};

#[test]
fn a_whole_uuid_is_found_wherever_it_stands() {
    let whole = "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10";
    for line in [
        whole.to_owned(),
        whole.to_uppercase(),
        format!("{{\"bundle\":\"{whole}\"}}"),
        format!("x{whole}y"),
        whole.replace('-', ""),
    ] {
        let transcript = Transcript::default();
        transcript.add(line.clone());
        assert_eq!(transcript.leaks().len(), 1, "{line}");
    }
}

#[test]
fn the_first_8_characters_are_no_leak() {
    let transcript = Transcript::default();
    transcript.add("{\"bundle\":\"6f1c1d5e\",\"at\":\"2026-03-01T12:00:00Z\"}");
    assert_eq!(transcript.leaks(), []);
}

#[test]
fn a_secret_is_found() {
    let transcript = Transcript::default();
    transcript.guard_secret("correct horse battery staple");
    transcript.add("Authorization: Bearer correct horse battery staple");
    assert_eq!(transcript.leaks().len(), 1);
}

#[test]
#[should_panic(expected = "the lab leaks")]
fn a_lab_that_leaks_fails_its_test() {
    let lab = Lab::new().expect("a lab");
    lab.transcript().add(lab.secret());
}

#[test]
fn a_deploy_with_refusals_errors_and_a_dead_manager_leaks_nothing() {
    let lab = Lab::new().expect("a lab");
    let mut manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let old = Release::new(CodeFormat::One, 20);
    let new = Release::new(CodeFormat::Two, 10);
    for release in [&old, &new, &old] {
        for worker in ["op-auth", "op-token"] {
            manager.register(worker, release).expect("an answer");
        }
    }
    let url = format!("{}/api/internal/version/op-auth", manager.public_url());
    for token in [lab.previous_secret(), lab.read_secret(), lab.signing_key()] {
        let outgoing = Outgoing::new().token(token).json(&new.registration());
        lab.client().send("POST", &url, outgoing).expect("an answer");
    }
    let west = Pop::start(&lab, &manager, &old, &PopSetup::default()).expect("a PoP");
    let east = Pop::start(&lab, &manager, &new, &PopSetup::default()).expect("a PoP");
    let second = std::time::Duration::from_secs(1);
    let counts = Traffic::through(&[&west, &east]).run_for(second);
    assert!(counts.refused > 0 && counts.passed > 0, "{counts:?}");
    manager.kill();
    let counts = Traffic::through(&[&west, &east]).run_for(second);
    assert!(counts.failed == 0, "{counts:?}");
    let lines = lab.transcript().lines();
    assert!(lines.iter().any(|line| line.contains("guard_turned")), "there are logs to search");
    assert!(lines.iter().any(|line| line.contains("[client]")), "there are answers to search");
    assert_eq!(lab.transcript().leaks(), []);
}
