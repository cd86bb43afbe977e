//! The holder's key, at hand or elsewhere.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use countersign::key::{PublicKey, Signature, SigningKey};

/// Why something that the caller brought did not work: a key, a source of randomness, an inner client.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What [`RequestKey::sign`] gives back.
pub type KeyFuture<'a> = Pin<Box<dyn Future<Output = Result<Signature, BoxError>> + Send + 'a>>;

/// The key of the token's current holder, wherever it lives: in memory, in a KMS, in a hardware module.
///
/// A [`SigningKey`] is one. Another signs with plain Ed25519 (RFC 8032, no prehash, no context) over the bytes as they
/// are; what it answers is verified before anything is sent, so that a key of the wrong kind shows here and not as a
/// refusal of the service.
pub trait RequestKey: Send + Sync {
    /// The public half. It must be the holder's that the token names.
    fn public(&self) -> PublicKey;

    /// Signs a signature base (RFC 9421 section 2.5).
    fn sign<'a>(&'a self, base: &'a [u8]) -> KeyFuture<'a>;
}

impl RequestKey for SigningKey {
    fn public(&self) -> PublicKey {
        Self::public(self)
    }

    fn sign<'a>(&'a self, base: &'a [u8]) -> KeyFuture<'a> {
        Box::pin(std::future::ready(Ok(Self::sign(self, base))))
    }
}
