//! How long a manifest is believed, and when the manager is asked again.
//!
//! The words are RFC 5861's (`max-age`, `stale-if-error`) and RFC 9111's.

use core::time::Duration;

/// A lease: how long a manifest may be believed as fresh, from 100 ms to 1 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaxAge(Duration);

impl MaxAge {
    /// The shortest lease.
    pub const SHORTEST: Duration = Duration::from_millis(100);
    /// The longest lease.
    pub const LONGEST: Duration = Duration::from_secs(60 * 60);
    /// What is given where nothing else is said: 5 s.
    pub const DEFAULT: Self = Self(Duration::from_secs(5));

    /// A lease of `length`.
    ///
    /// # Errors
    /// [`PolicyError::MaxAge`] if `length` is out of range.
    pub fn new(length: Duration) -> Result<Self, PolicyError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&length) {
            Ok(Self(length))
        } else {
            Err(PolicyError::MaxAge)
        }
    }

    /// The lease's length.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// A fraction of a span, drawn at random, that keeps isolates from acting in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Jitter(u16);

impl Jitter {
    const WHOLE: u32 = 1024;

    /// The fraction that `random` stands for; every value is as likely as another.
    #[must_use]
    pub const fn from_random(random: u16) -> Self {
        Self(random % Self::WHOLE as u16)
    }

    /// This fraction of `span`: at least none of it, and less than the whole.
    #[must_use]
    pub fn of(self, span: Duration) -> Duration {
        span.saturating_mul(u32::from(self.0)) / Self::WHOLE
    }
}

/// How long the manager is left alone after it failed: doubled with every failure, jittered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
}

impl BackOff {
    /// The pause after the first failure, before jitter.
    #[must_use]
    pub const fn first(self) -> Duration {
        self.first
    }

    /// The longest pause.
    #[must_use]
    pub const fn longest(self) -> Duration {
        self.longest
    }

    /// The pause after the `failures`th failure in a row: between half and the whole of
    /// `first × 2^(failures − 1)`, of which no more than `longest` counts.
    #[must_use]
    pub fn pause(self, failures: u32, jitter: Jitter) -> Duration {
        let doublings = failures.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let half = self.first.saturating_mul(factor).min(self.longest) / 2;
        half + jitter.of(half)
    }
}

/// The figures of a guard's cache. [`Default`] has those of `README.md`; [`CachePolicy::builder`]
/// changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CachePolicy {
    max_age: MaxAge,
    refresh_ahead_percent: u8,
    timeout: Duration,
    stale_if_error: Duration,
    back_off: BackOff,
}

impl CachePolicy {
    /// The longest timeout.
    pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);
    /// The longest `stale-if-error`.
    pub const LONGEST_STALE_IF_ERROR: Duration = Duration::from_secs(24 * 60 * 60);

    /// The longest pause after failures.
    pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(60 * 60);

    /// Starts from the defaults.
    pub fn builder() -> CachePolicyBuilder {
        CachePolicyBuilder { policy: Self::default() }
    }

    /// Starts from this policy.
    pub fn to_builder(self) -> CachePolicyBuilder {
        CachePolicyBuilder { policy: self }
    }

    /// The longest lease that the guard takes.
    #[must_use]
    pub fn max_age(&self) -> MaxAge {
        self.max_age
    }

    /// How long a request may wait for the manager. A question that took longer has failed.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When a question is given up for good. Nobody waits for it any more by then, but an answer
    /// that comes a little late is still worth having: a PoP far from the manager would never
    /// learn anything otherwise. It is given up before the next question may be asked.
    #[must_use]
    pub fn give_up_after(&self) -> Duration {
        self.timeout + self.back_off.first / 2
    }

    /// How long a manifest still decides after its lease, when the manager fails.
    #[must_use]
    pub fn stale_if_error(&self) -> Duration {
        self.stale_if_error
    }

    /// How long to leave the manager alone after a failure.
    #[must_use]
    pub fn back_off(&self) -> BackOff {
        self.back_off
    }

    /// The lease of a manifest: the guard's own limit or the manager's, whichever is shorter.
    #[must_use]
    pub fn lease(&self, given: Option<MaxAge>) -> Duration {
        given.map_or(self.max_age, |given| given.min(self.max_age)).get()
    }

    /// How old a manifest with this lease is when it is to be refreshed: the set share of the
    /// lease, and up to half of what is left of it.
    #[must_use]
    pub fn refresh_after(&self, lease: Duration, jitter: Jitter) -> Duration {
        let ahead = lease * u32::from(self.refresh_ahead_percent) / 100;
        ahead + jitter.of((lease - ahead) / 2)
    }
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            max_age: MaxAge::DEFAULT,
            refresh_ahead_percent: 80,
            timeout: Duration::from_millis(250),
            stale_if_error: Duration::from_secs(60),
            back_off: BackOff { first: Duration::from_secs(1), longest: Duration::from_secs(30) },
        }
    }
}

/// Sets figures of a [`CachePolicy`]; [`CachePolicyBuilder::build`] checks them together.
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CachePolicyBuilder {
    policy: CachePolicy,
}

impl CachePolicyBuilder {
    /// The lease. Default 5 s.
    pub fn max_age(mut self, max_age: MaxAge) -> Self {
        self.policy.max_age = max_age;
        self
    }

    /// The share of the lease, 1 to 99 %, after which it is renewed in the background.
    /// Default 80.
    pub fn refresh_ahead_percent(mut self, percent: u8) -> Self {
        self.policy.refresh_ahead_percent = percent;
        self
    }

    /// How long to wait for the manager: 1 ms to 10 s, and less than the lease. Default 250 ms.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// How long after its lease a manifest still decides when the manager fails: up to 24 h.
    /// Default 60 s.
    pub fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.policy.stale_if_error = stale_if_error;
        self
    }

    /// The pause after the first failure, at least 1 ms, and the longest pause, no less than the
    /// first and at most 1 h. Default 1 s and 30 s.
    pub fn back_off(mut self, first: Duration, longest: Duration) -> Self {
        self.policy.back_off = BackOff { first, longest };
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// The [`PolicyError`] of the first figure that is out of range.
    pub fn build(self) -> Result<CachePolicy, PolicyError> {
        let tick = Duration::from_millis(1);
        let policy = self.policy;
        let BackOff { first, longest } = policy.back_off;
        if !(1..=99).contains(&policy.refresh_ahead_percent) {
            Err(PolicyError::RefreshAhead)
        } else if !(tick..=CachePolicy::LONGEST_TIMEOUT).contains(&policy.timeout)
            || policy.timeout >= policy.max_age.get()
        {
            Err(PolicyError::Timeout)
        } else if policy.stale_if_error > CachePolicy::LONGEST_STALE_IF_ERROR {
            Err(PolicyError::StaleIfError)
        } else if first < tick || longest < first || longest > CachePolicy::LONGEST_BACK_OFF {
            Err(PolicyError::BackOff)
        } else {
            Ok(policy)
        }
    }
}

/// A figure that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// See [`MaxAge::new`].
    #[error("max-age must be between 100 ms and 1 h")]
    MaxAge,
    /// See [`CachePolicyBuilder::refresh_ahead_percent`].
    #[error("refresh-ahead must be between 1 and 99 % of max-age")]
    RefreshAhead,
    /// See [`CachePolicyBuilder::timeout`].
    #[error("the timeout must be between 1 ms and 10 s, and shorter than max-age")]
    Timeout,
    /// See [`CachePolicyBuilder::stale_if_error`].
    #[error("stale-if-error must be at most 24 h")]
    StaleIfError,
    /// See [`CachePolicyBuilder::back_off`].
    #[error("back-off must be at least 1 ms at first, then no shorter, and at most 1 h")]
    BackOff,
}
