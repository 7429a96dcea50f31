//! A log that can be read.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use skewguard_ports::{Log, LogEntry};

/// Keeps every entry, as the JSON that a platform would write. Clones share the entries.
#[derive(Clone, Default)]
pub struct RecordingLog {
    entries: Arc<Mutex<Vec<Value>>>,
}

impl RecordingLog {
    /// A log with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many entries there are of an event, such as `request_waited`.
    #[must_use]
    pub fn count(&self, event: &str) -> usize {
        self.entries().iter().filter(|entry| entry["event"] == event).count()
    }
}

impl Log for RecordingLog {
    fn record(&self, entry: &LogEntry<'_>) {
        let value = serde_json::to_value(entry).unwrap_or(Value::Null);
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
}
