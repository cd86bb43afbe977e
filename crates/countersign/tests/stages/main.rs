//! What the vectors can't show: what each stage does and does not do, and in which order.
#![expect(clippy::unwrap_used, reason = "tests say what went wrong by panicking")]

mod effects;
mod knockout;
mod told;

use countersign::key::{KeyId, PublicKey, SigningKey};
use countersign::time::UnixTime;
use countersign::verify::RevocationView;

const NOW: UnixTime = UnixTime(1_795_453_200);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

/// A view that is never fresh enough.
struct Stale;

impl RevocationView for Stale {
    fn is_fresh(&self, _: &str, _: UnixTime) -> bool {
        false
    }
    fn block_revoked(&self, _: &str, _: &[u8; 16]) -> bool {
        false
    }
    fn holder_revoked(&self, _: &str, _: &KeyId) -> bool {
        false
    }
    fn user_revoked_until(&self, _: &str, _: &str) -> Option<UnixTime> {
        None
    }
    fn grant_revoked(&self, _: &str, _: &str) -> bool {
        false
    }
    fn conversation_ended(&self, _: &str, _: &str, _: &str) -> bool {
        false
    }
    fn issuer_key_revoked(&self, _: &str, _: &PublicKey) -> bool {
        false
    }
}
