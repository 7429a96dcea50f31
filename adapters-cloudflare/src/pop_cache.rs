//! The cache that the isolates of a PoP share: the Cache API of Workers.
//!
//! It is a named cache, so nothing in it answers a request from outside. Its entries are called
//! after the manager's Durable Object, so that two managers in one zone do not meet. Where there is
//! no Cache API its methods fail or do nothing, and there simply is no copy.

use core::fmt::Write as _;
use core::time::Duration;

use async_trait::async_trait;
use js_sys::{Object, Promise, Reflect};
use skewguard_domain::{
    Breaker, Bundle, CopyInfo, DeployTime, Manifest, MaxAge, Sighting, Tally, Timestamp, WorkerName,
};
use skewguard_ports::PopCache;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Response, ResponseInit};
use worker::send::IntoSendFuture;

use crate::names::POP_CACHE;
use crate::read;

/// For how long what was sighted is worth telling, in seconds.
const GATHERED_FOR: u64 = 60;

/// For how long it is remembered that somebody asks, in seconds: a little longer than it counts.
const ASKING_FOR: u64 = 2;

/// A named cache of this PoP and zone.
pub(crate) struct ZoneCache {
    /// Where its entries are: no such host exists. Without it there is no cache.
    base: Option<String>,
}

impl ZoneCache {
    /// The cache for what the manager says whose Durable Object has this id.
    pub(crate) fn new(manager: &str) -> Self {
        // The number is the version of what is written here.
        Self { base: Some(format!("https://skewguard.invalid/1/{manager}")) }
    }

    /// No cache at all, for a Worker that wants none.
    pub(crate) const fn none() -> Self {
        Self { base: None }
    }

    async fn get(&self, entry: &str) -> Option<String> {
        let key = format!("{}/{entry}", self.base.as_ref()?);
        let read = async {
            let found = settled(open().await?.match_with_str(&key)).await?;
            let text = found.dyn_into::<Response>().ok()?.text().ok()?;
            settled(text).await?.as_string()
        };
        read.into_send().await
    }

    /// Keeps an entry. What can't be kept is asked for again.
    async fn put(&self, entry: &str, text: String, seconds: u64) {
        let Some(base) = &self.base else { return };
        let key = format!("{base}/{entry}");
        let write = async {
            let response = response(&text, seconds)?;
            settled(open().await?.put_with_str(&key, &response)).await
        };
        write.into_send().await;
    }
}

/// The named cache, where the platform has one. It is opened anew for each use, since what belongs
/// to one request must not be used by another.
async fn open() -> Option<Cache> {
    let caches = Reflect::get(&js_sys::global(), &JsValue::from_str("caches")).ok()?;
    let caches: CacheStorage = caches.unchecked_into();
    settled(caches.open(POP_CACHE)).await.map(JsCast::unchecked_into)
}

/// What a promise comes to; nothing, if it is rejected.
async fn settled<T>(promise: Promise<T>) -> Option<JsValue>
where
    T: JsCast,
{
    JsFuture::from(promise.unchecked_into::<Promise>()).await.ok()
}

fn response(text: &str, seconds: u64) -> Option<Response> {
    let headers = Object::new();
    let max_age = JsValue::from_str(&format!("max-age={seconds}"));
    Reflect::set(&headers, &JsValue::from_str("Cache-Control"), &max_age).ok()?;
    let init = ResponseInit::new();
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(Some(text), &init).ok()
}

#[async_trait]
impl PopCache for ZoneCache {
    async fn copy(&self, worker: &WorkerName) -> Option<(CopyInfo, Manifest)> {
        let entry = self.get("manifest").await?;
        let (head, text) = entry.split_once('\n')?;
        Some((read_head(head)?, read::manifest(text, worker)?))
    }

    async fn keep(&self, copy: CopyInfo, text: &str) {
        let seconds = copy.max_age.get().as_secs() + 1;
        self.put("manifest", format!("{}\n{text}", write_head(&copy)), seconds).await;
    }

    async fn asking_since(&self) -> Option<Timestamp> {
        self.get("asking").await?.parse().ok().map(Timestamp::from_unix_millis)
    }

    async fn ask(&self, now: Timestamp) {
        self.put("asking", now.as_unix_millis().to_string(), ASKING_FOR).await;
    }

    async fn gathered(&self) -> Vec<Sighting> {
        let entry = self.get("sightings").await.unwrap_or_default();
        entry.lines().filter_map(read_sighting).collect()
    }

    async fn gather(&self, sightings: &[Sighting]) {
        let mut lines = String::new();
        for sighting in sightings {
            write_sighting(&mut lines, sighting);
        }
        self.put("sightings", lines, GATHERED_FOR).await;
    }
}

fn write_head(copy: &CopyInfo) -> String {
    format!(
        "{} {} {} {}",
        copy.asked_at.as_unix_millis(),
        copy.answered_at.as_unix_millis(),
        copy.max_age.get().as_millis(),
        copy.age_tolerance.as_millis(),
    )
}

fn read_head(line: &str) -> Option<CopyInfo> {
    let mut words = line.split(' ');
    let asked_at = Timestamp::from_unix_millis(words.next()?.parse().ok()?);
    let answered_at = Timestamp::from_unix_millis(words.next()?.parse().ok()?);
    let max_age = MaxAge::new(Duration::from_millis(words.next()?.parse().ok()?)).ok()?;
    let age_tolerance = Duration::from_millis(words.next()?.parse().ok()?);
    Some(CopyInfo { asked_at, answered_at, max_age, age_tolerance })
}

fn write_sighting(lines: &mut String, sighting: &Sighting) {
    let Sighting { worker, bundle, breaker, tally, reports } = sighting;
    let breaker = match breaker {
        Breaker::Open => "open",
        Breaker::Closed => "closed",
    };
    let deploy_time = bundle.deploy_time.map_or(-1, |time| time.as_timestamp().as_unix_millis());
    // Writing to a text does not fail.
    let _ = writeln!(
        lines,
        "{worker} {} {deploy_time} {breaker} {} {} {} {reports}",
        bundle.id.reveal(),
        tally.refused,
        tally.failed_open,
        tally.breaker_open,
    );
}

fn read_sighting(line: &str) -> Option<Sighting> {
    let mut words = line.split(' ');
    Some(Sighting {
        worker: words.next()?.parse().ok()?,
        bundle: Bundle { id: words.next()?.parse().ok()?, deploy_time: words.next()?.parse().ok() },
        breaker: if words.next()? == "open" { Breaker::Open } else { Breaker::Closed },
        tally: Tally {
            refused: words.next()?.parse().ok()?,
            failed_open: words.next()?.parse().ok()?,
            breaker_open: words.next()?.parse().ok()?,
        },
        reports: words.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(breaker: Breaker, deploy_time: Option<&str>) -> Sighting {
        Sighting {
            worker: "op-auth".parse().expect("a name"),
            bundle: Bundle {
                id: "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10".parse().expect("a UUID"),
                deploy_time: deploy_time.map(|time| time.parse().expect("a time")),
            },
            breaker,
            tally: Tally { refused: 3, failed_open: 2, breaker_open: 1 },
            reports: 4,
        }
    }

    #[test]
    fn what_a_pop_gathers_is_read_as_it_was_written() {
        let gathered = [
            sighting(Breaker::Open, Some("2026-03-01T12:00:00.123Z")),
            sighting(Breaker::Closed, None),
        ];
        let mut lines = String::new();
        for sighting in &gathered {
            write_sighting(&mut lines, sighting);
        }
        let read: Vec<_> = lines.lines().filter_map(read_sighting).collect();
        assert_eq!(read, gathered);
    }

    #[test]
    fn a_copy_keeps_what_is_known_of_its_age() {
        let copy = CopyInfo {
            asked_at: Timestamp::from_unix_millis(1_772_366_405_000),
            answered_at: Timestamp::from_unix_millis(1_772_366_405_087),
            max_age: MaxAge::DEFAULT,
            age_tolerance: Duration::from_millis(500),
        };
        assert_eq!(read_head(&write_head(&copy)), Some(copy));
    }

    #[test]
    fn an_entry_of_another_make_is_nothing() {
        for line in
            ["", "x", "1 2 3", "1 2 5000 x", "1 2 99 0", "op-auth", "op-auth x - open 1 1 1 1"]
        {
            assert_eq!(read_head(line), None, "{line}");
            assert_eq!(read_sighting(line), None, "{line}");
        }
    }
}
