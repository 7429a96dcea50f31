//! The authorization codes of the demo: what `op-auth` hands out and `op-token` redeems.
//!
//! A code is signed (HMAC-SHA-256), lives for a minute, and is written in its release's format.
//! Each release reads its own format only. That is the harm that version skew does: `authorize`
//! by one release and `token` by another do not make a flow.

#![forbid(unsafe_code)]

use core::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How long a code can be redeemed, in ms.
pub const LIFETIME_MS: u64 = 60_000;

/// How a release writes its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFormat {
    /// `<expiry>.<signature>`, the expiry as decimal digits.
    Decimal,
    /// `<expiry>~<signature>`, the expiry as base64url of 8 bytes, and the signature under
    /// another label.
    Packed,
}

impl FromStr for CodeFormat {
    type Err = UnknownFormat;

    /// Reads the number of a format: `1` or `2`.
    fn from_str(number: &str) -> Result<Self, Self::Err> {
        match number {
            "1" => Ok(Self::Decimal),
            "2" => Ok(Self::Packed),
            _ => Err(UnknownFormat),
        }
    }
}

/// A format that no release has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CODE_FORMAT is 1 or 2")]
pub struct UnknownFormat;

/// Why a code can't be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCode {
    /// It is not of this release's format.
    #[error("the code is of a format that this release does not know")]
    Format,
    /// It was not signed with this key.
    #[error("the code's signature is wrong")]
    Signature,
    /// Its minute is over.
    #[error("the code has expired")]
    Expired,
}

impl CodeFormat {
    /// A code, signed with `key` at `now_ms`, in ms since the Unix epoch.
    #[must_use]
    pub fn issue(self, key: &[u8], now_ms: u64) -> String {
        let expiry = self.write(now_ms.saturating_add(LIFETIME_MS));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(key, &expiry).finalize().into_bytes());
        format!("{expiry}{}{signature}", self.separator())
    }

    /// Checks a code at `now_ms`.
    ///
    /// # Errors
    /// [`InvalidCode`] says why it is none.
    pub fn redeem(self, code: &str, key: &[u8], now_ms: u64) -> Result<(), InvalidCode> {
        let (expiry, signature) = code.split_once(self.separator()).ok_or(InvalidCode::Format)?;
        let expires_at = self.read(expiry).ok_or(InvalidCode::Format)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidCode::Format)?;
        self.mac(key, expiry).verify_slice(&signature).map_err(|_| InvalidCode::Signature)?;
        if now_ms < expires_at { Ok(()) } else { Err(InvalidCode::Expired) }
    }

    fn separator(self) -> char {
        match self {
            Self::Decimal => '.',
            Self::Packed => '~',
        }
    }

    fn write(self, expires_at: u64) -> String {
        match self {
            Self::Decimal => expires_at.to_string(),
            Self::Packed => URL_SAFE_NO_PAD.encode(expires_at.to_be_bytes()),
        }
    }

    fn read(self, expiry: &str) -> Option<u64> {
        match self {
            Self::Decimal => expiry.parse().ok(),
            Self::Packed => {
                let bytes = URL_SAFE_NO_PAD.decode(expiry).ok()?;
                Some(u64::from_be_bytes(bytes.try_into().ok()?))
            }
        }
    }

    fn mac(self, key: &[u8], expiry: &str) -> Hmac<Sha256> {
        let label: &[u8] = match self {
            Self::Decimal => b"code 1:",
            Self::Packed => b"code 2:",
        };
        let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.chain_update(label).chain_update(expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key";
    const NOW: u64 = 1_772_366_405_000;
    const FORMATS: [CodeFormat; 2] = [CodeFormat::Decimal, CodeFormat::Packed];

    #[test]
    fn a_release_redeems_its_own_codes_for_a_minute() {
        for format in FORMATS {
            let code = format.issue(KEY, NOW);
            assert_eq!(format.redeem(&code, KEY, NOW), Ok(()));
            assert_eq!(format.redeem(&code, KEY, NOW + LIFETIME_MS - 1), Ok(()));
            assert_eq!(format.redeem(&code, KEY, NOW + LIFETIME_MS), Err(InvalidCode::Expired));
        }
    }

    #[test]
    fn a_release_does_not_understand_the_codes_of_another() {
        let [one, two] = FORMATS;
        assert_eq!(two.redeem(&one.issue(KEY, NOW), KEY, NOW), Err(InvalidCode::Format));
        assert_eq!(one.redeem(&two.issue(KEY, NOW), KEY, NOW), Err(InvalidCode::Format));
    }

    #[test]
    fn a_code_that_was_tampered_with_is_worth_nothing() {
        for format in FORMATS {
            let code = format.issue(KEY, NOW);
            assert_eq!(format.redeem(&code, b"another key", NOW), Err(InvalidCode::Signature));
            let later = format.issue(KEY, NOW + 1);
            let (_, signature) = code.split_once(format.separator()).expect("a signature");
            let (expiry, _) = later.split_once(format.separator()).expect("an expiry");
            let forged = format!("{expiry}{}{signature}", format.separator());
            assert_eq!(format.redeem(&forged, KEY, NOW), Err(InvalidCode::Signature));
        }
    }

    #[test]
    fn rubbish_is_no_code() {
        for format in FORMATS {
            for rubbish in ["", ".", "~", "1.%", "1772366405000", "🦀.🦀"] {
                assert!(format.redeem(rubbish, KEY, NOW).is_err());
            }
        }
    }
}
