//! Whoever changes releases.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Answer, Client, Lab, Outgoing, Release};

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

/// Somebody with a token, at one of the manager's doors.
#[derive(Clone)]
pub struct Deployer {
    client: Client,
    door: String,
    outgoing: Outgoing,
}

impl Deployer {
    /// Somebody with the manager's secret, at one of the [`doors`](crate::Manager::doors).
    #[must_use]
    pub fn new(lab: &Lab, door: &str) -> Self {
        Self::with_token(lab, door, lab.secret())
    }

    /// Somebody with a token that may be another one.
    #[must_use]
    pub fn with_token(lab: &Lab, door: &str, token: &str) -> Self {
        let outgoing = Outgoing::new().token(token);
        Self { client: lab.client().clone(), door: door.to_owned(), outgoing }
    }

    /// The same, who sends this `If-Match`.
    #[must_use]
    pub fn if_match(&self, tags: &str) -> Self {
        Self { outgoing: self.outgoing.clone().header("If-Match", tags), ..self.clone() }
    }

    /// Asks for what is at a path.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn get(&self, path: &str) -> Result<Answer, String> {
        self.client.send("GET", &format!("{}{path}", self.door), self.outgoing.clone())
    }

    /// Sends a body of JSON to a path.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        let outgoing = self.outgoing.clone().json(body);
        self.client.send("POST", &format!("{}{path}", self.door), outgoing)
    }

    /// Announces a release: see [`announcement`].
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn announce(&self, id: &str, workers: &[(&str, &Release)]) -> Result<Answer, String> {
        self.post("/releases", &announcement(id, workers))
    }

    /// Announces both demo Workers' bundles of a release, which is to take over in this style.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn announce_both(
        &self,
        id: &str,
        release: &Release,
        style: Style,
    ) -> Result<Answer, String> {
        let mut body = announcement(id, &[("op-auth", release), ("op-token", release)]);
        body["strict"] = (style == Style::Strict).into();
        body["share"] = (style == Style::Canary).into();
        self.post("/releases", &body)
    }

    /// Sends a release a command and a body.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn change(&self, id: &str, command: &str, body: &Value) -> Result<Answer, String> {
        self.post(&format!("/releases/{id}/{command}"), body)
    }

    /// Sends a release a command that has no more to say: `activate`, `promote`, `abort` or
    /// `rollback`.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn command(&self, id: &str, command: &str) -> Result<Answer, String> {
        let url = format!("{}/releases/{id}/{command}", self.door);
        self.client.send("POST", &url, self.outgoing.clone())
    }

    /// Sends a release a command that is to be carried out in so many ms.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn command_after(&self, id: &str, command: &str, ms: u32) -> Result<Answer, String> {
        self.change(id, command, &json!({ "after": ms }))
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
}

/// The body of an announcement of a release of these Workers, of the plain style.
#[must_use]
pub fn announcement(id: &str, workers: &[(&str, &Release)]) -> Value {
    let workers =
        workers.iter().map(|(name, release)| ((*name).to_owned(), release.registration()));
    json!({ "id": id, "workers": workers.collect::<serde_json::Map<_, _>>() })
}
