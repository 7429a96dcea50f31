//! Real workerd processes, for the end-to-end tests and the demonstration.
//!
//! A [`Lab`] is a small Cloudflare on 127.0.0.1. Its [`Manager`] is a workerd process with the
//! manager's Worker and Durable Object; each [`Pop`] is another one, with the demo Workers of one
//! release. In every PoP a [`Link`] stands between the guards and the manager: it can slow down,
//! hang, cut off and count what goes through. A PoP can have a [`Cache`]. Everything listens on ports that the system hands
//! out, and ends with the value that stands for it.
//!
//! Whatever is answered and logged is kept, and searched for UUIDs and secrets in the end.

#![forbid(unsafe_code)]

mod cache;
mod client;
mod database;
mod deployer;
mod link;
mod manager;
mod place;
mod pop;
mod record;
mod release;
pub mod story;
mod traffic;
mod transcript;
mod workerd;

pub use cache::{Cache, CacheSetup, CacheStats};
pub use client::{Answer, Client, Outgoing};
pub use database::Database;
pub use deployer::{Deployer, Style, announcement};
pub use link::{Fault, Link, LinkStats};
pub use manager::{Manager, ManagerSetup};
pub use place::{Lab, worker_files};
pub(crate) use pop::Entrance;
pub use pop::{Pop, PopSetup};
pub use record::{Record, Step};
pub use release::{CodeFormat, Release};
pub use traffic::{Counts, Running, Traffic};
pub use transcript::{Leak, Transcript};
pub(crate) use workerd::{CF_HEADER, Service, Workerd};
