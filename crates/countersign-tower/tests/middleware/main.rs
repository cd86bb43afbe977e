//! The layer behind real sockets: axum serves on loopback, the client writes bytes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests say what went wrong by panicking"
)]

mod answers;
mod authorization;
mod flights;
mod framing;
mod gate;
mod handed_on;
mod handlers;
mod http2;
#[cfg(feature = "jwks")]
mod jwks;
mod messages;
mod proofs;
mod revocations;
mod slow;
mod spool;
mod stores;
mod support;
mod tls;
mod vectors;
