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

/// A strict release in which every guard asks the manager itself for as long as the release is
/// open: by a manager that is one Durable Object, and by one that could answer everything.
#[must_use]
pub fn strict_without_copies(seed: u64, size: Size) -> [Measure; 2] {
    [Capacity::OneObject, Capacity::Unlimited].map(|capacity| {
        let scenario = Scenario::of_release(seed, size, Design::Skewguard, Style::Strict);
        let scenario = scenario.with_copies(Copies::OffWhileStrict).with_capacity(capacity);
        scenario.run(Tracing::Off).measure
    })
}
