//! Points in time, to the millisecond.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A reading of somebody's clock: milliseconds since 1970-01-01T00:00:00Z.
///
/// Clocks of different machines are never compared through this type, with one exception: a
/// registration whose deploy time lies too far in the manager's future. A guard uses only the
/// differences between readings of its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The reading of `millis` ms since the Unix epoch.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is, or `None` if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let millis = i128::from(self.0) - i128::from(earlier.0);
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    /// This reading moved on by `by`, rounded down to a millisecond; stops at the last
    /// representable one.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// This reading moved back by `by`, rounded down to a millisecond; stops at the first
    /// representable one.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// The same moment by the calendar, if that reaches so far.
    fn date_time(self) -> Option<OffsetDateTime> {
        // In nanoseconds it would be one line, and a kilobyte of 128 bit division in every guard.
        let second = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000)).ok()?;
        second.replace_millisecond(u16::try_from(self.0.rem_euclid(1000)).ok()?).ok()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, or `out of range` for years that RFC 3339 cannot write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.date_time().and_then(|moment| moment.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("out of range"))
    }
}

/// When a bundle was deployed, by the clock of who deployed it; years 0000 to 9999, kept in UTC.
///
/// Read from RFC 3339 with any offset. What is finer than a millisecond is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeployTime(Timestamp);

impl DeployTime {
    /// The same moment as a reading of the deployer's clock.
    #[must_use]
    pub const fn as_timestamp(self) -> Timestamp {
        self.0
    }

    /// The next millisecond; stops at the last one of the year 9999.
    pub(crate) fn next(self) -> Self {
        Self::try_from(self.0.after(Duration::from_millis(1))).unwrap_or(self)
    }
}

impl TryFrom<Timestamp> for DeployTime {
    type Error = ParseDeployTimeError;

    /// Takes a reading back from where it was stored.
    fn try_from(moment: Timestamp) -> Result<Self, Self::Error> {
        let year = moment.date_time().ok_or(ParseDeployTimeError)?.year();
        if (0..=9999).contains(&year) { Ok(Self(moment)) } else { Err(ParseDeployTimeError) }
    }
}

impl FromStr for DeployTime {
    type Err = ParseDeployTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| ParseDeployTimeError)?;
        let millis = moment.unix_timestamp() * 1000 + i64::from(moment.millisecond());
        Self::try_from(Timestamp(millis))
    }
}

impl fmt::Display for DeployTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not an RFC 3339 date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a deploy time is an RFC 3339 date and time, such as 2026-03-01T12:00:00Z")]
pub struct ParseDeployTimeError;
