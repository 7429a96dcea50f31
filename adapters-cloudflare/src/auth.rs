//! Who may do what: Bearer tokens (RFC 6750), compared in constant time.

use skewguard_ports::Principal;
use subtle::ConstantTimeEq;
use worker::Env;

use crate::names;

/// The shortest secret that counts, in bytes.
const SHORTEST_SECRET: usize = 32;

/// What a token has to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The secrets of a deployment. One that is unset, or too short to be one, opens nothing.
pub(crate) struct Secrets {
    current: Option<String>,
    previous: Option<String>,
    read: Option<String>,
}

impl Secrets {
    pub(crate) fn from_env(env: &Env) -> Self {
        Self::from_lookup(|name| env.secret(name).ok().map(|secret| secret.to_string()))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let secret = |name| lookup(name).filter(|secret| secret.len() >= SHORTEST_SECRET);
        Self {
            current: secret(names::SECRET),
            previous: secret(names::PREVIOUS_SECRET),
            read: secret(names::READ_SECRET),
        }
    }

    /// Whose token the `Authorization` header has, if it opens `access`.
    pub(crate) fn admit(&self, header: Option<&str>, access: Access) -> Option<Principal> {
        let (scheme, token) = header?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let token = token.trim().as_bytes();
        let matches = |secret: &Option<String>| {
            secret.as_ref().is_some_and(|secret| secret.as_bytes().ct_eq(token).into())
        };
        if matches(&self.current) {
            Some(Principal::Current)
        } else if matches(&self.previous) {
            Some(Principal::Previous)
        } else if access == Access::Read && matches(&self.read) {
            Some(Principal::Read)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: &str = "current-current-current-current-";
    const PREVIOUS: &str = "previous-previous-previous-previ";
    const READ: &str = "read-read-read-read-read-read-rea";

    fn all(name: &str) -> Option<String> {
        let secret = match name {
            names::SECRET => CURRENT,
            names::PREVIOUS_SECRET => PREVIOUS,
            names::READ_SECRET => READ,
            _ => return None,
        };
        Some(secret.to_owned())
    }

    fn admitted(secrets: &Secrets, token: &str, access: Access) -> Option<Principal> {
        let header = format!("Bearer {token}");
        secrets.admit(Some(&header), access)
    }

    #[test]
    fn the_current_and_the_previous_secret_open_everything() {
        let secrets = Secrets::from_lookup(all);
        for access in [Access::Read, Access::Write] {
            assert_eq!(admitted(&secrets, CURRENT, access), Some(Principal::Current));
            assert_eq!(admitted(&secrets, PREVIOUS, access), Some(Principal::Previous));
        }
    }

    #[test]
    fn the_read_secret_opens_nothing_but_reading() {
        let secrets = Secrets::from_lookup(all);
        assert_eq!(admitted(&secrets, READ, Access::Read), Some(Principal::Read));
        assert_eq!(admitted(&secrets, READ, Access::Write), None);
    }

    #[test]
    fn without_secrets_nobody_is_admitted() {
        let secrets = Secrets::from_lookup(|_| None);
        for token in ["", CURRENT] {
            assert_eq!(admitted(&secrets, token, Access::Read), None);
        }
        let empty = Secrets::from_lookup(|_| Some(String::new()));
        assert_eq!(admitted(&empty, "", Access::Read), None);
    }

    #[test]
    fn a_secret_of_less_than_32_bytes_opens_nothing() {
        let short = "x".repeat(31);
        let secrets = Secrets::from_lookup(|_| Some(short.clone()));
        assert_eq!(admitted(&secrets, &short, Access::Read), None);
        let long = "x".repeat(32);
        let secrets = Secrets::from_lookup(|_| Some(long.clone()));
        assert_eq!(admitted(&secrets, &long, Access::Write), Some(Principal::Current));
    }

    #[test]
    fn only_the_bearer_scheme_admits_and_in_any_case() {
        let secrets = Secrets::from_lookup(all);
        let admit = |header: &str| secrets.admit(Some(header), Access::Write).is_some();
        assert!(admit(&format!("bearer {CURRENT}")));
        assert!(!admit(&format!("Basic {CURRENT}")));
        assert!(!admit(CURRENT));
        assert!(!admit(&format!("Bearer {CURRENT}x")));
        assert!(secrets.admit(None, Access::Read).is_none());
    }
}
