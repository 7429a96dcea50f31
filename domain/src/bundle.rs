//! One uploaded build of one Worker.

use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

use crate::{DeployTime, Timestamp};

/// What tells one bundle from another: its `CODE_VERSION_UUID`.
///
/// `Display` and `Debug` show the first 8 characters, so that a log cannot tell the whole by
/// accident; [`BundleId::reveal`] does, where a wire format needs it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId(Uuid);

impl BundleId {
    /// A version 4 UUID (RFC 9562) made of 16 bytes from a source of randomness.
    #[must_use]
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The whole UUID, 36 characters in lower case. For wire formats and storage only.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0.hyphenated().to_string()
    }
}

impl FromStr for BundleId {
    type Err = ParseBundleIdError;

    /// Reads a UUID of any version, in either case and in every form that RFC 9562 and common tools
    /// write: with or without its hyphens, in braces, or after `urn:uuid:`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| ParseBundleIdError)
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first_group, ..) = self.0.as_fields();
        write!(f, "{first_group:08x}")
    }
}

impl fmt::Debug for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleId({self}…)")
    }
}

/// A text that is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bundle's id is a UUID, such as `uuidgen` or `crypto.randomUUID()` make it")]
pub struct ParseBundleIdError;

/// A bundle as it knows itself: what was embedded into it when it was deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bundle {
    /// Its `CODE_VERSION_UUID`.
    pub id: BundleId,
    /// Its `DEPLOY_TIME_UTC`, if there was one that can be read.
    pub deploy_time: Option<DeployTime>,
}

/// A bundle as the manager keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionRecord {
    /// Which bundle.
    pub bundle: BundleId,
    /// When it was deployed, by the deployer's clock.
    pub deploy_time: DeployTime,
    /// When it was registered first, by the manager's clock.
    pub registered_at: Timestamp,
}

impl VersionRecord {
    /// What decides which of two bundles is the newer: the deploy time, and for two of the same
    /// millisecond the id, so that the order of their registrations does not matter.
    #[must_use]
    pub fn precedence(&self) -> (DeployTime, BundleId) {
        (self.deploy_time, self.bundle)
    }
}
