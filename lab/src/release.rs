//! Releases of the demo Workers.

use skewguard_domain::{BundleId, DeployTime, Timestamp};

use crate::Answer;

/// The format of the codes that a release writes and understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFormat {
    /// The first.
    One,
    /// The second.
    Two,
}

impl CodeFormat {
    /// The number that the Workers know it by.
    const fn number(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }

    /// The format that an answer says it was served by.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        let number = answer.json()["format"].as_str()?.to_owned();
        [Self::One, Self::Two].into_iter().find(|format| format.number() == number)
    }
}

/// A deploy of both demo Workers, with one UUID and one time for both.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its UUID.
    pub bundle: BundleId,
    /// Its deploy time.
    pub deploy_time: DeployTime,
    /// The format of its codes.
    pub format: CodeFormat,
}

impl Release {
    /// A release with a new UUID, deployed `ago` seconds before now.
    ///
    /// # Panics
    /// If the system has no clock or no randomness.
    #[must_use]
    pub fn new(format: CodeFormat, ago: u32) -> Self {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the system has randomness");
        let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = elapsed.expect("the clock is past 1970").as_millis();
        let now = i64::try_from(now).expect("the clock is before the year 292278994");
        let deployed = Timestamp::from_unix_millis(now - i64::from(ago) * 1000);
        Self {
            bundle: BundleId::from_random_bytes(random),
            deploy_time: DeployTime::try_from(deployed).expect("the clock is before the year 9999"),
            format,
        }
    }

    /// What `wrangler --var` would embed.
    pub(crate) fn vars(&self) -> Vec<(String, String)> {
        vec![
            ("CODE_VERSION_UUID".to_owned(), self.bundle.reveal()),
            ("DEPLOY_TIME_UTC".to_owned(), self.deploy_time.to_string()),
            ("CODE_FORMAT".to_owned(), self.format.number().to_owned()),
        ]
    }

    /// The body of its registration.
    #[must_use]
    pub fn registration(&self) -> serde_json::Value {
        serde_json::json!({
            "uuid": self.bundle.reveal(),
            "deployTime": self.deploy_time.to_string(),
        })
    }
}
