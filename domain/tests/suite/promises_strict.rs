//! P3: in a strict release, once any request was served by the new bundles, none is served by the
//! old ones.

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use skewguard_domain::{Command, Delay, MaxAge, Reason, Strictness, Style, Verdict};

use crate::fixtures::{at, cases, ms};
use crate::manager::{START, announce, named, numbered, release_id};
use crate::pops::{Copies, Plan, run};
use crate::promises::World;

/// How far apart two clocks of one PoP may be.
const APART: i64 = 500;

/// A strict release of bundle 2, after bundle 1, in two Workers; and changes of mind.
#[derive(Clone, Debug)]
struct Story {
    lease: u64,
    /// After the announcement, and to which length.
    shortens: Option<(i64, u64)>,
    after: Option<Delay>,
    /// How long after the activation, when, and how strictly it says.
    minds: Vec<(i64, Option<Delay>, Strictness)>,
    guards: Vec<Sketch>,
    copies: Copies,
}

/// A guard, in fractions of the whole.
#[derive(Clone, Debug)]
struct Sketch {
    is_new: bool,
    worker: bool,
    pop: usize,
    apart: i64,
    /// Around the last cutover, or at any time.
    requests: Vec<(bool, u16)>,
    ways: Vec<(i64, i64)>,
}

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let way = prop_oneof![(0_i64..20, 0_i64..20), (0_i64..125, 0_i64..124)];
    let sketch = (
        any::<bool>(),
        any::<bool>(),
        0_usize..2,
        prop_oneof![Just(0), Just(APART), 0_i64..=APART],
        prop::collection::vec(any::<(bool, u16)>(), 4..24),
        prop::collection::vec(way, 1..6),
    )
        .prop_map(|(is_new, worker, pop, apart, requests, ways)| Sketch {
            is_new,
            worker,
            pop,
            apart,
            requests,
            ways,
        });
    prop::collection::vec(sketch, 2..8)
}

fn stories() -> impl Strategy<Value = Story> {
    let delay = || {
        prop::option::weighted(0.4, 0_u64..6_000)
            .prop_map(|millis| millis.and_then(|millis| Delay::new(ms(millis))))
    };
    let strictness =
        any::<bool>().prop_map(|is| if is { Strictness::Strict } else { Strictness::Relaxed });
    let minds = prop::collection::vec((0_i64..6_000, delay(), strictness), 0..3);
    let shortens = prop::option::weighted(0.3, (0_i64..8_000, 300_u64..2_000));
    let copies = any::<bool>().prop_map(|shared| if shared { Copies::Shared } else { Copies::Off });
    (600_u64..5_000, shortens, delay(), minds, sketches(), copies).prop_map(
        |(lease, shortens, after, minds, guards, copies)| Story {
            lease,
            shortens,
            after,
            minds,
            guards,
            copies,
        },
    )
}

fn decide(world: &mut World, millis: i64, command: &Command) {
    let applied = world.ledger().apply(command, at(millis)).expect("a change that makes sense");
    world.past.push((millis, applied.ledger));
}

fn millis(length: u64) -> i64 {
    i64::try_from(length).expect("few")
}

/// The world in which a story takes place, when its announcement was known to all, and when all
/// of it is over.
fn told(story: &Story) -> (World, i64, i64) {
    let mut world = World::new();
    decide(&mut world, START, &announce("r1", Style::Plain, &[("a", 1), ("b", 1)]));
    let r1 = Command::Activate { release: release_id("r1"), after: Some(Delay::NONE) };
    decide(&mut world, START, &r1);
    let lease = MaxAge::new(ms(story.lease)).expect("a lease");
    decide(&mut world, START, &Command::SetLease(lease));
    let announced = START + 10_000;
    decide(&mut world, announced, &announce("r2", Style::Strict, &[("a", 2), ("b", 2)]));
    // Nobody uploads before all have heard of it: an unknown newer bundle serves.
    let uploaded = announced + millis(story.lease) + 1_000;
    let mut decisions = Vec::new();
    let activated = uploaded + 500;
    let r2 = Command::Activate { release: release_id("r2"), after: story.after };
    decisions.push((activated, r2));
    let mut changed = activated;
    for (turn, (later, after, strictness)) in story.minds.iter().enumerate() {
        changed += later;
        let release = release_id(if turn % 2 == 0 { "r1" } else { "r2" });
        let back = Command::RollBack { release, after: *after, strictness: *strictness };
        decisions.push((changed, back));
    }
    if let Some((later, lease)) = story.shortens {
        let lease = MaxAge::new(ms(lease)).expect("a lease");
        decisions.push((announced + later, Command::SetLease(lease)));
    }
    decisions.sort_by_key(|(when, _)| *when);
    for (when, command) in &decisions {
        decide(&mut world, *when, command);
    }
    let latest = world.ledger().workers()[&named("a")].latest().cutover.start_at;
    (world, uploaded, latest.as_unix_millis() + 1_000)
}

fn plans(story: &Story, uploaded: i64, end: i64) -> Vec<Plan> {
    let sketches = story.guards.iter().enumerate();
    let plan = |(number, sketch): (usize, &Sketch)| {
        let begin = if sketch.is_new { uploaded } else { START + 9_000 };
        let share = |(is_close, share): &(bool, u16)| {
            let begin = if *is_close { begin.max(end - 3_500) } else { begin };
            begin + (end - begin) * i64::from(*share) / 65_536
        };
        // Clocks of different PoPs have nothing to do with each other; without copies, nor do
        // those of one.
        let ahead = match story.copies {
            Copies::Shared => i64::try_from(sketch.pop).expect("few") * 5_000_000 + sketch.apart,
            Copies::Off => i64::try_from(number).expect("few") * 7_000_000 - 20_000_000,
        };
        Plan {
            worker: named(if sketch.worker { "a" } else { "b" }),
            bundle: numbered(if sketch.is_new { 2 } else { 1 }),
            pop: sketch.pop,
            ahead,
            requests: sketch.requests.iter().map(share).collect(),
            ways: sketch.ways.clone(),
        }
    };
    sketches.map(plan).collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn p3_in_strict_releases_nothing_is_served_by_the_old_once_the_new_has_served(
        story in stories(),
    ) {
        let (world, uploaded, end) = told(&story);
        let plans = plans(&story, uploaded, end);
        let takeovers = world.ledger().workers()[&named("a")].takeovers();
        prop_assert_eq!(takeovers, world.ledger().workers()[&named("b")].takeovers());
        // Bundle 1, then 2, then perhaps 1 and 2 again: each takes over once, in this order.
        let mut order = takeovers.iter().map(|takeover| takeover.record.bundle);
        let mut serving = order.next();
        let mut last = START;
        for judged in run(&world, &plans, story.copies) {
            prop_assert!(last <= judged.at);
            last = judged.at;
            prop_assert!(judged.decision.reason != Reason::Unavailable, "{:?}", judged);
            if judged.decision.verdict == Verdict::Refuse {
                continue;
            }
            let bundle = plans[judged.guard].bundle.id;
            while serving.is_some_and(|serving| serving != bundle) {
                serving = order.next();
            }
            prop_assert!(serving.is_some(), "{:?} in {:?}", judged, plans[judged.guard]);
        }
    }
}
