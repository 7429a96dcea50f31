//! The tests of the pure core, through its public API.
//!
//! A test's name is the sentence that it proves. Files named `…_properties` prove theirs on
//! 10,000 random cases each; the environment variable `PROPTEST_CASES` can lower that number, as
//! it does where mutants are hunted.
//!
//! It is one crate of many files, so that it links once and the fixtures are shared.

mod briefing;
mod census_breaker;
mod census_memory;
mod convergence;
mod copies;
mod decision_properties;
mod decision_table;
mod fixtures;
mod guard_clock;
mod guard_copies;
mod guard_cutover;
mod guard_exemption;
mod guard_failing;
mod guard_flights;
mod guard_lease;
mod guard_properties;
mod guard_tally;
mod lease_terms;
mod ledger_history;
mod ledger_properties;
mod ledger_registration;
mod ledger_rollback;
mod manager;
mod outlook;
mod outlook_properties;
mod parsing;
mod parsing_properties;
mod parsing_releases;
mod policy;
mod policy_back_off;
mod pops;
mod promises;
mod promises_availability;
mod promises_guards;
mod promises_ledger;
mod promises_strict;
mod release_clock;
mod release_lifecycle;
mod release_limit;
mod release_pending;
mod release_rejection;
mod release_repetition;
mod release_rollback;
mod time;
