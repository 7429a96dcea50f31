//! The way from a guard to the manager: a request to the Durable Object.

use core::pin::pin;
use core::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use js_sys::{Array, Reflect};
use skewguard_domain::{Manifest, MaxAge, WorkerName};
use skewguard_ports::{Transport, TransportError, wire::VersionAnswer};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestInit};
use worker::send::IntoSendFuture;
use worker::{Delay, ObjectNamespace, Request};

use crate::names::MANAGER_INSTANCE;

/// Asks the manager through a Durable Object binding.
pub(crate) struct StubTransport {
    /// A namespace belongs to the isolate; a stub belongs to the request that made it, so each
    /// flight makes its own.
    /// Without a binding there is none, and nothing to be asked.
    namespace: Option<ObjectNamespace>,
}

impl StubTransport {
    pub(crate) fn new(namespace: Option<ObjectNamespace>) -> Self {
        Self { namespace }
    }

    async fn ask(
        &self,
        worker: &WorkerName,
        init: &RequestInit,
    ) -> Result<Manifest, TransportError> {
        let url = format!("https://version-manager/version/{worker}");
        let request = web_sys::Request::new_with_str_and_init(&url, init)
            .map_err(|_| TransportError::Unreachable)?;
        let unreachable = |_| TransportError::Unreachable;
        let namespace = self.namespace.as_ref().ok_or(TransportError::Unreachable)?;
        let stub = namespace.get_by_name(MANAGER_INSTANCE).map_err(unreachable)?;
        let answer = stub.fetch_with_request(Request::from(request)).await;
        let answer = web_sys::Response::from(answer.map_err(unreachable)?);
        match answer.status() {
            200 => {
                let body = answer.json().map_err(|_| TransportError::Unreachable)?;
                // Broken JSON rejects the promise, and so does a broken connection.
                let body = JsFuture::from(body).await.map_err(|_| TransportError::Malformed)?;
                read_answer(&body).ok_or(TransportError::Malformed)?.try_into()
            }
            // This answer names no lease. The default keeps a longer one of the guard's own from
            // hiding the first registration.
            404 => Ok(Manifest { max_age: Some(MaxAge::DEFAULT), worker: None }),
            status => Err(TransportError::Status(status)),
        }
    }
}

/// Takes the fields of an answer that JavaScript has parsed: its parser is there already, and
/// another one would be the largest part of the guard.
fn read_answer(body: &JsValue) -> Option<VersionAnswer> {
    let field = |name| Reflect::get(body, &JsValue::from_str(name)).ok();
    let given = |name| field(name).filter(|value| !value.is_undefined() && !value.is_null());
    Some(VersionAnswer {
        uuid: field("uuid")?.as_string()?,
        deploy_time: field("deployTime")?.as_string()?,
        registered_at: field("registeredAt")?.as_string().unwrap_or_default(),
        max_age_ms: match given("maxAgeMs") {
            None => None,
            // A cast from a float saturates; what is out of range then is told by `MaxAge`.
            Some(millis) => Some(millis.as_f64()? as u64),
        },
        retired: match given("retired") {
            None => Vec::new(),
            Some(list) => {
                let list = list.dyn_into::<Array>().ok()?;
                list.iter().map(|uuid| uuid.as_string()).collect::<Option<_>>()?
            }
        },
    })
}

#[async_trait]
impl Transport for StubTransport {
    async fn manifest(
        &self,
        worker: &WorkerName,
        timeout: Duration,
    ) -> Result<Manifest, TransportError> {
        let flight = async {
            let abort = AbortController::new().map_err(|_| TransportError::Unreachable)?;
            let init = RequestInit::new();
            init.set_signal(Some(&abort.signal()));
            let answer = pin!(self.ask(worker, &init));
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
}
