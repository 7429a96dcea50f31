//! Values that many states share. Each is hashed once.

use core::hash::{Hash, Hasher};
use core::ops::Deref;
use std::hash::DefaultHasher;
use std::sync::Arc;

/// A value that does not change, and its digest.
pub(crate) struct Kept<T> {
    value: Arc<T>,
    digest: u64,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), digest: self.digest }
    }
}

impl<T> Kept<T> {
    /// Keeps `value`; `identity` is what tells it from others.
    pub(crate) fn told_by(value: T, identity: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        Self { value: Arc::new(value), digest: hasher.finish() }
    }

    /// What stands for the value in a hash.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }
}

impl<T: Hash> Kept<T> {
    pub(crate) fn new(value: T) -> Self {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Self { value: Arc::new(value), digest: hasher.finish() }
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Hash for Kept<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}
