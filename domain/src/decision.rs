//! What a guard decides about one request: the table in `ARCHITECTURE.md`, "What a guard
//! decides".

use crate::{Bundle, Manifest, WorkerManifest};

/// All that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The guard's own bundle, or why there is nothing to check.
    pub bundle: Result<Bundle, Unchecked>,
    /// Whether the request is of a kind that is always served.
    pub exemption: Exemption,
    /// What can be believed at this instant, if anything.
    pub manifest: Option<&'a Manifest>,
    /// What the Worker chose for when nothing can.
    pub on_unavailable: OnUnavailable,
}

/// Whether a request is of a kind that is always served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// An exempt path, or the method `OPTIONS`.
    Exempt,
    /// Any other request.
    Checked,
}

/// Why a guard has nothing to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unchecked {
    /// Checking is switched off.
    Disabled,
    /// The bundle carries no `CODE_VERSION_UUID`, as under `wrangler dev`.
    NoBundleId,
    /// The bundle's `CODE_VERSION_UUID` is not a UUID.
    InvalidBundleId,
    /// The Worker has no binding to the manager.
    NoBinding,
}

/// What a Worker wants when no manifest can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnavailable {
    /// Serve: availability first.
    #[default]
    Open,
    /// Refuse: consistency first.
    Closed,
}

/// Whether a guard acts on its decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Refuse what is to be refused.
    #[default]
    Enforce,
    /// Decide and report, and always serve.
    Observe,
}

/// Why a request is served or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is nothing to check.
    Unchecked(Unchecked),
    /// The request is of a kind that is always served.
    Exempt,
    /// No manifest can be believed.
    Unavailable,
    /// The manager does not know this Worker.
    Unregistered,
    /// The bundle is the one that serves.
    Current,
    /// The bundle is unknown, and no older than the one that serves: a deploy on its way.
    Ahead,
    /// Something newer has taken over from the bundle.
    Stale(Staleness),
}

/// How it is known that a bundle is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Staleness {
    /// It is named as retired: superseded or rolled back.
    Retired,
    /// It is unknown, and older than the one that serves.
    Older,
    /// It is unknown, and carries no deploy time that could say otherwise.
    Undated,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It goes on to the Worker.
    Serve,
    /// It is answered 503.
    Refuse,
}

/// A verdict and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// Why.
    pub reason: Reason,
    /// What becomes of the request, where the guard enforces.
    pub verdict: Verdict,
}

impl Decision {
    /// What becomes of the request in `mode`.
    #[must_use]
    pub fn verdict_in(self, mode: Mode) -> Verdict {
        match mode {
            Mode::Enforce => self.verdict,
            Mode::Observe => Verdict::Serve,
        }
    }

    fn serve(reason: Reason) -> Self {
        Self { reason, verdict: Verdict::Serve }
    }

    fn refuse(reason: Reason) -> Self {
        Self { reason, verdict: Verdict::Refuse }
    }
}

/// Decides about one request. The first row of the table that matches wins.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Decision {
    let bundle = match situation.bundle {
        Ok(bundle) => bundle,
        Err(unchecked) => return Decision::serve(Reason::Unchecked(unchecked)),
    };
    if situation.exemption == Exemption::Exempt {
        return Decision::serve(Reason::Exempt);
    }
    let Some(manifest) = situation.manifest else {
        return match situation.on_unavailable {
            OnUnavailable::Open => Decision::serve(Reason::Unavailable),
            OnUnavailable::Closed => Decision::refuse(Reason::Unavailable),
        };
    };
    match &manifest.worker {
        None => Decision::serve(Reason::Unregistered),
        Some(known) => judge(bundle, known),
    }
}

fn judge(bundle: Bundle, known: &WorkerManifest) -> Decision {
    if bundle.id == known.current {
        Decision::serve(Reason::Current)
    } else if known.retired.contains(&bundle.id) {
        Decision::refuse(Reason::Stale(Staleness::Retired))
    } else {
        match bundle.deploy_time {
            // A tie serves: two deploys may share a millisecond, or a tool's second, and nothing
            // says that this one was replaced.
            Some(deployed) if deployed >= known.deploy_time => Decision::serve(Reason::Ahead),
            Some(_) => Decision::refuse(Reason::Stale(Staleness::Older)),
            None => Decision::refuse(Reason::Stale(Staleness::Undated)),
        }
    }
}
