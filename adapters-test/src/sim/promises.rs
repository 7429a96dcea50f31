//! The promises, checked at every decision of a run against what is the case.

use core::fmt;

use skewguard_domain::{
    BAND, Decision, ENOUGH, EVIDENCE, OnUnavailable, Reason, Timestamp, Verdict,
};

use super::agenda::Millis;
use super::build::{BuildId, true_time};
use super::darkness::Darkness;
use super::isolate::{Freshness, Held, millis};
use super::strict::StrictTakeovers;
use super::trace::Clock;
use super::truth::{Stands, Truth};

/// What Skewguard promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// P1: what is current, shared, announced or ahead is not refused.
    OnlyTheReplacedAreRefused,
    /// P2: from its cutover on no guard with a live lease serves what was replaced; and where the
    /// cutover came at once, none later than a lease after it.
    TheReplacedStop,
    /// P3: once the new of a strict release has served, the old does not.
    StrictReleasesDoNotMix,
    /// P4: what was rolled back is refused, although it is the newest.
    TheRolledBackStop,
    /// P5: where nothing better runs, no more than [`EVIDENCE`] and a lease are dark.
    NeverDark,
    /// P6: what was acknowledged is in the ledger and in the audit trail.
    NothingIsLost,
    /// P7: a manager that fails makes nobody wait beyond the timeout, and has nobody refused but
    /// by who is closed; who is closed serves nothing unknown.
    NobodyHangs,
    /// P8: nothing older than a lease is believed, unless the manager fails.
    LeasesEnd,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnlyTheReplacedAreRefused => "P1",
            Self::TheReplacedStop => "P2",
            Self::StrictReleasesDoNotMix => "P3",
            Self::TheRolledBackStop => "P4",
            Self::NeverDark => "P5",
            Self::NothingIsLost => "P6",
            Self::NobodyHangs => "P7",
            Self::LeasesEnd => "P8",
        })
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub promise: Promise,
    /// How, and when.
    pub how: String,
}

/// A decision, and all that is known about it from outside.
pub(crate) struct Judged {
    pub(crate) now: Millis,
    pub(crate) pop: usize,
    pub(crate) worker: usize,
    pub(crate) build: BuildId,
    pub(crate) decision: Decision,
    pub(crate) belief: Option<(Held, Freshness)>,
    /// Failures of the manager in a row, as the guard counts them.
    pub(crate) failures: u32,
    pub(crate) waited: Millis,
    pub(crate) timeout: Millis,
    pub(crate) on_unavailable: OnUnavailable,
    /// The manager's clock.
    pub(crate) clock: Timestamp,
    pub(crate) offset: Millis,
}

/// All promises of a run.
pub(crate) struct Promises {
    pub(crate) strict: StrictTakeovers,
    pub(crate) darkness: Darkness,
    /// How far the manager's clock may have been set.
    jump: Millis,
    broken: Vec<Broken>,
    count: u64,
}

impl Promises {
    pub(crate) fn new(darkness: Darkness, jumps: bool) -> Self {
        Self {
            strict: StrictTakeovers::default(),
            darkness,
            jump: if jumps { millis(BAND) } else { 0 },
            broken: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn broken(self) -> Vec<Broken> {
        self.broken
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.count > 0
    }

    /// Only the first few are told; the others follow from them as a rule.
    pub(crate) fn breaks(&mut self, promise: Promise, now: Millis, how: impl FnOnce() -> String) {
        self.count += 1;
        if self.broken.len() < 20 {
            let how = format!("{} {promise}: {}", Clock(now), how());
            self.broken.push(Broken { promise, how });
        }
    }

    /// Holds a decision against what is the case; says whether all promises are kept.
    pub(crate) fn check(&mut self, judged: &Judged, truth: &Truth) -> bool {
        let before = self.count;
        self.check_manners(judged);
        self.check_decision(judged, truth);
        self.count == before
    }

    fn check_decision(&mut self, judged: &Judged, truth: &Truth) {
        let Some((held, freshness)) = judged.belief else { return };
        let &Judged { now, build, decision, .. } = judged;
        if decision.reason == Reason::Unavailable {
            return;
        }
        let lease = truth.lease(held.made_at);
        let slack = held.skew + self.jump;
        if judged.failures == 0 && now - held.made_at > lease + held.skew {
            let age = now - held.made_at;
            self.breaks(Promise::LeasesEnd, now, || {
                format!("{} decided by what was {age} ms old", told(judged))
            });
        }
        if freshness == Freshness::StaleIfError {
            return;
        }
        let phase = *truth.phase(build);
        let known_since = phase.since.max(phase.known_from);
        if decision.verdict == Verdict::Refuse {
            if phase.stands.may_serve() && now > known_since + held.known_to + slack {
                let next = truth.next_stop(judged.worker, judged.clock);
                let stops = next.map(|stop| true_time(stop, judged.offset));
                if stops.is_none_or(|stop| stop > now + held.known_to + slack) {
                    self.breaks(Promise::OnlyTheReplacedAreRefused, now, || {
                        format!("{} was refused, but is {:?}", told(judged), phase.stands)
                    });
                }
            }
            let due = self.darkness.due_at(judged.worker, judged.pop, truth);
            if let Some(due) = due.filter(|due| now > due + lease + slack) {
                self.breaks(Promise::NeverDark, now, || {
                    format!("{} was refused, dark since {}", told(judged), Clock(due))
                });
            }
            return;
        }
        if decision.reason == Reason::BreakerOpen {
            let lit = self.darkness.lit_since(judged.worker, judged.pop, truth);
            if let Some(lit) = lit.filter(|lit| now > lit + lease + slack) {
                self.breaks(Promise::NeverDark, now, || {
                    format!("{} served by its breaker, lit since {}", told(judged), Clock(lit))
                });
            }
            return;
        }
        let starts = truth.next_start(judged.worker, build);
        let starts = starts.map(|start| true_time(start, judged.offset) - self.jump);
        let may_start = phase.stands == Stands::Held && starts.is_some_and(|start| start <= now);
        if !phase.stands.may_serve() && !may_start && now >= known_since + slack.max(1) {
            let promise = match phase.stands {
                Stands::Held => Promise::StrictReleasesDoNotMix,
                Stands::RolledBack => Promise::TheRolledBackStop,
                _ => Promise::TheReplacedStop,
            };
            self.breaks(promise, now, || {
                let late = now - known_since;
                format!("{} served {late} ms after it was {:?}", told(judged), phase.stands)
            });
        }
        if let Some(how) = self.strict.served(build, now, judged.clock) {
            self.breaks(Promise::StrictReleasesDoNotMix, now, || {
                format!("{} served {how}", told(judged))
            });
        }
    }

    /// What holds whatever is the case.
    fn check_manners(&mut self, judged: &Judged) {
        let &Judged { now, decision, .. } = judged;
        if judged.waited > judged.timeout {
            self.breaks(Promise::NobodyHangs, now, || {
                format!("{} waited {} ms", told(judged), judged.waited)
            });
        }
        let unavailable = decision.reason == Reason::Unavailable;
        let refused = decision.verdict == Verdict::Refuse;
        match judged.on_unavailable {
            OnUnavailable::Open if unavailable && refused => {
                self.breaks(Promise::NobodyHangs, now, || {
                    format!("{} was refused because the manager fails", told(judged))
                });
            }
            OnUnavailable::Closed if !refused && (unavailable || judged.belief.is_none()) => {
                self.breaks(Promise::NobodyHangs, now, || {
                    format!("{} is closed, and served without knowing", told(judged))
                });
            }
            _ => {}
        }
    }
}

fn told(judged: &Judged) -> String {
    let Judged { build, worker, pop, decision, .. } = judged;
    format!("build {} of worker-{worker} in P{pop} ({:?})", build.0, decision.reason)
}

/// How long a place may be dark before it serves what it has, and after how many reports.
pub(crate) const PATIENCE: (Millis, u32) = (EVIDENCE.as_millis() as Millis, ENOUGH);
