//! The way from a guard to the manager: a request to the Durable Object.

use core::fmt::Write as _;
use core::pin::pin;
use core::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use skewguard_domain::{Breaker, Manifest, MaxAge, Pop, Sighting, WorkerName};
use skewguard_ports::{Question, Told, Transport, TransportError};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, RequestInit};
use worker::send::IntoSendFuture;
use worker::{Delay, ObjectNamespace, Request};

use crate::names::MANAGER_INSTANCE;
use crate::read;

/// Asks the manager through a Durable Object binding.
pub(crate) struct StubTransport {
    /// A namespace belongs to the isolate; a stub belongs to the request that made it, so each
    /// flight makes its own.
    /// Without a binding there is none, and nothing to be asked.
    namespace: Option<ObjectNamespace>,
    pop: Pop,
}

impl StubTransport {
    pub(crate) fn new(namespace: Option<ObjectNamespace>, pop: Pop) -> Self {
        Self { namespace, pop }
    }

    async fn ask(&self, question: &Question, signal: &AbortSignal) -> Result<Told, TransportError> {
        let worker = &question.worker;
        let body = report(self.pop, &question.sightings);
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&JsValue::from_str(&body));
        init.set_signal(Some(signal));
        match self.send("manifest", &init).await? {
            (200, answer) => {
                let text = text(&answer).await?;
                let manifest = read::manifest(&text, worker).ok_or(TransportError::Malformed)?;
                Ok(Told { manifest, text: Some(text) })
            }
            // A manager of another make, or an older one: it tells of one Worker alone.
            (404 | 405, _) => {
                let manifest = self.ask_for_one(worker, signal).await?;
                Ok(Told { manifest, text: None })
            }
            (status, _) => Err(TransportError::Status(status)),
        }
    }

    async fn ask_for_one(
        &self,
        worker: &WorkerName,
        signal: &AbortSignal,
    ) -> Result<Manifest, TransportError> {
        let init = RequestInit::new();
        init.set_signal(Some(signal));
        match self.send(&format!("version/{worker}"), &init).await? {
            (200, answer) => {
                let text = text(&answer).await?;
                read::version(&text).ok_or(TransportError::Malformed)
            }
            // This answer names no lease. The default keeps a longer one of the guard's own from
            // hiding the first registration.
            (404, _) => Ok(Manifest { max_age: Some(MaxAge::DEFAULT), ..Manifest::default() }),
            (status, _) => Err(TransportError::Status(status)),
        }
    }

    async fn send(
        &self,
        path: &str,
        init: &RequestInit,
    ) -> Result<(u16, web_sys::Response), TransportError> {
        let unreachable = |_| TransportError::Unreachable;
        let url = format!("https://version-manager/{path}");
        let request = web_sys::Request::new_with_str_and_init(&url, init)
            .map_err(|_| TransportError::Unreachable)?;
        let namespace = self.namespace.as_ref().ok_or(TransportError::Unreachable)?;
        let stub = namespace.get_by_name(MANAGER_INSTANCE).map_err(unreachable)?;
        let answer = stub.fetch_with_request(Request::from(request)).await;
        let answer = web_sys::Response::from(answer.map_err(unreachable)?);
        Ok((answer.status(), answer))
    }
}

/// The body, which a broken connection cuts off.
async fn text(answer: &web_sys::Response) -> Result<String, TransportError> {
    let text = answer.text().map_err(|_| TransportError::Unreachable)?;
    let text = JsFuture::from(text).await.map_err(|_| TransportError::Malformed)?;
    text.as_string().ok_or(TransportError::Malformed)
}

/// The JSON of a report. Nothing in it has to be escaped: names, UUIDs, times and numbers.
fn report(pop: Pop, sightings: &[Sighting]) -> String {
    let mut body = format!("{{\"pop\":\"{pop}\",\"sightings\":[");
    for (index, sighting) in sightings.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let Sighting { worker, bundle, breaker, tally, reports } = sighting;
        // Writing to a text does not fail.
        let _ = write!(
            body,
            "{comma}{{\"worker\":\"{worker}\",\"uuid\":\"{}\",\"refused\":{},\"failedOpen\":{},\
             \"breakerOpen\":{},\"reports\":{reports}",
            bundle.id.reveal(),
            tally.refused,
            tally.failed_open,
            tally.breaker_open,
        );
        if let Some(deploy_time) = bundle.deploy_time {
            let millis = deploy_time.as_timestamp().as_unix_millis();
            let _ = write!(body, ",\"deployTimeMs\":{millis}");
        }
        body.push_str(match breaker {
            Breaker::Open => ",\"breaker\":\"open\"}",
            Breaker::Closed => "}",
        });
    }
    body.push_str("]}");
    body
}

#[async_trait]
impl Transport for StubTransport {
    async fn manifest(
        &self,
        question: &Question,
        timeout: Duration,
    ) -> Result<Told, TransportError> {
        let flight = async {
            let abort = AbortController::new().map_err(|_| TransportError::Unreachable)?;
            let signal = abort.signal();
            let answer = pin!(self.ask(question, &signal));
            match select(answer, Delay::from(timeout)).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(((), _)) => {
                    abort.abort();
                    Err(TransportError::Timeout)
                }
            }
        };
        flight.into_send().await
    }

    fn read(&self, text: &str, worker: &WorkerName) -> Option<Manifest> {
        read::manifest(text, worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skewguard_domain::{Bundle, Tally};
    use skewguard_ports::wire::parse_sightings;

    fn sighting(worker: &str, breaker: Breaker, deploy_time: Option<&str>) -> Sighting {
        Sighting {
            worker: worker.parse().expect("a name"),
            bundle: Bundle {
                id: "6f1c1d5e-3b0a-4c57-9a43-0d1f5a7a2b10".parse().expect("a UUID"),
                deploy_time: deploy_time.map(|time| time.parse().expect("a time")),
            },
            breaker,
            tally: Tally { refused: 3, failed_open: 2, breaker_open: 1 },
            reports: 4,
        }
    }

    #[test]
    fn the_manager_reads_what_a_guard_reports() {
        let pop = "FRA".parse().expect("a PoP");
        for sightings in [
            vec![],
            vec![sighting("op-auth", Breaker::Open, Some("2026-03-01T12:00:00.123Z"))],
            vec![
                sighting("op-auth", Breaker::Closed, None),
                sighting("op-token", Breaker::Open, None),
            ],
        ] {
            let body = report(pop, &sightings);
            assert_eq!(parse_sightings(body.as_bytes()), Ok((pop, sightings)), "{body}");
        }
    }
}
