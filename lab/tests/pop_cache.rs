//! The copy that the Workers of a PoP share, through the Cache API of real workerd.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use skewguard_lab::CodeFormat::{One, Two};
use skewguard_lab::{
    CacheSetup, Deployer, Lab, Manager, ManagerSetup, Pop, PopSetup, Release, Style, Traffic,
};

/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

/// A PoP on a machine where an answer may take its time.
fn setup(cache: CacheSetup) -> PopSetup {
    let setup = PopSetup { cache, ..PopSetup::default() };
    setup.var("VERSION_CHECK_TIMEOUT_MS", "3000")
}

fn asked(pop: &Pop<'_>) -> u64 {
    pop.link().stats().expect("statistics").asked
}

/// A manager with a release that both Workers of the PoP run.
fn stage(lab: &Lab, cache: CacheSetup) -> (Manager<'_>, Pop<'_>) {
    let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
    let release = Release::new(One, 10);
    for worker in ["op-auth", "op-token"] {
        assert_eq!(manager.register(worker, &release).expect("an answer").status, 200);
    }
    let pop = Pop::start(lab, &manager, &release, &setup(cache).named("FRA")).expect("a PoP");
    (manager, pop)
}

/// One request to each Worker; the question that the first one asks is answered by then.
fn one_request_each(pop: &Pop<'_>) {
    assert_eq!(pop.authorize().expect("an answer").status, 200);
    assert_eq!(pop.redeem("none").expect("an answer").status, 400);
}

#[test]
fn one_worker_of_a_pop_asks_and_the_other_reads_the_copy() {
    let lab = Lab::new().expect("a lab");
    let (_manager, pop) = stage(&lab, CacheSetup::Working);
    one_request_each(&pop);
    assert_eq!(asked(&pop), 1);
    assert!(pop.cache().expect("a cache").stats().expect("statistics").hits > 0);
}

#[test]
fn without_a_cache_api_or_with_one_that_keeps_nothing_each_worker_asks_itself() {
    for cache in [CacheSetup::None, CacheSetup::Idle] {
        let lab = Lab::new().expect("a lab");
        let (_manager, pop) = stage(&lab, cache);
        one_request_each(&pop);
        assert_eq!(asked(&pop), 2, "{cache:?}");
    }
}

#[test]
fn a_worker_that_wants_no_copy_asks_itself() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let setup = setup(CacheSetup::Working).var("VERSION_CHECK_POP_CACHE", "false");
    let pop = Pop::start(&lab, &manager, &Release::new(One, 10), &setup).expect("a PoP");
    one_request_each(&pop);
    assert_eq!(asked(&pop), 2);
    assert_eq!(pop.cache().expect("a cache").stats().expect("statistics").puts, 0);
}

#[test]
fn what_one_worker_has_seen_the_other_one_reports() {
    let lab = Lab::new().expect("a lab");
    let (manager, pop) = stage(&lab, CacheSetup::Working);
    one_request_each(&pop);
    let deployer = Deployer::new(&lab, &manager.doors()[0]);
    let started = Instant::now();
    loop {
        // Only `op-auth` has traffic from now on, and asks for both.
        pop.authorize().expect("an answer");
        let status = deployer.status().expect("a status");
        if status["workers"]["op-token"]["pops"]["FRA"]["bundles"][0]["sightings"] == 1 {
            break;
        }
        assert!(started.elapsed() < LIMIT, "{status}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn p3_a_strict_release_mixes_nothing_where_pops_share_copies() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let deployer = Deployer::new(&lab, &manager.doors()[0]);
    let (first, second) = (Release::new(One, 60), Release::new(Two, 0));
    let start = |release: &Release| {
        let setup = setup(CacheSetup::Working)
            .var("VERSION_CHECK_ON_UNAVAILABLE", "closed")
            .var("VERSION_CHECK_STALE_IF_ERROR_MS", "0");
        Pop::start(&lab, &manager, release, &setup).expect("a PoP")
    };
    let accepted = |answer: Result<skewguard_lab::Answer, String>| {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    accepted(deployer.announce_both("r1", &first, Style::Plain));
    accepted(deployer.change("r1", "activate", &json!({ "after": 0 })));
    let old = [start(&first), start(&first)];
    accepted(deployer.announce_both("r2", &second, Style::Strict));
    let new = [start(&second), start(&second)];
    let everywhere: Vec<_> = old.iter().chain(&new).collect();
    let running = Traffic::through(&everywhere).in_order(&[One, Two]).start(LIMIT);
    thread::sleep(Duration::from_secs(1));
    accepted(deployer.change("r2", "activate", &json!({})));
    deployer.cut_over("r2").expect("a cutover");
    thread::sleep(Duration::from_secs(2));
    let (counts, record) = running.stop();
    assert!(counts.flows > 100, "{counts:?}");
    assert_eq!((counts.mixed, counts.failed), (0, 0), "{counts:?}");
    assert_eq!(record.overlap(), []);
    assert!(record.steps().iter().any(|step| step.format == Two), "release 2 serves");
    for pop in &old {
        assert_eq!(pop.authorize().expect("an answer").status, 503);
    }
}
