//! The keys of an issuer, which may change while a verifier lives (`spec/verify.md`, Configuration).

use core::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::key::{FixedKey, PublicKey};

/// The keys of one issuer, at most [`IssuerKeys::LIMIT`] at a time. Each takes about 30 KiB: multiples of it are at hand, so
/// that a token is soon tried under it.
///
/// All clones are one handle: what [`IssuerKeys::replace`] sets in one is what every verifier that was built with another
/// works by from its next request on. A request is verified with one set, the one at the start of stage 7.
///
/// Without keys the issuer is configured all the same, and each of its tokens is refused with `token_signature`.
///
/// ```
/// use countersign::key::SigningKey;
/// use countersign::verify::{IssuerKeys, Verifier};
///
/// # let (old, new) = (SigningKey::from_seed(&[1; 32]).public(), SigningKey::from_seed(&[2; 32]).public());
/// let keys = IssuerKeys::new([old])?;
/// let verifier = Verifier::builder()
///     .audience("https://calendar.example.com").authority("calendar.example.com")
///     .live_issuer("https://hub.example", &keys)
///     .build()?;
/// keys.replace([old, new])?; // while the new one takes over
/// keys.replace([new])?;
/// assert_eq!(keys.public(), [new]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct IssuerKeys(Arc<RwLock<Arc<[FixedKey]>>>);

impl IssuerKeys {
    /// How many keys an issuer may have at a time. A forged token costs the verifier a signature for each.
    pub const LIMIT: usize = 8;

    /// A handle on these keys; a key that is given twice counts once. None are allowed: an issuer whose keys are still to
    /// be fetched.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, IssuerKeysError> {
        decompress(keys).map(|keys| Self(Arc::new(RwLock::new(keys))))
    }

    /// Puts other keys in the place of all there are. On an error nothing changes.
    ///
    /// What was remembered of tokens under a key that is gone counts no longer.
    pub fn replace(&self, keys: impl IntoIterator<Item = PublicKey>) -> Result<(), IssuerKeysError> {
        // Decompressed outside of the lock: requests wait for one pointer to change.
        let keys = decompress(keys)?;
        let old = {
            let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
            core::mem::replace(&mut *current, keys)
        };
        drop(old);
        Ok(())
    }

    /// The keys as they are now, in the order in which they are tried.
    pub fn public(&self) -> Vec<PublicKey> {
        self.current().iter().map(FixedKey::public).collect()
    }

    /// Whether `other` is a clone of this handle, so that both always have the same keys.
    pub fn is_handle_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The set that one request is verified with.
    pub(crate) fn current(&self) -> Arc<[FixedKey]> {
        // Nobody panics while holding the lock, and a pointer is never half written.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn decompress(keys: impl IntoIterator<Item = PublicKey>) -> Result<Arc<[FixedKey]>, IssuerKeysError> {
    let mut set: Vec<FixedKey> = Vec::new();
    for public in keys {
        if set.iter().any(|known| known.public() == public) {
            continue;
        }
        // spec: VF-43
        if set.len() == IssuerKeys::LIMIT {
            return Err(IssuerKeysError::TooMany);
        }
        set.push(FixedKey::new(public).ok_or(IssuerKeysError::Key)?);
    }
    Ok(set.into())
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.current().iter().map(FixedKey::public)).finish()
    }
}

/// Keys that no issuer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerKeysError {
    /// More than [`IssuerKeys::LIMIT`] different keys.
    TooMany,
    /// A key that is no point of the curve.
    Key,
}

impl fmt::Display for IssuerKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "an issuer has more than 8 keys",
            Self::Key => "a key of an issuer is not an Ed25519 public key",
        })
    }
}

impl core::error::Error for IssuerKeysError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn keys(count: u8) -> Vec<PublicKey> {
        (0..count).map(|seed| SigningKey::from_seed(&[seed; 32]).public()).collect()
    }

    // spec: VF-43
    #[test]
    fn takes_eight_keys_and_no_ninth() {
        let handle = IssuerKeys::new(keys(8)).unwrap();
        assert_eq!(handle.public(), keys(8));
        assert_eq!(handle.replace(keys(9)), Err(IssuerKeysError::TooMany));
        assert_eq!(handle.public(), keys(8), "a refused replacement changes nothing");
        assert_eq!(IssuerKeys::new([keys(8), keys(8)].concat()).unwrap().public().len(), 8, "a key twice counts once");
    }

    #[test]
    fn takes_no_key_off_the_curve() {
        // y = 2 is no point of the curve.
        let mut bytes = [0; 32];
        bytes[0] = 2;
        let off = PublicKey::from_bytes(bytes);
        let handle = IssuerKeys::new(keys(1)).unwrap();
        assert_eq!(handle.replace([off]), Err(IssuerKeysError::Key));
        assert_eq!(handle.public(), keys(1));
    }
}
