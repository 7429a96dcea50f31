//! The cache that the isolates of a PoP share: the Cache API of Workers.
//!
//! It is a named cache, so nothing in it answers a request from outside. Its entries are called
//! after the manager's Durable Object, so that two managers in one zone do not meet. Where there is
//! no Cache API its methods fail or do nothing, and there simply is no copy.

use core::time::Duration;

use async_trait::async_trait;
use js_sys::{Object, Promise, Reflect};
use skewguard_ports::{Entry, PopCache};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Response, ResponseInit};
use worker::send::IntoSendFuture;

use crate::names::POP_CACHE;

/// A named cache of this PoP and zone.
pub(crate) struct ZoneCache {
    /// Where its entries are: no such host exists. Without it there is no cache.
    base: Option<String>,
}

impl ZoneCache {
    /// The cache for what the manager says whose Durable Object has this id.
    pub(crate) fn new(manager: &str) -> Self {
        Self { base: Some(format!("https://skewguard.invalid/{manager}")) }
    }

    /// No cache at all, for a Worker that wants none.
    pub(crate) const fn none() -> Self {
        Self { base: None }
    }

    fn key(&self, entry: Entry) -> Option<String> {
        Some(format!("{}/{}", self.base.as_ref()?, entry.name()))
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

/// The Cache API counts in seconds. It may keep a little longer: what is too old is known as such.
fn response(text: &str, keep_for: Duration) -> Option<Response> {
    let headers = Object::new();
    let seconds = keep_for.as_secs() + 1;
    let max_age = JsValue::from_str(&format!("max-age={seconds}"));
    Reflect::set(&headers, &JsValue::from_str("Cache-Control"), &max_age).ok()?;
    let init = ResponseInit::new();
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(Some(text), &init).ok()
}

#[async_trait]
impl PopCache for ZoneCache {
    async fn get(&self, entry: Entry) -> Option<String> {
        let key = self.key(entry)?;
        let read = async {
            let found = settled(open().await?.match_with_str(&key)).await?;
            let text = found.dyn_into::<Response>().ok()?.text().ok()?;
            settled(text).await?.as_string()
        };
        read.into_send().await
    }

    async fn put(&self, entry: Entry, text: String, keep_for: Duration) {
        let Some(key) = self.key(entry) else { return };
        let write = async {
            let response = response(&text, keep_for)?;
            settled(open().await?.put_with_str(&key, &response)).await
        };
        // What can't be kept is asked for again.
        write.into_send().await;
    }
}
