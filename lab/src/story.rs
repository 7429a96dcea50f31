//! The demonstration, told step by step.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{CodeFormat, Counts, Lab, Manager, ManagerSetup, Pop, PopSetup, Release, Traffic};

/// How long the old PoP may go on after a registration. The lease is 5 s; the rest is for a busy
/// machine, since a lease has room for that and a demonstration has not.
const FENCE_LIMIT: Duration = Duration::from_secs(10);

/// How long guards may need to notice that the manager is back: more than their longest pause
/// after an outage as short as the one here.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

/// One part of the story.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// Its letter.
    pub phase: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// How long it took, in ms.
    pub took_ms: u128,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// Requests that waited for the manager.
    pub waited: usize,
    /// What should have been seen and was not.
    pub failures: Vec<String>,
}

/// The whole story.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this document's form.
    pub version: u32,
    /// Whether every step showed what it should.
    pub passed: bool,
    /// From the registration to the last answer of the old PoP, in ms.
    pub fenced_after_ms: u128,
    /// The parts, in their order.
    pub phases: Vec<Phase>,
}

/// Tells the story, each line as it happens.
///
/// # Errors
/// A text that says what to do, if the stage could not be set. What the story itself should have
/// shown and did not is in the report.
pub fn tell(say: &dyn Fn(&str)) -> Result<Report, String> {
    let lab = Lab::new()?;
    let started = Instant::now();
    let narrator = Narrator { say, started, lab: &lab };
    narrator.line("three workerd processes: one manager, two PoPs with op-auth and op-token");
    let mut manager = Manager::start(&lab, ManagerSetup::Complete)?;
    let first = Release::new(CodeFormat::One, 60);
    let second = Release::new(CodeFormat::Two, 0);
    let setup = PopSetup::default();
    let mut phases = Vec::new();

    let west = Pop::start(&lab, &manager, &first, &setup)?;
    let east = Pop::start(&lab, &manager, &first, &setup)?;
    register(&manager, &first)?;
    narrator.line(&format!("(a) release 1 ({}) is everywhere, and registered", first.bundle));
    phases.push(narrator.phase("a", "release 1 everywhere", |check| {
        let counts = Traffic::through(&[&west, &east]).run_for(Duration::from_secs(2));
        check.that(counts.flows > 0 && counts.passed == counts.flows, "every flow passes");
        check.that(counts.refused == 0, "nobody is refused");
        counts
    }));

    narrator.line(&format!(
        "(b) release 2 ({}) reaches the east only: its codes have another format",
        second.bundle
    ));
    let mut old_east = east;
    let east = Pop::start(&lab, &manager, &second, &setup)?;
    old_east.kill();
    phases.push(narrator.phase("b", "release 2 in one PoP", |check| {
        let counts = Traffic::through(&[&west, &east]).run_for(Duration::from_secs(2));
        check.that(counts.refused == 0, "nobody is refused, registered or not");
        check.that(counts.mixed > 0, "flows that cross PoPs break: the harm");
        counts
    }));

    narrator.line("(c) release 2 is registered");
    let mut fenced_after = Duration::ZERO;
    register(&manager, &second)?;
    let registered = Instant::now();
    phases.push(narrator.phase("c", "registered: the lease runs out", |check| {
        let mut counts = Counts::default();
        while !is_fenced(&west) && registered.elapsed() < FENCE_LIMIT {
            counts += Traffic::through(&[&west, &east]).run_for(Duration::from_millis(100));
            fenced_after = registered.elapsed();
        }
        check.that(is_fenced(&west), "the old PoP answers 503 with Retry-After");
        counts
    }));
    narrator.line(&format!(
        "    the west was fenced {:.1} s later (the lease is 5 s)",
        fenced_after.as_secs_f32()
    ));
    phases.push(narrator.phase("c'", "fenced: clients retry", |check| {
        let counts = Traffic::through(&[&west, &east]).run_for(Duration::from_secs(3));
        check.that(counts.mixed == 0, "no flow is mixed");
        check.that(counts.refused > 0, "the old PoP refuses");
        check.that(counts.passed == counts.flows, "every client that retries succeeds");
        counts
    }));

    narrator.line("(d) the manager is killed (SIGKILL)");
    manager.kill();
    phases.push(narrator.phase("d", "the manager is dead", |check| {
        let counts = Traffic::through(&[&west, &east]).run_for(Duration::from_secs(8));
        check.that(counts.failed == 0 && counts.passed == counts.flows, "traffic goes on");
        check.that(counts.mixed == 0 && counts.refused > 0, "what was known stays known");
        check.that(check.waited() == 0, "nobody waits for the manager");
        counts
    }));

    narrator.line("(e) the manager is back, on the same database");
    manager.start_again()?;
    for pop in [&west, &east] {
        pop.link().forward_to(&manager.object_url())?;
    }
    let stored = manager.version("op-auth")?.json()["uuid"] == second.bundle.reveal().as_str();
    phases.push(narrator.phase("e", "back: guards notice", |check| {
        check.that(stored, "what was registered is still there");
        let mut counts = Counts::default();
        let back = Instant::now();
        while check.events("manager_recovered") < 4 && back.elapsed() < RECOVERY_LIMIT {
            counts += Traffic::through(&[&west, &east]).run_for(Duration::from_millis(250));
        }
        check.that(check.events("manager_recovered") >= 4, "all four guards notice");
        check.that(counts.mixed == 0 && counts.failed == 0, "traffic goes on");
        counts
    }));
    narrator.line("    release 2 reaches the west as well");
    let mut old_west = west;
    let west = Pop::start(&lab, &manager, &second, &setup)?;
    old_west.kill();
    phases.push(narrator.phase("e'", "release 2 everywhere", |check| {
        let counts = Traffic::through(&[&west, &east]).run_for(Duration::from_secs(2));
        check.that(counts.passed == counts.flows, "every flow passes");
        check.that(counts.refused == 0, "nobody is refused");
        counts
    }));

    let leaks = lab.transcript().leaks();
    if let Some(last) = phases.last_mut() {
        last.failures.extend(leaks.iter().map(ToString::to_string));
    }
    let passed = phases.iter().all(|phase| phase.failures.is_empty());
    Ok(Report { version: 1, passed, fenced_after_ms: fenced_after.as_millis(), phases })
}

fn register(manager: &Manager<'_>, release: &Release) -> Result<(), String> {
    for worker in ["op-auth", "op-token"] {
        let answer = manager.register(worker, release)?;
        if answer.status != 200 {
            return Err(format!("the registration of {worker} was answered {}", answer.body));
        }
    }
    Ok(())
}

fn is_fenced(pop: &Pop<'_>) -> bool {
    let refused = |answer: Result<crate::Answer, String>| {
        answer.is_ok_and(|answer| answer.status == 503 && answer.header("Retry-After") == Some("5"))
    };
    refused(pop.authorize()) && refused(pop.redeem("none"))
}

struct Narrator<'a> {
    say: &'a dyn Fn(&str),
    started: Instant,
    lab: &'a Lab,
}

/// What a phase is measured against.
struct Check<'a> {
    narrator: &'a Narrator<'a>,
    waited_before: usize,
    failures: std::cell::RefCell<Vec<String>>,
}

impl Narrator<'_> {
    fn line(&self, text: &str) {
        (self.say)(&format!("{:6.1} s  {text}", self.started.elapsed().as_secs_f32()));
    }

    fn phase(
        &self,
        phase: &'static str,
        title: &'static str,
        run: impl FnOnce(&Check<'_>) -> Counts,
    ) -> Phase {
        let started = Instant::now();
        let waited_before = self.lab.transcript().events("request_waited").len();
        let check = Check { narrator: self, waited_before, failures: Vec::new().into() };
        let counts = run(&check);
        let waited = check.waited();
        Phase {
            phase,
            title,
            took_ms: started.elapsed().as_millis(),
            counts,
            waited,
            failures: check.failures.into_inner(),
        }
    }
}

impl Check<'_> {
    fn that(&self, holds: bool, what: &str) {
        let mark = if holds { "ok" } else { "NOT SO" };
        self.narrator.line(&format!("    {mark}: {what}"));
        if !holds {
            self.failures.borrow_mut().push(what.to_owned());
        }
    }

    fn events(&self, event: &str) -> usize {
        self.narrator.lab.transcript().events(event).len()
    }

    fn waited(&self) -> usize {
        self.events("request_waited") - self.waited_before
    }
}

impl Report {
    /// The table at the end.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = format!(
            "{:<3} {:<31} {:>8} {:>7} {:>7} {:>6} {:>6} {:>6} {:>7} {:>7} {:>10}\n",
            "",
            "phase",
            "requests",
            "served",
            "refused",
            "failed",
            "flows",
            "mixed",
            "crossed",
            "waited",
            "longest"
        );
        for phase in &self.phases {
            let counts = &phase.counts;
            let _ = writeln!(
                table,
                "{:<3} {:<31} {:>8} {:>7} {:>7} {:>6} {:>6} {:>6} {:>7} {:>7} {:>7} ms",
                phase.phase,
                phase.title,
                counts.requests,
                counts.served,
                counts.refused,
                counts.failed,
                counts.flows,
                counts.mixed,
                counts.crossed,
                phase.waited,
                counts.longest_ms
            );
        }
        table.push_str(
            "waited: requests that waited for the manager; only those of a cold or idle guard do\n",
        );
        table
    }
}
