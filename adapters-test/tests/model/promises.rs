//! What Skewguard promises, and how often what happened in a scene.

use core::sync::atomic::{AtomicU64, Ordering};

/// A promise that the checker holds the core to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Promise {
    NoSelfMadeOutage,
    TheFenceHolds,
    NoMix,
    ARollbackIsACutover,
    NeverDark,
    NoLostChange,
    FailOpen,
    TiersDoNotAddUp,
}

impl Promise {
    pub(crate) const ALL: [Self; 8] = [
        Self::NoSelfMadeOutage,
        Self::TheFenceHolds,
        Self::NoMix,
        Self::ARollbackIsACutover,
        Self::NeverDark,
        Self::NoLostChange,
        Self::FailOpen,
        Self::TiersDoNotAddUp,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoSelfMadeOutage => "P1: nobody is refused but for a newer release",
            Self::TheFenceHolds => "P2: with a live lease nothing retired serves",
            Self::NoMix => "P3: once the new has served, the old does not",
            Self::ARollbackIsACutover => "P4: what was rolled back does not serve",
            Self::NeverDark => "P5: no PoP is dark for long, or unfenced for long",
            Self::NoLostChange => "P6: what was acknowledged is in ledger and trail",
            Self::FailOpen => "P7: a manager that fails costs no request",
            Self::TiersDoNotAddUp => "P8: nothing older than a lease decides",
        }
    }

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Something that happens in a scene, counted so that no promise is kept for want of occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sight {
    Current,
    Announced,
    Ahead,
    Held,
    Retired,
    Older,
    BreakerOpen,
    FailedOpen,
    RefusedUnasked,
    StaleIfError,
    LateAnswer,
    CopyUsed,
    OldCopyUsed,
    Rejected,
    Conflict,
}

impl Sight {
    const ALL: [Self; 15] = [
        Self::Current,
        Self::Announced,
        Self::Ahead,
        Self::Held,
        Self::Retired,
        Self::Older,
        Self::BreakerOpen,
        Self::FailedOpen,
        Self::RefusedUnasked,
        Self::StaleIfError,
        Self::LateAnswer,
        Self::CopyUsed,
        Self::OldCopyUsed,
        Self::Rejected,
        Self::Conflict,
    ];
}

/// How often what happened, in all steps that were tried.
#[derive(Default)]
pub(crate) struct Sights([AtomicU64; 15]);

impl Sights {
    pub(crate) fn note(&self, sight: Sight) {
        self.0[sight as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, sight: Sight) -> u64 {
        self.0[sight as usize].load(Ordering::Relaxed)
    }

    /// All that happened, and how often.
    pub(crate) fn summary(&self) -> String {
        let seen = Sight::ALL.into_iter().map(|sight| (sight, self.count(sight)));
        let seen = seen.filter(|(_, count)| *count > 0);
        seen.map(|(sight, count)| format!("{sight:?} {count}")).collect::<Vec<_>>().join(", ")
    }
}
