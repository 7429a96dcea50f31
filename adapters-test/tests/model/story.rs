//! Tells how a promise was broken, in as few steps as it takes.

use stateright::Path;

use crate::actions::Action;
use crate::fence::Fence;
use crate::notes::Notes;
use crate::world::World;

/// What happens on a path to a broken promise, a line a step.
pub(crate) fn tell(fence: &Fence, path: Path<World, Action>) -> String {
    let steps = path.into_vec();
    let Some((beginning, _)) = steps.first().cloned() else { return String::new() };
    let actions = steps.into_iter().filter_map(|(_, action)| action).collect();
    let actions = shrink(fence, &beginning, actions);
    let mut lines = Vec::new();
    let mut shown = None;
    let mut world = beginning;
    for action in actions {
        let mut notes = Notes::taken();
        let Some(next) = fence.step(&world, action, &mut notes) else { break };
        let notes = notes.lines();
        let is_idle = notes.is_empty() && matches!(action, Action::Rest | Action::Go);
        if !is_idle {
            if shown.replace(world.now) != Some(world.now) {
                lines.push(format!("at {} ms", world.now));
            }
            lines.push(format!("  {}", fence.describe(&world, action)));
            lines.extend(notes.into_iter().map(|note| format!("  {note}")));
        }
        world = next;
    }
    lines.join("\n")
}

/// Leaves out what the end does not need: single actions, turns of isolates, and whole ticks.
fn shrink(fence: &Fence, beginning: &World, mut actions: Vec<Action>) -> Vec<Action> {
    loop {
        let before = actions.clone();
        for place in (0..actions.len()).rev() {
            let mut shorter = actions.clone();
            shorter.remove(place);
            let mut calmer = actions.clone();
            calmer[place] = Action::Rest;
            let mut sooner = actions.clone();
            let idle = actions[place + 1..].iter().take_while(|next| **next == Action::Rest);
            sooner.drain(place..=place + idle.count());
            for attempt in [shorter, calmer, sooner] {
                if let Some(attempt) = as_far_as_broken(fence, beginning, attempt)
                    && attempt != actions
                    && place < attempt.len()
                {
                    actions = attempt;
                    break;
                }
            }
            if place >= actions.len() {
                break;
            }
        }
        if actions == before {
            return actions;
        }
    }
}

/// The actions up to the one that breaks a promise; `None` if none does, or one is impossible.
fn as_far_as_broken(
    fence: &Fence,
    beginning: &World,
    mut actions: Vec<Action>,
) -> Option<Vec<Action>> {
    let mut world = beginning.clone();
    let mut possible = Vec::new();
    for place in 0..actions.len() {
        possible.clear();
        fence.possible(&world, &mut possible);
        if !possible.contains(&actions[place]) {
            return None;
        }
        world = fence.step(&world, actions[place], &mut Notes::none())?;
        if world.monitor.broken != 0 {
            actions.truncate(place + 1);
            return Some(actions);
        }
    }
    None
}
