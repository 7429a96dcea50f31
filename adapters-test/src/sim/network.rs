//! The points of presence, what they share, and how far they are from the manager.

use std::rc::Rc;

use fastrand::Rng;
use skewguard_domain::{Briefing, CopyInfo, Pop, Sighting, Timestamp};

use super::agenda::Millis;
use super::build::BuildId;
use super::scenario::{Scenario, Trouble};

/// What the manager told, and when it did in truth.
pub(crate) struct Made {
    pub(crate) briefing: Briefing,
    pub(crate) at: Millis,
}

/// An answer that a PoP keeps for all its isolates.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) info: CopyInfo,
    pub(crate) made: Rc<Made>,
    /// How far the clock was ahead by which it was stamped.
    pub(crate) offset: Millis,
}

/// One point of presence.
pub(crate) struct Place {
    pub(crate) name: Pop,
    /// There and back again, in ms.
    pub(crate) round_trip: Millis,
    /// How far the clocks of its machines are ahead, in ms.
    pub(crate) machines: Vec<Millis>,
    /// What new isolates run, by Worker.
    pub(crate) deployed: Vec<Deployed>,
    pub(crate) copy: Option<Shared>,
    pub(crate) asking_since: Option<Timestamp>,
    pub(crate) gathered: Vec<Sighting>,
}

/// What a PoP gives to new isolates of a Worker.
#[derive(Clone, Copy)]
pub(crate) struct Deployed {
    pub(crate) main: BuildId,
    pub(crate) canary: Option<(BuildId, u8)>,
    /// The number of the upload that came last, so that none arrives late over a later one.
    pub(crate) upload: usize,
}

impl Deployed {
    pub(crate) fn pick(&self, rng: &mut Rng) -> BuildId {
        match self.canary {
            Some((build, share)) if rng.u8(0..100) < share => build,
            _ => self.main,
        }
    }

    /// Takes in an upload of `build` for `share` percent of the new isolates.
    pub(crate) fn take(&mut self, build: BuildId, share: u8, upload: usize) -> bool {
        if upload < self.upload {
            return false;
        }
        self.upload = upload;
        if share >= 100 {
            *self = Self { main: build, canary: None, upload };
        } else {
            self.canary = Some((build, share));
        }
        true
    }
}

/// The places of a scenario. The regions are 5 to 300 ms from the manager and back.
pub(crate) fn places(scenario: &Scenario) -> Vec<Place> {
    const REGIONS: [Millis; 8] = [5, 20, 40, 80, 120, 160, 220, 300];
    let mut rng = Rng::with_seed(scenario.seed ^ 0x9_1ACE);
    let deployed: Vec<_> = scenario.releases[0]
        .builds
        .iter()
        .map(|&(_, main)| Deployed { main, canary: None, upload: 0 })
        .collect();
    (0..scenario.size.pops)
        .map(|number| {
            let region = REGIONS[rng.usize(..REGIONS.len())];
            let offset = rng.i64(-3_600_000..=3_600_000);
            Place {
                name: format!("P{number}").parse().expect("a PoP's name"),
                round_trip: region,
                machines: (0..4).map(|_| offset + rng.i64(0..=scenario.skew)).collect(),
                deployed: deployed.clone(),
                copy: None,
                asking_since: None,
                gathered: Vec::new(),
            }
        })
        .collect()
}

/// What becomes of a question on its way.
pub(crate) enum Way {
    /// It arrives then.
    Arrives(Millis),
    /// It is answered with an error then.
    Errs(Millis),
    /// Nobody hears of it again.
    Lost,
}

impl Scenario {
    /// The way of a question that leaves a PoP at `now`.
    pub(crate) fn way_there(&self, place: &Place, pop: usize, now: Millis, rng: &mut Rng) -> Way {
        let mut at = now + one_way(place, rng);
        for trouble in self.troubles(pop, now) {
            match trouble {
                Trouble::Hangs => return Way::Lost,
                Trouble::Errs => return Way::Errs(at),
                Trouble::Slow(most) => at += rng.i64(0..=most),
                Trouble::LosesAnswers(_) | Trouble::Forgets(_) | Trouble::Unreached => {}
            }
        }
        Way::Arrives(at)
    }

    /// When an answer that leaves the manager at `now` is there, if it ever is.
    pub(crate) fn way_back(
        &self,
        place: &Place,
        pop: usize,
        now: Millis,
        rng: &mut Rng,
    ) -> Option<Millis> {
        let mut at = now + one_way(place, rng);
        for trouble in self.troubles(pop, now) {
            match trouble {
                Trouble::LosesAnswers(share) if rng.f64() < share => return None,
                Trouble::Slow(most) => at += rng.i64(0..=most),
                _ => {}
            }
        }
        Some(at)
    }

    pub(crate) fn is_forgotten(&self, pop: usize, now: Millis, rng: &mut Rng) -> bool {
        let mut troubles = self.troubles(pop, now);
        troubles.any(|trouble| matches!(trouble, Trouble::Forgets(share) if rng.f64() < share))
    }

    pub(crate) fn is_unreached(&self, pop: usize, now: Millis) -> bool {
        self.troubles(pop, now).any(|trouble| trouble == Trouble::Unreached)
    }

    fn troubles(&self, pop: usize, now: Millis) -> impl Iterator<Item = Trouble> {
        let here = self.faults.iter();
        let here = here.filter(move |f| f.during.contains(&now) && f.pops.contains(&pop));
        here.map(|fault| fault.trouble)
    }
}

fn one_way(place: &Place, rng: &mut Rng) -> Millis {
    let half = place.round_trip / 2;
    half + rng.i64(0..=(half / 8 + 1))
}
