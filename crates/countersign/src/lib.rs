//! Two proofs on every request of an AI agent, checked offline.
//!
//! 1. **Who let it**: a delegation token ([`token`]), a Biscuit in a closed profile, that binds user, agent key, purpose,
//!    audience, rights and expiry, and that any holder can narrow and hand on.
//! 2. **Who is asking now, and for exactly what**: an RFC 9421 signature over this one request ([`request`]), by the key
//!    that the token names.
//!
//! | you are | start at |
//! | --- | --- |
//! | a service that verifies requests | [`verify::Verifier`], or the middleware in `countersign-tower` |
//! | an agent that signs requests and hands tokens on | [`token::OpenToken`], [`request::SignRequest`] |
//! | an issuer | [`token::Grant`], [`rar::AuthorizationDetails`] |
//! | writing an implementation of your own | `spec/` and `test-vectors/` |
//!
//! [`guide`] has a page for each of them.
//!
//! This crate does no input and output, has no clock and no randomness, and is not async: time, seeds and nonces are
//! arguments, and what needs a store is named and handed back ([`verify`]).
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "tests say what went wrong by panicking"
    )
)]

pub mod checks;
mod code;
mod denial;
mod encoding;
pub mod guide;
pub mod json;
pub mod jsonrpc;
pub mod key;
pub mod rar;
pub mod request;
pub mod revocation;
pub mod time;
pub mod token;
pub mod verify;

pub use code::{Class, Code, Stage};
pub use denial::Denial;
pub use encoding::{from_base64url, from_hex, to_base64url, to_hex};
