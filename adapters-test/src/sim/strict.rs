//! Strict takeovers under watch: once the new has served, the old must not.

use skewguard_domain::Timestamp;

use super::agenda::Millis;
use super::build::BuildId;

/// All of a run.
#[derive(Default)]
pub(crate) struct StrictTakeovers {
    watched: Vec<StrictTakeover>,
}

/// One of them.
pub(crate) struct StrictTakeover {
    pub(crate) new: Vec<BuildId>,
    pub(crate) old: Vec<BuildId>,
    /// From when on who serves is looked at, by the manager's clock: where the new has served
    /// before, as after a rollback, from within the band.
    pub(crate) from: Timestamp,
    /// Until when, by the manager's clock: when the next takeover stops or brings back one of
    /// them.
    pub(crate) until: Option<Timestamp>,
    /// When the new has served first.
    pub(crate) new_served: Option<Millis>,
}

impl StrictTakeovers {
    /// A strict release is announced, or a strict takeover decided. What was watched ends with it
    /// as far as it has to do with the same bundles.
    pub(crate) fn watch(&mut self, takeover: StrictTakeover) {
        self.watched.push(takeover);
    }

    /// These bundles start or stop to serve then, for another reason.
    pub(crate) fn end(&mut self, builds: &[BuildId], at: Timestamp) {
        for takeover in &mut self.watched {
            let concerned = takeover.new.iter().chain(&takeover.old);
            if concerned.into_iter().any(|build| builds.contains(build)) {
                takeover.until = Some(takeover.until.map_or(at, |until| until.min(at)));
            }
        }
    }

    /// A guard that knew what it did has served; says what is wrong with it.
    pub(crate) fn served(
        &mut self,
        build: BuildId,
        now: Millis,
        clock: Timestamp,
    ) -> Option<String> {
        let mut wrong = None;
        for takeover in &mut self.watched {
            let is_over = takeover.until.is_some_and(|until| until <= clock);
            if is_over || clock < takeover.from {
                continue;
            }
            if takeover.new.contains(&build) {
                takeover.new_served.get_or_insert(now);
            } else if takeover.old.contains(&build)
                && let Some(new_served) = takeover.new_served
                && new_served < now
            {
                wrong = Some(format!("{} ms after the new had", now - new_served));
            }
        }
        wrong
    }
}
