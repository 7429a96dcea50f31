//! The manager's routes, inside and outside. The table is in `README.md`.

use skewguard_domain::{ParseReleaseIdError, ParseWorkerNameError, ReleaseId, WorkerName};

use crate::auth::Access;

/// Where the public routes begin; what follows is the path inside.
pub(crate) const PUBLIC_PREFIX: &str = "/api/internal";

/// What a request to the manager asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// What is current, for one guard.
    Version(Result<WorkerName, ParseWorkerNameError>),
    /// What is current, for all guards.
    Manifest,
    /// The same, from a guard that has something to report.
    Briefing,
    /// A registration.
    Register(Result<WorkerName, ParseWorkerNameError>),
    /// Every Worker's bundles, for people.
    Status,
    /// All releases.
    Releases,
    /// An announcement.
    Announce,
    /// One release.
    Release(Result<ReleaseId, ParseReleaseIdError>),
    /// Whether it is everywhere.
    Convergence(Result<ReleaseId, ParseReleaseIdError>),
    /// A change of a release.
    Change(Change, Result<ReleaseId, ParseReleaseIdError>),
    /// The audit trail.
    Audit,
}

/// How a release is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Activate,
    Promote,
    Abort,
    RollBack,
}

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// There is nothing at that path.
    NotFound,
    /// There is, but for other methods: those of the `Allow` header.
    Method(&'static str),
}

impl Change {
    fn named(name: &str) -> Option<Self> {
        match name {
            "activate" => Some(Self::Activate),
            "promote" => Some(Self::Promote),
            "abort" => Some(Self::Abort),
            "rollback" => Some(Self::RollBack),
            _ => None,
        }
    }
}

impl Route {
    /// What a route needs a token for, if it does.
    pub(crate) fn access(&self) -> Option<Access> {
        match self {
            Self::Version(_) | Self::Manifest | Self::Briefing => None,
            Self::Status
            | Self::Releases
            | Self::Release(_)
            | Self::Convergence(_)
            | Self::Audit => Some(Access::Read),
            Self::Register(_) | Self::Announce | Self::Change(..) => Some(Access::Write),
        }
    }

    /// The route inside: on the Durable Object, for whoever has a binding.
    pub(crate) fn inside(method: &str, path: &str) -> Result<Self, NoRoute> {
        match (segments(path).as_slice(), method) {
            (["version", name], "GET") => Ok(Self::Version(name.parse())),
            (["version", _], "POST") => Self::shared(method, path),
            (["version", _], _) => Err(NoRoute::Method("GET, POST")),
            (["manifest"], "GET") => Ok(Self::Manifest),
            (["manifest"], "POST") => Ok(Self::Briefing),
            (["manifest"], _) => Err(NoRoute::Method("GET, POST")),
            _ => Self::shared(method, path),
        }
    }

    /// The route outside: on the manager's Worker, for whoever has a token. No version can be
    /// read here.
    pub(crate) fn outside(method: &str, path: &str) -> Result<Self, NoRoute> {
        Self::shared(method, path.strip_prefix(PUBLIC_PREFIX).ok_or(NoRoute::NotFound)?)
    }

    /// The routes that are the same inside and outside.
    fn shared(method: &str, path: &str) -> Result<Self, NoRoute> {
        let only = |allowed: &'static str, route: Self| {
            if method == allowed { Ok(route) } else { Err(NoRoute::Method(allowed)) }
        };
        match segments(path).as_slice() {
            ["version", name] => only("POST", Self::Register(name.parse())),
            ["version-manager", "status"] => only("GET", Self::Status),
            ["audit"] => only("GET", Self::Audit),
            ["releases"] => match method {
                "GET" => Ok(Self::Releases),
                "POST" => Ok(Self::Announce),
                _ => Err(NoRoute::Method("GET, POST")),
            },
            ["releases", id] => only("GET", Self::Release(id.parse())),
            ["releases", id, "convergence"] => only("GET", Self::Convergence(id.parse())),
            ["releases", id, change] => match Change::named(change) {
                Some(change) => only("POST", Self::Change(change, id.parse())),
                None => Err(NoRoute::NotFound),
            },
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
    fn guards_find_their_routes_inside_only() {
        let inside = |method, path| Route::inside(method, path);
        assert_eq!(inside("GET", "/version/op-auth"), Ok(Route::Version(auth())));
        assert_eq!(inside("POST", "/version/op-auth"), Ok(Route::Register(auth())));
        assert_eq!(inside("GET", "/version-manager/status"), Ok(Route::Status));
        assert_eq!(inside("GET", "/manifest"), Ok(Route::Manifest));
        assert_eq!(inside("POST", "/manifest"), Ok(Route::Briefing));
        assert_eq!(inside("PUT", "/manifest"), Err(NoRoute::Method("GET, POST")));
        assert_eq!(inside("PUT", "/version/op-auth"), Err(NoRoute::Method("GET, POST")));
    }

    #[test]
    fn releases_have_the_same_routes_inside_and_outside() {
        let id = || "r2".parse::<ReleaseId>();
        for (method, path, expected) in [
            ("GET", "/releases", Ok(Route::Releases)),
            ("POST", "/releases", Ok(Route::Announce)),
            ("PUT", "/releases", Err(NoRoute::Method("GET, POST"))),
            ("GET", "/releases/r2", Ok(Route::Release(id()))),
            ("DELETE", "/releases/r2", Err(NoRoute::Method("GET"))),
            ("GET", "/releases/r2/convergence", Ok(Route::Convergence(id()))),
            ("POST", "/releases/r2/activate", Ok(Route::Change(Change::Activate, id()))),
            ("POST", "/releases/r2/promote", Ok(Route::Change(Change::Promote, id()))),
            ("POST", "/releases/r2/abort", Ok(Route::Change(Change::Abort, id()))),
            ("POST", "/releases/r2/rollback", Ok(Route::Change(Change::RollBack, id()))),
            ("GET", "/releases/r2/abort", Err(NoRoute::Method("POST"))),
            ("POST", "/releases/r2/convergence", Err(NoRoute::Method("GET"))),
            ("POST", "/releases/r2/explode", Err(NoRoute::NotFound)),
            ("POST", "/releases/r2/abort/now", Err(NoRoute::NotFound)),
            ("GET", "/audit", Ok(Route::Audit)),
            ("POST", "/audit", Err(NoRoute::Method("GET"))),
            ("GET", "/releases/R2", Ok(Route::Release(Err(ParseReleaseIdError)))),
        ] {
            assert_eq!(Route::inside(method, path), expected, "{method} {path}");
            let outside = format!("{PUBLIC_PREFIX}{path}");
            assert_eq!(Route::outside(method, &outside), expected, "{method} {outside}");
        }
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
        assert_eq!(Route::Briefing.access(), None);
        let id = || "r2".parse::<ReleaseId>();
        for read in [
            Route::Status,
            Route::Releases,
            Route::Release(id()),
            Route::Convergence(id()),
            Route::Audit,
        ] {
            assert_eq!(read.access(), Some(Access::Read), "{read:?}");
        }
        for write in [Route::Register(auth()), Route::Announce, Route::Change(Change::Abort, id())]
        {
            assert_eq!(write.access(), Some(Access::Write), "{write:?}");
        }
    }
}
