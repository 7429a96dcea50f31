//! The cache of a PoP.

use serde::Deserialize;

use crate::Client;

/// What stands behind `caches` in the Workers of a PoP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheSetup {
    /// Nothing: whatever a Worker asks of it is rejected.
    #[default]
    None,
    /// A cache that keeps nothing and says nothing of it, as on `workers.dev`.
    Idle,
    /// A cache.
    Working,
}

/// What the Workers of a PoP have asked its cache for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct CacheStats {
    /// Calls of `match` that found something.
    pub hits: u64,
    /// Calls of `match` that found nothing.
    pub misses: u64,
    /// Calls of `put` that stored something.
    pub puts: u64,
    /// Calls of `delete`.
    pub deletes: u64,
}

/// The counters of what stands behind `caches` in the Workers of a PoP. All its Workers share one
/// cache, and no other PoP does, as on Cloudflare.
#[derive(Clone)]
pub struct Cache {
    client: Client,
    url: String,
}

impl Cache {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// What it was asked for so far.
    ///
    /// # Errors
    /// If the cache can't be reached.
    pub fn stats(&self) -> Result<CacheStats, String> {
        let answer = self.client.get(&self.url)?;
        serde_json::from_str(&answer.body).map_err(|error| format!("no statistics: {error}"))
    }
}
