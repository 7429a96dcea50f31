//! The clock and the timers of Workers.

use core::time::Duration;

use async_trait::async_trait;
use skewguard_domain::Timestamp;
use skewguard_ports::{Clock, Timer};
use worker::Delay;
use worker::send::IntoSendFuture;

/// `Date.now()` and `setTimeout`.
pub(crate) struct WorkersClock;

impl Clock for WorkersClock {
    fn now(&self) -> Timestamp {
        // Whole milliseconds, far below 2^53.
        Timestamp::from_unix_millis(js_sys::Date::now() as i64)
    }
}

#[async_trait]
impl Timer for WorkersClock {
    async fn sleep(&self, length: Duration) {
        Delay::from(length).into_send().await;
    }
}
