//! The Durable Object: the routes inside.

use core::cell::Cell;
use core::time::Duration;

use skewguard_domain::{
    BundleId, Command, Convergence, MaxAge, Pop, ReleaseId, Sighting, WorkerName,
};
use skewguard_ports::wire::{
    self, AuditAnswer, BriefingAnswer, ConvergenceAnswer, ErrorCode, RegisteredAnswer,
    ReleaseAnswer, ReleasesAnswer, StatusAnswer, VersionAnswer,
};
use skewguard_ports::{Log, LogEntry, Precondition, Principal, VersionManager};
use worker::{Env, Request, Response, Result, State};

use crate::auth::Secrets;
use crate::body::{is_json, read_body};
use crate::clock::WorkersClock;
use crate::conditions::{audit_page, precondition, query};
use crate::console::Console;
use crate::failure::Failure;
use crate::names;
use crate::respond;
use crate::routes::{Change, Route};
use crate::storage::DurableStorage;
use crate::variable::variable;

/// All there is to a `VersionManager` Durable Object; the app's class hands its requests on.
pub struct ManagerObject {
    manager: VersionManager<DurableStorage, WorkersClock, Console>,
    env: Env,
    bundle: Option<BundleId>,
    /// The lease that the settings ask for, until it is given.
    lease_to_give: Cell<Option<MaxAge>>,
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
            lease_to_give: Cell::new(Some(lease(&env))),
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
                Err(failure) => failure.answer(),
            },
            Err(no_route) => respond::no_route(no_route),
        }
    }

    async fn answer(&self, route: Route, mut request: Request) -> Result<Response, Failure> {
        let principal = self.admit(&route, &request)?;
        // It has to be known before the first manifest is handed out.
        if let Some(max_age) = self.lease_to_give.get() {
            self.manager.give_leases(max_age).await?;
            self.lease_to_give.set(None);
        }
        let by = || principal.ok_or(ErrorCode::Unauthorized);
        match route {
            Route::Version(worker) => self.version(&worker?).await,
            Route::Manifest => self.brief(Pop::UNKNOWN, &[]).await,
            Route::Briefing => {
                let body = read_body(&mut request).await?;
                let (pop, sightings) = wire::parse_sightings(&body)
                    .map_err(|invalid| Failure::Detailed(invalid.into(), invalid.to_string()))?;
                self.brief(pop, &sightings).await
            }
            Route::Status => {
                let (ledger, now) = (self.manager.ledger().await?, self.manager.now());
                let status = StatusAnswer::of(&ledger, &self.manager.census(), self.bundle, now);
                Ok(respond::json_at(ledger.epoch(), &status)?)
            }
            Route::Register(worker) => self.register(worker?, by()?, request).await,
            Route::Releases => {
                let ledger = self.manager.ledger().await?;
                let releases = ReleasesAnswer::of(&ledger, self.manager.now());
                Ok(respond::json_at(ledger.epoch(), &releases)?)
            }
            Route::Announce => self.announce(by()?, request).await,
            Route::Release(id) => {
                let (id, ledger) = (id?, self.manager.ledger().await?);
                let release = ledger.release(&id).ok_or(ErrorCode::UnknownRelease)?;
                let answer = ReleaseAnswer::new(release, &ledger, self.manager.now());
                Ok(respond::json_at(ledger.epoch(), &answer)?)
            }
            Route::Convergence(id) => {
                let (id, ledger) = (id?, self.manager.ledger().await?);
                let release = ledger.release(&id).ok_or(ErrorCode::UnknownRelease)?;
                let now = self.manager.now();
                let found = Convergence::of(release, &ledger, &self.manager.census(), now);
                let answer = ConvergenceAnswer::new(release, &found, now);
                Ok(respond::json_at(ledger.epoch(), &answer)?)
            }
            Route::Change(change, id) => self.change_release(change, id?, by()?, request).await,
            Route::Audit => {
                let page = audit_page(query(&request.inner().url()))?;
                let entries = self.manager.audit(page).await?;
                Ok(respond::json(200, &AuditAnswer::new(entries, page.limit))?)
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

    async fn version(&self, worker: &WorkerName) -> Result<Response, Failure> {
        let ledger = self.manager.ledger().await?;
        let answer = VersionAnswer::of(&ledger, worker, self.manager.now());
        Ok(respond::json(200, &answer.ok_or(ErrorCode::UnknownWorker)?)?)
    }

    async fn brief(&self, pop: Pop, sightings: &[Sighting]) -> Result<Response, Failure> {
        let (epoch, briefing) = self.manager.brief(pop, sightings).await?;
        Ok(respond::json(200, &BriefingAnswer::new(epoch, &briefing))?)
    }

    async fn register(
        &self,
        worker: WorkerName,
        by: Principal,
        mut request: Request,
    ) -> Result<Response, Failure> {
        let condition = condition(&request)?;
        let body = json_body(&mut request).await?;
        let registration = wire::parse_registration(worker.clone(), &body)
            .map_err(|invalid| Failure::Detailed(invalid.into(), invalid.to_string()))?;
        let command = Command::Register(registration);
        let changed = self.manager.change(command, &condition, by).await?;
        let answer = RegisteredAnswer::new(&worker, &changed);
        Ok(respond::json_at(changed.ledger.epoch(), &answer)?)
    }

    async fn announce(&self, by: Principal, mut request: Request) -> Result<Response, Failure> {
        let condition = condition(&request)?;
        let body = json_body(&mut request).await?;
        let announcement = wire::parse_announcement(&body)?;
        let id = announcement.id.clone();
        self.change(Command::Announce(announcement), &id, &condition, by).await
    }

    async fn change_release(
        &self,
        change: Change,
        release: ReleaseId,
        by: Principal,
        mut request: Request,
    ) -> Result<Response, Failure> {
        let condition = condition(&request)?;
        let body = optional_json_body(&mut request).await?;
        let id = release.clone();
        let command = match change {
            Change::Activate => Command::Activate { release, after: wire::parse_cutover(&body)? },
            Change::Promote => Command::Promote { release, after: wire::parse_cutover(&body)? },
            Change::Abort => {
                wire::parse_abort(&body)?;
                Command::Abort { release }
            }
            Change::RollBack => {
                let (after, strictness) = wire::parse_rollback(&body)?;
                Command::RollBack { release, after, strictness }
            }
        };
        self.change(command, &id, &condition, by).await
    }

    async fn change(
        &self,
        command: Command,
        release: &ReleaseId,
        condition: &Precondition,
        by: Principal,
    ) -> Result<Response, Failure> {
        let changed = self.manager.change(command, condition, by).await?;
        let known = changed.ledger.release(release).ok_or(ErrorCode::UnknownRelease)?;
        let answer = ReleaseAnswer::new(known, &changed.ledger, changed.at);
        Ok(respond::json_at(changed.ledger.epoch(), &answer)?)
    }
}

/// The lease that the settings ask for, or the default.
fn lease(env: &Env) -> MaxAge {
    let Some(text) = variable(env, names::LEASE) else { return MaxAge::DEFAULT };
    let millis = text.trim().parse().map(Duration::from_millis).ok();
    millis.and_then(|millis| MaxAge::new(millis).ok()).unwrap_or_else(|| {
        Console.record(&LogEntry::SettingIgnored {
            worker: "version-manager",
            setting: names::LEASE,
            problem: "set it to a whole number from 100 to 3600000",
        });
        MaxAge::DEFAULT
    })
}

fn condition(request: &Request) -> Result<Precondition, Failure> {
    let if_match = request.headers().get("If-Match")?;
    Ok(precondition(if_match.as_deref())?)
}

/// A body that has to be there.
async fn json_body(request: &mut Request) -> Result<Vec<u8>, Failure> {
    let content_type = request.headers().get("Content-Type")?;
    if !is_json(content_type.as_deref()) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    Ok(read_body(request).await?)
}

/// A body that may be left out, and its content type with it.
async fn optional_json_body(request: &mut Request) -> Result<Vec<u8>, Failure> {
    let content_type = request.headers().get("Content-Type")?;
    let body = read_body(request).await?;
    if !body.is_empty() && !is_json(content_type.as_deref()) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    Ok(body)
}
