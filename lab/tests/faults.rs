//! A manager that fails, in every way that it can: traffic goes on, and what is known stays known.

use std::thread;
use std::time::{Duration, Instant};

use skewguard_lab::{CodeFormat, Fault, Lab, Manager, ManagerSetup, Pop, PopSetup, Release};

/// No request may take longer, by far: the timeout is 250 ms, and what hangs hangs for 60 s.
const PATIENCE: Duration = Duration::from_secs(5);

fn release(seconds_ago: u32) -> Release {
    Release::new(CodeFormat::One, seconds_ago)
}

fn status(pop: &Pop<'_>) -> u16 {
    let answer = pop.authorize().expect("an answer");
    assert!(answer.took < PATIENCE, "a request took {:?}", answer.took);
    answer.status
}

/// Sends a request every 20 ms for `length`; they all have to be answered with `expected`.
fn steady(pop: &Pop<'_>, length: Duration, expected: u16) {
    let until = Instant::now() + length;
    while Instant::now() < until {
        assert_eq!(status(pop), expected);
        thread::sleep(Duration::from_millis(20));
    }
}

/// How often a guard may have asked since `since`: once, and then after pauses of at least half
/// of 1 s, 2 s, 4 s and so on.
fn most_questions(since: Instant) -> u64 {
    let mut pause = Duration::from_millis(500);
    let mut earliest = Duration::ZERO;
    let mut questions = 1;
    while earliest + pause <= since.elapsed() {
        earliest += pause;
        pause = (pause * 2).min(Duration::from_secs(15));
        questions += 1;
    }
    questions
}

/// With `fault` from the start: a current bundle and an old one are both served, nobody waits
/// longer than the timeout, and the manager is asked no more than back-off allows.
fn a_cold_guard_serves_in_spite_of(fault: Fault) {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    manager.register("op-auth", &release(10)).expect("an answer");
    let pop = Pop::start(&lab, &manager, &release(20), &PopSetup::default()).expect("a PoP");
    pop.link().inject(fault).expect("a link");
    let started = Instant::now();
    steady(&pop, Duration::from_secs(2), 200);
    let asked = pop.link().stats().expect("statistics").asked;
    assert!(asked >= 2, "it asks again");
    assert!(asked <= most_questions(started), "it asked {asked} times");
    let waited = lab.transcript().events("request_waited").len();
    assert_eq!(waited, 1, "only the first request waits");
    let failed = lab.transcript().events("manager_failed").len();
    assert!(failed >= 1, "the failures are logged");

    pop.link().inject(Fault::None).expect("a link");
    let back = Instant::now();
    while status(&pop) != 503 {
        assert!(back.elapsed() < Duration::from_secs(20), "it never asked again");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(lab.transcript().events("request_waited").len(), 1, "nor does anybody after it");
}

/// With `fault` once the guard knows that its bundle is old: it goes on refusing.
fn a_warm_guard_remembers_in_spite_of(fault: Fault) {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    manager.register("op-auth", &release(10)).expect("an answer");
    let setup = PopSetup::default()
        .var("VERSION_CHECK_MAX_AGE_MS", "1000")
        .var("VERSION_CHECK_STALE_IF_ERROR_MS", "2000");
    let pop = Pop::start(&lab, &manager, &release(20), &setup).expect("a PoP");
    assert_eq!(status(&pop), 503);
    pop.link().inject(fault).expect("a link");
    // Twice the lease: long past what a fresh manifest allows.
    steady(&pop, Duration::from_secs(2), 503);
    // And then `stale-if-error` runs out.
    let started = Instant::now();
    while status(&pop) != 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "it remembers for ever");
        thread::sleep(Duration::from_millis(20));
    }
}

macro_rules! faults {
    ($($fault:ident: $value:expr,)*) => {
        mod a_cold_guard_serves {
            use super::*;
            $(#[test] fn $fault() { a_cold_guard_serves_in_spite_of($value); })*
        }
        mod a_warm_guard_remembers {
            use super::*;
            $(#[test] fn $fault() { a_warm_guard_remembers_in_spite_of($value); })*
        }
    };
}

faults! {
    when_the_manager_is_slow: Fault::Delay(5_000),
    when_the_manager_hangs: Fault::Hang,
    when_the_manager_stalls_in_the_middle_of_its_answer: Fault::Stall,
    when_the_connection_breaks_in_the_middle_of_the_answer: Fault::Cut,
    when_the_manager_answers_500: Fault::Error,
    when_the_manager_answers_rubbish: Fault::Rubbish,
    when_the_manager_answers_with_wrong_types: Fault::Wrong,
    when_the_manager_is_gone: Fault::Gone,
}

#[test]
fn a_manager_that_is_slower_than_the_timeout_is_heard_all_the_same() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    manager.register("op-auth", &release(10)).expect("an answer");
    // The default pause of 1 s leaves 500 ms for late answers; here it is more, for busy machines.
    let setup = PopSetup::default()
        .var("VERSION_CHECK_TIMEOUT_MS", "100")
        .var("VERSION_CHECK_BACK_OFF_MS", "8000");
    let pop = Pop::start(&lab, &manager, &release(20), &setup).expect("a PoP");
    pop.link().inject(Fault::Delay(300)).expect("a link");
    assert_eq!(status(&pop), 200, "the first request does not wait for so long");
    let first = Instant::now();
    while status(&pop) != 503 {
        assert!(first.elapsed() < PATIENCE, "the answer was thrown away");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(pop.link().stats().expect("statistics").asked, 1);
}

#[test]
fn a_request_that_is_given_up_is_aborted() {
    for fault in [Fault::Hang, Fault::Stall] {
        let lab = Lab::new().expect("a lab");
        let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
        manager.register("op-auth", &release(10)).expect("an answer");
        let pop = Pop::start(&lab, &manager, &release(10), &PopSetup::default()).expect("a PoP");
        pop.link().inject(fault).expect("a link");
        assert_eq!(status(&pop), 200);
        let given_up = Instant::now();
        while pop.link().stats().expect("statistics").aborted == 0 {
            assert!(given_up.elapsed() < PATIENCE, "{fault:?}: it is still under way");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_manager_that_was_killed_comes_back_with_what_it_knew() {
    let lab = Lab::new().expect("a lab");
    let mut manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let (old, new) = (release(20), release(10));
    manager.register("op-auth", &new).expect("an answer");
    let stale = Pop::start(&lab, &manager, &old, &PopSetup::default()).expect("a PoP");
    let current = Pop::start(&lab, &manager, &new, &PopSetup::default()).expect("a PoP");
    assert_eq!((status(&stale), status(&current)), (503, 200));
    manager.kill();
    for _ in 0..100 {
        assert_eq!((status(&stale), status(&current)), (503, 200));
        thread::sleep(Duration::from_millis(60));
    }
    manager.start_again().expect("a manager");
    assert_eq!(manager.version("op-auth").expect("an answer").json()["uuid"], new.bundle.reveal());
    for pop in [&stale, &current] {
        pop.link().forward_to(&manager.object_url()).expect("a link");
    }
    let newest = release(0);
    manager.register("op-auth", &newest).expect("an answer");
    let registered = Instant::now();
    while status(&current) != 503 {
        assert!(registered.elapsed() < Duration::from_secs(60), "the guard never came back");
        thread::sleep(Duration::from_millis(50));
    }
}
