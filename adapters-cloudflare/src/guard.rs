//! The guard for Rust Workers.

use core::cell::RefCell;
use core::future::Future;
use std::sync::Arc;

use js_sys::Reflect;
use skewguard_domain::{Bundle, GuardConfig, Pop, RequestLine, Unchecked, Verdict, WorkerName};
use skewguard_ports::{Guard, Log, LogEntry, PopTier};
use wasm_bindgen::JsValue;
use worker::{Context, Env, ObjectNamespace, Request, Response, Result};

use crate::background::WaitUntil;
use crate::clock::WorkersClock;
use crate::console::Console;
use crate::names;
use crate::options::GuardOptions;
use crate::pop_cache::ZoneCache;
use crate::respond;
use crate::transport::StubTransport;
use crate::variable::variable;

type Tiers = PopTier<StubTransport, ZoneCache, WorkersClock>;
type WorkersGuard = Guard<Tiers, WorkersClock, Console>;

thread_local! {
    /// The guards of this isolate, as a rule one, by the names they were asked for. There is none
    /// where the name is not a Worker's, which is logged once.
    static GUARDS: RefCell<Vec<(String, Option<Arc<WorkersGuard>>)>> =
        const { RefCell::new(Vec::new()) };
}

/// Guards the Worker that is registered as `worker`.
#[must_use]
pub fn guard(worker: &str) -> GuardBuilder<'_> {
    GuardBuilder { worker, options: GuardOptions::default }
}

/// A guard to be put around a handler. See [`guard`].
pub struct GuardBuilder<'a> {
    worker: &'a str,
    options: fn() -> GuardOptions,
}

impl GuardBuilder<'_> {
    /// Sets options in code. They are made once in an isolate; variables change them further.
    #[must_use]
    pub fn options(mut self, options: fn() -> GuardOptions) -> Self {
        self.options = options;
        self
    }

    /// Lets `handler` answer the request, unless this bundle was replaced.
    ///
    /// # Errors
    /// Those of `handler`. What goes wrong with the check itself does not stop the request.
    pub async fn fetch<H, F>(
        self,
        request: Request,
        env: Env,
        context: Context,
        handler: H,
    ) -> Result<Response>
    where
        H: FnOnce(Request, Env, Context) -> F,
        F: Future<Output = Result<Response>>,
    {
        match self.verdict(&request, &env, &context).await {
            Verdict::Serve => handler(request, env, context).await,
            Verdict::Refuse => respond::refusal(&request),
        }
    }

    async fn verdict(self, request: &Request, env: &Env, context: &Context) -> Verdict {
        let Some(guard) = self.shared(request, env) else { return Verdict::Serve };
        let method = request.inner().method();
        let line = RequestLine { method: &method, path: &request.path() };
        guard.check(line, &WaitUntil(context)).await.verdict_in(guard.mode())
    }

    /// The guard that all requests of this isolate share.
    fn shared(self, request: &Request, env: &Env) -> Option<Arc<WorkersGuard>> {
        GUARDS.with_borrow_mut(|guards| {
            if let Some((_, guard)) = guards.iter().find(|(worker, _)| worker == self.worker) {
                return guard.clone();
            }
            let name = self.worker.to_owned();
            let guard = self.set_up(request, env);
            guards.push((name, guard.clone()));
            guard
        })
    }

    fn set_up(self, request: &Request, env: &Env) -> Option<Arc<WorkersGuard>> {
        let variable = |name: &str| variable(env, name);
        let ignore = |setting: &str, problem: &str| {
            Console.record(&LogEntry::SettingIgnored { worker: self.worker, setting, problem });
        };
        let name: WorkerName = match self.worker.parse() {
            Ok(name) => name,
            Err(error) => {
                ignore("guard(…)", &error.to_string());
                return None;
            }
        };
        let (options, ignored) = (self.options)().overridden(variable);
        for problem in &ignored {
            ignore(problem.setting, &problem.problem);
        }
        let namespace = env.durable_object(names::MANAGER_BINDING).ok();
        let bundle = match &namespace {
            _ if !options.enabled => Err(Unchecked::Disabled),
            None => Err(Unchecked::NoBinding),
            Some(_) => bundle(variable, ignore),
        };
        let config = GuardConfig {
            bundle,
            exempt: options.exempt,
            mode: options.mode,
            on_unavailable: options.on_unavailable,
            policy: options.policy,
        };
        let seed = js_sys::Math::random().to_bits();
        let shared = namespace.as_ref().filter(|_| options.pop_cache);
        let cache = shared.and_then(zone_cache).unwrap_or(ZoneCache::none());
        let stub = StubTransport::new(namespace, pop(request));
        let tiers = PopTier::new(stub, cache, WorkersClock);
        Some(Guard::new(name, config, seed, (tiers, WorkersClock, Console)))
    }
}

/// The cache that this PoP's isolates share, for what is said by the manager behind `namespace`.
fn zone_cache(namespace: &ObjectNamespace) -> Option<ZoneCache> {
    let manager = namespace.id_from_name(names::MANAGER_INSTANCE).ok()?;
    Some(ZoneCache::new(&manager.to_string()))
}

/// Where this isolate runs. `Request::cf` has it too, and panics where the platform tells nothing.
fn pop(request: &Request) -> Pop {
    let field = |value: &JsValue, name: &str| Reflect::get(value, &JsValue::from_str(name)).ok();
    let colo = field(request.inner(), "cf").and_then(|cf| field(&cf, "colo")?.as_string());
    colo.and_then(|colo| colo.parse().ok()).unwrap_or(Pop::UNKNOWN)
}

/// The bundle that this isolate runs, as its variables tell.
fn bundle(
    variable: impl Fn(&str) -> Option<String>,
    ignore: impl Fn(&str, &str),
) -> std::result::Result<Bundle, Unchecked> {
    let id = variable(names::BUNDLE_ID).filter(|id| !id.is_empty()).ok_or(Unchecked::NoBundleId)?;
    let id = id.parse().map_err(|error| {
        ignore(names::BUNDLE_ID, &format!("{error}"));
        Unchecked::InvalidBundleId
    })?;
    let deploy_time = variable(names::DEPLOY_TIME).and_then(|time| {
        time.parse().map_err(|error| ignore(names::DEPLOY_TIME, &format!("{error}"))).ok()
    });
    Ok(Bundle { id, deploy_time })
}
