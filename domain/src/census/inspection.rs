//! What the model checker has to see of a census; nothing of it is in a Worker.

use core::hash::{Hash, Hasher};

use super::{Census, ENOUGH};

impl Census {
    /// Tells `hasher` all that decides which breakers are open, or will be. How often and since
    /// when each bundle was sighted decides nothing.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.started_at.hash(hasher);
        for (worker, pops) in &self.places {
            for (pop, place) in pops {
                let refused = (place.refused.min(ENOUGH), place.refused_since);
                let is_open = place.open_since.is_some();
                (worker, pop, place.evidence_at, refused, is_open).hash(hasher);
            }
        }
    }
}
