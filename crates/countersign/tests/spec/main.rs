//! The byte examples of `spec/` are what this implementation makes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod chains;
mod examples;

use countersign::key::SigningKey;
use countersign::time::UnixTime;
use countersign::token::{Grant, OpenToken, Right};
use sha2::{Digest as _, Sha256};

const TOKEN_MD: &str = include_str!("../../../../spec/token.md");
const NOW: UnixTime = UnixTime(1_795_453_200);

/// The keys of the examples: visibly for tests, as `test-vectors/README.md` says.
fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(&Sha256::digest(format!("countersign test key: {name}")).into())
}

/// A text of the spec without its line breaks and indents.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn open_token() -> OpenToken {
    Grant::new("https://hub.example", "alice@example.com", "calendar-bot", key("agent").public())
        .purpose("scheduling")
        .audience("https://calendar.example.com")
        .valid(NOW, NOW.plus(3600))
        .right(Right { r#type: "calendar", location: "/calendars/primary", action: "read" })
        .delegation_depth(2)
        .sign(&key("root"), &key("next-0"))
        .unwrap()
}
