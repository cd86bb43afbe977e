//! The fixed keys of the vectors. They are public on purpose: never trust a token that they signed.
//!
//! The seed of a key is SHA-256 of the ASCII text `countersign test key: NAME`.

use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::text::{b64u, hex};

/// Names in use besides `next-N`, each with its role.
pub const NAMES: [(&str, &str); 8] = [
    ("root", "the issuer https://hub.example"),
    ("root-2", "a second issuer, or the first issuer's next key"),
    ("agent", "the first holder, calendar-bot"),
    ("sub-agent", "the second holder, summary-bot"),
    ("third-agent", "the third holder, mail-bot"),
    ("stranger", "in no token"),
    ("approver", "approves operations; holds nothing"),
    ("next-0", "the throw-away key that block 0 names for the block after it; next-1, … likewise"),
];

/// A test key pair.
#[derive(Clone)]
pub struct Key(SigningKey);

impl Key {
    /// The key of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let seed = Sha256::digest(format!("countersign test key: {name}").as_bytes());
        Self(SigningKey::from_bytes(&seed.into()))
    }

    /// The throw-away key named by block `index`.
    #[must_use]
    pub fn next(index: usize) -> Self {
        Self::named(&format!("next-{index}"))
    }

    /// The 32-byte seed: the secret that an open token carries.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The 32-byte public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// `ed25519/<hex of the public key>`.
    #[must_use]
    pub fn public_text(&self) -> String {
        format!("ed25519/{}", hex(&self.public()))
    }

    /// The RFC 7638 thumbprint of the public key.
    #[must_use]
    pub fn id(&self) -> String {
        thumbprint(&self.public())
    }

    /// Signs with Ed25519 (RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).to_bytes().to_vec()
    }
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Key({})", self.public_text())
    }
}

/// The RFC 7638 thumbprint (SHA-256, base64url) of an Ed25519 public key (RFC 8037).
#[must_use]
pub fn thumbprint(public: &[u8; 32]) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64u(public));
    b64u(&Sha256::digest(jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_thumbprint_example_of_rfc_8037() {
        // RFC 8037 appendix A.2 and A.3.
        let public = crate::text::from_b64u("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let public: [u8; 32] = public.try_into().unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn names_give_different_keys() {
        let mut seen: Vec<_> = NAMES.iter().map(|(name, _)| Key::named(name).public()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), NAMES.len());
    }
}
