//! A PoP's cache in memory.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skewguard_domain::Timestamp;
use skewguard_ports::{Clock, Entry, PopCache};

use crate::ManualClock;

/// A [`PopCache`] that all clones share, as the isolates of a PoP do.
#[derive(Clone)]
pub struct MemoryCache {
    clock: ManualClock,
    entries: Arc<Mutex<BTreeMap<Entry, (String, Timestamp)>>>,
}

impl MemoryCache {
    /// A cache with nothing in it, which takes its time from `clock`.
    #[must_use]
    pub fn new(clock: ManualClock) -> Self {
        Self { clock, entries: Arc::default() }
    }

    /// Loses all entries, as a cache may at any time.
    pub fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Entry, (String, Timestamp)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PopCache for MemoryCache {
    async fn get(&self, entry: Entry) -> Option<String> {
        let entries = self.entries();
        let (text, until) = entries.get(&entry)?;
        (self.clock.now() < *until).then(|| text.clone())
    }

    async fn put(&self, entry: Entry, text: String, keep_for: Duration) {
        let until = self.clock.now().after(keep_for);
        self.entries().insert(entry, (text, until));
    }
}
