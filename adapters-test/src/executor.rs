//! An executor that runs when it is told to, and stops when there is nothing left to do.

use core::future::Future;
use std::cell::RefCell;
use std::rc::Rc;

use futures::executor::{LocalPool, LocalSpawner};
use futures::task::LocalSpawnExt;
use skewguard_ports::{Background, Task};

/// Runs futures on this thread, in the order in which they become ready.
#[derive(Default)]
pub struct Executor {
    pool: LocalPool,
}

/// What came of a future, once there is something.
pub struct Outcome<T>(Rc<RefCell<Option<T>>>);

impl<T> Outcome<T> {
    /// Takes the result, if the future has one and nobody took it before.
    #[must_use]
    pub fn try_take(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }
}

impl Executor {
    /// An executor with nothing to do.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a future; it first runs in the next [`run`](Self::run).
    ///
    /// # Panics
    /// Never: a pool that is there takes futures.
    pub fn spawn<F>(&self, future: F) -> Outcome<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        let task = async move {
            let output = future.await;
            *slot.borrow_mut() = Some(output);
        };
        self.pool.spawner().spawn_local(task).expect("the pool is there");
        Outcome(result)
    }

    /// Runs everything as far as it gets without time moving on.
    pub fn run(&mut self) {
        self.pool.run_until_stalled();
    }

    /// A [`Background`] on this executor.
    #[must_use]
    pub fn background(&self) -> Spawner {
        Spawner(self.pool.spawner())
    }
}

/// Background work on an [`Executor`].
#[derive(Clone)]
pub struct Spawner(LocalSpawner);

impl Background for Spawner {
    fn run(&self, task: Task) {
        // A pool that is gone takes nothing, and its tasks are gone with it.
        let _ = self.0.spawn_local(task);
    }
}
