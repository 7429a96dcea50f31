//! A demo Worker: `POST /token` redeems an authorization code of its own release's format. Whether
//! it can or not, it says which format that is.

use serde_json::{Value, json};
use skewguard_cloudflare::guard;
use skewguard_op_code::CodeFormat;
use worker::{Context, Date, Env, FormEntry, Method, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    guard("op-token").fetch(request, env, context, handle).await
}

async fn handle(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    match (request.method(), request.path().as_str()) {
        (Method::Post, "/token") => {
            let form = request.form_data().await;
            let code = match form.ok().and_then(|form| form.get("code")) {
                Some(FormEntry::Field(code)) => code,
                _ => {
                    return refuse(&json!({
                        "error": "invalid_request",
                        "error_description": "send the form field 'code'",
                    }));
                }
            };
            let format = env.var("CODE_FORMAT")?.to_string();
            let key = env.secret("OP_SIGNING_KEY")?.to_string();
            let parsed: CodeFormat =
                format.parse().map_err(|error| worker::Error::from(format!("{error}")))?;
            match parsed.redeem(&code, key.as_bytes(), Date::now().as_millis()) {
                Ok(()) => Response::from_json(&json!({ "token_type": "Bearer", "format": format })),
                Err(invalid) => refuse(&json!({
                    "error": "invalid_grant",
                    "error_description": invalid.to_string(),
                    "format": format,
                })),
            }
        }
        (Method::Get, "/health") => Response::ok("ok"),
        _ => Response::error("not found: try POST /token", 404),
    }
}

/// An error as RFC 6749, section 5.2, has it.
fn refuse(body: &Value) -> Result<Response> {
    Ok(Response::from_json(body)?.with_status(400))
}
