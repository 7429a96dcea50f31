//! The bundles of a run.

use std::collections::HashMap;

use fastrand::Rng;
use skewguard_domain::{Bundle, BundleId, DeployTime, Timestamp, WorkerName};

use super::agenda::Millis;

/// What every clock of the network would show at the beginning of a run, were it right.
const DAWN: i64 = 1_772_366_400_000;

/// The reading at `now` of a clock that is `offset` ms ahead.
pub(crate) fn reading(now: Millis, offset: Millis) -> Timestamp {
    Timestamp::from_unix_millis(DAWN + now + offset)
}

/// The true time of a reading of a clock that is `offset` ms ahead.
pub(crate) fn true_time(reading: Timestamp, offset: Millis) -> Millis {
    reading.as_unix_millis() - DAWN - offset
}

/// Which bundle, by its place in [`Builds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BuildId(pub(crate) u32);

impl BuildId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A bundle of a Worker, and the release that it was made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    pub(crate) worker: usize,
    pub(crate) bundle: Bundle,
    pub(crate) deploy_time: DeployTime,
    /// 0 for what is there from the beginning.
    pub(crate) generation: usize,
}

/// All bundles of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Builds {
    all: Vec<Build>,
    ids: HashMap<BundleId, BuildId>,
}

impl Builds {
    pub(crate) fn make(
        &mut self,
        worker: usize,
        generation: usize,
        deployed: Millis,
        rng: &mut Rng,
    ) -> BuildId {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        let id = BundleId::from_random_bytes(bytes);
        let deploy_time = DeployTime::try_from(reading(deployed, 0)).expect("a time of this era");
        let bundle = Bundle { id, deploy_time: Some(deploy_time) };
        let build = BuildId(u32::try_from(self.all.len()).expect("few bundles"));
        self.all.push(Build { worker, bundle, deploy_time, generation });
        self.ids.insert(id, build);
        build
    }

    pub(crate) fn get(&self, id: BuildId) -> &Build {
        &self.all[id.index()]
    }

    pub(crate) fn find(&self, bundle: BundleId) -> BuildId {
        self.ids[&bundle]
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = BuildId> + use<> {
        (0..u32::try_from(self.all.len()).expect("few bundles")).map(BuildId)
    }
}

/// The name of the Worker with this number.
pub(crate) fn worker_name(worker: usize) -> WorkerName {
    format!("worker-{worker}").parse().expect("a Worker's name")
}
