//! The way from a guard to the manager: a request to the Durable Object.

use core::pin::pin;
use core::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use skewguard_domain::{Manifest, WorkerName};
use skewguard_ports::{Transport, TransportError, wire::VersionAnswer};
use web_sys::{AbortController, RequestInit};
use worker::send::IntoSendFuture;
use worker::{Delay, ObjectNamespace, Request};

use crate::names::MANAGER_INSTANCE;

/// Asks the manager through a Durable Object binding.
pub(crate) struct StubTransport {
    /// A namespace belongs to the isolate; a stub belongs to the request that made it, so each
    /// flight makes its own.
    namespace: ObjectNamespace,
}

impl StubTransport {
    pub(crate) fn new(namespace: ObjectNamespace) -> Self {
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
        let stub = self.namespace.get_by_name(MANAGER_INSTANCE).map_err(unreachable)?;
        let answer = stub.fetch_with_request(Request::from(request)).await;
        let mut answer = answer.map_err(unreachable)?;
        match answer.status_code() {
            200 => VersionAnswer::parse(&answer.bytes().await.map_err(unreachable)?),
            404 => Ok(Manifest { max_age: None, worker: None }),
            status => Err(TransportError::Status(status)),
        }
    }
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
