//! Answers.

use serde::Serialize;
use skewguard_domain::Epoch;
use skewguard_ports::ChangeError;
use skewguard_ports::wire::{ErrorAnswer, ErrorCode};
use worker::{Request, Response, Result};

use crate::conditions::etag;
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

/// The same, with the epoch that it is about.
pub(crate) fn json_at<T: Serialize>(epoch: Epoch, body: &T) -> Result<Response> {
    let mut response = json(200, body)?;
    response.headers_mut().set("ETag", &etag(epoch))?;
    Ok(response)
}

/// An error, with what to do about it.
pub(crate) fn error(code: ErrorCode, message: &str) -> Result<Response> {
    let mut response = json(code.status(), &ErrorAnswer::new(code, message))?;
    if code == ErrorCode::Unauthorized {
        response.headers_mut().set("WWW-Authenticate", "Bearer realm=\"skewguard\"")?;
    }
    Ok(response)
}

/// A change that does not hold.
pub(crate) fn change_error(error: &ChangeError) -> Result<Response> {
    if let ChangeError::Storage(_) = error {
        return plain_error(ErrorCode::InternalError);
    }
    let message = error.to_string();
    let mut response =
        json(ErrorCode::of_change(error).status(), &ErrorAnswer::of_change(error, &message))?;
    if let ChangeError::Outdated { current } = error {
        response.headers_mut().set("ETag", &etag(*current))?;
    }
    Ok(response)
}

/// An error that says all there is to say by its code.
pub(crate) fn plain_error(code: ErrorCode) -> Result<Response> {
    let message = match code {
        ErrorCode::InvalidJson => "send a JSON object, whole",
        ErrorCode::InvalidIfMatch => "send 'If-Match' with the 'ETag' of an answer, such as \"7\"",
        ErrorCode::InvalidPage => "'before' is an epoch, 'limit' a number from 1 to 200",
        ErrorCode::Unauthorized => {
            "send 'Authorization: Bearer <token>' with a token that may do this; \
             the manager takes VERSION_MANAGER_SECRET of 32 bytes or more"
        }
        ErrorCode::UnknownWorker => "register a bundle of this Worker first",
        ErrorCode::UnknownRelease => {
            "there is no such release, or it is not remembered any more; list the releases"
        }
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
