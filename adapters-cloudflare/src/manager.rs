//! The Durable Object: the routes inside.

use skewguard_domain::{BundleId, ParseWorkerNameError, WorkerName};
use skewguard_ports::wire::{
    self, ErrorCode, ManifestAnswer, RegisteredAnswer, StatusAnswer, VersionAnswer,
};
use skewguard_ports::{Principal, RegisterError, StorageError, VersionManager};
use worker::{Env, Request, Response, Result, State};

use crate::auth::Secrets;
use crate::body::{is_json, read_body};
use crate::clock::WorkersClock;
use crate::console::Console;
use crate::names;
use crate::respond;
use crate::routes::Route;
use crate::storage::DurableStorage;

/// All there is to a `VersionManager` Durable Object; the app's class hands its requests on.
pub struct ManagerObject {
    manager: VersionManager<DurableStorage, WorkersClock, Console>,
    env: Env,
    bundle: Option<BundleId>,
}

/// What goes wrong on the way to an answer.
enum Failure {
    /// The client's doing, or a code that says it all.
    Code(ErrorCode),
    /// The client's doing, in detail.
    Detailed(ErrorCode, String),
    /// The platform's.
    Platform(worker::Error),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<ParseWorkerNameError> for Failure {
    fn from(error: ParseWorkerNameError) -> Self {
        Self::Detailed(ErrorCode::InvalidWorkerName, error.to_string())
    }
}

impl From<StorageError> for Failure {
    fn from(_: StorageError) -> Self {
        Self::Code(ErrorCode::InternalError)
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}

impl ManagerObject {
    /// The manager over the storage of `state`. Opening that is left to the first request, so
    /// that a broken store answers 500 instead of an object that can't start.
    #[must_use]
    pub fn new(state: State, env: Env) -> Self {
        let bundle = env.var(names::BUNDLE_ID).ok();
        Self {
            manager: VersionManager::new(DurableStorage::new(state), WorkersClock, Console),
            bundle: bundle.and_then(|uuid| uuid.to_string().parse().ok()),
            env,
        }
    }

    /// Answers a request from inside.
    ///
    /// # Errors
    /// When an answer can't be built, which Workers turns into a 500 without detail.
    pub async fn fetch(&self, request: Request) -> Result<Response> {
        match Route::inside(&request.inner().method(), &request.path()) {
            Ok(route) => match self.answer(route, request).await {
                Ok(response) => Ok(response),
                Err(Failure::Code(code)) => respond::plain_error(code),
                Err(Failure::Detailed(code, message)) => respond::error(code, &message),
                Err(Failure::Platform(error)) => Err(error),
            },
            Err(no_route) => respond::no_route(no_route),
        }
    }

    async fn answer(&self, route: Route, request: Request) -> Result<Response, Failure> {
        let principal = self.admit(&route, &request)?;
        match route {
            Route::Version(worker) => {
                let worker = worker?;
                let ledger = self.manager.ledger().await?;
                let answer = VersionAnswer::of(&ledger, &worker);
                Ok(respond::json(200, &answer.ok_or(ErrorCode::UnknownWorker)?)?)
            }
            Route::Manifest => {
                let ledger = self.manager.ledger().await?;
                Ok(respond::json(200, &ManifestAnswer::of(&ledger))?)
            }
            Route::Status => {
                let ledger = self.manager.ledger().await?;
                Ok(respond::json(200, &StatusAnswer::of(&ledger, self.bundle))?)
            }
            Route::Register(worker) => {
                let principal = principal.ok_or(ErrorCode::Unauthorized)?;
                self.register(worker?, principal, request).await
            }
        }
    }

    /// Who asks; nobody in particular, where no token is needed.
    fn admit(&self, route: &Route, request: &Request) -> Result<Option<Principal>, Failure> {
        let Some(access) = route.access() else { return Ok(None) };
        let header = request.headers().get("Authorization")?;
        let secrets = Secrets::from_env(&self.env);
        Ok(Some(secrets.admit(header.as_deref(), access).ok_or(ErrorCode::Unauthorized)?))
    }

    async fn register(
        &self,
        worker: WorkerName,
        principal: Principal,
        mut request: Request,
    ) -> Result<Response, Failure> {
        let content_type = request.headers().get("Content-Type")?;
        if !is_json(content_type.as_deref()) {
            return Err(ErrorCode::UnsupportedMediaType.into());
        }
        let body = read_body(&mut request).await?;
        let registration = wire::parse_registration(worker.clone(), &body)
            .map_err(|invalid| Failure::Detailed(invalid.into(), invalid.to_string()))?;
        match self.manager.register(registration, principal).await {
            Ok(registered) => Ok(respond::json(200, &RegisteredAnswer::new(&worker, &registered))?),
            Err(RegisterError::Rejected(rejection)) => {
                Err(Failure::Detailed(rejection.into(), rejection.to_string()))
            }
            Err(RegisterError::Storage(error)) => Err(error.into()),
        }
    }
}
