//! What is worth telling an operator.

use core::fmt::Display;

use serde::{Serialize, Serializer};
use skewguard_domain::{
    Breaker, BundleId, Epoch, Mode, Pop, Reason, Staleness, Unchecked, Verdict, WorkerName,
};

use crate::{Principal, TransportError};

/// A sink for log entries.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Log: Send + Sync {
    /// Takes note of `entry`. MUST NOT fail: what can't be logged is lost.
    #[cfg_attr(feature = "mock", mockall::concretize)]
    fn record(&self, entry: &LogEntry<'_>);
}

/// How much an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Something is broken.
    Error,
}

/// One thing that happened. Serializes to the fields of a structured log line; of a bundle only
/// the first 8 characters are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LogEntry<'a> {
    /// A guard's decision is another one than for the request before. Not every request is
    /// logged: an isolate's decision changes a few times in its life.
    GuardTurned {
        /// The guarded Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// The guard's own bundle.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_optional_text")]
        bundle: Option<BundleId>,
        /// Why it serves or refuses from now on.
        #[serde(serialize_with = "as_reason")]
        reason: Reason,
        /// Whether it would serve or refuse.
        #[serde(serialize_with = "as_verdict")]
        decision: Verdict,
        /// Whether it acts on that.
        #[serde(serialize_with = "as_mode")]
        mode: Mode,
    },
    /// A request had to wait for the manager, as only those of a guard do that is cold, or was
    /// idle for longer than a lease.
    RequestWaited {
        /// The guarded Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// For how long, in ms.
        waited_ms: u64,
    },
    /// The manager failed a guard.
    ManagerFailed {
        /// The guarded Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// How.
        error: TransportError,
        /// How often in a row.
        failures: u32,
    },
    /// The manager answers a guard again.
    ManagerRecovered {
        /// The guarded Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// After how many failures in a row.
        failures: u32,
    },
    /// A setting of a guard can't be read, and its default is used.
    SettingIgnored {
        /// The guarded Worker, or what was to be its name.
        worker: &'a str,
        /// The setting.
        setting: &'a str,
        /// What is wrong with it.
        problem: &'a str,
    },
    /// A bundle took over, or was confirmed as the current one.
    Registered {
        /// The Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// Its bundle.
        #[serde(serialize_with = "as_text")]
        bundle: BundleId,
        /// The ledger's epoch since then.
        #[serde(serialize_with = "as_epoch")]
        epoch: Epoch,
        /// Which token was used.
        token: Principal,
    },
    /// A registration contradicts the ledger, or was decided from an outdated one.
    RegistrationRejected {
        /// The Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// Its bundle.
        #[serde(serialize_with = "as_text")]
        bundle: BundleId,
        /// The stable code of the rejection.
        code: &'a str,
        /// Which token was used.
        token: Principal,
    },
    /// A release or the leases were changed, or were so already.
    Changed {
        /// What was asked for.
        action: &'a str,
        /// Of which release.
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<&'a str>,
        /// The ledger's epoch since then.
        #[serde(serialize_with = "as_epoch")]
        epoch: Epoch,
        /// Which token was used.
        token: Principal,
    },
    /// A change of a release contradicts the ledger, or was decided from an outdated one.
    ChangeRejected {
        /// What was asked for.
        action: &'a str,
        /// Of which release.
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<&'a str>,
        /// The stable code of the rejection.
        code: &'a str,
        /// Which token was used.
        token: Principal,
    },
    /// A PoP has to make do with what it has, or does not have to any more.
    BreakerTurned {
        /// The Worker.
        #[serde(serialize_with = "as_text")]
        worker: &'a WorkerName,
        /// The PoP.
        #[serde(serialize_with = "as_text")]
        pop: Pop,
        /// Whether it does.
        #[serde(serialize_with = "as_breaker")]
        breaker: Breaker,
    },
    /// The manager's Worker could not reach its Durable Object.
    GatewayFailed {
        /// What the platform said.
        detail: &'a str,
    },
    /// The store failed the manager.
    StorageFailed {
        /// What the store said.
        detail: &'a str,
    },
}

impl LogEntry<'_> {
    /// How much this matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::GuardTurned { decision: Verdict::Refuse, .. }
            | Self::GuardTurned {
                reason:
                    Reason::Unchecked(
                        Unchecked::NoBinding | Unchecked::NoBundleId | Unchecked::InvalidBundleId,
                    ),
                ..
            }
            | Self::ManagerFailed { .. }
            | Self::SettingIgnored { .. }
            | Self::RegistrationRejected { .. }
            | Self::ChangeRejected { .. }
            | Self::BreakerTurned { breaker: Breaker::Open, .. } => Level::Warn,
            Self::GatewayFailed { .. } | Self::StorageFailed { .. } => Level::Error,
            Self::GuardTurned { .. }
            | Self::RequestWaited { .. }
            | Self::ManagerRecovered { .. }
            | Self::Registered { .. }
            | Self::Changed { .. }
            | Self::BreakerTurned { .. } => Level::Info,
        }
    }
}

fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    // `collect_str` would be shorter here, and longer in every guard.
    serializer.serialize_str(&value.to_string())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is how serde hands it over")]
fn as_breaker<S: Serializer>(breaker: &Breaker, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(breaker.as_str())
}

fn as_optional_text<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => as_text(value, serializer),
        None => serializer.serialize_none(),
    }
}

fn as_epoch<S: Serializer>(epoch: &Epoch, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(epoch.get())
}

fn as_verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match verdict {
        Verdict::Serve => "serve",
        Verdict::Refuse => "refuse",
    })
}

fn as_mode<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match mode {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
    })
}

fn as_reason<S: Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match reason {
        Reason::Unchecked(Unchecked::Disabled) => "unchecked_disabled",
        Reason::Unchecked(Unchecked::NoBundleId) => "unchecked_no_bundle_id",
        Reason::Unchecked(Unchecked::InvalidBundleId) => "unchecked_invalid_bundle_id",
        Reason::Unchecked(Unchecked::NoBinding) => "unchecked_no_binding",
        Reason::Exempt => "exempt",
        Reason::Unavailable => "unavailable",
        Reason::Unregistered => "unregistered",
        Reason::Current => "current",
        Reason::BreakerOpen => "breaker_open",
        Reason::Announced => "announced",
        Reason::Held => "held",
        Reason::Ahead => "ahead",
        Reason::Stale(Staleness::Retired) => "stale_retired",
        Reason::Stale(Staleness::Older) => "stale_older",
        Reason::Stale(Staleness::Undated) => "stale_undated",
    })
}
