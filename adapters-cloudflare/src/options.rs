//! How a Worker wants to be guarded.

use core::str::FromStr;
use core::time::Duration;

use skewguard_domain::{CachePolicy, ExemptPath, MaxAge, Mode, OnUnavailable};

/// How a Worker wants to be guarded: what its code says, and on top of that its variables.
///
/// | variable | meaning | range | default |
/// | --- | --- | --- | --- |
/// | `VERSION_CHECK_ENABLED` | `false` switches checking off | `true`, `false` | `true` |
/// | `VERSION_CHECK_MODE` | `enforce`, or `observe` to decide and log but always serve | `enforce`, `observe` | `enforce` |
/// | `VERSION_CHECK_ON_UNAVAILABLE` | `open` serves when nothing is known of the manager, `closed` refuses | `open`, `closed` | `open` |
/// | `VERSION_CHECK_EXEMPT` | paths that are always served, with commas between: `/health,/assets/*` | each begins with `/` | none |
/// | `VERSION_CHECK_POP_CACHE` | `false` asks the manager itself, and shares nothing with other isolates of the PoP | `true`, `false` | `true` |
/// | `VERSION_CHECK_MAX_AGE_MS` | the lease; the manager's own can only be shortened | 100 to 3600000 | 5000 |
/// | `VERSION_CHECK_REFRESH_AHEAD_PERCENT` | the share of the lease after which it is renewed in the background | 1 to 99 | 80 |
/// | `VERSION_CHECK_TIMEOUT_MS` | how long a request may wait for the manager | 1 to 10000, less than the lease | 250 |
/// | `VERSION_CHECK_STALE_IF_ERROR_MS` | how long after the lease what was known still counts, when the manager fails | 0 to 86400000 | 60000 |
/// | `VERSION_CHECK_BACK_OFF_MS` | the pause after the manager's first failure | 1 to the longest pause | 1000 |
/// | `VERSION_CHECK_MAX_BACK_OFF_MS` | the longest pause | up to 3600000 | 30000 |
///
/// A variable that can't be read is logged and ignored: a typing error must not be an outage. If
/// the numbers do not fit together, all of them are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GuardOptions {
    /// Whether anything is checked at all.
    pub enabled: bool,
    /// Paths that are always served.
    pub exempt: Vec<ExemptPath>,
    /// Whether decisions are acted on.
    pub mode: Mode,
    /// What to do when no manifest can be believed.
    pub on_unavailable: OnUnavailable,
    /// Whether the PoP's copy of what the manager said will do: it is shared through the Cache API,
    /// and its age is measured by the clocks of the PoP's machines.
    pub pop_cache: bool,
    /// For how long what is believed.
    pub policy: CachePolicy,
}

/// A variable that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) setting: &'static str,
    pub(crate) problem: String,
}

const ENABLED: &str = "VERSION_CHECK_ENABLED";
const MODE: &str = "VERSION_CHECK_MODE";
const ON_UNAVAILABLE: &str = "VERSION_CHECK_ON_UNAVAILABLE";
const EXEMPT: &str = "VERSION_CHECK_EXEMPT";
const POP_CACHE: &str = "VERSION_CHECK_POP_CACHE";
const MAX_AGE: &str = "VERSION_CHECK_MAX_AGE_MS";
const REFRESH_AHEAD: &str = "VERSION_CHECK_REFRESH_AHEAD_PERCENT";
const TIMEOUT: &str = "VERSION_CHECK_TIMEOUT_MS";
const STALE_IF_ERROR: &str = "VERSION_CHECK_STALE_IF_ERROR_MS";
const BACK_OFF: &str = "VERSION_CHECK_BACK_OFF_MS";
const MAX_BACK_OFF: &str = "VERSION_CHECK_MAX_BACK_OFF_MS";

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            exempt: Vec::new(),
            mode: Mode::default(),
            on_unavailable: OnUnavailable::default(),
            pop_cache: true,
            policy: CachePolicy::default(),
        }
    }
}

impl GuardOptions {
    /// These options, changed by what `variable` holds under the names of the table.
    pub(crate) fn overridden(
        mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> (Self, Vec<Ignored>) {
        let mut ignored = Vec::new();
        let mut note = |setting, problem: String| ignored.push(Ignored { setting, problem });
        for (setting, switch) in [(ENABLED, &mut self.enabled), (POP_CACHE, &mut self.pop_cache)] {
            match variable(setting).map(|text| text.parse()) {
                None => {}
                Some(Ok(on)) => *switch = on,
                Some(Err(_)) => note(setting, "set it to true or false".to_owned()),
            }
        }
        if let Some(text) = variable(MODE) {
            match text.as_str() {
                "enforce" => self.mode = Mode::Enforce,
                "observe" => self.mode = Mode::Observe,
                _ => note(MODE, "set it to enforce or observe".to_owned()),
            }
        }
        if let Some(text) = variable(ON_UNAVAILABLE) {
            match text.as_str() {
                "open" => self.on_unavailable = OnUnavailable::Open,
                "closed" => self.on_unavailable = OnUnavailable::Closed,
                _ => note(ON_UNAVAILABLE, "set it to open or closed".to_owned()),
            }
        }
        if let Some(text) = variable(EXEMPT) {
            let patterns = text.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
            match patterns.map(ExemptPath::from_str).collect() {
                Ok(exempt) => self.exempt = exempt,
                Err(error) => note(EXEMPT, error.to_string()),
            }
        }
        self.policy = override_policy(self.policy, variable, &mut note);
        (self, ignored)
    }
}

fn override_policy(
    policy: CachePolicy,
    variable: impl Fn(&str) -> Option<String>,
    note: &mut impl FnMut(&'static str, String),
) -> CachePolicy {
    let mut number = |setting| {
        let text = variable(setting)?;
        let read = text.trim().parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
        read.ok_or_else(|| note(setting, "set it to a whole number".to_owned())).ok()
    };
    let millis = |number: Option<u64>| number.map(Duration::from_millis);
    let max_age = millis(number(MAX_AGE));
    let refresh_ahead = number(REFRESH_AHEAD);
    let timeout = millis(number(TIMEOUT));
    let stale_if_error = millis(number(STALE_IF_ERROR));
    let (first, longest) = (millis(number(BACK_OFF)), millis(number(MAX_BACK_OFF)));

    let build = || {
        let mut builder = policy.to_builder();
        if let Some(max_age) = max_age {
            builder = builder.max_age(MaxAge::new(max_age)?);
        }
        if let Some(percent) = refresh_ahead {
            builder = builder.refresh_ahead_percent(u8::try_from(percent).unwrap_or(u8::MAX));
        }
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(stale_if_error) = stale_if_error {
            builder = builder.stale_if_error(stale_if_error);
        }
        let back_off = policy.back_off();
        builder
            .back_off(first.unwrap_or(back_off.first()), longest.unwrap_or(back_off.longest()))
            .build()
    };
    build().unwrap_or_else(|error| {
        note("VERSION_CHECK_*", error.to_string());
        policy
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overridden(variables: &[(&str, &str)]) -> (GuardOptions, Vec<&'static str>) {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (options, ignored) = GuardOptions::default().overridden(lookup);
        (options, ignored.into_iter().map(|ignored| ignored.setting).collect())
    }

    #[test]
    fn every_setting_has_a_variable() {
        let (options, ignored) = overridden(&[
            (ENABLED, "false"),
            (MODE, "observe"),
            (ON_UNAVAILABLE, "closed"),
            (EXEMPT, "/health, /assets/*"),
            (POP_CACHE, "false"),
            (MAX_AGE, "3000"),
            (REFRESH_AHEAD, "50"),
            (TIMEOUT, "100"),
            (STALE_IF_ERROR, "1000"),
            (BACK_OFF, "10"),
            (MAX_BACK_OFF, "20"),
        ]);
        assert_eq!(ignored, [""; 0]);
        assert!(!options.enabled && !options.pop_cache);
        assert_eq!(options.mode, Mode::Observe);
        assert_eq!(options.on_unavailable, OnUnavailable::Closed);
        assert!(options.exempt[0].covers("/health") && options.exempt[1].covers("/assets/x"));
        let millis = Duration::from_millis;
        let expected = CachePolicy::builder()
            .max_age(MaxAge::new(millis(3000)).expect("in range"))
            .refresh_ahead_percent(50)
            .timeout(millis(100))
            .stale_if_error(millis(1000))
            .back_off(millis(10), millis(20))
            .build();
        assert_eq!(Ok(options.policy), expected);
    }

    #[test]
    fn what_cannot_be_read_is_reported_and_leaves_the_default() {
        let (options, ignored) = overridden(&[
            (ENABLED, "off"),
            (MODE, "Observe"),
            (ON_UNAVAILABLE, ""),
            (EXEMPT, "health"),
            (TIMEOUT, "0.25s"),
        ]);
        assert_eq!(ignored, [ENABLED, MODE, ON_UNAVAILABLE, EXEMPT, TIMEOUT]);
        assert!(options.enabled);
        assert_eq!(options.mode, Mode::Enforce);
        assert_eq!(options.policy, CachePolicy::default());
    }

    #[test]
    fn figures_that_do_not_fit_together_leave_the_whole_policy_as_it_was() {
        let (options, ignored) = overridden(&[(TIMEOUT, "6000"), (BACK_OFF, "10")]);
        assert_eq!(ignored, ["VERSION_CHECK_*"]);
        assert_eq!(options.policy, CachePolicy::default());
    }
}
