//! Signed JSON-RPC messages, and MCP over stdio and HTTP (`spec/jsonrpc.md`).
//!
//! A message carries the token and a signature over itself in `params._meta`, where there is no HTTP request to sign.
//! [`SignMessage`] puts both in, [`Verifier::check_rpc`](crate::verify::Verifier::check_rpc) verifies them, and [`mcp`]
//! says which operation a message of the Model Context Protocol asks for.

mod envelope;
pub mod mcp;
mod message;
mod sign;

pub(crate) use self::envelope::Envelope;
pub use self::message::Message;
pub use self::sign::{SignError, SignMessage, UnsignedMessage};

/// The member of `params._meta` that holds the proof.
pub const ENVELOPE: &str = "dev.countersign/request";

/// The member of `params._meta` in which a verifier tells the server behind it who asks.
pub const CALLER: &str = "dev.countersign/caller";

/// What separates these signatures from all others by the same key.
pub const CONTEXT: &str = "countersign-jsonrpc-v1";

/// The one of [`UNCOVERED`] that may be an integer.
pub(crate) const PROGRESS: &str = "progressToken";

/// The members of `_meta` that relays add and change, and that nothing may rely on.
pub const UNCOVERED: [&str; 4] = [PROGRESS, "traceparent", "tracestate", "baggage"];

#[cfg(test)]
mod tests;
