//! The manager's answers, read by the platform's own JSON parser: another one would be the largest
//! part of what the guard adds to a Worker.
//!
//! Nothing here panics, whatever stands in an answer; what can't be what it should be is `None`.

use core::time::Duration;

use js_sys::{Array, JSON, Object, Reflect};
use skewguard_domain::{
    Age, Breaker, BundleId, DeployTime, Manifest, ManifestStep, MaxAge, Standings, WorkerManifest,
    WorkerName,
};
use wasm_bindgen::{JsCast, JsValue};

/// What an answer for all Workers says of one.
pub(crate) fn manifest(text: &str, worker: &WorkerName) -> Option<Manifest> {
    let answer = JSON::parse(text).ok()?;
    let workers = field(&answer, "workers")?;
    // A name like `constructor` must not be found in what every object has.
    let named = Object::try_from(&workers)?;
    let worker = if Object::has_own(named, &JsValue::from_str(worker.as_str())) {
        Some(one(&field(&workers, worker.as_str())?)?)
    } else {
        None
    };
    let tolerance = match field(&answer, "ageToleranceMs") {
        Some(millis) => self::millis(&millis)?,
        None => Duration::ZERO,
    };
    Some(Manifest {
        max_age: Some(MaxAge::new(millis(&field(&answer, "maxAgeMs")?)?).ok()?),
        age: Age::NONE,
        age_tolerance: tolerance,
        worker,
    })
}

/// What an answer for one Worker says.
pub(crate) fn version(text: &str) -> Option<Manifest> {
    let answer = JSON::parse(text).ok()?;
    let max_age = match field(&answer, "maxAgeMs") {
        Some(given) => Some(MaxAge::new(millis(&given)?).ok()?),
        None => None,
    };
    let current = field(&answer, "uuid")?.as_string()?.parse().ok()?;
    let deploy_time = field(&answer, "deployTime")?.as_string()?.parse().ok()?;
    let worker = WorkerManifest::of_one(current, deploy_time, bundles(&answer, "retired")?);
    Some(Manifest { max_age, worker: Some(worker), ..Manifest::default() })
}

fn one(worker: &JsValue) -> Option<WorkerManifest> {
    let steps = list(worker, "then")?;
    let then = steps.iter().map(|step| {
        let after = millis(&field(&step, "afterMs")?)?;
        Some(ManifestStep { after, standings: standings(&step)? })
    });
    let is_open = field(worker, "breaker").is_some_and(|breaker| breaker == "open");
    Some(WorkerManifest {
        now: standings(worker)?,
        then: then.collect::<Option<_>>()?,
        breaker: if is_open { Breaker::Open } else { Breaker::Closed },
    })
}

fn standings(body: &JsValue) -> Option<Standings> {
    let newest = match field(body, "newest") {
        Some(time) => Some(time.as_string()?.parse::<DeployTime>().ok()?),
        None => None,
    };
    Some(Standings {
        serving: bundles(body, "serving")?,
        announced: bundles(body, "announced")?,
        held: bundles(body, "held")?,
        retired: bundles(body, "retired")?,
        newest,
    })
}

/// A list of UUIDs; an empty one, if it is left out.
fn bundles(body: &JsValue, name: &str) -> Option<Vec<BundleId>> {
    list(body, name)?.iter().map(|uuid| uuid.as_string()?.parse().ok()).collect()
}

fn list(body: &JsValue, name: &str) -> Option<Array> {
    match field(body, name) {
        Some(list) => list.dyn_into().ok(),
        None => Some(Array::new()),
    }
}

/// A field, if it is there and not null.
fn field(body: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(body, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// A cast from a float saturates; what is out of range then is told by the type that takes it.
fn millis(value: &JsValue) -> Option<Duration> {
    Some(Duration::from_millis(value.as_f64()? as u64))
}
