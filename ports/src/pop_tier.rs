//! The tier between the isolates of a PoP and the manager: one copy of what the manager said last,
//! for all of them.

mod entries;

use core::time::Duration;

use async_trait::async_trait;
use skewguard_domain::{
    ASKING, CopyInfo, Haste, Lookup, Manifest, MaxAge, Sighting, WorkerName, gather,
};

pub use entries::Entry;

use crate::{Clock, Question, Timer, Told, Transport, TransportError};

/// For how long what was sighted is worth telling.
const GATHERED_FOR: Duration = Duration::from_secs(60);

/// The cache that the isolates of a PoP share.
///
/// Nothing here fails: a cache that can't be read has nothing, and one that can't be written keeps
/// nothing. Isolates use it side by side and overwrite one another's entries; what is lost that way
/// is a sighting at most.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PopCache: Send + Sync {
    /// What was put there last, unless it was lost or has had its time.
    async fn get(&self, entry: Entry) -> Option<String>;

    /// Replaces an entry. MUST NOT keep it for longer than `keep_for` by much.
    async fn put(&self, entry: Entry, text: String, keep_for: Duration);
}

/// A [`Transport`] that answers from a PoP's copy where it can.
pub struct PopTier<T, P, C> {
    inner: T,
    cache: P,
    clock: C,
}

impl<T: Transport, P: PopCache, C: Clock + Timer> PopTier<T, P, C> {
    /// The tier in front of `inner`.
    pub fn new(inner: T, cache: P, clock: C) -> Self {
        Self { inner, cache, clock }
    }

    async fn look_up(&self, question: &Question, copy: Option<&(CopyInfo, Manifest)>) -> Lookup {
        let look = |asking_since| {
            let now = self.clock.now();
            match copy {
                Some((copy, _)) => {
                    copy.look_up(asking_since, now, question.max_age, question.haste)
                }
                None => Lookup::without_copy(asking_since, now),
            }
        };
        match look(None) {
            clear @ Lookup::Use(_) => clear,
            // Only now it matters whether others ask already.
            _ => {
                let asking = self.cache.get(Entry::Asking).await;
                look(asking.as_deref().and_then(entries::read_instant))
            }
        }
    }

    /// What the copy says, if that may still be believed by now. The sightings stay here for
    /// whoever asks next.
    async fn make_do(
        &self,
        question: &Question,
        copy: Option<(CopyInfo, Manifest)>,
    ) -> Option<Told> {
        let (copy, manifest) = copy?;
        let now = self.clock.now();
        let age = match copy.look_up(None, now, question.max_age, Haste::Waiting) {
            Lookup::Use(age) | Lookup::AskOr(age) => age,
            Lookup::Ask | Lookup::Wait => return None,
        };
        let gathered = self.together(question).await;
        self.gather(&gathered).await;
        Some(Told { manifest: Manifest { age, ..manifest }, text: None })
    }

    /// What the PoP has gathered, and what the question brings.
    async fn together(&self, question: &Question) -> Vec<Sighting> {
        let entry = self.cache.get(Entry::Sightings).await.unwrap_or_default();
        let mut gathered = entries::read_sightings(&entry);
        for sighting in &question.sightings {
            gather(&mut gathered, sighting);
        }
        gathered
    }

    async fn gather(&self, sightings: &[Sighting]) {
        let text = entries::write_sightings(sightings);
        self.cache.put(Entry::Sightings, text, GATHERED_FOR).await;
    }

    /// The copy and what it says, if a guard of that bundle may go by it.
    async fn copy(&self, question: &Question) -> Option<(CopyInfo, Manifest)> {
        let entry = self.cache.get(Entry::Copy).await?;
        let (copy, text) = entries::read_copy(&entry)?;
        let manifest = self.inner.read(text, &question.worker)?;
        let standing = manifest.standing(question.bundle);
        copy.may_know(standing, question.began_at).then_some((copy, manifest))
    }

    async fn ask(&self, question: &Question, timeout: Duration) -> Result<Told, TransportError> {
        // The cache takes time too, and a copy had better seem too old than too young.
        let asked_at = self.clock.now();
        self.cache.put(Entry::Asking, entries::write_instant(asked_at), ASKING).await;
        let question = Question {
            worker: question.worker.clone(),
            sightings: self.together(question).await,
            ..*question
        };
        let outcome = self.inner.manifest(&question, timeout).await;
        if let Ok(told) = &outcome {
            if let Some(text) = &told.text {
                let copy = CopyInfo {
                    asked_at,
                    answered_at: self.clock.now(),
                    max_age: told.manifest.max_age.unwrap_or(MaxAge::DEFAULT),
                    age_tolerance: told.manifest.age_tolerance,
                };
                let text = entries::write_copy(&copy, text);
                self.cache.put(Entry::Copy, text, copy.max_age.get()).await;
            }
            self.gather(&[]).await;
        }
        // Whoever can do nothing with what this has brought has to ask, and not to wait. A manager
        // that has not answered in time is left alone a little longer.
        if !matches!(outcome, Err(TransportError::Timeout)) {
            self.cache.put(Entry::Asking, String::new(), ASKING).await;
        }
        outcome
    }
}

#[async_trait]
impl<T: Transport, P: PopCache, C: Clock + Timer> Transport for PopTier<T, P, C> {
    async fn manifest(
        &self,
        question: &Question,
        timeout: Duration,
    ) -> Result<Told, TransportError> {
        let began = self.clock.now();
        let copy = loop {
            let copy = self.copy(question).await;
            match self.look_up(question, copy.as_ref()).await {
                Lookup::Use(_) => match self.make_do(question, copy).await {
                    Some(told) => return Ok(told),
                    None => break None,
                },
                Lookup::AskOr(_) | Lookup::Ask => break copy,
                Lookup::Wait => {
                    // A clock that was set back must not make anybody wait for ever.
                    let waited = self.clock.now().since(began).unwrap_or(timeout);
                    match question.haste.nap(waited, timeout) {
                        Some(nap) => self.clock.sleep(nap).await,
                        None if question.haste == Haste::Waiting => break copy,
                        None => return Err(TransportError::Timeout),
                    }
                }
            }
        };
        let waited = self.clock.now().since(began).unwrap_or_default();
        match self.ask(question, timeout.saturating_sub(waited)).await {
            Err(failure) => self.make_do(question, copy).await.ok_or(failure),
            told => told,
        }
    }

    fn read(&self, text: &str, worker: &WorkerName) -> Option<Manifest> {
        self.inner.read(text, worker)
    }
}
