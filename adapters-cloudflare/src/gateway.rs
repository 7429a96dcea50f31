//! The manager's Worker: the public routes, passed on to the Durable Object.

use skewguard_ports::wire::ErrorCode;
use skewguard_ports::{Log, LogEntry};
use wasm_bindgen::JsValue;
use worker::{Env, Headers, Request, RequestInit, Response, Result};

use crate::auth::{Access, Secrets};
use crate::body::read_body;
use crate::conditions::query;
use crate::console::Console;
use crate::names::{MANAGER_BINDING, MANAGER_INSTANCE};
use crate::respond;
use crate::routes::{PUBLIC_PREFIX, Route};

/// Answers a request to the manager's Worker.
///
/// Whoever has no token, or sends too much, is turned away here and costs the Durable Object
/// nothing; that checks again, since other Workers reach it too.
///
/// # Errors
/// When an answer can't be built, which Workers turns into a 500 without detail.
pub async fn gateway(mut request: Request, env: &Env) -> Result<Response> {
    let path = request.path();
    // `Request::method` takes every method that it does not know for GET.
    let method = request.inner().method();
    let route = match Route::outside(&method, &path) {
        Ok(route) => route,
        Err(no_route) => return respond::no_route(no_route),
    };
    let authorization = request.headers().get("Authorization")?;
    if let Some(access) = route.access()
        && Secrets::from_env(env).admit(authorization.as_deref(), access).is_none()
    {
        return respond::plain_error(ErrorCode::Unauthorized);
    }
    let body = match read_body(&mut request).await {
        Ok(body) => body,
        Err(code) => return respond::plain_error(code),
    };
    let headers = Headers::new();
    for name in ["Authorization", "Content-Type", "If-Match"] {
        if let Some(value) = request.headers().get(name)? {
            headers.set(name, &value)?;
        }
    }
    let mut init = RequestInit::new();
    let changes = route.access() == Some(Access::Write);
    init.with_method(method.into()).with_headers(headers);
    if changes && !body.is_empty() {
        init.with_body(Some(JsValue::from(js_sys::Uint8Array::from(body.as_slice()))));
    }
    let inside = path.strip_prefix(PUBLIC_PREFIX).unwrap_or_default();
    let asked = request.inner().url();
    let url = format!("https://version-manager{inside}{}", query(&asked));
    match pass_on(env, &url, &init).await {
        Ok(response) => Ok(response),
        Err(error) => {
            Console.record(&LogEntry::GatewayFailed { detail: &error.to_string() });
            respond::plain_error(ErrorCode::InternalError)
        }
    }
}

async fn pass_on(env: &Env, url: &str, init: &RequestInit) -> Result<Response> {
    let namespace = env.durable_object(MANAGER_BINDING)?;
    let stub = namespace.get_by_name(MANAGER_INSTANCE)?;
    stub.fetch_with_request(Request::new_with_init(url, init)?).await
}
