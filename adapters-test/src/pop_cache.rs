//! A PoP's cache in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skewguard_domain::{CopyInfo, Manifest, Sighting, Timestamp, WorkerName};
use skewguard_ports::PopCache;
use skewguard_ports::wire::BriefingAnswer;

/// A [`PopCache`] that all clones share, as the isolates of a PoP do.
#[derive(Clone, Default)]
pub struct MemoryCache {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    copy: Option<(CopyInfo, String)>,
    asking_since: Option<Timestamp>,
    gathered: Vec<Sighting>,
}

impl MemoryCache {
    /// A cache with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Loses all entries, as a cache may at any time.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PopCache for MemoryCache {
    async fn copy(&self, worker: &WorkerName) -> Option<(CopyInfo, Manifest)> {
        let (copy, text) = self.state().copy.clone()?;
        let answer: BriefingAnswer = serde_json::from_str(&text).ok()?;
        Some((copy, answer.manifest(worker).ok()?))
    }

    async fn keep(&self, copy: CopyInfo, text: &str) {
        self.state().copy = Some((copy, text.to_owned()));
    }

    async fn asking_since(&self) -> Option<Timestamp> {
        self.state().asking_since
    }

    async fn ask(&self, now: Timestamp) {
        self.state().asking_since = Some(now);
    }

    async fn gathered(&self) -> Vec<Sighting> {
        self.state().gathered.clone()
    }

    async fn gather(&self, sightings: &[Sighting]) {
        self.state().gathered = sightings.to_vec();
    }
}
