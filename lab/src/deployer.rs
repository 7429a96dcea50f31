//! Whoever changes releases.

use serde_json::{Value, json};

use crate::{Answer, Client, Lab, Outgoing, Release};

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
        self.post(&format!("/releases/{id}/{command}"), &json!({ "after": ms }))
    }
}

/// The body of an announcement of a release of these Workers, of the plain style.
#[must_use]
pub fn announcement(id: &str, workers: &[(&str, &Release)]) -> Value {
    let workers =
        workers.iter().map(|(name, release)| ((*name).to_owned(), release.registration()));
    json!({ "id": id, "workers": workers.collect::<serde_json::Map<_, _>>() })
}
