//! The manager's routes, inside and outside. The table is in `README.md`.

use skewguard_domain::{ParseWorkerNameError, WorkerName};

use crate::auth::Access;

/// Where the public routes begin; what follows is the path inside.
pub(crate) const PUBLIC_PREFIX: &str = "/api/internal";

/// What a request to the manager asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// What is current, for one guard.
    Version(Result<WorkerName, ParseWorkerNameError>),
    /// A registration.
    Register(Result<WorkerName, ParseWorkerNameError>),
    /// Every Worker's bundles, for people.
    Status,
    /// What is current, for all guards.
    Manifest,
}

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// There is nothing at that path.
    NotFound,
    /// There is, but for other methods: those of the `Allow` header.
    Method(&'static str),
}

impl Route {
    /// What a route needs a token for, if it does.
    pub(crate) fn access(&self) -> Option<Access> {
        match self {
            Self::Version(_) | Self::Manifest => None,
            Self::Status => Some(Access::Read),
            Self::Register(_) => Some(Access::Write),
        }
    }

    /// The route inside: on the Durable Object, for whoever has a binding.
    pub(crate) fn inside(method: &str, path: &str) -> Result<Self, NoRoute> {
        match (segments(path).as_slice(), method) {
            (["version", name], "GET") => Ok(Self::Version(name.parse())),
            (["version", name], "POST") => Ok(Self::Register(name.parse())),
            (["version", _], _) => Err(NoRoute::Method("GET, POST")),
            (["version-manager", "status"], "GET") => Ok(Self::Status),
            (["manifest"], "GET") => Ok(Self::Manifest),
            (["version-manager", "status"] | ["manifest"], _) => Err(NoRoute::Method("GET")),
            _ => Err(NoRoute::NotFound),
        }
    }

    /// The route outside: on the manager's Worker, for whoever has a token. No version can be
    /// read here.
    pub(crate) fn outside(method: &str, path: &str) -> Result<Self, NoRoute> {
        let inside = path.strip_prefix(PUBLIC_PREFIX).ok_or(NoRoute::NotFound)?;
        match (segments(inside).as_slice(), method) {
            (["version", name], "POST") => Ok(Self::Register(name.parse())),
            (["version", _], _) => Err(NoRoute::Method("POST")),
            (["version-manager", "status"], "GET") => Ok(Self::Status),
            (["version-manager", "status"], _) => Err(NoRoute::Method("GET")),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// What stands between the slashes of `path`; nothing, if it does not begin with one.
fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').map_or_else(Vec::new, |rest| rest.split('/').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth() -> Result<WorkerName, ParseWorkerNameError> {
        "op-auth".parse()
    }

    #[test]
    fn inside_has_four_routes() {
        let inside = |method, path| Route::inside(method, path);
        assert_eq!(inside("GET", "/version/op-auth"), Ok(Route::Version(auth())));
        assert_eq!(inside("POST", "/version/op-auth"), Ok(Route::Register(auth())));
        assert_eq!(inside("GET", "/version-manager/status"), Ok(Route::Status));
        assert_eq!(inside("GET", "/manifest"), Ok(Route::Manifest));
    }

    #[test]
    fn outside_has_no_way_to_read_a_version() {
        let outside = |method, path| Route::outside(method, path);
        let version = "/api/internal/version/op-auth";
        assert_eq!(outside("POST", version), Ok(Route::Register(auth())));
        assert_eq!(outside("GET", version), Err(NoRoute::Method("POST")));
        assert_eq!(outside("DELETE", version), Err(NoRoute::Method("POST")));
        assert_eq!(outside("GET", "/api/internal/manifest"), Err(NoRoute::NotFound));
        assert_eq!(outside("POST", "/api/internal/manifest"), Err(NoRoute::NotFound));
        let status = "/api/internal/version-manager/status";
        assert_eq!(outside("GET", status), Ok(Route::Status));
        assert_eq!(outside("POST", status), Err(NoRoute::Method("GET")));
        assert_eq!(outside("POST", "/version/op-auth"), Err(NoRoute::NotFound));
    }

    #[test]
    fn a_path_that_is_none_of_them_is_not_found() {
        for path in ["/", "/version", "/version/", "/version/a/b", "/version-manager", "//manifest"]
        {
            let found = Route::inside("GET", path);
            let empty_name = Ok(Route::Version(Err(ParseWorkerNameError)));
            assert!(
                found == Err(NoRoute::NotFound) || (path == "/version/" && found == empty_name)
            );
        }
    }

    #[test]
    fn a_bad_name_is_told_apart_from_a_bad_path() {
        let named = Route::inside("POST", "/version/Op_Auth");
        assert_eq!(named, Ok(Route::Register(Err(ParseWorkerNameError))));
    }

    #[test]
    fn only_what_guards_read_needs_no_token() {
        assert_eq!(Route::Version(auth()).access(), None);
        assert_eq!(Route::Manifest.access(), None);
        assert_eq!(Route::Status.access(), Some(Access::Read));
        assert_eq!(Route::Register(auth()).access(), Some(Access::Write));
    }
}
