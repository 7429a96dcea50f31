//! The manager: the `VersionManager` Durable Object, and its public routes.

#![expect(missing_docs, reason = "the `durable_object` macro writes methods without any")]

use skewguard_cloudflare::{ManagerObject, gateway};
use worker::{
    Context, DurableObject, Env, Request, Response, Result, State, durable_object, event,
};

/// Knows which bundles are current. There is one instance, `global`.
#[durable_object(fetch)]
pub struct VersionManager {
    object: ManagerObject,
}

impl DurableObject for VersionManager {
    fn new(state: State, env: Env) -> Self {
        Self { object: ManagerObject::new(state, env) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.object.fetch(request).await
    }
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    gateway(request, &env).await
}
