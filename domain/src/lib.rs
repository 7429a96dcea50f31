//! The pure core of Skewguard: which bundles of a Worker serve, and what a guard does about it.
//!
//! Everything here is *sans-IO*. Time, answers and seeds are handed in; decisions and things to
//! do are handed out. The same functions run in the Durable Object, in every guard and in the
//! tests, so what the tests prove is what production does.
//!
//! | to… | start at |
//! | --- | --- |
//! | change what is current | [`Ledger::apply`] |
//! | tell guards what is current | [`Ledger::briefing`] |
//! | learn where which bundle runs | [`Census::observe`] |
//! | know whether a release is everywhere | [`Convergence::of`] |
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

mod briefing;
mod bundle;
mod census;
mod convergence;
mod copy;
mod decision;
mod exempt;
mod guard;
mod history;
mod ledger;
mod manifest;
mod mutant;
mod policy;
mod pop;
mod rejection;
mod release;
mod time;
mod worker_name;

pub use briefing::Briefing;
pub use bundle::{Bundle, BundleId, ParseBundleIdError, VersionRecord};
pub use census::{BUNDLES, Census, ENOUGH, EVIDENCE, MEMORY, PLACES, Place, Seen, Sighting, Tally};
pub use convergence::{Convergence, PlaceEvidence, Progress, RECENT};
pub use copy::{ASKING, CopyInfo, GATHERED, Haste, LOOK_AGAIN, Lookup, gather};
pub use decision::{
    Believed, Decision, Exemption, Mode, OnUnavailable, Reason, Situation, Staleness, Unchecked,
    Verdict, decide,
};
pub use exempt::{ExemptPath, ParseExemptPathError};
pub use guard::{Flight, GuardConfig, GuardCore, RequestLine, Step, Wake};
pub use history::{
    HISTORY_LIMIT, PENDING_LIMIT, Retired, Retirement, Takeover, TookOver, WorkerHistory,
};
pub use ledger::{
    Applied, Command, Epoch, Event, Intent, LeaseTerms, Ledger, LedgerParts, MAX_CLOCK_SKEW,
    RELEASE_LIMIT, Registration,
};
pub use manifest::{
    Age, Breaker, Manifest, ManifestStep, Outlook, Standing, Standings, WorkerManifest,
};
#[cfg(feature = "mutants")]
pub use mutant::{Mutant, plant, planted};
pub use policy::{BackOff, CachePolicy, CachePolicyBuilder, Jitter, MaxAge, PolicyError};
pub use pop::{ParsePopError, Pop};
pub use rejection::Rejection;
pub use release::{
    Announcement, BAND, Cutover, Delay, MARGIN, ParseReleaseIdError, Release, ReleaseId,
    ReleaseState, Stage, Strictness, Style,
};
pub use time::{DeployTime, ParseDeployTimeError, Timestamp};
pub use worker_name::{ParseWorkerNameError, WorkerName};
