//! The name of a Worker.

use core::fmt;
use core::str::FromStr;

/// The name of a Worker, as its wrangler configuration has it: `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerName(String);

impl WorkerName {
    /// The longest name, in characters: a DNS label's.
    pub const MAX_LEN: usize = 63;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkerName {
    type Err = ParseWorkerNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let well_formed = text.len() <= Self::MAX_LEN
            && !text.starts_with('-')
            && text.as_bytes().iter().all(legal);
        if well_formed && !text.is_empty() {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseWorkerNameError)
        }
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot name a Worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Worker's name has 1 to 63 characters of a-z, 0-9 and '-', and does not begin with '-'")]
pub struct ParseWorkerNameError;
