//! The same release in the same network, guarded in different ways.

use skewguard_domain::Style;

use super::measure::Measure;
use super::promises::Broken;
use super::scenario::{Capacity, Copies, Design, Scenario, Size};
use super::trace::Tracing;

/// What came of each way.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The network.
    pub size: Size,
    /// The baseline, with the one Durable Object that it has.
    pub equality: Measure,
    /// The baseline, if that object could answer as much as it is asked.
    pub equality_at_its_best: Measure,
    /// A plain release.
    pub plain: Measure,
    /// A strict release.
    pub strict: Measure,
    /// Promises that were broken in either of our own.
    pub broken: Vec<Broken>,
}

impl Comparison {
    /// Compares the ways in a network of that size.
    #[must_use]
    pub fn of(seed: u64, size: Size) -> Self {
        let scenario = |design, style| Scenario::of_release(seed, size, design, style);
        let equality = scenario(Design::Equality, Style::Plain);
        let unlimited = equality.clone().with_capacity(Capacity::Unlimited);
        let plain = scenario(Design::Skewguard, Style::Plain).run(Tracing::Off);
        let strict = scenario(Design::Skewguard, Style::Strict).run(Tracing::Off);
        Self {
            size,
            equality: equality.run(Tracing::Off).measure,
            equality_at_its_best: unlimited.run(Tracing::Off).measure,
            plain: plain.measure,
            strict: strict.measure,
            broken: [plain.broken, strict.broken].concat(),
        }
    }
}

/// Strict releases in which every guard asks the manager itself for as long as the release is
/// open, and one in which PoPs keep copies as ever.
#[derive(Clone, Debug, PartialEq)]
pub struct WithoutCopies {
    /// By a manager that is one Durable Object.
    pub one_object: Measure,
    /// By one that could answer everything.
    pub unlimited: Measure,
    /// With copies, by one Durable Object.
    pub with_copies: Measure,
}

impl WithoutCopies {
    /// Runs them in a network of that size.
    #[must_use]
    pub fn of(seed: u64, size: Size) -> Self {
        let run = |copies, capacity| {
            let scenario = Scenario::of_release(seed, size, Design::Skewguard, Style::Strict);
            scenario.with_copies(copies).with_capacity(capacity).run(Tracing::Off).measure
        };
        Self {
            one_object: run(Copies::OffWhileStrict, Capacity::OneObject),
            unlimited: run(Copies::OffWhileStrict, Capacity::Unlimited),
            with_copies: run(Copies::Shared, Capacity::OneObject),
        }
    }
}
