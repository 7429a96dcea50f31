//! What happened, to be read by people.

use core::fmt;

use super::agenda::Millis;

/// The lines of a run, where somebody wants them.
pub(crate) struct Trace {
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(wanted: Tracing) -> Self {
        Self { lines: (wanted == Tracing::On).then(Vec::new) }
    }

    pub(crate) fn note(&mut self, now: Millis, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{} {}", Clock(now), line()));
        }
    }

    pub(crate) fn lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

/// Whether a run tells what happens in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// It does.
    On,
    /// It does not, and is quicker.
    Off,
}

/// A time of a run as seconds.
pub(crate) struct Clock(pub(crate) Millis);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{:>9}", format!("{sign}{}.{:03} s", millis / 1000, millis % 1000))
    }
}
