//! Test material for Countersign, built without the code that it tests.
//!
//! A vector that the encoder under test had written would pass whatever that encoder gets wrong.
//! So everything here that makes tokens and requests starts from primitives: a protobuf writer, a
//! symbol table, Ed25519, and the text of RFC 9421. Every piece can be replaced, which is how a
//! vector breaks exactly one thing.
//!
//! - [`keys`] and [`clock`]: the fixed keys and the fixed time of all vectors;
//! - [`wire`], [`raw_checks`], [`raw_token`], [`raw_request`], [`raw_rpc`]: the builders;
//! - [`mod@format`], [`format_rpc`]: the JSON format of the vector files, for generators and runners;
//! - [`format_rar`]: the same for authorization details;
//! - [`vectors`]: what the files under `test-vectors/` contain;
//! - [`mod@reference`]: a verifier that is the text transcribed, and shows every rule that an input breaks;
//! - [`runner`], [`setup`]: reading the files and running them;
//! - [`forge`]: forged requests by the million, and who judges them.
//!
//! The code under test is used by `setup` and by the judge of `forge` alone.
//!
//! Nothing here is for production: keys are public, inputs are trusted, and failures panic.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test tool over its own fixed inputs: a panic is the report of a broken vector"
)]

pub mod clock;
pub mod forge;
pub mod format;
pub mod format_rar;
pub mod format_revocation;
pub mod format_rpc;
pub mod keys;
pub mod raw_approval;
pub mod raw_checks;
pub mod raw_request;
pub mod raw_rpc;
pub mod raw_token;
pub mod reference;
pub mod runner;
pub mod setup;
pub mod text;
pub mod vectors;
pub mod wire;
