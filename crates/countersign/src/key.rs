//! Ed25519 keys, key ids and signatures (`spec/token.md`, Keys).

use core::fmt;
use core::str::FromStr;

use ed25519_dalek::Signer as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::encoding::{from_base64url, from_hex, sha256, to_base64url, to_hex};

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub(crate) [u8; 64]);

impl Signature {
    /// Takes the 64 bytes `R ‖ S`.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes `R ‖ S`.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", to_hex(&self.0))
    }
}

/// The RFC 7638 thumbprint of a public key: its name in `keyid`, in revocations and in audit records.
///
/// Written as base64url without padding, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(crate) [u8; 32]);

impl KeyId {
    /// The 32 bytes of the thumbprint.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        from_base64url(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InvalidKey)
    }
}

/// The bytes of an Ed25519 public key that nothing was verified with yet; they may be no point of the curve.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(pub(crate) [u8; 32]);

impl PublicKey {
    /// Takes the 32 bytes of RFC 8032.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of RFC 8032.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The RFC 7638 thumbprint of this key as an OKP JWK.
    pub fn id(&self) -> KeyId {
        let x = to_base64url(&self.0);
        KeyId(sha256(&[br#"{"crv":"Ed25519","kty":"OKP","x":""#, x.as_bytes(), br#""}"#]))
    }

    /// Verifies under the strict rules of the profile: `S < L`, canonical and not low-order `A` and `R`, no cofactor.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), InvalidSignature> {
        VerifyingKey::new(*self).ok_or(InvalidSignature)?.verify(message, signature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519/{}", to_hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    /// Reads `ed25519/` and 64 lower-case hex digits.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        // spec: TK-49
        let hex = text.strip_prefix("ed25519/").filter(|hex| !hex.bytes().any(|b| b.is_ascii_uppercase()));
        hex.and_then(from_hex).map(Self).ok_or(InvalidKey)
    }
}

/// A public key that was decompressed once, for keys that verify often.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    pub(crate) fn new(key: PublicKey) -> Option<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(&key.0).ok().map(Self)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), InvalidSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).map_err(|_| InvalidSignature)
    }
}

/// An Ed25519 private key. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Takes the 32-byte seed of RFC 8032.
    ///
    /// The caller brings the randomness: this crate has none.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, for storage at rest.
    pub fn dangerous_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }

    /// The `cs_sk_…` text form, made to be found by secret scanners.
    pub fn dangerous_text(&self) -> Zeroizing<String> {
        let seed = self.dangerous_seed();
        let body = Zeroizing::new(to_base64url(seed.as_ref()));
        Zeroizing::new(["cs_sk_", body.as_str()].concat())
    }

    /// Reads the `cs_sk_…` text form.
    pub fn from_text(text: &str) -> Result<Self, InvalidKey> {
        let mut seed = text.strip_prefix("cs_sk_").and_then(from_base64url).ok_or(InvalidKey)?;
        let key = <&[u8; 32]>::try_from(seed.as_slice()).map(Self::from_seed).map_err(|_| InvalidKey);
        seed.zeroize();
        key
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}

/// A key's text or bytes are not in their one allowed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an Ed25519 key in the expected form")
    }
}

impl core::error::Error for InvalidKey {}

/// A signature did not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSignature;

impl fmt::Display for InvalidSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signature does not verify")
    }
}

impl core::error::Error for InvalidSignature {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprint_is_the_example_of_rfc_8037() {
        let x = from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::from_bytes(x.try_into().unwrap());
        assert_eq!(key.id().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.id().to_string().parse(), Ok(key.id()));
    }

    #[test]
    fn texts_round_trip_and_secrets_stay_out_of_debug() {
        let key = SigningKey::from_seed(&[7; 32]);
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        assert_eq!(SigningKey::from_text(&key.dangerous_text()).unwrap().public(), key.public());
        assert!(!format!("{key:?}").contains(&to_hex(&[7; 32])));
        for bad in ["ed25519/00", "secp256r1/00", ""] {
            assert_eq!(bad.parse::<PublicKey>(), Err(InvalidKey));
        }
    }
}
