//! The JSON of the manager's routes, read and written. `README.md` has the routes.
//!
//! Unknown fields are ignored on both sides, so that either may be upgraded first.

mod answer;
mod error_code;
mod registration;

pub use answer::{ErrorAnswer, ManifestAnswer, RegisteredAnswer, StatusAnswer, VersionAnswer};
pub use error_code::ErrorCode;
pub use registration::{InvalidRegistration, parse_registration};
