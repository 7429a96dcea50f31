//! Releases, as a deployer has them carried out.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Answer, Lab, Manager, Outgoing, Release};

/// How long a cutover may take to be complete: far longer than any does.
const CUTOVER_LIMIT: Duration = Duration::from_secs(60);

/// How a release is to take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Its bundles serve as soon as they are there.
    Plain,
    /// Never together with those before.
    Strict,
    /// Together with those before, until it is promoted.
    Canary,
}

/// A deployer with a token for a manager.
#[derive(Clone)]
pub struct Deployer<'a> {
    lab: &'a Lab,
    url: String,
}

impl<'a> Deployer<'a> {
    /// A deployer at the public routes.
    #[must_use]
    pub fn new(lab: &'a Lab, manager: &Manager<'_>) -> Self {
        Self { lab, url: format!("{}/api/internal", manager.public_url()) }
    }

    /// Announces both demo Workers' bundles of a release.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn announce(&self, id: &str, release: &Release, style: Style) -> Result<Answer, String> {
        let bundle = release.registration();
        let body = json!({
            "id": id,
            "workers": { "op-auth": bundle, "op-token": bundle },
            "strict": style == Style::Strict,
            "share": style == Style::Canary,
        });
        self.post("/releases", &body)
    }

    /// Changes a release: `activate`, `promote`, `abort` or `rollback`.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn change(&self, id: &str, change: &str, body: &Value) -> Result<Answer, String> {
        self.post(&format!("/releases/{id}/{change}"), body)
    }

    /// Whether a release is everywhere.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn convergence(&self, id: &str) -> Result<Value, String> {
        Ok(self.get(&format!("/releases/{id}/convergence"))?.json())
    }

    /// Every Worker's bundles, and where they run.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn status(&self) -> Result<Value, String> {
        Ok(self.get("/version-manager/status")?.json())
    }

    /// Waits until the cutover of a release is complete, by the manager's clock.
    ///
    /// # Errors
    /// If it does not come.
    pub fn cut_over(&self, id: &str) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < CUTOVER_LIMIT {
            let release = self.get(&format!("/releases/{id}"))?.json();
            match release["cutover"]["completeInMs"].as_u64() {
                Some(0) => return Ok(()),
                Some(left) => thread::sleep(Duration::from_millis(left.clamp(10, 1000))),
                None => return Err(format!("release {id} has no cutover: {release}")),
            }
        }
        Err(format!("the cutover of {id} did not come"))
    }

    fn get(&self, path: &str) -> Result<Answer, String> {
        let outgoing = Outgoing::new().token(self.lab.secret());
        self.lab.client().send("GET", &format!("{}{path}", self.url), outgoing)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        let outgoing = Outgoing::new().token(self.lab.secret()).json(body);
        self.lab.client().send("POST", &format!("{}{path}", self.url), outgoing)
    }
}
