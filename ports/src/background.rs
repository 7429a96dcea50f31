//! Work that outlives the request it was started for.

use core::future::Future;
use core::pin::Pin;

/// A piece of background work.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What keeps work going behind a request's back: `waitUntil`, or a task of an executor.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Background {
    /// Starts `task`, without waiting for it.
    ///
    /// An implementation MUST NOT drop the task because the request was answered, or because its
    /// client has left: others may wait for what comes of it.
    fn run(&self, task: Task);
}
