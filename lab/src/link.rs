//! The link between the guards of a PoP and the manager.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Client, Outgoing};

/// What the link does to the guards' requests. Serializes to a part of the plan of `link.js`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", content = "ms", rename_all = "snake_case")]
pub enum Fault {
    /// It forwards them.
    None,
    /// It forwards them after so many ms.
    Delay(u64),
    /// It never answers.
    Hang,
    /// It stops in the middle of the answer's body.
    Stall,
    /// It breaks the connection in the middle of the answer's body.
    Cut,
    /// It answers 500.
    Error,
    /// It answers something that is not JSON.
    Rubbish,
    /// It answers JSON of the wrong types.
    Wrong,
    /// It answers with the three fields that every manager has.
    Bare,
    /// It can't be reached.
    Gone,
}

/// What the link has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct LinkStats {
    /// Requests of guards.
    pub asked: u64,
    /// Those that their guard gave up.
    pub aborted: u64,
}

/// The remote control of a link.
#[derive(Clone)]
pub struct Link {
    client: Client,
    url: String,
}

impl Link {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Makes it misbehave from now on.
    ///
    /// # Errors
    /// If the link can't be reached.
    pub fn inject(&self, fault: Fault) -> Result<(), String> {
        self.tell(&json!(fault))
    }

    /// Makes it forward to the manager at another address.
    ///
    /// # Errors
    /// If the link can't be reached.
    pub fn forward_to(&self, manager: &str) -> Result<(), String> {
        self.tell(&json!({ "manager": manager }))
    }

    /// What it has seen so far.
    ///
    /// # Errors
    /// If the link can't be reached.
    pub fn stats(&self) -> Result<LinkStats, String> {
        let answer = self.client.get(&self.url)?;
        serde_json::from_str(&answer.body).map_err(|error| format!("no statistics: {error}"))
    }

    fn tell(&self, plan: &serde_json::Value) -> Result<(), String> {
        self.client.send("POST", &self.url, Outgoing::new().json(plan)).map(|_| ())
    }
}
