//! What guards are told: all Workers in one answer.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use skewguard_domain::{
    Age, Breaker, Briefing, BundleId, DeployTime, Epoch, Manifest, ManifestStep, MaxAge, Standings,
    WorkerManifest, WorkerName,
};

use super::answer::millis;
use super::named::Named;
use crate::TransportError;

/// All Workers in one answer. With [`VersionAnswer`](super::VersionAnswer) the only one that holds
/// whole UUIDs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BriefingAnswer {
    #[serde(default)]
    epoch: u64,
    /// The lease, in ms.
    pub max_age_ms: u64,
    /// How exactly the age of a copy has to be taken, in ms.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub age_tolerance_ms: u64,
    /// Each Worker.
    pub workers: Named<WorkerBriefing>,
}

/// One Worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerBriefing {
    /// How its bundles stand.
    #[serde(flatten)]
    pub now: StandingsBody,
    /// How they will, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<StepBody>,
    /// `open`, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<String>,
}

/// What will be the case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepBody {
    /// In how many ms.
    pub after_ms: u64,
    /// How its bundles stand then.
    #[serde(flatten)]
    pub standings: StandingsBody,
}

/// Lists of whole UUIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingsBody {
    /// Those that serve.
    #[serde(default)]
    pub serving: Vec<String>,
    /// Those of a release on its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announced: Vec<String>,
    /// Those of a strict release on its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
    /// Retired ones that are not older than `newest`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// What an unknown bundle is measured against, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is how serde hands it over")]
fn is_zero(millis: &u64) -> bool {
    *millis == 0
}

impl BriefingAnswer {
    /// The answer that tells `briefing`.
    #[must_use]
    pub fn new(epoch: Epoch, briefing: &Briefing) -> Self {
        let workers = briefing.workers.iter();
        Self {
            epoch: epoch.get(),
            max_age_ms: millis(briefing.max_age.get()),
            age_tolerance_ms: millis(briefing.age_tolerance),
            workers: workers.map(|(name, worker)| (name.to_string(), worker.into())).collect(),
        }
    }

    /// What it says to a guard of `worker`.
    ///
    /// # Errors
    /// [`TransportError::Malformed`] if a field that decides holds something it can't.
    pub fn manifest(&self, worker: &WorkerName) -> Result<Manifest, TransportError> {
        let max_age = MaxAge::new(Duration::from_millis(self.max_age_ms));
        let known = self.workers.get(worker.as_str());
        Ok(Manifest {
            max_age: Some(max_age.map_err(|_| TransportError::Malformed)?),
            age: Age::NONE,
            age_tolerance: Duration::from_millis(self.age_tolerance_ms),
            worker: known.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&WorkerManifest> for WorkerBriefing {
    fn from(worker: &WorkerManifest) -> Self {
        let then = worker.then.iter().map(|step| StepBody {
            after_ms: millis(step.after),
            standings: (&step.standings).into(),
        });
        Self {
            now: (&worker.now).into(),
            then: then.collect(),
            breaker: (worker.breaker == Breaker::Open).then(|| "open".to_owned()),
        }
    }
}

impl From<&Standings> for StandingsBody {
    fn from(standings: &Standings) -> Self {
        let reveal = |bundles: &[BundleId]| bundles.iter().map(|bundle| bundle.reveal()).collect();
        Self {
            serving: reveal(&standings.serving),
            announced: reveal(&standings.announced),
            held: reveal(&standings.held),
            retired: reveal(&standings.retired),
            newest: standings.newest.map(|time| time.to_string()),
        }
    }
}

impl TryFrom<&WorkerBriefing> for WorkerManifest {
    type Error = TransportError;

    fn try_from(worker: &WorkerBriefing) -> Result<Self, Self::Error> {
        let then = worker.then.iter().map(|step| {
            let after = Duration::from_millis(step.after_ms);
            Ok(ManifestStep { after, standings: (&step.standings).try_into()? })
        });
        Ok(Self {
            now: (&worker.now).try_into()?,
            then: then.collect::<Result<_, TransportError>>()?,
            breaker: match worker.breaker.as_deref() {
                Some("open") => Breaker::Open,
                _ => Breaker::Closed,
            },
        })
    }
}

impl TryFrom<&StandingsBody> for Standings {
    type Error = TransportError;

    fn try_from(body: &StandingsBody) -> Result<Self, Self::Error> {
        let malformed = TransportError::Malformed;
        let parse = |uuids: &[String]| -> Result<Vec<BundleId>, TransportError> {
            uuids.iter().map(|uuid| uuid.parse().map_err(|_| malformed)).collect()
        };
        let newest = body.newest.as_deref().map(str::parse::<DeployTime>);
        Ok(Self {
            serving: parse(&body.serving)?,
            announced: parse(&body.announced)?,
            held: parse(&body.held)?,
            retired: parse(&body.retired)?,
            newest: newest.transpose().map_err(|_| malformed)?,
        })
    }
}
