//! Ed25519 keys, key ids and signatures (`spec/token.md`, Keys).

use core::fmt;
use core::str::FromStr;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::BasepointTable as _;
use ed25519_dalek::{Signer as _, Verifier as _};
use sha2::{Digest as _, Sha512};
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
    // spec: TK-45
    pub(crate) fn new(key: PublicKey) -> Option<Self> {
        if is_low_order(&key.0) {
            return None;
        }
        ed25519_dalek::VerifyingKey::from_bytes(&key.0).ok().map(Self)
    }

    /// Accepts what `verify_strict` accepts, in a sixth less time: that one decompresses `R` to learn whether its order is low,
    /// which its bytes say too. An `R` that is no point, or not in its canonical form, equals no computed one. That `S` is
    /// below the order is looked at here, since a crate elsewhere in the build can switch that off in ed25519-dalek
    /// (`legacy_compatibility`).
    // spec: TK-44, TK-45, TK-46
    pub(crate) fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), InvalidSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        let canonical = bool::from(Scalar::from_canonical_bytes(*signature.s_bytes()).is_some());
        if !canonical || is_low_order(signature.r_bytes()) {
            return Err(InvalidSignature);
        }
        self.0.verify(message, &signature).map_err(|_| InvalidSignature)
    }
}

/// A key that is known long before what it signed: multiples of it are at hand, about 30 KiB of them.
pub(crate) struct FixedKey {
    public: PublicKey,
    /// Of −A.
    multiples: Box<EdwardsBasepointTable>,
}

impl FixedKey {
    // spec: TK-45, TK-46
    #[expect(clippy::arithmetic_side_effects, reason = "points of a curve have no overflow")]
    pub(crate) fn new(public: PublicKey) -> Option<Self> {
        if is_low_order(&public.0) {
            return None;
        }
        let point = CompressedEdwardsY(public.0).decompress()?;
        Some(Self { public, multiples: Box::new(EdwardsBasepointTable::create(&-point)) })
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.public
    }

    /// The first of these keys whose signature this is: the equation of TK-46, with the half that is the same for all keys
    /// computed once. Accepts what [`VerifyingKey::verify`] accepts.
    // spec: TK-44, TK-45, TK-46
    #[expect(clippy::arithmetic_side_effects, reason = "points of a curve have no overflow")]
    pub(crate) fn first<'k>(
        keys: impl Iterator<Item = &'k Self>,
        message: &[u8],
        signature: &Signature,
    ) -> Option<&'k Self> {
        let (r, s) = signature.0.split_first_chunk::<32>()?;
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s.try_into().ok()?))?;
        if is_low_order(r) {
            return None;
        }
        let of_base = EdwardsPoint::mul_base(&s);
        let mut keys = keys;
        keys.find(|key| {
            let hash = Sha512::new().chain_update(r).chain_update(key.public.0).chain_update(message).finalize();
            let k = Scalar::from_bytes_mod_order_wide(&hash.into());
            (of_base + key.multiples.mul_base(&k)).compress().0 == *r
        })
    }
}

impl fmt::Debug for FixedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FixedKey({})", self.public)
    }
}

/// Whether this is one of the 14 encodings of the 8 points whose order divides 8. The sign bit is no part of what is looked up.
fn is_low_order(encoding: &[u8; 32]) -> bool {
    let mut y = *encoding;
    let [.., last] = &mut y;
    *last &= 0x7f;
    LOW_ORDER_Y.contains(&y)
}

/// The seven `y` of these encodings, as `spec/token.md` (TK-45) lists them.
const LOW_ORDER_Y: [[u8; 32]; 7] = [
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
];

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

    /// All encodings of the points of low order, and others that nobody has a key for.
    fn odd_points() -> Vec<[u8; 32]> {
        let mut points = Vec::new();
        for y in LOW_ORDER_Y {
            let mut signed = y;
            signed[31] |= 0x80;
            points.extend([y, signed]);
        }
        for first in 0..=40_u8 {
            let (mut small, mut great) = ([0; 32], [0xff; 32]);
            (small[0], great[0]) = (first, !first);
            let mut positive = great;
            positive[31] = 0x7f;
            points.extend([small, great, positive]);
        }
        points
    }

    // spec: TK-44, TK-45, TK-46
    #[test]
    fn accepts_exactly_what_verify_strict_accepts() {
        let key = SigningKey::from_seed(&[7; 32]);
        let (message, good) = (b"message", key.sign(b"message"));
        let strict = |public: &[u8; 32], signature: &[u8; 64]| {
            let signature = ed25519_dalek::Signature::from_bytes(signature);
            ed25519_dalek::VerifyingKey::from_bytes(public)
                .is_ok_and(|public| public.verify_strict(message, &signature).is_ok())
        };
        let (mut compared, mut accepted) = (0, 0);
        let mut fixed = std::collections::HashMap::new();
        let mut compare = |public: &[u8; 32], signature: [u8; 64]| {
            let ours = PublicKey(*public).verify(message, &Signature(signature)).is_ok();
            assert_eq!(ours, strict(public, &signature), "{} {}", to_hex(public), to_hex(&signature));
            let fixed = fixed.entry(*public).or_insert_with(|| FixedKey::new(PublicKey(*public)));
            let found = FixedKey::first(fixed.iter(), message, &Signature(signature));
            assert_eq!(found.is_some(), ours, "{} {}", to_hex(public), to_hex(&signature));
            compared += 1;
            accepted += u32::from(ours);
        };
        let points = odd_points();
        let halves = |r: &[u8], s: &[u8]| -> [u8; 64] { [r, s].concat().try_into().unwrap() };
        let (r, s) = (&good.0[..32], &good.0[32..]);
        // With S = 0 and an A of low order, R = [k]A is of low order: the equation holds for every message of some k.
        for public in &points {
            for other in &points {
                compare(public, halves(other, &[0; 32]));
                compare(public, halves(other, s));
            }
            compare(public, good.0);
            compare(&key.public().0, halves(public, s));
            compare(&key.public().0, halves(r, public));
        }
        for bit in 0..512 {
            let mut flipped = good.0;
            flipped[bit / 8] ^= 1 << (bit % 8);
            compare(&key.public().0, flipped);
        }
        compare(&key.public().0, good.0);
        assert!(compared > 30_000);
        assert_eq!(accepted, 1);
    }

    // spec: TK-46
    #[test]
    fn finds_the_one_key_among_several() {
        let keys: Vec<SigningKey> = (1..=8).map(|seed| SigningKey::from_seed(&[seed; 32])).collect();
        let fixed: Vec<FixedKey> = keys.iter().map(|key| FixedKey::new(key.public()).unwrap()).collect();
        for length in [0, 1, 63, 64, 4096] {
            let message = vec![5; length];
            for key in &keys {
                let signature = key.sign(&message);
                let found = FixedKey::first(fixed.iter(), &message, &signature).map(FixedKey::public);
                assert_eq!(found, Some(key.public()));
                let others = fixed.iter().filter(|other| other.public() != key.public());
                assert!(FixedKey::first(others, &message, &signature).is_none());
            }
        }
        assert!(FixedKey::new(PublicKey([0; 32])).is_none());
        // No point of the curve has y = 2.
        let mut two = [0; 32];
        two[0] = 2;
        assert!(FixedKey::new(PublicKey(two)).is_none());
    }
}
