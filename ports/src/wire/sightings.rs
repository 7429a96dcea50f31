//! What guards report along with their question.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skewguard_domain::{Breaker, Bundle, Pop, Sighting, Tally};

use super::ErrorCode;
use super::fields::Fields;

/// The body of a question: `{ pop, sightings: [ … ] }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SightingsBody {
    pop: String,
    sightings: Vec<SightingBody>,
}

/// One bundle of one Worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SightingBody {
    worker: String,
    uuid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deploy_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    breaker: Option<String>,
    #[serde(default)]
    refused: u32,
    #[serde(default)]
    failed_open: u32,
    #[serde(default)]
    breaker_open: u32,
    #[serde(default = "one")]
    reports: u32,
}

fn one() -> u32 {
    1
}

impl SightingsBody {
    /// What was sighted in `pop`.
    #[must_use]
    pub fn new(pop: Pop, sightings: &[Sighting]) -> Self {
        let sightings = sightings.iter().map(|sighting| SightingBody {
            worker: sighting.worker.to_string(),
            uuid: sighting.bundle.id.reveal(),
            deploy_time: sighting.bundle.deploy_time.map(|time| time.to_string()),
            breaker: (sighting.breaker == Breaker::Open).then(|| "open".to_owned()),
            refused: sighting.tally.refused,
            failed_open: sighting.tally.failed_open,
            breaker_open: sighting.tally.breaker_open,
            reports: sighting.reports,
        });
        Self { pop: pop.to_string(), sightings: sightings.collect() }
    }
}

/// Reads the body of a question. A sighting that can't be read is left out: a guard of another
/// version must not be kept from its answer by what it has to tell.
///
/// # Errors
/// [`InvalidSightings`] if it is no such object.
pub fn parse_sightings(body: &[u8]) -> Result<(Pop, Vec<Sighting>), InvalidSightings> {
    let mut fields: Fields = serde_json::from_slice(body).map_err(|_| InvalidSightings)?;
    let pop = fields.get("pop").and_then(Value::as_str).and_then(|pop| pop.parse().ok());
    let sightings = match fields.remove("sightings") {
        None => Vec::new(),
        Some(Value::Array(sightings)) => sightings,
        Some(_) => return Err(InvalidSightings),
    };
    let sightings = sightings.into_iter().filter_map(|sighting| {
        let sighting: SightingBody = serde_json::from_value(sighting).ok()?;
        Some(Sighting {
            worker: sighting.worker.parse().ok()?,
            bundle: Bundle {
                id: sighting.uuid.parse().ok()?,
                deploy_time: sighting.deploy_time.and_then(|time| time.parse().ok()),
            },
            breaker: match sighting.breaker.as_deref() {
                Some("open") => Breaker::Open,
                _ => Breaker::Closed,
            },
            tally: Tally {
                refused: sighting.refused,
                failed_open: sighting.failed_open,
                breaker_open: sighting.breaker_open,
            },
            reports: sighting.reports.max(1),
        })
    });
    Ok((pop.unwrap_or(Pop::UNKNOWN), sightings.collect()))
}

/// A body that does not tell what was sighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("send a JSON object with \"pop\" and \"sightings\"")]
pub struct InvalidSightings;

impl From<InvalidSightings> for ErrorCode {
    fn from(_: InvalidSightings) -> Self {
        Self::InvalidJson
    }
}
