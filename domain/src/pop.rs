//! The name of a point of presence.

use core::fmt;
use core::str::FromStr;

/// Which of Cloudflare's points of presence: `request.cf.colo`, such as `FRA`. 1 to 8 characters of
/// `A-Z` and `0-9`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pop([u8; Self::MAX_LEN]);

impl Pop {
    /// The longest name, in characters.
    pub const MAX_LEN: usize = 8;

    /// Where nothing says which one it is, as in development.
    pub const UNKNOWN: Self = Self(*b"UNKNOWN\0");

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::MAX_LEN);
        core::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl FromStr for Pop {
    type Err = ParsePopError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(1..=Self::MAX_LEN).contains(&text.len()) || !text.as_bytes().iter().all(legal) {
            return Err(ParsePopError);
        }
        let mut name = [0; Self::MAX_LEN];
        name[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self(name))
    }
}

impl fmt::Display for Pop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Pop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pop({self})")
    }
}

/// A text that cannot name a PoP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PoP's name has 1 to 8 characters of A-Z and 0-9, as request.cf.colo has it")]
pub struct ParsePopError;
