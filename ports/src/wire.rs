//! The JSON of the manager's routes, read and written. `README.md` has the routes.
//!
//! Unknown fields are ignored on both sides, so that either may be upgraded first.

mod answer;
mod briefing;
mod error_code;
mod fields;
mod named;
mod registration;
mod release;
mod release_answer;
mod sightings;
mod status;

pub use answer::{AuditAnswer, ErrorAnswer, RegisteredAnswer, VersionAnswer};
pub use briefing::{BriefingAnswer, WorkerBriefing};
pub use error_code::ErrorCode;
pub use named::Named;
pub use registration::{InvalidRegistration, parse_registration};
pub use release::{InvalidRelease, parse_abort, parse_announcement, parse_cutover, parse_rollback};
pub use release_answer::{ConvergenceAnswer, ReleaseAnswer, ReleasesAnswer};
pub use sightings::{InvalidSightings, SightingsBody, parse_sightings};
pub use status::StatusAnswer;
