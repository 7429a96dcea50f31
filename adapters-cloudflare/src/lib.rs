//! Skewguard on Cloudflare: the ports' adapters for Workers and Durable Objects, the guard for
//! Rust Workers, and the manager's routes.
//!
//! # Guard a Worker
//!
//! One line around its handler. `op-auth` is the name that it is registered by:
//!
//! ```
//! # mod worker_crate {
//! use worker::{Context, Env, Request, Response, Result, event};
//!
//! #[event(fetch)]
//! async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
//!     skewguard_cloudflare::guard("op-auth").fetch(request, env, context, handle).await
//! }
//!
//! async fn handle(request: Request, env: Env, context: Context) -> Result<Response> {
//!     Response::ok("hello")
//! }
//! # }
//! ```
//!
//! Every setting has a variable of its own, so that it can be changed without a build; see
//! [`GuardOptions`]. Code can set it too, and is overruled by the variable:
//!
//! ```
//! use skewguard_cloudflare::{GuardOptions, Mode, guard};
//!
//! fn options() -> GuardOptions {
//!     let mut options = GuardOptions::default();
//!     options.mode = Mode::Observe;
//!     options.exempt = ["/health"].iter().filter_map(|path| path.parse().ok()).collect();
//!     options
//! }
//!
//! let guard = guard("op-auth").options(options);
//! ```

#![forbid(unsafe_code)]

mod auth;
mod background;
mod body;
mod clock;
mod conditions;
mod console;
mod failure;
mod gateway;
mod guard;
mod manager;
mod names;
mod options;
mod pop_cache;
mod read;
mod respond;
mod routes;
mod schema;
mod storage;
mod transaction;
mod transport;
mod variable;

pub use gateway::gateway;
pub use guard::{GuardBuilder, guard};
pub use manager::ManagerObject;
pub use options::GuardOptions;
// What options are made of, and what making them returns.
pub use skewguard_domain::{
    BackOff, CachePolicy, CachePolicyBuilder, ExemptPath, MaxAge, Mode, OnUnavailable,
    ParseExemptPathError, PolicyError,
};
