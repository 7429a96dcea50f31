//! Skewguard's ports for tests: a store in memory, a clock that is moved by hand, a manager that
//! misbehaves on demand, and an executor that only runs when it is told to. In [`sim`] there is a
//! whole network of guards and a manager.
//!
//! Nothing here reads a real clock or draws a random number, so a test that uses these repeats
//! itself exactly.
//!
//! # Example
//!
//! ```
//! use core::time::Duration;
//! use skewguard_ports::Timer;
//! use skewguard_test::{Executor, ManualClock};
//!
//! let clock = ManualClock::new();
//! let mut executor = Executor::new();
//! let timer = clock.clone();
//! let nap = executor.spawn(async move { timer.sleep(Duration::from_millis(10)).await });
//! executor.run();
//! clock.advance(Duration::from_millis(9));
//! executor.run();
//! assert!(nap.try_take().is_none());
//! clock.advance(Duration::from_millis(1));
//! executor.run();
//! assert!(nap.try_take().is_some());
//! ```

#![forbid(unsafe_code)]

mod clock;
mod executor;
mod log;
mod pop_cache;
pub mod sim;
mod storage;
mod transport;

pub use clock::ManualClock;
pub use executor::{Executor, Outcome, Spawner};
pub use log::RecordingLog;
pub use pop_cache::MemoryCache;
pub use storage::{MemoryStorage, StorageFault};
pub use transport::{Behaviour, FaultyTransport};
