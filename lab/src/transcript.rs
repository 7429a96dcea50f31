//! All that a lab was answered and has logged, and the search for what must not be in it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps lines of text. Clones share them.
#[derive(Clone, Default)]
pub struct Transcript {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    secrets: Vec<String>,
}

/// Something in a transcript that nobody outside may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leak {
    /// A whole UUID.
    Uuid(String),
    /// A secret.
    Secret(String),
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(line) => write!(f, "a whole UUID in: {line}"),
            Self::Secret(line) => write!(f, "a secret in: {line}"),
        }
    }
}

impl Transcript {
    /// Adds a line.
    pub fn add(&self, line: impl Into<String>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line.into());
    }

    /// Names a text that must not appear.
    pub fn guard_secret(&self, secret: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.secrets.push(secret.to_owned());
    }

    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// The structured log entries of an event among the lines.
    #[must_use]
    pub fn events(&self, event: &str) -> Vec<serde_json::Value> {
        let lines = self.lines();
        let parsed = lines.iter().filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(&line[line.find('{')?..]).ok()
        });
        parsed.filter(|entry| entry["source"] == "skewguard" && entry["event"] == event).collect()
    }

    /// What is in it that must not be.
    #[must_use]
    pub fn leaks(&self) -> Vec<Leak> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut leaks = Vec::new();
        for line in &state.lines {
            if contains_uuid(line) {
                leaks.push(Leak::Uuid(line.clone()));
            }
            if state.secrets.iter().any(|secret| line.contains(secret.as_str())) {
                leaks.push(Leak::Secret(line.clone()));
            }
        }
        leaks
    }
}

/// Whether there is a hyphenated UUID, or 32 hexadecimal digits in a row that are not part of a
/// longer run: digests are longer.
fn contains_uuid(line: &str) -> bool {
    let hyphenated = line.as_bytes().windows(36).any(|window| {
        window.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    });
    let runs = line.split(|character: char| !character.is_ascii_hexdigit());
    hyphenated || runs.into_iter().any(|run| run.len() == 32)
}
