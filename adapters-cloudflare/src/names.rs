//! The names that a deployment uses, all in one place.

/// The Durable Object binding to the manager.
pub(crate) const MANAGER_BINDING: &str = "VERSION_MANAGER";
/// The one instance of the manager.
pub(crate) const MANAGER_INSTANCE: &str = "global";
/// The variable with a bundle's UUID.
pub(crate) const BUNDLE_ID: &str = "CODE_VERSION_UUID";
/// The variable with a bundle's deploy time.
pub(crate) const DEPLOY_TIME: &str = "DEPLOY_TIME_UTC";
/// The secret that opens everything.
pub(crate) const SECRET: &str = "VERSION_MANAGER_SECRET";
/// The secret before the last rotation.
pub(crate) const PREVIOUS_SECRET: &str = "VERSION_MANAGER_SECRET_PREVIOUS";
/// The secret that opens what can be read, and nothing else.
pub(crate) const READ_SECRET: &str = "VERSION_MANAGER_READ_SECRET";
/// The manager's setting for the leases that it gives, in ms.
pub(crate) const LEASE: &str = "VERSION_MANAGER_MAX_AGE_MS";
/// What a PoP's copy is called: a cache of its own, which no request from outside reaches.
pub(crate) const POP_CACHE: &str = "skewguard";
