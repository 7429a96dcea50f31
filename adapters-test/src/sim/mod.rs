//! A network in a box: points of presence, isolates that come and go, uploads that take their time,
//! one manager with a queue, faults; and in it the very guard and manager that run in production,
//! watched for every promise that they make.
//!
//! A run is a discrete-event simulation. It reads no clock and draws all chance from its seed, so
//! the same [`Scenario`] ends the same way, byte for byte. What the manager decides is told a second
//! time by code of the simulator's own, and every decision of every guard is held against that.
//!
//! # Example
//!
//! ```
//! use skewguard_test::sim::{Scenario, Tracing};
//!
//! let outcome = Scenario::at_random(7).run(Tracing::Off);
//! assert_eq!(outcome.broken, []);
//! ```

mod agenda;
mod asking;
mod build;
mod chance;
mod chart;
mod compare;
mod darkness;
mod deployer;
mod equality;
mod flow;
mod isolate;
mod manager;
mod managing;
mod measure;
mod network;
mod promises;
mod requesting;
mod scenario;
mod strict;
mod table;
mod trace;
mod truth;
mod world;

pub use chart::svg;
pub use compare::{Comparison, WithoutCopies};
pub use measure::Measure;
pub use promises::{Broken, Promise};
pub use scenario::{Capacity, Copies, Design, Scenario, Size, Store};
pub use trace::Tracing;
pub use world::Outcome;
