//! An HTTP client that keeps what it was answered.

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::Transcript;

/// How long any request may take: far longer than any of them does.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends requests, and writes every answer to the transcript.
#[derive(Clone)]
pub struct Client {
    /// Keeps connections for the next request.
    pooled: Agent,
    /// Opens a connection for each request: a server that answers before it has read the whole
    /// body may close it, and whoever takes it for the next request finds a broken pipe.
    single: Agent,
    transcript: Transcript,
}

/// A request to be sent.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    chunked: bool,
    private: bool,
}

impl Outgoing {
    /// A request without headers and body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a Bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Adds a body, declared by its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// Sends the body in chunks, without saying how long it is.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Keeps the answer out of the transcript: what guards read from the Durable Object has
    /// whole UUIDs, and reaches nobody else.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: ureq::http::HeaderMap,
    /// The body, as far as it is text.
    pub body: String,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// A header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The stable code of an error.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    /// A client that writes to `transcript`.
    #[must_use]
    pub fn new(transcript: Transcript) -> Self {
        let agent = |idle| {
            let config = Agent::config_builder()
                .http_status_as_error(false)
                .allow_non_standard_methods(true)
                .timeout_global(Some(LIMIT))
                .proxy(None)
                .max_idle_connections(idle)
                .max_idle_connections_per_host(idle)
                .build();
            config.new_agent()
        };
        Self { pooled: agent(256), single: agent(0), transcript }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn send(&self, method: &str, url: &str, outgoing: Outgoing) -> Result<Answer, String> {
        let started = Instant::now();
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        let failed = |error: &dyn std::fmt::Display| format!("{method} {url} failed: {error}");
        let sent = match outgoing.body {
            None => self.pooled.run(request.body(()).map_err(|error| failed(&error))?),
            Some(body) if outgoing.chunked => {
                let body = ureq::SendBody::from_owned_reader(std::io::Cursor::new(body));
                self.single.run(request.body(body).map_err(|error| failed(&error))?)
            }
            Some(body) => self.single.run(request.body(body).map_err(|error| failed(&error))?),
        };
        let response = sent.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        let mut bytes = Vec::new();
        body.into_reader().read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
            took: started.elapsed(),
        };
        if !outgoing.private {
            self.transcript.add(format!(
                "[client] {method} {url} -> {} {:?} {}",
                answer.status, answer.headers, answer.body
            ));
        }
        Ok(answer)
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub fn get(&self, url: &str) -> Result<Answer, String> {
        self.send("GET", url, Outgoing::new())
    }
}
