//! What guards report along with their question.

use serde::Serialize;
use serde_json::Value;
use skewguard_domain::{Breaker, Bundle, Pop, Sighting, Tally, Timestamp};

use super::ErrorCode;
use super::fields::Fields;

/// The body of a question: `{ pop, sightings: [ … ] }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SightingsBody {
    pop: String,
    sightings: Vec<SightingBody>,
}

/// One bundle of one Worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SightingBody {
    worker: String,
    uuid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deploy_time_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<&'static str>,
    refused: u32,
    failed_open: u32,
    breaker_open: u32,
    reports: u32,
}

impl SightingsBody {
    /// What was sighted in `pop`.
    #[must_use]
    pub fn new(pop: Pop, sightings: &[Sighting]) -> Self {
        let sightings = sightings.iter().map(|sighting| SightingBody {
            worker: sighting.worker.to_string(),
            uuid: sighting.bundle.id.reveal(),
            deploy_time_ms: sighting
                .bundle
                .deploy_time
                .map(|time| time.as_timestamp().as_unix_millis()),
            breaker: (sighting.breaker == Breaker::Open).then_some("open"),
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
    let sightings = sightings.iter().filter_map(parse_sighting);
    Ok((pop.unwrap_or(Pop::UNKNOWN), sightings.collect()))
}

fn parse_sighting(sighting: &Value) -> Option<Sighting> {
    let text = |name| sighting.get(name).and_then(Value::as_str);
    let number = |name, otherwise: u32| match sighting.get(name) {
        None => Some(otherwise),
        Some(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    let deployed = sighting.get("deployTimeMs").and_then(Value::as_i64);
    let deployed = deployed.map(Timestamp::from_unix_millis);
    Some(Sighting {
        worker: text("worker")?.parse().ok()?,
        bundle: Bundle {
            id: text("uuid")?.parse().ok()?,
            deploy_time: deployed.and_then(|deployed| deployed.try_into().ok()),
        },
        breaker: match text("breaker") {
            Some("open") => Breaker::Open,
            _ => Breaker::Closed,
        },
        tally: Tally {
            refused: number("refused", 0)?,
            failed_open: number("failedOpen", 0)?,
            breaker_open: number("breakerOpen", 0)?,
        },
        reports: number("reports", 1)?.max(1),
    })
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
