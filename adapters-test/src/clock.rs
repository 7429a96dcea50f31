//! A clock that is moved by hand.

use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use skewguard_domain::Timestamp;
use skewguard_ports::{Clock, Timer};

/// A [`Clock`] and [`Timer`] that stand still until somebody moves them. Clones share the time.
#[derive(Clone, Default)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Timestamp,
    sleepers: Vec<(Timestamp, Waker)>,
}

impl Default for State {
    fn default() -> Self {
        // Some day in 2026; far enough from zero to subtract from.
        Self { now: Timestamp::from_unix_millis(1_772_366_400_000), sleepers: Vec::new() }
    }
}

impl ManualClock {
    /// A clock that shows some day in 2026.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the time on by `by`, and wakes who has slept long enough.
    pub fn advance(&self, by: Duration) {
        let to = self.state().now.after(by);
        self.set(to);
    }

    /// Sets the clock, be it forwards or backwards.
    pub fn set(&self, to: Timestamp) {
        let mut state = self.state();
        state.now = to;
        let (due, asleep) = state.sleepers.drain(..).partition(|(until, _)| *until <= to);
        state.sleepers = asleep;
        drop(state);
        let due: Vec<(Timestamp, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }
}

#[async_trait]
impl Timer for ManualClock {
    async fn sleep(&self, length: Duration) {
        let until = self.now().after(length);
        poll_fn(|context| {
            let mut state = self.state();
            if state.now >= until {
                Poll::Ready(())
            } else {
                state.sleepers.push((until, context.waker().clone()));
                Poll::Pending
            }
        })
        .await;
    }
}
