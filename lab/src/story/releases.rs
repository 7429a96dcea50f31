//! The second half of the demonstration: releases of both Workers at once.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Check, Narrator, Phase, is_fenced};
use crate::{
    Answer, CodeFormat, Counts, Deployer, Lab, Manager, Pop, PopSetup, Release, Style, Traffic,
};

/// How long a PoP may stay dark: 30 s and a lease, and as much again for a busy machine.
const DARK_LIMIT: Duration = Duration::from_secs(70);

/// How long traffic may run while a cutover is on its way.
const AT_MOST: Duration = Duration::from_secs(60);

/// The PoPs and the release that the first half has left behind.
pub(super) struct Before<'a> {
    pub(super) west: Pop<'a>,
    pub(super) east: Pop<'a>,
    pub(super) first: Release,
    /// What the last registration of release 2 is called.
    pub(super) second_id: String,
}

/// Tells the second half.
///
/// # Errors
/// A text that says what to do, if the stage could not be set.
pub(super) fn tell(
    lab: &Lab,
    manager: &Manager<'_>,
    narrator: &Narrator<'_>,
    before: Before<'_>,
    phases: &mut Vec<Phase>,
) -> Result<Duration, String> {
    let deployer = Deployer::new(lab, &manager.doors()[0]);
    let Before { west, east, first, second_id } = before;
    // A strict release rests on guards that would rather refuse than guess.
    let setup = PopSetup::default().var("VERSION_CHECK_ON_UNAVAILABLE", "closed");

    let third = Release::new(CodeFormat::One, 0);
    narrator.line(&format!("(f) release 3 ({}) is strict: announced, then uploaded", third.bundle));
    accepted(&deployer.announce_both("release-3", &third, Style::Strict)?)?;
    let new_west = Pop::start(lab, manager, &third, &setup)?;
    let new_east = Pop::start(lab, manager, &third, &setup)?;
    let pops = [&west, &east, &new_west, &new_east];
    let order = [CodeFormat::Two, CodeFormat::One];
    phases.push(narrator.phase("f", "a strict release takes over", |check| {
        check.that(is_fenced(&new_west) && is_fenced(&new_east), "until then it is held");
        let change = || deployer.change("release-3", "activate", &json!({}));
        let counts = cut_over(check, &deployer, "release-3", &pops, &order, &change);
        check.that(is_fenced(&west) && is_fenced(&east), "release 2 has stopped in both PoPs");
        counts
    }));

    narrator.line(&format!("(g) release 3 is bad: back to release 2 ({second_id})"));
    let order = [CodeFormat::One, CodeFormat::Two];
    phases.push(narrator.phase("g", "a rollback takes over", |check| {
        let change = || deployer.change(&second_id, "rollback", &json!({}));
        let counts = cut_over(check, &deployer, &second_id, &pops, &order, &change);
        let refused = is_fenced(&new_west) && is_fenced(&new_east);
        check.that(refused, "release 3 is refused, although it is the newest");
        counts
    }));

    narrator.line("(h) behind the manager's back, a PoP in the north goes back to release 1");
    let north = Pop::start(lab, manager, &first, &PopSetup::default().named("YYZ"))?;
    let mut dark = Duration::ZERO;
    phases.push(narrator.phase("h", "a rollback that nobody told", |check| {
        let running = Traffic::through(&[&east]).start(DARK_LIMIT);
        let started = Instant::now();
        let serves = |answer: Result<Answer, String>| answer.is_ok_and(|a| a.status == 200);
        while !serves(north.authorize()) && started.elapsed() < DARK_LIMIT {
            thread::sleep(Duration::from_millis(200));
        }
        dark = started.elapsed();
        let (counts, _) = running.stop();
        check.that(serves(north.authorize()), "the breaker opens: the north serves what it has");
        let open = deployer.status().map(|status| breaker(&status, "YYZ"));
        check.that(open == Ok("open".into()), "the status says so");
        check.that(counts.passed == counts.flows, "the other PoPs do not notice");
        counts
    }));
    narrator.line(&format!(
        "    the north was dark for {:.1} s (at most 30 s + 5 s)",
        dark.as_secs_f32()
    ));
    Ok(dark)
}

fn breaker(status: &Value, pop: &str) -> Value {
    status["workers"]["op-auth"]["pops"][pop]["breaker"].clone()
}

/// Traffic through everything while a release takes over; and nothing may be mixed.
fn cut_over(
    check: &Check<'_>,
    deployer: &Deployer,
    id: &str,
    pops: &[&Pop<'_>],
    order: &[CodeFormat],
    change: &dyn Fn() -> Result<Answer, String>,
) -> Counts {
    let running = Traffic::through(pops).in_order(order).start(AT_MOST);
    let done = change().and_then(|answer| accepted(&answer)).and_then(|()| deployer.cut_over(id));
    check.that(done.is_ok(), "both Workers turn in all PoPs at the same instant");
    thread::sleep(Duration::from_secs(1));
    let (counts, record) = running.stop();
    check.that(record.overlap().is_empty(), "no request of the old one after one of the new one");
    check.that(counts.mixed == 0 && counts.failed == 0, "no flow is mixed");
    counts
}

fn accepted(answer: &Answer) -> Result<(), String> {
    if answer.status == 200 {
        Ok(())
    } else {
        Err(format!("the manager answered {} {}", answer.status, answer.body))
    }
}
