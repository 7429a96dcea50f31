//! The tests of the manager's use case, between mocks of its ports, and of the JSON that it is
//! asked with and answers.
//!
//! A test's name is the sentence that it proves. How both use cases behave over ports that
//! misbehave on demand is tested in `skewguard-test`.
//!
//! It is one crate of many files, so that it links once and the fixtures are shared.

mod fixtures;
mod log;
mod version_manager;
mod wire_answer;
mod wire_briefing;
mod wire_error_code;
mod wire_registration;
mod wire_release;
mod wire_release_answer;
mod wire_secrecy;
mod wire_sightings;
mod wire_version_answer;
