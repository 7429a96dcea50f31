//! The Worker `bare`, guarded: the example of `README.md`, word for word.

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    skewguard_cloudflare::guard("my-worker").fetch(request, env, context, handle).await
}

async fn handle(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::ok("hello")
}
