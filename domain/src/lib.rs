//! The pure core of Skewguard: which bundles of a Worker serve, and what a guard does about it.
//!
//! Everything here is *sans-IO*. Time, answers and seeds are handed in; decisions and things to
//! do are handed out. The same functions run in the Durable Object, in every guard and in the
//! tests, so what the tests prove is what production does.
//!
//! | to… | start at |
//! | --- | --- |
//! | change what is current | [`Ledger::apply`] |
//! | judge one request | [`decide`] |
//! | run a guard | [`GuardCore::on_request`] |
//!
//! # Example
//!
//! ```
//! use skewguard_domain::{Command, DeployTime, Intent, Ledger, Registration, Timestamp};
//!
//! let registration = Registration {
//!     worker: "op-auth".parse()?,
//!     bundle: "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10".parse()?,
//!     deploy_time: "2026-03-01T12:00:00Z".parse()?,
//!     intent: Intent::Deploy,
//! };
//! let now = Timestamp::from_unix_millis(1_772_366_405_000);
//! let applied = Ledger::default().apply(&Command::Register(registration), now)?;
//! assert_eq!(applied.ledger.epoch().get(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod bundle;
mod decision;
mod exempt;
mod guard;
mod ledger;
mod manifest;
mod policy;
mod time;
mod worker_name;

pub use bundle::{Bundle, BundleId, ParseBundleIdError, VersionRecord};
pub use decision::{
    Decision, Exemption, Mode, OnUnavailable, Reason, Situation, Staleness, Unchecked, Verdict,
    decide,
};
pub use exempt::{ExemptPath, ParseExemptPathError};
pub use guard::{Flight, GuardConfig, GuardCore, RequestLine, Step, Wake};
pub use ledger::{
    Applied, Command, Epoch, Event, HISTORY_LIMIT, Intent, Ledger, MAX_CLOCK_SKEW, Registration,
    Rejection, Retired, Retirement, WorkerHistory,
};
pub use manifest::{Manifest, WorkerManifest};
pub use policy::{BackOff, CachePolicy, CachePolicyBuilder, Jitter, MaxAge, PolicyError};
pub use time::{DeployTime, ParseDeployTimeError, Timestamp};
pub use worker_name::{ParseWorkerNameError, WorkerName};
