//! Signing clients against services on loopback: axum behind the layer, hyper-util and reqwest in front.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod keys;
mod redirects;
mod refusals;
mod requests;
mod retries;
mod support;
