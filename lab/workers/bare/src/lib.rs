//! A Worker that does nothing: what `guarded` is measured against.

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    handle(request, env, context).await
}

async fn handle(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::ok("hello")
}
