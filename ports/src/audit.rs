//! The audit trail: who has changed what, when, and from which state of the ledger.

use core::str::FromStr;

use serde::Serialize;
use skewguard_domain::{Epoch, Timestamp};

/// One line of the audit trail. Written with the change that it is about, and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When the change was made, by the manager's clock.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: Principal,
    /// What was asked for: the stable name of the command.
    pub action: String,
    /// The release that it is about, by its id.
    pub release: Option<String>,
    /// The rest, for people. Of a bundle it tells the first 8 characters.
    pub detail: String,
    /// The epoch from which it was decided.
    pub from: Epoch,
    /// The epoch to which it led. No two entries have the same.
    pub to: Epoch,
}

/// Which part of the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Only changes that led to an earlier epoch; all, if there is none.
    pub before: Option<Epoch>,
    /// How many entries at most, 1 to [`AuditPage::LARGEST`].
    pub limit: u32,
}

impl AuditPage {
    /// The largest page.
    pub const LARGEST: u32 = 200;
    /// The page where nothing else is said.
    pub const DEFAULT: u32 = 50;
}

/// Who asks: by which of the manager's secrets, never by the token itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// By `VERSION_MANAGER_SECRET`.
    Current,
    /// By `VERSION_MANAGER_SECRET_PREVIOUS`.
    Previous,
    /// By `VERSION_MANAGER_READ_SECRET`.
    Read,
    /// Nobody did: the manager's own settings have changed.
    Settings,
}

impl Principal {
    /// The stable name by which it is sent and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
            Self::Read => "read",
            Self::Settings => "settings",
        }
    }
}

impl FromStr for Principal {
    type Err = UnknownPrincipal;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let all = [Self::Current, Self::Previous, Self::Read, Self::Settings];
        all.into_iter().find(|principal| principal.as_str() == name).ok_or(UnknownPrincipal)
    }
}

/// A name that no principal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a principal is one of current, previous, read and settings")]
pub struct UnknownPrincipal;
