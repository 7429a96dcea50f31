//! What a guard decides about one request: the table in `ARCHITECTURE.md`, "What a guard
//! decides".

use crate::mutant::{Mutant, planted};
use crate::{Breaker, Standing};

/// All that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Whether there is anything to check.
    pub checked: Result<(), Unchecked>,
    /// Whether the request is of a kind that is always served.
    pub exemption: Exemption,
    /// What can be believed at this instant, if anything.
    pub believed: Option<Believed>,
    /// What the Worker chose for when nothing can.
    pub on_unavailable: OnUnavailable,
}

/// What a manifest says of the guard's own bundle at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Believed {
    /// How the bundle stands.
    pub standing: Standing,
    /// Whether the PoP has to make do with what it has.
    pub breaker: Breaker,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnUnavailable {
    /// Serve: availability first.
    #[default]
    Open,
    /// Refuse: consistency first.
    Closed,
}

/// Whether a guard acts on its decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// The bundle is one of those that serve.
    Current,
    /// Nothing that serves is in this PoP, and so what is there serves.
    BreakerOpen,
    /// The bundle's release is on its way.
    Announced,
    /// The bundle's release is on its way, and strict: it serves from its cutover on.
    Held,
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
pub fn decide(situation: &Situation) -> Decision {
    if let Err(unchecked) = situation.checked {
        return Decision::serve(Reason::Unchecked(unchecked));
    }
    if situation.exemption == Exemption::Exempt {
        return Decision::serve(Reason::Exempt);
    }
    match situation.believed {
        Some(believed) => judge(believed),
        None => match situation.on_unavailable {
            OnUnavailable::Open if !planted(Mutant::RefusesUnasked) => {
                Decision::serve(Reason::Unavailable)
            }
            OnUnavailable::Open | OnUnavailable::Closed => Decision::refuse(Reason::Unavailable),
        },
    }
}

fn judge(Believed { standing, breaker }: Believed) -> Decision {
    match standing {
        Standing::Unregistered => Decision::serve(Reason::Unregistered),
        Standing::Serving => Decision::serve(Reason::Current),
        _ if breaker == Breaker::Open => Decision::serve(Reason::BreakerOpen),
        Standing::Announced => Decision::serve(Reason::Announced),
        Standing::Held => Decision::refuse(Reason::Held),
        Standing::Retired => Decision::refuse(Reason::Stale(Staleness::Retired)),
        Standing::Ahead => Decision::serve(Reason::Ahead),
        Standing::Older => Decision::refuse(Reason::Stale(Staleness::Older)),
        Standing::Undated => Decision::refuse(Reason::Stale(Staleness::Undated)),
    }
}
