//! What a step tells its reader, if there is one.

/// Lines about a step.
pub(crate) struct Notes(Option<Vec<String>>);

impl Notes {
    /// For nobody: the checker takes millions of steps.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) const fn taken() -> Self {
        Self(Some(Vec::new()))
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }

    pub(crate) fn lines(self) -> Vec<String> {
        self.0.unwrap_or_default()
    }
}
