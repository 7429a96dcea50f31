//! The copy of the manager's answer that all isolates of a PoP share.
//!
//! A PoP asks the manager about twice a lease, however many guards it has. A copy keeps the age
//! that its answer has: what a guard is handed is believed for the rest of the lease, so tiers never
//! add up. While one guard asks for a new copy, the others go on with the old one, or wait for the
//! new one where there is none that will do. So a manager that comes back after an outage, or a PoP
//! that comes up, is met by one question for each PoP, and not for each guard: those would be more
//! than the manager can answer in time, and so they would not end.

use core::time::Duration;

use crate::mutant::{Mutant, planted};
use crate::{Age, BAND, MaxAge, Sighting, Standing, Timestamp};

/// How long a question for a new copy keeps others from asking as well. Whoever asks and fails to
/// bring an answer by then has probably gone.
pub const ASKING: Duration = Duration::from_secs(1);

/// How much of its lease a copy needs to have left for a request that waits. It looks only after a
/// nap, and the cache takes its time too: a copy that has expired by then is no answer at all, and
/// the guard would fail open although the manager is well.
const LAST_MOMENTS: Duration = Duration::from_millis(100);

/// How soon to look again for a copy that somebody else asks for.
pub const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// How many different bundles' sightings a PoP gathers between two questions.
pub const GATHERED: usize = 200;

/// What a PoP knows of a copy, by the clock of the machine that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CopyInfo {
    /// When the manager was asked.
    pub asked_at: Timestamp,
    /// When its answer was there.
    pub answered_at: Timestamp,
    /// The lease that it gave; the default, if it gave none.
    pub max_age: MaxAge,
    /// How exactly the copy's age has to be taken.
    pub age_tolerance: Duration,
}

/// How soon an answer is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Haste {
    /// A request waits for it: a copy that will do is better than a new one.
    Waiting,
    /// Nobody does.
    Background,
}

impl Haste {
    /// How long to wait before the next look for a copy that another isolate asks for, after
    /// `waited` in all: a little longer each time, because each look is a request of its own to
    /// the platform, which counts them. `None` if that was long enough: the `timeout`, and then it
    /// is to be given up; or one look where a request waits, and then it is time to ask oneself.
    /// There would be no time left for that if the other hangs.
    #[must_use]
    pub fn nap(self, waited: Duration, timeout: Duration) -> Option<Duration> {
        let patience = match self {
            Self::Waiting => LOOK_AGAIN,
            Self::Background => timeout,
        };
        let nap = waited + LOOK_AGAIN;
        (waited + nap <= patience).then_some(nap)
    }
}

/// What to do with a copy, or without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It will do, and is so old.
    Use(Age),
    /// Ask the manager for a new one; if that fails, this one, so old, will still do.
    AskOr(Age),
    /// Ask the manager. There is none, or it is worth nothing any more.
    Ask,
    /// As before, but somebody asks already: [look again](LOOK_AGAIN) for what that brings.
    Wait,
}

impl Lookup {
    /// What to do at `now` where there is no copy, and somebody has begun to ask for one at
    /// `asking_since`.
    #[must_use]
    pub fn without_copy(asking_since: Option<Timestamp>, now: Timestamp) -> Self {
        if is_asked_for(asking_since, now) { Self::Wait } else { Self::Ask }
    }
}

impl CopyInfo {
    /// How old the copy is at `now`; `None` if it has outlived its lease, or comes from a machine
    /// whose clock is ahead, so that nobody can tell.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Age> {
        let at_least = now.since(self.answered_at)?;
        let at_most = now.since(self.asked_at)?;
        if planted(Mutant::CopiesAreNew) {
            return Some(Age::NONE);
        }
        (at_most < self.max_age.get())
            .then(|| Age { at_least, at_most }.give_or_take(self.age_tolerance))
    }

    /// Whether a guard that began at `began_at` may go by the copy, which says of the guard's own
    /// bundle that it stands like this.
    ///
    /// A release is announced before it is uploaded. So who asks the manager hears of its own
    /// bundle; but a copy from before the guard began may be from before the announcement, and take
    /// a bundle that is to be held for a deploy on its way.
    #[must_use]
    pub fn may_know(&self, standing: Standing, began_at: Timestamp) -> bool {
        let is_news = matches!(standing, Standing::Ahead | Standing::Unregistered);
        // The guard may run on another machine than the one that asked.
        !is_news || self.asked_at >= began_at.after(BAND) || planted(Mutant::CopiesKnowAll)
    }

    /// What to do with it at `now`, for a guard that believes nothing for longer than `limit`,
    /// where somebody has begun to ask for a new one at `asking_since`.
    #[must_use]
    pub fn look_up(
        &self,
        asking_since: Option<Timestamp>,
        now: Timestamp,
        limit: MaxAge,
        haste: Haste,
    ) -> Lookup {
        let lease = limit.min(self.max_age).get();
        let Some(age) = self.age(now).filter(|age| age.at_most < lease) else {
            return Lookup::without_copy(asking_since, now);
        };
        let left = lease.saturating_sub(age.at_most);
        let will_do = match haste {
            Haste::Waiting => left > LAST_MOMENTS.min(lease / 10),
            Haste::Background => left > lease / 2 || is_asked_for(asking_since, now),
        };
        if will_do { Lookup::Use(age) } else { Lookup::AskOr(age) }
    }
}

fn is_asked_for(asking_since: Option<Timestamp>, now: Timestamp) -> bool {
    asking_since.and_then(|since| now.since(since)).is_some_and(|asking| asking < ASKING)
}

/// Adds a sighting to those that a PoP has gathered. One more bundle than there is room for is
/// left out; its guards will be heard when they ask themselves.
pub fn gather(gathered: &mut Vec<Sighting>, sighting: &Sighting) {
    if let Some(known) = gathered.iter_mut().find(|known| known.is_of_the_same(sighting)) {
        known.absorb(sighting);
    } else if gathered.len() < GATHERED {
        gathered.push(sighting.clone());
    }
}
