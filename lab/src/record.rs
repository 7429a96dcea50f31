//! What was served when, and whether two releases served at the same time.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::CodeFormat;

/// A step of a flow, as its client saw it. Some moment between `sent` and `answered` is the one at
/// which it was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The flow, by a number that no other one of the record has.
    pub flow: u64,
    /// The release that served it, by its format.
    pub format: CodeFormat,
    /// When it was sent to the PoP that served it.
    pub sent: Instant,
    /// When its answer was there.
    pub answered: Instant,
}

/// All steps of a run that were served.
///
/// Clients can't see when a step was served, only between which moments. So a record is held
/// against an *order*: the releases that took over from one another, for good and one at a time.
/// It fits if there are moments for the cutovers such that each step can have been served while
/// the release that served it was the only one. If there are none, two releases have served at
/// the same time, beyond doubt.
#[derive(Clone, Debug)]
pub struct Record {
    /// By the time of their answers.
    steps: Vec<Step>,
    order: Vec<CodeFormat>,
}

impl Record {
    /// A record with these steps. Its order is that in which the releases were seen first, each
    /// once: a run in which one comes back has to be given [its order](Self::in_order).
    #[must_use]
    pub fn new(mut steps: Vec<Step>) -> Self {
        steps.sort_by_key(|step| step.answered);
        let mut order = Vec::new();
        for step in &steps {
            if !order.contains(&step.format) {
                order.push(step.format);
            }
        }
        Self { steps, order }
    }

    /// Holds the record against another order, such as 1, 2, 1 for a release and its rollback.
    #[must_use]
    pub fn in_order(mut self, order: &[CodeFormat]) -> Self {
        self.order = order.to_vec();
        self
    }

    /// The steps, by the time of their answers.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The flows that changed to another release while the one that they began with went on
    /// serving. Where releases share the traffic, as a canary does, a flow may change only because
    /// its release has stopped.
    #[must_use]
    pub fn skewed(&self) -> Vec<[Step; 2]> {
        let went_on = |[first, second]: &[Step; 2]| {
            let later = self.steps.iter().filter(|step| step.sent > second.answered);
            later.into_iter().any(|step| step.format == first.format)
        };
        self.changed().into_iter().filter(went_on).collect()
    }

    /// The steps that fit into no cutover: those that a release has served after another one had
    /// taken over from it. Empty if there was one release at any time.
    #[must_use]
    pub fn overlap(&self) -> Vec<Step> {
        let mut left = self.steps.clone();
        for (turn, format) in self.order.iter().enumerate() {
            let is_last = turn + 1 == self.order.len();
            // The latest moment for the cutover: when the next release is known to have served.
            // An earlier one would leave more steps behind, and make room for none.
            let others = left.iter().filter(|step| step.format != *format && !is_last);
            let cutover = others.map(|step| step.answered).min();
            let fits = |step: &Step| cutover.is_none_or(|cutover| step.sent < cutover);
            left.retain(|step| step.format != *format || !fits(step));
        }
        left
    }

    /// The flows that were merely under way when one release took over from the other: two served
    /// their steps, and never at the same time.
    #[must_use]
    pub fn crossed(&self) -> Vec<[Step; 2]> {
        if self.overlap().is_empty() { self.changed() } else { Vec::new() }
    }

    /// The flows whose steps two releases have served that did so at the same time, anywhere in
    /// the run.
    #[must_use]
    pub fn mixed(&self) -> Vec<[Step; 2]> {
        if self.overlap().is_empty() { Vec::new() } else { self.changed() }
    }

    /// The flows with steps of two releases.
    fn changed(&self) -> Vec<[Step; 2]> {
        let mut first = BTreeMap::new();
        let mut changed = Vec::new();
        for step in &self.steps {
            if let Some(before) = first.insert(step.flow, *step)
                && before.format != step.format
            {
                changed.push([before, *step]);
            }
        }
        changed
    }
}
