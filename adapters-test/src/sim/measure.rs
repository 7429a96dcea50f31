//! What is counted in a run.

use skewguard_domain::{Reason, Verdict};

use super::agenda::Millis;
use super::flow::{Certainty, Served};
use super::scenario::DEPLOY;

/// The counts of a run; rates are by the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measure {
    /// Questions that reached the manager, by the second of the run.
    pub questions: Vec<u32>,
    /// Requests that were refused, by the second of the run.
    pub refusals: Vec<u32>,
    /// Flows that old and new served, by the second of the run.
    pub mixes: Vec<u32>,
    /// The first second that counts for the totals.
    pub counted_from: usize,
    /// All requests.
    pub requests: u64,
    /// Requests that waited, be it for the PoP's copy.
    pub waited: u64,
    /// Requests that waited for more than 20 ms.
    pub waited_long: u64,
    /// The longest wait, in ms.
    pub longest_wait: Millis,
    /// Requests that were refused.
    pub refused: u64,
    /// Of these, those of a bundle that nothing had taken over from.
    pub refused_by_mistake: u64,
    /// Those that came so shortly before the bundle's own stop that its guard could not tell.
    pub refused_early: u64,
    /// Those that a strict release held back until its cutover.
    pub held: u64,
    /// Those of a bundle that was replaced, where the PoP had nothing newer yet.
    pub refused_in_the_dark: u64,
    /// Requests that a bundle served which was replaced, and how long ago at most, in ms.
    pub stale: u64,
    /// See `stale`.
    pub longest_stale: Millis,
    /// The same, on purpose: by an open breaker, or because nothing was known.
    pub stale_on_purpose: u64,
    /// Flows whose two requests were both served.
    pub flows: u64,
    /// Flows that old and new served, although neither had stopped or not yet begun.
    pub mixed: u64,
    /// The same, where a breaker was open or nothing was known.
    pub mixed_on_purpose: u64,
    /// Flows that had begun before a strict cutover, and ended after it.
    pub crossed: u64,
    /// When the old has served last.
    pub old_served_last: Option<Millis>,
    /// When the release takes over in each of its Workers; the last one.
    pub took_over: Option<Millis>,
    pub(crate) strict: bool,
    pub(crate) takeovers: Vec<Option<Millis>>,
}

/// A request that was decided.
pub(crate) struct Counted {
    pub(crate) now: Millis,
    pub(crate) worker: usize,
    pub(crate) generation: usize,
    pub(crate) reason: Option<Reason>,
    pub(crate) verdict: Verdict,
    pub(crate) certainty: Certainty,
    pub(crate) waited: Millis,
    /// Whether new isolates of the PoP get something newer.
    pub(crate) has_newer: bool,
    /// Whether it was refused within the round trip before its own stop.
    pub(crate) timing: Timing,
}

/// When a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Around its bundle's own stop or start, no earlier or later than the guard could know.
    Around,
    /// At any other time.
    Any,
}

impl Measure {
    pub(crate) fn new(length: Millis, counted_from: Millis, workers: usize, strict: bool) -> Self {
        let seconds = usize::try_from(length / 1000 + 1).expect("a short run");
        Self {
            questions: vec![0; seconds],
            refusals: vec![0; seconds],
            mixes: vec![0; seconds],
            counted_from: second(counted_from),
            strict,
            takeovers: vec![None; workers],
            ..Self::default()
        }
    }

    pub(crate) fn asked(&mut self, now: Millis) {
        if let Some(count) = self.questions.get_mut(second(now)) {
            *count += 1;
        }
    }

    /// The newer of two generations takes over.
    pub(crate) fn takes_over(&mut self, worker: usize, at: Millis) {
        self.takeovers[worker] = Some(at);
        self.took_over = self.took_over.max(Some(at));
    }

    pub(crate) fn decided(&mut self, counted: &Counted) {
        let &Counted { now, worker, generation, waited, .. } = counted;
        if second(now) < self.counted_from {
            return;
        }
        self.requests += 1;
        self.waited += u64::from(waited > 0);
        self.waited_long += u64::from(waited > 20);
        self.longest_wait = self.longest_wait.max(waited);
        let replaced = self.takeovers[worker].filter(|at| generation == 0 && now >= *at);
        if counted.verdict == Verdict::Serve {
            if generation == 0 {
                self.old_served_last = Some(now);
            }
            match replaced {
                Some(_) if counted.certainty == Certainty::Open => self.stale_on_purpose += 1,
                Some(at) => {
                    self.stale += 1;
                    self.longest_stale = self.longest_stale.max(now - at);
                }
                None => {}
            }
            return;
        }
        self.refused += 1;
        if let Some(count) = self.refusals.get_mut(second(now)) {
            *count += 1;
        }
        if counted.timing == Timing::Around {
            self.refused_early += 1;
        } else if replaced.is_some() {
            self.refused_in_the_dark += u64::from(!counted.has_newer);
        } else if counted.reason == Some(Reason::Held) {
            self.held += 1;
        } else {
            self.refused_by_mistake += 1;
        }
    }

    /// A flow is complete.
    pub(crate) fn completed(&mut self, first: &Served, worker: usize, second: &Served) {
        if self::second(second.at) < self.counted_from {
            return;
        }
        self.flows += 1;
        if first.generation == second.generation {
            return;
        }
        let is_open = [first, second].iter().any(|step| step.certainty == Certainty::Open);
        let forward = first.generation < second.generation;
        let between = |at: &Millis| first.at < *at && *at <= second.at;
        if is_open {
            self.mixed_on_purpose += 1;
        } else if self.strict && forward && self.takeovers[worker].as_ref().is_some_and(between) {
            self.crossed += 1;
        } else {
            self.mixed += 1;
            if let Some(count) = self.mixes.get_mut(self::second(second.at)) {
                *count += 1;
            }
        }
    }

    /// Requests that were refused as they should be: replaced, where something newer was there.
    #[must_use]
    pub fn refused_for_good(&self) -> u64 {
        let others = self.refused_by_mistake + self.refused_early + self.held;
        self.refused - others - self.refused_in_the_dark
    }

    /// How many Workers the release has taken over, or is to.
    #[must_use]
    pub fn taken_over(&self) -> usize {
        self.takeovers.iter().flatten().count()
    }

    /// Questions a second to the manager, from when it counts: on average, and at most.
    #[must_use]
    pub fn load(&self) -> (f64, u32) {
        mean_and_peak(&self.questions[self.counted_from..self.questions.len() - 1])
    }

    /// The same, from when the deploy begins until it takes over.
    #[must_use]
    pub fn load_of_deploy(&self) -> (f64, u32) {
        let until = self.took_over.map_or(self.questions.len() - 1, second);
        mean_and_peak(&self.questions[second(DEPLOY)..until])
    }
}

fn mean_and_peak(counts: &[u32]) -> (f64, u32) {
    let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let mean = sum as f64 / counts.len() as f64;
    (mean, counts.iter().copied().max().unwrap_or(0))
}

fn second(at: Millis) -> usize {
    usize::try_from(at.max(0) / 1000).expect("a short run")
}
