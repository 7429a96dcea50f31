//! Checks a scene to its end, and tells what came of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use skewguard_domain::{Mutant, plant};
use stateright::{Checker, HasDiscoveries, Model};

use crate::fence::Fence;
use crate::promises::Promise;
use crate::scene::Scene;
use crate::scenes::Depth;
use crate::story;

/// How far scenes go: `SKEWGUARD_MODEL=deep` lets them go further.
fn depth() -> Depth {
    match std::env::var("SKEWGUARD_MODEL").as_deref() {
        Ok("deep") => Depth::Deep,
        _ => Depth::Standard,
    }
}

/// A mutant is planted in the whole process. Under nextest each test has one of its own, and under
/// `cargo test` they take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks that all promises hold in every state of `scene`, and that what it is about happens.
pub(crate) fn holds(scene: fn(Depth) -> Scene) {
    let _alone = alone();
    let depth = depth();
    let scene = scene(depth);
    let name = scene.name;
    let begun = Instant::now();
    let fence = Fence::new(scene);
    let checker = fence.clone().checker().finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_dfs().join();
    let took = begun.elapsed();
    println!(
        "{name}: {} states, {} generated, depth {}, {:.1} s; {}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        took.as_secs_f32(),
        fence.sights.summary(),
    );
    let found = checker.discoveries();
    for promise in Promise::ALL {
        if let Some(path) = found.get(promise.name()) {
            let fence = Fence { watched: promise.bit(), ..fence };
            println!("{}", story::tell(&fence, path.clone()));
            panic!("{name}: broken: {}", promise.name());
        }
    }
    for aim in &fence.scene.aims {
        let aim = aim.property().name;
        assert!(found.contains_key(aim), "{name}: it never happens that {aim}");
    }
    for sight in &fence.scene.shows {
        assert!(fence.sights.count(*sight) > 0, "{name}: there is no {sight:?}");
    }
    let states = checker.unique_state_count();
    assert!(states >= fence.scene.at_least, "{name}: {states} states are fewer than expected");
}

/// Checks that the checker finds how `promise` is broken in `scene`, with a rule switched off if
/// there is a `mutant`, and tells how.
pub(crate) fn breaks(mutant: Option<Mutant>, scene: fn(Depth) -> Scene, promise: Promise) {
    let _alone = alone();
    plant(mutant);
    let scene = scene(Depth::Standard);
    let name = scene.name;
    let fence = Fence { watched: promise.bit(), ..Fence::new(scene) };
    let wanted = BTreeSet::from([promise.name()]);
    let checker = fence.clone().checker().finish_when(HasDiscoveries::AnyOf(wanted));
    let checker = checker.spawn_dfs().join();
    let states = checker.unique_state_count();
    let path = checker.discovery(promise.name());
    let path = path.unwrap_or_else(|| panic!("{name}: not broken: {}", promise.name()));
    let rule = mutant.map_or_else(|| "every rule on".to_owned(), |rule| format!("{rule:?}"));
    println!("{name}, {rule}, after {states} states:\n{}", story::tell(&fence, path));
    plant(None);
}
