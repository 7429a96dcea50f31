//! Background work by `waitUntil`.

use skewguard_ports::{Background, Task};
use worker::Context;

/// Keeps a request's context open until its background work is done.
pub(crate) struct WaitUntil<'a>(pub(crate) &'a Context);

impl Background for WaitUntil<'_> {
    fn run(&self, task: Task) {
        self.0.wait_until(task);
    }
}
