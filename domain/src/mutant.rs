//! Rules that can be switched off one by one, to see that the model checker, the simulator and the
//! tests would notice. Without the feature `mutants` every rule is on, and this is nothing.

/// A rule that is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[cfg_attr(
    not(feature = "mutants"),
    expect(dead_code, unreachable_pub, reason = "only tests switch rules off")
)]
pub enum Mutant {
    /// An unknown newer bundle is taken for a leftover: what is not current is stale.
    NothingIsAhead = 1,
    /// The stop of a bundle counts from the answer, instead of from the question.
    StopsLate,
    /// In a strict release the new starts when the old was told to stop.
    StartsAtOnce,
    /// A bundle that was rolled back is not named.
    ForgetsRollbacks,
    /// The breaker never opens.
    BreakerStuck,
    /// A change is stored whatever it was decided from.
    LastWriterWins,
    /// Who can't ask refuses.
    RefusesUnasked,
    /// A copy is as good as new.
    CopiesAreNew,
    /// A copy is believed even where it may be from before an announcement.
    CopiesKnowAll,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use core::sync::atomic::{AtomicU8, Ordering};

    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Switches one rule off in this process, or all on again.
    pub fn plant(mutant: Option<Mutant>) {
        PLANTED.store(mutant.map_or(0, |mutant| mutant as u8), Ordering::SeqCst);
    }

    /// Whether the rule is switched off.
    pub fn planted(mutant: Mutant) -> bool {
        PLANTED.load(Ordering::Relaxed) == mutant as u8
    }
}

#[cfg(not(feature = "mutants"))]
mod switch {
    use super::Mutant;

    pub(crate) const fn planted(_: Mutant) -> bool {
        false
    }
}

#[cfg(not(feature = "mutants"))]
pub(crate) use switch::planted;
#[cfg(feature = "mutants")]
pub use switch::{plant, planted};
