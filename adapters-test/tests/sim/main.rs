//! The tests of the simulator, and what it says about Skewguard.
//!
//! A seed that breaks a promise is replayed, line by line, with
//! `cargo run -p skewguard-test --bin skewguard-sim -- replay <seed>`.

mod mutants;
mod repetition;
mod scale;
mod seeds;
