//! A flow of two requests that belong together: one on one Worker, and the next on another.

use super::agenda::Millis;

/// A flow, as far as it has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// Where each of its requests goes.
    pub(crate) pops: [usize; 2],
    pub(crate) workers: [usize; 2],
    /// How long after the first answer the second request comes.
    pub(crate) pause: Millis,
    /// Who served the first request.
    pub(crate) first: Option<Served>,
}

/// Who served a request, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) at: Millis,
    pub(crate) generation: usize,
    pub(crate) certainty: Certainty,
}

/// Whether a guard knew what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// It decided by a live lease.
    Known,
    /// It served because it could not know better, or because its breaker was open.
    Open,
}

/// One request of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) flow: Flow,
    pub(crate) arrived: Millis,
}

impl Request {
    /// 0 for the first of its flow, 1 for the second.
    pub(crate) fn step(&self) -> usize {
        usize::from(self.flow.first.is_some())
    }
}
