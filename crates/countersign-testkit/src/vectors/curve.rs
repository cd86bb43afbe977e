//! Signatures that lenient libraries accept and the profile refuses.

use core::ops::{Add, Mul};

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha512};

use crate::keys::Key;

/// The order L of the base point, least significant byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The encoding of the neutral element.
pub const NEUTRAL: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
};

/// Another encoding of the neutral element: y = p + 1.
pub const NEUTRAL_NON_CANONICAL: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xee;
    bytes[31] = 0x7f;
    bytes
};

/// The same signature with L added to S: the same scalar for whoever reduces it.
#[must_use]
pub fn plus_order(signature: &[u8]) -> Vec<u8> {
    let mut out = signature.to_vec();
    let mut carry = 0_u16;
    for (place, order) in out[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*place) + u16::from(order) + carry;
        *place = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    out
}

/// A signature with R the neutral element, in the given encoding, for which S·B = k·A: it verifies
/// where R is compared as a point of any order, or with the cofactor.
#[must_use]
pub fn neutral_r(key: &Key, r: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let secret = SigningKey::from_bytes(&key.seed()).to_scalar();
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(key.public());
    hash.update(message);
    let k: [u8; 64] = hash.finalize().into();
    let s = times_wide(secret, &k);
    [&r[..], &s.to_bytes()].concat()
}

/// A signature that verifies under the neutral element as a public key: R = S·B for any S.
#[must_use]
pub fn for_neutral_key() -> Vec<u8> {
    let key = Key::named("stranger");
    let scalar = SigningKey::from_bytes(&key.seed()).to_scalar();
    [&key.public()[..], &scalar.to_bytes()].concat()
}

/// `scalar × number`, the number least significant byte first, by Horner's rule. Generic, because
/// the scalar's type is only reachable by value.
fn times_wide<S>(scalar: S, number: &[u8]) -> S
where
    S: Copy + From<u64> + Add<Output = S> + Mul<Output = S>,
{
    let base = S::from(256);
    let zero = S::from(0);
    let reduced = number.iter().rev().fold(zero, |sum, byte| sum * base + S::from(u64::from(*byte)));
    scalar * reduced
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};

    use super::*;

    #[test]
    fn verifies_leniently_and_not_strictly() {
        let key = Key::named("agent");
        let public = VerifyingKey::from_bytes(&key.public()).unwrap();
        let signature = Signature::from_slice(&neutral_r(&key, &NEUTRAL, b"message")).unwrap();
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify_strict(b"message", &signature).is_err());

        let weak = VerifyingKey::from_bytes(&NEUTRAL).unwrap();
        let signature = Signature::from_slice(&for_neutral_key()).unwrap();
        assert!(weak.verify(b"message", &signature).is_ok());
        assert!(weak.verify_strict(b"message", &signature).is_err());
    }

    #[test]
    fn adds_the_order() {
        let good = Key::named("agent").sign(b"message");
        let other = plus_order(&good);
        assert_eq!(good[..32], other[..32]);
        assert_ne!(good[32..], other[32..]);
        assert!(other[63] >= 0x10);
    }
}
