//! Paths that a guard leaves alone.

use core::str::FromStr;

/// A path that is served whatever the bundle: exact (`/health`), or all below it (`/assets/*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExemptPath {
    path: String,
    reach: Reach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reach {
    Exact,
    Below,
}

impl ExemptPath {
    /// Whether the path of a request, without its query, is covered.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        match self.reach {
            Reach::Exact => path == self.path,
            Reach::Below => path.starts_with(&self.path),
        }
    }
}

impl FromStr for ExemptPath {
    type Err = ParseExemptPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, reach) = match text.strip_suffix('*') {
            Some(below) if below.ends_with('/') => (below, Reach::Below),
            _ => (text, Reach::Exact),
        };
        if !path.starts_with('/') || path.contains(['*', '?', '#']) {
            return Err(ParseExemptPathError);
        }
        Ok(Self { path: path.to_owned(), reach })
    }
}

/// A text that is not a pattern for paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an exempt path begins with '/' and is exact, or ends in '/*' for all that is below it")]
pub struct ParseExemptPathError;
