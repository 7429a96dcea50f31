//! Releases on real workerd: three PoPs in processes of their own, old and new bundles side by
//! side, and traffic that does not stop.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use skewguard_lab::CodeFormat::{One, Two};
use skewguard_lab::{
    Answer, Counts, Deployer, Lab, Manager, ManagerSetup, Pop, PopSetup, Release, Style, Traffic,
};

const POPS: [&str; 3] = ["FRA", "IAD", "SIN"];

/// Longer than any run of traffic takes.
const AT_MOST: Duration = Duration::from_secs(120);

/// A PoP of a Worker that would rather refuse than guess, on a machine where an answer may take
/// its time.
fn setup(pop: &str) -> PopSetup {
    PopSetup::default()
        .named(pop)
        .var("VERSION_CHECK_TIMEOUT_MS", "3000")
        .var("VERSION_CHECK_ON_UNAVAILABLE", "closed")
        .var("VERSION_CHECK_STALE_IF_ERROR_MS", "0")
}

fn pops<'a>(lab: &'a Lab, manager: &Manager<'_>, release: &Release) -> Vec<Pop<'a>> {
    let start = |pop: &&str| Pop::start(lab, manager, release, &setup(pop)).expect("a PoP");
    POPS.iter().map(start).collect()
}

fn accepted(answer: Result<Answer, String>) -> Value {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// Both releases are in every PoP, the second one announced; traffic reaches all of it.
struct Stage<'a> {
    deployer: Deployer,
    old: Vec<Pop<'a>>,
    new: Vec<Pop<'a>>,
    first: Release,
    second: Release,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab, manager: &Manager<'_>, style: Style) -> Self {
        let (first, second) = (Release::new(One, 60), Release::new(Two, 0));
        let deployer = Deployer::new(lab, &manager.doors()[0]);
        accepted(deployer.announce_both("r1", &first, Style::Plain));
        accepted(deployer.change("r1", "activate", &json!({ "after": 0 })));
        let old = pops(lab, manager, &first);
        accepted(deployer.announce_both("r2", &second, style));
        let new = pops(lab, manager, &second);
        Self { deployer, old, new, first, second }
    }

    fn everywhere(&self) -> Vec<&Pop<'a>> {
        self.old.iter().chain(&self.new).collect()
    }

    fn traffic(&self) -> Traffic {
        Traffic::through(&self.everywhere())
    }
}

fn assert_nothing_is_mixed(counts: &Counts) {
    assert!(counts.flows > 100, "{counts:?}");
    assert_eq!((counts.mixed, counts.failed), (0, 0), "{counts:?}");
}

/// Whether every flow of a second passes, through the PoPs that serve.
fn assert_all_pass(pops: &[Pop<'_>]) {
    let pops: Vec<_> = pops.iter().collect();
    let counts = Traffic::through(&pops).run_for(Duration::from_secs(1));
    assert!(counts.flows > 20, "{counts:?}");
    assert_eq!((counts.passed, counts.refused), (counts.flows, 0), "{counts:?}");
}

fn assert_all_refuse(pops: &[Pop<'_>]) {
    for pop in pops {
        assert_eq!(pop.authorize().expect("an answer").status, 503, "{}", pop.name());
        assert_eq!(pop.redeem("none").expect("an answer").status, 503, "{}", pop.name());
    }
}

#[test]
fn p3_in_a_strict_release_no_flow_is_mixed_nor_in_its_rollback() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let stage = Stage::new(&lab, &manager, Style::Strict);
    assert_all_pass(&stage.old);
    assert_all_refuse(&stage.new);

    let running = stage.traffic().in_order(&[One, Two]).start(AT_MOST);
    thread::sleep(Duration::from_secs(1));
    accepted(stage.deployer.change("r2", "activate", &json!({})));
    stage.deployer.cut_over("r2").expect("a cutover");
    thread::sleep(Duration::from_secs(2));
    let (counts, record) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert_eq!(record.overlap(), []);
    assert!(record.steps().iter().any(|step| step.format == Two), "release 2 serves");
    assert_all_refuse(&stage.old);
    assert_all_pass(&stage.new);

    let running = stage.traffic().in_order(&[Two, One]).start(AT_MOST);
    thread::sleep(Duration::from_secs(1));
    accepted(stage.deployer.change("r1", "rollback", &json!({})));
    stage.deployer.cut_over("r1").expect("a cutover");
    thread::sleep(Duration::from_secs(2));
    let (counts, record) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert_eq!(record.overlap(), []);
    assert!(record.steps().iter().any(|step| step.format == One), "release 1 is back");
    // P4: it is refused although it is the newest.
    assert!(stage.second.deploy_time > stage.first.deploy_time);
    assert_all_refuse(&stage.new);
    assert_all_pass(&stage.old);
}

#[test]
fn p3_a_strict_release_at_once_refuses_for_a_while_and_mixes_nothing() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let stage = Stage::new(&lab, &manager, Style::Strict);
    let running = stage.traffic().in_order(&[One, Two]).start(AT_MOST);
    thread::sleep(Duration::from_secs(1));
    accepted(stage.deployer.change("r2", "activate", &json!({ "after": 0 })));
    stage.deployer.cut_over("r2").expect("a cutover");
    thread::sleep(Duration::from_secs(2));
    let (counts, record) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert_eq!(record.overlap(), []);
    assert_all_refuse(&stage.old);
    assert_all_pass(&stage.new);
}

#[test]
fn p1_in_a_plain_release_no_new_bundle_is_refused_and_no_old_one_before_the_cutover() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let stage = Stage::new(&lab, &manager, Style::Plain);
    // Announced: both serve, and a client that stays with one release notices nothing.
    let counts = stage.traffic().with_affinity().run_for(Duration::from_secs(2));
    assert_nothing_is_mixed(&counts);
    assert_eq!((counts.refused, counts.passed), (0, counts.flows), "{counts:?}");

    let new: Vec<_> = stage.new.iter().collect();
    let running = Traffic::through(&new).start(AT_MOST);
    accepted(stage.deployer.change("r2", "activate", &json!({})));
    stage.deployer.cut_over("r2").expect("a cutover");
    thread::sleep(Duration::from_secs(1));
    let (counts, _) = running.stop();
    assert_eq!((counts.refused, counts.passed), (0, counts.flows), "{counts:?}");
    assert_all_refuse(&stage.old);
}

#[test]
fn a_canary_shares_the_traffic_until_it_is_promoted() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let stage = Stage::new(&lab, &manager, Style::Canary);
    let traffic = stage.traffic().with_affinity();
    let running = traffic.start(AT_MOST);
    let answer = accepted(stage.deployer.change("r2", "activate", &json!({})));
    assert_eq!(answer["state"], "shared");
    // Longer than a lease: every guard has heard of it by then.
    thread::sleep(Duration::from_secs(7));
    let (counts, record) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert_eq!((counts.refused, counts.passed), (0, counts.flows), "{counts:?}");
    for format in [One, Two] {
        assert!(record.steps().iter().any(|step| step.format == format), "{format:?} serves");
    }

    let running = traffic.start(AT_MOST);
    thread::sleep(Duration::from_secs(1));
    accepted(stage.deployer.change("r2", "promote", &json!({})));
    stage.deployer.cut_over("r2").expect("a cutover");
    thread::sleep(Duration::from_secs(2));
    let (counts, record) = running.stop();
    assert_eq!(counts.failed, 0, "{counts:?}");
    // Whose release stopped under way crossed the cutover. None changed while its release served.
    assert_eq!(record.skewed().len(), 0, "{:?}", record.skewed());
    assert_all_refuse(&stage.old);
    assert_all_pass(&stage.new);
}

#[test]
fn an_aborted_strict_release_has_never_served_and_the_old_one_goes_on() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let stage = Stage::new(&lab, &manager, Style::Strict);
    let running = stage.traffic().start(AT_MOST);
    thread::sleep(Duration::from_secs(1));
    accepted(stage.deployer.change("r2", "abort", &json!({})));
    // A lease, and time for a busy machine.
    thread::sleep(Duration::from_secs(8));
    let (counts, record) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert!(record.steps().iter().all(|step| step.format == One), "release 2 never served");
    assert_all_refuse(&stage.new);
    assert_all_pass(&stage.old);
}

#[test]
fn an_aborted_canary_is_fenced_within_a_lease_and_the_old_release_refuses_nobody() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let stage = Stage::new(&lab, &manager, Style::Canary);
    accepted(stage.deployer.change("r2", "activate", &json!({})));
    let old: Vec<_> = stage.old.iter().collect();
    let running = Traffic::through(&old).start(AT_MOST);
    accepted(stage.deployer.change("r2", "abort", &json!({})));
    thread::sleep(Duration::from_secs(8));
    let (counts, _) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert_eq!((counts.refused, counts.passed), (0, counts.flows), "{counts:?}");
    assert_all_refuse(&stage.new);
}

#[test]
fn p6_of_two_deployers_at_once_one_wins_and_the_other_has_changed_nothing() {
    let lab = Lab::new().expect("a lab");
    let manager = Manager::start(&lab, ManagerSetup::Complete).expect("a manager");
    let first = Release::new(One, 60);
    let deployer = Deployer::new(&lab, &manager.doors()[0]);
    accepted(deployer.announce_both("r1", &first, Style::Plain));
    accepted(deployer.change("r1", "activate", &json!({ "after": 0 })));
    let old = pops(&lab, &manager, &first);
    let wishes = ["east", "west"].map(|id| (id, Release::new(Two, 0)));
    let answers = thread::scope(|scope| {
        let deploys = wishes.each_ref().map(|(id, release)| {
            let deployer = deployer.clone();
            scope.spawn(move || {
                deployer.announce_both(id, release, Style::Strict).expect("an answer")
            })
        });
        deploys.map(|deploy| deploy.join().expect("a deployer"))
    });
    let won = answers.iter().position(|answer| answer.status == 200).expect("a winner");
    let lost = &answers[1 - won];
    assert_eq!((lost.status, lost.code().as_str()), (409, "release_open"), "{}", lost.body);
    assert_eq!(lost.json()["release"], wishes[won].0);
    assert!(lost.json()["ageMs"].is_u64(), "{}", lost.body);

    let new = pops(&lab, &manager, &wishes[won].1);
    let both: Vec<_> = old.iter().chain(&new).collect();
    let running = Traffic::through(&both).in_order(&[One, Two]).start(AT_MOST);
    let too_late = deployer.change(wishes[1 - won].0, "activate", &json!({})).expect("an answer");
    assert_eq!((too_late.status, too_late.code().as_str()), (404, "unknown_release"));
    accepted(deployer.change(wishes[won].0, "activate", &json!({})));
    deployer.cut_over(wishes[won].0).expect("a cutover");
    thread::sleep(Duration::from_secs(1));
    let (counts, record) = running.stop();
    assert_nothing_is_mixed(&counts);
    assert_eq!(record.overlap(), []);
    assert_all_pass(&new);
}
