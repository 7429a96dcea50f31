//! The tests of the two use cases over ports that misbehave on demand: the guard of an isolate, the
//! guards of a PoP, the manager over a store, and whole systems of them.
//!
//! A test's name is the sentence that it proves. Time is moved by hand, a millisecond at a time
//! where it matters, so no test waits for anything and every one repeats itself exactly.
//!
//! It is one crate of many files, so that it links once and the fixtures are shared.

mod fixtures;
mod guard_cold;
mod guard_failing;
mod guard_log;
mod guard_lost;
mod guard_steady;
mod isolate;
mod memory_storage;
mod pop_guards;
mod pop_tier;
mod pop_tier_sightings;
mod release_canary;
mod release_never_dark;
mod release_plain;
mod release_rollback;
mod release_strict;
mod release_unreachable;
mod slow_storage;
mod system;
mod version_manager;
mod version_manager_audit;
mod version_manager_briefing;
mod version_manager_leases;
mod version_manager_overlap;
mod version_manager_properties;
mod version_manager_release_properties;
mod version_manager_releases;
mod world;
