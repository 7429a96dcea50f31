//! A demo Worker: `GET /authorize` hands out an authorization code in its release's format.

use serde_json::json;
use skewguard_cloudflare::guard;
use skewguard_op_code::CodeFormat;
use worker::{Context, Date, Env, Method, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    guard("op-auth").fetch(request, env, context, handle).await
}

async fn handle(request: Request, env: Env, _context: Context) -> Result<Response> {
    match (request.method(), request.path().as_str()) {
        (Method::Get, "/authorize") => {
            let format = env.var("CODE_FORMAT")?.to_string();
            let key = env.secret("OP_SIGNING_KEY")?.to_string();
            let parsed: CodeFormat =
                format.parse().map_err(|error| worker::Error::from(format!("{error}")))?;
            let code = parsed.issue(key.as_bytes(), Date::now().as_millis());
            Response::from_json(&json!({ "code": code, "format": format }))
        }
        (Method::Get, "/health") => Response::ok("ok"),
        _ => Response::error("not found: try GET /authorize", 404),
    }
}
