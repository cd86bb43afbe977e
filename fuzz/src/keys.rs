//! Fixed keys and time. They are public on purpose: never trust what they signed.

use countersign::key::SigningKey;
use countersign::time::UnixTime;

/// The present of every target: 2026-11-23T17:00:00Z.
pub const NOW: UnixTime = UnixTime(1_795_453_200);

/// A key by its number.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

/// The issuer's key.
pub fn root() -> SigningKey {
    key(1)
}

/// The first agent's key.
pub fn agent() -> SigningKey {
    key(2)
}

/// The key of the agent that the token is handed on to.
pub fn delegate() -> SigningKey {
    key(3)
}

/// A throw-away key for a block.
pub fn next(block: u8) -> SigningKey {
    key(100 + block)
}
