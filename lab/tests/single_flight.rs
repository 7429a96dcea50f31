//! How little the manager is asked, and how seldom a request waits for it. Counted, not timed.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use skewguard_lab::{
    Answer, CodeFormat, Fault, Lab, Manager, ManagerSetup, Pop, PopSetup, Release,
};

/// On a busy machine a hundred requests take longer than a timeout of 250 ms: what is counted
/// here has nothing to do with that.
fn patient() -> PopSetup {
    PopSetup::default().var("VERSION_CHECK_TIMEOUT_MS", "4000")
}

fn stage<'a>(lab: &'a Lab, setup: &PopSetup) -> (Manager<'a>, Pop<'a>) {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    let release = Release::new(CodeFormat::One, 10);
    for worker in ["op-auth", "op-token"] {
        assert_eq!(manager.register(worker, &release).expect("an answer").status, 200);
    }
    let pop = Pop::start(lab, &manager, &release, setup).expect("a PoP");
    (manager, pop)
}

fn at_once(requests: usize, ask: impl Fn() -> Answer + Sync) -> Vec<Answer> {
    let barrier = Barrier::new(requests);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..requests)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    ask()
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    })
}

#[test]
fn a_hundred_requests_at_once_on_a_cold_guard_ask_the_manager_once() {
    let lab = Lab::new().expect("a lab");
    let (_manager, pop) = stage(&lab, &patient());
    pop.link().inject(Fault::Delay(300)).expect("a link");
    let answers = at_once(100, || pop.authorize().expect("an answer"));
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(pop.link().stats().expect("statistics").asked, 1);
}

#[test]
fn who_waited_for_anothers_flight_can_still_do_io_of_its_own() {
    let lab = Lab::new().expect("a lab");
    let (_manager, pop) = stage(&lab, &patient());
    pop.link().inject(Fault::Delay(300)).expect("a link");
    let code =
        pop.authorize().expect("an answer").json()["code"].as_str().expect("a code").to_owned();
    let before = pop.link().stats().expect("statistics").asked;
    // `op-token` reads the body of each request once its guard has let it through.
    let answers = at_once(50, || pop.redeem(&code).expect("an answer"));
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(pop.link().stats().expect("statistics").asked, before + 1);
}

#[test]
fn a_client_that_leaves_does_not_take_the_answer_away_from_the_others() {
    let lab = Lab::new().expect("a lab");
    let (_manager, pop) = stage(&lab, &patient());
    pop.link().inject(Fault::Delay(400)).expect("a link");
    let address = pop.url("op-auth").replace("http://", "");
    let mut leaver = TcpStream::connect(&address).expect("a connection");
    write!(leaver, "GET /authorize HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("a request");
    let started = Instant::now();
    while pop.link().stats().expect("statistics").asked == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "nobody asked");
        thread::sleep(Duration::from_millis(5));
    }
    drop(leaver);
    let answers = at_once(10, || pop.authorize().expect("an answer"));
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(pop.link().stats().expect("statistics").asked, 1);
    assert_eq!(lab.transcript().events("manager_failed").len(), 0);
}

#[test]
fn under_steady_traffic_only_the_first_request_waits() {
    let lab = Lab::new().expect("a lab");
    let (_manager, pop) = stage(&lab, &PopSetup::default());
    assert_eq!(pop.authorize().expect("an answer").status, 200);
    let started = Instant::now();
    let mut requests = 0;
    while started.elapsed() < Duration::from_secs(20) {
        assert_eq!(pop.authorize().expect("an answer").status, 200);
        requests += 1;
        thread::sleep(Duration::from_millis(10));
    }
    let waited = lab.transcript().events("request_waited");
    assert_eq!(waited.len(), 1, "of {requests} requests these waited: {waited:?}");
    let asked = pop.link().stats().expect("statistics").asked;
    // A lease is 5 s, and is renewed after 80 to 90 % of it.
    let most = started.elapsed().as_millis().div_ceil(4_000) + 1;
    assert!((4..=u64::try_from(most).expect("a few")).contains(&asked), "it asked {asked} times");
}
