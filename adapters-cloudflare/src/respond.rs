//! Answers.

use serde::Serialize;
use skewguard_ports::wire::{ErrorAnswer, ErrorCode};
use worker::{Request, Response, Result};

use crate::routes::NoRoute;

/// When a client is to try again, in seconds: a lease as guards have it by default. By then it may
/// well be answered by another bundle.
const RETRY_AFTER: &str = "5";

/// All that a refusal tells.
const REFUSAL: &[u8] = br#"{"error":"service_unavailable"}"#;

/// A body of JSON that nobody may keep.
pub(crate) fn json<T: Serialize>(status: u16, body: &T) -> Result<Response> {
    Response::builder()
        .with_status(status)
        .with_header("Cache-Control", "no-store")?
        .from_json(body)
}

/// An error, with what to do about it.
pub(crate) fn error(code: ErrorCode, message: &str) -> Result<Response> {
    let mut response = json(code.status(), &ErrorAnswer::new(code, message))?;
    if code == ErrorCode::Unauthorized {
        response.headers_mut().set("WWW-Authenticate", "Bearer realm=\"skewguard\"")?;
    }
    Ok(response)
}

/// An error that says all there is to say by its code.
pub(crate) fn plain_error(code: ErrorCode) -> Result<Response> {
    let message = match code {
        ErrorCode::InvalidJson => "send a JSON object with \"uuid\" and \"deployTime\"",
        ErrorCode::Unauthorized => {
            "send 'Authorization: Bearer <token>' with a token that may do this; \
             the manager takes VERSION_MANAGER_SECRET of 32 bytes or more"
        }
        ErrorCode::UnknownWorker => "register a bundle of this Worker first",
        ErrorCode::PayloadTooLarge => "send at most 64 KiB",
        ErrorCode::UnsupportedMediaType => "send 'Content-Type: application/json'",
        ErrorCode::InternalError => "try again; if it stays, look into the manager's log",
        _ => "see the table of errors in README.md",
    };
    error(code, message)
}

/// The answer where there is no route.
pub(crate) fn no_route(no_route: NoRoute) -> Result<Response> {
    match no_route {
        NoRoute::NotFound => {
            error(ErrorCode::NotFound, "see the table of routes in README.md for what is here")
        }
        NoRoute::Method(allowed) => {
            let message = format!("use {allowed}");
            let mut response = error(ErrorCode::MethodNotAllowed, &message)?;
            response.headers_mut().set("Allow", allowed)?;
            Ok(response)
        }
    }
}

/// What a stale bundle answers. It tells nothing but when to come again.
pub(crate) fn refusal(request: &Request) -> Result<Response> {
    let mut response = Response::builder().with_status(503).fixed(REFUSAL.to_vec());
    let headers = response.headers_mut();
    headers.set("Cache-Control", "no-store")?;
    headers.set("Content-Type", "application/json")?;
    headers.set("Retry-After", RETRY_AFTER)?;
    // Browsers ignore `Retry-After`, and honour `Refresh`: a page heals by itself.
    let mode = request.headers().get("Sec-Fetch-Mode")?;
    if request.inner().method() == "GET" && mode.as_deref() == Some("navigate") {
        headers.set("Refresh", RETRY_AFTER)?;
    }
    Ok(response)
}
